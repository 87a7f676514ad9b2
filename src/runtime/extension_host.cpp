#include "runtime/extension_host.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "runtime/http_answers.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t error_type_bytes_max = 256;
constexpr std::chrono::milliseconds leaving_time{500};  // for who reported an error to exit as it should
constexpr std::string_view id_header = "Lambda-Extension-Identifier";
constexpr std::string_view error_type_header = "Lambda-Extension-Function-Error-Type";

http::Response forbidden(std::string_view type, std::string_view message) { return refusal(403, type, message); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = to_lower(text[i]);
    if (dash ? c != '-' : !is_digit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

auto refuse_format(std::string message) { return std::unexpected(RegistrationError{"InvalidRequestFormat", std::move(message)}); }

}  // namespace

Result<Registration, RegistrationError> parse_registration(std::string_view body, bool external) {
  const auto value = json::parse(body, json::limits::document_depth_max);
  if (!value) return refuse_format(value.error().message);
  if (!value->object()) return refuse_format("the body is no object");
  if (const auto* keys = value->find("configurationKeys"); keys && keys->array() && !keys->array()->empty())
    return refuse_format("configurationKeys are no longer supported, use environment variables");
  Registration registration;
  const auto* events = value->find("events");
  if (!events || events->is_null()) return registration;
  if (!events->array()) return refuse_format("events is no list");
  for (const auto& event : *events->array()) {
    if (!event.string()) return refuse_format("events has an item that is no string");
    const auto& name = *event.string();
    if (name == "INVOKE")
      registration.invoke = true;
    else if (name == "SHUTDOWN" && external)
      registration.shutdown = true;
    else if (name == "SHUTDOWN")
      return std::unexpected(RegistrationError{"Extension.InvalidEventType", "SHUTDOWN: event not supported for internal extensions"});
    else
      return std::unexpected(RegistrationError{"Extension.InvalidEventType", cat(name.substr(0, 64), ": invalid event type")});
  }
  return registration;
}

std::string_view ExtensionHost::name_of(State state) {
  switch (state) {
    case State::started: return "Started";
    case State::registered: return "Registered";
    case State::ready: return "Ready";
    case State::running: return "Running";
    case State::init_error: return "InitError";
    case State::exit_error: return "ExitError";
    case State::launch_error: return "LaunchError";
    case State::exited: return "Exited";
  }
  return {};
}

std::string ExtensionHost::events_of(const Extension& extension) {
  std::string events = extension.wants.invoke ? "INVOKE" : "";
  if (extension.wants.shutdown) events += events.empty() ? "SHUTDOWN" : ",SHUTDOWN";
  return events;
}

http::Response ExtensionHost::no_transition(const Extension& extension, State to) {
  return forbidden("Extension.InvalidExtensionState",
                   cat("State transition from ", name_of(extension.state), " to ", name_of(to), " failed for extension ",
                       extension.id.empty() ? extension.name : extension.id, ". Error: State transition is not allowed"));
}

Result<ExtensionHost::Extension*, http::Response> ExtensionHost::caller(const http::Request& request) const {
  const auto id = header_of(request, id_header);
  if (id.empty()) return std::unexpected(forbidden("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"));
  if (!is_uuid(id)) return std::unexpected(forbidden("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"));
  for (const auto& extension : extensions_)
    if (!extension->id.empty() && equals_ignoring_case(extension->id, id)) return extension.get();
  return std::unexpected(forbidden("Extension.UnknownExtensionIdentifier", cat("Unknown extension ", id)));
}

Result<std::string, http::Response> ExtensionHost::name_of(const http::Request& request) const {
  auto extension = caller(request);
  if (!extension) return std::unexpected(std::move(extension.error()));
  return (*extension)->name;
}

Task<http::Response> ExtensionHost::handle(std::string_view what, const http::Request& request, serve::BodyReader& body) {
  const bool is_next = what == "event/next";
  if (!is_next && what != "register" && what != "init/error" && what != "exit/error")
    co_return refusal(404, "NotFound", "no such path in the Extensions API");
  if (request.method != (is_next ? "GET" : "POST")) co_return refusal(405, "MethodNotAllowed", "no such method in the Extensions API");
  if (what == "register") co_return co_await register_extension(request, body);
  auto extension = caller(request);
  if (!extension) co_return std::move(extension.error());
  if (is_next) co_return co_await next_event(**extension);
  co_return report_error(**extension, request, what == "init/error" ? State::init_error : State::exit_error);
}

Task<http::Response> ExtensionHost::register_extension(const http::Request& request, serve::BodyReader& body) {
  const std::string name(header_of(request, "Lambda-Extension-Name")), features(header_of(request, "Lambda-Extension-Accept-Feature"));
  if (name.empty()) co_return forbidden("Extension.InvalidExtensionName", "Empty extension name");
  if (name.size() > name_bytes_max) co_return forbidden("Extension.InvalidExtensionName", "Extension name is too long");
  const auto bytes = co_await attempt(body.read_all(body_bytes_max));
  if (!bytes) co_return forbidden("InvalidRequestFormat", "the body could not be read");
  const auto found = std::find_if(extensions_.begin(), extensions_.end(), [&](const auto& each) { return each->name == name; });
  const bool external = found != extensions_.end() && (*found)->external;
  auto wants = parse_registration(*bytes, external);
  if (!wants) co_return forbidden(wants.error().type, wants.error().message);
  if (external && (*found)->state != State::started) co_return no_transition(**found, State::registered);
  if (closed_ || stopped_) co_return forbidden("Extension.RegistrationClosed", "Extension registration closed already");
  Extension* extension = external ? found->get() : nullptr;
  if (!external) {
    if (found != extensions_.end()) co_return forbidden("Extension.InvalidExtensionState", "Extension with this name already registered");
    if (extensions_.size() >= limits::extensions_max)
      co_return forbidden("Extension.TooManyExtensions", cat("Extension limit (", limits::extensions_max, ") reached"));
    extension = extensions_.emplace_back(std::make_unique<Extension>()).get();
    extension->name = name;
  }
  extension->id = make_uuid(facts_.random);
  extension->wants = *wants;
  extension->state = State::registered;
  changes_.ring();
  co_return registered(*extension, features);
}

http::Response ExtensionHost::registered(const Extension& extension, std::string_view features) const {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().key("functionName").string(facts_.spec.function_name).key("functionVersion").string(facts_.spec.version);
  writer.key("handler").string(facts_.spec.handler);
  for (const auto feature : split(features, ','))
    if (trim(feature) == "accountId") {
      const auto parts = split(facts_.spec.function_arn, ':');
      if (parts.size() > 4) writer.key("accountId").string(parts[4]);
      break;
    }
  writer.end_object();
  auto response = answer(200, body + "\n");
  response.add(id_header, extension.id);
  return response;
}

Task<http::Response> ExtensionHost::next_event(Extension& extension) {
  if (extension.state != State::registered && extension.state != State::running) co_return no_transition(extension, State::ready);
  extension.state = State::ready;
  changes_.ring();
  while (!extension.event && !stopped_ && extension.state == State::ready) co_await changes_.next(facts_.loop);
  if (!extension.event) co_return refusal(500, "InternalServerError", "Internal Server Error");
  extension.state = State::running;
  auto response = answer(200, *std::exchange(extension.event, std::nullopt) + "\n");
  response.add("Lambda-Extension-Event-Identifier", make_uuid(facts_.random));
  co_return response;
}

// The process is expected to end now, and is ended if it does not; that is when the environment is reset.
http::Response ExtensionHost::report_error(Extension& extension, const http::Request& request, State to) {
  const auto type = header_of(request, error_type_header);
  if (type.empty()) return forbidden("Extension.MissingHeader", cat(error_type_header, " not found"));
  const bool alive = extension.state == State::registered || extension.state == State::ready || extension.state == State::running;
  const bool may = extension.state == to || (to == State::init_error ? extension.state == State::registered : alive);
  if (!may) return no_transition(extension, to);
  extension.state = to;
  if (!extension.reported) {
    extension.reported = std::string(type.substr(0, error_type_bytes_max));
    extension.leaving.emplace(facts_.loop, leaving_time, [this, &extension] { end_process(extension); });
  }
  changes_.ring();
  return accepted();
}

void ExtensionHost::announce(const Invocation& invocation, WallTime deadline) {
  std::string event;
  for (const auto& extension : extensions_) {
    if (!extension->wants.invoke || extension->state != State::ready) continue;
    if (event.empty()) {
      json::Writer writer(event);
      writer.begin_object().key("eventType").string("INVOKE").key("deadlineMs").number(to_epoch_ms(deadline));
      writer.key("requestId").string(invocation.request_id.text());
      writer.key("invokedFunctionArn").string(invocation.invoked_function_arn);
      writer.key("tracing").begin_object().key("type").string("X-Amzn-Trace-Id").key("value").string(invocation.trace_id).end_object();
      writer.end_object();
    }
    extension->event = event;
  }
  changes_.ring();
}

bool ExtensionHost::settled() const {
  return std::all_of(extensions_.begin(), extensions_.end(), [](const auto& extension) {
    return !extension->wants.invoke || (extension->state == State::ready && !extension->event);
  });
}

Task<bool> ExtensionHost::ready() {
  closed_ = true;
  const auto all_ready = [this] {
    return std::all_of(extensions_.begin(), extensions_.end(), [](const auto& extension) { return extension->state == State::ready; });
  };
  while (!over() && !all_ready()) co_await changes_.next(facts_.loop);
  if (over() || !all_ready()) co_return false;
  for (const auto& extension : extensions_) facts_.log.extension(extension->name, "Ready", events_of(*extension), {});
  init_over_ = true;
  hooks_.init_over();
  co_return true;
}

// The environment is over then, whatever becomes of the extensions.
void ExtensionHost::runtime_ended() {
  runtime_gone_ = exits_expected_ = true;
  changes_.ring();
}

void ExtensionHost::expect_exits() {
  exits_expected_ = true;
  changes_.ring();
}

void ExtensionHost::fail(Extension& extension, std::string type, std::string text) {
  if (fault_ || stopped_) return;
  facts_.log.extension(extension.name, name_of(extension.state), events_of(extension), extension.reported.value_or(type));
  fault_ = ExtensionFault{std::move(type), std::move(text)};
  changes_.ring();
  if (failed_) failed_();
}

}  // namespace sallyport::runtime
