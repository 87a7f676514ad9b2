#include "gateway/token_authorization.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "gateway/identity_source.hpp"
#include "gateway/operations.hpp"

namespace sallyport::gateway {
namespace {

using identity::Token;
using identity::TokenFault;

constexpr std::chrono::hours keys_fresh{1};  // the guide's figure for JWT authorizers

Refusal unauthorized(std::string why) { return {ResponseType::unauthorized, std::nullopt, 0, std::move(why)}; }

Refusal refusal_of(const Authorizer& authorizer, const identity::TokenRefusal& refused) {
  if (refused.fault == TokenFault::keys_unavailable)
    return {ResponseType::authorizer_configuration_error, std::nullopt, 0, cat("the issuer's keys cannot be had: ", refused.detail)};
  auto refusal = unauthorized(refused.detail);
  if (refused.fault == TokenFault::expired && authorizer.type == AuthorizerType::cognito_user_pools)
    refusal.message = "The incoming token has expired";
  return refusal;
}

/// Nothing when the token will do.
std::optional<Refusal> judge_pool_token(const Authorizer& authorizer, const std::vector<std::string>& scopes, const Token& token,
                                        const Choices& choices) {
  const std::string_view wanted = scopes.empty() ? "id" : "access";
  if (token.text("token_use") != wanted)
    return unauthorized(cat("the token's token_use is `", token.text("token_use"), "`; a method ",
                            scopes.empty() ? "without scopes takes ID tokens" : "with scopes takes access tokens"));
  if (authorizer.expression) {
    const auto audience = token.text("aud");
    const bool whole = choices.expression_match == Choices::ExpressionMatch::whole;
    if (audience.empty()) return unauthorized("the token has no aud, which the identity validation expression is matched with");
    if (!(whole ? authorizer.expression->matches_whole(audience) : authorizer.expression->matches_somewhere(audience)))
      return unauthorized("the token's aud does not match the identity validation expression");
  }
  if (!identity::has_scope(token, scopes)) return unauthorized(cat("the token has none of the method's scopes: ", join(scopes, ", ")));
  return std::nullopt;
}

/// The texts of a claim in the form its rule says; nothing when it has another form.
std::optional<std::vector<std::string>> values_of(const json::Value& value, ClaimRule::Format format) {
  std::vector<std::string> values;
  if (format == ClaimRule::Format::string_array) {
    const auto* list = value.array();
    if (!list) return std::nullopt;
    for (const auto& each : *list) {
      if (!each.string()) return std::nullopt;
      values.push_back(*each.string());
    }
    return values;
  }
  const auto* text = value.string();
  if (!text) return std::nullopt;
  if (format == ClaimRule::Format::single_string) return std::vector{*text};
  for (const auto part : split(*text, ' '))
    if (!part.empty()) values.emplace_back(part);
  return values;
}

std::optional<Refusal> judge_claim(const ClaimRule& rule, const Token& token) {
  const auto* value = token.claims.find(rule.name);
  if (!value) {
    if (rule.required) return unauthorized(cat("the token has no claim ", rule.name));
    return std::nullopt;
  }
  const auto values = values_of(*value, rule.format);
  if (!values) return unauthorized(cat("the token's claim ", rule.name, " has another form than ", gateway::name_of(rule.format)));
  const auto is_expected = [&](const std::string& one) {
    return std::find(rule.expected.begin(), rule.expected.end(), one) != rule.expected.end();
  };
  if (!rule.expected.empty() && std::none_of(values->begin(), values->end(), is_expected))
    return unauthorized(cat("the token's claim ", rule.name, " has none of the expected values"));
  return std::nullopt;
}

std::optional<Refusal> judge_issuers_token(const JwtIssuer& issuer, const std::vector<std::string>& scopes, const Token& token) {
  if (!identity::fits_audience(token, issuer.audiences)) return unauthorized("the token is for none of the issuer's audiences");
  for (const auto& rule : issuer.claims)
    if (auto refusal = judge_claim(rule, token)) return refusal;
  if (!identity::has_scope(token, scopes)) {
    Refusal refusal{ResponseType::access_denied, "Forbidden", 0, cat("the token has none of the method's scopes: ", join(scopes, ", "))};
    refusal.message_key = "message";
    return refusal;
  }
  return std::nullopt;
}

bool is_of_pool(const Authorizer& authorizer) { return authorizer.type == AuthorizerType::cognito_user_pools; }

const JwtIssuer* issuer_of(const Authorizer& authorizer, std::string_view issuer) {
  const auto& issuers = authorizer.jwt.issuers;
  const auto found = std::ranges::find(issuers, issuer, &JwtIssuer::issuer);
  return found == issuers.end() ? nullptr : &*found;
}

bool knows_issuer(const Authorizer& authorizer, std::string_view issuer) {
  return is_of_pool(authorizer) ? std::ranges::find(authorizer.pool_issuers, issuer) != authorizer.pool_issuers.end()
                                : issuer_of(authorizer, issuer) != nullptr;
}

identity::TokenRules rules_of(const Authorizer& authorizer, std::string issuer) {
  return {std::move(issuer), is_of_pool(authorizer) ? std::vector<std::string>{"RS256"} : authorizer.jwt.algorithms, keys_fresh};
}

/// Where there is one issuer alone, a token that was verified before is not read again to learn whose it is.
identity::TokenPtr known_token(const Services& services, const Authorizer& authorizer, std::string_view sent) {
  if (is_of_pool(authorizer))
    return authorizer.pool_issuers.size() == 1 ? services.issuers.known(sent, rules_of(authorizer, authorizer.pool_issuers.front()))
                                               : nullptr;
  const auto& issuers = authorizer.jwt.issuers;
  return issuers.size() == 1 ? services.issuers.known(sent, rules_of(authorizer, issuers.front().issuer)) : nullptr;
}

/// Nothing when the token, which one of the authorizer's issuers vouches for, will do.
std::optional<Refusal> judge(const Authorizer& authorizer, const std::vector<std::string>& scopes, const Token& token,
                             const Choices& choices) {
  if (is_of_pool(authorizer)) return judge_pool_token(authorizer, scopes, token, choices);
  const auto* issuer = issuer_of(authorizer, token.text("iss"));
  return issuer ? judge_issuers_token(*issuer, scopes, token) : unauthorized("the token's issuer is none of the authorizer's");
}

}  // namespace

Task<Result<identity::TokenPtr, Refusal>> authorize_with_token(const Services& services, io::Loop& loop, const Authorizer& authorizer,
                                                               const std::vector<std::string>& scopes, const Exchange& exchange) {
  const auto& choices = exchange.stage->choices;
  auto sent = co_await check_identity_sources(authorizer, exchange);
  if (!is_of_pool(authorizer) || choices.bearer_token == Choices::BearerToken::taken) sent = identity::bare_token(sent);
  auto token = known_token(services, authorizer, sent);
  if (!token) {
    const auto claimed = identity::read_unverified(sent);
    if (!claimed) co_return fail(refusal_of(authorizer, claimed.error()));
    if (!knows_issuer(authorizer, claimed->issuer)) co_return fail(unauthorized("the token's issuer is none of the authorizer's"));
    auto verified = co_await attempt(services.issuers.verify(loop, sent, rules_of(authorizer, claimed->issuer)));
    if (!verified) co_return fail(refusal_of(authorizer, verified.error()));
    token = std::move(*verified);
  }
  if (auto refusal = judge(authorizer, scopes, *token, choices)) co_return fail(std::move(*refusal));
  co_return token;
}

}  // namespace sallyport::gateway
