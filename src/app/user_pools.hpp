// UserPools: Cognito assembled: the pools of all accounts, who signs in to them, and the service that manages them.
#pragma once

#include <optional>
#include <string_view>

#include "app/console.hpp"
#include "base/clock.hpp"
#include "cognito/directory.hpp"
#include "cognito/oauth.hpp"
#include "cognito/parts.hpp"
#include "cognito/sign_in.hpp"
#include "cognito/state.hpp"
#include "cognito/token_issuer.hpp"
#include "cognito/triggers.hpp"
#include "control/control_plane.hpp"
#include "json/value.hpp"
#include "lambda/invoker.hpp"
#include "store/store.hpp"

namespace sallyport::app {

/// Codes that AWS would mail go to the log.
class CodeLog final : public cognito::CodeSink {
 public:
  explicit CodeLog(Console& console) : console_(console) {}
  void sent(const cognito::SentCode& code) override;

 private:
  Console& console_;
};

/// May be used on every loop. Everything it is given must outlive it.
class UserPools {
 public:
  struct Ground {
    const Clock& clock;
    Random& random;
    store::Store& store;
    lambda::Invoker& invoker;
    cognito::Directory& directory;
    cognito::CodeSink& codes;
  };
  explicit UserPools(const Ground& ground);

  Result<> load() { return ledger_.load(); }
  void serve(control::ControlPlane& control_plane);
  cognito::Ledger& ledger() { return ledger_; }
  const cognito::Ledger& ledger() const { return ledger_; }
  cognito::OauthEndpoints& oauth() { return oauth_; }
  cognito::Passwords& passwords() { return passwords_; }

  /// Of the user, as `sallyport codes` shows them; nothing when there is no such pool or user.
  std::optional<json::Value> codes_of(std::string_view pool_id, std::string_view username) const;
  /// New signing keys; the old ones stay published until their tokens have expired. Blocks.
  Result<> rotate_keys(std::string_view pool_id);

 private:
  const Ground ground_;
  cognito::Ledger ledger_;
  cognito::Passwords passwords_;
  cognito::LambdaTriggers triggers_;
  cognito::TokenIssuer tokens_;
  cognito::SignIn sign_in_;
  cognito::OauthEndpoints oauth_;
};

}  // namespace sallyport::app
