// Services: what answering a request needs from outside.
#pragma once

#include "base/clock.hpp"
#include "control/guard.hpp"
#include "identity/credential.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::gateway {

class AuthorizerCache;
class Stages;
class Throttles;

struct Services {
  lambda::Invoker& invoker;
  const Clock& clock;
  Random& random;
  const Stages& stages;
  AuthorizerCache& cache;
  const identity::CredentialSource& credentials;  // of those who sign their requests
  const control::Guard& guard;
  Throttles& throttles;
};

}  // namespace sallyport::gateway
