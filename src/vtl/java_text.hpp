// What Java's String, URLEncoder and their like do, on UTF-8. Positions are counted as Java counts them, in UTF-16 units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::vtl {

std::int64_t java_length(std::string_view text);
/// The byte at which a unit begins, text.size() for the position behind the last; nothing beyond. Within a character of two units: its
/// start.
std::optional<std::size_t> java_offset(std::string_view text, std::int64_t position);
/// The position of a byte.
std::int64_t java_position(std::string_view text, std::size_t offset);

/// Linear in both, whatever they are.
std::size_t find_text(std::string_view text, std::string_view part, std::size_t from = 0);
/// The last occurrence that begins at `from` or before it.
std::size_t find_last_text(std::string_view text, std::string_view part, std::size_t from);

/// ASCII, Latin-1, Greek and Cyrillic letters; all others stay.
std::string java_upper(std::string_view text);
std::string java_lower(std::string_view text);
/// Without what is not above U+0020 at both ends.
std::string_view java_trim(std::string_view text);
std::int32_t java_hash(std::string_view text);

/// As `$util.escapeJavaScript`: quotes, backslashes and slashes behind a backslash, control and non-ASCII characters as `\n` or `\u00E9`.
std::string escape_java_script(std::string_view text);
/// `application/x-www-form-urlencoded`: a space is `+`, and `-_.*` stay.
std::string form_encode(std::string_view text);
std::optional<std::string> form_decode(std::string_view text);
/// Bytes that are not well-formed UTF-8 become U+FFFD.
std::string well_formed(std::string text);

}  // namespace sallyport::vtl
