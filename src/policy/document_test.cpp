#include <gtest/gtest.h>

#include "base/text.hpp"
#include "policy/testing.hpp"

namespace sallyport::policy {
namespace {

using testing::Ask;
using testing::must_parse;
using testing::refusal;

/// A document with one Allow statement and these members besides.
std::string with(std::string_view members) { return cat(R"({"Statement":[{"Effect":"Allow",)", members, "}]}"); }
constexpr std::string_view plain = R"("Action":"execute-api:Invoke","Resource":"*")";

bool allows(std::string_view text, const AccessRequest& request = Ask(), DocumentKind kind = DocumentKind::identity) {
  return static_cast<bool>(evaluate(must_parse(text, kind), request));
}

TEST(Document, OneStatementOrAList) {
  EXPECT_EQ(
      must_parse(R"({"Version":"2012-10-17","Id":"x","Statement":{"Sid":"S","Effect":"Deny","Action":["*"],"Resource":["*"]}})").sid(0),
      "S");
  EXPECT_EQ(must_parse(R"({"Statement":[]})").statement_count(), 0u);
  const auto two = must_parse(cat(R"({"Statement":[{"Effect":"Allow",)", plain, R"(},{"Sid":"b","Effect":"Deny",)", plain, "}]}"));
  EXPECT_EQ(two.statement_count(), 2u);
  EXPECT_EQ(two.sid(0), "");
  EXPECT_EQ(two.sid(1), "b");
}

TEST(Document, RefusesWhatTheGrammarDoesNotHave) {
  const std::pair<std::string, std::string> cases[] = {
      {"[]", "a policy document is an object, not a list"},
      {"{}", "Statement: missing"},
      {R"({"statement":[]})", "unknown element `statement`"},
      {R"({"Version":"2012-10-18","Statement":[]})", "Version: `2012-10-18` is neither 2012-10-17 nor 2008-10-17"},
      {R"({"Version":2012,"Statement":[]})", "Version: wants a string, not a number"},
      {R"({"Id":null,"Statement":[]})", "Id: wants a string, not null"},
      {R"({"Statement":"x"})", "Statement: wants an object or a list of objects, not a string"},
      {R"({"Statement":[1]})", "Statement[0]: wants an object, not a number"},
      {with(cat(plain, R"(,"Effects":"x")")), "Statement[0]: unknown element `Effects`"},
      {cat(R"({"Statement":[{"Effect":"Allow",)", plain, R"(},{"Effect":"allow",)", plain, "}]}"),
       "Statement[1].Effect: is neither `Allow` nor `Deny`"},
      {cat(R"({"Statement":{)", plain, "}}"), "Statement.Effect: missing"},
      {with(cat(plain, R"(,"Sid":7)")), "Statement[0].Sid: wants a string, not a number"},
      {with(R"("Resource":"*")"), "Statement[0]: wants either Action or NotAction"},
      {with(R"("Action":"*","NotAction":"*","Resource":"*")"), "Statement[0]: wants either Action or NotAction"},
      {with(R"("Action":"*")"), "Statement[0]: wants either Resource or NotResource"},
      {with(R"("Action":"*","Resource":"*","NotResource":"*")"), "Statement[0]: wants either Resource or NotResource"},
      {with(R"("Action":[],"Resource":"*")"), "Statement[0].Action: is an empty list"},
      {with(R"("Action":"","Resource":"*")"), "Statement[0].Action: has an empty string"},
      {with(R"("Action":["*",1],"Resource":"*")"), "Statement[0].Action: wants strings, not a number"},
      {with(R"("Action":{},"Resource":"*")"), "Statement[0].Action: wants a string or a list of strings, not an object"},
      {with(R"("Action":"Invoke","Resource":"*")"), "Statement[0].Action: `Invoke` is neither `*` nor service:action"},
      {with(R"("NotAction":"lambda:","Resource":"*")"), "Statement[0].NotAction: `lambda:` is neither `*` nor service:action"},
      {with(R"("Action":"exec*:Invoke","Resource":"*")"), "Statement[0].Action: `exec*:Invoke` has a wildcard in the service"},
      {with(R"("Action":"*","Resource":[])"), "Statement[0].Resource: is an empty list"},
      {with(R"("Action":"*","Resource":null)"), "Statement[0].Resource: wants a string or a list of strings, not null"},
      {with(R"("Action":"*","Resource":"execute-api:/*")"), "Statement[0].Resource: `execute-api:/*` is neither `*` nor an ARN"},
      {with(R"("Action":"*","Resource":"arn:aws:execute-api")"), "Statement[0].Resource: `arn:aws:execute-api` is not an ARN of six parts"},
      {with(R"("Action":"*","Resource":"arn:aws:*:r:a:x")"), "Statement[0].Resource: `arn:aws:*:r:a:x` has a wildcard in the service"},
      {with(cat(plain, R"(,"Principal":"*")")), "Statement[0].Principal: has no place in an identity policy"},
      {with(cat(plain, R"(,"Condition":[])")), "Statement[0].Condition: wants an object, not a list"},
      {with(cat(plain, R"(,"Condition":{"StringEquals":"x"})")), "Statement[0].Condition: StringEquals: wants an object, not a string"},
      {with(cat(plain, R"(,"Condition":{"StringSame":{"aws:x":"y"}})")),
       "Statement[0].Condition: StringSame aws:x: unknown condition operator `StringSame`"},
      {with(cat(plain, R"(,"Condition":{"StringSame":{}})")), "Statement[0].Condition: unknown condition operator `StringSame`"},
      {with(cat(plain, R"(,"Condition":{"StringEquals":{"aws:x":{}}})")),
       "Statement[0].Condition: StringEquals aws:x: wants a string, a number, a boolean or a list of them, not an object"},
      {with(cat(plain, R"(,"Condition":{"StringEquals":{"aws:x":[null]}})")),
       "Statement[0].Condition: StringEquals aws:x: wants strings, numbers or booleans, not null"},
      {with(cat(plain, R"(,"Condition":{"StringEquals":{"aws:x":"1","AWS:X":"2"}})")),
       "Statement[0].Condition: StringEquals AWS:X: stands twice, names are case-blind"},
      {with(cat(plain, R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/40"}})")),
       "Statement[0].Condition: IpAddress aws:SourceIp: `10.0.0.0/40` is not an IP address or a CIDR block"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(refusal(text), message) << text;
}

TEST(Document, RefusesDuplicateKeysAndBadText) {
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Effect":"Deny")"))), "invalid JSON: the name `Effect` stands twice in one object");
  EXPECT_EQ(refusal("").rfind("invalid JSON", 0), 0u);
  EXPECT_EQ(refusal(std::string(100, '[') + std::string(100, ']')), "JSON nested deeper than 64");
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Sid":"€")"))), "a policy document has tab, line feed, carriage return and U+0020 to U+00FF only");
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Sid":"ÿ é")"))), "accepted");
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Sid":"€")")), DocumentKind::authorizer), "accepted");
}

TEST(Document, KindsDifferInPrincipalAndResource) {
  const auto resource = DocumentKind::resource, trust = DocumentKind::trust;
  EXPECT_EQ(refusal(with(plain), resource), "Statement[0]: wants either Principal or NotPrincipal");
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Principal":"*","NotPrincipal":"*")")), resource),
            "Statement[0]: wants either Principal or NotPrincipal");
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Principal":"*")")), resource), "accepted");
  EXPECT_EQ(refusal(with(cat(plain, R"(,"Principal":"*")")), trust), "Statement[0]: a trust policy has no Resource");
  EXPECT_EQ(refusal(with(R"("Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"})"), trust), "accepted");
  EXPECT_EQ(refusal(with(R"("Action":"sts:AssumeRole")"), trust), "Statement[0]: wants either Principal or NotPrincipal");
}

TEST(Document, AnAuthorizersPrincipalIsIgnoredWithANote) {
  const auto document = must_parse(with(cat(plain, R"(,"Principal":{"odd":1})")), DocumentKind::authorizer);
  EXPECT_EQ(document.notes(),
            std::vector<std::string>{"Statement[0].Principal: ignored, because the answer of an authorizer is an identity policy"});
  EXPECT_TRUE(evaluate(document, Ask()));
  EXPECT_TRUE(must_parse(with(plain), DocumentKind::authorizer).notes().empty());
}

TEST(Document, Principals) {
  const auto accepts = [](std::string_view principal) {
    return refusal(with(cat(plain, R"(,"Principal":)", principal)), DocumentKind::resource);
  };
  for (const auto* good :
       {R"("*")", R"({"AWS":"*"})", R"({"AWS":"123456789012"})", R"({"AWS":["arn:aws:iam::123456789012:root"]})",
        R"({"AWS":"arn:aws:iam::123456789012:user/path/bob"})", R"({"AWS":"arn:aws-cn:iam::123456789012:role/r"})",
        R"({"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"})", R"({"AWS":"arn:aws:sts::123456789012:federated-user/f"})",
        R"({"AWS":"AIDACKCEVSQ6C2EXAMPLE"})", R"({"Service":["lambda.amazonaws.com","apigateway.amazonaws.com"]})",
        R"({"Federated":"cognito-identity.amazonaws.com"})", R"({"AWS":"*","Service":"lambda.amazonaws.com"})"})
    EXPECT_EQ(accepts(good), "accepted") << good;
  const std::pair<std::string, std::string> bad[] = {
      {R"("123456789012")", "`123456789012` is neither `*` nor an object"},
      {"[]", "wants `*` or an object, not a list"},
      {"{}", "names nobody"},
      {R"({"AWS":[]})", "AWS: wants a string or a list of strings"},
      {R"({"AWS":["*",1]})", "AWS: wants a string or a list of strings"},
      {R"({"AWS":""})", "AWS: wants a string or a list of strings"},
      {R"({"aws":"*"})", "unknown kind of principal `aws`"},
      {R"({"*":"*"})", "unknown kind of principal `*`"},
      {R"({"AWS":"arn:aws:iam::123456789012:user/*"})",
       "AWS: `arn:aws:iam::123456789012:user/*`: a principal is named whole, wildcards match nothing in it"},
      {R"({"AWS":"12345"})", "AWS: `12345` is no account, user, role or session"},
      {R"({"AWS":"arn:aws:iam::123456789012:group/g"})", "AWS: `arn:aws:iam::123456789012:group/g` is no account, user, role or session"},
      {R"({"AWS":"arn:aws:iam::bad:user/g"})", "AWS: `arn:aws:iam::bad:user/g` is no account, user, role or session"},
      {R"({"AWS":"arn:aws:iam::123456789012:user/"})", "AWS: `arn:aws:iam::123456789012:user/` is no account, user, role or session"},
      {R"({"Service":"*"})", "Service: `*` is not the name of a service, such as lambda.amazonaws.com"},
      {R"({"Service":"lambda"})", "Service: `lambda` is not the name of a service, such as lambda.amazonaws.com"},
      {R"({"Federated":"*"})", "Federated: `*` is not the name of an identity provider"},
  };
  for (const auto& [principal, message] : bad) EXPECT_EQ(accepts(principal), "Statement[0].Principal: " + message);
  const auto canonical = must_parse(with(cat(plain, R"(,"Principal":{"CanonicalUser":"79a5"})")), DocumentKind::resource);
  EXPECT_EQ(canonical.notes(), std::vector<std::string>{
                                   "Statement[0].Principal: CanonicalUser `79a5` matches nobody: callers have no canonical user id here"});
}

TEST(Document, Actions) {
  for (const auto* action :
       {"*", "*:*", "execute-api:*", "execute-api:Inv*", "EXECUTE-API:invoke", "execute-api:Invok?", "execute-api:*o*e"})
    EXPECT_TRUE(allows(with(cat(R"("Resource":"*","Action":")", action, "\"")))) << action;
  for (const auto* action : {"execute-api:Invok", "execute-api:ManageConnections", "lambda:*", "execute-api:Invoke?"})
    EXPECT_FALSE(allows(with(cat(R"("Resource":"*","Action":")", action, "\"")))) << action;
  EXPECT_TRUE(allows(with(R"("Resource":"*","Action":["lambda:*","execute-api:Invoke"])")));
}

TEST(Document, NotActionAndNotResource) {
  EXPECT_TRUE(allows(with(R"("Resource":"*","NotAction":"lambda:*")")));
  EXPECT_FALSE(allows(with(R"("Resource":"*","NotAction":["lambda:*","execute-api:*"])")));
  EXPECT_TRUE(allows(with(R"("NotResource":"arn:aws:execute-api:*:*:other/*","Action":"*")")));
  EXPECT_FALSE(allows(with(R"("NotResource":["arn:aws:s3:::b","arn:aws:execute-api:*:*:a1b2c3d4e5/*"],"Action":"*")")));
  EXPECT_TRUE(allows(with(R"("NotResource":"arn:aws:s3:::b","NotAction":"s3:*")")));
}

TEST(Document, VariablesInResources) {
  const auto text = [](std::string_view version, std::string_view resource) {
    return cat(R"({"Version":")", version, R"(","Statement":{"Effect":"Allow","Action":"*","Resource":")", resource, "\"}}");
  };
  constexpr std::string_view base = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/";
  Ask ask;
  const auto bob = cat(base, "bob"), literal = cat(base, "${aws:username}"), star = cat(base, "*");
  ask.with("aws:username", {"bob"}).with("aws:wild", {"*"});
  EXPECT_TRUE(allows(text("2012-10-17", literal), ask.resource(bob)));
  EXPECT_FALSE(allows(text("2008-10-17", literal), ask.resource(bob)));
  EXPECT_TRUE(allows(text("2008-10-17", literal), ask.resource(literal)));
  EXPECT_FALSE(allows(text("2012-10-17", cat(base, "${aws:wild}")), ask.resource(bob)));
  EXPECT_TRUE(allows(text("2012-10-17", cat(base, "${aws:wild}")), ask.resource(star)));
  EXPECT_TRUE(allows(text("2012-10-17", cat(base, "${*}")), ask.resource(star)));
  EXPECT_FALSE(allows(text("2012-10-17", cat(base, "${*}")), ask.resource(bob)));
  EXPECT_FALSE(allows(text("2012-10-17", cat(base, "${aws:gone}*")), ask.resource(bob)));
  EXPECT_EQ(refusal(text("2012-10-17", "arn:aws:execute-api:us-east-1:${aws:x}:a/*")),
            "Statement.Resource: `arn:aws:execute-api:us-east-1:${aws:x}:a/*`: policy variables may stand only in the last part of an ARN");
  EXPECT_EQ(refusal(text("2012-10-17", cat(base, "${aws:x"))).rfind("Statement.Resource: `arn:", 0), 0u);
}

TEST(Document, ConditionsAllHaveToHold) {
  Ask ask;
  ask.with("aws:SourceIp", {"203.0.113.9"}).with("aws:UserAgent", {"curl"});
  const auto conditioned = [](std::string_view conditions) { return with(cat(plain, R"(,"Condition":)", conditions)); };
  EXPECT_TRUE(allows(conditioned("{}"), ask));
  EXPECT_TRUE(allows(conditioned(R"({"StringEquals":{}})"), ask));
  EXPECT_TRUE(allows(conditioned(R"({"StringEquals":{"aws:useragent":["x","curl"]},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}})"), ask));
  EXPECT_FALSE(allows(conditioned(R"({"StringEquals":{"aws:useragent":"curl","aws:referer":"x"}})"), ask));
  EXPECT_FALSE(allows(conditioned(R"({"StringEquals":{"aws:useragent":"curl"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"), ask));
  EXPECT_TRUE(allows(conditioned(R"({"Bool":{"aws:useragent":true}})"), ask) == false);
  EXPECT_TRUE(allows(conditioned(R"({"Null":{"aws:referer":true}})"), ask));
  EXPECT_TRUE(allows(conditioned(R"({"NumericLessThan":{"aws:n":1e2}})"), ask.with("aws:n", {"99"})));
}

TEST(Document, CopiesShareTheCompiledForm) {
  const auto document = must_parse(with(plain));
  const auto copy = document;
  EXPECT_EQ(&document.compiled(), &copy.compiled());
}

}  // namespace
}  // namespace sallyport::policy
