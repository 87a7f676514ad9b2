// Lambda's control plane: one function per AWS operation. Nothing here knows HTTP; templates and the API call the same functions.
// Source: AWS Lambda API reference; error texts as AWS answers.
#pragma once

#include <string>
#include <variant>

#include "aws/arn.hpp"
#include "base/result.hpp"
#include "lambda/code_store.hpp"
#include "lambda/invoker.hpp"
#include "lambda/state.hpp"
#include "policy/policy.hpp"

namespace sallyport::lambda {

template <class T>
using Answer = Result<T, aws::ApiError>;

/// Where a function's code comes from.
struct DirectoryCode {
  std::string path;  // used in place, so that a saved file is the next call's code
};
struct PackageCode {
  std::string path;  // a .zip file
};
struct InlineCode {
  std::string text;  // becomes index.py, index.js or index.mjs, as CloudFormation's ZipFile does
};
using Code = std::variant<DirectoryCode, PackageCode, InlineCode>;

struct CreateFunctionRequest {
  std::string function_name;
  std::string runtime;
  std::string handler;  // optional for provided.*
  std::string role;
  Code code;
  std::string description;
  int timeout_s = 3;    // 1..900
  int memory_mb = 128;  // 128..10240
  std::map<std::string, std::string> environment;
  std::string architecture = "x86_64";  // x86_64 or arm64; only the machine's own can run
};

struct PublishVersionRequest {
  std::string function_name;
  std::string description;
};

struct CreateAliasRequest {
  std::string function_name;
  std::string name;
  std::string function_version;
  std::string description;
};

struct AddPermissionRequest {
  std::string function_name;  // name, partial ARN or ARN
  std::string qualifier;      // version or alias; empty for the function
  std::string statement_id;
  std::string action;     // lambda:InvokeFunction or lambda:*
  std::string principal;  // service, account id, ARN or *
  std::optional<std::string> source_arn;
  std::optional<std::string> source_account;
};

/// A function name in any of its forms, split: name, partial ARN or ARN, each with an optional qualifier.
struct FunctionReference {
  std::string function_name;
  std::string qualifier;  // empty when none was given
};

/// ValidationException for a text that is no function name, or names another account or region.
Answer<FunctionReference> parse_function_reference(const aws::Scope& scope, std::string_view text);

/// Changes a draft of the state; the owner publishes it when all went well.
class Operations {
 public:
  /// Both must outlive this object. `code` unpacks packages and writes inline code.
  Operations(State& draft, CodeStore& code) : state_(draft), code_(code) {}

  Answer<FunctionConfiguration> create_function(CreateFunctionRequest request);
  /// The latest published version when nothing changed since.
  Answer<FunctionConfiguration> publish_version(const PublishVersionRequest& request);
  Answer<Alias> create_alias(CreateAliasRequest request);
  Answer<PermissionStatement> add_permission(AddPermissionRequest request);

 private:
  Answer<Function*> find(std::string_view function_name);
  State& state_;
  CodeStore& code_;
};

/// The configuration a qualifier stands for: empty or `$LATEST`, a version, or an alias. Null when there is none.
const FunctionConfiguration* resolve(const Function& function, std::string_view qualifier);

/// May this service invoke the function (or exactly this version or alias of it)? The function's own resource policy decides; with no
/// policy the answer is no.
policy::Decision check_permission(const State& state, const Function& function, std::string_view qualifier, const ServiceCaller& caller);

/// Runtimes create_function takes, for messages.
std::string supported_runtimes();

}  // namespace sallyport::lambda
