// What a function URL is configured to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sallyport::lambda {

enum class UrlAuthType : std::uint8_t { none, aws_iam };

/// Cross-origin resource sharing. Source: Lambda API reference, `Cors`.
struct UrlCors {
  bool allow_credentials = false;
  std::vector<std::string> allow_headers;   // or `*`
  std::vector<std::string> allow_methods;   // or `*`
  std::vector<std::string> allow_origins;   // or `*`, or with wildcards
  std::vector<std::string> expose_headers;  // or `*`
  std::optional<int> max_age_s;             // 0..86400
  bool operator==(const UrlCors&) const = default;
};

}  // namespace sallyport::lambda
