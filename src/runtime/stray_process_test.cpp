// Handlers that leave processes behind, and events that find no environment: nobody else pays for it.
#include "runtime/testing.hpp"

namespace sallyport::runtime {
namespace {

class StrayProcessTest : public RuntimeTest {
 public:
  void SetUp() override {
    RuntimeTest::SetUp();
    spec.runtime = "python3.12";
    spec.handler = "app.handler";
    if (const auto why = missing(spec.runtime); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(StrayProcessTest, AForkedHandlerNeitherAnswersNorTakesEvents) {
  write("app.py", R"(
import os
def handler(event, context):
    if event == "fork":
        child = os.fork()
        if child == 0: return "from the child"
        os.waitpid(child, 0)
    return "answer to " + event
)");
  EXPECT_EQ(answer("\"fork\""), "\"answer to fork\"");
  for (const char* next : {"one", "two", "three"}) EXPECT_EQ(answer(cat("\"", next, "\"")), cat("\"answer to ", next, "\""));
}

TEST_F(StrayProcessTest, AnAnswerSentTwiceIsNotTheNextEvents) {
  write("app.py", R"(
import os
def handler(event, context):
    if event == "twice":
        head = context.aws_request_id.encode() + b"\0"
        body = b'"stolen"'
        frame = bytes((18, 0, 0, 0)) + len(head).to_bytes(4, "little") + len(body).to_bytes(4, "little") + head + body
        os.write(4, frame)
    return "answer to " + event
)");
  EXPECT_EQ(answer("\"twice\""), "\"stolen\"") << "the first answer to an event counts, whoever sent it";
  EXPECT_EQ(answer("\"next\""), "\"answer to next\"");
}

TEST_F(StrayProcessTest, AGrandchildThatHoldsTheChannelHoldsNobodyUp) {
  write("app.py", R"py(
import os, subprocess, sys
def handler(event, context):
    if event == "leave":
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], close_fds=False, pass_fds=[3, 4], start_new_session=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open("pid", "w") as file: file.write(str(left.pid))
        os._exit(3)
    return event
)py");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(failure("\"leave\""), exit_error("Runtime exited with error: exit status 3"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20)) << "the function had 30 s";
  const auto left = parse_number<int>(read("pid"));
  ASSERT_TRUE(left);
  kill(*left, SIGKILL);
  EXPECT_EQ(answer("\"on\""), "\"on\"");
}

TEST_F(StrayProcessTest, AWriterWithoutEndDoesNotStopTheLoop) {
  write("app.py", R"(
import os, subprocess
def handler(event, context):
    if event == "flood": subprocess.Popen(["yes"])
    if event == "stop": os._exit(0)
    return event
)");
  EXPECT_EQ(answer("\"flood\""), "\"flood\"");
  EXPECT_EQ(answer("\"on\""), "\"on\"");
  EXPECT_TRUE(logs.has("y"));
  failure("\"stop\"");  // its group dies with it
}

TEST_F(StrayProcessTest, WhoeverWaitsTooLongIsThrottled) {
  write("app.py", R"(
import time
def handler(event, context):
    if event == "hold": time.sleep(2)
    return event
)");
  Capacity one(1, 1);
  pool = std::make_shared<Pool>(spec, surroundings, one, std::chrono::milliseconds(700));
  pool->start_ahead(*loop, 1);
  ASSERT_TRUE(until([&] { return pool->idle_count() == 1; }));
  const auto outcomes = invoke_all({"\"hold\"", "\"late\""});
  EXPECT_FALSE(outcomes[0].throttled);
  EXPECT_EQ(outcomes[0].payload, "\"hold\"");
  EXPECT_TRUE(outcomes[1].throttled);
  EXPECT_FALSE(invoke_all({"\"again\""})[0].throttled) << "and the environment serves on";
  pool->retire();
  pool.reset();
  drain();
}

}  // namespace
}  // namespace sallyport::runtime
