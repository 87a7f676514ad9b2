#include "identity/diagnose.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace sallyport::identity {
namespace {

/// The headers with another value for `host`.
std::string with_host(std::string_view headers, std::string_view host) {
  std::string out;
  for (const auto line : split(headers, '\n')) {
    if (line.empty()) continue;  // behind the last line end
    if (line.starts_with("host:"))
      out += cat("host:", host, "\n");
    else
      out.append(line).append("\n");
  }
  return out;
}

/// What a form decoder makes of the query: `+` is a space.
std::vector<QueryParameter> read_as_form(std::string_view query) { return read_query(replace_all(query, "+", "%20")); }

}  // namespace

std::string likely_reason(const CanonicalParts& parts, const http::Request& request, const Authorization& authorization,
                          const std::function<bool(const CanonicalParts&)>& matches) {
  struct Variant {
    std::string_view reason;
    CanonicalParts parts;
  };
  std::vector<Variant> variants;
  const auto variant = [&](std::string_view reason, std::string CanonicalParts::* part, std::string value) {
    if (parts.*part == value) return;
    variants.push_back({reason, parts});
    variants.back().parts.*part = std::move(value);
  };
  static constexpr std::string_view signature[] = {"X-Amz-Signature"};
  variant("the path was signed as it is sent; every service but S3 wants it percent-encoded once more", &CanonicalParts::path,
          std::string(request.path));
  const auto port = request.host.rfind(':');
  if (port != request.host.npos)
    variant("the Host header has a port, and the signature was made without it", &CanonicalParts::headers,
            with_host(parts.headers, request.host.substr(0, port)));
  if (authorization.form == Authorization::Form::header) {
    variant("the query was signed as it is typed, not sorted and encoded", &CanonicalParts::query, std::string(request.query));
    variant("the query was not signed", &CanonicalParts::query, "");
  }
  variant("a `+` in the query was signed as a space; on the wire a space must be %20", &CanonicalParts::query,
          canonical_query(read_as_form(request.query), signature));
  variant("the signature is of a request without a body", &CanonicalParts::payload_hash, to_hex(crypto::sha256("")));
  variant("the signature was made with UNSIGNED-PAYLOAD in place of the body's hash", &CanonicalParts::payload_hash, "UNSIGNED-PAYLOAD");

  for (const auto& [reason, changed] : variants)
    if (matches(changed)) return std::string(reason);
  return "the secret access key is another one, or a signed header, the host, the query or the body is not what was signed";
}

}  // namespace sallyport::identity
