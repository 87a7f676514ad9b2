// Services: what answering a request needs from outside.
#pragma once

#include "base/clock.hpp"
#include "lambda/invoker.hpp"

namespace sallyport::gateway {

class AuthorizerCache;
class Stages;

struct Services {
  lambda::Invoker& invoker;
  const Clock& clock;
  Random& random;
  const Stages& stages;
  AuthorizerCache& cache;
};

}  // namespace sallyport::gateway
