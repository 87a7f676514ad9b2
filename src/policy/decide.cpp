#include <algorithm>

#include "base/text.hpp"
#include "policy/compile.hpp"

namespace sallyport::policy {
namespace {

struct Place {
  const Document* document = nullptr;
  std::size_t statement = 0;
};

/// What the documents of one kind say about a request.
struct Finding {
  bool denied = false;
  Grant grant = Grant::none;  // the strongest of the allowing statements
  Place place;                // of the denying statement, else of the one with that grant
  bool allows() const { return grant != Grant::none; }
};

/// Stops at the first deny. An allowing statement is looked at only when it could grant more than one before.
Finding find(std::span<const Document> documents, const Question& question) {
  Finding finding;
  for (const auto& document : documents) {
    const auto& statements = document.compiled().statements;
    for (std::size_t i = 0; i < statements.size(); ++i) {
      const auto& statement = statements[i];
      if (statement.allow && finding.grant == Grant::direct) continue;
      const auto grant = statement.applies(question);
      if (grant == Grant::none) continue;
      if (!statement.allow) return {true, Grant::none, {&document, i}};
      if (grant > finding.grant) finding.grant = grant, finding.place = {&document, i};
    }
  }
  return finding;
}

Decision decided(Outcome outcome, PolicyType type, Place place = {}) { return {outcome, type, place.document, place.statement}; }
Decision not_allowed_by(PolicyType type) { return decided(Outcome::denied_implicitly, type); }
Decision denied_by(PolicyType type, const Finding& finding) { return decided(Outcome::denied_explicitly, type, finding.place); }
Decision allowed_by(PolicyType type, const Finding& finding) { return decided(Outcome::allowed, type, finding.place); }

/// A user of an identity provider outside AWS, who has no account and so no identity policies.
bool is_web_identity(const Principal& caller) { return caller.kind == PrincipalKind::federated_session && caller.account_id.empty(); }

/// Service control policies bind the accounts of an organization: not AWS's own services, nor the roles these own, nor strangers.
bool is_member(const Principal& caller) {
  return caller.kind != PrincipalKind::service && caller.kind != PrincipalKind::anonymous && !is_web_identity(caller);
}
bool is_service_linked(const Principal& caller) { return caller.role_arn.find(":role/aws-service-role/") != std::string_view::npos; }

/// Who may assume a role, or use a key, is for its own policy to say; the account's identity policies alone do not suffice.
bool must_be_named(const PolicySet& policies, const AccessRequest& request) {
  return (policies.resource && policies.resource->compiled().kind == DocumentKind::trust) ||
         starts_with_ignoring_case(request.action, "kms:") || starts_with_ignoring_case(request.action, "sts:AssumeRole");
}

/// All the findings, sorted by kind of policy, before anything is concluded from them.
struct Findings {
  bool service_control_allows = true;
  Finding endpoint, resource, identity, boundary, session;
};

Decision combine(const PolicySet& policies, const AccessRequest& request, const Findings& found) {
  const auto& caller = request.principal;
  if (!found.service_control_allows) return not_allowed_by(PolicyType::service_control);
  if (policies.endpoint && !found.endpoint.allows()) return not_allowed_by(PolicyType::endpoint);

  const bool is_anonymous = caller.kind == PrincipalKind::anonymous;
  if (caller.kind == PrincipalKind::service || is_web_identity(caller) || (is_anonymous && policies.identity.empty()))
    return found.resource.allows() ? allowed_by(PolicyType::resource, found.resource) : not_allowed_by(PolicyType::resource);

  const bool same_account = is_anonymous || (!caller.account_id.empty() && caller.account_id == request.resource_account_id);
  if (same_account) {
    if (found.resource.grant == Grant::direct) return allowed_by(PolicyType::resource, found.resource);
    if (must_be_named(policies, request) && !found.resource.allows()) return not_allowed_by(PolicyType::resource);
  }
  const bool granted_to_role = same_account && found.resource.grant == Grant::role;
  const bool is_root = caller.kind == PrincipalKind::root;
  if (!found.identity.allows() && !granted_to_role && !is_root) return not_allowed_by(PolicyType::identity);
  if (policies.boundaries && !found.boundary.allows()) return not_allowed_by(PolicyType::boundary);
  // A federated user has the intersection of its session policy with the policies of the user that called GetFederationToken.
  const bool needs_session = policies.session || caller.kind == PrincipalKind::federated_session;
  if (needs_session && !found.session.allows()) return not_allowed_by(PolicyType::session);
  if (!same_account && !found.resource.allows()) return not_allowed_by(PolicyType::resource);
  if (found.identity.allows()) return allowed_by(PolicyType::identity, found.identity);
  return granted_to_role ? allowed_by(PolicyType::resource, found.resource) : allowed_by(PolicyType::identity, {});
}

}  // namespace

Decision evaluate(const Document& document, const AccessRequest& request) {
  const auto kind = document.compiled().kind;
  const auto type = kind == DocumentKind::resource || kind == DocumentKind::trust ? PolicyType::resource : PolicyType::identity;
  const auto finding = find({&document, 1}, Question(request));
  if (finding.denied) return denied_by(type, finding);
  return finding.allows() ? allowed_by(type, finding) : not_allowed_by(type);
}

Decision decide(const PolicySet& policies, const AccessRequest& request) {
  const Question question(request);
  const auto& caller = request.principal;
  Findings found;
  if (policies.service_control && is_member(caller) && !is_service_linked(caller)) {
    found.service_control_allows = !policies.service_control->empty();
    for (const auto& level : *policies.service_control) {
      const auto finding = find(level, question);
      if (finding.denied) return denied_by(PolicyType::service_control, finding);
      found.service_control_allows = found.service_control_allows && finding.allows();
    }
  }
  if (!is_service_linked(caller))
    if (const auto finding = find(policies.resource_control, question); finding.denied)
      return denied_by(PolicyType::resource_control, finding);

  const auto look = [&](Finding& out, const std::optional<std::span<const Document>>& documents) {
    if (documents) out = find(*documents, question);
    return !out.denied;
  };
  if (!look(found.endpoint, policies.endpoint)) return denied_by(PolicyType::endpoint, found.endpoint);
  if (policies.resource) found.resource = find({&*policies.resource, 1}, question);
  if (found.resource.denied) return denied_by(PolicyType::resource, found.resource);
  if (!look(found.identity, policies.identity)) return denied_by(PolicyType::identity, found.identity);
  if (!look(found.boundary, policies.boundaries)) return denied_by(PolicyType::boundary, found.boundary);
  if (!look(found.session, policies.session)) return denied_by(PolicyType::session, found.session);
  return combine(policies, request, found);
}

Result<bool> test_condition(std::string_view operator_name, std::string_view key, std::span<const std::string> policy_values,
                            const AccessRequest& request) {
  auto condition = Condition::compile(operator_name, key, policy_values, true);
  if (!condition) return fail(condition.error().message);
  return condition->test(request.context);
}

}  // namespace sallyport::policy
