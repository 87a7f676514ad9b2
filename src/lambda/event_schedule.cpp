#include "lambda/event_schedule.hpp"

#include <algorithm>

namespace sallyport::lambda {

EventSchedule::Limits EventSchedule::Limits::within(int environments) {
  Limits limits;
  limits.at_once_max = std::max(1, environments * 3 / 4);
  limits.at_once_of_one_max = std::max(1, environments / 2);
  limits.at_once_of_one_begin = std::min(limits.at_once_of_one_begin, limits.at_once_of_one_max);
  return limits;
}

void EventSchedule::line_up(const std::string& function_arn, Lane& lane) {
  if (lane.in_line || lane.ready.empty()) return;
  lane.in_line = true;
  line_.push_back(function_arn);
}

void EventSchedule::add(Event event) {
  auto& [function_arn, lane] = *lanes_.try_emplace(event->function_arn, Lane{{}, 0, limits_.at_once_of_one_begin}).first;
  lane.ready.push_back(std::move(event));
  line_up(function_arn, lane);
}

void EventSchedule::advance(MonotonicTime now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    auto due = waiting_.extract(waiting_.begin());
    add(std::move(due.mapped()));
  }
}

std::optional<MonotonicTime> EventSchedule::next_due() const {
  return waiting_.empty() ? std::nullopt : std::optional(waiting_.begin()->first);
}

EventSchedule::Event EventSchedule::take(const std::function<int(const std::string& function_arn)>& room_of) {
  if (running_ >= limits_.at_once_max) return nullptr;
  while (!line_.empty()) {
    auto function_arn = std::move(line_.front());
    line_.pop_front();
    auto& lane = lanes_.find(function_arn)->second;
    lane.in_line = false;
    // One that is full lines up again when one of its events has ended.
    if (lane.running >= std::min(lane.window, room_of(function_arn)) && lane.running > 0) continue;
    auto event = std::move(lane.ready.front());
    lane.ready.pop_front();
    ++lane.running;
    ++running_;
    line_up(function_arn, lane);
    return event;
  }
  return nullptr;
}

void EventSchedule::ended(const std::string& function_arn, MonotonicTime::duration time, bool throttled) {
  const auto found = lanes_.find(function_arn);
  auto& lane = found->second;
  --lane.running;
  --running_;
  if (throttled)
    lane.window = std::max(1, lane.window / 2);
  else if (time >= limits_.long_event && !lane.ready.empty())
    lane.window = std::min(limits_.at_once_of_one_max, lane.window + 1);
  line_up(function_arn, lane);
  if (lane.ready.empty() && lane.running == 0) lanes_.erase(found);
}

}  // namespace sallyport::lambda
