// What an extension sends about itself: a subscription that is accepted leads to the environment alone and within its bounds, and leaves
// nothing in the request line that does not belong there.
#include <cstdint>
#include <cstdlib>

#include "runtime/extension_host.hpp"
#include "runtime/http_channel.hpp"
#include "runtime/telemetry.hpp"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto api : {runtime::TelemetryApi::telemetry, runtime::TelemetryApi::logs}) {
    const auto subscription = runtime::parse_subscription(api, text);
    if (!subscription) continue;
    if (subscription->port < 1 || subscription->port > 65'535 || subscription->types().empty()) std::abort();
    if (subscription->bytes_max > 1'048'576 || subscription->items_max > 10'000 || subscription->timeout.count() > 30'000) std::abort();
    if (subscription->tcp && subscription->target.empty()) continue;
    if (!subscription->target.starts_with('/')) std::abort();
    for (const char c : subscription->target)
      if (c <= ' ' || c >= 0x7f) std::abort();
  }
  for (const bool external : {true, false}) {
    const auto registration = runtime::parse_registration(text, external);
    if (registration && registration->shutdown && !external) std::abort();
  }
  const auto type = runtime::normal_error_type(text);
  if (type.size() > 256 || (!type.contains("Runtime.") && !type.contains("Function."))) std::abort();
  runtime::without_error_cause(std::string(text));
  return 0;
}
