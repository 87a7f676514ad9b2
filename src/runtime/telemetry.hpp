// Telemetry: what subscribed extensions are told about their environment, in batches (AWS Lambda developer guide, "Lambda Telemetry API"
// and "Lambda Logs API"). For the files of this module alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "http/message.hpp"
#include "io/stream.hpp"
#include "runtime/changes.hpp"
#include "runtime/environment_log.hpp"

namespace sallyport::runtime {

namespace limits {
inline constexpr std::size_t telemetry_kept_bytes_max = 256 * 1024;                     // of events before the first subscription
inline constexpr int telemetry_attempts_max = 6;                                        // of one batch, with pauses that double
inline constexpr std::chrono::milliseconds telemetry_pause{50}, telemetry_time{2'000};  // before the second attempt; for one attempt
}  // namespace limits

/// The two APIs differ in names, versions and events.
enum class TelemetryApi : std::uint8_t { telemetry, logs };

/// What an extension wants to hear, and where.
struct Subscription {
  TelemetryApi api = TelemetryApi::telemetry;
  std::string schema_version;
  bool platform = false, function = false, extension = false;
  bool tcp = false;            // lines over TCP, else HTTP
  std::string method, target;  // of HTTP
  int port = 0;
  std::size_t bytes_max = 262'144, items_max = 10'000;
  std::chrono::milliseconds timeout{1'000};
  /// platform,function,extension
  std::string types() const;
};
/// The body of a subscription, checked as AWS documents it; else why not. Only the environment itself can be a destination.
Result<Subscription> parse_subscription(TelemetryApi api, std::string_view body);

/// The event as a subscriber gets it, as JSON text; empty when it is none of its.
std::string event_for(const Subscription& subscription, const TelemetryEvent& event);

/// The subscribers of one environment, on its loop. What waits for delivery is bounded: twice what a subscriber buffers. What is too much
/// is dropped, and the subscriber told.
class Telemetry final : public TelemetrySink {
 public:
  /// A connection to a port in the environment.
  using Dial = std::function<Task<Result<std::unique_ptr<io::Stream>>>(int port)>;
  Telemetry(io::Loop& loop, const Clock& clock, EnvironmentLog& log, Dial dial);
  ~Telemetry();

  /// A call of either API by an extension. `closed`: init is over.
  http::Response subscribe(TelemetryApi api, const std::string& extension, std::string_view body, bool closed);
  bool wanted() const override { return early_ || !subscribers_.empty(); }
  void publish(const TelemetryEvent& event) override;
  /// Init is over: nobody subscribes any more. Until then events are kept for those who will.
  void init_over();

  /// Nothing is delivered while the environment is frozen, and nothing counts as failed.
  void frozen(bool yes);
  /// Sends what there is now, without waiting for more.
  void hurry();
  /// Gives up what was not delivered; resolves when nothing of this object runs any more.
  Task<void> stop();

 private:
  struct Subscriber;
  struct Kept {
    TelemetryEvent::Category category;
    std::string type, record;
    WallTime time;
  };
  void keep(const TelemetryEvent& event);
  /// True when whoever delivers should look.
  bool put(Subscriber& subscriber, const TelemetryEvent& event);
  Task<void> deliver(std::shared_ptr<Subscriber> subscriber);
  Task<void> wait_for_batch(Subscriber& subscriber);
  Task<bool> send(Subscriber& subscriber, const std::string& batch);
  Task<bool> post(Subscriber& subscriber, const std::string& batch);
  Task<bool> write_lines(Subscriber& subscriber, const std::string& batch);
  Task<void> pause(std::chrono::milliseconds time);

  io::Loop& loop_;
  const Clock& clock_;
  EnvironmentLog& log_;
  Dial dial_;
  std::map<std::string, std::shared_ptr<Subscriber>, std::less<>> subscribers_;  // by name of the extension
  std::vector<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  Changes changes_;
  int running_ = 0;
  bool early_ = true, frozen_ = false, hurried_ = false, stopped_ = false;
};

}  // namespace sallyport::runtime
