#include "policy/vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::policy {
namespace {

std::string answer(std::string_view line) {
  const auto value = json::parse(line);
  EXPECT_TRUE(value) << line;
  return value ? json::to_text(answer_vector(*value)) : "";
}

constexpr std::string_view arn = "arn:aws:execute-api:us-east-1:123456789012:a1/dev/GET/pets";
constexpr std::string_view allow = R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";
constexpr std::string_view deny = R"({"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})";
constexpr std::string_view other = R"({"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})";

std::string decision(std::string_view principal, std::string_view policies, std::string_view context = "{}") {
  const auto text =
      answer(cat(R"({"id":"v","kind":"iam-decision","request":{"action":"execute-api:Invoke","resource":")", arn,
                 R"(","resource_account":"123456789012","principal":)", principal, R"(,"context":)", context, "},", policies, "}"));
  constexpr std::string_view begin = R"({"id":"v","result":")";
  EXPECT_TRUE(text.starts_with(begin)) << text;
  return text.substr(begin.size(), text.find('"', begin.size()) - begin.size());
}
std::string identity(std::string_view policy) { return cat(R"("identity_policies":[)", policy, "]"); }
std::string attached(std::string_view principal) {
  return cat(R"("identity_policies":[],"resource_policy":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":)",
             principal, "}]}");
}
constexpr std::string_view user = R"("arn:aws:iam::123456789012:user/u")", session = R"("arn:aws:sts::123456789012:assumed-role/r/s")";

TEST(Vectors, OtherKindsAreUnsupported) {
  EXPECT_EQ(answer(R"({"id":7,"kind":"jws-verify"})"), R"({"id":7,"result":"unsupported"})");
  EXPECT_EQ(answer(R"({"id":null})"), R"({"id":null,"result":"unsupported"})");
  EXPECT_EQ(answer("[]"), R"({"id":null,"result":"unsupported"})");
}

TEST(Vectors, Decisions) {
  EXPECT_EQ(decision(user, identity(allow)), "Allowed");
  EXPECT_EQ(decision(user, identity(cat(allow, ",", deny))), "ExplicitlyDenied");
  EXPECT_EQ(decision(user, identity("")), "ImplicitlyDenied");
}

TEST(Vectors, Principals) {
  EXPECT_EQ(decision(user, attached(R"({"AWS":"arn:aws:iam::123456789012:user/u"})")), "Allowed");
  EXPECT_EQ(decision(session, attached(R"({"AWS":"arn:aws:iam::123456789012:role/r"})")), "Allowed");
  EXPECT_EQ(decision(session, attached(R"({"AWS":"arn:aws:sts::123456789012:assumed-role/r/s"})")), "Allowed");
  EXPECT_EQ(decision(R"("arn:aws:iam::123456789012:role/p/r")", attached(R"({"AWS":"arn:aws:iam::123456789012:role/p/r"})")), "Allowed");
  EXPECT_EQ(decision(session, attached(R"({"AWS":"arn:aws:iam::123456789012:role/p/r"})")), "ImplicitlyDenied");
  EXPECT_EQ(decision(session, attached(R"({"AWS":"arn:aws:iam::123456789012:role/p/r"})"),
                     R"({"aws:PrincipalArn":"arn:aws:iam::123456789012:role/p/r"})"),
            "Allowed");
  EXPECT_EQ(decision(R"("arn:aws:iam::123456789012:root")", identity("")), "Allowed");
  EXPECT_EQ(decision(R"("123456789012")", identity("")), "Allowed");
  EXPECT_EQ(decision(R"("arn:aws:sts::123456789012:federated-user/f")", identity(allow)), "ImplicitlyDenied");
  EXPECT_EQ(decision(R"("apigateway.amazonaws.com")", attached(R"({"Service":"apigateway.amazonaws.com"})")), "Allowed");
  EXPECT_EQ(decision(R"({"Service":"apigateway.amazonaws.com"})", attached(R"({"Service":"apigateway.amazonaws.com"})")), "Allowed");
  EXPECT_EQ(answer(cat(R"({"id":"v","kind":"iam-decision","request":{"action":"sts:AssumeRoleWithWebIdentity","resource":")", arn,
                       R"(","principal":{"Federated":"accounts.google.com"}},"resource_policy":{"Statement":{"Effect":"Allow",)",
                       R"("Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"accounts.google.com"}}}})")),
            R"({"id":"v","result":"Allowed"})");
  for (const auto* anonymous : {R"("*")", "null", R"("anonymous")", R"("")"}) {
    EXPECT_EQ(decision(anonymous, attached(R"("*")")), "Allowed");
    EXPECT_EQ(decision(anonymous, attached(R"({"AWS":"123456789012"})")), "ImplicitlyDenied");
  }
}

TEST(Vectors, EveryKindOfPolicy) {
  const auto set = [](std::string_view name, std::string_view value) { return cat(R"(,")", name, "\":", value); };
  const auto with = [&](std::string_view name, std::string_view value) { return decision(user, cat(identity(allow), set(name, value))); };
  const auto list = [](std::string_view text) { return cat("[", text, "]"); };
  const auto for_all = [](std::string_view effect) {
    return cat(R"([{"Statement":[{"Effect":")", effect, R"(","Action":"*","Resource":"*","Principal":"*"}]}])");
  };
  EXPECT_EQ(with("permission_boundaries", list(allow)), "Allowed");
  EXPECT_EQ(with("permission_boundaries", list(other)), "ImplicitlyDenied");
  EXPECT_EQ(with("permission_boundaries", list(deny)), "ExplicitlyDenied");
  EXPECT_EQ(with("permission_boundaries", "[]"), "Allowed");
  EXPECT_EQ(with("permission_boundaries", "null"), "Allowed");
  EXPECT_EQ(with("session_policy", other), "ImplicitlyDenied");
  EXPECT_EQ(with("session_policy", allow), "Allowed");
  EXPECT_EQ(with("scps", list(cat(other, ",", allow))), "Allowed");
  EXPECT_EQ(with("scps", list(other)), "ImplicitlyDenied");
  EXPECT_EQ(with("scps", cat("[[", allow, "],[", other, "]]")), "ImplicitlyDenied");
  EXPECT_EQ(with("scps", cat("[[", allow, "],[", deny, ",", allow, "]]")), "ExplicitlyDenied");
  EXPECT_EQ(with("rcps", for_all("Deny")), "ExplicitlyDenied");
  EXPECT_EQ(with("rcps", for_all("Allow")), "Allowed");
  EXPECT_EQ(with("endpoint_policies", for_all("Allow")), "Allowed");
  EXPECT_EQ(with("endpoint_policies", for_all("Deny")), "ExplicitlyDenied");
}

TEST(Vectors, ContextValuesOfEveryType) {
  const auto conditioned = [](std::string_view condition) {
    return identity(cat(R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":)", condition, "}}"));
  };
  const auto bob = R"({"aws:a":"x","aws:b":true,"aws:c":12.5,"aws:d":["x","y"],"aws:e":null,"aws:f":[]})";
  EXPECT_EQ(decision(user, conditioned(R"({"StringEquals":{"aws:a":"x"},"Bool":{"aws:b":"true"},"NumericLessThan":{"aws:c":13}})"), bob),
            "Allowed");
  EXPECT_EQ(decision(user, conditioned(R"({"ForAllValues:StringEquals":{"aws:d":["x","y"]},"Null":{"aws:e":true,"aws:f":true}})"), bob),
            "Allowed");
  EXPECT_EQ(decision(user, conditioned(R"({"ForAllValues:StringEquals":{"aws:d":["x"]}})"), bob), "ImplicitlyDenied");
}

TEST(Vectors, AccountDefaultsToThatOfTheResource) {
  const auto line = cat(R"({"id":1,"kind":"iam-decision","request":{"action":"a:b","resource":")", arn, R"(","principal":)", user, "},",
                        identity(allow), "}");
  EXPECT_EQ(answer(line), R"({"id":1,"result":"Allowed"})");
}

TEST(Vectors, RefusedPoliciesDeny) {
  EXPECT_EQ(answer(cat(R"({"id":1,"kind":"iam-decision","request":{"action":"a:b","resource":")", arn, R"(","principal":)", user,
                       R"(},"identity_policies":[)", allow, R"(,{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}]})")),
            R"({"id":1,"result":"ImplicitlyDenied","error":"Statement[0].Effect: is neither `Allow` nor `Deny`"})");
  EXPECT_EQ(answer(R"({"id":1,"kind":"iam-decision"})"), R"({"id":1,"result":"ImplicitlyDenied","error":"no request"})");
  EXPECT_EQ(decision(user, identity(allow), R"({"aws:x":{}})"), "ImplicitlyDenied");
}

TEST(Vectors, Conditions) {
  const auto condition = [](std::string_view operator_name, std::string_view values, std::string_view value,
                            std::string_view context = "{}") {
    return answer(cat(R"({"id":"c","kind":"iam-condition","operator":")", operator_name, R"(","policy_values":)", values,
                      R"(,"context_value":)", value, R"(,"context":)", context, "}"));
  };
  constexpr std::string_view yes = R"({"id":"c","result":"true"})", no = R"({"id":"c","result":"false"})";
  EXPECT_EQ(condition("StringEquals", R"(["a"])", R"("a")"), yes);
  EXPECT_EQ(condition("StringEquals", R"("a")", R"("b")"), no);
  EXPECT_EQ(condition("NumericEquals", "[5]", "5.0"), yes);
  EXPECT_EQ(condition("Bool", R"(["true"])", "true"), yes);
  EXPECT_EQ(condition("StringNotEquals", R"(["a"])", "null"), yes);
  EXPECT_EQ(condition("ForAllValues:StringEquals", R"(["a","b"])", R"(["a","c"])"), no);
  EXPECT_EQ(condition("ForAllValues:StringEquals", R"(["a","b"])", "[]"), yes);
  EXPECT_EQ(condition("StringEquals", R"(["${aws:username}"])", R"("bob")", R"({"aws:username":"bob"})"), yes);
  EXPECT_EQ(condition("StringMatches", R"(["a"])", R"("a")"),
            R"({"id":"c","result":"false","error":"unknown condition operator `StringMatches`"})");
}

/// The vectors of every iam*.jsonl below the folder that SALLYPORT_CONFORMANCE names: one object a line, of which the first may describe
/// the file. `expect.decision` is the answer, or a list of those that will do.
TEST(Vectors, Conformance) {
  const auto* folder = std::getenv("SALLYPORT_CONFORMANCE");
  if (!folder) GTEST_SKIP() << "SALLYPORT_CONFORMANCE names no folder of vectors";
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("iam") || !name.ends_with(".jsonl")) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      const auto vector = json::parse(line);
      ASSERT_TRUE(vector) << name << ": " << line;
      const auto* expect = vector->find("expect");
      if (!expect) continue;
      ++count;
      const auto* wanted = expect->find("decision");
      ASSERT_TRUE(wanted) << line;
      const auto answered = answer_vector(*vector);
      const auto& result = *answered.find("result");
      const auto* choices = wanted->array();
      EXPECT_TRUE(choices ? std::ranges::find(*choices, result) != choices->end() : result == *wanted)
          << json::to_text(answered) << " for " << line;
    }
  }
  EXPECT_GT(count, 0) << folder;
}

}  // namespace
}  // namespace sallyport::policy
