#include "lambda/package_links.hpp"

#include <array>
#include <span>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::chrono::minutes link_time{10};  // AWS
constexpr std::string_view expires_name = "?expires=", token_name = "&token=";

std::int64_t seconds(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

}  // namespace

PackageLinks::PackageLinks(const CodeStore& code, Random& random) : code_(code) {
  std::array<std::byte, 32> bytes{};
  random.fill(bytes);
  key_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string PackageLinks::sign(std::string_view sha256_hex, std::string_view expires) const {
  return to_hex(crypto::hmac_sha256(key_, cat(sha256_hex, "\n", expires)));
}

std::string PackageLinks::make(std::string_view origin, std::string_view sha256_hex, WallTime now) const {
  const auto expires = std::to_string(seconds(now + link_time));
  return cat(origin, path_prefix, sha256_hex, expires_name, expires, token_name, sign(sha256_hex, expires));
}

std::optional<std::string> PackageLinks::open(std::string_view target, WallTime now) const {
  if (!target.starts_with(path_prefix)) return std::nullopt;
  target.remove_prefix(path_prefix.size());
  const auto expires_at = target.find(expires_name), token_at = target.find(token_name);
  if (expires_at != 64 || token_at == std::string_view::npos || token_at < expires_at) return std::nullopt;
  const auto hex = target.substr(0, expires_at);
  const auto expires = target.substr(expires_at + expires_name.size(), token_at - expires_at - expires_name.size());
  // Signed texts alone go on from here: the hash is then one that we wrote.
  if (!crypto::equals_in_constant_time(sign(hex, expires), target.substr(token_at + token_name.size()))) return std::nullopt;
  const auto until = parse_number<std::int64_t>(expires);
  if (!until || *until < seconds(now)) return std::nullopt;
  return code_.package_path(hex);
}

}  // namespace sallyport::lambda
