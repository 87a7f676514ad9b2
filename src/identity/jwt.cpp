#include "identity/jwt.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.hpp"
#include "json/parse.hpp"

namespace sallyport::identity {
namespace {

std::unexpected<TokenRefusal> refuse(TokenFault fault, std::string detail) { return fail(TokenRefusal{fault, std::move(detail)}); }

constexpr double seconds_max = 253'402'300'799;  // the end of the year 9999; what is later never comes

/// NumericDate (RFC 7519, 2): seconds, maybe with a fraction. Nothing for what is no finite number.
std::optional<WallTime> time_of(const json::Value& claim) {
  const auto* number = claim.number();
  if (!number) return std::nullopt;
  double seconds = 0;
  const auto* end = number->text.data() + number->text.size();
  const auto [read, error] = std::from_chars(number->text.data(), end, seconds);
  if (error != std::errc{} || read != end || !std::isfinite(seconds)) return std::nullopt;
  seconds = std::clamp(seconds, -seconds_max, seconds_max);
  return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(std::floor(seconds * 1e6))));
}

Result<void, TokenRefusal> read_times(Token& token) {
  const auto* end = token.claims.find("exp");
  if (!end) return refuse(TokenFault::claims, "the claim `exp` is missing");
  const auto expires = time_of(*end);
  if (!expires) return refuse(TokenFault::claims, "the claim `exp` is no time");
  token.expires = *expires;
  for (const auto* name : {"nbf", "iat"}) {
    const auto* claim = token.claims.find(name);
    if (!claim) continue;
    const auto from = time_of(*claim);
    if (!from) return refuse(TokenFault::claims, cat("the claim `", name, "` is no time"));
    token.not_before = std::max(token.not_before, *from);
  }
  return {};
}

Result<json::Value, TokenRefusal> read_claims(std::string_view payload) {
  auto claims = json::parse(payload, limits::token_depth_max);
  if (!claims || !claims->object()) return refuse(TokenFault::malformed, "the payload is no JSON object");
  return std::move(*claims);
}

bool is_among(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

bool allows(const TokenRules& rules, std::string_view algorithm) {
  return is_door_algorithm(algorithm) && is_among(rules.algorithms, algorithm);
}

/// The texts of a claim that is a text or a list of texts; nothing for another kind, and for a list with anything else in it.
std::optional<std::vector<std::string_view>> texts_of(const json::Value& claim) {
  if (const auto* text = claim.string()) return std::vector<std::string_view>{*text};
  if (!claim.array()) return std::nullopt;
  std::vector<std::string_view> out;
  for (const auto& each : *claim.array()) {
    if (!each.string()) return std::nullopt;
    out.push_back(*each.string());
  }
  return out;
}

void add_words(std::vector<std::string>& out, std::string_view text) {
  for (const auto word : split(text, ' '))
    if (!word.empty()) out.emplace_back(word);
}

}  // namespace

std::string_view Token::text(std::string_view claim) const {
  const auto* value = claims.find(claim);
  return value && value->string() ? std::string_view(*value->string()) : std::string_view();
}

std::vector<std::string> Token::scopes() const {
  std::vector<std::string> out;
  if (const auto* scope = claims.find("scope")) {
    if (scope->string()) add_words(out, *scope->string());
    return out;
  }
  if (const auto* scp = claims.find("scp"))
    for (const auto text : texts_of(*scp).value_or(std::vector<std::string_view>())) add_words(out, text);
  return out;
}

const std::vector<std::string>& rsa_algorithms() {
  static const std::vector<std::string> names = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"};
  return names;
}

bool is_door_algorithm(std::string_view name) {
  const auto algorithm = parse_jws_algorithm(name);
  return algorithm && !is_symmetric(*algorithm);
}

Result<UnverifiedToken, TokenRefusal> read_unverified(std::string_view token) {
  auto jws = parse_compact(token);
  if (!jws) return std::unexpected(std::move(jws.error()));
  auto claims = read_claims(jws->payload);
  if (!claims) return std::unexpected(std::move(claims.error()));
  const auto* issuer = claims->find("iss");
  UnverifiedToken out{.algorithm = std::string(name_of(jws->algorithm)),
                      .kid = std::move(jws->kid),
                      .issuer = issuer && issuer->string() ? *issuer->string() : std::string()};
  out.claims = std::move(*claims);
  return out;
}

Result<void, TokenRefusal> check_again(const Token& token, const TokenRules& rules, WallTime now) {
  if (!allows(rules, token.algorithm)) return refuse(TokenFault::algorithm, "the algorithm is not among the allowed");
  const auto* issuer = token.claims.find("iss");
  if (!issuer || !issuer->string() || rules.issuer.empty() || *issuer->string() != rules.issuer)
    return refuse(TokenFault::issuer, "the token is of another issuer");
  if (now >= token.expires) return refuse(TokenFault::expired, "the token has expired");
  if (now < token.not_before) return refuse(TokenFault::not_yet_valid, "the token is not valid yet");
  return {};
}

Result<TokenPtr, TokenRefusal> verify_token(std::string_view text, const KeySet& keys, const TokenRules& rules, WallTime now) {
  auto jws = parse_compact(text);
  if (!jws) return std::unexpected(std::move(jws.error()));
  if (!allows(rules, name_of(jws->algorithm))) return refuse(TokenFault::algorithm, "the algorithm is not among the allowed");
  if (auto held = verify_signature(*jws, keys, KeyId::required); !held) return std::unexpected(std::move(held.error()));
  auto claims = read_claims(jws->payload);
  if (!claims) return std::unexpected(std::move(claims.error()));
  auto token = std::make_shared<Token>();
  token->algorithm = name_of(jws->algorithm);
  token->kid = std::move(jws->kid);
  token->claims = std::move(*claims);
  if (auto read = read_times(*token); !read) return std::unexpected(std::move(read.error()));
  if (auto good = check_again(*token, rules, now); !good) return std::unexpected(std::move(good.error()));
  return token;
}

std::string_view bare_token(std::string_view header_value) {
  static constexpr std::string_view scheme = "Bearer ";
  if (starts_with_ignoring_case(header_value, scheme)) header_value.remove_prefix(scheme.size());
  return trim(header_value);
}

bool fits_audience(const Token& token, const std::vector<std::string>& audience) {
  const auto is_wanted = [&](std::string_view text) { return is_among(audience, text); };
  if (const auto* claim = token.claims.find("aud")) {
    const auto named = texts_of(*claim);
    return named && std::ranges::any_of(*named, is_wanted);
  }
  const auto* client = token.claims.find("client_id");
  return client && client->string() && is_wanted(*client->string());
}

bool has_scope(const Token& token, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  const auto scopes = token.scopes();
  return std::ranges::any_of(wanted, [&](const auto& one) { return is_among(scopes, one); });
}

std::string_view error_description(TokenFault fault) {
  switch (fault) {
    case TokenFault::segments: return "token contains an invalid number of segments";
    case TokenFault::audience: return "the token does not have a valid audience";
    case TokenFault::expired: return "the token has expired";
    case TokenFault::not_yet_valid: return "the token is not valid yet";
    case TokenFault::issuer: return "the token does not have a valid issuer";
    case TokenFault::scope: return "the token does not have a valid scope";
    case TokenFault::signature: return "the token does not have a valid signature";
    case TokenFault::unknown_key: return "the token was signed with an unknown key";
    case TokenFault::algorithm: return "the token was signed with an algorithm that is not allowed";
    case TokenFault::claims: return "the token does not have valid claims";
    case TokenFault::token_use: return "the token is not of the expected use";
    case TokenFault::keys_unavailable: return "OIDC discovery endpoint communication error";
    case TokenFault::malformed: return "the token is malformed";
  }
  return "the token is malformed";
}

}  // namespace sallyport::identity
