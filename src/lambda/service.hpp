// Lambda's API as a service of the control plane.
#pragma once

#include "base/clock.hpp"
#include "control/ledger.hpp"
#include "control/service.hpp"
#include "lambda/code_store.hpp"
#include "lambda/event_queue.hpp"
#include "lambda/invoker.hpp"
#include "lambda/operations.hpp"
#include "lambda/package_links.hpp"
#include "lambda/persistence.hpp"
#include "lambda/role_credentials.hpp"
#include "lambda/state.hpp"

namespace sallyport::lambda {

using Ledger = control::Ledger<State>;

/// What the service works with. All of it must outlive it, and `invoker` must be told of what `ledger` publishes.
struct Parts {
  Ledger& ledger;
  CodeStore& code;
  Invoker& invoker;
  EventQueue& events;
  const PackageLinks& links;
  const RoleCredentials& roles;
  Random& random;
  AccountLimits limits = {};
};

/// All operations of functions, versions, aliases, permissions, URLs, tags, layers and concurrency, and Invoke.
control::Service make_service(const Parts& parts);

}  // namespace sallyport::lambda
