#include "runtime/telemetry.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "runtime/http_answers.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::string_view telemetry_versions[] = {"2022-07-01", "2022-12-13", "2025-01-29"};
constexpr std::string_view logs_versions[] = {"2020-08-15", "2021-03-18"};
constexpr std::string_view own_names[] = {"sandbox.localdomain", "sandbox.local", "sandbox"};
constexpr std::size_t target_bytes_max = 2'048;

bool one_of(std::string_view text, std::span<const std::string_view> all) { return std::find(all.begin(), all.end(), text) != all.end(); }

Result<std::string> text_member(const json::Value& value, std::string_view name, std::string_view otherwise) {
  const auto* member = value.find(name);
  if (!member || member->is_null()) return std::string(otherwise);
  if (!member->string()) return fail(cat(name, " must be a string"));
  return *member->string();
}

Result<std::int64_t> number_member(const json::Value& value, std::string_view name, std::int64_t least, std::int64_t most,
                                   std::int64_t otherwise) {
  const auto* member = value.find(name);
  if (!member || member->is_null()) return otherwise;
  const auto number = member->integer();
  if (!number || *number < least || *number > most) return fail(cat(name, " must be a number from ", least, " to ", most));
  return *number;
}

Result<> read_types(Subscription& subscription, const json::Value* types) {
  if (!types || !types->array() || types->array()->empty()) return fail("types must be a list of platform, function and extension");
  for (const auto& type : *types->array()) {
    const auto name = type.string() ? std::string_view(*type.string()) : std::string_view();
    if (name == "platform")
      subscription.platform = true;
    else if (name == "function")
      subscription.function = true;
    else if (name == "extension")
      subscription.extension = true;
    else
      return fail("types must be a list of platform, function and extension");
  }
  return {};
}

Result<> read_buffering(Subscription& subscription, const json::Value* buffering) {
  if (!buffering || buffering->is_null()) return {};
  if (!buffering->object()) return fail("buffering must be an object");
  const auto bytes = number_member(*buffering, "maxBytes", 262'144, 1'048'576, 262'144);
  if (!bytes) return std::unexpected(bytes.error());
  const auto items = number_member(*buffering, "maxItems", 1'000, 10'000, 10'000);
  if (!items) return std::unexpected(items.error());
  const auto time = number_member(*buffering, "timeoutMs", 25, 30'000, 1'000);
  if (!time) return std::unexpected(time.error());
  subscription.bytes_max = static_cast<std::size_t>(*bytes);
  subscription.items_max = static_cast<std::size_t>(*items);
  subscription.timeout = std::chrono::milliseconds(*time);
  return {};
}

// Only the environment's own names: nobody is sent to anybody else's door.
Result<> read_uri(Subscription& subscription, std::string_view uri) {
  constexpr std::string_view scheme = "http://";
  if (!subscription.tcp && !starts_with_ignoring_case(uri, scheme)) return fail("destination.URI must begin with http://");
  if (const auto at = uri.find("://"); at != std::string_view::npos) uri.remove_prefix(at + 3);
  const auto slash = std::min(uri.find('/'), uri.size());
  const auto authority = uri.substr(0, slash);
  const auto colon = authority.find(':');
  if (!one_of(lower(authority.substr(0, colon)), own_names)) return fail("destination.URI must name sandbox.localdomain");
  const auto port = colon == std::string_view::npos ? std::optional(80) : parse_number<int>(authority.substr(colon + 1));
  if (!port || *port < 1 || *port > 65'535) return fail("destination.URI has no valid port");
  subscription.port = *port;
  subscription.target = slash < uri.size() ? std::string(uri.substr(slash)) : "/";
  const bool clean = std::all_of(subscription.target.begin(), subscription.target.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!clean || subscription.target.size() > target_bytes_max) return fail("destination.URI has no valid path");
  return {};
}

Result<> read_destination(Subscription& subscription, const json::Value* destination) {
  if (!destination || !destination->object()) return fail("destination must be an object");
  const auto protocol = text_member(*destination, "protocol", {});
  if (!protocol) return std::unexpected(protocol.error());
  if (!equals_ignoring_case(*protocol, "HTTP") && !equals_ignoring_case(*protocol, "TCP"))
    return fail("destination.protocol must be HTTP or TCP");
  subscription.tcp = equals_ignoring_case(*protocol, "TCP");
  const auto method = text_member(*destination, "method", "POST");
  if (!method) return std::unexpected(method.error());
  if (*method != "POST" && *method != "PUT") return fail("destination.method must be POST or PUT");
  subscription.method = *method;
  const auto encoding = text_member(*destination, "encoding", "JSON");
  if (!encoding) return std::unexpected(encoding.error());
  if (*encoding != "JSON") return fail("destination.encoding must be JSON");
  const auto uri = text_member(*destination, destination->find("uri") ? "uri" : "URI", {});
  if (!uri) return std::unexpected(uri.error());
  if (subscription.tcp && uri->empty()) {
    const auto port = number_member(*destination, "port", 1, 65'535, 0);
    if (!port) return std::unexpected(port.error());
    if (!*port) return fail("destination needs a port");
    subscription.port = static_cast<int>(*port);
    return {};
  }
  return read_uri(subscription, *uri);
}

// The Logs API is the older one: fewer events, and names of its own for some.
bool has_event(TelemetryApi api, std::string_view schema_version, std::string_view type) {
  if (type == "function" || type == "extension" || type == "platform.logsDropped" || type == "platform.extension") return true;
  if (api == TelemetryApi::telemetry) return type != "platform.end" && type != "platform.fault" && type != "platform.logsSubscription";
  if (type == "platform.runtimeDone") return schema_version == "2021-03-18";
  return type == "platform.start" || type == "platform.end" || type == "platform.report" || type == "platform.fault" ||
         type == "platform.logsSubscription";
}

}  // namespace

std::string Subscription::types() const {
  std::string all;
  const auto add = [&all](bool wanted, std::string_view name) {
    if (wanted) all += cat(all.empty() ? "" : ",", name);
  };
  add(platform, "platform");
  add(function, "function");
  add(extension, "extension");
  return all;
}

Result<Subscription> parse_subscription(TelemetryApi api, std::string_view body) {
  const auto value = json::parse(body, json::limits::document_depth_max);
  if (!value) return fail(value.error().message);
  if (!value->object()) return fail("the body must be an object");
  Subscription subscription{.api = api};
  const bool logs = api == TelemetryApi::logs;
  auto version = text_member(*value, "schemaVersion", logs ? logs_versions[0] : std::string_view());
  if (!version) return std::unexpected(version.error());
  if (logs ? !one_of(*version, logs_versions) : !one_of(*version, telemetry_versions))
    return fail(logs ? "schemaVersion must be 2020-08-15 or 2021-03-18" : "schemaVersion must be 2022-07-01, 2022-12-13 or 2025-01-29");
  subscription.schema_version = std::move(*version);
  if (auto read = read_types(subscription, value->find("types")); !read) return std::unexpected(read.error());
  if (auto read = read_buffering(subscription, value->find("buffering")); !read) return std::unexpected(read.error());
  if (auto read = read_destination(subscription, value->find("destination")); !read) return std::unexpected(read.error());
  return subscription;
}

std::string event_for(const Subscription& subscription, const TelemetryEvent& event) {
  using Category = TelemetryEvent::Category;
  const bool wanted = event.category == Category::platform   ? subscription.platform
                      : event.category == Category::function ? subscription.function
                                                             : subscription.extension;
  if (!wanted || !has_event(subscription.api, subscription.schema_version, event.type)) return {};
  std::string out;
  json::Writer writer(out);
  writer.begin_object().key("time").string(iso8601_millis(event.time)).key("type").string(event.type).key("record");
  // Lines became objects with schema 2022-12-13; before, every line is text.
  const bool lines_are_text = subscription.api == TelemetryApi::logs || subscription.schema_version == "2022-07-01";
  if (lines_are_text && event.category != Category::platform && event.record.starts_with('{'))
    writer.string(event.record);
  else
    writer.raw(event.record);
  writer.end_object();
  return out;
}

}  // namespace sallyport::runtime
