// Short spellings for the tests of this module.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "json/parse.hpp"
#include "policy/policy.hpp"

namespace sallyport::policy::testing {

inline constexpr std::string_view account = "123456789012";
inline constexpr std::string_view other_account = "999988887777";
inline constexpr std::string_view method_arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/pets";

inline Document must_parse(std::string_view text, DocumentKind kind = DocumentKind::identity) {
  auto document = Document::parse(text, kind);
  if (!document) {
    ADD_FAILURE() << document.error().message << "\n" << text;
    document = Document::parse(R"({"Statement":[]})", kind);
  }
  return *document;
}

/// The message of a refusal.
inline std::string refusal(std::string_view text, DocumentKind kind = DocumentKind::identity) {
  const auto document = Document::parse(text, kind);
  return document ? "accepted" : document.error().message;
}

/// A request that owns its context.
class Ask {
 public:
  AccessRequest request{.action = "execute-api:Invoke", .resource = method_arn, .resource_account_id = account};

  Ask() = default;
  explicit Ask(const Principal& principal) { request.principal = principal; }
  Ask(const Ask&) = delete;
  Ask& with(std::string_view name, std::vector<std::string_view> values) {
    lists_.push_back(std::move(values));
    keys_.push_back({name, lists_.back()});
    request.context = keys_;
    return *this;
  }
  Ask& action(std::string_view text) {
    request.action = text;
    return *this;
  }
  Ask& resource(std::string_view text) {
    request.resource = text;
    return *this;
  }
  operator const AccessRequest&() const { return request; }

 private:
  std::deque<std::vector<std::string_view>> lists_;
  std::vector<ContextKey> keys_;
};

inline const Principal user{.kind = PrincipalKind::user, .arn = "arn:aws:iam::123456789012:user/u", .account_id = account};
inline const Principal session{.kind = PrincipalKind::role_session,
                               .arn = "arn:aws:sts::123456789012:assumed-role/r/s",
                               .role_arn = "arn:aws:iam::123456789012:role/r",
                               .account_id = account};
inline const Principal federated{
    .kind = PrincipalKind::federated_session, .arn = "arn:aws:sts::123456789012:federated-user/f", .account_id = account};
inline const Principal root{.kind = PrincipalKind::root, .arn = "arn:aws:iam::123456789012:root", .account_id = account};
inline const Principal foreign_user{.kind = PrincipalKind::user, .arn = "arn:aws:iam::999988887777:user/u", .account_id = other_account};
inline const Principal gateway{.kind = PrincipalKind::service, .service = "apigateway.amazonaws.com"};
inline const Principal nobody{};

}  // namespace sallyport::policy::testing
