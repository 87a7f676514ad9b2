// Functions, their code, configuration and versions.
#include <cstdio>
#include <map>

#include "base/encoding.hpp"
#include "io/loop.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "lambda/shapes.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

auto not_supported(const Call& call, std::string_view member, std::string_view why) {
  return unsupported(cat(call.operation, ": ", member, " is not supported by Sallyport: ", why));
}

/// A package as it was sent; the error says what else was sent in its place.
Answer<std::string> read_package(const Call& call, const wire::Parameters& in, std::string_view prefix) {
  for (const std::string_view member : {"S3Bucket", "S3Key", "S3ObjectVersion"})
    if (in.text(member))
      return not_supported(call, cat(prefix, member), cat("there is no S3 here, send the package as ", prefix, "ZipFile"));
  if (in.text("ImageUri")) return not_supported(call, cat(prefix, "ImageUri"), "container images do not run here");
  const auto package = in.text("ZipFile");
  if (!package) return invalid("Please provide a source for function code.");
  if (package->empty()) return invalid("Uploaded file must be a non-empty zip");
  if (package->size() > limits::package_bytes_max)
    return refuse("RequestEntityTooLargeException", 413, cat("Zipped size must be smaller than ", limits::package_bytes_max, " bytes"));
  return *package;
}

/// Settings that are taken only with the value they have anyway.
Answer<> check_fixed_settings(const Call& call, std::string_view function_name) {
  const auto& in = call.in;
  if (const auto vpc = in.structure("VpcConfig"); vpc && vpc->boolean("Ipv6AllowedForDualStack").value_or(false))
    return not_supported(call, "VpcConfig.Ipv6AllowedForDualStack", "functions use the machine's own network");
  if (const auto queue = in.structure("DeadLetterConfig"); queue && !queue->text_or("TargetArn", "").empty())
    return not_supported(call, "DeadLetterConfig.TargetArn", "there are no queues and topics here");
  if (!in.text_or("KMSKeyArn", "").empty()) return not_supported(call, "KMSKeyArn", "there is no KMS here");
  if (const auto tracing = in.structure("TracingConfig"); tracing && tracing->text_or("Mode", "PassThrough") != "PassThrough")
    return not_supported(call, "TracingConfig.Mode Active", "traces are not sent to X-Ray");
  if (const auto storage = in.structure("EphemeralStorage"); storage && storage->integer("Size").value_or(512) != 512)
    return not_supported(call, "EphemeralStorage.Size other than 512", "the size of /tmp is not limited here");
  if (const auto snap = in.structure("SnapStart"); snap && snap->text_or("ApplyOn", "None") != "None")
    return not_supported(call, "SnapStart.ApplyOn PublishedVersions", "environments start on demand");
  if (const auto logging = in.structure("LoggingConfig")) {
    if (logging->text_or("LogFormat", "Text") != "Text") return not_supported(call, "LoggingConfig.LogFormat JSON", "logs are text");
    const auto own_group = cat("/aws/lambda/", function_name);
    if (logging->text_or("LogGroup", own_group) != own_group)
      return not_supported(call, cat("LoggingConfig.LogGroup other than ", own_group), "every function logs to its own");
  }
  return {};
}

std::optional<std::map<std::string, std::string>> read_environment(const Call& call) {
  const auto environment = call.in.structure("Environment");
  if (!environment) return std::nullopt;
  const auto variables = environment->text_map("Variables").value_or(TextMap());
  return std::map<std::string, std::string>(variables.begin(), variables.end());
}

Answer<std::optional<std::string>> read_architecture(const Call& call) {
  const auto architectures = call.in.texts("Architectures");
  if (!architectures || architectures->empty()) return std::nullopt;
  if (architectures->size() > 1)
    return validation(cat("[", join(*architectures, ", "), "]"), "architectures", "Member must have length less than or equal to 1");
  return architectures->front();
}

std::string bare_name(const Call& call) {
  const auto reference = parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  return reference ? reference->function_name : std::string();
}

Answer<CreateFunctionRequest> read_create(const Call& call) {
  const auto& in = call.in;
  CreateFunctionRequest request;
  request.function_name = in.required("FunctionName");
  request.runtime = in.text_or("Runtime", "");
  request.handler = in.text_or("Handler", "");
  request.role = in.required("Role");
  request.description = in.text_or("Description", "");
  request.timeout_s = fitting(in.integer("Timeout").value_or(request.timeout_s));
  request.memory_mb = fitting(in.integer("MemorySize").value_or(request.memory_mb));
  if (auto environment = read_environment(call)) {
    request.environment = std::move(*environment);
    request.environment_given = true;
  }
  auto architecture = read_architecture(call);
  if (!architecture) return std::unexpected(architecture.error());
  if (*architecture) request.architecture = std::move(**architecture);
  request.publish = in.boolean("Publish").value_or(false);
  request.tags = in.text_map("Tags").value_or(TextMap());
  if (in.text_or("PackageType", "Zip") != "Zip") return not_supported(call, "PackageType Image", "container images do not run here");
  if (auto good = check_fixed_settings(call, bare_name(call)); !good) return std::unexpected(good.error());
  if (request.runtime.empty() || request.handler.empty())
    if (!request.runtime.starts_with("provided"))
      return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  return request;
}

std::string version_key(std::string_view version) {
  const auto number = parse_number<int>(version).value_or(0);  // $LATEST comes first
  char digits[16];
  std::snprintf(digits, sizeof digits, "%010d", number);
  return digits;
}

}  // namespace

Answer<PageRequest> read_page(const Call& call, std::size_t items_max) {
  const auto wanted = call.in.integer("MaxItems").value_or(static_cast<std::int64_t>(items_max));
  PageRequest page{std::clamp<std::size_t>(wanted < 1 ? 1 : static_cast<std::size_t>(wanted), 1, items_max), std::nullopt};
  if (const auto marker = call.in.text("Marker"); marker && !marker->empty()) {
    page.after = wire::page_key(*marker);
    if (!page.after) return invalid("Invalid pagination token.");
  }
  return page;
}

Answer<Looked> Handlers::look(const Call& call, std::string_view member, std::string_view suffix) const {
  auto reference = parse_any_function_reference(call.scope, call.in.required(member));
  if (!reference) return std::unexpected(reference.error());
  auto scope = call.scope;
  scope.account_id = reference->account_id;
  auto state = parts_.ledger.read(scope);
  const auto found = state->functions.find(reference->function_name);
  if (found == state->functions.end()) return not_found(cat(aws::function_arn(scope, reference->function_name), suffix));
  const auto* function = &*found->second;
  return Looked{std::move(state), std::move(*reference), function};
}

Answer<> Handlers::check_role(const std::string& role) const {
  if (parts_.roles.check_role(role)) return {};
  return invalid("The role defined for the function cannot be assumed by Lambda.");
}

Task<Answer<StoredCode>> Handlers::take_package(Call& call, std::string package) {
  Result<CodeStore::Stored> stored;
  co_await io::run_blocking(call.loop, [&] { stored = parts_.code.unpack_bytes(package); });
  if (!stored) co_return std::unexpected(code_refused(stored.error()));
  co_return StoredCode{std::move(*stored)};
}

Output Handlers::create_function(Call& call) {
  auto request = co_await read_create(call);
  const auto code = call.in.structure("Code");
  auto package = code ? read_package(call, *code, "Code.") : Answer<std::string>(invalid("Please provide a source for function code."));
  if (!package) co_return std::unexpected(std::move(package.error()));
  co_await control::refuse_unread(call);
  // What would be refused anyway is not unpacked first.
  {
    State draft = *parts_.ledger.read(call.scope);
    auto rehearsal = request;
    rehearsal.code = StoredCode{};
    if (auto made = operations(draft, call).create_function(std::move(rehearsal)); !made) co_return std::unexpected(made.error());
  }
  co_await check_role(request.role);
  request.code = co_await take_package(call, std::move(*package));
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).create_function(std::move(request));
    if (!made) return std::unexpected(made.error());
    return configuration_json(*made, call.scope, {}, Phase::creating);
  });
}

Output Handlers::update_function_code(Call& call) {
  UpdateFunctionCodeRequest request;
  request.function_name = call.in.required("FunctionName");
  request.architecture = co_await read_architecture(call);
  request.publish = call.in.boolean("Publish").value_or(false);
  request.dry_run = call.in.boolean("DryRun").value_or(false);
  request.revision_id = call.in.text_or("RevisionId", "");
  auto package = co_await read_package(call, call.in, "");
  co_await control::refuse_unread(call);
  {
    State draft = *parts_.ledger.read(call.scope);
    auto rehearsal = request;
    rehearsal.code = StoredCode{};
    if (auto made = operations(draft, call).update_function_code(std::move(rehearsal)); !made) co_return std::unexpected(made.error());
  }
  request.code = co_await take_package(call, std::move(package));
  const auto change = [&](State& draft) -> Answer<json::Value> {
    const bool publish = request.publish && !request.dry_run;
    auto made = operations(draft, call).update_function_code(std::move(request));
    if (!made) return std::unexpected(made.error());
    return configuration_json(*made, call.scope, publish ? std::string_view(made->version) : std::string_view(),
                              publish ? Phase::settled : Phase::updating);
  };
  if (request.dry_run) {
    State draft = *parts_.ledger.read(call.scope);
    co_return change(draft);
  }
  co_return co_await parts_.ledger.write(call, change);
}

Output Handlers::update_function_configuration(Call& call) {
  UpdateFunctionConfigurationRequest request;
  request.function_name = call.in.required("FunctionName");
  request.runtime = call.in.text("Runtime");
  request.handler = call.in.text("Handler");
  request.role = call.in.text("Role");
  request.description = call.in.text("Description");
  if (const auto timeout = call.in.integer("Timeout")) request.timeout_s = fitting(*timeout);
  if (const auto memory = call.in.integer("MemorySize")) request.memory_mb = fitting(*memory);
  request.environment = read_environment(call);
  request.revision_id = call.in.text_or("RevisionId", "");
  co_await check_fixed_settings(call, bare_name(call));
  if (request.role) {
    co_await look(call);
    co_await check_role(*request.role);
  }
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).update_function_configuration(std::move(request));
    if (!made) return std::unexpected(made.error());
    return configuration_json(*made, call.scope, {}, Phase::updating);
  });
}

namespace {

struct Version {
  Looked looked;
  const FunctionConfiguration* configuration;
};

Answer<Version> choose_version(const Call& call, Looked looked) {
  if (auto same = add_qualifier(looked.reference, call.in.text_or("Qualifier", "")); !same) return std::unexpected(same.error());
  const auto& qualifier = looked.reference.qualifier;
  const auto* configuration = resolve(*looked.function, qualifier);
  if (!configuration) return not_found(aws::function_arn(looked.state->scope, looked.name(), qualifier));
  return Version{std::move(looked), configuration};
}

/// In the error for a function that is not there stands the qualifier, too.
std::string suffix_of(const Call& call) {
  auto reference = parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  if (!reference || !add_qualifier(*reference, call.in.text_or("Qualifier", "")) || reference->qualifier.empty()) return {};
  return cat(":", reference->qualifier);
}

}  // namespace

Output Handlers::get_function(Call& call) {
  auto version = co_await choose_version(call, co_await look(call, "FunctionName", suffix_of(call)));
  co_await control::refuse_unread(call);
  const auto& [looked, configuration] = version;
  json::Value code;
  code.set("RepositoryType", "S3");
  const auto digest = from_base64(configuration->code_sha256);
  code.set("Location", configuration->packaged && digest ? parts_.links.make(call.origin, to_hex(*digest), call.now)
                                                         : cat("file://", configuration->code_directory));
  json::Value out;
  out.set("Configuration", configuration_json(*configuration, looked.state->scope, looked.reference.qualifier, Phase::settled));
  out.set("Code", std::move(code));
  if (!looked.function->tags.empty()) out.set("Tags", tags_json(looked.function->tags));
  if (const auto& reserved = looked.function->reserved_concurrency)
    out.set("Concurrency", json::Object{{"ReservedConcurrentExecutions", *reserved}});
  co_return out;
}

Output Handlers::get_function_configuration(Call& call) {
  auto version = co_await choose_version(call, co_await look(call, "FunctionName", suffix_of(call)));
  co_await control::refuse_unread(call);
  co_return configuration_json(*version.configuration, version.looked.state->scope, version.looked.reference.qualifier, Phase::settled);
}

Output Handlers::list_functions(Call& call) {
  const auto page = co_await read_page(call);
  const auto wanted = call.in.text_or("FunctionVersion", "");
  if (!wanted.empty() && wanted != "ALL") co_return validation(wanted, "functionVersion", "Member must satisfy enum value set: [ALL]");
  co_await control::refuse_unread(call);
  const auto state = parts_.ledger.read(call.scope);
  json::Array functions;
  std::optional<std::string> next;
  if (wanted.empty()) {
    next = wire::page(state->functions, page.after, page.items, [&](const std::string&, const Shared<Function>& function) {
      functions.push_back(configuration_json(function->latest, state->scope, {}, Phase::listed));
      return true;
    });
  } else {
    std::map<std::string, const FunctionConfiguration*> all;
    for (const auto& [name, function] : state->functions) {
      all.emplace(cat(name, "\n", version_key("$LATEST")), &function->latest);
      for (const auto& [number, version] : function->versions) all.emplace(cat(name, "\n", version_key(number)), &*version);
    }
    next = wire::page(all, page.after, page.items, [&](const std::string&, const FunctionConfiguration* each) {
      functions.push_back(configuration_json(*each, state->scope, each->version, Phase::listed));
      return true;
    });
  }
  json::Value out;
  out.set("Functions", std::move(functions));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::list_versions_by_function(Call& call) {
  const auto page = co_await read_page(call);
  const auto looked = co_await look(call);
  co_await control::refuse_unread(call);
  std::map<std::string, const FunctionConfiguration*> all{{version_key("$LATEST"), &looked.function->latest}};
  for (const auto& [number, version] : looked.function->versions) all.emplace(version_key(number), &*version);
  json::Array versions;
  const auto next = wire::page(all, page.after, page.items, [&](const std::string&, const FunctionConfiguration* each) {
    versions.push_back(configuration_json(*each, looked.state->scope, each->version, Phase::listed));
    return true;
  });
  json::Value out;
  out.set("Versions", std::move(versions));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::delete_function(Call& call) {
  const auto name = call.in.required("FunctionName");
  const auto qualifier = call.in.text_or("Qualifier", "");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto gone = operations(draft, call).delete_function(name, qualifier); !gone) return std::unexpected(gone.error());
    return json::Object{{"StatusCode", 204}};
  });
}

Output Handlers::publish_version(Call& call) {
  const PublishVersionRequest request{call.in.required("FunctionName"), call.in.text_or("Description", ""),
                                      call.in.text_or("CodeSha256", ""), call.in.text_or("RevisionId", "")};
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).publish_version(request);
    if (!made) return std::unexpected(made.error());
    return configuration_json(*made, call.scope, made->version, Phase::settled);
  });
}

Output Handlers::get_account_settings(Call& call) {
  co_await control::refuse_unread(call);
  const auto state = parts_.ledger.read(call.scope);
  const auto& limits = parts_.limits;
  std::int64_t code_bytes = 0;
  int reserved = 0;
  for (const auto& [name, function] : state->functions) {
    code_bytes += function->latest.code_bytes;
    for (const auto& [number, version] : function->versions) code_bytes += version->code_bytes;
    reserved += function->reserved_concurrency.value_or(0);
  }
  json::Value limit;
  limit.set("TotalCodeSize", limits.code_bytes_max);
  limit.set("CodeSizeUnzipped", lambda::limits::unpacked_bytes_max);
  limit.set("CodeSizeZipped", lambda::limits::package_bytes_max);
  limit.set("ConcurrentExecutions", limits.concurrent_executions);
  limit.set("UnreservedConcurrentExecutions", limits.concurrent_executions - reserved);
  json::Value usage;
  usage.set("TotalCodeSize", code_bytes);
  usage.set("FunctionCount", state->functions.size());
  json::Value out;
  out.set("AccountLimit", std::move(limit));
  out.set("AccountUsage", std::move(usage));
  co_return out;
}

Output Handlers::get_function_code_signing_config(Call& call) {
  const auto looked = co_await look(call);
  co_await control::refuse_unread(call);
  co_return json::Object{{"CodeSigningConfigArn", ""}, {"FunctionName", looked.name()}};
}

}  // namespace sallyport::lambda
