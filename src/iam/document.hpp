// Policy documents at the door: what IAM stores is compiled first, and refused in AWS's words when it does not compile.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/service.hpp"
#include "iam/state.hpp"
#include "policy/policy.hpp"

namespace sallyport::iam {

/// Sizes are counted without white space. Source: IAM user guide, "IAM and AWS STS quotas".
namespace limits {
inline constexpr std::size_t managed_policy_bytes = 6'144, user_policy_bytes = 2'048, role_policy_bytes = 10'240,
                             group_policy_bytes = 5'120, trust_policy_bytes = 2'048, packed_session_bytes = 2'048;
inline constexpr std::size_t tags_max = 50, versions_max = 5, access_keys_max = 2, attached_max = 10, groups_of_user_max = 10,
                             session_policy_arns_max = 10;
}  // namespace limits

/// The bytes of a document that count.
std::size_t counted_bytes(std::string_view document);

/// Compiles a document, or says MalformedPolicyDocument in AWS's words.
control::Answer<policy::Document> check_document(std::string_view text, policy::DocumentKind kind);

/// The users, roles and sessions a trust policy names: the `AWS` entries that are ARNs and name no account.
std::vector<std::string> named_principals(std::string_view document);

/// The document with each principal of `ids` that is a key replaced by its value. REQUIRES: `document` compiles.
std::string with_principals_replaced(std::string_view document, const TextMap& ids);

/// The condition keys a document asks for, in conditions and in policy variables, as they are written. Names are compared without regard
/// to case.
std::set<std::string, CaseBlindLess> context_keys(std::string_view document);

/// Where each statement stands, in the order of `policy::Document`: byte offsets of its first and behind its last character.
struct StatementPlace {
  std::size_t begin = 0, end = 0;
};
std::vector<StatementPlace> statement_places(std::string_view document);

}  // namespace sallyport::iam
