#include "gateway/source.hpp"

#include <array>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "gateway/exchange.hpp"
#include "gateway/stage.hpp"
#include "json/write.hpp"

namespace sallyport::gateway {
namespace {

struct NamedField {
  std::string_view name;
  ContextField field;
};
constexpr std::array named_fields = {
    NamedField{"accountId", ContextField::account_id},
    NamedField{"apiId", ContextField::api_id},
    NamedField{"deploymentId", ContextField::deployment_id},
    NamedField{"domainName", ContextField::domain_name},
    NamedField{"domainPrefix", ContextField::domain_prefix},
    NamedField{"error.message", ContextField::error_message},
    NamedField{"error.messageString", ContextField::error_message_string},
    NamedField{"error.responseType", ContextField::error_response_type},
    NamedField{"error.validationErrorString", ContextField::error_validation},
    NamedField{"extendedRequestId", ContextField::extended_request_id},
    NamedField{"httpMethod", ContextField::http_method},
    NamedField{"identity.sourceIp", ContextField::source_ip},
    NamedField{"identity.userAgent", ContextField::user_agent},
    NamedField{"path", ContextField::path},
    NamedField{"protocol", ContextField::protocol},
    NamedField{"requestId", ContextField::request_id},
    NamedField{"requestTime", ContextField::request_time},
    NamedField{"requestTimeEpoch", ContextField::request_time_epoch},
    NamedField{"resourceId", ContextField::resource_id},
    NamedField{"resourcePath", ContextField::resource_path},
    NamedField{"stage", ContextField::stage},
    NamedField{"awsEndpointRequestId", ContextField::unset},
    NamedField{"isCanaryRequest", ContextField::unset},
    NamedField{"wafResponseCode", ContextField::unset},
    NamedField{"webaclArn", ContextField::unset},
    NamedField{"xrayTraceId", ContextField::unset},
    NamedField{"identity.accessKey", ContextField::caller_access_key},
    NamedField{"identity.accountId", ContextField::caller_account_id},
    NamedField{"identity.apiKey", ContextField::api_key},
    NamedField{"identity.apiKeyId", ContextField::api_key_id},
    NamedField{"identity.caller", ContextField::caller_id},
    NamedField{"identity.cognitoAuthenticationProvider", ContextField::unset},
    NamedField{"identity.cognitoAuthenticationType", ContextField::unset},
    NamedField{"identity.cognitoIdentityId", ContextField::unset},
    NamedField{"identity.cognitoIdentityPoolId", ContextField::unset},
    NamedField{"identity.principalOrgId", ContextField::unset},
    NamedField{"identity.user", ContextField::caller_id},
    NamedField{"identity.userArn", ContextField::caller_arn},
    NamedField{"identity.clientCert.clientCertPem", ContextField::client_pem},
    NamedField{"identity.clientCert.subjectDN", ContextField::client_subject},
    NamedField{"identity.clientCert.issuerDN", ContextField::client_issuer},
    NamedField{"identity.clientCert.serialNumber", ContextField::client_serial},
    NamedField{"identity.clientCert.validity.notBefore", ContextField::client_not_before},
    NamedField{"identity.clientCert.validity.notAfter", ContextField::client_not_after},
};

struct Place {
  std::string_view prefix;
  Source::Kind kind;
};
constexpr std::array places = {
    Place{"method.request.header.", Source::Kind::header},
    Place{"method.request.querystring.", Source::Kind::query},
    Place{"method.request.path.", Source::Kind::path},
    Place{"method.request.multivalueheader.", Source::Kind::multi_header},
    Place{"method.request.multivaluequerystring.", Source::Kind::multi_query},
};

std::optional<std::string> text_of(const std::string_view* view) { return view ? std::optional<std::string>(*view) : std::nullopt; }

std::optional<std::string> query_value(const Exchange& exchange, std::string_view name) {
  std::optional<std::string> value;
  for (auto& [key, text] : http::parse_query(exchange.request.query))
    if (key == name) value = std::move(text);
  return value;
}

std::optional<std::string> joined(const std::vector<std::string>& values) {
  return values.empty() ? std::nullopt : std::optional(join(values, ","));
}

std::optional<std::string> of_caller(const Exchange& exchange, const std::string aws::Caller::* field) {
  return exchange.caller && !((*exchange.caller).*field).empty() ? std::optional((*exchange.caller).*field) : std::nullopt;
}

std::optional<std::string> of_certificate(const Exchange& exchange, std::string io::PeerCertificate::* field) {
  const auto* certificate = exchange.client_certificate();
  return certificate ? std::optional(certificate->*field) : std::nullopt;
}

std::optional<std::string> context_value(const Source& source, const Exchange& exchange, const Refusal* refusal) {
  const auto& stage = *exchange.stage;
  switch (source.field) {
    case ContextField::account_id: return stage.account_id;
    case ContextField::api_id: return stage.api_id;
    case ContextField::api_key: return exchange.api_key;
    case ContextField::api_key_id: return exchange.api_key ? std::optional(exchange.api_key_id) : std::nullopt;
    case ContextField::authorizer_value: {
      constexpr std::string_view claims = "claims.";
      if (exchange.token)
        return source.name.starts_with(claims) ? exchange.claim(std::string_view(source.name).substr(claims.size())) : std::nullopt;
      const auto* grant = exchange.grant();
      if (!grant) return std::nullopt;
      if (source.name == "principalId") return grant->principal_id;
      for (const auto& [key, value] : grant->context)
        if (key == source.name) return value;
      return std::nullopt;
    }
    case ContextField::caller_access_key: return of_caller(exchange, &aws::Caller::access_key_id);
    case ContextField::caller_account_id: return of_caller(exchange, &aws::Caller::account_id);
    case ContextField::caller_arn: return of_caller(exchange, &aws::Caller::arn);
    case ContextField::caller_id: return of_caller(exchange, &aws::Caller::user_id);
    case ContextField::client_issuer: return of_certificate(exchange, &io::PeerCertificate::issuer);
    case ContextField::client_not_after: return of_certificate(exchange, &io::PeerCertificate::not_after);
    case ContextField::client_not_before: return of_certificate(exchange, &io::PeerCertificate::not_before);
    case ContextField::client_pem: return of_certificate(exchange, &io::PeerCertificate::pem);
    case ContextField::client_serial: return of_certificate(exchange, &io::PeerCertificate::serial_number);
    case ContextField::client_subject: return of_certificate(exchange, &io::PeerCertificate::subject);
    case ContextField::deployment_id: return stage.deployment_id;
    case ContextField::domain_name: return exchange.address.domain_name;
    case ContextField::domain_prefix: return exchange.address.domain_name.substr(0, exchange.address.domain_name.find('.'));
    case ContextField::error_message: {
      const auto message = refusal ? message_of(*refusal) : std::nullopt;
      return message ? std::optional<std::string>(*message) : std::nullopt;
    }
    case ContextField::error_message_string: {
      const auto message = refusal ? message_of(*refusal) : std::nullopt;
      if (!refusal) return std::nullopt;
      if (!message) return "null";
      std::string quoted;
      json::append_string(quoted, *message);
      return quoted;
    }
    case ContextField::error_response_type: return refusal ? std::optional<std::string>(row_of(refusal->type).name) : std::nullopt;
    case ContextField::error_validation:
      return refusal && !refusal->validation_error.empty() ? std::optional(refusal->validation_error) : std::nullopt;
    case ContextField::extended_request_id: return exchange.extended_id;
    case ContextField::http_method: return std::string(exchange.request.method);
    case ContextField::path: return std::string(exchange.address.path_with_stage);
    case ContextField::protocol: return cat("HTTP/1.", exchange.request.version_minor);
    case ContextField::request_id: return exchange.id.text();
    case ContextField::request_time: return clf_time(exchange.at);
    case ContextField::request_time_epoch: return cat(to_epoch_ms(exchange.at));
    case ContextField::resource_id: return exchange.method ? std::optional(exchange.method->resource_id) : std::nullopt;
    case ContextField::resource_path: return exchange.method ? std::optional(exchange.method->resource_path) : std::nullopt;
    case ContextField::source_ip: return exchange.peer_address;
    case ContextField::stage: return stage.name;
    case ContextField::user_agent: return text_of(exchange.request.find("User-Agent"));
    case ContextField::unset: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> message_of(const Refusal& refusal) {
  return refusal.message ? std::optional<std::string_view>(*refusal.message) : row_of(refusal.type).message;
}

std::optional<Source> parse_context(std::string_view name) {
  if (name.starts_with("authorizer.") && name.size() > 11) {
    name.remove_prefix(11);
    // A claim's name may hold what no dotted name may: claims['custom:role'].
    constexpr std::string_view quoted = "claims['";
    if (name.starts_with(quoted) && name.ends_with("']") && name.size() > quoted.size() + 2)
      return Source{Source::Kind::context, ContextField::authorizer_value,
                    cat("claims.", name.substr(quoted.size(), name.size() - quoted.size() - 2))};
    return Source{Source::Kind::context, ContextField::authorizer_value, std::string(name)};
  }
  for (const auto& known : named_fields)
    if (known.name == name) return Source{Source::Kind::context, known.field, {}};
  return std::nullopt;
}

Result<Source> parse_source(std::string_view text, const TextMap& variables) {
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'')
    return Source{Source::Kind::text, ContextField::unset, std::string(text.substr(1, text.size() - 2))};
  if (text.starts_with("context.")) {
    if (auto source = parse_context(text.substr(8))) return std::move(*source);
    return fail(cat("`", text, "` names no context variable"));
  }
  if (text.starts_with("stageVariables.") && text.size() > 15) {
    const auto variable = variables.find(text.substr(15));
    if (variable == variables.end()) return Source{Source::Kind::nothing, ContextField::unset, {}};
    return Source{Source::Kind::text, ContextField::unset, variable->second};
  }
  for (const auto& place : places)
    if (text.starts_with(place.prefix) && text.size() > place.prefix.size())
      return Source{place.kind, ContextField::unset, std::string(text.substr(place.prefix.size()))};
  return fail(cat("`", text,
                  "` is none of 'text', context.X, stageVariables.X, method.request.header.X, method.request.querystring.X and "
                  "method.request.path.X"));
}

std::optional<std::string> resolve(const Source& source, const Exchange& exchange, const Refusal* refusal) {
  switch (source.kind) {
    case Source::Kind::text: return source.name;
    case Source::Kind::nothing: return std::nullopt;
    case Source::Kind::context: return context_value(source, exchange, refusal);
    case Source::Kind::header: return text_of(exchange.request.find(source.name));
    case Source::Kind::multi_header: {
      std::vector<std::string> values;
      for (const auto& field : exchange.request.headers)
        if (equals_ignoring_case(field.name, source.name)) values.emplace_back(field.value);
      return joined(values);
    }
    case Source::Kind::query: return query_value(exchange, source.name);
    case Source::Kind::multi_query: {
      std::vector<std::string> values;
      for (auto& [key, text] : http::parse_query(exchange.request.query))
        if (key == source.name) values.push_back(std::move(text));
      return joined(values);
    }
    case Source::Kind::path: return text_of(exchange.path_value(source.name));
  }
  return std::nullopt;
}

json::Value context_member(std::string_view name, const Exchange& exchange) {
  json::Object members;
  if (name == "authorizer") {
    if (const auto* grant = exchange.grant()) {
      members.emplace_back("principalId", grant->principal_id);
      for (const auto& [key, value] : grant->context)
        if (key != "principalId") members.emplace_back(key, value);
    } else if (exchange.token) {
      json::Object claims;
      for (const auto& [key, value] : *exchange.token->claims.object())
        if (auto text = exchange.claim(key)) claims.emplace_back(key, std::move(*text));
      members.emplace_back("claims", std::move(claims));
    }
    return members.empty() ? json::Value() : json::Value(std::move(members));
  }
  for (const auto& known : named_fields) {
    const auto value = [&] { return context_value({Source::Kind::context, known.field, {}}, exchange, nullptr); };
    if (known.name == name) {
      if (known.field == ContextField::request_time_epoch) return to_epoch_ms(exchange.at);
      const auto text = value();
      return text ? json::Value(*text) : json::Value();
    }
    const bool is_within = known.name.size() > name.size() && known.name.starts_with(name) && known.name[name.size()] == '.';
    if (is_within && known.field != ContextField::unset)
      if (const auto text = value(); text) members.emplace_back(known.name.substr(name.size() + 1), *text);
  }
  return members.empty() ? json::Value() : json::Value(std::move(members));
}

}  // namespace sallyport::gateway
