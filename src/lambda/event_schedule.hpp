// EventSchedule: which event runs next. Events of one function in the order they came, functions in turn, and those that have to wait for
// another attempt apart.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "lambda/event_record.hpp"

namespace sallyport::lambda {

/// One thread at a time.
class EventSchedule {
 public:
  using Event = std::shared_ptr<AcceptedEvent>;
  struct Limits {
    int at_once_max = 48;          // of all functions
    int at_once_of_one_max = 32;   // so that one function's long events do not hold up everybody's
    int at_once_of_one_begin = 4;  // grows only where events take long: short ones are no faster for being many
    std::chrono::milliseconds long_event{100};
    /// Where so many environments may run: those who wait for their answers find room beside the events.
    static Limits within(int environments);
  };
  explicit EventSchedule(const Limits& limits) : limits_(limits) {}

  /// Behind the others of its function.
  void add(Event event);
  void add_at(Event event, MonotonicTime due) { waiting_.emplace(due, std::move(event)); }
  /// Makes ready what is due.
  void advance(MonotonicTime now);
  /// Nothing: none waits.
  std::optional<MonotonicTime> next_due() const;

  /// The event whose turn it is, which counts as running until `ended`; null when there is none or enough run. `room_of` says how many
  /// events of a function may run at once, for the function's own sake.
  Event take(const std::function<int(const std::string& function_arn)>& room_of);
  /// `time`: how long it ran. `throttled`: the function had no room for it, so that fewer are tried.
  void ended(const std::string& function_arn, MonotonicTime::duration time, bool throttled);

  int running() const { return running_; }

 private:
  struct Lane {
    std::deque<Event> ready;
    int running = 0;
    int window;
    bool in_line = false;
  };
  void line_up(const std::string& function_arn, Lane& lane);

  const Limits limits_;
  std::map<std::string, Lane, std::less<>> lanes_;  // by function ARN; those with events that are ready or run
  std::deque<std::string> line_;                    // functions whose turn comes
  std::multimap<MonotonicTime, Event> waiting_;
  int running_ = 0;
};

}  // namespace sallyport::lambda
