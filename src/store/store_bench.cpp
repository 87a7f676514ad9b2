// Commits per second, beside what SQLite alone does in the same folder with one row a transaction.
#include <benchmark/benchmark.h>

#include <sqlite3.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "store/sqlite_store.hpp"

namespace sallyport::store {
namespace {

const std::string directory = "/tmp/sallyport-store-bench";
constexpr int rows = 1000;
const std::string value(1000, 'v');

double per_second(std::chrono::steady_clock::time_point since) {
  return rows / std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

/// Raw SQLite with the same table and settings.
double raw_rate() {
  std::remove((directory + "/raw.db").c_str());
  sqlite3* connection = nullptr;
  sqlite3_open((directory + "/raw.db").c_str(), &connection);
  sqlite3_exec(
      connection,
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE objects (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;",
      nullptr, nullptr, nullptr);
  sqlite3_stmt* put = nullptr;
  sqlite3_prepare_v2(connection, "INSERT INTO objects VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2", -1, &put, nullptr);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < rows; ++i) {
    const auto name = std::to_string(i);
    sqlite3_bind_text(put, 1, name.data(), static_cast<int>(name.size()), SQLITE_STATIC);
    sqlite3_bind_text(put, 2, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    sqlite3_step(put);
    sqlite3_reset(put);
  }
  const auto rate = per_second(start);
  sqlite3_finalize(put);
  sqlite3_close(connection);
  return rate;
}

// Rows nobody has written: an equal one changes no page, and SQLite then has nothing to sync.
double store_rate(Store& store, int concurrency) {
  static int written = 0;
  std::mutex mutex;
  std::condition_variable room;
  int under_way = 0;
  const auto wait_below = [&](int limit) {
    std::unique_lock lock(mutex);
    room.wait(lock, [&] { return under_way < limit; });
  };
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < rows; ++i) {
    wait_below(concurrency);
    {
      std::scoped_lock lock(mutex);
      ++under_way;
    }
    Batch batch;
    batch.put({"lambda", "123456789012", "us-east-1", "function", std::to_string(++written)}, value);
    store.commit(std::move(batch), [&](Result<>) {
      std::scoped_lock lock(mutex);
      --under_way;
      room.notify_one();
    });
  }
  wait_below(1);
  return per_second(start);
}

void store_commits(benchmark::State& state) {
  std::filesystem::remove_all(directory);
  auto store = open_store(directory);
  if (!store) return state.SkipWithError(store.error().message.c_str());
  double raw = 0, ours = 0;
  for (auto _ : state) {
    raw += raw_rate();
    ours += store_rate(**store, static_cast<int>(state.range(0)));
  }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["commits_per_s"] = ours / rounds;
  state.counters["raw_per_s"] = raw / rounds;
  state.counters["ratio"] = ours / raw;
}
BENCHMARK(store_commits)->Arg(1)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond)->Iterations(3);

void store_open(benchmark::State& state) {
  open_store(directory)->reset();
  for (auto _ : state) {
    auto store = open_store(directory);
    state.PauseTiming();
    store->reset();
    state.ResumeTiming();
  }
}
BENCHMARK(store_open)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace sallyport::store
