#include "http_api/stage.hpp"

#include <utility>

#include "base/text.hpp"
#include "http_api/operations.hpp"
#include "http_api/route_key.hpp"

namespace sallyport::http_api {
namespace {

// What a route has where only the other limit is set. Source: API Gateway quotas, requests of an account in a region.
constexpr double account_rate_limit = 10'000;
constexpr int account_burst_limit = 5'000;

constexpr std::string_view default_stage = "$default";

void append_counted(std::string& out, std::string_view part) {
  append(out, part.size());
  out += ':';
  out += part;
}

/// Of a URI whose stage variables are put in.
std::optional<std::string> function_of(std::string_view uri) {
  auto named = function_arn_of(uri);
  const auto arn = named ? aws::parse_arn(*named) : std::nullopt;
  if (!arn || arn->service != "lambda" || !arn->resource.starts_with("function:")) return std::nullopt;
  return named;
}

lambda::UrlCors cors_of(const Cors& cors) {
  using List = std::vector<std::string>;
  return {cors.allow_credentials.value_or(false), cors.allow_headers.value_or(List()),  cors.allow_methods.value_or(List()),
          cors.allow_origins.value_or(List()),    cors.expose_headers.value_or(List()), cors.max_age_s};
}

/// What is being compiled, and what it is compiled against.
struct Compiler {
  const aws::Scope& scope;
  const Definition& definition;
  ServedStage& stage;
  std::map<std::string, const ServedAuthorizer*, std::less<>> authorizers = {};

  std::string substituted(std::string_view text) const { return gateway::substitute_stage_variables(text, stage.variables); }

  void compile_authorizer(const Authorizer& settings) {
    auto authorizer = std::make_unique<ServedAuthorizer>();
    authorizer->id = settings.id;
    authorizer->name = settings.name;
    authorizer->type = settings.type;
    authorizer->source_texts = settings.identity_sources;
    for (const auto& text : settings.identity_sources) {
      auto source = parse_selection(text);
      if (!source) authorizer->problem = cat("the identity source ", text, " cannot be understood");
      authorizer->sources.push_back(source ? std::move(*source) : Selection{Selection::Kind::context, {}});
    }
    if (settings.type == AuthorizerType::jwt) {
      authorizer->rules = {settings.issuer, identity::rsa_algorithms()};
      authorizer->audiences = settings.audiences;
      if (settings.issuer.empty() || settings.audiences.empty()) authorizer->problem = "the authorizer has no issuer or no audience";
      if (authorizer->sources.size() != 1) authorizer->problem = "the authorizer has not exactly one identity source";
    } else {
      compile_request_authorizer(settings, *authorizer);
    }
    authorizers[settings.id] = authorizer.get();
    stage.authorizers.push_back(std::move(authorizer));
  }

  void compile_request_authorizer(const Authorizer& settings, ServedAuthorizer& authorizer) {
    authorizer.payload = settings.payload;
    authorizer.simple_responses = settings.simple_responses;
    // Without identity sources nothing tells two requests apart.
    if (!settings.identity_sources.empty()) authorizer.ttl = settings.ttl;
    if (const auto arn = function_of(substituted(settings.uri)))
      authorizer.function_arn = *arn;
    else
      authorizer.problem = "the authorizer's URI names no function";
    authorizer.credentials = settings.credentials;
    authorizer.source_arn =
        cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", stage.api_id, "/authorizers/", settings.id);
    append_counted(authorizer.key_prefix, stage.api_id);
    append_counted(authorizer.key_prefix, stage.name);
    append_counted(authorizer.key_prefix, cat(stage.generation));
    append_counted(authorizer.key_prefix, settings.id);
  }

  Target compile_target(const Integration& settings, const ServedRoute& route) const {
    if (settings.type == IntegrationType::http_proxy) return compile_http(settings);
    const auto arn = function_of(substituted(settings.uri));
    if (!arn) return gateway::BrokenIntegration{cat("the URI names no Lambda function once stage variables are put in: ", settings.uri)};
    const auto source_arn = route.method.empty() ? cat(stage.arn_prefix, "$default") : cat(stage.arn_prefix, route.method, route.path);
    return FunctionIntegration{{*arn, source_arn, settings.credentials, settings.timeout}, settings.payload};
  }

  Target compile_http(const Integration& settings) const {
    auto uri = gateway::parse_http_uri(substituted(settings.uri));
    if (!uri) return gateway::BrokenIntegration{cat("invalid endpoint address: ", uri.error().message)};
    HttpIntegration http;
    http.method = settings.method.empty() ? "ANY" : settings.method;
    http.timeout = settings.timeout;
    std::string_view rest = uri->path;
    while (!rest.empty()) {
      const auto open = rest.find('{');
      if (open != 0) http.path.push_back({std::string(rest.substr(0, open))});
      if (open == std::string_view::npos) break;
      const auto close = rest.find('}', open);
      if (close == std::string_view::npos) return gateway::BrokenIntegration{"invalid endpoint address: a brace is not closed"};
      auto name = rest.substr(open + 1, close - open - 1);
      if (name.ends_with('+')) name.remove_suffix(1);
      http.path.push_back({std::string(name), true});
      rest.remove_prefix(close + 1);
    }
    http.uri = std::move(*uri);
    return http;
  }

  Result<std::vector<ParameterMapping>> compile_mappings(MappingSide side, const TextMap& texts) const {
    std::vector<ParameterMapping> mappings;
    for (const auto& [key, value] : texts) {
      auto mapping = parse_parameter_mapping(side, key, value);
      if (!mapping) return fail(cat("the mapping ", key, ": ", mapping.error().message));
      mappings.push_back(std::move(*mapping));
    }
    return mappings;
  }

  void compile_integration(const Route& settings, ServedRoute& route) const {
    const auto found = definition.integrations.find(settings.integration_id);
    if (found == definition.integrations.end()) {
      route.integration = gateway::BrokenIntegration{"the route has no integration"};
      return;
    }
    const auto& integration = found->second;
    route.integration = compile_target(integration, route);
    auto mappings = compile_mappings(MappingSide::request, integration.request_parameters);
    if (!mappings) {
      route.integration = gateway::BrokenIntegration{mappings.error().message};
      return;
    }
    route.request_mappings = std::move(*mappings);
    for (const auto& [status, texts] : integration.response_parameters) {
      auto answers = compile_mappings(MappingSide::response, texts);
      const auto number = parse_number<int>(status);
      if (!answers || !number) {
        route.integration = gateway::BrokenIntegration{answers ? cat("no status code: ", status) : answers.error().message};
        return;
      }
      route.response_mappings.emplace(*number, std::move(*answers));
    }
  }

  /// By the setting of exactly this route, else by the one for all, which gives each a bucket of its own.
  std::optional<gateway::MethodThrottle> throttle_of(const std::string& key) const {
    std::optional<double> rate;
    std::optional<int> burst;
    if (const auto& all = stage.settings.default_route_settings) rate = all->throttling_rate_limit, burst = all->throttling_burst_limit;
    if (const auto own = stage.settings.route_settings.find(key); own != stage.settings.route_settings.end()) {
      if (own->second.throttling_rate_limit) rate = own->second.throttling_rate_limit;
      if (own->second.throttling_burst_limit) burst = own->second.throttling_burst_limit;
    }
    if (!rate && !burst) return std::nullopt;
    const gateway::ThrottleLimit limit{rate.value_or(account_rate_limit), static_cast<double>(burst.value_or(account_burst_limit))};
    return gateway::MethodThrottle{limit, cat(stage.api_id, "/", stage.name, "/", key)};
  }

  void compile_route(const Route& settings) {
    const auto key = parse_route_key(settings.key);
    if (!key) return;  // it was refused when it was made; no request could name it
    ServedRoute route;
    route.id = settings.id;
    route.key = settings.key;
    route.method = key->method;
    route.path = key->is_default ? std::string("$default") : key->path;
    route.operation_name = settings.operation_name;
    if (!key->is_default) route.path_variables = gateway::path_variables(key->path);
    route.authorization = settings.authorization;
    route.scopes = settings.scopes;
    if (settings.authorization == AuthorizationType::custom || settings.authorization == AuthorizationType::jwt) {
      // A route whose authorizer is gone stays: without it a less specific one, an open one perhaps, would answer in its place.
      const auto found = authorizers.find(settings.authorizer_id.value_or(""));
      const auto wanted = settings.authorization == AuthorizationType::jwt ? AuthorizerType::jwt : AuthorizerType::request;
      if (found != authorizers.end() && found->second->type == wanted) route.authorizer = found->second;
    }
    route.throttle = throttle_of(settings.key);
    compile_integration(settings, route);
    const auto index = static_cast<std::uint32_t>(stage.routes.size());
    if (key->is_default)
      stage.default_route = index;
    else
      stage.router.add(key->path, key->method, index);
    stage.routes.push_back(std::move(route));
  }

  void compile() {
    for (const auto& [id, authorizer] : definition.authorizers) compile_authorizer(authorizer);
    for (const auto& [id, route] : definition.routes) compile_route(route);
    if (definition.cors) stage.cors = cors_of(*definition.cors);
  }
};

}  // namespace

const ServedRoute* ServedStage::find(std::string_view verb, std::string_view path, std::vector<std::string_view>& values) const {
  if (const auto found = router.find(verb, path, values)) return &routes[*found];
  values.clear();
  return default_route && gateway::is_verb(verb) ? &routes[*default_route] : nullptr;
}

std::shared_ptr<const ServedStage> compile_stage(const aws::Scope& scope, const Api& api, const Stage& settings,
                                                 const std::shared_ptr<const Definition>& definition, std::uint64_t generation,
                                                 const Choices& choices) {
  auto stage = std::make_shared<ServedStage>();
  stage->api_id = api.id;
  stage->name = settings.name;
  stage->deployment_id = settings.deployment_id;
  stage->account_id = scope.account_id;
  stage->region = scope.region;
  stage->generation = generation;
  stage->arn_prefix =
      cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", api.id, "/", settings.name, "/");
  stage->variables = settings.variables;
  stage->endpoint_disabled = definition->disable_execute_api_endpoint;
  stage->choices = choices;
  if (choices.trailing_slash == Choices::TrailingSlash::ignored) stage->router = gateway::Router(gateway::TrailingSlash::ignored);
  stage->settings = settings;
  stage->definition = definition;
  Compiler{scope, *definition, *stage}.compile();
  return stage;
}

void Stages::publish(const State& state, std::shared_ptr<const lambda::State> functions, const Choices& choices) {
  std::scoped_lock lock(publishing_);
  auto& before = choices_[cat(state.scope.account_id, "/", state.scope.region)];
  const bool all = std::exchange(before, choices) != choices;
  served_.publish(state.scope, state.apis, std::move(functions), all,
                  [&](const Api& api, const Served::StageMap* served) { return compile(state.scope, api, served, choices); });
}

std::shared_ptr<const Stages::Served::StageMap> Stages::compile(const aws::Scope& scope, const Api& api, const Served::StageMap* before,
                                                                const Choices& choices) {
  auto stages = std::make_shared<Served::StageMap>();
  for (const auto& [name, settings] : api.stages) {
    auto& served = (*stages)[name];
    const auto deployment = api.deployments.find(settings.deployment_id);
    if (deployment == api.deployments.end()) continue;
    const auto& definition = deployment->second->definition;
    std::shared_ptr<const ServedStage> old;
    if (before)
      if (const auto known = before->find(name); known != before->end()) old = known->second;
    // Only what an authorization may have been decided by ends the ones that are kept.
    const bool same_answers = old && (old->definition == definition || *old->definition == *definition) &&
                              old->settings.variables == settings.variables && old->settings.flushes == settings.flushes &&
                              old->account_id == scope.account_id && old->region == scope.region && old->choices == choices;
    if (same_answers && old->settings == settings && old->definition == definition)
      served = std::move(old);
    else
      served = compile_stage(scope, api, settings, definition, same_answers ? old->generation : ++last_generation_, choices);
  }
  return stages;
}

Stages::Pinned Stages::pin(std::string_view api_id, std::string_view stage) const {
  auto served = served_.pin(api_id);
  if (!served.stages) return {};
  const auto found = served.stages->find(stage);
  return {found == served.stages->end() ? nullptr : found->second, std::move(served.functions), false};
}

Stages::Pinned Stages::select(std::string_view api_id, std::string_view first_segment) const {
  auto served = served_.pin(api_id);
  if (!served.stages) return {};
  auto found = first_segment == default_stage ? served.stages->end() : served.stages->find(first_segment);
  const bool by_path = found != served.stages->end();
  if (!by_path) found = served.stages->find(default_stage);
  return {found == served.stages->end() ? nullptr : found->second, std::move(served.functions), by_path};
}

}  // namespace sallyport::http_api
