#include "http_api/events.hpp"

#include <algorithm>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/events.hpp"
#include "gateway/header_rules.hpp"
#include "http_api/selection_value.hpp"
#include "http_api/stage.hpp"
#include "json/write.hpp"
#include "lambda/http_event.hpp"

namespace sallyport::http_api {
namespace {

enum class WhenEmpty : std::uint8_t { null, braces };
enum class Signature : std::uint8_t { kept, dropped };

/// A name with all its values, the last of which stands for it in single-value maps.
struct Group {
  std::string name;
  std::vector<std::string> values;
};
using Groups = std::vector<Group>;

// ---- both formats

/// `requestContext.authentication`, or nothing without a client's certificate.
std::string describe_certificate(const HttpExchange& exchange) {
  std::string out;
  json::Writer json(out);
  if (const auto* certificate = exchange.client_certificate()) {
    json.begin_object();
    gateway::write_client_certificate(json, *certificate);
    json.end_object();
  }
  return out;
}

void write_token(json::Writer& json, const HttpExchange& exchange) {
  json.key("claims").begin_object();
  if (const auto* claims = exchange.token->claims.object())
    for (const auto& [name, value] : *claims) json.key(name).string(claim_text(value));
  json.end_object();
  json.key("scopes");
  if (exchange.route->scopes.empty()) {
    json.null();
    return;
  }
  const bool of_route = exchange.stage->choices.event_scopes == Choices::EventScopes::of_the_route;
  json.begin_array();
  for (const auto& scope : of_route ? exchange.route->scopes : exchange.token->scopes()) json.string(scope);
  json.end_array();
}

// ---- format 2.0

/// `requestContext.authorizer`, or nothing for an open route.
std::string describe_authorizer(const HttpExchange& exchange) {
  if (exchange.caller) return lambda::describe_iam_caller(*exchange.caller);
  std::string out;
  json::Writer json(out);
  if (exchange.token) {
    json.begin_object().key("jwt").begin_object();
    write_token(json, exchange);
    json.end_object().end_object();
  } else if (const auto* grant = exchange.grant()) {
    json.begin_object().key("lambda").value(grant->context).end_object();
  }
  return out;
}

using PathParameters = std::vector<std::pair<std::string_view, std::string_view>>;

PathParameters path_parameters_of(const HttpExchange& exchange) {
  PathParameters parameters;
  for (std::size_t i = 0; i < exchange.path_values.size(); ++i)
    parameters.emplace_back(exchange.route->path_variables[i], exchange.path_values[i]);
  return parameters;
}

/// What all events of format 2.0 say. The views are of the exchange and of `parameters`.
lambda::HttpEventParts parts_of(const HttpExchange& exchange, std::string_view body, const PathParameters& parameters) {
  const auto& stage = *exchange.stage;
  const std::string_view domain = exchange.address.domain_name;
  lambda::HttpEventParts parts{exchange.request, exchange.request.headers, exchange.raw_path, exchange.request.query, body};
  parts.account_id = stage.account_id;
  parts.api_id = stage.api_id;
  parts.domain_name = domain;
  parts.domain_prefix = domain.substr(0, domain.find('.'));
  parts.route_key = exchange.route->key;
  parts.stage = stage.name;
  parts.peer_address = exchange.peer_address;
  parts.request_id = exchange.id;
  parts.trace_id = exchange.trace_id;
  parts.at = exchange.at;
  parts.path_parameters = parameters;
  parts.stage_variables = &stage.variables;
  parts.scheme = exchange.scheme();
  parts.names_length = true;
  parts.forms_are_binary = stage.choices.form_body == Choices::FormBody::base64;
  return parts;
}

std::string make_event_2(const HttpExchange& exchange, std::string_view body, const MappedRequest* mapped) {
  const auto parameters = path_parameters_of(exchange);
  const auto authorizer = describe_authorizer(exchange), certificate = describe_certificate(exchange);
  auto parts = parts_of(exchange, body, parameters);
  parts.authorizer = authorizer;
  parts.authentication = certificate;
  std::vector<http::Field> fields;
  if (mapped) {
    for (const auto& [name, value] : mapped->headers) fields.push_back({name, value});
    parts.fields = fields;
    parts.query = mapped->query;
    if (mapped->path) parts.path = *mapped->path;
  }
  return lambda::make_http_event(parts);
}

std::string make_authorizer_event_2(const HttpExchange& exchange, const std::vector<std::string>& sources) {
  const auto parameters = path_parameters_of(exchange);
  const auto certificate = describe_certificate(exchange);
  auto parts = parts_of(exchange, {}, parameters);
  parts.authentication = certificate;
  parts.keeps_signature = true;
  std::string event;
  event.reserve(2048);
  json::Writer json(event);
  json.begin_object();
  json.key("version").string("2.0");
  json.key("type").string("REQUEST");
  json.key("routeArn").string(exchange.route_arn);
  json.key("identitySource").begin_array();
  for (const auto& source : sources) json.string(source);
  json.end_array();
  lambda::write_http_request(json, parts);
  json.end_object();
  return event;
}

// ---- format 1.0

/// What the gateway itself writes is spelled its way, as recorded events have it.
std::string_view name_in_events(std::string_view name) {
  for (const std::string_view known : {"Content-Length", "Content-Type", "Host", "User-Agent"})
    if (equals_ignoring_case(name, known)) return known;
  return name;
}

bool is_written_here(std::string_view name) {
  for (const std::string_view own :
       {"Connection", "Expect", "Transfer-Encoding", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"})
    if (equals_ignoring_case(name, own)) return true;
  return false;
}

void add_to(Groups& groups, std::string_view name, std::string value) {
  for (auto& group : groups)
    if (equals_ignoring_case(group.name, name)) {
      group.values.push_back(std::move(value));
      return;
    }
  groups.push_back({std::string(name), {std::move(value)}});
}

template <class Fields>
Groups header_groups(const HttpExchange& exchange, const Fields& fields, std::size_t body_size, Signature signature) {
  Groups groups;
  bool has_length = false;
  for (const auto& [name, value] : fields) {
    if (is_written_here(name)) continue;
    if (signature == Signature::dropped && equals_ignoring_case(name, "Authorization") && gateway::is_sigv4(value)) continue;
    has_length = has_length || equals_ignoring_case(name, "Content-Length");
    add_to(groups, name_in_events(name), std::string(value));
  }
  if (!has_length) groups.push_back({"Content-Length", {cat(body_size)}});
  groups.push_back({"X-Amzn-Trace-Id", {exchange.trace_id}});
  groups.push_back({"X-Forwarded-For", {gateway::forwarded_for(exchange.request, exchange.peer_address)}});
  groups.push_back({"X-Forwarded-Port", {std::string(gateway::forwarded_port(exchange.request, exchange.scheme()))}});
  groups.push_back({"X-Forwarded-Proto", {std::string(exchange.scheme())}});
  return groups;
}

Groups query_groups(std::string_view query) {
  Groups groups;
  for (auto& [name, value] : http::parse_query(query)) {
    const auto known = std::ranges::find(groups, name, &Group::name);
    if (known == groups.end())
      groups.push_back({std::move(name), {std::move(value)}});
    else
      known->values.push_back(std::move(value));
  }
  return groups;
}

void write_single(json::Writer& json, std::string_view key, const Groups& groups, WhenEmpty empty) {
  json.key(key);
  if (groups.empty() && empty == WhenEmpty::null) {
    json.null();
    return;
  }
  json.begin_object();
  for (const auto& group : groups) json.key(group.name).string(group.values.back());
  json.end_object();
}

void write_multi(json::Writer& json, std::string_view key, const Groups& groups) {
  json.key(key);
  if (groups.empty()) {
    json.null();
    return;
  }
  json.begin_object();
  for (const auto& group : groups) {
    json.key(group.name).begin_array();
    for (const auto& value : group.values) json.string(value);
    json.end_array();
  }
  json.end_object();
}

template <class Map>
void write_map(json::Writer& json, std::string_view key, const Map& map, WhenEmpty empty) {
  json.key(key);
  if (map.empty() && empty == WhenEmpty::null) {
    json.null();
    return;
  }
  json.begin_object();
  for (const auto& [name, value] : map) json.key(name).string(value);
  json.end_object();
}

void write_identity(json::Writer& json, const HttpExchange& exchange) {
  const auto* caller = exchange.caller.get();
  const auto text = [&](std::string_view key, const std::string aws::Caller::* field) {
    json.key(key);
    if (caller && !(caller->*field).empty())
      json.string(caller->*field);
    else
      json.null();
  };
  json.key("identity").begin_object();
  text("accessKey", &aws::Caller::access_key_id);
  text("accountId", &aws::Caller::account_id);
  text("caller", &aws::Caller::user_id);
  for (const auto* key : {"cognitoAmr", "cognitoAuthenticationProvider", "cognitoAuthenticationType", "cognitoIdentityId",
                          "cognitoIdentityPoolId", "principalOrgId"})
    json.key(key).null();
  json.key("sourceIp").string(exchange.peer_address);
  text("user", &aws::Caller::user_id);
  const auto* agent = exchange.request.find("User-Agent");
  json.key("userAgent").string(agent ? *agent : std::string_view());
  text("userArn", &aws::Caller::arn);
  if (const auto* certificate = exchange.client_certificate()) gateway::write_client_certificate(json, *certificate);
  json.end_object();
}

void write_authorizer_1(json::Writer& json, const HttpExchange& exchange) {
  if (exchange.token) {
    json.key("authorizer").begin_object();
    write_token(json, exchange);
    json.end_object();
    return;
  }
  const auto* grant = exchange.grant();
  if (!grant) return;
  json.key("authorizer").begin_object();
  if (grant->policy) json.key("principalId").string(grant->principal_id);
  if (const auto* members = grant->context.object())
    for (const auto& [key, value] : *members)
      if (key != "principalId") json.key(key).value(value);
  json.end_object();
}

std::string make_event_1(const HttpExchange& exchange, std::string_view body, const MappedRequest* mapped) {
  const auto& stage = *exchange.stage;
  const auto& route = *exchange.route;
  const std::string_view domain = exchange.address.domain_name;
  const auto path = mapped && mapped->path ? std::string_view(*mapped->path) : exchange.raw_path;
  const auto headers = mapped ? header_groups(exchange, mapped->headers, body.size(), Signature::dropped)
                              : header_groups(exchange, exchange.request.headers, body.size(), Signature::dropped);
  const auto query = query_groups(mapped ? std::string_view(mapped->query) : exchange.request.query);
  std::string event;
  event.reserve(2048 + body.size() + body.size() / 2);
  json::Writer json(event);
  json.begin_object();
  json.key("version").string("1.0");
  json.key("resource").string(route.path);
  json.key("path").string(path);
  json.key("httpMethod").string(exchange.request.method);
  write_single(json, "headers", headers, WhenEmpty::null);
  write_multi(json, "multiValueHeaders", headers);
  write_single(json, "queryStringParameters", query, WhenEmpty::null);
  write_multi(json, "multiValueQueryStringParameters", query);
  json.key("requestContext").begin_object();
  json.key("accountId").string(stage.account_id);
  json.key("apiId").string(stage.api_id);
  write_authorizer_1(json, exchange);
  json.key("domainName").string(domain);
  json.key("domainPrefix").string(domain.substr(0, domain.find('.')));
  json.key("extendedRequestId").string(exchange.id);
  json.key("httpMethod").string(exchange.request.method);
  write_identity(json, exchange);
  json.key("path").string(exchange.raw_path);
  json.key("protocol").string(exchange.request.version_minor ? "HTTP/1.1" : "HTTP/1.0");
  json.key("requestId").string(exchange.id);
  json.key("requestTime").string(clf_time(exchange.at));
  json.key("requestTimeEpoch").number(to_epoch_ms(exchange.at));
  json.key("resourceId").string(route.key);
  json.key("resourcePath").string(route.path);
  json.key("stage").string(stage.name);
  json.end_object();
  write_map(json, "pathParameters", path_parameters_of(exchange), WhenEmpty::null);
  write_map(json, "stageVariables", stage.variables, WhenEmpty::null);
  const bool text =
      lambda::is_text_event_body(exchange.request.find("Content-Type"), body, stage.choices.form_body == Choices::FormBody::base64);
  json.key("body");
  if (body.empty())
    json.null();
  else if (text)
    json.string(body);
  else
    json.string(to_base64(body));
  json.key("isBase64Encoded").boolean(!body.empty() && !text);
  json.end_object();
  return event;
}

std::string make_authorizer_event_1(const HttpExchange& exchange, const std::vector<std::string>& sources) {
  const auto& stage = *exchange.stage;
  const auto& route = *exchange.route;
  const auto token = join(sources, ",");
  std::string event;
  event.reserve(2048);
  json::Writer json(event);
  json.begin_object();
  json.key("version").string("1.0");
  json.key("type").string("REQUEST");
  json.key("methodArn").string(exchange.route_arn);
  json.key("identitySource").string(token);
  json.key("authorizationToken").string(token);
  json.key("resource").string(route.path);
  json.key("path").string(exchange.raw_path);
  json.key("httpMethod").string(exchange.request.method);
  write_single(json, "headers", header_groups(exchange, exchange.request.headers, 0, Signature::kept), WhenEmpty::braces);
  write_single(json, "queryStringParameters", query_groups(exchange.request.query), WhenEmpty::braces);
  write_map(json, "pathParameters", path_parameters_of(exchange), WhenEmpty::braces);
  write_map(json, "stageVariables", stage.variables, WhenEmpty::braces);
  json.key("requestContext").begin_object();
  json.key("path").string(exchange.raw_path);
  json.key("accountId").string(stage.account_id);
  json.key("resourceId").string(route.key);
  json.key("stage").string(stage.name);
  json.key("requestId").string(exchange.id);
  write_identity(json, exchange);
  json.key("resourcePath").string(route.path);
  json.key("httpMethod").string(exchange.request.method);
  json.key("apiId").string(stage.api_id);
  json.end_object();
  json.end_object();
  return event;
}

}  // namespace

std::string make_proxy_event(const HttpExchange& exchange, PayloadVersion version, std::string_view body, const MappedRequest* mapped) {
  return version == PayloadVersion::v2 ? make_event_2(exchange, body, mapped) : make_event_1(exchange, body, mapped);
}

std::string make_authorizer_event(const HttpExchange& exchange, PayloadVersion version, const std::vector<std::string>& sources) {
  return version == PayloadVersion::v2 ? make_authorizer_event_2(exchange, sources) : make_authorizer_event_1(exchange, sources);
}

}  // namespace sallyport::http_api
