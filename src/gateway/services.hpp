// Services: what answering a request needs from outside.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "control/guard.hpp"
#include "gateway/throttle.hpp"
#include "identity/credential.hpp"
#include "lambda/invoker.hpp"
#include "oidc/issuers.hpp"

namespace sallyport::gateway {

class AuthorizerCache;
class ResponseCache;
class Stages;
class Usage;

/// What whoever runs the server decides.
struct Settings {
  /// Of each account in a region, for all its APIs together. Source: API Gateway quotas, 10,000 requests a second with bursts of 5,000.
  /// None: no limit.
  std::optional<ThrottleLimit> account_throttle = ThrottleLimit{10'000, 5'000};
  /// Authorizers of type JWT on REST APIs, which AWS's published models do not know yet.
  bool rest_jwt_authorizers = false;
  /// HTTP backends must not be addresses of this machine or its network.
  bool public_backends_only = false;
  /// Unless they are listed: host names, to the letter and in lower case.
  std::vector<std::string> private_hosts = {};
  /// The URIs of the truststores whose certificates are there: what mutual TLS of a domain name may refer to.
  std::set<std::string, std::less<>> truststores = {};

  bool wants_public_address(std::string_view host) const;
};

struct Services {
  lambda::Invoker& invoker;
  const Clock& clock;
  Random& random;
  const Stages& stages;
  AuthorizerCache& cache;
  const identity::CredentialSource& credentials;  // of those who sign their requests
  const control::Guard& guard;
  Throttles& throttles;
  oidc::Issuers& issuers;    // the keys of those who issue tokens
  Usage& usage;              // what API keys have used of their quotas
  ResponseCache& responses;  // answers of integrations that are kept
  Settings settings = {};
};

}  // namespace sallyport::gateway
