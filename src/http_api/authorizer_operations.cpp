// Who lets requests in.
#include <algorithm>

#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/operations.hpp"
#include "http_api/lookup.hpp"
#include "http_api/operations.hpp"
#include "http_api/selection.hpp"

namespace sallyport::http_api {
namespace {

using gateway::bad_request;
using gateway::conflict;

constexpr std::size_t authorizer_id_size = 6;
constexpr std::size_t authorizers_max = 10, audiences_max = 50;  // AWS's quotas
constexpr int ttl_s_max = 3600;

/// An issuer is what stands in `iss`, and its discovery document is below it.
bool is_issuer(std::string_view text) {
  const auto scheme = starts_with_ignoring_case(text, "https://") ? 8u : starts_with_ignoring_case(text, "http://") ? 7u : 0u;
  return scheme != 0 && text.size() > scheme && text[scheme] != '/' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '"' && c != '\\';
         });
}

Answer<> check_jwt(const Authorizer& authorizer) {
  if (authorizer.identity_sources.size() != 1) return bad_request("A JWT authorizer must have exactly one identity source");
  const auto source = parse_selection(authorizer.identity_sources.front());
  if (!source || (source->kind != Selection::Kind::header && source->kind != Selection::Kind::query))
    return bad_request(cat("Invalid identity source specified: ", authorizer.identity_sources.front(),
                           ". A JWT authorizer takes $request.header.{name} or $request.querystring.{name}"));
  if (authorizer.issuer.empty()) return bad_request("Issuer is a required parameter for JWT authorizer");
  if (!is_issuer(authorizer.issuer))
    return bad_request(cat("Invalid issuer: ", authorizer.issuer,
                           ". Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'"));
  // Without one every token of the issuer would be let in, whomever it was made for.
  if (authorizer.audiences.empty()) return bad_request("Audience is a required parameter for JWT authorizer");
  if (authorizer.audiences.size() > audiences_max)
    return bad_request(cat("A JWT authorizer can have at most ", audiences_max, " audiences"));
  if (std::any_of(authorizer.audiences.begin(), authorizer.audiences.end(), [](const auto& audience) { return audience.empty(); }))
    return bad_request("An audience cannot be an empty string");
  return {};
}

Answer<> check_request(const Authorizer& authorizer) {
  for (const auto& expression : authorizer.identity_sources) {
    using enum Selection::Kind;
    const auto selection = parse_selection(expression);
    if (!selection ||
        (selection->kind != header && selection->kind != query && selection->kind != context && selection->kind != stage_variable))
      return bad_request(cat("Invalid identity source specified: ", expression,
                             ". Must be one of [$request.header, $request.querystring, $context, $stageVariables]"));
  }
  if (!gateway::function_arn_of_uri(authorizer.uri))
    return bad_request("Invalid Authorizer URI: it must be the invocation ARN of a Lambda function");
  if (authorizer.simple_responses && authorizer.payload != PayloadVersion::v2)
    return bad_request("EnableSimpleResponses is only supported for AuthorizerPayloadFormatVersion 2.0");
  if (authorizer.ttl.count() > 0 && authorizer.identity_sources.empty())
    return bad_request("Identity source cannot be empty when the authorizer's result is cached");
  if (authorizer.credentials.empty()) return {};
  const auto role = aws::parse_arn(authorizer.credentials);
  if (!role || role->service != "iam" || role->account_id.size() != 12 || !role->resource.starts_with("role/"))
    return bad_request("Invalid ARN specified in the request");
  return {};
}

/// What one kind of authorizer has and the other does not.
Answer<> refuse_foreign(AuthorizerType type, const AuthorizerInput& input) {
  const auto is_set = [](const std::optional<std::string>& text) { return text && !text->empty(); };
  if (type == AuthorizerType::request) {
    if (is_set(input.issuer) || (input.audiences && !input.audiences->empty()))
      return bad_request("JwtConfiguration is not supported for REQUEST authorizer");
    return {};
  }
  if (is_set(input.uri)) return bad_request("AuthorizerUri is not supported for JWT authorizer");
  if (is_set(input.credentials)) return bad_request("AuthorizerCredentialsArn is not supported for JWT authorizer");
  if (is_set(input.payload_format_version)) return bad_request("AuthorizerPayloadFormatVersion is not supported for JWT authorizer");
  if (input.simple_responses.value_or(false)) return bad_request("EnableSimpleResponses is not supported for JWT authorizer");
  if (input.ttl_s.value_or(0) != 0) return bad_request("AuthorizerResultTtlInSeconds is not supported for JWT authorizer");
  return {};
}

Answer<> change_authorizer(const Definition& definition, Authorizer& authorizer, AuthorizerInput input) {
  if (auto good = refuse_foreign(authorizer.type, input); !good) return good;
  if (input.name) authorizer.name = std::move(*input.name);
  if (authorizer.name.empty()) return bad_request("Authorizer name cannot be empty");
  for (const auto& [id, other] : definition.authorizers)
    if (id != authorizer.id && other.name == authorizer.name)
      return bad_request("Authorizer name must be unique. Authorizer already exists in this API.");
  if (input.identity_sources) authorizer.identity_sources = std::move(*input.identity_sources);
  if (input.issuer) authorizer.issuer = std::move(*input.issuer);
  if (input.audiences) authorizer.audiences = std::move(*input.audiences);
  if (input.uri) authorizer.uri = std::move(*input.uri);
  if (input.credentials) authorizer.credentials = std::move(*input.credentials);
  if (input.payload_format_version) {
    if (*input.payload_format_version != "1.0" && *input.payload_format_version != "2.0")
      return bad_request(
          cat("Invalid AuthorizerPayloadFormatVersion specified: ", *input.payload_format_version, ". Must be one of [1.0, 2.0]"));
    authorizer.payload = *input.payload_format_version == "1.0" ? PayloadVersion::v1 : PayloadVersion::v2;
  }
  if (input.simple_responses) authorizer.simple_responses = *input.simple_responses;
  if (input.ttl_s) {
    if (*input.ttl_s < 0 || *input.ttl_s > ttl_s_max) return bad_request("Authorizer result TTL must be between 0 and 3600 seconds");
    authorizer.ttl = std::chrono::seconds(*input.ttl_s);
  }
  return authorizer.type == AuthorizerType::jwt ? check_jwt(authorizer) : check_request(authorizer);
}

Answer<AuthorizerType> read_type(std::string_view name) {
  if (name == "REQUEST") return AuthorizerType::request;
  if (name == "JWT") return AuthorizerType::jwt;
  return bad_request("Invalid authorizer type specified. Must be one of [REQUEST, JWT]");
}

}  // namespace

Answer<const Authorizer*> Operations::create_authorizer(const std::string& api_id, std::string id, AuthorizerInput input) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  auto& authorizers = (*definition)->authorizers;
  if (authorizers.size() >= authorizers_max)
    return fail(aws::ApiError{
        "TooManyRequestsException", 429,
        "Maximum number of Authorizers for this API has been reached. Please contact AWS if you need additional Authorizers."});
  const auto type = read_type(input.type.value_or(""));
  if (!type) return std::unexpected(type.error());
  if (*type == AuthorizerType::request && !input.payload_format_version)
    return bad_request("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer");
  Authorizer authorizer;
  authorizer.type = *type;
  authorizer.id = id_or_new(std::move(id), authorizer_id_size);
  if (authorizers.contains(authorizer.id)) return conflict(cat("An authorizer with the identifier ", authorizer.id, " already exists"));
  if (auto good = change_authorizer(**definition, authorizer, std::move(input)); !good) return std::unexpected(good.error());
  auto& kept = authorizers[authorizer.id];
  kept = std::move(authorizer);
  return &kept;
}

Answer<> Operations::update_authorizer(const std::string& api_id, const std::string& id, AuthorizerInput input) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->authorizers.find(id);
  if (found == (*definition)->authorizers.end()) return no_such_authorizer();
  if (input.type && *input.type != name_of(found->second.type))
    return bad_request("The type of an authorizer cannot be changed: routes name it with the authorization type it was made for");
  return change_authorizer(**definition, found->second, std::move(input));
}

Answer<> Operations::delete_authorizer(const std::string& api_id, const std::string& id) {
  const auto definition = find_definition(api_id);
  if (!definition) return std::unexpected(definition.error());
  const auto found = (*definition)->authorizers.find(id);
  if (found == (*definition)->authorizers.end()) return no_such_authorizer();
  for (const auto& [route_id, route] : (*definition)->routes)
    if (route.authorizer_id == id)
      return conflict(cat("Cannot delete authorizer '", found->second.name, "', is referenced in route: ", route.key));
  (*definition)->authorizers.erase(found);
  return {};
}

}  // namespace sallyport::http_api
