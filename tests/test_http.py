"""HTTP/1.1 as it is on the wire."""

import json
import subprocess
import sys

import pytest

from clients import Wire, connect, raw_request, send


@pytest.fixture
def wire(probe):
    with Wire(probe.server.port) as connection:
        yield connection


def target(probe, path):
    return probe.api.base + path


def asking(probe, method="GET", path="/any", headers=(), body=b""):
    """The bytes of one request to the probe API."""
    return raw_request(method, target(probe, path), f"127.0.0.1:{probe.server.port}", headers, body)


def test_keep_alive(probe):
    ports = set()
    with connect(probe.server.port) as connection:
        for number in range(5):
            answer = send(connection, "GET", target(probe, f"/any?n={number}"))
            assert answer.json["event"]["queryStringParameters"] == {"n": str(number)}
            ports.add(connection.sock.getsockname()[1])
    assert len(ports) == 1, "each request had a connection of its own"


def test_connection_is_kept_after_gateway_errors(probe, wire):
    for path, status in [("/nowhere", 403), ("/token", 401), ("/any", 200)]:
        wire.write(asking(probe, path=path))
        assert wire.response().status == status


def test_connection_close_is_honoured(probe, wire):
    wire.write(asking(probe, headers={"Connection": "close"}))
    answer = wire.response()
    assert (answer.status, answer.header("Connection")) == (200, "close")
    assert wire.closed()


def test_http_10_closes_unless_asked_to_keep_alive(probe, wire):
    wire.write(asking(probe).replace(b"HTTP/1.1", b"HTTP/1.0"))
    answer = wire.response()
    assert answer.status == 200
    assert answer.json["event"]["requestContext"]["protocol"] == "HTTP/1.0"
    assert wire.closed()


def test_pipelined_requests_are_answered_in_order(probe, wire):
    """The first takes longer than the second."""
    wire.write(
        asking(probe, path="/open", headers={"X-Do": "sleep 0.3"})
        + asking(probe, path="/any?second=1")
        + asking(probe, path="/nowhere")
    )
    assert wire.response().text == "slept"
    assert wire.response().json["event"]["queryStringParameters"] == {"second": "1"}
    assert wire.response().status == 403


def test_request_in_single_bytes(probe, wire):
    for byte in asking(probe, "POST", headers={"Content-Length": "5"}, body=b"hello"):
        wire.write(bytes([byte]))
    assert wire.response().json["event"]["body"] == "hello"


def test_body_of_an_answered_request_is_not_taken_for_the_next(probe, wire):
    """No function reads this body: the request is refused before."""
    inner = asking(probe, path="/any?smuggled=1")
    wire.write(asking(probe, "POST", "/nowhere", {"Content-Length": str(len(inner))}, inner) + asking(probe, path="/any?own=1"))
    assert wire.response().status == 403
    assert wire.response().json["event"]["queryStringParameters"] == {"own": "1"}


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"1\r\nh\r\n004\r\nello\r\n0\r\n\r\n",
        b"5;name=value\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Trailer: dropped\r\n\r\n",
    ],
)
def test_chunked_body(probe, wire, chunks):
    wire.write(asking(probe, "POST", headers={"Transfer-Encoding": "chunked"}, body=chunks))
    event = wire.response().json["event"]
    assert event["body"] == "hello"
    assert not {"transfer-encoding", "x-trailer"} & {name.lower() for name in event["headers"]}
    wire.write(asking(probe))
    assert wire.response().status == 200


def test_chunked_body_without_an_end_is_400(probe, wire):
    wire.write(asking(probe, "POST", headers={"Transfer-Encoding": "chunked"}, body=b"zz\r\n"))
    assert wire.response().status == 400
    assert wire.closed()


def test_chunked_body_over_10_mb_is_413(probe, wire):
    wire.write(asking(probe, "POST", headers={"Transfer-Encoding": "chunked"}, body=b"a00001\r\n"))
    answer = wire.response()
    assert (answer.status, answer.text) == (413, "HTTP content length exceeded 10485760 bytes.")


def test_expect_continue(probe, wire):
    wire.write(asking(probe, "POST", headers={"Content-Length": "5", "Expect": "100-continue"}))
    assert wire.response().status == 100
    wire.write(b"hello")
    assert wire.response().json["event"]["body"] == "hello"


def test_expect_continue_is_not_said_for_a_body_nobody_wants(probe, wire):
    wire.write(asking(probe, "POST", "/token", {"Content-Length": "5", "Expect": "100-continue"}))
    assert wire.response().status == 401
    # The client may send the body or not, so the connection cannot go on.
    assert wire.closed()


def test_body_that_is_announced_too_large_is_413_before_it_is_sent(probe, wire):
    wire.write(asking(probe, "POST", headers={"Content-Length": "10485761", "Expect": "100-continue"}))
    assert wire.response().status == 413
    assert wire.closed()


def test_head_has_the_headers_of_get_and_no_body(probe, wire):
    wire.write(asking(probe, "HEAD") + asking(probe, "GET", "/any?after=head"))
    answer = wire.response(to_head=True)
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert wire.response().json["event"]["queryStringParameters"] == {"after": "head"}


def test_absolute_target(probe, wire):
    host = probe.api.host
    wire.write(f"GET http://{host}/dev/any HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert wire.response().json["event"]["path"] == "/any"


def test_headers_over_10240_bytes_are_431(probe, wire):
    fits = "x" * (10_240 - len(f"127.0.0.1:{probe.server.port}"))
    wire.write(asking(probe, path="/nowhere", headers={"X-Long": fits}))
    assert wire.response().status == 403
    wire.write(asking(probe, path="/nowhere", headers={"X-Long": fits + "x"}))
    assert wire.response().status == 431
    assert wire.closed()


def test_long_target_is_414(probe, wire):
    wire.write(asking(probe, path="/nowhere?" + "x" * 10_300))
    assert wire.response().status == 414
    assert wire.closed()


def test_long_line_without_an_end_is_refused_before_it_ends(probe, wire):
    wire.write(b"GET /" + b"x" * 20_000)
    assert wire.response().status == 414
    assert wire.closed()


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"\r\n", b"\n"),
        lambda raw: raw.replace(b"Host:", b"Host :"),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nHost: other\r\n\r\n"),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nX-A: b\r\n folded\r\n\r\n"),
        lambda raw: raw.replace(b"/any", b"/any/%2e%2e/x"),
        lambda raw: raw.replace(b"/any", b"/any/%00"),
        lambda raw: raw.replace(b"/any", b"/any/%zz"),
        lambda raw: raw.replace(b"HTTP/1.1", b"HTTP/2.0"),
    ],
    ids=[
        "bare line feeds",
        "space before the colon",
        "two framings",
        "two lengths",
        "two hosts",
        "folded",
        "dots",
        "NUL",
        "broken escape",
        "version",
    ],
)
def test_message_in_doubt_is_refused_and_the_connection_ends(probe, wire, change):
    before = probe.server.mark()
    wire.write(change(asking(probe)))
    answer = wire.response()
    assert 400 <= answer.status < 600 and answer.status != 403, answer
    assert wire.closed()
    assert not [
        event for event in probe.server.events[before:] if event.get("function") == "probe-echo" and "START" in event["text"]
    ]


def test_malformed_message_leaves_a_log_line(probe, wire):
    server = probe.server
    mark = server.mark()
    wire.write(asking(probe).replace(b"Host:", b"Host :"))
    assert wire.response().status == 400
    line = server.wait_for(
        lambda event: event.get("kind") == "request" and event["status"] == 400, since=mark, what="a line of the malformed message"
    )
    assert line["peer"] == "127.0.0.1"


def test_client_that_goes_away_while_it_waits_disturbs_nobody(probe):
    with Wire(probe.server.port) as impatient:
        impatient.write(asking(probe, path="/open", headers={"X-Do": "sleep 0.5"}))
    with Wire(probe.server.port) as half:
        half.write(asking(probe)[:20])
    assert probe.api.call("/any").status == 200


def test_many_connections_at_once(probe):
    connections = [Wire(probe.server.port) for _ in range(200)]
    for number, connection in enumerate(connections):
        connection.write(asking(probe, path=f"/nowhere?n={number}"))
    assert [connection.response().status for connection in connections] == [403] * 200
    for connection in connections:
        connection.socket.close()


def test_answer_larger_than_socket_buffers_to_a_slow_reader(probe, wire):
    wire.write(asking(probe, path="/open", headers={"X-Do": "big 5000000"}))
    assert len(wire.response().body) == 5_000_000


def test_strict_probe(probe, conformance):
    """Malformed messages of all kinds, each of which has to be refused."""
    script = conformance / "http_strict_probe.py"
    if not script.is_file():
        pytest.skip(f"{script} is missing")
    # A route that reads the body: /open, POST. The script asks with GET too.
    done = subprocess.run(
        [sys.executable, script, "127.0.0.1", str(probe.server.port), target(probe, "/any")],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert "score 76/76" in done.stdout, done.stdout + done.stderr


def test_json_lines_stay_lines(probe):
    """Control characters of clients and functions cannot forge a log line."""
    mark = probe.server.mark()
    probe.api.call("/open", headers={"X-Do": 'print a\\n{"kind":"forged"}'})
    probe.api.call("/open%0A%7B%22kind%22:%22forged%22%7D")
    answer = probe.api.call("/any")
    request_id = answer.header("x-amzn-RequestId")
    probe.server.wait_for(lambda event: event.get("kind") == "request" and event.get("request_id") == request_id, since=mark)
    assert all(json.loads(line)["kind"] != "forged" for line in probe.server.lines)
