#include <gtest/gtest.h>

#include "base/text.hpp"
#include "policy/testing.hpp"

namespace sallyport::policy {
namespace {

using namespace testing;
using Documents = std::vector<Document>;

Document allow() { return must_parse(R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})"); }
Document deny() { return must_parse(R"({"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}})"); }
Document silent() { return must_parse(R"({"Statement":[]})"); }
Document other_action() { return must_parse(R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})"); }
/// A resource policy with one statement for a Principal (or NotPrincipal) element.
Document resource(std::string_view principal, std::string_view effect = "Allow", std::string_view element = "Principal") {
  return must_parse(cat(R"({"Statement":{"Effect":")", effect, R"(","Action":"*","Resource":"*",")", element, "\":", principal, "}}"),
                    DocumentKind::resource);
}
Document to_user() { return resource(R"({"AWS":"arn:aws:iam::123456789012:user/u"})"); }
Document to_role() { return resource(R"({"AWS":"arn:aws:iam::123456789012:role/r"})"); }
Document to_session() { return resource(R"({"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"})"); }
Document to_account() { return resource(R"({"AWS":"123456789012"})"); }
Document to_everyone() { return resource(R"("*")"); }

/// Owns the documents of a PolicySet.
struct Given {
  Documents identity = {};
  std::optional<Document> resource = {};
  std::optional<Documents> boundaries = {}, session = {}, endpoint = {};
  std::optional<std::vector<Documents>> service_control = {};
  Documents resource_control = {};

  std::string operator()(const AccessRequest& request) const {
    PolicySet policies{.identity = identity, .resource = resource, .resource_control = resource_control};
    if (boundaries) policies.boundaries = *boundaries;
    if (session) policies.session = *session;
    if (endpoint) policies.endpoint = *endpoint;
    std::vector<std::span<const Document>> levels;
    if (service_control) {
      levels.assign(service_control->begin(), service_control->end());
      policies.service_control = levels;
    }
    const auto decision = decide(policies, request);
    static constexpr std::string_view outcomes[] = {"allowed", "denied", "silent"};
    static constexpr std::string_view types[] = {"identity", "resource", "boundary", "session", "scp", "rcp", "endpoint"};
    // Root needs no statement to be allowed, so that a decision for it may point at none.
    if (decision.outcome == Outcome::denied_implicitly)
      EXPECT_EQ(decision.document, nullptr);
    else if (decision.document == nullptr)
      EXPECT_TRUE(decision && request.principal.kind == PrincipalKind::root);
    return cat(outcomes[static_cast<int>(decision.outcome)], " by ", types[static_cast<int>(decision.policy_type)]);
  }
};

TEST(Decide, NothingAllowsByDefault) {
  EXPECT_EQ(Given{}(Ask(user)), "silent by identity");
  EXPECT_EQ(Given{}(Ask(session)), "silent by identity");
  EXPECT_EQ(Given{}(Ask(gateway)), "silent by resource");
  EXPECT_EQ(Given{}(Ask(nobody)), "silent by resource");
  EXPECT_EQ(Given{}(Ask(foreign_user)), "silent by identity");
}

TEST(Decide, IdentityPoliciesAllow) {
  EXPECT_EQ(Given{.identity = {allow()}}(Ask(user)), "allowed by identity");
  EXPECT_EQ((Given{.identity = {silent(), allow()}}(Ask(session))), "allowed by identity");
  EXPECT_EQ((Given{.identity = {allow()}, .resource = resource(R"({"AWS":"arn:aws:iam::123456789012:user/v"})")}(Ask(user))),
            "allowed by identity");
}

TEST(Decide, ADenyAnywhereWins) {
  const Given base{.identity = {allow()},
                   .resource = to_everyone(),
                   .boundaries = Documents{allow()},
                   .session = Documents{allow()},
                   .endpoint = Documents{to_everyone()},
                   .service_control = std::vector<Documents>{{allow()}}};
  EXPECT_EQ(base(Ask(user)), "allowed by resource");
  auto given = base;
  given.identity = {allow(), deny()};
  EXPECT_EQ(given(Ask(user)), "denied by identity");
  given = base, given.resource = resource(R"("*")", "Deny");
  EXPECT_EQ(given(Ask(user)), "denied by resource");
  given = base, given.boundaries = Documents{allow(), deny()};
  EXPECT_EQ(given(Ask(user)), "denied by boundary");
  given = base, given.session = Documents{deny()};
  EXPECT_EQ(given(Ask(user)), "denied by session");
  given = base, given.endpoint = Documents{to_everyone(), resource(R"("*")", "Deny")};
  EXPECT_EQ(given(Ask(user)), "denied by endpoint");
  given = base, given.service_control = std::vector<Documents>{{allow()}, {allow(), deny()}};
  EXPECT_EQ(given(Ask(user)), "denied by scp");
  given = base, given.resource_control = {resource(R"("*")", "Deny")};
  EXPECT_EQ(given(Ask(user)), "denied by rcp");
  EXPECT_EQ(given(Ask(gateway)), "denied by rcp");
  EXPECT_EQ(given(Ask(nobody)), "denied by rcp");
}

TEST(Decide, ADenyThatDoesNotApplyDoesNothing) {
  Given given{.identity = {allow(), must_parse(R"({"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}})")}};
  EXPECT_EQ(given(Ask(user)), "allowed by identity");
  given.resource = resource(R"({"AWS":"arn:aws:iam::123456789012:user/v"})", "Deny");
  EXPECT_EQ(given(Ask(user)), "allowed by identity");
}

TEST(Decide, StatementOrderIsIrrelevant) {
  constexpr std::string_view a = R"({"Effect":"Allow","Action":"*","Resource":"*"})",
                             d = R"({"Effect":"Deny","Action":"*","Resource":"*"})";
  for (const auto& text : {cat(R"({"Statement":[)", a, ",", d, "]}"), cat(R"({"Statement":[)", d, ",", a, "]}")})
    EXPECT_EQ(Given{.identity = {must_parse(text)}}(Ask(user)), "denied by identity");
}

TEST(Decide, TheDecisionPointsAtTheStatement) {
  const auto document = must_parse(
      R"({"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"this","Effect":"Allow","Action":"*","Resource":"*"}]})");
  const Documents identity{silent(), document};
  const auto decision = decide({.identity = identity}, Ask(user));
  ASSERT_EQ(decision.document, &identity[1]);
  EXPECT_EQ(decision.document->sid(decision.statement), "this");
  const auto alone = evaluate(document, Ask(user));
  EXPECT_EQ(alone.document, &document);
  EXPECT_EQ(alone.statement, 1u);
  EXPECT_EQ(evaluate(silent(), Ask(user)).document, nullptr);
}

TEST(Decide, GrantsToAUserOrSessionNeedNothingElse) {
  const Documents other{other_action()};
  EXPECT_EQ((Given{.resource = to_user(), .boundaries = other}(Ask(user))), "allowed by resource");
  EXPECT_EQ((Given{.resource = to_session(), .boundaries = other, .session = other}(Ask(session))), "allowed by resource");
  EXPECT_EQ(Given{.resource = resource(R"({"AWS":"arn:aws:sts::123456789012:federated-user/f"})")}(Ask(federated)), "allowed by resource");
  EXPECT_EQ((Given{.resource = to_user()}(Ask(session))), "silent by identity");
}

TEST(Decide, AGrantToARoleIsLimitedByBoundaryAndSessionPolicy) {
  const Documents other{other_action()}, all{allow()};
  EXPECT_EQ(Given{.resource = to_role()}(Ask(session)), "allowed by resource");
  EXPECT_EQ((Given{.resource = to_role(), .boundaries = all, .session = all}(Ask(session))), "allowed by resource");
  EXPECT_EQ((Given{.resource = to_role(), .boundaries = other, .session = all}(Ask(session))), "silent by boundary");
  EXPECT_EQ((Given{.resource = to_role(), .boundaries = all, .session = other}(Ask(session))), "silent by session");
}

TEST(Decide, TheStrongestGrantCounts) {
  auto both = must_parse(R"({"Statement":[
    {"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":["123456789012","arn:aws:iam::123456789012:role/r"]}},
    {"Effect":"Allow","Action":"*","Resource":"*","Principal":{"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"}}]})",
                         DocumentKind::resource);
  EXPECT_EQ((Given{.resource = both, .boundaries = Documents{silent()}}(Ask(session))), "allowed by resource");
}

TEST(Decide, AGrantToTheAccountOnlyDelegates) {
  EXPECT_EQ(Given{.resource = to_account()}(Ask(user)), "silent by identity");
  EXPECT_EQ((Given{.identity = {allow()}, .resource = to_account()}(Ask(user))), "allowed by identity");
  EXPECT_EQ(Given{.resource = resource(R"({"AWS":"arn:aws:iam::123456789012:root"})")}(Ask(session)), "silent by identity");
}

TEST(Decide, AGrantToEveryoneIsDirectWithinTheAccount) {
  const Documents other{other_action()};
  for (const auto* principal : {R"("*")", R"({"AWS":"*"})"}) {
    EXPECT_EQ((Given{.resource = resource(principal), .boundaries = other, .session = other}(Ask(session))), "allowed by resource");
    EXPECT_EQ(Given{.resource = resource(principal)}(Ask(nobody)), "allowed by resource");
    EXPECT_EQ(Given{.resource = resource(principal)}(Ask(gateway)), "allowed by resource");
    EXPECT_EQ(Given{.resource = resource(principal)}(Ask(foreign_user)), "silent by identity");
  }
}

TEST(Decide, BoundaryAndSessionPolicyLimitIdentityPolicies) {
  const Documents all{allow()}, other{other_action()}, none;
  EXPECT_EQ((Given{.identity = all, .boundaries = all, .session = all}(Ask(session))), "allowed by identity");
  EXPECT_EQ((Given{.identity = all, .boundaries = other}(Ask(user))), "silent by boundary");
  EXPECT_EQ((Given{.identity = all, .boundaries = none}(Ask(user))), "silent by boundary");
  EXPECT_EQ((Given{.identity = all, .session = other}(Ask(session))), "silent by session");
  EXPECT_EQ((Given{.identity = all, .session = none}(Ask(session))), "silent by session");
  EXPECT_EQ((Given{.boundaries = all, .session = all}(Ask(session))), "silent by identity");
}

TEST(Decide, AFederatedUserWithoutSessionPolicyHasNothing) {
  EXPECT_EQ(Given{.identity = {allow()}}(Ask(federated)), "silent by session");
  EXPECT_EQ((Given{.identity = {allow()}, .session = Documents{allow()}}(Ask(federated))), "allowed by identity");
}

TEST(Decide, RootIsAllowedByDefault) {
  EXPECT_EQ(Given{}(Ask(root)), "allowed by identity");
  EXPECT_EQ(Given{.resource = resource(R"({"AWS":"123456789012"})", "Deny")}(Ask(root)), "denied by resource");
  EXPECT_EQ((Given{.service_control = std::vector<Documents>{{other_action()}}}(Ask(root))), "silent by scp");
  Principal foreign_root{.kind = PrincipalKind::root, .arn = "arn:aws:iam::999988887777:root", .account_id = other_account};
  EXPECT_EQ(Given{}(Ask(foreign_root)), "silent by resource");
  EXPECT_EQ(Given{.resource = resource(R"({"AWS":"999988887777"})")}(Ask(foreign_root)), "allowed by identity");
}

TEST(Decide, AcrossAccountsBothSidesMustAllow) {
  const Documents all{allow()};
  for (const auto* principal : {R"({"AWS":"999988887777"})", R"({"AWS":"arn:aws:iam::999988887777:user/u"})", R"("*")"}) {
    EXPECT_EQ((Given{.identity = all, .resource = resource(principal)}(Ask(foreign_user))), "allowed by identity");
    EXPECT_EQ(Given{.resource = resource(principal)}(Ask(foreign_user)), "silent by identity");
    EXPECT_EQ((Given{.identity = all, .resource = resource(principal), .boundaries = Documents{silent()}}(Ask(foreign_user))),
              "silent by boundary");
    EXPECT_EQ((Given{.identity = all, .resource = resource(principal), .session = Documents{silent()}}(Ask(foreign_user))),
              "silent by session");
  }
  EXPECT_EQ(Given{.identity = all}(Ask(foreign_user)), "silent by resource");
  EXPECT_EQ((Given{.identity = all, .resource = to_account()}(Ask(foreign_user))), "silent by resource");
  EXPECT_EQ((Given{.identity = all, .resource = resource(R"({"AWS":"999988887777"})", "Deny")}(Ask(foreign_user))), "denied by resource");
}

TEST(Decide, AnUnknownAccountIsAnotherAccount) {
  Ask ask(user);
  ask.request.resource_account_id = "";
  EXPECT_EQ(Given{.identity = {allow()}}(ask), "silent by resource");
  Ask accountless(Principal{.kind = PrincipalKind::user, .arn = user.arn});
  accountless.request.resource_account_id = "";
  EXPECT_EQ(Given{.identity = {allow()}}(accountless), "silent by resource");
}

TEST(Decide, ServicesNeedTheResourcePolicy) {
  EXPECT_EQ(Given{.identity = {allow()}}(Ask(gateway)), "silent by resource");
  EXPECT_EQ(Given{.resource = resource(R"({"Service":"apigateway.amazonaws.com"})")}(Ask(gateway)), "allowed by resource");
  EXPECT_EQ(Given{.resource = resource(R"({"Service":["events.amazonaws.com","lambda.amazonaws.com"]})")}(Ask(gateway)),
            "silent by resource");
  EXPECT_EQ(Given{.resource = resource(R"({"Service":"apigateway.amazonaws.com"})")}(Ask(user)), "silent by identity");
}

TEST(Decide, ASourceArnConditionOfAServicePermission) {
  const auto permission = must_parse(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction",
    "Principal":{"Service":"apigateway.amazonaws.com"},"Resource":"arn:aws:lambda:us-east-1:123456789012:function:f",
    "Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:us-east-1:123456789012:a1/*"}}}]})",
                                     DocumentKind::resource);
  const auto invoke = [&](std::string_view source) {
    Ask ask(gateway);
    ask.action("lambda:InvokeFunction").resource("arn:aws:lambda:us-east-1:123456789012:function:f").with("aws:SourceArn", {source});
    return Given{.resource = permission}(ask);
  };
  EXPECT_EQ(invoke("arn:aws:execute-api:us-east-1:123456789012:a1/authorizers/x1"), "allowed by resource");
  EXPECT_EQ(invoke("arn:aws:execute-api:us-east-1:123456789012:a2/authorizers/x1"), "silent by resource");
}

// The table for one account of the API Gateway guide; the identity policy is an authorizer's answer.
TEST(Decide, AnAnonymousCallerCombinesIdentityAndResourcePolicy) {
  EXPECT_EQ((Given{.identity = {allow()}, .resource = to_everyone()}(Ask(nobody))), "allowed by resource");
  EXPECT_EQ((Given{.identity = {allow()}, .resource = resource(R"({"AWS":"123456789012"})")}(Ask(nobody))), "allowed by identity");
  EXPECT_EQ((Given{.identity = {allow()}, .resource = resource(R"("*")", "Deny")}(Ask(nobody))), "denied by resource");
  EXPECT_EQ((Given{.identity = {silent()}, .resource = to_everyone()}(Ask(nobody))), "allowed by resource");
  EXPECT_EQ((Given{.identity = {silent()}, .resource = to_account()}(Ask(nobody))), "silent by identity");
  EXPECT_EQ((Given{.identity = {deny()}, .resource = to_everyone()}(Ask(nobody))), "denied by identity");
  EXPECT_EQ(Given{.identity = {allow()}}(Ask(nobody)), "allowed by identity");
}

TEST(Decide, NotPrincipal) {
  const auto all_but = [](std::string_view list, std::string_view effect) {
    return Given{.identity = {allow()}, .resource = resource(cat(R"({"AWS":[)", list, "]}"), effect, "NotPrincipal")};
  };
  constexpr std::string_view u = R"("arn:aws:iam::123456789012:user/u")", r = R"("arn:aws:iam::123456789012:role/r")",
                             s = R"("arn:aws:sts::123456789012:assumed-role/r/s")", a = R"("123456789012")";
  EXPECT_EQ(all_but(cat(u, ",", a), "Deny")(Ask(user)), "allowed by identity");
  EXPECT_EQ(all_but(u, "Deny")(Ask(user)), "denied by resource");
  EXPECT_EQ(all_but(a, "Deny")(Ask(user)), "denied by resource");
  EXPECT_EQ(all_but(cat(u, ",", a), "Deny")(Ask(session)), "denied by resource");
  EXPECT_EQ(all_but(cat(s, ",", r, ",", a), "Deny")(Ask(session)), "allowed by identity");
  EXPECT_EQ(all_but(cat(r, ",", a), "Deny")(Ask(session)), "denied by resource");
  EXPECT_EQ(all_but(a, "Deny")(Ask(root)), "allowed by identity");
  EXPECT_EQ(all_but(cat(u, ",", a), "Deny")(Ask(nobody)), "denied by resource");
  EXPECT_EQ(all_but(cat(u, ",", a), "Deny")(Ask(gateway)), "denied by resource");
  EXPECT_EQ(all_but(R"("*")", "Deny")(Ask(user)), "allowed by identity");
  const Given services{.resource = resource(R"({"Service":"apigateway.amazonaws.com"})", "Deny", "NotPrincipal")};
  EXPECT_EQ(services(Ask(gateway)), "silent by resource");
  EXPECT_EQ(services(Ask(user)), "denied by resource");

  const Given but_user{.resource = resource(cat(R"({"AWS":)", u, "}"), "Allow", "NotPrincipal")};
  EXPECT_EQ(but_user(Ask(user)), "silent by identity");
  EXPECT_EQ(but_user(Ask(session)), "allowed by resource");
  EXPECT_EQ(but_user(Ask(nobody)), "allowed by resource");
  const Given but_account{.resource = resource(cat(R"({"AWS":)", a, "}"), "Allow", "NotPrincipal")};
  EXPECT_EQ(but_account(Ask(user)), "silent by identity");
}

TEST(Decide, UniqueIdsMatchTheUserId) {
  const Given to_id{.resource = resource(R"({"AWS":["AIDACKCEVSQ6C2EXAMPLE","AROADBQP57FF2AEXAMPLE"]})")};
  EXPECT_EQ(to_id(Ask(user).with("aws:userid", {"AIDACKCEVSQ6C2EXAMPLE"})), "allowed by resource");
  EXPECT_EQ(to_id(Ask(user).with("aws:userid", {"AIDACKCEVSQ6C2EXAMPLF"})), "silent by identity");
  EXPECT_EQ(to_id(Ask(session).with("aws:userid", {"AROADBQP57FF2AEXAMPLE:s"})), "allowed by resource");
  Given limited = to_id;
  limited.boundaries = Documents{silent()};
  EXPECT_EQ(limited(Ask(session).with("aws:userid", {"AROADBQP57FF2AEXAMPLE:s"})), "silent by boundary");
  EXPECT_EQ(to_id(Ask(user)), "silent by identity");
}

TEST(Decide, EveryLevelOfServiceControlMustAllow) {
  const auto given = [](std::vector<Documents> levels) { return Given{.identity = {allow()}, .service_control = std::move(levels)}; };
  EXPECT_EQ(given({{allow()}, {other_action(), allow()}})(Ask(user)), "allowed by identity");
  EXPECT_EQ(given({{allow()}, {other_action()}})(Ask(user)), "silent by scp");
  EXPECT_EQ(given({})(Ask(user)), "silent by scp");
  EXPECT_EQ(given({{}})(Ask(user)), "silent by scp");
}

TEST(Decide, ServiceControlBindsMembersOnly) {
  const std::vector<Documents> none{{deny()}};
  const Documents no_resource{resource(R"("*")", "Deny")};
  EXPECT_EQ((Given{.resource = to_everyone(), .service_control = none}(Ask(gateway))), "allowed by resource");
  EXPECT_EQ((Given{.resource = to_everyone(), .service_control = none}(Ask(nobody))), "allowed by resource");
  EXPECT_EQ((Given{.resource = to_user(), .service_control = std::vector<Documents>{{other_action()}}}(Ask(user))), "silent by scp");
  Principal linked = session;
  linked.role_arn = "arn:aws:iam::123456789012:role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway";
  EXPECT_EQ((Given{.identity = {allow()}, .service_control = none, .resource_control = no_resource}(Ask(linked))), "allowed by identity");
}

TEST(Decide, ResourceControlOnlyDenies) {
  EXPECT_EQ((Given{.identity = {allow()}, .resource_control = {resource(R"({"AWS":"999988887777"})", "Deny")}}(Ask(user))),
            "allowed by identity");
  EXPECT_EQ((Given{.resource_control = {to_everyone()}}(Ask(user))), "silent by identity");
}

TEST(Decide, AnEndpointPolicyMustAllowToo) {
  EXPECT_EQ((Given{.identity = {allow()}, .endpoint = Documents{to_everyone()}}(Ask(user))), "allowed by identity");
  EXPECT_EQ((Given{.identity = {allow()}, .endpoint = Documents{}}(Ask(user))), "silent by endpoint");
  EXPECT_EQ((Given{.resource = to_everyone(), .endpoint = Documents{to_user()}}(Ask(nobody))), "silent by endpoint");
}

TEST(Decide, RolesAndKeysMustNameTheCaller) {
  const auto trust = [](std::string_view principal) {
    return must_parse(cat(R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":)", principal, "}}"),
                      DocumentKind::trust);
  };
  Ask assume(user);
  assume.action("sts:AssumeRole").resource("arn:aws:iam::123456789012:role/r");
  EXPECT_EQ((Given{.identity = {allow()}}(assume)), "silent by resource");
  EXPECT_EQ((Given{.identity = {allow()}, .resource = trust(R"({"AWS":"arn:aws:iam::123456789012:user/v"})")}(assume)),
            "silent by resource");
  EXPECT_EQ((Given{.identity = {allow()}, .resource = trust(R"({"AWS":"123456789012"})")}(assume)), "allowed by identity");
  EXPECT_EQ(Given{.resource = trust(R"({"AWS":"123456789012"})")}(assume), "silent by identity");
  EXPECT_EQ(Given{.resource = trust(R"({"AWS":"arn:aws:iam::123456789012:user/u"})")}(assume), "allowed by resource");
  Ask decrypt(user);
  decrypt.action("kms:Decrypt").resource("arn:aws:kms:us-east-1:123456789012:key/k");
  EXPECT_EQ((Given{.identity = {allow()}}(decrypt)), "silent by resource");
}

TEST(Decide, FederatedProvidersInTrustPolicies) {
  const auto trust = must_parse(
      R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRoleWithSAML","Principal":{"Federated":"arn:aws:iam::123456789012:saml-provider/p"}}})",
      DocumentKind::trust);
  Principal provider{.kind = PrincipalKind::federated_session, .arn = "arn:aws:iam::123456789012:saml-provider/p", .account_id = account};
  Ask ask(provider);
  ask.action("sts:AssumeRoleWithSAML").resource("arn:aws:iam::123456789012:role/r");
  EXPECT_EQ(Given{.resource = trust}(ask), "allowed by resource");
  ask.request.principal.arn = "arn:aws:iam::123456789012:saml-provider/q";
  EXPECT_EQ(Given{.resource = trust}(ask), "silent by resource");
}

// A web identity provider belongs to no account, so that nothing but the trust policy can speak for its users.
TEST(Decide, WebIdentityProvidersInTrustPolicies) {
  const auto trust = [](std::string_view provider) {
    return must_parse(cat(R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":")", provider,
                          R"("},"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:p"}}}})"),
                      DocumentKind::trust);
  };
  Ask ask(Principal{.kind = PrincipalKind::federated_session, .arn = "cognito-identity.amazonaws.com"});
  ask.action("sts:AssumeRoleWithWebIdentity").resource("arn:aws:iam::123456789012:role/r");
  EXPECT_EQ(Given{.resource = trust("cognito-identity.amazonaws.com")}(ask), "silent by resource");
  ask.with("cognito-identity.amazonaws.com:aud", {"us-east-1:p"});
  EXPECT_EQ(Given{.resource = trust("cognito-identity.amazonaws.com")}(ask), "allowed by resource");
  EXPECT_EQ(Given{.resource = trust("accounts.google.com")}(ask), "silent by resource");
  EXPECT_EQ(Given{.identity = {allow()}}(ask), "silent by resource");
}

TEST(Evaluate, HeedsThePrincipalOfAResourcePolicy) {
  EXPECT_EQ(evaluate(to_user(), Ask(user)).policy_type, PolicyType::resource);
  EXPECT_TRUE(evaluate(to_user(), Ask(user)));
  EXPECT_FALSE(evaluate(to_user(), Ask(nobody)));
  EXPECT_TRUE(evaluate(to_everyone(), Ask(nobody)));
  EXPECT_EQ(evaluate(deny(), Ask(nobody)).outcome, Outcome::denied_explicitly);
  EXPECT_EQ(evaluate(silent(), Ask(nobody)).outcome, Outcome::denied_implicitly);
}

}  // namespace
}  // namespace sallyport::policy
