// Managed policies that are AWS's own. They are read-only, the same in every account, and those who stand here are all there are.
#pragma once

#include <span>
#include <string_view>

#include "iam/state.hpp"

namespace sallyport::iam {

/// In order of their ARNs. Of a policy that speaks mostly of services not served here, the documents keep the part about those that are.
std::span<const ManagedPolicy> aws_managed_policies();
/// Null for an unknown one.
const ManagedPolicy* find_aws_managed(std::string_view arn);
/// arn:aws:iam::aws:policy/...
bool is_aws_managed(std::string_view arn);

}  // namespace sallyport::iam
