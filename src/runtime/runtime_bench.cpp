// What a round trip to an interpreter costs: one line over a pair of pipes with nothing in between, and one event through a pool to a
// handler. The end-to-end benchmarks divide by them.
#include <benchmark/benchmark.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "runtime/instance.hpp"
#include "runtime/interpreters.hpp"
#include "runtime/pool.hpp"

namespace sallyport::runtime {
namespace {

constexpr const char* python_loop = "import os\nwhile True:\n b = os.read(0, 65536)\n if not b: break\n os.write(1, b)\n";
constexpr const char* node_loop =
    "const fs=require('fs');const b=Buffer.alloc(65536);for(;;){const n=fs.readSync(0,b);if(!n)break;fs.writeSync(1,b,0,n)}";

void bare_pipe(benchmark::State& state, const char* runtime, const char* flag, const char* program) {
  auto spawner = sandbox::Spawner::start({.level = sandbox::Level::off, .network = sandbox::Network::host});
  if (!spawner) return state.SkipWithError(spawner.error().message.c_str());
  Interpreters interpreters(
      {{}, false, split_search_path(std::getenv("PATH")), [&](const std::string& program) { return (*spawner)->version_of(program); }});
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

// What the gateway sends for a request without a body, and the handlers of the end-to-end benchmarks: so the function does the same work on
// both sides, and what is left between them is the gateway's.
constexpr const char* proxy_event =
    R"({"resource":"/python/0","path":"/python/0","httpMethod":"GET","headers":{"Accept":"*/*","Authorization":"t",)"
    R"("Host":"9udg7v0wt6.execute-api.localhost:4566","User-Agent":"curl/8.5.0",)"
    R"("X-Amzn-Trace-Id":"Root=1-6b07c8b3-644e951081aa6db818e357cc;Parent=9ec00325fc17c5d1;Sampled=0","X-Forwarded-For":"127.0.0.1",)"
    R"("X-Forwarded-Port":"4566","X-Forwarded-Proto":"http"},"multiValueHeaders":{"Accept":["*/*"],"Authorization":["t"],)"
    R"("Host":["9udg7v0wt6.execute-api.localhost:4566"],"User-Agent":["curl/8.5.0"],)"
    R"("X-Amzn-Trace-Id":["Root=1-6b07c8b3-644e951081aa6db818e357cc;Parent=9ec00325fc17c5d1;Sampled=0"],)"
    R"("X-Forwarded-For":["127.0.0.1"],"X-Forwarded-Port":["4566"],"X-Forwarded-Proto":["http"]},"queryStringParameters":null,)"
    R"("multiValueQueryStringParameters":null,"pathParameters":null,"stageVariables":null,"requestContext":{"resourceId":"t4tc6005i1",)"
    R"("authorizer":{"principalId":"u","integrationLatency":0},"resourcePath":"/python/0","httpMethod":"GET",)"
    R"("extendedRequestId":"Ahv5POQEj5cQd4M=","requestTime":"26/Nov/2026:05:50:43 +0000","path":"/prod/python/0",)"
    R"("accountId":"123456789012","protocol":"HTTP/1.1","stage":"prod","domainPrefix":"9udg7v0wt6","requestTimeEpoch":1795672243020,)"
    R"("requestId":"33dd8733-2ffd-4f63-b73f-210aaa8fb6f2","identity":{"cognitoIdentityPoolId":null,"accountId":null,)"
    R"("cognitoIdentityId":null,"caller":null,"sourceIp":"127.0.0.1","principalOrgId":null,"accessKey":null,)"
    R"("cognitoAuthenticationType":null,"cognitoAuthenticationProvider":null,"userArn":null,"userAgent":"curl/8.5.0","user":null},)"
    R"("domainName":"9udg7v0wt6.execute-api.localhost","deploymentId":"x4zkc1","apiId":"9udg7v0wt6"},"body":null,"isBase64Encoded":false})";

class NoLogs final : public LogSink {
 public:
  void write(const LogLine&) override {}
};

void frame(benchmark::State& state, const char* runtime, const char* handler, const char* file, const char* text) {
  auto spawner = sandbox::Spawner::start({.level = sandbox::Level::off, .network = sandbox::Network::host});
  if (!spawner) return state.SkipWithError(spawner.error().message.c_str());
  char name[] = "/tmp/runtime-bench-XXXXXX";
  const std::string folder = mkdtemp(name);
  std::filesystem::create_directories(folder + "/code");
  std::ofstream(cat(folder, "/code/", file)) << text;
  auto loop = *io::Loop::make();
  SystemClock clock;
  SystemRandom random;
  NoLogs logs;
  Interpreters interpreters(
      {{}, false, split_search_path(std::getenv("PATH")), [&](const std::string& program) { return (*spawner)->version_of(program); }});
  Surroundings surroundings{clock, random, logs, interpreters, **spawner, folder + "/runtime"};
  Capacity capacity(2, 1);
  FunctionSpec spec;
  spec.function_name = "bench";
  spec.version = "$LATEST";
  spec.function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench";
  spec.region = "us-east-1";
  spec.runtime = runtime;
  spec.handler = handler;
  spec.code_directory = folder + "/code";
  spec.memory_mb = 512;
  if (!write_bootstraps(surroundings.scratch_directory)) std::abort();
  auto pool = std::make_shared<Pool>(spec, surroundings, capacity);
  const std::string event = proxy_event;
  bool failed = false;
  const auto once = [](Pool& through, io::Loop& on, std::string payload, bool& bad) -> Task<void> {
    SystemRandom dice;
    // Another one for each event, as the gateway makes them: the function's environment changes with it.
    auto trace = cat("Root=1-6b07c8b3-", std::string_view(make_uuid(dice)).substr(24), "81aa6db818e3;Parent=9ec00325fc17c5d1;Sampled=0");
    Invocation event{RequestId(make_uuid(dice)), through.spec().function_arn, {}, std::move(payload)};
    event.trace_id = std::move(trace);
    auto outcome = co_await through.invoke(on, std::move(event));
    bad |= outcome.failed;
    on.stop();
  };
  const auto round_trip = [&] {
    loop->scope().spawn(once(*pool, *loop, event, failed));
    loop->run();
  };
  round_trip();
  for (auto _ : state) round_trip();
  if (failed) state.SkipWithError("the function failed");
  pool->retire();
  pool.reset();
  loop->scope().when_empty([&] { loop->stop(); });
  loop->run();
  std::filesystem::remove_all(folder);
}

BENCHMARK_CAPTURE(frame, python, "python3.11", "app.handler", "app.py",
                  "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n")
    ->UseRealTime()
    ->Name("frame/python");
BENCHMARK_CAPTURE(frame, node, "nodejs20.x", "index.handler", "index.js",
                  "exports.handler = async () => ({ statusCode: 200, body: 'ok' });\n")
    ->UseRealTime()
    ->Name("frame/node");

}  // namespace
}  // namespace sallyport::runtime
