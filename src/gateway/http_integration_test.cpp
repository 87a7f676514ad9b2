// HTTP without proxy, and bodies between text and binary, end to end through the gateway.
#include "gateway/testing.hpp"

namespace sallyport::gateway {
namespace {

using testing::FakeInvoker;
using testing::World;

/// Keeps the last request and answers as it is told.
class Backend final : public serve::Handler {
 public:
  Task<http::Response> handle(io::Loop&, const http::Request& request, serve::BodyReader& body, const serve::Peer&) override {
    method = request.method;
    path = request.path;
    query = request.query;
    headers.clear();
    for (const auto& [name, value] : request.headers) headers[lower(name)] = std::string(value);
    if (auto bytes = co_await attempt(body.read_all(1 << 20))) sent = std::move(*bytes);
    http::Response response;
    response.status = status;
    response.add("Content-Type", type);
    response.add("X-Backend", "b");
    response.body = answer;
    co_return response;
  }
  void refused(const serve::Peer&, int, std::string_view) override {}
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }

  std::string method, path, query, sent;
  std::map<std::string, std::string> headers;
  int status = 200;
  std::string type = "application/json", answer = R"({"pets":[{"name":"Rex"}]})";
};

class HttpIntegrationTest : public ::testing::Test {
 public:
  HttpIntegrationTest() {
    listener =
        *io::Listener::open(*world.loop, "127.0.0.1", 0, [this](std::unique_ptr<io::Stream> stream) { server.accept(std::move(stream)); });
  }
  ~HttpIntegrationTest() override {
    listener.reset();
    server.shut_down(std::chrono::milliseconds(0), [this] { world.loop->stop(); });
    world.loop->run();
  }
  PutIntegrationRequest request(std::string verb = "POST") {
    PutIntegrationRequest out{
        world.api_id, world.resource("/pets/{id}"), verb, "HTTP", cat("http://127.0.0.1:", listener->port(), "/b/{id}?fixed=1"), verb};
    return out;
  }
  void put(PutIntegrationRequest integration, std::vector<PutIntegrationResponseRequest> responses) {
    const auto verb = integration.http_method;
    world.method("/pets/{id}", verb);
    const auto made = world.operations.put_integration(std::move(integration));
    ASSERT_TRUE(made) << made.error().message;
    for (auto& response : responses) {
      response.rest_api_id = world.api_id;
      response.resource_id = world.resource("/pets/{id}");
      response.http_method = verb;
      PutMethodResponseRequest declared{world.api_id, response.resource_id, verb, response.status_code, {}, {}};
      for (const auto& [name, value] : response.response_parameters) declared.response_parameters[name] = false;
      ASSERT_TRUE(world.operations.put_method_response(declared));
      const auto put = world.operations.put_integration_response(std::move(response));
      ASSERT_TRUE(put) << put.error().message;
    }
    world.deploy();
  }

  World world;
  Backend backend;
  serve::Server server{*world.loop, world.clock, backend, 16};
  std::unique_ptr<io::Listener> listener;
};

TEST_F(HttpIntegrationTest, TheBackendSeesWhatIsMappedAndNothingElse) {
  auto integration = request();
  integration.request_templates = {
      {"application/json", R"({"name":$input.json('$.name')}#set($context.requestOverride.header.X-Set = "s"))"}};
  integration.request_parameters = {{"integration.request.header.X-From", "method.request.header.X-Client"},
                                    {"integration.request.querystring.q", "method.request.querystring.in"},
                                    {"integration.request.path.id", "method.request.path.id"}};
  put(std::move(integration), {{.status_code = "200"}});
  const auto answer = world.send("POST", "/pets/7?in=a%20b&other=1",
                                 {"Content-Type: application/json", "X-Client: c", "X-Secret: s", "Authorization: t"}, R"({"name":"Rex"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, backend.answer);
  EXPECT_EQ(answer.header("X-Backend"), "") << "only mapped headers come back";
  EXPECT_EQ(backend.method, "POST");
  EXPECT_EQ(backend.path, "/b/7");
  EXPECT_EQ(backend.query, "fixed=1&q=a%20b");
  EXPECT_EQ(backend.sent, R"({"name":"Rex"})");
  EXPECT_EQ(backend.header("x-from"), "c");
  EXPECT_EQ(backend.header("x-set"), "s");
  EXPECT_EQ(backend.header("x-secret"), "");
  EXPECT_EQ(backend.header("authorization"), "");
  EXPECT_EQ(backend.header("accept"), "application/json");
  EXPECT_EQ(backend.header("user-agent"), cat("AmazonAPIGateway_", world.api_id));
  EXPECT_EQ(backend.header("content-type"), "application/json");
  EXPECT_EQ(backend.header("x-amzn-apigateway-api-id"), world.api_id);
}

TEST_F(HttpIntegrationTest, TheStatusSelectsTheResponse) {
  put(request("GET"), {{.status_code = "200",
                        .response_parameters = {{"method.response.header.X-Mapped", "integration.response.header.X-Backend"}},
                        .response_templates = {{"application/json", "$input.path('$.pets[0].name')"}}},
                       {.status_code = "404", .selection_pattern = "4\\d{2}", .response_templates = {{"application/json", "none"}}}});
  const auto found = world.send("GET", "/pets/7");
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(found.body, "Rex");
  EXPECT_EQ(found.header("X-Mapped"), "b");
  EXPECT_EQ(backend.sent, "");
  backend.status = 410;
  const auto gone = world.send("GET", "/pets/7");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.body, "none");
  backend.status = 503;
  EXPECT_EQ(world.send("GET", "/pets/7").status, 200) << "what no pattern matches is the default";
}

TEST_F(HttpIntegrationTest, WithoutADefaultAnUnmatchedStatusIsAnError) {
  put(request("GET"), {{.status_code = "200", .selection_pattern = "2\\d{2}"}});
  EXPECT_EQ(world.send("GET", "/pets/7").status, 200);
  backend.status = 404;
  EXPECT_EQ(world.send("GET", "/pets/7").status, 500);
}

TEST_F(HttpIntegrationTest, NobodyThere) {
  auto integration = request("GET");
  integration.uri = "http://127.0.0.1:1/";
  put(std::move(integration), {{.status_code = "200"}});
  const auto answer = world.send("GET", "/pets/7");
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.body, R"({"message":"Network error communicating with endpoint"})");
}

TEST_F(HttpIntegrationTest, BackendsOfThisMachineOnlyWhereTheyMayBe) {
  put(request("GET"), {{.status_code = "200"}});
  world.settings.public_backends_only = true;
  world.restart();
  EXPECT_EQ(world.send("GET", "/pets/7").status, 504);
  world.settings.private_hosts = {"127.0.0.1"};
  world.restart();
  EXPECT_EQ(world.send("GET", "/pets/7").status, 200);
}

class ContentHandlingTest : public HttpIntegrationTest {
 public:
  void SetUp() override { ASSERT_TRUE(world.operations.update_rest_api(world.api_id, {{"add", "/binaryMediaTypes/image~1png", "", {}}})); }
};

TEST_F(ContentHandlingTest, Requests) {
  auto integration = request();
  integration.content_handling = "CONVERT_TO_TEXT";
  put(std::move(integration), {{.status_code = "200"}});
  world.send("POST", "/pets/7", {"Content-Type: image/png"}, "\x01\x02");
  EXPECT_EQ(backend.sent, "AQI=");
  world.send("POST", "/pets/7", {"Content-Type: text/plain"}, "text");
  EXPECT_EQ(backend.sent, "text");
  ASSERT_TRUE(world.operations.update_integration({world.api_id, world.resource("/pets/{id}"), "POST"},
                                                  {{"replace", "/contentHandling", "CONVERT_TO_BINARY", {}}}));
  world.deploy();
  world.send("POST", "/pets/7", {"Content-Type: text/plain"}, "AQI=");
  EXPECT_EQ(backend.sent, "\x01\x02");
  world.send("POST", "/pets/7", {"Content-Type: image/png"}, "\x03");
  EXPECT_EQ(backend.sent, "\x03");
  EXPECT_EQ(world.send("POST", "/pets/7", {"Content-Type: text/plain"}, "no base64!").status, 500);
}

TEST_F(ContentHandlingTest, Answers) {
  put(request("GET"), {{.status_code = "200"}});
  const auto get = [&](std::string_view accept) { return world.send("GET", "/pets/7", {cat("Accept: ", accept)}); };
  backend.type = "image/png";
  backend.answer = "\x01\x02";
  EXPECT_EQ(get("image/png").body, "\x01\x02");
  EXPECT_EQ(get("application/json").body, "AQI=") << "binary for who wants text is base64";
  EXPECT_EQ(get("text/plain, image/png").body, "AQI=") << "the first type counts";
  backend.type = "text/plain";
  backend.answer = "AQI=";
  EXPECT_EQ(get("image/png").body, "\x01\x02") << "text for who wants binary is decoded";
  EXPECT_EQ(get("application/json").body, "AQI=");
  backend.answer = "no base64!";
  EXPECT_EQ(get("image/png").status, 500);
  const auto handling = [&](std::string value) {
    ASSERT_TRUE(world.operations.update_integration_response({world.api_id, world.resource("/pets/{id}"), "GET"}, "200",
                                                             {{"replace", "/contentHandling", std::move(value), {}}}));
    world.deploy();
  };
  handling("CONVERT_TO_TEXT");
  EXPECT_EQ(get("image/png").body, "no base64!");
  backend.type = "image/png";
  backend.answer = "\x01\x02";
  EXPECT_EQ(get("image/png").body, "AQI=");
  handling("CONVERT_TO_BINARY");
  EXPECT_EQ(get("application/json").body, "\x01\x02");
  backend.type = "text/plain";
  backend.answer = "AQI=";
  EXPECT_EQ(get("application/json").body, "\x01\x02");
}

}  // namespace
}  // namespace sallyport::gateway
