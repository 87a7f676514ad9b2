// Models and request validators.
#include <algorithm>

#include "gateway/api_error.hpp"
#include "gateway/operations.hpp"
#include "gateway/request_validation.hpp"
#include "json/parse.hpp"

namespace sallyport::gateway {
namespace {

Answer<> check_model(const std::string& rest_api_id, const Definition& definition, const Model& model) {
  const bool good_name =
      !model.name.empty() && std::all_of(model.name.begin(), model.name.end(), [](char c) { return is_alpha(c) || is_digit(c); });
  if (!good_name) return bad_request("Model name must be alphanumeric: " + model.name);
  if (model.content_type.find('/') == std::string::npos) return bad_request(cat("Invalid content type specified: ", model.content_type));
  if (model.schema.empty()) return {};
  const auto refuse = [](std::string_view why) {
    return bad_request(
        cat("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified", why, "]"));
  };
  const auto parsed = json::parse(model.schema, json::limits::document_depth_max);
  if (!parsed) return refuse(cat(": ", parsed.error().message));
  if (!parsed->object()) return refuse("");
  if (const auto compiled = compile_model(rest_api_id, definition, model.name); !compiled)
    return refuse(cat(". ", compiled.error().message));
  return {};
}

/// The first method that names it, for a refusal: `GET /pets`.
template <class Names>
std::string method_that(const Definition& definition, Names names) {
  for (const auto& [id, resource] : definition.resources)
    for (const auto& [verb, method] : resource.methods)
      if (names(method)) return cat(verb, " ", resource.path);
  return {};
}

/// Is there a `$ref` to that address, or into what stands there?
bool refers_to(const json::Value& value, std::string_view address) {
  if (const auto* items = value.array())
    return std::any_of(items->begin(), items->end(), [&](const json::Value& item) { return refers_to(item, address); });
  if (!value.object()) return false;
  return std::any_of(value.object()->begin(), value.object()->end(), [&](const json::Member& member) {
    const auto* text = member.second.string();
    if (member.first == "$ref" && text && text->starts_with(address))
      return text->size() == address.size() || (*text)[address.size()] == '#';
    return refers_to(member.second, address);
  });
}

/// The first other model that refers to it.
std::string model_that_refers(const std::string& rest_api_id, const Definition& definition, const std::string& name) {
  const auto address = cat("https://apigateway.amazonaws.com/restapis/", rest_api_id, "/models/", name);
  for (const auto& [other, model] : definition.models) {
    if (other == name) continue;
    const auto schema = json::parse(model.schema, json::limits::document_depth_max);
    if (schema && refers_to(*schema, address)) return other;
  }
  return {};
}

}  // namespace

Answer<const Model*> Operations::create_model(CreateModelRequest request) {
  const auto definition = find_definition(request.rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  Model model{std::move(request.id), std::move(request.name), std::move(request.description), std::move(request.content_type),
              std::move(request.schema)};
  auto& models = (*definition)->models;
  if (models.contains(model.name)) return conflict("Model name already exists for this REST API");
  // A model may refer to itself, so it is checked where it is.
  const auto made = models.emplace(model.name, model).first;
  if (auto good = check_model(request.rest_api_id, **definition, made->second); !good) {
    models.erase(made);
    return std::unexpected(good.error());
  }
  return &made->second;
}

Answer<> Operations::update_model(const std::string& rest_api_id, const std::string& name, const PatchOperations& patch) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->models.find(name);
  if (found == (*definition)->models.end()) return not_found(cat("Invalid model name specified: ", name));
  using enum PatchVerb;
  const std::vector<PatchRule<Model>> rules = {
      {"/description", {replace}, patch_text(&Model::description)},
      {"/schema", {replace}, patch_text(&Model::schema)},
  };
  if (auto good = apply_patch(found->second, patch, rules); !good) return good;
  return check_model(rest_api_id, **definition, found->second);
}

Answer<> Operations::delete_model(const std::string& rest_api_id, const std::string& name) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  if (!(*definition)->models.contains(name)) return not_found(cat("Invalid model name specified: ", name));
  const auto user = method_that(**definition, [&](const MethodSettings& method) {
    const auto is_it = [&](const auto& entry) { return entry.second == name; };
    return std::any_of(method.request_models.begin(), method.request_models.end(), is_it) ||
           std::any_of(method.responses.begin(), method.responses.end(), [&](const auto& response) {
             return std::any_of(response.second.response_models.begin(), response.second.response_models.end(), is_it);
           });
  });
  if (!user.empty()) return conflict(cat("Cannot delete model '", name, "', is referenced in method: ", user));
  // Bodies could no longer be checked against the model that refers to it.
  if (const auto other = model_that_refers(rest_api_id, **definition, name); !other.empty())
    return conflict(cat("Cannot delete model '", name, "', is referenced in model: ", other));
  (*definition)->models.erase(name);
  return {};
}

Answer<const RequestValidator*> Operations::create_request_validator(CreateRequestValidatorRequest request) {
  const auto definition = find_definition(request.rest_api_id);
  if (!definition) return bad_request("Invalid REST API identifier specified");
  RequestValidator validator{std::move(request.id), std::move(request.name), request.validate_request_body,
                             request.validate_request_parameters};
  const auto id = validator.id;
  const auto [made, is_new] = (*definition)->validators.emplace(id, std::move(validator));
  if (!is_new) return conflict(cat("A request validator with the identifier ", id, " already exists"));
  return &made->second;
}

Answer<> Operations::update_request_validator(const std::string& rest_api_id, const std::string& validator_id,
                                              const PatchOperations& patch) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->validators.find(validator_id);
  if (found == (*definition)->validators.end()) return not_found("Invalid Request Validator identifier specified");
  using enum PatchVerb;
  const std::vector<PatchRule<RequestValidator>> rules = {
      {"/name", {replace}, patch_text(&RequestValidator::name)},
      {"/validateRequestBody", {replace}, patch_flag(&RequestValidator::validates_body)},
      {"/validateRequestParameters", {replace}, patch_flag(&RequestValidator::validates_parameters)},
  };
  return apply_patch(found->second, patch, rules);
}

Answer<> Operations::delete_request_validator(const std::string& rest_api_id, const std::string& validator_id) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  if (!(*definition)->validators.contains(validator_id)) return not_found("Invalid Request Validator identifier specified");
  // A method whose validator is gone must not let everything through.
  const auto user = method_that(**definition, [&](const MethodSettings& method) { return method.request_validator_id == validator_id; });
  if (!user.empty()) return conflict(cat("Cannot delete request validator ", validator_id, ", is referenced in method: ", user));
  (*definition)->validators.erase(validator_id);
  return {};
}

}  // namespace sallyport::gateway
