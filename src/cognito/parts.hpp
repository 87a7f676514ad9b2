// Parts: what the operations of user pools work with, and the interfaces between them: access tokens, triggers, and where codes go.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/arn.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "cognito/directory.hpp"
#include "cognito/passwords.hpp"
#include "cognito/state.hpp"
#include "control/service.hpp"
#include "io/loop.hpp"

namespace sallyport::cognito {

using control::Answer;

/// Who presents an access token that is good: signed by its pool, not expired, its session not revoked, its user not signed out.
struct TokenBearer {
  aws::Scope scope;  // of the pool
  std::string pool_id;
  std::string client_id;
  std::string username;
  std::string session_id;  // origin_jti
  std::vector<std::string> scopes;
};

/// May be called from any thread; waits for nothing.
class AccessTokens {
 public:
  virtual ~AccessTokens() = default;
  /// Asks for the scope aws.cognito.signin.user.admin. Refuses with NotAuthorizedException and AWS's texts.
  virtual Answer<TokenBearer> verify(std::string_view access_token, WallTime now) const = 0;
};

/// One trigger's call: what every event says.
struct TriggerCall {
  io::Loop& loop;
  Snapshot state;
  std::string pool_id;
  std::string client_id;  // empty: CLIENT_ID_NOT_APPLICABLE
  std::string username;
  TextMap attributes;
  TextMap client_metadata = {};
};

struct PreSignUpAnswer {
  bool confirm_user = false;
  bool verify_email = false;
  bool verify_phone_number = false;
};

/// What a migration trigger made of a user nobody knew.
struct MigratedUser {
  TextMap attributes;
  std::string final_user_status;  // CONFIRMED or RESET_REQUIRED; empty: RESET_REQUIRED
  bool suppresses_message = false;
};

/// What CustomMessage answers: texts in place of the pool's, with `{####}` for the code and `{username}` for the name; empty: none.
struct CustomMessage {
  std::string sms_message, email_message, email_subject;
};

/// Triggers of the operations that are no sign-in. Without a function for the trigger each answers at once. Errors are Cognito's own:
/// UserLambdaValidationException, UnexpectedLambdaException, InvalidLambdaResponseException.
class UserTriggers {
 public:
  virtual ~UserTriggers() = default;
  /// `source`: PreSignUp_SignUp or PreSignUp_AdminCreateUser.
  virtual Task<Answer<PreSignUpAnswer>> pre_sign_up(TriggerCall call, std::string source, TextMap validation_data) = 0;
  /// `source`: PostConfirmation_ConfirmSignUp or PostConfirmation_ConfirmForgotPassword.
  virtual Task<Answer<>> post_confirmation(TriggerCall call, std::string source) = 0;
  /// UserMigration_ForgotPassword. Nothing without a function.
  virtual Task<Answer<std::optional<MigratedUser>>> migrate_forgotten(TriggerCall call) = 0;
  /// `source`: CustomMessage_SignUp, CustomMessage_AdminCreateUser, CustomMessage_ResendCode, CustomMessage_ForgotPassword,
  /// CustomMessage_UpdateUserAttribute or CustomMessage_VerifyUserAttribute. Nothing without a function.
  virtual Task<Answer<std::optional<CustomMessage>>> custom_message(TriggerCall, std::string) { co_return std::nullopt; }
};

/// A code that somebody would have been sent.
struct SentCode {
  std::string pool_id;
  std::string username;
  std::string purpose;  // sign_up, reset_password, attribute, temporary_password
  std::string attribute;
  std::string destination;
  std::string code;
  std::string subject = {};  // of a mail
  std::string message = {};  // what would have been sent, with the code in it
  bool is_known = false;     // whoever asked for it chose it: it is never told
};

/// Nothing is mailed. Called after the change that made the code is durable, from any thread; must not wait.
class CodeSink {
 public:
  virtual ~CodeSink() = default;
  virtual void sent(const SentCode& code) = 0;
};

/// All of it must outlive the service.
struct Parts {
  Ledger& ledger;
  const Directory& directory;  // told of what `ledger` publishes
  const Clock& clock;
  Random& random;
  Passwords& passwords;
  const AccessTokens& tokens;
  UserTriggers& triggers;
  CodeSink& codes;
};

}  // namespace sallyport::cognito
