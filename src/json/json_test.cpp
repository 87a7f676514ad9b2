#include <gtest/gtest.h>

#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::json {
namespace {

std::string round_trip(std::string_view text) {
  const auto value = parse(text);
  return value ? to_text(*value) : "refused: " + value.error().message;
}

std::string refusal(std::string_view text, int depth_max = limits::payload_depth_max) {
  const auto value = parse(text, depth_max);
  return value ? "accepted: " + to_text(*value) : value.error().message;
}

TEST(JsonParse, KeepsOrderAndEveryKindOfValue) {
  constexpr std::string_view text = R"({"z":null,"a":[true,false,"x",{}],"m":{"n":[]},"0":-1.50e+3})";
  EXPECT_EQ(round_trip(text), text);
}

TEST(JsonParse, IgnoresWhiteSpaceAroundTokens) { EXPECT_EQ(round_trip(" \t\r\n{ \"a\" : [ 1 , 2 ] } \n"), R"({"a":[1,2]})"); }

TEST(JsonParse, RootMayBeAnyValue) {
  for (const auto* text : {"null", "true", "false", "0", "-12.5", "\"text\"", "[]", "{}"}) EXPECT_EQ(round_trip(text), text);
  EXPECT_EQ(round_trip(" 7 \n"), "7");
  EXPECT_EQ(round_trip("\n\"x\" "), "\"x\"");
}

TEST(JsonParse, NumbersKeepTheirText) {
  for (const auto* number : {"1.0", "12345678901234567890123", "-0", "1E400", "0.1e-5", "123456789012345678901234567890.5"}) {
    EXPECT_EQ(round_trip(number), number);
    EXPECT_EQ(round_trip(std::string("[") + number + ",2]"), std::string("[") + number + ",2]");
    EXPECT_EQ(round_trip(std::string(R"({"n":)") + number + R"(,"m":3})"), std::string(R"({"n":)") + number + R"(,"m":3})");
  }
}

TEST(JsonParse, RefusesWhatIsNoNumber) {
  for (const auto* number : {"01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "1_000", "NaN", "Infinity", "-01", "1 2", "1,"}) {
    EXPECT_FALSE(parse(number)) << number;
    EXPECT_FALSE(parse(std::string("[") + number + "]")) << number;
  }
}

TEST(JsonParse, ReadsEscapes) {
  const auto value = parse(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000")");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value->string(), std::string("\"\\/\b\f\n\r\t\u00e9\U0001F600\0", 15));
}

TEST(JsonParse, RefusesBadStrings) {
  for (const auto* text : {"\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00x\"", "\"open", "\"line\nbreak\"", "\"\x01\"", "'a'"})
    EXPECT_FALSE(parse(text)) << text;
}

TEST(JsonParse, RefusesInvalidUtf8) {
  for (const auto* text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "{\"\xfe\":1}"})
    EXPECT_FALSE(parse(text)) << text;
}

TEST(JsonParse, RefusesBrokenStructure) {
  for (const auto* text :
       {"",      " ",         "{",         "[",   "[1",  "[1,]",    "[,1]",        "[1 2]",     "{\"a\"}", "{\"a\":}",   "{\"a\":1,}",
        "{a:1}", "{1:2}",     "}",         "]",   "[}",  "{]",      "[1}",         "{\"a\":1]", "[[1]",    "{\"a\":[1}", "[1]]",
        "{}{}",  "null null", "truefalse", "nul", "tru", "[nulll]", "\"a\" \"b\"", "[] x",      "/**/1"})
    EXPECT_FALSE(parse(text)) << text;
}

TEST(JsonParse, RefusesANameThatStandsTwice) {
  EXPECT_EQ(refusal(R"({"a":1,"b":{"c":1,"c":2}})"), "invalid JSON: the name `c` stands twice in one object");
  EXPECT_EQ(refusal(R"({"a":1,"\u0061":2})"), "invalid JSON: the name `a` stands twice in one object");
  // Whoever takes names that stand twice may take no text that is not JSON.
  for (const auto* text : {R"({"a":1,"a":2},"b":{})", R"({"a":1,"a":2}])", R"([{"a":1,"a":2},)", R"({"x":{"a":1,"a":2},"y":)"})
    EXPECT_EQ(refusal(text).find("stands twice"), std::string::npos) << text;
  EXPECT_EQ(refusal(R"({"":1,"":2})"), "invalid JSON: the name `` stands twice in one object");
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(refusal(many + "\"k7\":1}"), "invalid JSON: the name `k7` stands twice in one object");
  EXPECT_TRUE(parse(many + "\"other\":1}"));
  EXPECT_TRUE(parse(R"([{"a":1},{"a":1}])"));
}

TEST(JsonParse, LimitsDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse(nested(512)));
  EXPECT_EQ(refusal(nested(513)), "JSON nested deeper than 512");
  EXPECT_TRUE(parse(nested(3), 3));
  EXPECT_EQ(refusal(R"({"a":{"b":{"c":{}}}})", 3), "JSON nested deeper than 3");
  EXPECT_FALSE(parse(std::string(1'000'000, '[')));
}

TEST(JsonParse, MessagesSayWhatAndWhere) {
  EXPECT_EQ(refusal(""), "invalid JSON: the text is empty");
  EXPECT_EQ(refusal("[] []"), "invalid JSON: something follows the value");
  EXPECT_EQ(refusal("[1,x]").rfind("invalid JSON at byte ", 0), 0u) << refusal("[1,x]");
}

TEST(JsonValue, FindsAndSetsMembers) {
  Value value;
  value.set("a", 1);
  value.set("b", "x");
  value.set("a", true);
  EXPECT_EQ(to_text(value), R"({"a":true,"b":"x"})");
  EXPECT_EQ(*value.find("b")->string(), "x");
  EXPECT_EQ(value.find("c"), nullptr);
  EXPECT_EQ(Value("text").find("a"), nullptr);
}

TEST(JsonValue, IntegersOnlyWhenTheyAre) {
  EXPECT_EQ(parse("-42")->integer(), -42);
  EXPECT_EQ(parse("9223372036854775807")->integer(), INT64_MAX);
  for (const auto* text : {"9223372036854775808", "1.0", "1e2", "\"1\"", "null"}) EXPECT_EQ(parse(text)->integer(), std::nullopt) << text;
}

TEST(JsonValue, NamesItsKind) {
  EXPECT_EQ(Value().kind(), "null");
  EXPECT_EQ(Value(true).kind(), "a boolean");
  EXPECT_EQ(Value(1).kind(), "a number");
  EXPECT_EQ(Value("").kind(), "a string");
  EXPECT_EQ(Value(Array{}).kind(), "a list");
  EXPECT_EQ(Value(Object{}).kind(), "an object");
}

TEST(JsonValue, EqualityIsByValueAndOrder) {
  EXPECT_EQ(*parse(R"({"a":[1,2]})"), *parse(R"( { "a" : [ 1, 2 ] } )"));
  EXPECT_NE(*parse(R"({"a":1,"b":2})"), *parse(R"({"b":2,"a":1})"));
  EXPECT_NE(*parse("1"), *parse("1.0"));
}

TEST(JsonWrite, EscapesWhatItMust) {
  std::string out;
  append_string(out, std::string_view("\"\\/\b\f\n\r\t\x01\x1f\x7f\0é", 14));
  EXPECT_EQ(out, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000é\"");
}

// Runs are looked for several bytes at a time: each kind of byte, at each place within and behind them.
TEST(JsonWrite, EscapesAtEveryPlace) {
  static constexpr std::pair<std::string_view, std::string_view> kinds[] = {{"\"", "\\\""},
                                                                            {"\\", "\\\\"},
                                                                            {"\n", "\\n"},
                                                                            {std::string_view("\0", 1), "\\u0000"},
                                                                            {"\x1f", "\\u001f"},
                                                                            {" ", " "},
                                                                            {"!", "!"},
                                                                            {"#", "#"},
                                                                            {"[", "["},
                                                                            {"]", "]"},
                                                                            {"\x7f", "\x7f"},
                                                                            {"\xc3\xa9", "\xc3\xa9"},
                                                                            {"\x80", "\xEF\xBF\xBD"},
                                                                            {"\xff", "\xEF\xBF\xBD"}};
  for (const auto& [raw, written] : kinds)
    for (const std::string_view filling : {"a", "\xc3\xa9"})
      for (std::size_t before = 0; before < 20; ++before)
        for (std::size_t after = 0; after < 20; ++after) {
          std::string text, expected = "\"";
          for (std::size_t i = 0; i < before; ++i) text += filling, expected += filling;
          text += raw, expected += written;
          for (std::size_t i = 0; i < after; ++i) text += filling, expected += filling;
          text += raw, expected += written, expected += '"';
          std::string out;
          append_string(out, text);
          ASSERT_EQ(out, expected) << "behind " << before << ", before " << after;
        }
}

// A thread keeps what short texts are read with: nothing of one text is found in the next, whatever became of it.
TEST(JsonParse, TextsLeaveNothingBehind) {
  const std::string long_text = "[\"" + std::string(100'000, 'x') + "\"]";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(to_text(*parse(R"({"a":[1,2,{"b":"\n"}],"c":"text"})")), R"({"a":[1,2,{"b":"\n"}],"c":"text"})");
    EXPECT_FALSE(parse(R"({"a":[1,2,{"b":"x)"));
    EXPECT_EQ(to_text(*parse("12")), "12");
    EXPECT_EQ(refusal(""), "invalid JSON: the text is empty");
    EXPECT_EQ(to_text(*parse(long_text)), long_text);
    EXPECT_EQ(refusal("1,\"a\""), refusal("1,\"a\""));
    EXPECT_FALSE(parse(std::string(10'000, '[')));
    EXPECT_EQ(to_text(*parse("[]")), "[]");
    EXPECT_EQ(to_text(*parse(std::string(16 * 1024 - 2, ' ') + "[]")), "[]");
    EXPECT_EQ(to_text(*parse(std::string(16 * 1024 - 1, ' ') + "[]")), "[]");
  }
}

TEST(JsonWrite, ReplacesBytesThatAreNoUtf8) {
  std::string out;
  append_string(out, "a\xff\xfe\"b\xe2\x82");
  EXPECT_EQ(out, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\\\"b\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_TRUE(parse(out));
}

TEST(JsonWriter, PlacesCommas) {
  std::string out;
  Writer w{out};
  w.begin_object().key("a").string("x,").key("b").begin_array().number(1).number(-2).boolean(true).null().end_array();
  w.key("c").begin_object().end_object().key("d").begin_array().begin_object().key("e").value(Array{1, "{"}).end_object();
  w.begin_object().end_object().raw("[0]").string("[").string(":").end_array().end_object();
  EXPECT_EQ(out, R"({"a":"x,","b":[1,-2,true,null],"c":{},"d":[{"e":[1,"{"]},{},[0],"[",":"]})");
  EXPECT_TRUE(parse(out));
}

TEST(JsonWriter, StartsBehindForeignText) {
  std::string out = "data";
  Writer w{out};
  w.begin_array().number(1).end_array();
  EXPECT_EQ(out, "data[1]");
}

}  // namespace
}  // namespace sallyport::json
