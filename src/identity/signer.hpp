// Signs outgoing requests: the client's side of Signature Version 4, for our own command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "crypto/secret.hpp"
#include "http/message.hpp"

namespace sallyport::identity {

struct SigningKey {
  std::string access_key_id;
  crypto::Secret secret_access_key;
  crypto::Secret session_token;  // empty: a long-term key
};

/// The headers to add to a request so that it is signed: X-Amz-Date, X-Amz-Security-Token and Authorization. `headers` are those that are
/// sent and signed besides, Host among them. `target` has its path encoded already and no query.
std::vector<http::Header> sign(const SigningKey& key, std::string_view region, std::string_view service, std::string_view method,
                               std::string_view target, const std::vector<http::Header>& headers, std::string_view body, WallTime now);

}  // namespace sallyport::identity
