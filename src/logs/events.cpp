// Operations on log events.
#include <algorithm>

#include "base/encoding.hpp"
#include "io/completion.hpp"
#include "logs/operations.hpp"
#include "logs/pattern.hpp"

namespace sallyport::logs {
namespace {

using control::Access;
using control::Answer;
using control::Call;

constexpr std::int64_t hour_ms = 3'600'000, day_ms = 24 * hour_ms;
// Source: PutLogEvents, API reference.
constexpr std::size_t upload_bytes_max = 1'048'576, event_overhead = 26;
constexpr std::int64_t too_old_ms = 14 * day_ms, too_new_ms = 2 * hour_ms;

// --- PutLogEvents

struct Upload {
  std::vector<NewEvent> events;
  json::Object rejected;  // empty: none
};

Answer<std::vector<NewEvent>> uploaded_events(const Call& call) {
  std::vector<NewEvent> events;
  std::size_t byte_count = 0;
  const auto given = call.in.structures("logEvents");
  if (!given || given->empty()) return invalid("logEvents must have at least one event.");
  for (const auto& each : *given) {
    events.push_back({each.integer("timestamp").value_or(0), each.required("message")});
    byte_count += events.back().message.size() + event_overhead;
  }
  if (byte_count > upload_bytes_max) return invalid(cat("Upload too large: ", byte_count, " bytes exceeds limit of ", upload_bytes_max));
  if (!std::ranges::is_sorted(events, {}, &NewEvent::timestamp_ms))
    return invalid("Log events in a single PutLogEvents request must be in chronological order.");
  if (events.back().timestamp_ms - events.front().timestamp_ms > day_ms)
    return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  return events;
}

// Sorted by time, so what is too old is at the begin and what is too new at the end.
Upload accept(std::vector<NewEvent> events, std::int64_t now, const std::optional<std::int64_t>& retention_days) {
  const auto first_after = [&](std::int64_t time) {
    return std::ranges::lower_bound(events, time, {}, &NewEvent::timestamp_ms) - events.begin();
  };
  const auto too_old = first_after(now - too_old_ms);
  const auto expired = retention_days ? first_after(now - *retention_days * day_ms) : 0;
  const auto too_new = first_after(now + too_new_ms + 1);
  Upload out;
  if (too_new < std::ssize(events)) out.rejected.emplace_back("tooNewLogEventStartIndex", too_new);
  if (too_old > 0) out.rejected.emplace_back("tooOldLogEventEndIndex", too_old);
  if (expired > 0) out.rejected.emplace_back("expiredLogEventEndIndex", expired);
  for (auto i = std::max(too_old, expired); i < too_new; ++i) out.events.push_back(std::move(events[static_cast<std::size_t>(i)]));
  return out;
}

Answer<const Stream*> stream_of(const State& state, std::string_view group, std::string_view stream) {
  const auto found = state.groups.find(group);
  if (found == state.groups.end()) return no_such_group();
  const auto in_group = found->second->streams.find(stream);
  if (in_group == found->second->streams.end()) return no_such_stream();
  return &in_group->second;
}

Task<Answer<json::Value>> put_log_events(Logs& logs, Call& call) {
  const auto state = logs.ledger().read(call.scope);
  const auto group = call.in.required("logGroupName");
  const auto* stream = co_await stream_of(*state, group, call.in.required("logStreamName"));
  auto events = co_await uploaded_events(call);
  (void)call.in.text("sequenceToken");
  co_await control::refuse_unread(call);
  auto upload = accept(std::move(events), logs.now_ms(), state->groups.find(group)->second->retention_days);
  io::Completion<Result<>> done;
  logs.events().append({call.scope.account_id, call.scope.region, stream->id}, upload.events, logs.now_ms(),
                       [done](Result<> result) mutable { done.deliver(std::move(result)); });
  const auto durable = co_await done.wait_on(call.loop);
  if (!durable) co_return unavailable(durable.error().message);
  const auto summary = logs.events().summary(stream->id);
  json::Object out{{"nextSequenceToken", sequence_token(summary ? summary->last_sequence : 0)}};
  if (!upload.rejected.empty()) out.emplace_back("rejectedLogEventsInfo", std::move(upload.rejected));
  co_return json::Value(std::move(out));
}

// --- reading

/// Gaps between events, as tokens: f/ goes on with what stands after it, b/ with what stands before.
std::string gap_token(std::string_view direction, Position gap) { return cat(direction, event_id(gap), "/s"); }

std::optional<Position> position_of(std::string_view id) {
  if (id.size() != 56) return std::nullopt;
  const auto timestamp = parse_number<std::int64_t>(id.substr(0, 28));
  const auto sequence = parse_number<std::uint64_t>(id.substr(28));
  if (!timestamp || !sequence) return std::nullopt;
  return Position{*timestamp, *sequence};
}

struct Reading {
  Query query;
  Position gap;  // where an empty page stands
};

// Where a page of GetLogEvents lies. `from` and `to` are the times asked for.
Answer<Reading> reading_of(const Call& call, Position from, Position to) {
  using Which = Query::Which;
  Reading out{{{}, from, to}, from};
  const auto token = call.in.text("nextToken");
  const bool from_head = call.in.boolean("startFromHead").value_or(false);
  if (!token) {
    out.query.which = from_head ? Which::oldest : Which::newest;
    return out;
  }
  std::string_view rest = *token;
  if (rest.ends_with("/s")) rest.remove_suffix(2);
  const bool forward = rest.starts_with("f/");
  const auto gap = forward || rest.starts_with("b/") ? position_of(rest.substr(2)) : std::nullopt;
  if (!gap) return invalid("The specified nextToken is invalid.");
  out.gap = *gap;
  out.query.which = forward ? Which::oldest : Which::newest;
  if (forward)
    out.query.from = std::max(from, *gap);
  else
    out.query.to = std::min(to, *gap);
  return out;
}

std::int64_t cutoff(const Logs& logs, const Group& group) {
  return group.retention_days ? logs.now_ms() - *group.retention_days * day_ms : 0;
}

Answer<std::size_t> limit_of(const Call& call) {
  const auto limit = call.in.integer("limit").value_or(limits::page_events_max);
  if (limit < 1 || limit > static_cast<std::int64_t>(limits::page_events_max))
    return invalid(cat("limit must be between 1 and ", limits::page_events_max));
  return static_cast<std::size_t>(limit);
}

Task<Answer<Page>> read_page(Logs& logs, io::Loop& loop, const Query& query) {
  std::optional<Result<Page>> page;
  co_await io::run_blocking(loop, [&] { page = logs.events().read(query); });
  if (!*page) co_return unavailable(page->error().message);
  co_return std::move(**page);
}

json::Object event_value(const Event& event) {
  return {{"timestamp", event.position.timestamp_ms}, {"message", event.message}, {"ingestionTime", event.ingestion_ms}};
}

Task<Answer<json::Value>> get_log_events(Logs& logs, Call& call) {
  const auto state = logs.ledger().read(call.scope);
  const auto name = co_await group_of_call(call);
  const auto* stream = co_await stream_of(*state, name, call.in.required("logStreamName"));
  (void)call.in.boolean("unmask");  // allowed by `access_reading`; there is nothing masked
  const auto start = call.in.integer("startTime").value_or(0), end = call.in.integer("endTime").value_or(INT64_MAX);
  const auto& group = *state->groups.find(name)->second;
  auto reading = co_await reading_of(call, {std::max(start, cutoff(logs, group)), 0}, {end, 0});
  reading.query.limit = co_await limit_of(call);
  reading.query.stream_ids = {stream->id};
  co_await control::refuse_unread(call);
  const auto page = co_await read_page(logs, call.loop, reading.query);

  Position before = reading.gap, after = reading.gap;
  json::Array events;
  for (const auto& found : page.events) events.push_back(event_value(found.event));
  if (!page.events.empty()) {
    before = page.events.front().event.position;
    after = page.events.back().event.position;
    ++after.sequence;
  }
  json::Object out{{"events", std::move(events)}};
  out.emplace_back("nextForwardToken", gap_token("f/", after));
  out.emplace_back("nextBackwardToken", gap_token("b/", before));
  co_return json::Value(std::move(out));
}

struct Searched {
  std::vector<std::string> ids;
  std::vector<std::string> names;
};

Answer<Searched> searched_streams(const Group& group, const Call& call) {
  const auto names = call.in.texts("logStreamNames");
  const auto prefix = call.in.text("logStreamNamePrefix");
  if (names && prefix) return invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.");
  Searched out;
  const auto add = [&](const auto& entry) {
    out.ids.push_back(entry.second.id);
    out.names.push_back(entry.first);
  };
  if (!names) {
    for (const auto& entry : group.streams)
      if (!prefix || entry.first.starts_with(*prefix)) add(entry);
    return out;
  }
  for (const auto& name : *names) {
    const auto found = group.streams.find(name);
    if (found == group.streams.end()) return no_such_stream();
    if (std::ranges::find(out.names, name) == out.names.end()) add(*found);
  }
  return out;
}

Answer<Query> query_of(const Logs& logs, const Group& group, const Call& call) {
  Query query;
  query.from.timestamp_ms = std::max(call.in.integer("startTime").value_or(0), cutoff(logs, group));
  // Unlike GetLogEvents, the end belongs to what is searched.
  if (const auto end = call.in.integer("endTime"); end && *end < INT64_MAX) query.to = {*end + 1, 0};
  if (const auto token = call.in.text("nextToken")) {
    const auto id = from_base64url(*token);
    const auto position = id ? position_of(*id) : std::nullopt;
    if (!position) return invalid("The specified nextToken is invalid.");
    query.from = std::max(query.from, *position);
  }
  auto pattern = FilterPattern::parse(call.in.text_or("filterPattern", ""));
  if (!pattern) return invalid(cat("Invalid filter pattern: ", pattern.error().message));
  if (!pattern->is_empty()) query.wanted = [pattern = std::move(*pattern)](std::string_view message) { return pattern.matches(message); };
  auto limit = limit_of(call);
  if (!limit) return std::unexpected(std::move(limit.error()));
  query.limit = *limit;
  return query;
}

Task<Answer<json::Value>> filter_log_events(Logs& logs, Call& call) {
  const auto state = logs.ledger().read(call.scope);
  const auto name = co_await group_of_call(call);
  const auto found_group = state->groups.find(name);
  if (found_group == state->groups.end()) co_return no_such_group();
  const auto& group = *found_group->second;
  auto searched = co_await searched_streams(group, call);
  auto query = co_await query_of(logs, group, call);
  query.stream_ids = std::move(searched.ids);
  (void)call.in.boolean("interleaved");  // as on AWS since 2019, always
  (void)call.in.boolean("unmask");
  co_await control::refuse_unread(call);
  const auto page = co_await read_page(logs, call.loop, query);

  json::Array events;
  for (const auto& found : page.events) {
    auto value = event_value(found.event);
    value.insert(value.begin(), {"logStreamName", searched.names[found.stream]});
    value.emplace_back("eventId", event_id(found.event.position));
    events.push_back(std::move(value));
  }
  json::Object out{{"events", std::move(events)}, {"searchedLogStreams", json::Array()}};
  if (page.next) out.emplace_back("nextToken", to_base64url(event_id(*page.next)));
  co_return json::Value(std::move(out));
}

Answer<std::vector<Access>> access_reading(Logs& logs, const Call& call) {
  auto access = access_group(logs, call);
  if (access && call.in.boolean("unmask").value_or(false)) {
    access->push_back(access->front());
    access->back().action = "logs:Unmask";
  }
  return access;
}

}  // namespace

void add_event_operations(control::Service& service, Logs& logs) {
  const auto reading = [&logs](const Call& call) { return access_reading(logs, call); };
  service.on(
      "PutLogEvents", [&logs](const Call& call) { return access_group(logs, call); },
      [&logs](Call& call) { return put_log_events(logs, call); });
  service.on("GetLogEvents", reading, [&logs](Call& call) { return get_log_events(logs, call); });
  service.on("FilterLogEvents", reading, [&logs](Call& call) { return filter_log_events(logs, call); });
}

}  // namespace sallyport::logs
