// Operations on log groups, streams, retention and tags.
#include "logs/operations.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "wire/page.hpp"

namespace sallyport::logs {
namespace {

constexpr std::array retention_choices{1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                       365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
constexpr std::size_t page_default = 50, tags_max = 50;

using control::Access;
using control::Answer;
using control::Call;
using Tags = std::map<std::string, std::string, std::less<>>;

json::Value nothing() { return json::Object(); }

json::Object tags_value(const Tags& tags) {
  json::Object out;
  for (const auto& [name, value] : tags) out.emplace_back(name, value);
  return out;
}

Answer<> add_tags(Group& group, const Tags& tags) {
  for (const auto& [name, value] : tags) {
    if (starts_with_ignoring_case(name, "aws:")) return invalid("aws: prefixed tag key names are not allowed for external use.");
    group.tags.insert_or_assign(name, value);
  }
  if (group.tags.size() > tags_max)
    return refuse("TooManyTagsException", cat("The resource already has the maximum number of tags: ", tags_max));
  return {};
}

Answer<Group*> edit_group(State& draft, std::string_view name) {
  const auto found = draft.groups.find(name);
  if (found == draft.groups.end()) return no_such_group();
  return &found->second.edit();
}

// --- writing

Task<Answer<json::Value>> create_log_group(Logs& logs, Call& call) {
  const auto now = logs.now_ms();
  return logs.ledger().write(call, [&call, now](State& draft) -> Answer<json::Value> {
    const auto name = call.in.required("logGroupName");
    if (call.in.text_or("logGroupClass", "STANDARD") != "STANDARD")
      return unsupported("CreateLogGroup: a logGroupClass other than STANDARD");
    if (call.in.boolean("deletionProtectionEnabled").value_or(false)) return unsupported("CreateLogGroup: deletionProtectionEnabled");
    if (name.starts_with("aws/")) return invalid("Log group names must not start with aws/.");
    if (draft.groups.contains(name)) return refuse("ResourceAlreadyExistsException", "The specified log group already exists");
    Group group;
    group.creation_ms = now;
    if (auto added = add_tags(group, call.in.text_map("tags").value_or(Tags())); !added) return std::unexpected(std::move(added.error()));
    draft.groups.emplace(name, std::move(group));
    return nothing();
  });
}

Task<Answer<json::Value>> delete_log_group(Logs& logs, Call& call) {
  auto gone = std::make_shared<std::vector<std::string>>();
  auto answer = co_await attempt(logs.ledger().write(call, [&call, gone](State& draft) -> Answer<json::Value> {
    const auto found = draft.groups.find(call.in.required("logGroupName"));
    if (found == draft.groups.end()) return no_such_group();
    for (const auto& [name, stream] : found->second->streams) gone->push_back(stream.id);
    draft.groups.erase(found);
    return nothing();
  }));
  if (answer) logs.events().forget(*gone);
  co_return answer;
}

Task<Answer<json::Value>> create_log_stream(Logs& logs, Call& call) {
  const Stream fresh{logs.make_stream_id(), logs.now_ms(), false};
  return logs.ledger().write(call, [&call, fresh](State& draft) -> Answer<json::Value> {
    const auto found = draft.groups.find(call.in.required("logGroupName"));
    if (found == draft.groups.end()) return no_such_group();
    const auto name = call.in.required("logStreamName");
    if (found->second->streams.contains(name)) return refuse("ResourceAlreadyExistsException", "The specified log stream already exists");
    found->second.edit().streams.emplace(name, fresh);
    return nothing();
  });
}

Task<Answer<json::Value>> delete_log_stream(Logs& logs, Call& call) {
  auto gone = std::make_shared<std::vector<std::string>>();
  auto answer = co_await attempt(logs.ledger().write(call, [&call, gone](State& draft) -> Answer<json::Value> {
    const auto found = draft.groups.find(call.in.required("logGroupName"));
    if (found == draft.groups.end()) return no_such_group();
    const auto stream = found->second->streams.find(call.in.required("logStreamName"));
    if (stream == found->second->streams.end()) return no_such_stream();
    gone->push_back(stream->second.id);
    found->second.edit().streams.erase(call.in.required("logStreamName"));
    return nothing();
  }));
  if (answer) logs.events().forget(*gone);
  co_return answer;
}

Answer<json::Value> set_retention(State& draft, const Call& call) {
  const auto days = call.in.integer("retentionInDays").value_or(0);
  if (std::ranges::find(retention_choices, days) == retention_choices.end()) {
    std::string choices;
    for (const auto each : retention_choices) choices += cat(choices.empty() ? "" : ", ", each);
    return invalid(cat("1 validation error detected: Value '", days,
                       "' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [", choices, "]"));
  }
  auto group = edit_group(draft, call.in.required("logGroupName"));
  if (!group) return std::unexpected(std::move(group.error()));
  (*group)->retention_days = days;
  return nothing();
}

Answer<json::Value> delete_retention(State& draft, const Call& call) {
  auto group = edit_group(draft, call.in.required("logGroupName"));
  if (!group) return std::unexpected(std::move(group.error()));
  (*group)->retention_days.reset();
  return nothing();
}

// --- tags, by ARN or, as older clients do, by name

Answer<std::string> tagged_group(const Call& call) {
  if (call.in.has("logGroupName")) return call.in.required("logGroupName");
  return group_of_arn(call.scope, call.in.required("resourceArn"));
}

Answer<json::Value> tag(State& draft, const Call& call) {
  auto name = tagged_group(call);
  if (!name) return std::unexpected(std::move(name.error()));
  auto group = edit_group(draft, *name);
  if (!group) return std::unexpected(std::move(group.error()));
  if (auto added = add_tags(**group, call.in.text_map("tags").value_or(Tags())); !added) return std::unexpected(std::move(added.error()));
  return nothing();
}

Answer<json::Value> untag(State& draft, const Call& call) {
  auto name = tagged_group(call);
  if (!name) return std::unexpected(std::move(name.error()));
  auto group = edit_group(draft, *name);
  if (!group) return std::unexpected(std::move(group.error()));
  const auto* member = call.in.has("tagKeys") ? "tagKeys" : "tags";
  for (const auto& key : call.in.texts(member).value_or(std::vector<std::string>())) (*group)->tags.erase(key);
  return nothing();
}

Answer<json::Value> list_tags(const State& state, const Call& call) {
  auto name = tagged_group(call);
  if (!name) return std::unexpected(std::move(name.error()));
  const auto found = state.groups.find(*name);
  if (found == state.groups.end()) return no_such_group();
  return json::Object{{"tags", tags_value(found->second->tags)}};
}

// --- describing

json::Object describe(const Logs& logs, const aws::Scope& scope, const std::string& name, const Group& group) {
  std::uint64_t stored = 0;
  for (const auto& [unused, stream] : group.streams)
    if (const auto summary = logs.events().summary(stream.id)) stored += summary->byte_count;
  json::Object out{{"logGroupName", name}, {"creationTime", group.creation_ms}};
  if (group.retention_days) out.emplace_back("retentionInDays", *group.retention_days);
  out.emplace_back("metricFilterCount", 0);
  out.emplace_back("arn", cat(group_arn(scope, name), ":*"));
  out.emplace_back("storedBytes", stored);
  out.emplace_back("logGroupClass", "STANDARD");
  out.emplace_back("logGroupArn", group_arn(scope, name));
  return out;
}

Answer<std::size_t> limit_of(const Call& call) {
  const auto limit = call.in.integer("limit").value_or(page_default);
  if (limit < 1 || limit > static_cast<std::int64_t>(page_default)) return invalid(cat("limit must be between 1 and ", page_default));
  return static_cast<std::size_t>(limit);
}

Answer<std::optional<std::string>> token_key(const Call& call) {
  const auto token = call.in.text("nextToken");
  if (!token) return std::nullopt;
  auto key = wire::page_key(*token);
  if (!key) return invalid("The specified nextToken is invalid.");
  return key;
}

Answer<json::Value> describe_log_groups(const Logs& logs, const State& state, const Call& call) {
  if (call.in.boolean("includeLinkedAccounts").value_or(false)) return unsupported("DescribeLogGroups: includeLinkedAccounts");
  const auto prefix = call.in.text("logGroupNamePrefix"), part = call.in.text("logGroupNamePattern");
  if (prefix && part) return invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  const auto wanted_class = call.in.text_or("logGroupClass", "STANDARD");
  auto limit = limit_of(call);
  if (!limit) return std::unexpected(std::move(limit.error()));
  auto after = token_key(call);
  if (!after) return std::unexpected(std::move(after.error()));
  const auto is_wanted = [&](const std::string& name) {
    if (prefix && !name.starts_with(*prefix)) return false;
    return wanted_class == "STANDARD" && (!part || lower(name).find(lower(*part)) != std::string::npos);
  };
  json::Array groups;
  auto next = wire::page(state.groups, *after, *limit, [&](const std::string& name, const Shared<Group>& group) {
    if (!is_wanted(name)) return false;
    groups.push_back(describe(logs, state.scope, name, *group));
    return true;
  });
  json::Object out{{"logGroups", std::move(groups)}};
  if (next) out.emplace_back("nextToken", std::move(*next));
  return out;
}

json::Object describe(const aws::Scope& scope, std::string_view group, const std::string& name, const Stream& stream,
                      const std::optional<Summary>& summary) {
  json::Object out{{"logStreamName", name}, {"creationTime", stream.creation_ms}};
  if (summary) {
    out.emplace_back("firstEventTimestamp", summary->first_ms);
    out.emplace_back("lastEventTimestamp", summary->last_ms);
    out.emplace_back("lastIngestionTime", summary->last_ingestion_ms);
    out.emplace_back("uploadSequenceToken", sequence_token(summary->last_sequence));
  }
  out.emplace_back("arn", stream_arn(scope, group, name));
  // AWS stopped counting for streams in 2019.
  out.emplace_back("storedBytes", 0);
  return out;
}

// Streams in the order asked for: by a key that is the name, or the time of the last event and the name.
Answer<json::Value> describe_log_streams(const Logs& logs, const State& state, const Call& call) {
  auto name = group_of_call(call);
  if (!name) return std::unexpected(std::move(name.error()));
  const auto prefix = call.in.text("logStreamNamePrefix");
  const bool by_time = call.in.text_or("orderBy", "LogStreamName") == "LastEventTime";
  if (by_time && prefix) return invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
  const bool descending = call.in.boolean("descending").value_or(false);
  auto limit = limit_of(call);
  if (!limit) return std::unexpected(std::move(limit.error()));
  auto after = token_key(call);
  if (!after) return std::unexpected(std::move(after.error()));
  const auto found = state.groups.find(*name);
  if (found == state.groups.end()) return no_such_group();

  struct Row {
    std::string key;
    const std::string* name;
    const Stream* stream;
    std::optional<Summary> summary;
  };
  std::vector<Row> rows;
  for (const auto& [stream_name, stream] : found->second->streams) {
    if (prefix && !stream_name.starts_with(*prefix)) continue;
    Row row{stream_name, &stream_name, &stream, std::nullopt};
    if (by_time) {
      row.summary = logs.events().summary(stream.id);
      row.key = cat(event_id({row.summary ? row.summary->last_ms : 0, 0}), stream_name);
    }
    rows.push_back(std::move(row));
  }
  const auto before = [&](const std::string& a, const std::string& b) { return descending ? b < a : a < b; };
  std::ranges::sort(rows, before, &Row::key);
  auto row = *after ? std::ranges::upper_bound(rows, **after, before, &Row::key) : rows.begin();
  json::Array streams;
  for (; row != rows.end() && streams.size() < *limit; ++row) {
    if (!by_time) row->summary = logs.events().summary(row->stream->id);
    streams.push_back(describe(state.scope, *name, *row->name, *row->stream, row->summary));
  }
  json::Object out{{"logStreams", std::move(streams)}};
  if (row != rows.end()) out.emplace_back("nextToken", wire::page_token(std::prev(row)->key));
  return out;
}

// --- what a call needs

using Context = std::vector<std::pair<std::string, std::vector<std::string>>>;

void add_resource_tags(Context& context, const State& state, std::string_view group) {
  const auto found = state.groups.find(group);
  if (found == state.groups.end()) return;
  for (const auto& [name, value] : found->second->tags) context.push_back({cat("aws:ResourceTag/", name), {value}});
}

void add_request_tags(Context& context, const Call& call) {
  const auto tags = call.in.text_map("tags");
  if (!tags || tags->empty()) return;
  std::vector<std::string> keys;
  for (const auto& [name, value] : *tags) {
    context.push_back({cat("aws:RequestTag/", name), {value}});
    keys.push_back(name);
  }
  context.push_back({"aws:TagKeys", std::move(keys)});
}

Answer<std::vector<Access>> access_create_group(const Call& call) {
  const auto resource = stream_arn(call.scope, call.in.required("logGroupName"));
  Access access{cat("logs:", call.operation), resource};
  add_request_tags(access.context, call);
  std::vector<Access> out{std::move(access)};
  if (!out.front().context.empty()) {
    out.push_back(out.front());
    out.back().action = "logs:TagResource";
  }
  return out;
}

Access tag_access(Logs& logs, const Call& call, std::string resource, std::string_view group) {
  Access access{cat("logs:", call.operation), std::move(resource)};
  add_resource_tags(access.context, *logs.ledger().read(call.scope), group);
  add_request_tags(access.context, call);
  for (const auto* member : {"tagKeys", "tags"})
    if (auto keys = call.in.texts(member); keys && !keys->empty()) access.context.push_back({"aws:TagKeys", std::move(*keys)});
  return access;
}

}  // namespace

Answer<std::vector<Access>> access_group(Logs& logs, const Call& call) {
  auto name = group_of_call(call);
  if (!name) return std::unexpected(std::move(name.error()));
  Access access{cat("logs:", call.operation), stream_arn(call.scope, *name, call.in.text_or("logStreamName", ""))};
  add_resource_tags(access.context, *logs.ledger().read(call.scope), *name);
  return std::vector{std::move(access)};
}

void add_group_operations(control::Service& service, Logs& logs) {
  const auto group = [&logs](const Call& call) { return access_group(logs, call); };
  // An ARN is authorized as it was given.
  const auto by_arn = [&logs](const Call& call) -> Answer<std::vector<Access>> {
    auto name = tagged_group(call);
    if (!name) return std::unexpected(std::move(name.error()));
    return std::vector{tag_access(logs, call, group_arn(call.scope, *name), *name)};
  };
  const auto by_name = [&logs](const Call& call) -> Answer<std::vector<Access>> {
    const auto name = call.in.required("logGroupName");
    return std::vector{tag_access(logs, call, stream_arn(call.scope, name), name)};
  };
  const auto writes = [&logs](Answer<json::Value> (*change)(State&, const Call&)) {
    return [&logs, change](Call& call) { return logs.ledger().write(call, [&call, change](State& draft) { return change(draft, call); }); };
  };
  service.on("CreateLogGroup", access_create_group, [&logs](Call& call) { return create_log_group(logs, call); });
  service.on("DeleteLogGroup", group, [&logs](Call& call) { return delete_log_group(logs, call); });
  service.on("CreateLogStream", group, [&logs](Call& call) { return create_log_stream(logs, call); });
  service.on("DeleteLogStream", group, [&logs](Call& call) { return delete_log_stream(logs, call); });
  service.on("PutRetentionPolicy", group, writes(set_retention));
  service.on("DeleteRetentionPolicy", group, writes(delete_retention));
  service.on("TagResource", by_arn, writes(tag));
  service.on("UntagResource", by_arn, writes(untag));
  service.on("ListTagsForResource", by_arn, [&logs](Call& call) { return answer_from_state(logs, call, list_tags); });
  service.on("TagLogGroup", by_name, writes(tag));
  service.on("UntagLogGroup", by_name, writes(untag));
  service.on("ListTagsLogGroup", by_name, [&logs](Call& call) { return answer_from_state(logs, call, list_tags); });
  service.on(
      "DescribeLogGroups",
      [](const Call& call) -> Answer<std::vector<Access>> {
        return std::vector{Access{"logs:DescribeLogGroups", stream_arn(call.scope, "")}};
      },
      [&logs](Call& call) {
        return answer_from_state(logs, call,
                                 [&logs](const State& state, const Call& each) { return describe_log_groups(logs, state, each); });
      });
  service.on("DescribeLogStreams", group, [&logs](Call& call) {
    return answer_from_state(logs, call, [&logs](const State& state, const Call& each) { return describe_log_streams(logs, state, each); });
  });
}

}  // namespace sallyport::logs
