// What a function URL is configured to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::lambda {

enum class UrlAuthType : std::uint8_t { none, aws_iam };

/// Does a client get the answer when it is whole, or as it is made?
enum class UrlInvokeMode : std::uint8_t { buffered, response_stream };
inline std::string_view to_text(UrlInvokeMode mode) { return mode == UrlInvokeMode::buffered ? "BUFFERED" : "RESPONSE_STREAM"; }
/// Of a text that the model's enumeration let through.
inline UrlInvokeMode invoke_mode_of(std::string_view text) {
  return text == "RESPONSE_STREAM" ? UrlInvokeMode::response_stream : UrlInvokeMode::buffered;
}

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
