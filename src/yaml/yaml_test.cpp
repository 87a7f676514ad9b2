#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/write.hpp"
#include "yaml/parse.hpp"

namespace sallyport::yaml {
namespace {

std::string read(std::string_view text) {
  const auto node = parse(text, Dialect::cloudformation);
  return node ? json::to_text(node->to_json()) : "refused: " + node.error().message;
}

/// `line:column: message (hint)`
std::string refusal(std::string_view text) {
  auto node = parse(text, Dialect::cloudformation);
  if (node) return "accepted: " + json::to_text(node->to_json());
  const auto text_of_it = to_text(node.error());
  return text_of_it.substr(text_of_it.find_first_not_of(":"));
}

TEST(Yaml, PlainScalarsBecomeWhatCloudFormationReads) {
  EXPECT_EQ(read("[1, -2.5, 1e3, true, No, ~, null, text, '1', \"true\"]"), R"([1,-2.5,1e3,true,false,null,null,"text","1","true"])");
  EXPECT_EQ(read("[2010-09-09, 012345678901, 1_000, 0x10, +1, .5, 1., 12:30]"),
            R"(["2010-09-09","012345678901","1_000","0x10","+1",".5","1.","12:30"])");
}

TEST(Yaml, JsonIsReadToo) {
  EXPECT_EQ(read(R"({"a": [1, {"b": "x\ny\/\u00e9\ud83d\ude00"}], "c": null})"), R"({"a":[1,{"b":"x\ny/é😀"}],"c":null})");
}

TEST(Yaml, BlockScalarsKeepTheirLines) {
  EXPECT_EQ(read("a: |\n  one\n   two\nb: >-\n  three\n  four\n"), R"({"a":"one\n two\n","b":"three four"})");
}

TEST(Yaml, ShortFormsBecomeLongForms) {
  EXPECT_EQ(read("!Ref A"), R"({"Ref":"A"})");
  EXPECT_EQ(read("!Condition A"), R"({"Condition":"A"})");
  EXPECT_EQ(read("!GetAtt A.B.C"), R"({"Fn::GetAtt":["A","B.C"]})");
  EXPECT_EQ(read("!GetAtt [A, B]"), R"({"Fn::GetAtt":["A","B"]})");
  EXPECT_EQ(read("!Sub '${A}'"), R"({"Fn::Sub":"${A}"})");
  EXPECT_EQ(read("!Sub ['${A}', {A: !Ref B}]"), R"({"Fn::Sub":["${A}",{"A":{"Ref":"B"}}]})");
  EXPECT_EQ(read("!Join [',', [a, !Ref B]]"), R"({"Fn::Join":[",",["a",{"Ref":"B"}]]})");
  EXPECT_EQ(read("!If [C, 1, !Ref 'AWS::NoValue']"), R"({"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]})");
  EXPECT_EQ(
      read("[!Select [0, [a]], !Split [',', 'a,b'], !FindInMap [A, b, c], !ImportValue x, !Base64 t]"),
      R"([{"Fn::Select":[0,["a"]]},{"Fn::Split":[",","a,b"]},{"Fn::FindInMap":["A","b","c"]},{"Fn::ImportValue":"x"},{"Fn::Base64":"t"}])");
  EXPECT_EQ(read("!And [!Condition A, !Not [!Equals [a, b]], !Or [!Condition A, !Condition B]]"),
            R"({"Fn::And":[{"Condition":"A"},{"Fn::Not":[{"Fn::Equals":["a","b"]}]},{"Fn::Or":[{"Condition":"A"},{"Condition":"B"}]}]})");
}

TEST(Yaml, EveryNodeKnowsItsPlace) {
  const auto node = parse("a:\n  - b: 1\n    c: !Ref X\n", Dialect::cloudformation);
  ASSERT_TRUE(node);
  const auto& item = node->find("a")->list()->front();
  EXPECT_EQ(item.entry("c")->key_at, (Location{3, 5}));
  EXPECT_EQ(item.find("c")->at, (Location{3, 8}));
}

TEST(Yaml, UnknownTagsAreRefusedWithTheirPlace) {
  EXPECT_EQ(refusal("a:\n  b: !Reff X\n"), "2:6: unknown tag `!Reff` (did you mean `!Ref`?)");
  EXPECT_EQ(refusal("a: !!python/object/apply:os.system [id]"), "1:4: unknown tag `tag:yaml.org,2002:python/object/apply:os.system`");
  EXPECT_EQ(refusal("a: !include other.yaml"), "1:4: unknown tag `!include`");
  EXPECT_EQ(refusal("a: !GetAtt B"), "1:4: `!GetAtt B` names no attribute (write !GetAtt LogicalId.Attribute)");
  EXPECT_EQ(refusal("a: !!int many"), "1:4: `many` does not fit its tag");
}

TEST(Yaml, PlainDocumentsHaveNoShortForms) {
  const auto tagged = parse("a: !Ref X", Dialect::plain);
  ASSERT_FALSE(tagged);
  EXPECT_EQ(to_text(tagged.error()), ":1:4: unknown tag `!Ref`");
  const auto empty = parse("", Dialect::plain);
  ASSERT_FALSE(empty);
  EXPECT_EQ(to_text(empty.error()), ":1:1: the document is empty");
  EXPECT_EQ(json::to_text(parse("{a: !!str 1, 200: [b]}", Dialect::plain)->to_json()), R"({"a":"1","200":["b"]})");
}

TEST(Yaml, BrokenTextIsRefusedWithItsPlace) {
  EXPECT_TRUE(refusal("a: [1, 2\nb: 3\n").starts_with("2:2: not valid YAML: ")) << refusal("a: [1, 2\nb: 3\n");
  EXPECT_TRUE(refusal("a: 1\n\tb: 2\n").starts_with("2:1: not valid YAML: ")) << refusal("a: 1\n\tb: 2\n");
  EXPECT_TRUE(refusal("a: \"\xff\"").starts_with(" the template is not UTF-8 text")) << refusal("a: \"\xff\"");
  EXPECT_EQ(refusal(""), "1:1: the template is empty");
  EXPECT_EQ(refusal("# nothing\n"), "1:1: the template is empty");
  EXPECT_EQ(refusal("a: 1\n---\nb: 2\n"), "2:1: a second document begins here (a template is one YAML document)");
}

TEST(Yaml, MappingsHaveUniqueStringKeys) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "3:1: the key `a` appears twice in this mapping");
  EXPECT_EQ(refusal("{a: 1, 'a': 2}"), "1:8: the key `a` appears twice in this mapping");
  EXPECT_EQ(refusal("? [a]\n: 1\n"), "1:3: a mapping key must be a string");
  EXPECT_EQ(refusal("!Ref a: 1\n"), "1:1: a mapping key cannot have a tag");
  EXPECT_EQ(refusal("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "3:3: merge keys (`<<`) are not part of CloudFormation's YAML (write the merged keys out)");
}

TEST(Yaml, AliasesStandForWhatIsAnchored) {
  EXPECT_EQ(read("a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n"), R"({"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]},{"b":[1]}]})");
  EXPECT_EQ(read("a: &x !Ref B\nc: *x\n"), R"({"a":{"Ref":"B"},"c":{"Ref":"B"}})");
  EXPECT_EQ(refusal("a: *x\n"), "1:4: the alias `*x` stands for nothing that is complete before it");
  EXPECT_EQ(refusal("a: &x [*x]\n"), "1:8: the alias `*x` stands for nothing that is complete before it");
}

TEST(Yaml, AliasBombsAreRefused) {
  std::string laughs = "a0: &a0 [l, l, l, l, l, l, l, l, l]\n";
  for (int i = 1; i < 12; ++i) {
    laughs += cat("a", i, ": &a", i, " [");
    for (int k = 0; k < 9; ++k) laughs += cat(k == 0 ? "" : ", ", "*a", i - 1);
    laughs += "]\n";
  }
  EXPECT_TRUE(read(laughs).ends_with("values")) << read(laughs).substr(0, 200);

  std::string wide = "a: &a " + std::string(100'000, 'x') + "\nb:\n";
  for (int i = 0; i < 100; ++i) wide += "  - *a\n";
  EXPECT_TRUE(read(wide).ends_with("what aliases stand for is larger than 6 MB")) << read(wide).substr(0, 200);

  std::string many = "a: &a x\nb:\n";
  for (int i = 0; i < 10'001; ++i) many += "  - *a\n";
  EXPECT_TRUE(read(many).ends_with("more than 10000 aliases")) << read(many).substr(0, 200);

  // Each level holds the one before: shallow text, deep tree.
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i) deep += cat("a", i, ": &a", i, " [*a", i - 1, "]\n");
  EXPECT_TRUE(read(deep).ends_with("nested deeper than 64 levels")) << read(deep).substr(0, 200);
}

TEST(Yaml, DepthAndSizeAreLimited) {
  EXPECT_TRUE(read(std::string(63, '[') + std::string(63, ']')).starts_with("["));
  EXPECT_TRUE(read(std::string(100'000, '[')).ends_with("nested deeper than 64 levels"));
  std::string tags = "a";
  for (int i = 0; i < 40; ++i) tags = cat("!Base64 [", tags, "]");
  EXPECT_TRUE(read(tags).ends_with("nested deeper than 64 levels")) << "a short form is a level of its own";
  EXPECT_TRUE(read(std::string((6u << 20) + 1, ' ')).ends_with("larger than 6 MB"));
  std::string values = "[";
  for (int i = 0; i < 200'001; ++i) values += "1,";
  EXPECT_TRUE(read(values + "1]").ends_with("more than 200000 values"));
}

}  // namespace
}  // namespace sallyport::yaml
