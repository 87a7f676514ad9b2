"""The commands for those who write functions: invoke, logs, debug."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

import conftest
from conftest import PATIENCE, install, program_environment, run_program, write_files

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: hello, Runtime: python3.11, Handler: app.handler, CodeUri: hello, Timeout: 3, AutoPublishAlias: live}
  Named:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs20.x, Handler: app.handler, CodeUri: node, Timeout: 3}
"""
PYTHON = """\
import time
def handler(event, context):
    print("asked for", event)
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "raise" in event:
        raise ValueError(event["raise"])
    return {"got": event}
"""
NODE = """\
exports.handler = async (event) => {
  console.log("node is asked", JSON.stringify(event));
  if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep * 1000));
  return { node: event };
};
"""
FILES = {"template.yaml": TEMPLATE, "hello/app.py": PYTHON, "node/app.js": NODE}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with conftest.Server(write_files(tmp_path_factory.mktemp("cli"), FILES)) as server:
        yield server


def command(server, *arguments, **more):
    name, *rest = arguments
    return run_program(name, *rest, "--endpoint", server.origin, **more)


@contextlib.contextmanager
def running(server, *arguments):
    """A command that goes on, and its lines as they come."""
    process = subprocess.Popen(
        [conftest.PROGRAM, *arguments, "--endpoint", server.origin],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=program_environment(),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_with(process, text):
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"no line with {text!r} in {seen}")


# ---- invoke


def test_invoke_prints_the_answer(server, tmp_path):
    assert json.loads(command(server, "invoke", "hello").stdout) == {"got": {}}
    assert json.loads(command(server, "invoke", "hello", "--event", '{"a": 1}').stdout) == {"got": {"a": 1}}
    assert json.loads(command(server, "invoke", "hello", "--event", "-", text='{"b": 2}').stdout) == {"got": {"b": 2}}
    file = tmp_path / "event.json"
    file.write_text('{"c": 3}')
    assert json.loads(command(server, "invoke", "hello", "--event", file).stdout) == {"got": {"c": 3}}
    assert json.loads(command(server, "invoke", "Named", "--event", '{"d": 4}').stdout) == {"node": {"d": 4}}, "by its logical id"
    assert json.loads(command(server, "invoke", "Hello").stdout) == {"got": {}}, "the same, though it has a name of its own"
    assert json.loads(command(server, "invoke", "Hello:live").stdout) == {"got": {}}
    assert json.loads(command(server, "invoke", "hello:live").stdout) == {"got": {}}
    assert json.loads(command(server, "invoke", "arn:aws:lambda:us-east-1:123456789012:function:hello").stdout) == {"got": {}}


def test_invoke_says_when_the_function_failed(server):
    failed = command(server, "invoke", "hello", "--event", '{"raise": "no"}')
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["errorMessage"] == "no"


def test_invoke_shows_the_log_where_it_is_not_in_the_way(server):
    done = command(server, "invoke", "hello", "--log", "--event", '{"w": 1}')
    assert json.loads(done.stdout) == {"got": {"w": 1}}
    assert "asked for {'w': 1}" in done.stderr and "REPORT RequestId" in done.stderr


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["nobody"], "Function not found"),
        (["hello", "--event", "neither"], "neither a file with JSON nor JSON"),
    ],
)
def test_invoke_that_cannot_be(server, arguments, text):
    refused = command(server, "invoke", *arguments)
    assert refused.returncode == 1 and text in refused.stderr and refused.stdout == ""


def test_invoke_with_keys_of_the_environment(server):
    environment = program_environment(AWS_ACCESS_KEY_ID="AKIAWRONG", AWS_SECRET_ACCESS_KEY="wrong")
    refused = command(server, "invoke", "hello", environment=environment)
    assert refused.returncode == 1 and "UnrecognizedClientException" in refused.stderr


def test_no_server():
    with socket.socket() as nobody:  # has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        for name in ("invoke", "debug"):
            done = run_program(name, "f", "--endpoint", f"http://127.0.0.1:{nobody.getsockname()[1]}")
            assert done.returncode == 1 and "no answer from" in done.stderr


# ---- logs


def test_logs(server):
    command(server, "invoke", "hello", "--event", '{"logs": 1}')
    command(server, "invoke", "Named", "--event", '{"logs": 2}')
    both = command(server, "logs").stdout
    assert "asked for {'logs': 1}" in both and 'node is asked {"logs":2}' in both
    one = command(server, "logs", "hello").stdout
    assert re.search(r"^\[hello [0-9a-f-]{36}\] asked for \{'logs': 1\}$", one, re.M) and "node is asked" not in one
    raw = command(server, "logs", "hello", "--raw").stdout
    assert "\nasked for {'logs': 1}\n" in raw and "[hello" not in raw
    lines = [json.loads(line) for line in command(server, "logs", "hello", "--json").stdout.splitlines()]
    told = next(line for line in lines if line["text"] == "asked for {'logs': 1}")
    assert told["kind"] == "function" and told["function"] == "hello" and told["stream"]
    assert any(line["kind"] == "platform" and line["text"].startswith("REPORT") for line in lines)
    assert command(server, "logs", "nobody").returncode == 1


def test_logs_follow(server):
    command(server, "invoke", "hello", "--event", '{"follow": "before"}')
    with running(server, "logs", "-f", "hello") as following:
        line_with(following, "'before'")
        command(server, "invoke", "Named", "--event", '{"not": "mine"}')
        command(server, "invoke", "hello", "--event", '{"follow": "after"}')
        seen = line_with(following, "asked for")
        assert "'after'" in seen


def test_logs_follow_ends_with_the_server(tmp_path):
    with conftest.Server("--ephemeral", command="serve") as server:
        with running(server, "logs", "-f") as following:
            server.request("GET", "/_sallyport/logs")
            took = server.stop()
            assert following.wait(PATIENCE) == 1
        assert took < 10, "a command that waits for lines holds nobody up"


# ---- debug


def free_port():
    """None of those the kernel gives to whoever asks for any: between this look and its use nobody gets it by chance."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def wait_until_refused(port):
    """Waits until nobody listens there: a process that has been killed is gone a moment later."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        except OSError:
            return
        assert time.monotonic() < deadline, f"somebody listens on {port}"


def inspector(port):
    return json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE))


def check_node(server):
    port = free_port()
    with running(server, "debug", "Named", "--port", str(port)) as debugging:
        assert f"attach to 127.0.0.1:{port}" in line_with(debugging, "attach to")
        assert inspector(port)[0]["type"] == "node"
        # Longer than its timeout; what it prints is shown.
        done = command(server, "invoke", "Named", "--event", '{"sleep": 4}')
        assert json.loads(done.stdout) == {"node": {"sleep": 4}}
        assert "node is asked" in line_with(debugging, "node is asked")
        debugging.send_signal(signal.SIGINT)
        assert debugging.wait(PATIENCE) == 0
    wait_until_refused(port)
    late = command(server, "invoke", "Named", "--event", '{"sleep": 4}')
    assert late.returncode == 1 and "timed out after 3.00 seconds" in late.stdout


def test_debug_node(server, node):
    check_node(server)


def test_debug_node_in_a_network_of_its_own(start, tmp_path, node):
    if json.loads(run_program("doctor", "--json").stdout)["developer"]["level"] != "native":
        pytest.skip("no native sandboxes here")
    check_node(start(write_files(tmp_path, FILES), "--network", "isolated"))


def test_debug_without_debugpy_says_what_to_do(server):
    with running(server, "debug", "hello", "--port", str(free_port())) as refused:
        told = refused.stdout.readline()
        if "attach to" in told:
            pytest.skip("the interpreter has debugpy")
        assert refused.wait(PATIENCE) == 1 and "pip install debugpy" in told
    assert json.loads(command(server, "invoke", "hello").stdout) == {"got": {}}, "as before"


def test_debug_of_what_cannot_be(server):
    assert "there is no function nobody" in command(server, "debug", "nobody").stderr


class Adapter:
    """The Debug Adapter Protocol, as far as this test goes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")
        self.sent = 0

    def send(self, name, **arguments):
        self.sent += 1
        body = json.dumps({"seq": self.sent, "type": "request", "command": name, "arguments": arguments}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def wait_for(self, kind, name):
        while True:
            length = 0
            while (line := self.file.readline().strip()) != b"":
                length = int(line.split(b":")[1])
            assert length, "the adapter has gone"
            message = json.loads(self.file.read(length))
            if message["type"] == kind and message.get("event", message.get("command")) == name:
                return message


def test_debug_python(server, start, tmp_path):
    """A breakpoint in a handler, in a package that brings debugpy."""
    files = write_files(tmp_path, FILES)
    install([sys.executable, "-m", "pip", "install", "--quiet", "--target", tmp_path / "hello", "debugpy"])
    server = start(files)
    port = free_port()
    with running(server, "debug", "hello", "--port", str(port)) as debugging:
        line_with(debugging, f"attach to 127.0.0.1:{port}")
        adapter = Adapter(port)
        adapter.send("initialize", adapterID="test", pathFormat="path")
        adapter.wait_for("response", "initialize")
        adapter.send("attach", justMyCode=False)
        adapter.wait_for("event", "initialized")
        adapter.send("setBreakpoints", source={"path": "/var/task/app.py"}, breakpoints=[{"line": 3}])
        assert adapter.wait_for("response", "setBreakpoints")["body"]["breakpoints"][0]["verified"]
        adapter.send("configurationDone")
        adapter.wait_for("response", "configurationDone")
        with running(server, "invoke", "hello", "--event", '{"at": "breakpoint"}') as invoking:
            thread = adapter.wait_for("event", "stopped")["body"]["threadId"]
            adapter.send("stackTrace", threadId=thread)
            assert adapter.wait_for("response", "stackTrace")["body"]["stackFrames"][0]["name"] == "handler"
            adapter.send("continue", threadId=thread)
            assert json.loads(invoking.stdout.read()) == {"got": {"at": "breakpoint"}}
        debugging.send_signal(signal.SIGTERM)
        assert debugging.wait(PATIENCE) == 0
    assert json.loads(command(server, "invoke", "hello").stdout) == {"got": {}}
    assert os.path.exists(tmp_path / "hello/debugpy")
