// Shared<T>: a value that copies by sharing and is cloned when it is edited. Maps of them copy cheaply, and whoever compares two copies of
// a map sees by pointer which values were touched.
#pragma once

#include <memory>
#include <utility>

namespace sallyport {

/// Never empty. Reading may be done from any thread; `edit` by the owner of this object alone.
template <class T>
class Shared {
 public:
  Shared() : value_(std::make_shared<T>()) {}
  Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  /// The value for changing; a clone of its own first, where somebody else holds it too.
  T& edit() {
    if (value_.use_count() > 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }
  /// Is it the very same value, untouched since the copy?
  bool is(const Shared& other) const { return value_ == other.value_; }
  bool operator==(const Shared& other) const { return value_ == other.value_ || *value_ == *other.value_; }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace sallyport
