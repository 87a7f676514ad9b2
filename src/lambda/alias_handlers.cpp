// Aliases, function URLs and tags.
#include "lambda/checks.hpp"
#include "lambda/handlers.hpp"
#include "lambda/shapes.hpp"
#include "wire/page.hpp"

namespace sallyport::lambda {
namespace {

/// The weights of RoutingConfig; nothing where there is no RoutingConfig. An empty one asks for no weights.
std::optional<std::map<std::string, double>> read_weights(const Call& call) {
  const auto routing = call.in.structure("RoutingConfig");
  if (!routing) return std::nullopt;
  std::map<std::string, double> out;
  const auto* weights = routing->value("AdditionalVersionWeights");
  if (weights && weights->object())
    for (const auto& [version, weight] : *weights->object()) out.emplace(version, wire::Parameters(*weights).number(version).value_or(0));
  return out;
}

struct CorsGiven {
  std::optional<UrlCors> cors;
  json::Value given;
};
CorsGiven read_given_cors(const Call& call) {
  const auto in = call.in.structure("Cors");
  if (!in) return {};
  return {read_cors(*in), *call.in.value("Cors")};
}

UrlAuthType auth_type_of(std::string_view text) { return text == "NONE" ? UrlAuthType::none : UrlAuthType::aws_iam; }

json::Value written_url(const UrlConfig& url, const Call& call) {
  const auto reference = parse_function_reference(call.scope, call.in.required("FunctionName"));
  auto out = url_json(url, call.scope, reference->function_name, call.origin);
  if (const auto mode = call.in.text("InvokeMode")) out.set("InvokeMode", *mode);
  return out;
}

json::Value read_url(const UrlConfig& url, const Looked& looked, const Call& call) {
  auto out = url_json(url, looked.state->scope, looked.name(), call.origin);
  out.set("LastModifiedTime", url_time(url.modified));
  out.set("InvokeMode", to_text(url.invoke_mode));
  return out;
}

}  // namespace

Output Handlers::create_alias(Call& call) {
  CreateAliasRequest request{call.in.required("FunctionName"), call.in.required("Name"), call.in.required("FunctionVersion"),
                             call.in.text_or("Description", ""), read_weights(call).value_or(std::map<std::string, double>())};
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).create_alias(std::move(request));
    if (!made) return std::unexpected(made.error());
    return alias_json(*made, call.scope, parse_function_reference(call.scope, call.in.required("FunctionName"))->function_name);
  });
}

Output Handlers::get_alias(Call& call) {
  const auto name = call.in.required("Name");
  // What is missing is the alias, whether or not its function exists.
  const auto looked = look(call);
  if (!looked && looked.error().code != "ResourceNotFoundException") co_return std::unexpected(looked.error());
  co_await control::refuse_unread(call);
  const auto missing = [&](const std::string& function_name) {
    return refuse("ResourceNotFoundException", 404, cat("Cannot find alias arn: ", aws::function_arn(call.scope, function_name, name)));
  };
  if (!looked) {
    const auto reference = parse_function_reference(call.scope, call.in.required("FunctionName"));
    if (!reference) co_return std::unexpected(looked.error());
    co_return missing(reference->function_name);
  }
  const auto alias = looked->function->aliases.find(name);
  if (alias == looked->function->aliases.end()) co_return missing(looked->name());
  co_return alias_json(alias->second, looked->state->scope, looked->name());
}

Output Handlers::update_alias(Call& call) {
  UpdateAliasRequest request{call.in.required("FunctionName"), call.in.required("Name"),          call.in.text("FunctionVersion"),
                             call.in.text("Description"),      call.in.text_or("RevisionId", ""), read_weights(call)};
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).update_alias(std::move(request));
    if (!made) return std::unexpected(made.error());
    return alias_json(*made, call.scope, parse_function_reference(call.scope, call.in.required("FunctionName"))->function_name);
  });
}

Output Handlers::delete_alias(Call& call) {
  const auto function_name = call.in.required("FunctionName");
  const auto name = call.in.required("Name");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto gone = operations(draft, call).delete_alias(function_name, name); !gone) return std::unexpected(gone.error());
    return json::Object{};
  });
}

Output Handlers::list_aliases(Call& call) {
  const auto page = co_await read_page(call);
  const auto looked = co_await look(call);
  const auto version = call.in.text("FunctionVersion");
  co_await control::refuse_unread(call);
  json::Array aliases;
  const auto next = wire::page(looked.function->aliases, page.after, page.items, [&](const std::string&, const Alias& alias) {
    if (version && alias.function_version != *version && !alias.weights.contains(*version)) return false;
    aliases.push_back(alias_json(alias, looked.state->scope, looked.name()));
    return true;
  });
  json::Value out;
  out.set("Aliases", std::move(aliases));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

Output Handlers::create_function_url_config(Call& call) {
  auto [cors, given] = read_given_cors(call);
  CreateFunctionUrlRequest request{call.in.required("FunctionName"),
                                   call.in.text_or("Qualifier", ""),
                                   make_id(parts_.random, 32, "abcdefghijklmnopqrstuvwxyz0123456789"),
                                   auth_type_of(call.in.required("AuthType")),
                                   std::move(cors),
                                   std::move(given),
                                   invoke_mode_of(call.in.text_or("InvokeMode", ""))};
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).create_function_url(std::move(request));
    if (!made) return std::unexpected(made.error());
    return written_url(*made, call);
  });
}

Output Handlers::update_function_url_config(Call& call) {
  auto [cors, given] = read_given_cors(call);
  UpdateFunctionUrlRequest request{call.in.required("FunctionName"), call.in.text_or("Qualifier", ""), std::nullopt, std::move(cors),
                                   std::move(given)};
  if (const auto type = call.in.text("AuthType")) request.auth_type = auth_type_of(*type);
  if (const auto mode = call.in.text("InvokeMode")) request.invoke_mode = invoke_mode_of(*mode);
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    auto made = operations(draft, call).update_function_url(std::move(request));
    if (!made) return std::unexpected(made.error());
    auto out = written_url(*made, call);
    out.set("LastModifiedTime", url_time(made->modified));
    return out;
  });
}

Output Handlers::get_function_url_config(Call& call) {
  auto looked = look(call);
  const auto qualifier = call.in.text_or("Qualifier", "");
  co_await control::refuse_unread(call);
  if (!qualifier.empty() && (!is_name(qualifier) || is_number(qualifier)))
    co_return validation(qualifier, "qualifier", "Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)");
  if (!looked) {
    if (looked.error().message.starts_with("Function not found")) co_return no_such_resource();
    co_return std::unexpected(looked.error());
  }
  co_await add_qualifier(looked->reference, qualifier);
  const auto url = looked->function->urls.find(looked->reference.qualifier);
  if (url == looked->function->urls.end()) co_return no_such_resource();
  co_return read_url(url->second, *looked, call);
}

Output Handlers::delete_function_url_config(Call& call) {
  const auto function_name = call.in.required("FunctionName");
  const auto qualifier = call.in.text_or("Qualifier", "");
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto gone = operations(draft, call).delete_function_url(function_name, qualifier); !gone) return std::unexpected(gone.error());
    return json::Object{};
  });
}

Output Handlers::list_function_url_configs(Call& call) {
  const auto page = co_await read_page(call);
  const auto looked = look(call);
  co_await control::refuse_unread(call);
  if (!looked) {
    if (looked.error().message.starts_with("Function not found")) co_return no_such_resource();
    co_return std::unexpected(looked.error());
  }
  json::Array urls;
  const auto next = wire::page(looked->function->urls, page.after, page.items, [&](const std::string&, const UrlConfig& url) {
    urls.push_back(read_url(url, *looked, call));
    return true;
  });
  json::Value out;
  out.set("FunctionUrlConfigs", std::move(urls));
  if (next) out.set("NextMarker", *next);
  co_return out;
}

namespace {

Answer<> check_taggable(const Call& call) {
  const auto resource = call.in.required("Resource");
  if (resource.find(":function:") != std::string::npos) return {};
  const auto arn = aws::parse_arn(resource);
  const bool mapping = arn && arn->resource.starts_with("event-source-mapping:");
  return refuse("ResourceNotFoundException", 404, cat(mapping ? "Event source mapping not found: " : "Resource not found: ", resource));
}

}  // namespace

Output Handlers::tag_resource(Call& call) {
  co_await check_taggable(call);
  const auto resource = call.in.required("Resource");
  const auto tags = call.in.text_map("Tags").value_or(TextMap());
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto done = operations(draft, call).tag_resource(resource, tags); !done) return std::unexpected(done.error());
    return json::Object{};
  });
}

Output Handlers::untag_resource(Call& call) {
  co_await check_taggable(call);
  const auto resource = call.in.required("Resource");
  const auto keys = call.in.texts("TagKeys").value_or(std::vector<std::string>());
  co_return co_await parts_.ledger.write(call, [&](State& draft) -> Answer<json::Value> {
    if (auto done = operations(draft, call).untag_resource(resource, keys); !done) return std::unexpected(done.error());
    return json::Object{};
  });
}

Output Handlers::list_tags(Call& call) {
  co_await check_taggable(call);
  const auto looked = co_await look(call, "Resource");
  co_await control::refuse_unread(call);
  if (!looked.reference.qualifier.empty())
    co_return invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.");
  co_return json::Object{{"Tags", tags_json(looked.function->tags)}};
}

}  // namespace sallyport::lambda
