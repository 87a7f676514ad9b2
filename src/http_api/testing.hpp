// HttpWorld: an HTTP API with functions made of lambdas, a clock that stands still, and real HTTP text over in-memory streams.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/testing.hpp"
#include "http_api/authorizer_call.hpp"
#include "http_api/http_apis.hpp"
#include "http_api/operations.hpp"
#include "http_api/stage.hpp"

namespace sallyport::http_api::testing {

using gateway::testing::Answer;
using gateway::testing::FakeIdentity;
using gateway::testing::FakeInvoker;
using gateway::testing::FakeIssuers;
using gateway::testing::StillClock;

/// One HTTP API `a1b2c3d4e5` with the stage `$default`, built through the operations; `publish` serves what was built so far.
class HttpWorld : private serve::Handler, private Observer {
 public:
  HttpWorld() {
    ApiInput input;
    input.name = "test";
    EXPECT_TRUE(operations.create_api(api_id, "HTTP", std::move(input)));
    stage("$default");
  }
  ~HttpWorld() override {
    server.shut_down(std::chrono::milliseconds(0), [this] { loop->scope().when_empty([this] { loop->stop(); }); });
    loop->run();
  }

  static std::string function_arn(std::string_view name) { return cat("arn:aws:lambda:us-east-1:123456789012:function:", name); }
  void stage(std::string name, TextMap variables = {}) {
    StageInput input;
    input.auto_deploy = true;
    input.variables = std::move(variables);
    const auto made = operations.create_stage(api_id, name, std::move(input));
    EXPECT_TRUE(made) << made.error().message;
  }
  /// AWS_PROXY; the id.
  std::string function(std::string_view name, std::string version = "2.0", TextMap request_parameters = {},
                       std::map<std::string, TextMap, std::less<>> response_parameters = {}) {
    IntegrationInput input;
    input.type = "AWS_PROXY";
    input.uri = function_arn(name);
    input.payload_format_version = std::move(version);
    if (!request_parameters.empty()) input.request_parameters = std::move(request_parameters);
    if (!response_parameters.empty()) input.response_parameters = std::move(response_parameters);
    return integration(std::move(input));
  }
  std::string integration(IntegrationInput input) {
    const auto made = operations.create_integration(api_id, cat("i", ++made_), std::move(input));
    EXPECT_TRUE(made) << made.error().message;
    return made ? (*made)->id : std::string();
  }
  void route(std::string key, const std::string& integration_id, std::string type = "NONE", std::string authorizer_id = {},
             std::vector<std::string> scopes = {}) {
    RouteInput input;
    input.key = std::move(key);
    input.target = cat("integrations/", integration_id);
    input.authorization_type = std::move(type);
    if (!authorizer_id.empty()) input.authorizer_id = std::move(authorizer_id);
    if (!scopes.empty()) input.scopes = std::move(scopes);
    const auto made = operations.create_route(api_id, cat("r", ++made_), std::move(input));
    EXPECT_TRUE(made) << made.error().message;
  }
  std::string authorizer(AuthorizerInput input) {
    if (!input.name) input.name = cat("authorizer", ++made_);
    const auto made = operations.create_authorizer(api_id, cat("u", ++made_), std::move(input));
    EXPECT_TRUE(made) << made.error().message;
    return made ? (*made)->id : std::string();
  }
  std::string lambda_authorizer(std::string_view name, std::vector<std::string> sources, int ttl_s, bool simple = false,
                                std::string version = "2.0") {
    AuthorizerInput input;
    input.type = "REQUEST";
    input.uri = cat("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/", function_arn(name), "/invocations");
    input.payload_format_version = std::move(version);
    if (!sources.empty()) input.identity_sources = std::move(sources);
    input.ttl_s = ttl_s;
    if (simple) input.simple_responses = true;
    return authorizer(std::move(input));
  }
  std::string jwt_authorizer(std::string source = "$request.header.Authorization") {
    AuthorizerInput input;
    input.type = "JWT";
    input.identity_sources = {std::move(source)};
    input.issuer = std::string(issuer);
    input.audiences = {"client", "other"};
    return authorizer(std::move(input));
  }
  void publish(const Choices& choices = {}) {
    operations.auto_deploy();
    stages.publish(state, nullptr, choices);
  }
  /// A token the JWT authorizer accepts, with these claims over the usual ones.
  std::string token(const json::Object& more = {}, std::string_view algorithm = "RS256", std::string_view secret = "good") const {
    json::Value claims(json::Object{{"iss", issuer}, {"aud", "client"}, {"sub", "alice"}, {"exp", 1'700'003'600}});
    for (const auto& [name, value] : more) claims.set(name, value);
    return FakeIssuers::token(claims, algorithm, secret);
  }

  /// One request on a connection of its own.
  Answer send(std::string_view method, std::string_view target, std::vector<std::string> headers = {}, std::string_view body = {}) {
    return send_all({request_text(method, target, headers, body)}).front();
  }
  std::string request_text(std::string_view method, std::string_view target, const std::vector<std::string>& headers = {},
                           std::string_view body = {}) const {
    std::string text = cat(method, " ", target, " HTTP/1.1\r\nHost: ", domain(), ":4566\r\nConnection: close\r\n");
    for (const auto& header : headers) text += cat(header, "\r\n");
    if (!body.empty()) text += cat("Content-Length: ", body.size(), "\r\n");
    return cat(text, "\r\n", body);
  }
  /// All at the same time, each on a connection of its own. `meanwhile` runs once every request has been taken in.
  std::vector<Answer> send_all(const std::vector<std::string>& texts, std::function<void()> meanwhile = {}) {
    std::vector<Answer> answers(texts.size());
    std::vector<std::unique_ptr<io::Stream>> clients;
    std::size_t left = texts.size();
    taken_in_ = 0;
    wanted_ = meanwhile ? static_cast<int>(texts.size()) : -1;
    meanwhile_ = std::move(meanwhile);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto [client, theirs] = io::make_stream_pair(*loop);
      server.accept(std::move(theirs));
      loop->scope().spawn(converse(*this, *client, texts[i], answers[i], left));
      clients.push_back(std::move(client));
    }
    loop->run();
    return answers;
  }
  std::shared_ptr<const HttpExchange> trace(const Answer& answer) const { return traces.find(answer.header("apigw-requestid")); }
  std::string domain() const { return cat(api_id, ".execute-api.localhost"); }
  Services services() { return {invoker, clock, random, stages, cache, identity, identity, throttles, issuers}; }

  static constexpr std::string_view issuer = "https://issuer.example.com";
  const std::string api_id = "a1b2c3d4e5";
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  StillClock clock;
  SystemRandom random;
  State state;
  Operations operations{state, [this](std::size_t length) { return make_id(random, length, "abcdefghijklmnopqrstuvwxyz"); }};
  FakeInvoker invoker;
  Stages stages;
  AuthorizerCache cache{random};
  FakeIdentity identity;
  FakeIssuers issuers{clock};
  HttpTraces traces{64, 1 << 20};
  gateway::Throttles throttles;
  HttpApis apis{services(), traces, static_cast<Observer&>(*this)};
  serve::Server server{*loop, clock, *this, 1024};
  std::optional<gateway::Address> mapped;  // what a custom domain would make of every request
  int answered_count = 0;

 private:
  Task<http::Response> handle(io::Loop& here, const http::Request& request, serve::BodyReader& body, const serve::Peer& peer) override {
    // A step later, when this one waits for its function as well.
    if (++taken_in_ == wanted_) loop->post([this] { meanwhile_(); });
    auto address = mapped ? *mapped : gateway::locate(api_id, request.path, domain());
    co_return co_await apis.serve(here, std::move(address), request, body, peer);
  }
  void refused(const serve::Peer&, int, std::string_view) override {}
  void answered(const HttpExchange&) override { ++answered_count; }

  static Task<void> converse(HttpWorld& world, io::Stream& stream, std::string text, Answer& out, std::size_t& left) {
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

  int made_ = 0;
  int taken_in_ = 0, wanted_ = -1;
  std::function<void()> meanwhile_;
};

}  // namespace sallyport::http_api::testing
