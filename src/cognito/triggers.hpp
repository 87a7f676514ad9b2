// Triggers: a pool's functions, called at their moments with the events and read with the answers that AWS documents ("Customizing user
// pool workflows with Lambda triggers"). Never called while a ledger is locked.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "cognito/parts.hpp"
#include "crypto/secret.hpp"
#include "json/value.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::cognito {

namespace limits {
/// How long a function may take. Cognito asks twice more after that; here it is asked once.
inline constexpr std::chrono::milliseconds trigger_time{5'000};
}  // namespace limits

/// One round of a custom sign-in, as the functions are told of those before.
struct ChallengeResult {
  std::string name;  // SRP_A, PASSWORD_VERIFIER, CUSTOM_CHALLENGE, ...
  bool passed = false;
  std::optional<std::string> metadata = std::nullopt;
};
using ChallengeHistory = std::vector<ChallengeResult>;

/// What DefineAuthChallenge answers.
struct ChallengeDecision {
  std::string challenge_name;
  bool issue_tokens = false;
  bool fail_authentication = false;
};

/// What CreateAuthChallenge answers.
struct CreatedChallenge {
  TextMap public_parameters;
  TextMap private_parameters;
  std::optional<std::string> metadata;
};

/// A group a token names, and the role it brings.
struct GroupsOfToken {
  std::vector<std::string> names;
  std::vector<std::string> roles;
  std::string preferred_role;
};

/// What PreTokenGeneration wants of a token's claims.
struct ClaimChanges {
  json::Object add;
  std::vector<std::string> suppress;
};
struct TokenChanges {
  ClaimChanges id, access;
  std::vector<std::string> scopes_to_add, scopes_to_suppress;
  std::optional<GroupsOfToken> groups;
};

/// May be called on every loop; what it is made of must outlive it.
class LambdaTriggers final : public UserTriggers {
 public:
  LambdaTriggers(lambda::Invoker& invoker, const Clock& clock, Random& random, std::chrono::milliseconds time_limit = limits::trigger_time)
      : invoker_(invoker), clock_(clock), random_(random), time_limit_(time_limit) {}

  Task<Answer<PreSignUpAnswer>> pre_sign_up(TriggerCall call, std::string source, TextMap validation_data) override;
  Task<Answer<>> post_confirmation(TriggerCall call, std::string source) override;
  Task<Answer<std::optional<MigratedUser>>> migrate_forgotten(TriggerCall call) override;
  Task<Answer<std::optional<CustomMessage>>> custom_message(TriggerCall call, std::string source) override;

  /// The client's metadata is its `validationData`.
  Task<Answer<>> pre_authentication(TriggerCall call, bool user_not_found);
  Task<Answer<>> post_authentication(TriggerCall call);
  /// `source`: TokenGeneration_Authentication and so on. Nothing without a function, or when it changes nothing.
  Task<Answer<std::optional<TokenChanges>>> pre_token_generation(TriggerCall call, std::string source, GroupsOfToken groups,
                                                                 std::vector<std::string> scopes);
  /// UserMigration_Authentication. Nothing without a function.
  Task<Answer<std::optional<MigratedUser>>> migrate_signing_in(TriggerCall call, crypto::Secret password);

  Task<Answer<ChallengeDecision>> define_auth_challenge(TriggerCall call, ChallengeHistory history, bool user_not_found);
  Task<Answer<CreatedChallenge>> create_auth_challenge(TriggerCall call, std::string challenge_name, ChallengeHistory history,
                                                       bool user_not_found);
  Task<Answer<bool>> verify_auth_challenge(TriggerCall call, TextMap private_parameters, std::string challenge_answer, bool user_not_found);

 private:
  struct Trigger;
  /// The `response` of the function's answer, an object.
  Task<Answer<json::Value>> run(TriggerCall& call, Trigger trigger);

  lambda::Invoker& invoker_;
  const Clock& clock_;
  Random& random_;
  const std::chrono::milliseconds time_limit_;
};

}  // namespace sallyport::cognito
