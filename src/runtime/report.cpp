#include "runtime/report.hpp"

#include <signal.h>

#include <cmath>

#include "base/text.hpp"
#include "json/write.hpp"

namespace sallyport::runtime {
namespace {

// Go's names, which AWS's texts carry.
std::string_view signal_name(int number) {
  switch (number) {
    case SIGHUP: return "hangup";
    case SIGINT: return "interrupt";
    case SIGQUIT: return "quit";
    case SIGTRAP: return "trace/breakpoint trap";
    case SIGPIPE: return "broken pipe";
    case SIGALRM: return "alarm clock";
    case SIGKILL: return "killed";
    case SIGSEGV: return "segmentation fault";
    case SIGABRT: return "aborted";
    case SIGBUS: return "bus error";
    case SIGFPE: return "floating point exception";
    case SIGILL: return "illegal instruction";
    case SIGSYS: return "bad system call";
    case SIGTERM: return "terminated";
    case SIGUSR1: return "user defined signal 1";
    case SIGUSR2: return "user defined signal 2";
    default: return {};
  }
}

}  // namespace

std::string response_too_large() {
  return R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"})";
}

std::string error_object(std::string_view type, std::string_view message) {
  std::string out;
  json::Writer(out).begin_object().key("errorType").string(type).key("errorMessage").string(message).end_object();
  return out;
}

std::string signal_text(int number) {
  const auto name = signal_name(number);
  return name.empty() ? cat("signal: signal ", number) : cat("signal: ", name);
}

std::string exit_text(const sandbox::Exit& exit) {
  if (exit.signal) return cat("Runtime exited with error: ", signal_text(exit.signal));
  if (exit.code == 0) return "Runtime exited without providing a reason";
  return cat("Runtime exited with error: exit status ", exit.code);
}

std::string timed_out_text(const FunctionSpec& spec) {
  std::string text = "Task timed out after ";
  append_fixed2(text, static_cast<double>(spec.timeout.count()));
  return text + " seconds";
}

std::string report_line(const FunctionSpec& spec, std::string_view request_id, double duration_ms, long max_memory_mb,
                        std::optional<double> init_ms, std::string_view fatal_error_type) {
  std::string report;
  report.reserve(request_id.size() + fatal_error_type.size() + 192);
  append(report, "REPORT RequestId: ");
  append(report, request_id);
  append(report, "\tDuration: ");
  append_fixed2(report, duration_ms);
  append(report, " ms\tBilled Duration: ");
  append(report, static_cast<long>(std::ceil(duration_ms)));
  append(report, " ms\tMemory Size: ");
  append(report, spec.memory_mb);
  append(report, " MB\tMax Memory Used: ");
  append(report, max_memory_mb);
  append(report, " MB\t");
  if (init_ms) {
    append(report, "Init Duration: ");
    append_fixed2(report, *init_ms);
    append(report, " ms\t");
  }
  if (fatal_error_type == "Sandbox.Timedout")
    report += "Status: timeout";
  else if (!fatal_error_type.empty())
    report += cat("Status: error\tError Type: ", fatal_error_type);
  return report;
}

std::string init_report_line(double duration_ms, std::string_view phase, std::string_view error_type, bool took_too_long) {
  std::string text = "INIT_REPORT Init Duration: ";
  append_fixed2(text, duration_ms);
  text += cat(" ms\tPhase: ", phase, "\tStatus: ");
  return text + (took_too_long ? std::string("timeout") : cat("error\tError Type: ", error_type));
}

}  // namespace sallyport::runtime
