// Codes: six digits that prove who reads a mailbox or a telephone. Nothing is mailed: they are told to the `CodeSink` and kept for whoever
// administers this machine to look up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cognito/parts.hpp"
#include "cognito/state.hpp"
#include "json/value.hpp"

namespace sallyport::cognito {

/// A new code for the user, in the place of one that is there for the same. Refuses with LimitExceededException. `attribute`: where it is
/// sent to; the user has it.
Answer<const Code*> issue_code(User& user, CodePurpose purpose, std::string_view attribute, std::string_view destination, Random& random,
                               WallTime now);

/// Is this the code? Takes it away when it is; counts the failure when it is not. Refuses with CodeMismatchException, ExpiredCodeException
/// or LimitExceededException. `attribute` counts for CodePurpose::attribute alone. The user has changed either way.
Answer<Code> redeem_code(User& user, CodePurpose purpose, std::string_view attribute, std::string_view given, WallTime now);

/// As answers show where a code went: `j***@e***`, `+*******1234`.
std::string masked(std::string_view attribute, std::string_view destination);
/// CodeDeliveryDetails.
json::Value delivery_details(std::string_view attribute, std::string_view destination);
/// The same for a user that does not exist: always the same one for the same name.
json::Value simulated_delivery(std::string_view client_id, std::string_view username);

SentCode sent_code(const UserPool& pool, const User& user, const Code& code);

/// For the local administrator: the user's codes that are still good, `[{"purpose", "attribute", "destination", "code", "expires"}]`;
/// nothing when there is no such pool or user.
std::optional<json::Value> codes_of(const State& state, std::string_view pool_id, std::string_view username, WallTime now);

}  // namespace sallyport::cognito
