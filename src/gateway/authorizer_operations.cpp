// Authorizers and gateway responses.
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/checks.hpp"
#include "gateway/expression.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/operations.hpp"
#include "gateway/source.hpp"
#include "http/message.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t authorizers_max = 10;  // AWS's quota for one API
constexpr int ttl_s_max = 3600;

/// Splits at commas, trims; an empty text has no parts.
std::vector<std::string> split_sources(std::string_view text) {
  std::vector<std::string> sources;
  if (trim(text).empty()) return sources;
  for (auto part : split(text, ',')) sources.emplace_back(trim(part));
  return sources;
}

Answer<void> check_identity_sources(const std::vector<std::string>& sources, AuthorizerType type, int ttl_s) {
  constexpr std::string_view header = "method.request.header.", query = "method.request.querystring.";
  if (type != AuthorizerType::request) {
    const bool good =
        sources.size() == 1 && sources[0].starts_with(header) && http::is_token(std::string_view(sources[0]).substr(header.size()));
    if (!good)
      return bad_request(cat("Identity source for a ", name_of(type), " authorizer must be exactly one method.request.header.<name>"));
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

namespace {

bool is_role_arn(std::string_view text) {
  const auto arn = aws::parse_arn(text);
  return arn && arn->service == "iam" && arn->account_id.size() == 12 && arn->resource.starts_with("role/");
}

Answer<AuthorizerType> read_type(const std::string& name, std::string_view member) {
  for (const auto type : {AuthorizerType::token, AuthorizerType::request, AuthorizerType::cognito_user_pools, AuthorizerType::jwt})
    if (name_of(type) == name) return type;
  return invalid_value(name, member, "Member must satisfy enum value set: [TOKEN, REQUEST, COGNITO_USER_POOLS]");
}

/// What an authorizer of that type has besides its name and source, and what it must not have.
Answer<> check_parts(AuthorizerType type, const CreateAuthorizerRequest& request) {
  const bool calls_function = type == AuthorizerType::token || type == AuthorizerType::request;
  if (request.authorizer_credentials && !is_role_arn(*request.authorizer_credentials))
    return bad_request("Invalid ARN specified in the request");
  if (calls_function && !function_arn_of_uri(request.authorizer_uri))
    return bad_request("Invalid Authorizer URI: it must be the invocation ARN of a Lambda function");
  if (!calls_function && (!request.authorizer_uri.empty() || request.authorizer_credentials))
    return bad_request(
        cat("An authorizer of type ", request.type, " calls no function: authorizerUri and authorizerCredentials must be left out"));
  if (type == AuthorizerType::cognito_user_pools) {
    if (request.provider_arns.empty()) return bad_request("Invalid Authorizer: at least one user pool has to be named in providerARNs");
    for (const auto& arn : request.provider_arns)
      if (!issuer_of_pool(arn)) return bad_request(cat("Invalid Cognito user pool ARN: ", arn));
  } else if (!request.provider_arns.empty()) {
    return bad_request("providerARNs are for authorizers of type COGNITO_USER_POOLS");
  }
  if (type == AuthorizerType::jwt && !request.jwt) return bad_request("jwtConfiguration is required for an authorizer of type JWT");
  if (type != AuthorizerType::jwt && request.jwt) return bad_request("jwtConfiguration is for authorizers of type JWT");
  if (type == AuthorizerType::jwt && !request.identity_validation_expression.empty())
    return unsupported("identityValidationExpression of a JWT authorizer is not supported: its issuers have audiences of their own");
  return {};
}

Answer<AuthorizerSettings> make_authorizer(CreateAuthorizerRequest request, std::string_view type_member) {
  if (request.name.empty()) return bad_request("Authorizer name cannot be empty");
  AuthorizerSettings settings;
  const auto type = read_type(request.type, type_member);
  if (!type) return std::unexpected(type.error());
  settings.type = *type;
  if (auto good = check_parts(*type, request); !good) return std::unexpected(good.error());
  const int ttl_s = request.ttl_s.value_or(static_cast<int>(settings.ttl.count()));
  if (ttl_s < 0 || ttl_s > ttl_s_max) return bad_request("Authorizer result TTL must be between 0 and 3600 seconds");
  settings.identity_source = std::move(request.identity_source);
  settings.identity_sources = split_sources(settings.identity_source);
  if (auto good = check_identity_sources(settings.identity_sources, settings.type, ttl_s); !good) return std::unexpected(good.error());
  if (settings.type != AuthorizerType::request && !request.identity_validation_expression.empty())
    if (const auto expression = Expression::compile(request.identity_validation_expression); !expression)
      return bad_request(cat("Invalid identity validation expression specified: ", expression.error().message));
  // Shown for a REQUEST authorizer too, and of no effect there, as on AWS.
  settings.validation_expression = std::move(request.identity_validation_expression);
  settings.id = request.id;
  settings.name = std::move(request.name);
  settings.uri = std::move(request.authorizer_uri);
  settings.credentials = request.authorizer_credentials.value_or("");
  settings.ttl = std::chrono::seconds(ttl_s);
  settings.provider_arns = std::move(request.provider_arns);
  if (request.jwt) settings.jwt = std::move(*request.jwt);
  return settings;
}

Answer<> check_name_is_new(const Definition& definition, const AuthorizerSettings& settings) {
  for (const auto& [id, existing] : definition.authorizers)
    if (id != settings.id && existing.name == settings.name)
      return bad_request("Authorizer name must be unique. Authorizer already exists in this API.");
  return {};
}

}  // namespace

Answer<const AuthorizerSettings*> Operations::create_authorizer(CreateAuthorizerRequest request) {
  const auto definition = find_definition(request.rest_api_id);
  if (!definition) return conflict("Unable to complete operation due to concurrent modification. Please try again later.");
  auto& authorizers = (*definition)->authorizers;
  if (authorizers.size() >= authorizers_max)
    return fail(aws::ApiError{
        "LimitExceededException", 429,
        "Maximum number of Authorizers for this API has been reached. Please contact AWS if you need additional Authorizers."});
  auto settings = make_authorizer(std::move(request), "createAuthorizerInput.type");
  if (!settings) return std::unexpected(settings.error());
  if (authorizers.contains(settings->id)) return conflict(cat("An authorizer with the identifier ", settings->id, " already exists"));
  if (auto good = check_name_is_new(**definition, *settings); !good) return std::unexpected(good.error());
  auto& kept = authorizers[settings->id];
  kept = std::move(*settings);
  return &kept;
}

Answer<> Operations::update_authorizer(const std::string& rest_api_id, const std::string& authorizer_id, const PatchOperations& patch,
                                       const TextMap& key_sets) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->authorizers.find(authorizer_id);
  if (found == (*definition)->authorizers.end()) return not_found("Invalid Authorizer identifier specified");
  using Target = CreateAuthorizerRequest;
  using enum PatchVerb;
  const std::vector<PatchRule<Target>> rules = {
      {"/name", {replace}, patch_text(&Target::name)},
      {"/type", {replace}, patch_text(&Target::type)},
      {"/authorizerUri", {replace}, patch_text(&Target::authorizer_uri)},
      {"/identitySource", {replace}, patch_text(&Target::identity_source)},
      {"/identityValidationExpression", {replace, remove}, patch_text(&Target::identity_validation_expression)},
      {"/authorizerResultTtlInSeconds",
       {replace},
       [](Target& request, const PatchStep& step) -> Answer<> {
         const auto value = patch_integer(step);
         if (!value) return std::unexpected(value.error());
         request.ttl_s = *value;
         return {};
       }},
      {"/authorizerCredentials",
       {add, replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         request.authorizer_credentials.reset();
         if (step.verb != remove && !step.value.empty()) request.authorizer_credentials = step.value;
         return {};
       }},
      {"/authType",
       {replace},
       [](Target&, const PatchStep& step) -> Answer<> {
         if (step.value == "custom" || step.value == "cognito_user_pools") return {};
         return unsupported("authType is what goes with the authorizer's type: another is not supported by this version");
       }},
      {"/providerARNs",
       {add, remove, replace},
       [](Target& request, const PatchStep& step) -> Answer<> {
         auto& arns = request.provider_arns;
         const auto found = std::find(arns.begin(), arns.end(), step.value);
         if (step.verb == remove) {
           if (found == arns.end()) return not_found("Invalid Cognito user pool ARN specified");
           arns.erase(found);
           return {};
         }
         if (step.verb == replace) arns.clear();
         if (std::find(arns.begin(), arns.end(), step.value) == arns.end()) arns.push_back(step.value);
         return {};
       }},
      {"/jwtConfiguration",
       {replace},
       [](Target& request, const PatchStep& step) -> Answer<> {
         auto configuration = read_jwt_configuration(step.value);
         if (!configuration) return std::unexpected(configuration.error());
         request.jwt = std::move(*configuration);
         return {};
       }},
  };
  const auto& before = found->second;
  Target request;
  request.id = before.id;
  request.name = before.name;
  request.type = name_of(before.type);
  request.authorizer_uri = before.uri;
  request.identity_source = before.identity_source;
  request.identity_validation_expression = before.validation_expression;
  if (!before.credentials.empty()) request.authorizer_credentials = before.credentials;
  request.ttl_s = static_cast<int>(before.ttl.count());
  request.provider_arns = before.provider_arns;
  if (before.type == AuthorizerType::jwt) request.jwt = before.jwt;
  if (auto good = apply_patch(request, patch, rules); !good) return good;
  if (request.jwt)
    for (auto& issuer : request.jwt->issuers)
      if (const auto found_set = key_sets.find(issuer.issuer); found_set != key_sets.end()) issuer.jwks_uri = found_set->second;
  auto settings = make_authorizer(std::move(request), "updateAuthorizerInput.type");
  if (!settings) return std::unexpected(settings.error());
  if (auto good = check_name_is_new(**definition, *settings); !good) return good;
  found->second = std::move(*settings);
  for (const auto& [id, resource] : (*definition)->resources)
    for (const auto& [verb, method] : resource.methods)
      if (method.authorizer_id == authorizer_id) {
        if (authorization_by(found->second.type) != method.authorization)
          return bad_request(cat("The authorizer's type does not fit the authorization type ", name_of(method.authorization), " of ", verb,
                                 " ", resource.path, ", which is asked by it"));
        if (auto good = check_identity_kept(**definition, method); !good) return good;
      }
  return {};
}

AuthorizationType authorization_by(AuthorizerType type) {
  switch (type) {
    case AuthorizerType::token:
    case AuthorizerType::request: return AuthorizationType::custom;
    case AuthorizerType::cognito_user_pools: return AuthorizationType::cognito_user_pools;
    case AuthorizerType::jwt: return AuthorizationType::jwt;
  }
  return AuthorizationType::custom;
}

std::optional<std::string> issuer_of_pool(std::string_view text) {
  constexpr std::string_view prefix = "userpool/";
  const auto arn = aws::parse_arn(text);
  if (!arn || arn->service != "cognito-idp" || arn->region.empty() || arn->account_id.size() != 12 || !arn->resource.starts_with(prefix))
    return std::nullopt;
  const auto pool = arn->resource.substr(prefix.size());
  const auto is_pool = [](char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '-'; };
  if (pool.empty() || pool.find('_') == std::string_view::npos || !std::all_of(pool.begin(), pool.end(), is_pool)) return std::nullopt;
  return cat("https://cognito-idp.", arn->region, arn->partition == "aws-cn" ? ".amazonaws.com.cn/" : ".amazonaws.com/", pool);
}

Answer<ResponseType> read_response_type(const std::string& name) {
  if (const auto type = parse_response_type(name)) return *type;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < named_response_types; ++i) names.emplace_back(row_of(static_cast<ResponseType>(i)).name);
  return invalid_value(name, "responseType", cat("Member must satisfy enum value set: [", join(names, ", "), "]"));
}

namespace {

Answer<GatewayResponseSettings> make_gateway_response(ResponseType type, PutGatewayResponseRequest request) {
  if (row_of(type).fallback == ResponseRow::Fallback::never)
    return unsupported(cat(request.response_type, " cannot be customised, on AWS either"));
  GatewayResponseSettings settings;
  if (request.status_code) {
    if (!is_status_code(*request.status_code)) return invalid_status_code(*request.status_code);
    settings.status = parse_number<int>(*request.status_code);
    // 1xx would be read as an interim answer and leave the client waiting.
    if (*settings.status < 200) return unsupported("a gateway response cannot have a status below 200");
  }
  constexpr std::string_view prefix = "gatewayresponse.header.";
  if (auto good = check_mappings(request.response_parameters, {prefix}); !good) return std::unexpected(good.error());
  for (const auto& [target, source] : request.response_parameters)
    if (is_reserved_response_header(std::string_view(target).substr(prefix.size())))
      return unsupported(cat(target, " cannot be set here: the header belongs to the connection or names the answer"));
  for (const auto& [content_type, text] : request.response_templates)
    if (content_type.find('/') == std::string::npos || !http::is_field_value(content_type))
      return bad_request(cat("Invalid content type specified: ", content_type));
  settings.parameters = std::move(request.response_parameters);
  settings.templates = std::move(request.response_templates);
  return settings;
}

}  // namespace

Answer<> Operations::put_gateway_response(PutGatewayResponseRequest request) {
  const auto definition = find_definition(request.rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto type = read_response_type(request.response_type);
  if (!type) return std::unexpected(type.error());
  auto settings = make_gateway_response(*type, std::move(request));
  if (!settings) return std::unexpected(settings.error());
  (*definition)->gateway_responses[*type] = std::move(*settings);
  return {};
}

Answer<> Operations::update_gateway_response(const std::string& rest_api_id, const std::string& response_type,
                                             const PatchOperations& patch) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto type = read_response_type(response_type);
  if (!type) return std::unexpected(type.error());
  using Target = PutGatewayResponseRequest;
  using enum PatchVerb;
  const std::vector<PatchRule<Target>> rules = {
      {"/statusCode",
       {add, replace, remove},
       [](Target& request, const PatchStep& step) -> Answer<> {
         if (step.verb == remove || step.value.empty())
           request.status_code.reset();
         else
           request.status_code = step.value;
         return {};
       }},
      {"/responseParameters/{parameter}",
       {add, replace, remove},
       patch_entry(&Target::response_parameters, "Invalid parameter name specified")},
      {"/responseTemplates/{content_type}",
       {add, replace, remove},
       patch_entry(&Target::response_templates, "Content-Type specified was not found")},
  };
  Target request{rest_api_id, response_type, {}, {}, {}};
  if (const auto found = (*definition)->gateway_responses.find(*type); found != (*definition)->gateway_responses.end()) {
    if (found->second.status) request.status_code = cat(*found->second.status);
    request.response_parameters = found->second.parameters;
    request.response_templates = found->second.templates;
  }
  if (auto good = apply_patch(request, patch, rules); !good) return good;
  auto settings = make_gateway_response(*type, std::move(request));
  if (!settings) return std::unexpected(settings.error());
  (*definition)->gateway_responses[*type] = std::move(*settings);
  return {};
}

Answer<> Operations::delete_authorizer(const std::string& rest_api_id, const std::string& authorizer_id) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  if (!(*definition)->authorizers.contains(authorizer_id)) return not_found("Invalid Authorizer identifier specified");
  // A method whose authorizer is gone must not become an open one.
  for (const auto& [id, resource] : (*definition)->resources)
    for (const auto& [verb, method] : resource.methods)
      if (method.authorizer_id == authorizer_id)
        return conflict(cat("Cannot delete authorizer ", authorizer_id, ", is referenced in method: ", verb, " ", resource.path));
  (*definition)->authorizers.erase(authorizer_id);
  return {};
}

Answer<> Operations::delete_gateway_response(const std::string& rest_api_id, const std::string& response_type) {
  const auto definition = find_definition(rest_api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto type = parse_response_type(response_type);
  if (!type || (*definition)->gateway_responses.erase(*type) == 0) return not_found("Invalid gateway response type specified");
  return {};
}

}  // namespace sallyport::gateway
