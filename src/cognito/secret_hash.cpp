#include "cognito/secret_hash.hpp"

#include "base/encoding.hpp"
#include "cognito/errors.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {

std::string secret_hash(const Client& client, std::string_view username) {
  return to_base64(crypto::hmac_sha256(client.secret.reveal(), cat(username, client.id)));
}

control::Answer<> check_secret_hash(const Client& client, std::string_view username, const std::optional<std::string>& given) {
  const bool has_hash = given && !given->empty();
  if (client.secret.empty()) {
    if (has_hash) return not_authorized(cat("Client ", client.id, " is not configured with secret but SECRET_HASH was received"));
    return {};
  }
  if (!has_hash) return not_authorized(cat("Client ", client.id, " is configured with secret but SECRET_HASH was not received"));
  if (!crypto::equals_in_constant_time(secret_hash(client, username), *given))
    return not_authorized(cat("Unable to verify secret hash for client ", client.id));
  return {};
}

}  // namespace sallyport::cognito
