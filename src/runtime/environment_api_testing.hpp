// What the tests of an environment's HTTP APIs share: an environment without processes, and clients that speak to it over real sockets.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "base/text.hpp"
#include "json/parse.hpp"
#include "runtime/changes.hpp"
#include "runtime/runtime_api.hpp"
#include "serve/client.hpp"

namespace sallyport::runtime {

class LineCollector final : public LogSink {
 public:
  void write(const LogLine& line) override { lines.emplace_back(line.text); }
  bool has(std::string_view part) const {
    return std::any_of(lines.begin(), lines.end(), [part](const auto& line) { return line.find(part) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

/// A sandbox in which nothing runs: it notes what it was asked for. Programs get the numbers 100, 101, ... unless they are to fail.
class PaperSandbox final : public sandbox::Sandbox {
 public:
  sandbox::Level level() const override { return sandbox::Level::off; }
  Result<> assign(const sandbox::Assignment&) override { return {}; }
  Result<int> start(sandbox::Program program) override {
    std::scoped_lock lock(mutex_);
    if (!refusal.empty()) return fail(refusal);
    started_.push_back(std::move(program));
    return 99 + static_cast<int>(started_.size());
  }
  void signal(int pid, int number) override { signals.emplace_back(pid, number); }
  void kill_all() override {}
  void freeze() override {}
  void thaw() override {}
  int events() const override { return -1; }
  std::optional<sandbox::Exit> next_exit() override { return std::nullopt; }
  bool gone() const override { return false; }
  sandbox::Memory memory() const override { return {}; }
  void begin_anew() override {}
  Result<sandbox::Fd> dial(int) override { return fail("nobody listens"); }
  sandbox::Fd take_api_listener() override { return std::move(api_listener); }
  sandbox::Fd take_endpoint_listener() override { return {}; }
  std::string task_root() const override { return "/var/task"; }
  std::string layers_root() const override { return "/opt"; }
  std::string runtime_root() const override { return "/var/runtime"; }
  int host_pid() const override { return 0; }

  std::size_t started() const {
    std::scoped_lock lock(mutex_);
    return started_.size();
  }
  const sandbox::Program& program(std::size_t number) const {
    std::scoped_lock lock(mutex_);
    return started_[number];
  }
  void forget() {
    std::scoped_lock lock(mutex_);
    started_.clear();
  }

  std::vector<std::pair<int, int>> signals;
  std::string refusal;
  sandbox::Fd api_listener;

 private:
  mutable std::mutex mutex_;  // programs are started on worker threads
  std::vector<sandbox::Program> started_;
};

/// A result that is still to come; whoever brings it may outlive the test that waits for it.
template <class T>
class Later {
 public:
  bool has_value() const { return value_->has_value(); }
  std::optional<T>& operator*() const { return *value_; }

 private:
  std::shared_ptr<std::optional<T>> value_ = std::make_shared<std::optional<T>>();
};

class EnvironmentApiTest : public testing::Test {
 public:
  using Headers = std::vector<http::Header>;
  EnvironmentApiTest() {
    spec.function_name = "f";
    spec.version = "$LATEST";
    spec.handler = "app.handler";
    spec.function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
  }
  void SetUp() override { open(); }
  void TearDown() override {
    if (api) run(api->close());
    api.reset();
    drain();
  }
  void open(bool runtime_over_http = true) {
    log.emplace(logs, spec, "2026/11/26/[$LATEST]0123", clock);
    auto opened = EnvironmentApi::open({*loop, clock, random, spec, *log, sandbox.get(), network, runtime_over_http});
    ASSERT_TRUE(opened) << opened.error().message;
    api = std::move(*opened);
    port = *parse_number<int>(api->address().substr(api->address().find(':') + 1));
  }
  void drain() {
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// Runs the task to its end, and whatever else there is meanwhile.
  template <class T>
  T run(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      loop->scope().spawn([](Task<T> what, io::Loop& the_loop) -> Task<void> {
        co_await std::move(what);
        the_loop.stop();
      }(std::move(task), *loop));
      loop->run();
    } else {
      std::optional<T> result;
      loop->scope().spawn([](Task<T> what, std::optional<T>& out, io::Loop& the_loop) -> Task<void> {
        out.emplace(co_await attempt(std::move(what)));
        the_loop.stop();
      }(std::move(task), result, *loop));
      loop->run();
      return std::move(*result);
    }
  }
  /// Starts the task; `out` gets its result.
  template <class T>
  void start(Task<T> task, Later<T>& out) {
    out = {};
    loop->scope().spawn([](EnvironmentApiTest& test, Task<T> what, Later<T> result) -> Task<void> {
      (*result).emplace(co_await attempt(std::move(what)));
      test.changes.ring();
    }(*this, std::move(task), out));
  }
  /// Runs until the condition holds; it is looked at whenever something that was started has ended, and every few milliseconds.
  void until(std::function<bool()> holds) {
    run([](EnvironmentApiTest& test, std::function<bool()> done) -> Task<void> {
      const auto begun = std::chrono::steady_clock::now();
      while (!done()) {
        io::Deadline look(*test.loop, std::chrono::milliseconds(5), [&] { test.changes.ring(); });
        co_await test.changes.next(*test.loop);
        if (std::chrono::steady_clock::now() - begun > std::chrono::seconds(10)) {
          ADD_FAILURE() << "it did not come to that in ten seconds";
          break;
        }
      }
    }(*this, std::move(holds)));
  }
  template <class T>
  T wait_for(Later<T>& value) {
    until([&] { return value.has_value(); });
    return std::move(**value);
  }

  Task<http::Response> call(std::string method, std::string path, std::string body = {}, Headers headers = {}) {
    auto got = co_await attempt(serve::fetch(*loop,
                                             {.method = std::move(method),
                                              .host = "127.0.0.1",
                                              .port = port,
                                              .target = std::move(path),
                                              .headers = std::move(headers),
                                              .body = std::move(body)},
                                             std::chrono::seconds(20), 32u << 20));
    if (got) co_return std::move(*got);
    http::Response none;
    none.status = 0;
    none.body = got.error().message;
    co_return none;
  }
  http::Response ask(std::string method, std::string path, std::string body = {}, Headers headers = {}) {
    return run(call(std::move(method), std::move(path), std::move(body), std::move(headers)));
  }
  /// Sends bytes as they are and reads what comes until it contains `until`, or to the end.
  Task<std::string> exchange(std::string bytes, std::string until = {}) {
    auto stream = co_await attempt(io::connect(*loop, "127.0.0.1", port, std::chrono::seconds(5)));
    if (!stream) co_return stream.error().message;
    co_await (*stream)->write(bytes);
    if (until.empty()) (*stream)->end_writing();
    while (until.empty() || (*stream)->incoming().find(until) == std::string_view::npos)
      if (!co_await (*stream)->read_more()) break;
    std::string text((*stream)->incoming());
    (*stream)->close();
    co_return text;
  }
  Invocation event(std::string id, std::string payload = "{}") {
    Invocation invocation{RequestId(id), spec.function_arn + ":live", "Root=1-a", std::move(payload)};
    return invocation;
  }
  void send(const Invocation& invocation) { run(api->runtime().send(invocation, WallTime(std::chrono::seconds(1'000)))); }
  RuntimeMessage message() { return run(api->runtime().next()); }
  /// The runtime asks for an event and gets this one.
  http::Response hand_out(const Invocation& invocation) {
    Later<http::Response> got;
    start(call("GET", "/2018-06-01/runtime/invocation/next"), got);
    send(invocation);
    return wait_for(got);
  }
  /// Registers an extension; its identifier.
  std::string registered(const std::string& name, const std::string& events) {
    const auto answer =
        ask("POST", "/2020-01-01/extension/register", cat(R"({"events":[)", events, "]}"), {{"Lambda-Extension-Name", name}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto* id = answer.find("Lambda-Extension-Identifier");
    return id ? *id : std::string();
  }
  static Headers identified(const std::string& id) { return {{"Lambda-Extension-Identifier", id}}; }
  static std::string type_of(const http::Response& response) {
    const auto value = json::parse(response.body);
    const auto* type = value ? value->find("errorType") : nullptr;
    return cat(response.status, " ", type && type->string() ? *type->string() : "?");
  }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  SystemClock clock;
  SystemRandom random;
  LineCollector logs;
  FunctionSpec spec;
  std::unique_ptr<PaperSandbox> sandbox;
  std::optional<EnvironmentLog> log;
  std::unique_ptr<EnvironmentApi> api;
  Changes changes;
  int port = 0;
  sandbox::Network network = sandbox::Network::host;
};

}  // namespace sallyport::runtime
