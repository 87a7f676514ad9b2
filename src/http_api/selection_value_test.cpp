#include "http_api/selection_value.hpp"

#include <gtest/gtest.h>

namespace sallyport::http_api {
namespace {

TEST(SelectInJsonTest, FollowsNamesAndIndices) {
  constexpr std::string_view text = R"({"a":{"b":[1,{"c":"x"}],"d e":true},"n":null,"t":""})";
  EXPECT_EQ(select_in_json(text, ""), std::string(text));
  EXPECT_EQ(select_in_json(text, "a.b[0]"), "1");
  EXPECT_EQ(select_in_json(text, "a.b[1].c"), "x");
  EXPECT_EQ(select_in_json(text, "a['d e']"), "true");
  EXPECT_EQ(select_in_json(text, "a.b"), R"([1,{"c":"x"}])");
  EXPECT_EQ(select_in_json(text, "t"), "");
  for (const auto* nothing : {"x", "a.b[2]", "a.b[-1]", "a.b[x]", "a.", "a..b", "n", "a[0]", "a.b[", "a.b.c", "['a", "[]", "a.b[]"})
    EXPECT_EQ(select_in_json(text, nothing), std::nullopt) << nothing;
  EXPECT_EQ(select_in_json("no json", "a"), std::nullopt);
  EXPECT_EQ(select_in_json("no json", ""), "no json");
}

TEST(SelectInJsonTest, DoesNotLookIntoLargeBodies) {
  const auto text = R"({"a":")" + std::string(limits::selected_body_bytes_max, 'x') + R"("})";
  EXPECT_EQ(select_in_json(text, "a"), std::nullopt);
  EXPECT_EQ(select_in_json(text, ""), text);
}

TEST(ClaimTextTest, IsWhatAwsHandsOn) {
  EXPECT_EQ(claim_text(json::Value("a b")), "a b");
  EXPECT_EQ(claim_text(json::Value(7)), "7");
  EXPECT_EQ(claim_text(json::Value(true)), "true");
  EXPECT_EQ(claim_text(json::Array{"a", 1, json::Array{"b"}}), "[a 1 [b]]");
  EXPECT_EQ(claim_text(json::Object{{"z", 1}, {"a", "x"}}), "map[a:x z:1]");
  EXPECT_EQ(claim_text(json::Array{}), "[]");
}

}  // namespace
}  // namespace sallyport::http_api
