// What a sandbox costs: made, given to a function and entered, entered anew.
#include <benchmark/benchmark.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "sandbox/sandbox.hpp"

namespace sallyport::sandbox {
namespace {

Program sleeper() {
  Program program;
  program.arguments = {"/bin/sleep", "100"};
  program.directory = "/";
  program.output = Fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
  return program;
}

enum class Part : std::uint8_t { create, enter, enter_anew };

void cost(benchmark::State& state, Level level, Network network, Part part) {
  auto spawner = Spawner::start({.level = level, .network = network});
  if (!spawner) return state.SkipWithError(spawner.error().message.c_str());
  for (auto _ : state) {
    using Clock = std::chrono::steady_clock;
    std::chrono::duration<double> taken{};
    const auto timed = [&](Part which, auto work) {
      const auto before = Clock::now();
      const bool done = work();
      if (which == part) taken = Clock::now() - before;
      return done;
    };
    std::unique_ptr<Sandbox> sandbox;
    const bool done = timed(Part::create,
                            [&] {
                              auto made = (*spawner)->create({});
                              if (made) sandbox = std::move(*made);
                              return bool(sandbox);
                            }) &&
                      timed(Part::enter,
                            [&] {
                              const Assignment assignment{.code_directory = "/usr", .layers_directory = ""};
                              return sandbox->assign(assignment) && sandbox->start(sleeper());
                            }) &&
                      timed(Part::enter_anew, [&] {
                        sandbox->kill_all();
                        return bool(sandbox->start(sleeper()));
                      });
    if (!done) return state.SkipWithError("no sandbox");
    state.SetIterationTime(taken.count());
  }
}

#define SALLYPORT_BENCH_SANDBOX(level, network)                                                                       \
  BENCHMARK_CAPTURE(cost, level##_##network##_create, Level::level, Network::network, Part::create)->UseManualTime(); \
  BENCHMARK_CAPTURE(cost, level##_##network##_enter, Level::level, Network::network, Part::enter)->UseManualTime();   \
  BENCHMARK_CAPTURE(cost, level##_##network##_enter_anew, Level::level, Network::network, Part::enter_anew)->UseManualTime()

SALLYPORT_BENCH_SANDBOX(native, isolated);
SALLYPORT_BENCH_SANDBOX(native, host);
SALLYPORT_BENCH_SANDBOX(restricted, host);
SALLYPORT_BENCH_SANDBOX(off, host);

}  // namespace
}  // namespace sallyport::sandbox
