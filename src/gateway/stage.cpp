#include "gateway/stage.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <tuple>

#include "base/text.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/operations.hpp"
#include "gateway/request_validation.hpp"
#include "gateway/resource_policy.hpp"
#include "gateway/response_cache.hpp"
#include "gateway/uri.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

// What a method has where only the other limit is set. Source: API Gateway quotas, requests of an account in a region.
constexpr double account_rate_limit = 10'000;
constexpr int account_burst_limit = 5'000;

void append_counted(std::string& out, std::string_view part) {
  append(out, part.size());
  out += ':';
  out += part;
}

/// What is being compiled, and what it is compiled against.
struct Compiler {
  const aws::Scope& scope;
  const Definition& definition;
  Stage& stage;
  std::size_t cache_bytes = 0;
  std::map<std::string, const Authorizer*, std::less<>> authorizers = {};

  std::optional<Source> source(std::string_view text) const {
    auto parsed = parse_source(text, stage.variables);
    return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
  }

  // `prefix` stripped: header name -> source. Texts were checked when they were put.
  std::vector<std::pair<std::string, Source>> mappings(const TextMap& parameters, std::string_view prefix) const {
    std::vector<std::pair<std::string, Source>> result;
    for (const auto& [target, text] : parameters)
      if (target.starts_with(prefix))
        if (auto value = source(text)) result.emplace_back(target.substr(prefix.size()), std::move(*value));
    return result;
  }

  void compile_authorizer(const AuthorizerSettings& settings) {
    auto authorizer = std::make_unique<Authorizer>();
    authorizer->id = settings.id;
    authorizer->name = settings.name;
    authorizer->type = settings.type;
    authorizer->ttl = settings.ttl;
    authorizer->source_texts = settings.identity_sources;
    bool good = true;
    for (const auto& text : settings.identity_sources) {
      auto parsed = source(text);
      good = good && parsed;
      // A source nobody understands is one that is never there.
      authorizer->sources.push_back(parsed ? std::move(*parsed) : Source{Source::Kind::nothing, ContextField::unset, {}});
    }
    if (settings.type != AuthorizerType::request && !settings.validation_expression.empty()) {
      auto expression = Expression::compile(settings.validation_expression);
      good = good && expression;
      if (expression) authorizer->expression = std::move(*expression);
    }
    const auto arn = function_arn_of_uri(substitute_stage_variables(settings.uri, stage.variables));
    if (good && arn) authorizer->function_arn = *arn;
    // An expression that does not compile is one that no token matches: without issuers nobody is let in.
    for (const auto& pool : settings.provider_arns)
      if (auto issuer = issuer_of_pool(pool); good && issuer) authorizer->pool_issuers.push_back(std::move(*issuer));
    if (good) authorizer->jwt = settings.jwt;
    authorizer->credentials = settings.credentials;
    authorizer->source_arn =
        cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", stage.api_id, "/authorizers/", settings.id);
    append_counted(authorizer->key_prefix, stage.api_id);
    append_counted(authorizer->key_prefix, stage.name);
    append_counted(authorizer->key_prefix, cat(stage.generation));
    append_counted(authorizer->key_prefix, settings.id);
    authorizers[settings.id] = authorizer.get();
    stage.authorizers.push_back(std::move(authorizer));
  }

  /// `declared`: the responses of the method.
  Integration compile_integration(const IntegrationSettings& settings, const Resource& resource, std::string_view verb,
                                  const std::map<std::string, MethodResponse, std::less<>>& declared) const {
    for (const auto& [target, text] : settings.request_parameters)
      if (is_illegal_request_header(target, settings.type))
        return BrokenIntegration{cat("the mapping to ", target, " sets a header that no mapping may set")};
    switch (settings.type) {
      case IntegrationType::aws_proxy: {
        auto function = compile_function(settings, resource, verb);
        if (!function) return BrokenIntegration{function.error().message};
        return AwsProxyIntegration{std::move(*function)};
      }
      case IntegrationType::http_proxy: {
        auto backend = compile_backend(settings);
        if (!backend) return BrokenIntegration{backend.error().message};
        return std::move(*backend);
      }
      case IntegrationType::http: {
        auto backend = compile_backend(settings);
        if (!backend) return BrokenIntegration{backend.error().message};
        return compile_mapped<HttpIntegration>({std::move(*backend), {}, {}}, settings, declared);
      }
      case IntegrationType::mock: return compile_mapped<MockIntegration>({}, settings, declared);
      case IntegrationType::aws: {
        auto function = compile_function(settings, resource, verb);
        if (!function) return BrokenIntegration{function.error().message};
        return compile_mapped<AwsIntegration>({std::move(*function), {}, {}}, settings, declared);
      }
    }
    return BrokenIntegration{"unknown integration type"};
  }

  Result<LambdaTarget> compile_function(const IntegrationSettings& settings, const Resource& resource, std::string_view verb) const {
    if (settings.http_method != "POST") return fail("the integration's HTTP method must be POST for a Lambda function");
    const auto arn = function_arn_of_uri(substitute_stage_variables(settings.uri, stage.variables));
    const auto function = arn ? aws::parse_arn(*arn) : std::nullopt;
    if (!function || !function->resource.starts_with("function:"))
      return fail(cat("the URI names no Lambda function once stage variables are put in: ", settings.uri));
    return LambdaTarget{*arn, cat(stage.arn_prefix, verb, resource.path), settings.credentials, settings.timeout};
  }

  Result<HttpProxyIntegration> compile_backend(const IntegrationSettings& settings) const {
    auto uri = parse_http_uri(substitute_stage_variables(settings.uri, stage.variables));
    if (!uri) return fail(cat("Invalid endpoint address: ", uri.error().message));
    HttpProxyIntegration proxy;
    proxy.method = settings.http_method;
    proxy.host = std::move(uri->host);
    proxy.port = uri->port;
    proxy.tls = uri->tls;
    proxy.query = std::move(uri->query);
    proxy.timeout = settings.timeout;
    proxy.headers = mappings(settings.request_parameters, "integration.request.header.");
    proxy.queries = mappings(settings.request_parameters, "integration.request.querystring.");
    const auto paths = mappings(settings.request_parameters, "integration.request.path.");
    std::string_view rest = uri->path;
    while (!rest.empty()) {
      const auto open = rest.find('{');
      if (open != 0) proxy.path.push_back({std::string(rest.substr(0, open))});
      if (open == std::string_view::npos) break;
      const auto close = rest.find('}', open);
      if (close == std::string_view::npos) return fail("Invalid endpoint address: a brace is not closed");
      auto name = rest.substr(open + 1, close - open - 1);
      if (name.ends_with('+')) name.remove_suffix(1);
      HttpProxyIntegration::Piece piece{std::string(name), true};
      for (const auto& [target, value] : paths)
        if (target == name) piece.mapped = value;
      proxy.path.push_back(std::move(piece));
      rest.remove_prefix(close + 1);
    }
    return proxy;
  }

  /// The mappings of an integration that is no proxy.
  template <class Mapped>
  Integration compile_mapped(Mapped mapped, const IntegrationSettings& settings,
                             const std::map<std::string, MethodResponse, std::less<>>& declared) const {
    mapped.request.passthrough = settings.passthrough;
    mapped.request.handling = settings.content_handling;
    for (const auto& [type, text] : settings.request_templates) {
      auto body = vtl::Template::compile(text);
      if (!body) return BrokenIntegration{body.error().message};
      mapped.request.templates.emplace_back(lower(type), std::move(*body));
    }
    for (const auto& [status, response] : settings.responses) {
      auto compiled = compile_response(status, response);
      if (!compiled) return BrokenIntegration{compiled.error().message};
      compiled->is_declared = declared.contains(status);
      mapped.responses.push_back(std::move(*compiled));
    }
    return mapped;
  }

  Result<ResponseMapping> compile_response(std::string_view status, const IntegrationResponse& settings) const {
    constexpr std::string_view prefix = "method.response.header.";
    ResponseMapping response;
    response.status = parse_number<int>(status).value_or(500);
    response.handling = settings.content_handling;
    if (!settings.selection_pattern.empty()) {
      auto pattern = Expression::compile(settings.selection_pattern);
      if (!pattern) return std::unexpected(pattern.error());
      response.pattern = std::move(*pattern);
    }
    for (const auto& [target, text] : settings.response_parameters)
      if (target.starts_with(prefix))
        if (auto value = parse_answer_source(text, stage.variables))
          response.headers.emplace_back(target.substr(prefix.size()), std::move(*value));
    for (const auto& [type, text] : settings.response_templates) {
      // A template of no text is none: what the backend answered goes on.
      if (text.empty()) continue;
      auto body = vtl::Template::compile(text);
      if (!body) return std::unexpected(body.error());
      response.templates.emplace_back(type, std::move(*body));
    }
    return response;
  }

  void compile_method(const Resource& resource, const std::string& verb, const MethodSettings& settings) {
    Method method;
    method.resource_id = resource.id;
    method.resource_path = resource.path;
    method.http_method = verb;
    method.operation_name = settings.operation_name;
    method.path_variables = path_variables(resource.path);
    method.integration = settings.integration ? compile_integration(*settings.integration, resource, verb, settings.responses)
                                              : Integration(BrokenIntegration{"the method has no integration"});
    method.request_rules = compile_request_rules(stage.api_id, definition, settings);
    method.authorization = settings.authorization;
    method.throttle = throttle_of(resource, verb);
    method.cache = cache_of(resource, verb, settings);
    method.scopes = settings.authorization_scopes;
    method.api_key_required = settings.api_key_required;
    if (settings.authorization != AuthorizationType::none && settings.authorization != AuthorizationType::aws_iam) {
      const auto found = authorizers.find(settings.authorizer_id.value_or(""));
      // An authorizer that is gone, or of another kind, would leave the method open, so it is left out: nothing can call it.
      if (found == authorizers.end() || authorization_by(found->second->type) != settings.authorization) return;
      method.authorizer = found->second;
    }
    stage.router.add(resource.path, verb, static_cast<std::uint32_t>(stage.methods.size()));
    stage.methods.push_back(std::move(method));
  }

  /// `pets/{id}/GET`: how settings of stages name a method. The one for all is `*/*`.
  static std::string setting_name(std::string_view key) {
    auto name = replace_all(replace_all(key, "~1", "/"), "~0", "~");
    if (name.starts_with('/')) name.erase(0, 1);
    return name;
  }

  /// By the setting of exactly this method, else by the one for all methods, which is for GET alone. Source: API Gateway developer guide,
  /// "Cache settings for REST APIs".
  std::optional<MethodCache> cache_of(const Resource& resource, const std::string& verb, const MethodSettings& method) const {
    if (stage.cache_part.empty() || !method.integration) return std::nullopt;
    const MethodSetting* found = nullptr;
    const auto wanted = cat(std::string_view(resource.path).substr(1), "/", verb);
    for (const auto& [key, setting] : stage.method_settings) {
      const auto name = setting_name(key);
      if (name == wanted || (name == "*/*" && !found && verb == "GET")) found = &setting;
    }
    if (!found || !found->caching_enabled || found->cache_ttl_s == 0) return std::nullopt;
    MethodCache cache;
    cache.ttl = std::chrono::seconds(found->cache_ttl_s);
    cache.bytes_max = cache_bytes;
    cache.part = stage.cache_part;
    const auto& integration = *method.integration;
    append_counted(cache.key, integration.cache_namespace.empty() ? resource.id : integration.cache_namespace);
    cache.varies_by_accept =
        !stage.binary_media_types.empty() || std::any_of(integration.responses.begin(), integration.responses.end(),
                                                         [](const auto& each) { return each.second.response_templates.size() > 1; });
    for (const auto& parameter : integration.cache_key_parameters) {
      const auto mapped = integration.request_parameters.find(parameter);
      auto value = source(mapped == integration.request_parameters.end() ? parameter : mapped->second);
      // One that cannot be read would make different requests equal.
      if (!value) return std::nullopt;
      cache.parameters.push_back(std::move(*value));
    }
    cache.requires_authorization = found->cache_control_requires_authorization;
    using enum MethodCache::Unauthorized;
    cache.unauthorized = found->unauthorized_cache_control == "FAIL_WITH_403"                  ? fail_with_403
                         : found->unauthorized_cache_control == "SUCCEED_WITH_RESPONSE_HEADER" ? succeed_with_header
                                                                                               : succeed_without_header;
    return cache;
  }

  /// By the setting of exactly this method, else by the one for all methods, which gives each a bucket of its own.
  std::optional<MethodThrottle> throttle_of(const Resource& resource, const std::string& verb) const {
    const MethodSetting* found = nullptr;
    const auto wanted = cat(std::string_view(resource.path).substr(1), "/", verb);
    for (const auto& [key, setting] : stage.method_settings) {
      const auto name = setting_name(key);
      const bool limits = setting.throttling_rate_limit || setting.throttling_burst_limit;
      if (limits && (name == wanted || (name == "*/*" && !found))) found = &setting;
    }
    if (!found) return std::nullopt;
    const ThrottleLimit limit{found->throttling_rate_limit.value_or(account_rate_limit),
                              static_cast<double>(found->throttling_burst_limit.value_or(account_burst_limit))};
    return MethodThrottle{limit, cat(stage.api_id, "/", stage.name, "/", wanted)};
  }

  void compile_gateway_response(ResponseType type, const GatewayResponseSettings& settings) {
    GatewayResponse response{settings.status, mappings(settings.parameters, "gatewayresponse.header."), {}};
    for (const auto& [content_type, text] : settings.templates)
      response.templates.emplace_back(content_type, Template::compile(text, stage.variables));
    stage.gateway_responses.emplace(type, std::move(response));
  }

  void compile_resource_policy(const json::Value& as_given) {
    const auto text = write_out_resources(as_given, scope, stage.api_id);
    ResourcePolicy policy;
    if (auto document = policy::Document::compile(text, policy::DocumentKind::resource)) policy.document = std::move(*document);
    policy.reads_circumstances = reads_circumstances(json::to_text(text));
    const auto is_everyone = [](const json::Value& principal) {
      const auto* aws = principal.find("AWS") ? principal.find("AWS") : &principal;
      if (principal.object() && (principal.object()->size() != 1 || aws == &principal)) return false;
      const auto* list = aws->array();
      return *aws == json::Value("*") || (list && list->size() == 1 && list->front() == json::Value("*"));
    };
    const auto check = [&](const json::Value& statement) {
      const auto* principal = statement.find("Principal");
      if (!principal || !is_everyone(*principal)) policy.names_principals = true;
    };
    if (const auto* statements = text.find("Statement")) {
      if (const auto* list = statements->array())
        for (const auto& statement : *list) check(statement);
      else
        check(*statements);
    }
    stage.resource_policy = std::move(policy);
  }

  void compile() {
    for (const auto& [id, authorizer] : definition.authorizers) compile_authorizer(authorizer);
    for (const auto& [id, resource] : definition.resources)
      for (const auto& [verb, method] : resource.methods) compile_method(resource, verb, method);
    for (const auto& [type, response] : definition.gateway_responses) compile_gateway_response(type, response);
    if (definition.resource_policy) compile_resource_policy(*definition.resource_policy);
  }
};

}  // namespace

bool reads_circumstances(std::string_view policy_text) {
  return policy_text.find("Condition") != std::string_view::npos || policy_text.find('$') != std::string_view::npos ||
         policy_text.find('\\') != std::string_view::npos;  // an escape may hide either
}

bool Stage::is_binary(std::string_view media_type) const {
  const auto type = trim(media_type.substr(0, media_type.find(';')));
  for (const auto& listed : binary_media_types) {
    if (listed == "*/*") return true;
    if (listed.starts_with('*')) continue;  // matches nothing, recorded of the service
    if (equals_ignoring_case(listed, type)) return true;
    const std::string_view family = std::string_view(listed).substr(0, listed.size() - 1);  // `image/`
    if (listed.ends_with("/*") && starts_with_ignoring_case(type, family)) return true;
  }
  return false;
}

namespace {

/// Of a stage that keeps answers; a flush, another size and a change of what is deployed begin a new one.
std::string cache_part_of(const Stage& stage, const StageSettings& settings) {
  if (!settings.cache_cluster_enabled) return {};
  return cat(stage.api_id, "/", stage.name, "/", stage.generation, "/", settings.cache_flushes, "/", settings.cache_cluster_size);
}

std::size_t cache_bytes_of(const StageSettings& settings) {
  double gigabytes = 0;
  const auto& text = settings.cache_cluster_size;
  std::from_chars(text.data(), text.data() + text.size(), gigabytes);
  return std::min(limits::cache_bytes_max, static_cast<std::size_t>(gigabytes * static_cast<double>(limits::cache_bytes_per_gigabyte)));
}

}  // namespace

std::shared_ptr<const Stage> compile_stage(const aws::Scope& scope, const RestApi& api, const StageSettings& settings,
                                           const std::shared_ptr<const Definition>& definition, std::uint64_t generation,
                                           const Choices& choices) {
  auto stage = std::make_shared<Stage>();
  stage->api_id = api.id;
  stage->name = settings.name;
  stage->deployment_id = settings.deployment_id;
  stage->account_id = scope.account_id;
  stage->region = scope.region;
  stage->generation = generation;
  stage->method_settings = settings.method_settings;
  stage->arn_prefix =
      cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", api.id, "/", settings.name, "/");
  stage->variables = settings.variables;
  stage->binary_media_types = definition->binary_media_types;
  stage->choices = choices;
  stage->definition = definition;
  stage->flushes = settings.flushes;
  stage->keys_from_authorizer = definition->keys_from_authorizer;
  stage->cache_part = cache_part_of(*stage, settings);
  Compiler{scope, *definition, *stage, cache_bytes_of(settings)}.compile();
  return stage;
}

std::size_t Stages::part_of(std::string_view api_id) { return std::hash<std::string_view>()(api_id) % std::tuple_size_v<Serving>; }

void Stages::publish(const State& state, std::shared_ptr<const lambda::State> functions, const Choices& choices) {
  std::scoped_lock lock(publishing_);
  const auto scope = cat(state.scope.account_id, "/", state.scope.region);
  auto& origin = origins_[scope];
  publish_keys(scope, state);
  const bool all = origin.choices != choices || origin.functions != functions;
  origin.choices = choices;
  origin.functions = functions;

  auto next = std::make_shared<Serving>(*published_.pin());
  std::array<std::shared_ptr<Part>, std::tuple_size_v<Serving>> touched;
  const auto part = [&](const std::string& api_id) -> Part& {
    const auto index = part_of(api_id);
    if (!touched[index]) {
      touched[index] = (*next)[index] ? std::make_shared<Part>(*(*next)[index]) : std::make_shared<Part>();
      (*next)[index] = touched[index];
    }
    return *touched[index];
  };

  auto known = origin.apis.begin();
  const auto forget = [&] {
    auto& apis = part(known->first);
    if (const auto served = apis.find(known->first); served != apis.end() && served->second.scope == scope) apis.erase(served);
    known = origin.apis.erase(known);
  };
  for (const auto& [api_id, api] : state.apis) {
    while (known != origin.apis.end() && known->first < api_id) forget();
    const bool is_known = known != origin.apis.end() && known->first == api_id;
    if (!is_known || all || !known->second.is(api)) {
      auto& served = part(api_id)[api_id];
      served.scope = scope;
      served.functions = functions;
      served.account = origin.account;
      served.stages = compile(state.scope, *api, served.stages.get(), choices);
      if (is_known)
        known->second = api;
      else
        known = origin.apis.emplace_hint(known, api_id, api);
    }
    ++known;
  }
  while (known != origin.apis.end()) forget();
  published_.publish(std::move(next));
}

void Stages::publish_keys(const std::string& scope, const State& state) {
  const auto rings = keys_.pin();
  const auto ring = rings->find(scope);
  const auto* before = ring == rings->end() ? nullptr : ring->second.get();
  if (before && before->is_of(state)) return;
  auto next = std::make_shared<KeyRings>(*rings);
  (*next)[scope] = KeyRing::make(state, before);
  keys_.publish(std::move(next));
}

std::shared_ptr<const Stages::StageMap> Stages::compile(const aws::Scope& scope, const RestApi& api, const StageMap* before,
                                                        const Choices& choices) {
  auto stages = std::make_shared<StageMap>();
  for (const auto& [name, settings] : api.stages) {
    const auto deployment = api.deployments.find(settings.deployment_id);
    if (deployment == api.deployments.end()) continue;
    const auto& definition = deployment->second->definition;
    std::shared_ptr<const Stage> stage;
    if (before)
      if (const auto known = before->find(name); known != before->end()) stage = known->second;
    const bool unchanged = stage && stage->deployment_id == settings.deployment_id && stage->variables == settings.variables &&
                           stage->flushes == settings.flushes && stage->account_id == scope.account_id && stage->region == scope.region &&
                           stage->choices == choices && (stage->definition == definition || *stage->definition == *definition);
    // Other limits and caches of answers touch no authorization that is kept.
    if (unchanged && (stage->method_settings != settings.method_settings || stage->cache_part != cache_part_of(*stage, settings)))
      stage = compile_stage(scope, api, settings, definition, stage->generation, choices);
    if (!unchanged) stage = compile_stage(scope, api, settings, definition, ++last_generation_, choices);
    stages->emplace(name, std::move(stage));
  }
  return stages;
}

Stages::Pinned Stages::pin(std::string_view api_id, std::string_view stage) const {
  const auto serving = published_.pin();
  const auto& part = (*serving)[part_of(api_id)];
  if (!part) return {};
  const auto api = part->find(api_id);
  if (api == part->end()) return {};
  const auto found = api->second.stages->find(stage);
  return {found == api->second.stages->end() ? nullptr : found->second, api->second.functions, api->second.account};
}

std::shared_ptr<const KeyRing> Stages::keys_of(std::string_view account_id, std::string_view region) const {
  const auto rings = keys_.pin();
  const auto found = rings->find(cat(account_id, "/", region));
  return found == rings->end() ? nullptr : found->second;
}

}  // namespace sallyport::gateway
