// Services: what answering a request to an HTTP API needs from outside.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "control/guard.hpp"
#include "gateway/throttle.hpp"
#include "identity/credential.hpp"
#include "lambda/invoker.hpp"
#include "oidc/issuers.hpp"

namespace sallyport::http_api {

class AuthorizerCache;
class Stages;

struct Services {
  lambda::Invoker& invoker;
  const Clock& clock;
  Random& random;
  const Stages& stages;
  AuthorizerCache& cache;
  const identity::CredentialSource& credentials;  // of those who sign their requests
  const control::Guard& guard;
  gateway::Throttles& throttles;
  oidc::Issuers& issuers;                       // the keys of those who issue tokens
  bool public_backends_only = false;            // HTTP backends must not be on this machine or its network, unless listed:
  std::vector<std::string> private_hosts = {};  // lower case
};

}  // namespace sallyport::http_api
