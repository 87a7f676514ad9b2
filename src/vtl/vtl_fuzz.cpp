// A template that compiles renders, twice the same, or says where it stopped; and a path or an expression that compiles is bounded. The
// input is the template and, each after a zero byte, the body of a request and the value of a parameter.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "vtl/template.hpp"
#include "vtl/testing.hpp"

using namespace sallyport;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = split({reinterpret_cast<const char*>(data), size}, '\0');
  const auto part = [&](std::size_t i, std::string_view otherwise) { return std::string(i < parts.size() ? parts[i] : otherwise); };
  vtl::testing::FakeContext context(part(1, R"({"a": {"b": [1, 2.5, "x", null, {"c": true}]}, "s": "text"})"));
  context.parameters = json::Object{{"header", json::Object{{"h", part(2, "it's")}}}, {"path", json::Object{{"id", "7"}}}};
  context.members = json::Object{{"stage", "dev"}, {"authorizer", json::Object{{"claims", json::Object{{"sub", "me"}}}}}};
  context.variables = json::Object{{"env", "test"}};

  const auto compiled = vtl::Template::compile(parts[0]);
  if (!compiled) {
    require(compiled.error().message.contains("line ") || compiled.error().message.contains("has more than"));
    return 0;
  }
  const auto once = compiled->render(context), again = compiled->render(context);
  require(once.has_value() == again.has_value());
  if (!once) {
    require(once.error().message == again.error().message && once.error().message.starts_with("line "));
    return 0;
  }
  require(once->text == again->text && once->text.size() <= vtl::limits::output_bytes_max);
  require(json::to_text(once->overrides.request) == json::to_text(again->overrides.request));
  if (parts[0].find_first_of("$#") == parts[0].npos) require(once->text == parts[0]);
  return 0;
}
