#include "cognito/user_filter.hpp"

#include <algorithm>

#include "cognito/errors.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::string_view searchable[] = {"username",    "email", "phone_number",       "name",   "given_name",
                                           "family_name", "sub",   "preferred_username", "status", "cognito:user_status"};

std::unexpected<aws::ApiError> broken() { return invalid_parameter("Error while parsing filter."); }

/// `"..."` up to the end of the text; a backslash takes the next character as it is.
std::optional<std::string> unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"') return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size() ? std::optional(std::move(out)) : std::nullopt;
    if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
    out += text[i];
  }
  return std::nullopt;
}

std::string value_of(const User& user, std::string_view attribute) {
  if (attribute == "username") return user.username;
  if (attribute == "status") return user.enabled ? "Enabled" : "Disabled";
  if (attribute == "cognito:user_status") return std::string(name_of(user.status));
  const auto* value = user.attribute(attribute);
  return value ? *value : std::string();
}

}  // namespace

control::Answer<UserFilter> UserFilter::parse(std::string_view text) {
  UserFilter filter;
  text = trim(text);
  if (text.empty()) return filter;
  const auto sign = text.find('=');
  if (sign == std::string_view::npos || sign == 0) return broken();
  filter.is_prefix_ = text[sign - 1] == '^';
  const auto attribute = trim(text.substr(0, filter.is_prefix_ ? sign - 1 : sign));
  // The name may stand in quotes too.
  const auto bare = attribute.starts_with('"') ? unquote(attribute) : std::optional(std::string(attribute));
  auto value = unquote(trim(text.substr(sign + 1)));
  if (!bare || bare->empty() || !value) return broken();
  if (std::ranges::find(searchable, *bare) == std::end(searchable)) return invalid_parameter(cat("Invalid search attribute: ", *bare));
  filter.attribute_ = *bare;
  filter.value_ = std::move(*value);
  return filter;
}

bool UserFilter::matches(const UserPool& pool, const User& user) const {
  if (attribute_.empty()) return true;
  auto value = value_of(user, attribute_), wanted = value_;
  const bool blind = attribute_ == "status" || attribute_ == "cognito:user_status" || !pool.case_sensitive;
  if (blind) value = lower(value), wanted = lower(wanted);
  return is_prefix_ ? value.starts_with(wanted) : value == wanted;
}

}  // namespace sallyport::cognito
