// Why a signed request is not believed.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::identity {

enum class SigV4Code {
  missing_authentication_token,
  incomplete_signature,
  invalid_signature,
  unrecognized_client,
  expired_token,
};

/// AWS's exception, e.g. `InvalidSignatureException`.
std::string_view exception_name(SigV4Code code);

/// For `explain`, never for the client. The strings are empty when the request was refused before they were made. A session token is
/// replaced by `(hidden)`; other signed headers and the query are as the client sent them.
struct SigV4Detail {
  std::string reason;             // most likely cause, one sentence, lower case
  std::string canonical_request;  // as this server made it
  std::string string_to_sign;
};

struct SigV4Refusal {
  SigV4Code code;
  /// AWS's text. It may quote the client's own Authorization header, so it goes to that client and not into a log.
  std::string message;
  SigV4Detail detail = {};
};

/// The message as services answer that show the client what should have been signed (execute-api does, Lambda does not).
std::string message_with_strings(const SigV4Refusal& refusal);

}  // namespace sallyport::identity
