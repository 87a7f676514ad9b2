// Attempts: how many sign-ins of one name are looked at at the same time. Wrong passwords are counted in the user (lockout.hpp), after they
// were looked at; this bounds what many at once could try before the first of them counts. For names of nobody it does the counting as
// well.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "cognito/state.hpp"
#include "control/service.hpp"

namespace sallyport::cognito {

namespace limits {
/// Sign-ins of one name at the same time: of one that has failed lately, and of another.
inline constexpr int attempts_at_once_after_failure = 1, attempts_at_once = 32;
/// Names of nobody whose failures are remembered; the one that failed longest ago goes first.
inline constexpr std::size_t unknown_names_max = 10'000;
}  // namespace limits

/// May be used from any thread.
class Attempts {
 public:
  /// One attempt; it ends with this object.
  class Turn {
   public:
    Turn(Attempts& attempts, std::string name) : attempts_(&attempts), name_(std::move(name)) {}
    Turn(Turn&& other) noexcept : attempts_(std::exchange(other.attempts_, nullptr)), name_(std::move(other.name_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (attempts_) attempts_->end(name_);
    }

   private:
    Attempts* attempts_;
    std::string name_;
  };

  /// `user` is null for a name of nobody. Refuses with NotAuthorizedException "Password attempts exceeded", as for a locked account.
  control::Answer<Turn> begin(std::string_view pool_id, std::string_view name, const User* user, WallTime now);
  /// Counts a failure of a name of nobody.
  void unknown_failed(std::string_view pool_id, std::string_view name, WallTime now);
  /// What a name is remembered by: as short for the longest that anybody sends.
  static std::string key_of(std::string_view pool_id, std::string_view name);

 private:
  void end(const std::string& name);
  std::mutex mutex_;
  std::map<std::string, int, std::less<>> running_;
  std::map<std::string, User, std::less<>> unknown_;  // only their counters are used
};

/// Waits for the store as the failure of somebody does who exists, so that the time an answer takes tells nobody who does. What is written
/// is one number for each pool.
Task<control::Answer<>> write_of_stranger(Ledger& ledger, control::Call& call, std::string pool_id);

}  // namespace sallyport::cognito
