"""HTTP clients for tests: one that sends requests as a library does, one that writes bytes as they are."""

import base64
import contextlib
import http.client
import json
import re
import socket
import struct

TIMEOUT = 40
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
GATEWAY_ID = re.compile(r"[A-Za-z0-9_-]{15}=")


class Answer:
    """A response: status, headers as a list of pairs in their order, body as bytes."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def names(self):
        return [key for key, _ in self.headers]

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"the body is not JSON: {self!r}") from None

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


def as_pairs(headers):
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def as_bytes(body):
    return body.encode() if isinstance(body, str) else body


def send(connection, method, target, headers=(), body=None, host=None):
    """Sends one request over an http.client connection and reads the answer."""
    pairs, body = as_pairs(headers), as_bytes(body)
    names = {name.lower() for name, _ in pairs}
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    if "host" not in names:
        connection.putheader("Host", host or f"{connection.host}:{connection.port}")
    for name, value in pairs:
        connection.putheader(name, value)
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    return Answer(response.status, response.reason, response.getheaders(), response.read())


@contextlib.contextmanager
def connect(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        yield connection
    finally:
        connection.close()


def request(port, method, target, headers=(), body=None, host=None):
    """One request in a connection of its own."""
    with connect(port) as connection:
        return send(connection, method, target, headers, body, host)


class Api:
    """One API at one stage of a running server."""

    def __init__(self, server, api_id, stage):
        self.server, self.id, self.stage = server, api_id, stage
        self.host = f"{api_id}.execute-api.localhost:{server.port}"
        self.base = f"/_aws/execute-api/{api_id}/{stage}"

    def call(self, path, method="GET", headers=(), body=None):
        """Through the path form of the address."""
        return self.server.request(method, self.base + path, headers, body)

    def call_by_host(self, target, method="GET", headers=(), body=None):
        """Through the host form. `target` is the whole request target, stage included."""
        return self.server.request(method, target, headers, body, host=self.host)

    def arn(self, method, path):
        """The methodArn of a request."""
        return f"arn:aws:execute-api:us-east-1:123456789012:{self.id}/{self.stage}/{method}{path}"


def expect_error(answer, status, body, error_type):
    """Checks a gateway error: its status, its JSON body to the letter, its headers."""
    assert (answer.status, answer.json, answer.header("x-amzn-ErrorType")) == (status, body, error_type), answer
    assert answer.header("Content-Type") == "application/json", answer
    expect_ids(answer)
    assert answer.header("X-Amzn-Trace-Id") is None, "a gateway error has no trace id"


def expect_ids(answer):
    """What every answer of the data plane carries, and what none does."""
    assert UUID.fullmatch(answer.header("x-amzn-RequestId") or ""), answer
    assert GATEWAY_ID.fullmatch(answer.header("x-amz-apigw-id") or ""), answer
    assert answer.header("Date"), answer
    assert answer.header("Server") is None, answer


EXPLICIT_DENY = {"Message": "User is not authorized to access this resource with an explicit deny in an identity-based policy"}
IMPLICIT_DENY = {
    "Message": "User is not authorized to access this resource because no identity-based policy allows the execute-api:Invoke action"
}


def expect_unauthorized(answer):
    assert answer.body == b'{"message":"Unauthorized"}', answer
    expect_error(answer, 401, {"message": "Unauthorized"}, "UnauthorizedException")


def expect_explicit_deny(answer):
    expect_error(answer, 403, EXPLICIT_DENY, "AccessDeniedException")


def expect_implicit_deny(answer):
    expect_error(answer, 403, IMPLICIT_DENY, "AccessDeniedException")


def expect_broken_authorizer(answer):
    assert answer.body == b'{"message":null}', answer
    expect_error(answer, 500, {"message": None}, "AuthorizerConfigurationException")


def expect_not_found(answer):
    expect_error(answer, 403, {"message": "Missing Authentication Token"}, "MissingAuthenticationTokenException")


def expect_forbidden(answer):
    expect_error(answer, 403, {"message": "Forbidden"}, "ForbiddenException")


def expect_bad_gateway(answer):
    expect_error(answer, 502, {"message": "Internal server error"}, "InternalServerErrorException")


def expect_server_error(answer):
    expect_error(answer, 500, {"message": "Internal server error"}, "InternalServerErrorException")


# What the events of functions and of REQUEST authorizers have in common.
EVENT_KEYS = [
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
]


def event_of(answer):
    """The event the probe's echo function was called with."""
    assert answer.status == 200, answer
    return answer.json["event"]


# ---- tokens that tell the probe's authorizer what to do


def answer_with(value):
    """The authorizer answers exactly this. `$arn` becomes the methodArn, `$api` its part before the stage, `$stage` that with the stage."""
    return "answer " + base64.b64encode(json.dumps(value).encode()).decode()


def statement(effect="Allow", resource="$arn", action="execute-api:Invoke", **more):
    """`more` goes in as it is; a None leaves a member out."""
    members = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return {name: value for name, value in members.items() if value is not None}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def grant(*statements, **members):
    """The token of an authorizer answer with these statements."""
    return answer_with({"principalId": "user|a1", "policyDocument": policy(*statements), **members})


def raising(message):
    """The token that makes the authorizer raise Exception(message)."""
    return "raise " + base64.b64encode(message.encode()).decode()


# ---- bytes on the wire


class Wire:
    """A TCP connection one writes bytes to and reads HTTP responses from."""

    def __init__(self, port, timeout=TIMEOUT):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def write(self, data):
        self.socket.sendall(data)

    def reset(self):
        """Ends the connection as a client that dies: the server is told at once, and what it sends is refused."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def more(self):
        """Reads what comes next; false at the end of the stream."""
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.incoming += data
        return bool(data)

    def closed(self):
        """Does the server end the connection without another byte? Waits for the end."""
        while not self.incoming and self.more():
            pass
        return not self.incoming

    def _take(self, count):
        while len(self.incoming) < count:
            if not self.more():
                raise AssertionError(f"the connection ended in the middle of a response: {self.incoming!r}")
        taken, self.incoming = self.incoming[:count], self.incoming[count:]
        return taken

    def _take_line(self):
        while b"\r\n" not in self.incoming:
            if not self.more():
                raise AssertionError(f"the connection ended in the middle of a response: {self.incoming!r}")
        line, self.incoming = self.incoming.split(b"\r\n", 1)
        return line.decode("latin-1")

    def response(self, to_head=False):
        """The next response; `to_head`: the one to a HEAD request, which has no body whatever its headers say."""
        version, status, reason = self._take_line().split(" ", 2)
        assert version == "HTTP/1.1", version
        headers = []
        while line := self._take_line():
            name, value = line.split(":", 1)
            headers.append((name, value.strip()))
        answer = Answer(int(status), reason, headers, b"")
        if to_head or answer.status in (204, 304) or 100 <= answer.status < 200:
            return answer
        length = answer.header("Content-Length")
        assert length is not None, f"a response without Content-Length: {answer!r}"
        answer.body = self._take(int(length))
        return answer


def raw_request(method, target, host, headers=(), body=b""):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in as_pairs(headers)), "", ""]
    return "\r\n".join(lines).encode("latin-1") + as_bytes(body)
