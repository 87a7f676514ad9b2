// Methods, integrations, authorizers and gateway responses.
#include "gateway/api_binding.hpp"
#include "gateway/description.hpp"
#include "gateway/services.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

using json::Value;
using wire::Parameters;

constexpr std::size_t id_size = 6;

std::optional<std::string> text_if_any(const Parameters& in, std::string_view name) {
  auto text = in.text(name);
  return text && !text->empty() ? text : std::nullopt;
}
TextMap texts_of(const Parameters& in, std::string_view name) { return in.text_map(name).value_or(TextMap()); }
Answer<Value> show_method(const State& state, const Parameters& in) {
  const auto address = method_address(in);
  const auto method = look_up_method(state, address);
  if (!method) return std::unexpected(method.error());
  return describe(**look_up_resource(state, address.rest_api_id, address.resource_id), address.http_method, **method);
}

Answer<Value> show_method_response(const State& state, const Parameters& in) {
  const auto status = in.required("statusCode");
  const auto response = look_up_method_response(state, method_address(in), status);
  if (!response) return std::unexpected(response.error());
  return describe(status, **response);
}

Answer<Value> show_integration(const State& state, const Parameters& in) {
  const auto address = method_address(in);
  const auto integration = look_up_integration(state, address);
  if (!integration) return std::unexpected(integration.error());
  return describe(address.resource_id, **integration);
}

Answer<Value> show_integration_response(const State& state, const Parameters& in) {
  const auto status = in.required("statusCode");
  const auto response = look_up_integration_response(state, method_address(in), status);
  if (!response) return std::unexpected(response.error());
  return describe(status, **response);
}

Answer<Value> show_authorizer(const State& state, const Parameters& in) {
  const auto authorizer = look_up_authorizer(state, in.required("restApiId"), in.required("authorizerId"));
  if (!authorizer) return std::unexpected(authorizer.error());
  return describe(**authorizer);
}

Answer<Value> show_gateway_response(const State& state, const Parameters& in) {
  const auto api = look_up_api(state, in.required("restApiId"));
  if (!api) return std::unexpected(api.error());
  const auto type = read_response_type(in.required("responseType"));
  if (!type) return std::unexpected(type.error());
  return describe(*type, *(*api)->draft);
}

void bind_method(Binding& binding) {
  binding.write("PutMethod", [](Change& change) {
    const auto& in = change.in;
    PutMethodRequest request;
    request.rest_api_id = in.required("restApiId");
    request.resource_id = in.required("resourceId");
    request.http_method = in.required("httpMethod");
    request.authorization_type = in.required("authorizationType");
    request.authorizer_id = text_if_any(in, "authorizerId");
    request.api_key_required = in.boolean("apiKeyRequired").value_or(false);
    request.operation_name = in.text_or("operationName", "");
    request.request_parameters = flag_map(in, "requestParameters");
    request.request_models = texts_of(in, "requestModels");
    request.request_validator_id = in.text_or("requestValidatorId", "");
    request.authorization_scopes = in.texts("authorizationScopes").value_or(std::vector<std::string>());
    return then_show(change.operations.put_method(std::move(request)), change, show_method);
  });
  binding.read("GetMethod", show_method);
  binding.write("UpdateMethod", [](Change& change) {
    return then_show(change.operations.update_method(method_address(change.in), patch_operations(change.in)), change, show_method);
  });
  binding.write("DeleteMethod", [](Change& change) {
    const auto [api_id, resource_id, verb] = method_address(change.in);
    return then_nothing(change.operations.delete_method(api_id, resource_id, verb));
  });

  binding.write("PutMethodResponse", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.put_method_response({in.required("restApiId"), in.required("resourceId"), in.required("httpMethod"),
                                                            in.required("statusCode"), flag_map(in, "responseParameters"),
                                                            texts_of(in, "responseModels")}),
                     change, show_method_response);
  });
  binding.read("GetMethodResponse", show_method_response);
  binding.write("UpdateMethodResponse", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_method_response(method_address(in), in.required("statusCode"), patch_operations(in)), change,
                     show_method_response);
  });
  binding.write("DeleteMethodResponse", [](Change& change) {
    return then_nothing(change.operations.delete_method_response(method_address(change.in), change.in.required("statusCode")));
  });
}

void bind_integration(Binding& binding) {
  binding.write("PutIntegration", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    PutIntegrationRequest request;
    request.rest_api_id = in.required("restApiId");
    request.resource_id = in.required("resourceId");
    request.http_method = in.required("httpMethod");
    request.type = in.required("type");
    request.uri = in.text_or("uri", "");
    request.integration_http_method = in.text_or("integrationHttpMethod", "");
    request.connection_type = in.text_or("connectionType", "");
    request.credentials = text_if_any(in, "credentials");
    request.request_parameters = texts_of(in, "requestParameters");
    request.request_templates = texts_of(in, "requestTemplates");
    request.passthrough_behavior = in.text_or("passthroughBehavior", "");
    request.timeout_ms = integer_of(in, "timeoutInMillis");
    request.content_handling = text_if_any(in, "contentHandling");
    request.cache_namespace = in.text_or("cacheNamespace", "");
    request.cache_key_parameters = in.texts("cacheKeyParameters").value_or(std::vector<std::string>());
    if (in.text_or("responseTransferMode", "BUFFERED") != "BUFFERED")
      return unsupported("responseTransferMode is not supported by this version: answers are buffered");
    return then_show(change.operations.put_integration(std::move(request)), change, show_integration);
  });
  binding.read("GetIntegration", show_integration);
  binding.write("UpdateIntegration", [](Change& change) {
    return then_show(change.operations.update_integration(method_address(change.in), patch_operations(change.in)), change,
                     show_integration);
  });
  binding.write("DeleteIntegration",
                [](Change& change) { return then_nothing(change.operations.delete_integration(method_address(change.in))); });

  binding.write("PutIntegrationResponse", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.put_integration_response({in.required("restApiId"), in.required("resourceId"),
                                                                 in.required("httpMethod"), in.required("statusCode"),
                                                                 in.text_or("selectionPattern", ""), texts_of(in, "responseParameters"),
                                                                 texts_of(in, "responseTemplates"), text_if_any(in, "contentHandling")}),
                     change, show_integration_response);
  });
  binding.read("GetIntegrationResponse", show_integration_response);
  binding.write("UpdateIntegrationResponse", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_integration_response(method_address(in), in.required("statusCode"), patch_operations(in)),
                     change, show_integration_response);
  });
  binding.write("DeleteIntegrationResponse", [](Change& change) {
    return then_nothing(change.operations.delete_integration_response(method_address(change.in), change.in.required("statusCode")));
  });
}

/// The key sets of all issuers of a configuration, found now: an authorizer that could not work is refused while somebody looks.
Task<Answer<TextMap>> find_key_sets(oidc::Issuers& issuers, io::Loop& loop, const JwtConfiguration& configuration) {
  TextMap found;
  for (const auto& issuer : configuration.issuers) {
    auto uri = co_await attempt(issuers.discover(loop, issuer.issuer));
    if (!uri)
      co_return fail(
          aws::ApiError{"BadRequestException", 400,
                        cat("The OpenID configuration of the issuer ", issuer.issuer, " cannot be read: ", uri.error().message)});
    found.emplace(issuer.issuer, std::move(*uri));
  }
  co_return found;
}

Answer<> check_jwt_is_on(const Services& services) {
  if (services.settings.rest_jwt_authorizers) return {};
  return unsupported("authorizers of type JWT on REST APIs are switched off: start the server with --rest-jwt-authorizers");
}

Answer<Value> create_authorizer(Change& change, std::optional<JwtConfiguration> jwt) {
  const auto& in = change.in;
  CreateAuthorizerRequest request;
  request.rest_api_id = in.required("restApiId");
  request.id = change.new_id(id_size);
  request.name = in.required("name");
  request.type = in.required("type");
  request.authorizer_uri = in.text_or("authorizerUri", "");
  request.authorizer_credentials = text_if_any(in, "authorizerCredentials");
  request.identity_source = in.text_or("identitySource", "");
  request.identity_validation_expression = in.text_or("identityValidationExpression", "");
  request.ttl_s = integer_of(in, "authorizerResultTtlInSeconds");
  request.provider_arns = in.texts("providerARNs").value_or(std::vector<std::string>());
  in.value("jwtConfiguration");
  request.jwt = std::move(jwt);
  const auto type = in.text_or("authType", "");
  const std::string_view own = request.type == "COGNITO_USER_POOLS" ? "cognito_user_pools" : "custom";
  if (!type.empty() && type != own) return unsupported(cat("authType other than ", own, " is not supported by this version"));
  const auto made = change.operations.create_authorizer(std::move(request));
  if (!made) return std::unexpected(made.error());
  return describe(**made);
}

Task<Answer<Value>> run_create_authorizer(Ledger& ledger, const Services& services, control::Call& call) {
  std::optional<JwtConfiguration> jwt;
  if (call.in.required("type") == name_of(AuthorizerType::jwt)) {
    co_await check_jwt_is_on(services);
    const auto* given = call.in.value("jwtConfiguration");
    jwt = co_await read_jwt_configuration(given ? json::to_text(*given) : "{}");
    const auto key_sets = co_await find_key_sets(services.issuers, call.loop, *jwt);
    for (auto& issuer : jwt->issuers) issuer.jwks_uri = key_sets.at(issuer.issuer);
  }
  co_return co_await attempt(ledger.write(call, [&](State& draft) -> Answer<Value> {
    Change change{draft, Operations(draft, call.now), call.in, services.random};
    return create_authorizer(change, std::move(jwt));
  }));
}

/// What a JWT authorizer will be asked about once the patch is applied; nothing for other authorizers.
Answer<std::optional<JwtConfiguration>> configuration_after(const State& state, const Parameters& in) {
  std::optional<JwtConfiguration> configuration;
  if (const auto before = look_up_authorizer(state, in.required("restApiId"), in.required("authorizerId")))
    if ((*before)->type == AuthorizerType::jwt) configuration = (*before)->jwt;
  for (const auto& operation : patch_operations(in)) {
    if (operation.path != "/jwtConfiguration") continue;
    auto given = read_jwt_configuration(operation.value.value_or(""));
    if (!given) return std::unexpected(given.error());
    configuration = std::move(*given);
  }
  return configuration;
}

Task<Answer<Value>> run_update_authorizer(Ledger& ledger, const Services& services, control::Call& call) {
  TextMap key_sets;
  if (const auto configuration = co_await configuration_after(*ledger.read(call.scope), call.in)) {
    co_await check_jwt_is_on(services);
    key_sets = co_await find_key_sets(services.issuers, call.loop, *configuration);
  }
  co_return co_await attempt(ledger.write(call, [&](State& draft) -> Answer<Value> {
    Change change{draft, Operations(draft, call.now), call.in, services.random};
    const auto& in = call.in;
    return then_show(
        change.operations.update_authorizer(in.required("restApiId"), in.required("authorizerId"), patch_operations(in), key_sets), change,
        show_authorizer);
  }));
}

void bind_authorizers(Binding& binding) {
  binding.read("GetAuthorizer", show_authorizer);
  binding.read("GetAuthorizers", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*api)->draft->authorizers, in, [](const auto&, const AuthorizerSettings& authorizer) { return describe(authorizer); });
  });
  binding.write("DeleteAuthorizer", [](Change& change) {
    return then_nothing(change.operations.delete_authorizer(change.in.required("restApiId"), change.in.required("authorizerId")));
  });
}

void bind_gateway_responses(Binding& binding) {
  binding.write("PutGatewayResponse", [](Change& change) {
    const auto& in = change.in;
    return then_show(
        change.operations.put_gateway_response({in.required("restApiId"), in.required("responseType"), text_if_any(in, "statusCode"),
                                                texts_of(in, "responseParameters"), texts_of(in, "responseTemplates")}),
        change, show_gateway_response);
  });
  binding.read("GetGatewayResponse", show_gateway_response);
  binding.read("GetGatewayResponses", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    std::map<std::string, ResponseType, std::less<>> types;
    for (std::size_t i = 0; i < named_response_types; ++i) types.emplace(row_of(static_cast<ResponseType>(i)).name, ResponseType(i));
    return page_of(types, in, [&](const auto&, ResponseType type) { return describe(type, *(*api)->draft); });
  });
  binding.write("UpdateGatewayResponse", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_gateway_response(in.required("restApiId"), in.required("responseType"), patch_operations(in)),
                     change, show_gateway_response);
  });
  binding.write("DeleteGatewayResponse", [](Change& change) {
    return then_nothing(change.operations.delete_gateway_response(change.in.required("restApiId"), change.in.required("responseType")));
  });
}

}  // namespace

void bind_authorizer_changes(Binding& binding, Ledger& ledger, const Services& services) {
  binding.run("CreateAuthorizer", [&ledger, services](control::Call& call) { return run_create_authorizer(ledger, services, call); });
  binding.run("UpdateAuthorizer", [&ledger, services](control::Call& call) { return run_update_authorizer(ledger, services, call); });
}

void bind_methods(Binding& binding) {
  bind_method(binding);
  bind_integration(binding);
  bind_authorizers(binding);
  bind_gateway_responses(binding);
}

}  // namespace sallyport::gateway
