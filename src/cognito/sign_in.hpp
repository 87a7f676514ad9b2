// SignIn: how a user proves to be one: by password, by SRP, by a pool's own functions, and what is asked beyond that (a new password, a
// one-time password). The API and the pages take the same steps. Source: Cognito API reference, InitiateAuth and RespondToAuthChallenge;
// developer guide, "Authentication with Amazon Cognito user pools".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "cognito/attempts.hpp"
#include "cognito/directory.hpp"
#include "cognito/sealed.hpp"
#include "cognito/sign_in_session.hpp"
#include "cognito/token_issuer.hpp"
#include "cognito/triggers.hpp"
#include "control/service.hpp"
#include "io/loop.hpp"

namespace sallyport::cognito {

/// Who signs in, where.
struct SignInAttempt {
  io::Loop& loop;
  FoundPool place;
  std::string client_id;  // of a client of that pool
  WallTime now;
  TextMap client_metadata = {};
};

/// What is asked next.
struct Challenge {
  std::string name;     // SOFTWARE_TOKEN_MFA, NEW_PASSWORD_REQUIRED, ...
  std::string session;  // empty for PASSWORD_VERIFIER: its secret block says it all
  TextMap parameters;
};
using SignInStep = std::variant<Challenge, SignedIn>;

/// May be called on every loop; what it is made of must outlive it.
class SignIn {
 public:
  struct Rooms {
    Ledger& ledger;
    const Directory& directory;
    const Clock& clock;
    Random& random;
    Passwords& passwords;
    LambdaTriggers& triggers;
    TokenIssuer& tokens;
  };
  explicit SignIn(const Rooms& rooms) : rooms_(rooms), sealer_(rooms.random) {}

  Task<Answer<SignInStep>> with_password(SignInAttempt attempt, std::string username, crypto::Secret password);
  Task<Answer<SignInStep>> with_srp(SignInAttempt attempt, std::string username, std::string client_public);
  /// `client_public` is given where SRP is the first round.
  Task<Answer<SignInStep>> with_functions(SignInAttempt attempt, std::string username, std::optional<std::string> client_public);
  /// Answers a challenge. `answers` are the ChallengeResponses.
  Task<Answer<SignInStep>> respond(SignInAttempt attempt, std::string challenge_name, std::string session, TextMap answers);

  struct SoftwareToken {
    std::string secret_code;  // base32
    std::string session;      // only for who came with one
  };
  /// Gives a user a new secret that counts once `verify_software_token` has seen a code of it. By `access_token` or by the session of an
  /// MFA_SETUP challenge, whichever is not empty.
  Task<Answer<SoftwareToken>> associate_software_token(io::Loop& loop, std::string access_token, std::string session, WallTime now);
  /// The session to go on with, or nothing for who came with an access token.
  Task<Answer<std::string>> verify_software_token(io::Loop& loop, std::string access_token, std::string session, std::string code,
                                                  std::string device_name, WallTime now);

  const Rooms& rooms() const { return rooms_; }
  Sealer& sealer() { return sealer_; }

 private:
  /// Whom a name means; `user` points into the attempt's snapshot and is null for a name of nobody.
  struct Who {
    const User* user;
    std::string name;
  };

  Who who(const SignInAttempt& attempt, std::string_view typed) const;
  /// Goes on with the state as it is now; false when pool or client are gone.
  bool renew(SignInAttempt& attempt) const;
  TriggerCall trigger_call(const SignInAttempt& attempt, const Who& who) const;
  /// Whether there is a user shows only where the client does not hide it.
  Answer<> check_may_be_unknown(const SignInAttempt& attempt, const Who& who) const;

  std::string seal_session(const SignInAttempt& attempt, const SessionFacts& facts) const;
  Answer<SessionFacts> open_session(const std::string& pool_id, const std::string& client_id, std::string_view session,
                                    std::string_view challenge_name, WallTime now) const;

  Task<Answer<>> check_password(const SignInAttempt& attempt, const Who& who, crypto::Secret password);
  Task<Answer<>> count_failure(const SignInAttempt& attempt, const Who& who);
  Task<Answer<bool>> migrate(SignInAttempt& attempt, std::string typed, const crypto::Secret& password);
  Task<Answer<Challenge>> offer_srp(const SignInAttempt& attempt, const Who& who, std::string client_public,
                                    std::optional<ChallengeHistory> history);

  /// After whoever it is has proven the first factor.
  Task<Answer<SignInStep>> after_first_factor(SignInAttempt& attempt, std::string username, std::string sub);
  Challenge ask_for_new_password(const SignInAttempt& attempt, const User& user) const;
  std::optional<Challenge> ask_for_second_factor(const SignInAttempt& attempt, const User& user, std::string_view trigger_source) const;
  Task<Answer<SignInStep>> complete(SignInAttempt& attempt, std::string username, std::string sub, std::string trigger_source);
  Task<Answer<SignInStep>> next_round(SignInAttempt& attempt, Who known, ChallengeHistory history,
                                      std::optional<std::string> client_public);

  Task<Answer<SignInStep>> answer(SignInAttempt& attempt, SessionFacts facts, TextMap answers);
  Task<Answer<SignInStep>> answer_password_verifier(SignInAttempt& attempt, TextMap answers);
  Task<Answer<SignInStep>> answer_new_password(SignInAttempt& attempt, SessionFacts facts, TextMap answers);
  Task<Answer<SignInStep>> answer_software_token(SignInAttempt& attempt, SessionFacts facts, TextMap answers);
  Task<Answer<SignInStep>> answer_custom_challenge(SignInAttempt& attempt, SessionFacts facts, TextMap answers);

  struct TokenOwner;
  Answer<TokenOwner> token_owner(std::string_view access_token, std::string_view session, WallTime now) const;

  const Rooms rooms_;
  Sealer sealer_;
  Attempts attempts_;
};

/// Adds what signs users in and out: InitiateAuth, AdminInitiateAuth, RespondToAuthChallenge, AdminRespondToAuthChallenge,
/// GetTokensFromRefreshToken, GlobalSignOut, AdminUserGlobalSignOut, RevokeToken, AssociateSoftwareToken, VerifySoftwareToken.
/// `sign_in` must outlive the service.
void add_sign_in_operations(control::Service& service, SignIn& sign_in);

}  // namespace sallyport::cognito
