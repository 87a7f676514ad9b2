// Functions and their versions. Aliases, URLs, tags and concurrency are in alias_operations.cpp, permissions in permission_operations.cpp.
#include "lambda/operations.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "json/write.hpp"
#include "lambda/checks.hpp"
#include "runtime/interpreters.hpp"

namespace sallyport::lambda {
namespace {

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

Answer<void> check_environment(const std::map<std::string, std::string>& environment) {
  json::Value measured{json::Object{}};
  std::vector<std::string> reserved;
  for (const auto& [name, value] : environment) {
    const bool proper = !name.empty() && is_alpha(name.front()) &&
                        std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
    if (std::find(std::begin(reserved_names), std::end(reserved_names), name) != std::end(reserved_names))
      reserved.push_back(name);
    else if (!proper)
      return validation(name, "environment.variables",
                        "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]");
    if (value.find('\0') != std::string::npos)
      return invalid(cat("The value of environment variable ", name, " contains a NUL character."));
    measured.set(name, value);
  }
  if (!reserved.empty())
    return invalid(
        cat("Lambda was unable to configure your environment variables because the environment variables you have provided contains "
            "reserved keys "
            "that are currently not supported for modification. Reserved keys used in this request: ",
            join(reserved, ", ")));
  if (auto text = json::to_text(measured); text.size() > environment_bytes_max)
    return invalid(
        cat("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the "
            "4KB limit. String measured: ",
            text));
  return {};
}

}  // namespace

std::string supported_runtimes() { return "python3.8 to python3.14, nodejs12.x to nodejs24.x, provided.al2, provided.al2023"; }

namespace {

Answer<void> check_timeout(int seconds) {
  if (seconds < 1) return validation(std::to_string(seconds), "timeout", "Member must have value greater than or equal to 1");
  if (seconds > 900) return validation(std::to_string(seconds), "timeout", "Member must have value less than or equal to 900");
  return {};
}
Answer<void> check_memory(int megabytes) {
  if (megabytes < 128) return validation(std::to_string(megabytes), "memorySize", "Member must have value greater than or equal to 128");
  if (megabytes > 10240) return validation(std::to_string(megabytes), "memorySize", "Member must have value less than or equal to 10240");
  return {};
}

Answer<void> check_tmp(int megabytes) {
  constexpr std::string_view member = "ephemeralStorage.size";
  if (megabytes < 512) return validation(std::to_string(megabytes), member, "Member must have value greater than or equal to 512");
  if (megabytes > 10240) return validation(std::to_string(megabytes), member, "Member must have value less than or equal to 10240");
  return {};
}

/// Levels are for records that have a level.
Answer<LoggingConfig> complete_logging(LoggingConfig logging, const std::string& function_name) {
  if (!logging.json && !(logging.application_level.empty() && logging.system_level.empty()))
    return invalid("ApplicationLogLevel and SystemLogLevel can be set only when LogFormat is JSON.");
  if (logging.json && logging.application_level.empty()) logging.application_level = "INFO";
  if (logging.json && logging.system_level.empty()) logging.system_level = "INFO";
  if (logging.group == cat("/aws/lambda/", function_name)) logging.group.clear();
  return logging;
}

// In the order AWS prints.
constexpr std::string_view known_runtimes[] = {
    "nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x",   "nodejs22.x", "java25", "python3.10",
    "python3.11", "java21",     "ruby3.3",         "ruby3.4",    "ruby3.2",    "python3.8",    "python3.9",  "java17", "nodejs16.x",
    "dotnet10",   "dotnet8",    "java11",          "dotnet6",    "nodejs18.x", "provided.al2", "java8.al2"};
// Of the API's model: those that AWS took once. Two of them still run here.
constexpr std::string_view former_runtimes[] = {
    "nodejs",    "nodejs4.3",     "nodejs4.3-edge", "nodejs6.10",    "nodejs8.10",    "nodejs10.x", "java8",   "python2.7", "python3.6",
    "python3.7", "dotnetcore1.0", "dotnetcore2.0",  "dotnetcore2.1", "dotnetcore3.1", "go1.x",      "ruby2.5", "ruby2.7",   "provided"};
constexpr std::string_view former_runtimes_that_run[] = {"nodejs14.x", "nodejs12.x"};

Answer<runtime::RuntimeFamily> check_runtime(const std::string& runtime, const std::string& handler) {
  const auto is_in = [&](const auto& names) { return std::find(std::begin(names), std::end(names), runtime) != std::end(names); };
  if (is_in(former_runtimes))
    return invalid(cat("The runtime parameter of ", runtime,
                       " is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime "
                       "while creating or updating functions."));
  if (!is_in(known_runtimes) && !is_in(former_runtimes_that_run))
    return invalid(cat("Value ", runtime, " at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [",
                       join({std::begin(known_runtimes), std::end(known_runtimes)}, ", "), "] or be a valid ARN"));
  const auto family = runtime::family_of(runtime);
  if (!family)
    return invalid(cat("The runtime parameter of ", runtime,
                       " is not supported for creating or updating AWS Lambda functions. Supported here: ", supported_runtimes()));
  if (handler.empty() && *family != runtime::RuntimeFamily::provided)
    return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  return *family;
}

Answer<void> check_architecture(runtime::RuntimeFamily family, const std::string& architecture) {
  if (architecture != "x86_64" && architecture != "arm64")
    return validation(cat("[", architecture, "]"), "architectures",
                      "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]");
#if defined(__aarch64__)
  constexpr std::string_view own_architecture = "arm64";
#else
  constexpr std::string_view own_architecture = "x86_64";
#endif
  if (family == runtime::RuntimeFamily::provided && architecture != own_architecture)
    return invalid(cat("A compiled bootstrap for ", architecture, " cannot run on this ", own_architecture, " machine."));
  return {};
}

Answer<void> check_role(std::string_view role) {
  const auto arn = aws::parse_arn(role);
  if (!arn || arn->service != "iam" || arn->account_id.size() != 12 || !is_number(arn->account_id) || !arn->resource.starts_with("role/"))
    return validation(role, "role",
                      "Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+");
  return {};
}

Answer<void> check_revision(std::string_view sent, std::string_view now) {
  if (!sent.empty() && sent != now) return refuse("PreconditionFailedException", 412, std::string(stale_revision));
  return {};
}

/// All that decides how a function behaves.
bool same_content(const FunctionConfiguration& a, const FunctionConfiguration& b) {
  return a.runtime == b.runtime && a.handler == b.handler && a.role == b.role && a.description == b.description && a.timeout == b.timeout &&
         a.memory_mb == b.memory_mb && a.environment == b.environment && a.architecture == b.architecture &&
         a.code_sha256 == b.code_sha256 && a.layers == b.layers && a.tmp_mb == b.tmp_mb && a.logging == b.logging;
}

}  // namespace

std::string Operations::next_revision(std::string_view previous) const {
  auto hex = to_hex(crypto::sha256(cat(state_.scope.account_id, state_.scope.region, previous, '\0', now_.time_since_epoch().count())));
  hex[12] = '4';
  hex[16] = 'a';
  const std::string_view text = hex;
  return cat(text.substr(0, 8), "-", text.substr(8, 4), "-", text.substr(12, 4), "-", text.substr(16, 4), "-", text.substr(20, 12));
}

void Operations::revise(Function& function, std::string_view qualifier) {
  const auto fresh = [&](std::string& revision) { revision = next_revision(revision); };
  if (const auto version = function.versions.find(std::string(qualifier)); version != function.versions.end())
    fresh(version->second.edit().revision_id);
  else if (const auto alias = function.aliases.find(std::string(qualifier)); alias != function.aliases.end())
    fresh(alias->second.revision_id);
  else
    fresh(function.latest.revision_id);
}

FunctionConfiguration Operations::settle(Function& function) {
  auto answered = function.latest;
  revise(function, {});
  return answered;
}

std::string_view revision_of(const Function& function, std::string_view qualifier) {
  if (const auto version = function.versions.find(std::string(qualifier)); version != function.versions.end())
    return version->second->revision_id;
  if (const auto alias = function.aliases.find(std::string(qualifier)); alias != function.aliases.end()) return alias->second.revision_id;
  return function.latest.revision_id;
}

Answer<FunctionConfiguration> Operations::create_function(CreateFunctionRequest request) {
  auto reference = parse_function_reference(state_.scope, request.function_name);
  if (!reference) return std::unexpected(reference.error());
  if (!reference->qualifier.empty()) return invalid(std::string(functions_only));
  const auto& name = reference->function_name;
  if (name.size() > function_name_bytes_max)
    return invalid(cat("1 validation error detected: Value '", name,
                       "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"));
  if (state_.functions.contains(name)) return refuse("ResourceConflictException", 409, cat("Function already exist: ", name));
  const auto family = check_runtime(request.runtime, request.handler);
  if (!family) return std::unexpected(family.error());
  if (auto good = check_timeout(request.timeout_s); !good) return std::unexpected(good.error());
  if (auto good = check_memory(request.memory_mb); !good) return std::unexpected(good.error());
  if (auto good = check_architecture(*family, request.architecture); !good) return std::unexpected(good.error());
  if (auto good = check_environment(request.environment); !good) return std::unexpected(good.error());
  if (!request.role.empty())
    if (auto good = check_role(request.role); !good) return std::unexpected(good.error());
  if (auto good = check_tags(request.tags); !good) return std::unexpected(good.error());
  if (auto good = check_tmp(request.tmp_mb); !good) return std::unexpected(good.error());
  auto logging = complete_logging(std::move(request.logging), name);
  if (!logging) return std::unexpected(logging.error());

  FunctionConfiguration configuration;
  configuration.runtime = std::move(request.runtime);
  if (auto taken = take_layers(configuration, request.layers); !taken) return std::unexpected(taken.error());
  if (auto taken = take_code(configuration, request.code); !taken) return std::unexpected(taken.error());
  if (!std::holds_alternative<StoredCode>(request.code))
    if (auto merged = merge_layers(code_, configuration.layers); !merged) return refuse("ServiceException", 500, merged.error().message);
  configuration.tmp_mb = request.tmp_mb;
  configuration.logging = std::move(*logging);
  configuration.function_name = name;
  configuration.function_arn = aws::function_arn(state_.scope, name);
  configuration.handler = std::move(request.handler);
  configuration.role = std::move(request.role);
  configuration.description = std::move(request.description);
  configuration.timeout = std::chrono::seconds(request.timeout_s);
  configuration.memory_mb = request.memory_mb;
  configuration.environment_given = request.environment_given || !request.environment.empty();
  configuration.environment = std::move(request.environment);
  configuration.architecture = std::move(request.architecture);
  configuration.revision_id = next_revision(configuration.function_arn);
  configuration.last_modified = now_;
  configuration.content_revision = 1;
  auto& function = state_.functions[name].edit();
  function.latest = std::move(configuration);
  function.tags = std::move(request.tags);
  auto answered = settle(function);
  if (!request.publish) return answered;
  auto published = publish(function, {});
  if (!published) return std::unexpected(published.error());
  answered.version = published->version;
  return answered;
}

Answer<Operations::Found> Operations::find(std::string_view function_name, std::string_view qualifier, std::string_view suffix) {
  auto reference = parse_function_reference(state_.scope, function_name);
  if (!reference) return std::unexpected(reference.error());
  if (auto same = add_qualifier(*reference, qualifier); !same) return std::unexpected(same.error());
  const auto found = state_.functions.find(reference->function_name);
  if (found == state_.functions.end()) return not_found(cat(aws::function_arn(state_.scope, reference->function_name), suffix));
  return Found{std::move(*reference), found->second.edit()};
}

Answer<Operations::Found> Operations::find_whole(std::string_view function_name, std::string_view suffix) {
  auto found = find(function_name, {}, suffix);
  if (found && !found->reference.qualifier.empty() && found->reference.qualifier != "$LATEST") return invalid(std::string(functions_only));
  return found;
}

Answer<FunctionConfiguration> Operations::update_function_code(UpdateFunctionCodeRequest request) {
  auto found = find_whole(request.function_name);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  if (auto current = check_revision(request.revision_id, function.latest.revision_id); !current) return std::unexpected(current.error());
  auto changed = function.latest;
  if (request.architecture) {
    if (auto good = check_architecture(*runtime::family_of(changed.runtime), *request.architecture); !good)
      return std::unexpected(good.error());
    changed.architecture = std::move(*request.architecture);
  }
  if (auto taken = take_code(changed, request.code); !taken) return std::unexpected(taken.error());
  if (!same_content(changed, function.latest)) ++changed.content_revision;
  changed.revision_id = next_revision(changed.revision_id);
  changed.last_modified = now_;
  if (request.dry_run) return changed;
  function.latest = std::move(changed);
  auto answered = settle(function);
  if (request.publish) return publish(function, {});
  return answered;
}

Answer<FunctionConfiguration> Operations::update_function_configuration(UpdateFunctionConfigurationRequest request) {
  auto found = find_whole(request.function_name);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  if (auto current = check_revision(request.revision_id, function.latest.revision_id); !current) return std::unexpected(current.error());
  auto changed = function.latest;
  if (request.runtime) changed.runtime = std::move(*request.runtime);
  if (request.handler) changed.handler = std::move(*request.handler);
  if (request.role) changed.role = std::move(*request.role);
  if (request.description) changed.description = std::move(*request.description);
  if (request.timeout_s) {
    if (auto good = check_timeout(*request.timeout_s); !good) return std::unexpected(good.error());
    changed.timeout = std::chrono::seconds(*request.timeout_s);
  }
  if (request.memory_mb) {
    if (auto good = check_memory(*request.memory_mb); !good) return std::unexpected(good.error());
    changed.memory_mb = *request.memory_mb;
  }
  if (request.environment) {
    if (auto good = check_environment(*request.environment); !good) return std::unexpected(good.error());
    changed.environment = std::move(*request.environment);
    changed.environment_given = true;
  }
  if (request.layers)
    if (auto taken = take_layers(changed, *request.layers); !taken) return std::unexpected(taken.error());
  if (request.tmp_mb) {
    if (auto good = check_tmp(*request.tmp_mb); !good) return std::unexpected(good.error());
    changed.tmp_mb = *request.tmp_mb;
  }
  if (request.logging) {
    auto logging = complete_logging(std::move(*request.logging), changed.function_name);
    if (!logging) return std::unexpected(logging.error());
    changed.logging = std::move(*logging);
  }
  const auto family = check_runtime(changed.runtime, changed.handler);
  if (!family) return std::unexpected(family.error());
  if (auto good = check_architecture(*family, changed.architecture); !good) return std::unexpected(good.error());
  if (request.role)
    if (auto good = check_role(changed.role); !good) return std::unexpected(good.error());
  if (!same_content(changed, function.latest)) ++changed.content_revision;
  changed.revision_id = next_revision(changed.revision_id);
  changed.last_modified = now_;
  function.latest = std::move(changed);
  return settle(function);
}

Answer<void> Operations::delete_function(std::string_view function_name, std::string_view qualifier) {
  auto found = find(function_name, qualifier);
  if (!found) return std::unexpected(found.error());
  const auto& version = found->reference.qualifier;
  if (version.empty()) {
    state_.functions.erase(found->reference.function_name);
    return {};
  }
  if (version == "$LATEST") return invalid("$LATEST version cannot be deleted without deleting the function.");
  if (!is_number(version)) return invalid("Deletion of aliases is not currently supported.");
  auto& function = found->function;
  std::vector<std::string> users;
  for (const auto& [name, alias] : function.aliases)
    if (alias.function_version == version || alias.weights.contains(version)) users.push_back(name);
  if (!users.empty())
    return refuse("ResourceConflictException", 409,
                  cat("Unable to delete version because the following aliases reference it: [", join(users, ", "), "]"));
  function.versions.erase(version);
  function.policies.erase(version);
  function.event_invoke_configs.erase(version);
  function.provisioned.erase(version);
  return {};
}

Answer<FunctionConfiguration> Operations::publish(Function& function, std::string_view description) {
  const auto newest = function.versions.find(std::to_string(function.newest_version));
  if (newest != function.versions.end() && newest->second->content_revision == function.latest.content_revision) return *newest->second;
  if (auto fits = check_storage(function.latest.code_bytes); !fits) return std::unexpected(fits.error());
  auto published = function.latest;
  published.version = std::to_string(++function.newest_version);
  if (!description.empty()) published.description = description;
  published.revision_id = next_revision(cat(published.revision_id, published.version));
  published.last_modified = now_;
  // A URL or alias named like it cannot be; a policy could be left from nowhere.
  function.policies.erase(published.version);
  function.versions.insert_or_assign(published.version, Shared(published));
  revise(function, {});
  return published;
}

Answer<FunctionConfiguration> Operations::publish_version(const PublishVersionRequest& request) {
  auto found = find_whole(request.function_name);
  if (!found) return std::unexpected(found.error());
  auto& function = found->function;
  if (auto current = check_revision(request.revision_id, function.latest.revision_id); !current) return std::unexpected(current.error());
  if (!request.code_sha256.empty() && request.code_sha256 != function.latest.code_sha256)
    return invalid(cat("CodeSHA256 (", request.code_sha256, ") is different from current CodeSHA256 in $LATEST (",
                       function.latest.code_sha256, "). Please try again with the CodeSHA256 in $LATEST."));
  return publish(function, request.description);
}

const FunctionConfiguration* resolve(const Function& function, std::string_view qualifier) {
  if (qualifier.empty() || qualifier == "$LATEST") return &function.latest;
  if (const auto version = function.versions.find(std::string(qualifier)); version != function.versions.end()) return &*version->second;
  const auto alias = function.aliases.find(std::string(qualifier));
  return alias == function.aliases.end() ? nullptr : resolve(function, alias->second.function_version);
}

}  // namespace sallyport::lambda
