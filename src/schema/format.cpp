#include "schema/format.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace sallyport::schema {
namespace {

constexpr std::size_t hostname_max = 253, label_max = 63, mailbox_name_max = 64;

bool is_alphanumeric(char c) { return is_alpha(c) || is_digit(c); }
bool is_hexadecimal(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }
bool is_one_of(char c, std::string_view set) { return set.find(c) != set.npos; }

/// A number of exactly so many digits between two bounds, taken from the front of the text.
std::optional<int> take_digits(std::string_view& text, std::size_t count, int low, int high) {
  if (text.size() < count || !std::ranges::all_of(text.substr(0, count), is_digit)) return std::nullopt;
  const auto value = parse_number<int>(text.substr(0, count));
  text.remove_prefix(count);
  return value && *value >= low && *value <= high ? value : std::nullopt;
}
bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !is_one_of(text.front(), any_of)) return false;
  text.remove_prefix(1);
  return true;
}

int days_in(int year, int month) {
  static constexpr std::array days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[static_cast<std::size_t>(month - 1)] + (month == 2 && is_leap ? 1 : 0);
}

bool is_date_time(std::string_view text) {
  const auto year = take_digits(text, 4, 0, 9999);
  if (!year || !take(text, "-")) return false;
  const auto month = take_digits(text, 2, 1, 12);
  if (!month || !take(text, "-") || !take_digits(text, 2, 1, days_in(*year, *month)) || !take(text, "Tt")) return false;
  const auto hour = take_digits(text, 2, 0, 23);
  if (!hour || !take(text, ":")) return false;
  const auto minute = take_digits(text, 2, 0, 59);
  if (!minute || !take(text, ":")) return false;
  const auto second = take_digits(text, 2, 0, 60);
  if (!second) return false;
  if (take(text, ".")) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  int offset = 0;
  if (!take(text, "Zz")) {
    const bool is_west = text.starts_with('-');
    if (!take(text, "+-")) return false;
    const auto hours = take_digits(text, 2, 0, 23);
    if (!hours || !take(text, ":")) return false;
    const auto minutes = take_digits(text, 2, 0, 59);
    if (!minutes) return false;
    offset = (*hours * 60 + *minutes) * (is_west ? -1 : 1);
  }
  if (!text.empty()) return false;
  constexpr int day = 24 * 60;
  const int minute_of_day = ((*hour * 60 + *minute - offset) % day + day) % day;
  return *second < 60 || minute_of_day == day - 1;  // leap seconds end a day of UTC
}

bool is_hostname(std::string_view text) {
  if (text.size() > hostname_max) return false;
  return std::ranges::all_of(split(text, '.'), [](std::string_view label) {
    return !label.empty() && label.size() <= label_max && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
  });
}

bool is_ipv4(std::string_view text) {
  if (text.size() > 15) return false;
  const auto parts = split(text, '.');
  return parts.size() == 4 && std::ranges::all_of(parts, [](std::string_view part) {
           if (part.empty() || part.size() > 3 || (part.size() > 1 && part.front() == '0')) return false;
           const auto value = parse_number<unsigned>(part);
           return value && *value <= 255;
         });
}

/// How many 16-bit groups the text writes; nothing when it is no list of groups. A dotted quad may end the address and is two.
std::optional<std::size_t> count_groups(std::string_view text, bool may_end_in_quad) {
  if (text.empty()) return 0;
  const auto parts = split(text, ':');
  std::size_t count = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = parts[i];
    if (may_end_in_quad && i + 1 == parts.size() && part.find('.') != part.npos) {
      if (!is_ipv4(part)) return std::nullopt;
      ++count;
    } else if (part.empty() || part.size() > 4 || !std::ranges::all_of(part, is_hexadecimal)) {
      return std::nullopt;
    }
  }
  return count;
}

bool is_ipv6(std::string_view text) {
  if (text.size() > 45) return false;
  const auto gap = text.find("::");
  if (gap == text.npos) return count_groups(text, true) == 8;
  const auto before = count_groups(text.substr(0, gap), false), after = count_groups(text.substr(gap + 2), true);
  return before && after && *before + *after <= 7;
}

bool is_quoted_name(std::string_view name) {
  if (name.size() < 2 || name.front() != '"' || name.back() != '"') return false;
  name = name.substr(1, name.size() - 2);
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool is_escaped = name[i] == '\\';
    if (is_escaped && ++i == name.size()) return false;
    if (name[i] < ' ' || name[i] > '~' || (name[i] == '"' && !is_escaped)) return false;
  }
  return true;
}

bool is_dotted_name(std::string_view name) {
  return std::ranges::all_of(split(name, '.'), [](std::string_view atom) {
    return !atom.empty() && std::ranges::all_of(atom, [](char c) { return is_alphanumeric(c) || is_one_of(c, "!#$%&'*+-/=?^_`{|}~"); });
  });
}

bool is_email(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == text.npos || at > mailbox_name_max) return false;
  const auto name = text.substr(0, at), domain = text.substr(at + 1);
  if (!is_dotted_name(name) && !is_quoted_name(name)) return false;
  if (!domain.starts_with('[') || !domain.ends_with(']') || domain.size() < 2) return is_hostname(domain);
  const auto address = domain.substr(1, domain.size() - 2);
  return starts_with_ignoring_case(address, "IPv6:") ? is_ipv6(address.substr(5)) : is_ipv4(address);
}

/// Whether the text has only characters of RFC 3986's `unreserved` and `sub-delims`, percent-encoded bytes, and those of `more`.
bool is_uri_text(std::string_view text, std::string_view more) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hexadecimal(text[i + 1]) || !is_hexadecimal(text[i + 2])) return false;
      i += 2;
    } else if (!is_alphanumeric(text[i]) && !is_one_of(text[i], "-._~!$&'()*+,;=") && !is_one_of(text[i], more)) {
      return false;
    }
  }
  return true;
}

bool is_address_literal(std::string_view text) {
  if (!text.starts_with('v') && !text.starts_with('V')) return is_ipv6(text);
  const auto dot = text.find('.');
  return dot != text.npos && dot > 1 && dot + 1 < text.size() && std::ranges::all_of(text.substr(1, dot - 1), is_hexadecimal) &&
         text.find('%') == text.npos && is_uri_text(text.substr(dot + 1), ":");
}

bool is_uri_authority(std::string_view text) {
  if (const auto at = text.find('@'); at != text.npos) {
    if (!is_uri_text(text.substr(0, at), ":")) return false;
    text.remove_prefix(at + 1);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos || !is_address_literal(text.substr(1, end - 1))) return false;
    port = text.substr(end + 1);
    if (!port.empty() && !take(port, ":")) return false;
  } else {
    const auto colon = std::min(text.find(':'), text.size());
    if (!is_uri_text(text.substr(0, colon), "")) return false;
    port = text.substr(colon);
    take(port, ":");
  }
  return std::ranges::all_of(port, is_digit);
}

bool is_uri(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos || colon == 0 || !is_alpha(text.front()) ||
      !std::ranges::all_of(text.substr(0, colon), [](char c) { return is_alphanumeric(c) || is_one_of(c, "+-."); }))
    return false;
  text.remove_prefix(colon + 1);
  if (const auto hash = text.find('#'); hash != text.npos) {
    if (!is_uri_text(text.substr(hash + 1), ":@/?")) return false;
    text = text.substr(0, hash);
  }
  if (const auto question = text.find('?'); question != text.npos) {
    if (!is_uri_text(text.substr(question + 1), ":@/?")) return false;
    text = text.substr(0, question);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const auto path = std::min(text.find('/'), text.size());
    if (!is_uri_authority(text.substr(0, path))) return false;
    text.remove_prefix(path);
  }
  return is_uri_text(text, ":@/");
}

}  // namespace

std::optional<Format> find_format(std::string_view name) {
  static constexpr std::pair<std::string_view, Format> formats[] = {{"date-time", Format::date_time}, {"email", Format::email},
                                                                    {"hostname", Format::hostname},   {"ipv4", Format::ipv4},
                                                                    {"ipv6", Format::ipv6},           {"uri", Format::uri}};
  for (const auto& [known, format] : formats)
    if (known == name) return format;
  return std::nullopt;
}

bool is_of_format(Format format, std::string_view text) {
  switch (format) {
    case Format::date_time: return is_date_time(text);
    case Format::email: return is_email(text);
    case Format::hostname: return is_hostname(text);
    case Format::ipv4: return is_ipv4(text);
    case Format::ipv6: return is_ipv6(text);
    case Format::uri: return is_uri(text);
  }
  return false;
}

}  // namespace sallyport::schema
