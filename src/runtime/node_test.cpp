// Node.js handlers, through our bootstrap.
#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class NodeTest : public RuntimeTest {
 public:
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "nodejs22.x";
    spec.handler = "app.handler";
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
  }
  void app(std::string_view text) { write("app.js", text); }
  /// What the console makes of a message during the last event.
  auto console_line(std::string_view level, std::string_view text) {
    return MatchesRegex(cat("[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z\t", last_id, "\t", level, "\t", text));
  }
  /// Replaces the environments by those of this function, and runs an event.
  std::string failure_of(const std::string& file, std::string_view text) {
    restart();
    fs::remove_all(spec.code_directory);
    write(file, text);
    return failure("{}");
  }
};

TEST_F(NodeTest, ReturnsWhatTheHandlerReturns) {
  app("exports.handler = async (event) => event;");
  for (const char* same : {R"({"a":[1,2.5,"é"]})", "[]", "\"text\"", "null", "true"}) EXPECT_EQ(answer(same), same);
  EXPECT_EQ(answer(R"(  {"a" : "\u00e9"} )"), R"({"a":"é"})");
  const std::string large = cat("\"", std::string(5'000'000, 'x'), "\"");
  EXPECT_EQ(answer(large), large);
}

TEST_F(NodeTest, TheServerIsReachedByPipesAlone) {
  app(R"(const fs = require("fs");
exports.handler = async () => [1, 2, 3, 4].map((number) => fs.fstatSync(number).isFIFO());)");
  EXPECT_EQ(answer("{}"), "[true,true,true,true]") << "through a socket descriptors could be sent";
}

TEST_F(NodeTest, GivesTheContextItsMembers) {
  app(R"(exports.handler = async (event, context) => ({...context, left: context.getRemainingTimeInMillis(), keys: Object.keys(context),
    kinds: ["done", "succeed", "fail"].map((name) => typeof context[name]).join()});)");
  const auto context = result("{}");
  const auto text = [&](const char* name) { return std::string(*context.find(name)->string()); };
  EXPECT_EQ(text("awsRequestId"), last_id);
  EXPECT_EQ(text("logGroupName"), "/aws/lambda/f");
  EXPECT_THAT(text("logStreamName"), MatchesRegex("[0-9]{4}/[0-9]{2}/[0-9]{2}/\\[\\$LATEST\\][0-9a-f]{32}"));
  EXPECT_EQ(text("functionName"), "f");
  EXPECT_EQ(text("memoryLimitInMB"), "256");
  EXPECT_EQ(text("functionVersion"), "$LATEST");
  EXPECT_EQ(text("invokedFunctionArn"), spec.function_arn + ":live");
  EXPECT_EQ(text("kinds"), "function,function,function");
  EXPECT_EQ(*context.find("callbackWaitsForEmptyEventLoop"), json::Value(true));
  for (const char* name : {"clientContext", "identity", "tenantId"}) EXPECT_FALSE(context.find(name)) << name << " is undefined";
  EXPECT_EQ(context.find("keys")->array()->size(), 15u);
  const auto left = *context.find("left")->integer();
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 30'000);
}

TEST_F(NodeTest, TheClientContextIsRead) {
  app("exports.handler = async (event, context) => context.clientContext;");
  client_context = R"({"custom":{"k":"v"}})";
  EXPECT_EQ(answer("{}"), client_context);
}

TEST_F(NodeTest, SeesTheEnvironmentOfAws) {
  spec.environment = {{"MINE", "yes"}, {"_HIDDEN", "no"}};
  app("exports.handler = async () => process.env;");
  const auto environment = result("{}");
  const std::map<std::string, std::string> expected = {
      {"MINE", "yes"},
      {"_HANDLER", "app.handler"},
      {"LAMBDA_TASK_ROOT", spec.code_directory},
      {"AWS_EXECUTION_ENV", "AWS_Lambda_nodejs22.x"},
      {"_X_AMZN_TRACE_ID", "Root=1-a"},
      {"NODE_PATH",
       cat("/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:", spec.code_directory)}};
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(environment.find(name)) << name;
    EXPECT_EQ(std::string(*environment.find(name)->string()), value) << name;
  }
  for (const char* absent : {"_HIDDEN", "HOME", "USER", "SALLYPORT_SOURCE"}) EXPECT_FALSE(environment.find(absent)) << absent;
}

TEST_F(NodeTest, AnExceptionIsTheAnswerAndALogLine) {
  app("exports.handler = async (event) => {\n  if (event === 'text') throw 'just text';\n  throw new TypeError('bo\"om');\n};");
  const auto payload = failure("{}");
  const auto begin = cat(R"({"errorType":"TypeError","errorMessage":"bo\"om","trace":["TypeError: bo\"om","    at )");
  EXPECT_THAT(payload, StartsWith(begin));
  EXPECT_THAT(payload, HasSubstr(cat("handler (", spec.code_directory, "/app.js:3:9)")));
  EXPECT_THAT(payload, Not(HasSubstr("bootstrap"))) << "no frames of ours";
  EXPECT_EQ(last_type, "TypeError");
  ASSERT_TRUE(logs.find("Invoke Error"));
  EXPECT_THAT(logs.find("Invoke Error")->text,
              HasSubstr(cat(last_id,
                            R"(	ERROR	Invoke Error 	{"errorType":"TypeError","errorMessage":"bo\"om","stack":["TypeError: bo\"om",)")));
  EXPECT_EQ(failure("\"text\""), R"({"errorType":"string","errorMessage":"just text","trace":[]})");
  EXPECT_THAT(logs.lines.back().text, EndsWith(" MB\t")) << "the environment lives on, so there is no status";
}

TEST_F(NodeTest, AFunctionThatCannotBeLoadedSaysWhy) {
  EXPECT_EQ(failure_of("app.js", "require('left-pad');"),
            cat(R"({"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'left-pad'\nRequire stack:\n- )",
                spec.code_directory,
                R"(/app.js\n- /var/runtime/index.mjs","trace":["Runtime.ImportModuleError: Error: Cannot find module 'left-pad'",)",
                R"("Require stack:","- )", spec.code_directory, R"(/app.js","- /var/runtime/index.mjs"]})"));
  EXPECT_EQ(last_type, "Runtime.ImportModuleError");
  EXPECT_THAT(logs.lines[1].text, HasSubstr("Z\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.ImportModuleError\","));
  EXPECT_THAT(logs.lines[2].text, HasSubstr("\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError"));
  app("exports.handler = async () => 'mended';");
  EXPECT_EQ(answer("{}"), R"("mended")") << "the next event has an environment of its own";

  EXPECT_THAT(failure_of("other.js", ""),
              StartsWith(R"({"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'app')"));
  for (const char* file : {"app.js", "app.mjs"})
    EXPECT_THAT(failure_of(file, "const handler = async ( => {"),
                StartsWith(R"({"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: Unexpected token '=>'","trace":[)"));
  EXPECT_THAT(failure_of("app.js", "exports.other = 1;"),
              StartsWith(R"({"errorType":"Runtime.HandlerNotFound","errorMessage":"app.handler is undefined or not exported","trace":[)"));
  EXPECT_THAT(failure_of("app.js", "exports.handler = 1;"),
              StartsWith(R"({"errorType":"Runtime.HandlerNotFound","errorMessage":"app.handler is not a function","trace":[)"));
  EXPECT_THAT(failure_of("app.js", "throw new RangeError('early');"),
              StartsWith(R"({"errorType":"RangeError","errorMessage":"early","trace":[)"));
  EXPECT_THAT(failure_of("app.js", "Promise.reject(new Error('early')); exports.handler = async () => 1;"),
              StartsWith(R"({"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: early","trace":[)"));
  EXPECT_EQ(failure_of("app.js", "process.exit(4);"), exit_error("Runtime exited with error: exit status 4"));
  EXPECT_EQ(failure_of("app.mjs", "await new Promise(() => {});"), exit_error("Runtime exited with error: exit status 13"));
  spec.handler = "app";
  EXPECT_THAT(failure_of("app.js", ""),
              StartsWith(R"({"errorType":"Runtime.MalformedHandlerName","errorMessage":"Bad handler","trace":[)"));
  spec.handler = "../app.handler";
  EXPECT_THAT(failure_of("app.js", ""),
              StartsWith(R"({"errorType":"Runtime.MalformedHandlerName","errorMessage":"'../app.handler' is not a valid)"));
}

TEST_F(NodeTest, ModulesAreFoundWhereAwsLooks) {
  const auto answer_of = [&](const std::string& handler, const std::map<std::string, std::string>& files) {
    restart();
    fs::remove_all(spec.code_directory);
    spec.handler = handler;
    for (const auto& [name, text] : files) write(name, text);
    return answer("{}");
  };
  const std::string common = "exports.handler = async () => __filename.split('/').pop();";
  const std::string module =
      "import { basename } from 'node:path'; const name = await basename(import.meta.url); export const handler = async () => name;";
  EXPECT_EQ(answer_of("app.handler", {{"app.mjs", module}}), R"("app.mjs")");
  EXPECT_EQ(answer_of("app.handler", {{"app.cjs", common}}), R"("app.cjs")");
  EXPECT_EQ(answer_of("app.handler", {{"app.js", common}, {"app.mjs", module}}), R"("app.js")");
  EXPECT_EQ(answer_of("app.handler", {{"app.js", module}, {"package.json", R"({"type":"module"})"}}), R"("app.js")");
  EXPECT_EQ(answer_of("app.handler", {{"app", common}}), R"("app")") << "a file of exactly that name";
  EXPECT_EQ(answer_of("src/in/app.a.b", {{"src/in/app.js", "exports.a = { b: async () => 'deep' };"}}), R"("deep")");
  EXPECT_EQ(answer_of("pkg.handler", {{"node_modules/pkg/index.js", common}}), R"("index.js")");
  EXPECT_EQ(answer_of("src/app.handler",
                      {{"src/app.js", "exports.handler = async () => require('top');"}, {"top.js", "module.exports = 'by NODE_PATH';"}}),
            R"("by NODE_PATH")");
}

TEST_F(NodeTest, CallbackHandlersAnswerWhenTheEventLoopIsEmpty) {
  app(R"(
let kept;
exports.handler = (event, context, callback) => {
  if (event === "nothing") { kept = callback; return "what a handler returns without a promise does not count"; }
  if (event === "stale") kept(null, "too late");
  if (event === "error") return callback(new RangeError("no"));
  if (event === "text") return callback("no");
  if (event === "throw") throw new Error("thrown");
  if (event === "at once") context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => console.log("timer"), 20);
  callback(null, { event });
  callback(null, "the first one counts");
};)");
  EXPECT_EQ(answer("\"waits\""), R"({"event":"waits"})");
  EXPECT_EQ(logs.count("\ttimer"), 1) << "the answer came after the timer";
  EXPECT_EQ(answer("\"at once\""), R"({"event":"at once"})");
  EXPECT_EQ(logs.count("\ttimer"), 1) << "the answer did not wait";
  EXPECT_EQ(answer("\"nothing\""), "null");
  EXPECT_EQ(answer("\"stale\""), R"({"event":"stale"})");
  EXPECT_TRUE(logs.has("Invocation has already been reported as done."));
  EXPECT_THAT(failure("\"error\""), StartsWith(R"({"errorType":"RangeError","errorMessage":"no","trace":[)"));
  EXPECT_EQ(failure("\"text\""), R"({"errorType":"string","errorMessage":"no","trace":[]})");
  EXPECT_THAT(failure("\"throw\""), StartsWith(R"({"errorType":"Error","errorMessage":"thrown","trace":[)"));
}

TEST_F(NodeTest, ContextMethodsAnswerToo) {
  app(R"(exports.handler = (event, context) => {
  setInterval(() => {}, 1e6);  // they do not wait for the event loop
  if (event === 1) context.done(null, "done");
  if (event === 2) context.done("not done");
  if (event === 3) context.succeed();
  if (event === 4) context.fail();
};)");
  EXPECT_EQ(answer("1"), R"("done")");
  EXPECT_EQ(failure("2"), R"({"errorType":"string","errorMessage":"not done","trace":[]})");
  EXPECT_EQ(answer("3"), "null");
  EXPECT_EQ(failure("4"), R"({"errorType":"string","errorMessage":"handled","trace":[]})");
}

TEST_F(NodeTest, From24OnThereAreNoCallbacks) {
  spec.runtime = "nodejs24.x";
  app("exports.handler = (event, context) => [event, 'done' in context];");
  EXPECT_EQ(answer("1"), "[1,false]") << "what a handler returns is awaited, promise or not";
  restart();
  app("exports.handler = (event, context, callback) => callback();");
  EXPECT_THAT(failure("1"),
              StartsWith(R"({"errorType":"Runtime.CallbackHandlerDeprecated","errorMessage":"ERROR: AWS Lambda has removed support for )"));
}

TEST_F(NodeTest, TimersRunDuringAnEventAndTheStateOfModulesStays) {
  app(R"(let calls = 0;
exports.handler = async (event) => { await new Promise((done) => setTimeout(done, 5)); return ++calls; };)");
  for (const char* call : {"1", "2", "3"}) EXPECT_EQ(answer("{}"), call);
}

TEST_F(NodeTest, WhatIsLeftBehindRunsInTheNextEvent) {
  app(R"(let left = 0;
exports.handler = async (event) => {
  const before = left;
  setTimeout(() => left++, 1);
  if (event) for (const end = Date.now() + event; Date.now() < end; );
  return before;
};)");
  EXPECT_EQ(answer("5"), "0");
  EXPECT_EQ(answer("5"), "1") << "the loop comes round once an event, so a timer that is due runs";
}

TEST_F(NodeTest, WhatNobodyCatchesEndsTheEnvironment) {
  app(R"(let calls = 0;
exports.handler = async (event) => {
  calls++;
  if (event === "rejection") { Promise.reject(new Error("lost")); return "does not count"; }
  if (event === "late") { setTimeout(() => { throw new RangeError("late"); }, 1); await new Promise((done) => setTimeout(done, 10000)); }
  if (event === "never") await new Promise(() => {});
  return calls;
};)");
  EXPECT_EQ(answer("{}"), "1");
  EXPECT_THAT(failure("\"rejection\""),
              StartsWith(R"({"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost","trace":[)"));
  EXPECT_TRUE(logs.has(
      "\tERROR\tUnhandled Promise Rejection \t{\"errorType\":\"Runtime.UnhandledPromiseRejection\",\"errorMessage\":\"Error: lost\","
      "\"reason\":{\"errorType\":\"Error\",\"errorMessage\":\"lost\","));
  EXPECT_THAT(logs.lines.back().text, EndsWith("\tStatus: error\tError Type: Runtime.UnhandledPromiseRejection"));
  EXPECT_EQ(answer("{}"), "1") << "a fresh environment";
  EXPECT_THAT(failure("\"late\""), StartsWith(R"({"errorType":"RangeError","errorMessage":"late","trace":[)"));
  EXPECT_EQ(answer("{}"), "1") << "a fresh environment";
  EXPECT_THAT(failure("\"never\""),
              StartsWith(R"({"errorType":"Runtime.NodeJsExit","errorMessage":"The Lambda runtime client detected an unexpected )"));
  EXPECT_EQ(answer("{}"), "3") << "a promise that never settles is no reason to end";
  for (const auto& outcome : invoke_all(std::vector<std::string>(12, "\"rejection\"")))
    EXPECT_EQ(outcome.error_type, "Runtime.UnhandledPromiseRejection") << "nobody gets an environment that is about to end";
}

TEST_F(NodeTest, ExitsHaveAwsTexts) {
  app("exports.handler = async (event) => { if (event === 'kill') process.kill(process.pid, 'SIGABRT'); process.exit(event); };");
  EXPECT_EQ(failure("0"), exit_error("Runtime exited without providing a reason"));
  EXPECT_EQ(failure("5"), exit_error("Runtime exited with error: exit status 5"));
  EXPECT_EQ(failure("\"kill\""), exit_error("Runtime exited with error: signal: aborted"));
}

TEST_F(NodeTest, ATimeoutEndsTheWholeProcessGroup) {
  spec.timeout = std::chrono::seconds(1);
  app(R"(const { spawn } = require("child_process");
exports.handler = async () => { process.stdout.write(spawn("sleep", ["600"]).pid + "\n"); for (;;); };)");
  EXPECT_EQ(failure("{}"), service_error("Sandbox.Timedout", "Task timed out after 1.00 seconds"));
  std::string pid;
  for (const auto& line : logs.lines)
    if (line.source == LogLine::Source::function) pid = line.text;
  EXPECT_TRUE(ends(parse_number<int>(pid).value_or(0))) << pid;
  EXPECT_THAT(logs.lines.back().text, EndsWith(" ms\tStatus: timeout"));
}

TEST_F(NodeTest, AnAnswerMayHaveTheLimitAndNoByteMore) {
  app("exports.handler = async (event) => { if (event < 0) throw new Error('x'.repeat(-event)); return 'x'.repeat(event - 2); };");
  EXPECT_EQ(answer("6291556").size(), 6'291'556u);
  EXPECT_EQ(failure("6291557"), too_large);
  EXPECT_EQ(failure("-7000000"), too_large) << "errors are answers too";
  EXPECT_EQ(answer("2"), R"("")") << "the environment lives on";
}

TEST_F(NodeTest, ResultsAreJsonOrAnError) {
  app(R"(const loop = {}; loop.loop = loop;
const results = { undefined, function: () => 1, date: new Date(0), map: new Map(), surrogate: "\ud800", bigint: 1n, loop };
exports.handler = async (event) => results[event];)");
  EXPECT_EQ(answer("\"undefined\""), "null");
  EXPECT_EQ(answer("\"function\""), "null");
  EXPECT_EQ(answer("\"date\""), R"("1970-01-01T00:00:00.000Z")");
  EXPECT_EQ(answer("\"map\""), "{}");
  EXPECT_EQ(answer("\"surrogate\""), R"("\ud800")");
  for (const char* wrong : {"\"bigint\"", "\"loop\""})
    EXPECT_EQ(
        failure(wrong),
        R"({"errorType":"Error","errorMessage":"Unable to stringify response body","trace":["Error: Unable to stringify response body"]})");
  EXPECT_THAT(failure("{"), StartsWith(R"({"errorType":"SyntaxError",)"));
}

TEST_F(NodeTest, OutputIsLoggedLineByLineWithTheRequest) {
  spec.runtime_version_arn = "arn:v";
  app(R"(console.log("at import");
exports.handler = async () => {
  console.log("one %d", 1, { a: [2] });
  console.debug("two"); console.info("lines\nare one"); console.warn("w"); console.error("e"); console.trace("t"); console.fatal("f"); console.log();
  process.stdout.write("raw\rstays\n"); process.stderr.write("error\n");
  require("fs").writeSync(1, "no newline");
};)");
  EXPECT_EQ(answer("{}"), "null");
  EXPECT_THAT(
      logs.texts(),
      ElementsAre(MatchesRegex("INIT_START Runtime Version: nodejs:[0-9]+\\.v[0-9]+\\.[0-9]+\tRuntime Version ARN: arn:v"),
                  EndsWith("Z\tundefined\tINFO\tat import"), StartsWith("START "), console_line("INFO", "one 1 \\{ a: \\[ 2 \\] \\}"),
                  console_line("DEBUG", "two"), console_line("INFO", "lines\nare one"), console_line("WARN", "w"),
                  console_line("ERROR", "e"), console_line("TRACE", "t"), console_line("FATAL", "f"), console_line("INFO", "undefined"),
                  "raw\rstays", "error", StartsWith("END "), StartsWith("REPORT ")));
  EXPECT_EQ(logs.lines[1].request_id, "");
  EXPECT_EQ(logs.lines[11].request_id, last_id);
}

TEST_F(NodeTest, MuchOutputIsNeitherLostNorMixed) {
  app("exports.handler = async () => { process.stdout.write('first\\n'); for (let i = 0; i < 3000; i++) console.log('x'.repeat(500)); };");
  answer("{}");
  EXPECT_EQ(logs.lines.size(), 3005u);
  for (std::size_t i = 3; i < 3003; ++i) ASSERT_THAT(logs.lines[i].text, EndsWith("Z\t" + last_id + "\tINFO\t" + std::string(500, 'x')));
}

TEST_F(NodeTest, LogsAreJsonWhereAskedFor) {
  spec.environment = {{"AWS_LAMBDA_LOG_FORMAT", "JSON"}, {"AWS_LAMBDA_LOG_LEVEL", "INFO"}};
  app("exports.handler = async () => { console.debug('no'); console.info('yes', 1); console.warn({ a: 1 }); console.error('at', new "
      "RangeError('r')); };");
  answer("{}");
  EXPECT_FALSE(logs.has("DEBUG"));
  ASSERT_TRUE(logs.find("yes"));
  EXPECT_THAT(logs.find("yes")->text,
              MatchesRegex(cat(R"(\{"timestamp":"[^"]*","level":"INFO","requestId":")", last_id, R"(","message":"yes 1"\})")));
  ASSERT_TRUE(logs.find("WARN"));
  EXPECT_THAT(logs.find("WARN")->text, EndsWith(R"("message":{"a":1}})"));
  ASSERT_TRUE(logs.find("ERROR"));
  EXPECT_THAT(logs.find("ERROR")->text, HasSubstr(R"("errorType":"RangeError","errorMessage":"r","stackTrace":["RangeError: r",)"));
}

}  // namespace
}  // namespace sallyport::runtime
