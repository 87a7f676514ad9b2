#include "identity/authorization.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::identity {
namespace {

std::unexpected<SigV4Refusal> incomplete(std::string message, std::string reason) {
  return fail(SigV4Refusal{SigV4Code::incomplete_signature, std::move(message), {.reason = std::move(reason)}});
}

/// The header's value; an error when there are two of them.
Result<std::optional<std::string_view>, SigV4Refusal> single_header(const http::Request& request, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& field : request.headers) {
    if (!equals_ignoring_case(field.name, name)) continue;
    if (found) return incomplete(cat("Found more than one '", name, "' header. "), cat("the header ", name, " is there twice"));
    found = trim(field.value);
  }
  return found;
}

Result<const QueryParameter*, SigV4Refusal> single_parameter(const std::vector<QueryParameter>& query, std::string_view name) {
  const QueryParameter* found = nullptr;
  for (const auto& parameter : query) {
    if (!equals_ignoring_case(parameter.name, name)) continue;
    if (found)
      return incomplete(cat("Found more than one '", name, "' query-string parameter. "), cat("the parameter ", name, " is there twice"));
    found = &parameter;
  }
  return found;
}

/// Every parameter that takes part in authentication, as found in the query.
struct QueryForm {
  static constexpr std::array<std::string_view, 8> names{"X-Amz-Algorithm",      "X-Amz-Credential",    "X-Amz-Signature",
                                                         "X-Amz-SignedHeaders",  "X-Amz-Date",          "X-Amz-Expires",
                                                         "X-Amz-Security-Token", "X-Amz-Content-Sha256"};
  enum Index { algorithm, credential, signature, signed_headers, date, expires, token, content_sha256 };
  std::array<const QueryParameter*, names.size()> found{};

  std::string text(Index i) const { return found[i] ? found[i]->value : std::string(); }
  std::optional<std::string> optional(Index i) const { return found[i] ? std::optional(found[i]->value) : std::nullopt; }
  /// A date, a token or a hash alone is an ordinary parameter of some API.
  bool is_signed() const { return found[algorithm] || found[credential] || found[signature] || found[signed_headers]; }
};

/// The headers that take part, beside Authorization.
struct HeaderForm {
  std::optional<std::string_view> authorization, amz_date, date, token, content_sha256;
};

Result<HeaderForm, SigV4Refusal> read_headers(const http::Request& request) {
  HeaderForm form;
  for (const auto& [name, member] : {std::pair{"Authorization", &HeaderForm::authorization},
                                     {"X-Amz-Date", &HeaderForm::amz_date},
                                     {"Date", &HeaderForm::date},
                                     {"X-Amz-Security-Token", &HeaderForm::token},
                                     {"X-Amz-Content-Sha256", &HeaderForm::content_sha256}}) {
    auto value = single_header(request, name);
    if (!value) return fail(std::move(value.error()));
    form.*member = *value;
  }
  return form;
}

/// Algorithm Credential=..., SignedHeaders=..., Signature=...
Result<Authorization, SigV4Refusal> parse_header_form(const HeaderForm& form) {
  const auto header = *form.authorization;
  const auto space = header.find(' ');
  Authorization parsed{.algorithm = std::string(header.substr(0, space))};
  std::optional<std::string_view> credential, signed_headers, signature;
  for (const auto part : split(space == header.npos ? std::string_view() : header.substr(space + 1), ',')) {
    const auto pair = trim(part);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == pair.npos)
      return incomplete(cat("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with "
                            "Base64): '",
                            to_base64(crypto::sha256(header)), "'."),
                        "the Authorization header is no list of key=value pairs");
    const auto key = pair.substr(0, equals);
    auto* const slot = key == "Credential"      ? &credential
                       : key == "SignedHeaders" ? &signed_headers
                       : key == "Signature"     ? &signature
                                                : nullptr;
    if (!slot) continue;
    if (*slot)
      return incomplete(cat("Found more than one '", key, "' parameter in the Authorization header. "),
                        cat("the Authorization header has ", key, " twice"));
    *slot = pair.substr(equals + 1);
  }
  std::string missing;
  const auto require = [&missing](bool there, std::string_view sentence) {
    if (!there) missing += sentence;
  };
  const auto timestamp = form.amz_date ? form.amz_date : form.date;
  require(credential && !credential->empty(), "Authorization header requires 'Credential' parameter. ");
  require(signature && !signature->empty(), "Authorization header requires 'Signature' parameter. ");
  require(signed_headers.has_value(), "Authorization header requires 'SignedHeaders' parameter. ");
  require(timestamp && !timestamp->empty(), "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
  if (!missing.empty()) return incomplete(cat(missing, "Authorization=", header), "the signature is incomplete");

  parsed.credential = *credential;
  parsed.signed_headers = *signed_headers;
  parsed.signature = *signature;
  parsed.timestamp = *timestamp;
  if (form.token) parsed.session_token = std::string(*form.token);
  if (form.content_sha256) parsed.content_sha256 = std::string(*form.content_sha256);
  return parsed;
}

Result<Authorization, SigV4Refusal> parse_query_form(const QueryForm& form, const HeaderForm& headers) {
  if (headers.amz_date || headers.token || (headers.content_sha256 && form.found[QueryForm::content_sha256]))
    return incomplete("Found authentication parameters both in the query-string and in the headers. ",
                      "a presigned request must not have X-Amz-Date, X-Amz-Security-Token or a second X-Amz-Content-Sha256 as a header");
  std::string missing;
  for (const auto i :
       {QueryForm::algorithm, QueryForm::credential, QueryForm::signature, QueryForm::signed_headers, QueryForm::date, QueryForm::expires})
    if (!form.found[i] || (form.found[i]->value.empty() && i != QueryForm::signed_headers))
      missing += cat("AWS query-string parameters must include '", QueryForm::names[i], "'. ");
  if (!missing.empty()) return incomplete(missing + "Re-examine the query-string parameters.", "the signature is incomplete");

  Authorization parsed{.form = Authorization::Form::presigned,
                       .algorithm = form.text(QueryForm::algorithm),
                       .credential = form.text(QueryForm::credential),
                       .signed_headers = form.text(QueryForm::signed_headers),
                       .signature = form.text(QueryForm::signature),
                       .timestamp = form.text(QueryForm::date),
                       .expires = form.text(QueryForm::expires),
                       .session_token = form.optional(QueryForm::token),
                       .content_sha256 = form.optional(QueryForm::content_sha256)};
  if (headers.content_sha256) parsed.content_sha256 = std::string(*headers.content_sha256);
  return parsed;
}

}  // namespace

Result<Authorization, SigV4Refusal> parse_authorization(const http::Request& request) {
  auto headers = read_headers(request);
  if (!headers) return fail(std::move(headers.error()));
  auto query = read_query(request.query);
  QueryForm form;
  for (std::size_t i = 0; i < form.names.size(); ++i) {
    const auto found = single_parameter(query, form.names[i]);
    if (!found) return fail(found.error());
    form.found[i] = *found;
  }
  const bool has_header = headers->authorization && !headers->authorization->empty();
  if (!has_header && !form.is_signed())
    return fail(
        SigV4Refusal{SigV4Code::missing_authentication_token, "Missing Authentication Token", {.reason = "the request is not signed"}});
  if (has_header)
    for (std::size_t i = 0; i < form.names.size(); ++i)
      if (form.found[i])
        return fail(SigV4Refusal{SigV4Code::invalid_signature,
                                 cat("Found both '", form.names[i], "' as a query-string param and 'Authorization' as HTTP header."),
                                 {.reason = "the request is signed in the header and in the query; which one counts is in doubt"}});
  auto parsed = has_header ? parse_header_form(*headers) : parse_query_form(form, *headers);
  if (parsed) parsed->query = std::move(query);
  return parsed;
}

std::optional<CredentialScope> split_credential(std::string_view credential) {
  if (std::ranges::count(credential, '/') != 4) return std::nullopt;
  const auto parts = split(credential, '/');
  return CredentialScope{parts[0], parts[1], parts[2], parts[3], parts[4]};
}

}  // namespace sallyport::identity
