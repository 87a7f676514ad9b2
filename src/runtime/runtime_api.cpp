#include "runtime/runtime_api.hpp"

#include <deque>
#include <optional>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "json/write.hpp"
#include "runtime/instance.hpp"
#include "serve/server.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::string_view prefix = "/2018-06-01/runtime/";
constexpr std::size_t error_body_bytes_max = 1u << 20;
constexpr std::size_t connections_max = 64;

struct Event {
  Invocation invocation;
  WallTime deadline;
};

http::Response answer(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}
http::Response accepted() { return answer(202, "{\"status\":\"OK\"}\n"); }
http::Response refusal(int status, std::string_view type, std::string_view message) {
  std::string body;
  json::Writer(body).begin_object().key("errorMessage").string(message).key("errorType").string(type).end_object();
  return answer(status, body + "\n");
}

class HttpRuntimeApi final : public RuntimeApi, private serve::Handler {
 public:
  HttpRuntimeApi(io::Loop& loop, const Clock& clock) : loop_(loop), server_(loop, clock, *this, connections_max) {}

  Result<> listen() {
    auto listener =
        io::Listener::open(loop_, "127.0.0.1", 0, [this](std::unique_ptr<io::Stream> stream) { server_.accept(std::move(stream)); });
    if (!listener) return std::unexpected(listener.error());
    listener_ = std::move(*listener);
    return {};
  }
  std::string address() const override { return cat("127.0.0.1:", listener_->port()); }

  Task<RuntimeMessage> next() override {
    if (messages_.empty() && !ended_) co_await message_bell_.emplace().wait_on(loop_);
    message_bell_.reset();
    if (messages_.empty()) co_return Gone{};
    auto message = std::move(messages_.front());
    messages_.pop_front();
    co_return message;
  }

  Task<bool> send(const Invocation& invocation, WallTime deadline) override {
    event_ = Event{invocation, deadline};
    answered_ = false;
    ring(event_bell_);
    co_return !ended_;
  }

  void process_ended() override {
    ended_ = true;
    ring(message_bell_);
    ring(event_bell_);
  }

  Task<void> close() override {
    process_ended();
    listener_.reset();
    io::Completion<bool> drained;
    server_.shut_down(std::chrono::milliseconds(0), [drained]() mutable { drained.deliver(true); });
    co_await drained.wait_on(loop_);
  }

 private:
  using Bell = std::optional<io::Completion<bool>>;
  static void ring(Bell& bell) {
    if (bell) bell->deliver(true);
  }
  void push(RuntimeMessage message) {
    messages_.push_back(std::move(message));
    ring(message_bell_);
  }

  Task<http::Response> handle(io::Loop&, const http::Request& request, serve::BodyReader& body, const serve::Peer&) override {
    // No web page, whatever name it reached this address by.
    if (request.host != address() || request.find("Origin") || request.find("Sec-Fetch-Site"))
      co_return refusal(403, "Forbidden", "the Runtime API answers its function alone");
    if (request.path == "/2018-06-01/ping") co_return answer(200, "pong");
    if (!request.path.starts_with(prefix)) co_return refusal(404, "NotFound", "no such path in the Runtime API");
    const auto what = request.path.substr(prefix.size());
    if (what == "invocation/next" && request.method == "GET") co_return co_await next_event();
    if (request.method != "POST") co_return refusal(405, "MethodNotAllowed", "no such method in the Runtime API");
    if (what == "init/error") co_return co_await init_error(request, body);
    if (what.starts_with("invocation/")) {
      const auto parts = split(what, '/');
      if (parts.size() == 3 && parts[2] == "response") co_return co_await response(parts[1], request, body);
      if (parts.size() == 3 && parts[2] == "error") co_return co_await error(parts[1], request, body);
    }
    co_return refusal(404, "NotFound", "no such path in the Runtime API");
  }

  void refused(const serve::Peer&, int, std::string_view) override {}  // the function's own doing, and its own answer

  // An event that is being worked on is handed out again when asked for again.
  Task<http::Response> next_event() {
    if (polling_)
      co_return refusal(403, "InvalidStateTransition",
                        "State transition from Ready to Ready failed for runtime. Error: State transition is not allowed");
    if (!std::exchange(initialised_, true)) push(Ready{});
    polling_ = true;
    while ((!event_ || answered_) && !ended_) {
      co_await event_bell_.emplace().wait_on(loop_);
      event_bell_.reset();
    }
    polling_ = false;
    if (ended_) co_return refusal(500, "InternalServerError", "the execution environment is shutting down");
    auto response = answer(200, event_->invocation.payload);
    response.add("Lambda-Runtime-Aws-Request-Id", event_->invocation.request_id.text());
    response.add("Lambda-Runtime-Deadline-Ms", std::to_string(to_epoch_ms(event_->deadline)));
    response.add("Lambda-Runtime-Invoked-Function-Arn", event_->invocation.invoked_function_arn);
    if (!event_->invocation.trace_id.empty()) response.add("Lambda-Runtime-Trace-Id", event_->invocation.trace_id);
    if (!event_->invocation.client_context.empty()) response.add("Lambda-Runtime-Client-Context", event_->invocation.client_context);
    co_return response;
  }

  // Nothing when the id is the current one and not answered yet.
  std::optional<http::Response> check_id(std::string_view id) const {
    if (!event_ || id != event_->invocation.request_id.text()) return refusal(400, "InvalidRequestID", "Invalid request ID");
    if (answered_)
      return refusal(403, "InvalidStateTransition",
                     "State transition from RuntimeResponseSentState to InvocationResponse failed for runtime. Error: State transition is "
                     "not allowed");
    return std::nullopt;
  }

  Task<http::Response> response(std::string_view id, const http::Request& request, serve::BodyReader& body) {
    if (auto wrong = check_id(id)) co_return std::move(*wrong);
    if (const auto* mode = request.find("Lambda-Runtime-Function-Response-Mode"); mode && !mode->empty())
      co_return refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode");
    answered_ = true;
    auto bytes = co_await attempt(body.read_all(limits::response_bytes_max));
    if (!bytes && bytes.error().kind == serve::BodyError::Kind::too_large) {
      push(Failed{"Function.ResponseSizeTooLarge", response_too_large()});
      co_return refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).");
    }
    if (!bytes) {
      push(Failed{"Runtime.TruncatedResponse", truncated_response()});
      co_return refusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated");
    }
    push(Answered{std::move(*bytes)});
    co_return accepted();
  }

  Task<http::Response> error(std::string_view id, const http::Request& request, serve::BodyReader& body) {
    if (auto wrong = check_id(id)) co_return std::move(*wrong);
    answered_ = true;
    auto bytes = co_await attempt(body.read_all(limits::response_bytes_max));
    push(Failed{error_type_of(request), bytes ? std::move(*bytes) : std::string("{}")});
    co_return accepted();
  }

  Task<http::Response> init_error(const http::Request& request, serve::BodyReader& body) {
    if (initialised_)
      co_return refusal(403, "InvalidStateTransition",
                        "State transition from Ready to InitError failed for runtime. Error: State transition is not allowed");
    initialised_ = true;
    auto bytes = co_await attempt(body.read_all(error_body_bytes_max));
    push(FailedForGood{error_type_of(request), bytes ? std::move(*bytes) : std::string("{}")});
    co_return accepted();
  }

  static std::string error_type_of(const http::Request& request) {
    const auto* type = request.find("Lambda-Runtime-Function-Error-Type");
    return type ? std::string(*type) : std::string("Runtime.Unknown");
  }
  static std::string truncated_response() {
    return R"({"errorType":"Runtime.TruncatedResponse","errorMessage":"Response was cut off before its end"})";
  }

  io::Loop& loop_;
  serve::Server server_;
  std::unique_ptr<io::Listener> listener_;
  std::deque<RuntimeMessage> messages_;
  Bell message_bell_, event_bell_;
  std::optional<Event> event_;
  bool answered_ = false, initialised_ = false, polling_ = false, ended_ = false;
};

}  // namespace

Result<std::unique_ptr<RuntimeApi>> RuntimeApi::open(io::Loop& loop, const Clock& clock) {
  auto api = std::make_unique<HttpRuntimeApi>(loop, clock);
  if (auto listening = api->listen(); !listening) return std::unexpected(listening.error());
  return api;
}

}  // namespace sallyport::runtime
