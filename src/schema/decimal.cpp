#include "schema/decimal.hpp"

#include "base/text.hpp"

namespace sallyport::schema {
namespace {

constexpr std::size_t exponent_digits_max = 15;

std::optional<std::int64_t> read_exponent(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  if (text.size() > exponent_digits_max) return std::nullopt;
  const auto value = parse_number<std::int64_t>(text);
  return value && negative ? -*value : value;
}

std::uint64_t multiply_modulo(std::uint64_t a, std::uint64_t b, std::uint64_t modulus) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b % modulus);
}

std::uint64_t power_of_ten_modulo(std::int64_t exponent, std::uint64_t modulus) {
  std::uint64_t result = 1 % modulus, base = 10 % modulus;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = multiply_modulo(result, base, modulus);
    base = multiply_modulo(base, base, modulus);
  }
  return result;
}

std::uint64_t digits_modulo(std::string_view digits, std::uint64_t modulus) {
  std::uint64_t rest = 0;
  for (const char c : digits) rest = (rest * 10 + static_cast<std::uint64_t>(c - '0')) % modulus;
  return rest;
}

}  // namespace

std::optional<Decimal> Decimal::read(std::string_view text) {
  Decimal result;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (const auto e = text.find_first_of("eE"); e != text.npos) {
    const auto exponent = read_exponent(text.substr(e + 1));
    if (!exponent) return std::nullopt;
    result.exponent_ = *exponent;
    text = text.substr(0, e);
  }
  const auto point = text.find('.');
  result.digits_ = text.substr(0, point);
  if (point != text.npos) {
    const auto fraction = text.substr(point + 1);
    result.digits_ += fraction;
    result.exponent_ -= static_cast<std::int64_t>(fraction.size());
  }
  const auto last = result.digits_.find_last_not_of('0');
  if (last == std::string::npos) return Decimal();
  result.exponent_ += static_cast<std::int64_t>(result.digits_.size() - last - 1);
  result.digits_.resize(last + 1);
  result.digits_.erase(0, result.digits_.find_first_not_of('0'));
  result.negative_ = negative;
  return result;
}

std::strong_ordering Decimal::compare_magnitude(const Decimal& other) const {
  if (is_zero() || other.is_zero()) return other.is_zero() <=> is_zero();
  const auto places = [](const Decimal& d) { return static_cast<std::int64_t>(d.digits_.size()) + d.exponent_; };
  if (const auto order = places(*this) <=> places(other); order != 0) return order;
  return digits_.compare(other.digits_) <=> 0;  // both begin at the same place, and neither ends in zeros
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (negative_ != other.negative_) return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  return negative_ ? other.compare_magnitude(*this) : compare_magnitude(other);
}

bool Decimal::is_multiple_of(const Decimal& divisor) const {
  if (is_zero()) return true;
  const auto shift = exponent_ - divisor.exponent_;
  if (shift < 0) return false;  // it would take a factor of ten that the digits do not have
  const auto modulus = *parse_number<std::uint64_t>(divisor.digits_);
  return multiply_modulo(digits_modulo(digits_, modulus), power_of_ten_modulo(shift, modulus), modulus) == 0;
}

}  // namespace sallyport::schema
