// Invoke: RequestResponse, Event and DryRun; and InvokeAsync, which came before.
#include <algorithm>

#include "base/encoding.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/checks.hpp"
#include "lambda/function_invoker.hpp"
#include "lambda/handlers.hpp"
#include "lambda/trace_id.hpp"

namespace sallyport::lambda {
namespace {

constexpr std::size_t client_context_bytes_max = 3583;   // AWS
constexpr std::size_t invoke_async_bytes_max = 262'144;  // AWS: of the operation that Invoke replaced

auto bad_content(std::string message) { return refuse("InvalidRequestContentException", 400, std::move(message)); }

/// AWS's parser tells what it met at the first place it could not go on from; ours knows that only for what begins no value.
std::string parse_fault(std::string_view payload) {
  constexpr std::string_view expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
  const auto start = payload.find_first_not_of(" \t\r\n");
  std::string text;
  std::size_t line = 1, column = payload.size() + 1;
  if (start == std::string_view::npos) {
    text = "Unexpected end-of-input";
  } else {
    line += static_cast<std::size_t>(std::count(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(start), '\n'));
    const auto newline = payload.rfind('\n', start);
    column = newline == std::string_view::npos ? start + 1 : start - newline;
    const auto first = static_cast<unsigned char>(payload[start]);
    const auto word_end = std::find_if_not(payload.begin() + static_cast<std::ptrdiff_t>(start), payload.end(),
                                           [](char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '$'; });
    const std::string_view word(payload.begin() + static_cast<std::ptrdiff_t>(start), word_end);
    if (is_alpha(static_cast<char>(first)))
      text = cat("Unrecognized token '", word.substr(0, 256), "': was expecting ", expected);
    else if (first < 0x20 || first >= 0x7f)
      text = cat("Unexpected character ((CTRL-CHAR, code ", static_cast<int>(first), ")): expected a valid value ", expected);
    else if (std::string_view("{[\"-0123456789").find(static_cast<char>(first)) == std::string_view::npos)
      text = cat("Unexpected character ('", static_cast<char>(first), "' (code ", static_cast<int>(first), ")): expected a valid value ",
                 expected);
    else
      text = "Unexpected end-of-input or character";
  }
  return cat("Could not parse request body into json: Could not parse payload into json: ", text,
             "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: ", line, ", column: ", column, "]");
}

Answer<> check_payload(std::string_view payload) {
  const auto parsed = json::parse(payload);
  // AWS's parser lets the last of two equal names win, and functions get the text as it is.
  if (parsed || parsed.error().message.find("stands twice") != std::string::npos) return {};
  return bad_content(parse_fault(payload));
}

Answer<std::string> read_client_context(const Call& call) {
  const auto sent = call.in.text("ClientContext");
  if (!sent || sent->empty()) return std::string();
  if (sent->size() > client_context_bytes_max)
    return bad_content(cat("Client context must be no more than ", client_context_bytes_max, " bytes of Base64-encoded text."));
  const auto text = from_base64(*sent);
  const auto value = text ? json::parse(*text, json::limits::document_depth_max) : std::unexpected(Error{});
  if (!value || !value->object()) return bad_content("Client context must be a valid Base64-encoded JSON object.");
  // Written anew: it becomes a header of one line.
  return json::to_text(*value);
}

std::string trace_id_of(const Call& call, Random& random) {
  const std::string_view sent = call.trace_header;
  return make_trace_id(&sent, call.now, random);
}

auto too_large(std::size_t limit) {
  return refuse("RequestEntityTooLargeException", 413,
                cat("Request must be smaller than ", limit, " bytes for the InvokeFunction operation"));
}

}  // namespace

Task<Answer<InvokeRequest>> Handlers::read_invocation(Call& call, std::string_view invocation_type) {
  auto reference = co_await parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  co_await add_qualifier(reference, call.in.text_or("Qualifier", ""));
  auto payload = call.in.text_or("Payload", "");
  InvokeRequest request;
  request.with_log = call.in.text_or("LogType", "None") == "Tail";
  request.client_context = co_await read_client_context(call);
  co_await control::refuse_unread(call);

  auto scope = call.scope;
  scope.account_id = reference.account_id;
  const auto state = parts_.ledger.read(scope);
  const auto found = state->functions.find(reference.function_name);
  if (found == state->functions.end() || !resolve(*found->second, reference.qualifier))
    co_return not_found(
        aws::function_arn(scope, reference.function_name, reference.qualifier.empty() ? std::string("$LATEST") : reference.qualifier));
  request.function_arn = aws::function_arn(scope, reference.function_name, reference.qualifier);
  request.authorized = AuthorizedCall::by_control(call);
  request.request_id = call.request_id;
  request.trace_id = trace_id_of(call, parts_.random);
  if (invocation_type == "DryRun") co_return request;

  const auto limit = invocation_type == "Event" ? limits::async_event_bytes_max : limits::event_bytes_max;
  if (payload.size() > limit) co_return too_large(limit);
  if (payload.empty()) payload = "{}";
  co_await check_payload(payload);
  request.payload = std::move(payload);
  co_return request;
}

Task<Answer<control::Streamed>> Handlers::invoke(Call& call) {
  const auto type = call.in.text_or("InvocationType", "RequestResponse");
  auto request = co_await read_invocation(call, type);
  control::Streamed answer{json::Object{},
                           {{"x-amzn-Remapped-Content-Length", "0"}, {"X-Amzn-Trace-Id", shown_trace_id(request.trace_id)}}};
  auto& out = answer.output;
  if (type == "DryRun") {
    out.set("StatusCode", 204);
    co_return answer;
  }
  if (type == "Event") {
    // For synchronous calls only.
    request.client_context.clear();
    request.with_log = false;
    co_await parts_.events.push(call.loop, std::move(request));
    out.set("StatusCode", 202);
    co_return answer;
  }
  const bool with_log = request.with_log;
  auto response = co_await parts_.invoker.invoke(call.loop, std::move(request));
  out.set("StatusCode", 200);
  out.set("ExecutedVersion", response.executed_version);
  if (response.function_error) out.set("FunctionError", *response.function_error);
  if (with_log) out.set("LogResult", to_base64(response.log_tail));
  out.set("Payload", std::move(response.payload));
  co_return answer;
}

Output Handlers::invoke_async(Call& call) {
  const auto reference = co_await parse_any_function_reference(call.scope, call.in.required("FunctionName"));
  auto payload = call.in.text_or("InvokeArgs", "");
  co_await control::refuse_unread(call);
  auto scope = call.scope;
  scope.account_id = reference.account_id;
  const auto state = parts_.ledger.read(scope);
  const auto found = state->functions.find(reference.function_name);
  if (found == state->functions.end() || !resolve(*found->second, reference.qualifier))
    co_return not_found(
        aws::function_arn(scope, reference.function_name, reference.qualifier.empty() ? std::string("$LATEST") : reference.qualifier));
  if (payload.size() > invoke_async_bytes_max) co_return too_large(invoke_async_bytes_max);
  co_await check_payload(payload);
  InvokeRequest request;
  request.function_arn = aws::function_arn(scope, reference.function_name, reference.qualifier);
  request.authorized = AuthorizedCall::by_control(call);
  request.payload = std::move(payload);
  request.request_id = call.request_id;
  request.trace_id = trace_id_of(call, parts_.random);
  co_await parts_.events.push(call.loop, std::move(request));
  co_return json::Object{{"Status", 202}};
}

}  // namespace sallyport::lambda
