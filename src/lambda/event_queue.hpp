// EventQueue: asynchronous invocations. What is acknowledged is on disk, runs in the background at least once, is tried again as AWS does,
// and its end is told to the destinations the function's configuration names.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "control/guard.hpp"
#include "io/loop.hpp"
#include "lambda/event_delivery.hpp"
#include "lambda/event_record.hpp"
#include "lambda/event_schedule.hpp"
#include "lambda/invoker.hpp"
#include "runtime/log.hpp"
#include "store/store.hpp"

namespace sallyport::lambda {

namespace limits {
inline constexpr std::size_t queued_events_max = 200'000;
inline constexpr std::size_t queued_bytes_max = 2u << 30;         // of payloads, in the store
inline constexpr std::size_t queued_memory_bytes_max = 64 << 20;  // of payloads, in memory; the others are read when their turn comes
/// From function to function by destinations: a loop ends here. Source: Lambda developer guide, "recursive loop detection", about 16.
inline constexpr int event_hops_max = 16;
}  // namespace limits

/// May be used from any loop; must outlive the loops' tasks and the store's work.
class EventQueue {
 public:
  /// Source: Lambda developer guide, "Asynchronous invocation".
  struct Delays {
    std::chrono::milliseconds first_retry{60'000}, second_retry{120'000};  // after the function failed
    std::chrono::milliseconds throttled{1'000}, throttled_max{300'000};    // doubled each time
    std::chrono::milliseconds age_max{std::chrono::hours(6)};
    /// For tests that cannot wait minutes: all but the age.
    Delays scaled(double factor) const;
  };
  struct Limits {
    std::size_t events_max = limits::queued_events_max, bytes_max = limits::queued_bytes_max,
                memory_bytes_max = limits::queued_memory_bytes_max;
    EventSchedule::Limits schedule = {};
  };
  /// All of it must outlive the queue. `functions`: as they serve, by account and region; null where there are none.
  struct Parts {
    Invoker& invoker;
    store::Store& store;
    const Clock& clock;
    Random& random;
    runtime::LogSink& log;
    const control::Guard& guard;
    std::function<std::shared_ptr<const State>(std::string_view account_id, std::string_view region)> functions;
  };
  explicit EventQueue(const Parts& parts) : EventQueue(parts, Delays{}) {}
  EventQueue(const Parts& parts, const Delays& delays) : EventQueue(parts, delays, Limits{}) {}
  EventQueue(const Parts& parts, const Delays& delays, const Limits& limits)
      : parts_(parts), delays_(delays), limits_(limits), schedule_(limits.schedule) {}

  /// Reads back what an earlier process left. Once, before `start`.
  Result<> load();
  /// From now on events run, on these loops; what is there begins at once. The first loop keeps the time.
  void start(std::vector<io::Loop*> loops);
  /// Takes the event in; it will run with the function's code of then. Back when it is durable. TooManyRequestsException when the queue is
  /// full, ServiceException when it cannot be stored.
  Task<Result<void, aws::ApiError>> push(io::Loop& loop, InvokeRequest request);
  /// No event begins any more: the server ends. Those that run end in order; all others, and what is still taken in, stay for the next
  /// start.
  void stop();
  /// Looks at the clock: what is due is ready. The queue does this itself; tests with a clock of their own call it.
  void tick();
  /// Events that are not done.
  std::size_t size() const;

 private:
  using Event = std::shared_ptr<AcceptedEvent>;
  /// How one turn of an event ended.
  struct Turn {
    enum class End : std::uint8_t { done, failed, no_room, dropped } end;
    std::string_view condition = {};                      // of what is done
    int attempts = 0;                                     // of all turns together, those that ran
    std::optional<LastResponse> response = std::nullopt;  // of what is done or failed
    std::chrono::milliseconds delay{0};                   // until the next turn
    std::string why = {};                                 // of what is dropped
  };
  struct Kept {
    Event event;
    std::optional<WallTime> next_at = std::nullopt;
  };

  Result<> take_back(const store::Record& record, std::map<std::string, Kept>& kept);
  /// No longer in the queue. `entered`: its payload was counted as one in memory.
  void release(const AcceptedEvent& event, bool entered);
  /// Ready to run. Its payload stays in memory while there is room.
  void enter(const Event& event);
  void put_back(Event event, std::chrono::milliseconds delay);
  void pump();
  void arm();
  void set_timer();
  int room_of(const std::string& function_arn) const;
  std::optional<EventFunction> function_of(const AcceptedEvent& event) const {
    return find_event_function(parts_.functions(event.account_id, event.region), event);
  }

  Task<void> run(io::Loop& loop, Event event);
  Task<Turn> take_turn(io::Loop& loop, const AcceptedEvent& event, const std::string& payload);
  Turn judge(const AcceptedEvent& event, const EventFunction& function, Result<InvokeResponse, aws::ApiError> answer) const;
  Task<void> settle(io::Loop& loop, Event event, Turn turn, const std::string& payload);
  Task<void> finish(io::Loop& loop, Event event, Event delivery);
  /// The event that tells the destination; null when there is none, or it may not be told.
  Event make_delivery(const AcceptedEvent& event, const Turn& turn, const std::string& payload);
  Task<Result<std::optional<std::string>>> read(io::Loop& loop, store::Key key);
  Task<Result<>> commit(io::Loop& loop, store::Batch batch);
  WallTime end_of(const AcceptedEvent& event, const EventInvokeConfig& config) const;
  void log(const AcceptedEvent& event, std::string_view text) const;

  const Parts parts_;
  const Delays delays_;
  const Limits limits_;
  mutable std::mutex mutex_;
  EventSchedule schedule_;
  std::size_t events_ = 0, bytes_ = 0, memory_bytes_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::vector<io::Loop*> loops_;
  std::size_t next_loop_ = 0;
  bool stopped_ = false;
  MonotonicTime armed_for_ = MonotonicTime::max();
  std::optional<io::Deadline> timer_;  // lives on the first loop
};

}  // namespace sallyport::lambda
