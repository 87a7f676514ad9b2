#include "cognito/passwords.hpp"

#include <sodium.h>

#include <utility>

#include "cognito/srp.hpp"

namespace sallyport::cognito {
namespace {

void prepare() { [[maybe_unused]] static const int ready = sodium_init(); }

/// Of no password anybody knows: what a user that does not exist is compared with.
const std::string& nobodys_hash() {
  static const std::string hash = [] {
    std::string unknown(32, '\0');
    prepare();
    randombytes_buf(unknown.data(), unknown.size());
    return hash_password(unknown);
  }();
  return hash;
}

}  // namespace

std::string hash_password(std::string_view password) {
  prepare();
  char text[crypto_pwhash_STRBYTES];
  const auto done = crypto_pwhash_str_alg(text, password.data(), password.size(), limits::argon2_passes, limits::argon2_bytes,
                                          crypto_pwhash_ALG_ARGON2ID13);
  return done == 0 ? std::string(text) : std::string();
}

bool password_matches(std::string_view hash, std::string_view password) {
  prepare();
  if (hash.empty()) return false;
  return crypto_pwhash_str_verify(std::string(hash).c_str(), password.data(), password.size()) == 0;
}

Task<bool> HashingGate::run(io::Loop& loop, std::move_only_function<void()> work) {
  std::optional<io::Completion<bool>> turn;
  {
    std::scoped_lock lock(mutex_);
    if (running_ < limits::hashing_at_once_max) {
      ++running_;
    } else {
      if (waiting_.size() >= limits::hashing_waiting_max) co_return false;
      turn = waiting_.emplace_back();
    }
  }
  if (turn) co_await turn->wait_on(loop);
  co_await io::run_blocking(loop, std::move(work));
  leave();
  co_return true;
}

void HashingGate::leave() {
  std::optional<io::Completion<bool>> next;
  {
    std::scoped_lock lock(mutex_);
    if (waiting_.empty()) {
      --running_;
      return;
    }
    // The place is handed on, so that nobody who comes later goes first.
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next->deliver(true);
}

PasswordProof Passwords::prove_now(std::string_view pool_id, std::string_view username, std::string_view password) {
  PasswordProof proof;
  proof.hash = hash_password(password);
  proof.srp_salt = srp::make_salt(random_);
  proof.srp_verifier = srp::make_verifier(pool_id, username, password, proof.srp_salt);
  return proof;
}

Task<Result<PasswordProof>> Passwords::prove(io::Loop& loop, std::string pool_id, std::string username, crypto::Secret password) {
  PasswordProof proof;
  const bool ran = co_await gate_.run(loop, [&] { proof = prove_now(pool_id, username, password.reveal()); });
  if (!ran) co_return fail("too many passwords are being checked");
  if (proof.hash.empty()) co_return fail("no memory to hash a password");
  co_return std::move(proof);
}

Task<Result<bool>> Passwords::matches(io::Loop& loop, std::string hash, crypto::Secret password) {
  bool same = false;
  const bool ran = co_await gate_.run(loop, [&] {
    const bool exists = !hash.empty();
    const bool equal = password_matches(exists ? std::string_view(hash) : std::string_view(nobodys_hash()), password.reveal());
    same = exists && equal;
  });
  if (!ran) co_return fail("too many passwords are being checked");
  co_return same;
}

}  // namespace sallyport::cognito
