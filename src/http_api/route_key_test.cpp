// Route keys, selections and parameter mappings: what is understood, and what is refused.
#include "http_api/route_key.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "http_api/parameter_mapping.hpp"

namespace sallyport::http_api {
namespace {

std::string read(std::string_view text) {
  const auto key = parse_route_key(text);
  if (!key) return cat("! ", key.error().message);
  if (key->is_default) return "default";
  std::string out = cat(key->method, " ", key->path, " =");
  for (const auto& segment : key->segments)
    out += cat(" ",
               segment.kind == RouteSegment::Kind::literal  ? ""
               : segment.kind == RouteSegment::Kind::greedy ? "+"
                                                            : ":",
               segment.text);
  return key->ends_in_slash ? out + " /" : out;
}

TEST(RouteKey, IsAMethodAndAPathOrTheDefault) {
  EXPECT_EQ(read("$default"), "default");
  EXPECT_EQ(read("GET /"), "GET / =");
  EXPECT_EQ(read("ANY /{proxy+}"), "ANY /{proxy+} = +proxy");
  EXPECT_EQ(read("GET /pets/{id}/toys"), "GET /pets/{id}/toys = pets :id toys");
  EXPECT_EQ(read("POST /pets/"), "POST /pets/ = pets /");
  EXPECT_EQ(read("GET /a.b-c_d~e$f@g!h*i'j,k:l%2Fm"), "GET /a.b-c_d~e$f@g!h*i'j,k:l%2Fm = a.b-c_d~e$f@g!h*i'j,k:l%2Fm");
}

TEST(RouteKey, AnythingElseIsRefused) {
  for (const auto* text :
       {"",          "default",       "$Default",   "GET",          "GET/",        "GET pets",   "get /pets",      "TRACE /pets",
        "CONNECT /", "GET  /pets",    "GET /pets ", "GET //",       "GET /a//b",   "GET /{}",    "GET /{+}",       "GET /{a}b",
        "GET /a{b}", "GET /{a",       "GET /{a b}", "GET /{a}/{a}", "GET /{a+}/b", "GET /{a+}/", "GET /{a+}/{b+}", "GET /a?b",
        "GET /a#b",  "GET /\xc3\xa9", "GET /a\n",   "* /",          "$connect"})
    EXPECT_TRUE(read(text).starts_with("!")) << text;
}

std::string selected(std::string_view text) {
  const auto found = parse_selection(text);
  return found ? cat(static_cast<int>(found->kind), " ", found->name) : "!";
}

TEST(Selection, NamesAPartOfTheRequest) {
  using Kind = Selection::Kind;
  const auto is = [](Kind kind, std::string_view name) { return cat(static_cast<int>(kind), " ", name); };
  EXPECT_EQ(selected("$request.header.X-Token"), is(Kind::header, "X-Token"));
  EXPECT_EQ(selected("${request.header.X-Token}"), is(Kind::header, "X-Token"));
  EXPECT_EQ(selected("$request.querystring.a[]"), is(Kind::query, "a[]"));
  EXPECT_EQ(selected("$request.path"), is(Kind::path, ""));
  EXPECT_EQ(selected("$request.path.id"), is(Kind::path_parameter, "id"));
  EXPECT_EQ(selected("$request.body.user.names[0]"), is(Kind::body, "user.names[0]"));
  EXPECT_EQ(selected("$context.authorizer.claims.cognito:groups"), is(Kind::context, "authorizer.claims.cognito:groups"));
  EXPECT_EQ(selected("$stageVariables.v"), is(Kind::stage_variable, "v"));
  for (const auto* text : {"", "request.header.x", "$", "$request", "$request.header.", "$request.header.a b", "$request.headers.a",
                           "${request.path", "$stageVariables.a-b", "$context.", "$method.request.header.x"})
    EXPECT_EQ(selected(text), "!") << text;
}

TEST(Selection, StandsInTextInBracesAlone) {
  using Kind = Selection::Kind;
  EXPECT_EQ(*parse_selections("/${stageVariables.v}/${request.path.id}"),
            (std::vector<Selection>{{Kind::text, "/"}, {Kind::stage_variable, "v"}, {Kind::text, "/"}, {Kind::path_parameter, "id"}}));
  EXPECT_EQ(*parse_selections("a $request.path"), (std::vector<Selection>{{Kind::text, "a $request.path"}}));
  EXPECT_EQ(*parse_selections("$request.path"), (std::vector<Selection>{{Kind::path, ""}}));
  EXPECT_TRUE(parse_selections("")->empty());
  EXPECT_FALSE(parse_selections("$request.paths"));
  EXPECT_FALSE(parse_selections("a${request.path"));
  EXPECT_FALSE(parse_selections("${}"));
}

std::string mapped(MappingSide side, std::string_view key, std::string_view value) {
  const auto mapping = parse_parameter_mapping(side, key, value);
  if (!mapping) return cat("! ", mapping.error().message);
  return cat(static_cast<int>(mapping->action), " ", static_cast<int>(mapping->target), " ", mapping->name, " ", mapping->values.size());
}

TEST(ParameterMapping, ChangesHeadersQueriesThePathAndTheStatus) {
  using enum MappingSide;
  EXPECT_EQ(mapped(request, "append:header.x-a", "$request.path"), "0 0 x-a 1");
  EXPECT_EQ(mapped(request, "overwrite:querystring.q", "a${request.path.b}"), "1 1 q 2");
  EXPECT_EQ(mapped(request, "remove:header.x-a", "''"), "2 0 x-a 0");
  EXPECT_EQ(mapped(request, "overwrite:path", "/x"), "1 2  1");
  EXPECT_EQ(mapped(response, "overwrite:statuscode", "204"), "1 3  1");
  EXPECT_EQ(mapped(response, "append:header.x-a", "$response.body.id"), "0 0 x-a 1");
  const auto refused = [](MappingSide side, std::string_view key, std::string_view value) {
    return mapped(side, key, value).starts_with("!");
  };
  EXPECT_TRUE(refused(request, "append:path", "/x"));
  EXPECT_TRUE(refused(request, "remove:path", "/x"));
  EXPECT_TRUE(refused(request, "overwrite:path", ""));
  EXPECT_TRUE(refused(request, "overwrite:statuscode", "200"));
  EXPECT_TRUE(refused(response, "overwrite:querystring.a", "b"));
  EXPECT_TRUE(refused(response, "overwrite:path", "b"));
  EXPECT_TRUE(refused(response, "remove:statuscode", ""));
  EXPECT_TRUE(refused(response, "overwrite:statuscode", "99"));
  EXPECT_TRUE(refused(response, "overwrite:statuscode", "20x"));
  EXPECT_TRUE(refused(request, "header.x", "b"));
  EXPECT_TRUE(refused(request, "set:header.x", "b"));
  EXPECT_TRUE(refused(request, "append:header.", "b"));
  EXPECT_TRUE(refused(request, "append:header.a b", "b"));
  EXPECT_TRUE(refused(request, "append:header.x", "a\r\nb: c")) << "a header must not become two";
  EXPECT_TRUE(refused(request, "append:header.x", "$response.header.a"));
  EXPECT_TRUE(refused(response, "append:header.x", "$request.header.a"));
  EXPECT_TRUE(refused(request, "append:header.x", "$request.header"));
}

TEST(ParameterMapping, ReservedHeadersAreLeftAlone) {
  for (const auto* name :
       {"Authorization", "connection", "Content-Length", "Host", "Transfer-Encoding", "X-Forwarded-For", "Via", "x-amz-date",
        "X-Amzn-Trace-Id", "access-control-allow-origin", "apigw-requestid", "TE", "Upgrade", "Forwarded"}) {
    EXPECT_TRUE(mapped(MappingSide::request, cat("overwrite:header.", name), "x").contains("is reserved")) << name;
    EXPECT_TRUE(mapped(MappingSide::response, cat("remove:header.", name), "").contains("is reserved")) << name;
  }
  EXPECT_FALSE(mapped(MappingSide::request, "overwrite:header.x-amber", "x").starts_with("!"));
}

}  // namespace
}  // namespace sallyport::http_api
