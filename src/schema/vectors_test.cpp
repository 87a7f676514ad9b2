#include "schema/vectors.hpp"

#include "json/write.hpp"
#include "schema/testing.hpp"

namespace sallyport::schema {
namespace {

std::string answer(std::string_view line) { return json::to_text(answer_vector(parsed(line))); }

TEST(Vectors, KindsAreToldApart) {
  EXPECT_TRUE(is_schema_vector(parsed(R"({"kind":"json-schema-draft4"})")));
  for (const auto* other : {R"({"kind":"iam-decision"})", R"({"kind":7})", "{}", "[]", "null"})
    EXPECT_FALSE(is_schema_vector(parsed(other))) << other;
}

TEST(Vectors, Answers) {
  EXPECT_EQ(answer(R"({"id":1,"kind":"json-schema-draft4","schema":{"type":"integer"},"instance":1})"), R"({"id":1,"result":"valid"})");
  EXPECT_EQ(answer(R"({"id":"x","kind":"json-schema-draft4","schema":{"required":["a"]},"instance":{}})"),
            R"({"id":"x","result":"invalid","error":"[object has missing required properties ([\"a\"])]"})");
  EXPECT_EQ(answer(R"({"id":2,"schema":{"type":"text"},"instance":1})"),
            R"({"id":2,"result":"invalid","error":"type names `text`, which is none"})");
  EXPECT_EQ(answer(R"({"schema":{}})"), R"({"id":null,"result":"invalid","error":"no schema or no instance"})");
}

}  // namespace
}  // namespace sallyport::schema
