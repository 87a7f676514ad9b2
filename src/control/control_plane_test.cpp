#include "control/control_plane.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/time_text.hpp"
#include "control/ledger.hpp"
#include "http/message.hpp"
#include "identity/signer.hpp"
#include "json/parse.hpp"

namespace sallyport::control {
namespace {

constexpr std::string_view host = "127.0.0.1:4566";

class StillClock final : public Clock {
 public:
  WallTime wall_now() const override { return *parse_iso8601_basic("20261125T080910Z"); }
  MonotonicTime monotonic_now() const override { return {}; }
};

class Body final : public serve::BodyReader {
 public:
  explicit Body(std::string text) : text_(std::move(text)) {}
  std::optional<std::size_t> declared_size() const override { return text_.size(); }
  Task<Result<std::string, serve::BodyError>> read_all(std::size_t bytes_max) override {
    allowed = bytes_max;
    if (text_.size() > bytes_max) co_return fail(serve::BodyError{serve::BodyError::Kind::too_large});
    co_return text_;
  }
  std::size_t allowed = 0;

 private:
  std::string text_;
};

/// One key, and a guard that lets it do what a test says.
class Identity final : public identity::CredentialSource, public Guard {
 public:
  Identity() {
    aws::Caller caller;
    caller.kind = aws::CallerKind::user;
    caller.account_id = "123456789012";
    caller.arn = "arn:aws:iam::123456789012:user/u";
    auto credential = std::make_shared<identity::Credential>();
    credential->access_key_id = "AKIAU";
    credential->secret_access_key = crypto::Secret(std::string("secret"));
    credential->caller = std::make_shared<const aws::Caller>(caller);
    key = credential;
  }
  std::shared_ptr<const identity::Credential> find(std::string_view id) const override { return id == "AKIAU" ? key : nullptr; }
  Verdict decide(const aws::Caller&, const Access& access, const Circumstances&) const override {
    asked.push_back(access.action);
    return allowed ? Verdict{policy::Outcome::allowed} : Verdict{policy::Outcome::denied_implicitly, "because of a test"};
  }
  json::Value explain(const aws::Caller&, const Access&, const Circumstances&) const override { return json::Object{{"why", "a test"}}; }
  std::shared_ptr<const aws::Caller> assume(std::string_view, std::string_view, std::string_view, WallTime) const override {
    return nullptr;
  }
  std::shared_ptr<const identity::Credential> key;
  mutable std::vector<std::string> asked;
  bool allowed = true;
};

struct ControlPlaneTest : ::testing::Test, CallObserver {
  ControlPlaneTest() {
    Service service("lambda");
    service.on(
        "ListFunctions",
        [](const Call& call) -> Answer<std::vector<Access>> { return std::vector{Access{"lambda:ListFunctions", call.scope.region}}; },
        [this](Call& call) -> Task<Answer<json::Value>> {
          ++ran;
          call.in.integer("MaxItems");
          if (throws) throw std::runtime_error("broken promise");
          co_return json::Value(json::Object{{"Functions", json::Array{}}});
        });
    plane.add(std::move(service));
    Service sts("sts");
    sts.on("GetCallerIdentity", nullptr, [](Call& call) -> Task<Answer<json::Value>> {
      co_return json::Value(json::Object{{"Arn", call.caller->arn}, {"Account", call.scope.account_id}, {"UserId", "x"}});
    });
    plane.add(std::move(sts));
  }
  void answered(const CallTrace& trace) override { last = trace; }

  http::Response send(std::string method, std::string target, std::vector<http::Header> headers, std::string body = {}) {
    headers.emplace_back("Host", std::string(host));
    const auto request = http::assemble_request(method, target, headers);
    Body reader(std::move(body));
    http::Response out;
    const serve::Peer peer{"127.0.0.1", 1};
    loop->scope().spawn(
        [](ControlPlaneTest& test, const http::Request& sent, Body& text, const serve::Peer& from, http::Response& answer) -> Task<void> {
          answer = co_await test.plane.handle(*test.loop, sent, text, from);
          test.loop->stop();
        }(*this, request, reader, peer, out));
    loop->run();
    allowed_bytes = reader.allowed;
    return out;
  }
  std::vector<http::Header> sign(std::string_view service, std::string_view method, std::string_view target, std::string_view body = {},
                                 std::string secret = "secret") {
    // The path alone is signed here: targets of these tests have no query.
    return identity::sign({"AKIAU", crypto::Secret(std::move(secret)), {}}, "eu-west-1", service, method, target,
                          {{"Host", std::string(host)}}, body, clock.wall_now());
  }

  std::unique_ptr<io::Loop> loop = std::move(*io::Loop::make());
  StillClock clock;
  SystemRandom random;
  Identity identity;
  CallTraces traces{16, 1 << 20};
  ControlPlane plane{{clock, random, identity, identity, traces, *this}};
  CallTrace last;
  int ran = 0;
  bool throws = false;
  std::size_t allowed_bytes = 0;
};

const std::string list_functions = "/2015-03-31/functions";

TEST_F(ControlPlaneTest, ASignedCallThatIsAllowedRuns) {
  const auto answer = send("GET", list_functions, sign("lambda", "GET", list_functions));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, R"({"Functions":[]})");
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(last.operation, "ListFunctions");
  EXPECT_EQ(*answer.find("x-amzn-RequestId"), last.id);
  EXPECT_EQ(identity.asked, std::vector<std::string>{"lambda:ListFunctions"});
}

TEST_F(ControlPlaneTest, NothingRunsWithoutAValidSignature) {
  EXPECT_EQ(*send("GET", list_functions, {}).find("x-amzn-ErrorType"), "MissingAuthenticationTokenException");
  EXPECT_EQ(*send("GET", list_functions, sign("lambda", "GET", list_functions, {}, "wrong")).find("x-amzn-ErrorType"),
            "InvalidSignatureException");
  ASSERT_TRUE(last.signature);
  EXPECT_TRUE(last.signature->canonical_request.starts_with("GET\n"));
  const auto other_service = send("GET", list_functions, sign("iam", "GET", list_functions));
  EXPECT_NE(other_service.status, 200);
  EXPECT_EQ(ran, 0);
}

TEST_F(ControlPlaneTest, ADenialSaysWhyAndRunsNothing) {
  identity.allowed = false;
  const auto answer = send("GET", list_functions, sign("lambda", "GET", list_functions));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body,
            R"({"Message":"User: arn:aws:iam::123456789012:user/u is not authorized to perform: lambda:ListFunctions on resource: )"
            R"(eu-west-1 because of a test"})");
  EXPECT_EQ(ran, 0);
  const auto trace = traces.find(*answer.find("x-amzn-RequestId"));
  ASSERT_TRUE(trace);
  EXPECT_EQ(*describe(*trace).find("decision")->find("why")->string(), "a test");
}

TEST_F(ControlPlaneTest, WhatIsNotThereIsRefusedByName) {
  const std::string target = "/2015-03-31/functions/f";
  const auto answer = send("GET", target, sign("lambda", "GET", target));
  EXPECT_EQ(answer.status, 501);
  EXPECT_EQ(*answer.find("x-amzn-ErrorType"), "NotImplementedException");
  EXPECT_NE(answer.body.find("GetFunction"), std::string::npos);
}

TEST_F(ControlPlaneTest, AMemberNobodyReadIsRefused) {
  Call call{*loop, "ListFunctions", "r", {}, nullptr, {}, {}, {}, wire::Parameters(json::Object{{"Marker", "m"}, {"MaxItems", 1}})};
  call.in.integer("MaxItems");
  const auto refused = refuse_unread(call);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 501);
  EXPECT_NE(refused.error().message.find("Marker"), std::string::npos);
}

TEST_F(ControlPlaneTest, FormPostsAreAnsweredInXml) {
  const std::string body = "Action=GetCallerIdentity&Version=2011-06-15";
  auto headers = sign("sts", "POST", "/", body);
  headers.emplace_back("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_TRUE(ControlPlane::is_call(http::assemble_request("POST", "/", headers)));
  const auto answer = send("POST", "/", headers, body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find("<Arn>arn:aws:iam::123456789012:user/u</Arn>"), std::string::npos);
  auto wrong = sign("sts", "POST", "/", body, "wrong");
  wrong.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  EXPECT_NE(send("POST", "/", wrong, body).body.find("<Code>SignatureDoesNotMatch</Code>"), std::string::npos);
}

TEST_F(ControlPlaneTest, StrangersMaySendLittle) {
  EXPECT_EQ(send("POST", "/2015-03-31/functions", {}, std::string(limits::unsigned_body_bytes_max + 1, 'x')).status, 413);
  EXPECT_EQ(allowed_bytes, limits::unsigned_body_bytes_max);
  const std::string large(limits::unsigned_body_bytes_max + 1, 'x');
  send("POST", "/2015-03-31/functions", sign("lambda", "POST", "/2015-03-31/functions", large), large);
  EXPECT_EQ(allowed_bytes, limits::body_bytes_max);
}

TEST_F(ControlPlaneTest, PagesOfOtherOriginsGetNothing) {
  for (const auto& [name, value] : std::vector<http::Header>{
           {"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}}) {
    auto headers = sign("lambda", "GET", list_functions);
    headers.emplace_back(name, value);
    EXPECT_EQ(send("GET", list_functions, headers).status, 403) << name << ": " << value;
  }
  EXPECT_EQ(ran, 0);
  auto own = sign("lambda", "GET", list_functions);
  own.emplace_back("Origin", "http://127.0.0.1:4566");
  EXPECT_EQ(send("GET", list_functions, own).status, 200);
}

TEST(PublicCall, IsOneThatAwsServesUnsignedAndThatIsUnsigned) {
  const auto request = [](std::string_view target, std::string more = "Accept") {
    return http::assemble_request("POST", "/",
                                  {{"Host", "localhost"},
                                   {"X-Amz-Target", cat("AWSCognitoIdentityProviderService.", target)},
                                   {"Content-Type", "application/x-amz-json-1.1"},
                                   {std::move(more), "x"}});
  };
  EXPECT_TRUE(ControlPlane::is_public_call(request("InitiateAuth")));
  EXPECT_TRUE(ControlPlane::is_public_call(request("GetUser", "Origin")));
  EXPECT_FALSE(ControlPlane::is_public_call(request("InitiateAuth", "Authorization"))) << "whoever signs is asked who it is";
  EXPECT_FALSE(ControlPlane::is_public_call(request("AdminInitiateAuth")));
  EXPECT_FALSE(ControlPlane::is_public_call(request("ListUserPools")));
  EXPECT_FALSE(ControlPlane::is_public_call(request("NoSuchOperation")));
}

TEST_F(ControlPlaneTest, ABrokenPromiseIsOneCallsAffair) {
  throws = true;
  const auto answer = send("GET", list_functions, sign("lambda", "GET", list_functions));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("broken promise"), std::string::npos) << "the reason is for the log";
  throws = false;
  EXPECT_EQ(send("GET", list_functions, sign("lambda", "GET", list_functions)).status, 200);
}

}  // namespace
}  // namespace sallyport::control
