#include "gateway/persistence.hpp"

#include <charconv>
#include <concepts>
#include <type_traits>

#include "base/text.hpp"
#include "gateway/operations.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

using json::Value;

// One description of each type serves both directions: `fields` names its members to an archive that writes or reads them.

template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, IntegrationResponse>
void fields(A& archive, T& x) {
  archive("pattern", x.selection_pattern);
  archive("parameters", x.response_parameters);
  archive("templates", x.response_templates);
  archive("content_handling", x.content_handling);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, IntegrationSettings>
void fields(A& archive, T& x) {
  archive.always("type", x.type);
  archive("uri", x.uri);
  archive("method", x.http_method);
  archive("parameters", x.request_parameters);
  archive("templates", x.request_templates);
  archive("passthrough", x.passthrough);
  archive("timeout_ms", x.timeout);
  archive("responses", x.responses);
  archive("names_connection", x.names_connection);
  archive("credentials", x.credentials);
  archive("content_handling", x.content_handling);
  archive("cache_namespace", x.cache_namespace);
  archive("cache_key_parameters", x.cache_key_parameters);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, MethodResponse>
void fields(A& archive, T& x) {
  archive("parameters", x.response_parameters);
  archive("models", x.response_models);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, MethodSettings>
void fields(A& archive, T& x) {
  archive.always("authorization", x.authorization);
  archive("authorizer", x.authorizer_id);
  archive("scopes", x.authorization_scopes);
  archive("api_key_required", x.api_key_required);
  archive("operation_name", x.operation_name);
  archive("parameters", x.request_parameters);
  archive("models", x.request_models);
  archive("validator", x.request_validator_id);
  archive("responses", x.responses);
  archive("integration", x.integration);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Resource>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("parent", x.parent_id);
  archive("part", x.path_part);
  archive.always("path", x.path);
  archive("methods", x.methods);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, ClaimRule>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive.always("format", x.format);
  archive("expected", x.expected);
  archive("required", x.required);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, JwtIssuer>
void fields(A& archive, T& x) {
  archive.always("issuer", x.issuer);
  archive("audiences", x.audiences);
  archive("claims", x.claims);
  archive("jwks_uri", x.jwks_uri);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, JwtConfiguration>
void fields(A& archive, T& x) {
  archive("algorithms", x.algorithms);
  archive("issuers", x.issuers);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, AuthorizerSettings>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive.always("type", x.type);
  archive("uri", x.uri);
  archive("source", x.identity_source);
  archive("sources", x.identity_sources);
  archive("expression", x.validation_expression);
  archive("credentials", x.credentials);
  archive.always("ttl_s", x.ttl);
  archive("providers", x.provider_arns);
  archive("jwt", x.jwt);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, GatewayResponseSettings>
void fields(A& archive, T& x) {
  archive("status", x.status);
  archive("parameters", x.parameters);
  archive("templates", x.templates);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Model>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive("description", x.description);
  archive("content_type", x.content_type);
  archive("schema", x.schema);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, RequestValidator>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive("body", x.validates_body);
  archive("parameters", x.validates_parameters);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Definition>
void fields(A& archive, T& x) {
  archive("resources", x.resources);
  archive("authorizers", x.authorizers);
  archive("gateway_responses", x.gateway_responses);
  archive("models", x.models);
  archive("validators", x.validators);
  archive("binary_media_types", x.binary_media_types);
  archive("policy", x.resource_policy);
  archive("endpoint_disabled", x.disable_execute_api_endpoint);
  archive("keys_from_authorizer", x.keys_from_authorizer);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, RestApi>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive("description", x.description);
  archive("version", x.version);
  archive("api_key_source", x.api_key_source);
  archive("endpoint_type", x.endpoint_type);
  archive("root", x.root_resource_id);
  archive("tags", x.tags);
  archive("created_us", x.created);
  archive.always("draft", x.draft);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Deployment>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("description", x.description);
  archive("created_us", x.created);
  archive.always("definition", x.definition);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, MethodSetting>
void fields(A& archive, T& x) {
  archive("metrics", x.metrics_enabled);
  archive("logging", x.logging_level);
  archive("data_trace", x.data_trace_enabled);
  archive("caching", x.caching_enabled);
  archive.always("cache_ttl_s", x.cache_ttl_s);
  archive("cache_encrypted", x.cache_data_encrypted);
  archive.always("cache_control_requires_authorization", x.cache_control_requires_authorization);
  archive("unauthorized_cache_control", x.unauthorized_cache_control);
  archive("throttling_rate", x.throttling_rate_limit);
  archive("throttling_burst", x.throttling_burst_limit);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, StageSettings>
void fields(A& archive, T& x) {
  archive("name", x.name);
  archive("deployment", x.deployment_id);
  archive("description", x.description);
  archive("variables", x.variables);
  archive("cache_cluster", x.cache_cluster_enabled);
  archive("cache_cluster_size", x.cache_cluster_size);
  archive("cache_flushes", x.cache_flushes);
  archive("flushes", x.flushes);
  archive("method_settings", x.method_settings);
  archive("access_log_destination", x.access_log_destination);
  archive("access_log_format", x.access_log_format);
  archive("documentation_version", x.documentation_version);
  archive("tags", x.tags);
  archive("created_us", x.created);
  archive("updated_us", x.updated);
}
/// All but the value, which is a secret: see `save_key`.
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, ApiKey>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive("description", x.description);
  archive("customer", x.customer_id);
  archive("enabled", x.enabled);
  archive("tags", x.tags);
  archive("created_us", x.created);
  archive("updated_us", x.updated);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, ThrottleSettings>
void fields(A& archive, T& x) {
  archive("rate", x.rate_limit);
  archive("burst", x.burst_limit);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, QuotaSettings>
void fields(A& archive, T& x) {
  archive("limit", x.limit);
  archive("offset", x.offset);
  archive("period", x.period);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, PlanStage>
void fields(A& archive, T& x) {
  archive("api", x.api_id);
  archive("stage", x.stage);
  archive("throttles", x.throttles);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, UsagePlan>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive("description", x.description);
  archive("product_code", x.product_code);
  archive("stages", x.stages);
  archive("throttle", x.throttle);
  archive("quota", x.quota);
  archive("keys", x.keys);
  archive("tags", x.tags);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, ApiMapping>
void fields(A& archive, T& x) {
  archive.always("id", x.id);
  archive("key", x.key);
  archive.always("api", x.api_id);
  archive("stage", x.stage);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, MutualTls>
void fields(A& archive, T& x) {
  archive.always("truststore", x.truststore_uri);
  archive("version", x.truststore_version);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, DomainName>
void fields(A& archive, T& x) {
  archive.always("name", x.name);
  archive("certificate", x.certificate_arn);
  archive("certificate_name", x.certificate_name);
  archive("ownership_certificate", x.ownership_certificate_arn);
  archive("endpoint_type", x.endpoint_type);
  archive("endpoint", x.endpoint_id);
  archive("security_policy", x.security_policy);
  archive("mutual_tls", x.mutual_tls);
  archive("tags", x.tags);
  archive("created_us", x.created);
  archive("certificate_given_us", x.certificate_given);
  archive("mappings", x.mappings);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, AccountSettings>
void fields(A& archive, T& x) {
  archive("cloudwatch_role", x.cloudwatch_role_arn);
}

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  { name_of(e) } -> std::same_as<std::string_view>;
};

class Saver {
 public:
  json::Object out;

  /// Members that are empty or zero are left out. One whose default is something else is written with `always`: zero would come back as
  /// the default.
  template <class T>
  void operator()(std::string_view name, const T& member) {
    if constexpr (std::equality_comparable<T>)
      if (member == T{}) return;
    always(name, member);
  }
  template <class T>
  void always(std::string_view name, const T& member) {
    out.emplace_back(name, write(member));
  }

  static Value write(const std::string& text) { return text; }
  static Value write(bool flag) { return flag; }
  static Value write(int number) { return number; }
  static Value write(double number) {
    char text[32];
    return json::Number{std::string(text, std::to_chars(text, text + sizeof text, number).ptr)};
  }
  static Value write(WallTime time) { return time.time_since_epoch().count(); }
  static Value write(std::chrono::milliseconds time) { return time.count(); }
  static Value write(std::chrono::seconds time) { return time.count(); }
  static Value write(const Value& value) { return value; }
  template <NamedEnum E>
  static Value write(E value) {
    return name_of(value);
  }
  template <class T>
  static Value write(const std::optional<T>& member) {
    return member ? write(*member) : Value();
  }
  template <class T>
  static Value write(const Shared<T>& member) {
    return write(*member);
  }
  static Value write(const std::shared_ptr<const Definition>& member) { return write(*member); }
  template <class T>
  static Value write(const std::vector<T>& list) {
    json::Array array;
    for (const auto& each : list) array.push_back(write(each));
    return array;
  }
  template <class T>
  static Value write(const std::map<std::string, T, std::less<>>& map) {
    json::Object object;
    for (const auto& [key, member] : map) object.emplace_back(key, write(member));
    return object;
  }
  static Value write(const std::map<ResponseType, GatewayResponseSettings>& map) {
    json::Object object;
    for (const auto& [type, member] : map) object.emplace_back(row_of(type).name, write(member));
    return object;
  }
  template <class T>
    requires requires(Saver& saver, const T& x) { fields(saver, x); }
  static Value write(const T& x) {
    Saver inner;
    fields(inner, x);
    return std::move(inner.out);
  }
};

class Loader {
 public:
  explicit Loader(const Value& value) : value_(value) {}
  bool good = true;

  template <class T>
  void operator()(std::string_view name, T& member) {
    if (const auto* found = value_.find(name)) good = read(*found, member) && good;
  }
  /// Of what must not fall back to a default.
  template <class T>
  void always(std::string_view name, T& member) {
    const auto* found = value_.find(name);
    good = found && read(*found, member) && good;
  }

  static bool read(const Value& value, std::string& text) {
    if (value.string()) text = *value.string();
    return value.string() != nullptr;
  }
  static bool read(const Value& value, bool& flag) {
    if (value.boolean()) flag = *value.boolean();
    return value.boolean() != nullptr;
  }
  static bool read(const Value& value, int& number) {
    const auto found = value.number() ? parse_number<int>(value.number()->text) : std::nullopt;
    number = found.value_or(number);
    return found.has_value();
  }
  static bool read(const Value& value, double& number) {
    if (!value.number()) return false;
    const auto& text = value.number()->text;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
  }
  static bool read(const Value& value, WallTime& time) {
    const auto count = value.integer();
    time = WallTime(WallTime::duration(count.value_or(0)));
    return count.has_value();
  }
  template <class Rep, class Period>
  static bool read(const Value& value, std::chrono::duration<Rep, Period>& time) {
    const auto count = value.integer();
    time = std::chrono::duration<Rep, Period>(count.value_or(0));
    return count.has_value();
  }
  static bool read(const Value& value, Value& out) {
    out = value;
    return true;
  }
  template <NamedEnum E>
  static bool read(const Value& value, E& out) {
    if (!value.string()) return false;
    for (int i = 0; !name_of(static_cast<E>(i)).empty(); ++i)
      if (name_of(static_cast<E>(i)) == *value.string()) {
        out = static_cast<E>(i);
        return true;
      }
    return false;
  }
  template <class T>
  static bool read(const Value& value, std::optional<T>& member) {
    return read(value, member.emplace());
  }
  template <class T>
  static bool read(const Value& value, Shared<T>& member) {
    return read(value, member.edit());
  }
  static bool read(const Value& value, std::shared_ptr<const Definition>& member) {
    auto made = std::make_shared<Definition>();
    const bool good = read(value, *made);
    member = std::move(made);
    return good;
  }
  template <class T>
  static bool read(const Value& value, std::vector<T>& list) {
    if (!value.array()) return false;
    bool good = true;
    for (const auto& each : *value.array()) good = read(each, list.emplace_back()) && good;
    return good;
  }
  template <class T>
  static bool read(const Value& value, std::map<std::string, T, std::less<>>& map) {
    if (!value.object()) return false;
    bool good = true;
    for (const auto& [key, each] : *value.object()) good = read(each, map[key]) && good;
    return good;
  }
  static bool read(const Value& value, std::map<ResponseType, GatewayResponseSettings>& map) {
    if (!value.object()) return false;
    bool good = true;
    for (const auto& [key, each] : *value.object()) {
      const auto type = parse_response_type(key);
      good = type && read(each, map[*type]) && good;
    }
    return good;
  }
  template <class T>
    requires requires(Loader& loader, T& x) { fields(loader, x); }
  static bool read(const Value& value, T& x) {
    if (!value.object()) return false;
    Loader inner(value);
    fields(inner, x);
    return inner.good;
  }

 private:
  const Value& value_;
};

constexpr std::string_view api_kind = "restapi", deployment_kind = "deployment", stage_kind = "stage", key_kind = "apikey",
                           plan_kind = "usageplan", account_kind = "account", domain_kind = "domainname";

/// The records of one scope.
struct Records {
  const aws::Scope& scope;
  store::Batch& batch;

  store::Key key(std::string_view kind, std::string_view name) const {
    return {service_name, scope.account_id, scope.region, std::string(kind), std::string(name)};
  }
  template <class T>
  void put(std::string_view kind, std::string_view name, const T& value) {
    batch.put(key(kind, name), json::to_text(Saver::write(value)));
  }
  void erase(std::string_view kind, std::string_view name) { batch.erase(key(kind, name)); }
};

/// Both in order of their keys: calls `each(key, before or null, after or null)`.
template <class Map, class Each>
void compare(const Map& before, const Map& after, Each each) {
  const typename Map::mapped_type* const none = nullptr;
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && b->first < a->first)) {
      each(b->first, &b->second, none);
      ++b;
    } else if (b == before.end() || a->first < b->first) {
      each(a->first, none, &a->second);
      ++a;
    } else {
      each(a->first, &b->second, &a->second);
      ++a, ++b;
    }
  }
}

bool is_same_draft(const RestApi& a, const RestApi& b) {
  return a.draft.is(b.draft) && a.id == b.id && a.name == b.name && a.description == b.description && a.version == b.version &&
         a.api_key_source == b.api_key_source && a.endpoint_type == b.endpoint_type && a.root_resource_id == b.root_resource_id &&
         a.tags == b.tags && a.created == b.created;
}

void save_api(Records& records, const std::string& id, const RestApi* before, const RestApi* after) {
  static const RestApi none;
  if (!after)
    records.erase(api_kind, id);
  else if (!before || !is_same_draft(*before, *after))
    records.put(api_kind, id, *after);
  const auto& was = before ? *before : none;
  const auto& is = after ? *after : none;
  compare(was.deployments, is.deployments, [&](const std::string& name, const auto* old, const auto* now) {
    if (!now)
      records.erase(deployment_kind, cat(id, "/", name));
    else if (!old || !old->is(*now))
      records.put(deployment_kind, cat(id, "/", name), **now);
  });
  compare(was.stages, is.stages, [&](const std::string& name, const auto* old, const auto* now) {
    if (!now)
      records.erase(stage_kind, cat(id, "/", name));
    else if (!old || *old != *now)
      records.put(stage_kind, cat(id, "/", name), *now);
  });
}

template <class T>
void save_shared(Records& records, std::string_view kind, const std::map<std::string, Shared<T>, std::less<>>& before,
                 const std::map<std::string, Shared<T>, std::less<>>& after) {
  compare(before, after, [&](const std::string& id, const Shared<T>* old, const Shared<T>* now) {
    if (!now)
      records.erase(kind, id);
    else if (!old || !old->is(*now))
      records.put(kind, id, **now);
  });
}

constexpr std::string_view key_value_member = "value";

/// What a key's value is sealed under: it opens in its own record alone.
std::string seal_name(const store::Key& key) {
  return cat(key.service, "/", key.account_id, "/", key.region, "/", key.kind, "/", key.name, "/", key_value_member);
}

void save_key(Records& records, const std::string& id, const ApiKey& key, const store::Store& store) {
  auto where = records.key(key_kind, id);
  auto members = Saver::write(key);
  members.set(key_value_member, store.seal(key.value, seal_name(where)));
  records.batch.put(std::move(where), json::to_text(members));
}

/// False, and no key at all, where its value does not open: one with an empty value would be everybody's.
bool restore_key(State& state, const store::Key& where, const Value& value, const store::Store& store) {
  ApiKey key;
  const auto* sealed = value.find(key_value_member);
  if (!sealed || !sealed->string() || !Loader::read(value, key)) return false;
  auto opened = store.unseal(*sealed->string(), seal_name(where));
  if (!opened || opened->empty()) return false;
  key.value = std::move(*opened);
  state.api_keys.insert_or_assign(where.name, Shared(std::move(key)));
  return true;
}

}  // namespace

void save(const State& before, const State& after, store::Batch& batch, const store::Store& store) {
  Records records{after.scope, batch};
  compare(before.apis, after.apis, [&](const std::string& id, const Shared<RestApi>* old, const Shared<RestApi>* now) {
    if (old && now && old->is(*now)) return;
    save_api(records, id, old ? &**old : nullptr, now ? &**now : nullptr);
  });
  compare(before.api_keys, after.api_keys, [&](const std::string& id, const Shared<ApiKey>* old, const Shared<ApiKey>* now) {
    if (!now)
      records.erase(key_kind, id);
    else if (!old || !old->is(*now))
      save_key(records, id, **now, store);
  });
  save_shared(records, plan_kind, before.usage_plans, after.usage_plans);
  save_shared(records, domain_kind, before.domains, after.domains);
  if (before.account != after.account) records.put(account_kind, account_kind, after.account);
}

Result<> restore(State& state, const store::Record& record, const store::Store& store) {
  const auto broken = [&](std::string_view why) {
    return fail(cat("the record ", record.key.kind, " ", record.key.name, " of ", service_name, " in ", record.key.account_id, " ",
                    record.key.region, " cannot be read: ", why));
  };
  const auto value = json::parse(record.value);
  if (!value) return broken(value.error().message);
  const std::string_view kind = record.key.kind, name = record.key.name;
  const auto slash = name.find('/');
  const std::string api_id(name.substr(0, slash)), inner(slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1));
  bool good = false;
  if (kind == api_kind)
    good = Loader::read(*value, state.apis[api_id].edit());
  else if (kind == deployment_kind)
    good = Loader::read(*value, state.apis[api_id].edit().deployments[inner].edit());
  else if (kind == stage_kind)
    good = Loader::read(*value, state.apis[api_id].edit().stages[inner]);
  else if (kind == key_kind)
    good = restore_key(state, record.key, *value, store);
  else if (kind == plan_kind)
    good = Loader::read(*value, state.usage_plans[std::string(name)].edit());
  else if (kind == domain_kind)
    good = Loader::read(*value, state.domains[std::string(name)].edit());
  else if (kind == account_kind)
    good = Loader::read(*value, state.account);
  else
    return broken("nobody knows this kind");
  if (!good) return broken("a member is missing or is not what it should be");
  return {};
}

}  // namespace sallyport::gateway
