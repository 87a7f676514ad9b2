// Stages and deployments.
#include "http_api/api_binding.hpp"
#include "http_api/description.hpp"

namespace sallyport::http_api {
namespace {

using control::Call;
using json::Value;
using wire::Parameters;

Answer<RouteSettings> read_settings(const Parameters& in) {
  if (in.boolean("DataTraceEnabled").value_or(false) || in.text_or("LoggingLevel", "OFF") != "OFF")
    return gateway::bad_request("Execution logs are not supported on protocolType HTTP");
  return RouteSettings{in.boolean("DetailedMetricsEnabled"), in.number("ThrottlingRateLimit"), integer_of(in, "ThrottlingBurstLimit")};
}

Answer<StageInput> read_stage(const Parameters& in) {
  StageInput input;
  input.description = in.text("Description");
  input.deployment_id = in.text("DeploymentId");
  input.auto_deploy = in.boolean("AutoDeploy");
  input.variables = in.text_map("StageVariables");
  if (const auto settings = in.structure("DefaultRouteSettings")) {
    auto read = read_settings(*settings);
    if (!read) return std::unexpected(read.error());
    input.default_route_settings = *read;
  }
  if (const auto routes = in.structure_map("RouteSettings")) {
    input.route_settings.emplace();
    for (const auto& [key, settings] : *routes) {
      auto read = read_settings(settings);
      if (!read) return std::unexpected(read.error());
      input.route_settings->emplace(key, *read);
    }
  }
  if (const auto log = in.structure("AccessLogSettings")) {
    input.access_log_destination = log->text("DestinationArn");
    input.access_log_format = log->text("Format");
  }
  return input;
}

Answer<Value> show_stage(const State& state, const Call& call) {
  const auto stage = look_up_stage(state, call.in.required("ApiId"), call.in.required("StageName"));
  if (!stage) return std::unexpected(stage.error());
  return describe(**stage);
}

Answer<Value> show_deployment(const State& state, const Call& call) {
  const auto deployment = look_up_deployment(state, call.in.required("ApiId"), call.in.required("DeploymentId"));
  if (!deployment) return std::unexpected(deployment.error());
  return describe(**deployment);
}

void bind_deployments(Binding& binding) {
  binding.write("CreateDeployment", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    const auto made =
        change.operations.create_deployment(in.required("ApiId"), {}, in.text_or("Description", ""), in.text_or("StageName", ""));
    if (!made) return std::unexpected(made.error());
    return describe(**made);
  });
  binding.read("GetDeployment", show_deployment);
  binding.read("GetDeployments", [](const State& state, const Call& call) -> Answer<Value> {
    const auto api = look_up_api(state, call.in.required("ApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*api)->deployments, call.in, [](const auto&, const Shared<Deployment>& deployment) { return describe(*deployment); });
  });
  binding.write("UpdateDeployment", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    const auto description = in.text("Description");
    if (!description) return show_deployment(change.draft, change.call);
    return then_show(change.operations.update_deployment(in.required("ApiId"), in.required("DeploymentId"), *description), change,
                     show_deployment);
  });
  binding.write("DeleteDeployment", [](Change& change) {
    return then_nothing(change.operations.delete_deployment(change.in.required("ApiId"), change.in.required("DeploymentId")), change);
  });
}

}  // namespace

void bind_stages(Binding& binding) {
  binding.write("CreateStage", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    auto input = read_stage(in);
    if (!input) return std::unexpected(input.error());
    return then_show(change.operations.create_stage(in.required("ApiId"), in.required("StageName"), std::move(*input),
                                                    in.text_map("Tags").value_or(TextMap())),
                     change, show_stage);
  });
  binding.read("GetStage", show_stage);
  binding.read("GetStages", [](const State& state, const Call& call) -> Answer<Value> {
    const auto api = look_up_api(state, call.in.required("ApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*api)->stages, call.in, [](const auto&, const Stage& stage) { return describe(stage); });
  });
  binding.write("UpdateStage", [](Change& change) -> Answer<Value> {
    auto input = read_stage(change.in);
    if (!input) return std::unexpected(input.error());
    return then_show(change.operations.update_stage(change.in.required("ApiId"), change.in.required("StageName"), std::move(*input)),
                     change, show_stage);
  });
  binding.write("DeleteStage", [](Change& change) {
    return then_nothing(change.operations.delete_stage(change.in.required("ApiId"), change.in.required("StageName")), change);
  });
  binding.write("DeleteRouteSettings", [](Change& change) {
    const auto& in = change.in;
    return then_nothing(change.operations.delete_route_settings(in.required("ApiId"), in.required("StageName"), in.required("RouteKey")),
                        change);
  });
  binding.write("DeleteAccessLogSettings", [](Change& change) {
    return then_nothing(change.operations.delete_access_log_settings(change.in.required("ApiId"), change.in.required("StageName")), change);
  });
  binding.write("ResetAuthorizersCache", [](Change& change) {
    return then_nothing(change.operations.reset_authorizers_cache(change.in.required("ApiId"), change.in.required("StageName")), change);
  });
  bind_deployments(binding);
}

}  // namespace sallyport::http_api
