// Trust: whose tokens are believed, and with which keys: the user pools of this process, key sets from files, and issuers that are asked.
#pragma once

#include <memory>

#include "app/config.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "cognito/directory.hpp"
#include "oidc/fetcher.hpp"
#include "oidc/issuers.hpp"
#include "oidc/trusted_issuers.hpp"

namespace sallyport::app {

/// May be used on every loop.
class Trust final : public oidc::LocalIssuers {
 public:
  /// Reads the files that `--jwks` names; fails when one is no key set. In the developer profile issuers on this machine are asked too.
  /// `clock` must outlive what is made.
  static Result<std::unique_ptr<Trust>> make(const Config& config, const Clock& clock);

  oidc::Issuers& issuers() { return *issuers_; }
  cognito::Directory& pools() { return pools_; }

  std::optional<identity::KeySet> find(std::string_view issuer) const override { return pools_.issuer_keys(issuer); }

 private:
  explicit Trust(const Clock& clock) : pools_(clock) {}
  cognito::Directory pools_;
  oidc::NetworkFetcher fetcher_;
  std::unique_ptr<oidc::TrustedIssuers> issuers_;
};

}  // namespace sallyport::app
