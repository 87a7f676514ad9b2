// What a signed request says about its signature, in the header or in the query.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "identity/canonical.hpp"
#include "identity/refusal.hpp"

namespace sallyport::identity {

/// The parts as the client wrote them; the query form is decoded. Nothing is verified yet.
struct Authorization {
  enum class Form { header, presigned };
  Form form = Form::header;
  std::string algorithm;
  std::string credential;
  std::string signed_headers;
  std::string signature;
  std::string timestamp;
  std::string expires;  // presigned only
  std::optional<std::string> session_token = std::nullopt;
  std::optional<std::string> content_sha256 = std::nullopt;
  std::vector<QueryParameter> query = {};  // the whole query of the request
};

/// Finds the one signature of a request. Refuses a request without any, with both forms, with any authentication parameter twice (names
/// are compared without regard to case), and with a part missing: checks 1 to 3 of `verify`.
Result<Authorization, SigV4Refusal> parse_authorization(const http::Request& request);

/// keyid/date/region/service/term
struct CredentialScope {
  std::string_view access_key_id, date, region, service, terminator;
};
/// Nothing unless there are exactly five parts. The views are into `credential`.
std::optional<CredentialScope> split_credential(std::string_view credential);

}  // namespace sallyport::identity
