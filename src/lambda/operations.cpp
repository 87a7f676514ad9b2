#include "lambda/operations.hpp"

#include <algorithm>
#include <filesystem>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "json/write.hpp"
#include "runtime/interpreters.hpp"

namespace sallyport::lambda {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t environment_bytes_max = 4096;
constexpr std::size_t function_name_bytes_max = 64;

// Lambda developer guide, "Reserved environment variables": a function cannot set these.
constexpr std::string_view reserved_names[] = {"_HANDLER",
                                               "_X_AMZN_TRACE_ID",
                                               "AWS_DEFAULT_REGION",
                                               "AWS_REGION",
                                               "AWS_EXECUTION_ENV",
                                               "AWS_LAMBDA_FUNCTION_NAME",
                                               "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                               "AWS_LAMBDA_FUNCTION_VERSION",
                                               "AWS_LAMBDA_INITIALIZATION_TYPE",
                                               "AWS_LAMBDA_LOG_GROUP_NAME",
                                               "AWS_LAMBDA_LOG_STREAM_NAME",
                                               "AWS_ACCESS_KEY",
                                               "AWS_ACCESS_KEY_ID",
                                               "AWS_SECRET_ACCESS_KEY",
                                               "AWS_SESSION_TOKEN",
                                               "AWS_LAMBDA_RUNTIME_API",
                                               "LAMBDA_TASK_ROOT",
                                               "LAMBDA_RUNTIME_DIR"};

auto refuse(std::string code, int status, std::string message) {
  return std::unexpected(aws::ApiError{std::move(code), status, std::move(message)});
}
auto invalid(std::string message) { return refuse("InvalidParameterValueException", 400, std::move(message)); }
auto validation(std::string_view value, std::string_view member, std::string_view constraint) {
  return refuse("ValidationException", 400,
                cat("1 validation error detected: Value '", value, "' at '", member, "' failed to satisfy constraint: ", constraint));
}
auto not_found(std::string_view arn) { return refuse("ResourceNotFoundException", 404, cat("Function not found: ", arn)); }

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}
bool is_qualifier(std::string_view text) { return text == "$LATEST" || (is_name(text) && text.size() <= 128); }

Answer<void> check_environment(const std::map<std::string, std::string>& environment) {
  std::size_t size = 0;
  std::vector<std::string> reserved;
  for (const auto& [name, value] : environment) {
    const bool proper = name.size() >= 2 && is_alpha(name.front()) &&
                        std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
    if (std::find(std::begin(reserved_names), std::end(reserved_names), name) != std::end(reserved_names))
      reserved.push_back(name);
    else if (!proper)
      return validation(name, "environment.variables",
                        "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
    if (value.find('\0') != std::string::npos)
      return invalid(cat("The value of environment variable ", name, " contains a NUL character."));
    size += name.size() + value.size();
  }
  if (!reserved.empty())
    return invalid(
        cat("Lambda was unable to configure your environment variables because the environment variables you have provided contains "
            "reserved keys "
            "that are currently not supported for modification. Reserved keys used in this request: ",
            join(reserved, ", ")));
  if (size > environment_bytes_max)
    return invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB "
        "limit.");
  return {};
}

// What a folder used in place holds now: any saved file gives another fingerprint, and with it fresh execution environments.
std::string directory_fingerprint(const std::string& directory) {
  std::vector<std::string> lines;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    const auto name = it->path().filename().string();
    if (name == "__pycache__" || name == ".git") {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file(ignored)) continue;
    lines.push_back(cat(it->path().string(), '\0', it->file_size(ignored), '\0', it->last_write_time(ignored).time_since_epoch().count()));
  }
  std::sort(lines.begin(), lines.end());
  return to_base64(crypto::sha256(join(lines, "\n")));
}

// "index" as CloudFormation names inline code; the ending decides between Node's two module systems.
std::string inline_file_name(runtime::RuntimeFamily family, std::string_view text) {
  if (family == runtime::RuntimeFamily::python) return "index.py";
  const bool module = text.starts_with("import ") || text.starts_with("export ") || text.find("\nimport ") != std::string_view::npos ||
                      text.find("\nexport ") != std::string_view::npos;
  return module ? "index.mjs" : "index.js";
}

json::Value statement_json(const PermissionStatement& statement, const std::string& resource) {
  json::Value principal;
  if (statement.principal == "*")
    principal = "*";
  else if (statement.principal.find('.') != std::string::npos && !statement.principal.starts_with("arn:"))
    principal.set("Service", statement.principal);
  else
    principal.set("AWS", statement.principal);
  json::Value out;
  out.set("Sid", statement.sid);
  out.set("Effect", "Allow");
  out.set("Principal", std::move(principal));
  out.set("Action", statement.action);
  out.set("Resource", resource);
  json::Value condition;
  if (statement.source_account) condition.set("StringEquals", json::Object{{"AWS:SourceAccount", *statement.source_account}});
  if (statement.source_arn) condition.set("ArnLike", json::Object{{"AWS:SourceArn", *statement.source_arn}});
  if (!condition.is_null()) out.set("Condition", std::move(condition));
  return out;
}

}  // namespace

Answer<FunctionReference> parse_function_reference(const aws::Scope& scope, std::string_view text) {
  const auto malformed = [&] {
    return validation(text, "functionName",
                      "Member must satisfy regular expression pattern: "
                      "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$"
                      "LATEST|[a-zA-Z0-9-_]+))?");
  };
  auto rest = text;
  if (const auto arn = aws::parse_arn(text)) {
    if (arn->service != "lambda" || !arn->resource.starts_with("function:")) return malformed();
    if (arn->region != scope.region)
      return refuse("ResourceNotFoundException", 404,
                    cat("Functions from '", arn->region, "' are not reachable in this region ('", scope.region, "')"));
    if (arn->account_id != scope.account_id) return not_found(text);
    rest = arn->resource.substr(9);
  } else if (text.starts_with(cat(scope.account_id, ":function:"))) {
    rest.remove_prefix(scope.account_id.size() + 10);
  } else if (text.starts_with("function:")) {
    rest.remove_prefix(9);
  }
  const auto colon = rest.find(':');
  FunctionReference reference{std::string(rest.substr(0, colon)), {}};
  if (colon != std::string_view::npos) {
    reference.qualifier = rest.substr(colon + 1);
    if (!is_qualifier(reference.qualifier)) return malformed();
  }
  if (!is_name(reference.function_name)) return malformed();
  return reference;
}

std::string supported_runtimes() { return "python3.8 to python3.14, nodejs12.x to nodejs24.x, provided.al2, provided.al2023"; }

Answer<FunctionConfiguration> Operations::create_function(CreateFunctionRequest request) {
  if (!is_name(request.function_name) || request.function_name.size() > function_name_bytes_max)
    return validation(request.function_name, "functionName",
                      "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+ and have length less than or equal to 64");
  const auto arn = aws::function_arn(state_.scope, request.function_name);
  if (state_.functions.contains(request.function_name))
    return refuse("ResourceConflictException", 409, cat("Function already exist: ", request.function_name));
  const auto family = runtime::family_of(request.runtime);
  if (!family)
    return invalid(cat("The runtime parameter of ", request.runtime,
                       " is not supported for creating or updating AWS Lambda functions. Supported here: ", supported_runtimes()));
  if (request.handler.empty() && *family != runtime::RuntimeFamily::provided)
    return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  if (request.timeout_s < 1 || request.timeout_s > 900)
    return validation(
        std::to_string(request.timeout_s), "timeout",
        request.timeout_s < 1 ? "Member must have value greater than or equal to 1" : "Member must have value less than or equal to 900");
  if (request.memory_mb < 128 || request.memory_mb > 10240)
    return validation(std::to_string(request.memory_mb), "memorySize",
                      request.memory_mb < 128 ? "Member must have value greater than or equal to 128"
                                              : "Member must have value less than or equal to 10240");
  if (request.architecture != "x86_64" && request.architecture != "arm64")
    return validation(cat("[", request.architecture, "]"), "architectures",
                      "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]");
#if defined(__aarch64__)
  constexpr std::string_view own_architecture = "arm64";
#else
  constexpr std::string_view own_architecture = "x86_64";
#endif
  if (*family == runtime::RuntimeFamily::provided && request.architecture != own_architecture)
    return invalid(cat("A compiled bootstrap for ", request.architecture, " cannot run on this ", own_architecture, " machine."));
  if (auto good = check_environment(request.environment); !good) return std::unexpected(good.error());

  FunctionConfiguration configuration;
  if (const auto* directory = std::get_if<DirectoryCode>(&request.code)) {
    std::error_code error;
    configuration.code_directory = fs::canonical(directory->path, error).string();
    if (error || !fs::is_directory(configuration.code_directory))
      return invalid(cat("The code folder ", directory->path, " does not exist."));
    configuration.code_sha256 = directory_fingerprint(configuration.code_directory);
  } else {
    const auto* package = std::get_if<PackageCode>(&request.code);
    auto stored = package ? code_.unpack(package->path)
                          : code_.write_inline(inline_file_name(*family, std::get<InlineCode>(request.code).text),
                                               std::get<InlineCode>(request.code).text);
    if (!stored) return invalid(cat("Could not unzip uploaded file. ", stored.error().message));
    configuration.code_directory = stored->directory;
    configuration.code_sha256 = stored->sha256;
  }
  configuration.function_name = request.function_name;
  configuration.function_arn = arn;
  configuration.runtime = std::move(request.runtime);
  configuration.handler = std::move(request.handler);
  configuration.role = std::move(request.role);
  configuration.description = std::move(request.description);
  configuration.timeout = std::chrono::seconds(request.timeout_s);
  configuration.memory_mb = request.memory_mb;
  configuration.environment = std::move(request.environment);
  configuration.architecture = std::move(request.architecture);
  state_.functions[request.function_name].latest = configuration;
  return configuration;
}

Answer<Function*> Operations::find(std::string_view function_name) {
  auto reference = parse_function_reference(state_.scope, function_name);
  if (!reference) return std::unexpected(reference.error());
  const auto found = state_.functions.find(reference->function_name);
  if (found == state_.functions.end()) return not_found(aws::function_arn(state_.scope, reference->function_name));
  return &found->second;
}

Answer<FunctionConfiguration> Operations::publish_version(const PublishVersionRequest& request) {
  auto function = find(request.function_name);
  if (!function) return std::unexpected(function.error());
  auto& versions = (*function)->versions;
  int newest = 0;
  for (const auto& [number, ignored] : versions) newest = std::max(newest, parse_number<int>(number).value_or(0));
  if (newest && versions[std::to_string(newest)].code_sha256 == (*function)->latest.code_sha256) return versions[std::to_string(newest)];
  auto published = (*function)->latest;
  published.version = std::to_string(newest + 1);
  if (!request.description.empty()) published.description = request.description;
  return versions[published.version] = published;
}

Answer<Alias> Operations::create_alias(CreateAliasRequest request) {
  auto function = find(request.function_name);
  if (!function) return std::unexpected(function.error());
  if (!is_name(request.name) || parse_number<int>(request.name) || request.name.size() > 128)
    return validation(request.name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
  if (request.function_version != "$LATEST" && !(*function)->versions.contains(request.function_version))
    return not_found(cat((*function)->latest.function_arn, ":", request.function_version));
  if ((*function)->aliases.contains(request.name))
    return refuse("ResourceConflictException", 409, cat("Alias already exists: ", (*function)->latest.function_arn, ":", request.name));
  return (*function)->aliases[request.name] = Alias{request.name, std::move(request.function_version), std::move(request.description)};
}

Answer<PermissionStatement> Operations::add_permission(AddPermissionRequest request) {
  auto reference = parse_function_reference(state_.scope, request.function_name);
  if (!reference) return std::unexpected(reference.error());
  auto function = find(request.function_name);
  if (!function) return std::unexpected(function.error());
  if (!reference->qualifier.empty() && !request.qualifier.empty() && reference->qualifier != request.qualifier)
    return invalid("The derived qualifier from the function name does not match the specified qualifier.");
  const auto qualifier = request.qualifier.empty() ? reference->qualifier : request.qualifier;
  if (qualifier == "$LATEST") return invalid("We currently do not support adding policies for $LATEST.");
  if (!qualifier.empty() && !resolve(**function, qualifier)) return not_found(cat((*function)->latest.function_arn, ":", qualifier));
  if (!is_name(request.statement_id))
    return validation(request.statement_id, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)");
  if (request.action != "*" && !request.action.starts_with("lambda:"))
    return validation(request.action, "action", "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])");
  if (request.principal.empty()) return invalid("The provided principal was invalid. Please check the principal and try again.");

  auto& policy = (*function)->policies[qualifier];
  for (const auto& existing : policy.statements)
    if (existing.sid == request.statement_id)
      return refuse("ResourceConflictException", 409,
                    cat("The statement id (", request.statement_id,
                        ") provided already exists. Please provide a new statement id, or remove the existing statement."));
  PermissionStatement statement{request.statement_id, request.action, request.principal, request.source_arn, request.source_account};
  policy.statements.push_back(statement);
  json::Value document;
  document.set("Version", "2012-10-17");
  document.set("Id", "default");
  json::Array statements;
  const auto resource = aws::function_arn(state_.scope, (*function)->latest.function_name, qualifier);
  for (const auto& each : policy.statements) statements.push_back(statement_json(each, resource));
  document.set("Statement", std::move(statements));
  auto compiled = policy::Document::compile(document, policy::DocumentKind::resource);
  if (!compiled) {
    policy.statements.pop_back();
    return invalid(cat("The provided principal or condition was invalid: ", compiled.error().message));
  }
  policy.document = std::move(*compiled);
  return statement;
}

const FunctionConfiguration* resolve(const Function& function, std::string_view qualifier) {
  if (qualifier.empty() || qualifier == "$LATEST") return &function.latest;
  if (const auto version = function.versions.find(std::string(qualifier)); version != function.versions.end()) return &version->second;
  const auto alias = function.aliases.find(std::string(qualifier));
  return alias == function.aliases.end() ? nullptr : resolve(function, alias->second.function_version);
}

policy::Decision check_permission(const State& state, const Function& function, std::string_view qualifier, const ServiceCaller& caller) {
  // `$LATEST` has no policy of its own: the unqualified function's counts.
  const auto key = qualifier == "$LATEST" ? std::string() : std::string(qualifier);
  const auto found = function.policies.find(key);
  if (found == function.policies.end() || !found->second.document)
    return {policy::Outcome::denied_implicitly, policy::PolicyType::resource};
  const auto resource = aws::function_arn(state.scope, function.latest.function_name, key);
  const std::string_view source_arn = caller.source_arn, source_account = caller.source_account;
  const policy::ContextKey context[] = {{"aws:SourceArn", {&source_arn, 1}}, {"aws:SourceAccount", {&source_account, 1}}};
  policy::AccessRequest request;
  request.action = "lambda:InvokeFunction";
  request.resource = resource;
  request.resource_account_id = state.scope.account_id;
  request.principal = {.kind = policy::PrincipalKind::service, .service = caller.service};
  request.context = context;
  policy::PolicySet policies;
  policies.resource = found->second.document;
  return policy::decide(policies, request);
}

}  // namespace sallyport::lambda
