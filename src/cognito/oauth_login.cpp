// What a browser sees: from authorize over the sign-in page and its further steps back to the client.
#include <algorithm>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/oauth_call.hpp"
#include "cognito/oauth_pages.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {
namespace {

constexpr std::chrono::minutes page_time{30};
constexpr std::string_view csrf_cookie = "XSRF-TOKEN";

std::string value_of(const TextMap& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? std::string() : found->second;
}

std::string cookie_of(const http::Request& request) {
  for (const auto& field : request.headers) {
    if (!equals_ignoring_case(field.name, "Cookie")) continue;
    for (const auto part : split(field.value, ';')) {
      const auto pair = trim(part);
      if (pair.starts_with(csrf_cookie) && pair.substr(csrf_cookie.size()).starts_with('='))
        return std::string(pair.substr(csrf_cookie.size() + 1));
    }
  }
  return {};
}

/// A page that belongs to one browser and one authorization request.
struct Page {
  std::string csrf;
  TextMap query;  // of the request, to be read again: pool and client may change meanwhile
};

std::string seal_page(const OauthCall& call, const Page& page) {
  json::Value value;
  json::Object query;
  for (const auto& [name, each] : page.query) query.emplace_back(name, each);
  value.set("pool", call.place.pool->id);
  value.set("csrf", page.csrf);
  value.set("query", std::move(query));
  return call.sign_in.sealer().seal(SealedKind::page, value, call.now + page_time);
}

/// The page a form was on, when it was shown in this browser.
std::optional<Page> open_page(const OauthCall& call) {
  const auto opened = call.sign_in.sealer().open(SealedKind::page, value_of(call.form, "page"), call.now);
  if (!opened) return std::nullopt;
  const auto *pool = opened->value.find("pool"), *csrf = opened->value.find("csrf"), *query = opened->value.find("query");
  if (!pool || !csrf || !query || !pool->string() || !csrf->string() || !query->object()) return std::nullopt;
  if (*pool->string() != call.place.pool->id) return std::nullopt;
  const auto cookie = cookie_of(call.request);
  if (cookie.empty() || !crypto::equals_in_constant_time(cookie, *csrf->string())) return std::nullopt;
  Page page{*csrf->string(), {}};
  for (const auto& [name, value] : *query->object())
    if (value.string()) page.query[name] = *value.string();
  return page;
}

http::Response refused_authorization(const AuthorizationRefusal& refusal) {
  if (refusal.redirect_uri.empty()) return pages::error_page(refusal.description, 400);
  std::vector<std::pair<std::string, std::string>> parameters{{"error", refusal.error}, {"error_description", refusal.description}};
  if (!refusal.state.empty()) parameters.emplace_back("state", refusal.state);
  return redirect_to(with_parameters(refusal.redirect_uri, parameters, refusal.implicit));
}

std::string login_path(const OauthCall& call) { return cat(call.address.prefix, "/login"); }

pages::Form sign_in_form(const OauthCall& call, const Page& page, std::string problem, std::string username) {
  pages::Form form;
  form.title = "Sign in";
  form.problem = std::move(problem);
  form.action = login_path(call);
  form.button = "Sign in";
  form.hidden = {{"page", seal_page(call, page)}};
  form.fields = {{"username", "Username", "text", std::move(username), "username"},
                 {"password", "Password", "password", {}, "current-password"}};
  return form;
}

/// The form of a further step. `required`: attributes a new user has to give.
pages::Form step_form(const OauthCall& call, const Page& page, const std::string& challenge, const std::string& session,
                      const std::string& username, const std::string& detail, std::string problem) {
  pages::Form form;
  form.problem = std::move(problem);
  form.action = login_path(call);
  form.button = "Continue";
  form.hidden = {
      {"page", seal_page(call, page)}, {"challenge", challenge}, {"session", session}, {"username", username}, {"detail", detail}};
  if (challenge == "NEW_PASSWORD_REQUIRED") {
    form.title = "Change password";
    form.fields = {{"new_password", "New password", "password", {}, "new-password"}};
    for (const auto name : split(detail, ','))
      if (!name.empty()) form.fields.push_back({cat("userAttributes.", name), std::string(name)});
  } else {
    form.title = challenge == "MFA_SETUP" ? "Set up an authenticator app" : "Sign-in code";
    form.text = challenge == "MFA_SETUP" ? cat("Give this key to your authenticator app, and enter the code it shows: ", detail)
                                         : std::string("Enter the code that your authenticator app shows.");
    form.fields = {{"code", "Code", "text", {}, "one-time-code"}};
  }
  return form;
}

/// `["userAttributes.name"]` -> name
std::string required_names(std::string_view list) {
  std::string out;
  constexpr std::string_view prefix = "userAttributes.";
  for (auto part : split(list, '"'))
    if (part.starts_with(prefix)) out += cat(out.empty() ? "" : ",", part.substr(prefix.size()));
  return out;
}

Task<http::Response> show_challenge(OauthCall& call, const Page& page, const AuthorizationRequest& wanted, Challenge challenge) {
  const auto username = value_of(challenge.parameters, "USER_ID_FOR_SRP");
  auto detail = required_names(value_of(challenge.parameters, "requiredAttributes"));
  if (challenge.name == "MFA_SETUP") {
    auto token = co_await attempt(call.sign_in.associate_software_token(call.loop, {}, challenge.session, call.now));
    if (!token) co_return pages::error_page(token.error().message, 400);
    challenge.session = token->session;
    detail = token->secret_code;
  }
  co_return pages::form_page(step_form(call, page, challenge.name, challenge.session, username, detail, {}), 200, wanted.redirect_uri);
}

/// Back to the client, with a code or with tokens.
Task<http::Response> go_back(OauthCall& call, AuthorizationRequest wanted, SignedIn user) {
  user.trigger_source = "TokenGeneration_HostedAuth";
  user.scopes = wanted.scopes;
  user.by_oauth = true;
  user.nonce = wanted.nonce;
  std::vector<std::pair<std::string, std::string>> parameters;
  if (wanted.implicit) {
    user.wants_refresh_token = false;
    const auto tokens = co_await attempt(call.sign_in.rooms().tokens.issue(call.loop, std::move(user)));
    if (!tokens) co_return refused_authorization({"server_error", tokens.error().message, wanted.redirect_uri, wanted.state, true});
    if (!tokens->id_token.empty()) parameters.emplace_back("id_token", tokens->id_token);
    parameters.emplace_back("access_token", tokens->access_token);
    parameters.emplace_back("expires_in", std::to_string(tokens->expires_in.count()));
    parameters.emplace_back("token_type", "Bearer");
  } else {
    auto code = call.codes.give({wanted.redirect_uri, wanted.code_challenge, std::move(user)}, call.now);
    if (!code) co_return refused_authorization({"temporarily_unavailable", "too many codes", wanted.redirect_uri, wanted.state});
    parameters.emplace_back("code", std::move(*code));
  }
  if (!wanted.state.empty()) parameters.emplace_back("state", wanted.state);
  co_return redirect_to(with_parameters(wanted.redirect_uri, parameters, wanted.implicit));
}

/// One step of the sign-in, by what the form says.
Task<Answer<SignInStep>> take_step(OauthCall& call, const AuthorizationRequest& wanted) {
  SignInAttempt sign{call.loop, call.place, wanted.client_id, call.now};
  const auto challenge = value_of(call.form, "challenge"), username = value_of(call.form, "username");
  if (challenge.empty()) {
    auto password = value_of(call.form, "password");
    if (username.empty() || password.empty() || password.size() > limits::password_bytes_max * 4)
      co_return fail(aws::ApiError{"NotAuthorizedException", 400, "Incorrect username or password."});
    co_return co_await call.sign_in.with_password(std::move(sign), username, crypto::Secret(std::move(password)));
  }
  auto session = value_of(call.form, "session");
  TextMap answers{{"USERNAME", username}};
  if (challenge == "NEW_PASSWORD_REQUIRED") {
    answers["NEW_PASSWORD"] = value_of(call.form, "new_password");
    for (const auto& [name, value] : call.form)
      if (name.starts_with("userAttributes.")) answers[name] = value;
  } else if (challenge == "SOFTWARE_TOKEN_MFA") {
    answers["SOFTWARE_TOKEN_MFA_CODE"] = value_of(call.form, "code");
  } else if (challenge == "MFA_SETUP") {
    session = co_await call.sign_in.verify_software_token(call.loop, {}, session, value_of(call.form, "code"), {}, call.now);
  } else {
    co_return fail(aws::ApiError{"NotAuthorizedException", 400, "Invalid session for the user."});
  }
  co_return co_await call.sign_in.respond(std::move(sign), challenge, std::move(session), std::move(answers));
}

}  // namespace

http::Response redirect_to(std::string_view location) {
  http::Response response;
  response.status = 302;
  response.add("Location", location);
  response.add("Cache-Control", "no-store");
  response.add("Referrer-Policy", "no-referrer");
  return response;
}

http::Response answer_authorize(OauthCall& call) {
  const auto query = read_parameters(call.request.query);
  if (!query) return pages::error_page("the query cannot be read", 400);
  const auto wanted = read_authorization_request(*call.place.pool, *query);
  if (!wanted) return refused_authorization(wanted.error());
  return redirect_to(cat(login_path(call), "?", call.request.query));
}

http::Response answer_login_page(OauthCall& call) {
  const auto query = read_parameters(call.request.query);
  if (!query) return pages::error_page("the query cannot be read", 400);
  const auto wanted = read_authorization_request(*call.place.pool, *query);
  if (!wanted) return refused_authorization(wanted.error());
  // Two tabs of one browser share the cookie.
  auto csrf = cookie_of(call.request);
  if (csrf.size() != 43 || !from_base64url(csrf)) {
    std::string bytes(32, '\0');
    call.sign_in.rooms().random.fill(std::as_writable_bytes(std::span(bytes)));
    csrf = to_base64url(bytes);
  }
  auto response = pages::form_page(sign_in_form(call, {csrf, *query}, {}, wanted->login_hint), 200, wanted->redirect_uri);
  response.add("Set-Cookie",
               cat(csrf_cookie, "=", csrf, "; Path=", login_path(call), "; HttpOnly; SameSite=Lax", call.is_secure ? "; Secure" : ""));
  return response;
}

Task<http::Response> answer_login(OauthCall& call) {
  const auto page = open_page(call);
  if (!page)
    co_return pages::error_page("This page has expired, or was not shown in this browser. Go back to the application and begin again.",
                                403);
  const auto wanted = read_authorization_request(*call.place.pool, page->query);
  if (!wanted) co_return refused_authorization(wanted.error());
  auto step = co_await attempt(take_step(call, *wanted));
  if (step) {
    if (auto* challenge = std::get_if<Challenge>(&*step)) co_return co_await show_challenge(call, *page, *wanted, std::move(*challenge));
    co_return co_await go_back(call, *wanted, std::get<SignedIn>(std::move(*step)));
  }
  const auto& error = step.error();
  const auto challenge = value_of(call.form, "challenge");
  // A session that is used up begins anew; what was only mistyped may be typed again.
  if (challenge.empty() || error.code == "NotAuthorizedException")
    co_return pages::form_page(sign_in_form(call, *page, error.message, value_of(call.form, "username")), 400, wanted->redirect_uri);
  co_return pages::form_page(step_form(call, *page, challenge, value_of(call.form, "session"), value_of(call.form, "username"),
                                       value_of(call.form, "detail"), error.message),
                             400, wanted->redirect_uri);
}

http::Response answer_logout(OauthCall& call) {
  const auto query = read_parameters(call.request.query);
  if (!query) return pages::error_page("the query cannot be read", 400);
  const auto* client = call.place.pool->client(value_of(*query, "client_id"));
  if (!client) return pages::error_page("there is no client with this client_id", 400);
  if (const auto uri = value_of(*query, "logout_uri"); !uri.empty()) {
    if (std::ranges::find(client->logout_urls, uri) == client->logout_urls.end())
      return pages::error_page("logout_uri is not one of the client's sign-out URLs", 400);
    const auto state = value_of(*query, "state");
    return redirect_to(state.empty() ? uri : with_parameters(uri, {{"state", state}}, false));
  }
  // Without it: to the sign-in page of the request that comes along.
  const auto wanted = read_authorization_request(*call.place.pool, *query);
  if (!wanted) return refused_authorization(wanted.error());
  return redirect_to(cat(login_path(call), "?", call.request.query));
}

}  // namespace sallyport::cognito
