// World: the service over a store in memory or on disk, a clock that is set by hand, and calls without the wire.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/loop.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "logs/service.hpp"
#include "store/sqlite_store.hpp"

namespace sallyport::logs::testing {

class SetClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(std::chrono::milliseconds(now_ms.load())); }
  MonotonicTime monotonic_now() const override { return {}; }
  std::atomic<std::int64_t> now_ms = 1'700'000'000'000;
};

/// Passes everything on, unless it is told to fail.
class FailingStore final : public store::Store {
 public:
  explicit FailingStore(std::unique_ptr<store::Store> store) : store_(std::move(store)) {}
  Result<> load(std::string_view service, const std::function<Result<>(const store::Record&)>& each) override {
    return store_->load(service, each);
  }
  Result<std::optional<std::string>> read(const store::Key& key) override {
    ++reads;
    return store_->read(key);
  }
  void commit(store::Batch batch, std::move_only_function<void(Result<>)> done) override {
    if (!fails) return store_->commit(std::move(batch), std::move(done));
    store_->commit({}, [done = std::move(done)](Result<>) mutable { done(fail("the disk is full")); });
  }
  std::string seal(std::string_view secret, std::string_view id) const override { return store_->seal(secret, id); }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override { return store_->unseal(sealed, id); }
  std::atomic<bool> fails = false;
  std::atomic<int> reads = 0;

 private:
  std::unique_ptr<store::Store> store_;
};

template <class T>
Task<void> collect(io::Loop& loop, Task<T> task, std::optional<T>& out) {
  out = co_await std::move(task);
  loop.stop();
}

template <class T>
T run(io::Loop& loop, Task<T> task) {
  std::optional<T> out;
  loop.scope().spawn(collect(loop, std::move(task), out));
  loop.run();
  return std::move(*out);
}

class World {
 public:
  explicit World(Logs::Choices choices = {}) : choices_(choices), store(store::open_ephemeral_store().value()) { start(); }

  /// As after a restart: what is not in the store is gone.
  void start() {
    service.reset();
    logs.reset();
    logs.emplace(store, clock, random, choices_);
    EXPECT_TRUE(logs->load());
    service.emplace(make_service(*logs));
  }

  control::Answer<json::Value> call(std::string operation, json::Value in = json::Object()) {
    auto loop = io::Loop::make().value();
    auto made = make_call(*loop, std::move(operation), std::move(in));
    const auto* found = service->find(made.operation);
    EXPECT_NE(found, nullptr) << made.operation;
    if (auto access = found->access(made); !access) return std::unexpected(access.error());
    return run(*loop, found->run(made));
  }
  control::Answer<json::Value> call(std::string operation, const char* in) { return call(std::move(operation), json::parse(in).value()); }
  /// The output as text, or the error as `code: message`.
  std::string text(std::string operation, json::Value in = json::Object()) {
    auto answer = call(std::move(operation), std::move(in));
    return answer ? json::to_text(*answer) : cat(answer.error().code, ": ", answer.error().message);
  }
  std::string text(std::string operation, const char* in) { return text(std::move(operation), json::parse(in).value()); }
  /// `action on resource` of each thing a call needs.
  std::vector<control::Access> access(std::string operation, const char* in) {
    auto loop = io::Loop::make().value();
    auto made = make_call(*loop, std::move(operation), json::parse(in).value());
    auto access = service->find(made.operation)->access(made);
    EXPECT_TRUE(access) << access.error().message;
    return access ? *access : std::vector<control::Access>();
  }

  /// One batch, a millisecond apart from `first_ms` on.
  std::string put(std::string_view group, std::string_view stream, std::int64_t first_ms, const std::vector<std::string>& messages) {
    json::Array events;
    for (const auto& message : messages) events.push_back(json::Object{{"timestamp", first_ms++}, {"message", message}});
    return text("PutLogEvents", json::Object{{"logGroupName", group}, {"logStreamName", stream}, {"logEvents", std::move(events)}});
  }
  void make(std::string_view group, const std::vector<std::string>& streams = {}) {
    EXPECT_EQ(text("CreateLogGroup", json::Object{{"logGroupName", group}}), "{}");
    for (const auto& stream : streams)
      EXPECT_EQ(text("CreateLogStream", json::Object{{"logGroupName", group}, {"logStreamName", stream}}), "{}");
  }

 private:
  control::Call make_call(io::Loop& loop, std::string operation, json::Value in) {
    return {loop,
            std::move(operation),
            "r",
            scope,
            std::make_shared<const aws::Caller>(),
            clock.wall_now(),
            "127.0.0.1",
            "http://localhost:4566",
            wire::Parameters(std::move(in))};
  }
  const Logs::Choices choices_;

 public:
  aws::Scope scope;
  SetClock clock;
  SystemRandom random;
  FailingStore store;
  std::optional<Logs> logs;
  std::optional<control::Service> service;
};

/// The strings of one member of each item of a list.
inline std::vector<std::string> pluck(const control::Answer<json::Value>& answer, std::string_view list, std::string_view member) {
  std::vector<std::string> out;
  if (!answer) return {answer.error().code};
  for (const auto& item : *answer->find(list)->array()) out.push_back(*item.find(member)->string());
  return out;
}
inline std::vector<std::string> messages(const control::Answer<json::Value>& answer) { return pluck(answer, "events", "message"); }
inline std::string string_of(const control::Answer<json::Value>& answer, std::string_view member) {
  const auto* found = answer ? answer->find(member) : nullptr;
  return found && found->string() ? *found->string() : "";
}

}  // namespace sallyport::logs::testing
