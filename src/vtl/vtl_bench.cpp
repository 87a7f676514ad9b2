// What a template costs: one of 1 KB with ten references, the passthrough template of AWS's console, and compiling them.
#include <benchmark/benchmark.h>

#include <string>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "vtl/template.hpp"
#include "vtl/testing.hpp"

namespace sallyport::vtl {
namespace {

std::string kilobyte() {
  std::string text = "{\n";
  const std::string_view references[] = {
      "$context.requestId",   "$context.identity.sourceIp",    "$context.authorizer.principalId",
      "$input.params('id')",  "$input.path('$.user.name')",    "$input.path('$.items[1].price')",
      "$stageVariables.env",  "$input.params().header.Accept", "$util.escapeJavaScript($input.params('q'))",
      "$input.json('$.user')"};
  int i = 0;
  for (const auto reference : references)
    text += cat("  \"field", i++, "\": \"", reference, "\", \"text\": \"some words that stay as they are in every request\",\n");
  return text += "  \"end\": true\n}\n";
}

constexpr std::string_view passthrough = R"vtl(#set($allParams = $input.params())
{
"body-json" : $input.json('$'),
"params" : {
#foreach($type in $allParams.keySet())
    #set($params = $allParams.get($type))
"$type" : {
    #foreach($paramName in $params.keySet())
    "$paramName" : "$util.escapeJavaScript($params.get($paramName))"
        #if($foreach.hasNext),#end
    #end
}
    #if($foreach.hasNext),#end
#end
}
})vtl";

testing::FakeContext request() {
  testing::FakeContext context(R"({"user": {"name": "Ann", "age": 42}, "items": [{"price": 1}, {"price": 2.5}]})");
  context.parameters = *json::parse(R"({"path": {"id": "7"}, "querystring": {"q": "it's"},
    "header": {"Accept": "*/*", "Content-Type": "application/json", "Host": "h", "User-Agent": "curl/8.1"}})");
  context.members = *json::parse(R"({"requestId": "0b5e", "identity": {"sourceIp": "203.0.113.9", "userAgent": "curl/8.1"},
    "authorizer": {"principalId": "user-1"}})");
  context.variables = *json::parse(R"({"env": "prod"})");
  return context;
}

void render(benchmark::State& state, std::string_view text) {
  const auto compiled = Template::compile(text);
  if (!compiled) return state.SkipWithError(compiled.error().message.c_str());
  const auto context = request();
  if (!compiled->render(context)) return state.SkipWithError("does not render");
  for (auto _ : state) benchmark::DoNotOptimize(compiled->render(context));
}
void render_kilobyte(benchmark::State& state) { render(state, kilobyte()); }
void render_passthrough(benchmark::State& state) { render(state, passthrough); }
void render_plain(benchmark::State& state) { render(state, "{\"statusCode\": 200}"); }
BENCHMARK(render_plain);
BENCHMARK(render_kilobyte);
BENCHMARK(render_passthrough);

void compile(benchmark::State& state) {
  const auto text = kilobyte();
  for (auto _ : state) benchmark::DoNotOptimize(Template::compile(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(compile);

}  // namespace
}  // namespace sallyport::vtl
