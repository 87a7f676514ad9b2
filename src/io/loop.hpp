// Loop: one event loop, run by one thread. The only module that waits; nothing above sees libuv.
#pragma once

#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.hpp"
#include "base/task.hpp"

struct uv_loop_s;

namespace sallyport::io {

/// Owns running tasks: nothing is detached. Lives on one loop's thread.
class Scope {
 public:
  Scope() = default;
  /// REQUIRES: empty, or its loop has stopped for good.
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  /// Starts the task at once. An exception that leaves it ends the process: tasks answer for their own.
  void spawn(Task<void> task);
  bool empty() const { return running_ == 0; }
  /// Calls `done` when the last task has ended (at once when there is none).
  void when_empty(std::move_only_function<void()> done);

 private:
  struct Child;
  std::size_t running_ = 0;
  std::move_only_function<void()> when_empty_;
};

/// Owned by one thread, which runs it. `post`, `stop` and `switch_to` may be called from any thread; everything else from the loop's own.
class Loop {
 public:
  static Result<std::unique_ptr<Loop>> make();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until `stop`. What was posted before `stop` still runs.
  void run();
  void stop();
  /// Runs `work` on the loop's thread, soon, in the order of posting.
  void post(std::move_only_function<void()> work);
  /// True on the thread that runs this loop; false while nobody runs it.
  bool is_here() const;

  struct Switch {
    Loop& loop;
    bool await_ready() const { return loop.is_here(); }
    void await_suspend(std::coroutine_handle<> waiting) {
      loop.post([waiting] { waiting.resume(); });
    }
    void await_resume() const {}
  };
  /// `co_await loop.switch_to()`: the coroutine goes on on this loop's thread.
  Switch switch_to() { return {*this}; }

  /// Tasks that belong to the loop itself. Used on the loop's thread alone.
  Scope& scope();

  uv_loop_s* raw() const;
  struct State;  // defined for the files of this module alone

 private:
  Loop() = default;
  std::unique_ptr<State> state_;
};

/// Calls `expired` on the loop once the time is over, unless destroyed before. Lives on the loop's thread.
class Deadline {
 public:
  Deadline(Loop& loop, std::chrono::milliseconds after, std::move_only_function<void()> expired);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  struct State;
  State* state_;
};

/// `co_await sleep_for(loop, 10ms)`.
Task<void> sleep_for(Loop& loop, std::chrono::milliseconds time);

/// Blocking work (unpacking, hashing) on libuv's worker threads; the task resumes on `loop`.
Task<void> run_blocking(Loop& loop, std::move_only_function<void()> work);

}  // namespace sallyport::io
