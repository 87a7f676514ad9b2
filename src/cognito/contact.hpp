// How users are reached and what that proves: confirming accounts, verifying addresses, and the way back to a forgotten password.
#pragma once

#include <string>
#include <vector>

#include "cognito/parts.hpp"
#include "cognito/state.hpp"
#include "wire/parameters.hpp"

namespace sallyport::cognito {

struct Way {
  std::string attribute;  // email or phone_number
  std::string destination;
};

/// The address a sign-up code goes to: the telephone before the mailbox, as AWS has it; empty where the pool verifies nothing the user has.
Way verification_way(const UserPool& pool, const User& user);

/// The verified address a forgotten password is recovered by, in the pool's order. Refuses with InvalidParameterException or
/// NotAuthorizedException.
Answer<Way> recovery_way(const UserPool& pool, const User& user);

/// An unconfirmed user becomes a confirmed one, and claims its names; `force_alias`: others lose them. Refuses with NotAuthorizedException
/// and AliasExistsException.
Answer<> confirm(UserPool& pool, User& user, bool force_alias, WallTime now);

/// Codes for those of the written addresses that the pool verifies and nothing proves yet; appended to `sent`.
Answer<> ask_to_verify(const UserPool& pool, User& user, const TextMap& written, Random& random, WallTime now, std::vector<SentCode>& sent);

/// Words the code as it would be sent, with the pool's texts or those of its CustomMessage function, and hands it to the `CodeSink`, unless
/// who asked for it chose it. `source`: CustomMessage_SignUp and its like. The error is the function's.
Task<Answer<>> deliver(const Parts& parts, io::Loop& loop, std::string client_id, TextMap metadata, std::string source, SentCode code);

/// SetUserMFAPreference and AdminSetUserMFAPreference: reads `SoftwareTokenMfaSettings` and refuses the other sorts when they are enabled.
Answer<> prefer_mfa(User& user, const wire::Parameters& in);

}  // namespace sallyport::cognito
