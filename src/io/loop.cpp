#include "io/loop.hpp"

#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "io/loop_state.hpp"

namespace sallyport::io {

namespace {

// All blocking work of the process shares libuv's workers, four by default, which it makes at the first use with what the environment says
// then. Some of the work waits (for an address that nobody accepts at), so there are more of them. Set once, before libuv is used: reading
// the environment is not safe beside setting it. A value that the user gives stands.
void set_worker_threads() {
  static std::once_flag once;
  std::call_once(once, [] { setenv("UV_THREADPOOL_SIZE", "32", 0); });
}

constexpr std::uint64_t watch_again_ms = 100;

thread_local Loop::State* running = nullptr;  // what this thread runs, for calls of libuv that name no loop

int control_epoll(int set, int operation, int descriptor, epoll_event* event) {
  return static_cast<int>(syscall(SYS_epoll_ctl, set, operation, descriptor, event));
}

}  // namespace

// The kernel counts what is watched for each user of the machine. Whoever shares this user can have it all used up, and libuv ends the
// process when it cannot watch a descriptor. So it is told that all is well: what is not watched yet waits, and everybody else goes on.
// TRAP: in C libraries the name is one that a program may define itself; libuv and all else here calls this one.
int Loop::State::control(int operation, int descriptor, epoll_event* event) {
  const bool waited = !unwatched.empty() && std::erase_if(unwatched, [&](const auto& one) { return one.descriptor == descriptor; });
  if (waited && operation == EPOLL_CTL_DEL) return 0;
  const int set = uv_backend_fd(&loop);
  int result = control_epoll(set, operation, descriptor, event);
  if (result && operation == EPOLL_CTL_MOD && errno == ENOENT) result = control_epoll(set, EPOLL_CTL_ADD, descriptor, event);
  if (!result || operation == EPOLL_CTL_DEL || (errno != ENOSPC && errno != ENOMEM)) return result;
  unwatched.push_back({descriptor, *event});
  // The loop has decided already how long it sleeps.
  uv_async_send(&wake);
  return 0;
}

void Loop::State::watch_again() {
  std::erase_if(unwatched, [this](auto& one) {
    return control_epoll(uv_backend_fd(&loop), EPOLL_CTL_ADD, one.descriptor, &one.event) == 0 || (errno != ENOSPC && errno != ENOMEM);
  });
  if (!unwatched.empty())
    uv_timer_start(&again, [](uv_timer_t* timer) { static_cast<State*>(timer->data)->watch_again(); }, watch_again_ms, 0);
}

Result<std::unique_ptr<Loop>> Loop::make() {
  set_worker_threads();
  std::unique_ptr<Loop> loop(new Loop);
  loop->state_ = std::make_unique<State>();
  auto& state = *loop->state_;
  if (int error = uv_loop_init(&state.loop)) return fail(cat("cannot make an event loop: ", uv_strerror(error)));
  state.loop.data = &state;
  if (int error = uv_async_init(&state.loop, &state.wake, [](uv_async_t* wake) { static_cast<State*>(wake->data)->run_posted(); }))
    return fail(cat("cannot make an event loop: ", uv_strerror(error)));
  state.wake.data = &state;
  uv_idle_init(&state.loop, &state.soon);
  state.soon.data = &state;
  uv_timer_init(&state.loop, &state.again);
  state.again.data = &state;
  return loop;
}

void Loop::State::run_posted() {
  std::vector<std::move_only_function<void()>> work;
  {
    std::scoped_lock lock(mutex);
    work.swap(posted);
  }
  for (auto& item : work) item();
  if (!unwatched.empty() && !uv_is_active(reinterpret_cast<const uv_handle_t*>(&again))) watch_again();
}

Loop::~Loop() {
  if (!state_) return;
  state_->thread = std::this_thread::get_id();
  state_->run_posted();
  uv_walk(
      &state_->loop,
      [](uv_handle_t* handle, void* state) {
        // Handles with an owner are closed by it; what is left belongs to objects that outlive the loop by mistake.
        const auto* own = static_cast<State*>(state);
        const bool is_own = handle == reinterpret_cast<const uv_handle_t*>(&own->wake) ||
                            handle == reinterpret_cast<const uv_handle_t*>(&own->soon) ||
                            handle == reinterpret_cast<const uv_handle_t*>(&own->again);
        if (is_own && !uv_is_closing(handle)) uv_close(handle, nullptr);
      },
      state_.get());
  while (uv_run(&state_->loop, UV_RUN_NOWAIT)) {
  }
  if (uv_loop_close(&state_->loop) == UV_EBUSY) std::abort();
}

void Loop::run() {
  state_->thread = std::this_thread::get_id();
  auto* const outer = std::exchange(running, state_.get());
  uv_run(&state_->loop, UV_RUN_DEFAULT);
  running = outer;
  state_->run_posted();
}

void Loop::stop() {
  post([this] { uv_stop(&state_->loop); });
}

void Loop::post(std::move_only_function<void()> work) {
  {
    std::scoped_lock lock(state_->mutex);
    state_->posted.push_back(std::move(work));
  }
  if (!is_here()) {
    uv_async_send(&state_->wake);
    return;
  }
  uv_idle_start(&state_->soon, [](uv_idle_t* soon) {
    uv_idle_stop(soon);  // what is posted from here on starts it anew
    static_cast<State*>(soon->data)->run_posted();
  });
}

bool Loop::is_here() const { return state_->thread.load(std::memory_order_relaxed) == std::this_thread::get_id(); }
Scope& Loop::scope() { return state_->scope; }
uv_loop_s* Loop::raw() const { return &state_->loop; }

struct Deadline::State {
  uv_timer_t timer;
  std::move_only_function<void()> expired;
};

Deadline::Deadline(Loop& loop, std::chrono::milliseconds after, std::move_only_function<void()> expired)
    : state_(new State{{}, std::move(expired)}) {
  uv_timer_init(loop.raw(), &state_->timer);
  state_->timer.data = state_;
  uv_update_time(loop.raw());
  uv_timer_start(
      &state_->timer,
      [](uv_timer_t* timer) {
        auto work = std::move(static_cast<State*>(timer->data)->expired);
        work();
      },
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, after.count())), 0);
}

Deadline::~Deadline() {
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->timer), [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

Task<void> sleep_for(Loop& loop, std::chrono::milliseconds time) {
  struct Sleep {
    Loop& loop;
    std::chrono::milliseconds time;
    std::optional<Deadline> deadline;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      deadline.emplace(loop, time, [waiting] { waiting.resume(); });
    }
    void await_resume() const {}
  };
  co_await Sleep{loop, time, {}};
}

// Starts at once, ends by itself, and tells its scope.
struct Scope::Child {
  struct promise_type {
    Child get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  static Child run(Scope& scope, Task<void> task) {
    {
      Task<void> mine = std::move(task);
      co_await task_detail::KeepAwaiter<void>{mine.handle(), {}};
    }
    if (--scope.running_ == 0 && scope.when_empty_) {
      auto done = std::exchange(scope.when_empty_, nullptr);
      done();
    }
  }
};

Scope::~Scope() = default;

void Scope::spawn(Task<void> task) {
  ++running_;
  Child::run(*this, std::move(task));
}

void Scope::when_empty(std::move_only_function<void()> done) {
  if (running_ == 0)
    done();
  else
    when_empty_ = std::move(done);
}

Task<void> run_blocking(Loop& loop, std::move_only_function<void()> work) {
  struct Blocking {
    Loop& loop;
    std::move_only_function<void()> work;
    uv_work_t request{};
    std::coroutine_handle<> waiting;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      waiting = handle;
      request.data = this;
      uv_queue_work(
          loop.raw(), &request, [](uv_work_t* r) { static_cast<Blocking*>(r->data)->work(); },
          [](uv_work_t* r, int) { static_cast<Blocking*>(r->data)->waiting.resume(); });
    }
    void await_resume() const {}
  };
  co_await Blocking{loop, std::move(work), {}, {}};
}

}  // namespace sallyport::io

extern "C" int epoll_ctl(int set, int operation, int descriptor, epoll_event* event) noexcept {
  using namespace sallyport::io;
  if (running && uv_backend_fd(&running->loop) == set) return running->control(operation, descriptor, event);
  return control_epoll(set, operation, descriptor, event);
}
