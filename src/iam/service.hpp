// IAM and STS as services of the control plane.
#pragma once

#include "base/clock.hpp"
#include "control/service.hpp"
#include "iam/directory.hpp"
#include "iam/state.hpp"
#include "store/store.hpp"

namespace sallyport::iam {

/// What both services work with. All of it must outlive them, and `directory` must be told of what `ledger` publishes.
struct Parts {
  Ledger& ledger;
  Directory& directory;
  const store::Store& store;
  Random& random;
};

/// IAM is global: objects live in the caller's account, whatever region a call was signed for.
control::Service make_iam_service(Parts parts);
/// A role's session lives in the role's account.
control::Service make_sts_service(Parts parts);

}  // namespace sallyport::iam
