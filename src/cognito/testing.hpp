// SignInWorld: signing in as it runs in the program, over a store in memory, with functions made of lambdas; and a client's half of SRP.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cognito/directory.hpp"
#include "cognito/operations.hpp"
#include "cognito/secret_hash.hpp"
#include "cognito/sign_in.hpp"
#include "cognito/signing_keys.hpp"
#include "cognito/token_issuer.hpp"
#include "identity/jwt.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::cognito::testing {

class MemoryStore final : public store::Store {
 public:
  MemoryStore() : writer_([this] { write(); }) {}
  ~MemoryStore() override {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wakes_.notify_all();
    writer_.join();
  }
  Result<> load(std::string_view service, const std::function<Result<>(const store::Record&)>& each) override {
    std::scoped_lock lock(mutex_);
    for (const auto& [key, value] : records_)
      if (key.service == service)
        if (auto done = each({key, value}); !done) return done;
    return {};
  }
  void commit(store::Batch batch, std::move_only_function<void(Result<>)> done) override {
    {
      std::scoped_lock lock(mutex_);
      queue_.emplace_back(std::move(batch), std::move(done));
    }
    wakes_.notify_all();
  }
  std::string seal(std::string_view secret, std::string_view id) const override { return to_hex(cat(id, "\n", secret)); }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override {
    const auto bytes = from_hex(sealed).value_or("");
    if (!bytes.starts_with(cat(id, "\n"))) return fail("sealed under another name");
    return bytes.substr(id.size() + 1);
  }

 private:
  void write() {
    std::unique_lock lock(mutex_);
    while (true) {
      wakes_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      auto [batch, done] = std::move(queue_.front());
      queue_.pop_front();
      for (const auto& change : batch.changes()) {
        if (change.erased)
          records_.erase(change.key);
        else
          records_.insert_or_assign(change.key, change.value);
      }
      lock.unlock();
      done({});
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable wakes_;
  bool stopping_ = false;
  std::map<store::Key, std::string> records_;
  std::deque<std::pair<store::Batch, std::move_only_function<void(Result<>)>>> queue_;
  std::thread writer_;
};

class TestClock final : public Clock {
 public:
  WallTime wall_now() const override { return now; }
  MonotonicTime monotonic_now() const override { return MonotonicTime(now.time_since_epoch()); }
  WallTime now{std::chrono::seconds(1'795'000'000)};
};

/// Functions by the last part of their ARN; each gets the event and gives its `response`, or fails.
class FakeInvoker final : public lambda::Invoker {
 public:
  struct Ending {
    std::string payload;
    bool failed = false;
    std::optional<aws::ApiError> refused = std::nullopt;
    bool never_ends = false;
  };
  /// The event with this response, as functions give it back.
  static Ending responds(const json::Value& event, std::string_view response) {
    auto out = event;
    out.set("response", json::parse(response).value());
    return {json::to_text(out)};
  }
  Task<Result<lambda::InvokeResponse, aws::ApiError>> invoke(io::Loop& loop, lambda::InvokeRequest request) override {
    const auto name = request.function_arn.substr(request.function_arn.rfind(':') + 1);
    auto event = json::parse(request.payload).value();
    callers.push_back(request.caller);
    events.push_back(event);
    const auto found = functions.find(name);
    if (found == functions.end()) co_return fail(aws::ApiError{"ResourceNotFoundException", 404, "no such function"});
    auto ending = found->second(event);
    if (ending.never_ends) co_await io::sleep_for(loop, std::chrono::milliseconds(400));
    if (ending.refused) co_return fail(std::move(*ending.refused));
    lambda::InvokeResponse response{RequestId("r"), "$LATEST", std::nullopt, std::move(ending.payload)};
    if (ending.failed) response.function_error = "Unhandled";
    co_return response;
  }
  std::map<std::string, std::function<Ending(const json::Value&)>> functions;
  std::vector<json::Value> events;
  std::vector<lambda::ServiceCaller> callers;
};

/// What a call answered.
struct Reply {
  json::Value value;
  std::optional<aws::ApiError> error = std::nullopt;
  explicit operator bool() const { return !error; }
  std::string code() const { return error ? error->code : ""; }
  std::string message() const { return error ? error->message : ""; }
  std::string text(std::string_view path) const {
    const auto* at = &value;
    for (const auto part : split(path, '.'))
      if (at) at = at->find(part);
    if (!at) return {};
    return at->string() ? *at->string() : json::to_text(*at);
  }
};

/// A client's half of SRP, written from its description and not from ours (srp_client_test.cpp).
class SrpClient {
 public:
  SrpClient(std::string pool_id, std::string password);
  ~SrpClient();
  SrpClient(const SrpClient&) = delete;
  SrpClient& operator=(const SrpClient&) = delete;
  std::string srp_a() const;
  /// ChallengeResponses of PASSWORD_VERIFIER.
  json::Value answer(const json::Value& parameters, std::string_view timestamp) const;

 private:
  struct Numbers;
  std::unique_ptr<Numbers> numbers_;
};

/// A pool `us-east-1_test00001` with client `app` (every flow, no secret) and user `ann` with password `Right-1-horse`.
class SignInWorld {
 public:
  static constexpr const char* pool_id = "us-east-1_test00001";
  static constexpr const char* password = "Right-1-horse";

  SignInWorld() {
    change([](State& state, SignInWorld& world) {
      Operations operations(state, world.random, world.clock.now);
      CreateUserPoolRequest pool;
      pool.id = pool_id;
      pool.name = "test";
      static const auto first = make_signing_key(world.clock.now), second = make_signing_key(world.clock.now);
      pool.signing_keys = {first, second};
      const auto made = operations.create_user_pool(std::move(pool));
      EXPECT_TRUE(made) << made.error().message;
      const auto client = operations.create_user_pool_client(world.client_request("app"));
      EXPECT_TRUE(client) << client.error().message;
    });
    add_user("ann", password);
  }

  static ClientRequest client_request(std::string id) {
    ClientRequest request;
    request.pool_id = pool_id;
    request.id = request.name = std::move(id);
    request.explicit_auth_flows = {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH",
                                   "ALLOW_REFRESH_TOKEN_AUTH"};
    return request;
  }
  void add_client(ClientRequest request) {
    change([&](State& state, SignInWorld& world) {
      const auto made = Operations(state, world.random, world.clock.now).create_user_pool_client(std::move(request));
      EXPECT_TRUE(made) << made.error().message;
    });
  }
  void add_user(const std::string& name, const std::string& its_password, UserStatus status = UserStatus::confirmed) {
    User user;
    user.username = name;
    user.sub = make_uuid(random);
    user.attributes = {{"sub", user.sub}, {"email", cat(name, "@example.com")}, {"email_verified", "true"}};
    user.status = status;
    user.password = passwords.prove_now(pool_id, name, its_password);
    user.password_set = user.created = user.modified = clock.now;
    change([&](State& state, SignInWorld&) { put_user(*edit_pool(state, pool_id), user); });
  }
  void change(const std::function<void(State&, SignInWorld&)>& how) {
    const auto done = ledger.write_and_wait(scope(), [&](State& state) -> Answer<> {
      how(state, *this);
      return {};
    });
    EXPECT_TRUE(done) << done.error().message;
  }
  void change_user(const std::string& name, const std::function<void(User&)>& how) {
    change([&](State& state, SignInWorld&) {
      auto user = *find_user(*edit_pool(state, pool_id), name);
      how(user);
      put_user(*edit_pool(state, pool_id), std::move(user));
    });
  }
  void change_settings(const std::function<void(PoolSettings&)>& how) {
    change([&](State& state, SignInWorld&) { how(edit_pool(state, pool_id)->settings.edit()); });
  }
  const UserPool& pool() {
    seen_ = directory.pool(pool_id);
    return *seen_->pool;
  }
  const User& user(std::string_view name) { return *find_user(pool(), name); }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    loop->scope().spawn(finish(std::move(task), out, *loop));
    loop->run();
    return std::move(*out);
  }
  static aws::Scope scope() { return {}; }

  Reply call_text(const std::string& operation, std::string_view input) {
    auto value = json::parse(input);
    EXPECT_TRUE(value) << input;
    return call(operation, std::move(*value));
  }
  Reply call(const std::string& operation, json::Value input) {
    const auto* found = service.find(operation);
    EXPECT_TRUE(found) << operation;
    control::Call made{*loop,
                       operation,
                       "r",
                       scope(),
                       std::make_shared<const aws::Caller>(),
                       clock.now,
                       "127.0.0.1",
                       {},
                       wire::Parameters(std::move(input))};
    auto answer = run(found->run(made));
    if (!answer) return {{}, answer.error()};
    EXPECT_TRUE(control::refuse_unread(made)) << operation;
    return {std::move(*answer)};
  }
  Reply initiate(std::string_view flow, std::vector<std::pair<std::string, std::string>> parameters, std::string_view client = "app") {
    json::Value input, map{json::Object{}};
    for (auto& [name, value] : parameters) map.set(name, std::move(value));
    input.set("AuthFlow", flow);
    input.set("ClientId", client);
    input.set("AuthParameters", std::move(map));
    return call("InitiateAuth", std::move(input));
  }
  Reply with_password(std::string_view name, std::string_view its_password, std::string_view client = "app") {
    return initiate("USER_PASSWORD_AUTH", {{"USERNAME", std::string(name)}, {"PASSWORD", std::string(its_password)}}, client);
  }
  Reply respond(std::string_view challenge, std::string_view session, json::Value answers, std::string_view client = "app") {
    json::Value input;
    input.set("ChallengeName", challenge);
    input.set("ClientId", client);
    if (!session.empty()) input.set("Session", session);
    input.set("ChallengeResponses", std::move(answers));
    return call("RespondToAuthChallenge", std::move(input));
  }
  /// The claims of a token, whose signature is looked at.
  json::Value claims(std::string_view token) {
    const auto issuer = issuer_of(pool());
    const auto verified =
        identity::verify_token(token, *directory.issuer_keys(issuer), {.issuer = issuer, .algorithms = {"RS256"}}, clock.now);
    EXPECT_TRUE(verified) << verified.error().detail;
    return verified ? (*verified)->claims : json::Value();
  }
  static std::string text(const json::Value& value, std::string_view name) {
    const auto* found = value.find(name);
    if (!found) return "(none)";
    return found->string() ? *found->string() : json::to_text(*found);
  }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  TestClock clock;
  SystemRandom random;
  MemoryStore store;
  Directory directory{clock};
  Ledger ledger{"cognito-idp", store, [this](Snapshot state) { directory.publish(std::move(state)); }};
  Passwords passwords{random};
  FakeInvoker invoker;
  LambdaTriggers triggers{invoker, clock, random, std::chrono::milliseconds(200)};
  TokenIssuer tokens{ledger, directory, triggers, clock, random};
  SignIn sign_in{{ledger, directory, clock, random, passwords, triggers, tokens}};
  control::Service service = [this] {
    control::Service made("cognito-idp");
    add_sign_in_operations(made, sign_in);
    return made;
  }();

 private:
  template <class T>
  static Task<void> finish(Task<T> task, std::optional<T>& out, io::Loop& loop) {
    out.emplace(co_await attempt(std::move(task)));
    loop.stop();
  }
  std::optional<FoundPool> seen_;
};

inline std::string function_arn(std::string_view name) { return cat("arn:aws:lambda:us-east-1:123456789012:function:", name); }

}  // namespace sallyport::cognito::testing
