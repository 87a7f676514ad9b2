#include "gateway/stage.hpp"

#include "base/text.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/mock.hpp"
#include "gateway/operations.hpp"
#include "gateway/uri.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

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
    if (settings.type == AuthorizerType::token && !settings.validation_expression.empty()) {
      auto expression = Expression::compile(settings.validation_expression);
      good = good && expression;
      if (expression) authorizer->expression = std::move(*expression);
    }
    const auto arn = function_arn_of_uri(substitute_stage_variables(settings.uri, stage.variables));
    if (good && arn) authorizer->function_arn = *arn;
    authorizer->source_arn =
        cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", stage.api_id, "/authorizers/", settings.id);
    append_counted(authorizer->key_prefix, stage.api_id);
    append_counted(authorizer->key_prefix, stage.name);
    append_counted(authorizer->key_prefix, cat(stage.generation));
    append_counted(authorizer->key_prefix, settings.id);
    authorizers[settings.id] = authorizer.get();
    stage.authorizers.push_back(std::move(authorizer));
  }

  Integration compile_integration(const IntegrationSettings& settings, const Resource& resource, std::string_view verb) const {
    for (const auto& [target, text] : settings.request_parameters)
      if (is_illegal_request_header(target, settings.type))
        return BrokenIntegration{cat("the mapping to ", target, " sets a header that no mapping may set")};
    switch (settings.type) {
      case IntegrationType::aws_proxy: return compile_aws_proxy(settings, resource, verb);
      case IntegrationType::http_proxy: return compile_http_proxy(settings);
      case IntegrationType::mock: return compile_mock(settings);
    }
    return BrokenIntegration{"unknown integration type"};
  }

  Integration compile_aws_proxy(const IntegrationSettings& settings, const Resource& resource, std::string_view verb) const {
    if (settings.http_method != "POST") return BrokenIntegration{"the integration's HTTP method must be POST for a Lambda function"};
    const auto arn = function_arn_of_uri(substitute_stage_variables(settings.uri, stage.variables));
    const auto function = arn ? aws::parse_arn(*arn) : std::nullopt;
    if (!function || !function->resource.starts_with("function:"))
      return BrokenIntegration{cat("the URI names no Lambda function once stage variables are put in: ", settings.uri)};
    return AwsProxyIntegration{*arn, cat(stage.arn_prefix, verb, resource.path), settings.timeout};
  }

  Integration compile_http_proxy(const IntegrationSettings& settings) const {
    auto uri = parse_http_uri(substitute_stage_variables(settings.uri, stage.variables));
    if (!uri) return BrokenIntegration{cat("Invalid endpoint address: ", uri.error().message)};
    HttpProxyIntegration proxy;
    proxy.method = settings.http_method;
    proxy.host = std::move(uri->host);
    proxy.port = uri->port;
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
      if (close == std::string_view::npos) return BrokenIntegration{"Invalid endpoint address: a brace is not closed"};
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

  Integration compile_mock(const IntegrationSettings& settings) const {
    MockIntegration mock;
    mock.passthrough = settings.passthrough;
    for (const auto& [type, text] : settings.request_templates) {
      auto body = Template::compile_mapping(text, stage.variables);
      if (!body) return BrokenIntegration{body.error().message};
      MockIntegration::Request request{lower(type), std::move(*body), {}};
      if (const auto constant = request.body.constant()) request.status = mock_status(*constant);
      mock.requests.push_back(std::move(request));
    }
    for (const auto& [status, settings_of_one] : settings.responses) {
      MockIntegration::Response response;
      response.status = parse_number<int>(status).value_or(500);
      if (!settings_of_one.selection_pattern.empty()) {
        auto pattern = Expression::compile(settings_of_one.selection_pattern);
        if (!pattern) return BrokenIntegration{pattern.error().message};
        response.pattern = std::move(*pattern);
      }
      response.headers = mappings(settings_of_one.response_parameters, "method.response.header.");
      for (const auto& [type, text] : settings_of_one.response_templates) {
        auto body = Template::compile_mapping(text, stage.variables);
        if (!body) return BrokenIntegration{body.error().message};
        response.templates.emplace_back(type, std::move(*body));
      }
      mock.responses.push_back(std::move(response));
    }
    return mock;
  }

  void compile_method(const Resource& resource, const std::string& verb, const MethodSettings& settings) {
    Method method;
    method.resource_id = resource.id;
    method.resource_path = resource.path;
    method.http_method = verb;
    method.operation_name = settings.operation_name;
    method.path_variables = path_variables(resource.path);
    method.integration = settings.integration ? compile_integration(*settings.integration, resource, verb)
                                              : Integration(BrokenIntegration{"the method has no integration"});
    if (settings.authorizer_id) {
      const auto found = authorizers.find(*settings.authorizer_id);
      // An authorizer that is gone would leave the method open, so the method is left out: nothing can call it.
      if (found == authorizers.end()) return;
      method.authorizer = found->second;
    }
    stage.router.add(resource.path, verb, static_cast<std::uint32_t>(stage.methods.size()));
    stage.methods.push_back(std::move(method));
  }

  void compile_gateway_response(ResponseType type, const GatewayResponseSettings& settings) {
    GatewayResponse response{settings.status, mappings(settings.parameters, "gatewayresponse.header."), {}};
    for (const auto& [content_type, text] : settings.templates)
      response.templates.emplace_back(content_type, Template::compile_gateway_response(text, stage.variables));
    stage.gateway_responses.emplace(type, std::move(response));
  }

  void compile_resource_policy(const json::Value& text) {
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
  stage->arn_prefix =
      cat("arn:", scope.partition, ":execute-api:", scope.region, ":", scope.account_id, ":", api.id, "/", settings.name, "/");
  stage->variables = settings.variables;
  stage->binary_media_types = definition->binary_media_types;
  stage->choices = choices;
  stage->definition = definition;
  stage->flushes = settings.flushes;
  Compiler{scope, *definition, *stage}.compile();
  return stage;
}

void Stages::publish(const State& state, std::shared_ptr<const lambda::State> functions, const Choices& choices) {
  auto next = std::make_shared<Serving>();
  next->functions = std::move(functions);
  for (const auto& [api_id, api] : state.apis) {
    for (const auto& [name, settings] : api.stages) {
      const auto deployment = api.deployments.find(settings.deployment_id);
      if (deployment == api.deployments.end()) continue;
      const auto& definition = deployment->second.definition;
      auto stage = pin(api_id, name).stage;
      const bool unchanged = stage && stage->deployment_id == settings.deployment_id && stage->variables == settings.variables &&
                             stage->flushes == settings.flushes && stage->account_id == state.scope.account_id &&
                             stage->region == state.scope.region && stage->choices == choices &&
                             (stage->definition == definition || *stage->definition == *definition);
      if (!unchanged) stage = compile_stage(state.scope, api, settings, definition, ++last_generation_, choices);
      next->stages[api_id].emplace(name, std::move(stage));
    }
  }
  published_.publish(std::move(next));
}

Stages::Pinned Stages::pin(std::string_view api_id, std::string_view stage) const {
  const auto serving = published_.pin();
  const auto api = serving->stages.find(api_id);
  if (api == serving->stages.end()) return {nullptr, serving->functions};
  const auto found = api->second.find(stage);
  return {found == api->second.end() ? nullptr : found->second, serving->functions};
}

}  // namespace sallyport::gateway
