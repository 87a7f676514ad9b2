#include "lambda/service.hpp"

#include <memory>

#include "lambda/handlers.hpp"

namespace sallyport::lambda {

control::Service make_service(const Parts& parts) {
  control::Service service("lambda");
  const auto handlers = std::make_shared<Handlers>(parts);
  const auto on = [&](std::string operation, Accesses (Handlers::*access)(const Call&) const, Output (Handlers::*run)(Call&)) {
    service.on(
        std::move(operation), [handlers, access](const Call& call) { return ((*handlers).*access)(call); },
        [handlers, run](Call& call) { return ((*handlers).*run)(call); });
  };
  using H = Handlers;
  on("CreateFunction", &H::access_create, &H::create_function);
  on("UpdateFunctionCode", &H::access_function, &H::update_function_code);
  on("UpdateFunctionConfiguration", &H::access_configuration, &H::update_function_configuration);
  on("GetFunction", &H::access_function, &H::get_function);
  on("GetFunctionConfiguration", &H::access_function, &H::get_function_configuration);
  on("ListFunctions", &H::access_everything, &H::list_functions);
  on("DeleteFunction", &H::access_function, &H::delete_function);
  on("PublishVersion", &H::access_function, &H::publish_version);
  on("ListVersionsByFunction", &H::access_function, &H::list_versions_by_function);
  on("GetAccountSettings", &H::access_everything, &H::get_account_settings);
  on("GetFunctionCodeSigningConfig", &H::access_function, &H::get_function_code_signing_config);
  on("CreateAlias", &H::access_function, &H::create_alias);
  on("GetAlias", &H::access_function, &H::get_alias);
  on("UpdateAlias", &H::access_function, &H::update_alias);
  on("DeleteAlias", &H::access_function, &H::delete_alias);
  on("ListAliases", &H::access_function, &H::list_aliases);
  on("AddPermission", &H::access_permission, &H::add_permission);
  on("RemovePermission", &H::access_permission, &H::remove_permission);
  on("GetPolicy", &H::access_function, &H::get_policy);
  on("CreateFunctionUrlConfig", &H::access_url, &H::create_function_url_config);
  on("GetFunctionUrlConfig", &H::access_url, &H::get_function_url_config);
  on("UpdateFunctionUrlConfig", &H::access_url, &H::update_function_url_config);
  on("DeleteFunctionUrlConfig", &H::access_url, &H::delete_function_url_config);
  on("ListFunctionUrlConfigs", &H::access_function, &H::list_function_url_configs);
  on("TagResource", &H::access_tags, &H::tag_resource);
  on("UntagResource", &H::access_tags, &H::untag_resource);
  on("ListTags", &H::access_tags, &H::list_tags);
  on("PutFunctionConcurrency", &H::access_function, &H::put_function_concurrency);
  on("GetFunctionConcurrency", &H::access_function, &H::get_function_concurrency);
  on("DeleteFunctionConcurrency", &H::access_function, &H::delete_function_concurrency);
  on("PutProvisionedConcurrencyConfig", &H::access_qualified, &H::put_provisioned_concurrency_config);
  on("GetProvisionedConcurrencyConfig", &H::access_qualified, &H::get_provisioned_concurrency_config);
  on("DeleteProvisionedConcurrencyConfig", &H::access_qualified, &H::delete_provisioned_concurrency_config);
  on("ListProvisionedConcurrencyConfigs", &H::access_function, &H::list_provisioned_concurrency_configs);
  on("PutFunctionEventInvokeConfig", &H::access_function, &H::put_event_invoke_config);
  on("UpdateFunctionEventInvokeConfig", &H::access_function, &H::update_event_invoke_config);
  on("GetFunctionEventInvokeConfig", &H::access_function, &H::get_event_invoke_config);
  on("DeleteFunctionEventInvokeConfig", &H::access_function, &H::delete_event_invoke_config);
  on("ListFunctionEventInvokeConfigs", &H::access_function, &H::list_event_invoke_configs);
  on("PublishLayerVersion", &H::access_layer, &H::publish_layer_version);
  on("GetLayerVersion", &H::access_layer_version, &H::get_layer_version);
  on("GetLayerVersionByArn", &H::access_layer_version, &H::get_layer_version_by_arn);
  on("DeleteLayerVersion", &H::access_layer_version, &H::delete_layer_version);
  on("ListLayers", &H::access_everything, &H::list_layers);
  on("ListLayerVersions", &H::access_everything, &H::list_layer_versions);
  on("AddLayerVersionPermission", &H::access_layer_version, &H::add_layer_version_permission);
  on("GetLayerVersionPolicy", &H::access_layer_version, &H::get_layer_version_policy);
  on("RemoveLayerVersionPermission", &H::access_layer_version, &H::remove_layer_version_permission);
  // Its answers have headers that the model does not know.
  service.on_streamed(
      "Invoke", [handlers](const Call& call) { return handlers->access_invoke(call); },
      [handlers](Call& call) { return handlers->invoke(call); });
  service.on_streamed(
      "InvokeWithResponseStream", [handlers](const Call& call) { return handlers->access_invoke(call); },
      [handlers](Call& call) { return handlers->invoke_with_response_stream(call); });
  on("InvokeAsync", &H::access_invoke_async, &H::invoke_async);
  return service;
}

}  // namespace sallyport::lambda
