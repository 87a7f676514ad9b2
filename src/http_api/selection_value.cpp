#include "http_api/selection_value.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "http_api/stage.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::http_api {
namespace {

std::optional<std::string> joined(const std::vector<std::string>& values) {
  return values.empty() ? std::nullopt : std::optional(join(values, ","));
}

std::optional<std::string> as_text(const json::Value* value) {
  if (!value || value->is_null()) return std::nullopt;
  return value->string() ? *value->string() : json::to_text(*value);
}

/// `.name`, `[0]` or `['name']` from the front of a path; the first name needs no dot.
std::optional<std::string_view> next_step(std::string_view& path, bool& is_index) {
  is_index = false;
  if (path.starts_with('[')) {
    const auto end = path.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    auto step = path.substr(1, end - 1);
    path.remove_prefix(end + 1);
    is_index = step.empty() || step.front() != '\'';
    if (!is_index) step = step.size() >= 2 && step.back() == '\'' ? step.substr(1, step.size() - 2) : std::string_view();
    return step;
  }
  if (path.starts_with('.')) path.remove_prefix(1);
  const auto end = std::min(path.find_first_of(".["), path.size());
  const auto step = path.substr(0, end);
  path.remove_prefix(end);
  return step.empty() ? std::nullopt : std::optional(step);
}

std::optional<std::string> text_or_nothing(std::string_view text) { return text.empty() ? std::nullopt : std::optional(std::string(text)); }

std::optional<std::string> certificate_value(std::string_view name, const HttpExchange& exchange) {
  using Certificate = io::PeerCertificate;
  constexpr std::pair<std::string_view, std::string Certificate::*> fields[] = {{"clientCertPem", &Certificate::pem},
                                                                                {"subjectDN", &Certificate::subject},
                                                                                {"issuerDN", &Certificate::issuer},
                                                                                {"serialNumber", &Certificate::serial_number},
                                                                                {"validity.notBefore", &Certificate::not_before},
                                                                                {"validity.notAfter", &Certificate::not_after}};
  const auto* certificate = exchange.client_certificate();
  if (!certificate) return std::nullopt;
  for (const auto& [known, field] : fields)
    if (name == known) return certificate->*field;
  return std::nullopt;
}

std::optional<std::string> caller_value(std::string_view name, const HttpExchange& exchange) {
  constexpr std::string_view certificate = "clientCert.";
  if (name.starts_with(certificate)) return certificate_value(name.substr(certificate.size()), exchange);
  if (name == "sourceIp") return exchange.peer_address;
  if (name == "userAgent") {
    const auto* agent = exchange.request.find("User-Agent");
    return agent ? std::optional(std::string(*agent)) : std::nullopt;
  }
  const auto* caller = exchange.caller.get();
  if (!caller) return std::nullopt;
  if (name == "accountId") return text_or_nothing(caller->account_id);
  if (name == "caller" || name == "user") return text_or_nothing(caller->user_id);
  if (name == "userArn") return text_or_nothing(caller->arn);
  return std::nullopt;
}

std::optional<std::string> authorizer_value(std::string_view name, const HttpExchange& exchange) {
  constexpr std::string_view claims = "claims.";
  if (name.starts_with(claims)) {
    const auto* claim = exchange.token ? exchange.token->claims.find(name.substr(claims.size())) : nullptr;
    return claim ? std::optional(claim_text(*claim)) : std::nullopt;
  }
  const auto* grant = exchange.grant();
  if (!grant) return std::nullopt;
  if (name == "principalId" && grant->policy) return grant->principal_id;
  return as_text(grant->context.find(name));
}

void append_claim(std::string& out, const json::Value& claim) {
  if (const auto* text = claim.string()) {
    out += *text;
  } else if (const auto* list = claim.array()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i) out += ' ';
      append_claim(out, (*list)[i]);
    }
    out += ']';
  } else if (const auto* members = claim.object()) {
    auto sorted = *members;
    std::ranges::sort(sorted, {}, &json::Member::first);
    out += "map[";
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      out += cat(i ? " " : "", sorted[i].first, ":");
      append_claim(out, sorted[i].second);
    }
    out += ']';
  } else {
    json::append_value(out, claim);
  }
}

}  // namespace

std::string claim_text(const json::Value& claim) {
  std::string out;
  append_claim(out, claim);
  return out;
}

std::optional<std::string> select_in_json(std::string_view text, std::string_view path) {
  if (path.empty()) return std::string(text);
  if (text.size() > limits::selected_body_bytes_max) return std::nullopt;
  const auto document = json::parse(text);
  if (!document) return std::nullopt;
  const auto* at = &*document;
  while (at && !path.empty()) {
    bool is_index = false;
    const auto step = next_step(path, is_index);
    if (!step) return std::nullopt;
    if (is_index) {
      const auto index = parse_number<std::size_t>(*step);
      const auto* list = at->array();
      at = index && list && *index < list->size() ? &(*list)[*index] : nullptr;
    } else {
      at = at->find(*step);
    }
  }
  return as_text(at);
}

std::optional<std::string> context_value(std::string_view name, const HttpExchange& exchange) {
  constexpr std::string_view identity = "identity.", authorizer = "authorizer.";
  if (name.starts_with(identity)) return caller_value(name.substr(identity.size()), exchange);
  if (name.starts_with(authorizer)) return authorizer_value(name.substr(authorizer.size()), exchange);
  const auto& stage = *exchange.stage;
  const std::string_view domain = exchange.address.domain_name;
  if (name == "accountId") return stage.account_id;
  if (name == "apiId") return stage.api_id;
  if (name == "domainName") return std::string(domain);
  if (name == "domainPrefix") return std::string(domain.substr(0, domain.find('.')));
  if (name == "requestId" || name == "extendedRequestId") return exchange.id;
  if (name == "httpMethod") return std::string(exchange.request.method);
  if (name == "path") return std::string(exchange.raw_path);
  if (name == "protocol") return std::string(exchange.request.version_minor ? "HTTP/1.1" : "HTTP/1.0");
  if (name == "requestTime") return clf_time(exchange.at);
  if (name == "requestTimeEpoch") return cat(to_epoch_ms(exchange.at));
  if (name == "routeKey") return text_or_nothing(exchange.route_key());
  if (name == "stage") return stage.name;
  if (name == "integrationStatus" || name == "integration.integrationStatus" || name == "integration.status")
    return exchange.integration_status ? std::optional(cat(exchange.integration_status)) : std::nullopt;
  if (name == "integration.requestId") return text_or_nothing(exchange.function_request_id.text());
  return std::nullopt;
}

std::vector<std::string> resolve_all(const Selection& selection, const HttpExchange& exchange) {
  std::vector<std::string> values;
  if (selection.kind == Selection::Kind::header) {
    for (const auto& [name, value] : exchange.request.headers)
      if (equals_ignoring_case(name, selection.name)) values.emplace_back(value);
  } else if (selection.kind == Selection::Kind::query) {
    for (auto& [name, value] : http::parse_query(exchange.request.query))
      if (name == selection.name) values.push_back(std::move(value));
  } else if (auto value = resolve(selection, exchange)) {
    values.push_back(std::move(*value));
  }
  return values;
}

std::optional<std::string> resolve(const Selection& selection, const HttpExchange& exchange, const SelectionScope& scope) {
  using enum Selection::Kind;
  switch (selection.kind) {
    case text: return selection.name;
    case header:
    case query: return joined(resolve_all(selection, exchange));
    case path: return std::string(exchange.path);
    case path_parameter: {
      const auto* value = exchange.path_value(selection.name);
      return value ? std::optional(std::string(*value)) : std::nullopt;
    }
    case body: return select_in_json(scope.request_body, selection.name);
    case context: return context_value(selection.name, exchange);
    case stage_variable: {
      const auto found = exchange.stage->variables.find(selection.name);
      return found == exchange.stage->variables.end() ? std::nullopt : std::optional(found->second);
    }
    case response_header: {
      if (!scope.answer) return std::nullopt;
      std::vector<std::string> values;
      for (const auto& [name, value] : scope.answer->headers)
        if (equals_ignoring_case(name, selection.name)) values.push_back(value);
      return joined(values);
    }
    case response_body: return scope.answer ? select_in_json(scope.answer->body, selection.name) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace sallyport::http_api
