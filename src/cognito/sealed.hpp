// Sealed: what a client carries from one step of a sign-in to the next: readable and changeable by nobody but us, for a time, and for one
// use.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "crypto/secret.hpp"
#include "json/value.hpp"

namespace sallyport::cognito {

namespace limits {
/// Sealed texts in use or used up that are remembered; with that many nobody may go on before some have expired.
inline constexpr std::size_t remembered_uses_max = 100'000;
/// How often expired ones are forgotten, and how often while there is no room.
inline constexpr std::chrono::microseconds sweep_interval = std::chrono::minutes(1), sweep_interval_when_full = std::chrono::seconds(1);
/// Wrong answers one sealed session takes.
inline constexpr int answers_per_session_max = 5;
}  // namespace limits

/// Which step a sealed text belongs to: one made for another does not open.
enum class SealedKind : std::uint8_t { session, srp, page };

enum class SealFault : std::uint8_t { foreign, expired };

/// An opened text.
struct Unsealed {
  json::Value value;  // what was sealed
  std::string nonce;  // names this text and no other
  WallTime expires;
};

/// Keys live as long as the process: nothing sealed outlives it. May be called from any thread.
class Sealer {
 public:
  explicit Sealer(Random& random);

  /// Base64 text, unlike any other even for the same value.
  std::string seal(SealedKind kind, const json::Value& value, WallTime expires) const;
  /// Refuses a text that is not ours, or of another kind, or expired. Does not look whether it was used.
  Result<Unsealed, SealFault> open(SealedKind kind, std::string_view text, WallTime now) const;

  /// Takes a text for one attempt: false when it is used up, somebody else has it at this moment, or it was answered wrongly too often.
  bool take(const Unsealed& sealed, WallTime now);
  /// Ends an attempt that did not succeed; the text may be taken again, a limited number of times.
  void give_back(const Unsealed& sealed);

  /// For what must look alike for those who do not know it: a key of this process.
  std::string_view disguise_key() const { return disguise_key_.reveal(); }

 private:
  struct Use {
    WallTime expires;
    bool taken = false;
    int failures = 0;
  };
  Random& random_;
  crypto::Secret key_, disguise_key_;
  std::mutex mutex_;
  std::map<std::string, Use, std::less<>> uses_;
  WallTime swept_;
};

}  // namespace sallyport::cognito
