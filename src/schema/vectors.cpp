#include "schema/vectors.hpp"

#include "schema/schema.hpp"

namespace sallyport::schema {
namespace {

/// What is wrong, if anything.
Result<> judge(const json::Value& line) {
  const auto *document = line.find("schema"), *instance = line.find("instance");
  if (!document || !instance) return fail("no schema or no instance");
  const auto schema = Schema::compile(*document);
  if (!schema) return std::unexpected(schema.error());
  const auto violations = schema->validate(*instance);
  return violations.empty() ? Result<>() : fail(validation_error_string(violations));
}

}  // namespace

bool is_schema_vector(const json::Value& line) {
  const auto* kind = line.find("kind");
  return kind && kind->string() && *kind->string() == "json-schema-draft4";
}

json::Value answer_vector(const json::Value& line) {
  const auto* id = line.find("id");
  json::Value answer{json::Object{}};
  answer.set("id", id ? *id : json::Value());
  const auto judged = judge(line);
  answer.set("result", judged ? "valid" : "invalid");
  if (!judged) answer.set("error", judged.error().message);
  return answer;
}

}  // namespace sallyport::schema
