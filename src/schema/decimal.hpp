// Numbers as they are written: compared and divided without going through binary floating point.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport::schema {

/// `digits` × 10^`exponent`: an exact value of any length. Zero has no digits; otherwise neither end of `digits` is a zero, so equal
/// values have equal members.
class Decimal {
 public:
  /// A number in JSON's grammar. Nothing when the exponent has more than fifteen digits.
  static std::optional<Decimal> read(std::string_view text);

  bool is_zero() const { return digits_.empty(); }
  bool is_negative() const { return negative_; }
  const std::string& digits() const { return digits_; }
  std::int64_t exponent() const { return exponent_; }

  std::strong_ordering operator<=>(const Decimal& other) const;
  bool operator==(const Decimal&) const = default;

  /// Whether this is an integer times `divisor`. REQUIRES: `divisor` is not zero and has at most `divisor_digits_max` digits.
  bool is_multiple_of(const Decimal& divisor) const;
  static constexpr std::size_t divisor_digits_max = 18;

 private:
  std::strong_ordering compare_magnitude(const Decimal& other) const;

  bool negative_ = false;
  std::string digits_;
  std::int64_t exponent_ = 0;
};

}  // namespace sallyport::schema
