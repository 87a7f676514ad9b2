// Folder: a temporary folder; Commits: batches and what became of them.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "store/store.hpp"

namespace sallyport::store::testing {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/store-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  std::string operator/(std::string_view name) const { return cat(path, "/", name); }
  std::string path;
};

inline Key key(std::string name, std::string service = "lambda") {
  return {std::move(service), "123456789012", "us-east-1", "function", std::move(name)};
}

inline Batch one(std::string name, std::string value) {
  Batch batch;
  batch.put(key(std::move(name)), std::move(value));
  return batch;
}

/// Collects what was reported, in order. REQUIRES: `wait` before it goes.
class Commits {
 public:
  explicit Commits(Store& store) : store_(store) {}
  void start(Batch batch) {
    const auto number = started_++;
    store_.commit(std::move(batch), [this, number](Result<> result) {
      std::scoped_lock lock(mutex_);
      order.push_back(number);
      errors.push_back(result ? "" : result.error().message);
      reported_.notify_all();
    });
  }
  void wait() {
    std::unique_lock lock(mutex_);
    reported_.wait(lock, [this] { return order.size() == started_; });
  }
  /// One batch, to its end; the error or nothing.
  static std::string run(Store& store, Batch batch) {
    Commits commits(store);
    commits.start(std::move(batch));
    commits.wait();
    return commits.errors.front();
  }

  /// The same after a failure: who is quick enough is still taken along by it.
  static std::string run_after_failure(Store& store, const Batch& batch) {
    std::string error;
    for (int i = 0; i < 100; ++i) {
      error = run(store, batch);
      if (error.empty()) break;
      usleep(1000);
    }
    return error;
  }

  std::vector<std::size_t> order;
  std::vector<std::string> errors;

 private:
  Store& store_;
  std::size_t started_ = 0;
  std::mutex mutex_;
  std::condition_variable reported_;
};

inline std::vector<Record> all(Store& store, std::string_view service = "lambda") {
  std::vector<Record> records;
  (void)store.load(service, [&](const Record& record) -> Result<> {
    records.push_back(record);
    return {};
  });
  return records;
}

}  // namespace sallyport::store::testing
