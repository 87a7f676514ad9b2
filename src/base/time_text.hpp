// Times as text, always UTC.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport {

/// 2026-11-24T08:09:10Z
std::string iso8601_seconds(WallTime time);
/// 2026-11-24T08:09:10.123Z
std::string iso8601_millis(WallTime time);
/// 20261124T080910Z: ISO 8601's basic format, as request signatures have it
std::string iso8601_basic(WallTime time);
/// Tue, 24 Nov 2026 08:09:10 GMT (RFC 9110, section 5.6.7)
std::string http_date(WallTime time);
/// 24/Nov/2026:08:09:10 +0000, as `$context.requestTime` has it
std::string clf_time(WallTime time);
/// 2026/11/24, as log stream names begin
std::string date_path(WallTime time);

/// W3C profile of ISO 8601: a date, or date and time with optional seconds and fraction, and `Z` or an offset; a date alone is midnight
/// UTC.
std::optional<WallTime> parse_iso8601(std::string_view text);
/// Exactly yyyymmddThhmmssZ, a day and time that exist.
std::optional<WallTime> parse_iso8601_basic(std::string_view text);

}  // namespace sallyport
