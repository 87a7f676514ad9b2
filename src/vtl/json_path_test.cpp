#include "vtl/json_path.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::vtl {
namespace {

const json::Value& document() {
  static const auto parsed = json::parse(R"({"store": {"book": [
    {"title": "A", "price": 8, "tags": ["x"]}, {"title": "B", "price": 12.5, "isbn": "i"}, {"title": "C", "price": 9, "isbn": null}],
    "open": true}, "odd name": {"k.l": 1, "it's": 2}, "list": [0, 1, 2, 3], "max": 9})");
  return *parsed;
}

/// The values as JSON, one after the other.
std::string find(std::string_view text) {
  const auto path = JsonPath::compile(text);
  if (!path) return path.error().message;
  std::int64_t steps = 10'000;
  const auto found = path->find(document(), steps);
  if (!found) return "too many steps";
  std::string out;
  for (const auto* value : *found) out += cat(out.empty() ? "" : " ", json::to_text(*value));
  return out;
}

TEST(JsonPath, Definite) {
  for (const auto& [path, expected] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"$.max", "9"},
                                                                            {"max", "9"},
                                                                            {"$['max']", "9"},
                                                                            {"$[\"odd name\"]['k.l']", "1"},
                                                                            {R"($['odd name']['it\'s'])", "2"},
                                                                            {"$.store.book[1].title", "\"B\""},
                                                                            {" $.store.book[-1].title ", "\"C\""},
                                                                            {"$.store.open", "true"},
                                                                            {"$.store.book[9].title", ""},
                                                                            {"$.max.x", ""},
                                                                            {"$.list.x", ""},
                                                                            {"$.store[0]", ""},
                                                                            {"$.list[ 2 ]", "2"}}) {
    EXPECT_EQ(find(path), expected) << path;
    EXPECT_TRUE(JsonPath::compile(path)->definite()) << path;
  }
  EXPECT_EQ(find("$"), json::to_text(document()));
}

TEST(JsonPath, Indefinite) {
  for (const auto& [path, expected] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"$.list[*]", "0 1 2 3"},
                                                                            {"$.list[1,-1,9]", "1 3"},
                                                                            {"$.list[1:3]", "1 2"},
                                                                            {"$.list[:2]", "0 1"},
                                                                            {"$.list[-2:]", "2 3"},
                                                                            {"$.list[3:1]", ""},
                                                                            {"$.store.book[*].title", "\"A\" \"B\" \"C\""},
                                                                            {"$..title", "\"A\" \"B\" \"C\""},
                                                                            {"$..book[0].title", "\"A\""},
                                                                            {"$..tags[*]", "\"x\""},
                                                                            {"$['odd name'].*", "1 2"},
                                                                            {"$..['isbn']", "\"i\" null"},
                                                                            {"$.list..*", "0 1 2 3"},
                                                                            {"$.nothing[*]", ""}}) {
    EXPECT_EQ(find(path), expected) << path;
    EXPECT_FALSE(JsonPath::compile(path)->definite()) << path;
  }
}

TEST(JsonPath, Filters) {
  const auto titles = [](std::string_view condition) { return find(cat("$.store.book[?(", condition, ")].title")); };
  EXPECT_EQ(titles("@.title == 'B'"), "\"B\"");
  EXPECT_EQ(titles("@.title == \"B\""), "\"B\"");
  EXPECT_EQ(titles("'A' != @.title"), "\"B\" \"C\"");
  EXPECT_EQ(titles("@.price < 9"), "\"A\"");
  EXPECT_EQ(titles("@.price <= 9.0"), "\"A\" \"C\"");
  EXPECT_EQ(titles("@.price > $.max"), "\"B\"");
  EXPECT_EQ(titles("@.price >= $.max && @.isbn != null"), "\"B\"");
  EXPECT_EQ(titles("@.isbn"), "\"B\" \"C\"");
  EXPECT_EQ(titles("!@.isbn"), "\"A\"");
  EXPECT_EQ(titles("@.isbn == null"), "\"C\"");
  EXPECT_EQ(titles("@.price == 8 || (@.title == 'C' && @.price == 9)"), "\"A\" \"C\"");
  EXPECT_EQ(titles("@.tags[0] == 'x'"), "\"A\"");
  EXPECT_EQ(titles("@.title == 8"), "");
  EXPECT_EQ(titles("@.tags[?(@ == 'x')]"), "\"A\"");
}

TEST(JsonPath, Refuses) {
  for (const std::string_view wrong : {"",
                                       "$.",
                                       "$..",
                                       "$[",
                                       "$[0",
                                       "$['a",
                                       "$['a'",
                                       "$['a','b']",
                                       "$[]",
                                       "$[a]",
                                       "$x",
                                       "$.a b",
                                       "$.list.length()",
                                       "$.a[?]",
                                       "$.a[?(]",
                                       "$.a[?(@.b]",
                                       "$.a[?(@.b ==)]",
                                       "$.a[?('x')]",
                                       "$.a[?(@.b =~ /x/)]",
                                       "$.a[(@.length-1)]",
                                       "$.a[1,]"})
    EXPECT_FALSE(JsonPath::compile(wrong)) << wrong;
  std::string deep = "$[?(@";
  for (int i = 0; i < 100; ++i) deep += "[?(@";
  EXPECT_FALSE(JsonPath::compile(deep));
  EXPECT_FALSE(JsonPath::compile("$[?(" + std::string(1'000, '(')));
  EXPECT_FALSE(JsonPath::compile("$[?(" + std::string(1'000, '!')));
  EXPECT_FALSE(JsonPath::compile("$." + std::string(5'000, 'a')));
}

TEST(JsonPath, CountsWhatItLooksAt) {
  std::string text = "[";
  for (int i = 0; i < 300; ++i) text += cat(i ? "," : "", "{\"a\":{\"b\":1}}");
  const auto many = json::parse(text + "]");
  for (const std::string_view path : {"$..*..*..*", "$[?($..b)]", "$..a..b..*"}) {
    std::int64_t steps = 500;
    EXPECT_FALSE(JsonPath::compile(path)->find(*many, steps)) << path;
    EXPECT_LT(steps, 0);
  }
  std::int64_t steps = 500;
  EXPECT_EQ(JsonPath::compile("$[7].a.b")->find(*many, steps)->size(), 1u);
  EXPECT_GT(steps, 480);
}

}  // namespace
}  // namespace sallyport::vtl
