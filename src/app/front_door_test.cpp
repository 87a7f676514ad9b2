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
  const http_api::HttpTraces http_traces(8, 1 << 20);
  const lambda::UrlTraces url_traces(8, 1 << 20);
  const control::CallTraces call_traces(8, 1 << 20);
  LogRing lines;
  const Admin admin(
      {traces,
       http_traces,
       url_traces,
       call_traces,
       [](const Admin::Question&) { return Result<json::Value>(json::Value()); },
       [](std::string_view pool, std::string_view) { return pool == "p" ? std::optional<json::Value>(json::Array{}) : std::nullopt; },
       {},
       [] { return std::vector<DebugSessions::Function>{{"f", "arn:f", "python3.12", "Fn"}, {"g", "arn:g", "nodejs22.x"}}; },
       lines,
       nullptr},
      "127.0.0.1", {"sallyport.internal"});
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
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/codes?pool=p&user=u", "Host: localhost\r\n"), here).status, 200);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/codes?pool=q&user=u", "Host: localhost\r\n"), here).status, 404);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/codes?pool=p&user=u", "Host: localhost\r\n"), elsewhere).status, 403);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/functions", "Host: localhost\r\n"), here).body,
            R"({"functions":[{"name":"f","arn":"arn:f","runtime":"python3.12","logical_id":"Fn"},)"
            R"({"name":"g","arn":"arn:g","runtime":"nodejs22.x"}]})");
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/functions", "Host: localhost\r\n"), elsewhere).status, 403);
  EXPECT_EQ(admin.answer(request("GET", "/_sallyport/", "Host: localhost\r\n"), here).status, 404);
}

TEST(AdminTest, HostsThatAreOurs) {
  gateway::TraceBuffer traces;
  const http_api::HttpTraces http_traces(8, 1 << 20);
  const lambda::UrlTraces url_traces(8, 1 << 20);
  const control::CallTraces call_traces(8, 1 << 20);
  LogRing lines;
  const Admin admin({traces, http_traces, url_traces, call_traces, {}, {}, {}, {}, lines, nullptr}, "192.0.2.1", {"sallyport.internal"});
  for (auto host : {"localhost:4566", "127.0.0.1:4566", "[::1]:4566", "192.0.2.1", "sallyport.internal:80",
                    "lambda.us-east-1.amazonaws.com", "lambda.localhost"})
    EXPECT_TRUE(admin.is_ours(host)) << host;
  for (auto host : {"rebound.example", "127.evil.example", "localhost.evil.example", "amazonaws.com.evil.example", "evilamazonaws.com", ""})
    EXPECT_FALSE(admin.is_ours(host)) << host;
  EXPECT_EQ(admin.misdirected().status, 421);
}

TEST(FrontDoorTest, HostsThatNameAUrl) {
  EXPECT_EQ(url_of_host("abc.lambda-url.us-east-1.localhost:4566"), "abc");
  EXPECT_FALSE(url_of_host("lambda-url.us-east-1.localhost"));
  EXPECT_FALSE(url_of_host("abc.execute-api.localhost"));
}

TEST(FrontDoorTest, ForwardedAddressesAreBelievedFromTrustedProxiesAlone) {
  const serve::Peer proxy{"10.0.0.1", 1}, stranger{"192.0.2.7", 1};
  const auto sent = request("GET", "/", "Host: a\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-For: 3.3.3.3, 10.0.0.2\r\n");
  EXPECT_EQ(client_address(sent, stranger, {"10.0.0.1"}), "192.0.2.7") << "anybody can write a header";
  EXPECT_EQ(client_address(sent, proxy, {}), "10.0.0.1");
  EXPECT_EQ(client_address(sent, proxy, {"10.0.0.1"}), "10.0.0.2") << "the last one nobody vouches for";
  EXPECT_EQ(client_address(sent, proxy, {"10.0.0.1", "10.0.0.2"}), "3.3.3.3");
  EXPECT_EQ(client_address(request("GET", "/", "Host: a\r\n"), proxy, {"10.0.0.1"}), "10.0.0.1");
  const auto from = [&](std::string_view value) {
    return client_address(request("GET", "/", cat("Host: a\r\nX-Forwarded-For: ", value, "\r\n")), proxy, {"10.0.0.1"});
  };
  EXPECT_EQ(from("1.2.3.4:5555"), "1.2.3.4");
  EXPECT_EQ(from("[2001:db8::1]:5555"), "2001:db8::1");
  EXPECT_EQ(from("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(from("unknown"), "10.0.0.1") << "no address at all";
}

}  // namespace
}  // namespace sallyport::app
