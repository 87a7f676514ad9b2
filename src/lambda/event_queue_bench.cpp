// Events taken in and worked off per second, beside what SQLite alone does in the same folder with as many rows a transaction.
#include <benchmark/benchmark.h>

#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "lambda/event_queue.hpp"
#include "lambda/testing_fakes.hpp"
#include "store/sqlite_store.hpp"

namespace sallyport::lambda {
namespace {

const std::string directory = "/tmp/sallyport-event-bench";
constexpr int events = 20'000;
const std::string payload = "\"" + std::string(1000, 'p') + "\"";

double per_second(std::chrono::steady_clock::time_point since) {
  return events / std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

/// Raw SQLite: rows put, and rows taken away, `batch` a transaction.
struct Raw {
  double put, erase;
};
Raw raw_rates(int batch) {
  const auto path = directory + "/raw.db";
  for (const auto suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  sqlite3* connection = nullptr;
  sqlite3_open(path.c_str(), &connection);
  sqlite3_exec(
      connection,
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
      nullptr, nullptr, nullptr);
  const auto run = [&](const char* sql, bool with_value) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(connection, sql, -1, &statement, nullptr);
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < events; ++i) {
      if (i % batch == 0) sqlite3_exec(connection, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
      const auto name = std::to_string(1'000'000 + i);
      sqlite3_bind_text(statement, 1, name.data(), static_cast<int>(name.size()), SQLITE_STATIC);
      if (with_value) sqlite3_bind_text(statement, 2, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC);
      sqlite3_step(statement);
      sqlite3_reset(statement);
      if (i % batch == batch - 1 || i == events - 1) sqlite3_exec(connection, "COMMIT", nullptr, nullptr, nullptr);
    }
    const auto rate = per_second(start);
    sqlite3_finalize(statement);
    return rate;
  };
  Raw rates{};
  rates.put = run("INSERT INTO events VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2", true);
  rates.erase = run("DELETE FROM events WHERE name = ?1", false);
  sqlite3_close(connection);
  return rates;
}

class InstantInvoker final : public Invoker {
 public:
  Task<Result<InvokeResponse, aws::ApiError>> invoke(io::Loop&, InvokeRequest request) override {
    co_return InvokeResponse{RequestId(request.request_id), "$LATEST", std::nullopt, "null"};
  }
};

/// A queue on a store of its own, and as many callers as there are rows in a transaction of the other side.
class Ours {
 public:
  explicit Ours(int at_once) {
    state_->scope = aws::Scope();
    Function function;
    function.latest.function_arn = function_arn_;
    state_->functions.emplace("f", std::move(function));
    queue_.emplace(EventQueue::Parts{invoker_, *store_, clock_, random_, lines_, guard_, [this](auto, auto) { return state_; }},
                   EventQueue::Delays{}, EventQueue::Limits{.schedule = {.at_once_max = at_once, .at_once_of_one_begin = at_once}});
  }
  double put(int callers) {
    const auto start = std::chrono::steady_clock::now();
    left_ = events;
    calling_ = callers;
    for (int i = 0; i < callers; ++i) loop_->scope().spawn(call());
    loop_->run();
    return per_second(start);
  }
  double work_off() {
    const auto start = std::chrono::steady_clock::now();
    queue_->start({loop_.get()});
    loop_->scope().spawn(watch());
    loop_->run();
    const auto rate = per_second(start);
    queue_->stop();
    return rate;
  }

 private:
  Task<void> call() {
    while (left_-- > 0) {
      InvokeRequest request;
      request.function_arn = function_arn_;
      request.payload = payload;
      co_await attempt(queue_->push(*loop_, std::move(request)));
    }
    if (--calling_ == 0) loop_->stop();
  }
  Task<void> watch() {
    while (queue_->size() > 0) co_await io::sleep_for(*loop_, std::chrono::milliseconds(1));
    loop_->scope().when_empty([this] { loop_->stop(); });
  }
  const std::string function_arn_ = std::string(testing::function_arn_prefix) + "f";
  std::unique_ptr<io::Loop> loop_ = *io::Loop::make();
  InstantInvoker invoker_;
  SystemClock clock_;
  SystemRandom random_;
  testing::CollectedLines lines_;
  testing::FakeGuard guard_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::unique_ptr<store::Store> store_ = *store::open_store(directory);
  std::optional<EventQueue> queue_;
  int left_ = 0, calling_ = 0;
};

void event_queue(benchmark::State& state) {
  const auto batch = static_cast<int>(state.range(0));
  Raw raw{}, ours{};
  for (auto _ : state) {
    std::filesystem::remove_all(directory);
    Ours queue(batch);
    const auto rates = raw_rates(batch);
    raw.put += rates.put;
    raw.erase += rates.erase;
    ours.put += queue.put(batch);
    ours.erase += queue.work_off();
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["enqueue_per_s"] = ours.put / rounds;
  state.counters["raw_insert_per_s"] = raw.put / rounds;
  state.counters["enqueue_ratio"] = ours.put / raw.put;
  state.counters["drain_per_s"] = ours.erase / rounds;
  state.counters["raw_delete_per_s"] = raw.erase / rounds;
  state.counters["drain_ratio"] = ours.erase / raw.erase;
}
BENCHMARK(event_queue)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace sallyport::lambda
