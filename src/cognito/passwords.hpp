// Passwords: what is kept of one, made and compared off the loop. argon2id for those who send the password itself, an SRP verifier for
// those who prove it without sending it.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"
#include "io/completion.hpp"
#include "io/loop.hpp"

namespace sallyport::cognito {

namespace limits {
/// argon2id: 19 MiB, two passes, one lane (OWASP password storage cheat sheet); about 20 ms of one processor.
inline constexpr unsigned long long argon2_passes = 2;
inline constexpr std::size_t argon2_bytes = 19u << 20;
inline constexpr std::size_t password_bytes_max = 256;  // Cognito's own limit in characters
/// Hashing at the same time, of libuv's four worker threads; and what may line up for it before callers are refused.
inline constexpr std::size_t hashing_at_once_max = 2, hashing_waiting_max = 256;
}  // namespace limits

/// What is kept of a password. The verifier lets whoever has it guess passwords faster than the hash does: it is sealed before it is
/// stored.
struct PasswordProof {
  std::string hash;             // argon2id in its usual text, `$argon2id$v=19$...`
  std::string srp_salt;         // hex
  crypto::Secret srp_verifier;  // hex
};

/// Blocks for as long as `limits` say. Empty only when there is no memory for it.
std::string hash_password(std::string_view password);
/// Does the password belong to this hash? Blocks as long as hashing does; false for a text that is no hash.
bool password_matches(std::string_view hash, std::string_view password);

/// Blocking work bounded to a few at once, whoever asks: hashing is a way to make a server busy. May be called on every loop.
class HashingGate {
 public:
  /// Runs `work` on a worker thread when its turn comes; false, and nothing was run, when too many wait already.
  Task<bool> run(io::Loop& loop, std::move_only_function<void()> work);

 private:
  void leave();
  std::mutex mutex_;
  std::size_t running_ = 0;
  std::deque<io::Completion<bool>> waiting_;
};

/// Makes and compares what is kept of passwords. May be called on every loop; everything given must outlive it.
class Passwords {
 public:
  explicit Passwords(Random& random) : random_(random) {}

  /// `pool_id` and `username` as the pool keeps them: SRP binds the verifier to both, so that a renamed user needs a new password.
  /// Nothing when too many wait already.
  Task<Result<PasswordProof>> prove(io::Loop& loop, std::string pool_id, std::string username, crypto::Secret password);
  /// The same for those who run no loop (templates). Blocks.
  PasswordProof prove_now(std::string_view pool_id, std::string_view username, std::string_view password);
  /// Compares with `hash`; with an empty one it takes as long and is false: whether there is a user does not show in the time.
  Task<Result<bool>> matches(io::Loop& loop, std::string hash, crypto::Secret password);
  HashingGate& gate() { return gate_; }

 private:
  Random& random_;
  HashingGate gate_;
};

}  // namespace sallyport::cognito
