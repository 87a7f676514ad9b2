#include "identity/signer.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "crypto/digest.hpp"
#include "identity/canonical.hpp"

namespace sallyport::identity {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256", terminator = "aws4_request";
constexpr std::size_t date_characters = 8;

}  // namespace

std::vector<http::Header> sign(const SigningKey& key, std::string_view region, std::string_view service, std::string_view method,
                               std::string_view target, const std::vector<http::Header>& headers, std::string_view body, WallTime now) {
  const auto timestamp = iso8601_basic(now);
  const auto date = std::string_view(timestamp).substr(0, date_characters);
  std::vector<http::Header> added{{"X-Amz-Date", timestamp}};
  if (!key.session_token.empty()) added.emplace_back("X-Amz-Security-Token", std::string(key.session_token.reveal()));

  std::vector<http::Header> signed_headers;
  for (const auto* list : {&headers, &std::as_const(added)})
    for (const auto& [name, value] : *list) signed_headers.emplace_back(lower(name), value);
  std::ranges::sort(signed_headers);
  CanonicalParts parts;
  parts.method = method;
  parts.path = canonical_path(target, Segments::normalized);
  for (const auto& [name, value] : signed_headers) {
    parts.headers += cat(name, ":");
    append_canonical_value(parts.headers, value);
    parts.headers += '\n';
    parts.signed_headers += cat(parts.signed_headers.empty() ? "" : ";", name);
  }
  parts.payload_hash = to_hex(crypto::sha256(body));

  const auto scope = cat(date, "/", region, "/", service, "/", terminator);
  const auto string_to_sign = cat(algorithm, "\n", timestamp, "\n", scope, "\n", to_hex(crypto::sha256(parts.text())));
  auto derived = cat("AWS4", key.secret_access_key.reveal());
  for (const auto part : {date, region, service, terminator}) derived = crypto::hmac_sha256(derived, part);
  added.emplace_back("Authorization", cat(algorithm, " Credential=", key.access_key_id, "/", scope, ", SignedHeaders=",
                                          parts.signed_headers, ", Signature=", to_hex(crypto::hmac_sha256(derived, string_to_sign))));
  return added;
}

}  // namespace sallyport::identity
