// What exists: functions, their versions, aliases and resource policies. Values: copy, change, publish.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/arn.hpp"
#include "policy/policy.hpp"

namespace sallyport::lambda {

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
  std::string architecture = "x86_64";
  std::string code_directory;  // absolute; the user's own folder, or where a package was unpacked
  std::string code_sha256;     // base64, of a package; of path and time of change for a directory used in place
};

struct Alias {
  std::string name;
  std::string function_version;
  std::string description;
};

/// One statement of a function's resource policy, as AddPermission made it.
struct PermissionStatement {
  std::string sid;
  std::string action;     // lambda:InvokeFunction
  std::string principal;  // a service (apigateway.amazonaws.com), an account id, an ARN or *
  std::optional<std::string> source_arn;
  std::optional<std::string> source_account;
};

/// The policy of one resource: the unqualified function, a version, or an alias. A grant on one does not cover the others.
struct ResourcePolicy {
  std::vector<PermissionStatement> statements;
  std::optional<policy::Document> document;  // compiled from the statements; none while there are none
};

struct Function {
  FunctionConfiguration latest;
  std::map<std::string, FunctionConfiguration> versions;  // "1", "2", ...
  std::map<std::string, Alias> aliases;
  std::map<std::string, ResourcePolicy> policies;  // by qualifier; "" is the unqualified function
};

/// All functions of one account and region. A value.
struct State {
  aws::Scope scope;
  std::map<std::string, Function, std::less<>> functions;
};

}  // namespace sallyport::lambda
