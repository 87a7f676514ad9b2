#include "runtime/http_channel.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "runtime/http_answers.hpp"
#include "runtime/report.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::runtime {
namespace {

constexpr std::size_t init_error_bytes_max = 1u << 20;
constexpr std::size_t error_type_bytes_max = 256;
constexpr std::size_t content_type_bytes_max = 1'024;
constexpr std::string_view with_cause_type = "application/vnd.aws.lambda.error.cause+json";
// A process that ends is seen to leave its connections first. One that goes on living is heard of sooner, as a rule: it asks for more.
constexpr std::chrono::seconds exit_notice_time{1};

http::Response too_large_answer(std::size_t bytes_max) {
  return refusal(413, "RequestEntityTooLarge", cat("Exceeded maximum allowed payload size (", bytes_max, " bytes)."));
}
http::Response truncated_answer() { return refusal(400, "TruncatedHTTPRequest", "HTTP request detected as truncated"); }

std::string truncated_payload() {
  return R"({"errorType":"Runtime.TruncatedResponse","errorMessage":"Response was cut off before its end"})";
}

/// How a runtime's post of an answer ended.
struct Upload {
  enum class End { complete, truncated, too_large } end = End::complete;
  std::string collected;  // when nobody takes the pieces as they come
};

// Pieces go to the stream as they come, and on to nowhere once nobody reads there: the function may finish. Without a stream they are kept.
Task<Upload> upload(io::Loop& loop, serve::BodyReader& body, ResponseStream* stream) {
  const auto most = stream ? limits::stream_bytes_max : limits::response_bytes_max;
  Upload result;
  if (body.declared_size().value_or(0) > most) {
    result.end = Upload::End::too_large;
    co_return result;
  }
  bool read = true;
  for (std::size_t total = 0;;) {
    auto piece = co_await attempt(body.read_some());
    if (!piece) {
      result.end = Upload::End::truncated;
      co_return result;
    }
    if (piece->empty()) co_return result;
    total += piece->size();
    if (total > most) {
      result.end = Upload::End::too_large;
      co_return result;
    }
    if (!stream)
      result.collected += *piece;
    else if (read)
      read = co_await stream->write(loop, std::move(*piece));
  }
}

// An error in the middle of an answer comes behind it (AWS Lambda developer guide, "Building a custom runtime", response streaming).
std::optional<Failed> failure_behind(const serve::BodyReader& body) {
  Failed failed;
  bool found = false;
  for (const auto& [name, value] : body.trailers()) {
    if (equals_ignoring_case(name, "Lambda-Runtime-Function-Error-Type") && !value.empty()) {
      found = true;
      failed.error_type = normal_error_type(value);
    } else if (equals_ignoring_case(name, "Lambda-Runtime-Function-Error-Body")) {
      failed.payload = from_base64(value).value_or("{}");
    }
  }
  if (!found) return std::nullopt;
  return failed;
}

}  // namespace

std::string normal_error_type(std::string_view reported) {
  reported = reported.substr(0, error_type_bytes_max);
  for (std::string_view prefix : {"Runtime.", "Function."})
    for (auto at = reported.find(prefix); at != std::string_view::npos; at = reported.find(prefix, at + 1)) {
      const auto name = reported.substr(at + prefix.size());
      if (name.size() >= 2 && name[0] >= 'A' && name[0] <= 'Z' && is_alpha(name[1])) return std::string(reported);
    }
  return reported.starts_with("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

std::string without_error_cause(std::string body) {
  auto value = json::parse(body);
  if (!value || !value->object()) return body;
  std::erase_if(*value->object(), [](const json::Member& member) { return member.first == "errorCause"; });
  return json::to_text(*value);
}

std::string_view HttpChannel::name_of(State state) {
  switch (state) {
    case State::started: return "Started";
    case State::init_error: return "InitError";
    case State::ready: return "Ready";
    case State::running: return "Running";
    case State::response: return "InvocationResponse";
    case State::error_response: return "InvocationErrorResponse";
    case State::response_sent: return "RuntimeResponseSentState";
  }
  return {};
}

http::Response HttpChannel::no_transition(State to) const {
  return refusal(
      403, "InvalidStateTransition",
      cat("State transition from ", name_of(state_), " to ", name_of(to), " failed for runtime. Error: State transition is not allowed"));
}

void HttpChannel::push(RuntimeMessage message) {
  messages_.push_back(std::move(message));
  message_came_.ring();
}

Task<RuntimeMessage> HttpChannel::next() {
  while (messages_.empty() && !ended_) co_await message_came_.next(loop_);
  if (messages_.empty()) co_return Gone{};
  auto message = std::move(messages_.front());
  messages_.pop_front();
  co_return message;
}

Task<bool> HttpChannel::send(const Invocation& invocation, WallTime deadline) {
  event_ = invocation;
  deadline_ = deadline;
  event_came_.ring();
  co_return !ended_;
}

void HttpChannel::process_ended() {
  ended_ = true;
  cut_off_over_.ring();
  if (event_ && event_->stream) event_->stream->break_off();
  message_came_.ring();
  event_came_.ring();
}

Task<http::Response> HttpChannel::handle(std::string_view what, const http::Request& request, serve::BodyReader& body) {
  const auto parts = split(what, '/');
  const bool for_event = parts.size() == 3 && parts[0] == "invocation" && (parts[2] == "response" || parts[2] == "error");
  const bool is_next = what == "invocation/next", is_init_error = what == "init/error";
  if (!for_event && !is_next && !is_init_error) co_return refusal(404, "NotFound", "no such path in the Runtime API");
  if (request.method != (is_next ? "GET" : "POST")) co_return refusal(405, "MethodNotAllowed", "no such method in the Runtime API");
  finish_cut_off();
  if (is_next) co_return co_await next_event();
  if (is_init_error) co_return co_await init_error(request, body);
  if (parts[2] == "response") co_return co_await response(parts[1], request, body);
  co_return co_await error(parts[1], request, body);
}

// An event that is being worked on is handed out again when asked for again. Who asks while another asks has lost the other's connection:
// the event would go to nobody.
Task<http::Response> HttpChannel::next_event() {
  if (state_ == State::init_error || state_ == State::response || state_ == State::error_response) co_return no_transition(State::ready);
  if (state_ == State::running) co_return event_answer();
  const auto mine = ++poll_;
  event_came_.ring();
  if (state_ == State::started) push(Ready{});
  state_ = State::ready;
  asked_();
  while (!event_ && !ended_ && mine == poll_) co_await event_came_.next(loop_);
  if (ended_) co_return refusal(500, "InternalServerError", "Internal Server Error");
  if (mine != poll_) co_return no_transition(State::ready);
  state_ = State::running;
  co_return event_answer();
}

http::Response HttpChannel::event_answer() const {
  const auto& event = *event_;
  auto response = answer(200, event.payload);
  const auto add = [&response](std::string_view name, std::string_view value) {
    if (!value.empty() && http::is_field_value(value)) response.add(name, value);
  };
  add("Lambda-Runtime-Aws-Request-Id", event.request_id.text());
  add("Lambda-Runtime-Deadline-Ms", std::to_string(to_epoch_ms(deadline_)));
  add("Lambda-Runtime-Invoked-Function-Arn", event.invoked_function_arn);
  add("Lambda-Runtime-Trace-Id", event.trace_id);
  add("Lambda-Runtime-Client-Context", event.client_context);
  add("Lambda-Runtime-Cognito-Identity", event.cognito_identity);
  add("Lambda-Runtime-Aws-Tenant-Id", event.tenant_id);
  return response;
}

// Nothing when the id is that of the event being worked on, which has no answer yet.
std::optional<http::Response> HttpChannel::check_id(std::string_view id, State to) const {
  if (state_ == State::response_sent && id == answered_id_) return no_transition(to);
  if (!event_ || id != event_->request_id.text()) return refusal(400, "InvalidRequestID", "Invalid request ID");
  if (state_ != State::running) return no_transition(to);
  return std::nullopt;
}

void HttpChannel::finish(RuntimeMessage message) {
  state_ = State::response_sent;
  answered_id_ = event_->request_id.text();
  event_.reset();
  push(std::move(message));
}

// The answer ended before its end. If its process did too, how that ended is what the caller is told.
Task<http::Response> HttpChannel::cut_off() {
  cut_off_ = true;
  io::Deadline patience(loop_, exit_notice_time, [this] { finish_cut_off(); });
  while (cut_off_ && !ended_) co_await cut_off_over_.next(loop_);
  co_return truncated_answer();
}

void HttpChannel::finish_cut_off() {
  if (!cut_off_ || ended_) return;
  cut_off_ = false;
  finish(Failed{"Runtime.TruncatedResponse", truncated_payload()});
  cut_off_over_.ring();
}

Task<http::Response> HttpChannel::response(std::string_view id, const http::Request& request, serve::BodyReader& body) {
  if (auto wrong = check_id(id, State::response)) co_return std::move(*wrong);
  const auto mode = header_of(request, "Lambda-Runtime-Function-Response-Mode");
  const bool streams = equals_ignoring_case(mode, "streaming");
  if (!mode.empty() && !streams) {
    finish(Failed{"Runtime.InvalidResponseModeHeader", {}});
    co_return refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode");
  }
  state_ = State::response;
  const auto stream = streams ? event_->stream : nullptr;
  if (stream) {
    const auto type = header_of(request, "Content-Type");
    stream->begin({type.empty() || type.size() > content_type_bytes_max ? "application/octet-stream" : std::string(type)});
  }
  auto uploaded = co_await upload(loop_, body, stream.get());
  // Whoever waits for the event learns how the process ended.
  if (stream && stream->was_cut()) co_return truncated_answer();
  switch (uploaded.end) {
    case Upload::End::too_large:
      finish(Failed{"Function.ResponseSizeTooLarge", response_too_large()});
      co_return too_large_answer(stream ? limits::stream_bytes_max : limits::response_bytes_max);
    case Upload::End::truncated: co_return co_await cut_off();
    case Upload::End::complete: break;
  }
  if (auto failed = failure_behind(body))
    finish(std::move(*failed));
  else
    finish(Answered{std::move(uploaded.collected)});
  co_return accepted();
}

Task<http::Response> HttpChannel::error(std::string_view id, const http::Request& request, serve::BodyReader& body) {
  if (auto wrong = check_id(id, State::error_response)) co_return std::move(*wrong);
  state_ = State::error_response;
  auto uploaded = co_await upload(loop_, body, nullptr);
  switch (uploaded.end) {
    case Upload::End::too_large:
      finish(Failed{"Function.ResponseSizeTooLarge", response_too_large()});
      co_return too_large_answer(limits::response_bytes_max);
    case Upload::End::truncated: co_return co_await cut_off();
    case Upload::End::complete: break;
  }
  if (header_of(request, "Content-Type").starts_with(with_cause_type))
    uploaded.collected = without_error_cause(std::move(uploaded.collected));
  finish(Failed{normal_error_type(header_of(request, "Lambda-Runtime-Function-Error-Type")), std::move(uploaded.collected)});
  co_return accepted();
}

Task<http::Response> HttpChannel::init_error(const http::Request& request, serve::BodyReader& body) {
  if (state_ != State::started) co_return no_transition(State::init_error);
  state_ = State::init_error;
  auto bytes = co_await attempt(body.read_all(init_error_bytes_max));
  std::string payload = bytes ? std::move(*bytes) : "{}";
  if (header_of(request, "Content-Type").starts_with(with_cause_type)) payload = without_error_cause(std::move(payload));
  push(FailedForGood{normal_error_type(header_of(request, "Lambda-Runtime-Function-Error-Type")), std::move(payload)});
  co_return accepted();
}

}  // namespace sallyport::runtime
