#include "identity/jwt_vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "identity/token_testing.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::identity {
namespace {

std::string answer(std::string_view text) { return json::to_text(answer_token_vector(json::parse(text).value())); }

std::string authorizer(std::string_view token, std::string_view now, std::string_view more) {
  return answer(cat(R"({"id":"v","kind":"jwt-authorizer","token":")", token, R"(","now":")", now, R"(","issuer":")", testing::token_issuer,
                    R"(","jwks":)", testing::key_set_1, more, "}"));
}

TEST(TokenVectors, Authorizer) {
  constexpr std::string_view now = "2023-11-14T22:20:00Z", ours = R"(,"audience":["client-a"])";
  EXPECT_EQ(authorizer(testing::token_k1, now, ours), R"({"id":"v","result":"allow"})");
  EXPECT_EQ(authorizer(cat("Bearer ", testing::token_k1), now, R"(,"audience":["client-a"],"required_scopes":["write"])"),
            R"({"id":"v","result":"allow"})");
  EXPECT_EQ(authorizer(testing::token_k1, now, R"(,"audience":["client-a"],"required_scopes":["admin"])"),
            R"({"id":"v","result":"forbidden","error":"the token lacks the scopes"})");
  EXPECT_EQ(authorizer(testing::token_k1, now, ""), R"({"id":"v","result":"unauthorized","error":"the token is for another audience"})");
  EXPECT_EQ(authorizer(testing::token_k1, "2023-11-14T23:20:00Z", ours),
            R"({"id":"v","result":"unauthorized","error":"the token has expired"})");
  EXPECT_EQ(authorizer(testing::token_e1, now, ours),
            R"({"id":"v","result":"unauthorized","error":"the algorithm is not among the allowed"})")
      << "HTTP APIs go by RSA alone";
  EXPECT_EQ(authorizer(testing::token_k1, "now", ours), R"({"id":"v","result":"unauthorized","error":"there is no time"})");
  EXPECT_EQ(answer(R"({"id":1,"kind":"jwt-authorizer"})"), R"({"id":1,"result":"unauthorized","error":"no keys"})");
}

TEST(TokenVectors, Signature) {
  const auto verify = [](std::string_view jws, std::string_view keys) {
    return answer(cat(R"({"id":1,"kind":"jws-verify","jws":")", jws, R"(","jwks":)", keys, "}"));
  };
  EXPECT_EQ(verify(testing::token_e1, testing::key_set_1), R"({"id":1,"result":"valid"})");
  EXPECT_EQ(verify(testing::token_e1, testing::key_set_2), R"({"id":1,"result":"invalid","error":"no key has the `kid` of the header"})");
  EXPECT_EQ(verify("a.b", testing::key_set_1), R"({"id":1,"result":"invalid","error":"the token has not three parts"})");
  // RFC 7515, appendix A.1, and A.4 of RFC 8037: any payload, and no `kid`.
  EXPECT_EQ(
      verify(
          "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290I"
          "jp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
          R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})"),
      R"({"id":1,"result":"valid"})");
  EXPECT_EQ(verify("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLW"
                   "G1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
                   R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})"),
            R"({"id":1,"result":"valid"})");
}

TEST(TokenVectors, OtherKindsAreNotOurs) {
  EXPECT_TRUE(is_token_vector(json::parse(R"({"kind":"jws-verify"})").value()));
  EXPECT_TRUE(is_token_vector(json::parse(R"({"kind":"jwt-authorizer"})").value()));
  EXPECT_FALSE(is_token_vector(json::parse(R"({"kind":"iam-decision"})").value()));
  EXPECT_FALSE(is_token_vector(json::parse("[]").value()));
}

/// The vectors of jose.jsonl and jwt_authorizer.jsonl below the folder that SALLYPORT_CONFORMANCE names.
TEST(TokenVectors, Conformance) {
  const auto* folder = std::getenv("SALLYPORT_CONFORMANCE");
  if (!folder) GTEST_SKIP() << "SALLYPORT_CONFORMANCE names no folder of vectors";
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      const auto vector = json::parse(line);
      if (!vector || !is_token_vector(*vector)) continue;
      ++count;
      const auto* wanted = vector->find("expect")->find("decision");
      ASSERT_TRUE(wanted) << line;
      const auto answered = answer_token_vector(*vector);
      const auto& result = *answered.find("result");
      const bool good = wanted->array() ? std::ranges::find(*wanted->array(), result) != wanted->array()->end() : *wanted == result;
      EXPECT_TRUE(good) << json::to_text(answered) << " for " << line;
    }
  }
  EXPECT_GT(count, 0) << folder;
}

}  // namespace
}  // namespace sallyport::identity
