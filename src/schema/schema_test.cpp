// Keywords: what holds, what does not, and how it is told.
#include "schema/schema.hpp"

#include "base/text.hpp"
#include "schema/testing.hpp"

namespace sallyport::schema {
namespace {

TEST(Type, EachNamesItsOwn) {
  const std::pair<std::string_view, std::string_view> values[] = {
      {"array", "[1]"}, {"boolean", "false"}, {"integer", "3"}, {"null", "null"}, {"number", "1.5"}, {"object", "{}"}, {"string", "\"\""}};
  for (const auto& [type, of_type] : values)
    for (const auto& [other, value] : values)
      EXPECT_EQ(accepts(cat(R"({"type":")", type, "\"}"), value), type == other || (type == "number" && other == "integer"))
          << type << value;
  EXPECT_TRUE(accepts(R"({"type":["null","string"]})", "null"));
  EXPECT_EQ(told(R"({"type":"integer"})", "\"1\""),
            R"([instance type (string) does not match any allowed primitive type (allowed: ["integer"])])");
  EXPECT_EQ(told(R"({"type":["string","number"]})", "null"),
            R"([instance type (null) does not match any allowed primitive type (allowed: ["integer","number","string"])])");
}

TEST(Type, AnIntegerIsWrittenWithoutFractionAndExponent) {
  EXPECT_TRUE(accepts(R"({"type":"integer"})", "123456789012345678901234567890"));
  EXPECT_TRUE(accepts(R"({"type":"integer"})", "-0"));
  for (const auto* number : {"1.0", "1e3", "1E3", "-0.0"}) {
    EXPECT_FALSE(accepts(R"({"type":"integer"})", number)) << number;
    EXPECT_TRUE(accepts(R"({"type":"number"})", number)) << number;
  }
  EXPECT_EQ(told(R"({"type":"integer"})", "1.0"),
            R"([instance type (number) does not match any allowed primitive type (allowed: ["integer"])])");
}

TEST(Enum, IsEqualByValue) {
  const auto schema = compiled(R"({"enum":["a",1,null,[1,2],{"x":1,"y":[]}]})");
  for (const auto* listed : {"\"a\"", "1", "1.0", "10e-1", "null", "[1,2.0]", R"({"y":[],"x":1.0})"})
    EXPECT_EQ(told(schema, listed), "") << listed;
  for (const auto* other :
       {"\"1\"", "true", "0", "1.0000000000000000000001", "[2,1]", "[1,2,3]", "[]", R"({"x":1})", R"({"x":1,"y":[],"z":0})"})
    EXPECT_NE(told(schema, other), "") << other;
  EXPECT_EQ(told(R"({"enum":["typed","attachment"]})", "\"\""),
            R"([instance value ("") not found in enum (possible values: ["typed","attachment"])])");
  EXPECT_FALSE(accepts(R"({"enum":[false]})", "0"));
  EXPECT_FALSE(accepts(R"({"enum":[[0]]})", "[false]"));
}

TEST(Numbers, Bounds) {
  EXPECT_TRUE(accepts(R"({"minimum":1.1})", "1.10"));
  EXPECT_EQ(told(R"({"minimum":10})", "1"), "[numeric instance is lower than the required minimum (minimum: 10, found: 1)]");
  EXPECT_EQ(told(R"({"minimum":10,"exclusiveMinimum":true})", "10.0"),
            "[numeric instance is not strictly greater than the required minimum 10]");
  EXPECT_EQ(told(R"({"minimum":10,"exclusiveMinimum":true})", "9"),
            "[numeric instance is lower than the required minimum (minimum: 10, found: 9)]");
  EXPECT_TRUE(accepts(R"({"minimum":10,"exclusiveMinimum":false})", "10"));
  EXPECT_TRUE(accepts(R"({"minimum":10,"exclusiveMinimum":true})", "10.000000000000000000000001"));

  EXPECT_TRUE(accepts(R"({"maximum":3})", "3"));
  EXPECT_EQ(told(R"({"maximum":3})", "3.5"), "[numeric instance is greater than the required maximum (maximum: 3, found: 3.5)]");
  EXPECT_EQ(told(R"({"maximum":3,"exclusiveMaximum":true})", "3"), "[numeric instance is not strictly lower than the required maximum 3]");
  EXPECT_TRUE(accepts(R"({"maximum":3,"exclusiveMaximum":true})", "2.99999999999999999999"));
  EXPECT_FALSE(accepts(R"({"maximum":18446744073709551615})", "18446744073709551616"));
  EXPECT_FALSE(accepts(R"({"maximum":972783798187987123879878123.18878137})", "972783798187987123879878123.188781371"));
  EXPECT_FALSE(accepts(R"({"maximum":1})", "1e-9999999999999999999"));  // unreadable
  EXPECT_TRUE(accepts(R"({"minimum":1,"maximum":2,"multipleOf":2})", R"("x")"));
}

TEST(Numbers, MultipleOf) {
  EXPECT_TRUE(accepts(R"({"multipleOf":0.01})", "19.99"));
  EXPECT_TRUE(accepts(R"({"multipleOf":2})", "0"));
  EXPECT_TRUE(accepts(R"({"multipleOf":1e-8})", "12391239123"));
  EXPECT_EQ(told(R"({"multipleOf":0.01})", "100.001"), "[remainder of division is not zero (100.001 / 0.01)]");
  EXPECT_FALSE(accepts(R"({"multipleOf":3})", "10000000000000000000000000000000"));
}

TEST(Strings, LengthIsInCharacters) {
  EXPECT_TRUE(accepts(R"({"minLength":2,"maxLength":2})", "\"😀é\""));
  EXPECT_EQ(told(R"({"minLength":1})", "\"\""), R"([string "" is too short (length: 0, required minimum: 1)])");
  EXPECT_EQ(told(R"({"maxLength":2})", "\"fffffff\""), R"([string "fffffff" is too long (length: 7, maximum allowed: 2)])");
  EXPECT_FALSE(accepts(R"({"minLength":3})", "\"😀é\""));
  EXPECT_FALSE(accepts(R"({"maxLength":1})", "\"😀é\""));
  EXPECT_TRUE(accepts(R"({"minLength":1})", "[]"));
}

TEST(Strings, Pattern) {
  EXPECT_TRUE(accepts(R"({"pattern":"a+"})", "\"xaay\""));
  EXPECT_EQ(told(R"({"pattern":"^\\d$"})", "\"ab\""), R"([ECMA 262 regex "^\d$" does not match input string "ab"])");
  EXPECT_TRUE(accepts(R"({"pattern":"^a"})", "7"));
}

TEST(Strings, Format) {
  const std::array<std::string_view, 3> formats[] = {{"email", "a@b.c", R"([string "x x" is not a valid email address])"},
                                                     {"hostname", "a.b", R"([string "x x" is not a valid hostname])"},
                                                     {"ipv4", "1.2.3.4", R"([string "x x" is not a valid IPv4 address])"},
                                                     {"ipv6", "::1", R"([string "x x" is not a valid IPv6 address])"},
                                                     {"uri", "http://a", R"([string "x x" is not a valid URI])"}};
  for (const auto& [format, good, refused] : formats) {
    const auto schema = compiled(cat(R"({"format":")", format, "\"}"));
    EXPECT_EQ(told(schema, cat('"', good, '"')), "");
    EXPECT_EQ(told(schema, "\"x x\""), refused);
    EXPECT_EQ(told(schema, "12"), "");
  }
  EXPECT_TRUE(accepts(R"({"format":"date-time"})", "\"2026-01-31T00:00:00Z\""));
  EXPECT_EQ(
      told(R"({"format":"date-time"})", "\"banana\""),
      R"([string "banana" is invalid against requested date format(s) [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z]])");
  EXPECT_TRUE(accepts(R"({"format":"int32"})", "\"anything\""));
}

TEST(Lists, Counts) {
  EXPECT_TRUE(accepts(R"({"minItems":1,"maxItems":2})", "[1,2]"));
  EXPECT_EQ(told(R"({"minItems":1})", "[]"), "[array is too short: must have at least 1 elements but instance has 0 elements]");
  EXPECT_EQ(told(R"({"maxItems":2})", "[1,2,3]"), "[array is too long: must have at most 2 elements but instance has 3 elements]");
  EXPECT_TRUE(accepts(R"({"minItems":1})", "{}"));
}

TEST(Lists, UniqueItems) {
  const auto schema = compiled(R"({"uniqueItems":true})");
  for (const auto* unique :
       {"[]", "[1]", "[1,true]", "[0,false]", "[\"1\",1]", "[{\"a\":1},{\"a\":2}]", "[[1,2],[2,1]]", "[null,0,\"\",[],{}]", "\"aa\""})
    EXPECT_EQ(told(schema, unique), "") << unique;
  for (const auto* twice : {"[1,2,1]", "[1,1.0]", "[100,1e2]", "[null,null]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]", "[[[]],[[]]]"})
    EXPECT_EQ(told(schema, twice), "[array must not contain duplicate elements]") << twice;
  EXPECT_TRUE(accepts(R"({"uniqueItems":false})", "[1,1]"));
}

TEST(Lists, Items) {
  EXPECT_TRUE(accepts(R"({"items":{"type":"integer"}})", "[1,2,3]"));
  EXPECT_FALSE(accepts(R"({"items":{"type":"integer"}})", "[1,2,\"3\"]"));
  EXPECT_TRUE(accepts(R"({"items":{"type":"integer"}})", "{\"0\":\"x\"}"));
  const auto tuple = R"({"items":[{"type":"integer"},{"type":"string"}]})";
  EXPECT_TRUE(accepts(tuple, "[1,\"a\",null]"));
  EXPECT_TRUE(accepts(tuple, "[1]"));
  EXPECT_FALSE(accepts(tuple, "[1,2]"));
  EXPECT_FALSE(accepts(tuple, "[\"a\"]"));
}

TEST(Lists, AdditionalItems) {
  const auto closed = R"({"items":[{},{}],"additionalItems":false})";
  EXPECT_TRUE(accepts(closed, "[1,2]"));
  EXPECT_EQ(told(closed, "[1,2,3]"), "[schema only allows 2 elements in array but instance has 3 elements]");
  const auto typed = R"({"items":[{}],"additionalItems":{"type":"integer"}})";
  EXPECT_TRUE(accepts(typed, "[null,2,3]"));
  EXPECT_FALSE(accepts(typed, "[null,2,null]"));
  EXPECT_TRUE(accepts(R"({"items":{},"additionalItems":false})", "[1,2,3]"));
  EXPECT_TRUE(accepts(R"({"additionalItems":false})", "[1,2,3]"));
  EXPECT_TRUE(accepts(R"({"items":[{}],"additionalItems":true})", "[1,2,3]"));
}

TEST(Objects, Counts) {
  EXPECT_TRUE(accepts(R"({"minProperties":1,"maxProperties":1})", R"({"a":1})"));
  EXPECT_EQ(told(R"({"minProperties":2})", R"({"a":1})"), "[object has too few properties (found 1 but schema requires at least 2)]");
  EXPECT_EQ(told(R"({"maxProperties":0})", R"({"a":1})"), "[object has too many properties (found 1 but schema requires at most 0)]");
  EXPECT_TRUE(accepts(R"({"minProperties":2})", "[]"));
}

TEST(Objects, Required) {
  EXPECT_TRUE(accepts(R"({"required":["name"]})", R"({"name":null})"));
  EXPECT_EQ(told(R"({"required":["name"]})", "{}"), R"([object has missing required properties (["name"])])");
  EXPECT_EQ(told(R"({"required":["to","subject","body","x"]})", R"({"x":1})"),
            R"([object has missing required properties (["body","subject","to"])])");
  EXPECT_TRUE(accepts(R"({"required":["name"]})", "\"name\""));
}

TEST(Objects, Properties) {
  const auto schema =
      compiled(R"({"properties":{"a":{"type":"integer"},"":{"type":"null"}},"patternProperties":{"^x":{"minimum":5},"y$":{"maximum":7}}})");
  for (const auto* good : {"{}", R"({"a":1,"b":"b"})", R"({"":null})", R"({"xy":6,"x":9,"y":1})", "[]"})
    EXPECT_EQ(told(schema, good), "") << good;
  for (const auto* bad : {R"({"a":"1"})", R"({"":0})", R"({"xy":8})", R"({"xy":4})", R"({"x":4})", R"({"zy":8})"})
    EXPECT_NE(told(schema, bad), "") << bad;
}

TEST(Objects, AdditionalProperties) {
  const auto closed = compiled(R"({"properties":{"a":{}},"patternProperties":{"^x":{}},"additionalProperties":false})");
  EXPECT_EQ(told(closed, R"({"a":1,"x1":2})"), "");
  EXPECT_EQ(told(closed, R"({"z":1,"a":1,"b":2})"), R"([object instance has properties which are not allowed by the schema: ["b","z"]])");
  const auto typed = compiled(R"({"properties":{"a":{}},"patternProperties":{"^x":{}},"additionalProperties":{"type":"integer"}})");
  EXPECT_EQ(told(typed, R"({"a":"s","x":"s","b":1})"), "");
  EXPECT_NE(told(typed, R"({"b":"s"})"), "");
  EXPECT_TRUE(accepts(R"({"additionalProperties":true})", R"({"b":1})"));
}

TEST(Objects, Dependencies) {
  const auto schema =
      compiled(R"({"dependencies":{"card":["street","city"],"age":{"required":["name"],"properties":{"name":{"type":"string"}}}}})");
  for (const auto* good : {"{}", R"({"card":1,"street":2,"city":3})", R"({"street":1})", R"({"age":1,"name":"n"})", "7"})
    EXPECT_EQ(told(schema, good), "");
  EXPECT_EQ(told(schema, R"({"card":1,"city":1})"),
            R"([property "card" of object has missing property dependencies (schema requires ["city","street"]; missing: ["street"])])");
  EXPECT_EQ(told(schema, R"({"age":1})"), R"([object has missing required properties (["name"])])");
  EXPECT_EQ(told(schema, R"({"age":1,"card":1})"),
            R"([object has missing required properties (["name"]), property "card" of object has missing property dependencies )"
            R"((schema requires ["city","street"]; missing: ["city","street"])])");
  EXPECT_NE(told(schema, R"({"age":1,"name":2})"), "");
  EXPECT_FALSE(accepts(R"({"not":{"not":{"dependencies":{"a":{"required":["b"]}}}}})", R"({"a":1})"));
}

TEST(Combinations, AllAnyOneNot) {
  const std::string_view small = R"({"maximum":2})", large = R"({"minimum":2})";
  const auto all = compiled(cat(R"({"allOf":[)", small, ",", large, "]}")),
             any = compiled(cat(R"({"anyOf":[)", R"({"maximum":1},{"minimum":3}]})")),
             one = compiled(cat(R"({"oneOf":[)", small, ",", large, "]}")), none = compiled(cat(R"({"not":)", small, "}"));
  EXPECT_EQ(told(all, "2"), "");
  EXPECT_EQ(told(all, "3"), "[instance failed to match all required schemas (matched only 1 out of 2)]");
  EXPECT_EQ(told(any, "0"), "");
  EXPECT_EQ(told(any, "4"), "");
  EXPECT_EQ(told(any, "2"), "[instance failed to match at least one required schema among 2]");
  EXPECT_EQ(told(one, "1"), "");
  EXPECT_EQ(told(one, "3"), "");
  EXPECT_EQ(told(one, "2"), "[instance failed to match exactly one schema (matched 2 out of 2)]");
  EXPECT_EQ(told(R"({"oneOf":[{"type":"null"},{"type":"string"}]})", "1"),
            "[instance failed to match exactly one schema (matched 0 out of 2)]");
  EXPECT_EQ(told(none, "3"), "");
  EXPECT_EQ(told(none, "1"), "[instance matched a schema which it should not have]");
}

TEST(Combinations, LookIntoChildren) {
  const auto schema = compiled(
      R"({"anyOf":[{"properties":{"a":{"items":{"type":"integer"}}}},{"required":["b"]}],"not":{"properties":{"c":{"enum":[1]}},"required":["c"]}})");
  EXPECT_EQ(told(schema, R"({"a":[1,2]})"), "");
  EXPECT_NE(told(schema, R"({"a":[1,"2"]})"), "");
  EXPECT_EQ(told(schema, R"({"a":[1,"2"],"b":0})"), "");
  EXPECT_NE(told(schema, R"({"a":[],"c":1.0})"), "");
}

TEST(References, InTheDocument) {
  const auto tree =
      compiled(R"({"type":"object","properties":{"value":{"type":"integer"},"children":{"items":{"$ref":"#"}}},"required":["value"]})");
  EXPECT_EQ(told(tree, R"({"value":1,"children":[{"value":2,"children":[]},{"value":3}]})"), "");
  EXPECT_NE(told(tree, R"({"value":1,"children":[{"value":2,"children":[{}]}]})"), "");
  const auto chain = compiled(
      R"({"$ref":"#/definitions/c","definitions":{"a":{"type":"integer"},"b":{"$ref":"#/definitions/a"},"c":{"$ref":"#/definitions/b"}}})");
  EXPECT_EQ(told(chain, "5"), "");
  EXPECT_NE(told(chain, "\"a\""), "");
  const auto escaped = compiled(
      R"({"properties":{"a":{"$ref":"#/definitions/s~1l%25~01"},"b":{"$ref":"#/items/1"}},"items":[{},{"type":"null"}],"definitions":{"s/l%~1":{"type":"integer"}}})");
  EXPECT_EQ(told(escaped, R"({"a":1,"b":null})"), "");
  EXPECT_NE(told(escaped, R"({"a":"1"})"), "");
  EXPECT_NE(told(escaped, R"({"b":1})"), "");
}

TEST(References, WhatStandsBesideIsIgnored) {
  const auto schema =
      compiled(R"({"properties":{"a":{"$ref":"#/definitions/list","maxItems":1}},"definitions":{"list":{"type":"array"}}})");
  EXPECT_EQ(told(schema, R"({"a":[1,2,3]})"), "");
  EXPECT_NE(told(schema, R"({"a":1})"), "");
  EXPECT_TRUE(accepts(R"({"properties":{"$ref":{"type":"string"}}})", R"({"$ref":"a"})"));
  EXPECT_FALSE(accepts(R"({"properties":{"$ref":{"type":"string"}}})", R"({"$ref":1})"));
}

TEST(References, ToModelsOfTheApi) {
  const std::map<std::string, json::Value, std::less<>> documents{
      {"Status", parsed(R"({"type":"string","enum":["on","off"]})")},
      {"Order",
       parsed(
           R"({"properties":{"status":{"$ref":"https://apigateway.amazonaws.com/restapis/abc/models/Status"},"parts":{"items":{"$ref":"#/definitions/part"}}},"definitions":{"part":{"type":"integer"}}})")},
      {"Loop",
       parsed(
           R"({"properties":{"next":{"$ref":"https://apigateway.amazonaws.com/restapis/abc/models/Loop"}},"additionalProperties":false})")},
      {"Bad", parsed(R"({"properties":{"x":{"type":"text"}}})")}};
  const Models models{"abc", [&](std::string_view name) {
                        const auto found = documents.find(name);
                        return found == documents.end() ? nullptr : &found->second;
                      }};
  const auto refers = [](std::string_view to) { return cat(R"({"$ref":"https://apigateway.amazonaws.com/restapis/)", to, "\"}"); };
  const auto order = compiled(refers("abc/models/Order"), models);
  EXPECT_EQ(told(order, R"({"status":"on","parts":[1]})"), "");
  EXPECT_NE(told(order, R"({"status":"broken"})"), "");
  EXPECT_NE(told(order, R"({"parts":["1"]})"), "");
  EXPECT_EQ(told(compiled(refers("abc/models/Order#/definitions/part"), models), "1"), "");
  EXPECT_NE(told(compiled(refers("abc/models/Order#/definitions/part"), models), "null"), "");
  const auto loop = compiled(refers("abc/models/Loop"), models);
  EXPECT_EQ(told(loop, R"({"next":{"next":{}}})"), "");
  EXPECT_NE(told(loop, R"({"next":{"next":{"x":1}}})"), "");

  EXPECT_EQ(refusal(refers("abc/models/None"), models),
            "the reference `https://apigateway.amazonaws.com/restapis/abc/models/None` is to a model that does not exist");
  for (const auto* other : {"xyz/models/Order", "abc/models/Order/x", "abc/models/", "abc/authorizers/Order", "abc", ""})
    EXPECT_NE(refusal(refers(other), models), "") << other;
  EXPECT_EQ(refusal(refers("abc/models/Bad"), models), "type names `text`, which is none (at `/properties/x` of model Bad)");
  EXPECT_NE(refusal(refers("abc/models/Order")), "");
}

TEST(References, NothingElseIsReached) {
  for (const auto* remote :
       {"http://json-schema.org/draft-04/schema#", "https://example.com/s.json", "other.json", "", "file:///etc/passwd",
        "https://apigateway.amazonaws.com.evil.example/restapis/a/models/M", "#foo", "#/definitions/none", "#/definitions/a/type/x",
        "#/items/00", "#/items/1", "#/definitions/%zz", "#/definitions/a/type"})
    EXPECT_NE(refusal(cat(R"({"allOf":[{"$ref":")", remote, R"("}],"definitions":{"a":{"type":"string"}},"items":[{}]})")), "") << remote;
  EXPECT_NE(refusal(R"({"$ref":7})"), "");
}

TEST(References, ACycleThatStaysAtOneValueIsRefused) {
  for (const auto* cycle : {R"({"$ref":"#"})", R"({"allOf":[{"$ref":"#"}]})", R"({"anyOf":[{},{"$ref":"#"}]})",
                            R"({"oneOf":[{"not":{"$ref":"#"}}]})", R"({"dependencies":{"a":{"$ref":"#"}}})",
                            R"({"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"allOf":[{"$ref":"#/definitions/a"}]}}})"})
    EXPECT_NE(refusal(cycle).find("refers to itself without going into the instance"), std::string::npos) << cycle;
  EXPECT_EQ(
      refusal(R"({"allOf":[{"$ref":"#/definitions/a"},{"$ref":"#/definitions/a"}],"definitions":{"a":{"properties":{"x":{"$ref":"#"}}}}})"),
      "");
}

TEST(Refused, WhatDraft4sOwnSchemaRefuses) {
  for (const auto* bad : {"[]",
                          "true",
                          "\"string\"",
                          R"({"type":"text"})",
                          R"({"type":7})",
                          R"({"type":[]})",
                          R"({"type":["string","string"]})",
                          R"({"enum":[]})",
                          R"({"enum":"a"})",
                          R"({"enum":["A","A"]})",
                          R"({"enum":[1,1.0]})",
                          R"({"multipleOf":0})",
                          R"({"multipleOf":-1})",
                          R"({"multipleOf":"1"})",
                          R"({"maximum":"1"})",
                          R"({"minimum":null})",
                          R"({"exclusiveMaximum":true})",
                          R"({"exclusiveMinimum":true,"maximum":1})",
                          R"({"minimum":1,"exclusiveMinimum":1})",
                          R"({"exclusiveMinimum":5})",
                          R"({"maxLength":-1})",
                          R"({"maxLength":"35"})",
                          R"({"minLength":1.5})",
                          R"({"maxItems":{}})",
                          R"({"minItems":-1})",
                          R"({"maxProperties":1e1})",
                          R"({"minProperties":true})",
                          R"({"pattern":1})",
                          R"({"pattern":"("})",
                          R"({"patternProperties":{"(":{}}})",
                          R"({"patternProperties":[]})",
                          R"({"properties":[]})",
                          R"({"properties":{"a":true}})",
                          R"({"additionalProperties":"no"})",
                          R"({"additionalItems":7,"items":[{}]})",
                          R"({"additionalItems":7})",
                          R"({"items":7})",
                          R"({"items":[]})",
                          R"({"items":[true]})",
                          R"({"uniqueItems":"yes"})",
                          R"({"required":[]})",
                          R"({"required":["a","a"]})",
                          R"({"required":[1]})",
                          R"({"required":true})",
                          R"({"dependencies":[]})",
                          R"({"dependencies":{"a":[]}})",
                          R"({"dependencies":{"a":"b"}})",
                          R"({"dependencies":{"a":["b","b"]}})",
                          R"({"allOf":[]})",
                          R"({"allOf":{}})",
                          R"({"anyOf":[1]})",
                          R"({"oneOf":"x"})",
                          R"({"not":[]})",
                          R"({"definitions":{"a":7}})",
                          R"({"definitions":{"a":{"type":"x"}}})",
                          R"({"format":7})",
                          R"({"title":7})",
                          R"({"description":[]})",
                          R"({"id":{}})",
                          R"({"$schema":7})",
                          R"({"multipleOf":1234567890123456789})"})
    EXPECT_NE(refusal(bad), "") << bad;
}

TEST(Refused, TheMessageNamesThePlace) {
  EXPECT_EQ(refusal(R"({"properties":{"a":{"items":{"maxLength":"35"}}}})"),
            "maxLength is no integer from 0 to 2^64 - 1 (at `/properties/a/items`)");
  EXPECT_EQ(refusal("7"), "the schema is a number where a schema has to be");
  EXPECT_EQ(refusal(R"({"exclusiveMinimum":5})"), "exclusiveMinimum is a number; in draft 4 it is a boolean beside minimum");
}

TEST(Unknown, KeywordsAreReported) {
  const auto schema = compiled(
      R"({"$schema":"x","id":"y","title":"t","description":"d","default":1,"format":"f","const":1,"properties":{"const":{"example":1,"$id":"z"}},"definitions":{"a":{"if":{}}}})");
  EXPECT_EQ(schema.unknown_keywords(), (std::vector<std::string>{"$id", "const", "example", "if"}));
  EXPECT_EQ(told(schema, R"({"const":2})"), "");
  EXPECT_TRUE(compiled(R"({"type":"object","enum":[{"const":1}],"default":{"const":1}})").unknown_keywords().empty());
}

TEST(Told, KeywordsByNameThenChildrenByName) {
  EXPECT_EQ(told(R"({"type":"string","enum":["a"],"minimum":5})", "1"),
            R"([instance value (1) not found in enum (possible values: ["a"]), numeric instance is lower than the required minimum )"
            R"((minimum: 5, found: 1), instance type (integer) does not match any allowed primitive type (allowed: ["string"])])");
  EXPECT_EQ(told(R"({"properties":{"b":{"type":"null"},"a":{"type":"string"}}})", R"({"b":1,"a":1})"),
            R"([instance type (integer) does not match any allowed primitive type (allowed: ["string"]), )"
            R"(instance type (integer) does not match any allowed primitive type (allowed: ["null"])])");
}

TEST(Told, NothingBelowAFailure) {
  const auto schema = compiled(
      R"({"required":["name"],"properties":{"a":{"items":{"type":"null"},"maxItems":1},"b":{"type":"null","items":{"type":"null"}}}})");
  EXPECT_EQ(told(schema, R"({"a":[1],"b":1})"), R"([object has missing required properties (["name"])])");
  // `b` is checked after something in `a` failed, but its children are not looked at.
  EXPECT_EQ(told(schema, R"({"name":1,"a":[1],"b":[1]})"),
            R"([instance type (integer) does not match any allowed primitive type (allowed: ["null"]), )"
            R"(instance type (array) does not match any allowed primitive type (allowed: ["null"])])");
}

TEST(Told, WhereAndByWhichKeyword) {
  const auto violations = compiled(R"({"properties":{"a/~":{"items":{"type":"null"}}}})").validate(parsed(R"({"a/~":[null,1]})"));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].at, "/a~1~0/1");
  EXPECT_EQ(violations[0].keyword, "type");
  EXPECT_EQ(validation_error_string({}), "[]");
}

TEST(Told, NoMoreThanAHundredAndNoLongTexts) {
  const auto schema = compiled(R"({"items":{"type":"null"}})");
  std::string many = "[1";
  for (int i = 0; i < 500; ++i) many += ",1";
  EXPECT_EQ(schema.validate(parsed(many + "]")).size(), limits::violations_max);
  const auto violations = compiled(R"({"maxLength":1})").validate(json::Value(std::string(1 << 20, 'x')));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_LT(violations[0].message.size(), limits::shown_bytes_max + 100);
  std::string wide = "é";
  while (wide.size() < 3 * limits::shown_bytes_max) wide += wide;
  const auto cut = compiled(R"({"maxLength":1})").validate(json::Value("x" + wide));
  EXPECT_EQ(valid_utf8_prefix(cut.at(0).message), cut.at(0).message.size());
}

// Hostile input.

TEST(Limits, StepsEndAValidation) {
  std::string schema = R"({"definitions":{"d0":{"type":"integer"})";
  for (int i = 1; i <= 40; ++i)
    schema += cat(R"(,"d)", i, R"(":{"allOf":[{"$ref":"#/definitions/d)", i - 1, R"("},{"$ref":"#/definitions/d)", i - 1, "\"}]}");
  schema += R"(},"$ref":"#/definitions/d40"})";
  EXPECT_EQ(told(compiled(schema), "1"), "[the instance is refused: validating it takes too many steps]");
  const auto list = compiled(R"({"items":{"type":"integer"}})");
  EXPECT_TRUE(list.accepts(parsed("[1,2,3]"), 4));
  EXPECT_FALSE(list.accepts(parsed("[1,2,3]"), 3));
  EXPECT_FALSE(compiled(R"({"not":{"items":{"type":"null"}}})").accepts(parsed("[1,2,3]"), 2));
}

TEST(Limits, EachKindOfWorkCosts) {
  const json::Value text(std::string(1 << 16, 'a'));
  json::Array numbers;
  json::Object members;
  for (int i = 0; i < 1'000; ++i) {
    numbers.push_back(i);
    members.emplace_back(cat("m", i), i);
  }
  const json::Value list(numbers), object(members);
  const std::pair<std::string_view, const json::Value*> costly[] = {
      {R"({"maxLength":1000000})", &text},
      {R"({"pattern":"^a"})", &text},
      {R"~({"allOf":[{"pattern":"^(.{1,500}|b)"}]})~", &text},
      {R"({"uniqueItems":true})", &list},
      {R"({"additionalProperties":{}})", &object},
      {R"({"patternProperties":{"x":{}},"additionalProperties":false})", &object},
      {R"({"required":["m1"]})", &object},
      {R"({"not":{"enum":[[0,1,2,3,4,5,6,7,8,9]]}})", &list}};
  for (const auto& [schema, instance] : costly)
    EXPECT_FALSE(compiled(schema).accepts(*instance, schema.find("enum") == schema.npos ? 200 : 6)) << schema;
  EXPECT_TRUE(compiled(R"({"uniqueItems":true,"items":{"type":"integer"}})").accepts(list));
}

TEST(Limits, DepthIsNoRecursion) {
  const auto schema = compiled(R"({"items":{"$ref":"#"},"uniqueItems":true})");
  const auto nested = [](int depth) {
    json::Value value{json::Array{}};
    for (int i = 1; i < depth; ++i) {
      json::Array around;
      around.push_back(std::move(value));
      value = std::move(around);
    }
    return value;
  };
  EXPECT_TRUE(schema.accepts(nested(512)));
  EXPECT_FALSE(schema.accepts(nested(600)));
  EXPECT_EQ(validation_error_string(compiled(R"({"items":{"$ref":"#"}})").validate(nested(600))),
            "[the instance is refused: it nests too deep]");

  std::string deep = R"({"type":"null"})";
  for (int i = 1; i < 64; ++i) deep = cat(R"({"not":)", deep, "}");
  EXPECT_EQ(refusal(deep), "");
  EXPECT_NE(refusal(cat(R"({"not":)", deep, "}")).find("nests deeper than 64"), std::string::npos);
}

TEST(Limits, ALongChainOfSchemasIsNoRecursion) {
  std::string schema = R"({"definitions":{"d0":{"type":"integer"})";
  constexpr int length = 20'000;
  for (int i = 1; i <= length; ++i) schema += cat(R"(,"d)", i, R"(":{"allOf":[{"$ref":"#/definitions/d)", i - 1, "\"}]}");
  const auto chain = compiled(cat(schema, R"(},"$ref":"#/definitions/d)", length, "\"}"));
  EXPECT_EQ(told(chain, "1"), "");
  EXPECT_NE(told(chain, "null"), "");
}

TEST(Limits, SizeOfASchema) {
  std::string many = R"({"definitions":{"d":{})", patterns = R"({"patternProperties":{"p":{})";
  for (std::size_t i = 0; i <= limits::schemas_max; ++i) many += cat(R"(,"d)", i, R"(":{})");
  for (std::size_t i = 0; i < limits::patterns_max; ++i) patterns += cat(R"(,"p)", i, R"(":{})");
  EXPECT_NE(refusal(many + "}}").find("subschemas"), std::string::npos);
  EXPECT_NE(refusal(patterns + "}}").find("different regular expressions"), std::string::npos);
  std::string large = R"({"patternProperties":{"p":{})";
  for (int i = 1; i < 100; ++i) large += cat(R"(,"^.{1,9)", i, R"(}$":{})");
  EXPECT_NE(refusal(large + "}}").find("too large together"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::schema
