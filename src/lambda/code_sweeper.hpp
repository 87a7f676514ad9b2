// CodeSweeper: frees the files of code that nobody uses any more, while the server runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "lambda/code_store.hpp"

namespace sallyport::lambda {

/// Looks on a thread of its own, and again after a while for as long as something unconfigured still runs.
class CodeSweeper {
 public:
  /// `uses` is asked on that thread. Both must outlive this object.
  CodeSweeper(CodeStore& code, std::function<CodeStore::Uses()> uses, std::chrono::milliseconds pause = std::chrono::seconds(1))
      : code_(code), uses_(std::move(uses)), pause_(pause) {}

  /// Something may have come out of use. Waits for nothing; may be called from any thread.
  void wake();

 private:
  void run(const std::stop_token& stop);

  CodeStore& code_;
  const std::function<CodeStore::Uses()> uses_;
  const std::chrono::milliseconds pause_;  // between two looks
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};  // last: it uses all the others
};

}  // namespace sallyport::lambda
