#include "lambda/log_tails.hpp"

#include <algorithm>

namespace sallyport::lambda {

void LogTails::write(const runtime::LogLine& line) {
  next_.write(line);
  if (wanted_.load(std::memory_order_relaxed) == 0 || line.request_id.empty()) return;
  std::scoped_lock lock(mutex_);
  const auto found = tails_.find(line.request_id);
  if (found == tails_.end()) return;
  auto& tail = found->second;
  tail.append(line.text.substr(line.text.size() - std::min(line.text.size(), limits::log_tail_bytes_max)));
  tail.push_back('\n');
  if (tail.size() > limits::log_tail_bytes_max) tail.erase(0, tail.size() - limits::log_tail_bytes_max);
}

void LogTails::begin(const std::string& request_id) {
  std::scoped_lock lock(mutex_);
  if (tails_.try_emplace(request_id).second) ++wanted_;
}

std::string LogTails::end(const std::string& request_id) {
  std::scoped_lock lock(mutex_);
  auto taken = tails_.extract(request_id);
  if (taken.empty()) return {};
  --wanted_;
  return std::move(taken.mapped());
}

}  // namespace sallyport::lambda
