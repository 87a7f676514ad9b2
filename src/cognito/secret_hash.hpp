// SECRET_HASH: how a client with a secret proves that it has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

/// Base64(HMAC-SHA256(secret, username + client id)).
std::string secret_hash(const Client& client, std::string_view username);

/// `username` as the caller wrote it. A client without a secret takes no hash. Refuses with NotAuthorizedException and AWS's texts.
control::Answer<> check_secret_hash(const Client& client, std::string_view username, const std::optional<std::string>& given);

}  // namespace sallyport::cognito
