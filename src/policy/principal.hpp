// The Principal and NotPrincipal elements, and what kind of grant a match is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "policy/policy.hpp"

namespace sallyport::policy {

/// How a statement that applies to a caller names it; later ones grant more (IAM user guide, "Policy evaluation logic").
enum class Grant : std::uint8_t {
  none,
  account,  // the caller's account: delegates, the caller's own policies must allow too
  role,     // the role of a session: permissions boundary and session policy still limit it
  direct,   // the user, the session, the service, or everyone: needs nothing else within the account
};

/// A compiled Principal or NotPrincipal element.
class PrincipalTest {
 public:
  /// `*` or an object of AWS, Service, Federated and CanonicalUser. Refuses anything else, partial wildcards included. What can match
  /// nobody here is reported in `notes`.
  static Result<PrincipalTest> compile(const json::Value& element, bool negated, std::vector<std::string>& notes);

  /// The strongest way in which the element applies to the caller. A NotPrincipal under Deny spares a caller only when all that it is
  /// (its account, its role, itself) is listed, because AWS may deny the account of a principal whose account is not.
  Grant applies(const Principal& caller, std::span<const ContextKey> context, bool deny) const;

  /// The values as written, for messages.
  std::string text() const;
  bool negated() const { return negated_; }

 private:
  enum class Kind : std::uint8_t { everyone, account, arn, unique_id, service, federated, canonical };
  struct Entry {
    Kind kind;
    std::string value;  // of an account its number
    std::string text;
  };

  static Result<Entry> compile_aws(std::string_view text);
  bool lists(Kind kind, std::string_view value) const;
  Grant strongest(const Principal& caller, std::span<const ContextKey> context) const;
  bool lists_all_of(const Principal& caller, std::span<const ContextKey> context) const;

  bool negated_ = false;
  std::vector<Entry> entries_;
};

/// Who a caller is, for messages: its ARN, the service, or `anonymous`.
std::string_view caller_text(const Principal& caller);

}  // namespace sallyport::policy
