#include "aws/arn.hpp"

#include "base/text.hpp"

namespace sallyport::aws {

std::optional<Arn> parse_arn(std::string_view text) {
  if (!text.starts_with("arn:")) return std::nullopt;
  std::string_view parts[6];
  for (int i = 0; i < 5; ++i) {
    const auto at = text.find(':');
    if (at == std::string_view::npos) return std::nullopt;
    parts[i] = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  if (text.empty()) return std::nullopt;
  return Arn{parts[1], parts[2], parts[3], parts[4], text};
}

std::string function_arn(const Scope& scope, std::string_view name, std::string_view qualifier) {
  auto arn = cat("arn:", scope.partition, ":lambda:", scope.region, ":", scope.account_id, ":function:", name);
  if (!qualifier.empty()) arn += cat(":", qualifier);
  return arn;
}

}  // namespace sallyport::aws
