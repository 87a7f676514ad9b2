#include "control/ledger.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

#include "base/shared.hpp"

namespace sallyport::control {

// A state as services have it: found by the ledger through its functions.
struct Shelf {
  aws::Scope scope;
  std::map<std::string, Shared<std::string>, std::less<>> books;
};

void save(const Shelf& before, const Shelf& after, store::Batch& batch) {
  const auto key = [&](const std::string& name) { return store::Key{"shelf", after.scope.account_id, after.scope.region, "book", name}; };
  for (const auto& [name, book] : after.books) {
    const auto old = before.books.find(name);
    if (old == before.books.end() || !old->second.is(book)) batch.put(key(name), *book);
  }
  for (const auto& [name, book] : before.books)
    if (!after.books.contains(name)) batch.erase(key(name));
}

Result<> restore(Shelf& shelf, const store::Record& record) {
  if (record.value == "damaged") return fail("a damaged book");
  shelf.books.insert_or_assign(record.key.name, record.value);
  return {};
}

namespace {

/// Commits on a thread of its own, when a test lets it.
class SlowStore final : public store::Store {
 public:
  SlowStore() : thread_([this] { run(); }) {}
  ~SlowStore() override {
    {
      std::scoped_lock lock(mutex_);
      ending_ = true;
      open_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Result<> load(std::string_view, const std::function<Result<>(const store::Record&)>& each) override {
    for (const auto& [key, value] : records)
      if (auto good = each({key, value}); !good) return good;
    return {};
  }
  void commit(store::Batch batch, std::move_only_function<void(Result<>)> done) override {
    std::scoped_lock lock(mutex_);
    queue_.push_back({std::move(batch), std::move(done)});
    wake_.notify_all();
  }
  std::string seal(std::string_view secret, std::string_view) const override { return std::string(secret); }
  Result<std::string> unseal(std::string_view sealed, std::string_view) const override { return std::string(sealed); }

  void set_open(bool open) {
    std::scoped_lock lock(mutex_);
    open_ = open;
    wake_.notify_all();
  }
  std::map<store::Key, std::string> records;
  std::atomic<bool> fails = false;
  std::atomic<int> commits = 0;

 private:
  struct Queued {
    store::Batch batch;
    std::move_only_function<void(Result<>)> done;
  };
  void run() {
    for (;;) {
      Queued next;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return (open_ && !queue_.empty()) || (ending_ && queue_.empty()); });
        if (queue_.empty()) return;
        next = std::move(queue_.front());
        queue_.pop_front();
      }
      ++commits;
      if (fails) {
        next.done(fail("the disk is full"));
        continue;
      }
      for (const auto& change : next.batch.changes()) {
        if (change.erased)
          records.erase(change.key);
        else
          records[change.key] = change.value;
      }
      next.done({});
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Queued> queue_;
  bool open_ = true, ending_ = false;
  std::thread thread_;
};

const aws::Scope scope;

auto put(std::string name, std::string text) {
  return [=](Shelf& shelf) -> Answer<json::Value> {
    shelf.books.insert_or_assign(name, text);
    return json::Value();
  };
}

TEST(LedgerTest, WhatIsWrittenIsPublishedAndComesBack) {
  SlowStore store;
  std::vector<std::size_t> published;
  {
    Ledger<Shelf> ledger("shelf", store, [&](auto shelf) { published.push_back(shelf->books.size()); });
    ASSERT_TRUE(ledger.write_and_wait(scope, put("a", "1")));
    ASSERT_TRUE(ledger.write_and_wait(scope, put("b", "2")));
    EXPECT_EQ(ledger.read(scope)->books.size(), 2u);
    EXPECT_EQ(published, (std::vector<std::size_t>{1, 2}));
    EXPECT_TRUE(ledger.read({"111111111111", "us-east-1", "aws"})->books.empty()) << "another account";
  }
  Ledger<Shelf> again("shelf", store);
  ASSERT_TRUE(again.load());
  EXPECT_EQ(*again.read(scope)->books.at("b"), "2");
}

TEST(LedgerTest, ARefusedChangeChangesNothing) {
  SlowStore store;
  Ledger<Shelf> ledger("shelf", store);
  const auto refused = ledger.write_and_wait(scope, [](Shelf& shelf) -> Answer<json::Value> {
    shelf.books.insert_or_assign("a", std::string("1"));
    return fail(aws::ApiError{"ResourceConflictException", 409, "no"});
  });
  EXPECT_EQ(refused.error().code, "ResourceConflictException");
  EXPECT_TRUE(ledger.read(scope)->books.empty());
  EXPECT_EQ(store.commits, 0);
}

TEST(LedgerTest, NothingIsSeenBeforeItIsDurable) {
  SlowStore store;
  Ledger<Shelf> ledger("shelf", store);
  store.set_open(false);
  std::thread writer([&] { EXPECT_TRUE(ledger.write_and_wait(scope, put("a", "1"))); });
  // A second writer builds on the first one's change, durable or not.
  std::thread second([&] { EXPECT_TRUE(ledger.write_and_wait(scope, put("b", "2"))); });
  EXPECT_TRUE(ledger.read(scope)->books.empty());
  store.set_open(true);
  writer.join();
  second.join();
  EXPECT_EQ(ledger.read(scope)->books.size(), 2u);
}

TEST(LedgerTest, AnAnswerThatRestsOnAnotherWriteWaitsForIt) {
  SlowStore store;
  Ledger<Shelf> ledger("shelf", store);
  store.set_open(false);
  store.fails = true;
  std::thread first([&] { EXPECT_FALSE(ledger.write_and_wait(scope, put("a", "1"))); });
  // Says the same again, once the first has been taken in: there is nothing to write, and still nothing is durable.
  std::thread second([&] {
    for (bool seen = false; !seen;)
      EXPECT_FALSE(ledger.write_and_wait(scope, [&](Shelf& shelf) -> Answer<json::Value> {
        seen = shelf.books.contains("a");
        if (!seen) return fail(aws::ApiError{"NotYet", 400, ""});
        store.set_open(true);
        return json::Value();
      }));
  });
  first.join();
  second.join();
}

TEST(LedgerTest, AFailedCommitIsTakenBack) {
  SlowStore store;
  Ledger<Shelf> ledger("shelf", store);
  ASSERT_TRUE(ledger.write_and_wait(scope, put("a", "1")));
  store.fails = true;
  const auto failed = ledger.write_and_wait(scope, put("a", "2"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status, 500);
  EXPECT_NE(failed.error().message.find("the disk is full"), std::string::npos);
  EXPECT_EQ(*ledger.read(scope)->books.at("a"), "1");
  store.fails = false;
  ASSERT_TRUE(ledger.write_and_wait(scope, put("b", "3")));
  EXPECT_EQ(*ledger.read(scope)->books.at("a"), "1") << "the next change does not bring the failed one along";
}

TEST(LedgerTest, ADamagedRecordStopsTheStart) {
  SlowStore store;
  store.records[{"shelf", "123456789012", "us-east-1", "book", "a"}] = "damaged";
  Ledger<Shelf> ledger("shelf", store);
  EXPECT_FALSE(ledger.load());
}

TEST(LedgerTest, ManyWritersLoseNothing) {
  SlowStore store;
  Ledger<Shelf> ledger("shelf", store);
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i)
    writers.emplace_back([&ledger, i] {
      for (int n = 0; n < 50; ++n) EXPECT_TRUE(ledger.write_and_wait(scope, put(std::to_string(i) + "-" + std::to_string(n), "x")));
    });
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(ledger.read(scope)->books.size(), 400u);
  EXPECT_EQ(store.records.size(), 400u);
}

}  // namespace
}  // namespace sallyport::control
