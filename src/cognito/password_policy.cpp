#include "cognito/password_policy.hpp"

#include <algorithm>

#include "cognito/errors.hpp"

namespace sallyport::cognito {
namespace {

constexpr const char* lower_case = "abcdefghijkmnopqrstuvwxyz";
constexpr const char* upper_case = "ABCDEFGHJKLMNPQRSTUVWXYZ";
constexpr const char* digits = "23456789";
constexpr const char* some_symbols = "!#$%*+-=?@^_";
constexpr std::string_view symbols = "^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+-";
constexpr std::size_t temporary_length_min = 12;

std::unexpected<aws::ApiError> refuse(std::string_view why) {
  return refused("InvalidPasswordException", cat("Password did not conform with policy: ", why));
}

/// Characters of UTF-8 text.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

control::Answer<> check_password(const PasswordPolicy& policy, std::string_view password) {
  const auto has = [&](auto is_kind) { return std::ranges::any_of(password, is_kind); };
  // A space counts as a symbol inside a password, and not at its ends.
  const auto inner = password.size() > 2 ? password.substr(1, password.size() - 2) : std::string_view();
  const bool has_symbol = password.find_first_of(symbols) != std::string_view::npos || inner.find(' ') != std::string_view::npos;
  if (length_of(password) < static_cast<std::size_t>(policy.minimum_length)) return refuse("Password not long enough");
  if (policy.require_uppercase && !has([](char c) { return c >= 'A' && c <= 'Z'; }))
    return refuse("Password must have uppercase characters");
  if (policy.require_lowercase && !has([](char c) { return c >= 'a' && c <= 'z'; }))
    return refuse("Password must have lowercase characters");
  if (policy.require_numbers && !has([](char c) { return is_digit(c); })) return refuse("Password must have numeric characters");
  if (policy.require_symbols && !has_symbol) return refuse("Password must have symbol characters");
  return {};
}

std::string make_temporary_password(const PasswordPolicy& policy, Random& random) {
  auto out =
      cat(make_id(random, 1, upper_case), make_id(random, 1, lower_case), make_id(random, 1, digits), make_id(random, 1, some_symbols));
  const auto length = std::max(temporary_length_min, static_cast<std::size_t>(policy.minimum_length));
  // What stands where is known for four characters; the rest is drawn from all kinds.
  return out + make_id(random, length - out.size(), "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!*+-=?_");
}

}  // namespace sallyport::cognito
