// The handlers behind the service's table: they read a call, ask `Operations` or a snapshot, and write the answer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/service.hpp"
#include "lambda/service.hpp"

namespace sallyport::lambda {

using control::Access;
using control::Call;
using Output = Task<Answer<json::Value>>;
using Accesses = Answer<std::vector<Access>>;

/// A function as a snapshot has it. The pointers live as long as `state`.
struct Looked {
  Ledger::Snapshot state;
  FunctionReference reference;
  const Function* function;
  const std::string& name() const { return reference.function_name; }
};

class Handlers {
 public:
  explicit Handlers(const Parts& parts) : parts_(parts) {}

  // function_handlers.cpp, function_queries.cpp
  Output create_function(Call& call);
  Output update_function_code(Call& call);
  Output update_function_configuration(Call& call);
  Output get_function(Call& call);
  Output get_function_configuration(Call& call);
  Output list_functions(Call& call);
  Output delete_function(Call& call);
  Output publish_version(Call& call);
  Output list_versions_by_function(Call& call);
  Output get_function_code_signing_config(Call& call);

  // alias_handlers.cpp: aliases, URLs, tags
  Output create_alias(Call& call);
  Output get_alias(Call& call);
  Output update_alias(Call& call);
  Output delete_alias(Call& call);
  Output list_aliases(Call& call);
  Output create_function_url_config(Call& call);
  Output get_function_url_config(Call& call);
  Output update_function_url_config(Call& call);
  Output delete_function_url_config(Call& call);
  Output list_function_url_configs(Call& call);
  Output tag_resource(Call& call);
  Output untag_resource(Call& call);
  Output list_tags(Call& call);

  // concurrency_handlers.cpp
  Output put_function_concurrency(Call& call);
  Output get_function_concurrency(Call& call);
  Output delete_function_concurrency(Call& call);
  Output put_provisioned_concurrency_config(Call& call);
  Output get_provisioned_concurrency_config(Call& call);
  Output delete_provisioned_concurrency_config(Call& call);
  Output list_provisioned_concurrency_configs(Call& call);
  Output get_account_settings(Call& call);

  // permission_handlers.cpp
  Output add_permission(Call& call);
  Output remove_permission(Call& call);
  Output get_policy(Call& call);

  // event_invoke_handlers.cpp
  Output put_event_invoke_config(Call& call);
  Output update_event_invoke_config(Call& call);
  Output get_event_invoke_config(Call& call);
  Output delete_event_invoke_config(Call& call);
  Output list_event_invoke_configs(Call& call);

  // layer_handlers.cpp
  Output publish_layer_version(Call& call);
  Output get_layer_version(Call& call);
  Output get_layer_version_by_arn(Call& call);
  Output delete_layer_version(Call& call);
  Output list_layers(Call& call);
  Output list_layer_versions(Call& call);

  // layer_permission_handlers.cpp
  Output add_layer_version_permission(Call& call);
  Output get_layer_version_policy(Call& call);
  Output remove_layer_version_permission(Call& call);

  // invoke_handler.cpp
  Task<Answer<control::Streamed>> invoke(Call& call);
  Output invoke_async(Call& call);

  // invoke_stream_handler.cpp
  Task<Answer<control::Streamed>> invoke_with_response_stream(Call& call);

  // access.cpp
  Accesses access_function(const Call& call) const;    // the action named like the operation, on the function
  Accesses access_qualified(const Call& call) const;   // the same, on the version or alias
  Accesses access_everything(const Call& call) const;  // on no resource in particular
  Accesses access_create(const Call& call) const;
  Accesses access_configuration(const Call& call) const;
  Accesses access_url(const Call& call) const;
  Accesses access_permission(const Call& call) const;
  Accesses access_tags(const Call& call) const;
  Accesses access_invoke(const Call& call) const;
  Accesses access_invoke_async(const Call& call) const;
  Accesses access_layer(const Call& call) const;          // the layer by its name
  Accesses access_layer_version(const Call& call) const;  // one version, by name and number or by ARN

 private:
  /// What the two ways to invoke have in common: FunctionName, Qualifier, ClientContext, LogType and Payload, and that the function is
  /// there.
  Task<Answer<InvokeRequest>> read_invocation(Call& call, std::string_view invocation_type);
  Output write_event_invoke_config(Call& call, EventInvokeRequest::Merge merge);
  Answer<json::Value> describe_layer(const Call& call, const LayerReference& reference, int number) const;
  /// A function for looking at, in whatever account it is named in. `suffix` stands after the ARN in the error for one that is not there.
  Answer<Looked> look(const Call& call, std::string_view member = "FunctionName", std::string_view suffix = {}) const;
  Answer<Access> access_to(const Call& call, std::string_view action, std::string_view member, bool qualified) const;
  Access access_to_reference(const Call& call, std::string_view action, const FunctionReference& reference, bool qualified) const;
  Answer<> check_role(const std::string& role) const;
  /// Unpacks off the loop.
  Task<Answer<StoredCode>> take_package(Call& call, std::string package);
  /// Makes the folder of several layers, off the loop.
  Task<Answer<>> take_layers(Call& call, const std::vector<std::string>& arns);
  /// What a caller needs to be allowed to use these layers.
  Access access_to_layer_version(const Call& call, std::string_view action, const LayerReference& reference) const;
  Answer<> add_layer_accesses(const Call& call, std::vector<Access>& all) const;
  /// The other accounts these layers are of, as they are now. Not to be called within a write.
  AccountLookup owners(const Call& call, const std::vector<std::string>& layers) const;
  json::Value provisioned_json(const Call& call, const Function& function, const std::string& qualifier) const;
  Operations operations(State& draft, const Call& call, AccountLookup layer_owners = {}) const {
    return {draft, parts_.code, call.now, parts_.limits, std::move(layer_owners)};
  }

  const Parts parts_;
};

/// A number of the model as the int it is kept as: one that does not fit becomes the largest or smallest, which every check refuses.
inline int fitting(std::int64_t number) {
  return static_cast<int>(std::clamp<std::int64_t>(number, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

/// The size of a page and where it begins, from MaxItems and Marker.
struct PageRequest {
  std::size_t items;
  std::optional<std::string> after;
};
Answer<PageRequest> read_page(const Call& call, std::size_t items_max = 50);

}  // namespace sallyport::lambda
