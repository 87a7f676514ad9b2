// Recent<T>: the last records of something, bounded by count and bytes, found by their id.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace sallyport {

/// `T` has a member `std::string id` and a function `std::size_t byte_count() const`. May be used from any thread.
template <class T>
class Recent {
 public:
  Recent(std::size_t records_max, std::size_t bytes_max) : records_max_(records_max), bytes_max_(bytes_max) {}

  void keep(std::shared_ptr<const T> record) {
    std::deque<Kept> dropped;  // die outside the lock
    const auto bytes = record->byte_count();
    std::scoped_lock lock(mutex_);
    bytes_ += bytes;
    kept_.push_back({std::move(record), bytes});
    while (kept_.size() > records_max_ || (bytes_ > bytes_max_ && kept_.size() > 1)) {
      bytes_ -= kept_.front().bytes;
      dropped.push_back(std::move(kept_.front()));
      kept_.pop_front();
    }
  }

  /// Null when there is none of that id, or no longer.
  std::shared_ptr<const T> find(std::string_view id) const {
    std::scoped_lock lock(mutex_);
    for (const auto& each : kept_)
      if (each.record->id == id) return each.record;
    return nullptr;
  }

 private:
  struct Kept {
    std::shared_ptr<const T> record;
    std::size_t bytes;
  };
  const std::size_t records_max_, bytes_max_;
  mutable std::mutex mutex_;
  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;
};

}  // namespace sallyport
