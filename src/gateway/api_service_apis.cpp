// REST APIs, resources, models, validators, deployments and stages.
#include "gateway/api_binding.hpp"
#include "gateway/description.hpp"

namespace sallyport::gateway {
namespace {

using json::Value;
using wire::Parameters;

constexpr std::size_t api_id_size = 10, id_size = 6;
constexpr std::string_view no_traces = "traces are not sent to X-Ray";

bool embeds(const Parameters& in, std::string_view what) {
  const auto list = in.texts("embed").value_or(std::vector<std::string>());
  return std::find(list.begin(), list.end(), what) != list.end();
}

Answer<Value> create_rest_api(Change& change) {
  const auto& in = change.in;
  if (in.has("description") && in.required("description").empty()) return bad_request("Description cannot be an empty string");
  if (const auto size = in.integer("minimumCompressionSize"))
    if (auto good = check_compression(*size); !good) return std::unexpected(good.error());
  CreateRestApiRequest request;
  request.id = change.new_id(api_id_size);
  request.root_resource_id = change.new_id(api_id_size);
  request.name = in.required("name");
  request.description = in.text_or("description", "");
  request.version = in.text_or("version", "");
  request.binary_media_types = in.texts("binaryMediaTypes").value_or(std::vector<std::string>());
  request.api_key_source = in.text_or("apiKeySource", request.api_key_source);
  request.disable_execute_api_endpoint = in.boolean("disableExecuteApiEndpoint").value_or(false);
  request.tags = in.text_map("tags").value_or(TextMap());
  if (const auto endpoint = in.structure("endpointConfiguration")) {
    const auto types = endpoint->texts("types").value_or(std::vector<std::string>());
    if (types.size() > 1) return unsupported("endpointConfiguration.types takes one type");
    if (!types.empty()) request.endpoint_type = types.front();
    request.ip_address_type = endpoint->text_or("ipAddressType", request.ip_address_type);
  }
  if (const auto policy = in.text("policy"); policy && !policy->empty()) {
    auto document = parse_policy_text(*policy);
    if (!document) return std::unexpected(document.error());
    request.policy = std::move(*document);
  }
  const auto made = change.operations.create_rest_api(std::move(request));
  if (!made) return std::unexpected(made.error());
  return describe(**made, EmptyTags::absent);
}

Answer<Value> show_api(const State& state, const Parameters& in) {
  const auto api = look_up_api(state, in.required("restApiId"));
  if (!api) return std::unexpected(api.error());
  return describe(**api, EmptyTags::shown);
}

Answer<Value> show_resource(const State& state, const Parameters& in, bool whole) {
  const auto resource = look_up_resource(state, in.required("restApiId"), in.required("resourceId"));
  if (!resource) return std::unexpected(resource.error());
  return describe(**resource, whole);
}

Answer<Value> show_model(const State& state, const Parameters& in) {
  const auto model = look_up_model(state, in.required("restApiId"), in.required("modelName"));
  if (!model) return std::unexpected(model.error());
  return describe(**model);
}

Answer<Value> show_validator(const State& state, const Parameters& in) {
  const auto validator = look_up_validator(state, in.required("restApiId"), in.required("requestValidatorId"));
  if (!validator) return std::unexpected(validator.error());
  return describe(**validator);
}

Answer<Value> show_deployment(const State& state, const Parameters& in, bool summary) {
  const auto deployment = look_up_deployment(state, in.required("restApiId"), in.required("deploymentId"));
  if (!deployment) return std::unexpected(deployment.error());
  return describe(**deployment, summary);
}

Answer<Value> show_stage(const State& state, const Parameters& in) {
  const auto stage = look_up_stage(state, in.required("restApiId"), in.required("stageName"));
  if (!stage) return std::unexpected(stage.error());
  return describe(**stage);
}

void bind_resources(Binding& binding) {
  binding.write("CreateResource", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    const auto made = change.operations.create_resource(
        {in.required("restApiId"), change.new_id(id_size), in.required("parentId"), in.required("pathPart")});
    if (!made) return std::unexpected(made.error());
    return describe(**made, false);
  });
  binding.read("GetResource", [](const State& state, const Parameters& in) { return show_resource(state, in, embeds(in, "methods")); });
  binding.read("GetResources", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    const bool whole = embeds(in, "methods");
    return page_of((*api)->draft->resources, in, [&](const auto&, const Resource& resource) { return describe(resource, whole); });
  });
  binding.write("UpdateResource", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_resource(in.required("restApiId"), in.required("resourceId"), patch_operations(in)), change,
                     [](const State& state, const Parameters& of) { return show_resource(state, of, false); });
  });
  binding.write("DeleteResource", [](Change& change) {
    return then_nothing(change.operations.delete_resource(change.in.required("restApiId"), change.in.required("resourceId")));
  });
}

void bind_models(Binding& binding) {
  binding.write("CreateModel", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    const auto made = change.operations.create_model({in.required("restApiId"), change.new_id(id_size), in.required("name"),
                                                      in.text_or("description", ""), in.required("contentType"), in.text_or("schema", "")});
    if (!made) return std::unexpected(made.error());
    return describe(**made);
  });
  binding.read("GetModel", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto model = look_up_model(state, in.required("restApiId"), in.required("modelName"));
    if (model && in.boolean("flatten").value_or(false) && (*model)->schema.contains("$ref"))
      return unsupported("flatten is not supported by this version for a model that refers to others");
    return show_model(state, in);
  });
  binding.read("GetModels", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*api)->draft->models, in, [](const auto&, const Model& model) { return describe(model); });
  });
  binding.write("UpdateModel", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_model(in.required("restApiId"), in.required("modelName"), patch_operations(in)), change,
                     show_model);
  });
  binding.write("DeleteModel", [](Change& change) {
    return then_nothing(change.operations.delete_model(change.in.required("restApiId"), change.in.required("modelName")));
  });

  binding.write("CreateRequestValidator", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    const auto made = change.operations.create_request_validator({in.required("restApiId"), change.new_id(id_size), in.text_or("name", ""),
                                                                  in.boolean("validateRequestBody").value_or(false),
                                                                  in.boolean("validateRequestParameters").value_or(false)});
    if (!made) return std::unexpected(made.error());
    return describe(**made);
  });
  binding.read("GetRequestValidator", show_validator);
  binding.read("GetRequestValidators", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*api)->draft->validators, in, [](const auto&, const RequestValidator& validator) { return describe(validator); });
  });
  binding.write("UpdateRequestValidator", [](Change& change) {
    const auto& in = change.in;
    return then_show(
        change.operations.update_request_validator(in.required("restApiId"), in.required("requestValidatorId"), patch_operations(in)),
        change, show_validator);
  });
  binding.write("DeleteRequestValidator", [](Change& change) {
    return then_nothing(
        change.operations.delete_request_validator(change.in.required("restApiId"), change.in.required("requestValidatorId")));
  });
}

Answer<> refuse_stage_features(const Parameters& in) { return refuse_true(in, "tracingEnabled", no_traces); }

void bind_deployments(Binding& binding) {
  binding.write("CreateDeployment", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    if (auto good = refuse_stage_features(in); !good) return std::unexpected(good.error());
    const auto made = change.operations.create_deployment({in.required("restApiId"), change.new_id(id_size), in.text_or("description", ""),
                                                           in.text_or("stageName", ""), in.text_or("stageDescription", ""),
                                                           in.text_map("variables").value_or(TextMap()), in.boolean("cacheClusterEnabled"),
                                                           in.text_or("cacheClusterSize", "")});
    if (!made) return std::unexpected(made.error());
    return describe(**made, false);
  });
  binding.read("GetDeployment",
               [](const State& state, const Parameters& in) { return show_deployment(state, in, embeds(in, "apisummary")); });
  binding.read("GetDeployments", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    return page_of((*api)->deployments, in, [](const auto&, const Shared<Deployment>& deployment) { return describe(*deployment, false); });
  });
  binding.write("UpdateDeployment", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_deployment(in.required("restApiId"), in.required("deploymentId"), patch_operations(in)),
                     change, [](const State& state, const Parameters& of) { return show_deployment(state, of, false); });
  });
  binding.write("DeleteDeployment", [](Change& change) {
    return then_nothing(change.operations.delete_deployment(change.in.required("restApiId"), change.in.required("deploymentId")));
  });
}

void bind_stages(Binding& binding) {
  binding.write("CreateStage", [](Change& change) -> Answer<Value> {
    const auto& in = change.in;
    if (auto good = refuse_stage_features(in); !good) return std::unexpected(good.error());
    const auto made = change.operations.create_stage(
        {in.required("restApiId"), in.required("stageName"), in.required("deploymentId"), in.text_or("description", ""),
         in.text_map("variables").value_or(TextMap()), in.text_or("documentationVersion", ""), in.text_map("tags").value_or(TextMap()),
         in.boolean("cacheClusterEnabled").value_or(false), in.text_or("cacheClusterSize", "")});
    if (!made) return std::unexpected(made.error());
    return describe(**made);
  });
  binding.read("GetStage", show_stage);
  // The one list without pages; its member is `item` in the model too.
  binding.read("GetStages", [](const State& state, const Parameters& in) -> Answer<Value> {
    const auto api = look_up_api(state, in.required("restApiId"));
    if (!api) return std::unexpected(api.error());
    const auto deployment = in.text("deploymentId");
    json::Array stages;
    for (const auto& [name, stage] : (*api)->stages)
      if (!deployment || stage.deployment_id == *deployment) stages.push_back(describe(stage));
    return json::Object{{"item", std::move(stages)}};
  });
  binding.write("UpdateStage", [](Change& change) {
    const auto& in = change.in;
    return then_show(change.operations.update_stage(in.required("restApiId"), in.required("stageName"), patch_operations(in)), change,
                     show_stage);
  });
  binding.write("DeleteStage", [](Change& change) {
    return then_nothing(change.operations.delete_stage(change.in.required("restApiId"), change.in.required("stageName")));
  });
  binding.write("FlushStageAuthorizersCache", [](Change& change) {
    return then_nothing(change.operations.flush_stage_authorizers_cache(change.in.required("restApiId"), change.in.required("stageName")));
  });
  binding.write("FlushStageCache", [](Change& change) {
    return then_nothing(change.operations.flush_stage_cache(change.in.required("restApiId"), change.in.required("stageName")));
  });
}

}  // namespace

void bind_apis(Binding& binding) {
  binding.write("CreateRestApi", create_rest_api);
  binding.read("GetRestApi", show_api);
  binding.read("GetRestApis", [](const State& state, const Parameters& in) {
    return page_of(state.apis, in, [](const auto&, const Shared<RestApi>& api) { return describe(*api, EmptyTags::shown); });
  });
  binding.write("UpdateRestApi", [](Change& change) {
    return then_show(change.operations.update_rest_api(change.in.required("restApiId"), patch_operations(change.in)), change, show_api);
  });
  binding.write("DeleteRestApi",
                [](Change& change) { return then_nothing(change.operations.delete_rest_api(change.in.required("restApiId"))); });
  bind_resources(binding);
  bind_models(binding);
  bind_deployments(binding);
  bind_stages(binding);
}

}  // namespace sallyport::gateway
