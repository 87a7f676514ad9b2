"""HTTP APIs as their clients see them: routes, both payload formats with real functions, every authorization, CORS, backends and mappings."""

import json

import pytest

import backend
from aws import ACCOUNT, Cloud, allow, invocation_uri, presigned, ran, signed, zipped
from clients import GATEWAY_ID
from conftest import Server
from recorder import REMEMBER, recorded
from test_issuers import Key, Provider

TELL = REMEMBER + """
def handler(event, context):
    remember("called")
    asked = (event.get("queryStringParameters") or {}).get("answer")
    return json.loads(asked) if asked else {"statusCode": 200, "body": json.dumps(event)}
"""

TELL_NODE = """
exports.handler = async (event) => ({ statusCode: 200, cookies: ["a=1; Secure", "b=2"], body: JSON.stringify(event) });
"""

# The header X-Tenant says what is answered.
CHECK = REMEMBER + """
import time

def handler(event, context):
    remember(event)
    tenant = {name.lower(): value for name, value in event["headers"].items()}["x-tenant"]
    arn = event.get("routeArn") or event["methodArn"]
    if tenant == "raise":
        raise Exception("Unauthorized")
    if tenant == "break":
        raise Exception("broken")
    if os.environ["FORM"] == "simple":
        return {"isAuthorized": "true" if tenant == "text" else tenant.startswith("blue"), "context": {"tenant": tenant, "roles": ["r"]}}
    effect = "Deny" if tenant == "red" else "Allow"
    resource = arn if tenant == "this" else "*" if tenant != "condition" else arn
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    if tenant == "condition":
        statement["Condition"] = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    return {"principalId": tenant, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": {"tenant": tenant, "n": 7}}
"""

UNAUTHORIZED, FORBIDDEN, BROKEN = {"message": "Unauthorized"}, {"message": "Forbidden"}, {"message": "Internal Server Error"}


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def functions(cloud, tmp_path_factory):
    """What most APIs here call: `tell` and `node` answer with their events."""
    calls = tmp_path_factory.mktemp("functions") / "calls"
    made = {"tell": cloud.make_function("tell", calls, TELL, Timeout=10)}
    made["node"] = getattr(cloud, "lambda").create_function(
        FunctionName="node",
        Runtime="nodejs22.x",
        Handler="app.handler",
        Role=cloud.make_role(),
        Code={"ZipFile": zipped({"app.js": TELL_NODE})},
    )["FunctionArn"]
    return Functions(cloud, made, calls)


class Functions:
    def __init__(self, cloud, arns, calls):
        self.cloud, self.arns, self.calls = cloud, arns, calls

    def permit(self, name, source):
        getattr(self.cloud, "lambda").add_permission(
            FunctionName=name,
            StatementId="s" + source.replace("/", "-").replace("*", "any").replace("$", ""),
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{self.cloud.region}:{ACCOUNT}:{source}",
        )


class HttpApi:
    """One API with the stage `$default`, which deploys by itself."""

    def __init__(self, cloud, functions, name="api", **more):
        self.cloud, self.functions, self.client = cloud, functions, cloud.apigatewayv2
        self.id = self.client.create_api(Name=name, ProtocolType="HTTP", **more)["ApiId"]
        self.client.create_stage(ApiId=self.id, StageName="$default", AutoDeploy=True)
        self.permitted = set()

    def function(self, name="tell", version="2.0", **more):
        if name not in self.permitted:
            self.permitted.add(name)
            self.functions.permit(name, f"{self.id}/*")
        return self.client.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=self.functions.arns[name],
            PayloadFormatVersion=version,
            **more,
        )["IntegrationId"]

    def route(self, key, integration, **more):
        return self.client.create_route(ApiId=self.id, RouteKey=key, Target=f"integrations/{integration}", **more)["RouteId"]

    def authorizer(self, **more):
        return self.client.create_authorizer(ApiId=self.id, Name="a" + str(len(more)) + str(id(more)), **more)["AuthorizerId"]

    def path(self, target):
        return f"/_aws/execute-api/{self.id}{target}"

    def call(self, target, method="GET", headers=(), body=None, key=None, service="execute-api"):
        pairs = signed(self.cloud, method, self.path(target), headers, body, key, service) if key else headers
        answer = self.cloud.server.request(method, self.path(target), pairs, body)
        assert GATEWAY_ID.fullmatch(answer.header("apigw-requestid")), answer
        assert answer.header("x-amzn-ErrorType") is None and answer.header("x-amzn-RequestId") is None
        return answer

    def explain(self, answer):
        told = self.cloud.server.request("GET", "/_sallyport/explain/" + answer.header("apigw-requestid"))
        assert told.status == 200, told
        return told.json


def expect(answer, status, body):
    assert (answer.status, answer.json) == (status, body), answer


@pytest.fixture(scope="module")
def api(cloud, functions):
    api = HttpApi(cloud, functions)
    two, one, node = api.function(), api.function(version="1.0"), api.function("node")
    api.route("GET /pets/{id}", two)
    api.route("POST /pets/{id}", two)
    api.route("ANY /files/{proxy+}", two)
    api.route("ANY /one/{id}", one)
    api.route("GET /node", node)
    return api


# ---- routes and formats


def test_what_has_no_route_is_not_found(api):
    expect(api.call("/nowhere"), 404, {"message": "Not Found"})
    expect(api.call("/pets/7", "DELETE"), 404, {"message": "Not Found"})
    expect(api.call("/pets/7/"), 404, {"message": "Not Found"})
    unknown = api.cloud.server.request("GET", "/pets/7", host="zzzzzzzzzz.execute-api.localhost")
    assert unknown.status == 403, "an id nobody has is a REST API's"


def test_format_2(api):
    answer = api.call("/pets/a%2Fb?a=1&a=2&b=x+y", headers=[("X-One", "1"), ("x-one", "2"), ("Cookie", "c=1; d=2")])
    event = answer.json
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "GET /pets/{id}", "/pets/a%2Fb")
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y"} and event["rawQueryString"] == "a=1&a=2&b=x+y"
    assert event["cookies"] == ["c=1", "d=2"] and "cookie" not in event["headers"]
    assert event["headers"]["x-one"] == "1,2" and event["headers"]["content-length"] == "0"
    assert event["pathParameters"] == {"id": "a%2Fb"} and "body" not in event and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["accountId"] == ACCOUNT and context["apiId"] == api.id and context["stage"] == "$default"
    assert context["http"]["method"] == "GET" and context["http"]["sourceIp"] == "127.0.0.1" and "authorizer" not in context
    assert context["requestId"] == answer.header("apigw-requestid")
    posted = api.call("/pets/7", "POST", {"Content-Type": "application/json"}, '{"a":1}').json
    assert (posted["body"], posted["isBase64Encoded"]) == ('{"a":1}', False)
    binary = api.call("/pets/7", "POST", {"Content-Type": "image/png"}, b"\x89PNG").json
    assert (binary["body"], binary["isBase64Encoded"]) == ("iVBORw==", True)


def test_format_1(api):
    event = api.call("/one/7?a=1&a=2", "PUT", [("X-One", "1"), ("x-one", "2")], "text").json
    assert (event["version"], event["resource"], event["path"], event["httpMethod"]) == ("1.0", "/one/{id}", "/one/7", "PUT")
    assert event["multiValueHeaders"]["X-One"] == ["1", "2"] and event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]} and event["stageVariables"] is None
    assert event["requestContext"]["resourceId"] == "ANY /one/{id}" and event["body"] == "text"


def answering(value):
    from urllib.parse import quote

    return "?answer=" + quote(json.dumps(value))


def test_answers(api):
    made_up = api.call("/pets/7" + answering({"hello": "world"}))
    assert (made_up.status, made_up.body, made_up.header("Content-Type")) == (200, b'{"hello":"world"}', "application/json")
    whole = api.call("/pets/7" + answering({"statusCode": 201, "cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": True, "more": 1}))
    assert (whole.status, whole.body, whole.all("set-cookie")) == (201, b"hi", ["a=1", "b=2"])
    expect(api.call("/pets/7" + answering({"statusCode": "no"})), 500, BROKEN)
    expect(api.call("/one/7" + answering({"hello": "world"})), 500, BROKEN)
    node = api.call("/node")
    assert node.json["version"] == "2.0" and node.all("set-cookie") == ["a=1; Secure", "b=2"]


def test_the_function_has_to_permit_the_call(cloud, functions):
    api = HttpApi(cloud, functions, "closed")
    api.permitted.add("tell")
    api.route("GET /", api.function())
    expect(api.call("/"), 500, BROKEN)
    assert "AccessDeniedException" in api.explain(api.call("/"))["answer"]["why"]


def test_stages(cloud, functions):
    api = HttpApi(cloud, functions, "stages")
    api.client.create_stage(ApiId=api.id, StageName="dev", AutoDeploy=True, StageVariables={"color": "blue"})
    api.route("GET /pets", api.function())
    assert api.call("/pets").json["requestContext"]["stage"] == "$default"
    event = api.call("/dev/pets").json
    assert (event["requestContext"]["stage"], event["rawPath"], event["stageVariables"]) == ("dev", "/dev/pets", {"color": "blue"})
    api.client.delete_stage(ApiId=api.id, StageName="$default")
    expect(api.call("/pets"), 404, {"message": "Not Found"})
    assert api.call("/dev/pets").status == 200


def test_limits(cloud, functions):
    api = HttpApi(cloud, functions, "limits")
    api.route("GET /free", api.function())
    api.route("GET /limited", api.function())
    limits = {"GET /limited": {"ThrottlingRateLimit": 0.01, "ThrottlingBurstLimit": 2}}
    api.client.update_stage(ApiId=api.id, StageName="$default", RouteSettings=limits)
    assert [api.call("/limited").status for _ in range(3)] == [200, 200, 429]
    expect(api.call("/limited"), 429, {"message": "Too Many Requests"})
    assert api.call("/free").status == 200


# ---- JWT


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    made = Provider()
    made.keys.append(Key(tmp_path_factory.mktemp("keys"), "k1"))
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def tokens(cloud, functions, provider):
    api = HttpApi(cloud, functions, "tokens")
    authorizer = api.authorizer(
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": provider.issuer, "Audience": ["client"]},
    )
    by = {"AuthorizationType": "JWT", "AuthorizerId": authorizer}
    api.route("GET /jwt", api.function(), **by)
    api.route("GET /scoped", api.function(), AuthorizationScopes=["pets/read", "pets/write"], **by)
    return api


def test_tokens(tokens, provider, functions):
    def call(target, **claims):
        return tokens.call(target, headers={"Authorization": "Bearer " + provider.keys[0].token(provider.claims(**claims))})

    jwt = call("/jwt", groups=["a", "b"], ok=True).json["requestContext"]["authorizer"]["jwt"]
    assert jwt["scopes"] is None and (jwt["claims"]["groups"], jwt["claims"]["ok"], jwt["claims"]["n"]) == ("[a b]", "true", "1")
    assert call("/scoped", scope="pets/write x").json["requestContext"]["authorizer"]["jwt"]["scopes"] == ["pets/write", "x"]
    before = ran(functions.calls)
    none = tokens.call("/jwt")
    expect(none, 401, UNAUTHORIZED)
    assert none.header("www-authenticate") == "Bearer"
    for claims in ({"aud": "other"}, {"exp": 1}, {"iss": provider.issuer + "/"}, {"nbf": 4_000_000_000}):
        refused = call("/jwt", **claims)
        expect(refused, 401, UNAUTHORIZED)
        assert refused.header("www-authenticate").startswith('Bearer scope="" error="invalid_token" error_description="')
    scope = call("/scoped", scope="pets/readx")
    expect(scope, 403, FORBIDDEN)
    assert scope.header("www-authenticate").startswith('Bearer scope="pets/read pets/write" error="insufficient_scope"')
    good = provider.keys[0].token(provider.claims())
    for bad in (good[:-6] + "AAAAAA", good.rsplit(".", 1)[0] + ".", "a.b.c", good + ".x", good.split(".")[1]):
        expect(tokens.call("/jwt", headers={"Authorization": "Bearer " + bad}), 401, UNAUTHORIZED)
    assert ran(functions.calls) == before, "nobody of these reached the function"
    told = tokens.explain(scope)
    assert told["authorizer"]["type"] == "JWT" and "scopes" in told["answer"]["why"] and told["verdict"].startswith("denied")


# ---- REQUEST


class Guarded:
    """`GET` and `POST /pets` behind a REQUEST authorizer, which leaves a line for each of its calls."""

    def __init__(self, cloud, functions, folder, form, version="2.0", ttl=0, sources=("$request.header.X-Tenant",)):
        self.calls = folder / "calls"
        self.name = "check-" + folder.name.replace("_", "-")
        arn = cloud.make_function(self.name, self.calls, CHECK)
        getattr(cloud, "lambda").update_function_configuration(
            FunctionName=self.name, Environment={"Variables": {"CALLS": recorded(self.calls), "FORM": form}}
        )
        self.api = HttpApi(cloud, functions, self.name)
        more = {"EnableSimpleResponses": True} if form == "simple" else {}
        self.id = self.api.authorizer(
            AuthorizerType="REQUEST",
            AuthorizerUri=invocation_uri(cloud.region, arn),
            AuthorizerPayloadFormatVersion=version,
            IdentitySource=list(sources),
            AuthorizerResultTtlInSeconds=ttl,
            **more,
        )
        functions.permit(self.name, f"{self.api.id}/authorizers/{self.id}")
        for key in ("GET /pets", "POST /pets", "GET /pets/{id}"):
            self.api.route(key, self.api.function(), AuthorizationType="CUSTOM", AuthorizerId=self.id)

    def call(self, tenant, target="/pets", method="GET"):
        return self.api.call(target, method, {"X-Tenant": tenant} if tenant is not None else {})

    def events(self):
        return [json.loads(line) for line in self.calls.read_text().splitlines()]


def test_simple_responses(cloud, functions, tmp_path):
    guarded = Guarded(cloud, functions, tmp_path, "simple")
    assert guarded.call("blue").json["requestContext"]["authorizer"] == {"lambda": {"tenant": "blue", "roles": ["r"]}}
    event = guarded.events()[-1]
    assert (event["version"], event["type"], event["identitySource"], event["routeKey"]) == ("2.0", "REQUEST", ["blue"], "GET /pets")
    assert event["routeArn"] == f"arn:aws:execute-api:{cloud.region}:{ACCOUNT}:{guarded.api.id}/$default/GET/pets"
    before = ran(functions.calls)
    expect(guarded.call("red"), 403, FORBIDDEN)
    expect(guarded.call("text"), 500, BROKEN)
    expect(guarded.call("raise"), 401, UNAUTHORIZED)
    expect(guarded.call("break"), 500, BROKEN)
    count = ran(guarded.calls)
    expect(guarded.call(None), 401, UNAUTHORIZED)
    expect(guarded.call(""), 401, UNAUTHORIZED)
    assert ran(guarded.calls) == count, "without an identity source the authorizer is not called"
    assert ran(functions.calls) == before


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_policies(cloud, functions, tmp_path, version):
    guarded = Guarded(cloud, functions, tmp_path, "policy", version)
    assert guarded.call("this").json["requestContext"]["authorizer"]["lambda"]["n"] == 7
    event = guarded.events()[-1]
    if version == "1.0":
        assert (event["identitySource"], event["authorizationToken"], event["resource"]) == ("this", "this", "/pets")
    expect(guarded.call("red"), 403, FORBIDDEN)
    denied = guarded.call("condition")
    expect(denied, 403, FORBIDDEN)
    told = guarded.api.explain(denied)
    assert told["decision"]["statements"][0]["matched"] is False and "203.0.113.0" in told["decision"]["statements"][0]["because"]


def test_kept_answers(cloud, functions, tmp_path):
    guarded = Guarded(cloud, functions, tmp_path, "simple", ttl=300)
    first = guarded.call("blue")
    assert first.status == 200
    assert [guarded.call("blue", "/pets", "POST").status, guarded.call("blue", "/pets/7").status] == [200, 200]
    assert ran(guarded.calls) == 1, "one answer for all routes of the authorizer"
    hit = guarded.api.explain(guarded.call("blue"))["authorizer"]
    assert hit["cache"].startswith("hit") and hit["answered_for_request"] == first.header("apigw-requestid")
    expect(guarded.call("red"), 403, FORBIDDEN)
    expect(guarded.call("red"), 403, FORBIDDEN)
    assert ran(guarded.calls) == 2, "a no is kept as well"
    guarded.api.client.reset_authorizers_cache(ApiId=guarded.api.id, StageName="$default")
    assert guarded.call("blue").status == 200 and ran(guarded.calls) == 3


def test_kept_policies_are_asked_anew(cloud, functions, tmp_path):
    guarded = Guarded(cloud, functions, tmp_path, "policy", ttl=300)
    assert guarded.call("this").status == 200
    expect(guarded.call("this", "/pets", "POST"), 403, FORBIDDEN)
    assert ran(guarded.calls) == 1


def test_the_route_as_an_identity_source(cloud, functions, tmp_path):
    guarded = Guarded(cloud, functions, tmp_path, "simple", ttl=300, sources=("$request.header.X-Tenant", "$context.routeKey"))
    assert [guarded.call("blue").status, guarded.call("blue", "/pets/7").status, guarded.call("blue", "/pets/8").status] == [200] * 3
    assert ran(guarded.calls) == 2


# ---- AWS_IAM


def test_iam(cloud, functions):
    api = HttpApi(cloud, functions, "iam")
    api.route("ANY /iam/{id}", api.function(), AuthorizationType="AWS_IAM")
    resource = f"arn:aws:execute-api:{cloud.region}:{ACCOUNT}:{api.id}/$default/GET/iam/*"
    arn, key = cloud.make_user(allow("execute-api:Invoke", resource=resource))
    _, other = cloud.make_user(allow("execute-api:Invoke", resource=resource.replace("/iam/*", "/else")))
    before = ran(functions.calls)
    event = api.call("/iam/7", key=key).json
    iam = event["requestContext"]["authorizer"]["iam"]
    assert (iam["userArn"], iam["accessKey"], iam["accountId"], iam["cognitoIdentity"]) == (arn, key[0], ACCOUNT, None)
    assert "authorization" not in event["headers"]
    assert cloud.server.request("GET", presigned(cloud, "GET", api.path("/iam/7"), key, "execute-api")).status == 200
    assert ran(functions.calls) == before + 2
    expect(api.call("/iam/7"), 403, FORBIDDEN)
    expect(api.call("/iam/7", headers={"Authorization": "Bearer x"}), 403, FORBIDDEN)
    expect(api.call("/iam/7", "POST", body="x", key=key), 403, FORBIDDEN)
    expect(api.call("/iam/7", key=other), 403, FORBIDDEN)
    expect(api.call("/iam/7", key=(key[0], "wrong", None)), 403, FORBIDDEN)
    expect(api.call("/iam/7", key=key, service="lambda"), 403, FORBIDDEN)
    assert ran(functions.calls) == before + 2
    denied = api.explain(api.call("/iam/7", key=other))
    assert denied["verdict"].startswith("denied") and "execute-api:Invoke" in denied["answer"]["why"]


# ---- CORS


def test_cors(cloud, functions):
    cors = {"AllowOrigins": ["https://app.example.com"], "AllowMethods": ["GET"], "AllowHeaders": ["authorization"], "MaxAge": 60}
    api = HttpApi(cloud, functions, "cors", CorsConfiguration=cors)
    api.route("GET /pets", api.function())
    api.route("ANY /guarded", api.function(), AuthorizationType="AWS_IAM")
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    for target in ("/pets", "/guarded", "/nowhere"):
        preflight = api.call(target, "OPTIONS", asked)
        assert (preflight.status, preflight.body) == (204, b""), preflight
        assert preflight.header("Access-Control-Allow-Origin") == "https://app.example.com"
        assert preflight.header("Access-Control-Max-Age") == "60"
    assert api.call("/pets", "OPTIONS", {**asked, "Origin": "https://evil"}).header("Access-Control-Allow-Origin") is None
    expect(api.call("/guarded", "OPTIONS"), 403, FORBIDDEN)
    own = answering({"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "X-Own": "1"}})
    answer = api.call("/pets" + own, headers={"Origin": "https://app.example.com"})
    assert answer.all("Access-Control-Allow-Origin") == ["https://app.example.com"] and answer.header("X-Own") == "1"
    assert api.call("/guarded", headers={"Origin": "https://app.example.com"}).header("Access-Control-Allow-Origin") is not None


# ---- backends and mappings


@pytest.fixture(scope="module")
def web(cloud, functions):
    with backend.running() as port:
        api = HttpApi(cloud, functions, "web")
        api.origin = f"http://127.0.0.1:{port}"
        yield api


def proxy(api, uri, method="ANY", **more):
    return api.client.create_integration(
        ApiId=api.id,
        IntegrationType="HTTP_PROXY",
        IntegrationMethod=method,
        IntegrationUri=uri,
        PayloadFormatVersion="1.0",
        **more,
    )["IntegrationId"]


def test_a_backend_gets_the_request(web):
    web.route("ANY /files/{proxy+}", proxy(web, web.origin + "/base/{proxy}?own=1"))
    sent = [("X-One", "1"), ("Authorization", "Bearer t"), ("Connection", "close"), ("X-Forwarded-For", "1.2.3.4")]
    told = web.call("/files/a/b%20c?q=1&q=2", "POST", sent, "text").json
    headers = {name.lower(): value for name, value in told["headers"]}
    assert (told["method"], told["target"], told["body"]) == ("POST", "/base/a/b%20c?own=1&q=1&q=2", "text")
    assert headers["x-one"] == "1" and headers["authorization"] == "Bearer t"
    assert headers["via"] == "HTTP/1.1 AmazonAPIGateway" and headers["forwarded"].startswith("for=127.0.0.1;host=")
    assert "x-forwarded-for" not in headers and headers["x-amzn-trace-id"].startswith("Root=")
    answer = web.call("/files/x", headers={"X-Do": 'headers [["X-Back", "1"], ["WWW-Authenticate", "Basic"]]'})
    assert answer.header("X-Back") == "1" and answer.header("x-amzn-Remapped-WWW-Authenticate") == "Basic"
    assert web.call("/files/x", headers={"X-Do": "status 418"}).status == 418
    expect(web.call("/files/x", headers={"X-Do": "break"}), 500, BROKEN)


def test_a_backend_that_is_away_or_late(web):
    web.route("GET /away", proxy(web, "http://127.0.0.1:1/"))
    web.route("GET /late", proxy(web, web.origin + "/", TimeoutInMillis=100))
    for answer in (web.call("/away"), web.call("/late", headers={"X-Do": "hang"})):
        expect(answer, 503, {"message": "Service Unavailable"})


def test_mappings_of_requests(web):
    mappings = {
        "overwrite:path": "/v2/${request.path.id}",
        "overwrite:header.x-user": "$context.authorizer.claims.sub",
        "append:header.x-info": "${context.stage} ${request.querystring.q} ${request.body.pet.name}",
        "remove:querystring.q": "''",
        "append:querystring.route": "$context.routeKey",
        "remove:header.x-secret": "''",
    }
    web.route("POST /pets/{id}", proxy(web, web.origin, RequestParameters=mappings))
    web.route("POST /told/{id}", web.function(RequestParameters=mappings))
    headers = {"X-User": "mallory", "X-Secret": "s", "Content-Type": "application/json"}
    told = web.call("/pets/7?q=1&r=2", "POST", headers, '{"pet": {"name": "rex"}}').json
    got = {name.lower(): value for name, value in told["headers"]}
    assert told["target"] == "/v2/7?r=2&route=POST%20%2Fpets%2F%7Bid%7D"
    assert got["x-info"] == "$default 1 rex" and "x-secret" not in got
    assert "x-user" not in got, "a claim that is not there leaves no header of the client's in its place"
    event = web.call("/told/7?q=1&r=2", "POST", headers, '{"pet": {"name": "rex"}}').json
    assert (event["rawPath"], event["headers"]["x-info"], event["rawQueryString"]) == (
        "/v2/7",
        "$default 1 rex",
        "r=2&route=POST%20%2Ftold%2F%7Bid%7D",
    )
    injected = web.call("/pets/7?q=a%0d%0aX-Injected:%20b", "POST", headers, "{}").json
    assert not [name for name, _ in injected["headers"] if name.lower() in ("x-injected", "x-info")]


def test_mappings_of_answers(web):
    by_status = {
        "418": {"overwrite:statuscode": "200", "append:header.x-was": "$context.integrationStatus", "remove:header.content-type": "''"},
        "200": {"overwrite:header.x-method": "$response.body.method"},
    }
    web.route("GET /answers", proxy(web, web.origin + "/", ResponseParameters=by_status))
    changed = web.call("/answers", headers={"X-Do": "status 418"})
    assert (changed.status, changed.header("x-was"), changed.header("content-type")) == (200, "418", None)
    assert web.call("/answers").header("x-method") == "GET"


# ---- life


def test_apis_outlive_the_process(tmp_path):
    data = tmp_path / "data"
    calls = tmp_path / "calls"
    with Server("--data", data, command="serve") as server:
        cloud = Cloud(server)
        functions = Functions(cloud, {"tell": cloud.make_function("tell", calls, TELL)}, calls)
        api = HttpApi(cloud, functions)
        api.route("GET /open", api.function())
        api.route("GET /iam", api.function(), AuthorizationType="AWS_IAM")
        assert api.call("/open").status == 200
    with Server("--data", data, command="serve") as server:
        api.cloud = Cloud(server)
        assert api.call("/open").status == 200
        expect(api.call("/iam"), 403, FORBIDDEN)
