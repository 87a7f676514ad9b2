// Making and changing functions, their code, configuration and versions.
#include <map>

#include "base/encoding.hpp"
#include "io/loop.hpp"
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "lambda/shapes.hpp"
#include "runtime/interpreters.hpp"

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
  // An update names it where the function is: here all are Zip.
  if (in.text("ImageUri") && prefix.empty()) return invalid("Please don't provide ImageUri when updating a function with packageType Zip.");
  if (in.text("ImageUri")) return not_supported(call, cat(prefix, "ImageUri"), "container images do not run here");
  const auto package = in.text("ZipFile");
  if (!package) return invalid("Please provide a source for function code.");
  if (package->empty()) return invalid(std::string(CodeStore::empty_package));
  if (package->size() > limits::package_bytes_max)
    return refuse("RequestEntityTooLargeException", 413, cat("Zipped size must be smaller than ", limits::package_bytes_max, " bytes"));
  return *package;
}

/// Would AWS take snapshots of it: Python from 3.12 on (and Java and .NET, which do not run here).
bool can_be_snapped(std::string_view runtime) {
  constexpr std::string_view python = "python3.";
  return !runtime::family_of(runtime) ||
         (runtime.starts_with(python) && parse_number<int>(runtime.substr(python.size())).value_or(0) >= 12);
}

/// Settings that are taken only with the value they have anyway.
Answer<> check_fixed_settings(const Call& call, std::string_view runtime) {
  const auto& in = call.in;
  if (const auto vpc = in.structure("VpcConfig"); vpc && vpc->boolean("Ipv6AllowedForDualStack").value_or(false))
    return not_supported(call, "VpcConfig.Ipv6AllowedForDualStack", "functions use the machine's own network");
  if (const auto queue = in.structure("DeadLetterConfig"); queue && !queue->text_or("TargetArn", "").empty())
    return not_supported(call, "DeadLetterConfig.TargetArn", "there are no queues and topics here");
  if (!in.text_or("KMSKeyArn", "").empty()) return not_supported(call, "KMSKeyArn", "there is no KMS here");
  if (const auto tracing = in.structure("TracingConfig"); tracing && tracing->text_or("Mode", "PassThrough") != "PassThrough")
    return not_supported(call, "TracingConfig.Mode Active", "traces are not sent to X-Ray");
  if (const auto snap = in.structure("SnapStart"); snap && snap->text_or("ApplyOn", "None") != "None") {
    if (!can_be_snapped(runtime)) return invalid(cat(runtime, " is not supported for SnapStart enabled functions."));
    return not_supported(
        call, "SnapStart.ApplyOn PublishedVersions",
        "no memory snapshots of initialised environments are taken here; use provisioned concurrency, which keeps them ready");
  }
  if (!in.text_or("CodeSigningConfigArn", "").empty())
    return not_supported(call, "CodeSigningConfigArn", "signatures of packages are not checked here");
  return {};
}

/// What is set of LoggingConfig, over what was. Whoever turns to JSON without levels gets AWS's, and loses them with it.
std::optional<LoggingConfig> read_logging(const Call& call, LoggingConfig logging) {
  const auto given = call.in.structure("LoggingConfig");
  if (!given) return std::nullopt;
  const auto take = [&](std::string_view name, std::string& into) {
    if (const auto text = given->text(name)) into = *text;
  };
  if (const auto format = given->text("LogFormat")) {
    logging.json = *format == "JSON";
    logging.application_level.clear();
    logging.system_level.clear();
  }
  take("ApplicationLogLevel", logging.application_level);
  take("SystemLogLevel", logging.system_level);
  take("LogGroup", logging.group);
  return logging;
}

std::optional<int> read_tmp(const Call& call) {
  const auto storage = call.in.structure("EphemeralStorage");
  const auto size = storage ? storage->integer("Size") : std::nullopt;
  return size ? std::optional(fitting(*size)) : std::nullopt;
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
  request.layers = in.texts("Layers").value_or(std::vector<std::string>());
  request.tmp_mb = read_tmp(call).value_or(request.tmp_mb);
  request.logging = read_logging(call, {}).value_or(LoggingConfig());
  if (in.text_or("PackageType", "Zip") != "Zip") return not_supported(call, "PackageType Image", "container images do not run here");
  if (auto good = check_fixed_settings(call, request.runtime); !good) return std::unexpected(good.error());
  if (request.runtime.empty() || request.handler.empty())
    if (!request.runtime.starts_with("provided"))
      return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  return request;
}

/// Empty for a function that is not there.
std::string runtime_now(const State& state, std::string_view name) {
  const auto reference = parse_function_reference(state.scope, name);
  const auto function = reference ? state.functions.find(reference->function_name) : state.functions.end();
  return function == state.functions.end() ? std::string() : function->second->latest.runtime;
}

}  // namespace

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

AccountLookup Handlers::owners(const Call& call, const std::vector<std::string>& layers) const {
  std::map<std::string, Ledger::Snapshot> others;
  for (const auto& arn : layers) {
    const auto reference = parse_layer(call.scope, arn);
    if (!reference || reference->account_id == call.scope.account_id) continue;
    others.emplace(reference->account_id, parts_.ledger.read({reference->account_id, call.scope.region, call.scope.partition}));
  }
  return [others = std::move(others)](const std::string& account_id) {
    const auto found = others.find(account_id);
    return found == others.end() ? nullptr : found->second;
  };
}

Task<Answer<>> Handlers::take_layers(Call& call, const std::vector<std::string>& arns) {
  auto layers = find_layers(*parts_.ledger.read(call.scope), owners(call, arns), arns);
  if (!layers) co_return std::unexpected(std::move(layers.error()));
  Result<> merged;
  if (layers->size() > 1) co_await io::run_blocking(call.loop, [&] { merged = merge_layers(parts_.code, *layers); });
  if (!merged) co_return refuse("ServiceException", 500, merged.error().message);
  co_return Answer<>();
}

Output Handlers::create_function(Call& call) {
  auto request = co_await read_create(call);
  const auto code = call.in.structure("Code");
  auto package = code ? read_package(call, *code, "Code.") : Answer<std::string>(invalid("Please provide a source for function code."));
  if (!package) co_return std::unexpected(std::move(package.error()));
  co_await control::refuse_unread(call);
  const auto layer_owners = owners(call, request.layers);
  // What would be refused anyway is not unpacked first.
  {
    State draft = *parts_.ledger.read(call.scope);
    auto rehearsal = request;
    rehearsal.code = StoredCode{};
    if (auto made = operations(draft, call, layer_owners).create_function(std::move(rehearsal)); !made)
      co_return std::unexpected(made.error());
  }
  co_await check_role(request.role);
  const auto pin = parts_.code.pin();
  request.code = co_await take_package(call, std::move(*package));
  co_await take_layers(call, request.layers);
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call, layer_owners).create_function(std::move(request));
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
  if (call.in.text("ImageUri")) co_await look(call);
  auto package = co_await read_package(call, call.in, "");
  co_await control::refuse_unread(call);
  {
    State draft = *parts_.ledger.read(call.scope);
    auto rehearsal = request;
    rehearsal.code = StoredCode{};
    if (auto made = operations(draft, call).update_function_code(std::move(rehearsal)); !made) co_return std::unexpected(made.error());
  }
  const auto pin = parts_.code.pin();
  request.code = co_await take_package(call, std::move(package));
  const auto change = [&](State& draft) -> Answer<json::Value> {
    const bool publish = request.publish && !request.dry_run;
    auto made = operations(draft, call).update_function_code(std::move(request));
    if (!made) return std::unexpected(made.error());
    return configuration_json(*made, call.scope, publish ? std::string_view(made->version) : std::string_view(),
                              publish ? Phase::creating : Phase::updating);
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
  request.layers = call.in.texts("Layers");
  request.tmp_mb = read_tmp(call);
  co_await check_fixed_settings(call,
                                request.runtime ? *request.runtime : runtime_now(*parts_.ledger.read(call.scope), request.function_name));
  if (request.role || request.layers) co_await look(call);
  if (request.role) co_await check_role(*request.role);
  const auto pin = parts_.code.pin();
  if (request.layers) co_await take_layers(call, *request.layers);
  const auto layer_owners = owners(call, request.layers.value_or(std::vector<std::string>()));
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    const auto reference = parse_function_reference(call.scope, request.function_name);
    const auto function = reference ? draft.functions.find(reference->function_name) : draft.functions.end();
    request.logging = read_logging(call, function == draft.functions.end() ? LoggingConfig() : function->second->latest.logging);
    auto made = operations(draft, call, layer_owners).update_function_configuration(std::move(request));
    if (!made) return std::unexpected(made.error());
    return configuration_json(*made, call.scope, {}, Phase::updating);
  });
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

}  // namespace sallyport::lambda
