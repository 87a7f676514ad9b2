// Completion<T>: a value that one side will deliver and the other waits for, each on its own loop.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "io/loop.hpp"

namespace sallyport::io {

/// Copies share one slot. `deliver` may be called from any thread, any number of times: the first value counts. At most one coroutine
/// waits, once; it resumes on the loop it named. Destroying the waiting coroutine before delivery is not allowed.
template <class T>
class Completion {
 public:
  Completion() : slot_(std::make_shared<Slot>()) {}

  /// False when a value was there already.
  bool deliver(T value) {
    std::coroutine_handle<> waiting;
    Loop* loop = nullptr;
    {
      std::scoped_lock lock(slot_->mutex);
      if (slot_->delivered) return false;
      slot_->delivered = true;
      slot_->value.emplace(std::move(value));
      waiting = std::exchange(slot_->waiting, nullptr);
      loop = slot_->loop;
    }
    slot_->arrived.notify_all();
    if (waiting) loop->post([waiting, keep = slot_] { waiting.resume(); });
    return true;
  }

  /// Blocks the thread until the value is there. For threads that run no loop.
  T wait() {
    std::unique_lock lock(slot_->mutex);
    slot_->arrived.wait(lock, [this] { return slot_->delivered; });
    return std::move(*slot_->value);
  }

  auto wait_on(Loop& loop) {
    struct Awaiter {
      std::shared_ptr<Slot> slot;
      Loop& loop;
      bool await_ready() const { return false; }
      bool await_suspend(std::coroutine_handle<> handle) {
        std::scoped_lock lock(slot->mutex);
        if (slot->delivered) return false;
        slot->loop = &loop;
        slot->waiting = handle;
        return true;
      }
      T await_resume() {
        std::scoped_lock lock(slot->mutex);
        return std::move(*slot->value);
      }
    };
    return Awaiter{slot_, loop};
  }

 private:
  struct Slot {
    std::mutex mutex;
    std::condition_variable arrived;
    bool delivered = false;
    std::optional<T> value;
    std::coroutine_handle<> waiting;
    Loop* loop = nullptr;
  };
  std::shared_ptr<Slot> slot_;
};

}  // namespace sallyport::io
