"""Proxy events, what the answers of functions come to, and binary bodies."""

import base64
import json
import re

import pytest

from clients import (
    EVENT_KEYS,
    event_of,
    expect_bad_gateway,
    expect_error,
    expect_ids,
    expect_server_error,
)

# ---- the proxy event


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
    answer = probe.api.call("/any", "GET", {"User-Agent": "probe/1"})
    event = event_of(answer)
    assert sorted(event) == sorted([*EVENT_KEYS, "body", "isBase64Encoded"])
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
    context = event_of(probe.api.call("/token", headers={"Authorization": "allow"}))["requestContext"]
    assert sorted(context) == sorted([*CONTEXT_KEYS, "authorizer"])


def test_event_maps_are_null_when_empty(probe):
    event = event_of(probe.plain.call("/mapped"))
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"):
        assert event[name] is None, name
    assert event["isBase64Encoded"] is False
    assert event_of(probe.api.call("/any"))["stageVariables"] == {"color": "blue"}


def test_event_query(probe):
    event = event_of(probe.api.call("/any?a=1&a=2&b=x%20y&c=+&d=%2B&e=&f&%C3%A4=%E2%82%AC"))
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
    event = event_of(probe.api.call("/any", "GET", sent + dropped))
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
    headers = event_of(probe.api.call("/any", "GET", {"X-Amzn-Trace-Id": whole, "X-Forwarded-For": "203.0.113.7"}))["headers"]
    assert headers["X-Amzn-Trace-Id"] == whole
    assert headers["X-Forwarded-For"] == "203.0.113.7, 127.0.0.1"
    headers = event_of(probe.api.call("/any", "GET", {"X-Amzn-Trace-Id": root}))["headers"]
    assert re.fullmatch(re.escape(root) + r";Parent=[0-9a-f]{16};Sampled=[01]", headers["X-Amzn-Trace-Id"])


def test_body_is_text_or_null(probe):
    assert event_of(probe.api.call("/any", "POST", {"Content-Type": "text/plain"}, "héllo"))["body"] == "héllo"
    assert event_of(probe.api.call("/any", "POST", {}, b""))["body"] is None
    assert event_of(probe.api.call("/any", "POST", {}, '{"a": 1}'))["body"] == '{"a": 1}'


# ---- function answers


def answer_of(probe, value, headers=()):
    """The client's answer when the function answers `value`; text goes out as it is."""
    body = value if isinstance(value, str) else json.dumps(value)
    return probe.api.call("/open", "POST", [("X-Do", "answer"), ("Content-Type", "application/json"), *dict(headers).items()], body)


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
    expect_bad_gateway(probe.api.call("/open", headers={"X-Do": "raise kaboom"}))
    expect_bad_gateway(probe.api.call("/open", headers={"X-Do": "exit 3"}))
    expect_bad_gateway(probe.api.call("/open", headers={"X-Do": "exit 0"}))
    expect_bad_gateway(probe.api.call("/open", headers={"X-Do": "sleep 20"}))
    assert probe.api.call("/open").status == 200


def test_integration_timeout_is_504(probe):
    answer = probe.api.call("/patient", headers={"X-Do": "sleep 2"})
    expect_error(answer, 504, {"message": "Endpoint request timed out"}, "InternalServerErrorException")


def test_function_that_may_not_be_called_or_does_not_exist_is_500(probe):
    expect_server_error(probe.plain.call("/closed"))
    expect_server_error(probe.plain.call("/nobody"))
    expect_server_error(probe.plain.call("/wrong-verb"))


def test_answers_over_6_mb_are_502(probe):
    assert len(probe.api.call("/open", headers={"X-Do": "big 6000000"}).body) == 6_000_000
    expect_bad_gateway(probe.api.call("/open", headers={"X-Do": "big 6400000"}))


def test_event_over_6_mb_is_413(probe):
    answer = probe.api.call("/open", "POST", {"Content-Type": "text/plain"}, b"x" * 6_400_000)
    expect_error(answer, 413, {"message": "Request Too Long"}, "RequestEntityTooLargeException")
    assert probe.api.call("/open", "POST", {"Content-Type": "text/plain", "X-Do": "sleep 0"}, b"x" * 6_000_000).status == 200


def test_body_over_10_mb_is_413_in_plain_text(probe):
    answer = probe.api.call("/open", "POST", {"Content-Type": "text/plain"}, b"x" * 10_485_761)
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
        event = event_of(probe.api.call("/any", "POST", {"Content-Type": media_type}, body))
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
    """The type the function gives its answer, if any, has no say."""
    text = base64.b64encode(PNG).decode()
    for headers in ({"Content-Type": "image/png"}, {}):
        value = {"statusCode": 200, "headers": headers, "isBase64Encoded": True, "body": text}
        answer = answer_of(probe, value, {"Accept": accept} if accept else {})
        assert answer.body == (PNG if decoded else text.encode()), headers


def test_answer_that_is_no_base64_is_500(probe):
    expect_server_error(answer_of(probe, {"isBase64Encoded": True, "body": "no base64!"}, {"Accept": "image/png"}))
