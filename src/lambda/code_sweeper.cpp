#include "lambda/code_sweeper.hpp"

namespace sallyport::lambda {

void CodeSweeper::wake() {
  std::scoped_lock lock(mutex_);
  woken_ = true;
  changed_.notify_one();
}

void CodeSweeper::run(const std::stop_token& stop) {
  for (bool again = false;;) {
    {
      std::unique_lock lock(mutex_);
      const auto woken = [this] { return woken_; };
      if (!again) changed_.wait(lock, stop, woken);
      if (stop.stop_requested()) return;
      woken_ = false;
    }
    again = !code_.remove_unused(uses_);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, pause_, [] { return false; });
  }
}

}  // namespace sallyport::lambda
