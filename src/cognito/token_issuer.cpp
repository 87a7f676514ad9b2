#include "cognito/token_issuer.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/errors.hpp"
#include "cognito/lockout.hpp"
#include "cognito/schema.hpp"
#include "cognito/signing_keys.hpp"
#include "crypto/digest.hpp"
#include "identity/jwt.hpp"
#include "json/write.hpp"

namespace sallyport::cognito {
namespace {

using json::Value;

/// An access token may outlive the refresh token of its session by as much, and is still asked about.
constexpr std::chrono::hours session_kept_after{24};

std::int64_t seconds_of(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(); }

Value list_of(const std::vector<std::string>& texts) {
  json::Array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::ranges::find(list, text) != list.end(); }

// ---- refresh tokens: SESSION.RANDOM.CODE. The code tells one of ours that was replaced from one that never was: only the former ends a
// session.

struct RefreshToken {
  std::string session_id;
  std::string hash;  // of the whole text
};

std::string authenticity_code(const SigningKey& key, std::string_view text) {
  return crypto::hmac_sha256(crypto::hmac_sha256(key.private_key.reveal(), "refresh tokens"), text).substr(0, 16);
}

std::string make_refresh_token(const UserPool& pool, std::string_view session_id, Random& random) {
  std::string secret(32, '\0');
  random.fill(std::as_writable_bytes(std::span(secret)));
  const auto text = cat(session_id, ".", to_base64url(secret));
  const auto* key = signing_key(pool, TokenUse::access);
  return cat(text, ".", to_base64url(key ? authenticity_code(*key, text) : std::string()));
}

bool was_ours(const UserPool& pool, std::string_view token) {
  const auto dot = token.rfind('.');
  const auto code = from_base64url(token.substr(dot + 1));
  if (!code) return false;
  return std::ranges::any_of(pool.signing_keys, [&](const auto& key) {
    return crypto::equals_in_constant_time(authenticity_code(*key, token.substr(0, dot)), *code);
  });
}

std::optional<RefreshToken> read_refresh_token(std::string_view text) {
  if (text.size() > 512 || std::ranges::count(text, '.') != 2) return std::nullopt;
  return RefreshToken{std::string(text.substr(0, text.find('.'))), crypto::sha256(text)};
}

std::unexpected<aws::ApiError> no_refresh_token() { return not_authorized("Invalid Refresh Token"); }

/// How a refresh token stands to its session.
enum class Standing { good, replaced_lately, replaced, unknown };

Standing standing_of(const UserPool& pool, const Session& session, const RefreshToken& token, std::string_view text, WallTime now) {
  if (session.token_hash.equals(token.hash)) return Standing::good;
  if (session.previous_token_hash.equals(token.hash) && now < session.previous_until) return Standing::replaced_lately;
  return was_ours(pool, text) ? Standing::replaced : Standing::unknown;
}

Answer<> may_refresh(const Session& session, const RefreshRequest& request, WallTime now) {
  if (session.client_id != request.client_id) return no_refresh_token();
  if (session.revoked) return not_authorized("Refresh Token has been revoked");
  if (session.expires <= now) return not_authorized("Refresh Token has expired");
  return {};
}

// ---- sessions

void forget_old_sessions(UserPool& pool, std::string_view username, WallTime now) {
  auto ids = sessions_of(pool, username);
  std::erase_if(ids, [&](const auto& id) {
    const auto* session = pool.sessions.find(id);
    const bool over = !session || session->expires + session_kept_after <= now;
    if (over) erase_session(pool, id);
    return over;
  });
  while (ids.size() >= limits::sessions_per_user_max) {
    const auto oldest = std::ranges::min_element(ids, {}, [&](const auto& id) { return pool.sessions.find(id)->created; });
    erase_session(pool, *oldest);
    ids.erase(oldest);
  }
}

/// Is this still the user that signed in, and may it?
Answer<> check_still_good(const UserPool& pool, std::string_view username, std::string_view sub, WallTime authenticated) {
  const auto* user = pool.users.find(username);
  if (!user || user->sub != sub) return no_such_user();
  if (!user->enabled) return not_authorized("User is disabled.");
  if (user->signed_out_at >= authenticated) return not_authorized("Access Token has been revoked");
  return {};
}

// ---- claims

GroupsOfToken groups_of(const UserPool& pool, const User& user) {
  struct Ranked {
    const Group* group;
    int precedence;
  };
  std::vector<Ranked> ranked;
  for (const auto& name : user.groups)
    if (const auto group = pool.groups.find(name); group != pool.groups.end())
      ranked.push_back({&*group->second, group->second->precedence.value_or(std::numeric_limits<int>::max())});
  std::ranges::sort(ranked, {}, [](const Ranked& each) { return std::pair(each.precedence, std::string_view(each.group->name)); });
  GroupsOfToken out;
  std::optional<int> best;
  bool several = false;
  for (const auto& [group, precedence] : ranked) {
    out.names.push_back(group->name);
    if (group->role_arn.empty()) continue;
    if (!contains(out.roles, group->role_arn)) out.roles.push_back(group->role_arn);
    // Of groups that count alike neither role is preferred, unless it is the same.
    if (!best) {
      best = precedence;
      out.preferred_role = group->role_arn;
    } else if (precedence == *best && group->role_arn != out.preferred_role) {
      several = true;
    }
  }
  if (several) out.preferred_role.clear();
  return out;
}

constexpr std::array<std::string_view, 23> reserved_claims{
    "acr", "amr", "at_hash", "aud",   "auth_time",  "azp", "client_id", "cognito:username", "device_key", "event_id", "exp",       "iat",
    "iss", "jti", "nbf",     "nonce", "origin_jti", "sub", "token_use", "username",         "version",    "scope",    "identities"};

bool is_reserved(std::string_view claim) {
  return claim.starts_with("cognito:") || claim.starts_with("dev:") || claim.starts_with("aws:") ||
         std::ranges::find(reserved_claims, claim) != reserved_claims.end();
}

void apply(const ClaimChanges& changes, Value& claims) {
  std::erase_if(*claims.object(), [&](const auto& claim) { return contains(changes.suppress, claim.first) && !is_reserved(claim.first); });
  for (const auto& [name, value] : changes.add)
    if (!is_reserved(name)) claims.set(name, value);
}

Value claim_of(std::string_view name, const std::string& text) {
  if (name == "email_verified" || name == "phone_number_verified") return text == "true";
  if (name == "updated_at" && parse_number<std::int64_t>(text)) return json::Number{text};
  if (name == "address") {
    Value address;
    address.set("formatted", text);
    return address;
  }
  return text;
}

bool covers(const std::vector<std::string>& scopes, std::string_view attribute) {
  const auto has = [&](std::string_view scope) { return contains(scopes, scope); };
  if (has(user_admin_scope) || has("profile") || attribute == "sub") return true;
  const bool email = has("email"), phone = has("phone");
  // With `openid` alone everything may be seen; a scope beside it narrows that down.
  if (!email && !phone) return has("openid");
  return (email && attribute.starts_with("email")) || (phone && attribute.starts_with("phone_number"));
}

}  // namespace

control::Call own_call(io::Loop& loop, const aws::Scope& scope, WallTime now) {
  static const auto nobody = std::make_shared<const aws::Caller>();
  return {loop, {}, {}, scope, nobody, now, {}, {}, wire::Parameters(Value())};
}

std::vector<std::string> split_scopes(std::string_view text) {
  std::vector<std::string> out;
  for (const auto part : split(text, ' '))
    if (!part.empty() && !contains(out, part)) out.emplace_back(part);
  return out;
}

json::Object attribute_claims(const Client& client, const User& user, const std::vector<std::string>& scopes) {
  json::Object out;
  for (const auto& [name, value] : user.attributes)
    if (name != "sub" && !name.starts_with("dev:") && may_read(client, name) && covers(scopes, name))
      out.emplace_back(name, claim_of(name, value));
  return out;
}

TextMap trigger_attributes(const User& user) {
  auto attributes = user.attributes;
  attributes["sub"] = user.sub;
  attributes["cognito:user_status"] = std::string(name_of(user.status));
  return attributes;
}

Task<Answer<IssuedTokens>> TokenIssuer::make(io::Loop& loop, const FoundPool& place, const Client& client, const User& user,
                                             const Session& session, std::string trigger_source, TextMap client_metadata) {
  const auto& pool = *place.pool;
  auto groups = groups_of(pool, user);
  auto scopes = split_scopes(session.scope);
  TriggerCall call{loop, place.state, pool.id, client.id, user.username, trigger_attributes(user), std::move(client_metadata)};
  const auto changes = co_await triggers_.pre_token_generation(std::move(call), std::move(trigger_source), groups, scopes);
  if (changes && changes->groups) groups = *changes->groups;
  if (changes) {
    std::erase_if(scopes, [&](const auto& scope) { return contains(changes->scopes_to_suppress, scope); });
    for (const auto& scope : changes->scopes_to_add)
      if (!scope.empty() && scope.find(' ') == std::string::npos && !contains(scopes, scope)) scopes.push_back(scope);
  }
  const auto now = clock_.wall_now();
  const auto issued = seconds_of(now);

  const auto common = [&](std::string_view use, Seconds lifetime) {
    Value claims;
    claims.set("sub", user.sub);
    if (!groups.names.empty()) claims.set("cognito:groups", list_of(groups.names));
    claims.set("iss", issuer_of(pool));
    if (client.revocation) claims.set("origin_jti", session.id);
    claims.set("event_id", session.event_id);
    claims.set("token_use", use);
    claims.set("auth_time", seconds_of(session.authenticated));
    claims.set("exp", issued + lifetime.count());
    claims.set("iat", issued);
    claims.set("jti", make_uuid(random_));
    return claims;
  };
  auto access = common("access", client.access_token_lifetime());
  access.set("client_id", client.id);
  access.set("username", user.username);
  if (session.by_oauth) access.set("version", 2);
  if (changes) {
    apply(changes->access, access);
    // The one reserved claim a function may give an access token, with this one value.
    for (const auto& [name, value] : changes->access.add)
      if (name == "aud" && value.string() && *value.string() == client.id) access.set("aud", client.id);
  }
  access.set("scope", join(scopes, " "));

  IssuedTokens out;
  out.expires_in = client.access_token_lifetime();
  out.scope = join(scopes, " ");
  out.session_id = session.id;
  const auto asked_scopes = split_scopes(session.scope);
  const bool with_id = !session.by_oauth || contains(asked_scopes, "openid");
  auto id = common("id", client.id_token_lifetime());
  id.set("aud", client.id);
  id.set("cognito:username", user.username);
  if (!groups.roles.empty()) id.set("cognito:roles", list_of(groups.roles));
  if (!groups.preferred_role.empty()) id.set("cognito:preferred_role", groups.preferred_role);
  if (!session.nonce.empty()) id.set("nonce", session.nonce);
  for (auto& [name, value] : attribute_claims(client, user, asked_scopes)) id.set(name, std::move(value));
  if (changes) apply(changes->id, id);

  const auto *access_key = signing_key(pool, TokenUse::access), *id_key = signing_key(pool, TokenUse::id);
  if (!access_key || !id_key) co_return fail(aws::ApiError{"InternalErrorException", 500, "The user pool has no signing keys"});
  Result<std::string> access_token, id_token;
  co_await io::run_blocking(loop, [&] {
    access_token = sign_token(*access_key, json::to_text(access));
    if (!access_token || !with_id) return;
    if (session.by_oauth) id.set("at_hash", to_base64url(crypto::sha256(*access_token).substr(0, 16)));
    id_token = sign_token(*id_key, json::to_text(id));
  });
  if (!access_token || !id_token) co_return fail(aws::ApiError{"InternalErrorException", 500, "A token could not be signed"});
  out.access_token = std::move(*access_token);
  out.id_token = std::move(*id_token);
  co_return out;
}

Task<Answer<IssuedTokens>> TokenIssuer::issue(io::Loop& loop, SignedIn signed_in) {
  const auto place = directory_.pool(signed_in.pool_id);
  if (!place) co_return no_such_pool(signed_in.pool_id);
  const auto* client = place->pool->client(signed_in.client_id);
  const auto* user = place->pool->users.find(signed_in.username);
  if (!client) co_return no_such_client(signed_in.client_id);
  co_await check_still_good(*place->pool, signed_in.username, signed_in.sub, signed_in.authenticated);

  Session session;
  session.id = make_uuid(random_);
  session.client_id = client->id;
  session.username = user->username;
  session.sub = user->sub;
  session.authenticated = signed_in.authenticated;
  session.created = clock_.wall_now();
  session.event_id = make_uuid(random_);
  session.scope = join(signed_in.scopes, " ");
  session.nonce = signed_in.nonce;
  session.by_oauth = signed_in.by_oauth;
  session.expires = session.created + (signed_in.wants_refresh_token ? client->refresh_token_lifetime() : client->access_token_lifetime());
  auto tokens =
      co_await make(loop, *place, *client, *user, session, std::move(signed_in.trigger_source), std::move(signed_in.client_metadata));
  if (signed_in.wants_refresh_token) {
    tokens.refresh_token = make_refresh_token(*place->pool, session.id, random_);
    session.token_hash = crypto::Secret(crypto::sha256(tokens.refresh_token));
  }
  auto call = own_call(loop, place->state->scope, clock_.wall_now());
  co_await ledger_.write(call, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, signed_in.pool_id);
    if (!pool) return no_such_pool(signed_in.pool_id);
    if (!pool->client(session.client_id)) return no_such_client(session.client_id);
    if (auto good = check_still_good(*pool, session.username, session.sub, session.authenticated); !good)
      return std::unexpected(std::move(good.error()));
    forget_old_sessions(*pool, session.username, call.now);
    if (pool->users.find(session.username)->failed_passwords > 0) password_succeeded(*edit_user(*pool, session.username));
    put_session(*pool, session);
    return Value();
  });
  co_return tokens;
}

Task<Answer<IssuedTokens>> TokenIssuer::issue_to_client(io::Loop& loop, FoundPool place, std::string client_id,
                                                        std::vector<std::string> scopes) {
  const auto* client = place.pool->client(client_id);
  const auto* key = signing_key(*place.pool, TokenUse::access);
  if (!client) co_return no_such_client(client_id);
  if (!key) co_return fail(aws::ApiError{"InternalErrorException", 500, "The user pool has no signing keys"});
  TriggerCall call{loop, place.state, place.pool->id, client_id, client_id, {}};
  const auto changes = co_await triggers_.pre_token_generation(std::move(call), "TokenGeneration_ClientCredentials", {}, scopes);
  if (changes) {
    std::erase_if(scopes, [&](const auto& scope) { return contains(changes->scopes_to_suppress, scope); });
    for (const auto& scope : changes->scopes_to_add)
      if (!scope.empty() && scope.find(' ') == std::string::npos && !contains(scopes, scope)) scopes.push_back(scope);
  }
  const auto issued = seconds_of(clock_.wall_now());
  Value claims;
  claims.set("sub", client_id);
  claims.set("token_use", "access");
  claims.set("scope", join(scopes, " "));
  claims.set("auth_time", issued);
  claims.set("iss", issuer_of(*place.pool));
  claims.set("exp", issued + client->access_token_lifetime().count());
  claims.set("iat", issued);
  claims.set("version", 2);
  claims.set("jti", make_uuid(random_));
  claims.set("client_id", client_id);
  if (changes) apply(changes->access, claims);
  Result<std::string> token;
  co_await io::run_blocking(loop, [&] { token = sign_token(*key, json::to_text(claims)); });
  if (!token) co_return fail(aws::ApiError{"InternalErrorException", 500, "A token could not be signed"});
  IssuedTokens out;
  out.access_token = std::move(*token);
  out.expires_in = client->access_token_lifetime();
  out.scope = join(scopes, " ");
  co_return out;
}

Task<Answer<IssuedTokens>> TokenIssuer::refresh(io::Loop& loop, FoundPool place, RefreshRequest request) {
  const auto token = read_refresh_token(request.refresh_token);
  const auto& pool = *place.pool;
  const auto* client = pool.client(request.client_id);
  const auto* session = token ? pool.sessions.find(token->session_id) : nullptr;
  if (!client) co_return no_such_client(request.client_id);
  if (!session) co_return no_refresh_token();
  const auto now = clock_.wall_now();
  const auto standing = standing_of(pool, *session, *token, request.refresh_token, now);
  if (standing == Standing::unknown) co_return no_refresh_token();
  co_await may_refresh(*session, request, now);
  if (standing == Standing::replaced) {
    co_await end_session(loop, place.state->scope, pool.id, session->id);
    co_return refused("RefreshTokenReuseException", "Refresh token reuse detected");
  }
  const auto* user = pool.users.find(session->username);
  co_await check_still_good(pool, session->username, session->sub, session->authenticated);
  auto tokens = co_await make(loop, place, *client, *user, *session, "TokenGeneration_RefreshTokens", std::move(request.client_metadata));
  if (!client->rotates_refresh_tokens) {
    // The pool's function took its time: who was signed out meanwhile gets nothing.
    const auto present = directory_.pool(pool.id);
    const auto* still = present ? present->pool->sessions.find(token->session_id) : nullptr;
    if (!still) co_return not_authorized("Refresh Token has been revoked");
    co_await may_refresh(*still, request, now);
    co_await check_still_good(*present->pool, still->username, still->sub, still->authenticated);
    co_return tokens;
  }

  // A second one within the grace period gets a new one as well; whose was replaced is good for as long as before.
  auto next = make_refresh_token(pool, session->id, random_);
  const auto next_hash = crypto::sha256(next);
  bool reused = false;
  auto call = own_call(loop, place.state->scope, now);
  co_await ledger_.write(call, [&](State& draft) -> Answer<Value> {
    auto* changed = edit_pool(draft, pool.id);
    const auto* current = changed ? changed->sessions.find(token->session_id) : nullptr;
    if (!current) return no_refresh_token();
    if (auto good = check_still_good(*changed, current->username, current->sub, current->authenticated); !good)
      return std::unexpected(std::move(good.error()));
    if (auto good = may_refresh(*current, request, now); !good) return std::unexpected(std::move(good.error()));
    auto updated = *current;
    switch (standing_of(*changed, updated, *token, request.refresh_token, now)) {
      case Standing::good:
        updated.previous_token_hash = std::move(updated.token_hash);
        updated.previous_until = now + Seconds(client->rotation_grace_s);
        [[fallthrough]];
      case Standing::replaced_lately: updated.token_hash = crypto::Secret(std::string(next_hash)); break;
      default: reused = true; updated.revoked = true;
    }
    put_session(*changed, std::move(updated));
    return Value();
  });
  if (reused) co_return refused("RefreshTokenReuseException", "Refresh token reuse detected");
  tokens.refresh_token = std::move(next);
  co_return tokens;
}

const Session* TokenIssuer::session_of(const UserPool& pool, std::string_view refresh_token) {
  const auto token = read_refresh_token(refresh_token);
  return token ? pool.sessions.find(token->session_id) : nullptr;
}

Task<Answer<TokenIssuer::Revocation>> TokenIssuer::revoke(io::Loop& loop, FoundPool place, std::string client_id,
                                                          std::string refresh_token) {
  const auto token = read_refresh_token(refresh_token);
  const auto* session = token ? place.pool->sessions.find(token->session_id) : nullptr;
  if (!session || standing_of(*place.pool, *session, *token, refresh_token, clock_.wall_now()) == Standing::unknown)
    co_return Revocation::unknown_token;
  if (session->client_id != client_id) co_return Revocation::other_client;
  co_await end_session(loop, place.state->scope, place.pool->id, session->id);
  co_return Revocation::done;
}

Task<Answer<>> TokenIssuer::end_session(io::Loop& loop, aws::Scope scope, std::string pool_id, std::string session_id) {
  auto call = own_call(loop, scope, clock_.wall_now());
  co_await ledger_.write(call, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, pool_id);
    const auto* session = pool ? pool->sessions.find(session_id) : nullptr;
    if (!session || session->revoked) return Value();
    auto ended = *session;
    ended.revoked = true;
    put_session(*pool, std::move(ended));
    return Value();
  });
  co_return Answer<>();
}

Task<Answer<>> TokenIssuer::sign_out(io::Loop& loop, FoundPool place, std::string username) {
  auto call = own_call(loop, place.state->scope, clock_.wall_now());
  co_await ledger_.write(call, [&](State& draft) -> Answer<Value> {
    auto* pool = edit_pool(draft, place.pool->id);
    auto* user = pool ? edit_user(*pool, username) : nullptr;
    if (!user) return no_such_user();
    user->signed_out_at = call.now;
    for (const auto& id : sessions_of(*pool, username)) erase_session(*pool, id);
    return Value();
  });
  co_return Answer<>();
}

Answer<TokenBearer> TokenIssuer::verify_any(std::string_view access_token, WallTime now) const {
  const auto invalid = [] { return not_authorized("Invalid Access Token"); };
  const auto read = identity::read_unverified(access_token);
  if (!read) return invalid();
  const auto slash = read->issuer.rfind('/');
  const auto place = slash == std::string::npos ? std::nullopt : directory_.pool(std::string_view(read->issuer).substr(slash + 1));
  const auto keys = place ? directory_.issuer_keys(read->issuer) : std::nullopt;
  if (!keys) return invalid();
  identity::TokenRules rules;
  rules.issuer = read->issuer;
  rules.algorithms = {"RS256"};
  const auto verified = identity::verify_token(access_token, *keys, rules, now);
  if (!verified) {
    if (verified.error().fault == identity::TokenFault::expired) return not_authorized("Access Token has expired");
    return invalid();
  }
  const auto& token = **verified;
  const auto username = std::string(token.text("username"));
  if (token.text("token_use") != "access" || username.empty()) return invalid();
  const auto& pool = *place->pool;
  const auto* user = pool.users.find(username);
  const auto* client = pool.client(token.text("client_id"));
  if (!user || user->sub != token.text("sub")) return no_such_user();
  if (!client) return invalid();
  if (!user->enabled) return not_authorized("User is disabled.");
  const auto revoked = [] { return not_authorized("Access Token has been revoked"); };
  const auto session_id = std::string(token.text("origin_jti"));
  if (session_id.empty()) {
    // The client does without revocation; what there is to go by is a whole second, and the doubtful one counts against the token.
    const auto* authenticated = token.claims.find("auth_time");
    const auto seconds = authenticated ? authenticated->integer() : std::nullopt;
    if (!seconds || *seconds <= seconds_of(user->signed_out_at)) return revoked();
  } else {
    const auto* session = pool.sessions.find(session_id);
    if (!session || session->revoked || session->sub != user->sub || session->client_id != client->id) return revoked();
    if (session->authenticated <= user->signed_out_at) return revoked();
  }
  return TokenBearer{place->state->scope, pool.id, client->id, username, session_id, token.scopes()};
}

Answer<TokenBearer> TokenIssuer::verify(std::string_view access_token, WallTime now) const {
  auto bearer = verify_any(access_token, now);
  if (bearer && !contains(bearer->scopes, user_admin_scope)) return not_authorized("Access Token does not have required scopes");
  return bearer;
}

}  // namespace sallyport::cognito
