#include "gateway/checks.hpp"

#include <algorithm>
#include <array>

#include "gateway/answer_source.hpp"
#include "gateway/source.hpp"
#include "http/message.hpp"
#include "vtl/template.hpp"

namespace sallyport::gateway {
namespace {

Answer<void> check_source(std::string_view text, bool is_for_answer) {
  // `integration.response.X` goes into answers alone.
  const bool good = is_for_answer ? parse_answer_source(text, {}).has_value() : parse_source(text, {}).has_value();
  if (!good) return invalid_mapping(text);
  if (text.starts_with('\'') && !http::is_field_value(text)) return invalid_mapping(text);
  return {};
}

bool is_word(char c) { return is_alpha(c) || is_digit(c) || c == '_'; }

}  // namespace

bool is_status_code(std::string_view text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '5' && is_digit(text[1]) && is_digit(text[2]);
}

std::unexpected<aws::ApiError> invalid_status_code(std::string_view text) {
  return invalid_value(text, "statusCode", "Member must satisfy regular expression pattern: [1-5]\\d\\d");
}

Answer<> check_mappings(const TextMap& mappings, std::initializer_list<std::string_view> prefixes) {
  for (const auto& [target, text] : mappings) {
    const auto* prefix = std::find_if(prefixes.begin(), prefixes.end(),
                                      [&](std::string_view each) { return target.starts_with(each) && target.size() > each.size(); });
    if (prefix == prefixes.end()) return invalid_mapping(target);
    if (prefix->find(".header.") != std::string_view::npos && !http::is_token(std::string_view(target).substr(prefix->size())))
      return invalid_mapping(target);
    if (auto good = check_source(text, prefix->starts_with("method.response.")); !good) return good;
  }
  return {};
}

Answer<> check_templates(const TextMap& templates) {
  for (const auto& [type, text] : templates) {
    if (type.find('/') == std::string::npos)
      return bad_request(cat("Validation Result: warnings : [], errors : [Invalid content type specified: ", type, "]"));
    if (const auto compiled = vtl::Template::compile(text); !compiled)
      return unsupported(cat("the mapping template for ", type, ": ", compiled.error().message));
  }
  return {};
}

// AWS would let a mapping replace them.
Answer<> check_identity_kept(const Definition& definition, const MethodSettings& method) {
  if (!method.authorizer_id || !method.integration) return {};
  const auto authorizer = definition.authorizers.find(*method.authorizer_id);
  if (authorizer == definition.authorizers.end()) return {};
  constexpr std::string_view target_prefix = "integration.request.header.", source_prefix = "method.request.header.";
  for (const auto& [target, text] : method.integration->request_parameters)
    for (const auto& source : authorizer->second.identity_sources)
      if (target.starts_with(target_prefix) && source.starts_with(source_prefix) &&
          equals_ignoring_case(std::string_view(target).substr(target_prefix.size()),
                               std::string_view(source).substr(source_prefix.size())))
        return unsupported(cat("the mapping to ", target, " overwrites the identity source of authorizer ", authorizer->second.name,
                               ": the backend would see other credentials than were checked"));
  return {};
}

Answer<> check_cache_size(std::string_view size) {
  constexpr std::array<std::string_view, 8> known = {"0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"};
  if (size.empty() || std::find(known.begin(), known.end(), size) != known.end()) return {};
  return bad_request("Invalid cache cluster size. Must be one of: [0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118, 237]");
}

Answer<> check_variables(const TextMap& variables) {
  for (const auto& [name, value] : variables) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_word))
      return bad_request("Stage variable name can only contain alphanumeric characters and underscores.");
    const bool good = std::all_of(value.begin(), value.end(),
                                  [](char c) { return is_word(c) || std::string_view("-.~:/?#&=,").find(c) != std::string_view::npos; });
    if (!good)
      return bad_request(
          cat("Stage variable value for '", name, "' can only contain alphanumeric characters and the characters -._~:/?#&=,"));
  }
  return {};
}

}  // namespace sallyport::gateway
