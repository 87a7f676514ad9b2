#include "lambda/http_event.hpp"

#include <vector>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace sallyport::lambda {
namespace {

using Joined = std::vector<std::pair<std::string, std::string>>;  // in the order of first appearance

void join_onto(Joined& all, std::string name, std::string_view value) {
  for (auto& [known, values] : all)
    if (known == name) {
      values.append(",").append(value);
      return;
    }
  all.emplace_back(std::move(name), std::string(value));
}

// The signature is the gateway's business: who has it could send the request again.
bool is_signature(std::string_view name, std::string_view value) {
  return equals_ignoring_case(name, "authorization") && value.starts_with("AWS4-");
}

bool is_written_here(std::string_view name) {
  for (const auto own : {"x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto"})
    if (equals_ignoring_case(name, own)) return true;
  return false;
}

bool is_hop_by_hop(std::string_view name) {
  for (const auto own : {"connection", "transfer-encoding", "expect"})
    if (equals_ignoring_case(name, own)) return true;
  return false;
}

std::string_view port_of(const HttpEventParts& parts) {
  const auto host = parts.request.host;
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) return host.substr(colon + 1);
  return parts.scheme == "https" ? "443" : "80";
}

Joined headers_of(const HttpEventParts& parts, std::vector<std::string>& cookies) {
  Joined headers;
  std::string forwarded;
  bool has_length = !parts.names_length;
  for (const auto& [name, value] : parts.fields) {
    if (equals_ignoring_case(name, "cookie")) {
      for (const auto cookie : split(value, ';'))
        if (const auto text = trim(cookie); !text.empty()) cookies.emplace_back(text);
    } else if (equals_ignoring_case(name, "x-forwarded-for")) {
      forwarded += cat(value, ", ");
    } else if ((parts.keeps_signature || !is_signature(name, value)) && !is_written_here(name) && !is_hop_by_hop(name)) {
      has_length = has_length || equals_ignoring_case(name, "content-length");
      join_onto(headers, lower(name), value);
    }
  }
  if (!has_length) headers.emplace_back("content-length", cat(parts.body.size()));
  headers.emplace_back("x-amzn-trace-id", std::string(parts.trace_id));
  headers.emplace_back("x-forwarded-for", cat(forwarded, parts.peer_address));
  headers.emplace_back("x-forwarded-port", std::string(port_of(parts)));
  headers.emplace_back("x-forwarded-proto", std::string(parts.scheme));
  return headers;
}

template <class Map>
void write_map(json::Writer& json, const Map& map) {
  json.begin_object();
  for (const auto& [name, value] : map) json.key(name).string(value);
  json.end_object();
}

void write_text_or_null(json::Writer& json, std::string_view key, std::string_view text) {
  json.key(key);
  if (text.empty())
    json.null();
  else
    json.string(text);
}

void write_request_context(json::Writer& json, const HttpEventParts& parts) {
  json.key("requestContext").begin_object();
  json.key("accountId").string(parts.account_id);
  json.key("apiId").string(parts.api_id);
  if (!parts.authentication.empty()) json.key("authentication").raw(parts.authentication);
  if (!parts.authorizer.empty()) json.key("authorizer").raw(parts.authorizer);
  json.key("domainName").string(parts.domain_name);
  json.key("domainPrefix").string(parts.domain_prefix);
  json.key("http").begin_object();
  json.key("method").string(parts.request.method);
  json.key("path").string(parts.path);
  json.key("protocol").string(parts.request.version_minor ? "HTTP/1.1" : "HTTP/1.0");
  json.key("sourceIp").string(parts.peer_address);
  const auto* agent = parts.request.find("User-Agent");
  json.key("userAgent").string(agent ? *agent : std::string_view());
  json.end_object();
  json.key("requestId").string(parts.request_id);
  json.key("routeKey").string(parts.route_key);
  json.key("stage").string(parts.stage);
  json.key("time").string(clf_time(parts.at));
  json.key("timeEpoch").number(to_epoch_ms(parts.at));
  json.end_object();
}

}  // namespace

bool is_text_body(const std::string_view* content_type, std::string_view body) {
  if (!content_type || content_type->empty()) return valid_utf8_prefix(body) == body.size();
  const auto type = lower(trim(content_type->substr(0, content_type->find(';'))));
  return type.starts_with("text/") || type == "application/json" || type.ends_with("+json") || type == "application/xml" ||
         type.ends_with("+xml") || type == "application/javascript" || type == "application/x-www-form-urlencoded";
}

bool is_text_event_body(const std::string_view* content_type, std::string_view body, bool forms_are_binary) {
  constexpr std::string_view form = "application/x-www-form-urlencoded";
  if (forms_are_binary && content_type && starts_with_ignoring_case(trim(*content_type), form)) return false;
  return is_text_body(content_type, body) && valid_utf8_prefix(body) == body.size();
}

std::string describe_iam_caller(const aws::Caller& caller) {
  std::string out;
  json::Writer json(out);
  json.begin_object().key("iam").begin_object();
  write_text_or_null(json, "accessKey", caller.access_key_id);
  json.key("accountId").string(caller.account_id);
  json.key("callerId").string(caller.user_id);
  json.key("cognitoIdentity").null();
  json.key("principalOrgId").null();
  json.key("userArn").string(caller.arn);
  json.key("userId").string(caller.user_id);
  json.end_object().end_object();
  return out;
}

void write_http_request(json::Writer& json, const HttpEventParts& parts) {
  std::vector<std::string> cookies;
  const auto headers = headers_of(parts, cookies);
  json.key("routeKey").string(parts.route_key);
  json.key("rawPath").string(parts.path);
  json.key("rawQueryString").string(parts.query);
  if (!cookies.empty()) {
    json.key("cookies").begin_array();
    for (const auto& cookie : cookies) json.string(cookie);
    json.end_array();
  }
  json.key("headers");
  write_map(json, headers);
  Joined query;
  for (auto& [name, value] : http::parse_query(parts.query)) join_onto(query, std::move(name), value);
  if (!query.empty()) {
    json.key("queryStringParameters");
    write_map(json, query);
  }
  write_request_context(json, parts);
  if (!parts.path_parameters.empty()) {
    json.key("pathParameters");
    write_map(json, parts.path_parameters);
  }
  if (parts.stage_variables && !parts.stage_variables->empty()) {
    json.key("stageVariables");
    write_map(json, *parts.stage_variables);
  }
}

std::string make_http_event(const HttpEventParts& parts) {
  std::string event;
  event.reserve(1536 + parts.body.size() + parts.body.size() / 2);
  json::Writer json(event);
  json.begin_object().key("version").string("2.0");
  write_http_request(json, parts);
  const std::string_view* type = nullptr;
  for (const auto& field : parts.fields)
    if (equals_ignoring_case(field.name, "content-type")) type = &field.value;
  const bool text = is_text_event_body(type, parts.body, parts.forms_are_binary);
  if (!parts.body.empty()) {
    json.key("body");
    if (text)
      json.string(parts.body);
    else
      json.string(to_base64(parts.body));
  }
  json.key("isBase64Encoded").boolean(!parts.body.empty() && !text);
  json.end_object();
  return event;
}

}  // namespace sallyport::lambda
