// The typed values of condition operators, read from text: decimal numbers, dates, addresses and networks. Nothing allocates.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::policy {

/// A decimal number with optional sign, fraction and exponent; no `inf`, `nan` or hexadecimal.
std::optional<double> parse_decimal(std::string_view text);

/// A W3C date (year and month, day, or time with zone), or seconds since 1970 with optional sign and fraction.
std::optional<WallTime> parse_date(std::string_view text);

/// `true` or `false` in any case.
std::optional<bool> parse_boolean(std::string_view text);

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address is the IPv4 address, so that it cannot slip past a rule about that.
struct Address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4: the last four
  bool is_v4 = false;
};
std::optional<Address> parse_address(std::string_view text);

/// A CIDR block; an address without a prefix is a block of one. Bits behind the prefix are ignored.
struct Network {
  Address address;
  int prefix = 0;  // of the 128 bits
  bool contains(const Address& other) const;
};
std::optional<Network> parse_network(std::string_view text);

}  // namespace sallyport::policy
