// World: a gateway with functions made of lambdas, a clock that stands still, and real HTTP text over in-memory streams.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "gateway/authorizer_cache.hpp"
#include "gateway/gateway.hpp"
#include "gateway/operations.hpp"
#include "gateway/response_cache.hpp"
#include "gateway/services.hpp"
#include "gateway/stage.hpp"
#include "gateway/throttle.hpp"
#include "gateway/trace.hpp"
#include "gateway/usage.hpp"
#include "io/completion.hpp"
#include "io/stream.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "serve/server.hpp"

namespace sallyport::gateway::testing {

class StillClock final : public Clock {
 public:
  WallTime wall_now() const override { return wall; }
  MonotonicTime monotonic_now() const override { return now; }
  WallTime wall{std::chrono::seconds(1'700'000'000)};
  MonotonicTime now{std::chrono::hours(1)};
};

/// Functions by name. What one returns is its result; `fails` and `refuses` make the other two endings.
class FakeInvoker final : public lambda::Invoker {
 public:
  struct Ending {
    std::string payload;
    bool failed = false;
    std::optional<aws::ApiError> refused = std::nullopt;
  };
  static Ending fails(std::string payload) { return {std::move(payload), true}; }
  static Ending refuses(std::string code, int status) { return {{}, false, aws::ApiError{std::move(code), status, "no"}}; }

  Task<Result<lambda::InvokeResponse, aws::ApiError>> invoke(io::Loop& loop, lambda::InvokeRequest request) override {
    const auto name = request.function_arn.substr(request.function_arn.rfind(':') + 1);
    calls.push_back({name, request});
    if (holding) {
      held.emplace_back();
      auto mine = held.back();
      co_await mine.wait_on(loop);
    }
    const auto found = functions.find(name);
    if (found == functions.end())
      co_return fail(aws::ApiError{"ResourceNotFoundException", 404, "Function not found: " + request.function_arn});
    auto ending = found->second(request.payload);
    if (ending.refused) co_return fail(std::move(*ending.refused));
    lambda::InvokeResponse response{RequestId("r"), "$LATEST", std::nullopt, std::move(ending.payload)};
    if (ending.failed) response.function_error = "Unhandled";
    co_return response;
  }
  std::optional<lambda::InvokeTarget> target_of(std::string_view function_arn) const override {
    return lambda::InvokeTarget{std::string(function_arn), std::string(function_arn), "123456789012", tags};
  }
  std::map<std::string, std::string, std::less<>> tags;  // of every function
  void release() {
    holding = false;
    for (auto& each : std::exchange(held, {})) each.deliver(true);
  }
  int count(std::string_view name) const {
    int n = 0;
    for (const auto& call : calls) n += call.name == name;
    return n;
  }

  struct Call {
    std::string name;
    lambda::InvokeRequest request;
  };
  std::map<std::string, std::function<Ending(const std::string&)>> functions;
  std::vector<Call> calls;
  bool holding = false;  // calls wait until `release`
  std::vector<io::Completion<bool>> held;
};

/// Access keys by id, and who may do what by the caller's ARN: nobody, until a test says so.
class FakeIdentity final : public identity::CredentialSource, public control::Guard {
 public:
  std::shared_ptr<const identity::Credential> find(std::string_view access_key_id) const override {
    const auto found = keys.find(access_key_id);
    return found == keys.end() ? nullptr : found->second;
  }
  control::Verdict decide(const aws::Caller& caller, const control::Access& access, const control::Circumstances&) const override {
    const auto found = verdicts.find(caller.arn);
    asked.push_back(access);
    return found == verdicts.end() ? control::Verdict{} : found->second;
  }
  json::Value explain(const aws::Caller&, const control::Access&, const control::Circumstances&) const override { return {}; }
  std::shared_ptr<const aws::Caller> assume(std::string_view role_arn, std::string_view, std::string_view, WallTime) const override {
    const auto found = roles.find(role_arn);
    return found == roles.end() ? nullptr : found->second;
  }
  std::map<std::string, std::shared_ptr<const aws::Caller>, std::less<>> roles;  // that API Gateway may assume

  std::map<std::string, std::shared_ptr<const identity::Credential>, std::less<>> keys;
  std::map<std::string, control::Verdict, std::less<>> verdicts;
  mutable std::vector<control::Access> asked;
};

/// Issuers whose tokens are signed with a word: `token` makes one, and `verify` takes back what it made and nothing else.
class FakeIssuers final : public oidc::Issuers {
 public:
  explicit FakeIssuers(const Clock& clock) : clock_(clock) {}

  static std::string token(const json::Value& claims, std::string_view algorithm = "RS256", std::string_view secret = "good") {
    const auto head = json::Value(json::Object{{"alg", algorithm}, {"kid", "k"}, {"typ", "JWT"}});
    const auto text = cat(to_base64url(json::to_text(head)), ".", to_base64url(json::to_text(claims)));
    return cat(text, ".", to_base64url(crypto::hmac_sha256(secret, text)));
  }

  Task<Result<identity::TokenPtr, identity::TokenRefusal>> verify(io::Loop&, std::string_view token,
                                                                  const identity::TokenRules& rules) override {
    using identity::TokenFault, identity::TokenRefusal;
    ++verified;
    const auto refuse = [](TokenFault fault, std::string why) { return fail(TokenRefusal{fault, std::move(why)}); };
    const auto parts = split(token, '.');
    if (parts.size() != 3) co_return refuse(TokenFault::segments, "not three parts");
    if (out_of_reach) co_return refuse(TokenFault::keys_unavailable, "the keys cannot be had");
    const auto head_text = from_base64url(parts[0]), claims_text = from_base64url(parts[1]);
    const auto head = json::parse(head_text.value_or("")), claims = json::parse(claims_text.value_or(""));
    if (!head || !claims || !claims->object()) co_return refuse(TokenFault::malformed, "no JSON");
    const auto text_of = [](const json::Value& value, std::string_view name) {
      const auto* found = value.find(name);
      return found && found->string() ? *found->string() : std::string();
    };
    const auto algorithm = text_of(*head, "alg");
    if (std::find(rules.algorithms.begin(), rules.algorithms.end(), algorithm) == rules.algorithms.end())
      co_return refuse(TokenFault::algorithm, "not an allowed algorithm");
    if (text_of(*claims, "iss") != rules.issuer) co_return refuse(TokenFault::issuer, "another issuer");
    if (parts[2] != to_base64url(crypto::hmac_sha256("good", token.substr(0, token.rfind('.')))))
      co_return refuse(TokenFault::signature, "the signature is not the issuer's");
    const auto* exp = claims->find("exp");
    if (!exp || !exp->integer()) co_return refuse(TokenFault::claims, "exp is missing");
    const WallTime expires{std::chrono::seconds(*exp->integer())};
    if (clock_.wall_now() >= expires) co_return refuse(TokenFault::expired, "the token expired");
    auto good = std::make_shared<const identity::Token>(identity::Token{algorithm, "k", *claims, expires});
    if (remembers) remembered.insert_or_assign(cat(rules.issuer, " ", token), good);
    co_return good;
  }
  identity::TokenPtr known(std::string_view token, const identity::TokenRules& rules) override {
    const auto found = remembered.find(cat(rules.issuer, " ", token));
    return found == remembered.end() ? nullptr : found->second;
  }
  Task<Result<std::string>> discover(io::Loop&, std::string issuer) override {
    discovered.push_back(issuer);
    if (out_of_reach) co_return fail(cat("nobody answers at ", issuer));
    co_return cat(issuer, "/keys");
  }

  bool out_of_reach = false;
  bool remembers = false;  // what was verified is known from then on
  std::map<std::string, identity::TokenPtr, std::less<>> remembered;
  int verified = 0;
  std::vector<std::string> discovered;

 private:
  const Clock& clock_;
};

struct Answer {
  int status = 0;
  std::string head, body;
  std::string header(std::string_view name) const {
    for (auto line : split(head, '\n')) {
      const auto colon = line.find(':');
      if (colon != line.npos && equals_ignoring_case(line.substr(0, colon), name))
        return std::string(trim(line.substr(colon + 1, line.find('\r') - colon - 1)));
    }
    return {};
  }
};

/// One REST API `a1b2c3d4e5` with stage `prod`, built through the operations; `deploy` publishes what was built so far.
class World : private serve::Handler, private Observer {
 public:
  World() {
    CreateRestApiRequest request;
    request.id = api_id;
    request.root_resource_id = "root";
    request.name = "test";
    EXPECT_TRUE(operations.create_rest_api(std::move(request)));
  }
  ~World() override {
    server.shut_down(std::chrono::milliseconds(0), [this] { loop->scope().when_empty([this] { loop->stop(); }); });
    loop->run();
  }

  static std::string function_uri(std::string_view name) {
    return cat("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:", name,
               "/invocations");
  }
  /// Makes the resources of a path that are not there yet; the id of the last.
  std::string resource(std::string_view path) {
    std::string parent = "root", at;
    for (auto part : split(path.substr(1), '/')) {
      if (part.empty()) continue;
      at += cat("/", part);
      const auto& resources = state.apis.at(api_id)->draft->resources;
      std::string id;
      for (const auto& [key, each] : resources)
        if (each.path == at) id = key;
      if (id.empty()) {
        id = cat("r", resources.size());
        const auto made = operations.create_resource({api_id, id, parent, std::string(part)});
        EXPECT_TRUE(made) << made.error().message;
      }
      parent = id;
    }
    return parent;
  }
  std::string authorizer(std::string type, std::string function, std::string source, int ttl_s, std::string expression = {}) {
    CreateAuthorizerRequest request;
    request.rest_api_id = api_id;
    request.id = request.name = cat("auth", state.apis.at(api_id)->draft->authorizers.size());
    request.type = std::move(type);
    request.authorizer_uri = function_uri(function);
    request.identity_source = std::move(source);
    request.identity_validation_expression = std::move(expression);
    request.ttl_s = ttl_s;
    const auto id = request.id;
    const auto made = operations.create_authorizer(std::move(request));
    EXPECT_TRUE(made) << made.error().message;
    return id;
  }
  void method(std::string_view path, std::string verb, std::optional<std::string> authorizer_id = std::nullopt) {
    PutMethodRequest request;
    request.rest_api_id = api_id;
    request.resource_id = resource(path);
    request.http_method = std::move(verb);
    request.authorization_type = authorizer_id ? "CUSTOM" : "NONE";
    request.authorizer_id = std::move(authorizer_id);
    const auto made = operations.put_method(std::move(request));
    EXPECT_TRUE(made) << made.error().message;
  }
  void proxy(std::string_view path, std::string verb, std::string_view function, std::optional<std::string> authorizer_id = std::nullopt) {
    method(path, verb, std::move(authorizer_id));
    PutIntegrationRequest request;
    request.rest_api_id = api_id;
    request.resource_id = resource(path);
    request.http_method = std::move(verb);
    request.type = "AWS_PROXY";
    request.integration_http_method = "POST";
    request.uri = function_uri(function);
    const auto made = operations.put_integration(std::move(request));
    EXPECT_TRUE(made) << made.error().message;
  }
  void deploy(TextMap variables = {}, const Choices& choices = {}) {
    CreateDeploymentRequest request;
    request.rest_api_id = api_id;
    request.id = cat("d", ++deployments_);
    request.stage_name = "prod";
    request.variables = std::move(variables);
    const auto made = operations.create_deployment(std::move(request));
    ASSERT_TRUE(made) << made.error().message;
    stages.publish(state, nullptr, choices);
  }

  /// One request on a connection of its own; `target` below the stage.
  Answer send(std::string_view method, std::string_view target, std::vector<std::string> headers = {}, std::string_view body = {}) {
    return send_all({request_text(method, cat("/prod", target), headers, body)}).front();
  }
  std::string request_text(std::string_view method, std::string_view target, const std::vector<std::string>& headers,
                           std::string_view body) const {
    std::string text = cat(method, " ", target, " HTTP/1.1\r\nHost: ", api_id, ".execute-api.localhost:4566\r\nConnection: close\r\n");
    for (const auto& header : headers) text += cat(header, "\r\n");
    if (!body.empty()) text += cat("Content-Length: ", body.size(), "\r\n");
    return cat(text, "\r\n", body);
  }
  /// All at the same time, each on a connection of its own. `meanwhile` runs once every request has been taken in.
  std::vector<Answer> send_all(const std::vector<std::string>& texts, std::function<void()> meanwhile = {}) {
    std::vector<Answer> answers(texts.size());
    std::vector<std::unique_ptr<io::Stream>> clients;
    std::size_t left = texts.size();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto [client, theirs] = io::make_stream_pair(*loop);
      server.accept(std::move(theirs));
      loop->scope().spawn(converse(*this, *client, texts[i], answers[i], left));
      clients.push_back(std::move(client));
    }
    if (meanwhile) loop->scope().spawn(later(*this, std::move(meanwhile)));
    loop->run();
    return answers;
  }
  /// The record of an answer.
  std::shared_ptr<const Exchange> trace(const Answer& answer) const { return traces.find(answer.header("x-amzn-RequestId")); }

  const std::string api_id = "a1b2c3d4e5";
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  StillClock clock;
  SystemRandom random;
  State state;
  Operations operations{state};
  FakeInvoker invoker;
  Stages stages;
  AuthorizerCache cache{random};
  FakeIdentity identity;
  TraceBuffer traces;
  Throttles throttles;
  FakeIssuers issuers{clock};
  Usage usage;
  ResponseCache responses;
  /// Of a test's clock no time passes: what all an account's requests may do in one moment is tested where it is said.
  Settings settings{.account_throttle = std::nullopt};
  Services services() {
    return {invoker, clock, random, stages, cache, identity, identity, throttles, issuers, usage, responses, settings};
  }
  /// With the settings as they are now.
  void restart() { gateway = std::make_unique<Gateway>(services(), traces, static_cast<Observer&>(*this)); }
  std::unique_ptr<Gateway> gateway = std::make_unique<Gateway>(services(), traces, static_cast<Observer&>(*this));
  serve::Server server{*loop, clock, *this, 1024};
  int answered_count = 0;

 private:
  Task<http::Response> handle(io::Loop& here, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) override {
    // A step later, when this one waits for its function as well.
    if (++taken_in_ == wanted_) loop->post([this] { all_taken_in_->deliver(true); });
    co_return co_await gateway->serve(here, locate(api_id, request.path, cat(api_id, ".execute-api.localhost")), request, body, peer);
  }
  void refused(const serve::Peer&, int, std::string_view) override {}
  void answered(const Exchange&) override { ++answered_count; }

  static Task<void> converse(World& world, io::Stream& stream, std::string text, Answer& out, std::size_t& left) {
    co_await stream.write(text);
    while (co_await stream.read_more()) {
    }
    const auto received = stream.incoming();
    const auto end = received.find("\r\n\r\n");
    out.head = received.substr(0, end);
    if (end != received.npos) out.body = received.substr(end + 4);
    out.status = received.size() > 12 ? parse_number<int>(received.substr(9, 3)).value_or(0) : 0;
    if (--left == 0) world.loop->stop();
  }
  static Task<void> later(World& world, std::function<void()> meanwhile) {
    world.wanted_ = world.taken_in_ + static_cast<int>(world.server.connection_count());
    co_await world.all_taken_in_.emplace().wait_on(*world.loop);
    meanwhile();
  }

  int deployments_ = 0;
  int taken_in_ = 0, wanted_ = -1;
  std::optional<io::Completion<bool>> all_taken_in_;
};

/// The result of an authorizer: one statement.
inline std::string policy_text(std::string_view effect, std::string_view resource, std::string_view more = {}) {
  return cat(R"({"principalId":"user","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":")",
             effect, R"(","Resource":")", resource, "\"}]}", more, "}");
}
/// `methodArn` of an authorizer's event.
inline std::string method_arn_of(const std::string& event) { return *json::parse(event)->find("methodArn")->string(); }

}  // namespace sallyport::gateway::testing
