#include "gateway/mock.hpp"

#include "base/text.hpp"
#include "gateway/mapping.hpp"

namespace sallyport::gateway {
namespace {

/// A reader of what Velocity authors write for JSON: bare or single-quoted names, trailing commas.
class LooseObject {
 public:
  explicit LooseObject(std::string_view text) : rest_(text) {}

  std::optional<int> status() {
    std::optional<int> found;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const auto name = scalar();
      if (!name || !take(':')) return std::nullopt;
      skip_space();
      const bool nested = rest_.starts_with('{') || rest_.starts_with('[');
      const bool quoted = rest_.starts_with('"') || rest_.starts_with('\'');
      const auto value = nested ? balanced() : scalar();
      if (!value) return std::nullopt;
      if (*name == "statusCode") {
        found = nested || quoted ? std::nullopt : parse_number<int>(*value);
        if (!found) return std::nullopt;
      }
      take(',');
    }
    skip_space();
    if (!rest_.empty() || !found || *found < 100 || *found > 599) return std::nullopt;
    return found;
  }

 private:
  void skip_space() {
    const auto end = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }

  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string_view> scalar() {
    skip_space();
    if (rest_.empty()) return std::nullopt;
    if (rest_[0] == '"' || rest_[0] == '\'') return quoted();
    const auto end = rest_.find_first_of(",:{}[]\"' \t\r\n");
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return text;
  }

  std::optional<std::string_view> quoted() {
    const char quote = rest_[0];
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == quote) {
        const auto text = rest_.substr(1, i - 1);
        rest_.remove_prefix(i + 1);
        return text;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string_view> balanced() {
    const auto begin = rest_;
    int depth = 0;
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (c == '"' || c == '\'') {
        if (!quoted()) return std::nullopt;
        continue;
      }
      rest_.remove_prefix(1);
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return begin.substr(0, begin.size() - rest_.size());
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<int> mock_status(std::string_view text) { return LooseObject(text).status(); }

Result<http::Response, Refusal> answer_mock(const MockIntegration& mock, const Exchange& exchange, std::string body) {
  auto request = map_request(mock.request, exchange, std::move(body));
  if (!request) return std::unexpected(std::move(request.error()));
  const auto status = mock_status(request->body);
  if (!status) return fail(configuration_error("Unable to parse statusCode. It should be an integer and present in the request template"));
  const auto* chosen = select_response(mock.responses, cat(*status));
  if (!chosen)
    return fail(configuration_error(
        cat("No match for output mapping and no default output mapping configured. Endpoint response status code: ", *status)));
  return map_answer(*chosen, exchange, {}, std::move(request->overrides));
}

}  // namespace sallyport::gateway
