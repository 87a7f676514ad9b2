#include "app/front_door.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "http/parse.hpp"

namespace sallyport::app {
namespace {

http::Request request(std::string_view method, std::string_view target, std::string_view headers) {
  const auto text = cat(method, " ", target, " HTTP/1.1\r\n", headers, "\r\n");
  auto head = http::RequestParser({10'240, 10'240, 128, 48 * 1024}).parse(text);
  EXPECT_TRUE(head && *head) << text;
  return std::move((*head)->request);
}

TEST(FrontDoorTest, HostsThatNameAnApi) {
  EXPECT_EQ(api_of_host("abc.execute-api.localhost:4566"), "abc");
  EXPECT_EQ(api_of_host("abc.execute-api.us-east-1.amazonaws.com"), "abc");
  EXPECT_EQ(api_of_host("ABC.Execute-API.localhost"), "ABC");
  for (auto host : {"localhost", "execute-api.localhost", ".execute-api.localhost", "abc.localhost", "127.0.0.1:4566", ""})
    EXPECT_FALSE(api_of_host(host)) << host;
}

TEST(AdminTest, TracesAreForThisMachineAlone) {
  gateway::TraceBuffer traces;
  const Admin admin(traces, "127.0.0.1");
  const serve::Peer here{"127.0.0.1", 1}, elsewhere{"192.0.2.7", 1};
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: localhost:4566\r\n"), here).status, 200);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: [::1]:4566\r\n"), {"::1", 1}).status, 200);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: localhost\r\n"), elsewhere).status, 403) << "whatever it calls us";
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: rebound.example\r\n"), here).status, 421);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: 127.evil.example\r\n"), here).status, 421);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: localhost\r\nOrigin: http://evil.example\r\n"), here).status, 403);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/routes", "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"), here).status, 403);
  EXPECT_EQ(admin.answer(request("POST", "/_sallyport/routes", "Host: localhost\r\n"), here).status, 405);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/health", "Host: anything\r\n"), elsewhere).status, 200);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/explain/nothing", "Host: localhost\r\n"), here).status, 404);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/", "Host: localhost\r\n"), here).status, 404);
}

}  // namespace
}  // namespace sallyport::app
