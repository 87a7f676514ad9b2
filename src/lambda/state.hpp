// What exists: functions, their versions, aliases, URLs and resource policies. Values: copy, change, publish.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/shared.hpp"
#include "json/value.hpp"
#include "lambda/url_config.hpp"
#include "policy/policy.hpp"

namespace sallyport::lambda {

/// A layer version a function uses. What it needs of it is its own: a version that is deleted goes on working for those who use it.
struct UsedLayer {
  std::string arn;  // of the version
  std::string code_sha256;
  std::int64_t code_bytes = 0, unpacked_bytes = 0;
  std::string directory;  // a folder used in place; empty: unpacked below the code store's root
  bool brings_sdk = false;
  bool operator==(const UsedLayer&) const = default;
};

/// What of its output a function wants kept, how and where.
struct LoggingConfig {
  bool json = false;
  std::string application_level, system_level;  // with JSON: DEBUG, INFO, WARN, ...
  std::string group;                            // empty: /aws/lambda/<name>
  bool operator==(const LoggingConfig&) const = default;
};

/// One version of a function as configured; `$LATEST` or a published one.
struct FunctionConfiguration {
  std::string function_name;
  std::string function_arn;  // unqualified
  std::string version = "$LATEST";
  std::string runtime;  // python3.12, nodejs22.x, provided.al2023, ...
  std::string handler;
  std::string role;
  std::string description;
  std::chrono::seconds timeout{3};
  int memory_mb = 128;
  std::map<std::string, std::string> environment;
  bool environment_given = false;  // an environment that was set, empty or not, shows in answers
  std::string architecture = "x86_64";
  /// Absolute: the user's own folder, or where a package was unpacked. What was read back from the store has the name of a package's folder
  /// alone, below the code store's root.
  std::string code_directory;
  std::string code_sha256;      // base64, of a package; of path and time of change for a directory used in place
  std::int64_t code_bytes = 0;  // of the package; 0 for code that is none
  bool packaged = false;        // came as a zip, which the code store keeps
  std::int64_t unpacked_bytes = 0;
  bool brings_sdk = false;  // the code holds an AWS SDK of its own
  std::vector<UsedLayer> layers;
  int tmp_mb = 512;  // EphemeralStorage
  LoggingConfig logging;
  std::string revision_id;  // a UUID; another after every change
  WallTime last_modified{};
  std::uint64_t content_revision = 0;  // of code and configuration: equal ones need no further version
};

struct Alias {
  std::string name;
  std::string function_version;
  std::string description;
  std::string revision_id;
  std::map<std::string, double> weights = {};  // RoutingConfig: at most one more version, and its share of the calls
};

/// Environments kept ready for a version or an alias.
struct ProvisionedConcurrency {
  int requested = 0;
  WallTime modified{};
};

/// One statement of a function's resource policy, as AddPermission made it.
struct PermissionStatement {
  std::string sid;
  std::string action;     // lambda:InvokeFunction
  std::string principal;  // a service (apigateway.amazonaws.com), an account id, an ARN or *
  std::optional<std::string> source_arn;
  std::optional<std::string> source_account;
  std::optional<std::string> event_source_token = std::nullopt;
  std::optional<std::string> principal_org_id = std::nullopt;
  std::optional<std::string> function_url_auth_type = std::nullopt;  // NONE or AWS_IAM
  std::optional<bool> invoked_via_function_url = std::nullopt;
};

/// The policy of one resource: the unqualified function, a version, or an alias. A grant on one does not cover the others.
struct ResourcePolicy {
  std::vector<PermissionStatement> statements;
  std::optional<policy::Document> document;  // compiled from the statements; none while there are none
};

/// NONE or AWS_IAM, as in calls and in `lambda:FunctionUrlAuthType`.
std::string_view to_text(UrlAuthType type);

/// The HTTP address of a function or of one alias of it. Its id never changes.
struct UrlConfig {
  std::string url_id;     // 32 lower-case letters and digits
  std::string qualifier;  // an alias; empty for the function itself
  UrlAuthType auth_type = UrlAuthType::aws_iam;
  std::optional<UrlCors> cors;
  json::Value cors_given;  // as it was set, for answers: what was left out stays out
  WallTime created{}, modified{};
  UrlInvokeMode invoke_mode = UrlInvokeMode::buffered;
};

/// How often and how long asynchronous events are tried, and who is told how they ended. What is not set is AWS's: two more attempts, six
/// hours, nobody.
struct EventInvokeConfig {
  std::optional<int> retries;          // 0..2
  std::optional<int> age_s;            // 60..21600
  std::string on_success, on_failure;  // ARNs of functions
  WallTime modified{};
};

struct Function {
  FunctionConfiguration latest;
  std::map<std::string, Shared<FunctionConfiguration>> versions;  // "1", "2", ...; never changed once made
  std::map<std::string, Alias> aliases;
  std::map<std::string, ResourcePolicy> policies;                 // by qualifier; "" is the unqualified function
  std::map<std::string, UrlConfig> urls;                          // by alias; "" is the function itself
  std::map<std::string, EventInvokeConfig> event_invoke_configs;  // by qualifier; "" is the function itself
  std::map<std::string, std::string, std::less<>> tags;
  std::optional<int> reserved_concurrency;                    // 0: every call is refused
  std::map<std::string, ProvisionedConcurrency> provisioned;  // by version or alias
  int newest_version = 0;                                     // numbers are never given twice
};

/// A package for several functions to share: it becomes part of their /opt.
struct LayerVersion {
  std::string description, license;
  std::vector<std::string> runtimes, architectures;
  std::string code_sha256;  // base64; of a folder in place: of its files' names, sizes and times of change
  std::int64_t code_bytes = 0;
  WallTime created{};
  std::int64_t unpacked_bytes = 0;
  std::string directory = {};                 // absolute: a folder used in place; empty: a package
  bool brings_sdk = true;                     // also where nobody looked
  std::optional<ResourcePolicy> policy = {};  // who may use it besides its account
  std::string revision_id = {};               // of the policy
  bool retained = false;                      // a template that no longer makes it leaves it
};

struct Layer {
  std::map<int, LayerVersion> versions;
  int newest_version = 0;  // numbers are never given twice
};

/// All functions and layers of one account and region. A value.
struct State {
  aws::Scope scope;
  std::map<std::string, Shared<Layer>, std::less<>> layers = {};
  std::map<std::string, Shared<Function>, std::less<>> functions;
};

}  // namespace sallyport::lambda
