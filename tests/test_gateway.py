"""The REST API data plane apart from authorizers: addresses and routing, events, answers, binary bodies, MOCK and HTTP_PROXY, gateway
responses, stages."""

import base64
import json
import re
import shutil
import socket

import pytest

import backend
from clients import (
    UUID,
    event_of,
    expect_bad_gateway,
    expect_error,
    expect_forbidden,
    expect_ids,
    expect_not_found,
    expect_server_error,
    request,
)
from conftest import HERE, Server


def call(probe, path, method="GET", headers=(), body=None):
    return probe.api.call(path, method, headers, body)


# ---- addresses


def test_host_form_and_path_form_reach_the_same_api(probe):
    by_host = event_of(probe.api.call_by_host("/dev/any?a=1"))
    by_path = event_of(call(probe, "/any?a=1"))
    domain = f"{probe.api.id}.execute-api.localhost"
    for event in (by_host, by_path):
        context = event["requestContext"]
        assert (event["path"], context["path"], context["stage"]) == ("/any", "/dev/any", "dev")
        assert (context["domainName"], context["domainPrefix"], context["apiId"]) == (domain, probe.api.id, probe.api.id)


def test_aws_host_name_is_served_as_well(probe):
    host = f"{probe.api.id}.execute-api.us-east-1.amazonaws.com"
    answer = probe.server.request("GET", "/dev/any", host=host)
    assert event_of(answer)["requestContext"]["domainName"] == host


def test_host_that_is_no_api_has_only_the_local_paths(probe):
    answer = probe.server.request("GET", "/dev/any")
    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


# ---- local paths


def test_local_paths(probe):
    server = probe.server
    health = server.request("GET", "/_sallyport/health")
    assert (health.status, health.json["status"]) == (200, "ok")
    assert server.request("HEAD", "/_sallyport/health").status == 200
    rows = server.routes()
    row = next(row for row in rows if row["path"] == "/token" and row["method"] == "GET")
    assert (
        row.items()
        >= {
            "api_id": probe.api.id,
            "api_name": "probe",
            "stage": "dev",
            "method": "GET",
            "path": "/token",
            "authorizer": "Token",
            "url": f"{server.origin}{probe.api.base}/token",
            "host_url": f"http://{probe.api.host}/dev/token",
        }.items()
    )
    assert next(row for row in rows if row["path"] == "/open")["authorizer"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/_sallyport/",
        "/_sallyport/nothing",
        "/_sallyport/health/x",
        "/_sallyport/explain/",
        "/_sallyport/explain/00000000-0000-0000-0000-000000000000",
    ],
)
def test_unknown_local_path_is_404(probe, path):
    assert probe.server.request("GET", path).status == 404


def test_local_paths_are_not_for_web_pages(probe):
    """A page of another origin must not read routes or traces, not even through a name of its own that points here."""
    server = probe.server
    path = "/_sallyport/routes"
    assert server.request("GET", path, host="evil.example").status == 421
    assert server.request("GET", path, host=f"evil.example:{server.port}").status == 421
    assert server.request("GET", path, {"Origin": "https://evil.example"}).status == 403
    assert server.request("GET", path, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert server.request("GET", path, {"Sec-Fetch-Site": "none"}).status == 200
    assert server.request("GET", path, host=f"localhost:{server.port}").status == 200
    assert server.request("POST", path, body=b"").status == 405


def test_local_paths_do_not_hide_paths_of_an_api(probe):
    expect_not_found(probe.api.call_by_host("/dev/_sallyport/health"))


# ---- routing


def resource_of(answer):
    event = event_of(answer)
    return event["resource"], event["pathParameters"]


@pytest.mark.parametrize(
    "method, path, resource, parameters",
    [
        ("GET", "/pets/mine", "/pets/mine", None),
        ("GET", "/pets/17", "/pets/{petId}", {"petId": "17"}),
        ("GET", "/pets/mine/toys/2", "/pets/{petId}/toys/{toyId}", {"petId": "mine", "toyId": "2"}),
        ("GET", "/pets/a%2Fb", "/pets/{petId}", {"petId": "a%2Fb"}),
        ("POST", "/deep/test", "/deep/test", None),
        ("GET", "/deep/test", "/deep/{proxy+}", {"proxy": "test"}),
        ("OPTIONS", "/deep/test", "/deep/{proxy+}", {"proxy": "test"}),
        ("PATCH", "/part1/random", "/{rest+}", {"rest": "part1/random"}),
        ("PATCH", "/pets/mine", "/{rest+}", {"rest": "pets/mine"}),
        ("GET", "/", "/", None),
    ],
)
def test_most_specific_resource_that_has_the_verb(probe, method, path, resource, parameters):
    assert resource_of(call(probe, path, method)) == (resource, parameters)


@pytest.mark.parametrize("verb", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
def test_any_is_all_seven_verbs(probe, verb):
    answer = call(probe, "/any", verb)
    assert answer.status == 200, answer
    if verb != "HEAD":
        assert event_of(answer)["httpMethod"] == verb


@pytest.mark.parametrize(
    "verb, path",
    [
        ("HEAD", "/open"),
        ("TRACE", "/any"),
        ("PROPFIND", "/any"),
        ("get", "/any"),
        ("GET", "/part1"),
        ("GET", "/pets"),
        ("GET", "/deep"),
        ("GET", "/deep/"),
        ("GET", "/OPEN"),
    ],
)
def test_what_no_route_takes(probe, verb, path):
    answer = call(probe, path, verb)
    assert answer.status == 403, answer
    if verb != "HEAD":
        expect_not_found(answer)


def test_trailing_slash_is_ignored_for_routing_and_kept_in_the_event(probe):
    event = event_of(call(probe, "/any/"))
    assert (event["resource"], event["path"], event["requestContext"]["path"]) == ("/any", "/any/", "/dev/any/")
    event = event_of(call(probe, "/deep/a/b/"))
    assert (event["path"], event["pathParameters"]) == ("/deep/a/b/", {"proxy": "a/b"})


def test_double_slashes(probe):
    event = event_of(call(probe, "/deep/a//b"))
    assert (event["path"], event["pathParameters"]) == ("/deep/a//b", {"proxy": "a//b"})
    event = event_of(probe.api.call_by_host("/dev//any"))
    assert (event["path"], event["requestContext"]["path"]) == ("/any", "/dev//any")
    event = event_of(probe.api.call_by_host("//dev/any"))
    assert (event["path"], event["requestContext"]["path"]) == ("/any", "/dev/any")


def test_stage_alone_is_the_root(probe):
    assert event_of(probe.api.call_by_host("/dev"))["path"] == "/"
    assert event_of(probe.api.call_by_host("/dev/"))["path"] == "/"


# ---- the proxy event


TOP_KEYS = [
    "resource",
    "path",
    "httpMethod",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "pathParameters",
    "stageVariables",
    "requestContext",
    "body",
    "isBase64Encoded",
]
CONTEXT_KEYS = [
    "accountId",
    "apiId",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "stage",
]
IDENTITY_KEYS = [
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "sourceIp",
    "user",
    "userAgent",
    "userArn",
]


def test_event_has_exactly_the_recorded_keys(probe):
    answer = call(probe, "/any", "GET", {"User-Agent": "probe/1"})
    event = event_of(answer)
    assert sorted(event) == sorted(TOP_KEYS)
    context = event["requestContext"]
    assert sorted(context) == sorted(CONTEXT_KEYS)
    identity = context["identity"]
    assert sorted(identity) == sorted(IDENTITY_KEYS)
    assert {name for name, value in identity.items() if value is not None} == {"sourceIp", "userAgent"}
    assert (identity["sourceIp"], identity["userAgent"]) == ("127.0.0.1", "probe/1")
    assert (context["accountId"], context["protocol"], context["resourcePath"]) == ("123456789012", "HTTP/1.1", "/any")
    assert context["requestId"] == answer.header("x-amzn-RequestId")
    assert context["extendedRequestId"] == answer.header("x-amz-apigw-id")
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"]), context["requestTime"]
    assert isinstance(context["requestTimeEpoch"], int) and context["requestTimeEpoch"] > 1_600_000_000_000


def test_event_with_an_authorizer_has_one_key_more(probe):
    context = event_of(call(probe, "/token", headers={"Authorization": "allow"}))["requestContext"]
    assert sorted(context) == sorted([*CONTEXT_KEYS, "authorizer"])


def test_event_maps_are_null_when_empty(probe):
    event = event_of(probe.plain.call("/mapped"))
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"):
        assert event[name] is None, name
    assert event["isBase64Encoded"] is False
    assert event_of(call(probe, "/any"))["stageVariables"] == {"color": "blue"}


def test_event_query(probe):
    event = event_of(call(probe, "/any?a=1&a=2&b=x%20y&c=+&d=%2B&e=&f&%C3%A4=%E2%82%AC"))
    assert event["queryStringParameters"] == {"a": "2", "b": "x y", "c": " ", "d": "+", "e": "", "f": "", "ä": "€"}
    assert event["multiValueQueryStringParameters"] == {
        "a": ["1", "2"],
        "b": ["x y"],
        "c": [" "],
        "d": ["+"],
        "e": [""],
        "f": [""],
        "ä": ["€"],
    }


def test_event_headers(probe):
    sent = [
        ("tEsT-HEADeR", "1"),
        ("test-header", "2"),
        ("Via", "1.1 me"),
        ("Content-Encoding", "x"),
        ("Referer", "r"),
        ("Range", "bytes=0-1"),
        ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"),
        ("Pragma", "no-cache"),
        ("Age", "1"),
    ]
    dropped = [
        ("Content-MD5", "x"),
        ("Max-Forwards", "1"),
        ("Proxy-Authenticate", "x"),
        ("Server", "x"),
        ("TE", "trailers"),
        ("Trailer", "X-T"),
        ("Upgrade", "h2c"),
        ("WWW-Authenticate", "x"),
        ("Connection", "keep-alive"),
    ]
    event = event_of(call(probe, "/any", "GET", sent + dropped))
    headers, multi = event["headers"], event["multiValueHeaders"]
    assert (headers["tEsT-HEADeR"], multi["tEsT-HEADeR"]) == ("2", ["1", "2"])
    for name, value in sent[2:]:
        assert (headers[name], multi[name]) == (value, [value])
    present = {name.lower() for name in headers}
    assert not present & {name.lower() for name, _ in dropped}
    assert "content-length" not in present
    assert headers["Host"] == f"127.0.0.1:{probe.server.port}"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Port"] == str(probe.server.port)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]", headers["X-Amzn-Trace-Id"])
    assert sorted(headers) == sorted(multi)


def test_forwarded_for_and_trace_id_of_the_client(probe):
    root = "Root=1-5759e988-bd862e3fe1be46a994272793"
    whole = root + ";Parent=53995c3f42cd8ad8;Sampled=1"
    headers = event_of(call(probe, "/any", "GET", {"X-Amzn-Trace-Id": whole, "X-Forwarded-For": "203.0.113.7"}))["headers"]
    assert headers["X-Amzn-Trace-Id"] == whole
    assert headers["X-Forwarded-For"] == "203.0.113.7, 127.0.0.1"
    headers = event_of(call(probe, "/any", "GET", {"X-Amzn-Trace-Id": root}))["headers"]
    assert re.fullmatch(re.escape(root) + r";Parent=[0-9a-f]{16};Sampled=[01]", headers["X-Amzn-Trace-Id"])


def test_body_is_text_or_null(probe):
    assert event_of(call(probe, "/any", "POST", {"Content-Type": "text/plain"}, "héllo"))["body"] == "héllo"
    assert event_of(call(probe, "/any", "POST", {}, b""))["body"] is None
    assert event_of(call(probe, "/any", "POST", {}, '{"a": 1}'))["body"] == '{"a": 1}'


# ---- function answers


def answer_of(probe, value, headers=()):
    """The client's answer when the function answers `value`; text goes out as it is."""
    body = value if isinstance(value, str) else json.dumps(value)
    return call(probe, "/open", "POST", [("X-Do", "answer"), ("Content-Type", "application/json"), *dict(headers).items()], body)


@pytest.mark.parametrize(
    "value, status, body",
    [
        ({"statusCode": 200}, 200, b""),
        ({"headers": {"x-a": "b"}}, 200, b""),
        ({"statusCode": 200, "headers": None}, 200, b""),
        ({"statusCode": 200, "multiValueHeaders": None, "body": None, "isBase64Encoded": None}, 200, b""),
        ({"statusCode": "201", "body": "made"}, 201, b"made"),
        ({}, 200, b""),
        ({"body": "only"}, 200, b"only"),
        ({"statusCode": 418, "body": "teapot"}, 418, b"teapot"),
        ({"statusCode": 200, "body": "h\u00e9"}, 200, "hé".encode()),
        ({"statusCode": 200, "isBase64Encoded": False, "body": "eA=="}, 200, b"eA=="),
    ],
    ids=str,
)
def test_answers_that_keep_the_contract(probe, value, status, body):
    answer = answer_of(probe, value)
    assert (answer.status, answer.body) == (status, body), answer
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("x-amzn-ErrorType") is None
    assert re.match(r"Root=1-", answer.header("X-Amzn-Trace-Id"))
    expect_ids(answer)


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "test"},
        {"statusCode": 200.5},
        {"statusCode": 99},
        {"statusCode": 1000},
        {"statusCode": True},
        {"statusCode": 200, "wrong": "x"},
        {"statuscode": 200},
        {"statusCode": 200, "cookies": ["a=1"]},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": 7},
        {"statusCode": 200, "isBase64Encoded": "true"},
        {"statusCode": 200, "headers": {"x-a": ["b"]}},
        {"statusCode": 200, "headers": {"x-a": {"b": 1}}},
        {"statusCode": 200, "headers": ["x-a"]},
        {"statusCode": 200, "multiValueHeaders": {"x-a": "b"}},
        {"statusCode": 200, "headers": {"x-a": "b\r\nx-injected: c"}},
        {"statusCode": 200, "headers": {"x a": "b"}},
        "null",
        '"text"',
        "[]",
        "12",
    ],
    ids=str,
)
def test_answers_that_break_the_contract_are_502(probe, value):
    expect_bad_gateway(answer_of(probe, value))


def test_header_values_that_are_scalars(probe):
    answer = answer_of(probe, {"statusCode": 200, "headers": {"x-yes": True, "x-no": False, "x-number": 7, "x-null": None}})
    assert [answer.header(name) for name in ("x-yes", "x-no", "x-number")] == ["true", "false", "7"]


def test_multi_value_headers(probe):
    answer = answer_of(probe, {"multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}})
    assert answer.all("Set-Cookie") == ["a=1", "b=2"]
    answer = answer_of(probe, {"headers": {"test-multi": "solo"}, "multiValueHeaders": {"Test-Multi": ["multi"]}})
    assert [pair for pair in answer.headers if pair[0].lower() == "test-multi"] == [("Test-Multi", "multi"), ("Test-Multi", "solo")]
    answer = answer_of(probe, {"headers": {"test-multi": "same"}, "multiValueHeaders": {"test-multi": ["same", "other"]}})
    assert answer.all("test-multi") == ["same", "other"]


def test_headers_a_function_sets_and_the_client_gets_renamed(probe):
    names = ["Authorization", "Content-MD5", "Date", "Max-Forwards", "Server", "User-Agent", "WWW-Authenticate"]
    answer = answer_of(probe, {"statusCode": 200, "headers": {name: "Mon, 01 Jan 2001 00:00:00 GMT" for name in names}})
    for name in names:
        assert answer.header("x-amzn-Remapped-" + name) == "Mon, 01 Jan 2001 00:00:00 GMT", name
        if name != "Date":
            assert answer.header(name) is None, name
    assert answer.header("Date") != "Mon, 01 Jan 2001 00:00:00 GMT"


def test_headers_of_the_connection_stay_ours(probe):
    headers = {
        "Connection": "close",
        "Transfer-Encoding": "chunked",
        "TE": "x",
        "Trailer": "x",
        "Upgrade": "x",
        "Host": "x",
        "Expect": "x",
    }
    answer = answer_of(probe, {"statusCode": 200, "body": "text", "headers": headers})
    assert (answer.status, answer.body) == (200, b"text")
    assert answer.header("x-amzn-Remapped-Connection") == "close"
    for name in ("Transfer-Encoding", "TE", "Trailer", "Upgrade", "Host", "Expect"):
        assert answer.header(name) is None, name
    answer = answer_of(probe, {"statusCode": 200, "body": "text", "headers": {"Content-Length": "100000"}})
    assert (answer.header("Content-Length"), answer.body) == ("4", b"text")


def test_headers_that_pass(probe):
    headers = {
        "x-amzn-ErrorType": "Mine",
        "Content-Type": "text/x-mine; charset=utf-8",
        "Cache-Control": "no-store",
        "Location": "/x",
    }
    answer = answer_of(probe, {"statusCode": 302, "headers": headers})
    for name, value in headers.items():
        assert answer.all(name) == [value], name


def test_bodies_of_statuses_that_have_none(probe):
    for status in (204, 304):
        answer = answer_of(probe, {"statusCode": status, "body": "must not be sent"})
        assert (answer.status, answer.body) == (status, b"")


def test_function_that_fails_is_502(probe):
    expect_bad_gateway(call(probe, "/open", headers={"X-Do": "raise kaboom"}))
    expect_bad_gateway(call(probe, "/open", headers={"X-Do": "exit 3"}))
    expect_bad_gateway(call(probe, "/open", headers={"X-Do": "exit 0"}))
    expect_bad_gateway(call(probe, "/open", headers={"X-Do": "sleep 20"}))
    assert call(probe, "/open").status == 200


def test_integration_timeout_is_504(probe):
    answer = call(probe, "/patient", headers={"X-Do": "sleep 2"})
    expect_error(answer, 504, {"message": "Endpoint request timed out"}, "InternalServerErrorException")


def test_function_that_may_not_be_called_or_does_not_exist_is_500(probe):
    expect_server_error(probe.plain.call("/closed"))
    expect_server_error(probe.plain.call("/nobody"))
    expect_server_error(probe.plain.call("/wrong-verb"))


def test_answers_over_6_mb_are_502(probe):
    assert len(call(probe, "/open", headers={"X-Do": "big 6000000"}).body) == 6_000_000
    expect_bad_gateway(call(probe, "/open", headers={"X-Do": "big 6400000"}))


def test_event_over_6_mb_is_413(probe):
    answer = call(probe, "/open", "POST", {"Content-Type": "text/plain"}, b"x" * 6_400_000)
    expect_error(answer, 413, {"message": "Request Too Long"}, "RequestEntityTooLargeException")
    assert call(probe, "/open", "POST", {"Content-Type": "text/plain", "X-Do": "sleep 0"}, b"x" * 6_000_000).status == 200


def test_body_over_10_mb_is_413_in_plain_text(probe):
    answer = call(probe, "/open", "POST", {"Content-Type": "text/plain"}, b"x" * 10_485_761)
    assert (answer.status, answer.text) == (413, "HTTP content length exceeded 10485760 bytes.")
    assert answer.header("Content-Type").split(";")[0] == "text/plain"
    assert answer.header("x-amzn-ErrorType") is None


# ---- binary bodies


PNG = bytes(range(256))


def test_request_of_a_binary_media_type_is_base64(probe):
    for media_type, binary in [
        ("image/png", True),
        ("IMAGE/PNG; x=1", True),
        ("audio/x-anything", True),
        ("image/jpeg", False),
        ("any/test", False),
    ]:
        body = PNG if binary else b"text"
        event = event_of(call(probe, "/any", "POST", {"Content-Type": media_type}, body))
        assert event["isBase64Encoded"] is binary, media_type
        assert (base64.b64decode(event["body"]) if binary else event["body"].encode()) == body


@pytest.mark.parametrize(
    "accept, decoded",
    [
        ("image/png", True),
        ("image/png;q=0.9, text/html", True),
        ("audio/wave", True),
        (None, False),
        ("*/*", False),
        ("image/*", False),
        ("*/test", False),
        ("any/test", False),
        ("text/html, image/png", False),
    ],
)
def test_base64_answer_is_decoded_by_the_first_accept_type(probe, accept, decoded):
    text = base64.b64encode(PNG).decode()
    value = {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True, "body": text}
    answer = answer_of(probe, value, {"Accept": accept} if accept else {})
    assert answer.body == (PNG if decoded else text.encode())


def test_answer_that_is_no_base64_is_500(probe):
    expect_server_error(answer_of(probe, {"isBase64Encoded": True, "body": "no base64!"}, {"Accept": "image/png"}))


# ---- CORS and gateway responses from SAM


def test_preflight_made_by_sam(probe):
    answer = probe.guarded.call("/thing", "OPTIONS", {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
    assert answer.status == 200, answer
    assert answer.header("Access-Control-Allow-Origin") == "https://app.example"
    assert answer.header("Access-Control-Allow-Headers") == "Authorization,Content-Type"
    assert answer.header("Access-Control-Max-Age") == "600"
    assert sorted(answer.header("Access-Control-Allow-Methods").split(",")) == ["GET", "OPTIONS", "POST"]
    assert answer.header("X-Amzn-Trace-Id") is None


def test_default_gateway_responses_apply_to_types_not_customised(probe):
    answer = probe.guarded.call("/nowhere")
    assert (answer.status, answer.json) == (404, {"message": "Missing Authentication Token"})
    assert (answer.header("X-Default"), answer.header("x-amzn-ErrorType")) == ("four", "MissingAuthenticationTokenException")
    answer = probe.guarded.call("/thing", headers={"Authorization": "key-error"})
    assert (answer.status, answer.header("X-Default"), answer.json) == (500, "five", {"message": None})
    answer = probe.guarded.call("/open", headers={"X-Do": "raise x"})
    assert (answer.status, answer.header("X-Default")) == (502, "five")
    answer = probe.guarded.call("/thing", headers={"Authorization": "deny"})
    assert (answer.status, answer.header("X-Default")) == (403, None)


def test_unknown_stage_is_no_gateway_response(probe):
    expect_forbidden(probe.server.request("GET", f"/_aws/execute-api/{probe.guarded.id}/nostage/thing"))


# ---- MOCK, HTTP_PROXY, stages: an API of its own


class Web:
    def __init__(self, server):
        self.server = server
        self.blue, self.green = server.api("web", "blue"), server.api("web", "green")
        self.closed = server.api("closed")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    shutil.copy(HERE / "gateway/template.yaml", folder)
    with backend.running() as port, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
        refusing = f"127.0.0.1:{nobody.getsockname()[1]}"
        with Server(folder, "--parameter", f"Backend=127.0.0.1:{port}", "--parameter", f"Refusing={refusing}") as server:
            yield Web(server)


def test_mock(web):
    answer = web.blue.call("/mock/7?from=here")
    assert answer.status == 201, answer
    assert answer.json == {"id": "7", "stage": "blue", "color": "blue", "request": answer.header("x-amzn-RequestId"), "none": ""}
    assert [answer.header(name) for name in ("X-Static", "X-From", "X-Stage")] == ["static text", "here", "blue"]
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("X-Amzn-Trace-Id") is None
    expect_ids(answer)


def test_mock_header_from_a_value_that_no_header_may_hold(web):
    answer = web.blue.call("/mock/7?from=a%0D%0AX-Injected:%20b")
    assert answer.status == 201
    assert answer.header("X-Injected") is None and answer.header("X-From") is None


def test_mock_response_template_by_accept(web):
    post = {"Content-Type": "application/json"}
    assert web.blue.call("/mock/7", "POST", post, "{}").json == {"kind": "json"}
    answer = web.blue.call("/mock/7", "POST", {**post, "Accept": "text/plain"}, "{}")
    assert (answer.body, answer.header("Content-Type")) == (b"plain", "text/plain")


def test_mock_passthrough_never_is_415(web):
    answer = web.blue.call("/mock/7", "POST", {"Content-Type": "text/xml", "Accept": "application/json"}, "<x/>")
    assert (answer.status, answer.header("x-amzn-ErrorType")) == (415, "BadRequestException")
    assert answer.json["message"] == "Unsupported Media Type"


def test_mock_without_a_status_or_a_matching_response_is_500(web):
    expect_server_error(web.blue.call("/mock/7", "PUT", {"Content-Type": "application/json"}, "{}"))
    expect_server_error(web.blue.call("/mock/7", "PATCH", {"Content-Type": "application/json"}, "{}"))


def test_stages_have_their_own_variables(web):
    assert web.blue.call("/mock/1").json["color"] == "blue"
    assert web.green.call("/mock/1").json["color"] == "green"
    assert web.green.call("/mock/1").json["stage"] == "green"


def told(answer):
    """The request as the backend saw it."""
    assert answer.status == 200, answer
    seen = answer.json
    seen["headers"] = {name.lower(): value for name, value in seen["headers"]}
    return seen


def test_http_proxy_passes_the_request(web):
    sent = [
        ("X-Own", "1"),
        ("Authorization", "Bearer x"),
        ("Content-Type", "text/plain"),
        ("X-Source", "mapped"),
        ("X-Replaced", "original"),
        ("User-Agent", "probe/1"),
        ("Accept", "text/x"),
    ]
    seen = told(web.blue.call("/proxy/a/b%20c?x=1&x=2&source=s", "PUT", sent, "the body"))
    assert (seen["method"], seen["body"]) == ("PUT", "the body")
    path, _, query = seen["target"].partition("?")
    assert path == "/base/a/b%20c"
    assert query.split("&") == ["x=1", "x=2", "source=s", "added=s"]
    headers = seen["headers"]
    assert (headers["x-own"], headers["authorization"], headers["content-type"]) == ("1", "Bearer x", "text/plain")
    assert (headers["x-static"], headers["x-stage"], headers["x-replaced"]) == ("static text", "blue", "mapped")
    assert (headers["user-agent"], headers["accept"]) == ("probe/1", "text/x")
    assert headers["host"].startswith("127.0.0.1:")
    assert headers["x-amzn-apigateway-api-id"] == web.blue.id
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert "x-amzn-trace-id" in headers


def test_http_proxy_headers_the_backend_does_not_get(web):
    sent = {
        "Via": "1.1 x",
        "Content-Encoding": "x",
        "Content-MD5": "x",
        "Max-Forwards": "1",
        "Server": "x",
        "TE": "trailers",
        "Trailer": "x",
        "WWW-Authenticate": "x",
        "Proxy-Authenticate": "x",
    }
    headers = told(web.blue.call("/proxy/x", "GET", sent))["headers"]
    assert not set(headers) & {name.lower() for name in sent}


def test_http_proxy_defaults(web):
    headers = told(web.blue.call("/proxy/x"))["headers"]
    assert headers["accept"] == "application/json"
    assert headers["user-agent"] == f"AmazonAPIGateway_{web.blue.id}"


def test_http_proxy_without_a_body_for_get(web):
    seen = told(web.blue.call("/proxy/x", "GET", {"Content-Type": "text/plain"}, "ignored"))
    assert seen["body"] == ""


def test_http_proxy_integration_method_and_stage_variable_in_the_uri(web):
    seen = told(web.green.call("/fixed"))
    assert (seen["method"], seen["target"]) == ("POST", "/fixed")


@pytest.mark.parametrize("status", [201, 301, 404, 500])
def test_http_proxy_passes_the_status(web, status):
    answer = web.blue.call("/proxy/x", headers={"X-Do": f"status {status}"})
    assert (answer.status, answer.header("Content-Type"), answer.header("x-amzn-ErrorType")) == (status, "text/x-told", None)


def test_http_proxy_passes_bytes(web):
    assert web.blue.call("/proxy/x", headers={"X-Do": "body"}).body == bytes(range(256))


def test_http_proxy_renames_headers_of_the_backend(web):
    sent = [
        ("WWW-Authenticate", "Basic"),
        ("x-amzn-RequestId", "mine"),
        ("Authorization", "x"),
        ("User-Agent", "x"),
        ("Via", "x"),
        ("X-Own", "1"),
        ("X-Own", "2"),
    ]
    answer = web.blue.call("/proxy/x", headers={"X-Do": "headers " + json.dumps(sent)})
    assert answer.header("x-amzn-Remapped-WWW-Authenticate") == "Basic"
    assert answer.header("x-amzn-Remapped-x-amzn-RequestId") == "mine"
    assert UUID.fullmatch(answer.header("x-amzn-RequestId"))
    assert answer.header("x-amzn-Remapped-Server") == "backend"
    assert answer.header("x-amzn-Remapped-Content-Length") == "0"
    assert answer.header("x-amzn-Remapped-Date")
    assert answer.all("X-Own") == ["1", "2"]
    for name in ("WWW-Authenticate", "Authorization", "User-Agent", "Server", "Via", "X-Amzn-Trace-Id"):
        assert answer.header(name) is None, name
    assert len(answer.all("Date")) == 1


def test_http_proxy_backend_that_is_slow_is_504(web):
    answer = web.blue.call("/proxy/x", headers={"X-Do": "hang"})
    expect_error(answer, 504, {"message": "Endpoint request timed out"}, "InternalServerErrorException")


def test_http_proxy_backend_that_refuses_is_integration_failure(web):
    """504 by default; this API customises the type."""
    answer = web.blue.call("/refused")
    assert (answer.status, answer.header("Retry-After")) == (503, "5")
    assert answer.json == {"message": "Network error communicating with endpoint"}
    assert answer.header("x-amzn-ErrorType") == "InternalServerErrorException"


def test_http_proxy_backend_that_breaks_off_is_an_error(web):
    answer = web.blue.call("/proxy/x", headers={"X-Do": "break"})
    assert answer.status in (502, 503), answer
    assert answer.header("x-amzn-ErrorType") == "InternalServerErrorException"


def test_http_proxy_illegal_header_mapping_is_500(web):
    expect_server_error(web.blue.call("/illegal"))


def test_gateway_response_template(web):
    answer = web.blue.call("/nowhere")
    assert answer.status == 403
    assert answer.json == {"message": "Missing Authentication Token", "path": "/blue/nowhere", "unknown": "", "var": "blue"}
    answer = web.green.call("/nowhere", headers={"Accept": "text/plain"})
    assert (answer.text, answer.header("Content-Type")) == ("not here: Missing Authentication Token", "text/plain")


def test_resource_policy_without_an_authorizer_lets_in_what_it_allows(web):
    assert web.closed.call("/open").body == b"in"
    account = "********9012"
    live = f"arn:aws:execute-api:us-east-1:{account}:{web.closed.id}/live/"
    head = f"User: anonymous is not authorized to perform: execute-api:Invoke on resource: {live}"
    answer = web.closed.call("/secret")
    expect_error(
        answer, 403, {"Message": head + "GET/secret with an explicit deny in a resource-based policy"}, "AccessDeniedException"
    )
    answer = web.closed.call("/open", "DELETE")
    message = head + "DELETE/open because no resource-based policy allows the execute-api:Invoke action"
    expect_error(answer, 403, {"Message": message}, "AccessDeniedException")


def test_everything_is_closed_to_another_api(web):
    """A path of one API is none of another."""
    assert request(web.server.port, "GET", f"/_aws/execute-api/{web.closed.id}/blue/mock/1").status == 403
