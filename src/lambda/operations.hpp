// Lambda's control plane: one function per AWS operation. Nothing here knows HTTP; templates and the API call the same functions.
// Source: AWS Lambda API reference; error texts as AWS answers.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "json/value.hpp"
#include "lambda/code_store.hpp"
#include "lambda/folder.hpp"
#include "lambda/invoker.hpp"
#include "lambda/layers.hpp"
#include "lambda/state.hpp"
#include "policy/policy.hpp"
#include "wire/parameters.hpp"

namespace sallyport::lambda {

template <class T = void>
using Answer = Result<T, aws::ApiError>;

/// Where a function's code comes from.
struct DirectoryCode {
  std::string path;                                 // used in place, so that a saved file is the next call's code
  std::optional<FolderFacts> facts = std::nullopt;  // where somebody has looked just now
};
struct PackageCode {
  std::string path;  // a .zip file
};
struct InlineCode {
  std::string text;  // becomes index.py, index.js or index.mjs, as CloudFormation's ZipFile does
};
/// What a `CodeStore` has taken in already.
struct StoredCode {
  CodeStore::Stored stored;
};
using Code = std::variant<DirectoryCode, PackageCode, InlineCode, StoredCode>;

using TextMap = std::map<std::string, std::string, std::less<>>;

struct CreateFunctionRequest {
  std::string function_name;  // any form, unqualified
  std::string runtime;
  std::string handler;  // optional for provided.*
  std::string role;
  Code code;
  std::string description;
  int timeout_s = 3;    // 1..900
  int memory_mb = 128;  // 128..10240
  std::map<std::string, std::string> environment;
  std::string architecture = "x86_64";  // x86_64 or arm64; only the machine's own can run
  bool environment_given = false;       // true also for an empty one
  bool publish = false;
  TextMap tags = {};
  std::vector<std::string> layers = {};  // ARNs of versions, at most five
  int tmp_mb = 512;                      // EphemeralStorage: 512..10240
  LoggingConfig logging = {};
};

struct UpdateFunctionCodeRequest {
  std::string function_name;
  Code code;
  std::optional<std::string> architecture = std::nullopt;
  bool publish = false;
  bool dry_run = false;
  std::string revision_id = {};  // empty: whatever it is now
};

/// What is not set stays as it is.
struct UpdateFunctionConfigurationRequest {
  std::string function_name;
  std::optional<std::string> runtime, handler, role, description;
  std::optional<int> timeout_s, memory_mb;
  std::optional<std::map<std::string, std::string>> environment;
  std::string revision_id = {};
  std::optional<std::vector<std::string>> layers = std::nullopt;
  std::optional<int> tmp_mb = std::nullopt;
  std::optional<LoggingConfig> logging = std::nullopt;
};

struct PublishVersionRequest {
  std::string function_name;
  std::string description;
  std::string code_sha256 = {};  // empty: any
  std::string revision_id = {};
};

struct CreateAliasRequest {
  std::string function_name;
  std::string name;
  std::string function_version;
  std::string description;
  std::map<std::string, double> weights = {};  // by version: 0..1
};

struct UpdateAliasRequest {
  std::string function_name;
  std::string name;
  std::optional<std::string> function_version, description;
  std::string revision_id = {};
  std::optional<std::map<std::string, double>> weights = std::nullopt;  // empty: none any more
};

struct PublishLayerVersionRequest {
  std::string name;
  LayerVersion version;  // without code, time and revision
  Code code;             // no InlineCode
  /// What the account has under this name besides: numbers are counted on from there, and a version with the same content keeps its own.
  const Layer* before = nullptr;
};

struct AddLayerPermissionRequest {
  std::string name;
  int number = 0;
  PermissionStatement statement;
  std::string revision_id = {};
};

struct AddPermissionRequest {
  std::string function_name;  // name, partial ARN or ARN
  std::string qualifier;      // version or alias; empty for the function
  std::string statement_id;
  std::string action;     // lambda:InvokeFunction or lambda:*
  std::string principal;  // service, account id, ARN or *
  std::optional<std::string> source_arn;
  std::optional<std::string> source_account;
  std::optional<std::string> event_source_token = std::nullopt;
  std::optional<std::string> principal_org_id = std::nullopt;
  std::optional<std::string> function_url_auth_type = std::nullopt;
  std::optional<bool> invoked_via_function_url = std::nullopt;
  std::string revision_id = {};
};

struct RemovePermissionRequest {
  std::string function_name;
  std::string qualifier;
  std::string statement_id;
  std::string revision_id = {};
};

struct CreateFunctionUrlRequest {
  std::string function_name;
  std::string qualifier;  // an alias or empty
  std::string url_id;     // 32 lower-case letters and digits, not in use
  UrlAuthType auth_type = UrlAuthType::aws_iam;
  std::optional<UrlCors> cors = std::nullopt;
  json::Value cors_given = nullptr;
  UrlInvokeMode invoke_mode = UrlInvokeMode::buffered;
};

/// What is not set stays as it is.
struct UpdateFunctionUrlRequest {
  std::string function_name;
  std::string qualifier;
  std::optional<UrlAuthType> auth_type = std::nullopt;
  std::optional<UrlCors> cors = std::nullopt;
  json::Value cors_given = nullptr;
  std::optional<UrlInvokeMode> invoke_mode = std::nullopt;
};

struct EventDestinations {
  std::string on_success, on_failure;  // ARNs; empty: none
};

struct EventInvokeRequest {
  enum class Merge : std::uint8_t { replace, keep };
  std::string function_name;
  std::string qualifier;
  std::optional<int> retries = std::nullopt, age_s = std::nullopt;
  std::optional<EventDestinations> destinations = std::nullopt;
  Merge merge = Merge::replace;  // `keep`: there must be one, and what is not set stays
};

/// A function name in any of its forms, split: name, partial ARN or ARN, each with an optional qualifier.
struct FunctionReference {
  std::string function_name;
  std::string qualifier;  // empty when none was given
  std::string account_id = {};
};

/// ValidationException for a text that is no function name, ResourceNotFoundException for one that names another account or region.
Answer<FunctionReference> parse_function_reference(const aws::Scope& scope, std::string_view text);
/// The same for those who may name another account's function.
Answer<FunctionReference> parse_any_function_reference(const aws::Scope& scope, std::string_view text);
/// Puts the qualifier that came beside the name to the one in the name; both must say the same.
Answer<void> add_qualifier(FunctionReference& reference, std::string_view qualifier);

/// What one account and region may hold. Source: Lambda quotas.
struct AccountLimits {
  int concurrent_executions = 1000;
  std::int64_t code_bytes_max = 75ll << 30;
  int provisioned_max = 1'000'000'000;  // of all functions: what the machine keeps running at most
  /// What reservations must leave for everybody else: AWS's hundred, or less where there is less to share.
  int unreserved_min() const { return std::min(100, concurrent_executions / 10); }
};

/// Changes a draft of the state; the owner publishes it when all went well, and lets it go otherwise.
class Operations {
 public:
  /// All must outlive this object. `code` unpacks packages and writes inline code. `now` is the time of the changes. `elsewhere` finds
  /// layers the draft does not hold.
  Operations(State& draft, CodeStore& code, WallTime now = {}, AccountLimits limits = {}, AccountLookup elsewhere = {})
      : state_(draft), code_(code), now_(now), limits_(limits), elsewhere_(std::move(elsewhere)) {}

  /// With `publish` the answer is version 1, with the revision of before it settled. The folder of several layers is made here, unless the
  /// code is stored already: whoever stored it has called `merge_layers`.
  Answer<FunctionConfiguration> create_function(CreateFunctionRequest request);
  /// With `publish` the answer is the published version.
  Answer<FunctionConfiguration> update_function_code(UpdateFunctionCodeRequest request);
  Answer<FunctionConfiguration> update_function_configuration(UpdateFunctionConfigurationRequest request);
  /// Without a qualifier the function with all it has, with a number that version.
  Answer<void> delete_function(std::string_view function_name, std::string_view qualifier);
  /// The latest published version when nothing changed since.
  Answer<FunctionConfiguration> publish_version(const PublishVersionRequest& request);
  Answer<Alias> create_alias(CreateAliasRequest request);
  Answer<Alias> update_alias(UpdateAliasRequest request);
  /// Nothing happens when there is no such alias.
  Answer<void> delete_alias(std::string_view function_name, std::string_view name);
  Answer<PermissionStatement> add_permission(AddPermissionRequest request);
  Answer<void> remove_permission(const RemovePermissionRequest& request);
  Answer<UrlConfig> create_function_url(CreateFunctionUrlRequest request);
  Answer<UrlConfig> update_function_url(UpdateFunctionUrlRequest request);
  Answer<void> delete_function_url(std::string_view function_name, std::string_view qualifier);
  Answer<void> tag_resource(std::string_view function_arn, const TextMap& tags);
  Answer<void> untag_resource(std::string_view function_arn, const std::vector<std::string>& keys);
  Answer<void> put_function_concurrency(std::string_view function_name, int reserved);
  Answer<void> delete_function_concurrency(std::string_view function_name);
  /// Destinations are functions of the same account and region; what else AWS delivers to is UnsupportedOperationException.
  Answer<EventInvokeConfig> put_event_invoke_config(const EventInvokeRequest& request);
  /// For a version or an alias.
  Answer<ProvisionedConcurrency> put_provisioned_concurrency(std::string_view function_name, std::string_view qualifier, int requested);
  /// Nothing happens when there is none.
  Answer<void> delete_provisioned_concurrency(std::string_view function_name, std::string_view qualifier);

  /// Can functions use it?
  Answer<void> check_layer(const std::string& arn) const;
  /// Its number.
  Answer<int> publish_layer_version(PublishLayerVersionRequest request);
  /// The version with its new policy.
  Answer<LayerVersion> add_layer_permission(AddLayerPermissionRequest request);
  Answer<void> remove_layer_permission(std::string_view name, int number, std::string_view statement_id, std::string_view revision_id);

 private:
  struct Found {
    FunctionReference reference;
    Function& function;
  };
  /// A function for changing. `suffix` stands after the ARN in the error for one that does not exist.
  Answer<Found> find(std::string_view function_name, std::string_view qualifier = {}, std::string_view suffix = {});
  /// The same for operations on whole functions.
  Answer<Found> find_whole(std::string_view function_name, std::string_view suffix = {});
  Answer<Found> find_url(std::string_view function_name, std::string_view qualifier, bool must_exist);
  /// Reads where the code is; the configuration is changed only on success.
  Answer<void> take_code(FunctionConfiguration& configuration, const Code& code);
  Answer<void> check_storage(std::int64_t more) const;
  Answer<LayerVersion*> find_layer_version(std::string_view name, int number);
  /// Finds the layers and checks their size with that of the code.
  Answer<void> take_layers(FunctionConfiguration& configuration, const std::vector<std::string>& arns) const;
  /// A version or alias that may have environments of its own kept ready.
  Answer<Found> find_provisionable(std::string_view function_name, std::string_view qualifier, std::string_view refusal_of_latest);
  Answer<FunctionConfiguration> publish(Function& function, std::string_view description);
  /// Another revision of the function or, qualified, of its version or alias.
  void revise(Function& function, std::string_view qualifier);
  /// What a change of `$LATEST` answers. AWS revises the function again when the change is through, which here it is at once: only what
  /// GetFunction tells afterwards is good for a precondition.
  FunctionConfiguration settle(Function& function);
  std::string next_revision(std::string_view previous) const;
  State& state_;
  CodeStore& code_;
  const WallTime now_;
  const AccountLimits limits_;
  const AccountLookup elsewhere_;
};

/// AWS's refusal where a function has no EventInvokeConfig, or is not there.
aws::ApiError no_event_invoke_config(const aws::Scope& scope, const FunctionReference& reference);
/// The key of a qualifier's EventInvokeConfig: `$LATEST` is the function itself.
std::string event_invoke_place(std::string_view qualifier);

/// Tags a resource may have: at most fifty, none of AWS's own.
Answer<void> check_tags(const TextMap& tags);
/// Cors as calls and records have it (`AllowOrigins`, ...).
UrlCors read_cors(const wire::Parameters& in);
/// AWS's refusal of a package.
aws::ApiError code_refused(const Error& error);

/// What a policy's statements are in AWS's JSON; `resource` is the ARN of function, version or alias.
json::Value statement_json(const PermissionStatement& statement, const std::string& resource);
/// The whole document, as GetPolicy gives it.
json::Value policy_json(const ResourcePolicy& policy, const std::string& resource);
/// Compiles the statements into `policy.document`; the message says what is wrong.
Result<> compile_policy(ResourcePolicy& policy, const std::string& resource);

/// The revision GetPolicy shows: that of the function, or of the version or alias.
std::string_view revision_of(const Function& function, std::string_view qualifier);

/// The configuration a qualifier stands for: empty or `$LATEST`, a version, or an alias. Null when there is none.
const FunctionConfiguration* resolve(const Function& function, std::string_view qualifier);
/// The same for a call: an alias with weights stands for either of its versions, by chance.
const FunctionConfiguration* choose(const Function& function, std::string_view qualifier, Random& random);

/// The alias or version a call about provisioned concurrency names, of a function that may not be there: AWS's words for each.
Answer<void> check_provisionable(const State& state, const FunctionReference& reference);

/// May this service invoke the function (or exactly this version or alias of it)? The function's own resource policy decides; with no
/// policy the answer is no.
policy::Decision check_permission(const State& state, const Function& function, std::string_view qualifier, const ServiceCaller& caller);

/// Runtimes create_function takes, for messages.
std::string supported_runtimes();

}  // namespace sallyport::lambda
