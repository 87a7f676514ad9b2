// Published<T>: readers pin an immutable value, a writer swaps in a new one. What is pinned stays valid to the end of its use.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace sallyport {

/// May be used from any thread. A mutex and not std::atomic<shared_ptr>: libstdc++ 12's has a data race the thread sanitizer reports.
template <class T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> value) : value_(std::move(value)) {}
  std::shared_ptr<const T> pin() const {
    std::scoped_lock lock(mutex_);
    return value_;
  }
  void publish(std::shared_ptr<const T> value) {
    {
      std::scoped_lock lock(mutex_);
      value_.swap(value);
    }
    // The old value dies here, outside the lock.
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace sallyport
