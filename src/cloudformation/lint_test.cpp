#include "cloudformation/bearer.hpp"
#include "cloudformation/testing.hpp"

namespace sallyport::cloudformation {
namespace {

TEST(Bearer, ExpressionsThatLetBearerTokensThrough) {
  for (const auto* expression :
       {"", ".*", "^Bearer .+$", "Bearer [A-Za-z0-9._-]+", "(?i)bearer\\s+\\S+", "^[Bb]earer [-0-9a-zA-Z._]*$", "(Basic|Bearer) .*",
        "^.{10,}$", "Bearer [a-f0-9]{32}", "\\w+ \\w+\\.\\w+\\.\\w+", "[^,]+", "^(?:Bearer|Token) (?P<token>[^ ]+)$", "\\ABearer .*\\z",
        "(?=Bearer).*", "[[:alpha:]]+ .*", "Bearer \\pL+", "(.+)+", "Bearer (a|b)*="}) {
    EXPECT_TRUE(can_match_bearer(expression) || *expression == '\0') << expression;
  }
}

TEST(Bearer, ExpressionsThatLetNoneThrough) {
  for (const auto* expression :
       {"^[-_A-Za-z0-9]+\\.[-_A-Za-z0-9]+\\.[-_A-Za-z0-9]+$", "Bearer", "^Bearer $", "^x-[a-z]+", "Basic .*", "Bearer[A-Za-z0-9]+", "\\S+",
        "[^ ]*", "\\d+", "^Bearer [$%&]+$", "Bearer .{0}", "$.*Bearer .+", "(?:Bearer:|Token) .*", "Bearer ^.+"}) {
    EXPECT_FALSE(can_match_bearer(expression)) << expression;
  }
}

TEST(Bearer, HugeExpressionsAreNotJudged) {
  EXPECT_TRUE(can_match_bearer("((((a{1000}){1000}){1000}){1000}){1000}"));
  EXPECT_TRUE(can_match_bearer(std::string(100'000, '(')));
  EXPECT_TRUE(can_match_bearer("a" + std::string(100'000, '?')));
}

constexpr std::string_view api = R"(Transform: AWS::Serverless-2016-10-31
Resources:
  Auth:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: auth, Handler: HANDLER, Runtime: RUNTIME}
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: app.handler
      Runtime: python3.12
      Events:
        A: {Type: Api, Properties: {Path: /a, Method: get, RestApiId: !Ref Api}}
        B: {Type: Api, Properties: {Path: /b, Method: get, RestApiId: !Ref Api}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        DefaultAuthorizer: Guard
        Authorizers:
          Guard: {FunctionArn: !GetAtt Auth.Arn, Identity: {ReauthorizeEvery: 0}}
)";

class Lint : public FolderTest {
 public:
  std::string of(std::string_view handler, std::string_view runtime, std::string_view text = api) {
    return warnings(loaded(replace_all(replace_all(text, "HANDLER", handler), "RUNTIME", runtime)));
  }
  std::string python(std::string_view source, std::string_view text = api) {
    write("auth/app.py", source);
    return of("app.handler", "python3.12", text);
  }
  std::string node(std::string_view source, std::string_view text = api) {
    write("auth/app.js", source);
    return of("app.handler", "nodejs22.x", text);
  }
  static std::string shape(std::string_view place, std::string_view member) {
    return cat("auth/", place, ": authorizer Guard: reads `", member,
               "` of the event, and a TOKEN authorizer's event has only type, authorizationToken and methodArn: AWS lets no token through, "
               "a valid one neither (read "
               "event.authorizationToken, or make it a REQUEST authorizer (SAM: FunctionPayloadType: REQUEST))\n");
  }
};

TEST_F(Lint, TokenAuthorizersHaveNoHeadersInPython) {
  EXPECT_EQ(python("import os\n\ndef handler(event, context):\n    token = event.get(\"headers\", {}).get(\"Authorization\")\n"),
            shape("app.py:4:13", "headers"));
  EXPECT_EQ(python("def handler(event, _):\n  return event['headers']['Authorization']\n"), shape("app.py:2:10", "headers"));
  EXPECT_EQ(python("async def handler(\n    e: dict,\n    _,\n) -> dict:\n  q = e[ 'queryStringParameters' ]\n"),
            shape("app.py:5:7", "queryStringParameters"));
  EXPECT_EQ(python("def handler(event, _):\n  return token_of(event)\n\ndef token_of(e):\n  return e['path']\n"),
            shape("app.py:5:10", "path"));
  // What is not the event's, not code, or of another function.
  EXPECT_EQ(python("def handler(event, _):\n  # event['headers']\n  '''event['headers']'''\n  return my_event['headers']\n"), "");
  EXPECT_EQ(python("def handler(event, _):\n  pass\n\ndef other(event, _):\n  return event['headers']\n"), "");
  EXPECT_EQ(python("def broken(:\n"), "");
}

TEST_F(Lint, TokenAuthorizersHaveNoHeadersInNode) {
  EXPECT_EQ(node("exports.handler = async (event) => {\n  const h = event.headers;\n};\n"), shape("app.js:2:13", "headers"));
  EXPECT_EQ(node("exports.handler = async event =>\n  check(event?.headers?.authorization);\n"), shape("app.js:2:9", "headers"));
  EXPECT_EQ(node("exports.handler = async ({ headers, methodArn }) => {\n};\n"), shape("app.js:1:26", "headers"));
  EXPECT_EQ(node("async function handler(event, context) {\n  const { headers: h = {} } = event;\n}\nmodule.exports = { handler };\n"),
            shape("app.js:2:9", "headers"));
  EXPECT_EQ(node("const authorize = function (e) { return e['path']; };\nmodule.exports.handler = middy(authorize);\n"),
            shape("app.js:1:41", "path"));
  EXPECT_EQ(node("const f = (e) => e.headers;\nexport { f as handler };\n"), shape("app.js:1:18", "headers"));
  EXPECT_EQ(node("exports.handler = async (event) => {\n  // event.headers\n  /* event.headers */ return `// ${1}`;\n};\nexports.other = "
                 "(event) => event.headers;\n"),
            "");
}

TEST_F(Lint, HandlersForBothShapesAreFine) {
  EXPECT_EQ(python("def handler(event, _):\n  if event['type'] == 'TOKEN':\n    return 1\n  return event['headers']\n"), "");
  EXPECT_EQ(python("def handler(event, _):\n  t = event.get('authorizationToken') or event['headers']['authorization']\n"), "");
  EXPECT_EQ(node("exports.handler = async (event) => {\n  if (event.type === 'REQUEST') return event.headers;\n};\n"), "");
  EXPECT_EQ(node("exports.handler = async ({ type, headers }) => {};\n"), "");
  EXPECT_EQ(
      python("def handler(event, _):\n  return event['headers']\n", replace_all(api, "Guard: {", "Guard: {FunctionPayloadType: REQUEST, ")),
      "");
}

constexpr std::string_view narrow = R"(def policy(effect, resource):
    return {"principalId": "u", "policyDocument": {"Version": "2012-10-17", "Statement": [
        {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}]}}

def handler(event, context):
    token = event["authorizationToken"]
    return policy("Allow", event["methodArn"])
)";

TEST_F(Lint, PoliciesForOneMethodMustNotBeCached) {
  const auto cached = replace_all(api, ", Identity: {ReauthorizeEvery: 0}", "");
  const auto expected = [](std::string_view ttl, std::string_view reach) {
    return cat("auth/app.py:7:28: authorizer Guard: allows the one method of methodArn, and the answer is cached for ", ttl, " s for ",
               reach,
               ": AWS answers the next method called with the same token with 403 (allow the whole stage (`.../STAGE/*`), or set the TTL "
               "to 0 (SAM: "
               "Identity.ReauthorizeEvery: 0))\n");
  };
  EXPECT_EQ(python(narrow, cached), expected("300", "2 methods"));
  EXPECT_EQ(python(narrow, replace_all(api, "ReauthorizeEvery: 0", "ReauthorizeEvery: 60")), expected("60", "2 methods"));
  EXPECT_EQ(python(narrow), "") << "not cached";
  const auto one = replace_all(cached, "        B: {Type: Api, Properties: {Path: /b, Method: get, RestApiId: !Ref Api}}\n", "");
  EXPECT_EQ(python(narrow, one), "") << "one method has one ARN";
  EXPECT_EQ(python(narrow, replace_all(one, "Path: /a", "Path: '/a/{id}'")), expected("300", "more than one path or verb"));
  EXPECT_EQ(python(replace_all(narrow, "event[\"methodArn\"])", "event[\"methodArn\"].split(\"/\")[0] + \"/*\")"), cached), "");
  EXPECT_EQ(python(replace_all(narrow, "\"Resource\": resource", "\"Resource\": \"*\""), cached), "");
  const auto by_path = replace_all(api, "Identity: {ReauthorizeEvery: 0}",
                                   "FunctionPayloadType: REQUEST, Identity: {Headers: [Authorization], Context: [path]}");
  EXPECT_EQ(python(narrow, by_path), "") << "each path has an entry of its own";
}

TEST_F(Lint, ExpressionsThatShutEverybodyOut) {
  const auto with = [&](std::string_view identity) {
    return replace_all(api, "Identity: {ReauthorizeEvery: 0}", cat("Identity: {ReauthorizeEvery: 0, ", identity, "}"));
  };
  EXPECT_EQ(python(narrow, with("ValidationExpression: '^[A-Za-z0-9]+$'")),
            "template.yaml:22:11: authorizer Guard: no header `Authorization: Bearer TOKEN` matches the validation expression "
            "`^[A-Za-z0-9]+$`: the whole value is "
            "tested, `Bearer ` included, and AWS answers 401 without calling the function (write ^Bearer [-0-9A-Za-z._~+/]+=*$, or leave "
            "it out)\n");
  EXPECT_EQ(python(narrow, with("ValidationExpression: '^Bearer [A-Za-z0-9]+$'")), "");
  EXPECT_EQ(python(narrow, with("Header: X-Token, ValidationExpression: '^x-[a-z]+'")), "") << "another header holds other things";
}

TEST_F(Lint, MissingPermissionsAreNamed) {
  write("auth/app.py", narrow);
  const auto text = replace_all(replace_all(replace_all(api, "HANDLER", "app.handler"), "RUNTIME", "python3.12"), "Guard: {",
                                "Guard: {DisableFunctionDefaultPermissions: true, ");
  auto stack = loaded(text);
  const auto& [api_id, made] = *stack.gateway.apis.begin();
  const auto& authorizer_id = made->draft->authorizers.begin()->first;
  const auto line = [&](std::string_view place, std::string_view where, std::string_view function, std::string_view resource) {
    std::string arn;
    for (const auto& [name, each] : stack.lambda.functions)
      if (name.starts_with(cat("sallyport-", function, "-"))) arn = each->latest.function_arn;
    return cat(
        "template.yaml:", place, ": ", where, ": API Gateway may not call ", arn,
        ": every call is answered with 500 (add an AWS::Lambda::Permission for that function with Action lambda:InvokeFunction, Principal "
        "apigateway.amazonaws.com and a SourceArn that covers arn:aws:execute-api:us-east-1:123456789012:",
        api_id, resource, ")\n");
  };
  EXPECT_EQ(warnings(stack), line("22:11", "authorizer Guard", "Auth", cat("/authorizers/", authorizer_id)));

  // The policies are really asked: without them nobody may call.
  for (auto& [name, function] : stack.lambda.functions) function.edit().policies.clear();
  const auto all = warnings(stack);
  EXPECT_NE(all.find(line("13:9", "method GET /a", "Fn", "/live/GET/a")), std::string::npos) << all;
  EXPECT_NE(all.find(line("14:9", "method GET /b", "Fn", "/live/GET/b")), std::string::npos) << all;
}

TEST_F(Lint, APermissionForMethodsDoesNotCoverAnAuthorizer) {
  write("auth/app.py", narrow);
  const auto with = [&](std::string_view source) {
    return of("app.handler", "python3.12",
              cat(replace_all(api, "Guard: {", "Guard: {DisableFunctionDefaultPermissions: true, "), R"(
  May:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Auth, Action: lambda:InvokeFunction, Principal: apigateway.amazonaws.com, SourceArn: !Sub 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/)",
                  source, "'}\n"));
  };
  EXPECT_NE(with("*/GET/*").find("authorizer Guard: API Gateway may not call"), std::string::npos);
  EXPECT_EQ(with("*"), "");
  EXPECT_EQ(with("authorizers/*"), "");
}

}  // namespace
}  // namespace sallyport::cloudformation
