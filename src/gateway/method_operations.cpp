// Methods and integrations. Whatever is taken here compiles later: the checks use the compiler's own parts.
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/checks.hpp"
#include "gateway/expression.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/operations.hpp"
#include "gateway/role_call.hpp"
#include "gateway/router.hpp"
#include "gateway/source.hpp"
#include "gateway/uri.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {
namespace {

bool has_stage_variable(std::string_view text) { return text.find("${stageVariables.") != std::string_view::npos; }

Answer<> check_response_parameters(const std::map<std::string, bool, std::less<>>& parameters) {
  constexpr std::string_view prefix = "method.response.header.";
  for (const auto& [name, required] : parameters)
    if (!name.starts_with(prefix) || !http::is_token(std::string_view(name).substr(prefix.size()))) return invalid_mapping(name);
  return {};
}

std::optional<Passthrough> parse_passthrough(std::string_view text) {
  if (text.empty() || text == "WHEN_NO_MATCH") return Passthrough::when_no_match;
  if (text == "WHEN_NO_TEMPLATES") return Passthrough::when_no_templates;
  if (text == "NEVER") return Passthrough::never;
  return std::nullopt;
}

Answer<void> check_lambda_uri(std::string_view uri, IntegrationType type) {
  const auto arn = aws::parse_arn(uri);
  if (!arn) return bad_request("Invalid ARN specified in the request");
  if (arn->service != "apigateway") return bad_request("Invalid ARN specified in the request");
  if (uri.find(":path/") == std::string_view::npos && uri.find(":action/") == std::string_view::npos)
    return bad_request("AWS ARN for integration must contain path or action");
  if (function_arn_of_uri(uri)) return {};
  if (type == IntegrationType::aws)
    return unsupported(cat("an AWS integration with ", arn->account_id,
                           " is not supported by this version: the URI has to be the invocation of a Lambda function"));
  return bad_request("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.");
}

/// `arn:aws:iam::123456789012:role/name`, or the caller's own credentials.
bool is_credentials(std::string_view text) {
  if (text == callers_own_credentials) return true;
  const auto arn = aws::parse_arn(text);
  return arn && arn->service == "iam" && arn->account_id.size() == 12 && arn->resource.starts_with("role/") && arn->resource.size() > 5;
}

/// A function sees the mapped body and nothing else of the call, so a mapping to another place would be for nothing.
Answer<> check_function_parameters(const TextMap& parameters) {
  for (const auto& [target, source] : parameters) {
    if (equals_ignoring_case(target, "integration.request.header.X-Amz-Invocation-Type")) {
      if (source == "'RequestResponse'") continue;
      return unsupported(cat(target, " other than 'RequestResponse' is not supported by this version: the caller waits for the function"));
    }
    return unsupported(cat(target, " of an AWS integration is not supported by this version: put the value into the request template"));
  }
  return {};
}

/// The request that would make what is there.
PutMethodRequest request_of(const MethodAddress& address, const MethodSettings& method) {
  PutMethodRequest request{address.rest_api_id, address.resource_id, address.http_method, std::string(name_of(method.authorization)),
                           method.authorizer_id};
  request.operation_name = method.operation_name;
  request.request_parameters = method.request_parameters;
  request.request_models = method.request_models;
  request.request_validator_id = method.request_validator_id;
  request.api_key_required = method.api_key_required;
  request.authorization_scopes = method.authorization_scopes;
  return request;
}

PutIntegrationRequest request_of(const IntegrationSettings& integration) {
  PutIntegrationRequest request;
  request.type = name_of(integration.type);
  request.uri = integration.uri;
  request.integration_http_method = integration.http_method;
  request.request_parameters = integration.request_parameters;
  request.request_templates = integration.request_templates;
  request.passthrough_behavior = name_of(integration.passthrough);
  request.timeout_ms = static_cast<int>(integration.timeout.count());
  if (integration.names_connection) request.connection_type = "INTERNET";
  if (!integration.credentials.empty()) request.credentials = integration.credentials;
  if (integration.content_handling != ContentHandling::as_it_comes) request.content_handling = name_of(integration.content_handling);
  request.cache_namespace = integration.cache_namespace;
  request.cache_key_parameters = integration.cache_key_parameters;
  return request;
}

/// Are requests and answers made by templates, or passed through as a proxy does?
bool maps_bodies(IntegrationType type) {
  return type == IntegrationType::mock || type == IntegrationType::aws || type == IntegrationType::http;
}

Answer<ContentHandling> read_content_handling(const std::optional<std::string>& name) {
  if (!name || name->empty()) return ContentHandling::as_it_comes;
  for (const auto handling : {ContentHandling::to_text, ContentHandling::to_binary})
    if (name_of(handling) == *name) return handling;
  return bad_request(cat("Invalid content handling specified: ", *name, ". Must be one of: [CONVERT_TO_BINARY, CONVERT_TO_TEXT]"));
}

/// `method.request.querystring.x`, or a parameter the integration maps, as `integration.request.path.x`.
Answer<> check_cache_key(const std::vector<std::string>& parameters, const TextMap& mappings) {
  for (const auto& parameter : parameters)
    if (!mappings.contains(parameter) && (!parameter.starts_with("method.request.") || !parse_source(parameter, {})))
      return bad_request(cat("Invalid cache key parameter specified: ", parameter));
  return {};
}

template <class T>
Answer<> refuse_connection(T&, const PatchStep& step) {
  return unsupported(
      cat(step.path, " is not supported by this version: there are no VPC links, and backends' certificates are always checked"));
}

}  // namespace

namespace {

/// Parameters, models and the validator are what they should be and are there.
Answer<> check_validation(const Definition& definition, const MethodSettings& method) {
  constexpr std::string_view prefixes[] = {"method.request.header.", "method.request.querystring.", "method.request.path."};
  for (const auto& [name, required] : method.request_parameters)
    if (std::none_of(std::begin(prefixes), std::end(prefixes),
                     [&name = name](std::string_view prefix) { return name.starts_with(prefix) && name.size() > prefix.size(); }))
      return bad_request("Invalid mapping expression specified");
  for (const auto& [type, name] : method.request_models)
    if (!definition.models.contains(name)) return bad_request(cat("Invalid model identifier specified: ", name));
  if (method.request_validator_id.empty()) return {};
  if (!definition.validators.contains(method.request_validator_id)) return bad_request("Invalid Request Validator identifier specified");
  return {};
}

std::optional<AuthorizationType> parse_authorization(std::string_view name) {
  using enum AuthorizationType;
  for (const auto type : {none, custom, aws_iam, cognito_user_pools, jwt})
    if (name_of(type) == name) return type;
  return std::nullopt;
}

/// A method by its request; the responses and the integration are not its business.
Answer<MethodSettings> make_method(const Definition& definition, PutMethodRequest request) {
  MethodSettings method;
  const auto authorization = parse_authorization(request.authorization_type);
  if (!authorization) return bad_request("Invalid authorization type specified");
  method.authorization = *authorization;
  if (*authorization != AuthorizationType::none && *authorization != AuthorizationType::aws_iam) {
    const auto authorizer = definition.authorizers.find(request.authorizer_id.value_or(""));
    if (authorizer == definition.authorizers.end() || authorization_by(authorizer->second.type) != *authorization)
      return bad_request(
          "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.");
    method.authorizer_id = std::move(request.authorizer_id);
  }
  const bool takes_tokens = *authorization == AuthorizationType::cognito_user_pools || *authorization == AuthorizationType::jwt;
  for (const auto& scope : request.authorization_scopes)
    if (scope.empty() || scope.find(' ') != std::string::npos) return bad_request(cat("Invalid authorization scope specified: ", scope));
  if (!takes_tokens && !request.authorization_scopes.empty())
    return bad_request("authorizationScopes are for methods of the authorization types COGNITO_USER_POOLS and JWT");
  method.authorization_scopes = std::move(request.authorization_scopes);
  method.api_key_required = request.api_key_required;
  method.operation_name = std::move(request.operation_name);
  method.request_parameters = std::move(request.request_parameters);
  method.request_models = std::move(request.request_models);
  method.request_validator_id = std::move(request.request_validator_id);
  if (auto good = check_validation(definition, method); !good) return std::unexpected(good.error());
  return method;
}

}  // namespace

Answer<> Operations::put_method(PutMethodRequest request) {
  const auto resource = find_resource(request.rest_api_id, request.resource_id);
  if (!resource) return std::unexpected(resource.error());
  if (request.http_method != "ANY" && std::find(verbs.begin(), verbs.end(), request.http_method) == verbs.end())
    return bad_request("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY");
  if ((*resource)->methods.contains(request.http_method)) return conflict("Method already exists for this resource");
  auto name = request.http_method;
  auto method = make_method(**find_definition(request.rest_api_id), std::move(request));
  if (!method) return std::unexpected(method.error());
  (*resource)->methods.emplace(std::move(name), std::move(*method));
  return {};
}

Answer<> Operations::update_method(const MethodAddress& address, const PatchOperations& patch) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  using Target = PutMethodRequest;
  using enum PatchVerb;
  static constexpr std::string_view no_parameter = "Invalid parameter name specified", no_type = "Content-Type specified was not found";
  const std::vector<PatchRule<Target>> rules = {
      {"/apiKeyRequired", {replace}, patch_flag(&Target::api_key_required)},
      {"/authorizationType", {replace}, patch_text(&Target::authorization_type)},
      {"/authorizerId",
       {replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         if (step.verb == remove || step.value.empty())
           request.authorizer_id.reset();
         else
           request.authorizer_id = step.value;
         return {};
       }},
      {"/authorizationScopes",
       {add, remove, replace},
       [](Target& request, const PatchStep& step) -> Answer<> {
         auto& scopes = request.authorization_scopes;
         if (step.verb == replace) scopes.clear();
         for (const auto part : split(step.value, ',')) {
           const std::string scope(trim(part));
           const auto known = std::find(scopes.begin(), scopes.end(), scope);
           if (step.verb == remove) {
             if (known != scopes.end()) scopes.erase(known);
           } else if (!scope.empty() && known == scopes.end()) {
             scopes.push_back(scope);
           }
         }
         return {};
       }},
      {"/operationName", {add, replace, remove}, patch_text(&Target::operation_name)},
      {"/requestParameters/{parameter}", {add, replace, remove}, patch_entry(&Target::request_parameters, no_parameter)},
      {"/requestModels/{content_type}", {add, replace, remove}, patch_entry(&Target::request_models, no_type)},
      {"/requestValidatorId", {add, replace, remove}, patch_text(&Target::request_validator_id)},
  };
  auto request = request_of(address, **method);
  if (auto good = apply_patch(request, patch, rules); !good) return good;
  // A method keeps no authorizer it does not use, nor scopes that nobody asks for.
  if (request.authorization_type == "NONE" || request.authorization_type == "AWS_IAM") request.authorizer_id.reset();
  if (request.authorization_type != "COGNITO_USER_POOLS" && request.authorization_type != "JWT") request.authorization_scopes.clear();
  const auto& definition = **find_definition(address.rest_api_id);
  auto changed = make_method(definition, std::move(request));
  if (!changed) return std::unexpected(changed.error());
  changed->responses = (*method)->responses;
  changed->integration = (*method)->integration;
  if (auto good = check_identity_kept(definition, *changed); !good) return good;
  **method = std::move(*changed);
  return {};
}

Answer<> Operations::put_method_response(PutMethodResponseRequest request) {
  const auto method = find_method(request.rest_api_id, request.resource_id, request.http_method);
  if (!method) return std::unexpected(method.error());
  if (!is_status_code(request.status_code)) return invalid_status_code(request.status_code);
  if (auto good = check_response_parameters(request.response_parameters); !good) return good;
  if ((*method)->responses.contains(request.status_code)) return conflict("Response already exists for this resource");
  (*method)->responses.emplace(std::move(request.status_code),
                               MethodResponse{std::move(request.response_parameters), std::move(request.response_models)});
  return {};
}

Answer<> Operations::update_method_response(const MethodAddress& address, const std::string& status_code, const PatchOperations& patch) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  const auto found = (*method)->responses.find(status_code);
  if (found == (*method)->responses.end()) return not_found("Invalid Response status code specified");
  using enum PatchVerb;
  const std::vector<PatchRule<MethodResponse>> rules = {
      {"/responseParameters/{parameter}",
       {add, replace, remove},
       patch_entry(&MethodResponse::response_parameters, "Invalid parameter name specified")},
      {"/responseModels/{content_type}",
       {add, replace, remove},
       patch_entry(&MethodResponse::response_models, "Content-Type specified was not found")},
  };
  for (const auto& operation : patch)
    if (!match_patch_path(rules[0].path, operation.path) && !match_patch_path(rules[1].path, operation.path))
      return bad_request(cat("Invalid patch path ", operation.path));
  if (auto good = apply_patch(found->second, patch, rules); !good) return good;
  return check_response_parameters(found->second.response_parameters);
}

Answer<> Operations::delete_method_response(const MethodAddress& address, const std::string& status_code) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  if ((*method)->responses.erase(status_code) == 0) return not_found("Invalid Response status code specified");
  return {};
}

namespace {

Answer<IntegrationSettings> make_integration(PutIntegrationRequest request) {
  if (!request.connection_type.empty() && request.connection_type != "INTERNET")
    return unsupported(cat("connectionType ", request.connection_type, " is not supported: VPC links do not exist here"));
  IntegrationSettings settings;
  settings.names_connection = !request.connection_type.empty();
  settings.http_method = std::move(request.integration_http_method);
  settings.uri = std::move(request.uri);
  if (request.type == "AWS_PROXY" || request.type == "AWS") {
    settings.type = request.type == "AWS" ? IntegrationType::aws : IntegrationType::aws_proxy;
    if (settings.http_method.empty()) return bad_request("Enumeration value for HttpMethod must be non-empty");
    if (auto good = check_lambda_uri(settings.uri, settings.type); !good) return std::unexpected(good.error());
  } else if (request.type == "HTTP_PROXY" || request.type == "HTTP") {
    settings.type = request.type == "HTTP" ? IntegrationType::http : IntegrationType::http_proxy;
    if (settings.http_method.empty()) return bad_request("Enumeration value for HttpMethod must be non-empty");
    if (settings.http_method != "ANY" && std::find(verbs.begin(), verbs.end(), settings.http_method) == verbs.end())
      return bad_request("Invalid integration HTTP method specified");
    if (!has_stage_variable(settings.uri))
      if (const auto uri = parse_http_uri(settings.uri); !uri)
        return bad_request(cat("Invalid HTTP endpoint specified for URI: ", uri.error().message));
  } else if (request.type == "MOCK") {
    settings.type = IntegrationType::mock;
  } else {
    return invalid_value(request.type, "putIntegrationInput.type",
                         "Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]");
  }
  if (auto good = check_mappings(request.request_parameters,
                                 {"integration.request.header.", "integration.request.querystring.", "integration.request.path."});
      !good)
    return std::unexpected(good.error());
  if (settings.type == IntegrationType::http_proxy || settings.type == IntegrationType::http)
    for (const auto& [target, source] : request.request_parameters)
      if (is_owned_request_header(target)) return unsupported(cat(target, " cannot be mapped: the gateway writes this header itself"));
  const bool calls_function = settings.type == IntegrationType::aws_proxy || settings.type == IntegrationType::aws;
  if (request.credentials) {
    if (!calls_function)
      return unsupported(cat("credentials of an integration of type ", request.type, " have no effect in this version: remove them"));
    if (!is_credentials(*request.credentials)) return bad_request("Invalid ARN specified in the request");
    settings.credentials = std::move(*request.credentials);
  }
  if (settings.type == IntegrationType::aws)
    if (auto good = check_function_parameters(request.request_parameters); !good) return std::unexpected(good.error());
  const auto handling = read_content_handling(request.content_handling);
  if (!handling) return std::unexpected(handling.error());
  if (*handling != ContentHandling::as_it_comes && !maps_bodies(settings.type))
    return unsupported(
        cat("contentHandling of an integration of type ", request.type, " has no effect: the body goes on by its media type"));
  settings.content_handling = *handling;
  if (auto good = check_cache_key(request.cache_key_parameters, request.request_parameters); !good) return std::unexpected(good.error());
  settings.cache_namespace = std::move(request.cache_namespace);
  settings.cache_key_parameters = std::move(request.cache_key_parameters);
  if (maps_bodies(settings.type)) {
    if (settings.type == IntegrationType::mock && !request.request_parameters.empty())
      return unsupported("requestParameters of a MOCK integration have no effect: remove them");
    if (auto good = check_templates(request.request_templates); !good) return std::unexpected(good.error());
  } else if (!request.request_templates.empty()) {
    return bad_request("Request templates are not allowed for proxy integrations: the request is passed through");
  }
  const auto passthrough = parse_passthrough(request.passthrough_behavior);
  if (!passthrough)
    return bad_request("Invalid passthrough behavior specified. Valid options are: [WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER]");
  if (request.timeout_ms) {
    if (*request.timeout_ms < 50 || *request.timeout_ms > 29'000) return bad_request("Timeout should be between 50 ms and 29000 ms");
    settings.timeout = std::chrono::milliseconds(*request.timeout_ms);
  }
  settings.passthrough = *passthrough;
  settings.request_parameters = std::move(request.request_parameters);
  settings.request_templates = std::move(request.request_templates);
  return settings;
}

}  // namespace

Answer<> Operations::put_integration(PutIntegrationRequest request) {
  const auto method = find_method(request.rest_api_id, request.resource_id, request.http_method);
  if (!method) return std::unexpected(method.error());
  const auto api_id = request.rest_api_id;
  auto settings = make_integration(std::move(request));
  if (!settings) return std::unexpected(settings.error());
  (*method)->integration = std::move(*settings);
  return check_identity_kept(**find_definition(api_id), **method);
}

Answer<> Operations::update_integration(const MethodAddress& address, const PatchOperations& patch) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  auto& integration = (*method)->integration;
  if (!integration) return not_found("Invalid Integration identifier specified");
  using Target = PutIntegrationRequest;
  using enum PatchVerb;
  const std::vector<PatchRule<Target>> rules = {
      {"/type", {replace}, patch_text(&Target::type)},
      {"/uri", {replace}, patch_text(&Target::uri)},
      {"/httpMethod", {replace}, patch_text(&Target::integration_http_method)},
      {"/connectionType", {replace}, patch_text(&Target::connection_type)},
      {"/passthroughBehavior", {replace}, patch_text(&Target::passthrough_behavior)},
      {"/timeoutInMillis",
       {replace},
       [](Target& request, const PatchStep& step) -> Answer<> {
         const auto value = patch_integer(step);
         if (!value) return std::unexpected(value.error());
         request.timeout_ms = *value;
         return {};
       }},
      {"/credentials",
       {add, replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         request.credentials.reset();
         if (step.verb != remove && !step.value.empty()) request.credentials = step.value;
         return {};
       }},
      {"/contentHandling",
       {add, replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         request.content_handling.reset();
         if (step.verb != remove && !step.value.empty()) request.content_handling = step.value;
         return {};
       }},
      {"/requestParameters/{parameter}",
       {add, replace, remove},
       patch_entry(&Target::request_parameters, "Invalid parameter name specified")},
      {"/requestTemplates/{content_type}",
       {add, replace, remove},
       patch_entry(&Target::request_templates, "Content-Type specified was not found")},
      {"/cacheNamespace", {add, replace, remove}, patch_text(&Target::cache_namespace)},
      {"/cacheKeyParameters/{parameter}",
       {add, replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         auto& parameters = request.cache_key_parameters;
         const auto known = std::find(parameters.begin(), parameters.end(), step.names[0]);
         if (step.verb == remove) {
           if (known == parameters.end()) return not_found("Invalid parameter name specified");
           parameters.erase(known);
         } else if (known == parameters.end()) {
           parameters.push_back(step.names[0]);
         }
         return {};
       }},
      {"/connectionId", {replace}, refuse_connection<Target>},
      {"/tlsConfig/insecureSkipVerification", {replace}, refuse_connection<Target>},
  };
  auto request = request_of(*integration);
  if (auto good = apply_patch(request, patch, rules); !good) return good;
  auto settings = make_integration(std::move(request));
  if (!settings) return std::unexpected(settings.error());
  settings->responses = std::move(integration->responses);
  integration = std::move(*settings);
  return check_identity_kept(**find_definition(address.rest_api_id), **method);
}

Answer<> Operations::delete_integration(const MethodAddress& address) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  if (!(*method)->integration) return not_found("Invalid Integration identifier specified");
  (*method)->integration.reset();
  return {};
}

namespace {

/// `method`: what the response is one of.
Answer<IntegrationResponse> make_integration_response(const MethodSettings& method, PutIntegrationResponseRequest request) {
  if (!is_status_code(request.status_code)) return invalid_status_code(request.status_code);
  const auto declared = method.responses.find(request.status_code);
  if (declared == method.responses.end()) return not_found("Invalid Response status code specified");
  if (request.status_code[0] == '1')
    return unsupported("an answer cannot have a status below 200: clients would read it as an interim one and wait");
  const auto handling = read_content_handling(request.content_handling);
  if (!handling) return std::unexpected(handling.error());
  // A proxy's answers are the backend's: AWS takes these settings and never looks at them.
  const bool maps = maps_bodies(method.integration->type);
  if (!maps && (*handling != ContentHandling::as_it_comes || !request.response_parameters.empty() || !request.response_templates.empty() ||
                !request.selection_pattern.empty()))
    return unsupported("integration responses of a proxy integration have no effect: the backend's answer is passed through");
  constexpr std::string_view prefix = "method.response.header.";
  if (auto good = check_mappings(request.response_parameters, {prefix}); !good) return std::unexpected(good.error());
  for (const auto& [target, source] : request.response_parameters) {
    if (!declared->second.response_parameters.contains(target))
      return bad_request(
          cat("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter "
              "specified: ",
              target, "]"));
    if (is_reserved_response_header(std::string_view(target).substr(prefix.size())))
      return unsupported(cat(target, " cannot be set here: the header belongs to the connection or names the answer"));
  }
  if (auto good = check_templates(request.response_templates); !good) return std::unexpected(good.error());
  if (!request.selection_pattern.empty())
    if (const auto pattern = Expression::compile(request.selection_pattern); !pattern) return bad_request(pattern.error().message);
  return IntegrationResponse{std::move(request.selection_pattern), std::move(request.response_parameters),
                             std::move(request.response_templates), *handling};
}

}  // namespace

Answer<> Operations::put_integration_response(PutIntegrationResponseRequest request) {
  const auto method = find_method(request.rest_api_id, request.resource_id, request.http_method);
  if (!method) return std::unexpected(method.error());
  if (!(*method)->integration) return not_found("Invalid Integration identifier specified");
  const auto status_code = request.status_code;
  auto response = make_integration_response(**method, std::move(request));
  if (!response) return std::unexpected(response.error());
  (*method)->integration->responses.insert_or_assign(status_code, std::move(*response));
  return {};
}

Answer<> Operations::update_integration_response(const MethodAddress& address, const std::string& status_code,
                                                 const PatchOperations& patch) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  if (!(*method)->integration) return not_found("Invalid Integration identifier specified");
  auto& responses = (*method)->integration->responses;
  const auto found = responses.find(status_code);
  if (found == responses.end()) return not_found("Invalid Integration Response identifier specified");
  using Target = PutIntegrationResponseRequest;
  using enum PatchVerb;
  const std::vector<PatchRule<Target>> rules = {
      {"/selectionPattern", {add, replace, remove}, patch_text(&Target::selection_pattern)},
      {"/contentHandling",
       {add, replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         request.content_handling.reset();
         if (step.verb != remove && !step.value.empty()) request.content_handling = step.value;
         return {};
       }},
      {"/responseParameters/{parameter}",
       {add, replace, remove},
       patch_entry(&Target::response_parameters, "Invalid parameter name specified")},
      {"/responseTemplates/{content_type}",
       {add, replace, remove},
       patch_entry(&Target::response_templates, "Content-Type specified was not found")},
  };
  Target request{address.rest_api_id,
                 address.resource_id,
                 address.http_method,
                 status_code,
                 found->second.selection_pattern,
                 found->second.response_parameters,
                 found->second.response_templates};
  if (found->second.content_handling != ContentHandling::as_it_comes)
    request.content_handling = std::string(name_of(found->second.content_handling));
  if (auto good = apply_patch(request, patch, rules); !good) return good;
  auto response = make_integration_response(**method, std::move(request));
  if (!response) return std::unexpected(response.error());
  found->second = std::move(*response);
  return {};
}

Answer<> Operations::delete_integration_response(const MethodAddress& address, const std::string& status_code) {
  const auto method = find_method(address);
  if (!method) return std::unexpected(method.error());
  if (!(*method)->integration) return not_found("Invalid Integration identifier specified");
  if ((*method)->integration->responses.erase(status_code) == 0) return not_found("Invalid Integration Response identifier specified");
  return {};
}

Answer<> Operations::delete_method(const std::string& rest_api_id, const std::string& resource_id, const std::string& http_method) {
  const auto resource = find_resource(rest_api_id, resource_id);
  if (!resource) return std::unexpected(resource.error());
  if ((*resource)->methods.erase(http_method) == 0) return not_found("Invalid Method identifier specified");
  return {};
}

}  // namespace sallyport::gateway
