// CodeTable: authorization codes that were given out, each good for one exchange within five minutes. A second one takes back what the
// first was given.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cognito/token_issuer.hpp"

namespace sallyport::cognito {

namespace limits {
inline constexpr std::chrono::minutes authorization_code_time{5};
inline constexpr std::size_t authorization_codes_max = 10'000;
}  // namespace limits

/// What a code stands for.
struct GrantedCode {
  std::string redirect_uri;
  std::string code_challenge;
  SignedIn user;
};

/// In memory: no code outlives the process. May be called from any thread.
class CodeTable {
 public:
  explicit CodeTable(Random& random) : random_(random) {}

  /// Nothing when there are too many.
  std::optional<std::string> give(GrantedCode granted, WallTime now);

  struct Taken {
    std::optional<GrantedCode> granted;  // nothing: no such code, or used before
    std::string session_to_end;          // of a code that was used before: what it was given
    std::string pool_id;
  };
  /// Uses the code up, whatever comes of it.
  Taken take(std::string_view code, WallTime now);
  /// Says which session a code was exchanged for. False when it has been sent again meanwhile: the session must end.
  bool exchanged(std::string_view code, std::string session_id);

 private:
  struct Entry {
    GrantedCode granted;
    WallTime expires;
    bool used = false, replayed = false;
    std::string session_id;
  };
  Random& random_;
  std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> codes_;  // by SHA-256 of the code
};

}  // namespace sallyport::cognito
