// Logs: CloudWatch Logs. Groups and streams as AWS's operations see them, their events, and the lines of functions.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "control/ledger.hpp"
#include "logs/event_store.hpp"
#include "logs/function_logs.hpp"
#include "logs/state.hpp"
#include "store/store.hpp"

namespace sallyport::logs {

using Ledger = control::Ledger<State>;

namespace limits {
// Of functions; each costs half a KiB of memory. With more, those whose events have gone go at once.
inline constexpr std::size_t function_streams_max = 20'000;
}  // namespace limits

/// May be used from any thread once `load` has returned.
class Logs {
 public:
  struct Choices {
    std::uint64_t kept_bytes_max = limits::kept_bytes_max;  // of events, of all groups; the oldest go first
    std::size_t function_streams_max = limits::function_streams_max;
    FunctionLogs::Choices functions = {};
  };
  /// Everything given must outlive it.
  Logs(store::Store& store, const Clock& clock, Random& random) : Logs(store, clock, random, Choices()) {}
  Logs(store::Store& store, const Clock& clock, Random& random, Choices choices);
  /// Keeps the lines of functions that are still on their way.
  ~Logs();

  /// Reads everything back. Once, before anything else.
  Result<> load();

  /// Where the lines of functions go.
  FunctionLogs& functions() { return function_logs_; }

  /// Removes what its retention does not keep, events of streams that are gone, and streams made for functions whose events have gone.
  /// Done every minute without being asked.
  void sweep();

  Ledger& ledger() { return ledger_; }
  EventStore& events() { return events_; }
  const EventStore& events() const { return events_; }
  std::int64_t now_ms() const { return to_epoch_ms(clock_.wall_now()); }
  std::string make_stream_id() const;

 private:
  std::size_t keep(std::vector<FunctionLogs::Lines> lines);
  Result<StreamPlace> make_place(const FunctionLogs::Lines& lines);
  void drop_spent_streams(std::int64_t now);

  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  Ledger ledger_;
  EventStore events_;
  const std::size_t function_streams_max_;
  FunctionLogs function_logs_;  // last: its thread uses the others
};

}  // namespace sallyport::logs
