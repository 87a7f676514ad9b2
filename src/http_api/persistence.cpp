#include "http_api/persistence.hpp"

#include "base/text.hpp"
#include "control/archive.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::http_api {

template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Integration>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive.always("type", x.type);
  archive("description", x.description);
  archive("uri", x.uri);
  archive("method", x.method);
  archive.always("payload", x.payload);
  archive("credentials", x.credentials);
  archive("request_parameters", x.request_parameters);
  archive("response_parameters", x.response_parameters);
  archive.always("timeout_ms", x.timeout);
  archive("managed", x.managed);
}
// A route of which it is not known whom it lets in, and an authorizer of which it is not known what it is, are no route and no authorizer.
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Route>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive.always("key", x.key);
  archive("integration", x.integration_id);
  archive.always("authorization", x.authorization);
  archive("authorizer", x.authorizer_id);
  archive("scopes", x.scopes);
  archive("operation_name", x.operation_name);
  archive("managed", x.managed);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Authorizer>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive.always("type", x.type);
  archive("sources", x.identity_sources);
  archive("issuer", x.issuer);
  archive("audiences", x.audiences);
  archive("uri", x.uri);
  archive("credentials", x.credentials);
  archive.always("payload", x.payload);
  archive("simple_responses", x.simple_responses);
  archive("ttl_s", x.ttl);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Cors>
void fields(A& archive, T& x) {
  archive("credentials", x.allow_credentials);
  archive("headers", x.allow_headers);
  archive("methods", x.allow_methods);
  archive("origins", x.allow_origins);
  archive("expose", x.expose_headers);
  archive("max_age_s", x.max_age_s);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Definition>
void fields(A& archive, T& x) {
  archive("integrations", x.integrations);
  archive("routes", x.routes);
  archive("authorizers", x.authorizers);
  archive("cors", x.cors);
  archive("endpoint_disabled", x.disable_execute_api_endpoint);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Deployment>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("description", x.description);
  archive("created_us", x.created);
  archive("auto", x.auto_deployed);
  archive.always("definition", x.definition);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, RouteSettings>
void fields(A& archive, T& x) {
  archive("metrics", x.detailed_metrics_enabled);
  archive("throttling_rate", x.throttling_rate_limit);
  archive("throttling_burst", x.throttling_burst_limit);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Stage>
void fields(A& archive, T& x) {
  archive("name", x.name);
  archive("deployment", x.deployment_id);
  archive("description", x.description);
  archive("auto_deploy", x.auto_deploy);
  archive("variables", x.variables);
  archive("default_route_settings", x.default_route_settings);
  archive("route_settings", x.route_settings);
  archive("access_log_destination", x.access_log_destination);
  archive("access_log_format", x.access_log_format);
  archive("last_deployment", x.last_deployment_message);
  archive("flushes", x.flushes);
  archive("managed", x.managed);
  archive("tags", x.tags);
  archive("created_us", x.created);
  archive("updated_us", x.updated);
}
template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, Api>
void fields(A& archive, T& x) {
  archive("id", x.id);
  archive("name", x.name);
  archive("description", x.description);
  archive("version", x.version);
  archive.always("route_selection", x.route_selection_expression);
  archive.always("api_key_selection", x.api_key_selection_expression);
  archive("import_info", x.import_info);
  archive("warnings", x.warnings);
  archive("tags", x.tags);
  archive("created_us", x.created);
  archive.always("draft", x.draft);
}

namespace {

constexpr std::string_view api_kind = "api", deployment_kind = "deployment", stage_kind = "stage";

/// The records of one scope.
struct Records {
  const aws::Scope& scope;
  store::Batch& batch;

  store::Key key(std::string_view kind, std::string_view name) const {
    return {service_name, scope.account_id, scope.region, std::string(kind), std::string(name)};
  }
  template <class T>
  void put(std::string_view kind, std::string_view name, const T& value) {
    batch.put(key(kind, name), json::to_text(control::Saver::write(value)));
  }
  void erase(std::string_view kind, std::string_view name) { batch.erase(key(kind, name)); }
};

/// But for deployments and stages, which have records of their own.
bool is_same_draft(const Api& a, const Api& b) {
  return a.draft.is(b.draft) && a.id == b.id && a.name == b.name && a.description == b.description && a.version == b.version &&
         a.route_selection_expression == b.route_selection_expression && a.api_key_selection_expression == b.api_key_selection_expression &&
         a.import_info == b.import_info && a.warnings == b.warnings && a.tags == b.tags && a.created == b.created;
}

void save_api(Records& records, const std::string& id, const Api* before, const Api* after) {
  static const Api none;
  if (!after)
    records.erase(api_kind, id);
  else if (!before || !is_same_draft(*before, *after))
    records.put(api_kind, id, *after);
  const auto& was = before ? *before : none;
  const auto& is = after ? *after : none;
  control::compare(was.deployments, is.deployments, [&](const std::string& name, const auto* old, const auto* now) {
    if (!now)
      records.erase(deployment_kind, cat(id, "/", name));
    else if (!old || !old->is(*now))
      records.put(deployment_kind, cat(id, "/", name), **now);
  });
  control::compare(was.stages, is.stages, [&](const std::string& name, const auto* old, const auto* now) {
    if (!now)
      records.erase(stage_kind, cat(id, "/", name));
    else if (!old || *old != *now)
      records.put(stage_kind, cat(id, "/", name), *now);
  });
}

}  // namespace

void save(const State& before, const State& after, store::Batch& batch) {
  Records records{after.scope, batch};
  control::compare(before.apis, after.apis, [&](const std::string& id, const Shared<Api>* old, const Shared<Api>* now) {
    if (old && now && old->is(*now)) return;
    save_api(records, id, old ? &**old : nullptr, now ? &**now : nullptr);
  });
}

Result<> restore(State& state, const store::Record& record) {
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
    good = control::Loader::read(*value, state.apis[api_id].edit());
  else if (kind == deployment_kind)
    good = control::Loader::read(*value, state.apis[api_id].edit().deployments[inner].edit());
  else if (kind == stage_kind)
    good = control::Loader::read(*value, state.apis[api_id].edit().stages[inner]);
  else
    return broken("nobody knows this kind");
  if (!good) return broken("a member is missing or is not what it should be");
  return {};
}

}  // namespace sallyport::http_api
