// What an execution environment depends on, and what one invocation brings and leaves.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/name.hpp"

namespace sallyport::runtime {

namespace limits {
inline constexpr std::size_t response_bytes_max = 6'291'556;   // AWS: 6 MiB + 100
inline constexpr std::size_t log_line_bytes_max = 256 * 1024;  // AWS: one log event
inline constexpr std::chrono::seconds init_time{10};           // AWS: the init phase
inline constexpr std::chrono::milliseconds memory_check_interval{100};
inline constexpr std::chrono::milliseconds wait_time{29'000};   // for an environment: the patience of a synchronous caller
inline constexpr std::size_t waiting_events_max = 1'000;        // of one function, for an environment
inline constexpr std::chrono::hours environment_age_max{10};    // credentials inside last twelve
inline constexpr std::chrono::milliseconds starving_time{200};  // after which a waiting function gets a busy one's place
}  // namespace limits

/// One version of a function as the runtime sees it. Two environments with equal specs are interchangeable; any change makes a new pool.
struct FunctionSpec {
  std::string function_name;
  std::string version;       // $LATEST or a number
  std::string function_arn;  // unqualified
  std::string runtime;       // python3.12, nodejs22.x, provided.al2023
  std::string handler;
  std::string code_directory;
  std::string code_sha256;
  std::chrono::seconds timeout{3};
  int memory_mb = 128;
  std::map<std::string, std::string> environment;
  std::string region;
  std::string role;  // ARN of the execution role; may be empty
  bool operator==(const FunctionSpec&) const = default;
};

struct Invocation {
  RequestId request_id;
  std::string invoked_function_arn;  // as the caller wrote it: with qualifier only if one was given
  std::string trace_id;
  std::string payload;
  std::string client_context = {};  // JSON text on one line; empty when the caller sent none
};

/// How an invocation ended. A failure is an ordinary answer with an error object as payload.
struct Outcome {
  bool failed = false;
  std::string error_type;  // Runtime.ExitError, Sandbox.Timedout, or what the function reported; for logs and traces
  std::string payload;     // JSON text: the result or the error object
  bool throttled = false;  // no environment came free in time; the payload is empty
};

}  // namespace sallyport::runtime
