#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "policy/testing.hpp"

namespace sallyport::policy {
namespace {

using namespace testing;

/// Why the one statement of an identity policy does not match; empty when it does.
std::string mismatch(std::string_view members, const AccessRequest& request) {
  const std::vector<Document> identity{must_parse(cat(R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",)", members, "}}"))};
  const auto reasons = explain({.identity = identity}, request);
  EXPECT_EQ(reasons.size(), 1u);
  EXPECT_EQ(reasons[0].matched, reasons[0].mismatch.empty());
  return reasons[0].mismatch;
}
std::string failed_condition(std::string_view condition, const AccessRequest& request) {
  return mismatch(cat(R"("Action":"*","Resource":"*","Condition":)", condition), request);
}

TEST(Explain, NamesTheElementThatFailed) {
  Ask ask(user);
  EXPECT_EQ(mismatch(R"("Action":"execute-api:*","Resource":"*")", ask), "");
  EXPECT_EQ(mismatch(R"("Action":["execute-api:ManageConnections","lambda:*"],"Resource":"*")", ask),
            "action `execute-api:Invoke` is not among [execute-api:ManageConnections, lambda:*]");
  EXPECT_EQ(mismatch(R"("NotAction":"execute-api:*","Resource":"*")", ask),
            "action `execute-api:Invoke` is among the excepted [execute-api:*]");
  EXPECT_EQ(mismatch(R"("Action":"*","Resource":"arn:aws:s3:::b")", ask.resource("arn:aws:s3:::c")),
            "resource `arn:aws:s3:::c` is not among [arn:aws:s3:::b]");
  EXPECT_EQ(mismatch(R"("Action":"*","NotResource":"arn:aws:s3:::*")", ask),
            "resource `arn:aws:s3:::c` is among the excepted [arn:aws:s3:::*]");
}

TEST(Explain, NamesTheConditionWithItsValue) {
  Ask ask(user);
  ask.with("aws:SourceIp", {"127.0.0.1"}).with("aws:n", {"5"}).with("aws:TagKeys", {"a", "b"}).with("aws:username", {"bob"});
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}})", "condition IpAddress aws:sourceip: `127.0.0.1` is not in [203.0.113.0/24]"},
      {R"({"NotIpAddress":{"aws:SourceIp":["127.0.0.1"]}})", "condition NotIpAddress aws:sourceip: `127.0.0.1` is in [127.0.0.1]"},
      {R"({"StringEquals":{"aws:n":["1","2"]}})", "condition StringEquals aws:n: `5` is not among [1, 2]"},
      {R"({"StringNotEquals":{"aws:n":5}})", "condition StringNotEquals aws:n: `5` is among [5]"},
      {R"({"StringLike":{"aws:n":"1*"}})", "condition StringLike aws:n: `5` is not like any of [1*]"},
      {R"({"NumericLessThan":{"aws:n":5}})", "condition NumericLessThan aws:n: `5` is not less than [5]"},
      {R"({"NumericGreaterThanEquals":{"aws:n":6}})", "condition NumericGreaterThanEquals aws:n: `5` is not at least [6]"},
      {R"({"NumericGreaterThan":{"aws:n":6}})", "condition NumericGreaterThan aws:n: `5` is not greater than [6]"},
      {R"({"NumericLessThanEquals":{"aws:n":4}})", "condition NumericLessThanEquals aws:n: `5` is not at most [4]"},
      {R"({"ForAllValues:StringEquals":{"aws:TagKeys":"a"}})",
       "condition ForAllValues:StringEquals aws:tagkeys: `a`, `b` is not among [a]"},
      {R"({"StringEquals":{"aws:Referer":"x"}})", "condition StringEquals aws:referer: the request does not have the key, wanted [x]"},
      {R"({"Null":{"aws:n":"true"}})", "condition Null aws:n: the request has the key, wanted absent [true]"},
      {R"({"Null":{"aws:gone":"false"}})", "condition Null aws:gone: the request does not have the key, wanted absent [false]"},
      {R"({"StringEquals":{"aws:n":"5","aws:username":"${aws:gone}"}})",
       "condition StringEquals aws:username: `bob` is not among [${aws:gone}]"},
      {R"({"StringEquals":{"aws:username":"${aws:username}"}})", ""},
  };
  for (const auto& [condition, text] : cases) EXPECT_EQ(failed_condition(condition, ask), text);
}

TEST(Explain, NamesThePrincipal) {
  const auto reason = [](std::string_view element, std::string_view principal, const Principal& caller) {
    PolicySet policies;
    policies.resource = must_parse(cat(R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*",")", element, "\":", principal, "}}"),
                                   DocumentKind::resource);
    return explain(policies, Ask(caller))[0].mismatch;
  };
  EXPECT_EQ(reason("Principal", R"({"AWS":["123456789012","arn:aws:iam::999988887777:user/u"]})", nobody),
            "principal `anonymous` is not among [123456789012, arn:aws:iam::999988887777:user/u]");
  EXPECT_EQ(reason("Principal", R"({"Service":"lambda.amazonaws.com"})", gateway),
            "principal `apigateway.amazonaws.com` is not among [lambda.amazonaws.com]");
  EXPECT_EQ(reason("NotPrincipal", R"({"AWS":"123456789012"})", user),
            "principal `arn:aws:iam::123456789012:user/u` is among the excepted [123456789012]");
  EXPECT_EQ(reason("Principal", R"("*")", nobody), "");
}

TEST(Explain, ListsEveryStatementOfEveryPolicy) {
  const auto document = [](std::string_view sid, DocumentKind kind = DocumentKind::identity) {
    return must_parse(cat(R"({"Statement":[{"Sid":")", sid, R"(","Effect":"Deny","Action":"s3:*","Resource":"*")",
                          kind == DocumentKind::resource ? R"(,"Principal":"*")" : "", R"(},{"Effect":"Allow","Action":"*","Resource":"*")",
                          kind == DocumentKind::resource ? R"(,"Principal":"*")" : "", "}]}"),
                      kind);
  };
  const std::vector<Document> identity{document("i0"), document("i1")}, boundary{document("b")}, session_policy{document("s")},
      level0{document("l0"), document("l1")}, level1{document("l2")}, control{document("r", DocumentKind::resource)},
      endpoint{document("e", DocumentKind::resource)};
  const std::vector<std::span<const Document>> levels{level0, level1};
  PolicySet policies{.identity = identity, .resource = document("p", DocumentKind::resource)};
  policies.boundaries = boundary, policies.session = session_policy, policies.service_control = levels;
  policies.resource_control = control, policies.endpoint = endpoint;
  std::vector<std::string> listed;
  for (const auto& reason : explain(policies, Ask(user))) {
    listed.push_back(cat(static_cast<int>(reason.policy_type), " ", reason.document, " ", reason.statement, " ", reason.sid));
    EXPECT_EQ(reason.allow, reason.statement == 1);
    EXPECT_EQ(reason.matched, reason.statement == 1);
  }
  EXPECT_THAT(listed, ::testing::ElementsAre("0 0 0 i0", "0 0 1 ", "0 1 0 i1", "0 1 1 ", "1 0 0 p", "1 0 1 ", "2 0 0 b", "2 0 1 ",
                                             "3 0 0 s", "3 0 1 ", "4 0 0 l0", "4 0 1 ", "4 1 0 l1", "4 1 1 ", "4 2 0 l2", "4 2 1 ",
                                             "5 0 0 r", "5 0 1 ", "6 0 0 e", "6 0 1 "));
}

}  // namespace
}  // namespace sallyport::policy
