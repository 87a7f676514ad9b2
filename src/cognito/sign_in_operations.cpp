// The rows of the service's table that sign users in and out.
#include <utility>

#include "base/text.hpp"
#include "cognito/errors.hpp"
#include "cognito/operations.hpp"
#include "cognito/secret_hash.hpp"
#include "cognito/sign_in.hpp"
#include "crypto/digest.hpp"
#include "identity/jwt.hpp"

namespace sallyport::cognito {
namespace {

using control::Access;
using control::Call;
using json::Value;

std::unexpected<aws::ApiError> missing(std::string_view parameter) {
  return invalid_parameter(cat("Missing required parameter ", parameter));
}

/// A map's entry as something that may be there or not.
std::optional<std::string> entry(const TextMap& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

Value describe(const IssuedTokens& tokens) {
  Value out;
  out.set("AccessToken", tokens.access_token);
  out.set("ExpiresIn", tokens.expires_in.count());
  out.set("TokenType", "Bearer");
  if (!tokens.refresh_token.empty()) out.set("RefreshToken", tokens.refresh_token);
  if (!tokens.id_token.empty()) out.set("IdToken", tokens.id_token);
  return out;
}

Value signed_in_answer(const IssuedTokens& tokens) {
  Value out;
  out.set("ChallengeParameters", json::Object{});
  out.set("AuthenticationResult", describe(tokens));
  return out;
}

Value describe(const Challenge& challenge) {
  Value out;
  out.set("ChallengeName", challenge.name);
  if (!challenge.session.empty()) out.set("Session", challenge.session);
  json::Object parameters;
  for (const auto& [name, value] : challenge.parameters) parameters.emplace_back(name, value);
  out.set("ChallengeParameters", std::move(parameters));
  return out;
}

Task<Answer<Value>> answer_of(SignIn& sign_in, io::Loop& loop, SignInStep step) {
  if (const auto* challenge = std::get_if<Challenge>(&step)) co_return describe(*challenge);
  const auto tokens = co_await sign_in.rooms().tokens.issue(loop, std::get<SignedIn>(std::move(step)));
  co_return signed_in_answer(tokens);
}

/// What these operations may say beside what they act on: facts for threat protection and analytics, which a pool here has none of, as a
/// pool on AWS has none before they are switched on.
void read_context(const Call& call) {
  for (const auto* name : {"AnalyticsMetadata", "UserContextData", "ContextData"}) call.in.value(name);
}

Answer<FoundPool> place_of_client(const SignIn& sign_in, std::string_view client_id) {
  auto place = sign_in.rooms().directory.pool_of_client(client_id);
  if (!place) return no_such_client(client_id);
  return std::move(*place);
}

/// The pool an administrator names, in the scope the call was signed for.
Answer<FoundPool> place_of_pool(const SignIn& sign_in, const Call& call) {
  const auto id = call.in.required("UserPoolId");
  auto place = sign_in.rooms().directory.pool(id);
  if (!place || place->state->scope.account_id != call.scope.account_id || place->state->scope.region != call.scope.region)
    return no_such_pool(id);
  return std::move(*place);
}

Answer<SignInAttempt> attempt_of(const SignIn& sign_in, Call& call, bool by_admin) {
  const auto client_id = call.in.required("ClientId");
  auto place = by_admin ? place_of_pool(sign_in, call) : place_of_client(sign_in, client_id);
  if (!place) return std::unexpected(std::move(place.error()));
  if (!place->pool->client(client_id)) return no_such_client(client_id);
  read_context(call);
  return SignInAttempt{call.loop, std::move(*place), client_id, call.now, call.in.text_map("ClientMetadata").value_or(TextMap())};
}

// ---- InitiateAuth

/// Where AuthFlow is not one the client allows.
Answer<> check_flow(const Client& client, std::string_view flow, bool by_admin) {
  const auto needs = [&](std::string_view allowed, std::string message) -> Answer<> {
    if (!client.allows(allowed)) return invalid_parameter(std::move(message));
    return {};
  };
  if (by_admin) {
    if (flow == "ADMIN_USER_PASSWORD_AUTH" || flow == "ADMIN_NO_SRP_AUTH")
      return needs("ALLOW_ADMIN_USER_PASSWORD_AUTH", "Auth flow not enabled for this client");
    if (flow == "USER_PASSWORD_AUTH") return invalid_parameter("Initiate Auth method not supported.");
  } else if (flow.starts_with("ADMIN_")) {
    return invalid_parameter("Initiate Auth method not supported.");
  }
  if (flow == "USER_PASSWORD_AUTH") return needs("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH flow not enabled for this client");
  if (flow == "USER_SRP_AUTH") return needs("ALLOW_USER_SRP_AUTH", "USER_SRP_AUTH is not enabled for the client.");
  if (flow == "CUSTOM_AUTH") return needs("ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH is not enabled for the client.");
  if (flow == "REFRESH_TOKEN_AUTH" || flow == "REFRESH_TOKEN")
    return needs("ALLOW_REFRESH_TOKEN_AUTH", "Auth flow not enabled for this client");
  return unsupported(cat("AuthFlow ", flow,
                         " is not implemented: use USER_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, CUSTOM_AUTH or "
                         "REFRESH_TOKEN_AUTH"));
}

/// The hash is over the user's name, which a refresh token stands for.
Answer<> check_secret_hash_of_session(const SignInAttempt& attempt, const Client& client, std::string_view refresh_token,
                                      const std::optional<std::string>& given) {
  const auto* session = TokenIssuer::session_of(*attempt.place.pool, refresh_token);
  const auto by_name = check_secret_hash(client, session ? session->username : std::string(), given);
  if (by_name || !session) return by_name;
  return check_secret_hash(client, session->sub, given) ? Answer<>() : by_name;
}

Task<Answer<Value>> initiate_auth(SignIn& sign_in, Call& call, bool by_admin) {
  auto attempt = co_await attempt_of(sign_in, call, by_admin);
  const auto flow = call.in.required("AuthFlow");
  const auto given = call.in.text_map("AuthParameters").value_or(TextMap());
  co_await control::refuse_unread(call);
  const auto& client = *attempt.place.pool->client(attempt.client_id);
  co_await check_flow(client, flow, by_admin);
  if (entry(given, "DEVICE_KEY").value_or("") != "") co_return resource_not_found("Device does not exist.");

  const auto hash = entry(given, "SECRET_HASH");
  if (flow.starts_with("REFRESH_TOKEN")) {
    const auto token = entry(given, "REFRESH_TOKEN");
    if (!token || token->empty()) co_return missing("REFRESH_TOKEN");
    co_await check_secret_hash_of_session(attempt, client, *token, hash);
    RefreshRequest request{attempt.client_id, *token};
    auto tokens = co_await sallyport::attempt(sign_in.rooms().tokens.refresh(call.loop, attempt.place, std::move(request)));
    // This operation knows no exception of its own for it.
    if (!tokens && tokens.error().code == "RefreshTokenReuseException") co_return not_authorized("Refresh Token has been revoked");
    if (!tokens) co_return fail(std::move(tokens.error()));
    co_return signed_in_answer(*tokens);
  }

  const auto username = entry(given, "USERNAME").value_or("");
  if (username.empty()) co_return missing("USERNAME");
  co_await check_secret_hash(client, username, hash);
  if (flow == "USER_SRP_AUTH") {
    auto client_public = entry(given, "SRP_A").value_or("");
    if (client_public.empty()) co_return missing("SRP_A");
    auto step = co_await sign_in.with_srp(std::move(attempt), username, std::move(client_public));
    co_return co_await answer_of(sign_in, call.loop, std::move(step));
  }
  if (flow == "CUSTOM_AUTH") {
    const bool by_srp = entry(given, "CHALLENGE_NAME").value_or("") == "SRP_A";
    auto client_public = by_srp ? entry(given, "SRP_A") : std::nullopt;
    if (by_srp && !client_public) co_return missing("SRP_A");
    auto step = co_await sign_in.with_functions(std::move(attempt), username, std::move(client_public));
    co_return co_await answer_of(sign_in, call.loop, std::move(step));
  }
  auto password = entry(given, "PASSWORD").value_or("");
  if (password.empty()) co_return missing("PASSWORD");
  if (password.size() > limits::password_bytes_max * 4) co_return not_authorized("Incorrect username or password.");
  auto step = co_await sign_in.with_password(std::move(attempt), username, crypto::Secret(std::move(password)));
  co_return co_await answer_of(sign_in, call.loop, std::move(step));
}

Task<Answer<Value>> respond_to_auth_challenge(SignIn& sign_in, Call& call, bool by_admin) {
  auto attempt = co_await attempt_of(sign_in, call, by_admin);
  const auto name = call.in.required("ChallengeName");
  const auto session = call.in.text_or("Session", "");
  auto answers = call.in.text_map("ChallengeResponses").value_or(TextMap());
  co_await control::refuse_unread(call);
  const auto& client = *attempt.place.pool->client(attempt.client_id);
  co_await check_secret_hash(client, entry(answers, "USERNAME").value_or(""), entry(answers, "SECRET_HASH"));
  auto step = co_await sign_in.respond(std::move(attempt), name, session, std::move(answers));
  co_return co_await answer_of(sign_in, call.loop, std::move(step));
}

// ---- tokens

bool knows_secret(const Client& client, const std::optional<std::string>& given) {
  return client.secret.empty() ? !given || given->empty() : given && client.secret.equals(*given);
}

Task<Answer<Value>> get_tokens_from_refresh_token(SignIn& sign_in, Call& call) {
  const auto client_id = call.in.required("ClientId");
  const auto secret = call.in.text("ClientSecret");
  RefreshRequest request{client_id, call.in.required("RefreshToken"), call.in.text_map("ClientMetadata").value_or(TextMap())};
  co_await control::refuse_unread(call);
  auto place = co_await place_of_client(sign_in, client_id);
  if (!knows_secret(*place.pool->client(client_id), secret))
    co_return not_authorized(cat("Unable to verify secret for client ", client_id));
  const auto tokens = co_await sign_in.rooms().tokens.refresh(call.loop, std::move(place), std::move(request));
  Value out;
  out.set("AuthenticationResult", describe(tokens));
  co_return out;
}

Task<Answer<Value>> revoke_token(SignIn& sign_in, Call& call) {
  const auto client_id = call.in.required("ClientId");
  const auto secret = call.in.text("ClientSecret");
  auto token = call.in.required("Token");
  co_await control::refuse_unread(call);
  auto place = co_await place_of_client(sign_in, client_id);
  const auto& client = *place.pool->client(client_id);
  if (!knows_secret(client, secret)) co_return refused("UnauthorizedException", cat("Unable to verify secret for client ", client_id));
  if (!client.revocation) co_return refused("UnsupportedOperationException", "Token revocation is not enabled for this client");
  if (identity::read_unverified(token)) co_return refused("UnsupportedTokenTypeException", "Unsupported token type");
  const auto outcome = co_await sign_in.rooms().tokens.revoke(call.loop, std::move(place), client_id, std::move(token));
  // A token that nobody knows does nobody any harm (RFC 7009, 2.2).
  if (outcome == TokenIssuer::Revocation::other_client)
    co_return refused("UnauthorizedException", "The token was not issued to this client");
  co_return Value(json::Object{});
}

Task<Answer<Value>> global_sign_out(SignIn& sign_in, Call& call) {
  const auto bearer = sign_in.rooms().tokens.verify(call.in.required("AccessToken"), call.now);
  if (!bearer) co_return fail(aws::ApiError(bearer.error()));
  co_await control::refuse_unread(call);
  auto place = sign_in.rooms().directory.pool(bearer->pool_id);
  if (!place) co_return no_such_pool(bearer->pool_id);
  co_await sign_in.rooms().tokens.sign_out(call.loop, std::move(*place), bearer->username);
  co_return Value(json::Object{});
}

Task<Answer<Value>> admin_user_global_sign_out(SignIn& sign_in, Call& call) {
  auto place = co_await place_of_pool(sign_in, call);
  const auto* user = find_user(*place.pool, call.in.required("Username"));
  co_await control::refuse_unread(call);
  if (!user) co_return no_such_user();
  const auto username = user->username;
  co_await sign_in.rooms().tokens.sign_out(call.loop, std::move(place), username);
  co_return Value(json::Object{});
}

// ---- software tokens

Task<Answer<Value>> associate_software_token(SignIn& sign_in, Call& call) {
  auto access_token = call.in.text_or("AccessToken", ""), session = call.in.text_or("Session", "");
  co_await control::refuse_unread(call);
  const auto token = co_await sign_in.associate_software_token(call.loop, std::move(access_token), std::move(session), call.now);
  Value out;
  out.set("SecretCode", token.secret_code);
  if (!token.session.empty()) out.set("Session", token.session);
  co_return out;
}

Task<Answer<Value>> verify_software_token(SignIn& sign_in, Call& call) {
  auto access_token = call.in.text_or("AccessToken", ""), session = call.in.text_or("Session", "");
  auto code = call.in.required("UserCode"), device = call.in.text_or("FriendlyDeviceName", "");
  co_await control::refuse_unread(call);
  const auto next = co_await sign_in.verify_software_token(call.loop, std::move(access_token), std::move(session), std::move(code),
                                                           std::move(device), call.now);
  Value out;
  out.set("Status", "SUCCESS");
  if (!next.empty()) out.set("Session", next);
  co_return out;
}

// ---- the table

std::function<Answer<std::vector<Access>>(const Call&)> on_pool(SignIn& sign_in) {
  return [&sign_in](const Call& call) -> Answer<std::vector<Access>> {
    const auto id = call.in.text_or("UserPoolId", "");
    Access access{cat("cognito-idp:", call.operation), pool_arn(call.scope, id)};
    if (const auto place = place_of_pool(sign_in, call))
      for (const auto& [key, value] : place->pool->settings->tags) access.context.push_back({cat("aws:ResourceTag/", key), {value}});
    return std::vector<Access>{std::move(access)};
  };
}

}  // namespace

void add_sign_in_operations(control::Service& service, SignIn& sign_in) {
  const auto open = [&](std::string name, Task<Answer<Value>> (*run)(SignIn&, Call&)) {
    service.on(std::move(name), nullptr, [&sign_in, run](Call& call) { return run(sign_in, call); });
  };
  service.on("InitiateAuth", nullptr, [&sign_in](Call& call) { return initiate_auth(sign_in, call, false); });
  service.on("RespondToAuthChallenge", nullptr, [&sign_in](Call& call) { return respond_to_auth_challenge(sign_in, call, false); });
  service.on("AdminInitiateAuth", on_pool(sign_in), [&sign_in](Call& call) { return initiate_auth(sign_in, call, true); });
  service.on("AdminRespondToAuthChallenge", on_pool(sign_in),
             [&sign_in](Call& call) { return respond_to_auth_challenge(sign_in, call, true); });
  service.on("AdminUserGlobalSignOut", on_pool(sign_in), [&sign_in](Call& call) { return admin_user_global_sign_out(sign_in, call); });
  open("GetTokensFromRefreshToken", get_tokens_from_refresh_token);
  open("RevokeToken", revoke_token);
  open("GlobalSignOut", global_sign_out);
  open("AssociateSoftwareToken", associate_software_token);
  open("VerifySoftwareToken", verify_software_token);
}

}  // namespace sallyport::cognito
