#include "gateway/events.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/claims.hpp"
#include "gateway/header_rules.hpp"
#include "gateway/stage.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

/// A name with all its values, the last of which stands for it in single-value maps.
struct Group {
  std::string_view name, first;
  std::vector<std::string_view> others = {};
  std::string_view last() const { return others.empty() ? first : others.back(); }
};
/// Views into the exchange, and into what was made for the event.
using Groups = std::vector<Group>;

enum class WhenEmpty : std::uint8_t { null, braces };

void write_maps(json::Writer& json, std::string_view single, std::string_view multi, const Groups& groups, WhenEmpty empty) {
  if (groups.empty() && empty == WhenEmpty::null) {
    json.key(single).null().key(multi).null();
    return;
  }
  json.key(single).begin_object();
  for (const auto& group : groups) json.key(group.name).string(group.last());
  json.end_object().key(multi).begin_object();
  for (const auto& group : groups) {
    json.key(group.name).begin_array().string(group.first);
    for (const auto value : group.others) json.string(value);
    json.end_array();
  }
  json.end_object();
}

std::string_view name_in_events(std::string_view name) {
  if (equals_ignoring_case(name, "Authorization")) return "Authorization";
  if (equals_ignoring_case(name, "User-Agent")) return "User-Agent";
  return name;
}

enum class Signature : std::uint8_t { kept, dropped };

/// `forwarded_for` of the exchange outlives the groups.
Groups header_groups(const Exchange& exchange, std::string_view forwarded_for, Signature signature) {
  constexpr std::size_t added = 4;
  Groups groups;
  groups.reserve(exchange.request.headers.size() + added);
  for (const auto& [name, value] : exchange.request.headers) {
    if (rule_to_function(name) == HeaderRule::drop) continue;
    if (signature == Signature::dropped && equals_ignoring_case(name, "Authorization") && is_sigv4(value)) continue;
    const auto known = std::ranges::find_if(groups, [&](const Group& group) { return equals_ignoring_case(group.name, name); });
    if (known == groups.end())
      groups.push_back({name_in_events(name), value});
    else
      known->others.push_back(value);
  }
  if (!exchange.trace_id.empty()) groups.push_back({"X-Amzn-Trace-Id", exchange.trace_id});
  groups.push_back({"X-Forwarded-For", forwarded_for});
  groups.push_back({"X-Forwarded-Port", forwarded_port(exchange)});
  groups.push_back({"X-Forwarded-Proto", exchange.scheme()});
  return groups;
}

Groups query_groups(const std::vector<std::pair<std::string, std::string>>& query) {
  Groups groups;
  for (const auto& [name, value] : query) {
    const auto known = std::ranges::find(groups, name, &Group::name);
    if (known == groups.end())
      groups.push_back({name, value});
    else
      known->others.push_back(value);
  }
  return groups;
}

void write_headers(json::Writer& json, const Exchange& exchange, Signature signature, WhenEmpty empty) {
  const auto forwarded = forwarded_for(exchange);
  write_maps(json, "headers", "multiValueHeaders", header_groups(exchange, forwarded, signature), empty);
}

void write_query(json::Writer& json, const Exchange& exchange, WhenEmpty empty) {
  const auto query = http::parse_query(exchange.request.query);
  write_maps(json, "queryStringParameters", "multiValueQueryStringParameters", query_groups(query), empty);
}

void write_path_parameters(json::Writer& json, const Exchange& exchange, WhenEmpty empty) {
  json.key("pathParameters");
  if (exchange.path_values.empty() && empty == WhenEmpty::null) {
    json.null();
    return;
  }
  json.begin_object();
  for (std::size_t i = 0; i < exchange.path_values.size(); ++i)
    json.key(exchange.method->path_variables[i]).string(exchange.path_values[i]);
  json.end_object();
}

void write_stage_variables(json::Writer& json, const Exchange& exchange, WhenEmpty empty) {
  json.key("stageVariables");
  const auto& variables = exchange.stage->variables;
  if (variables.empty() && empty == WhenEmpty::null) {
    json.null();
    return;
  }
  json.begin_object();
  for (const auto& [name, value] : variables) json.key(name).string(value);
  json.end_object();
}

void write_authorizer(json::Writer& json, const Exchange& exchange) {
  if (exchange.token) {
    const auto claims = claims_for_event(exchange.method->authorizer->type, exchange.token->claims);
    json.key("authorizer").begin_object().key("claims").value(claims).end_object();
    return;
  }
  const auto* grant = exchange.grant();
  if (!grant) return;
  json.key("authorizer").begin_object().key("principalId").string(grant->principal_id);
  for (const auto& [key, value] : grant->context)
    if (key != "principalId" && key != "integrationLatency") json.key(key).string(value);
  // What the call cost this request: nothing when the answer was there already.
  const bool called = exchange.cache_use == CacheUse::miss || exchange.cache_use == CacheUse::off;
  json.key("integrationLatency").number(called ? exchange.authorizer_call->latency.count() : 0).end_object();
}

/// With a custom domain name the base path is part of it.
std::string_view path_of(const Exchange& exchange) {
  return exchange.address.by_custom_domain ? exchange.address.path_with_stage : exchange.address.path;
}

/// The caller's fields are null unless IAM authenticated it.
void write_identity(json::Writer& json, const Exchange& exchange) {
  const auto* caller = exchange.caller.get();
  const auto text = [&](std::string_view key, const std::string aws::Caller::* field) {
    json.key(key);
    if (caller && !(caller->*field).empty())
      json.string(caller->*field);
    else
      json.null();
  };
  json.key("identity").begin_object();
  json.key("cognitoIdentityPoolId").null();
  text("accountId", &aws::Caller::account_id);
  json.key("cognitoIdentityId").null();
  text("caller", &aws::Caller::user_id);
  json.key("sourceIp").string(exchange.peer_address);
  json.key("principalOrgId").null();
  text("accessKey", &aws::Caller::access_key_id);
  for (auto key : {"cognitoAuthenticationType", "cognitoAuthenticationProvider"}) json.key(key).null();
  text("userArn", &aws::Caller::arn);
  json.key("userAgent");
  if (const auto* agent = exchange.request.find("User-Agent"))
    json.string(*agent);
  else
    json.null();
  text("user", &aws::Caller::user_id);
  if (const auto* certificate = exchange.client_certificate()) write_client_certificate(json, *certificate);
  if (exchange.api_key) json.key("apiKey").string(*exchange.api_key).key("apiKeyId").string(exchange.api_key_id);
  json.end_object();
}

enum class WithAuthorizer : std::uint8_t { no, yes };

void write_request_context(json::Writer& json, const Exchange& exchange, WithAuthorizer with_authorizer) {
  const auto& stage = *exchange.stage;
  const auto& method = *exchange.method;
  json.key("requestContext").begin_object();
  json.key("resourceId").string(method.resource_id);
  if (with_authorizer == WithAuthorizer::yes) write_authorizer(json, exchange);
  json.key("resourcePath").string(method.resource_path);
  if (!method.operation_name.empty()) json.key("operationName").string(method.operation_name);
  json.key("httpMethod").string(exchange.request.method);
  json.key("extendedRequestId").string(exchange.extended_id);
  json.key("requestTime").string(clf_time(exchange.at));
  json.key("path").string(exchange.address.path_with_stage);
  json.key("accountId").string(stage.account_id);
  json.key("protocol").string(exchange.request.version_minor ? "HTTP/1.1" : "HTTP/1.0");
  json.key("stage").string(stage.name);
  json.key("domainPrefix").string(std::string_view(exchange.address.domain_name).substr(0, exchange.address.domain_name.find('.')));
  json.key("requestTimeEpoch").number(to_epoch_ms(exchange.at));
  json.key("requestId").string(exchange.id.text());
  write_identity(json, exchange);
  json.key("domainName").string(exchange.address.domain_name);
  json.key("deploymentId").string(stage.deployment_id);
  json.key("apiId").string(stage.api_id);
  json.end_object();
}

}  // namespace

std::string make_proxy_event(const Exchange& exchange, std::string_view body, BodyForm form) {
  std::string event;
  event.reserve(2048 + body.size() + body.size() / 2);
  json::Writer json(event);
  json.begin_object();
  json.key("resource").string(exchange.method->resource_path);
  json.key("path").string(path_of(exchange));
  json.key("httpMethod").string(exchange.request.method);
  write_headers(json, exchange, Signature::dropped, WhenEmpty::null);
  write_query(json, exchange, WhenEmpty::null);
  write_path_parameters(json, exchange, WhenEmpty::null);
  write_stage_variables(json, exchange, WhenEmpty::null);
  write_request_context(json, exchange, WithAuthorizer::yes);
  json.key("body");
  if (body.empty())
    json.null();
  else if (form == BodyForm::base64)
    json.string(to_base64(body));
  else
    json.string(body);
  json.key("isBase64Encoded").boolean(form == BodyForm::base64 && !body.empty());
  json.end_object();
  return event;
}

std::string make_token_event(std::string_view token, std::string_view method_arn) {
  std::string event;
  json::Writer json(event);
  json.begin_object().key("type").string("TOKEN").key("authorizationToken").string(token).key("methodArn").string(method_arn).end_object();
  return event;
}

std::string make_request_event(const Exchange& exchange) {
  std::string event;
  event.reserve(2048);
  json::Writer json(event);
  json.begin_object();
  json.key("type").string("REQUEST");
  json.key("methodArn").string(exchange.method_arn);
  json.key("resource").string(exchange.method->resource_path);
  json.key("path").string(path_of(exchange));
  json.key("httpMethod").string(exchange.request.method);
  write_headers(json, exchange, Signature::kept, WhenEmpty::braces);
  write_query(json, exchange, WhenEmpty::braces);
  write_path_parameters(json, exchange, WhenEmpty::braces);
  write_stage_variables(json, exchange, WhenEmpty::braces);
  write_request_context(json, exchange, WithAuthorizer::no);
  json.end_object();
  return event;
}

std::vector<http::Header> event_headers(const Exchange& exchange) {
  const auto forwarded = forwarded_for(exchange);
  std::vector<http::Header> out;
  for (const auto& group : header_groups(exchange, forwarded, Signature::dropped)) out.emplace_back(group.name, group.last());
  return out;
}

void write_client_certificate(json::Writer& json, const io::PeerCertificate& certificate) {
  json.key("clientCert").begin_object();
  json.key("clientCertPem").string(certificate.pem);
  json.key("subjectDN").string(certificate.subject);
  json.key("issuerDN").string(certificate.issuer);
  json.key("serialNumber").string(certificate.serial_number);
  json.key("validity").begin_object();
  json.key("notBefore").string(certificate.not_before);
  json.key("notAfter").string(certificate.not_after);
  json.end_object().end_object();
}

std::string forwarded_for(const Exchange& exchange) { return forwarded_for(exchange.request, exchange.peer_address); }

std::string forwarded_for(const http::Request& request, std::string_view peer_address) {
  std::string all;
  for (const auto& [name, value] : request.headers)
    if (equals_ignoring_case(name, "X-Forwarded-For") && !value.empty()) all += cat(value, ", ");
  return all.append(peer_address);
}

std::string_view forwarded_port(const Exchange& exchange) { return forwarded_port(exchange.request, exchange.scheme()); }

std::string_view forwarded_port(const http::Request& request, std::string_view scheme) {
  const auto host = request.host;
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) return host.substr(colon + 1);
  return scheme == "https" ? "443" : "80";
}

}  // namespace sallyport::gateway
