#include "cloudformation/evaluate.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "cloudformation/template.hpp"
#include "json/write.hpp"
#include "yaml/parse.hpp"

namespace sallyport::cloudformation {
namespace {

constexpr std::string_view sections_text = R"(
Parameters:
  Stage: {Type: String, Default: dev}
  Names: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Size: {Type: Number, Default: 3}
Mappings:
  Limits:
    dev: {Timeout: 3, Hosts: [one, two]}
    prod: {Timeout: 30}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Both: !And [!Condition IsDev, !Equals [!Ref Size, 3]]
  Any: !Or [!Condition IsProd, !Equals [!FindInMap [Limits, dev, Timeout], '3']]
)";

struct Outcome {
  std::string value;
  std::string problems;
};

Outcome evaluate(std::string_view text, const std::map<std::string, std::string>& given = {}, std::string_view sections = sections_text,
                 const AttributesByName* made = nullptr) {
  const auto root = yaml::parse(sections, yaml::Dialect::cloudformation);
  const auto node = yaml::parse(text, yaml::Dialect::cloudformation);
  if (!root || !node) return {"not parsed", (root ? node : root).error().message};
  Report report("t", Unsupported::refuse);
  const auto parameters = read_parameters(root->find("Parameters"), given, report);
  Evaluator evaluator(*root, parameters, {}, "stack", report);
  evaluator.check_conditions();
  auto value = evaluator.constants(*node, "X");
  if (value && made != nullptr) value = evaluator.values(*value, "X", *made);
  std::string lines;
  for (const auto& problem : report.take_problems()) lines += to_text(problem) + "\n";
  return {value ? json::to_text(value->to_json()) : "no value", lines};
}

std::string value(std::string_view text, const std::map<std::string, std::string>& given = {}) {
  const auto out = evaluate(text, given);
  return out.problems.empty() ? out.value : "problems: " + out.problems;
}
std::string problem(std::string_view text) { return evaluate(text).problems; }

TEST(Evaluate, ConstantsBecomeTheirValues) {
  EXPECT_EQ(value("!Ref Stage"), R"("dev")");
  EXPECT_EQ(value("!Ref Stage", {{"Stage", "prod"}}), R"("prod")");
  EXPECT_EQ(value("!Ref Names"), R"(["a","b","c"])");
  EXPECT_EQ(value("!Join ['-', !Ref Names]"), R"("a-b-c")");
  EXPECT_EQ(value("!Join ['', [x, 1, true]]"), R"("x1true")");
  EXPECT_EQ(value("!Select [1, !Ref Names]"), R"("b")");
  EXPECT_EQ(value("!Select ['2', !Split ['|', 'x||z']]"), R"("z")");
  EXPECT_EQ(value("!Split ['|', 'x||z']"), R"(["x","","z"])");
  EXPECT_EQ(value("!FindInMap [Limits, !Ref Stage, Timeout]"), "3");
  EXPECT_EQ(value("!FindInMap [Limits, !Ref Stage, Hosts]"), R"(["one","two"])");
  EXPECT_EQ(value("!Base64 hello"), R"("aGVsbG8=")");
  EXPECT_EQ(value("{a: [1, {b: !Ref Size}]}"), R"({"a":[1,{"b":"3"}]})");
}

TEST(Evaluate, SubReplacesNames) {
  EXPECT_EQ(value("!Sub 'x-${Stage}-${ Size }'"), R"("x-dev-3")");
  EXPECT_EQ(value("!Sub '${!Literal} ${AWS::Region} ${AWS::AccountId} ${AWS::Partition} ${AWS::StackName} ${AWS::URLSuffix}'"),
            R"("${Literal} us-east-1 123456789012 aws stack amazonaws.com")");
  EXPECT_EQ(value("!Sub ['${A}/${Stage}', {A: !Join [':', !Ref Names]}]"), R"("a:b:c/dev")");
  EXPECT_EQ(value("!Sub 'a $ {b} $$'"), R"("a $ {b} $$")");
  EXPECT_EQ(problem("!Sub '${'"),
            "t:1:1: X: `${` in this Fn::Sub is not followed by a name and `}` (write `${!text}` for a literal `${text}`)\n");
  EXPECT_EQ(problem("!Sub '${Names}'"), "t:1:1: X: `${Names}` is a list, not a string\n");
  EXPECT_EQ(problem("!Sub ['${A}', {A: !Ref AWS::NoValue}]"), "t:1:19: X.A: AWS::NoValue cannot stand in a text\n");
}

TEST(Evaluate, ConditionsChoose) {
  EXPECT_EQ(value("!If [IsProd, big, small]"), R"("small")");
  EXPECT_EQ(value("!If [IsProd, big, small]", {{"Stage", "prod"}}), R"("big")");
  EXPECT_EQ(value("[!If [Both, 1, 2], !If [Any, 1, 2]]"), "[1,1]");
  EXPECT_EQ(value("{a: !If [IsProd, x, !Ref AWS::NoValue], b: [!Ref AWS::NoValue, 1]}"), R"({"b":[1]})");
  EXPECT_EQ(value("!Ref AWS::NoValue"), "no value");
  EXPECT_EQ(value("!If [IsDev, 1, !Ref NobodyLooksHere]"), "1");
}

TEST(Evaluate, ProblemsNamePlaceAndPath) {
  EXPECT_EQ(problem("a:\n  b: !If [IsPro, 1, 2]\n"), "t:2:11: X.a.b: there is no condition `IsPro` (did you mean `IsProd`?)\n");
  EXPECT_EQ(problem("a: [1, !FindInMap [Limits, test, Timeout]]"), "t:1:8: X.a[1]: `Mappings.Limits` has no `test`\n");
  EXPECT_EQ(problem("!FindInMap [Limit, dev, Timeout]"), "t:1:1: X: `Mappings` has no `Limit`\n");
  EXPECT_EQ(problem("!Select [3, !Ref Names]"), "t:1:1: X: Fn::Select: there is no value 3 in a list of 3\n");
  EXPECT_EQ(problem("!Select [x, [1]]"), "t:1:10: X: the index of Fn::Select must be a whole number from 0\n");
  EXPECT_EQ(problem("!Join [',', text]"), "t:1:13: X: Fn::Join joins a list, not a string\n");
  EXPECT_EQ(problem("!Ref AWS::Regio"), "t:1:1: X: `AWS::Regio` is no pseudo parameter\n");
  EXPECT_EQ(problem("!Ref [a]"), "t:1:1: X: Ref takes a name, not a list\n");
  EXPECT_EQ(problem("{Fn::Foin: [a]}"), "t:1:1: X: `Fn::Foin` is no intrinsic function (did you mean `Fn::Join`?)\n");
  EXPECT_EQ(problem("{Fn::Join: [',', [a]], b: 1}"), "t:1:2: X.Fn::Join: `Fn::Join` must be the only key of its mapping\n");
  EXPECT_EQ(problem("!Equals [a, b]"),
            "t:1:1: X: `Fn::Equals` belongs in the Conditions section (name a condition there and use Fn::If here)\n");
}

TEST(Evaluate, WhatNeedsAnAccountIsRefused) {
  EXPECT_EQ(problem("!ImportValue other"),
            "t:1:1: X: `Fn::ImportValue` is not supported (exports of other stacks do not exist here: make it a parameter)\n");
  EXPECT_EQ(problem("'{{resolve:ssm:/a/b:1}}'"),
            "t:1:1: X: dynamic references (`{{resolve:...}}`) cannot be resolved here (use a parameter)\n");
  EXPECT_EQ(problem("!GetAZs ''"), "t:1:1: X: `Fn::GetAZs` is not supported (there is no network here: write the values out)\n");
  EXPECT_EQ(problem("{Fn::Transform: {Name: AWS::Include}}"),
            "t:1:1: X: `Fn::Transform` is not supported (macros and AWS::Include do not run here: write the text into the template)\n");
}

TEST(Evaluate, ConditionsMustBeConditions) {
  const auto conditions = [](std::string_view text) { return evaluate("1", {}, cat("Conditions:\n", text)).problems; };
  EXPECT_EQ(conditions("  A: !Condition B\n  B: !Not [!Condition A]\n"), "t:3:12: Conditions.B: the condition `A` depends on itself\n");
  EXPECT_EQ(conditions("  A: !Condition A\n"), "t:2:6: Conditions.A: the condition `A` depends on itself\n");
  EXPECT_EQ(conditions("  A: yes\n"), "t:2:6: Conditions.A: a condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition\n");
  EXPECT_EQ(conditions("  A: !And [!Equals [a, a]]\n"), "t:2:6: Conditions.A: Fn::And takes a list of 2 to 10 conditions\n");
  EXPECT_EQ(conditions("  A: !Equals [!Ref Fn, a]\n"),
            "t:2:15: Conditions.A: Fn::Equals compares strings, and this is not one before resources are made (conditions can use "
            "parameters, mappings "
            "and pseudo parameters)\n");
  std::string chain;
  for (int i = 0; i < 200; ++i) chain += cat("  A", i, ": !Condition A", i + 1, "\n");
  EXPECT_NE(conditions(chain + "  A200: !Equals [a, a]\n").find("through more than 64 steps"), std::string::npos);
}

TEST(Evaluate, MentionsOfResourcesWaitUntilTheyAreMade) {
  EXPECT_EQ(value("!Ref Fn"), R"({"Ref":"Fn"})");
  EXPECT_EQ(value("!Sub '${Fn.Arn}-${Stage}'"), R"({"Fn::Sub":["${Fn.Arn}-${Stage}",{"Stage":"dev"}]})");
  AttributesByName made;
  made["Fn"] = {Node({}, "name"), {{"Arn", Node({}, "arn:x")}}};
  const auto made_value = [&](std::string_view text) {
    const auto out = evaluate(text, {}, sections_text, &made);
    return out.value + out.problems;
  };
  EXPECT_EQ(made_value("!Ref Fn"), R"("name")");
  EXPECT_EQ(made_value("{Fn::GetAtt: Fn.Arn}"), R"("arn:x")");
  EXPECT_EQ(made_value("!Sub '${Fn.Arn}-${Fn}-${Stage}'"), R"("arn:x-name-dev")");
  EXPECT_EQ(made_value("!Join [':', [!Ref Fn, !Select [0, !Split [':', !GetAtt Fn.Arn]]]]"), R"("name:arn")");
  EXPECT_EQ(made_value("!GetAtt Fn.Nme"), "nullt:1:1: X: `Fn` has no attribute `Nme` (it has Arn)\n");

  const auto node =
      yaml::parse("{a: !Ref A, b: !Sub ['${B.C}${x}${AWS::Region}', {x: !Ref D}], c: [!GetAtt E.F.G]}", yaml::Dialect::cloudformation);
  const Node sections({}, Map{});
  Report report("t", Unsupported::refuse);
  const Parameters none;
  Evaluator evaluator(sections, none, {}, "stack", report);
  std::string mentions;
  for (const auto& mention : Evaluator::mentions(*evaluator.constants(*node, "X"), "X"))
    mentions += cat(mention.where, " ", mention.logical_id, ".", mention.attribute.value_or(""), "\n");
  EXPECT_EQ(mentions, "X.a A.\nX.b.x D.\nX.b B.C\nX.c[0] E.F.G\n");
}

TEST(Evaluate, TextsThatGrowWithoutEndAreRefused) {
  std::string text = "x";
  for (int i = 0; i < 15; ++i) text = cat("!Sub ['${a}${a}${a}${a}${a}${a}${a}${a}', {a: ", text, "}]");
  EXPECT_NE(problem(text).find("larger than 64 MB"), std::string::npos) << problem(text);

  std::string sections = "Mappings:\n  A:\n    b:\n      c: ['" + std::string(1'000'000, 'x') + "']\n";
  std::string copies = "[";
  for (int i = 0; i < 200; ++i) copies += cat(i == 0 ? "" : ", ", "!FindInMap [A, b, c]");
  EXPECT_NE(evaluate(copies + "]", {}, sections).problems.find("larger than 64 MB"), std::string::npos);
}

TEST(Parameters, AreChecked) {
  const auto check = [](std::string_view declared, std::map<std::string, std::string> given = {}) {
    return evaluate("1", given, cat("Parameters:\n", declared)).problems;
  };
  EXPECT_EQ(check("  A: {Type: String}\n"), "t:2:3: Parameters.A: has no value (pass --parameter A=VALUE, or give it a Default)\n");
  EXPECT_EQ(check("  A: {Type: String}\n", {{"A", ""}}), "");
  EXPECT_EQ(check("  A: {Type: Strin, Default: x}\n"),
            "t:2:13: Parameters.A.Type: `Strin` is no parameter type (String, Number, List<Number> or CommaDelimitedList)\n");
  EXPECT_EQ(check("  A: {Type: Number, Default: many}\n"), "t:2:3: Parameters.A: `many` is not a number\n");
  EXPECT_EQ(check("  A: {Type: String, AllowedValues: [a, b], Default: c}\n"), "t:2:3: Parameters.A: `c` is not among AllowedValues\n");
  EXPECT_EQ(check("  A: {Type: String, AllowedPattern: '[a-z]+', Default: '9', ConstraintDescription: letters}\n"),
            "t:2:3: Parameters.A: `9` does not match AllowedPattern `[a-z]+` (letters)\n");
  EXPECT_EQ(check("  A: {Type: String, MinLength: 3, Default: hé}\n"), "t:2:3: Parameters.A: `hé` is shorter than MinLength\n");
  EXPECT_EQ(check("  A: {Type: Number, MaxValue: 3, Default: 4}\n"), "t:2:3: Parameters.A: `4` is above MaxValue\n");
  EXPECT_EQ(check("  A: {Type: String, NoEcho: true, MaxLength: 2}\n", {{"A", "secret"}}),
            "t:2:3: Parameters.A: the value is longer than MaxLength\n");
  EXPECT_EQ(check("  Stage: {Type: String, Default: x}\n", {{"Stag", "y"}}),
            "t: --parameter Stag: the template declares no such parameter (did you mean Stage?)\n");
  EXPECT_EQ(check("  A: {Type: 'AWS::SSM::Parameter::Value<String>', Default: x}\n"),
            "t:2:13: Parameters.A.Type: `AWS::SSM::Parameter::Value<String>` reads the parameter store, which does not exist here (use "
            "Type: String with a "
            "Default)\n");
}

}  // namespace
}  // namespace sallyport::cloudformation
