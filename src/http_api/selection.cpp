#include "http_api/selection.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/message.hpp"

namespace sallyport::http_api {
namespace {

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}
/// Names that stand in no grammar of their own: whatever is printed and is no brace.
bool is_name(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '{' && c != '}' && c != '$'; });
}

struct Form {
  std::string_view prefix;
  Selection::Kind kind;
  bool (*fits)(std::string_view);
};
constexpr Form forms[] = {
    {"request.header.", Selection::Kind::header, http::is_token},
    {"request.querystring.", Selection::Kind::query, is_name},
    {"request.path.", Selection::Kind::path_parameter, is_name},
    {"request.body.", Selection::Kind::body, is_name},
    {"response.header.", Selection::Kind::response_header, http::is_token},
    {"response.body.", Selection::Kind::response_body, is_name},
    {"context.", Selection::Kind::context, is_name},
    {"stageVariables.", Selection::Kind::stage_variable, is_word},
};

/// What stands behind the dollar, without braces.
Result<Selection> parse_inside(std::string_view text) {
  if (text == "request.path") return Selection{Selection::Kind::path, {}};
  if (text == "request.body") return Selection{Selection::Kind::body, {}};
  if (text == "response.body") return Selection{Selection::Kind::response_body, {}};
  for (const auto& form : forms)
    if (text.starts_with(form.prefix)) {
      const auto name = text.substr(form.prefix.size());
      if (!form.fits(name)) break;
      return Selection{form.kind, std::string(name)};
    }
  return fail(cat("$", text, " is nothing that can be selected"));
}

}  // namespace

Result<Selection> parse_selection(std::string_view text) {
  if (!text.starts_with('$')) return fail("a selection begins with $");
  text.remove_prefix(1);
  if (text.starts_with('{')) {
    if (!text.ends_with('}')) return fail("the closing brace is missing");
    text = text.substr(1, text.size() - 2);
  }
  return parse_inside(text);
}

Result<std::vector<Selection>> parse_selections(std::string_view text) {
  std::vector<Selection> parts;
  if (text.starts_with('$') && !text.starts_with("${")) {
    auto whole = parse_selection(text);
    if (!whole) return std::unexpected(std::move(whole.error()));
    parts.push_back(std::move(*whole));
    return parts;
  }
  while (!text.empty()) {
    const auto begin = text.find("${");
    if (begin != 0) parts.push_back({Selection::Kind::text, std::string(text.substr(0, begin))});
    if (begin == std::string_view::npos) break;
    const auto end = text.find('}', begin);
    if (end == std::string_view::npos) return fail("the closing brace is missing");
    auto part = parse_inside(text.substr(begin + 2, end - begin - 2));
    if (!part) return std::unexpected(std::move(part.error()));
    parts.push_back(std::move(*part));
    text.remove_prefix(end + 1);
  }
  return parts;
}

}  // namespace sallyport::http_api
