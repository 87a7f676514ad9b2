#include "cognito/oauth_codes.hpp"

#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {

std::optional<std::string> CodeTable::give(GrantedCode granted, WallTime now) {
  std::string bytes(32, '\0');
  random_.fill(std::as_writable_bytes(std::span(bytes)));
  const auto code = to_base64url(bytes);
  std::scoped_lock lock(mutex_);
  std::erase_if(codes_, [&](const auto& entry) { return entry.second.expires <= now; });
  if (codes_.size() >= limits::authorization_codes_max) return std::nullopt;
  codes_.emplace(crypto::sha256(code), Entry{std::move(granted), now + limits::authorization_code_time});
  return code;
}

CodeTable::Taken CodeTable::take(std::string_view code, WallTime now) {
  std::scoped_lock lock(mutex_);
  const auto found = codes_.find(crypto::sha256(code));
  if (found == codes_.end() || found->second.expires <= now) return {};
  auto& entry = found->second;
  if (!std::exchange(entry.used, true)) return {entry.granted, {}, entry.granted.user.pool_id};
  entry.replayed = true;
  return {std::nullopt, entry.session_id, entry.granted.user.pool_id};
}

bool CodeTable::exchanged(std::string_view code, std::string session_id) {
  std::scoped_lock lock(mutex_);
  const auto found = codes_.find(crypto::sha256(code));
  if (found == codes_.end()) return true;
  found->second.session_id = std::move(session_id);
  return !found->second.replayed;
}

}  // namespace sallyport::cognito
