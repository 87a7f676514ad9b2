// The IAM policy language: parse and compile a document once, then decide any number of requests against it.
// Pure: no I/O, reads no clock; the same input gives the same decision. Source: IAM user guide, policy grammar and evaluation logic;
// docs/semantics.md has the facts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"

namespace sallyport::policy {

/// Which grammar a document follows: only resource and trust policies name principals, trust policies name no resource, and an
/// authorizer's answer is an identity policy in which a Principal is ignored (and reported as a note).
enum class DocumentKind : std::uint8_t { identity, resource, trust, authorizer };

struct CompiledDocument;  // defined in compile.hpp, for this module alone

/// An immutable compiled policy document; copying shares it. May be read from any thread.
class Document {
 public:
  /// Refuses unknown elements, operators and versions; the message names the element and the statement (`Statement[2].Condition: ...`).
  static Result<Document> compile(const json::Value& document, DocumentKind kind);
  static Result<Document> parse(std::string_view text, DocumentKind kind);

  std::size_t statement_count() const;
  /// What it takes in memory, about.
  std::size_t byte_count() const;
  /// The Sid of a statement, or empty.
  std::string_view sid(std::size_t statement) const;
  /// Things that were ignored as AWS does, worth a log line.
  const std::vector<std::string>& notes() const;
  const CompiledDocument& compiled() const { return *compiled_; }

 private:
  explicit Document(std::shared_ptr<const CompiledDocument> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const CompiledDocument> compiled_;
};

/// A condition key of a request with its values; several values make it a multivalued key. Names are case-blind. Views are the caller's.
struct ContextKey {
  std::string_view name;
  std::span<const std::string_view> values;
};

enum class PrincipalKind : std::uint8_t { anonymous, user, role_session, federated_session, service, root };

/// Who asks. For a role session `arn` is the session's ARN (arn:aws:sts::…:assumed-role/R/S) and `role_arn` the role's. A federated session
/// is a federated user, or whom an identity provider vouches for: then `arn` names the provider, and a web provider has no account.
struct Principal {
  PrincipalKind kind = PrincipalKind::anonymous;
  std::string_view arn;         // of user, session, provider or root; empty for anonymous and service
  std::string_view role_arn;    // role sessions only
  std::string_view service;     // `apigateway.amazonaws.com`, services only
  std::string_view account_id;  // empty for anonymous, service and web providers
};

/// One question: may this principal do this action on this resource, the circumstances being these? Views are the caller's.
struct AccessRequest {
  std::string_view action;    // `execute-api:Invoke`
  std::string_view resource;  // an ARN
  std::string_view resource_account_id;
  Principal principal;
  std::span<const ContextKey> context;
};

enum class Outcome : std::uint8_t { allowed, denied_explicitly, denied_implicitly };

/// Which of the policies given to `decide` a statement belongs to.
enum class PolicyType : std::uint8_t { identity, resource, boundary, session, service_control, resource_control, endpoint };

/// The verdict and the statement that led to it. For an implicit denial `policy_type` says which kind of policy failed to allow.
struct Decision {
  Outcome outcome = Outcome::denied_implicitly;
  PolicyType policy_type = PolicyType::identity;
  const Document* document = nullptr;  // that holds the deciding statement; none for an implicit denial
  std::size_t statement = 0;
  explicit operator bool() const { return outcome == Outcome::allowed; }
};

/// Everything that applies to a principal and a resource. Spans are the caller's. One document of a set is enough to allow. A set that is
/// present but empty allows nothing (`boundaries`, `session`, ... are only then "not set" when the optional is empty).
struct PolicySet {
  std::span<const Document> identity;
  std::optional<Document> resource;
  std::optional<std::span<const Document>> boundaries;
  std::optional<std::span<const Document>> session;
  /// The levels of the organization from its root to the caller's account: each of them must allow.
  std::optional<std::span<const std::span<const Document>>> service_control;
  /// These can only deny: AWS attaches one that allows everything everywhere, and it cannot be detached.
  std::span<const Document> resource_control;
  std::optional<std::span<const Document>> endpoint;
};

/// What one document says on its own: any matching Deny, else any matching Allow, else implicit. A Principal element is heeded.
/// Allocates nothing.
Decision evaluate(const Document& document, const AccessRequest& request);

/// The whole decision: same account or across accounts, with boundary, session and resource policies (IAM user guide,
/// "Policy evaluation logic"). An anonymous caller counts as one of the resource's account, so that an authorizer's answer can be given
/// as `identity` and combines with the resource policy as the API Gateway guide's table for one account says. Allocates nothing.
Decision decide(const PolicySet& policies, const AccessRequest& request);

/// Why a statement did or did not match.
struct StatementReason {
  PolicyType policy_type = PolicyType::identity;
  std::size_t document = 0;   // index among the policies of that type, counted through the levels
  std::size_t statement = 0;  // index in the document
  std::string sid;
  bool allow = false;  // its Effect
  bool matched = false;
  /// For a statement that did not match, the first element that failed, in words:
  /// "action `execute-api:Invoke` is not among [execute-api:ManageConnections]", "condition IpAddress aws:SourceIp: `127.0.0.1` is not in
  /// [203.0.113.0/24]".
  std::string mismatch;
};

/// Every statement of the set with its reason, in document order. Allocates; for traces and simulation.
std::vector<StatementReason> explain(const PolicySet& policies, const AccessRequest& request);

/// One condition on its own: `operator_name` as in a policy (with prefix and suffix). Used by the conformance vectors.
Result<bool> test_condition(std::string_view operator_name, std::string_view key, std::span<const std::string> policy_values,
                            const AccessRequest& request);

}  // namespace sallyport::policy
