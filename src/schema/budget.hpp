// How much work one validation may be: what an instance costs depends on its sender, so it is counted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sallyport::schema {

/// Steps that are left. A step is one schema applied to one value, or some dozens of bytes looked at.
class Budget {
 public:
  explicit Budget(std::int64_t steps) : left_(steps) {}
  /// Takes steps; false from the moment there are not enough.
  bool take(std::int64_t steps) {
    left_ = steps > left_ ? -1 : left_ - steps;
    return left_ >= 0;
  }
  /// For a look at so many bytes.
  bool take_bytes(std::size_t bytes, std::int64_t weight = 1) {
    return take(1 + static_cast<std::int64_t>(bytes / bytes_per_step) * weight);
  }
  bool is_exhausted() const { return left_ < 0; }

 private:
  static constexpr std::size_t bytes_per_step = 64;
  std::int64_t left_;
};

}  // namespace sallyport::schema
