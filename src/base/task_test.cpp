#include "base/task.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sallyport {
namespace {

using Log = std::vector<std::string>;

/// Writes when it dies, to see when the locals of a task go.
struct Witness {
  Log& log;
  std::string name;
  ~Witness() { log.push_back(name + " gone"); }
};

Task<int> seven() { co_return 7; }
Task<Result<int>> succeed(int value) { co_return value; }
Task<Result<int>> refuse(std::string message) { co_return fail(std::move(message)); }
Result<int> plain(bool ok) { return ok ? Result<int>(5) : fail("plain refusal"); }

TEST(Task, HandsOutValues) {
  const auto outer = []() -> Task<std::string> { co_return std::to_string(co_await seven() + co_await seven()); };
  EXPECT_EQ(run_now(outer()), "14");
}

TEST(Task, IsLazy) {
  bool started = false;
  {
    auto task = [](bool& flag) -> Task<> {
      flag = true;
      co_return;
    }(started);
  }
  EXPECT_FALSE(started);
}

TEST(Task, MovesValuesThatCannotBeCopied) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
  const auto outer = [&]() -> Task<Result<std::unique_ptr<int>>> { co_return co_await make(); };
  EXPECT_EQ(**run_now(outer()), 3);
}

TEST(TaskOfResult, ContinuesWithTheValue) {
  const auto outer = []() -> Task<Result<int>> {
    const int a = co_await succeed(40);
    const int b = co_await plain(true);
    co_return a + b;
  };
  EXPECT_EQ(run_now(outer()).value(), 45);
}

TEST(TaskOfResult, LeavesWithTheErrorOfATask) {
  Log log;
  const auto outer = [](Log& out) -> Task<Result<int>> {
    Witness witness{out, "outer"};
    out.push_back("before");
    const int value = co_await refuse("no");
    out.push_back("after");
    co_return value;
  };
  const auto result = run_now(outer(log));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "no");
  EXPECT_EQ(log, (Log{"before", "outer gone"}));
}

TEST(TaskOfResult, LeavesWithTheErrorOfAResult) {
  Log log;
  const auto outer = [](Log& out) -> Task<Result<int>> {
    const int value = co_await plain(false);
    out.push_back("after");
    co_return value;
  };
  EXPECT_EQ(run_now(outer(log)).error().message, "plain refusal");
  EXPECT_TRUE(log.empty());
}

TEST(TaskOfResult, LeavesThroughEveryLevel) {
  Log log;
  const auto inner = [](Log& out) -> Task<Result<int>> {
    Witness witness{out, "inner"};
    co_return co_await plain(false);
  };
  const auto middle = [&inner](Log& out) -> Task<Result<std::string>> {
    Witness witness{out, "middle"};
    co_return std::to_string(co_await inner(out));
  };
  const auto outer = [&middle](Log& out) -> Task<Result<>> {
    Witness witness{out, "outer"};
    const auto text = co_await middle(out);
    out.push_back(text);
    co_return Result<>{};
  };
  EXPECT_EQ(run_now(outer(log)).error().message, "plain refusal");
  EXPECT_EQ(log, (Log{"inner gone", "middle gone", "outer gone"}));
}

TEST(TaskOfResult, LeavesWithNothingToReturn) {
  const auto check = [](bool ok) -> Result<> { return ok ? Result<>{} : fail("checked"); };
  const auto outer = [&](bool ok) -> Task<Result<int>> {
    co_await check(ok);
    co_return 1;
  };
  EXPECT_EQ(run_now(outer(true)).value(), 1);
  EXPECT_EQ(run_now(outer(false)).error().message, "checked");
}

struct Refusal {
  int status;
  std::string text;
  Refusal(Error error) : status(500), text(std::move(error.message)) {}
};

TEST(TaskOfResult, ConvertsErrors) {
  const auto outer = [](bool by_task) -> Task<Result<int, Refusal>> {
    if (by_task) co_return co_await refuse("from task");
    co_return co_await plain(false);
  };
  EXPECT_EQ(run_now(outer(true)).error().text, "from task");
  EXPECT_EQ(run_now(outer(false)).error().text, "plain refusal");
  EXPECT_EQ(run_now(outer(false)).error().status, 500);
}

TEST(TaskOfResult, AttemptKeepsTheError) {
  const auto outer = []() -> Task<Result<std::string>> {
    const auto kept = co_await attempt(refuse("kept"));
    const auto fine = co_await attempt(succeed(1));
    co_return kept.error().message + std::to_string(*fine);
  };
  EXPECT_EQ(run_now(outer()).value(), "kept1");
}

TEST(Task, OfNoResultKeepsTheError) {
  const auto outer = []() -> Task<std::string> {
    const auto result = co_await refuse("seen");
    co_return result.error().message;
  };
  EXPECT_EQ(run_now(outer()), "seen");
}

TEST(Task, ALaterAwaitOfANamedTask) {
  const auto outer = []() -> Task<Result<int>> {
    auto task = succeed(9);
    const int value = co_await task;
    co_return value;
  };
  EXPECT_EQ(run_now(outer()).value(), 9);
}

TEST(Task, CarriesExceptions) {
  const auto thrower = []() -> Task<Result<int>> {
    throw std::runtime_error("broken promise");
    co_return 1;
  };
  const auto outer = [&]() -> Task<Result<int>> { co_return co_await thrower(); };
  const auto catching = [&]() -> Task<std::string> {
    try {
      (void)co_await thrower();
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing";
  };
  EXPECT_THROW((void)run_now(outer()), std::runtime_error);
  EXPECT_EQ(run_now(catching()), "broken promise");
}

TEST(Task, ManyAwaitsDoNotGrowTheStack) {
  const auto outer = []() -> Task<Result<int>> {
    int sum = 0;
    for (int i = 0; i < 200'000; ++i) sum += co_await succeed(1);
    co_return sum;
  };
  EXPECT_EQ(run_now(outer()).value(), 200'000);
}

/// Lets the test decide when a waiting task goes on.
struct Gate {
  std::coroutine_handle<> waiting = nullptr;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
  int await_resume() const { return 3; }
};

TEST(Task, WaitsForForeignAwaitables) {
  Gate gate;
  int got = 0;
  auto task = [](Gate& at, int& out) -> Task<> { out = co_await at; }(gate, got);
  task.handle().resume();
  EXPECT_EQ(got, 0);
  gate.waiting.resume();
  EXPECT_EQ(got, 3);
}

TEST(Task, DestroyingAWaitingTaskDestroysItsLocals) {
  Log log;
  Gate gate;
  {
    const auto inner = [](Gate& at, Log& out) -> Task<Result<int>> {
      Witness witness{out, "inner"};
      co_return co_await at;
    };
    auto task = [](auto& make, Gate& at, Log& out) -> Task<Result<int>> {
      Witness witness{out, "outer"};
      co_return co_await make(at, out);
    }(inner, gate, log);
    task.handle().resume();
    EXPECT_TRUE(gate.waiting);
    EXPECT_TRUE(log.empty());
  }
  EXPECT_EQ(log, (Log{"inner gone", "outer gone"}));
}

TEST(Task, MoveAssignmentKeepsBothUsable) {
  auto a = succeed(1), b = succeed(2);
  a = std::move(b);
  EXPECT_EQ(run_now(std::move(a)).value(), 2);
}

}  // namespace
}  // namespace sallyport
