// What finding a route costs: the same for ten routes and a hundred thousand, but for the processor's caches.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "gateway/router.hpp"

namespace sallyport::gateway {
namespace {

void find_route(benchmark::State& state) {
  const auto routes = static_cast<std::uint32_t>(state.range(0));
  Router router;
  for (std::uint32_t i = 0; i < routes; ++i) router.add(cat("/v1/section", i % 97, "/item", i, "/{id}/parts"), "GET", i);
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
    const auto found = router.find("GET", paths[at++ % paths.size()], values);
    if (!found) return state.SkipWithError("no route");
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_route)->Arg(10)->Arg(1'000)->Arg(100'000);

void find_nothing(benchmark::State& state) {
  const auto routes = static_cast<std::uint32_t>(state.range(0));
  Router router;
  for (std::uint32_t i = 0; i < routes; ++i) router.add(cat("/v1/section", i % 97, "/item", i, "/{id}/parts"), "GET", i);
  std::vector<std::string_view> values;
  for (auto _ : state) {
    values.clear();
    benchmark::DoNotOptimize(router.find("GET", "/v1/section5/item5/17/wholes", values));
  }
}
BENCHMARK(find_nothing)->Arg(10)->Arg(100'000);

}  // namespace
}  // namespace sallyport::gateway
