#include "cognito/oauth.hpp"

#include <gtest/gtest.h>

#include "cognito/oauth_pages.hpp"
#include "cognito/oauth_request.hpp"
#include "cognito/testing.hpp"
#include "cognito/totp.hpp"
#include "crypto/digest.hpp"

namespace sallyport::cognito {
namespace {

using testing::SignInWorld;

class Body final : public serve::BodyReader {
 public:
  explicit Body(std::string text) : text_(std::move(text)) {}
  std::optional<std::size_t> declared_size() const override { return text_.size(); }
  Task<Result<std::string, serve::BodyError>> read_all(std::size_t bytes_max) override {
    if (text_.size() > bytes_max) co_return fail(serve::BodyError{serve::BodyError::Kind::too_large});
    co_return text_;
  }

 private:
  std::string text_;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string form_text(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) out += cat(out.empty() ? "" : "&", percent_encode(name), "=", percent_encode(value));
  return out;
}

class OauthTest : public ::testing::Test, public SignInWorld {
 protected:
  static constexpr const char* host = "shop.auth.us-east-1.localhost:4566";
  static constexpr const char* callback = "https://app.example.com/back?x=1";
  const std::string verifier = std::string(50, 'v');
  const std::string challenge = to_base64url(crypto::sha256(verifier));

  OauthTest() {
    change([](State& state, SignInWorld& world) {
      Operations operations(state, world.random, world.clock.now);
      EXPECT_TRUE(operations.create_user_pool_domain({pool_id, "shop", {}, {}}));
      EXPECT_TRUE(operations.create_resource_server({pool_id, "pets", "pets", {{"read", "r"}, {"write", "w"}}}));
      auto web = client_request("web");
      web.oauth_enabled = true;
      web.oauth_flows = {"code", "implicit"};
      web.oauth_scopes = {"openid", "email", "pets/read"};
      web.callback_urls = {callback, "myapp://back"};
      web.logout_urls = {"https://app.example.com/bye"};
      web.supported_identity_providers = {"COGNITO"};
      const auto made = operations.create_user_pool_client(web);
      EXPECT_TRUE(made) << made.error().message;
      auto machine = client_request("machine");
      machine.secret = machine_secret;
      machine.oauth_enabled = true;
      machine.oauth_flows = {"client_credentials"};
      machine.oauth_scopes = {"pets/read", "pets/write"};
      const auto second = operations.create_user_pool_client(machine);
      EXPECT_TRUE(second) << second.error().message;
    });
  }
  static constexpr const char* machine_secret = "a-secret-of-the-machine-that-is-long-enough-00000000";

  http::Response send(std::string_view method, std::string_view target, std::vector<http::Header> headers = {}, std::string body = {},
                      std::string_view to = host) {
    headers.emplace_back("Host", to);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    const auto request = http::assemble_request(method, target, headers);
    Body reader(std::move(body));
    EXPECT_TRUE(endpoints.is_ours(request)) << target;
    return run(endpoints.serve(*loop, request, reader, peer));
  }
  Pairs authorization(Pairs more = {}) {
    Pairs out{{"client_id", "web"}, {"redirect_uri", callback}, {"response_type", "code"}, {"state", "s&t"}};
    if (more.empty() || more.front().first != "plain") {
      out.emplace_back("code_challenge", challenge);
      out.emplace_back("code_challenge_method", "S256");
    }
    for (auto& each : more) {
      std::erase_if(out, [&](const auto& known) { return known.first == each.first; });
      if (each.first != "plain" && !each.second.empty()) out.push_back(std::move(each));
    }
    return out;
  }
  static std::string location(const http::Response& response) {
    const auto* found = response.find("Location");
    return found ? *found : std::string();
  }
  static std::string parameter(const std::string& address, const std::string& name) {
    for (const char mark : {'?', '#'}) {
      const auto at = address.find(mark);
      if (at == std::string::npos) continue;
      for (const auto& [key, value] : http::parse_query(std::string_view(address).substr(at + 1)))
        if (key == name) return value;
    }
    return {};
  }
  /// The hidden fields of a page.
  static Pairs hidden(const http::Response& page) {
    Pairs out;
    constexpr std::string_view mark = "<input type=\"hidden\" name=\"";
    std::string_view rest = page.body;
    while (true) {
      const auto at = rest.find(mark);
      if (at == std::string_view::npos) return out;
      rest = rest.substr(at + mark.size());
      auto name = std::string(rest.substr(0, rest.find('"')));
      rest = rest.substr(rest.find("value=\"") + 7);
      out.emplace_back(std::move(name), replace_all(rest.substr(0, rest.find('"')), "&amp;", "&"));
    }
  }
  http::Response open_login(const Pairs& wanted) {
    auto page = send("GET", cat("/login?", form_text(wanted)), cookie.empty() ? std::vector<http::Header>{} : cookies());
    if (const auto* set = page.find("Set-Cookie")) cookie = set->substr(0, set->find(';'));
    return page;
  }
  std::vector<http::Header> cookies() const { return {{"Cookie", cat("other=1; ", cookie)}}; }
  http::Response submit(const http::Response& page, Pairs fields) {
    auto all = hidden(page);
    for (auto& each : fields) all.push_back(std::move(each));
    return send("POST", "/login", cookies(), form_text(all));
  }
  http::Response sign_in_at(const Pairs& wanted) { return submit(open_login(wanted), {{"username", "ann"}, {"password", password}}); }
  http::Response token(Pairs form, std::vector<http::Header> headers = {}) {
    return send("POST", "/oauth2/token", std::move(headers), form_text(form));
  }
  http::Response exchange(const std::string& code, Pairs more = {}) {
    Pairs form{{"grant_type", "authorization_code"},
               {"client_id", "web"},
               {"code", code},
               {"redirect_uri", callback},
               {"code_verifier", verifier}};
    for (auto& each : more) {
      std::erase_if(form, [&](const auto& known) { return known.first == each.first; });
      if (!each.second.empty()) form.push_back(std::move(each));
    }
    return token(std::move(form));
  }
  std::string get(const http::Response& response, std::string_view name) {
    return text(json::parse(response.body).value_or(json::Value()), name);
  }

  serve::Peer peer{"127.0.0.1", 1, nullptr};
  OauthEndpoints endpoints{sign_in};
  std::string cookie;
};

TEST(OauthAddressTest, HostsAndPaths) {
  const auto names = [](std::string_view to, std::string_view path) {
    const auto found = oauth_address(to, path);
    return found ? cat(found->name, " ", found->path, " ", found->prefix) : std::string("-");
  };
  EXPECT_EQ(names("Shop.auth.us-east-1.amazoncognito.com", "/login"), "shop /login ");
  EXPECT_EQ(names("shop.auth.us-east-1.localhost:4566", "/oauth2/token"), "shop /oauth2/token ");
  EXPECT_EQ(names("shop.auth.us-east-1.example.com", "/login"), "-");
  EXPECT_EQ(names("localhost:4566", "/_aws/cognito/shop/login"), "shop /login /_aws/cognito/shop");
  EXPECT_EQ(names("localhost:4566", "/_aws/cognito/"), "-");
  EXPECT_EQ(names("localhost", "/us-east-1_Ab1/.well-known/jwks.json"), "us-east-1_Ab1 /.well-known/jwks.json /us-east-1_Ab1");
  EXPECT_EQ(names("localhost", "/us-east-1_Ab1/login"), "-");
  EXPECT_EQ(names("localhost", "/stage/.well-known/x"), "-");
}

TEST_F(OauthTest, CodeFlowWithPkce) {
  const auto sent = send("GET", cat("/oauth2/authorize?", form_text(authorization({{"nonce", "n1"}}))));
  ASSERT_EQ(sent.status, 302);
  EXPECT_TRUE(location(sent).starts_with("/login?client_id=web")) << location(sent);
  const auto back = sign_in_at(authorization({{"nonce", "n1"}}));
  ASSERT_EQ(back.status, 302) << back.body;
  EXPECT_TRUE(location(back).starts_with("https://app.example.com/back?x=1&code=")) << location(back);
  EXPECT_EQ(parameter(location(back), "state"), "s&t");
  const auto tokens_given = exchange(parameter(location(back), "code"));
  ASSERT_EQ(tokens_given.status, 200) << tokens_given.body;
  EXPECT_EQ(get(tokens_given, "token_type"), "Bearer");
  EXPECT_EQ(get(tokens_given, "expires_in"), "3600");
  const auto id = claims(get(tokens_given, "id_token")), access = claims(get(tokens_given, "access_token"));
  EXPECT_EQ(text(id, "nonce"), "n1");
  EXPECT_EQ(text(id, "at_hash"), to_base64url(crypto::sha256(get(tokens_given, "access_token")).substr(0, 16)));
  EXPECT_EQ(text(access, "version"), "2");
  EXPECT_EQ(text(access, "scope"), "openid email pets/read");
  EXPECT_EQ(text(access, "client_id"), "web");
  // The scope of the user's own operations was not asked for.
  EXPECT_EQ(this->tokens.verify(get(tokens_given, "access_token"), clock.now).error().code, "NotAuthorizedException");
  const auto refreshed =
      token({{"grant_type", "refresh_token"}, {"client_id", "web"}, {"refresh_token", get(tokens_given, "refresh_token")}});
  EXPECT_EQ(refreshed.status, 200);
  EXPECT_EQ(get(refreshed, "refresh_token"), "(none)");
  EXPECT_EQ(text(claims(get(refreshed, "access_token")), "scope"), "openid email pets/read");
}

TEST_F(OauthTest, CodesAreGoodOnceAndAReplayTakesBack) {
  const auto code = parameter(location(sign_in_at(authorization())), "code");
  const auto given = exchange(code);
  ASSERT_EQ(given.status, 200);
  const auto user_info = [&] { return send("GET", "/oauth2/userInfo", {{"Authorization", cat("Bearer ", get(given, "access_token"))}}); };
  EXPECT_EQ(user_info().status, 200);
  const auto again = exchange(code);
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.body, R"({"error":"invalid_grant"})");
  EXPECT_EQ(user_info().status, 401);
  EXPECT_EQ(token({{"grant_type", "refresh_token"}, {"client_id", "web"}, {"refresh_token", get(given, "refresh_token")}}).body,
            R"({"error":"invalid_grant"})");
}

TEST_F(OauthTest, CodesAreBoundAndExpire) {
  const auto fresh = [&] { return parameter(location(sign_in_at(authorization())), "code"); };
  EXPECT_EQ(exchange(fresh(), {{"redirect_uri", "myapp://back"}}).body, R"({"error":"invalid_grant"})");
  EXPECT_EQ(exchange(fresh(), {{"code_verifier", std::string(50, 'w')}}).body, R"({"error":"invalid_grant"})");
  EXPECT_EQ(exchange(fresh(), {{"code_verifier", ""}}).body, R"({"error":"invalid_grant"})");
  EXPECT_EQ(exchange(fresh(), {{"code_verifier", challenge}}).body, R"({"error":"invalid_grant"})");
  EXPECT_EQ(exchange("unknown").body, R"({"error":"invalid_grant"})");
  auto other = client_request("other");
  other.oauth_enabled = true;
  other.oauth_flows = {"code"};
  other.oauth_scopes = {"openid"};
  other.callback_urls = {callback};
  other.supported_identity_providers = {"COGNITO"};
  add_client(other);
  EXPECT_EQ(exchange(fresh(), {{"client_id", "other"}}).body, R"({"error":"invalid_grant"})");
  // What failed once has used its code up.
  const auto code = fresh();
  EXPECT_EQ(exchange(code, {{"code_verifier", std::string(50, 'w')}}).status, 400);
  EXPECT_EQ(exchange(code).body, R"({"error":"invalid_grant"})");
  const auto late = fresh();
  clock.now += std::chrono::minutes(5);
  EXPECT_EQ(exchange(late).body, R"({"error":"invalid_grant"})");
  // Without a challenge a verifier proves nothing.
  const auto plain = parameter(location(sign_in_at(authorization({{"plain", ""}}))), "code");
  EXPECT_EQ(exchange(plain).body, R"({"error":"invalid_grant"})");
  const auto second = parameter(location(sign_in_at(authorization({{"plain", ""}}))), "code");
  EXPECT_EQ(exchange(second, {{"code_verifier", ""}}).status, 200);
}

TEST_F(OauthTest, AuthorizationRequestsAreHeldAgainstTheClient) {
  const auto ask = [&](Pairs more) { return send("GET", cat("/oauth2/authorize?", form_text(authorization(std::move(more))))); };
  // Nowhere to send the browser: shown.
  for (const auto& wrong : {"https://evil.example.com/back", "https://app.example.com/back", "https://app.example.com/back?x=1#f",
                            "https://app.example.com/back?x=12"}) {
    const auto refused = ask({{"redirect_uri", wrong}});
    EXPECT_EQ(refused.status, 400) << wrong;
    EXPECT_EQ(location(refused), "");
  }
  EXPECT_EQ(ask({{"client_id", "nobody"}}).status, 400);
  EXPECT_EQ(send("GET", cat("/oauth2/authorize?", form_text(authorization()), "&client_id=web")).status, 400);
  const auto error = [&](Pairs more) {
    const auto refused = ask(std::move(more));
    EXPECT_TRUE(location(refused).starts_with("https://app.example.com/back?x=1&error=")) << location(refused);
    EXPECT_EQ(parameter(location(refused), "state"), "s&t");
    return parameter(location(refused), "error");
  };
  EXPECT_EQ(error({{"response_type", "id_token"}}), "unsupported_response_type");
  EXPECT_EQ(error({{"scope", "openid phone"}}), "invalid_scope");
  EXPECT_EQ(error({{"scope", "pets/write"}}), "invalid_scope");
  EXPECT_EQ(error({{"scope", "email"}}), "invalid_scope");
  EXPECT_EQ(error({{"code_challenge_method", "plain"}}), "invalid_request");
  EXPECT_EQ(error({{"code_challenge", "short"}}), "invalid_request");
  EXPECT_EQ(error({{"prompt", "none"}}), "login_required");
  EXPECT_EQ(error({{"identity_provider", "Google"}}), "invalid_request");
  change([](State& state, SignInWorld&) { edit_pool(state, pool_id)->clients.at("web").edit().oauth_flows = {"implicit"}; });
  EXPECT_EQ(error({}), "unauthorized_client");
}

TEST_F(OauthTest, ImplicitFlow) {
  const auto back = sign_in_at(authorization({{"plain", ""}, {"response_type", "token"}, {"redirect_uri", "myapp://back"}}));
  ASSERT_EQ(back.status, 302) << back.body;
  EXPECT_TRUE(location(back).starts_with("myapp://back#")) << location(back);
  EXPECT_EQ(parameter(location(back), "token_type"), "Bearer");
  EXPECT_EQ(parameter(location(back), "state"), "s&t");
  claims(parameter(location(back), "id_token"));
  claims(parameter(location(back), "access_token"));
  EXPECT_EQ(parameter(location(back), "refresh_token"), "");
}

TEST_F(OauthTest, PagesAreEscapedAndGuarded) {
  const auto page = open_login(authorization({{"login_hint", "\"><script>alert(1)</script>"}, {"state", "'\"<>"}}));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  EXPECT_NE(page.body.find("&quot;&gt;&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("Content-Security-Policy")->find("default-src 'none'"), std::string::npos);
  EXPECT_NE(page.find("Content-Security-Policy")->find("form-action 'self' https://app.example.com"), std::string::npos);
  EXPECT_EQ(*page.find("X-Frame-Options"), "DENY");
  EXPECT_EQ(*page.find("Cache-Control"), "no-store");
  EXPECT_NE(page.find("Set-Cookie")->find("; Path=/login; HttpOnly; SameSite=Lax"), std::string::npos);
  // The same page in another browser, or with no cookie at all.
  cookie = "XSRF-TOKEN=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  EXPECT_EQ(submit(page, {{"username", "ann"}, {"password", password}}).status, 403);
  cookie = "XSRF-TOKEN=";
  EXPECT_EQ(submit(page, {{"username", "ann"}, {"password", password}}).status, 403);
  EXPECT_EQ(send("POST", "/login", {}, "username=ann&password=x").status, 403);
}

TEST_F(OauthTest, WrongPasswordsStayOnThePage) {
  const auto page = open_login(authorization());
  const auto refused = submit(page, {{"username", "ann<"}, {"password", "x"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("ann&lt;"), std::string::npos);
  EXPECT_NE(submit(page, {{"username", "ann"}, {"password", "x"}}).body.find("Incorrect username or password."), std::string::npos);
  EXPECT_EQ(submit(refused, {{"username", "ann"}, {"password", password}}).status, 302);
  clock.now += std::chrono::minutes(31);
  EXPECT_EQ(submit(page, {{"username", "ann"}, {"password", password}}).status, 403);
}

TEST_F(OauthTest, NewPasswordAndAuthenticatorOnThePage) {
  add_user("new", "Temporary-1-x", UserStatus::force_change_password);
  change_settings([](PoolSettings& settings) {
    settings.mfa = MfaMode::on;
    settings.software_token_mfa = true;
  });
  auto page = submit(open_login(authorization()), {{"username", "new"}, {"password", "Temporary-1-x"}});
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_NE(page.body.find("Change password"), std::string::npos);
  page = submit(page, {{"new_password", "weak"}});
  EXPECT_EQ(page.status, 400);
  page = submit(page, {{"new_password", "Better-1-horse"}});
  ASSERT_EQ(page.status, 200) << page.body;
  const auto& secret = user("new").pending_totp_secret;
  EXPECT_NE(page.body.find(totp::to_base32(secret.reveal())), std::string::npos);
  auto code = totp::code_at(secret.reveal(), totp::step_of(clock.now));
  page = submit(page, {{"code", code == "000000" ? "111111" : "000000"}});
  EXPECT_EQ(page.status, 400);
  page = submit(page, {{"code", code}});
  ASSERT_EQ(page.status, 302) << page.body;
  EXPECT_EQ(exchange(parameter(location(page), "code")).status, 200);
  page = submit(open_login(authorization()), {{"username", "new"}, {"password", "Better-1-horse"}});
  EXPECT_NE(page.body.find("Sign-in code"), std::string::npos);
  clock.now += std::chrono::seconds(31);
  code = totp::code_at(user("new").totp_secret.reveal(), totp::step_of(clock.now));
  EXPECT_EQ(submit(page, {{"code", code}}).status, 302);
}

TEST_F(OauthTest, ClientCredentials) {
  const std::vector<http::Header> basic{{"Authorization", cat("Basic ", to_base64(cat("machine:", machine_secret)))}};
  const auto given = token({{"grant_type", "client_credentials"}, {"scope", "pets/read"}}, basic);
  ASSERT_EQ(given.status, 200) << given.body;
  const auto access = claims(get(given, "access_token"));
  EXPECT_EQ(text(access, "sub"), "machine");
  EXPECT_EQ(text(access, "client_id"), "machine");
  EXPECT_EQ(text(access, "scope"), "pets/read");
  EXPECT_EQ(text(access, "token_use"), "access");
  EXPECT_EQ(text(access, "version"), "2");
  EXPECT_EQ(get(given, "id_token"), "(none)");
  EXPECT_EQ(get(given, "refresh_token"), "(none)");
  // It is nobody's token: no user's operation takes it.
  EXPECT_FALSE(tokens.verify_any(get(given, "access_token"), clock.now));
  EXPECT_EQ(text(claims(get(token({{"grant_type", "client_credentials"}}, basic), "access_token")), "scope"), "pets/read pets/write");
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"scope", "pets/read openid"}}, basic).body, R"({"error":"invalid_scope"})");
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "machine"}, {"client_secret", machine_secret}}).status, 200);
  const std::string invalid_client = R"({"error":"invalid_client"})";
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "machine"}, {"client_secret", "x"}}).body, invalid_client);
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "machine"}}).body, invalid_client);
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "web"}, {"client_secret", "x"}}).body, invalid_client);
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "x"}, {"client_secret", machine_secret}}, basic).body,
            invalid_client);
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"client_id", "web"}}).body, R"({"error":"unauthorized_client"})");
  EXPECT_EQ(token({{"grant_type", "password"}, {"client_id", "web"}}).body, R"({"error":"unsupported_grant_type"})");
  EXPECT_EQ(token({{"client_id", "web"}}).body, R"({"error":"invalid_request"})");
  change([](State& state, SignInWorld&) { edit_pool(state, pool_id)->resource_servers.clear(); });
  EXPECT_EQ(token({{"grant_type", "client_credentials"}, {"scope", "pets/read"}}, basic).body, R"({"error":"invalid_scope"})");
}

TEST_F(OauthTest, UserInfoAndRevoke) {
  const auto given = exchange(parameter(location(sign_in_at(authorization({{"scope", "openid email"}}))), "code"));
  const auto info = send("GET", "/oauth2/userInfo", {{"Authorization", cat("Bearer ", get(given, "access_token"))}});
  ASSERT_EQ(info.status, 200) << info.body;
  EXPECT_EQ(get(info, "email"), "ann@example.com");
  EXPECT_TRUE(json::parse(info.body)->find("email_verified")->string());
  EXPECT_EQ(get(info, "username"), "ann");
  EXPECT_EQ(send("GET", "/oauth2/userInfo").status, 400);
  EXPECT_EQ(send("GET", "/oauth2/userInfo", {{"Authorization", cat("Bearer ", get(given, "id_token"))}}).status, 401);
  const auto no_openid = exchange(parameter(location(sign_in_at(authorization({{"scope", "pets/read"}}))), "code"));
  EXPECT_EQ(get(no_openid, "id_token"), "(none)");
  EXPECT_EQ(send("GET", "/oauth2/userInfo", {{"Authorization", cat("Bearer ", get(no_openid, "access_token"))}}).status, 401);
  const auto revoke = [&](const std::string& which) {
    return send("POST", "/oauth2/revoke", {}, form_text({{"token", which}, {"client_id", "web"}}));
  };
  EXPECT_EQ(revoke(get(given, "access_token")).body, R"({"error":"unsupported_token_type"})");
  EXPECT_EQ(revoke(get(given, "refresh_token")).status, 200);
  EXPECT_EQ(send("GET", "/oauth2/userInfo", {{"Authorization", cat("Bearer ", get(given, "access_token"))}}).status, 401);
  EXPECT_EQ(send("POST", "/oauth2/revoke", {}, form_text({{"token", "x"}})).body, R"({"error":"invalid_client"})");
}

TEST_F(OauthTest, DocumentsAndLogout) {
  const auto keys = send("GET", cat("/", pool_id, "/.well-known/jwks.json"), {}, {}, "localhost:4566");
  ASSERT_EQ(keys.status, 200);
  EXPECT_EQ(json::parse(keys.body)->find("keys")->array()->size(), 2u);
  EXPECT_EQ(keys.body.find("\"d\""), std::string::npos);
  const auto local = send("GET", cat("/", pool_id, "/.well-known/openid-configuration"), {}, {}, "localhost:4566");
  EXPECT_EQ(get(local, "issuer"), cat("https://cognito-idp.us-east-1.amazonaws.com/", pool_id));
  EXPECT_EQ(get(local, "jwks_uri"), cat("http://localhost:4566/", pool_id, "/.well-known/jwks.json"));
  EXPECT_EQ(get(local, "token_endpoint"), "http://localhost:4566/_aws/cognito/shop/oauth2/token");
  const auto aws = send("GET", cat("/", pool_id, "/.well-known/openid-configuration"), {}, {}, "cognito-idp.us-east-1.amazonaws.com");
  EXPECT_EQ(get(aws, "jwks_uri"), cat("https://cognito-idp.us-east-1.amazonaws.com/", pool_id, "/.well-known/jwks.json"));
  EXPECT_EQ(get(aws, "token_endpoint"), "https://shop.auth.us-east-1.amazoncognito.com/oauth2/token");
  EXPECT_EQ(send("GET", "/us-east-1_Unknown1/.well-known/jwks.json", {}, {}, "localhost").status, 404);
  EXPECT_EQ(location(send("GET", "/logout?client_id=web&logout_uri=https%3A%2F%2Fapp.example.com%2Fbye")), "https://app.example.com/bye");
  EXPECT_EQ(send("GET", "/logout?client_id=web&logout_uri=https%3A%2F%2Fevil.example.com").status, 400);
  EXPECT_TRUE(location(send("GET", cat("/logout?", form_text(authorization())))).starts_with("/login?"));
  EXPECT_EQ(send("GET", "/signup").status, 404);
  EXPECT_EQ(send("GET", "/oauth2/token").status, 405);
  EXPECT_EQ(send("POST", "/oauth2/token", {}, std::string(70'000, 'x')).status, 400);
  EXPECT_EQ(send("OPTIONS", "/oauth2/token").status, 204);
  EXPECT_EQ(send("GET", cat("/_aws/cognito/", pool_id, "/.well-known/jwks.json"), {}, {}, "localhost").status, 200);
}

TEST_F(OauthTest, ThePathFormKeepsItsPrefix) {
  const auto sent = send("GET", cat("/_aws/cognito/shop/oauth2/authorize?", form_text(authorization())), {}, {}, "localhost:4566");
  EXPECT_TRUE(location(sent).starts_with("/_aws/cognito/shop/login?")) << location(sent);
  const auto page = send("GET", location(sent), {}, {}, "localhost:4566");
  EXPECT_NE(page.body.find("action=\"/_aws/cognito/shop/login\""), std::string::npos);
  EXPECT_NE(page.find("Set-Cookie")->find("Path=/_aws/cognito/shop/login"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::cognito
