#include "lambda/event_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>
#include <mutex>

#include "base/text.hpp"
#include "io/completion.hpp"
#include "json/parse.hpp"
#include "json/write.hpp"
#include "lambda/testing_fakes.hpp"
#include "store/sqlite_store.hpp"

namespace sallyport::lambda {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Answer = Result<InvokeResponse, aws::ApiError>;

class ManualClock final : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(1'795'428'000s) + std::chrono::duration_cast<std::chrono::microseconds>(passed()); }
  MonotonicTime monotonic_now() const override { return MonotonicTime(1h) + passed(); }
  void pass(std::chrono::milliseconds time) { passed_ += time.count(); }

 private:
  std::chrono::milliseconds passed() const { return std::chrono::milliseconds(passed_.load()); }
  std::atomic<std::int64_t> passed_ = 0;
};

/// Commits what it is given to another store, and can be told to fail.
class WatchedStore final : public store::Store {
 public:
  explicit WatchedStore(store::Store& inner) : inner_(inner) {}
  Result<> load(std::string_view service, const std::function<Result<>(const store::Record&)>& each) override {
    return inner_.load(service, each);
  }
  Result<std::optional<std::string>> read(const store::Key& key) override {
    ++reads;
    return inner_.read(key);
  }
  void commit(store::Batch batch, std::move_only_function<void(Result<>)> done) override {
    if (failing) return done(fail("the disk is full"));
    std::string shape;
    for (const auto& change : batch.changes()) shape += cat(shape.empty() ? "" : " ", change.erased ? "-" : "+", change.key.kind);
    {
      std::scoped_lock lock(mutex);
      shapes.push_back(std::move(shape));
    }
    inner_.commit(std::move(batch), std::move(done));
  }
  std::string seal(std::string_view secret, std::string_view id) const override { return inner_.seal(secret, id); }
  Result<std::string> unseal(std::string_view sealed, std::string_view id) const override { return inner_.unseal(sealed, id); }
  std::atomic<bool> failing = false;
  std::atomic<int> reads = 0;
  std::mutex mutex;
  std::vector<std::string> shapes;  // "-event +event"

 private:
  store::Store& inner_;
};

class FakeInvoker final : public Invoker {
 public:
  Task<Answer> invoke(io::Loop& loop, InvokeRequest request) override {
    EXPECT_TRUE(request.authorized);
    EXPECT_EQ(request.functions, nullptr) << "an event runs with the functions of its time";
    ran.push_back(request);
    most_at_once = std::max(most_at_once, ++at_once);
    if (held) {
      io::Completion<bool> gate;
      gates.push_back(gate);
      co_await gate.wait_on(loop);
    }
    --at_once;
    co_return answer(request);
  }
  void let_go() {
    held = false;
    for (auto& gate : std::exchange(gates, {})) gate.deliver(true);
  }
  std::vector<InvokeRequest> ran;
  std::function<Answer(const InvokeRequest&)> answer = [](const InvokeRequest& request) { return good(request); };
  bool held = false;
  int at_once = 0, most_at_once = 0;
  std::list<io::Completion<bool>> gates;

  static Answer good(const InvokeRequest& request) {
    return InvokeResponse{RequestId(request.request_id), "$LATEST", std::nullopt, R"({"well": "done"})"};
  }
  static Answer bad(const InvokeRequest& request) {
    return InvokeResponse{RequestId(request.request_id), "$LATEST", "Unhandled", R"({"errorMessage":"no"})"};
  }
  static Answer throttled(const InvokeRequest&) { return fail(aws::ApiError{"TooManyRequestsException", 429, "Rate Exceeded."}); }
};

class EventQueueTest : public ::testing::Test {
 public:
  void SetUp() override {
    state.scope = aws::Scope();
    for (const auto name : {"f", "g", "told"}) {
      Function function;
      function.latest.function_name = name;
      function.latest.function_arn = arn(name);
      function.latest.role = "arn:aws:iam::123456789012:role/r";
      state.functions.emplace(name, std::move(function));
    }
    make_queue();
  }
  void TearDown() override {
    invoker.let_go();
    for (auto& each : queues) each->stop();
    loop->scope().when_empty([this] { loop->stop(); });
    loop->run();
  }
  /// As another process would find the store.
  EventQueue& make_queue(EventQueue::Limits limits = {}) {
    queues.push_back(std::make_unique<EventQueue>(
        EventQueue::Parts{invoker, store, clock, random, lines, guard,
                          [this](std::string_view, std::string_view) { return std::make_shared<const State>(state); }},
        EventQueue::Delays{}, limits));
    auto loaded = queues.back()->load();
    EXPECT_TRUE(loaded) << loaded.error().message;
    return *queues.back();
  }
  EventQueue& queue() { return *queues.back(); }
  void start() { queue().start({loop.get()}); }

  static std::string arn(std::string_view name) { return cat(testing::function_arn_prefix, name); }
  EventInvokeConfig& config(std::string_view name, const std::string& qualifier = "") {
    return state.functions.find(name)->second.edit().event_invoke_configs[qualifier];
  }

  Result<void, aws::ApiError> push(std::string function_arn, std::string payload = R"({"a": 1})", std::string id = {},
                                   EventQueue* into = nullptr) {
    std::optional<Result<void, aws::ApiError>> answer;
    const auto run = [&]() -> Task<void> {
      InvokeRequest request;
      request.function_arn = std::move(function_arn);
      request.payload = std::move(payload);
      request.request_id = std::move(id);
      answer.emplace(co_await attempt((into ? *into : queue()).push(*loop, std::move(request))));
      loop->stop();
    };
    loop->scope().spawn(run());
    loop->run();
    return std::move(*answer);
  }
  /// Lets things happen until it is so; fails when it never is.
  void until(const std::function<bool()>& so, std::string_view what) {
    const auto patience = std::chrono::steady_clock::now() + 10s;
    const auto wait = [&]() -> Task<void> {
      while (!so() && std::chrono::steady_clock::now() < patience) co_await io::sleep_for(*loop, 1ms);
      loop->stop();
    };
    loop->scope().spawn(wait());
    loop->run();
    EXPECT_TRUE(so()) << "it did not come to pass: " << what;
  }
  void until_ran(std::size_t count) {
    until([&] { return invoker.ran.size() >= count && invoker.at_once == 0; }, cat(count, " attempts"));
    EXPECT_EQ(invoker.ran.size(), count);
    settle();
  }
  void until_done() {
    until([&] { return queue().size() == 0; }, "all events are done");
  }
  /// What was under way has come to the store and back.
  void settle() {
    std::atomic<bool> came = false;
    store.commit({}, [&](Result<>) { came = true; });
    until([&] { return came.load(); }, "a commit");
  }
  void pass(std::chrono::milliseconds time) {
    clock.pass(time);
    queue().tick();
  }
  std::vector<std::string> records(std::string_view kind) {
    std::vector<std::string> out;
    auto read = store.load(event_service, [&](const store::Record& record) -> Result<> {
      if (record.key.kind == kind) out.push_back(record.value);
      return {};
    });
    EXPECT_TRUE(read);
    return out;
  }
  /// The payload of what the destination was told last.
  std::string told() { return invoker.ran.back().function_arn == arn("told") ? invoker.ran.back().payload : "nothing"; }

  std::unique_ptr<io::Loop> loop = *io::Loop::make();
  ManualClock clock;
  SystemRandom random;
  testing::CollectedLines lines;
  testing::FakeGuard guard;
  FakeInvoker invoker;
  std::unique_ptr<store::Store> inner = *store::open_ephemeral_store();
  WatchedStore store{*inner};
  State state;
  std::vector<std::unique_ptr<EventQueue>> queues;
};

TEST_F(EventQueueTest, WhatIsAcknowledgedIsStoredAndRuns) {
  ASSERT_TRUE(push(arn("f") + ":live", "{\"a\":\n 1}", "id-1"));
  ASSERT_EQ(records(event_kind).size(), 1u) << "it was stored before it was acknowledged";
  EXPECT_THAT(records(event_kind)[0], ::testing::EndsWith("}\n{\"a\":\n 1}"));
  EXPECT_TRUE(invoker.ran.empty());
  state.functions.find("f")->second.edit().aliases["live"] = {"live", "$LATEST", "", ""};
  start();
  until_done();
  ASSERT_EQ(invoker.ran.size(), 1u);
  EXPECT_EQ(invoker.ran[0].function_arn, arn("f:live"));
  EXPECT_EQ(invoker.ran[0].payload, "{\"a\":\n 1}");
  EXPECT_EQ(invoker.ran[0].request_id, "id-1");
  EXPECT_TRUE(records(event_kind).empty());
  EXPECT_THAT(store.shapes, ElementsAre("+event", "-event")) << "two changes for an event that goes well";
}

TEST_F(EventQueueTest, WhatCannotBeStoredIsNotAcknowledgedAndDoesNotRun) {
  start();
  store.failing = true;
  const auto refused = push(arn("f"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 500);
  EXPECT_EQ(refused.error().message, "The event could not be stored: the disk is full");
  store.failing = false;
  EXPECT_EQ(queue().size(), 0u);
  EXPECT_TRUE(push(arn("f")));
  until_done();
  EXPECT_EQ(invoker.ran.size(), 1u);
}

TEST_F(EventQueueTest, AnEventInFlightRunsAgainAfterACrash) {
  start();
  invoker.held = true;
  ASSERT_TRUE(push(arn("f"), "1", "id-1"));
  ASSERT_TRUE(push(arn("f"), "2", "id-2"));
  until([&] { return invoker.ran.size() == 2; }, "both run");
  invoker.held = false;
  make_queue();  // as a new process finds the store
  start();
  until_done();
  ASSERT_EQ(invoker.ran.size(), 4u);
  EXPECT_EQ(invoker.ran[2].request_id, "id-1") << "in the order of acceptance";
  EXPECT_EQ(invoker.ran[3].request_id, "id-2");
  EXPECT_EQ(invoker.ran[3].payload, "2");
}

TEST_F(EventQueueTest, SequencesGoOnAfterARestart) {
  ASSERT_TRUE(push(arn("f"), "1"));
  make_queue();
  ASSERT_TRUE(push(arn("f"), "2"));
  EXPECT_EQ(records(event_kind).size(), 2u) << "neither in the place of the other";
  start();
  until_done();
  EXPECT_EQ(invoker.ran.size(), 2u);
}

TEST_F(EventQueueTest, AFailureIsTriedAgainAfterOneAndTwoMinutes) {
  start();
  invoker.answer = FakeInvoker::bad;
  ASSERT_TRUE(push(arn("f")));
  until_ran(1);
  pass(59s);
  settle();
  EXPECT_EQ(invoker.ran.size(), 1u);
  pass(1s);
  until_ran(2);
  pass(119s);
  settle();
  EXPECT_EQ(invoker.ran.size(), 2u);
  pass(1s);
  until_ran(3);
  until_done();
  for (const auto& each : invoker.ran) {
    EXPECT_EQ(each.request_id, invoker.ran[0].request_id);
    EXPECT_EQ(each.payload, R"({"a": 1})");
  }
  EXPECT_THAT(lines.lines, Contains(HasSubstr("ended without success and without a destination: RetriesExhausted")));
  EXPECT_TRUE(records(event_kind).empty());
  EXPECT_TRUE(records(attempt_kind).empty()) << "nothing is left behind";
}

TEST_F(EventQueueTest, RetriesAreConfiguredByQualifier) {
  start();
  invoker.answer = FakeInvoker::bad;
  state.functions.find("f")->second.edit().aliases["live"] = {"live", "$LATEST", "", ""};
  config("f").retries = 0;
  ASSERT_TRUE(push(arn("f")));
  until_done();
  EXPECT_EQ(invoker.ran.size(), 1u);
  ASSERT_TRUE(push(arn("f:$LATEST")));
  until_done();
  EXPECT_EQ(invoker.ran.size(), 2u) << "$LATEST is the function itself";
  ASSERT_TRUE(push(arn("f:live")));
  until_ran(3);
  EXPECT_EQ(queue().size(), 1u) << "the alias has no configuration of its own";
}

TEST_F(EventQueueTest, AFailedAttemptCountsAfterARestart) {
  start();
  invoker.answer = FakeInvoker::bad;
  ASSERT_TRUE(push(arn("f")));
  until_ran(1);
  pass(60s);
  until_ran(2);
  make_queue();
  start();
  settle();
  EXPECT_EQ(invoker.ran.size(), 2u) << "it is not its time";
  pass(120s);
  until_ran(3);
  until_done();
  EXPECT_TRUE(records(attempt_kind).empty());
}

TEST_F(EventQueueTest, NoRoomUsesUpNoAttempt) {
  start();
  invoker.answer = FakeInvoker::throttled;
  ASSERT_TRUE(push(arn("f")));
  until_ran(1);
  std::size_t ran = 1;
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
    pass(wait - 1ms);
    settle();
    EXPECT_EQ(invoker.ran.size(), ran) << "before " << wait;
    pass(1ms);
    until_ran(++ran);
  }
  EXPECT_TRUE(records(attempt_kind).empty());
  invoker.answer = [](const InvokeRequest&) { return fail(aws::ApiError{"ServiceException", 500, ""}); };
  pass(300s);
  until_ran(++ran);
  invoker.answer = FakeInvoker::bad;
  pass(300s);
  until_ran(++ran);
  pass(60s);
  until_ran(++ran);
  EXPECT_EQ(queue().size(), 1u) << "it has all its attempts";
  pass(120s);
  until_ran(++ran);
  until_done();
}

TEST_F(EventQueueTest, AnOldEventIsNotTriedAnyMore) {
  config("f").on_failure = arn("told");
  start();
  invoker.answer = [](const InvokeRequest& request) {
    return request.function_arn == arn("f") ? FakeInvoker::throttled(request) : FakeInvoker::good(request);
  };
  config("f").age_s = 60;
  ASSERT_TRUE(push(arn("f"), "{}", "id-1"));
  until_ran(1);
  for (int i = 0; i < 70; ++i) pass(1s), settle();
  until_done();
  EXPECT_LT(invoker.ran.size(), 9u);
  EXPECT_EQ(told(), R"({"version":"1.0","timestamp":"2026-11-23T10:01:00.000Z","requestContext":{"requestId":"id-1","functionArn":)"
                    R"("arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST","condition":"EventAgeExceeded",)"
                    R"("approximateInvokeCount":0},"requestPayload":{}})");
}

TEST_F(EventQueueTest, NobodyWaitsForAnAttemptThatWouldComeTooLate) {
  config("f") = {std::nullopt, 90, "", arn("told")};
  start();
  invoker.answer = [](const InvokeRequest& request) {
    return request.function_arn == arn("f") ? FakeInvoker::bad(request) : FakeInvoker::good(request);
  };
  ASSERT_TRUE(push(arn("f"), "{}", "id-1"));
  until_ran(1);
  pass(60s);
  until_done();
  ASSERT_EQ(invoker.ran.size(), 3u);
  EXPECT_THAT(told(), AllOf(HasSubstr(R"("condition":"EventAgeExceeded","approximateInvokeCount":2)"), HasSubstr(R"("responsePayload":)")));
}

TEST_F(EventQueueTest, TheAgeGoesOnWhileNoServerRuns) {
  config("f") = {std::nullopt, std::nullopt, "", arn("told")};
  start();
  invoker.answer = [](const InvokeRequest& request) {
    return request.function_arn == arn("f") ? FakeInvoker::bad(request) : FakeInvoker::good(request);
  };
  ASSERT_TRUE(push(arn("f"), "{}", "id-1"));
  until_ran(1);
  queue().stop();
  clock.pass(7h);
  make_queue();
  start();
  until_done();
  ASSERT_EQ(invoker.ran.size(), 2u);
  EXPECT_THAT(told(), AllOf(HasSubstr(R"("condition":"EventAgeExceeded","approximateInvokeCount":1)"),
                            HasSubstr(R"("responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"})"),
                            HasSubstr(R"("responsePayload":{"errorMessage":"no"})")))
      << "what it answered last was kept";
}

TEST_F(EventQueueTest, WithNothingReservedItEndsWithoutAnAttempt) {
  config("f").on_failure = arn("told");
  state.functions.find("f")->second.edit().reserved_concurrency = 0;
  start();
  ASSERT_TRUE(push(arn("f"), "{}", "id-1"));
  until_done();
  ASSERT_EQ(invoker.ran.size(), 1u);
  EXPECT_THAT(told(), AllOf(HasSubstr(R"("condition":"ZeroReservedConcurrency","approximateInvokeCount":0},"requestPayload":{}})"),
                            Not(HasSubstr("response"))));
}

TEST_F(EventQueueTest, EventsOfAFunctionThatIsGoneAreDropped) {
  ASSERT_TRUE(push(arn("f")));
  ASSERT_TRUE(push(arn("g:live")));
  state.functions.erase("f");
  start();
  until_done();
  EXPECT_TRUE(invoker.ran.empty());
  EXPECT_THAT(lines.lines, Contains(HasSubstr("an event was dropped: its function is gone")));
  EXPECT_TRUE(records(event_kind).empty());
}

TEST_F(EventQueueTest, SuccessIsToldByteForByte) {
  config("f").on_success = arn("told:$LATEST");
  start();
  ASSERT_TRUE(push(arn("f"), R"({"b": 1, "a": [1.0, 2e3]})", "id-1"));
  until_done();
  ASSERT_EQ(invoker.ran.size(), 2u);
  EXPECT_EQ(invoker.ran[1].function_arn, arn("told:$LATEST"));
  EXPECT_EQ(invoker.ran[1].payload,
            R"({"version":"1.0","timestamp":"2026-11-23T10:00:00.000Z","requestContext":{"requestId":"id-1","functionArn":)"
            R"("arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST","condition":"Success","approximateInvokeCount":1},)"
            R"("requestPayload":{"b": 1, "a": [1.0, 2e3]},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},)"
            R"("responsePayload":{"well": "done"}})");
  EXPECT_NE(invoker.ran[1].request_id, "id-1");
  EXPECT_THAT(guard.asked, ElementsAre(cat("arn:aws:iam::123456789012:role/r lambda:InvokeFunction ", arn("told"))));
  EXPECT_THAT(store.shapes, Contains("-event +event")) << "the end of one and the beginning of the other are one";
}

TEST_F(EventQueueTest, FailureIsToldWithWhatTheFunctionSaid) {
  config("f") = {1, std::nullopt, "", arn("told")};
  start();
  invoker.answer = [](const InvokeRequest& request) {
    auto answer = request.function_arn == arn("f") ? FakeInvoker::bad(request) : FakeInvoker::good(request);
    if (request.function_arn == arn("f")) answer->payload = "not JSON";
    return answer;
  };
  ASSERT_TRUE(push(arn("f"), "[]", "id-1"));
  until_ran(1);
  pass(60s);
  until_done();
  EXPECT_THAT(told(),
              HasSubstr(R"("condition":"RetriesExhausted","approximateInvokeCount":2},"requestPayload":[],"responseContext":)"
                        R"({"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":"not JSON"})"));
  EXPECT_THAT(store.shapes, Contains("-event -failed-attempt +event"));
}

TEST_F(EventQueueTest, WhatIsTooLargeForAnEventIsLeftOut) {
  config("f").on_success = arn("told");
  start();
  invoker.answer = [](const InvokeRequest& request) {
    auto answer = FakeInvoker::good(request);
    answer->payload = cat("\"", std::string(800'000, 'x'), "\"");
    return answer;
  };
  ASSERT_TRUE(push(arn("f"), cat("\"", std::string(400'000, 'y'), "\"")));
  until_done();
  EXPECT_THAT(told(), AllOf(HasSubstr("\"requestPayload\":\"yyy"), HasSubstr("\"responseContext\""), Not(HasSubstr("responsePayload"))));
}

TEST_F(EventQueueTest, ADestinationThatTheRoleMayNotCallIsNotTold) {
  config("f").on_success = arn("told");
  start();
  guard.denied.insert(arn("told"));
  ASSERT_TRUE(push(arn("f")));
  until_done();
  EXPECT_EQ(invoker.ran.size(), 1u);
  EXPECT_THAT(lines.lines, Contains(AllOf(HasSubstr("was not told of the end of an event (Success)"),
                                          HasSubstr("is not authorized to perform: lambda:InvokeFunction on resource"))));
  guard.denied.clear();
  state.functions.find("f")->second.edit().latest.role = "arn:aws:iam::123456789012:role/unknown";
  ASSERT_TRUE(push(arn("f")));
  until_done();
  state.functions.find("f")->second.edit().latest.role = "arn:aws:iam::210987654321:role/r";
  ASSERT_TRUE(push(arn("f")));
  until_done();
  state.functions.find("f")->second.edit().latest.role = "arn:aws:iam::123456789012:role/r";
  config("f").on_success = arn("nobody");
  ASSERT_TRUE(push(arn("f")));
  until_done();
  EXPECT_EQ(invoker.ran.size(), 4u) << "nobody was told";
  EXPECT_TRUE(records(event_kind).empty());
}

TEST_F(EventQueueTest, ADestinationIsCalledWithTheRoleOfTheVersionThatRan) {
  constexpr std::string_view first_role = "arn:aws:iam::123456789012:role/first", second_role = "arn:aws:iam::123456789012:role/second";
  auto& function = state.functions.find("f")->second.edit();
  for (const auto& [number, role] : {std::pair("1", first_role), std::pair("2", second_role)}) {
    auto version = function.latest;
    version.version = number;
    version.role = role;
    function.versions.emplace(number, std::move(version));
  }
  function.aliases["live"] = {"live", "1", "", "", {{"2", 0.5}}};
  config("f", "live") = {0, std::nullopt, arn("told"), arn("told")};
  start();
  const auto role_after = [&](std::string version, bool well) {
    invoker.answer = [=](const InvokeRequest& request) {
      auto answer = well || request.function_arn == arn("told") ? FakeInvoker::good(request) : FakeInvoker::bad(request);
      answer->executed_version = version;
      return answer;
    };
    guard.asked.clear();
    EXPECT_TRUE(push(arn("f:live")));
    until_done();
    return guard.asked.size() == 1 ? guard.asked.front().substr(0, guard.asked.front().find(' ')) : cat(guard.asked.size(), " questions");
  };
  EXPECT_EQ(role_after("1", true), first_role);
  EXPECT_EQ(role_after("2", true), second_role);
  EXPECT_EQ(role_after("2", false), second_role) << "of the last attempt";
  EXPECT_EQ(role_after("3", true), first_role) << "it is gone: what the alias stands for";
  state.functions.find("f")->second.edit().reserved_concurrency = 0;
  EXPECT_EQ(role_after("2", true), first_role) << "none ran";
}

TEST_F(EventQueueTest, FunctionsThatTellEachOtherCometoAnEnd) {
  config("f").on_success = arn("g");
  config("g").on_success = arn("f");
  start();
  ASSERT_TRUE(push(arn("f")));
  until_done();
  EXPECT_EQ(invoker.ran.size(), static_cast<std::size_t>(limits::event_hops_max) + 1);
  EXPECT_THAT(lines.lines, Contains(HasSubstr("looks like a loop of functions")));
}

TEST_F(EventQueueTest, ADeliveryThatIsNotStoredHappensAfterTheRestart) {
  config("f").on_success = arn("told");
  start();
  invoker.held = true;
  ASSERT_TRUE(push(arn("f"), "{}", "id-1"));
  until([&] { return invoker.ran.size() == 1; }, "it runs");
  store.failing = true;
  invoker.let_go();
  until_done();
  EXPECT_EQ(invoker.ran.size(), 1u);
  store.failing = false;
  EXPECT_EQ(records(event_kind).size(), 1u);
  make_queue();
  start();
  until_done();
  ASSERT_EQ(invoker.ran.size(), 3u);
  EXPECT_EQ(invoker.ran[1].request_id, "id-1");
  EXPECT_THAT(told(), HasSubstr("\"Success\""));
}

TEST_F(EventQueueTest, AFullQueueRefuses) {
  make_queue({.events_max = 2, .bytes_max = 10});
  EXPECT_TRUE(push(arn("f"), "12345"));
  const auto too_large = push(arn("f"), "123456");
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().status, 429);
  EXPECT_EQ(too_large.error().code, "TooManyRequestsException");
  EXPECT_EQ(too_large.error().message, "Rate Exceeded.");
  EXPECT_TRUE(push(arn("f"), "1"));
  EXPECT_FALSE(push(arn("f"), "1"));
  start();
  until_done();
  EXPECT_TRUE(push(arn("f"), "1234567890"));
}

TEST_F(EventQueueTest, PayloadsBeyondTheMemoryAreReadWhenTheirTurnComes) {
  make_queue({.memory_bytes_max = 10});
  for (const auto payload : {"1234567890", "[2]", "[3]"}) ASSERT_TRUE(push(arn("f"), payload));
  start();
  until_done();
  EXPECT_EQ(store.reads, 2);
  std::vector<std::string> payloads;
  for (const auto& each : invoker.ran) payloads.push_back(each.payload);
  EXPECT_THAT(payloads, ::testing::UnorderedElementsAre("1234567890", "[2]", "[3]"));

  make_queue({.memory_bytes_max = 4});
  ASSERT_TRUE(push(arn("f"), "[4]"));
  ASSERT_TRUE(push(arn("f"), "[5]"));
  make_queue({.memory_bytes_max = 4});
  start();
  until_done();
  EXPECT_EQ(store.reads, 3) << "after a restart as well";
}

TEST_F(EventQueueTest, OneFunctionDoesNotHoldUpTheOthers) {
  make_queue({.schedule = {.at_once_max = 6, .at_once_of_one_max = 4, .at_once_of_one_begin = 4}});
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(push(arn("f")));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(push(arn("g")));
  invoker.held = true;
  start();
  const auto count = [&](std::string_view name) {
    return std::ranges::count_if(invoker.ran, [&](const InvokeRequest& request) { return request.function_arn == arn(name); });
  };
  until([&] { return invoker.ran.size() == 6; }, "as many run as may");
  settle();
  EXPECT_EQ(count("f"), 3) << "in turn";
  EXPECT_EQ(count("g"), 3);
  invoker.let_go();
  until_done();
  EXPECT_EQ(invoker.most_at_once, 6);
  EXPECT_EQ(invoker.ran.size(), 23u);
}

TEST_F(EventQueueTest, AsManyRunAsAreReserved) {
  state.functions.find("f")->second.edit().reserved_concurrency = 1;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(push(arn("f")));
  start();
  until_done();
  EXPECT_EQ(invoker.ran.size(), 5u);
  EXPECT_EQ(invoker.most_at_once, 1);
}

TEST_F(EventQueueTest, WhatWaitsWhenTheServerEndsRunsAfterTheNextStart) {
  make_queue({.schedule = {.at_once_max = 1, .at_once_of_one_max = 1, .at_once_of_one_begin = 1}});
  start();
  invoker.held = true;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(push(arn("f"), cat(i)));
  until([&] { return invoker.ran.size() == 1; }, "the first runs");
  queue().stop();
  EXPECT_TRUE(push(arn("f"), "late"));
  invoker.let_go();
  until([&] { return queue().size() == 3; }, "the first ends in order");
  EXPECT_EQ(invoker.ran.size(), 1u);
  make_queue();
  start();
  until_done();
  EXPECT_EQ(invoker.ran.size(), 4u);
}

TEST_F(EventQueueTest, WhatFailsBecauseTheServerEndsHasNotFailed) {
  config("f").retries = 0;
  start();
  invoker.held = true;
  invoker.answer = FakeInvoker::bad;
  ASSERT_TRUE(push(arn("f")));
  until([&] { return invoker.ran.size() == 1; }, "it runs");
  queue().stop();
  invoker.let_go();
  until([&] { return invoker.at_once == 0; }, "it has ended");
  settle();
  EXPECT_EQ(records(event_kind).size(), 1u);
  EXPECT_TRUE(records(attempt_kind).empty());
}

TEST_F(EventQueueTest, TimersRunWithoutBeingAsked) {
  SystemClock real;
  EventQueue::Delays delays;
  EXPECT_EQ(delays.scaled(0.001).first_retry, 60ms);
  EXPECT_EQ(delays.scaled(0.001).age_max, 6h) << "what is acknowledged does not grow old faster";
  EventQueue own({invoker, store, real, random, lines, guard,
                  [this](std::string_view, std::string_view) { return std::make_shared<const State>(state); }},
                 delays.scaled(0.0001));
  invoker.answer = FakeInvoker::bad;
  own.start({loop.get()});
  ASSERT_TRUE(push(arn("f"), "{}", "", &own));
  until([&] { return own.size() == 0; }, "three attempts");
  EXPECT_EQ(invoker.ran.size(), 3u);
  own.stop();
  settle();
}

TEST_F(EventQueueTest, ADamagedRecordStopsTheStart) {
  std::atomic<bool> done = false;
  store::Batch batch;
  batch.put({std::string(event_service), "123456789012", "us-east-1", std::string(event_kind), "0000000000000001"}, "nonsense");
  store.commit(std::move(batch), [&](Result<>) { done = true; });
  until([&] { return done.load(); }, "a commit");
  EventQueue own({invoker, store, clock, random, lines, guard, {}});
  const auto loaded = own.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "the record of event 0000000000000001 is damaged: it has no first line");
}

// ---- the order alone

class EventScheduleTest : public ::testing::Test {
 public:
  void add(std::string_view name, std::string_view id) { schedule.add(event(name, id)); }
  static EventSchedule::Event event(std::string_view name, std::string_view id) {
    auto made = std::make_shared<AcceptedEvent>();
    made->function_arn = name;
    made->request_id = id;
    return made;
  }
  std::string take() {
    const auto taken = schedule.take([this](const std::string&) { return room; });
    return taken ? taken->request_id : "-";
  }
  int room = 1000;
  EventSchedule schedule{{.at_once_max = 5, .at_once_of_one_max = 4, .at_once_of_one_begin = 2}};
};

TEST_F(EventScheduleTest, FunctionsTakeTurns) {
  for (const auto id : {"f1", "f2", "f3"}) add("f", id);
  for (const auto id : {"g1", "g2"}) add("g", id);
  EXPECT_EQ(take(), "f1");
  EXPECT_EQ(take(), "g1");
  EXPECT_EQ(take(), "f2");
  EXPECT_EQ(take(), "g2");
  EXPECT_EQ(take(), "-") << "two of f run";
  schedule.ended("f", 1ms, false);
  EXPECT_EQ(take(), "f3");
  EXPECT_EQ(schedule.running(), 4);
}

TEST_F(EventScheduleTest, LongEventsGetMoreRoomAndThrottledOnesLess) {
  for (int i = 0; i < 20; ++i) add("f", cat(i));
  EXPECT_EQ(take(), "0");
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(take(), "-");
  schedule.ended("f", 200ms, false);
  EXPECT_EQ(take(), "2");
  EXPECT_EQ(take(), "3");
  EXPECT_EQ(take(), "-") << "three";
  schedule.ended("f", 1ms, true);
  EXPECT_EQ(take(), "-");
  schedule.ended("f", 1ms, false);
  EXPECT_EQ(take(), "-") << "one runs, one may";
  room = 0;
  schedule.ended("f", 1ms, false);
  EXPECT_EQ(take(), "4") << "with nothing reserved its end is all it gets";
}

TEST_F(EventScheduleTest, WhatWaitsComesBackInTime) {
  const MonotonicTime start{1h};
  schedule.add_at(event("f", "late"), start + 2s);
  schedule.add_at(event("f", "soon"), start + 1s);
  EXPECT_EQ(schedule.next_due(), start + 1s);
  schedule.advance(start);
  EXPECT_EQ(take(), "-");
  schedule.advance(start + 1s);
  EXPECT_EQ(take(), "soon");
  EXPECT_EQ(schedule.next_due(), start + 2s);
  schedule.advance(start + 9s);
  EXPECT_EQ(take(), "late");
  EXPECT_EQ(schedule.next_due(), std::nullopt);
}

TEST(EventScheduleLimits, LeaveRoomForThoseWhoWaitForAnswers) {
  const auto usual = EventSchedule::Limits::within(64);
  EXPECT_EQ(usual.at_once_max, 48);
  EXPECT_EQ(usual.at_once_of_one_max, 32);
  EXPECT_EQ(usual.at_once_of_one_begin, 4);
  const auto least = EventSchedule::Limits::within(1);
  EXPECT_EQ(least.at_once_max, 1);
  EXPECT_EQ(least.at_once_of_one_max, 1);
  EXPECT_EQ(least.at_once_of_one_begin, 1);
}

// ---- records

TEST(EventRecord, ComesBackAsItWas) {
  AcceptedEvent event;
  event.sequence = 0x1234;
  event.account_id = "123456789012";
  event.region = "us-east-1";
  event.function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
  event.qualifier = "live";
  event.request_id = "id \"1\"\n";
  event.trace_id = "Root=1-2";
  event.accepted = WallTime(1'795'428'000'123'456us);
  event.hops = 3;
  const auto key = event_key(event);
  EXPECT_EQ(key.name, "0000000000001234");
  EXPECT_EQ(key.service, "lambda-events");
  const auto read = read_event({key, event_text(event, "{\n}")});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sequence, event.sequence);
  EXPECT_EQ(read->invoked_arn(), event.invoked_arn());
  EXPECT_EQ(read->request_id, event.request_id);
  EXPECT_EQ(read->trace_id, event.trace_id);
  EXPECT_EQ(read->accepted, event.accepted);
  EXPECT_EQ(read->hops, 3);
  EXPECT_EQ(read->payload, "{\n}");
  EXPECT_EQ(read->payload_bytes, 3u);
  EXPECT_EQ(*read_event_payload(event_text(event, "")), "");

  const auto attempt = read_attempt(attempt_text({2, event.accepted, "7", "Unhandled", "{\n}"}));
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->failures, 2);
  EXPECT_EQ(attempt->next_at, event.accepted);
  EXPECT_EQ(attempt->executed_version, "7");
  EXPECT_EQ(attempt->payload, "{\n}");

  EXPECT_FALSE(read_event({{"lambda-events", "210987654321", "us-east-1", "event", key.name}, event_text(event, "")}));
  EXPECT_FALSE(read_event({{"lambda-events", "123456789012", "us-east-1", "event", "12"}, event_text(event, "")}));
  EXPECT_FALSE(read_event({key, "[]\n{}"}));
  EXPECT_FALSE(read_attempt("{}"));
}

}  // namespace
}  // namespace sallyport::lambda
