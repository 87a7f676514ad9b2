// Methods, integrations, authorizers and gateway responses. Whatever is taken here compiles later: the checks use the compiler's own parts.
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/expression.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/operations.hpp"
#include "gateway/router.hpp"
#include "gateway/source.hpp"
#include "gateway/template.hpp"
#include "gateway/uri.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t authorizers_max = 10;  // AWS's quota for one API
constexpr int ttl_s_max = 3600;

bool has_stage_variable(std::string_view text) { return text.find("${stageVariables.") != std::string_view::npos; }

bool is_status_code(std::string_view text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '5' && is_digit(text[1]) && is_digit(text[2]);
}

auto invalid_status_code(std::string_view text) {
  return invalid_value(text, "statusCode", "Member must satisfy regular expression pattern: [1-5]\\d\\d");
}

Answer<void> check_source(std::string_view text) {
  if (const auto source = parse_source(text, {}); !source) return invalid_mapping(text);
  if (text.starts_with('\'') && !http::is_field_value(text)) return invalid_mapping(text);
  return {};
}

/// Targets must begin with one of the prefixes and name something behind it.
Answer<void> check_mappings(const TextMap& mappings, std::initializer_list<std::string_view> prefixes) {
  for (const auto& [target, text] : mappings) {
    const auto* prefix = std::find_if(prefixes.begin(), prefixes.end(),
                                      [&](std::string_view each) { return target.starts_with(each) && target.size() > each.size(); });
    if (prefix == prefixes.end()) return invalid_mapping(target);
    if (prefix->find(".header.") != std::string_view::npos && !http::is_token(std::string_view(target).substr(prefix->size())))
      return invalid_mapping(target);
    if (auto good = check_source(text); !good) return good;
  }
  return {};
}

Answer<void> check_templates(const TextMap& templates) {
  for (const auto& [type, text] : templates) {
    if (type.find('/') == std::string::npos)
      return bad_request(cat("Validation Result: warnings : [], errors : [Invalid content type specified: ", type, "]"));
    if (const auto compiled = Template::compile_mapping(text, {}); !compiled)
      return unsupported(cat("the mapping template for ", type, ": ", compiled.error().message));
  }
  return {};
}

std::optional<Passthrough> parse_passthrough(std::string_view text) {
  if (text.empty() || text == "WHEN_NO_MATCH") return Passthrough::when_no_match;
  if (text == "WHEN_NO_TEMPLATES") return Passthrough::when_no_templates;
  if (text == "NEVER") return Passthrough::never;
  return std::nullopt;
}

Answer<void> check_lambda_uri(std::string_view uri) {
  const auto arn = aws::parse_arn(uri);
  if (!arn) return bad_request("Invalid ARN specified in the request");
  if (arn->service != "apigateway") return bad_request("Invalid ARN specified in the request");
  if (uri.find(":path/") == std::string_view::npos && uri.find(":action/") == std::string_view::npos)
    return bad_request("AWS ARN for integration must contain path or action");
  if (!function_arn_of_uri(uri))
    return bad_request("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.");
  return {};
}

/// Splits at commas, trims; an empty text has no parts.
std::vector<std::string> split_sources(std::string_view text) {
  std::vector<std::string> sources;
  if (trim(text).empty()) return sources;
  for (auto part : split(text, ',')) sources.emplace_back(trim(part));
  return sources;
}

Answer<void> check_identity_sources(const std::vector<std::string>& sources, AuthorizerType type, int ttl_s) {
  constexpr std::string_view header = "method.request.header.", query = "method.request.querystring.";
  if (type == AuthorizerType::token) {
    const bool good =
        sources.size() == 1 && sources[0].starts_with(header) && http::is_token(std::string_view(sources[0]).substr(header.size()));
    if (!good) return bad_request("Identity source for a TOKEN authorizer must be exactly one method.request.header.<name>");
    return {};
  }
  if (sources.empty() && ttl_s > 0) return bad_request("Identity source cannot be empty when the authorizer's result is cached");
  for (const auto& source : sources) {
    const bool good = (source.starts_with(header) && http::is_token(std::string_view(source).substr(header.size()))) ||
                      (source.starts_with(query) && source.size() > query.size()) || source.starts_with("stageVariables.") ||
                      source.starts_with("context.");
    if (!good || !parse_source(source, {}))
      return bad_request(cat("Invalid identity source `", source, "`: header, querystring, stageVariables and context are allowed"));
  }
  return {};
}

}  // namespace

Answer<> Operations::put_method(PutMethodRequest request) {
  const auto resource = find_resource(request.rest_api_id, request.resource_id);
  if (!resource) return std::unexpected(resource.error());
  if (request.http_method != "ANY" && std::find(verbs.begin(), verbs.end(), request.http_method) == verbs.end())
    return bad_request("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY");
  if ((*resource)->methods.contains(request.http_method)) return conflict("Method already exists for this resource");
  if (request.api_key_required)
    return unsupported(
        "API keys are not supported by this version: apiKeyRequired cannot be ignored, the method would be open to callers without a key");
  MethodSettings method;
  if (request.authorization_type == "CUSTOM") {
    const auto& authorizers = (*find_api(request.rest_api_id))->draft.authorizers;
    if (!request.authorizer_id || !authorizers.contains(*request.authorizer_id))
      return bad_request(
          "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.");
    method.authorizer_id = std::move(request.authorizer_id);
  } else if (request.authorization_type == "AWS_IAM" || request.authorization_type == "COGNITO_USER_POOLS" ||
             request.authorization_type == "JWT") {
    return unsupported(cat("authorization type ", request.authorization_type, " is not supported by this version: use NONE or CUSTOM"));
  } else if (request.authorization_type != "NONE") {
    return bad_request("Invalid authorization type specified");
  }
  constexpr std::string_view prefixes[] = {"method.request.header.", "method.request.querystring.", "method.request.path."};
  for (const auto& [name, required] : request.request_parameters)
    if (std::none_of(std::begin(prefixes), std::end(prefixes),
                     [&name = name](std::string_view prefix) { return name.starts_with(prefix) && name.size() > prefix.size(); }))
      return bad_request("Invalid mapping expression specified");
  method.operation_name = std::move(request.operation_name);
  method.request_parameters = std::move(request.request_parameters);
  (*resource)->methods.emplace(std::move(request.http_method), std::move(method));
  return {};
}

Answer<> Operations::put_method_response(PutMethodResponseRequest request) {
  const auto method = find_method(request.rest_api_id, request.resource_id, request.http_method);
  if (!method) return std::unexpected(method.error());
  if (!is_status_code(request.status_code)) return invalid_status_code(request.status_code);
  constexpr std::string_view prefix = "method.response.header.";
  for (const auto& [name, required] : request.response_parameters)
    if (!name.starts_with(prefix) || !http::is_token(std::string_view(name).substr(prefix.size()))) return invalid_mapping(name);
  if ((*method)->responses.contains(request.status_code)) return conflict("Response already exists for this resource");
  (*method)->responses.emplace(std::move(request.status_code),
                               MethodResponse{std::move(request.response_parameters), std::move(request.response_models)});
  return {};
}

// The backend must see the credentials that were checked: AWS would let a mapping replace them.
Answer<> Operations::check_identity_kept(const MethodSettings& method, const std::string& api_id, const TextMap& request_parameters) {
  if (!method.authorizer_id) return {};
  const auto& authorizers = (*find_api(api_id))->draft.authorizers;
  const auto authorizer = authorizers.find(*method.authorizer_id);
  if (authorizer == authorizers.end()) return {};
  constexpr std::string_view target_prefix = "integration.request.header.", source_prefix = "method.request.header.";
  for (const auto& [target, text] : request_parameters)
    for (const auto& source : authorizer->second.identity_sources)
      if (target.starts_with(target_prefix) && source.starts_with(source_prefix) &&
          equals_ignoring_case(std::string_view(target).substr(target_prefix.size()),
                               std::string_view(source).substr(source_prefix.size())))
        return unsupported(cat("the mapping to ", target, " overwrites the identity source of authorizer ", authorizer->second.name,
                               ": the backend would see other credentials than were checked"));
  return {};
}

Answer<> Operations::put_integration(PutIntegrationRequest request) {
  const auto method = find_method(request.rest_api_id, request.resource_id, request.http_method);
  if (!method) return std::unexpected(method.error());
  if (request.credentials)
    return unsupported(
        "integration credentials are not supported by this version: grant lambda:InvokeFunction to apigateway.amazonaws.com in the "
        "function's policy");
  if (request.content_handling) return unsupported("contentHandling is not supported by this version");
  IntegrationSettings settings;
  settings.http_method = std::move(request.integration_http_method);
  settings.uri = std::move(request.uri);
  if (request.type == "AWS_PROXY") {
    settings.type = IntegrationType::aws_proxy;
    if (settings.http_method.empty()) return bad_request("Enumeration value for HttpMethod must be non-empty");
    if (auto good = check_lambda_uri(settings.uri); !good) return good;
  } else if (request.type == "HTTP_PROXY") {
    settings.type = IntegrationType::http_proxy;
    if (settings.http_method.empty()) return bad_request("Enumeration value for HttpMethod must be non-empty");
    if (settings.http_method != "ANY" && std::find(verbs.begin(), verbs.end(), settings.http_method) == verbs.end())
      return bad_request("Invalid integration HTTP method specified");
    if (!has_stage_variable(settings.uri))
      if (const auto uri = parse_http_uri(settings.uri); !uri) {
        if (starts_with_ignoring_case(settings.uri, "https://")) return unsupported(uri.error().message);
        return bad_request(cat("Invalid HTTP endpoint specified for URI: ", uri.error().message));
      }
  } else if (request.type == "MOCK") {
    settings.type = IntegrationType::mock;
  } else if (request.type == "AWS" || request.type == "HTTP") {
    return unsupported(cat("integration type ", request.type, " is not supported by this version: use ", request.type, "_PROXY"));
  } else {
    return invalid_value(request.type, "putIntegrationInput.type",
                         "Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]");
  }
  if (auto good = check_mappings(request.request_parameters,
                                 {"integration.request.header.", "integration.request.querystring.", "integration.request.path."});
      !good)
    return good;
  if (settings.type == IntegrationType::http_proxy)
    for (const auto& [target, source] : request.request_parameters)
      if (is_owned_request_header(target)) return unsupported(cat(target, " cannot be mapped: the gateway writes this header itself"));
  if (auto good = check_identity_kept(**method, request.rest_api_id, request.request_parameters); !good) return good;
  if (settings.type == IntegrationType::mock) {
    if (!request.request_parameters.empty()) return unsupported("requestParameters of a MOCK integration have no effect: remove them");
    if (auto good = check_templates(request.request_templates); !good) return good;
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
  (*method)->integration = std::move(settings);
  return {};
}

Answer<> Operations::put_integration_response(PutIntegrationResponseRequest request) {
  const auto method = find_method(request.rest_api_id, request.resource_id, request.http_method);
  if (!method) return std::unexpected(method.error());
  auto& integration = (*method)->integration;
  if (!integration) return not_found("Invalid Integration identifier specified");
  if (!is_status_code(request.status_code)) return invalid_status_code(request.status_code);
  const auto declared = (*method)->responses.find(request.status_code);
  if (declared == (*method)->responses.end()) return not_found("Invalid Response status code specified");
  if (request.status_code[0] == '1')
    return unsupported("an answer cannot have a status below 200: clients would read it as an interim one and wait");
  if (request.content_handling) return unsupported("contentHandling is not supported by this version");
  if (integration->type != IntegrationType::mock) {
    // A proxy's answers are the backend's: AWS takes these settings and never looks at them.
    if (!request.response_parameters.empty() || !request.response_templates.empty() || !request.selection_pattern.empty())
      return unsupported("integration responses of a proxy integration have no effect: the backend's answer is passed through");
    return {};
  }
  if (auto good = check_mappings(request.response_parameters, {"method.response.header."}); !good) return good;
  for (const auto& [target, source] : request.response_parameters) {
    if (!declared->second.response_parameters.contains(target))
      return bad_request(
          cat("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter "
              "specified: ",
              target, "]"));
    if (is_reserved_response_header(std::string_view(target).substr(23)))
      return unsupported(cat(target, " cannot be set here: the header belongs to the connection or names the answer"));
  }
  if (auto good = check_templates(request.response_templates); !good) return good;
  if (!request.selection_pattern.empty())
    if (const auto pattern = Expression::compile(request.selection_pattern); !pattern) return bad_request(pattern.error().message);
  integration->responses[request.status_code] = {std::move(request.selection_pattern), std::move(request.response_parameters),
                                                 std::move(request.response_templates)};
  return {};
}

Answer<const AuthorizerSettings*> Operations::create_authorizer(CreateAuthorizerRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return conflict("Unable to complete operation due to concurrent modification. Please try again later.");
  auto& authorizers = (*api)->draft.authorizers;
  if (request.name.empty()) return bad_request("Authorizer name cannot be empty");
  for (const auto& [id, existing] : authorizers)
    if (existing.name == request.name) return bad_request("Authorizer name must be unique. Authorizer already exists in this API.");
  if (authorizers.size() >= authorizers_max)
    return fail(aws::ApiError{
        "LimitExceededException", 429,
        "Maximum number of Authorizers for this API has been reached. Please contact AWS if you need additional Authorizers."});
  AuthorizerSettings settings;
  if (request.type == "TOKEN")
    settings.type = AuthorizerType::token;
  else if (request.type == "REQUEST")
    settings.type = AuthorizerType::request;
  else if (request.type == "COGNITO_USER_POOLS" || request.type == "JWT")
    return unsupported(cat("authorizer type ", request.type, " is not supported by this version: use TOKEN or REQUEST"));
  else
    return invalid_value(request.type, "createAuthorizerInput.type",
                         "Member must satisfy enum value set: [TOKEN, REQUEST, COGNITO_USER_POOLS]");
  if (request.authorizer_credentials)
    return unsupported(
        "authorizer credentials are not supported by this version: grant lambda:InvokeFunction to apigateway.amazonaws.com in the "
        "function's policy");
  if (!function_arn_of_uri(request.authorizer_uri))
    return bad_request("Invalid Authorizer URI: it must be the invocation ARN of a Lambda function");
  const int ttl_s = request.ttl_s.value_or(static_cast<int>(settings.ttl.count()));
  if (ttl_s < 0 || ttl_s > ttl_s_max) return bad_request("Authorizer result TTL must be between 0 and 3600 seconds");
  settings.identity_sources = split_sources(request.identity_source);
  if (auto good = check_identity_sources(settings.identity_sources, settings.type, ttl_s); !good) return std::unexpected(good.error());
  if (settings.type == AuthorizerType::token && !request.identity_validation_expression.empty()) {
    if (const auto expression = Expression::compile(request.identity_validation_expression); !expression)
      return bad_request(cat("Invalid identity validation expression specified: ", expression.error().message));
    settings.validation_expression = std::move(request.identity_validation_expression);
  }
  settings.id = request.id;
  settings.name = std::move(request.name);
  settings.uri = std::move(request.authorizer_uri);
  settings.ttl = std::chrono::seconds(ttl_s);
  return &(authorizers[request.id] = std::move(settings));
}

Answer<> Operations::put_gateway_response(PutGatewayResponseRequest request) {
  const auto api = find_api(request.rest_api_id);
  if (!api) return std::unexpected(api.error());
  const auto type = parse_response_type(request.response_type);
  if (!type) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < named_response_types; ++i) names.emplace_back(row_of(static_cast<ResponseType>(i)).name);
    return invalid_value(request.response_type, "responseType", cat("Member must satisfy enum value set: [", join(names, ", "), "]"));
  }
  if (row_of(*type).fallback == ResponseRow::Fallback::never)
    return unsupported(cat(request.response_type, " cannot be customised, on AWS either"));
  GatewayResponseSettings settings;
  if (request.status_code) {
    if (!is_status_code(*request.status_code)) return invalid_status_code(*request.status_code);
    settings.status = parse_number<int>(*request.status_code);
    // 1xx would be read as an interim answer and leave the client waiting.
    if (*settings.status < 200) return unsupported("a gateway response cannot have a status below 200");
  }
  constexpr std::string_view prefix = "gatewayresponse.header.";
  if (auto good = check_mappings(request.response_parameters, {prefix}); !good) return good;
  for (const auto& [target, source] : request.response_parameters)
    if (is_reserved_response_header(std::string_view(target).substr(prefix.size())))
      return unsupported(cat(target, " cannot be set here: the header belongs to the connection or names the answer"));
  for (const auto& [content_type, text] : request.response_templates)
    if (content_type.find('/') == std::string::npos || !http::is_field_value(content_type))
      return bad_request(cat("Invalid content type specified: ", content_type));
  settings.parameters = std::move(request.response_parameters);
  settings.templates = std::move(request.response_templates);
  (*api)->draft.gateway_responses[*type] = std::move(settings);
  return {};
}

Answer<> Operations::delete_method(const std::string& rest_api_id, const std::string& resource_id, const std::string& http_method) {
  const auto resource = find_resource(rest_api_id, resource_id);
  if (!resource) return std::unexpected(resource.error());
  if ((*resource)->methods.erase(http_method) == 0) return not_found("Invalid Method identifier specified");
  return {};
}

Answer<> Operations::delete_authorizer(const std::string& rest_api_id, const std::string& authorizer_id) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  if (!(*api)->draft.authorizers.contains(authorizer_id)) return not_found("Invalid Authorizer identifier specified");
  // A method whose authorizer is gone must not become an open one.
  for (const auto& [id, resource] : (*api)->draft.resources)
    for (const auto& [verb, method] : resource.methods)
      if (method.authorizer_id == authorizer_id)
        return conflict(cat("Cannot delete authorizer ", authorizer_id, ", is referenced in method: ", verb, " ", resource.path));
  (*api)->draft.authorizers.erase(authorizer_id);
  return {};
}

Answer<> Operations::delete_gateway_response(const std::string& rest_api_id, const std::string& response_type) {
  const auto api = find_api(rest_api_id);
  if (!api) return std::unexpected(api.error());
  const auto type = parse_response_type(response_type);
  if (!type || (*api)->draft.gateway_responses.erase(*type) == 0) return not_found("Invalid gateway response type specified");
  return {};
}

}  // namespace sallyport::gateway
