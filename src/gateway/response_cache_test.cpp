// Answers that stages keep: the cache itself, and end to end through the gateway.
#include "gateway/response_cache.hpp"

#include "gateway/testing.hpp"
#include "gateway/trace.hpp"

namespace sallyport::gateway {
namespace {

using testing::FakeInvoker;
using testing::World;

const MonotonicTime start{std::chrono::hours(1)};

ResponseCache::Response response(std::size_t bytes) {
  auto out = std::make_shared<http::Response>();
  out->body.assign(bytes, 'x');
  return out;
}

TEST(ResponseCacheTest, KeepsForItsTimeAndNoLonger) {
  ResponseCache cache;
  cache.keep("s", "a", response(10), start, start + std::chrono::seconds(5), 1 << 20);
  EXPECT_TRUE(cache.find("s", "a", start + std::chrono::seconds(4)));
  EXPECT_FALSE(cache.find("t", "a", start)) << "each stage has its own";
  EXPECT_FALSE(cache.find("s", "a", start + std::chrono::seconds(5)));
  EXPECT_EQ(cache.byte_count(), 0u);
  cache.keep("s", "a", response(10), start, start + std::chrono::seconds(5), 1 << 20);
  cache.forget("s", "a");
  EXPECT_FALSE(cache.find("s", "a", start));
}

TEST(ResponseCacheTest, IsBounded) {
  ResponseCache cache;
  const auto until = start + std::chrono::hours(1);
  cache.keep("s", "large", response(limits::cached_response_bytes_max + 1), start, until, 1 << 30);
  EXPECT_FALSE(cache.find("s", "large", start));
  constexpr std::size_t stage_max = 1 << 20;
  for (int i = 0; i < 200; ++i) cache.keep("s", cat(i), response(20'000), start + std::chrono::seconds(i), until, stage_max);
  EXPECT_LE(cache.byte_count(), stage_max);
  EXPECT_FALSE(cache.find("s", "0", start + std::chrono::seconds(200))) << "the oldest goes first";
  EXPECT_TRUE(cache.find("s", "199", start + std::chrono::seconds(200)));
  const auto later = start + std::chrono::seconds(300);
  for (int i = 0; i < 600; ++i) cache.keep("t", cat(i), response(1 << 19), later, until, limits::cache_bytes_max);
  EXPECT_LE(cache.byte_count(), limits::cache_bytes_max);
  EXPECT_FALSE(cache.find("s", "165", later)) << "a stage nobody asks loses its own first";
  cache.keep("u", "x", response(1), start + std::chrono::hours(3), start + std::chrono::hours(4), stage_max);
  EXPECT_LE(cache.byte_count(), 2000u) << "parts of stages that are gone are given up";
}

class CachedTest : public ::testing::Test {
 public:
  void SetUp() override {
    world.invoker.functions["backend"] = [this](const std::string&) {
      return FakeInvoker::Ending{cat(R"({"statusCode":)", status, R"(,"body":"answer )", ++calls, "\"}")};
    };
    put("GET");
    put("POST");
  }
  void put(std::string verb) {
    world.method("/c/{id}", verb);
    PutIntegrationRequest request{world.api_id, world.resource("/c/{id}"), verb, "AWS_PROXY", World::function_uri("backend"), "POST"};
    request.cache_key_parameters = {"method.request.path.id", "method.request.querystring.q"};
    ASSERT_TRUE(world.operations.put_integration(request));
  }
  void stage(PatchOperations patch) {
    const auto done = world.operations.update_stage(world.api_id, "prod", patch);
    ASSERT_TRUE(done) << done.error().message;
    world.stages.publish(world.state);
  }
  void turn_on() {
    world.deploy();
    stage({{"replace", "/cacheClusterEnabled", "true", {}},
           {"replace", "/*/*/caching/enabled", "true", {}},
           {"replace", "/*/*/caching/ttlInSeconds", "10", {}}});
  }
  std::string get(std::string_view target, std::vector<std::string> headers = {}) {
    return world.send("GET", target, std::move(headers)).body;
  }

  World world;
  int calls = 0, status = 200;
};

TEST_F(CachedTest, OffUntilStageAndMethodHaveIt) {
  world.deploy();
  EXPECT_EQ(get("/c/1"), "answer 1");
  EXPECT_EQ(get("/c/1"), "answer 2");
  stage({{"replace", "/*/*/caching/enabled", "true", {}}});
  EXPECT_EQ(get("/c/1"), "answer 3");
  EXPECT_EQ(get("/c/1"), "answer 4");
  stage({{"replace", "/cacheClusterEnabled", "true", {}}});
  EXPECT_EQ(get("/c/1"), "answer 5");
  EXPECT_EQ(get("/c/1"), "answer 5");
  stage({{"replace", "/cacheClusterEnabled", "false", {}}});
  EXPECT_EQ(get("/c/1"), "answer 6");
}

TEST_F(CachedTest, AllValuesOfAParameterAreInTheKey) {
  turn_on();
  EXPECT_EQ(get("/c/1?q=a"), "answer 1");
  EXPECT_EQ(get("/c/1?q=b&q=a"), "answer 2") << "or what a backend makes of b would be kept as the answer to a";
  EXPECT_EQ(get("/c/1?q=a&q=b"), "answer 3");
  EXPECT_EQ(get("/c/1?q=a"), "answer 1");
  EXPECT_EQ(get("/c/1?q=b&q=a"), "answer 2");
}

TEST_F(CachedTest, TheKeyIsWhatTheIntegrationSays) {
  turn_on();
  EXPECT_EQ(get("/c/1?q=a&z=1"), "answer 1");
  EXPECT_EQ(get("/c/1?q=a&z=2"), "answer 1") << "z makes no difference";
  EXPECT_EQ(get("/c/2?q=a"), "answer 2");
  EXPECT_EQ(get("/c/1?q=b"), "answer 3");
  EXPECT_EQ(get("/c/1"), "answer 4") << "absent is not empty";
  EXPECT_EQ(get("/c/1?q="), "answer 5");
  EXPECT_EQ(world.send("POST", "/c/1?q=a").body, "answer 6") << "all methods means GET alone";
  EXPECT_EQ(world.send("POST", "/c/1?q=a").body, "answer 7");
  stage({{"replace", "/~1c~1{id}/POST/caching/enabled", "true", {}}});
  EXPECT_EQ(world.send("POST", "/c/1?q=a").body, "answer 8");
  const auto hit = world.send("POST", "/c/1?q=a");
  EXPECT_EQ(hit.body, "answer 8");
  EXPECT_TRUE(json::to_text(describe(*world.trace(hit))).contains(R"("response_cache":"hit)"));
}

TEST_F(CachedTest, ForItsTimeAndUntilItIsFlushed) {
  turn_on();
  EXPECT_EQ(get("/c/1"), "answer 1");
  world.clock.now += std::chrono::seconds(9);
  EXPECT_EQ(get("/c/1"), "answer 1");
  world.clock.now += std::chrono::seconds(1);
  EXPECT_EQ(get("/c/1"), "answer 2");
  ASSERT_TRUE(world.operations.flush_stage_cache(world.api_id, "prod"));
  world.stages.publish(world.state);
  EXPECT_EQ(get("/c/1"), "answer 3");
  status = 500;
  EXPECT_EQ(get("/c/2"), "answer 4");
  EXPECT_EQ(get("/c/2"), "answer 5") << "errors are not kept";
}

TEST_F(CachedTest, WhoMayAskPastIt) {
  turn_on();
  const std::vector<std::string> past{"Cache-Control: no-store, Max-Age=0"};
  EXPECT_EQ(get("/c/1"), "answer 1");
  const auto warned = world.send("GET", "/c/1", past);
  EXPECT_EQ(warned.body, "answer 1") << "nobody IAM knows";
  EXPECT_NE(warned.header("Warning"), "");
  stage({{"replace", "/*/*/caching/unauthorizedCacheControlHeaderStrategy", "SUCCEED_WITHOUT_RESPONSE_HEADER", {}}});
  EXPECT_EQ(world.send("GET", "/c/1", past).header("Warning"), "");
  stage({{"replace", "/*/*/caching/unauthorizedCacheControlHeaderStrategy", "FAIL_WITH_403", {}}});
  EXPECT_EQ(world.send("GET", "/c/1", past).status, 403);
  EXPECT_EQ(get("/c/1"), "answer 1");
  stage({{"replace", "/*/*/caching/requireAuthorizationForCacheControl", "false", {}}});
  EXPECT_EQ(world.send("GET", "/c/1", past).body, "answer 2");
  EXPECT_EQ(get("/c/1"), "answer 2") << "the new answer is kept";
}

TEST_F(CachedTest, ADeploymentBeginsAnew) {
  turn_on();
  EXPECT_EQ(get("/c/1"), "answer 1");
  world.method("/new", "GET");
  ASSERT_TRUE(world.operations.put_integration({world.api_id, world.resource("/new"), "GET", "MOCK"}));
  world.deploy();
  EXPECT_EQ(get("/c/1"), "answer 2");
}

}  // namespace
}  // namespace sallyport::gateway
