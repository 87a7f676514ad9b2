// Python handlers, through our bootstrap.
#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class PythonTest : public RuntimeTest {
 public:
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "python3.12";
    spec.handler = "app.handler";
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
  }
  void app(std::string_view text) { write("app.py", text); }
  /// The payload of an event whose environment never came up.
  std::string init_error(std::string_view type, std::string_view message, std::string_view trace = "") {
    return cat(R"({"errorMessage": ")", message, R"(", "errorType": "Runtime.)", type, R"(", "requestId": "", "stackTrace": [)", trace,
               "]}");
  }
};

TEST_F(PythonTest, ReturnsWhatTheHandlerReturns) {
  app("def handler(event, context): return event");
  for (const char* same : {R"({"a": [1, 2.5, "\u00e9"]})", "[]", "\"text\"", "null", "true", "12345678901234567890"})
    EXPECT_EQ(*json::parse(answer(same)), *json::parse(same)) << same;
  EXPECT_EQ(answer(R"(  {"a" : "é"} )"), R"({"a": "é"})") << "from python3.12 on text is not escaped";
  const std::string large = cat("\"", std::string(5'000'000, 'x'), "\"");
  EXPECT_EQ(answer(large), large);
}

TEST_F(PythonTest, NoDescriptorCanBeSentToTheServer) {
  app(R"(
import array, os, socket
def send(number):
    message = [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]
    try:
        with socket.socket(fileno=os.dup(number)) as channel:
            channel.sendmsg(*message)
        return "sent"
    except OSError as error:
        return error.errno
def handler(event, context): return [send(int(number)) for number in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{number}")]
)");
  const auto sent = result("{}");
  ASSERT_TRUE(sent.array());
  EXPECT_GE(sent.array()->size(), 5u) << "0 to 4 are there";
  for (const auto& each : *sent.array()) EXPECT_EQ(each.integer(), ENOTSOCK);
}

TEST_F(PythonTest, AProcessThatCannotAnswerIsNotWaitedFor) {
  app(R"(
import os, time
def handler(event, context):
    os.close(4)
    time.sleep(60)
)");
  EXPECT_EQ(invoke("{}").error_type, "Runtime.ExitError") << "and not its timeout";
}

TEST_F(PythonTest, OlderRuntimesEscape) {
  spec.runtime = "python3.11";
  app("def handler(event, context): return event");
  EXPECT_EQ(answer(R"("é")"), R"("\u00e9")");
}

TEST_F(PythonTest, GivesTheContextItsMembers) {
  app(R"(
def handler(event, context):
    names = "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version invoked_function_arn client_context tenant_id"
    members = {name: getattr(context, name) for name in names.split()}
    return {**members, "identity": context.identity.cognito_identity_id, "left": context.get_remaining_time_in_millis()}
)");
  const auto context = result("{}");
  const auto text = [&](const char* name) { return std::string(*context.find(name)->string()); };
  EXPECT_EQ(text("aws_request_id"), last_id);
  EXPECT_EQ(text("log_group_name"), "/aws/lambda/f");
  EXPECT_THAT(text("log_stream_name"), MatchesRegex("[0-9]{4}/[0-9]{2}/[0-9]{2}/\\[\\$LATEST\\][0-9a-f]{32}"));
  EXPECT_EQ(text("function_name"), "f");
  EXPECT_EQ(text("memory_limit_in_mb"), "256");
  EXPECT_EQ(text("function_version"), "$LATEST");
  EXPECT_EQ(text("invoked_function_arn"), spec.function_arn + ":live");
  for (const char* name : {"client_context", "tenant_id", "identity"}) EXPECT_EQ(*context.find(name), json::Value()) << name;
  const auto left = *context.find("left")->integer();
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 30'000);
}

TEST_F(PythonTest, SeesTheEnvironmentOfAws) {
  spec.environment = {{"MINE", "yes"}, {"_HIDDEN", "no"}, {"AWS_REGION", "mars"}, {"TZ", ":CET"}};
  app("import os\ndef handler(event, context): return dict(os.environ)");
  const auto environment = result("{}");
  const std::map<std::string, std::string> expected = {{"MINE", "yes"},
                                                       {"TZ", ":CET"},
                                                       {"AWS_REGION", "us-east-1"},
                                                       {"AWS_DEFAULT_REGION", "us-east-1"},
                                                       {"_HANDLER", "app.handler"},
                                                       {"LAMBDA_TASK_ROOT", spec.code_directory},
                                                       {"PWD", spec.code_directory},
                                                       {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
                                                       {"AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"},
                                                       {"AWS_LAMBDA_FUNCTION_NAME", "f"},
                                                       {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
                                                       {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"},
                                                       {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
                                                       {"AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"},
                                                       {"PYTHONPATH", "/var/runtime"},
                                                       {"LANG", "en_US.UTF-8"},
                                                       {"_X_AMZN_TRACE_ID", "Root=1-a"}};
  for (const auto& [name, value] : expected) {
    ASSERT_TRUE(environment.find(name)) << name;
    EXPECT_EQ(std::string(*environment.find(name)->string()), value) << name;
  }
  EXPECT_THAT(std::string(*environment.find("AWS_ACCESS_KEY_ID")->string()), MatchesRegex("ASIA[A-Z2-7]{16}"));
  for (const char* absent : {"_HIDDEN", "HOME", "USER", "HOSTNAME", "SALLYPORT_SOURCE"}) EXPECT_FALSE(environment.find(absent)) << absent;
}

TEST_F(PythonTest, AnExceptionIsTheAnswerAndALogLine) {
  app(R"(class Odd(ValueError): pass
def handler(event, context):
    inner()
def inner():
    raise Odd('bo"om')
)");
  EXPECT_EQ(failure("{}"),
            cat(R"({"errorMessage": "bo\"om", "errorType": "Odd", "requestId": ")", last_id, R"(", "stackTrace": ["  File \")",
                spec.code_directory, R"(/app.py\", line 3, in handler\n    inner()\n", "  File \")", spec.code_directory,
                R"(/app.py\", line 5, in inner\n    raise Odd('bo\"om')\n"]})"));
  EXPECT_EQ(last_type, "Odd");
  const auto* line = logs.find("[ERROR]");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->text, cat("[ERROR] Odd: bo\"om\nTraceback (most recent call last):\n\u00a0\u00a0File \"", spec.code_directory,
                            "/app.py\", line 3, in handler\n\u00a0\u00a0\u00a0\u00a0inner()\n\u00a0\u00a0File \"", spec.code_directory,
                            "/app.py\", line 5, in inner\n\u00a0\u00a0\u00a0\u00a0raise Odd('bo\"om')"));
  EXPECT_EQ(line->request_id, last_id);
  EXPECT_THAT(logs.lines.back().text, EndsWith(" ms\t")) << "the environment lives on, so there is no status";
}

TEST_F(PythonTest, AFunctionThatCannotBeImportedSaysWhy) {
  app("import nowhere_to_be_found\n");
  EXPECT_EQ(failure("{}"), init_error("ImportModuleError", "Unable to import module 'app': No module named 'nowhere_to_be_found'"));
  EXPECT_EQ(last_type, "Runtime.ImportModuleError");
  const auto first = logs.lines[1];
  EXPECT_THAT(first.text,
              StartsWith("[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'nowhere_to_be_found'"));
  EXPECT_EQ(first.request_id, "");
  EXPECT_THAT(logs.lines[2].text, HasSubstr("\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError"));
  app("def handler(event, context): return 'mended'\n");
  EXPECT_EQ(answer("{}"), R"("mended")") << "the next event has an environment of its own";
}

TEST_F(PythonTest, OtherFailuresOfInitHaveAwsTypes) {
  app("def handler(:\n");
  EXPECT_THAT(failure("{}"), StartsWith(R"({"errorMessage": "Syntax error in module 'app': )"));
  EXPECT_THAT(failure("{}"), HasSubstr(cat(R"("errorType": "Runtime.UserCodeSyntaxError", "requestId": "", "stackTrace": ["  File \")",
                                           spec.code_directory, R"(/app.py\" Line 1\n    def handler(:\n"]})")));
  restart();
  app("other = 1\n");
  EXPECT_EQ(failure("{}"), init_error("HandlerNotFound", "Handler 'handler' missing on module 'app'"));
  restart();
  app("raise LookupError('early')\n");
  EXPECT_THAT(failure("{}"), StartsWith(R"({"errorMessage": "early", "errorType": "LookupError", "requestId": "", "stackTrace": [)"));
  restart();
  spec.handler = "app";
  EXPECT_EQ(failure("{}"), init_error("MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"));
  restart();
  spec.handler = "sys.exit";
  EXPECT_EQ(failure("{}"), init_error("BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"));
  restart();
  spec.handler = "deep/er/app.handler";
  write("deep/er/app.py", "def handler(event, context): return __name__");
  EXPECT_EQ(answer("{}"), R"("deep.er.app")");
}

TEST_F(PythonTest, ExitsHaveAwsTexts) {
  app(R"(
import os, signal, sys
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event == "exit": sys.exit(0)
    if event == "code": os._exit(3)
    if event == "text": sys.exit("last words")
    if event == "kill": os.kill(os.getpid(), signal.SIGKILL)
    return calls
)");
  EXPECT_EQ(answer("{}"), "1");
  EXPECT_EQ(answer("{}"), "2") << "what a module remembers stays";
  EXPECT_EQ(failure("\"exit\""), exit_error("Runtime exited without providing a reason"));
  EXPECT_EQ(answer("{}"), "1") << "a crash takes it away";
  EXPECT_EQ(failure("\"code\""), exit_error("Runtime exited with error: exit status 3"));
  EXPECT_EQ(failure("\"text\""), exit_error("Runtime exited with error: exit status 1"));
  ASSERT_TRUE(logs.find("last words"));
  EXPECT_EQ(logs.find("last words")->request_id, last_id);
  EXPECT_EQ(failure("\"kill\""), exit_error("Runtime exited with error: signal: killed"));
  restart();
  app("import sys\nsys.exit(0)\n");
  EXPECT_EQ(failure("{}"), exit_error("Runtime exited without providing a reason"));
}

TEST_F(PythonTest, ATimeoutEndsTheWholeProcessGroup) {
  spec.timeout = std::chrono::seconds(1);
  app(R"(
import subprocess, time
def handler(event, context):
    print(subprocess.Popen(["sleep", "600"]).pid)
    time.sleep(600)
)");
  EXPECT_EQ(failure("{}"), service_error("Sandbox.Timedout", "Task timed out after 1.00 seconds"));
  std::string pid;
  for (const auto& line : logs.lines)
    if (line.source == LogLine::Source::function) pid = line.text;
  EXPECT_TRUE(ends(parse_number<int>(pid).value_or(0))) << pid;
  EXPECT_THAT(logs.lines.back().text, EndsWith(" ms\tStatus: timeout"));
}

TEST_F(PythonTest, AnAnswerMayHaveTheLimitAndNoByteMore) {
  spec.memory_mb = 1024;
  app("def handler(event, context):\n    if event < 0: raise Exception('x' * -event)\n    return 'x' * (event - 2)\n");
  EXPECT_EQ(answer("6291556").size(), 6'291'556u);
  EXPECT_EQ(failure("6291557"), too_large);
  EXPECT_EQ(failure("90000000"), too_large);
  EXPECT_EQ(failure("-7000000"), too_large) << "errors are answers too";
  EXPECT_EQ(answer("2"), R"("")") << "the environment lives on";
}

TEST_F(PythonTest, ResultsAreJsonOrAMarshalError) {
  app(R"(
import collections, decimal
Point = collections.namedtuple("Point", "x y")
loop = []
loop.append(loop)
results = {
    "none": None, "bytes": b"\x00raw", "nested": {"b": b"text"}, "decimal": [decimal.Decimal("1.10"), {"d": decimal.Decimal("2")}],
    "tuple": (1, "a"), "named": Point(1, [Point(2, 3)]), "keys": {2: "a", None: "b", True: "c"}, "nan": float("nan"), "set": {1}, "loop": loop,
}
def handler(event, context): return results[event]
)");
  EXPECT_EQ(answer("\"none\""), "null");
  EXPECT_EQ(answer("\"bytes\""), std::string("\0raw", 4));
  EXPECT_EQ(answer("\"nested\""), R"({"b": "text"})");
  EXPECT_EQ(answer("\"decimal\""), R"([1.10, {"d": 2}])");
  EXPECT_EQ(answer("\"tuple\""), R"([1, "a"])");
  EXPECT_EQ(answer("\"named\""), R"({"x": 1, "y": [{"x": 2, "y": 3}]})");
  EXPECT_EQ(answer("\"keys\""), R"({"2": "a", "null": "b", "true": "c"})");
  EXPECT_EQ(answer("\"nan\""), "NaN");
  EXPECT_EQ(
      failure("\"set\""),
      cat(R"({"errorMessage": "Unable to marshal response: Object of type set is not JSON serializable", "errorType": "Runtime.MarshalError", )",
          R"("requestId": ")", last_id, R"(", "stackTrace": []})"));
  EXPECT_THAT(failure("\"loop\""), StartsWith(R"({"errorMessage": "Unable to marshal response: Circular reference detected", )"));
}

TEST_F(PythonTest, EventsThatAreNoJsonAreErrors) {
  app("def handler(event, context): return event");
  for (const std::string& wrong : {std::string("{"), std::string(""), std::string("\"\xff\""), std::string("1 2")}) {
    EXPECT_THAT(failure(wrong), StartsWith(R"({"errorMessage": "Unable to unmarshal input: )")) << wrong;
    EXPECT_EQ(last_type, "Runtime.UnmarshalError");
  }
  EXPECT_EQ(answer("1"), "1") << "the environment lives on";
}

TEST_F(PythonTest, ARecordIsOneEventHoweverManyLinesItHas) {
  app(R"(
import logging
def handler(event, context):
    print("a\rb")
    logging.warning("two\nlines\n")
    try: raise ValueError("no")
    except ValueError: logging.exception("it failed")
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s"))
    logging.warning("bare")
    logging.warning("again")
)");
  answer("{}");
  EXPECT_TRUE(logs.find("a\rb")) << "what is printed stays as it is";
  EXPECT_TRUE(logs.find(cat("\t", last_id, "\ttwo\nlines\n")));
  ASSERT_TRUE(logs.find("it failed"));
  EXPECT_THAT(logs.find("it failed")->text, MatchesRegex(R"(\[ERROR\].*	it failed
Traceback \(most recent call last\):
  File ".*/app.py", line 6, in handler
(.|
)*ValueError: no)"));
  EXPECT_THAT(logs.texts(), testing::IsSupersetOf({"bare", "again"}));
}

TEST_F(PythonTest, OutputIsLoggedLineByLineWithTheRequest) {
  spec.runtime_version_arn = "arn:v";
  app(R"(
import logging, os, sys
print("at import")
def handler(event, context):
    print("one\ntwo")
    print("three", file=sys.stderr)
    logging.getLogger().setLevel(logging.INFO)
    logging.info("with %s", "level")
    os.write(1, b"no newline")
)");
  EXPECT_EQ(answer("{}"), "null");
  const auto platform = [](const std::string& text) { return StartsWith(text); };
  EXPECT_THAT(logs.texts(), ElementsAre(MatchesRegex("INIT_START Runtime Version: python:3\\.[0-9]+\\.v[0-9]+\tRuntime Version ARN: arn:v"),
                                        "at import", platform("START "), "one", "two", "three",
                                        MatchesRegex(cat("\\[INFO\\]\t[0-9-]{10}T[0-9:]{8}\\.[0-9]{3}Z\t", last_id, "\twith level")),
                                        platform("END "), platform("REPORT ")));
  EXPECT_EQ(logs.lines[1].request_id, "");
  EXPECT_EQ(logs.lines[5].request_id, last_id);
  restart();
  EXPECT_EQ(logs.lines.size(), 0u);
}

TEST_F(PythonTest, LogsAreJsonWhereAskedFor) {
  spec.environment = {{"AWS_LAMBDA_LOG_FORMAT", "JSON"}, {"AWS_LAMBDA_LOG_LEVEL", "INFO"}};
  app("import logging\ndef handler(event, context):\n    logging.debug('no')\n    logging.info('yes', extra={'more': 1})\n"
      "    if event: raise ValueError('late')\n");
  answer("{}");
  const auto* line = logs.find("yes");
  ASSERT_TRUE(line);
  const auto object = json::parse(line->text);
  ASSERT_TRUE(object) << line->text;
  EXPECT_EQ(std::string(*object->find("level")->string()), "INFO");
  EXPECT_EQ(std::string(*object->find("requestId")->string()), last_id);
  EXPECT_EQ(object->find("more")->integer(), 1);
  EXPECT_FALSE(logs.has("no\""));
  failure("1");
  ASSERT_TRUE(logs.find("late"));
  EXPECT_THAT(logs.find("late")->text, MatchesRegex("\\{\"timestamp\": \"[0-9-]{10}T[0-9:]{8}Z\", \"level\": \"ERROR\".*"));
}

}  // namespace
}  // namespace sallyport::runtime
