"""Answers that arrive while the function makes them: function URLs of mode RESPONSE_STREAM, and InvokeWithResponseStream."""

import base64
import http.client
import json
import os
import pathlib
import shutil
import socket
import socketserver
import subprocess
import threading
import time

import pytest

from aws import Cloud, allow, zipped
from clients import Wire
from conftest import PATIENCE

MEBIBYTE = 1 << 20


class Gate:
    """Functions stop at it, by name, until the test lets them go on: it waits for the one that has to come first."""

    def __init__(self):
        self.changed = threading.Condition()
        self.reached, self.opened = [], set()
        gate = self

        class Stop(socketserver.StreamRequestHandler):
            def handle(self):
                name = self.rfile.readline().decode().strip()
                with gate.changed:
                    gate.reached.append(name)
                    gate.changed.notify_all()
                    gate.changed.wait_for(lambda: name in gate.opened, PATIENCE)
                self.wfile.write(b"!")

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Listener(("127.0.0.1", 0), Stop)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = "%s:%d" % self.server.server_address

    def open(self, name):
        with self.changed:
            self.opened.add(name)
            self.changed.notify_all()

    def wait(self, name):
        with self.changed:
            assert self.changed.wait_for(lambda: name in self.reached, PATIENCE), f"no function came to {name}"

    def has(self, name):
        with self.changed:
            return name in self.reached


# What the functions here are made of. `stop(name)` waits at the gate.
NODE = """
const net = require("node:net"), { pipeline } = require("node:stream/promises"), { Readable } = require("node:stream");
const stop = (name) => new Promise((resolve, reject) => {
  const [host, port] = process.env.GATE.split(":");
  const socket = net.connect(Number(port), host, () => socket.write(name + "\\n"));
  socket.on("data", () => { socket.destroy(); resolve(); }).on("error", reject);
});
const boot = Math.random();
const write = async (stream, piece) => { if (!stream.write(piece)) await new Promise((r) => stream.once("drain", r)); };
"""


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def gate():
    return Gate()


@pytest.fixture
def name(request):
    return "s-" + request.node.name.split("[")[0].replace("_", "-")[:50]


@pytest.fixture
def make(cloud, gate, name, node):
    """Makes a function; answers its name."""

    def made(code, runtime="nodejs22.x", files=None, suffix="", **more):
        files = files or {"app.js": NODE + "exports.handler = " + code}
        getattr(cloud, "lambda").create_function(
            FunctionName=name + suffix,
            Runtime=runtime,
            Handler="app.handler",
            Role=cloud.make_role(),
            Code={"ZipFile": zipped(files)},
            Environment={"Variables": {"GATE": gate.address}},
            **{"MemorySize": 256, "Timeout": 60, **more},
        )
        return name + suffix

    return made


def streaming(body):
    return "awslambda.streamifyResponse(async (event, stream, context) => {" + body + "});"


def url_of(cloud, name, mode="RESPONSE_STREAM", **more):
    return cloud.make_url(name, "NONE", InvokeMode=mode, **more)


class Response:
    """One request whose answer is read piece by piece."""

    def __init__(self, cloud, target, headers=()):
        self.connection = http.client.HTTPConnection("127.0.0.1", cloud.server.port, timeout=PATIENCE)
        self.connection.request("GET", target, headers=dict(headers))
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def header(self, name):
        return self.response.getheader(name)

    def until(self, text):
        """Reads until the bytes end with this."""
        got = b""
        while not got.endswith(text):
            piece = self.response.read1(65536)
            assert piece, f"the answer ended with {got!r}"
            got += piece
        return got

    def rest(self):
        return self.response.read()


def call(url, headers=(), path="/"):
    return Response(url.cloud, url.path_form + path, headers)


def events_of(answer):
    """What the chunks say together, and the last event."""
    body, complete = b"", None
    for event in answer["EventStream"]:
        assert complete is None, "an event after the last"
        if "PayloadChunk" in event:
            body += event["PayloadChunk"]["Payload"]
        else:
            complete = event["InvokeComplete"]
    assert complete is not None
    return body, complete


def invoke(cloud, name, **more):
    return getattr(cloud, "lambda").invoke_with_response_stream(FunctionName=name, **more)


def memory_of(server):
    """Kibibytes the server has had at most."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


# ---- function URLs


def test_curl_shows_the_first_byte_before_the_function_ends(cloud, gate, make, name):
    curl = shutil.which("curl") or pytest.skip("curl is not installed")
    make(streaming("stream.setContentType('text/plain'); stream.write('first\\n'); await stop(event.rawPath); stream.end('last\\n');"))
    url = url_of(cloud, name)
    versions = [[], ["--http2-prior-knowledge"]] if "HTTP2" in subprocess.run([curl, "-V"], capture_output=True, text=True).stdout else [[]]
    for more in versions:
        path = "/" + name + str(len(more))
        command = [curl, "-sN", *more, cloud.server.origin + url.path_form + path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"first\n"
            gate.open(path)
            assert process.stdout.read() == b"last\n"
        assert process.returncode == 0


def test_metadata_becomes_the_response(cloud, make, name):
    make(
        streaming(
            "const metadata = { statusCode: 201, headers: { 'Content-Type': 'text/html', 'x-own': 'yes', Connection: 'close' }, cookies: ['a=1', 'b=2'] };"
            "await pipeline(Readable.from(['<p>', 'streamed', '</p>']), awslambda.HttpResponseStream.from(stream, metadata));"
        )
    )
    answer = call(url_of(cloud, name))
    assert (answer.status, answer.header("Content-Type"), answer.header("x-own")) == (201, "text/html", "yes")
    assert answer.response.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert answer.header("Transfer-Encoding") == "chunked" and answer.header("x-amzn-RequestId")
    assert answer.rest() == b"<p>streamed</p>"
    told = cloud.server.request("GET", "/_sallyport/explain/" + answer.header("x-amzn-RequestId")).json
    assert told["streamed"] is True and told["answer"]["status"] == 201


def test_without_metadata_the_bytes_are_the_body(cloud, make, name):
    make(streaming("stream.write('{\"statusCode\": 500}'); stream.end();"))
    answer = call(url_of(cloud, name))
    assert (answer.status, answer.header("Content-Type"), answer.rest()) == (200, "application/octet-stream", b'{"statusCode": 500}')


def test_nothing_at_all_is_an_empty_answer(cloud, make, name):
    make(streaming("stream.setContentType('text/plain'); stream.end();"))
    answer = call(url_of(cloud, name))
    assert (answer.status, answer.header("Content-Type"), answer.rest()) == (200, "text/plain", b"")


@pytest.mark.parametrize(
    "body",
    [
        "throw new Error('early');",
        "awslambda.HttpResponseStream.from(stream, { statusCode: 99 }).write('x'); stream.end();",
        "stream.setContentType('application/vnd.awslambda.http-integration-response'); stream.end('{\"statusCode\": 200}');",
        "stream.setContentType('application/vnd.awslambda.http-integration-response'); stream.end(Buffer.alloc(20000, ' '));",
    ],
)
def test_what_is_no_response_is_a_bad_gateway(cloud, make, name, body, request):
    name = make(streaming(body), suffix=str(request.node.callspec.indices["body"]))
    answer = url_of(cloud, name).call()
    assert (answer.status, answer.body, answer.header("Content-Type")) == (502, b"Internal Server Error", "text/plain"), answer
    assert cloud.server.explain(answer)["answer"]["why"]


def test_an_error_in_the_middle_cuts_the_connection(cloud, gate, make, name):
    make(streaming("stream.write('some'); await stop(context.functionName); throw new Error('late');"))
    url = url_of(cloud, name)
    answer = call(url)
    assert answer.status == 200 and answer.until(b"some")
    gate.open(name)
    with pytest.raises(http.client.IncompleteRead):
        answer.rest()
    again = call(url)
    with pytest.raises(http.client.IncompleteRead):
        again.rest()


def test_time_that_is_over_cuts_the_connection(cloud, make, name):
    make(streaming("stream.write('some'); await new Promise(() => {});"), Timeout=1)
    answer = call(url_of(cloud, name))
    assert answer.until(b"some")
    with pytest.raises(http.client.IncompleteRead):
        answer.rest()
    cloud.server.wait_for_text("Task timed out after 1.00 seconds")


def test_much_goes_through_little_memory_at_the_pace_of_the_reader(cloud, gate, make, name):
    make(
        streaming(
            "const piece = Buffer.alloc(1 << 20, 'x');"
            "for (let i = 0; i < 100; i++) { piece.writeUInt32LE(i); await write(stream, Buffer.from(piece)); if (i == 20) await stop(`${context.functionName}-20`); }"
            "stream.end();"
        )
    )
    other = make(None, "python3.12", {"app.py": "def handler(event, context): return 1"}, suffix="-other")
    gate.open(name + "-20")
    url = url_of(cloud, name)
    before = memory_of(cloud.server)
    with Wire(cloud.server.port) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        wire.write(f"GET {url.path_form}/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        while len(wire.incoming) < MEBIBYTE:
            assert wire.more()
        # Another event runs from its beginning to its end meanwhile.
        assert getattr(cloud, "lambda").invoke(FunctionName=other)["Payload"].read() == b"1"
        assert not gate.has(name + "-20"), "20 MiB were taken from the function that nobody reads"
        size = len(wire.incoming)
        wire.incoming = b""
        while wire.more():
            size += len(wire.incoming)
            wire.incoming = b""
    assert size > 100 * MEBIBYTE
    assert memory_of(cloud.server) - before < 24 * 1024, "the server kept what it should have passed on"


def test_a_client_that_leaves_does_not_end_the_function(cloud, gate, make, name):
    make(
        streaming(
            "stream.write(String(boot) + '\\n'); if (event.rawPath == '/leave') {"
            "await stop(context.functionName); for (let i = 0; i < 64; i++) await write(stream, Buffer.alloc(65536)); console.log('finished', boot); }"
            "stream.end();"
        )
    )
    url = url_of(cloud, name)
    mark = cloud.server.mark()
    with Wire(cloud.server.port) as wire:
        wire.write(f"GET {url.path_form}/leave HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        while not wire.incoming.rpartition(b"\r\n\r\n")[2].count(b"\n") > 1:
            assert wire.more()
        boot = wire.incoming.rpartition(b"\r\n\r\n")[2].split(b"\n")[1].decode().strip()
        gate.wait(name)
        wire.reset()
    gate.open(name)
    cloud.server.wait_for_text(f"finished {boot}", since=mark)
    cloud.server.wait_for_text("REPORT RequestId", since=mark)
    assert call(url).rest().decode().strip() == boot, "the same environment"


def test_the_url_decides_whether_an_answer_is_collected(cloud, make, name):
    make(streaming("const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201 }); http.write('x'); http.end();"))
    buffered = url_of(cloud, name, "BUFFERED")
    assert buffered.call().status == 502, "metadata and eight NUL bytes are no JSON"
    answer = getattr(cloud, "lambda").invoke(FunctionName=name)
    assert answer["Payload"].read() == b'{"statusCode":201}' + bytes(8) + b"x" and "FunctionError" not in answer
    getattr(cloud, "lambda").update_function_url_config(FunctionName=name, InvokeMode="RESPONSE_STREAM")
    assert (call(buffered).status, call(buffered).rest()) == (201, b"x")


def test_a_function_that_does_not_stream_is_handed_on_as_it_is(cloud, make, name):
    make(None, "python3.12", {"app.py": "def handler(event, context): return {'statusCode': 201, 'body': 'x'}"})
    answer = call(url_of(cloud, name))
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    assert json.loads(answer.rest()) == {"statusCode": 201, "body": "x"}


def test_cors_is_the_urls(cloud, make, name):
    make(streaming("const http = awslambda.HttpResponseStream.from(stream, { headers: { 'Access-Control-Allow-Origin': 'own' } }); http.write('x'); http.end();"))
    url = url_of(cloud, name, Cors={"AllowOrigins": ["https://a.example"], "ExposeHeaders": ["x-own"]})
    answer = call(url, {"Origin": "https://a.example"})
    assert answer.header("Access-Control-Allow-Origin") == "https://a.example"
    assert answer.header("Access-Control-Expose-Headers") == "x-own" and answer.rest() == b"x"


def test_the_mode_is_kept_and_shown(cloud, make, name):
    make(streaming("stream.end();"))
    client = getattr(cloud, "lambda")
    url_of(cloud, name)
    assert client.get_function_url_config(FunctionName=name)["InvokeMode"] == "RESPONSE_STREAM"
    assert client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"][0]["InvokeMode"] == "RESPONSE_STREAM"
    assert client.update_function_url_config(FunctionName=name, InvokeMode="BUFFERED")["InvokeMode"] == "BUFFERED"
    assert client.get_function_url_config(FunctionName=name)["InvokeMode"] == "BUFFERED"


TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs22.x
      Handler: app.handler
      CodeUri: code
      Timeout: 30
      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}
"""


def test_a_template_says_the_mode_and_the_server_may_be_as_slow_as_aws(serve_files, node):
    code = "for (let i = 0; i < 7; i++) await write(stream, Buffer.alloc(1 << 20)); stream.end();"
    server = serve_files({"template.yaml": TEMPLATE, "code/app.js": NODE + "exports.handler = " + streaming(code)}, "--stream-pace", "aws")
    url = server.wait_for(lambda event: event.get("kind") == "function_url", what="the function's URL")["url"]
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", "/" + url.split("/", 3)[3])
    assert len(connection.getresponse().read()) == 7 * MEBIBYTE
    assert time.monotonic() - began > 0.45, "one MiB more than goes at once, at two a second"


# ---- InvokeWithResponseStream


def test_events_arrive_while_the_function_runs(cloud, gate, make, name):
    make(streaming("stream.setContentType('text/plain'); stream.write(JSON.stringify(event)); await stop(context.functionName); stream.end('last');"))
    answer = invoke(cloud, name, Payload=b'{"a": 1}')
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-remapped-content-type"] == "text/plain"
    events = iter(answer["EventStream"])
    assert next(events) == {"PayloadChunk": {"Payload": b'{"a":1}'}}
    gate.open(name)
    assert list(events) == [{"PayloadChunk": {"Payload": b"last"}}, {"InvokeComplete": {}}]


def test_the_end_of_the_log_comes_with_the_last_event(cloud, make, name):
    make(streaming("console.log('a line'); stream.end('x');"))
    body, complete = events_of(invoke(cloud, name, LogType="Tail"))
    log = base64.b64decode(complete["LogResult"]).decode()
    assert body == b"x" and "a line" in log and "REPORT RequestId" in log


def test_errors_are_in_the_last_event(cloud, make, name):
    make(
        streaming(
            "if (event.after) await write(stream, 'some'); if (event.time) await new Promise(() => {}); if (event.exit) process.exit(1);"
            "throw new TypeError('asked to');"
        ),
        Timeout=2,
    )
    for after in (True, False):
        body, complete = events_of(invoke(cloud, name, Payload=json.dumps({"after": after})))
        assert body == (b"some" if after else b"") and complete["ErrorCode"] == "Unhandled"
        assert json.loads(complete["ErrorDetails"])["errorMessage"] == "asked to"
        body, complete = events_of(invoke(cloud, name, Payload=json.dumps({"after": after, "time": True})))
        assert body == (b"some" if after else b"") and complete["ErrorCode"] == "Sandbox.Timedout"
        assert "Task timed out after 2.00 seconds" in complete["ErrorDetails"]
        body, complete = events_of(invoke(cloud, name, Payload=json.dumps({"after": after, "exit": True})))
        assert json.loads(complete["ErrorDetails"])["errorType"] == "Runtime.ExitError"


def test_a_function_that_does_not_stream_is_one_chunk(cloud, make, name):
    make(None, "python3.12", {"app.py": "def handler(event, context):\n  if event.get('fail'): raise ValueError('no')\n  return event"})
    answer = invoke(cloud, name, Payload=b'{"a": 1}')
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-remapped-content-type"] == "application/json"
    assert events_of(answer) == (b'{"a": 1}', {})
    body, complete = events_of(invoke(cloud, name, Payload=b'{"fail": 1}'))
    assert body == b"" and json.loads(complete["ErrorDetails"])["errorType"] == "ValueError"


def test_what_is_refused_is_no_stream(cloud, make, name):
    from botocore.exceptions import ClientError

    make(streaming("stream.end('ran');"))
    assert invoke(cloud, name, InvocationType="DryRun")["StatusCode"] == 204

    def refused(who, *arguments, **more):
        with pytest.raises(ClientError) as error:
            invoke(who, *arguments, **more)
        return error.value.response["ResponseMetadata"]["HTTPStatusCode"], error.value.response["Error"]["Code"]

    assert refused(cloud, "nobody") == (404, "ResourceNotFoundException")
    assert refused(cloud, name, Payload=b"no json") == (400, "InvalidRequestContentException")
    _, key = cloud.make_user(allow("lambda:InvokeFunctionUrl"))
    assert refused(cloud.as_key(key), name) == (403, "AccessDeniedException")
    _, key = cloud.make_user(allow("lambda:InvokeFunction"))
    assert events_of(invoke(cloud.as_key(key), name))[0] == b"ran"
    getattr(cloud, "lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert refused(cloud, name) == (429, "TooManyRequestsException")


# ---- the Runtime API

BOOTSTRAP = """#!/usr/bin/python3
import base64, http.client, json, os, socket

def stop(name):
    host, port = os.environ["GATE"].split(":")
    with socket.create_connection((host, int(port))) as gate:
        gate.sendall(name.encode() + b"\\n")
        gate.recv(1)

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
while True:
    api = http.client.HTTPConnection(host, int(port))
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    event = json.loads(answer.read())
    request_id = answer.getheader("Lambda-Runtime-Aws-Request-Id")
    api.putrequest("POST", f"/2018-06-01/runtime/invocation/{request_id}/response")
    for name, value in {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked", "Content-Type": event["type"],
                        "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"}.items():
        api.putheader(name, value)
    api.endheaders()
    chunk = lambda data: api.send(b"%x\\r\\n" % len(data) + data + b"\\r\\n")
    chunk(b"first ")
    stop(event["gate"])
    for _ in range(event.get("large", 0)):
        chunk(bytes(1 << 20))
    chunk(b"last")
    trailers = b""
    if "error" in event:
        error = json.dumps({"errorType": event["error"], "errorMessage": "from the trailers"}).encode()
        trailers = b"Lambda-Runtime-Function-Error-Type: %s\\r\\nLambda-Runtime-Function-Error-Body: %s\\r\\n" % (
            event["error"].encode(), base64.b64encode(error))
    api.send(b"0\\r\\n" + trailers + b"\\r\\n")
    api.getresponse().read()
    api.close()
"""


@pytest.fixture
def provided(make):
    if not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("no /usr/bin/python3")
    return make(None, "provided.al2023", {"bootstrap": BOOTSTRAP})


def test_a_bootstrap_streams_through_the_runtime_api(cloud, gate, provided):
    answer = invoke(cloud, provided, Payload=json.dumps({"type": "text/plain", "gate": provided}))
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-remapped-content-type"] == "text/plain"
    events = iter(answer["EventStream"])
    assert next(events) == {"PayloadChunk": {"Payload": b"first "}}
    gate.open(provided)
    assert list(events) == [{"PayloadChunk": {"Payload": b"last"}}, {"InvokeComplete": {}}]


def test_trailers_are_the_error_of_a_stream(cloud, gate, provided):
    gate.open(provided)
    payload = {"type": "text/plain", "gate": provided, "error": "Function.Own", "large": 3}
    for _ in range(2):
        body, complete = events_of(invoke(cloud, provided, Payload=json.dumps(payload)))
        assert len(body) == 3 * MEBIBYTE + 10 and complete["ErrorCode"] == "Unhandled"
        assert json.loads(complete["ErrorDetails"]) == {"errorType": "Function.Own", "errorMessage": "from the trailers"}
    answer = getattr(cloud, "lambda").invoke(FunctionName=provided, Payload=json.dumps(payload))
    assert answer["FunctionError"] == "Unhandled"
