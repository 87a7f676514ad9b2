// World: IAM and STS as they run in the program, over a store in memory; calls go through the services' own access rules and guard.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "iam/service.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::iam::testing {

/// Keeps records in a map; batches become durable on a thread of its own, in their order.
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
  std::string seal(std::string_view secret, std::string_view id) const override {
    auto bytes = cat(id, "\n", secret);
    for (auto& c : bytes) c = static_cast<char>(c ^ key);
    return to_hex(bytes);
  }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override {
    auto bytes = from_hex(sealed).value_or("");
    for (auto& c : bytes) c = static_cast<char>(c ^ key);
    if (!bytes.starts_with(cat(id, "\n"))) return fail("sealed with another key");
    return bytes.substr(id.size() + 1);
  }

  std::map<store::Key, std::string> records() {
    std::scoped_lock lock(mutex_);
    return records_;
  }
  char key = 0x5a;
  bool failing = false;  // changed while nothing is queued

 private:
  void write() {
    std::unique_lock lock(mutex_);
    while (true) {
      wakes_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      auto [batch, done] = std::move(queue_.front());
      queue_.pop_front();
      if (!failing)
        for (const auto& change : batch.changes()) {
          if (change.erased)
            records_.erase(change.key);
          else
            records_.insert_or_assign(change.key, change.value);
        }
      lock.unlock();
      done(failing ? Result<>(fail("no space left")) : Result<>());
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

/// What a call answered: the output, or the refusal.
struct Reply {
  json::Value value;
  std::optional<aws::ApiError> error = std::nullopt;
  explicit operator bool() const { return !error; }
  std::string code() const { return error ? error->code : ""; }
  std::string message() const { return error ? error->message : ""; }
  /// `Role.Arn`, `Users.0.UserName`; empty when it is not there.
  std::string text(std::string_view path) const {
    const auto* at = find(path);
    if (!at) return {};
    return at->string() ? *at->string() : json::to_text(*at);
  }
  const json::Value* find(std::string_view path) const {
    const auto* at = &value;
    for (const auto part : split(path, '.')) {
      if (!at) return nullptr;
      if (at->array()) {
        const auto index = parse_number<std::size_t>(part);
        at = index && *index < at->array()->size() ? &(*at->array())[*index] : nullptr;
      } else {
        at = at->find(part);
      }
    }
    return at;
  }
  std::size_t count(std::string_view path) const {
    const auto* at = find(path);
    return at && at->array() ? at->array()->size() : 0;
  }
};

class World {
 public:
  explicit World(std::shared_ptr<MemoryStore> kept = std::make_shared<MemoryStore>())
      : store(std::move(kept)),
        directory(*store, random, root_keys()),
        ledger("iam", *store, [this](Ledger::Snapshot state) { directory.publish(std::move(state)); }),
        iam(make_iam_service({ledger, directory, *store, random})),
        sts(make_sts_service({ledger, directory, *store, random})) {
    const auto loaded = ledger.load();
    EXPECT_TRUE(loaded) << loaded.error().message;
    root = directory.caller_of("arn:aws:iam::123456789012:root");
  }

  static RootKeys root_keys() {
    RootKeys keys;
    keys.keys.push_back({"test", crypto::Secret(std::string("test")), "123456789012"});
    keys.accounts_by_key = true;
    return keys;
  }

  /// The same process again, from what is stored.
  std::unique_ptr<World> restarted() const { return std::make_unique<World>(store); }

  /// `service`: iam or sts. `input` is JSON text. Authorized as the control plane does it.
  Reply call(const aws::Caller& caller, std::string_view operation, std::string_view input = "{}") {
    const auto* service = sts.find(operation) ? &sts : &iam;
    const auto* found = service->find(operation);
    EXPECT_TRUE(found) << operation;
    if (!found) return {{}, aws::ApiError{"NotImplemented", 501, ""}};
    auto value = json::parse(input);
    EXPECT_TRUE(value) << input << ": " << value.error().message;
    auto loop = std::move(*io::Loop::make());
    control::Call call{.loop = *loop,
                       .operation = std::string(operation),
                       .request_id = "r",
                       .scope = {.account_id = caller.account_id, .region = "us-east-1"},
                       .caller = std::make_shared<const aws::Caller>(caller),
                       .now = now,
                       .peer_address = "127.0.0.1",
                       .origin = {},
                       .in = wire::Parameters(std::move(*value))};
    if (found->access) {
      auto wanted = found->access(call);
      if (!wanted) return {{}, wanted.error()};
      for (const auto& access : *wanted)
        if (const auto verdict = directory.decide(caller, access, circumstances()); !verdict)
          return {{}, aws::ApiError{"AccessDenied", 403, control::denial_message(caller, access, verdict)}};
    }
    Reply reply;
    const auto run = [](const control::Operation& operation_to_run, control::Call& call_to_make, Reply& out) -> Task<void> {
      auto answer = co_await operation_to_run.run(call_to_make);
      if (answer)
        out.value = std::move(*answer);
      else
        out.error = std::move(answer.error());
      call_to_make.loop.stop();
    };
    loop->post([&] { loop->scope().spawn(run(*found, call, reply)); });
    loop->run();
    return reply;
  }
  Reply as_root(std::string_view operation, std::string_view input = "{}") { return call(*root, operation, input); }
  /// Expects that it worked.
  Reply must(std::string_view operation, std::string_view input) {
    auto reply = as_root(operation, input);
    EXPECT_TRUE(reply) << operation << ": " << reply.code() << ": " << reply.message();
    return reply;
  }

  control::Circumstances circumstances() const {
    control::Circumstances out;
    out.now = now;
    out.peer_address = "127.0.0.1";
    out.region = "us-east-1";
    return out;
  }

  /// A user with one inline policy (none for an empty text), as its key makes it known.
  aws::Caller user(std::string_view name, std::string_view policy = {}) {
    must("CreateUser", cat(R"({"UserName":")", name, R"("})"));
    if (!policy.empty()) put_user_policy(name, "p", policy);
    const auto key = must("CreateAccessKey", cat(R"({"UserName":")", name, R"("})")).text("AccessKey.AccessKeyId");
    const auto credential = directory.find(key);
    EXPECT_TRUE(credential) << key;
    return credential ? *credential->caller : aws::Caller();
  }
  void put_user_policy(std::string_view user_name, std::string_view name, std::string_view policy) {
    must("PutUserPolicy", cat(R"({"UserName":")", user_name, R"(","PolicyName":")", name, R"(","PolicyDocument":)", quoted(policy), "}"));
  }
  /// A role with that trust policy; its ARN.
  std::string role(std::string_view name, std::string_view trust) {
    return must("CreateRole", cat(R"({"RoleName":")", name, R"(","AssumeRolePolicyDocument":)", quoted(trust), "}")).text("Role.Arn");
  }
  void put_role_policy(std::string_view role_name, std::string_view policy) {
    must("PutRolePolicy", cat(R"({"RoleName":")", role_name, R"(","PolicyName":"p","PolicyDocument":)", quoted(policy), "}"));
  }
  /// A managed policy; its ARN.
  std::string managed(std::string_view name, std::string_view policy) {
    return must("CreatePolicy", cat(R"({"PolicyName":")", name, R"(","PolicyDocument":)", quoted(policy), "}")).text("Policy.Arn");
  }
  /// The caller a session's credentials are.
  aws::Caller session(const Reply& reply) const {
    const auto credential = directory.find(reply.text("Credentials.AccessKeyId"));
    EXPECT_TRUE(credential) << reply.message();
    return credential ? *credential->caller : aws::Caller();
  }

  control::Verdict decide(const aws::Caller& caller, std::string_view action, std::string_view resource,
                          std::string_view resource_policy = {}, std::string_view resource_account = {}) const {
    control::Access access{
        .action = std::string(action), .resource = std::string(resource), .resource_account_id = std::string(resource_account)};
    if (!resource_policy.empty()) {
      auto document = policy::Document::parse(resource_policy, policy::DocumentKind::resource);
      EXPECT_TRUE(document) << document.error().message;
      access.resource_policy = std::move(*document);
    }
    return directory.decide(caller, access, circumstances());
  }
  bool may(const aws::Caller& caller, std::string_view action, std::string_view resource, std::string_view resource_policy = {}) const {
    return static_cast<bool>(decide(caller, action, resource, resource_policy));
  }

  static std::string quoted(std::string_view text) {
    std::string out;
    json::append_string(out, text);
    return out;
  }
  static std::string statement(std::string_view effect, std::string_view action, std::string_view resource = "*",
                               std::string_view more = {}) {
    return cat(R"({"Version":"2012-10-17","Statement":[{"Effect":")", effect, R"(","Action":")", action, R"(","Resource":")", resource,
               R"(")", more, "}]}");
  }
  static std::string allow(std::string_view action, std::string_view resource = "*", std::string_view more = {}) {
    return statement("Allow", action, resource, more);
  }
  static std::string deny(std::string_view action, std::string_view resource = "*") { return statement("Deny", action, resource); }
  /// `principal` is JSON: `"*"`, `{"AWS":"arn"}`.
  static std::string trust(std::string_view principal, std::string_view more = {}, std::string_view action = "sts:AssumeRole") {
    return cat(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")", action, R"(","Principal":)", principal, more, "}]}");
  }

  WallTime now{std::chrono::seconds(1'800'000'000)};
  SystemRandom random;
  std::shared_ptr<MemoryStore> store;
  Directory directory;
  Ledger ledger;
  control::Service iam, sts;
  std::shared_ptr<const aws::Caller> root;
};

}  // namespace sallyport::iam::testing
