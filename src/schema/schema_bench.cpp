// What validating a request body costs, and what compiling a model does.
#include <benchmark/benchmark.h>

#include <string>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "schema/schema.hpp"

namespace sallyport::schema {
namespace {

constexpr std::string_view order_model = R"({
  "type": "object", "required": ["id", "customer", "items"], "additionalProperties": false,
  "properties": {
    "id": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{6}$"},
    "customer": {"type": "object", "required": ["name", "email"],
                 "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 100}, "email": {"type": "string", "format": "email"}}},
    "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/item"}}},
  "definitions": {
    "item": {"type": "object", "required": ["sku", "price"],
             "properties": {"sku": {"type": "string"}, "price": {"type": "number", "minimum": 0, "multipleOf": 0.01},
                            "kind": {"enum": ["book", "film", "game"]}}}}})";

std::string order(std::int64_t items) {
  std::string text = R"({"id":"AB-123456","customer":{"name":"Ada","email":"ada@example.com"},"items":[)";
  for (std::int64_t i = 0; i < items; ++i) text += cat(i > 0 ? "," : "", R"({"sku":"s-)", i, R"(","price":)", i, R"(.99,"kind":"film"})");
  return text += "]}";
}

void validate(benchmark::State& state) {
  const auto schema = Schema::compile(*json::parse(order_model));
  const auto text = order(state.range(0));
  const auto body = json::parse(text);
  if (!schema || !body || !schema->validate(*body).empty()) return state.SkipWithError("not valid");
  for (auto _ : state) benchmark::DoNotOptimize(schema->validate(*body));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(validate)->Arg(1)->Arg(10)->Arg(1'000);

void refuse_missing_member(benchmark::State& state) {
  const auto schema = Schema::compile(*json::parse(order_model));
  const auto body = json::parse(R"({"id":"AB-123456"})");
  if (!schema || !body || schema->validate(*body).empty()) return state.SkipWithError("valid");
  for (auto _ : state) benchmark::DoNotOptimize(validation_error_string(schema->validate(*body)));
}
BENCHMARK(refuse_missing_member);

/// The longest that one body may keep a thread: schemas that double, until the steps end.
void exhaust_steps(benchmark::State& state) {
  std::string text = R"({"definitions":{"d0":{"type":"integer"})";
  for (int i = 1; i <= 40; ++i)
    text += cat(R"(,"d)", i, R"(":{"allOf":[{"$ref":"#/definitions/d)", i - 1, R"("},{"$ref":"#/definitions/d)", i - 1, "\"}]}");
  const auto schema = Schema::compile(*json::parse(text + R"(},"$ref":"#/definitions/d40"})"));
  if (!schema) return state.SkipWithError(schema.error().message.c_str());
  for (auto _ : state) benchmark::DoNotOptimize(schema->validate(json::Value(1)));
}
BENCHMARK(exhaust_steps)->Unit(benchmark::kMillisecond);

void compile(benchmark::State& state) {
  const auto document = json::parse(order_model);
  for (auto _ : state) benchmark::DoNotOptimize(Schema::compile(*document));
}
BENCHMARK(compile);

}  // namespace
}  // namespace sallyport::schema
