#include "identity/sigv4.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "crypto/digest.hpp"
#include "identity/canonical.hpp"
#include "identity/diagnose.hpp"

namespace sallyport::identity {
namespace {

using std::chrono::seconds;

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256", terminator = "aws4_request";
constexpr std::string_view mismatch =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details.";

std::unexpected<SigV4Refusal> refuse(SigV4Code code, std::string message, std::string reason) {
  return fail(SigV4Refusal{code, std::move(message), {.reason = std::move(reason)}});
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

/// These need no place among the signed headers: the signature covers them by another way. The date is a line of the string to sign, the
/// hash is the last line of the canonical request, and the token is compared with that of the key. Some clients add the token last.
bool is_bound_otherwise(std::string_view name) {
  return name == "x-amz-date" || name == "x-amz-content-sha256" || name == "x-amz-security-token";
}

/// What an unknown key is checked with, so that it takes as long as a wrong signature. Nothing that matches it is let in.
const Credential& nobody() {
  static const Credential credential{.access_key_id = {}, .secret_access_key = crypto::Secret(std::string(40, '-'))};
  return credential;
}

crypto::Secret signing_key(const Credential& credential, const CredentialScope& scope) {
  crypto::Secret key(cat("AWS4", credential.secret_access_key.reveal()));
  for (const auto part : {scope.date, scope.region, scope.service, terminator})
    key = crypto::Secret(crypto::hmac_sha256(key.reveal(), part));
  return key;
}

/// "5 min.", as AWS prints the distance; what is no whole number of minutes in seconds.
std::string distance(seconds time) { return time.count() % 60 == 0 ? cat(time.count() / 60, " min.") : cat(time.count(), " sec."); }

}  // namespace

/// One call of `verify`.
class Verification {
 public:
  Verification(const http::Request& request, const Payload& payload, const SigV4Rules& rules, const CredentialSource& credentials,
               WallTime now)
      : request_(request), payload_(payload), rules_(rules), credentials_(credentials), now_(std::chrono::floor<seconds>(now)) {}

  Result<VerifiedCaller, SigV4Refusal> run() {
    auto parsed = parse_authorization(request_);
    if (!parsed) return fail(std::move(parsed.error()));
    authorization_ = std::move(*parsed);
    for (const auto check : {&Verification::check_date, &Verification::check_host, &Verification::check_algorithm,
                             &Verification::check_credential, &Verification::check_scope})
      if (auto checked = (this->*check)(); !checked) return fail(std::move(checked.error()));
    return check_signature();
  }

 private:
  using Checked = Result<void, SigV4Refusal>;

  Checked check_date() {
    const auto& text = authorization_.timestamp;
    const auto time = parse_iso8601_basic(text);
    if (!time)
      return refuse(SigV4Code::incomplete_signature,
                    cat("Date must be in ISO-8601 'basic format'. Got '", text, "'. See http://en.wikipedia.org/wiki/ISO_8601"),
                    "the date is not written as yyyymmddThhmmssZ");
    signed_at_ = *time;
    auto age_max = limits::clock_skew_max;
    bool expired = now_ - signed_at_ > age_max;
    if (authorization_.form == Authorization::Form::presigned) {
      const auto lifetime = parse_lifetime();
      if (!lifetime) return fail(lifetime.error());
      age_max = *lifetime;
      expired = now_ - signed_at_ >= age_max;
    }
    if (expired)
      return refuse(SigV4Code::invalid_signature,
                    cat("Signature expired: ", text, " is now earlier than ", iso8601_basic(now_ - age_max), " (", iso8601_basic(now_),
                        " - ", distance(age_max), ")"),
                    "the request was signed too long ago, or the client's clock is behind");
    if (signed_at_ - now_ > limits::clock_skew_max)
      return refuse(SigV4Code::invalid_signature,
                    cat("Signature not yet current: ", text, " is still later than ", iso8601_basic(now_ + limits::clock_skew_max), " (",
                        iso8601_basic(now_), " + ", distance(limits::clock_skew_max), ")"),
                    "the client's clock is ahead");
    return {};
  }

  Result<seconds, SigV4Refusal> parse_lifetime() const {
    const auto& text = authorization_.expires;
    if (text.size() > 18 || !std::ranges::all_of(text, is_digit))
      return refuse(SigV4Code::incomplete_signature, "X-Amz-Expires should be a number", "X-Amz-Expires is not a number of seconds");
    const seconds lifetime(parse_number<std::int64_t>(text).value_or(0));
    if (lifetime < seconds(1))
      return refuse(SigV4Code::incomplete_signature, "X-Amz-Expires must be at least 1", "X-Amz-Expires is no lifetime");
    if (lifetime > limits::presigned_max)
      return refuse(
          SigV4Code::incomplete_signature,
          "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
          "X-Amz-Expires is more than a week");
    return lifetime;
  }

  Checked check_host() {
    signed_names_ = split(authorization_.signed_headers, ';');
    if (std::ranges::none_of(signed_names_, [](std::string_view name) { return equals_ignoring_case(name, "host"); }))
      return refuse(SigV4Code::invalid_signature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
                    "the host is not among the signed headers");
    return {};
  }

  Checked check_algorithm() {
    if (authorization_.algorithm != algorithm)
      return refuse(SigV4Code::incomplete_signature,
                    cat("Unsupported AWS 'algorithm': '", authorization_.algorithm, "' (only AWS4-HMAC-SHA256 for now). "),
                    "the signature is of another kind");
    return {};
  }

  Checked check_credential() {
    const auto scope = split_credential(authorization_.credential);
    if (!scope)
      return refuse(SigV4Code::incomplete_signature,
                    cat("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '",
                        authorization_.credential, "'"),
                    "the credential has not five parts");
    scope_ = *scope;
    return {};
  }

  Checked check_scope() {
    std::string message, reason;
    const auto wrong = [&](std::string_view part, std::string sentence) {
      message += sentence;
      reason += cat(reason.empty() ? "signed for another " : ", ", part);
    };
    if (!rules_.region.admits(scope_.region))
      wrong("region", cat("Credential should be scoped to a valid region, not '", scope_.region, "'. "));
    if (scope_.service != rules_.service) wrong("service", cat("Credential should be scoped to correct service: '", rules_.service, "'. "));
    if (scope_.terminator != terminator)
      wrong("terminator", cat("Credential should be scoped with a valid terminator: '", terminator, "', not '", scope_.terminator, "'. "));
    const auto day = std::string_view(authorization_.timestamp).substr(0, 8);
    if (scope_.date != day)
      wrong("day", cat("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '", scope_.date, "' != '",
                       day, "', from '", authorization_.timestamp, "'."));
    if (!message.empty()) return refuse(SigV4Code::invalid_signature, std::move(message), std::move(reason));
    return {};
  }

  /// From here on an unknown key and a wrong signature do the same work.
  Result<VerifiedCaller, SigV4Refusal> check_signature() {
    const auto credential = credentials_.find(scope_.access_key_id);
    const auto key = signing_key(credential ? *credential : nobody(), scope_);
    const auto matches = [&](const CanonicalParts& parts) {
      const auto code = crypto::hmac_sha256(key.reveal(), string_to_sign(parts));
      return crypto::equals_in_constant_time(to_hex(code), authorization_.signature);
    };
    const auto parts = canonical_parts();
    const bool matched = matches_any_reading(parts, matches) && problem_.empty();

    if (!matched && problem_.empty())
      problem_ = rules_.diagnosis == Diagnosis::on ? likely_reason(parts, request_, authorization_, matches)
                                                   : "the signature is not that of this request and this key";
    auto strings = matched && credential ? SigV4Detail{} : detail(parts);
    if (!credential || !credential->active) {
      strings.reason = cat("the access key ", scope_.access_key_id, credential ? " is inactive" : " is not known");
      return fail(
          SigV4Refusal{SigV4Code::unrecognized_client, "The security token included in the request is invalid.", std::move(strings)});
    }
    if (!matched) return fail(SigV4Refusal{SigV4Code::invalid_signature, std::string(mismatch), std::move(strings)});

    const auto& wanted = credential->session_token;
    const auto& given = authorization_.session_token;
    if (wanted.has_value() != given.has_value() || (wanted && !wanted->equals(*given)))
      return refuse(SigV4Code::unrecognized_client, "The security token included in the request is invalid",
                    !given    ? "the key is a temporary one and the request has no session token"
                    : !wanted ? "the request has a session token and the key is a long-term one"
                              : "the session token is not that of the key");
    if (credential->expires && now_ >= *credential->expires)
      return refuse(SigV4Code::expired_token, "The security token included in the request is expired", "the temporary key has expired");
    return VerifiedCaller(credential, scope_.region, scope_.service, signed_at_, authorization_.form);
  }

  /// AWS's reading first; then what also is in use. Each covers the whole request, so none lets through what another client signed.
  template <class Matches>
  bool matches_any_reading(const CanonicalParts& parts, const Matches& matches) const {
    if (matches(parts)) return true;
    auto other = parts;
    if (rules_.path == PathMode::normalized) other.path = canonical_path(request_.path, Segments::as_sent);
    const bool path_differs = other.path != parts.path;
    if (path_differs && matches(other)) return true;
    if (authorization_.form == Authorization::Form::header || !authorization_.session_token) return false;
    // Some clients put the token into the query after signing; it is compared with the key's own in any case.
    other.query = query_without({{"X-Amz-Signature", "X-Amz-Security-Token"}});
    if (path_differs && matches(other)) return true;
    other.path = parts.path;
    return matches(other);
  }

  std::string query_without(std::array<std::string_view, 2> names) const {
    if (authorization_.form == Authorization::Form::header) return canonical_query(authorization_.query, {});
    return canonical_query(authorization_.query, names);
  }

  CanonicalParts canonical_parts() {
    CanonicalParts parts{
        .method = std::string(request_.method),
        .path = canonical_path(request_.path, rules_.path == PathMode::normalized ? Segments::normalized : Segments::as_sent),
        .query = query_without({{"X-Amz-Signature", "X-Amz-Signature"}}),
        .headers = canonical_headers(),
        .signed_headers = authorization_.signed_headers,
        .payload_hash = payload_hash()};
    for (const auto& field : request_.headers)
      if (starts_with_ignoring_case(field.name, "x-amz-"))
        if (const auto name = lower(field.name); !is_bound_otherwise(name) && std::ranges::find(signed_names_, name) == signed_names_.end())
          problem(cat("the header ", name, " is not among the signed headers"));
    return parts;
  }

  std::string canonical_headers() {
    std::string out;
    std::string_view previous;
    for (const auto name : signed_names_) {
      if (!http::is_token(name) || lower(name) != name || name <= previous) {
        problem("SignedHeaders is not a sorted list of header names in lower case");
        break;
      }
      previous = name;
      out.append(name).append(":");
      int count = 0;
      for (const auto& field : request_.headers) {
        if (!equals_ignoring_case(field.name, name)) continue;
        if (count++ > 0) out += ',';
        // The host that is signed has to be the host that is routed by, also where the target names another.
        append_canonical_value(out, name == "host" ? request_.host : field.value);
      }
      out += '\n';
      if (count == 0) {
        // An absent header is not an empty one. Stopping here also bounds the work by the number of headers.
        problem(cat("the signed header ", name, " is not in the request"));
        break;
      }
      if (name == "host" && count > 1) problem("there is more than one Host header");
    }
    return out;
  }

  /// The last line of the canonical request.
  std::string payload_hash() {
    auto real = payload_.sha256_hex();
    const auto& declared = authorization_.content_sha256;
    if (!declared) return real;
    if (*declared == "UNSIGNED-PAYLOAD") {
      if (rules_.unsigned_payload == UnsignedPayload::refused || !payload_.empty())
        problem("UNSIGNED-PAYLOAD is not accepted here; the body has to be signed");
    } else if (declared->starts_with("STREAMING-")) {
      problem(cat("a payload of the kind ", *declared, " is not accepted here; the body has to be signed as a whole"));
    } else if (!is_hash(*declared)) {
      problem("X-Amz-Content-Sha256 is not the lower-case hex of a SHA-256");
    } else if (*declared != real) {
      problem("X-Amz-Content-Sha256 is not the hash of the body that came");
    }
    return *declared;
  }

  std::string string_to_sign(const CanonicalParts& parts) const {
    return cat(algorithm, "\n", authorization_.timestamp, "\n", scope_.date, "/", scope_.region, "/", scope_.service, "/", terminator, "\n",
               to_hex(crypto::sha256(parts.text())));
  }

  SigV4Detail detail(CanonicalParts parts) const {
    SigV4Detail out{.reason = problem_, .canonical_request = {}, .string_to_sign = string_to_sign(parts)};
    if (authorization_.session_token) {
      auto shown = authorization_.query;
      for (auto& [name, value] : shown)
        if (equals_ignoring_case(name, "X-Amz-Security-Token")) value = "hidden";
      static constexpr std::string_view signature[] = {"X-Amz-Signature"};
      if (authorization_.form == Authorization::Form::presigned) parts.query = canonical_query(shown, signature);
      std::string headers;
      for (const auto line : split(parts.headers, '\n')) {
        if (line.starts_with("x-amz-security-token:"))
          headers += "x-amz-security-token:hidden\n";
        else if (!line.empty())
          headers.append(line).append("\n");
      }
      parts.headers = std::move(headers);
    }
    out.canonical_request = parts.text();
    return out;
  }

  /// Something that alone makes the signature worthless. It is refused as a wrong signature, after the same work; the first one is told.
  void problem(std::string reason) {
    if (problem_.empty()) problem_ = std::move(reason);
  }

  const http::Request& request_;
  const Payload& payload_;
  const SigV4Rules& rules_;
  const CredentialSource& credentials_;
  const WallTime now_;
  Authorization authorization_;
  WallTime signed_at_{};
  std::vector<std::string_view> signed_names_;
  CredentialScope scope_;
  std::string problem_;
};

Payload Payload::hashed(std::string_view sha256, bool empty) {
  Payload payload({}, to_hex(sha256));
  payload.empty_ = empty;
  return payload;
}

std::string Payload::sha256_hex() const { return hash_ ? *hash_ : to_hex(crypto::sha256(body_)); }

bool RegionPolicy::admits(std::string_view region) const {
  if (region_) return region == *region_;
  return !region.empty() && region.size() <= 32 &&
         std::ranges::all_of(region, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

std::string_view exception_name(SigV4Code code) {
  switch (code) {
    case SigV4Code::missing_authentication_token: return "MissingAuthenticationTokenException";
    case SigV4Code::incomplete_signature: return "IncompleteSignatureException";
    case SigV4Code::invalid_signature: return "InvalidSignatureException";
    case SigV4Code::unrecognized_client: return "UnrecognizedClientException";
    case SigV4Code::expired_token: return "ExpiredTokenException";
  }
  return "";
}

std::string message_with_strings(const SigV4Refusal& refusal) {
  const auto& [reason, canonical_request, string_to_sign] = refusal.detail;
  if (refusal.code != SigV4Code::invalid_signature || canonical_request.empty()) return refusal.message;
  return cat(refusal.message, "\n\nThe Canonical String for this request should have been\n'", canonical_request,
             "'\n\nThe String-to-Sign should have been\n'", string_to_sign, "'\n");
}

Result<VerifiedCaller, SigV4Refusal> verify(const http::Request& request, const Payload& payload, const SigV4Rules& rules,
                                            const CredentialSource& credentials, WallTime now) {
  return Verification(request, payload, rules, credentials, now).run();
}

}  // namespace sallyport::identity
