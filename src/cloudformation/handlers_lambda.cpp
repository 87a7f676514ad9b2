// AWS::Lambda::Function, Permission and Url.
#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "cloudformation/handlers.hpp"
#include "lambda/shapes.hpp"

namespace sallyport::cloudformation {
namespace {

namespace fs = std::filesystem;

constexpr auto s3_hint = "there is no S3 here: name a local folder or .zip file, relative to the template";

Node text_node(const ResourceDeclaration& resource, std::string_view text) { return {resource.at, text}; }

}  // namespace

std::optional<lambda::Code> local_code(Workshop& workshop, Properties& properties, std::string_view property, const std::string& written) {
  if (written.starts_with("s3://") || written.starts_with("https://") || written.starts_with("http://")) {
    properties.refuse(property, cat("`", written, "` is not a local path"), s3_hint);
    return std::nullopt;
  }
  std::error_code error;
  const auto path = fs::weakly_canonical(fs::path(workshop.folder) / written, error);
  const auto status = error ? fs::file_status{} : fs::status(path, error);
  if (fs::is_directory(status)) {
    workshop.stack.watched.push_back(path.string());
    const auto [facts, fresh] = workshop.surveyed.try_emplace(path.string());
    if (fresh) facts->second = lambda::survey(path.string());
    return lambda::DirectoryCode{path.string(), facts->second};
  }
  if (fs::is_regular_file(status) && path.extension() == ".zip") {
    workshop.stack.watched.push_back(path.string());
    return lambda::PackageCode{path.string()};
  }
  properties.refuse(property, cat("`", written, "` is ", fs::exists(status) ? "neither a folder nor a .zip file" : "not there"),
                    cat("looked at ", path.string()));
  return std::nullopt;
}

namespace {

std::optional<lambda::Code> read_code(Workshop& workshop, Properties& properties) {
  const auto* node = properties.node("Code");
  if (node == nullptr) {
    properties.refuse("", "has no Code", "a local path, or ZipFile with the text");
    return std::nullopt;
  }
  if (const auto* written = node->string()) return local_code(workshop, properties, "Code", *written);
  auto code = properties.object("Code");
  for (const auto name : {"S3Bucket", "S3Key", "S3ObjectVersion"})
    if (code->node(name) != nullptr) {
      code->refuse(name, "code in S3 cannot be used", s3_hint);
      return std::nullopt;
    }
  if (code->node("ImageUri") != nullptr) {
    code->refuse("ImageUri", "container images do not run here", "use a runtime and a folder");
    return std::nullopt;
  }
  auto text = code->text("ZipFile");
  code->finish();
  if (text) return lambda::InlineCode{std::move(*text)};
  if (code->ok()) code->refuse("", "has no ZipFile");
  return std::nullopt;
}

void refuse_unsupported_function_properties(Properties& properties) {
  properties.no_effect({"Tags"});
  properties.only_default("PackageType", "Zip", "container images do not run here: use a runtime and a folder");
  properties.unsupported("ImageConfig", "container images do not run here: use a runtime and a folder");
  properties.unsupported("VpcConfig", "functions use the machine's own network");
  if (auto dead_letters = properties.object("DeadLetterConfig")) {
    dead_letters->only_default("TargetArn", "",
                               "there are no queues and topics here: an EventInvokeConfig can tell a function of failures");
    dead_letters->finish();
  }
  properties.only_default("RecursiveLoop", "Terminate", "nothing looks for functions that call each other in a loop here");
  properties.unsupported("FileSystemConfigs", "there is no EFS here");
  properties.unsupported("KmsKeyArn", "there is no KMS here");
  properties.unsupported("CodeSigningConfigArn", "signatures of packages are not checked here");
  if (auto snap_start = properties.object("SnapStart")) {
    snap_start->only_default("ApplyOn", "None",
                             "no snapshots are taken here: use ProvisionedConcurrencyConfig, which keeps environments ready");
    snap_start->finish();
  }
  if (auto management = properties.object("RuntimeManagementConfig")) {
    constexpr std::string_view hint = "functions run with the interpreter that is found here: map another one with --runtime";
    management->only_default("UpdateRuntimeOn", "Auto", hint);
    management->unsupported("RuntimeVersionArn", hint);
    management->finish();
  }
  if (const auto* tracing = properties.node("TracingConfig"); tracing != nullptr) {
    auto object = properties.object("TracingConfig");
    object->only_default("Mode", "PassThrough", "traces are not sent to X-Ray");
    object->finish();
  }
}

/// Layers that are not here may be left out on request, as other things that are not here.
std::vector<std::string> read_layers(const Workshop& workshop, Properties& properties) {
  std::vector<std::string> out;
  for (auto& arn : properties.texts("Layers")) {
    if (const auto known = workshop.functions.check_layer(arn)) {
      out.push_back(std::move(arn));
      continue;
    } else {
      properties.report().unsupported(properties.at("Layers"), cat(properties.where(), ".Layers"), known.error().message,
                                      "publish its files as a layer here, or make it with an AWS::Lambda::LayerVersion");
      if (!properties.report().ignores_unsupported()) properties.give_up();
    }
  }
  return out;
}

lambda::LoggingConfig read_logging(Properties& properties) {
  lambda::LoggingConfig out;
  auto config = properties.object("LoggingConfig");
  if (!config) return out;
  const auto read = [&](std::string_view name, std::initializer_list<std::string_view> known) {
    auto text = config->text(name).value_or("");
    if (!text.empty() && std::ranges::find(known, std::string_view(text)) == known.end())
      config->refuse(name, cat("`", text, "` is none of ", join({known.begin(), known.end()}, ", ")));
    return text;
  };
  out.json = read("LogFormat", {"Text", "JSON"}) == "JSON";
  out.application_level = read("ApplicationLogLevel", {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"});
  out.system_level = read("SystemLogLevel", {"DEBUG", "INFO", "WARN"});
  out.group = config->text("LogGroup").value_or("");
  config->finish();
  return out;
}

// Of the Lambda API's model. AWS's list of methods leaves no place for OPTIONS: preflights are answered by the service.
constexpr std::size_t cors_methods_max = 6, cors_method_bytes_max = 6, cors_items_max = 100, cors_origin_bytes_max = 253,
                      cors_header_bytes_max = 1'024;

/// Puts a list of Cors into both forms of the request.
std::vector<std::string> read_cors_list(Properties& cors, std::string_view name, std::size_t items_max, std::size_t bytes_max,
                                        json::Value& given) {
  auto out = cors.texts(name);
  if (out.size() > items_max) cors.refuse(name, cat("takes ", items_max, " at most"));
  for (const auto& item : out)
    if (item.size() > bytes_max) cors.refuse(name, cat("`", item, "` is longer than ", bytes_max, " characters"));
  if (cors.has(name)) given.set(name, json::Array(out.begin(), out.end()));
  return out;
}

void read_cors(Properties& cors, lambda::CreateFunctionUrlRequest& request) {
  lambda::UrlCors out;
  json::Value given{json::Object()};
  if (const auto allowed = cors.boolean("AllowCredentials")) {
    out.allow_credentials = *allowed;
    given.set("AllowCredentials", *allowed);
  }
  out.allow_headers = read_cors_list(cors, "AllowHeaders", cors_items_max, cors_header_bytes_max, given);
  out.allow_methods = read_cors_list(cors, "AllowMethods", cors_methods_max, cors_method_bytes_max, given);
  out.allow_origins = read_cors_list(cors, "AllowOrigins", cors_items_max, cors_origin_bytes_max, given);
  out.expose_headers = read_cors_list(cors, "ExposeHeaders", cors_items_max, cors_header_bytes_max, given);
  out.max_age_s = cors.integer("MaxAge", 0, 86'400);
  if (out.max_age_s) given.set("MaxAge", *out.max_age_s);
  cors.finish();
  if (given.object()->empty()) return;
  request.cors = std::move(out);
  request.cors_given = std::move(given);
}

}  // namespace

std::optional<Attributes> make_function(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  lambda::CreateFunctionRequest request;
  request.function_name = properties.text("FunctionName").value_or(workshop.physical_name(resource.logical_id));
  request.runtime = properties.required_text("Runtime");
  request.handler = properties.text("Handler").value_or("");
  request.role = properties.required_text("Role");
  request.description = properties.text("Description").value_or("");
  request.timeout_s = properties.integer("Timeout", 1, 900).value_or(request.timeout_s);
  request.memory_mb = properties.integer("MemorySize", 128, 10'240).value_or(request.memory_mb);
  if (auto environment = properties.object("Environment")) {
    const auto variables = environment->text_map("Variables");
    request.environment = {variables.begin(), variables.end()};
    environment->finish();
  }
  const auto architectures = properties.texts("Architectures");
  if (architectures.size() > 1) properties.refuse("Architectures", "takes one architecture");
  if (!architectures.empty()) request.architecture = architectures.front();
  request.layers = read_layers(workshop, properties);
  request.logging = read_logging(properties);
  if (auto storage = properties.object("EphemeralStorage")) {
    request.tmp_mb = storage->integer("Size", 512, 10'240).value_or(request.tmp_mb);
    storage->finish();
  }
  const auto reserved = properties.integer("ReservedConcurrentExecutions", 0, 100'000);
  auto code = read_code(workshop, properties);
  refuse_unsupported_function_properties(properties);
  properties.finish();
  if (!properties.ok() || !code) return std::nullopt;

  request.code = std::move(*code);
  const auto made = workshop.functions.create_function(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  if (reserved)
    if (const auto put = workshop.functions.put_function_concurrency(made->function_name, *reserved); !put) {
      workshop.refused(resource, put.error());
      return std::nullopt;
    }
  workshop.stack.sources.functions.emplace(made->function_name, resource.at);
  workshop.stack.sources.function_ids.emplace(made->function_name, resource.logical_id);
  workshop.stack.sources.roles.emplace(made->function_name, properties.at("Role"));
  return Attributes{text_node(resource, made->function_name), {{"Arn", text_node(resource, made->function_arn)}}};
}

std::optional<Attributes> make_permission(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  lambda::AddPermissionRequest request;
  const auto function = properties.required_text("FunctionName");
  request.statement_id = workshop.physical_name(resource.logical_id, 100);
  request.action = properties.required_text("Action");
  request.principal = properties.required_text("Principal");
  request.source_arn = properties.text("SourceArn");
  request.source_account = properties.text("SourceAccount");
  request.event_source_token = properties.text("EventSourceToken");
  request.principal_org_id = properties.text("PrincipalOrgID");
  request.function_url_auth_type = properties.text("FunctionUrlAuthType");
  request.invoked_via_function_url = properties.boolean("InvokedViaFunctionUrl");
  properties.finish();
  if (!properties.ok()) return std::nullopt;

  const auto reference = lambda::parse_function_reference(workshop.scope, function);
  if (!reference) {
    properties.refuse("FunctionName", reference.error().message);
    return std::nullopt;
  }
  request.function_name = reference->function_name;
  request.qualifier = reference->qualifier;
  const auto made = workshop.functions.add_permission(std::move(request));
  if (!made) {
    workshop.refused(resource, made.error());
    return std::nullopt;
  }
  return Attributes{text_node(resource, made->sid), {{"Id", text_node(resource, made->sid)}}};
}

std::optional<Attributes> make_url(Workshop& workshop, const ResourceDeclaration& resource, Properties& properties) {
  lambda::CreateFunctionUrlRequest request;
  request.function_name = properties.required_text("TargetFunctionArn");
  request.qualifier = properties.text("Qualifier").value_or("");
  request.url_id = workshop.physical_id(resource.logical_id, 32);
  const auto auth_type = properties.required_text("AuthType");
  if (auth_type == "NONE")
    request.auth_type = lambda::UrlAuthType::none;
  else if (properties.has("AuthType") && auth_type != "AWS_IAM")
    properties.refuse("AuthType", cat("`", auth_type, "` is neither NONE nor AWS_IAM"));
  if (auto cors = properties.object("Cors")) read_cors(*cors, request);
  const auto mode = properties.text("InvokeMode").value_or("BUFFERED");
  request.invoke_mode = lambda::invoke_mode_of(mode);
  if (mode != lambda::to_text(request.invoke_mode))
    properties.refuse("InvokeMode", cat("`", mode, "` is neither BUFFERED nor RESPONSE_STREAM"));
  properties.finish();
  if (!properties.ok()) return std::nullopt;

  const auto function = lambda::parse_function_reference(workshop.scope, request.function_name);
  const auto made = workshop.functions.create_function_url(std::move(request));
  if (!function || !made) {
    workshop.refused(resource, function ? made.error() : function.error());
    return std::nullopt;
  }
  workshop.stack.sources.urls.emplace(made->url_id, resource.at);
  const auto arn = text_node(resource, aws::function_arn(workshop.scope, function->function_name, made->qualifier));
  const auto shown = lambda::url_json(*made, workshop.scope, function->function_name, workshop.endpoint);
  return Attributes{arn, {{"FunctionArn", arn}, {"FunctionUrl", text_node(resource, *shown.find("FunctionUrl")->string())}}};
}

}  // namespace sallyport::cloudformation
