#include "policy/scalar.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/text.hpp"
#include "base/time_text.hpp"

namespace sallyport::policy {

std::optional<double> parse_decimal(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  if (text.find_first_not_of("0123456789.-+eE") != text.npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<WallTime> parse_date(std::string_view text) {
  if (text.size() == 7 && text[4] == '-') {
    char day[10];
    std::copy_n(text.data(), 7, day);
    std::copy_n("-01", 3, day + 7);
    return parse_iso8601({day, sizeof day});
  }
  if (auto time = parse_iso8601(text)) return time;
  const auto seconds = parse_decimal(text);
  constexpr double horizon = 1e12;  // some 30,000 years; beyond it microseconds do not fit
  if (!seconds || std::abs(*seconds) > horizon) return std::nullopt;
  return WallTime{std::chrono::microseconds{std::llround(*seconds * 1e6)}};
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (equals_ignoring_case(text, "true")) return true;
  if (equals_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

std::optional<Address> parse_address(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN + 1];
  if (text.size() >= sizeof terminated || text.find('\0') != text.npos) return std::nullopt;
  terminated[text.copy(terminated, text.size())] = 0;
  Address address;
  if (inet_pton(AF_INET, terminated, address.bytes.data() + 12) == 1) {
    address.is_v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, terminated, address.bytes.data()) != 1) return std::nullopt;
  static constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(address.bytes.data(), mapped, sizeof mapped) == 0) {
    address.is_v4 = true;
    std::fill_n(address.bytes.begin(), 12, std::uint8_t{0});
  }
  return address;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto host = text.substr(0, slash);
  const auto address = parse_address(host);
  if (!address) return std::nullopt;
  if (slash == text.npos) return Network{*address, 128};
  const auto digits = text.substr(slash + 1);
  const auto prefix = parse_number<unsigned>(digits);
  const bool written_as_v4 = host.find(':') == host.npos;
  if (!prefix || digits.size() > 3 || *prefix > (written_as_v4 ? 32u : 128u)) return std::nullopt;
  if (written_as_v4) return Network{*address, static_cast<int>(*prefix) + 96};
  if (!address->is_v4) return Network{*address, static_cast<int>(*prefix)};
  if (*prefix < 96) return std::nullopt;  // reaches beyond the mapped addresses: no IPv4 block says that
  return Network{*address, static_cast<int>(*prefix)};
}

bool Network::contains(const Address& other) const {
  if (address.is_v4 != other.is_v4) return false;
  const auto whole = static_cast<std::size_t>(prefix / 8);
  if (std::memcmp(address.bytes.data(), other.bytes.data(), whole) != 0) return false;
  if (prefix % 8 == 0) return true;
  return ((address.bytes[whole] ^ other.bytes[whole]) >> (8 - prefix % 8)) == 0;
}

}  // namespace sallyport::policy
