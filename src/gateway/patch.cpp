#include "gateway/patch.hpp"

#include <charconv>
#include <cmath>

namespace sallyport::gateway {

std::string unescape_pointer(std::string_view segment) { return replace_all(replace_all(segment, "~1", "/"), "~0", "~"); }

std::optional<std::vector<std::string>> match_patch_path(std::string_view pattern, std::string_view path) {
  if (!path.starts_with('/') || !pattern.starts_with('/')) return std::nullopt;
  std::vector<std::string> names;
  const auto wanted = split(pattern.substr(1), '/');
  std::string_view rest = path.substr(1);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const bool is_last = i + 1 == wanted.size(), is_name = wanted[i].starts_with('{');
    const auto end = is_last && is_name ? std::string_view::npos : rest.find('/');
    const auto segment = rest.substr(0, end);
    if (is_name) {
      if (segment.empty()) return std::nullopt;
      names.push_back(unescape_pointer(segment));
    } else if (unescape_pointer(segment) != wanted[i]) {
      return std::nullopt;
    }
    if ((end == std::string_view::npos) != is_last) return std::nullopt;
    rest = is_last ? std::string_view() : rest.substr(end + 1);
  }
  return names;
}

std::optional<PatchVerb> parse_patch_verb(std::string_view op) {
  if (op == "add") return PatchVerb::add;
  if (op == "remove") return PatchVerb::remove;
  if (op == "replace") return PatchVerb::replace;
  return std::nullopt;
}

std::string_view name_of(PatchVerb verb) {
  switch (verb) {
    case PatchVerb::add: return "add";
    case PatchVerb::remove: return "remove";
    case PatchVerb::replace: return "replace";
  }
  return "";
}

aws::ApiError unknown_patch_path(const PatchOperation& operation, const std::vector<std::string>& paths_of_verb) {
  return {"BadRequestException", 400,
          cat("Invalid patch path  '", operation.path, "' specified for op '", operation.op, "'. ",
              paths_of_verb.empty() ? std::string("Please choose supported operations")
                                    : cat("Must be one of: [", join(paths_of_verb, ", "), "]"))};
}

Answer<bool> patch_boolean(const PatchStep& step) {
  if (equals_ignoring_case(step.value, "true")) return true;
  if (equals_ignoring_case(step.value, "false")) return false;
  return bad_request(
      cat("Invalid patch value  '", step.value, "' specified for op '", name_of(step.verb), "'. Must be one of: [true, false]"));
}

Answer<int> patch_integer(const PatchStep& step) {
  if (const auto value = parse_number<int>(step.value)) return *value;
  return bad_request(cat("Invalid patch value  '", step.value, "' specified for op '", name_of(step.verb), "'. Must be an integer"));
}

Answer<double> patch_number(const PatchStep& step) {
  double value = 0;
  const auto* end = step.value.data() + step.value.size();
  const auto read = std::from_chars(step.value.data(), end, value, std::chars_format::fixed);
  // `nan` and `inf` are numbers to the parser, and to nobody else.
  if (read.ec == std::errc() && read.ptr == end && !step.value.empty() && std::isfinite(value)) return value;
  return bad_request(cat("Invalid patch value  '", step.value, "' specified for op '", name_of(step.verb), "'. Must be a number"));
}

}  // namespace sallyport::gateway
