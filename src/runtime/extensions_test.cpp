// The Extensions API, the order of an environment's life, and the processes of external extensions.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "runtime/environment_api_testing.hpp"
#include "runtime/extension_host.hpp"

namespace sallyport::runtime {
namespace {

namespace fs = std::filesystem;
constexpr const char* register_path = "/2020-01-01/extension/register";
constexpr const char* event_path = "/2020-01-01/extension/event/next";
constexpr const char* unknown_id = "00000000-0000-4000-8000-000000000000";

class ExtensionsTest : public EnvironmentApiTest {
 public:
  void SetUp() override {
    char name[] = "/tmp/extensions-test-XXXXXX";
    folder = fs::canonical(mkdtemp(name));
    fs::create_directories(folder + "/extensions");
    spec.layers_directory = folder;
    sandbox = std::make_unique<PaperSandbox>();
    open();
  }
  void TearDown() override {
    EnvironmentApiTest::TearDown();
    fs::remove_all(folder);
  }
  void bring(const std::string& name) { std::ofstream(folder + "/extensions/" + name) << "#!/bin/sh\n"; }
  Task<http::Response> next_for(std::string id) { return call("GET", event_path, {}, identified(id)); }
  /// Launches what the layers bring; each registers for both kinds of events. Their identifiers.
  std::vector<std::string> launch(const std::string& events = R"("INVOKE","SHUTDOWN")") {
    Later<bool> launched;
    start(api->extensions().launch(external_extensions(folder), {"A=b"}), launched);
    const auto names = external_extensions(folder);
    until([&] { return sandbox->started() == names.size(); });
    std::vector<std::string> ids;
    for (const auto& name : names) ids.push_back(registered(name, events));
    EXPECT_TRUE(wait_for(launched));
    return ids;
  }
  std::string folder;
};

TEST_F(ExtensionsTest, OnlyFilesDirectlyInTheFolderAreExtensions) {
  bring("b");
  bring("a");
  fs::create_directories(folder + "/extensions/folder");
  fs::create_symlink("/bin/sh", folder + "/extensions/link");
  EXPECT_THAT(external_extensions(folder), testing::ElementsAre("a", "b"));
  EXPECT_THAT(external_extensions("/nowhere"), testing::IsEmpty());
  EXPECT_THAT(external_extensions(""), testing::IsEmpty());
}

TEST_F(ExtensionsTest, AFolderThatIsALinkHasNone) {
  const auto elsewhere = folder + "/elsewhere";
  fs::rename(folder + "/extensions", elsewhere);
  std::ofstream(elsewhere + "/one") << "#!/bin/sh\n";
  fs::create_directory_symlink(elsewhere, folder + "/extensions");
  EXPECT_THAT(external_extensions(folder), testing::IsEmpty());
}

TEST_F(ExtensionsTest, TheirEnvironmentLeavesOutWhatIsTheRuntimesAlone) {
  EXPECT_THAT(
      environment_of_extensions({"_HANDLER=h", "AWS_REGION=r", "LAMBDA_TASK_ROOT=/t", "AWS_EXECUTION_ENV=e", "AWS_LAMBDA_RUNTIME_API=a",
                                 "AWS_LAMBDA_LOG_STREAM_NAME=s", "MINE=1=2", "AWS_XRAY_CONTEXT_MISSING=x"}),
      testing::ElementsAre("AWS_REGION=r", "AWS_LAMBDA_RUNTIME_API=a", "MINE=1=2"));
}

TEST_F(ExtensionsTest, RegistrationTellsAboutTheFunction) {
  const auto plain = ask("POST", register_path, R"({"events":["INVOKE"]})", {{"Lambda-Extension-Name", "mine"}});
  EXPECT_EQ(plain.body, "{\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":\"app.handler\"}\n");
  ASSERT_TRUE(plain.find("Lambda-Extension-Identifier"));
  EXPECT_EQ(plain.find("Lambda-Extension-Identifier")->size(), 36);
  const auto more =
      ask("POST", register_path, "{}", {{"Lambda-Extension-Name", "other"}, {"Lambda-Extension-Accept-Feature", "x, accountId"}});
  EXPECT_EQ(more.body,
            "{\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":\"app.handler\",\"accountId\":\"123456789012\"}\n");
}

TEST_F(ExtensionsTest, RegistrationsAreRefusedWithAwsTypes) {
  const auto refused = [&](const char* body, const char* name) {
    return type_of(ask("POST", register_path, body, {{"Lambda-Extension-Name", name}}));
  };
  EXPECT_EQ(type_of(ask("POST", register_path, "{}")), "403 Extension.InvalidExtensionName");
  EXPECT_EQ(refused("", "a"), "403 InvalidRequestFormat");
  EXPECT_EQ(refused("[]", "a"), "403 InvalidRequestFormat");
  EXPECT_EQ(refused(R"({"events":[1]})", "a"), "403 InvalidRequestFormat");
  EXPECT_EQ(refused(R"({"configurationKeys":["a"]})", "a"), "403 InvalidRequestFormat");
  EXPECT_EQ(refused(R"({"events":["BOOM"]})", "a"), "403 Extension.InvalidEventType");
  EXPECT_EQ(refused(R"({"events":["SHUTDOWN"]})", "a"), "403 Extension.InvalidEventType") << "an internal one";
  registered("a", "");
  EXPECT_EQ(refused("{}", "a"), "403 Extension.InvalidExtensionState");
  for (int i = 1; i < 10; ++i) registered(cat("more", i), "");
  EXPECT_EQ(refused("{}", "one-too-many"), "403 Extension.TooManyExtensions");
}

TEST_F(ExtensionsTest, CallersMustBeKnown) {
  for (const char* path : {"/2020-01-01/extension/init/error", "/2020-01-01/extension/exit/error"}) {
    EXPECT_EQ(type_of(ask("POST", path)), "403 Extension.MissingExtensionIdentifier");
    EXPECT_EQ(type_of(ask("POST", path, "", identified("x"))), "403 Extension.InvalidExtensionIdentifier");
    EXPECT_EQ(type_of(ask("POST", path, "", identified(unknown_id))), "403 Extension.UnknownExtensionIdentifier");
  }
  EXPECT_EQ(type_of(ask("GET", event_path)), "403 Extension.MissingExtensionIdentifier");
  EXPECT_EQ(type_of(ask("GET", event_path, "", identified(unknown_id))), "403 Extension.UnknownExtensionIdentifier");
  const auto id = registered("a", "");
  EXPECT_EQ(type_of(ask("POST", "/2020-01-01/extension/exit/error", "", identified(id))), "403 Extension.MissingHeader");
}

TEST_F(ExtensionsTest, RegistrationClosesWhenTheRuntimeAsksForItsFirstEvent) {
  Later<http::Response> next;
  start(call("GET", "/2018-06-01/runtime/invocation/next"), next);
  message();
  EXPECT_EQ(type_of(ask("POST", register_path, "{}", {{"Lambda-Extension-Name", "late"}})), "403 Extension.RegistrationClosed");
  api->runtime().process_ended();
  wait_for(next);
}

TEST_F(ExtensionsTest, ExternalOnesStartBeforeTheRuntimeAndRegister) {
  bring("one");
  bring("two");
  const auto ids = launch();
  ASSERT_EQ(sandbox->started(), 2u);
  EXPECT_THAT(sandbox->program(0).arguments, testing::ElementsAre("/opt/extensions/one"));
  EXPECT_THAT(sandbox->program(0).environment, testing::ElementsAre("A=b"));
  EXPECT_TRUE(sandbox->program(0).output);
  EXPECT_EQ(type_of(ask("POST", register_path, "{}", {{"Lambda-Extension-Name", "one"}})), "403 Extension.InvalidExtensionState")
      << "twice";
}

TEST_F(ExtensionsTest, AnEventGoesToSubscribersAndTheEnvironmentIsBusyUntilAllAskForMore) {
  const auto listener = registered("listener", R"("INVOKE")"), silent = registered("silent", "");
  Later<bool> ready, settled;
  Later<http::Response> heard, nothing, more, runtime;
  start(call("GET", "/2018-06-01/runtime/invocation/next"), runtime);
  message();
  start(api->extensions().ready(), ready);
  start(next_for(silent), nothing);
  EXPECT_FALSE(ready.has_value()) << "one has not asked yet";
  start(next_for(listener), heard);
  EXPECT_TRUE(wait_for(ready));
  EXPECT_TRUE(logs.has("EXTENSION\tName: listener\tState: Ready\tEvents: [INVOKE]"));

  const auto invocation = event("id-1");
  api->extensions().announce(invocation, WallTime(std::chrono::seconds(5)));
  send(invocation);
  const auto told = wait_for(heard);
  EXPECT_EQ(told.body, cat(R"({"eventType":"INVOKE","deadlineMs":5000,"requestId":"id-1","invokedFunctionArn":")", spec.function_arn,
                           R"(:live","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-a"}})", "\n"));
  EXPECT_TRUE(told.find("Lambda-Extension-Event-Identifier"));
  wait_for(runtime);
  ask("POST", "/2018-06-01/runtime/invocation/id-1/response", "{}");
  message();
  start(api->settled(), settled);
  start(call("GET", "/2018-06-01/runtime/invocation/next"), runtime);
  run(io::sleep_for(*loop, std::chrono::milliseconds(5)));
  EXPECT_FALSE(settled.has_value()) << "the extension is still at work";
  EXPECT_FALSE(nothing.has_value()) << "it did not subscribe";
  start(next_for(listener), more);
  EXPECT_TRUE(wait_for(settled));
  EXPECT_EQ(type_of(ask("GET", event_path, "", identified(listener))), "403 Extension.InvalidExtensionState") << "it waits already";
}

TEST_F(ExtensionsTest, ACrashIsAFault) {
  bring("one");
  int failures = 0;
  api->extensions().on_fault([&] { ++failures; });
  launch();
  Later<bool> ready;
  start(api->extensions().ready(), ready);
  EXPECT_FALSE(api->extensions().process_ended({4'711, 0, 0})) << "that is none of them";
  EXPECT_TRUE(api->extensions().process_ended({100, 2, 0}));
  EXPECT_FALSE(wait_for(ready));
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(api->extensions().fault()->error_type, "Extension.Crash");
  EXPECT_EQ(api->extensions().fault()->text, "exit status 2");
  EXPECT_TRUE(logs.has("EXTENSION\tName: one\tState: Registered\tEvents: [INVOKE,SHUTDOWN]\tError Type: Extension.Crash"));
}

TEST_F(ExtensionsTest, ExitsAfterTheRuntimesOwnAreNobodysFault) {
  bring("one");
  launch();
  api->extensions().runtime_ended();
  EXPECT_TRUE(api->extensions().process_ended({100, 0, SIGKILL}));
  EXPECT_FALSE(api->extensions().fault());
}

TEST_F(ExtensionsTest, WhoIsKilledWithEverybodyIsNotToBlame) {
  bring("one");
  Later<bool> launched;
  start(api->extensions().launch(external_extensions(folder), {}), launched);
  until([&] { return sandbox->started() == 1; });
  api->extensions().expect_exits();
  EXPECT_TRUE(api->extensions().process_ended({100, 0, SIGKILL}));
  EXPECT_FALSE(wait_for(launched)) << "it will never register";
  EXPECT_FALSE(api->extensions().fault());
}

TEST_F(ExtensionsTest, ReportedErrorsNameTheFault) {
  for (const auto& [path, type] : {std::pair("init/error", "Extension.InitError"), std::pair("exit/error", "Extension.ExitError")}) {
    bring("one");
    sandbox->forget();
    const auto id = launch().front();
    auto headers = identified(id);
    headers.emplace_back("Lambda-Extension-Function-Error-Type", "Extension.Mine");
    EXPECT_EQ(ask("POST", cat("/2020-01-01/extension/", path), "{}", headers).body, "{\"status\":\"OK\"}\n");
    EXPECT_FALSE(api->extensions().fault()) << "it may have more to say";
    EXPECT_TRUE(api->extensions().process_ended({100, 1, 0}));
    EXPECT_EQ(api->extensions().fault()->error_type, type);
    EXPECT_TRUE(logs.has("\tError Type: Extension.Mine"));
    run(api->start_over());
  }
}

TEST_F(ExtensionsTest, WhatCannotBeStartedIsALaunchError) {
  bring("one");
  sandbox->refusal = "permission denied";
  EXPECT_FALSE(run(api->extensions().launch(external_extensions(folder), {})));
  EXPECT_EQ(api->extensions().fault()->error_type, "Extension.LaunchError");
  EXPECT_EQ(api->extensions().fault()->text, "fork/exec /opt/extensions/one: permission denied");
}

TEST_F(ExtensionsTest, MoreThanTenAreNotStarted) {
  for (int i = 0; i < 40; ++i) bring(cat("e", i));
  EXPECT_EQ(external_extensions(folder).size(), 11u) << "no more than it takes to tell";
  EXPECT_FALSE(run(api->extensions().launch(external_extensions(folder), {})));
  EXPECT_EQ(api->extensions().fault()->error_type, "Extension.LaunchError");
  EXPECT_EQ(sandbox->started(), 0u);
}

TEST_F(ExtensionsTest, ShutdownGivesTheRuntimeItsShareThenTellsTheExtensions) {
  bring("one");
  bring("two");
  const auto ids = launch(R"("SHUTDOWN")");
  Later<http::Response> first, second;
  Later<bool> over;
  start(next_for(ids[0]), first);
  start(next_for(ids[1]), second);
  EXPECT_TRUE(run(api->extensions().ready()));
  start(
      [](Extensions& extensions) -> Task<bool> {
        co_await extensions.shut_down(ShutdownReason::spindown, 7);
        co_return true;
      }(api->extensions()),
      over);
  EXPECT_THAT(sandbox->signals, testing::ElementsAre(std::pair(7, SIGTERM)));
  api->extensions().runtime_ended();
  const auto told = json::parse(wait_for(first).body);
  EXPECT_EQ(*told->find("eventType")->string(), "SHUTDOWN");
  EXPECT_EQ(*told->find("shutdownReason")->string(), "spindown");
  EXPECT_GT(*told->find("deadlineMs")->integer(), to_epoch_ms(clock.wall_now()));
  wait_for(second);
  EXPECT_FALSE(over.has_value());
  api->extensions().process_ended({100, 0, 0});
  api->extensions().process_ended({101, 0, 0});
  EXPECT_TRUE(wait_for(over));
  EXPECT_FALSE(api->extensions().fault()) << "they were asked to";
}

TEST_F(ExtensionsTest, ShutdownWaitsForNobodyLongerThanItsTime) {
  registered("internal", "");
  const auto begun = std::chrono::steady_clock::now();
  run(api->extensions().shut_down(ShutdownReason::failure, 7));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(took, limits::shutdown_time_internal - std::chrono::milliseconds(20));
  EXPECT_LT(took, limits::shutdown_time);
  EXPECT_THAT(sandbox->signals, testing::ElementsAre(std::pair(7, SIGTERM), std::pair(7, SIGKILL)));
}

TEST_F(ExtensionsTest, WithoutExtensionsTheEndTakesNoTime) {
  run(api->extensions().shut_down(ShutdownReason::spindown, 7));
  EXPECT_TRUE(sandbox->signals.empty());
}

TEST_F(ExtensionsTest, EndingTheEnvironmentEndsEveryWait) {
  bring("one");
  Later<bool> launched;
  start(api->extensions().launch(external_extensions(folder), {}), launched);
  until([&] { return sandbox->started() == 1; });
  run(api->start_over());
  EXPECT_FALSE(wait_for(launched));
}

}  // namespace
}  // namespace sallyport::runtime
