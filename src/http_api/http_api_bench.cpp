// What finding a route of an HTTP API costs: the same for ten routes and ten thousand, but for the processor's caches; and what the event
// of format 2.0 costs.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "http_api/events.hpp"
#include "http_api/stage.hpp"

namespace sallyport::http_api {
namespace {

std::shared_ptr<const ServedStage> stage_with(std::uint32_t routes) {
  Api api;
  api.id = "a1b2c3d4e5";
  Definition definition;
  definition.integrations["i"] = {.id = "i", .uri = "arn:aws:lambda:us-east-1:123456789012:function:f"};
  const auto add = [&](std::string id, std::string key) {
    definition.routes[id] = {.id = id, .key = std::move(key), .integration_id = "i"};
  };
  for (std::uint32_t i = 0; i < routes; ++i) add(cat("r", i), cat("GET /v1/section", i % 97, "/item", i, "/{id}/parts"));
  add("any", "ANY /v1/{proxy+}");
  add("default", "$default");
  Stage settings;
  settings.name = "$default";
  return compile_stage({}, api, settings, std::make_shared<const Definition>(std::move(definition)), 1, {});
}

void find_route(benchmark::State& state) {
  const auto routes = static_cast<std::uint32_t>(state.range(0));
  const auto stage = stage_with(routes);
  // Ever other routes, in an order that no cache foresees.
  std::vector<std::string> paths;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    const auto route = static_cast<std::uint32_t>((i * std::uint64_t{2'654'435'761}) % routes);
    paths.push_back(cat("/v1/section", route % 97, "/item", route, "/", i, "/parts"));
  }
  std::vector<std::string_view> values;
  std::size_t at = 0;
  for (auto _ : state) {
    values.clear();
    const auto* found = stage->find("GET", paths[at++ % paths.size()], values);
    if (!found || found->method != "GET") return state.SkipWithError("not the route");
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_route)->Arg(10)->Arg(10'000);

void find_greedy(benchmark::State& state) {
  const auto stage = stage_with(static_cast<std::uint32_t>(state.range(0)));
  std::vector<std::string_view> values;
  for (auto _ : state) {
    values.clear();
    benchmark::DoNotOptimize(stage->find("POST", "/v1/section5/item5/17/parts", values));
  }
}
BENCHMARK(find_greedy)->Arg(10)->Arg(10'000);

void find_default(benchmark::State& state) {
  const auto stage = stage_with(static_cast<std::uint32_t>(state.range(0)));
  std::vector<std::string_view> values;
  for (auto _ : state) {
    values.clear();
    benchmark::DoNotOptimize(stage->find("GET", "/v2/section5/item5/17/parts", values));
  }
}
BENCHMARK(find_default)->Arg(10)->Arg(10'000);

void make_event(benchmark::State& state) {
  const auto stage = stage_with(10);
  HttpExchange exchange;
  exchange.id = "JKJaXmPLvHcESHA=";
  exchange.request = http::assemble_request("GET", "/v1/section5/item5/17/parts?a=1&b=2",
                                            {{"Host", "a1b2c3d4e5.execute-api.localhost:4566"},
                                             {"Accept", "*/*"},
                                             {"User-Agent", "bench"},
                                             {"Authorization", "Bearer abc"},
                                             {"Cookie", "a=b; c=d"}});
  exchange.peer_address = "127.0.0.1";
  exchange.stage = stage;
  exchange.path = exchange.raw_path = exchange.request.path;
  exchange.route = stage->find("GET", exchange.path, exchange.path_values);
  for (auto _ : state) benchmark::DoNotOptimize(make_proxy_event(exchange, PayloadVersion::v2, {}, nullptr));
}
BENCHMARK(make_event);

}  // namespace
}  // namespace sallyport::http_api
