// What subscribers hear: validation, formats, batches, delivery that is tried again, bounds; and the log lines of an environment.
#include "runtime/telemetry.hpp"
#include "json/write.hpp"
#include "runtime/environment_api_testing.hpp"
#include "serve/server.hpp"

namespace sallyport::runtime {
namespace {

constexpr const char* telemetry_path = "/2022-07-01/telemetry";
constexpr const char* logs_path = "/2020-08-15/logs";

std::string subscription(int port, std::string_view types = R"("platform","function","extension")",
                         std::string_view version = "2022-12-13") {
  return cat(R"({"schemaVersion":")", version, R"(","types":[)", types,
             R"(],"buffering":{"timeoutMs":25},"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:)", port, R"(/in"}})");
}

/// An extension's listener: keeps what is posted, refuses the first few.
class TelemetryTest : public EnvironmentApiTest, public serve::Handler {
 public:
  void SetUp() override {
    EnvironmentApiTest::SetUp();
    server.emplace(*loop, clock, *this, 16);
    listener =
        *io::Listener::open(*loop, "127.0.0.1", 0, [this](std::unique_ptr<io::Stream> stream) { server->accept(std::move(stream)); });
  }
  void TearDown() override {
    if (api) run(api->close());
    api.reset();
    listener.reset();
    io::Completion<bool> drained;
    server->shut_down(std::chrono::milliseconds(0), [drained]() mutable { drained.deliver(true); });
    run([](io::Completion<bool> done, io::Loop& the_loop) -> Task<bool> { co_return co_await done.wait_on(the_loop); }(drained, *loop));
    server.reset();
    EnvironmentApiTest::TearDown();
  }
  Task<http::Response> handle(io::Loop&, const http::Request& request, serve::BodyReader& body, const serve::Peer&) override {
    requests.push_back(cat(request.method, " ", request.target));
    auto bytes = co_await attempt(body.read_all(4u << 20));
    http::Response response;
    if (refuse_first-- > 0) {
      response.status = 500;
      co_return response;
    }
    const auto batch = json::parse(bytes ? *bytes : "");
    if (batch && batch->array())
      for (const auto& event : *batch->array()) events.push_back(event);
    co_return response;
  }
  void refused(const serve::Peer&, int, std::string_view) override {}
  bool heard(std::string_view type) const {
    return std::any_of(events.begin(), events.end(), [type](const auto& event) { return *event.find("type")->string() == type; });
  }
  std::string record_of(std::string_view type) const {
    for (const auto& event : events)
      if (*event.find("type")->string() == type) return json::to_text(*event.find("record"));
    return {};
  }
  std::string subscribed(std::string_view types = R"("platform","function","extension")", std::string_view version = "2022-12-13") {
    const auto id = registered("watcher", "");
    const auto answer = ask("PUT", telemetry_path, subscription(listener->port(), types, version), identified(id));
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, "\"OK\"\n");
    return id;
  }
  std::optional<serve::Server> server;
  std::unique_ptr<io::Listener> listener;
  std::vector<std::string> requests;
  std::vector<json::Value> events;
  int refuse_first = 0;
};

TEST(Subscription, IsCheckedAsDocumented) {
  const auto good = parse_subscription(TelemetryApi::telemetry, subscription(8080));
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->port, 8080);
  EXPECT_EQ(good->target, "/in");
  EXPECT_EQ(good->types(), "platform,function,extension");
  EXPECT_EQ(good->timeout.count(), 25);
  EXPECT_EQ(good->bytes_max, 262'144);
  const auto refused = [](TelemetryApi api, std::string body) {
    const auto parsed = parse_subscription(api, body);
    return parsed ? std::string("accepted") : parsed.error().message;
  };
  const auto with = [](std::string_view from, std::string_view to) { return replace_all(subscription(8080), from, to); };
  using enum TelemetryApi;
  EXPECT_THAT(refused(telemetry, with("2022-12-13", "2020-08-15")), testing::HasSubstr("schemaVersion"));
  EXPECT_THAT(refused(logs, subscription(8080)), testing::HasSubstr("schemaVersion"));
  EXPECT_THAT(refused(telemetry, with("\"platform\"", "\"other\"")), testing::HasSubstr("types"));
  EXPECT_THAT(refused(telemetry, with("\"timeoutMs\":25", "\"timeoutMs\":24")), testing::HasSubstr("timeoutMs"));
  EXPECT_THAT(refused(telemetry, with("\"timeoutMs\":25", "\"maxItems\":999")), testing::HasSubstr("maxItems"));
  EXPECT_THAT(refused(telemetry, with("\"timeoutMs\":25", "\"maxBytes\":1048577")), testing::HasSubstr("maxBytes"));
  EXPECT_THAT(refused(telemetry, with("sandbox.localdomain", "169.254.169.254")), testing::HasSubstr("sandbox.localdomain"));
  EXPECT_THAT(refused(telemetry, with("sandbox.localdomain", "evil@sandbox")), testing::HasSubstr("sandbox.localdomain"));
  EXPECT_THAT(refused(telemetry, with("8080", "0")), testing::HasSubstr("port"));
  EXPECT_THAT(refused(telemetry, with("8080", "65536")), testing::HasSubstr("port"));
  EXPECT_THAT(refused(telemetry, with("/in", R"(/a\r\nb)")), testing::HasSubstr("path"));
  EXPECT_THAT(refused(telemetry, with("http:", "https:")), testing::HasSubstr("http://"));
  EXPECT_THAT(refused(telemetry, with("\"HTTP\"", "\"FTP\"")), testing::HasSubstr("protocol"));
  EXPECT_EQ(refused(telemetry, with("sandbox.localdomain", "sandbox")), "accepted");
  EXPECT_EQ(refused(logs, R"({"types":["platform"],"destination":{"protocol":"TCP","port":9000}})"), "accepted");
  for (const char* body :
       {"", "[]", "{}", R"({"schemaVersion":1})", R"({"schemaVersion":"2022-07-01","types":["platform"],"destination":1})"})
    EXPECT_NE(refused(telemetry, body), "accepted") << body;
}

TEST(Subscription, TheLogsApiHasItsOwnEvents) {
  const Subscription old{.api = TelemetryApi::logs, .schema_version = "2020-08-15", .platform = true, .function = true};
  const Subscription now{.api = TelemetryApi::telemetry, .schema_version = "2022-12-13", .platform = true, .function = true};
  const auto platform = [](std::string_view type) { return TelemetryEvent{TelemetryEvent::Category::platform, type, "{}", WallTime()}; };
  for (const char* type : {"platform.end", "platform.fault", "platform.logsSubscription"}) {
    EXPECT_NE(event_for(old, platform(type)), "") << type;
    EXPECT_EQ(event_for(now, platform(type)), "") << type;
  }
  for (const char* type : {"platform.initStart", "platform.initReport", "platform.telemetrySubscription", "platform.runtimeDone"}) {
    EXPECT_EQ(event_for(old, platform(type)), "") << type;
    EXPECT_NE(event_for(now, platform(type)), "") << type;
  }
  const TelemetryEvent line{TelemetryEvent::Category::function, "function", R"({"level":"INFO"})", WallTime()};
  EXPECT_EQ(event_for(now, line), R"({"time":"1970-01-01T00:00:00.000Z","type":"function","record":{"level":"INFO"}})");
  EXPECT_EQ(event_for(old, line), R"({"time":"1970-01-01T00:00:00.000Z","type":"function","record":"{\"level\":\"INFO\"}"})");
}

TEST_F(TelemetryTest, EventsOfEveryKindArriveThoseBeforeTheSubscriptionToo) {
  log->init_start({});
  const auto id = subscribed();
  EXPECT_TRUE(logs.has("TELEMETRY\tName: watcher\tState: Subscribed\tTypes: [platform,function,extension]"));
  log->init_runtime_done({.duration_ms = 3});
  log->start(event("id-1"));
  log->function_line("hello \"you\"");
  log->extension_line("from one");
  log->runtime_done({.request_id = "id-1", .duration_ms = 1.5, .produced_bytes = 4});
  log->report({.request_id = "id-1",
               .ending = Ending::timeout,
               .error_type = "Sandbox.Timedout",
               .duration_ms = 1.5,
               .billed_ms = 2,
               .max_memory_mb = 30,
               .init_ms = 9.25},
              "REPORT");
  until([&] { return heard("platform.report"); });
  EXPECT_EQ(
      record_of("platform.initStart"),
      R"({"initializationType":"on-demand","phase":"init","functionName":"f","functionVersion":"$LATEST","instanceId":"2026/11/26/[$LATEST]0123","instanceMaxMemory":134217728})");
  EXPECT_EQ(record_of("platform.initRuntimeDone"), R"({"initializationType":"on-demand","phase":"init","status":"success"})");
  EXPECT_EQ(record_of("platform.telemetrySubscription"),
            R"({"name":"watcher","state":"Subscribed","types":["platform","function","extension"]})");
  EXPECT_EQ(record_of("platform.start"),
            R"({"requestId":"id-1","version":"$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a"}})");
  EXPECT_EQ(record_of("function"), R"("hello \"you\"")");
  EXPECT_EQ(record_of("extension"), R"("from one")");
  EXPECT_EQ(record_of("platform.runtimeDone"),
            R"({"requestId":"id-1","status":"success","metrics":{"durationMs":1.50,"producedBytes":4}})");
  EXPECT_EQ(
      record_of("platform.report"),
      R"({"requestId":"id-1","status":"timeout","errorType":"Sandbox.Timedout","metrics":{"durationMs":1.50,"billedDurationMs":2,"memorySizeMB":128,"maxMemoryUsedMB":30,"initDurationMs":9.25}})");
  EXPECT_FALSE(heard("platform.end"));
  EXPECT_EQ(requests.front(), "POST /in");
}

TEST_F(TelemetryTest, WhatIsRefusedIsSentAgain) {
  refuse_first = 2;
  subscribed(R"("function")");
  log->function_line("once");
  until([&] { return heard("function"); });
  EXPECT_EQ(requests.size(), 3);
  EXPECT_EQ(events.size(), 1);
}

TEST_F(TelemetryTest, NothingIsSentWhileTheEnvironmentIsFrozen) {
  subscribed(R"("function")");
  api->frozen(true);
  log->function_line("later");
  run(io::sleep_for(*loop, std::chrono::milliseconds(60)));
  EXPECT_TRUE(requests.empty());
  api->frozen(false);
  until([&] { return heard("function"); });
}

TEST_F(TelemetryTest, TooMuchIsDroppedAndSaid) {
  subscribed(R"("platform","function")");
  api->frozen(true);
  const std::string line(200'000, 'x');
  for (int i = 0; i < 10; ++i) log->function_line(line);
  api->frozen(false);
  until([&] { return heard("platform.logsDropped"); });
  const auto dropped = *json::parse(record_of("platform.logsDropped"));
  EXPECT_EQ(dropped.find("droppedRecords")->integer(), 8);
  EXPECT_GT(*dropped.find("droppedBytes")->integer(), 1'600'000);
}

TEST_F(TelemetryTest, SubscriptionsAreForKnownExtensionsDuringInitAndOfOneApi) {
  EXPECT_EQ(type_of(ask("PUT", telemetry_path, subscription(1), identified("00000000-0000-4000-8000-000000000000"))),
            "403 Extension.UnknownExtensionIdentifier");
  EXPECT_EQ(type_of(ask("PUT", telemetry_path, subscription(1))), "403 Extension.MissingExtensionIdentifier");
  const auto id = subscribed();
  EXPECT_EQ(type_of(ask("PUT", telemetry_path, "{}", identified(id))), "400 ValidationError");
  EXPECT_EQ(type_of(ask("PUT", logs_path, "{}", identified(id))), "400 Logs.ValidationError");
  EXPECT_EQ(type_of(ask("PUT", logs_path, R"({"types":["platform"],"destination":{"protocol":"TCP","port":9000}})", identified(id))),
            "400 Logs.ValidationError");
  EXPECT_EQ(ask("PUT", telemetry_path, subscription(listener->port()), identified(id)).status, 200) << "again";
  Later<http::Response> next;
  start(call("GET", "/2020-01-01/extension/event/next", "", identified(id)), next);
  EXPECT_TRUE(run(api->extensions().ready()));
  EXPECT_EQ(type_of(ask("PUT", telemetry_path, subscription(1), identified(id))), "403 Telemetry.SubscriptionClosed");
  EXPECT_EQ(type_of(ask("PUT", logs_path, subscription(1), identified(id))), "403 Logs.SubscriptionClosed");
  run(api->start_over());
  wait_for(next);
}

TEST_F(TelemetryTest, LinesGoOverTcp) {
  std::string text;
  std::unique_ptr<io::Stream> taken;
  auto lines = *io::Listener::open(*loop, "127.0.0.1", 0, [&](std::unique_ptr<io::Stream> stream) { taken = std::move(stream); });
  const auto id = registered("watcher", "");
  const auto answer =
      ask("PUT", logs_path,
          cat(R"({"schemaVersion":"2021-03-18","types":["function"],"buffering":{"timeoutMs":25},"destination":{"protocol":"TCP","port":)",
              lines->port(), "}}"),
          identified(id));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(logs.has("LOGS\tName: watcher\tState: Subscribed\tTypes: [function]"));
  log->function_line("one");
  log->function_line("two");
  until([&] { return taken != nullptr; });
  run([](io::Stream& stream) -> Task<void> {
    while (std::count(stream.incoming().begin(), stream.incoming().end(), '\n') < 2)
      if (!co_await stream.read_more()) break;
  }(*taken));
  const auto all = split(taken->incoming(), '\n');
  ASSERT_EQ(all.size(), 3);
  EXPECT_EQ(*json::parse(all[0])->find("record")->string(), "one");
  EXPECT_EQ(*json::parse(all[1])->find("record")->string(), "two");
  run(api->close());
  api.reset();
  taken->close();
}

TEST_F(TelemetryTest, WithJsonLogsPlatformLinesAreObjectsOfTheirLevel) {
  run(api->close());
  spec.log_format = "JSON";
  open();
  log->init_start({.runtime_version = "python:3.11.v7", .runtime_version_arn = "arn:v"});
  EXPECT_THAT(logs.lines, testing::ElementsAre(testing::HasSubstr(R"("type":"platform.initStart",)")));
  EXPECT_THAT(logs.lines[0], testing::HasSubstr(R"("runtimeVersion":"python:3.11.v7","runtimeVersionArn":"arn:v")"));
  logs.lines.clear();
  log->init_runtime_done({});
  log->start(event("id-1"));
  log->function_line(R"({"level":"INFO","message":"m"})");
  log->report({.request_id = "id-1", .duration_ms = 1, .billed_ms = 1, .max_memory_mb = 30}, "REPORT");
  ASSERT_EQ(logs.lines.size(), 3) << "initRuntimeDone is of level DEBUG";
  const auto start = json::parse(logs.lines[0]);
  ASSERT_TRUE(start) << logs.lines[0];
  EXPECT_EQ(*start->find("type")->string(), "platform.start");
  EXPECT_EQ(*start->find("record")->find("requestId")->string(), "id-1");
  EXPECT_EQ(logs.lines[1], R"({"level":"INFO","message":"m"})");
  EXPECT_EQ(*json::parse(logs.lines[2])->find("type")->string(), "platform.report");
  logs.lines.clear();
  spec.system_log_level = "WARN";
  run(api->close());
  open();
  log->start(event("id-2"));
  log->report({.request_id = "id-2", .duration_ms = 1}, "REPORT");
  EXPECT_TRUE(logs.lines.empty());
  log->platform_line("it broke");
  EXPECT_THAT(logs.lines, testing::ElementsAre(testing::HasSubstr(R"("type":"platform.fault","record":"it broke"})")));
}

TEST_F(TelemetryTest, WithTextLogsTheLinesAreAws) {
  log->start(event("id-1"));
  log->function_line("hello");
  log->runtime_done({.request_id = "id-1"});
  log->report({.request_id = "id-1"}, "REPORT RequestId: id-1");
  EXPECT_THAT(logs.lines,
              testing::ElementsAre("START RequestId: id-1 Version: $LATEST", "hello", "END RequestId: id-1", "REPORT RequestId: id-1"));
}

}  // namespace
}  // namespace sallyport::runtime
