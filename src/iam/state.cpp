#include "iam/state.hpp"

#include <utility>

#include "json/parse.hpp"
#include "json/write.hpp"
#include "wire/parameters.hpp"

namespace sallyport::iam {
namespace {

json::Value seconds(WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

template <class Map>
json::Value to_json(const Map& map) {
  json::Object out;
  for (const auto& [name, value] : map) out.emplace_back(name, value);
  return out;
}
json::Value to_json(const std::vector<std::string>& list) { return json::Array(list.begin(), list.end()); }

void set_last_use(json::Value& out, const std::optional<LastUse>& use) {
  if (!use) return;
  json::Value value;
  value.set("at", seconds(use->at));
  value.set("region", use->region);
  value.set("service", use->service);
  out.set("last_use", std::move(value));
}

json::Value entity_json(const Entity& entity) {
  json::Value out;
  out.set("name", entity.name);
  out.set("id", entity.id);
  out.set("path", entity.path);
  out.set("arn", entity.arn);
  out.set("created", seconds(entity.created));
  out.set("inline_policies", to_json(entity.inline_policies));
  out.set("attached", to_json(entity.attached));
  return out;
}

json::Value bounded_json(const BoundedEntity& entity) {
  auto out = entity_json(entity);
  if (entity.boundary) out.set("boundary", *entity.boundary);
  out.set("tags", to_json(entity.tags));
  return out;
}

json::Value record_of(const User& user) {
  auto out = bounded_json(user);
  out.set("groups", to_json(user.groups));
  json::Array keys;
  for (const auto& key : user.access_keys) {
    json::Value value;
    value.set("id", key.id);
    value.set("sealed_secret", key.sealed_secret);
    value.set("active", key.active);
    value.set("created", seconds(key.created));
    set_last_use(value, key.last_use);
    keys.push_back(std::move(value));
  }
  out.set("access_keys", std::move(keys));
  return out;
}

json::Value record_of(const Group& group) { return entity_json(group); }

json::Value record_of(const Role& role) {
  auto out = bounded_json(role);
  out.set("trust_policy", role.trust_policy);
  out.set("trusted_ids", to_json(role.trusted_ids));
  if (role.has_description) out.set("description", role.description);
  out.set("max_session_s", role.max_session_s);
  set_last_use(out, role.last_use);
  return out;
}

json::Value record_of(const ManagedPolicy& policy) {
  json::Value out;
  out.set("name", policy.name);
  out.set("id", policy.id);
  out.set("path", policy.path);
  out.set("arn", policy.arn);
  out.set("description", policy.description);
  out.set("created", seconds(policy.created));
  out.set("updated", seconds(policy.updated));
  out.set("default_version", policy.default_version);
  out.set("newest_version", policy.newest_version);
  json::Array versions;
  for (const auto& [number, version] : policy.versions) {
    json::Value value;
    value.set("number", number);
    value.set("document", version.document);
    value.set("created", seconds(version.created));
    versions.push_back(std::move(value));
  }
  out.set("versions", std::move(versions));
  out.set("tags", to_json(policy.tags));
  return out;
}

json::Value record_of(const InstanceProfile& profile) {
  json::Value out;
  out.set("name", profile.name);
  out.set("id", profile.id);
  out.set("path", profile.path);
  out.set("arn", profile.arn);
  out.set("created", seconds(profile.created));
  if (profile.role) out.set("role", *profile.role);
  out.set("tags", to_json(profile.tags));
  return out;
}

constexpr std::pair<aws::CallerKind, std::string_view> kinds[] = {{aws::CallerKind::root, "root"},
                                                                  {aws::CallerKind::user, "user"},
                                                                  {aws::CallerKind::role_session, "role"},
                                                                  {aws::CallerKind::federated_session, "federated"}};

json::Value record_of(const Session& session) {
  json::Value out;
  out.set("access_key_id", session.access_key_id);
  out.set("sealed_secret", session.sealed_secret);
  out.set("sealed_token", session.sealed_token);
  for (const auto& [kind, word] : kinds)
    if (kind == session.kind) out.set("kind", word);
  out.set("owner_id", session.owner_id);
  out.set("session_name", session.session_name);
  out.set("issued", seconds(session.issued));
  out.set("expires", seconds(session.expires));
  out.set("has_session_policies", session.has_session_policies);
  out.set("session_policies", to_json(session.session_policies));
  out.set("session_policy_arns", to_json(session.session_policy_arns));
  out.set("tags", to_json(session.tags));
  out.set("transitive_tag_keys", to_json(session.transitive_tag_keys));
  return out;
}

/// Reads the members of a record and remembers what was missing.
class Reader {
 public:
  explicit Reader(wire::Parameters in) : in_(std::move(in)) {}
  std::string text(std::string_view name) {
    auto value = in_.text(name);
    if (!value) miss(name);
    return std::move(value).value_or("");
  }
  std::optional<std::string> optional_text(std::string_view name) { return in_.text(name); }
  int number(std::string_view name) {
    const auto value = in_.integer(name);
    if (!value) miss(name);
    return static_cast<int>(value.value_or(0));
  }
  bool flag(std::string_view name) {
    const auto value = in_.boolean(name);
    if (!value) miss(name);
    return value.value_or(false);
  }
  WallTime time(std::string_view name) {
    const auto value = in_.integer(name);
    if (!value) miss(name);
    return WallTime(std::chrono::seconds(value.value_or(0)));
  }
  std::vector<std::string> texts(std::string_view name) {
    auto value = in_.texts(name);
    if (!value) miss(name);
    return std::move(value).value_or(std::vector<std::string>());
  }
  TextMap text_map(std::string_view name) {
    auto value = in_.text_map(name);
    if (!value) miss(name);
    return std::move(value).value_or(TextMap());
  }
  Tags tags(std::string_view name) {
    Tags out;
    for (auto& [key, value] : text_map(name)) out.emplace(key, value);
    return out;
  }
  std::vector<Reader> structures(std::string_view name) {
    auto value = in_.structures(name);
    if (!value) miss(name);
    std::vector<Reader> out;
    if (value)
      for (auto& each : *value) out.emplace_back(std::move(each));
    return out;
  }
  std::optional<LastUse> last_use() {
    auto value = in_.structure("last_use");
    if (!value) return std::nullopt;
    Reader use(std::move(*value));
    LastUse out{use.time("at"), use.text("region"), use.text("service")};
    take(use);
    return out;
  }
  void take(const Reader& inner) {
    if (missing_.empty()) missing_ = inner.missing_;
  }
  /// Whether everything was there, and nothing else.
  Result<> end() const {
    if (!missing_.empty()) return fail(cat("has no `", missing_, "`"));
    if (const auto unread = in_.unread(); !unread.empty()) return fail(cat("has `", unread.front(), "`, which this version does not know"));
    return {};
  }

 private:
  void miss(std::string_view name) {
    if (missing_.empty()) missing_ = name;
  }
  wire::Parameters in_;
  std::string missing_;
};

void read_entity(Reader& in, Entity& out) {
  out.name = in.text("name");
  out.id = in.text("id");
  out.path = in.text("path");
  out.arn = in.text("arn");
  out.created = in.time("created");
  out.inline_policies = in.text_map("inline_policies");
  out.attached = in.texts("attached");
}

void read_bounded(Reader& in, BoundedEntity& out) {
  read_entity(in, out);
  out.boundary = in.optional_text("boundary");
  out.tags = in.tags("tags");
}

void read(Reader& in, User& out) {
  read_bounded(in, out);
  out.groups = in.texts("groups");
  for (auto& each : in.structures("access_keys")) {
    AccessKey key;
    key.id = each.text("id");
    key.sealed_secret = each.text("sealed_secret");
    key.active = each.flag("active");
    key.created = each.time("created");
    key.last_use = each.last_use();
    in.take(each);
    out.access_keys.push_back(std::move(key));
  }
}

void read(Reader& in, Group& out) { read_entity(in, out); }

void read(Reader& in, Role& out) {
  read_bounded(in, out);
  out.trust_policy = in.text("trust_policy");
  out.trusted_ids = in.text_map("trusted_ids");
  if (auto description = in.optional_text("description")) out.description = std::move(*description), out.has_description = true;
  out.max_session_s = in.number("max_session_s");
  out.last_use = in.last_use();
}

void read(Reader& in, ManagedPolicy& out) {
  out.name = in.text("name");
  out.id = in.text("id");
  out.path = in.text("path");
  out.arn = in.text("arn");
  out.description = in.text("description");
  out.created = in.time("created");
  out.updated = in.time("updated");
  out.default_version = in.number("default_version");
  out.newest_version = in.number("newest_version");
  for (auto& each : in.structures("versions")) {
    const auto number = each.number("number");
    out.versions[number] = {each.text("document"), each.time("created")};
    in.take(each);
  }
  out.tags = in.tags("tags");
}

void read(Reader& in, InstanceProfile& out) {
  out.name = in.text("name");
  out.id = in.text("id");
  out.path = in.text("path");
  out.arn = in.text("arn");
  out.created = in.time("created");
  out.role = in.optional_text("role");
  out.tags = in.tags("tags");
}

void read(Reader& in, Session& out) {
  out.access_key_id = in.text("access_key_id");
  out.sealed_secret = in.text("sealed_secret");
  out.sealed_token = in.text("sealed_token");
  out.kind = aws::CallerKind::anonymous;
  const auto word = in.text("kind");
  for (const auto& [kind, name] : kinds)
    if (name == word) out.kind = kind;
  out.owner_id = in.text("owner_id");
  out.session_name = in.text("session_name");
  out.issued = in.time("issued");
  out.expires = in.time("expires");
  out.has_session_policies = in.flag("has_session_policies");
  out.session_policies = in.texts("session_policies");
  out.session_policy_arns = in.texts("session_policy_arns");
  out.tags = in.tags("tags");
  out.transitive_tag_keys = in.texts("transitive_tag_keys");
}

bool is_whole(const ManagedPolicy& policy) { return policy.versions.contains(policy.default_version); }
bool is_whole(const Session& session) { return session.kind != aws::CallerKind::anonymous; }
template <class T>
bool is_whole(const T&) {
  return true;
}

template <class T, class Map>
Result<> restore_into(Map& objects, const store::Record& record) {
  auto value = json::parse(record.value);
  if (!value) return fail(value.error().message);
  Reader in{wire::Parameters(std::move(*value))};
  T object;
  read(in, object);
  if (auto end = in.end(); !end) return end;
  if (!is_whole(object)) return fail("contradicts itself");
  objects.insert_or_assign(record.key.name, Shared<T>(std::move(object)));
  return {};
}

template <class Map>
void save_map(std::string_view kind, const aws::Scope& scope, const Map& before, const Map& after, store::Batch& batch) {
  const auto key = [&](const std::string& name) { return store::Key{"iam", scope.account_id, scope.region, std::string(kind), name}; };
  // Names are compared as they are written here: one that changed only its case is another record.
  const auto same = [](const Map& map, const auto& entry) {
    const auto found = map.find(entry.first);
    return found != map.end() && found->first == entry.first ? &found->second : nullptr;
  };
  for (const auto& entry : before)
    if (!same(after, entry)) batch.erase(key(entry.first));
  for (const auto& entry : after) {
    const auto* old = same(before, entry);
    if (old && old->is(entry.second)) continue;
    if (old && *old == entry.second) continue;
    batch.put(key(entry.first), json::to_text(record_of(*entry.second)));
  }
}

}  // namespace

std::string entity_arn(const aws::Scope& scope, std::string_view kind, std::string_view path, std::string_view name) {
  return cat("arn:", scope.partition, ":iam::", scope.account_id, ":", kind, path, name);
}

void save(const State& before, const State& after, store::Batch& batch) {
  save_map("user", after.scope, before.users, after.users, batch);
  save_map("group", after.scope, before.groups, after.groups, batch);
  save_map("role", after.scope, before.roles, after.roles, batch);
  save_map("policy", after.scope, before.policies, after.policies, batch);
  save_map("instance-profile", after.scope, before.instance_profiles, after.instance_profiles, batch);
  save_map("session", after.scope, before.sessions, after.sessions, batch);
}

Result<> restore(State& state, const store::Record& record) {
  const auto read_record = [&]() -> Result<> {
    if (record.key.kind == "user") return restore_into<User>(state.users, record);
    if (record.key.kind == "group") return restore_into<Group>(state.groups, record);
    if (record.key.kind == "role") return restore_into<Role>(state.roles, record);
    if (record.key.kind == "policy") return restore_into<ManagedPolicy>(state.policies, record);
    if (record.key.kind == "instance-profile") return restore_into<InstanceProfile>(state.instance_profiles, record);
    if (record.key.kind == "session") return restore_into<Session>(state.sessions, record);
    return fail("is of a kind this version does not know");
  };
  if (auto done = read_record(); !done) return fail(cat("iam ", record.key.kind, " `", record.key.name, "` ", done.error().message));
  return {};
}

}  // namespace sallyport::iam
