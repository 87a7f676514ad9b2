// Access keys, as the verifier needs them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/caller.hpp"
#include "base/clock.hpp"
#include "crypto/secret.hpp"

namespace sallyport::identity {

/// One access key: a user's long-term one, or a temporary one with its session token. Immutable once a source has given it out.
struct Credential {
  std::string access_key_id;
  crypto::Secret secret_access_key;
  std::optional<crypto::Secret> session_token = std::nullopt;  // present: a request must carry exactly this
  bool active = true;
  std::optional<WallTime> expires = std::nullopt;
  std::shared_ptr<const aws::Caller> caller = nullptr;  // whose key it is; null in sources that only verify
};

/// Where access keys are looked up. May be called from any thread; must not wait.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  /// Null for an unknown id. The id is whatever a client wrote: any bytes, as long as a header may be.
  virtual std::shared_ptr<const Credential> find(std::string_view access_key_id) const = 0;
};

}  // namespace sallyport::identity
