#include "cognito/sealed.hpp"

#include <sodium.h>

#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t key_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t sealed_text_max = 64 * 1024;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string random_bytes(Random& random, std::size_t count) {
  std::string bytes(count, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

char mark_of(SealedKind kind) { return static_cast<char>('a' + static_cast<int>(kind)); }

}  // namespace

Sealer::Sealer(Random& random) : random_(random), key_(random_bytes(random, key_bytes)), disguise_key_(random_bytes(random, key_bytes)) {}

std::string Sealer::seal(SealedKind kind, const json::Value& value, WallTime expires) const {
  const auto nonce = random_bytes(random_, nonce_bytes);
  const auto text = cat(expires.time_since_epoch().count(), " ", json::to_text(value));
  const auto mark = mark_of(kind);
  std::string box(text.size() + tag_bytes, '\0');
  unsigned long long size = 0;
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(box), &size, bytes_of(text), text.size(), bytes_of(std::string_view(&mark, 1)), 1,
                                             nullptr, bytes_of(nonce), bytes_of(key_.reveal()));
  return to_base64(cat(nonce, box));
}

Result<Unsealed, SealFault> Sealer::open(SealedKind kind, std::string_view text, WallTime now) const {
  if (text.size() > sealed_text_max) return fail(SealFault::foreign);
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() < nonce_bytes + tag_bytes) return fail(SealFault::foreign);
  const auto nonce = std::string_view(*bytes).substr(0, nonce_bytes), box = std::string_view(*bytes).substr(nonce_bytes);
  const auto mark = mark_of(kind);
  std::string opened(box.size() - tag_bytes, '\0');
  unsigned long long size = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(opened), &size, nullptr, bytes_of(box), box.size(),
                                                 bytes_of(std::string_view(&mark, 1)), 1, bytes_of(nonce), bytes_of(key_.reveal())) != 0)
    return fail(SealFault::foreign);
  const auto space = opened.find(' ');
  if (space == std::string::npos) return fail(SealFault::foreign);
  const auto expires = parse_number<std::int64_t>(std::string_view(opened).substr(0, space));
  auto value = json::parse(std::string_view(opened).substr(space + 1));
  if (!expires || !value) return fail(SealFault::foreign);
  Unsealed out{std::move(*value), std::string(nonce), WallTime(std::chrono::microseconds(*expires))};
  if (out.expires <= now) return fail(SealFault::expired);
  return out;
}

bool Sealer::take(const Unsealed& sealed, WallTime now) {
  std::scoped_lock lock(mutex_);
  // A full table is looked through now and then, not on every attempt: it is long.
  const bool full = uses_.size() >= limits::remembered_uses_max;
  if (now - swept_ >= (full ? limits::sweep_interval_when_full : limits::sweep_interval)) {
    std::erase_if(uses_, [&](const auto& entry) { return entry.second.expires <= now; });
    swept_ = now;
  }
  if (uses_.size() >= limits::remembered_uses_max) return false;
  auto& use = uses_[sealed.nonce];
  use.expires = sealed.expires;
  if (use.taken || use.failures >= limits::answers_per_session_max) return false;
  return use.taken = true;
}

void Sealer::give_back(const Unsealed& sealed) {
  std::scoped_lock lock(mutex_);
  const auto use = uses_.find(sealed.nonce);
  if (use == uses_.end()) return;
  use->second.taken = false;
  ++use->second.failures;
}

}  // namespace sallyport::cognito
