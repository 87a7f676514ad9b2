#include "lambda/event_record.hpp"

#include <charconv>

#include "aws/arn.hpp"
#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::lambda {
namespace {

/// Of one width, so that the store's order is the order of acceptance.
std::string name_of(std::uint64_t sequence) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, sequence, 16).ptr;
  return std::string(static_cast<std::size_t>(digits + sizeof digits - end), '0') + std::string(digits, end);
}

std::optional<std::uint64_t> sequence_of(std::string_view name) {
  std::uint64_t sequence = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), sequence, 16);
  if (name.size() != 16 || read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
  return sequence;
}

store::Key key_of(const AcceptedEvent& event, std::string_view kind) {
  return {std::string(event_service), event.account_id, event.region, std::string(kind), name_of(event.sequence)};
}

std::string text_of(const json::Value& value, std::string_view name) {
  const auto* member = value.find(name);
  return member && member->string() ? *member->string() : std::string();
}

std::int64_t number_of(const json::Value& value, std::string_view name) {
  const auto* member = value.find(name);
  return member ? member->integer().value_or(0) : 0;
}

struct Parts {
  json::Value head;
  std::string_view payload;
};

Result<Parts> split_record(std::string_view text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return fail("it has no first line");
  auto head = json::parse(text.substr(0, end), json::limits::document_depth_max);
  if (!head || !head->object()) return fail("its first line is no JSON object");
  return Parts{std::move(*head), text.substr(end + 1)};
}

}  // namespace

store::Key event_key(const AcceptedEvent& event) { return key_of(event, event_kind); }
store::Key attempt_key(const AcceptedEvent& event) { return key_of(event, attempt_kind); }

std::string event_text(const AcceptedEvent& event, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 256);
  json::Writer line(out);
  line.begin_object().key("function").string(event.function_arn).key("qualifier").string(event.qualifier);
  line.key("request_id").string(event.request_id).key("trace_id").string(event.trace_id);
  line.key("accepted_us").number(event.accepted.time_since_epoch().count()).key("hops").number(event.hops).end_object();
  out += '\n';
  out += payload;
  return out;
}

std::string attempt_text(const FailedAttempt& attempt) {
  std::string out;
  json::Writer line(out);
  line.begin_object().key("failures").number(attempt.failures);
  line.key("next_at_us").number(attempt.next_at.time_since_epoch().count());
  line.key("executed_version").string(attempt.executed_version).key("function_error").string(attempt.function_error).end_object();
  out += '\n';
  out += attempt.payload;
  return out;
}

Result<AcceptedEvent> read_event(const store::Record& record) {
  const auto sequence = sequence_of(record.key.name);
  if (!sequence) return fail("its name is none of ours");
  const auto parts = split_record(record.value);
  if (!parts) return std::unexpected(parts.error());
  AcceptedEvent event;
  event.sequence = *sequence;
  event.account_id = record.key.account_id;
  event.region = record.key.region;
  event.function_arn = text_of(parts->head, "function");
  event.qualifier = text_of(parts->head, "qualifier");
  event.request_id = text_of(parts->head, "request_id");
  event.trace_id = text_of(parts->head, "trace_id");
  event.accepted = WallTime(std::chrono::microseconds(number_of(parts->head, "accepted_us")));
  event.hops = static_cast<int>(number_of(parts->head, "hops"));
  event.payload_bytes = parts->payload.size();
  event.payload.emplace(parts->payload);
  const auto arn = aws::parse_arn(event.function_arn);
  if (!arn || arn->account_id != event.account_id || arn->region != event.region || event.request_id.empty())
    return fail("it names no function of its account and region");
  return event;
}

Result<std::string> read_event_payload(std::string_view text) {
  const auto parts = split_record(text);
  if (!parts) return std::unexpected(parts.error());
  return std::string(parts->payload);
}

Result<FailedAttempt> read_attempt(std::string_view text) {
  const auto parts = split_record(text);
  if (!parts) return std::unexpected(parts.error());
  FailedAttempt attempt;
  attempt.failures = static_cast<int>(number_of(parts->head, "failures"));
  attempt.next_at = WallTime(std::chrono::microseconds(number_of(parts->head, "next_at_us")));
  attempt.executed_version = text_of(parts->head, "executed_version");
  attempt.function_error = text_of(parts->head, "function_error");
  attempt.payload = parts->payload;
  return attempt;
}

}  // namespace sallyport::lambda
