// What an execution environment depends on, and what one invocation brings and leaves.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/name.hpp"

namespace sallyport::runtime {

namespace limits {
inline constexpr std::size_t response_bytes_max = 6'291'556;   // AWS: 6 MiB + 100
inline constexpr std::size_t log_line_bytes_max = 256 * 1024;  // AWS: one log event
inline constexpr std::chrono::seconds init_time{10};           // AWS: the init phase
inline constexpr std::chrono::milliseconds memory_check_interval{100};
inline constexpr std::chrono::milliseconds wait_time{29'000};      // for an environment: the patience of a synchronous caller
inline constexpr std::size_t waiting_events_max = 1'000;           // of one function, for an environment
inline constexpr std::chrono::hours environment_age_max{10};       // credentials inside last twelve
inline constexpr std::chrono::milliseconds starving_time{200};     // after which a waiting function gets a busy one's place
inline constexpr std::chrono::seconds provisioned_init_time{130};  // AWS: or the function's timeout, if that is longer
// After an answer a runtime asks for its next event at once, as a rule: so long is waited for that before another environment is started,
// and by callers who want the event's REPORT.
inline constexpr std::chrono::milliseconds settling_grace{100}, report_wait{300};
inline constexpr int init_crashes_free = 3;                                           // in a row, after which starts are spaced out
inline constexpr std::chrono::milliseconds crash_pause{100}, crash_pause_max{5'000};  // doubled from crash to crash
inline constexpr double memory_mb_per_processor = 1769;  // AWS: "at 1,769 MB, a function has the equivalent of one vCPU"
// Of the APIs of one environment: ten extensions and the runtime make two or three connections each; whoever is idle makes room. Held are
// heads, trailers and answers that are not read: two events of 6 MiB, an error's cause of 1 MiB, a streamed one of 2 MiB.
inline constexpr std::size_t api_connections_max = 32, api_held_bytes_max = 16u << 20;
inline constexpr double output_bytes_per_second = 8e6, output_bytes_burst = 32e6;  // of one environment; more is dropped
}  // namespace limits

/// A debugger is to be let in: one environment at most, with no limit on time and never frozen.
struct DebugSettings {
  int port = 0;  // in the environment's network
  bool operator==(const DebugSettings&) const = default;
};

/// One version of a function as the runtime sees it. Two environments with equal specs are interchangeable; any change makes a new pool.
struct FunctionSpec {
  std::string function_name;
  std::string version;       // $LATEST or a number
  std::string function_arn;  // unqualified
  std::string runtime;       // python3.12, nodejs22.x, provided.al2023
  std::string handler;
  std::string code_directory;
  std::string code_sha256;
  std::string layers_directory;  // what becomes /opt; empty: nothing
  std::chrono::seconds timeout{3};
  int memory_mb = 128;
  int tmp_mb = 512;                                     // EphemeralStorage
  bool brings_sdk = false;                              // its package or layers hold their own AWS SDK, which a preloaded one would hide
  std::string log_format;                               // Text or JSON; empty: not configured
  std::string application_log_level, system_log_level;  // with JSON
  std::string log_group;                                // empty: /aws/lambda/<name>
  std::map<std::string, std::string> environment;
  std::string region;
  std::string role;  // ARN of the execution role; may be empty
  std::optional<DebugSettings> debug = std::nullopt;
  std::string runtime_version_arn = {};  // what INIT_START tells
  bool operator==(const FunctionSpec&) const = default;
};

class ResponseStream;

struct Invocation {
  RequestId request_id;
  std::string invoked_function_arn;  // as the caller wrote it: with qualifier only if one was given
  std::string trace_id;
  std::string payload;
  std::string client_context = {};  // JSON text on one line; empty when the caller sent none
  /// Where a function that streams sends its answer; null: it is collected into `Outcome::payload`.
  std::shared_ptr<ResponseStream> stream = nullptr;
  std::string cognito_identity = {};  // JSON text; empty: none
  std::string tenant_id = {};
  bool wants_report = false;  // END and REPORT are waited for, `limits::report_wait` at most
};

/// How an invocation ended. A failure is an ordinary answer with an error object as payload.
struct Outcome {
  bool failed = false;
  std::string error_type;  // Runtime.ExitError, Sandbox.Timedout, or what the function reported; for logs and traces
  std::string payload;     // JSON text: the result or the error object
  bool throttled = false;  // no environment came free in time; the payload is empty
};

}  // namespace sallyport::runtime
