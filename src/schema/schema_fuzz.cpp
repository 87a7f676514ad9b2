// A schema that compiles answers any instance, twice the same, and tells something exactly when it refuses. The input is the schema and,
// each after a zero byte, instances.
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "schema/schema.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

void ask(const schema::Schema& schema, const json::Value& instance) {
  constexpr std::int64_t steps_max = 20'000;
  const auto told = schema.validate(instance, steps_max);
  require(told == schema.validate(instance, steps_max));
  require(told.size() <= schema::limits::violations_max + 1);
  // Telling looks at more than answering: only where steps do not matter must both agree.
  const bool accepted = schema.accepts(instance, steps_max);
  const bool is_limited = !told.empty() && told.back().keyword.empty();
  require(accepted == told.empty() || is_limited);
  for (const auto& violation : told) require(valid_utf8_prefix(violation.message) == violation.message.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = split({reinterpret_cast<const char*>(data), size}, '\0');
  const auto document = json::parse(parts[0], json::limits::document_depth_max);
  if (!document) return 0;
  const schema::Models models{"abc", [&](std::string_view name) { return name == "Self" ? &*document : nullptr; }};
  const auto schema = schema::Schema::compile(*document, models);
  if (!schema) return 0;
  ask(*schema, *document);
  for (std::size_t i = 1; i < parts.size(); ++i)
    if (const auto instance = json::parse(parts[i])) ask(*schema, *instance);
  return 0;
}
