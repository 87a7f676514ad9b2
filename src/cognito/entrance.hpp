// Entrance: what operations begin with that AWS serves without a signature: which pool the call is about, through its client or its access
// token, and whether the caller may speak for it.
#pragma once

#include <optional>
#include <string>

#include "cognito/lockout.hpp"
#include "cognito/parts.hpp"

#include <map>
#include <mutex>

namespace sallyport::cognito {

/// A call that names a client.
struct ClientCall {
  FoundPool place;
  const Client* client;
  std::string typed;  // Username as it was sent
  const User* user;   // null: nobody of that name
};

/// Reads ClientId, Username and SecretHash, and checks the hash; what only informs threat protection and analytics is read and has no
/// effect. From here on the call is one in the pool's account and region.
Answer<ClientCall> enter_with_client(const Parts& parts, control::Call& call);

/// A call by a user.
struct UserCall {
  FoundPool place;
  TokenBearer bearer;
  const User* user;
  const Client* client;
};

/// Reads and verifies AccessToken. From here on the call is one in the pool's account and region.
Answer<UserCall> enter_with_token(const Parts& parts, control::Call& call);

namespace limits {
inline constexpr std::size_t strangers_max = 10'000;
}  // namespace limits

/// What users that do not exist have done of late: counted as for those that do, so that a limit tells nobody which of them it is. Forgets
/// those that were quiet longest when there are too many, half of them at a time. May be used from any thread.
class Strangers {
 public:
  Answer<> count_code_sent(std::string_view pool_id, std::string_view name, WallTime now);
  Answer<> count_code_failed(std::string_view pool_id, std::string_view name, WallTime now);

 private:
  User& find(std::string_view pool_id, std::string_view name);
  std::mutex mutex_;
  std::map<std::string, User, std::less<>> recent_, older_;  // only their counters are used
};

}  // namespace sallyport::cognito
