// How telemetry goes out: one task per subscriber gathers a batch, sends it, tries again.
#include <algorithm>
#include <deque>

#include "base/text.hpp"
#include "http/parse.hpp"
#include "json/write.hpp"
#include "runtime/http_answers.hpp"
#include "runtime/telemetry.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::size_t answer_head_bytes_max = 16 * 1024;

/// Closes a stream after the time of one attempt, in which the environment was not frozen.
class Patience {
 public:
  Patience(io::Loop& loop, io::Stream& stream, const bool& frozen) : loop_(loop), stream_(stream), frozen_(frozen) { wait(); }

 private:
  void wait() {
    timer_.emplace(loop_, limits::telemetry_time, [this] {
      if (frozen_)
        wait();
      else
        stream_.close();
    });
  }
  io::Loop& loop_;
  io::Stream& stream_;
  const bool& frozen_;
  std::optional<io::Deadline> timer_;
};

}  // namespace

struct Telemetry::Subscriber {
  std::string name;
  Subscription wants;
  std::deque<std::string> waiting;  // events as JSON text
  std::size_t waiting_bytes = 0;
  std::size_t dropped = 0, dropped_bytes = 0;
  MonotonicTime first_at{};            // of what waits
  std::unique_ptr<io::Stream> stream;  // of the attempt that runs, or of TCP
};

Telemetry::Telemetry(io::Loop& loop, const Clock& clock, EnvironmentLog& log, Dial dial)
    : loop_(loop), clock_(clock), log_(log), dial_(std::move(dial)) {}

Telemetry::~Telemetry() = default;

http::Response Telemetry::subscribe(TelemetryApi api, const std::string& extension, std::string_view body, bool closed) {
  const bool logs = api == TelemetryApi::logs;
  if (closed)
    return refusal(403, logs ? "Logs.SubscriptionClosed" : "Telemetry.SubscriptionClosed",
                   logs ? "Logs API subscription is closed already" : "Telemetry API subscription is closed already");
  const std::string_view invalid = logs ? "Logs.ValidationError" : "ValidationError";
  auto wants = parse_subscription(api, body);
  if (!wants) return refusal(400, invalid, wants.error().message);
  auto& subscriber = subscribers_[extension];
  if (subscriber && subscriber->wants.api != api)
    return refusal(400, invalid, "an extension uses the Telemetry API or the Logs API, not both");
  const auto types = wants->types();
  if (subscriber) {
    subscriber->wants = std::move(*wants);
  } else {
    subscriber = std::make_shared<Subscriber>(extension, std::move(*wants));
    for (const auto& event : kept_) put(*subscriber, {event.category, event.type, event.record, event.time});
    ++running_;
    loop_.scope().spawn(deliver(subscriber));
  }
  log_.subscription(logs ? "logs" : "telemetry", extension, types);
  return answer(200, "\"OK\"\n");
}

void Telemetry::publish(const TelemetryEvent& event) {
  if (stopped_) return;
  if (early_) keep(event);
  bool ring = false;
  for (const auto& [name, subscriber] : subscribers_) ring = put(*subscriber, event) || ring;
  if (ring) changes_.ring();
}

void Telemetry::keep(const TelemetryEvent& event) {
  if (kept_bytes_ + event.record.size() > limits::telemetry_kept_bytes_max) return;
  kept_bytes_ += event.record.size() + sizeof(Kept);
  kept_.push_back({event.category, std::string(event.type), std::string(event.record), event.time});
}

void Telemetry::init_over() {
  early_ = false;
  kept_.clear();
}

bool Telemetry::put(Subscriber& subscriber, const TelemetryEvent& event) {
  const auto& wants = subscriber.wants;
  auto text = event_for(wants, event);
  if (text.empty()) return false;
  auto& waiting = subscriber.waiting;
  if (waiting.size() >= 2 * wants.items_max || (!waiting.empty() && subscriber.waiting_bytes + text.size() > 2 * wants.bytes_max)) {
    ++subscriber.dropped;
    subscriber.dropped_bytes += text.size();
    return false;
  }
  if (waiting.empty()) subscriber.first_at = clock_.monotonic_now();
  subscriber.waiting_bytes += text.size();
  waiting.push_back(std::move(text));
  return waiting.size() == 1 || waiting.size() == wants.items_max || subscriber.waiting_bytes >= wants.bytes_max;
}

void Telemetry::frozen(bool yes) {
  frozen_ = yes;
  changes_.ring();
}

void Telemetry::hurry() {
  hurried_ = true;
  changes_.ring();
}

Task<void> Telemetry::stop() {
  stopped_ = true;
  for (const auto& [name, subscriber] : subscribers_)
    if (subscriber->stream) subscriber->stream->close();
  changes_.ring();
  while (running_) co_await changes_.next(loop_);
}

// Until there is enough for a batch, or what there is has waited long enough.
Task<void> Telemetry::wait_for_batch(Subscriber& subscriber) {
  while (!stopped_) {
    const auto& wants = subscriber.wants;
    if (!frozen_ && !subscriber.waiting.empty()) {
      const auto left = wants.timeout - (clock_.monotonic_now() - subscriber.first_at);
      if (hurried_ || left.count() <= 0 || subscriber.waiting.size() >= wants.items_max || subscriber.waiting_bytes >= wants.bytes_max)
        co_return;
      io::Deadline timer(loop_, std::chrono::ceil<std::chrono::milliseconds>(left), [this] { changes_.ring(); });
      co_await changes_.next(loop_);
    } else {
      co_await changes_.next(loop_);
    }
  }
}

Task<void> Telemetry::deliver(std::shared_ptr<Subscriber> subscriber) {
  for (;;) {
    co_await wait_for_batch(*subscriber);
    if (stopped_) break;
    const auto& wants = subscriber->wants;
    const std::string_view separator = wants.tcp ? "\n" : ",";
    std::string batch;
    std::size_t items = 0;
    if (subscriber->dropped) {
      std::string record;
      json::Writer(record)
          .begin_object()
          .key("reason")
          .string("Consumer seems to have fallen behind as it has not acknowledged receipt of logs.")
          .key("droppedRecords")
          .number(subscriber->dropped)
          .key("droppedBytes")
          .number(subscriber->dropped_bytes)
          .end_object();
      batch = event_for(wants, {TelemetryEvent::Category::platform, "platform.logsDropped", record, clock_.wall_now()});
      subscriber->dropped = subscriber->dropped_bytes = 0;
    }
    auto& waiting = subscriber->waiting;
    while (!waiting.empty() && items < wants.items_max && (!items || batch.size() + waiting.front().size() <= wants.bytes_max)) {
      if (!batch.empty()) batch += separator;
      batch += waiting.front();
      subscriber->waiting_bytes -= waiting.front().size();
      waiting.pop_front();
      ++items;
    }
    subscriber->first_at = clock_.monotonic_now();
    const auto bytes = batch.size();
    if (!co_await send(*subscriber, wants.tcp ? batch + "\n" : cat("[", batch, "]"))) {
      subscriber->dropped += items;
      subscriber->dropped_bytes += bytes;
    }
  }
  --running_;
  changes_.ring();
}

// True when it was taken. What fails while the environment is frozen does not count.
Task<bool> Telemetry::send(Subscriber& subscriber, const std::string& batch) {
  auto pause_time = limits::telemetry_pause;
  for (int attempts = 0; attempts < limits::telemetry_attempts_max && !stopped_;) {
    while (frozen_ && !stopped_) co_await changes_.next(loop_);
    const bool sent = subscriber.wants.tcp ? co_await write_lines(subscriber, batch) : co_await post(subscriber, batch);
    if (sent) co_return true;
    if (frozen_) continue;
    ++attempts;
    co_await pause(pause_time);
    pause_time *= 2;
  }
  co_return false;
}

// Over early when the environment is about to end.
Task<void> Telemetry::pause(std::chrono::milliseconds time) {
  bool over = false;
  io::Deadline timer(loop_, time, [&] {
    over = true;
    changes_.ring();
  });
  while (!over && !stopped_) co_await changes_.next(loop_);
}

Task<bool> Telemetry::post(Subscriber& subscriber, const std::string& batch) {
  const auto& wants = subscriber.wants;
  const auto head = cat(wants.method, " ", wants.target, " HTTP/1.1\r\nHost: sandbox.localdomain:", wants.port,
                        "\r\nContent-Type: application/json\r\nContent-Length: ", batch.size(), "\r\nConnection: close\r\n\r\n");
  auto stream = co_await attempt(dial_(wants.port));
  if (!stream || stopped_) co_return false;
  subscriber.stream = std::move(*stream);
  auto& open = *subscriber.stream;
  Patience patience(loop_, open, frozen_);
  bool taken = false;
  if (co_await open.write(head) && co_await open.write(batch)) {
    for (;;) {
      auto parsed = http::parse_response_head(open.incoming(), answer_head_bytes_max);
      if (!parsed) break;
      if (*parsed && (*parsed)->response.status >= 200) {
        taken = (*parsed)->response.status < 300;
        break;
      }
      if (*parsed) {
        open.consume((*parsed)->size);
        continue;
      }
      if (!co_await open.read_more()) break;
    }
  }
  open.close();
  subscriber.stream.reset();
  co_return taken;
}

Task<bool> Telemetry::write_lines(Subscriber& subscriber, const std::string& batch) {
  if (!subscriber.stream || subscriber.stream->at_end()) {
    auto stream = co_await attempt(dial_(subscriber.wants.port));
    if (!stream || stopped_) co_return false;
    subscriber.stream = std::move(*stream);
  }
  auto& open = *subscriber.stream;
  Patience patience(loop_, open, frozen_);
  const bool written = co_await open.write(batch);
  if (!written) subscriber.stream.reset();
  co_return written;
}

}  // namespace sallyport::runtime
