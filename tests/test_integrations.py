"""MOCK and HTTP_PROXY integrations, stages with variables, gateway response templates and resource policies: the APIs of gateway/."""

import json
import shutil
import socket

import pytest

import backend
from clients import (
    UUID,
    expect_error,
    expect_ids,
    expect_server_error,
    request,
)
from conftest import HERE, Server


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
