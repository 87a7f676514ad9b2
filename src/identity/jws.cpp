#include "identity/jws.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "identity/verification_key.hpp"
#include "json/parse.hpp"

namespace sallyport::identity {
namespace {

constexpr int keys_tried_max = 4;
constexpr std::array<std::string_view, 8> refused_parameters = {"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"};

std::unexpected<TokenRefusal> refuse(TokenFault fault, std::string detail) { return fail(TokenRefusal{fault, std::move(detail)}); }

/// `kid` and `typ` are text where they are there.
Result<void, TokenRefusal> read_header(const json::Value& header, CompactJws& out) {
  const auto* members = header.object();
  if (!members) return refuse(TokenFault::malformed, "the header is no object");
  const json::Value* algorithm = nullptr;
  for (const auto& [name, value] : *members) {
    if (std::ranges::find(refused_parameters, name) != refused_parameters.end())
      return refuse(TokenFault::malformed, "the header has `" + name + "`");
    if (name == "alg") algorithm = &value;
    if ((name == "kid" || name == "typ" || name == "cty") && !value.string())
      return refuse(TokenFault::malformed, "`" + name + "` of the header is no text");
    if (name == "kid") {
      out.kid = *value.string();
      out.has_kid = true;
    }
  }
  if (!algorithm || !algorithm->string()) return refuse(TokenFault::malformed, "the header names no `alg`");
  const auto known = parse_jws_algorithm(*algorithm->string());
  if (!known) return refuse(TokenFault::algorithm, "the algorithm is none that signs");
  out.algorithm = *known;
  return {};
}

}  // namespace

Result<CompactJws, TokenRefusal> parse_compact(std::string_view jws) {
  if (jws.size() > limits::token_bytes_max) return refuse(TokenFault::malformed, "the token is longer than 8 KiB");
  const auto points = std::ranges::count(jws, '.');
  if (points != 2) return refuse(TokenFault::segments, "the token has not three parts");
  const auto first = jws.find('.'), second = jws.find('.', first + 1);
  const auto header_bytes = from_base64url(jws.substr(0, first));
  auto payload = from_base64url(jws.substr(first + 1, second - first - 1));
  auto signature = from_base64url(jws.substr(second + 1));
  if (!header_bytes || !payload || !signature) return refuse(TokenFault::malformed, "a part of the token is no base64url");
  const auto header = json::parse(*header_bytes, limits::token_depth_max);
  if (!header) return refuse(TokenFault::malformed, "the header is no JSON");
  CompactJws out{.payload = std::move(*payload), .signature = std::move(*signature), .signed_text = jws.substr(0, second)};
  if (auto read = read_header(*header, out); !read) return std::unexpected(std::move(read.error()));
  return out;
}

Result<void, TokenRefusal> verify_signature(const CompactJws& jws, const KeySet& keys, KeyId kid) {
  if (!jws.has_kid && kid == KeyId::required) return refuse(TokenFault::malformed, "the header names no `kid`");
  if (!keys.keys()) return refuse(TokenFault::unknown_key, "there is no key");
  bool named = false;
  int tried = 0;
  for (const auto& key : keys.keys()->list) {
    if (jws.has_kid && key.kid() != jws.kid) continue;
    named = true;
    if (!key.fits(jws.algorithm)) continue;
    if (++tried > keys_tried_max) break;
    if (key.verify(jws.algorithm, jws.signed_text, jws.signature)) return {};
  }
  if (tried > 0) return refuse(TokenFault::signature, "the signature is wrong");
  if (named) return refuse(TokenFault::algorithm, "the algorithm is not the key's");
  return refuse(TokenFault::unknown_key, "no key has the `kid` of the header");
}

}  // namespace sallyport::identity
