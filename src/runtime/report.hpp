// The texts of an environment's log and of the errors it ends with, as AWS writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/spec.hpp"
#include "sandbox/sandbox.hpp"

namespace sallyport::runtime {

/// The payload of an answer over the limit.
std::string response_too_large();

/// {"errorType":...,"errorMessage":...}
std::string error_object(std::string_view type, std::string_view message);

/// How a runtime ended, in Go's words: `Runtime exited with error: signal: killed`.
std::string exit_text(const sandbox::Exit& exit);
/// As Go says it: `signal: killed`.
std::string signal_text(int number);

/// `Task timed out after 3.00 seconds`
std::string timed_out_text(const FunctionSpec& spec);

/// The last line of an event: what it took, on a cold start with the time of init, and how it ended if the environment ended with it.
std::string report_line(const FunctionSpec& spec, std::string_view request_id, double duration_ms, long max_memory_mb,
                        std::optional<double> init_ms, std::string_view fatal_error_type);

/// What an init that came to nothing leaves in the log. `phase`: init or invoke.
std::string init_report_line(double duration_ms, std::string_view phase, std::string_view error_type, bool took_too_long);

}  // namespace sallyport::runtime
