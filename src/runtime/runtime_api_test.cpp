// The Runtime API as a runtime sees it, over real sockets and without one.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>

#include "base/encoding.hpp"
#include "runtime/environment_api_testing.hpp"
#include "runtime/http_channel.hpp"
#include "runtime/response_stream.hpp"

namespace sallyport::runtime {
namespace {

constexpr const char* next_path = "/2018-06-01/runtime/invocation/next";
std::string response_path(std::string_view id) { return cat("/2018-06-01/runtime/invocation/", id, "/response"); }
std::string error_path(std::string_view id) { return cat("/2018-06-01/runtime/invocation/", id, "/error"); }
std::string chunked_head(std::string_view host, std::string_view path, std::string_view more = {}) {
  return cat("POST ", path, " HTTP/1.1\r\nHost: ", host, "\r\nTransfer-Encoding: chunked\r\n", more, "\r\n");
}

TEST_F(EnvironmentApiTest, HandsOutAnEventWithItsHeaders) {
  auto invocation = event("id-1", R"({"a":1})");
  invocation.client_context = R"({"client":{}})";
  invocation.cognito_identity = R"({"cognitoIdentityId":"i"})";
  invocation.tenant_id = "blue";
  const auto got = hand_out(invocation);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, R"({"a":1})");
  const std::map<std::string, std::string> expected = {{"Content-Type", "application/json"},
                                                       {"Lambda-Runtime-Aws-Request-Id", "id-1"},
                                                       {"Lambda-Runtime-Deadline-Ms", "1000000"},
                                                       {"Lambda-Runtime-Invoked-Function-Arn", spec.function_arn + ":live"},
                                                       {"Lambda-Runtime-Trace-Id", "Root=1-a"},
                                                       {"Lambda-Runtime-Client-Context", R"({"client":{}})"},
                                                       {"Lambda-Runtime-Cognito-Identity", R"({"cognitoIdentityId":"i"})"},
                                                       {"Lambda-Runtime-Aws-Tenant-Id", "blue"}};
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(got.find(name)) << name;
    EXPECT_EQ(*got.find(name), value) << name;
  }
  EXPECT_TRUE(std::holds_alternative<Ready>(message()));
}

TEST_F(EnvironmentApiTest, EmptyHeadersAreLeftOut) {
  auto invocation = event("id-1");
  invocation.trace_id.clear();
  const auto got = hand_out(invocation);
  for (const char* name :
       {"Lambda-Runtime-Trace-Id", "Lambda-Runtime-Client-Context", "Lambda-Runtime-Cognito-Identity", "Lambda-Runtime-Aws-Tenant-Id"})
    EXPECT_FALSE(got.find(name)) << name;
}

TEST_F(EnvironmentApiTest, AnswersOnceAndForTheCurrentEventAlone) {
  EXPECT_EQ(type_of(ask("POST", response_path("id-1"), "{}")), "400 InvalidRequestID");
  hand_out(event("id-1"));
  message();
  EXPECT_EQ(ask("POST", response_path("other"), "{}").body,
            "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n");
  const auto good = ask("POST", response_path("id-1"), "[1]");
  EXPECT_EQ(good.status, 202);
  EXPECT_EQ(good.body, "{\"status\":\"OK\"}\n");
  EXPECT_EQ(std::get<Answered>(message()).payload, "[1]");
  EXPECT_EQ(ask("POST", response_path("id-1"), "[2]").body,
            "{\"errorMessage\":\"State transition from RuntimeResponseSentState to InvocationResponse failed for runtime. Error: State "
            "transition is not allowed\",\"errorType\":\"InvalidStateTransition\"}\n");
  EXPECT_EQ(type_of(ask("POST", error_path("id-1"), "{}")), "403 InvalidStateTransition");
  hand_out(event("id-2"));
  EXPECT_EQ(type_of(ask("POST", response_path("id-1"), "{}")), "400 InvalidRequestID");
  EXPECT_EQ(ask("POST", response_path("id-2"), "2").status, 202);
}

TEST_F(EnvironmentApiTest, AnEventBeingWorkedOnIsHandedOutAgain) {
  hand_out(event("id-1", "1"));
  EXPECT_EQ(ask("GET", next_path).body, "1");
  EXPECT_EQ(ask("POST", response_path("id-1"), "{}").status, 202);
}

TEST_F(EnvironmentApiTest, AnEventThatComesBeforeItIsAskedForIsNotLost) {
  hand_out(event("id-1"));
  EXPECT_EQ(ask("POST", response_path("id-1"), "{}").status, 202);
  send(event("id-2", "2"));
  EXPECT_EQ(type_of(ask("POST", response_path("id-2"), "{}")), "403 InvalidStateTransition") << "it was not handed out yet";
  EXPECT_EQ(ask("GET", next_path).body, "2");
}

TEST_F(EnvironmentApiTest, WhoAsksAnewTakesThePlaceOfALostConnection) {
  Later<http::Response> lost, second;
  start(call("GET", next_path), lost);
  message();
  start(call("GET", next_path), second);
  EXPECT_EQ(type_of(wait_for(lost)), "403 InvalidStateTransition");
  send(event("id-1", "1"));
  EXPECT_EQ(wait_for(second).body, "1");
}

TEST_F(EnvironmentApiTest, ErrorsPassAsTheyAreAndTheirTypesBecomeKnownOnes) {
  const std::pair<const char*, const char*> types[] = {{"Runtime.Boom", "Runtime.Boom"},       {"Function.MyError", "Function.MyError"},
                                                       {"x Runtime.Abc y", "x Runtime.Abc y"}, {"Function.boom", "Function.Unknown"},
                                                       {"ValueError", "Runtime.Unknown"},      {"", "Runtime.Unknown"},
                                                       {"Runtime.X", "Runtime.Unknown"}};
  for (const auto& [sent, kept] : types) EXPECT_EQ(normal_error_type(sent), kept) << sent;
  hand_out(event("id-1"));
  message();
  const auto answer = ask(
      "POST", error_path("id-1"), "not json",
      {{"Lambda-Runtime-Function-Error-Type", "Runtime.Boom"}, {"Lambda-Runtime-Function-XRay-Error-Cause", std::string(1'000'000, 'x')}});
  EXPECT_EQ(answer.status, 202) << answer.body;
  const auto failed = std::get<Failed>(message());
  EXPECT_EQ(failed.error_type, "Runtime.Boom");
  EXPECT_EQ(failed.payload, "not json");
}

TEST_F(EnvironmentApiTest, TheCauseForXRayIsTakenOutOfABundledError) {
  hand_out(event("id-1"));
  message();
  ask("POST", error_path("id-1"), R"({"errorMessage":"m","errorCause":{"exceptions":[]},"errorType":"T","stackTrace":["a"]})",
      {{"Content-Type", "application/vnd.aws.lambda.error.cause+json"}});
  EXPECT_EQ(std::get<Failed>(message()).payload, R"({"errorMessage":"m","errorType":"T","stackTrace":["a"]})");
}

TEST_F(EnvironmentApiTest, InitErrorsAreTakenOnceAndBeforeTheFirstEvent) {
  EXPECT_EQ(
      ask("POST", "/2018-06-01/runtime/init/error", R"({"errorType":"E"})", {{"Lambda-Runtime-Function-Error-Type", "Runtime.Bad"}}).status,
      202);
  const auto failed = std::get<FailedForGood>(message());
  EXPECT_EQ(failed.error_type, "Runtime.Bad");
  EXPECT_EQ(failed.payload, R"({"errorType":"E"})");
  EXPECT_EQ(type_of(ask("POST", "/2018-06-01/runtime/init/error", "{}")), "403 InvalidStateTransition");
  EXPECT_EQ(type_of(ask("GET", next_path)), "403 InvalidStateTransition");
}

TEST_F(EnvironmentApiTest, TheCauseForXRayIsTakenOutOfAnInitErrorToo) {
  ask("POST", "/2018-06-01/runtime/init/error", R"({"errorMessage":"m","errorCause":{"exceptions":[]},"errorType":"T"})",
      {{"Content-Type", "application/vnd.aws.lambda.error.cause+json"}});
  EXPECT_EQ(std::get<FailedForGood>(message()).payload, R"({"errorMessage":"m","errorType":"T"})");
}

TEST_F(EnvironmentApiTest, AnAnswerOverTheLimitEndsTheEventAndNotTheRuntime) {
  hand_out(event("id-1"));
  message();
  const auto answer = ask("POST", response_path("id-1"), std::string(limits::response_bytes_max + 1, 'x'));
  EXPECT_EQ(answer.body,
            "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n");
  EXPECT_EQ(std::get<Failed>(message()).error_type, "Function.ResponseSizeTooLarge");
  hand_out(event("id-2"));
  EXPECT_EQ(ask("POST", response_path("id-2"), std::string(limits::response_bytes_max, 'x')).status, 202);
  EXPECT_EQ(std::get<Answered>(message()).payload.size(), limits::response_bytes_max);
}

TEST_F(EnvironmentApiTest, AnAnswerThatIsCutOffEndsTheEvent) {
  hand_out(event("id-1"));
  message();
  const auto text =
      run(exchange(cat("POST ", response_path("id-1"), " HTTP/1.1\r\nHost: ", api->address(), "\r\nContent-Length: 10\r\n\r\nabc")));
  EXPECT_THAT(text, testing::HasSubstr("TruncatedHTTPRequest"));
  EXPECT_EQ(std::get<Failed>(message()).error_type, "Runtime.TruncatedResponse");
}

TEST_F(EnvironmentApiTest, WhoAsksForMoreHasCutTheAnswerOff) {
  hand_out(event("id-1"));
  message();
  Later<std::string> cut;
  Later<http::Response> more;
  start(exchange(cat("POST ", response_path("id-1"), " HTTP/1.1\r\nHost: ", api->address(), "\r\nContent-Length: 10\r\n\r\nabc")), cut);
  run(io::sleep_for(*loop, std::chrono::milliseconds(50)));
  start(call("GET", next_path), more);
  EXPECT_EQ(std::get<Failed>(message()).error_type, "Runtime.TruncatedResponse");
  EXPECT_THAT(wait_for(cut), testing::HasSubstr("TruncatedHTTPRequest"));
  send(event("id-2", "2"));
  EXPECT_EQ(wait_for(more).body, "2");
}

TEST_F(EnvironmentApiTest, AProcessThatEndsInTheMiddleOfItsAnswerIsGone) {
  for (const char* path : {"response", "error"}) {
    hand_out(event("id-1"));
    message();
    Later<std::string> cut;
    start(exchange(cat("POST /2018-06-01/runtime/invocation/id-1/", path, " HTTP/1.1\r\nHost: ", api->address(),
                       "\r\nContent-Length: 10\r\n\r\nabc")),
          cut);
    run(io::sleep_for(*loop, std::chrono::milliseconds(50)));  // an exit is heard of later than the end of its connections
    api->runtime().process_ended();
    EXPECT_TRUE(std::holds_alternative<Gone>(message())) << path;
    EXPECT_THAT(wait_for(cut), testing::HasSubstr("TruncatedHTTPRequest"));
    EXPECT_TRUE(std::holds_alternative<Gone>(message())) << path;
    run(api->start_over());
  }
}

TEST_F(EnvironmentApiTest, AnUnknownResponseModeEndsTheEvent) {
  hand_out(event("id-1"));
  message();
  EXPECT_EQ(type_of(ask("POST", response_path("id-1"), "{}", {{"Lambda-Runtime-Function-Response-Mode", "trickle"}})),
            "400 InvalidFunctionResponseMode");
  const auto failed = std::get<Failed>(message());
  EXPECT_EQ(failed.error_type, "Runtime.InvalidResponseModeHeader");
  EXPECT_EQ(failed.payload, "");
}

TEST_F(EnvironmentApiTest, BigBodiesMayWaitForLeave) {
  hand_out(event("id-1"));
  message();
  const auto text = run(exchange(
      cat("POST ", response_path("id-1"), " HTTP/1.1\r\nHost: ", api->address(), "\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
      "100 Continue"));
  EXPECT_THAT(text, testing::StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
}

TEST_F(EnvironmentApiTest, PiecesOfAStreamArriveBeforeItsEnd) {
  auto invocation = event("id-1");
  invocation.stream = make_response_stream();
  hand_out(invocation);
  message();
  auto writer = *run(io::connect(*loop, "127.0.0.1", port, std::chrono::seconds(5)));
  run([](io::Stream& to, std::string bytes) -> Task<void> { co_await to.write(bytes); }(
                                                *writer, chunked_head(api->address(), response_path("id-1"),
                                                                      "Lambda-Runtime-Function-Response-Mode: Streaming\r\nContent-Type: "
                                                                      "text/html\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n") +
                                                             "5\r\nhello\r\n"));
  EXPECT_EQ(run(invocation.stream->head(*loop))->content_type, "text/html");
  EXPECT_EQ(run(invocation.stream->next(*loop)), "hello");
  run([](io::Stream& to) -> Task<void> { co_await to.write("1\r\n!\r\n0\r\n\r\n"); }(*writer));
  EXPECT_EQ(run(invocation.stream->next(*loop)), "!");
  EXPECT_EQ(std::get<Answered>(message()).payload, "");
  writer->close();
}

TEST_F(EnvironmentApiTest, AnErrorInMidStreamComesInTrailers) {
  const auto trailers = cat("Lambda-Runtime-Function-Error-Type: Function.Broke\r\nLambda-Runtime-Function-Error-Body: ",
                            to_base64(R"({"errorMessage":"half way"})"), "\r\n");
  for (const bool streamed : {true, false}) {
    const std::string id = streamed ? "id-1" : "id-2";
    auto invocation = event(id);
    if (streamed) invocation.stream = make_response_stream();
    hand_out(invocation);
    if (streamed) message();
    run(exchange(chunked_head(api->address(), response_path(id), "Lambda-Runtime-Function-Response-Mode: streaming\r\n") +
                     "4\r\nhalf\r\n0\r\n" + trailers + "\r\n",
                 "\r\n\r\n"));
    const auto failed = std::get<Failed>(message());
    EXPECT_EQ(failed.error_type, "Function.Broke");
    EXPECT_EQ(failed.payload, R"({"errorMessage":"half way"})");
  }
}

TEST_F(EnvironmentApiTest, AStreamIsCollectedForWhoWantsOnePiece) {
  hand_out(event("id-1"));
  message();
  run(exchange(chunked_head(api->address(), response_path("id-1"), "Lambda-Runtime-Function-Response-Mode: streaming\r\n") +
                   "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
               "\r\n\r\n"));
  EXPECT_EQ(std::get<Answered>(message()).payload, "onetwo");
}

TEST_F(EnvironmentApiTest, WhoeverStopsReadingDoesNotStopTheFunction) {
  auto invocation = event("id-1");
  invocation.stream = make_response_stream();
  hand_out(invocation);
  message();
  invocation.stream->abandon();
  const auto answer = ask("POST", response_path("id-1"), std::string(2 * limits::stream_window_bytes, 'x'),
                          {{"Lambda-Runtime-Function-Response-Mode", "streaming"}});
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_TRUE(std::holds_alternative<Answered>(message()));
}

TEST_F(EnvironmentApiTest, NoWebPageIsAnswered) {
  EXPECT_EQ(ask("GET", "/2018-06-01/ping").body, "pong");
  EXPECT_EQ(ask("GET", "/2018-06-01/ping", "", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(ask("GET", "/2018-06-01/ping", "", {{"Sec-Fetch-Site", "same-origin"}}).status, 403);
  EXPECT_THAT(run(exchange(cat("GET /2018-06-01/ping HTTP/1.1\r\nHost: localhost:", port, "\r\n\r\n"))),
              testing::StartsWith("HTTP/1.1 403"));
}

TEST_F(EnvironmentApiTest, InANetworkOfItsOwnItHasAnyName) {
  run(api->close());
  sandbox = std::make_unique<PaperSandbox>();
  sandbox->api_listener = sandbox::Fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in here{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  ASSERT_EQ(bind(sandbox->api_listener.get(), address, size), 0);
  ASSERT_EQ(listen(sandbox->api_listener.get(), 8), 0);
  ASSERT_EQ(getsockname(sandbox->api_listener.get(), address, &size), 0);
  network = sandbox::Network::isolated;
  open();
  port = ntohs(here.sin_port);
  EXPECT_THAT(run(exchange("GET /2018-06-01/ping HTTP/1.1\r\nHost: localhost:9001\r\n\r\n")), testing::StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(ask("GET", "/2018-06-01/ping", "", {{"Origin", "http://evil.example"}}).status, 403);
}

// What a hostile function can make the server hold for it.
TEST_F(EnvironmentApiTest, AFloodOfHalfSentHeadsFindsTheDoorClosed) {
  constexpr std::size_t flood = 400;
  const auto descriptors = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = descriptors();
  std::vector<std::unique_ptr<io::Stream>> streams;
  run([](EnvironmentApiTest& test, auto& all) -> Task<void> {
    for (std::size_t i = 0; i < flood; ++i) {
      auto stream = co_await attempt(io::connect(*test.loop, "127.0.0.1", test.port, std::chrono::seconds(5)));
      if (!stream) continue;
      co_await (*stream)->write("GET /2018-06-01/ping HTTP/1.1\r\n");
      all.push_back(std::move(*stream));
    }
  }(*this, streams));
  const auto open = [&] { return std::ranges::count_if(streams, [](const auto& stream) { return !stream->at_end(); }); };
  for (auto& stream : streams) stream->resume_reading();
  until([&] { return open() <= static_cast<long>(limits::api_connections_max); });
  const auto held = descriptors() - before - static_cast<long>(streams.size());  // without the clients' own ends
  EXPECT_LE(held, static_cast<long>(limits::api_connections_max));
  for (auto& stream : streams) stream->close();
  until([&] { return ask("GET", "/2018-06-01/ping").body == "pong"; });
}

TEST_F(EnvironmentApiTest, HeadsAndUnreadEventsHaveOneBudget) {
  std::vector<std::unique_ptr<io::Stream>> streams;
  const auto open = [&] { return std::ranges::count_if(streams, [](const auto& stream) { return !stream->at_end(); }); };
  const auto send_to_all = [&](std::string bytes, std::size_t count) {
    run([](EnvironmentApiTest& test, auto& all, std::string text, std::size_t left) -> Task<void> {
      for (; left; --left) {
        auto stream = co_await attempt(io::connect(*test.loop, "127.0.0.1", test.port, std::chrono::seconds(5)));
        if (!stream) continue;
        co_await (*stream)->write(text);
        all.push_back(std::move(*stream));
      }
    }(*this, streams, std::move(bytes), count));
  };
  constexpr std::size_t head_bytes = 1u << 20;
  send_to_all(cat("GET / HTTP/1.1\r\nX: ", std::string(head_bytes, 'x')), limits::api_connections_max - 1);
  for (auto& stream : streams) stream->resume_reading();
  until([&] { return open() <= static_cast<long>(limits::api_held_bytes_max / head_bytes); });
  for (auto& stream : streams) stream->close();
  streams.clear();

  // The event that is being worked on is handed out as often as it is asked for.
  auto large = event("id-1", std::string(6u << 20, 'x'));
  until([&] { return ask("GET", "/2018-06-01/ping").body == "pong"; });
  hand_out(large);
  send_to_all(cat("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: ", api->address(), "\r\n\r\n"), 8);
  until([&] { return open() == static_cast<long>(limits::api_held_bytes_max / large.payload.size()); });
  for (auto& stream : streams) stream->close();
}

TEST_F(EnvironmentApiTest, UnknownPathsAndMethodsAreRefused) {
  for (const char* path :
       {"/", "/2018-06-01/runtime/", "/2018-06-01/runtime/restore/next", "/2021-04-23/credentials", "/2020-01-01/extension/other"})
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  EXPECT_EQ(ask("POST", next_path).status, 405);
  EXPECT_EQ(ask("GET", "/2018-06-01/runtime/init/error").status, 405);
  EXPECT_EQ(ask("GET", "/2022-07-01/telemetry").status, 405);
}

TEST_F(EnvironmentApiTest, AfterARestartEverythingIsNewButTheAddress) {
  const auto address = api->address();
  hand_out(event("id-1"));
  api->runtime().process_ended();
  run(api->start_over());
  EXPECT_EQ(api->address(), address);
  EXPECT_EQ(type_of(ask("POST", response_path("id-1"), "{}")), "400 InvalidRequestID");
  EXPECT_EQ(hand_out(event("id-2", "2")).body, "2");
  EXPECT_TRUE(std::holds_alternative<Ready>(message()));
}

TEST_F(EnvironmentApiTest, ItsOwnerMayReportExitsWhileItStartsOverAndAfterItsEnd) {
  const auto report = [&] {
    EXPECT_FALSE(api->extensions().process_ended({7, 0, SIGKILL}));
    api->extensions().expect_exits();
    api->runtime().process_ended();
    api->frozen(false);
  };
  loop->post(report);
  run(api->start_over());
  run(api->close());
  report();
}

TEST_F(EnvironmentApiTest, ARuntimeThatIsGoneGetsNothingAndSaysNothing) {
  Later<http::Response> waiting;
  start(call("GET", next_path), waiting);
  message();
  api->runtime().process_ended();
  EXPECT_EQ(type_of(wait_for(waiting)), "500 InternalServerError");
  EXPECT_TRUE(std::holds_alternative<Gone>(message()));
}

TEST_F(EnvironmentApiTest, SettledWhenTheRuntimeAsksForMore) {
  hand_out(event("id-1"));
  ask("POST", response_path("id-1"), "{}");
  Later<bool> settled, runtime_settled;
  Later<http::Response> more;
  start(api->settled(), settled);
  start(api->runtime_settled(), runtime_settled);
  run(io::sleep_for(*loop, std::chrono::milliseconds(1)));
  EXPECT_FALSE(settled.has_value() || runtime_settled.has_value());
  start(call("GET", next_path), more);
  EXPECT_TRUE(wait_for(settled));
  EXPECT_TRUE(wait_for(runtime_settled));
  run(api->start_over());
  wait_for(more);
}

TEST_F(EnvironmentApiTest, WithFramesNobodyFetchesEvents) {
  TearDown();
  open(false);
  EXPECT_EQ(type_of(ask("GET", next_path)), "403 InvalidStateTransition");
  EXPECT_TRUE(run(api->settled()));
}

}  // namespace
}  // namespace sallyport::runtime
