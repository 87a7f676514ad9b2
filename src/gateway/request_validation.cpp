#include "gateway/request_validation.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/request_body.hpp"
#include "gateway/stage.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::string_view json_type = "application/json", default_type = "$default";

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\t'; });
}

bool is_json(std::string_view type) { return type == json_type || type.ends_with("+json"); }

const schema::Schema* find(const RequestRules& rules, std::string_view type) {
  for (const auto& [known, model] : rules.bodies)
    if (known == type) return &model;
  return nullptr;
}

std::string media_type(const Exchange& exchange) {
  const auto* sent = exchange.request.find("Content-Type");
  return sent ? lower(trim(sent->substr(0, sent->find(';')))) : std::string(json_type);
}

Result<void, Refusal> check_parameters(const RequestRules& rules, const Exchange& exchange) {
  std::vector<std::string> missing;
  for (const auto& [name, source] : rules.required)
    if (const auto value = resolve(source, exchange); !value || is_blank(*value)) missing.push_back(name);
  if (missing.empty()) return {};
  return fail(Refusal{ResponseType::bad_request_parameters, cat("Missing required request parameters: [", join(missing, ", "), "]")});
}

}  // namespace

Result<schema::Schema> compile_model(std::string_view rest_api_id, const Definition& definition, std::string_view name) {
  // What every API has without being told.
  static constexpr std::string_view empty_model = R"({"type":"object"})";
  std::map<std::string, std::optional<json::Value>, std::less<>> documents;
  const auto find = [&](std::string_view wanted) -> const json::Value* {
    const auto known = documents.find(wanted);
    if (known != documents.end()) return known->second ? &*known->second : nullptr;
    const auto model = definition.models.find(wanted);
    const bool is_there = model != definition.models.end() && !model->second.schema.empty();
    if (!is_there && wanted != "Empty") return nullptr;
    auto parsed = json::parse(is_there ? std::string_view(model->second.schema) : empty_model, json::limits::document_depth_max);
    auto& kept = documents[std::string(wanted)];
    if (parsed) kept = std::move(*parsed);
    return kept ? &*kept : nullptr;
  };
  const auto* document = find(name);
  if (!document) return fail(cat("there is no usable model ", name));
  auto compiled = schema::Schema::compile(*document, {std::string(rest_api_id), find});
  if (!compiled) return compiled;
  if (const auto& unknown = compiled->unknown_keywords(); !unknown.empty()) {
    std::string list;
    for (const auto& keyword : unknown) {
      if (!list.empty()) list += ',';
      json::append_string(list, keyword);
    }
    return fail(cat("Unsupported keyword(s): [", list, "]"));
  }
  return compiled;
}

std::shared_ptr<const RequestRules> compile_request_rules(std::string_view rest_api_id, const Definition& definition,
                                                          const MethodSettings& method) {
  if (method.request_validator_id.empty()) return nullptr;
  auto rules = std::make_shared<RequestRules>();
  const auto validator = definition.validators.find(method.request_validator_id);
  if (validator == definition.validators.end()) {
    rules->broken = "the method's request validator is gone";
    return rules;
  }
  if (validator->second.validates_parameters)
    for (const auto& [name, required] : method.request_parameters) {
      if (!required) continue;
      auto source = parse_source(name, {});
      if (!source) rules->broken = cat("the parameter ", name, " is not understood");
      // `method.request.header.X` is listed as X.
      const std::string_view rest = std::string_view(name).substr(std::string_view("method.request.").size());
      if (source) rules->required.emplace_back(rest.substr(rest.find('.') + 1), std::move(*source));
    }
  if (validator->second.validates_body) {
    rules->validates_body = true;
    auto wanted = method.request_models;
    // Without a model of its own JSON is checked against the empty one.
    if (!wanted.contains(std::string(json_type)) && !wanted.contains(std::string(default_type))) wanted.emplace(json_type, "Empty");
    for (const auto& [type, name] : wanted) {
      auto model = compile_model(rest_api_id, definition, name);
      if (model)
        rules->bodies.emplace_back(lower(type), std::move(*model));
      else
        rules->broken = cat("the model ", name, ": ", model.error().message);
    }
  }
  if (rules->required.empty() && !rules->validates_body && rules->broken.empty()) return nullptr;
  return rules;
}

Task<Result<void, Refusal>> validate_request(Exchange& exchange, serve::BodyReader& body) {
  const auto* rules = exchange.method->request_rules.get();
  if (!rules) co_return Result<void, Refusal>();
  if (!rules->broken.empty())
    co_return fail(Refusal{ResponseType::api_configuration_error, std::nullopt, 0, cat("requests cannot be validated: ", rules->broken)});
  co_await check_parameters(*rules, exchange);
  const auto type = media_type(exchange);
  // A model describes JSON; what is not JSON is the integration's passthrough behaviour to refuse.
  if (!rules->validates_body || !is_json(type)) co_return Result<void, Refusal>();
  const auto* model = find(*rules, type);
  if (!model) model = find(*rules, json_type);
  if (!model) model = find(*rules, default_type);
  if (!model) co_return Result<void, Refusal>();
  co_await read_body(exchange, body);
  const auto value = json::parse(exchange.body->empty() ? std::string_view("{}") : std::string_view(*exchange.body));
  const auto invalid = [](std::string detail, std::string reasons) {
    return fail(Refusal{ResponseType::bad_request_body, std::nullopt, 0, std::move(detail), std::move(reasons)});
  };
  if (!value) co_return invalid(value.error().message, {});
  // Once more for the reasons, which a body that is welcome does not need.
  if (!model->accepts(*value)) {
    auto reasons = schema::validation_error_string(model->validate(*value));
    co_return invalid(cat("the body does not fit its model: ", reasons), reasons);
  }
  co_return Result<void, Refusal>();
}

}  // namespace sallyport::gateway
