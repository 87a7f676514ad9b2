// Task<T>: a lazy coroutine with one owner. It starts when awaited and is destroyed with its owner.
//
//   Task<Result<Grant>> authorize(Exchange& exchange) {
//     Token token = co_await find_token(exchange);         // Result<Token>: leaves with the error
//     Answer answer = co_await call_function(token);       // Task<Result<Answer>>: leaves with the error
//     auto kept = co_await attempt(call_function(token));  // keeps it: Result<Answer>
//     ...
//
// Inside a task that returns a Result, `co_await` on a Result (or on a task of one) continues with the value or leaves the task with
// the error. The error type of the outer task must be constructible from the inner one. In any other task nothing is unwrapped.
// Parameters are taken by value, or by reference only where the header says that the argument outlives the task.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/result.hpp"

namespace sallyport {

template <class T = void>
class Task;

namespace task_detail {

template <class T>
struct is_result : std::false_type {};
template <class T, class E>
struct is_result<std::expected<T, E>> : std::true_type {};

/// Who is told when a task completes: returns the coroutine to resume next.
struct Completion {
  std::coroutine_handle<> (*resume)(void* self) = nullptr;
  void* self = nullptr;
};

template <class T>
struct Storage {
  std::optional<T> value;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};
template <>
struct Storage<void> {
  void return_void() {}
};

template <class T>
struct Promise;

/// Awaits a task and hands out its result unchanged.
template <class T>
struct KeepAwaiter {
  std::coroutine_handle<Promise<T>> child;
  std::coroutine_handle<> parent;
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    parent = waiting;
    child.promise().completion = {[](void* self) { return static_cast<KeepAwaiter*>(self)->parent; }, this};
    return child;
  }
  T await_resume() {
    auto& promise = child.promise();
    if (promise.exception) std::rethrow_exception(promise.exception);
    if constexpr (!std::is_void_v<T>) return std::move(*promise.value);
  }
};

/// Awaits a task of a Result inside a task of a Result: on error the waiting task completes with that error and never resumes.
template <class Inner, class Outer>
struct LeaveAwaiter {
  std::coroutine_handle<Promise<Inner>> child;
  std::coroutine_handle<Promise<Outer>> parent;
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise<Outer>> waiting) {
    parent = waiting;
    child.promise().completion = {[](void* self) { return static_cast<LeaveAwaiter*>(self)->decide(); }, this};
    return child;
  }
  std::coroutine_handle<> decide() {
    auto& from = child.promise();
    if (from.exception || from.value->has_value()) return parent;
    parent.promise().value.emplace(std::unexpect, std::move(from.value->error()));
    return parent.promise().complete();
  }
  typename Inner::value_type await_resume() {
    auto& promise = child.promise();
    if (promise.exception) std::rethrow_exception(promise.exception);
    if constexpr (!std::is_void_v<typename Inner::value_type>) return std::move(**promise.value);
  }
};

/// Awaits a Result inside a task of a Result.
template <class Inner, class Outer>
struct ValueAwaiter {
  Inner result;
  bool await_ready() const noexcept { return result.has_value(); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise<Outer>> waiting) {
    waiting.promise().value.emplace(std::unexpect, std::move(result.error()));
    return waiting.promise().complete();
  }
  typename Inner::value_type await_resume() {
    if constexpr (!std::is_void_v<typename Inner::value_type>) return std::move(*result);
  }
};

template <class T>
struct Attempt {
  Task<T> task;
};

template <class T>
struct Promise : Storage<T> {
  Completion completion;
  std::exception_ptr exception;

  Task<T> get_return_object();
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::coroutine_handle<> complete() { return completion.resume ? completion.resume(completion.self) : std::noop_coroutine(); }
  struct Final {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) noexcept { return done.promise().complete(); }
    void await_resume() const noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { exception = std::current_exception(); }

  template <class U>
  auto await_transform(Task<U>& task) {
    return await_transform(std::move(task));
  }
  template <class U>
  auto await_transform(Task<U>&& task) {
    if constexpr (is_result<U>::value && is_result<T>::value)
      return LeaveAwaiter<U, T>{task.handle(), {}};
    else
      return KeepAwaiter<U>{task.handle(), {}};
  }
  template <class U>
  auto await_transform(Attempt<U>&& kept) {
    return KeepAwaiter<U>{kept.task.handle(), {}};
  }
  template <class U, class E>
    requires(is_result<T>::value)
  auto await_transform(std::expected<U, E>&& result) {
    return ValueAwaiter<std::expected<U, E>, T>{std::move(result)};
  }
  template <class A>
    requires requires(A& awaitable) { awaitable.await_ready(); }
  A&& await_transform(A&& awaitable) {
    return std::forward<A>(awaitable);
  }
};

}  // namespace task_detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<promise_type> handle() const { return handle_; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> task_detail::Promise<T>::get_return_object() {
  return Task<T>{std::coroutine_handle<Promise>::from_promise(*this)};
}

/// Keeps the error as a value where `co_await` would leave: `auto answer = co_await attempt(task)`.
template <class T>
task_detail::Attempt<T> attempt(Task<T> task) {
  return {std::move(task)};
}

/// Runs a task that never waits for anything outside (pure code, tests with fakes). Aborts if it does wait.
template <class T>
T run_now(Task<T> task) {
  bool done = false;
  task.handle().promise().completion = {[](void* flag) -> std::coroutine_handle<> {
                                          *static_cast<bool*>(flag) = true;
                                          return std::noop_coroutine();
                                        },
                                        &done};
  task.handle().resume();
  if (!done) std::terminate();
  auto& promise = task.handle().promise();
  if (promise.exception) std::rethrow_exception(promise.exception);
  if constexpr (!std::is_void_v<T>) return std::move(*promise.value);
}

}  // namespace sallyport
