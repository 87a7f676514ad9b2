#include "gateway/router.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace sallyport::gateway {
namespace {

class RouterTest : public ::testing::Test {
 public:
  void add(std::string_view path, std::string_view verb) {
    names.push_back(cat(verb, " ", path));
    router.add(path, verb, static_cast<std::uint32_t>(names.size() - 1));
  }
  /// `VERB /template value,value`, or nothing.
  std::string find(std::string_view verb, std::string_view path) {
    std::vector<std::string_view> values;
    const auto found = router.find(verb, path, values);
    if (!found) return "none";
    std::string out = names[*found];
    for (auto value : values) out += cat(" ", value);
    return out;
  }
  Router router;
  std::vector<std::string> names;
};

TEST_F(RouterTest, LiteralBeforeVariableBeforeGreedy) {
  add("/pets/{id}", "GET");
  add("/pets/mine", "GET");
  add("/{proxy+}", "GET");
  EXPECT_EQ(find("GET", "/pets/mine"), "GET /pets/mine");
  EXPECT_EQ(find("GET", "/pets/7"), "GET /pets/{id} 7");
  EXPECT_EQ(find("GET", "/pets/7/8"), "GET /{proxy+} pets/7/8");
}

TEST_F(RouterTest, GoesBackWhereABranchLacksThePathOrTheVerb) {
  add("/part1/other", "GET");
  add("/{param+}", "GET");
  add("/test", "POST");
  add("/{param+}", "OPTIONS");
  EXPECT_EQ(find("GET", "/part1/random"), "GET /{param+} part1/random");
  EXPECT_EQ(find("OPTIONS", "/test"), "OPTIONS /{param+} test");
  EXPECT_EQ(find("PUT", "/test"), "none");
}

TEST_F(RouterTest, VerbBeforeAny) {
  add("/a", "ANY");
  add("/a", "GET");
  EXPECT_EQ(find("GET", "/a"), "GET /a");
  EXPECT_EQ(find("HEAD", "/a"), "ANY /a") << "GET does not stand for HEAD";
  EXPECT_EQ(find("TRACE", "/a"), "none");
  EXPECT_EQ(find("get", "/a"), "none");
}

TEST_F(RouterTest, OneTrailingSlashDoesNotCountAndEmptySegmentsAreNoValues) {
  add("/", "GET");
  add("/a", "GET");
  add("/b/{x}", "GET");
  add("/c/{x+}", "GET");
  EXPECT_EQ(find("GET", "/"), "GET /");
  EXPECT_EQ(find("GET", "/a/"), "GET /a");
  EXPECT_EQ(find("GET", "/a//"), "none");
  EXPECT_EQ(find("GET", "/b/"), "none");
  EXPECT_EQ(find("GET", "/b//"), "none");
  EXPECT_EQ(find("GET", "/c/x//y/"), "GET /c/{x+} x//y");
  EXPECT_EQ(find("GET", "/c"), "none");
}

TEST_F(RouterTest, NothingIsDecoded) {
  add("/a b", "GET");
  add("/{x}", "GET");
  EXPECT_EQ(find("GET", "/a%20b"), "GET /{x} a%20b");
  EXPECT_EQ(find("GET", "/%2Fa"), "GET /{x} %2Fa");
}

TEST_F(RouterTest, ManyRoutesAreFoundEachByItself) {
  for (int i = 0; i < 5000; ++i) add(cat("/r", i, "/{id}/x"), "GET");
  for (int i = 0; i < 5000; i += 7) EXPECT_EQ(find("GET", cat("/r", i, "/v", i, "/x")), cat("GET /r", i, "/{id}/x v", i));
  EXPECT_EQ(find("GET", "/r5000/1/x"), "none");
}

TEST(PathVariables, InOrder) {
  EXPECT_EQ(path_variables("/a/{b}/c/{d+}"), (std::vector<std::string>{"b", "d"}));
  EXPECT_TRUE(path_variables("/").empty());
}

}  // namespace
}  // namespace sallyport::gateway
