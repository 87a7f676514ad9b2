// A document of any kind that compiles decides like its twin, and a decision, `evaluate` and `explain` tell one story. The input is the
// document and, each after a zero byte, an action, a resource, a condition key and a value of it.
#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "policy/policy.hpp"

using namespace sallyport;

namespace {

const policy::Principal callers[] = {
    {},
    {.kind = policy::PrincipalKind::user, .arn = "arn:aws:iam::123456789012:user/u", .account_id = "123456789012"},
    {.kind = policy::PrincipalKind::user, .arn = "arn:aws:iam::999988887777:user/u", .account_id = "999988887777"},
    {.kind = policy::PrincipalKind::role_session,
     .arn = "arn:aws:sts::123456789012:assumed-role/r/s",
     .role_arn = "arn:aws:iam::123456789012:role/r",
     .account_id = "123456789012"},
    {.kind = policy::PrincipalKind::federated_session, .arn = "accounts.google.com"},
    {.kind = policy::PrincipalKind::service, .service = "apigateway.amazonaws.com"},
    {.kind = policy::PrincipalKind::root, .arn = "arn:aws:iam::123456789012:root", .account_id = "123456789012"},
};

void require(bool promise) {
  if (!promise) std::abort();
}

bool same(const policy::Decision& a, const policy::Decision& b) {
  return a.outcome == b.outcome && a.policy_type == b.policy_type && a.statement == b.statement && !a.document == !b.document;
}

void try_kind(std::string_view text, policy::DocumentKind kind, policy::AccessRequest request) {
  const auto document = policy::Document::parse(text, kind);
  const auto twin = policy::Document::parse(text, kind);
  require(document.has_value() == twin.has_value());
  if (!document) {
    require(document.error().message == twin.error().message);
    return;
  }
  const bool attached = kind == policy::DocumentKind::resource || kind == policy::DocumentKind::trust;
  for (const auto& caller : callers) {
    request.principal = caller;
    const auto alone = policy::evaluate(*document, request);
    require(same(alone, policy::evaluate(*twin, request)));
    policy::PolicySet policies;
    if (attached)
      policies.resource = *document;
    else
      policies.identity = std::span(&*document, 1);
    const auto decision = policy::decide(policies, request);
    require(same(decision, policy::decide(policies, request)));
    require((decision.outcome == policy::Outcome::denied_explicitly) == (alone.outcome == policy::Outcome::denied_explicitly));

    bool allows = false, denies = false;
    for (const auto& reason : policy::explain(policies, request)) {
      require(reason.matched == reason.mismatch.empty());
      (reason.allow ? allows : denies) |= reason.matched;
    }
    require(alone.outcome == (denies   ? policy::Outcome::denied_explicitly
                              : allows ? policy::Outcome::allowed
                                       : policy::Outcome::denied_implicitly));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = split({reinterpret_cast<const char*>(data), size}, '\0');
  const auto part = [&](std::size_t i, std::string_view otherwise) { return i < parts.size() ? parts[i] : otherwise; };
  const std::array values{part(4, "bob")};
  static constexpr std::array<std::string_view, 1> address{"203.0.113.9"}, now{"2026-04-01T00:00:00Z"};
  static constexpr std::array<std::string_view, 2> tags{"a", "b"};
  const policy::ContextKey context[] = {
      {part(3, "aws:username"), values}, {"aws:SourceIp", address}, {"aws:CurrentTime", now}, {"aws:TagKeys", tags}};
  const policy::AccessRequest request{.action = part(1, "execute-api:Invoke"),
                                      .resource = part(2, "arn:aws:execute-api:us-east-1:123456789012:a1/dev/GET/pets"),
                                      .resource_account_id = "123456789012",
                                      .principal = {},
                                      .context = context};
  for (const auto kind :
       {policy::DocumentKind::identity, policy::DocumentKind::resource, policy::DocumentKind::trust, policy::DocumentKind::authorizer})
    try_kind(parts[0], kind, request);
  return 0;
}
