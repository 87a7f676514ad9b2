#include "logs/state.hpp"

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::logs {
namespace {

constexpr std::string_view group_kind = "group", stream_kind = "stream";

store::Key key_of(const aws::Scope& scope, std::string_view kind, std::string name) {
  return {"logs", scope.account_id, scope.region, std::string(kind), std::move(name)};
}

// Neither name may hold a colon.
std::string stream_name(std::string_view group, std::string_view stream) { return cat(group, ":", stream); }

std::string text_of(const Group& group) {
  json::Object tags;
  for (const auto& [name, value] : group.tags) tags.emplace_back(name, value);
  json::Object out{{"creation_ms", group.creation_ms}, {"tags", std::move(tags)}};
  if (group.retention_days) out.emplace_back("retention_days", *group.retention_days);
  return json::to_text(std::move(out));
}

std::string text_of(const Stream& stream) {
  return json::to_text(json::Object{{"id", stream.id}, {"creation_ms", stream.creation_ms}, {"on_demand", stream.on_demand}});
}

bool same_but_streams(const Group& a, const Group& b) {
  return a.creation_ms == b.creation_ms && a.retention_days == b.retention_days && a.tags == b.tags;
}

void save_streams(const aws::Scope& scope, std::string_view name, const Group& before, const Group& after, store::Batch& batch) {
  for (const auto& [stream, unused] : before.streams)
    if (!after.streams.contains(stream)) batch.erase(key_of(scope, stream_kind, stream_name(name, stream)));
  for (const auto& [stream, value] : after.streams) {
    const auto old = before.streams.find(stream);
    if (old == before.streams.end() || !(old->second == value))
      batch.put(key_of(scope, stream_kind, stream_name(name, stream)), text_of(value));
  }
}

std::int64_t integer_of(const json::Value& value, std::string_view name) {
  const auto* member = value.find(name);
  return member ? member->integer().value_or(0) : 0;
}

void restore_group(Group& group, const json::Value& value) {
  group.creation_ms = integer_of(value, "creation_ms");
  if (value.find("retention_days")) group.retention_days = integer_of(value, "retention_days");
  if (const auto* tags = value.find("tags"); tags && tags->object())
    for (const auto& [name, text] : *tags->object())
      if (text.string()) group.tags.insert_or_assign(name, *text.string());
}

Stream stream_of(const json::Value& value) {
  Stream stream;
  if (const auto* id = value.find("id"); id && id->string()) stream.id = *id->string();
  stream.creation_ms = integer_of(value, "creation_ms");
  const auto* on_demand = value.find("on_demand");
  stream.on_demand = on_demand && on_demand->boolean() && *on_demand->boolean();
  return stream;
}

}  // namespace

void save(const State& before, const State& after, store::Batch& batch) {
  static const Group nothing;
  for (const auto& [name, group] : before.groups)
    if (!after.groups.contains(name)) {
      batch.erase(key_of(after.scope, group_kind, name));
      save_streams(after.scope, name, *group, nothing, batch);
    }
  for (const auto& [name, group] : after.groups) {
    const auto old = before.groups.find(name);
    if (old != before.groups.end() && old->second.is(group)) continue;
    const bool known = old != before.groups.end();
    if (!known || !same_but_streams(*old->second, *group)) batch.put(key_of(after.scope, group_kind, name), text_of(*group));
    save_streams(after.scope, name, known ? *old->second : nothing, *group, batch);
  }
}

Result<> restore(State& state, const store::Record& record) {
  const auto value = json::parse(record.value, json::limits::document_depth_max);
  if (!value) return fail(cat("the record of log ", record.key.kind, " ", record.key.name, " is damaged: ", value.error().message));
  const auto colon = record.key.name.find(':');
  auto& group = state.groups[record.key.name.substr(0, colon)].edit();
  if (record.key.kind == group_kind) {
    restore_group(group, *value);
  } else if (record.key.kind == stream_kind && colon != std::string::npos) {
    group.streams.insert_or_assign(record.key.name.substr(colon + 1), stream_of(*value));
  } else {
    return fail(cat("a log record of unknown kind ", record.key.kind));
  }
  return {};
}

std::string group_arn(const aws::Scope& scope, std::string_view group) {
  return cat("arn:", scope.partition, ":logs:", scope.region, ":", scope.account_id, ":log-group:", group);
}

std::string stream_arn(const aws::Scope& scope, std::string_view group, std::string_view stream) {
  return cat(group_arn(scope, group), ":log-stream:", stream);
}

}  // namespace sallyport::logs
