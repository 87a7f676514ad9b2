// Routes, integrations, authorizers.
#include "http_api/api_binding.hpp"
#include "http_api/description.hpp"

namespace sallyport::http_api {
namespace {

using control::Call;
using json::Value;
using wire::Parameters;

/// Shows one member of an API, by the member of the input that names it.
template <class T>
auto shower(Answer<const T*> (*look_up)(const State&, const std::string&, const std::string&), const char* id_member) {
  return [=](const State& state, const Call& call) -> Answer<Value> {
    const auto found = look_up(state, call.in.required("ApiId"), call.in.required(id_member));
    if (!found) return std::unexpected(found.error());
    return describe(**found);
  };
}

/// The answer of a creation.
template <class T>
Answer<Value> then_show_made(const Answer<const T*>& made, Change& change,
                             Answer<const T*> (*look_up)(const State&, const std::string&, const std::string&)) {
  if (!made) return std::unexpected(made.error());
  return then_show(made, change, [look_up, id = (*made)->id](const State& state, const Call& call) -> Answer<Value> {
    const auto found = look_up(state, call.in.required("ApiId"), id);
    if (!found) return std::unexpected(found.error());
    return describe(**found);
  });
}

/// One page of the members of an API.
template <class T>
auto lister(std::map<std::string, T, std::less<>> Definition::* map) {
  return [map](const State& state, const Call& call) -> Answer<Value> {
    const auto api = look_up_api(state, call.in.required("ApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*(*api)->draft).*map, call.in, [](const auto&, const T& each) { return describe(each); });
  };
}

IntegrationInput read_integration(const Parameters& in) {
  IntegrationInput input;
  input.type = in.text("IntegrationType");
  input.connection_type = in.text("ConnectionType");
  input.description = in.text("Description");
  input.uri = in.text("IntegrationUri");
  input.method = in.text("IntegrationMethod");
  input.payload_format_version = in.text("PayloadFormatVersion");
  input.credentials = in.text("CredentialsArn");
  input.request_parameters = in.text_map("RequestParameters");
  input.timeout_ms = integer_of(in, "TimeoutInMillis");
  const auto* responses = in.value("ResponseParameters");
  if (!responses || !responses->object()) return input;
  input.response_parameters.emplace();
  for (const auto& [status, mappings] : *responses->object()) {
    auto& kept = (*input.response_parameters)[status];
    if (mappings.object())
      for (const auto& [key, value] : *mappings.object()) kept.emplace(key, value.string() ? *value.string() : std::string());
  }
  return input;
}

Answer<RouteInput> read_route(const Parameters& in) {
  if (in.boolean("ApiKeyRequired").value_or(false))
    return gateway::unsupported("apiKeyRequired is for WebSocket APIs: HTTP APIs have no API keys");
  RouteInput input;
  input.key = in.text("RouteKey");
  input.target = in.text("Target");
  input.authorization_type = in.text("AuthorizationType");
  input.authorizer_id = in.text("AuthorizerId");
  input.scopes = in.texts("AuthorizationScopes");
  input.operation_name = in.text("OperationName");
  return input;
}

AuthorizerInput read_authorizer(const Parameters& in) {
  AuthorizerInput input;
  input.name = in.text("Name");
  input.type = in.text("AuthorizerType");
  input.identity_sources = in.texts("IdentitySource");
  if (const auto jwt = in.structure("JwtConfiguration")) {
    input.issuer = jwt->text("Issuer");
    input.audiences = jwt->texts("Audience");
  }
  input.uri = in.text("AuthorizerUri");
  input.credentials = in.text("AuthorizerCredentialsArn");
  input.payload_format_version = in.text("AuthorizerPayloadFormatVersion");
  input.simple_responses = in.boolean("EnableSimpleResponses");
  input.ttl_s = integer_of(in, "AuthorizerResultTtlInSeconds");
  return input;
}

void bind_integrations(Binding& binding) {
  const auto show = shower(look_up_integration, "IntegrationId");
  binding.write("CreateIntegration", [](Change& change) {
    const auto made = change.operations.create_integration(change.in.required("ApiId"), {}, read_integration(change.in));
    return then_show_made(made, change, look_up_integration);
  });
  binding.read("GetIntegration", show);
  binding.read("GetIntegrations", lister(&Definition::integrations));
  binding.write("UpdateIntegration", [show](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_integration(in.required("ApiId"), in.required("IntegrationId"), read_integration(in)), change,
                     show);
  });
  binding.write("DeleteIntegration", [](Change& change) {
    return then_nothing(change.operations.delete_integration(change.in.required("ApiId"), change.in.required("IntegrationId")), change);
  });
}

void bind_authorizers(Binding& binding) {
  const auto show = shower(look_up_authorizer, "AuthorizerId");
  binding.write("CreateAuthorizer", [](Change& change) {
    const auto made = change.operations.create_authorizer(change.in.required("ApiId"), {}, read_authorizer(change.in));
    return then_show_made(made, change, look_up_authorizer);
  });
  binding.read("GetAuthorizer", show);
  binding.read("GetAuthorizers", lister(&Definition::authorizers));
  binding.write("UpdateAuthorizer", [show](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_authorizer(in.required("ApiId"), in.required("AuthorizerId"), read_authorizer(in)), change,
                     show);
  });
  binding.write("DeleteAuthorizer", [](Change& change) {
    return then_nothing(change.operations.delete_authorizer(change.in.required("ApiId"), change.in.required("AuthorizerId")), change);
  });
}

}  // namespace

void bind_routes(Binding& binding) {
  const auto show = shower(look_up_route, "RouteId");
  binding.write("CreateRoute", [](Change& change) -> Answer<Value> {
    auto input = read_route(change.in);
    if (!input) return std::unexpected(input.error());
    const auto made = change.operations.create_route(change.in.required("ApiId"), {}, std::move(*input));
    return then_show_made(made, change, look_up_route);
  });
  binding.read("GetRoute", show);
  binding.read("GetRoutes", lister(&Definition::routes));
  binding.write("UpdateRoute", [show](Change& change) -> Answer<Value> {
    auto input = read_route(change.in);
    if (!input) return std::unexpected(input.error());
    return then_show(change.operations.update_route(change.in.required("ApiId"), change.in.required("RouteId"), std::move(*input)), change,
                     show);
  });
  binding.write("DeleteRoute", [](Change& change) {
    return then_nothing(change.operations.delete_route(change.in.required("ApiId"), change.in.required("RouteId")), change);
  });
  bind_integrations(binding);
  bind_authorizers(binding);
}

}  // namespace sallyport::http_api
