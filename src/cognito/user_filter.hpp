// The filter of ListUsers: one attribute, `=` or `^=`, one value in quotes.
#pragma once

#include <string>
#include <string_view>

#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

class UserFilter {
 public:
  /// Empty text lets everybody through. Refuses with InvalidParameterException.
  static control::Answer<UserFilter> parse(std::string_view text);

  bool matches(const UserPool& pool, const User& user) const;

 private:
  std::string attribute_;  // empty: everybody
  std::string value_;
  bool is_prefix_ = false;
};

}  // namespace sallyport::cognito
