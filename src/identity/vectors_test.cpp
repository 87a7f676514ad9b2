#include "identity/vectors.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"

namespace sallyport::identity {
namespace {

std::string answer(std::string_view text) { return json::to_text(answer_vector(json::parse(text).value())); }

std::string vector_with(std::string_view now, std::string_view credentials) {
  return cat(
      R"({"id":"v","now":")", now, R"(","region":"us-east-1","service":"service","normalize_path":true,"credentials":)", credentials,
      R"(,"request":{"method":"GET","target":"/","headers":[["Host","example.amazonaws.com"],["X-Amz-Date","20150830T123600Z"],)",
      R"(["Authorization","AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, )",
      R"(SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"]],"body_b64":""}})");
}
constexpr std::string_view key = R"([{"access_key_id":"AKIDEXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}])";

TEST(SigV4Vectors, AcceptAndReject) {
  EXPECT_EQ(answer(vector_with("2015-08-30T12:36:00Z", key)), R"({"id":"v","result":"accept"})");
  EXPECT_EQ(
      answer(vector_with("2015-08-30T12:46:00Z", key)),
      R"({"id":"v","result":"reject","error":"InvalidSignatureException: the request was signed too long ago, or the client's clock is behind"})");
  EXPECT_EQ(answer(vector_with("2015-08-30T12:36:00Z", "[]")),
            R"({"id":"v","result":"reject","error":"UnrecognizedClientException: the access key AKIDEXAMPLE is not known"})");
  EXPECT_EQ(answer(vector_with("yesterday", key)), R"({"id":"v","result":"reject","error":"the body is no base64, or there is no time"})");
  EXPECT_EQ(answer(R"({"id":1})"), R"({"id":1,"result":"reject","error":"not a signed request"})");
}

TEST(SigV4Vectors, OtherKindsAreNotOurs) {
  EXPECT_TRUE(is_signature_vector(json::parse(vector_with("", "[]")).value()));
  EXPECT_FALSE(is_signature_vector(json::parse(R"({"kind":"iam-decision","request":{},"credentials":[]})").value()));
  EXPECT_FALSE(is_signature_vector(json::parse(R"({"request":{}})").value()));
  EXPECT_FALSE(is_signature_vector(json::parse("[]").value()));
}

/// The vectors of every sigv4*.jsonl below the folder that SALLYPORT_CONFORMANCE names: one object a line, of which the first may describe
/// the file.
TEST(SigV4Vectors, Conformance) {
  const auto* folder = std::getenv("SALLYPORT_CONFORMANCE");
  if (!folder) GTEST_SKIP() << "SALLYPORT_CONFORMANCE names no folder of vectors";
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("sigv4") || !name.ends_with(".jsonl")) continue;
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
      EXPECT_EQ(*answered.find("result"), *wanted) << json::to_text(answered) << " for " << line;
    }
  }
  EXPECT_GT(count, 0) << folder;
}

}  // namespace
}  // namespace sallyport::identity
