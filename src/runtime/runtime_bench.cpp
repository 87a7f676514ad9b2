// What a round trip to an interpreter costs at the least: one line over a pair of pipes, with nothing in between. The end-to-end
// benchmarks divide by it.
#include <benchmark/benchmark.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/interpreters.hpp"

namespace sallyport::runtime {
namespace {

constexpr const char* python_loop = "import os\nwhile True:\n b = os.read(0, 65536)\n if not b: break\n os.write(1, b)\n";
constexpr const char* node_loop =
    "const fs=require('fs');const b=Buffer.alloc(65536);for(;;){const n=fs.readSync(0,b);if(!n)break;fs.writeSync(1,b,0,n)}";

void bare_pipe(benchmark::State& state, const char* runtime, const char* flag, const char* program) {
  Interpreters interpreters({{}, false, split_search_path(std::getenv("PATH"))});
  const auto interpreter = interpreters.find(runtime);
  if (!interpreter) {
    state.SkipWithError("no interpreter");
    return;
  }
  int to[2], from[2];
  if (pipe(to) || pipe(from)) std::abort();
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    for (int fd = 3; fd < 64; ++fd) close(fd);
    execl(interpreter->path.c_str(), interpreter->path.c_str(), flag, program, static_cast<char*>(nullptr));
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  const std::string line(1024, 'x');
  std::vector<char> buffer(65536);
  const auto round_trip = [&] {
    if (write(to[1], line.data(), line.size()) < 0) std::abort();
    for (std::size_t got = 0; got < line.size();) {
      const auto count = read(from[0], buffer.data(), buffer.size());
      if (count <= 0) std::abort();
      got += static_cast<std::size_t>(count);
    }
  };
  round_trip();
  for (auto _ : state) round_trip();
  close(to[1]);
  close(from[0]);
  waitpid(pid, nullptr, 0);
}

BENCHMARK_CAPTURE(bare_pipe, python, "python3.12", "-c", python_loop)->UseRealTime()->Name("bare_pipe/python");
BENCHMARK_CAPTURE(bare_pipe, node, "nodejs20.x", "-e", node_loop)->UseRealTime()->Name("bare_pipe/node");

}  // namespace
}  // namespace sallyport::runtime
