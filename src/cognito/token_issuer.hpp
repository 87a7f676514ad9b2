// TokenIssuer: ID, access and refresh tokens of user pools: made with AWS's claims, refreshed, revoked, and access tokens verified again
// when their bearer calls. Source: Cognito developer guide, "Understanding user pool JSON web tokens".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "cognito/directory.hpp"
#include "cognito/parts.hpp"
#include "cognito/triggers.hpp"
#include "io/loop.hpp"

namespace sallyport::cognito {

namespace limits {
/// Sessions kept of one user; the oldest go first.
inline constexpr std::size_t sessions_per_user_max = 1'000;
}  // namespace limits

/// The scope of access tokens that were not made through OAuth, and the one a user's own operations ask for.
inline constexpr std::string_view user_admin_scope = "aws.cognito.signin.user.admin";

struct IssuedTokens {
  std::string access_token;
  std::string id_token;       // empty: none
  std::string refresh_token;  // empty: none, or the one that was sent is good on
  Seconds expires_in{0};      // of the access token
  std::string scope;          // of the access token
  std::string session_id;     // origin_jti
};

/// A user who has proven to be one, and what the tokens shall say.
struct SignedIn {
  std::string pool_id;
  std::string client_id;
  std::string username;
  std::string sub;
  WallTime authenticated;
  std::string trigger_source = "TokenGeneration_Authentication";
  TextMap client_metadata = {};
  std::vector<std::string> scopes = {std::string(user_admin_scope)};
  bool by_oauth = false;
  std::string nonce = {};
  bool wants_refresh_token = true;
};

/// Who may use a refresh token: the client it was made for.
struct RefreshRequest {
  std::string client_id;
  std::string refresh_token;
  TextMap client_metadata = {};
};

/// May be called on every loop; what it is made of must outlive it.
class TokenIssuer final : public AccessTokens {
 public:
  TokenIssuer(Ledger& ledger, const Directory& directory, LambdaTriggers& triggers, const Clock& clock, Random& random)
      : ledger_(ledger), directory_(directory), triggers_(triggers), clock_(clock), random_(random) {}

  /// Begins a session. Asks the pool's PreTokenGeneration function, then looks whether the user is still the same and may sign in.
  Task<Answer<IssuedTokens>> issue(io::Loop& loop, SignedIn user);
  /// For a client that acts for itself. `scopes` are among those it may have.
  Task<Answer<IssuedTokens>> issue_to_client(io::Loop& loop, FoundPool place, std::string client_id, std::vector<std::string> scopes);
  /// New tokens of the same session; a new refresh token where the client rotates them, and then the old one ends: whoever sends it again,
  /// after the client's grace period, ends the session.
  Task<Answer<IssuedTokens>> refresh(io::Loop& loop, FoundPool place, RefreshRequest request);

  enum class Revocation { done, unknown_token, other_client };
  /// Ends the session of a refresh token.
  Task<Answer<Revocation>> revoke(io::Loop& loop, FoundPool place, std::string client_id, std::string refresh_token);
  /// Ends one session by its id: an authorization code that was used twice takes back what it gave.
  Task<Answer<>> end_session(io::Loop& loop, aws::Scope scope, std::string pool_id, std::string session_id);
  /// Ends all sessions of a user.
  Task<Answer<>> sign_out(io::Loop& loop, FoundPool place, std::string username);

  /// Whose session a refresh token names, whether the token is good or not; nothing when it names none.
  static const Session* session_of(const UserPool& pool, std::string_view refresh_token);

  Answer<TokenBearer> verify(std::string_view access_token, WallTime now) const override;
  /// The same without asking for a scope.
  Answer<TokenBearer> verify_any(std::string_view access_token, WallTime now) const;

 private:
  Task<Answer<IssuedTokens>> make(io::Loop& loop, const FoundPool& place, const Client& client, const User& user, const Session& session,
                                  std::string trigger_source, TextMap client_metadata);

  Ledger& ledger_;
  const Directory& directory_;
  LambdaTriggers& triggers_;
  const Clock& clock_;
  Random& random_;
};

/// A call of ours for a ledger's sake: nobody sent it.
control::Call own_call(io::Loop& loop, const aws::Scope& scope, WallTime now);

/// A user's attributes as claims of an ID token or of userInfo: those the client may see and the scopes cover.
json::Object attribute_claims(const Client& client, const User& user, const std::vector<std::string>& scopes);
/// The same as functions are told of them.
TextMap trigger_attributes(const User& user);

std::vector<std::string> split_scopes(std::string_view text);

}  // namespace sallyport::cognito
