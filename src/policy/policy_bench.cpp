// What a decision costs, by the size of the policy and by where in it the answer lies, and what compiling one costs.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "base/text.hpp"
#include "policy/policy.hpp"

namespace sallyport::policy {
namespace {

/// Statements of which only the last lets the request in.
std::string policy_text(std::int64_t statements) {
  std::string text = R"({"Version":"2012-10-17","Statement":[)";
  for (std::int64_t i = 1; i <= statements; ++i)
    text +=
        cat(i > 1 ? "," : "", R"({"Effect":"Allow","Action":["execute-api:Invoke","execute-api:ManageConnections"],)",
            R"("Resource":"arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/items/)", i, R"(/*","Condition":{"IpAddress":{)",
            R"("aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]},"StringLike":{"aws:UserAgent":"${aws:username}/*"}}})");
  return text += "]}";
}

void decide_on(benchmark::State& state, std::int64_t item) {
  const auto document = Document::parse(policy_text(state.range(0)), DocumentKind::identity);
  if (!document) return state.SkipWithError(document.error().message.c_str());
  static constexpr std::array<std::string_view, 1> address{"203.0.113.9"}, agent{"curl/8.1"}, name{"curl"};
  const ContextKey context[] = {{"aws:SourceIp", address}, {"aws:UserAgent", agent}, {"aws:username", name}};
  const auto resource = cat("arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/items/", item, "/parts");
  const AccessRequest request{
      .action = "execute-api:Invoke",
      .resource = resource,
      .resource_account_id = "123456789012",
      .principal = {.kind = PrincipalKind::user, .arn = "arn:aws:iam::123456789012:user/u", .account_id = "123456789012"},
      .context = context};
  const PolicySet policies{.identity = std::span(&*document, 1)};
  if (decide(policies, request).outcome != (item > 0 ? Outcome::allowed : Outcome::denied_implicitly))
    return state.SkipWithError("wrong decision");
  for (auto _ : state) benchmark::DoNotOptimize(decide(policies, request));
  state.SetItemsProcessed(state.iterations());
}

void hit_last(benchmark::State& state) { decide_on(state, state.range(0)); }
void miss(benchmark::State& state) { decide_on(state, 0); }
BENCHMARK(hit_last)->Arg(10)->Arg(1'000);
BENCHMARK(miss)->Arg(10)->Arg(1'000);

void compile(benchmark::State& state) {
  const auto text = policy_text(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(Document::parse(text, DocumentKind::identity));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(compile)->Arg(1)->Arg(10)->Arg(1'000);

}  // namespace
}  // namespace sallyport::policy
