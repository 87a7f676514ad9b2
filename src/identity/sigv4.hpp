// AWS Signature Version 4, from the server's side: is this request from who it says, unchanged and fresh?
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "identity/authorization.hpp"
#include "identity/credential.hpp"
#include "identity/refusal.hpp"

namespace sallyport::identity {

namespace limits {
inline constexpr std::chrono::seconds clock_skew_max{300};        // both ways
inline constexpr std::chrono::seconds presigned_max{7 * 86'400};  // AWS's figure
}  // namespace limits

/// The body a request came with. Hashed when a signature is compared and not before, so that a request refused earlier costs no hashing.
class Payload {
 public:
  /// `body` must outlive the payload.
  static Payload of(std::string_view body) { return Payload(body, std::nullopt); }
  /// For a body that was hashed while it came. `sha256` is raw, 32 bytes.
  static Payload hashed(std::string_view sha256, bool empty);

  bool empty() const { return empty_; }
  /// Lower-case hex.
  std::string sha256_hex() const;

 private:
  Payload(std::string_view body, std::optional<std::string> hash) : body_(body), hash_(std::move(hash)), empty_(body.empty()) {}
  std::string_view body_;
  std::optional<std::string> hash_;
  bool empty_;
};

/// Which region a signature may be scoped to.
class RegionPolicy {
 public:
  static RegionPolicy only(std::string region) { return RegionPolicy(std::move(region)); }
  /// Any that is a region by its spelling; what was signed is found in `VerifiedCaller::region`.
  static RegionPolicy any() { return RegionPolicy(std::nullopt); }
  bool admits(std::string_view region) const;

 private:
  explicit RegionPolicy(std::optional<std::string> region) : region_(std::move(region)) {}
  std::optional<std::string> region_;
};

/// S3 signs the path with its dots and doubled slashes; everybody else normalizes it. Behind `normalized` a second attempt takes the path
/// as it is sent, since clients that call through a proxy often sign that.
enum class PathMode { normalized, as_sent };

/// UNSIGNED-PAYLOAD in place of a hash. Lambda lets it pass without a body, execute-api never.
enum class UnsignedPayload { refused, without_body };

/// Whether a wrong signature is tried again in the ways clients commonly get it wrong, to name the cause in `SigV4Detail::reason`. Costs a
/// few hashes a refusal; nothing is ever accepted by it.
enum class Diagnosis { off, on };

/// What one front door expects.
struct SigV4Rules {
  std::string service;  // `lambda`, `execute-api`, ...
  RegionPolicy region;
  PathMode path = PathMode::normalized;
  UnsignedPayload unsigned_payload = UnsignedPayload::refused;
  Diagnosis diagnosis = Diagnosis::off;
};

/// Proof that a request was signed with a known, valid key. Only `verify` makes one.
class VerifiedCaller {
 public:
  const Credential& credential() const { return *credential_; }
  const std::string& region() const { return region_; }
  const std::string& service() const { return service_; }
  WallTime signed_at() const { return signed_at_; }
  Authorization::Form form() const { return form_; }

 private:
  friend class Verification;
  VerifiedCaller(std::shared_ptr<const Credential> credential, std::string_view region, std::string_view service, WallTime signed_at,
                 Authorization::Form form)
      : credential_(std::move(credential)), region_(region), service_(service), signed_at_(signed_at), form_(form) {}
  std::shared_ptr<const Credential> credential_;
  std::string region_, service_;
  WallTime signed_at_;
  Authorization::Form form_;
};

/// Verifies the signature of a request, in AWS's order of checks. May be called from any thread; waits for nothing. An unknown key costs
/// the time of a wrong signature. Work is linear in the size of the request (sorting its query apart), whose limits are the parser's.
/// Every `x-amz-*` header must be covered by the signature; a presigned request is good while less than its X-Amz-Expires has passed.
Result<VerifiedCaller, SigV4Refusal> verify(const http::Request& request, const Payload& payload, const SigV4Rules& rules,
                                            const CredentialSource& credentials, WallTime now);

}  // namespace sallyport::identity
