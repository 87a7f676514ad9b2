// What the tests of this module share: a service with everything behind it, called without the control plane in front.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/service.hpp"
#include "lambda/testing_fakes.hpp"
#include "lambda/url_index.hpp"

namespace sallyport::lambda::testing {

namespace fs = std::filesystem;

/// Keeps records in memory and is durable at once. Seals by reversing, so that a secret never stands in a record as it is.
class MemoryStore final : public store::Store {
 public:
  Result<> load(std::string_view service, const std::function<Result<>(const store::Record&)>& each) override {
    for (const auto& [key, value] : records)
      if (key.service == service)
        if (auto read = each({key, value}); !read) return read;
    return {};
  }
  void commit(store::Batch batch, std::move_only_function<void(Result<>)> done) override {
    for (const auto& change : batch.changes()) {
      if (change.erased)
        records.erase(change.key);
      else
        records[change.key] = change.value;
      ++changes;
    }
    ++commits;
    std::scoped_lock lock(mutex_);
    reports_.push_back(std::move(done));
    wake_.notify_one();
  }
  std::string seal(std::string_view secret, std::string_view id) const override {
    return cat(id, "|", std::string(secret.rbegin(), secret.rend()));
  }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override {
    if (!sealed.starts_with(cat(id, "|"))) return fail("it was sealed for something else");
    sealed.remove_prefix(id.size() + 1);
    return std::string(sealed.rbegin(), sealed.rend());
  }
  std::map<store::Key, std::string> records;
  int commits = 0, changes = 0;

 private:
  // As the real one reports: from a thread of its own.
  void report(const std::stop_token& stop) {
    for (;;) {
      std::move_only_function<void(Result<>)> done;
      {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [this] { return !reports_.empty(); })) return;
        done = std::move(reports_.front());
        reports_.pop_front();
      }
      done({});
    }
  }
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::move_only_function<void(Result<>)>> reports_;
  std::jthread reporter_{[this](const std::stop_token& stop) { report(stop); }};
};

class FakeRoles final : public RoleCredentials {
 public:
  Result<Session> credentials_for(std::string_view role_arn, std::string_view session_name) override {
    if (auto good = check_role(role_arn); !good) return std::unexpected(good.error());
    return Session{"ASIAROLE", crypto::Secret(std::string("role-secret")), cat("token of ", session_name)};
  }
  Result<> check_role(std::string_view role_arn) const override {
    if (role_arn.ends_with("/unknown")) return fail("no such role");
    return {};
  }
};

/// The process that makes sandboxes. Started before the first test: a process that has threads cannot start one.
class StartedSpawner final : public ::testing::Environment {
 public:
  void SetUp() override {
    auto started = sandbox::Spawner::start({});
    ASSERT_TRUE(started) << started.error().message;
    spawner = std::move(*started);
  }
  void TearDown() override { spawner.reset(); }
  std::unique_ptr<sandbox::Spawner> spawner;
  /// Of all tests: programs are asked for their version once.
  runtime::Interpreters interpreters{
      {{}, false, runtime::split_search_path(getenv("PATH")), [this](const std::string& program) { return spawner->version_of(program); }}};
};
inline StartedSpawner* const started = static_cast<StartedSpawner*>(::testing::AddGlobalTestEnvironment(new StartedSpawner));

class ServiceTest : public ::testing::Test {
 public:
  void SetUp() override {
    char name[] = "/tmp/lambda-service-XXXXXX";
    folder = fs::canonical(mkdtemp(name));
    scratch = folder + "/scratch";
    ASSERT_TRUE(runtime::write_bootstraps(scratch));
    start();
  }
  void TearDown() override {
    stop();
    fs::remove_all(folder);
  }
  /// Everything anew from the store, as after a restart.
  void start() {
    code.emplace(folder + "/code");
    surroundings.emplace(runtime::Surroundings{clock, random, lines, interpreters, *started->spawner, scratch});
    invoker = std::make_unique<FunctionInvoker>(*surroundings, capacity, roles, code->root());
    invoker->set_endpoint_url("http://127.0.0.1:4566");
    invoker->set_account_concurrency(limits.concurrent_executions);
    invoker->set_background_loop(*loop);
    events = std::make_unique<EventQueue>(
        EventQueue::Parts{*invoker, store, clock, random, lines, guard,
                          [this](std::string_view account, std::string_view region) { return invoker->state(account, region); }},
        EventQueue::Delays{std::chrono::milliseconds(1), std::chrono::milliseconds(1), std::chrono::milliseconds(1),
                           std::chrono::milliseconds(2), std::chrono::seconds(30)});
    links.emplace(*code, random);
    urls = std::make_unique<UrlIndex>();
    ledger = std::make_unique<Ledger>("lambda", store, [this](Ledger::Snapshot state) {
      urls->publish(state);
      invoker->publish(std::move(state));
    });
    auto loaded = ledger->load();
    ASSERT_TRUE(loaded) << loaded.error().message;
    service.emplace(make_service({*ledger, *code, *invoker, *events, *links, roles, random, limits}));
    auto taken_back = events->load();
    ASSERT_TRUE(taken_back) << taken_back.error().message;
    events->start({loop.get()});
  }
  void stop() {
    events->stop();
    invoker->retire_all();
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }

  Result<json::Value, aws::ApiError> call(std::string operation, json::Value input) {
    const auto* found = service->find(operation);
    if (!found) {
      ADD_FAILURE() << "no operation " << operation;
      return fail(aws::ApiError{"UnknownOperationException", 404, operation});
    }
    std::optional<Result<json::Value, aws::ApiError>> answer;
    const auto run = [&](control::Call& made) -> Task<void> {
      if (found->run_streamed) {
        auto streamed = co_await attempt(found->run_streamed(made));
        if (streamed) last_headers = std::move(streamed->headers);
        answer.emplace(streamed ? Result<json::Value, aws::ApiError>(std::move(streamed->output)) : std::unexpected(streamed.error()));
      } else {
        answer.emplace(co_await attempt(found->run(made)));
      }
      loop->stop();
    };
    last_id = make_uuid(random);
    control::Call made{*loop,
                       std::move(operation),
                       last_id,
                       scope,
                       std::make_shared<const aws::Caller>(),
                       now,
                       "127.0.0.1",
                       "http://127.0.0.1:4566",
                       wire::Parameters(std::move(input))};
    loop->scope().spawn(run(made));
    loop->run();
    now += std::chrono::seconds(1);
    return std::move(*answer);
  }
  /// The answer of a call that went well.
  json::Value good(std::string operation, json::Value input) {
    auto answer = call(std::move(operation), std::move(input));
    EXPECT_TRUE(answer) << answer.error().code << ": " << answer.error().message;
    return answer ? std::move(*answer) : json::Value();
  }
  /// `404 ResourceNotFoundException: text` of one that was refused.
  std::string bad(std::string operation, json::Value input) {
    auto answer = call(std::move(operation), std::move(input));
    if (answer) return cat("went well: ", json::to_text(*answer));
    return cat(answer.error().status, " ", answer.error().code, ": ", answer.error().message);
  }
  std::vector<control::Access> access(std::string operation, json::Value input) {
    control::Call made{*loop,
                       operation,
                       "id",
                       scope,
                       std::make_shared<const aws::Caller>(),
                       now,
                       "127.0.0.1",
                       "http://127.0.0.1:4566",
                       wire::Parameters(std::move(input))};
    auto all = service->find(operation)->access(made);
    EXPECT_TRUE(all);
    return all.value_or(std::vector<control::Access>());
  }

  static std::string text(const json::Value& value, std::string_view name) {
    const auto* member = value.find(name);
    return member && member->string() ? *member->string() : member ? json::to_text(*member) : "(absent)";
  }
  /// The bytes of a zip with one file.
  static std::string zip(std::string_view file, std::string_view content) { return zip_of_one(file, content); }
  json::Value function(std::string name, std::string package) {
    return json::Object{{"FunctionName", std::move(name)},
                        {"Runtime", "python3.12"},
                        {"Handler", "app.handler"},
                        {"Role", "arn:aws:iam::123456789012:role/r"},
                        {"Code", json::Object{{"ZipFile", std::move(package)}}}};
  }
  json::Value named(std::string_view name) { return json::Object{{"FunctionName", name}}; }
  std::string arn(std::string_view name) { return cat(function_arn_prefix, name); }
  std::string missing(std::string_view runtime) {
    auto found = interpreters.find(runtime);
    return found ? std::string() : "skipped: " + found.error().message;
  }

  std::string folder, scratch, last_id;
  std::vector<http::Header> last_headers;  // that the model does not know
  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  SystemClock clock;
  SystemRandom random;
  CollectedLines lines;
  runtime::Interpreters& interpreters = started->interpreters;
  runtime::Capacity capacity{4, 2};
  AccountLimits limits;
  FakeRoles roles;
  FakeGuard guard;
  MemoryStore store;
  aws::Scope scope;
  WallTime now{std::chrono::seconds(1'795'428'000)};  // 2026-11-23T10:00:00Z
  std::optional<CodeStore> code;
  std::optional<runtime::Surroundings> surroundings;
  std::unique_ptr<FunctionInvoker> invoker;
  std::unique_ptr<EventQueue> events;
  std::optional<PackageLinks> links;
  std::unique_ptr<UrlIndex> urls;
  std::unique_ptr<Ledger> ledger;
  std::optional<control::Service> service;
};

}  // namespace sallyport::lambda::testing
