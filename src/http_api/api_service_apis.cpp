// APIs and tags.
#include "http_api/api_binding.hpp"
#include "http_api/description.hpp"

namespace sallyport::http_api {
namespace {

using control::Call;
using json::Value;
using wire::Parameters;

Cors read_cors(const Parameters& in) {
  return {in.boolean("AllowCredentials"), in.texts("AllowHeaders"),  in.texts("AllowMethods"),
          in.texts("AllowOrigins"),       in.texts("ExposeHeaders"), integer_of(in, "MaxAge")};
}

Answer<ApiInput> read_api(const Parameters& in) {
  if (in.boolean("DisableSchemaValidation").value_or(false))
    return gateway::unsupported("disableSchemaValidation is for WebSocket APIs, which are not supported");
  ApiInput input;
  input.name = in.text("Name");
  input.description = in.text("Description");
  input.version = in.text("Version");
  input.route_selection_expression = in.text("RouteSelectionExpression");
  input.api_key_selection_expression = in.text("ApiKeySelectionExpression");
  input.ip_address_type = in.text("IpAddressType");
  if (const auto cors = in.structure("CorsConfiguration")) input.cors = read_cors(*cors);
  input.disable_execute_api_endpoint = in.boolean("DisableExecuteApiEndpoint");
  input.target = in.text("Target");
  input.route_key = in.text("RouteKey");
  input.credentials = in.text("CredentialsArn");
  return input;
}

Answer<Value> show_api(const State& state, const Call& call, const std::string& id) {
  const auto api = look_up_api(state, id);
  if (!api) return std::unexpected(api.error());
  return describe(**api, call.origin);
}

Answer<Value> create_api(Change& change) {
  auto input = read_api(change.in);
  if (!input) return std::unexpected(input.error());
  const auto made = change.operations.create_api({}, change.in.required("ProtocolType"), std::move(*input),
                                                 change.in.text_map("Tags").value_or(TextMap()));
  if (!made) return std::unexpected(made.error());
  return then_show(made, change, [id = (*made)->id](const State& state, const Call& call) { return show_api(state, call, id); });
}

}  // namespace

void bind_apis(Binding& binding) {
  const auto show = [](const State& state, const Call& call) { return show_api(state, call, call.in.required("ApiId")); };
  binding.write("CreateApi", create_api);
  binding.read("GetApi", show);
  binding.read("GetApis", [](const State& state, const Call& call) {
    return page_of(state.apis, call.in, [&](const auto&, const Shared<Api>& api) { return describe(*api, call.origin); });
  });
  binding.write("UpdateApi", [show](Change& change) -> Answer<Value> {
    auto input = read_api(change.in);
    if (!input) return std::unexpected(input.error());
    return then_show(change.operations.update_api(change.in.required("ApiId"), std::move(*input)), change, show);
  });
  binding.write("DeleteApi",
                [](Change& change) { return then_nothing(change.operations.delete_api(change.in.required("ApiId")), change); });
  binding.write("DeleteCorsConfiguration", [](Change& change) {
    return then_nothing(change.operations.delete_cors_configuration(change.in.required("ApiId")), change);
  });

  binding.read("GetTags", [](const State& state, const Call& call) -> Answer<Value> {
    const auto tags = tags_of(state, call.in.required("ResourceArn"));
    if (!tags) return std::unexpected(tags.error());
    return json::Object{{"Tags", describe(*tags)}};
  });
  binding.write("TagResource", [](Change& change) {
    return then_nothing(change.operations.tag_resource(change.in.required("ResourceArn"), change.in.text_map("Tags").value_or(TextMap())),
                        change);
  });
  binding.write("UntagResource", [](Change& change) {
    const auto keys = change.in.texts("TagKeys").value_or(std::vector<std::string>());
    return then_nothing(change.operations.untag_resource(change.in.required("ResourceArn"), keys), change);
  });
}

}  // namespace sallyport::http_api
