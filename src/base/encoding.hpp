// Text encodings: hex, base64, base64url, percent. Decoders are strict: what a decoder accepts, an encoder could have written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sallyport {

std::string to_hex(std::string_view bytes);
/// Even number of hex digits, either case.
std::optional<std::string> from_hex(std::string_view text);

std::string to_base64(std::string_view bytes);
/// Padded, no white space, unused bits zero.
std::optional<std::string> from_base64(std::string_view text);
/// Unpadded, as JWS has it (RFC 7515, section 2).
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

enum class Plus { literal, is_space };
/// Nothing on a broken escape (`%` not followed by two hex digits).
std::optional<std::string> percent_decode(std::string_view text, Plus plus = Plus::literal);
/// Everything but RFC 3986's unreserved characters is escaped, in upper-case hex.
std::string percent_encode(std::string_view text, std::string_view also_keep = {});

}  // namespace sallyport
