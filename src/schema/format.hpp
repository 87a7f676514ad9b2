// The formats of draft 4 (validation, 7.3). A format outside this list says nothing about an instance.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::schema {

enum class Format : std::uint8_t { date_time, email, hostname, ipv4, ipv6, uri };

/// The format of that name; nothing for any other.
std::optional<Format> find_format(std::string_view name);

/// RFC 3339 date-time, RFC 5321 mailbox, RFC 1123 host name, dotted quad, RFC 4291 address without a zone, RFC 3986 URI with its scheme.
bool is_of_format(Format format, std::string_view text);

}  // namespace sallyport::schema
