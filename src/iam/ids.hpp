// Unique ids and access keys, in AWS's form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace sallyport::iam {

/// `prefix` (AIDA, AGPA, AROA, ANPA, AIPA) and 17 more characters.
std::string make_unique_id(Random& random, std::string_view prefix);

/// `prefix` (AKIA, ASIA) and 16 more characters, in which the account is written as AWS writes it.
std::string make_access_key_id(Random& random, std::string_view prefix, std::string_view account_id);
/// The account an access key id was made for; nothing when the text is no such id.
std::optional<std::string> account_of_access_key_id(std::string_view access_key_id);

/// 40 characters.
std::string make_secret_access_key(Random& random);
std::string make_session_token(Random& random);

}  // namespace sallyport::iam
