"""Functions in a network of their own: what they reach there, and what they do not."""

import json
import socket

import pytest

from conftest import PATIENCE, Server, run_program, write_files

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Probe:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: probe, Runtime: python3.11, Handler: app.handler, CodeUri: probe, Timeout: 20}
  Native:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: native
      Runtime: nodejs20.x
      Handler: app.handler
      CodeUri: node
      FunctionUrlConfig: {AuthType: NONE}
"""
PROBE = """\
import datetime, hashlib, hmac, http.client, os, socket, urllib.parse

def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

def request(method, path, headers={}, body="", source=None):
    where = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10, source_address=(source, 0) if source else None)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return {"status": answer.status, "text": answer.read().decode()}

def who_am_i(key, secret, token=None, source=None):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    host = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
    headers = {"host": host, "x-amz-date": now} | ({"x-amz-security-token": token} if token else {})
    names = ";".join(sorted(headers))
    canonical = "\\n".join(["POST", "/", "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, hashlib.sha256(body.encode()).hexdigest()])
    scope = f"{now[:8]}/us-east-1/sts/aws4_request"
    text = "\\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing = b"AWS4" + secret.encode()
    for part in (now[:8], "us-east-1", "sts", "aws4_request"):
        signing = sign(signing, part)
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={sign(signing, text).hex()}"
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return request("POST", "/", headers, body, source)

def connects(host, port):
    try:
        socket.create_connection((host, port), 3).close()
        return "connected"
    except OSError as error:
        return type(error).__name__

def handler(event, context):
    what = event.pop("do")
    if what == "own":
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return who_am_i(*(os.environ[name] for name in names))
    return {"who": who_am_i, "request": request, "connects": connects}[what](**event)
"""
NODE = "exports.handler = async () => ({ statusCode: 200, body: 'called from inside' });\n"


@pytest.fixture(scope="module")
def isolated(tmp_path_factory):
    if json.loads(run_program("doctor", "--json").stdout)["developer"]["level"] not in ("native", "bwrap"):
        pytest.skip("no sandbox with a network of its own here")
    folder = tmp_path_factory.mktemp("isolated")
    with Server(write_files(folder, {"template.yaml": TEMPLATE, "probe/app.py": PROBE, "node/app.js": NODE}), "--network", "isolated") as server:
        yield server


def ask(server, do, **event):
    done = run_program("invoke", "probe", "--event", json.dumps({"do": do, **event}), "--endpoint", server.origin)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_aws_apis_are_there_for_the_function_s_own_role(isolated):
    told = ask(isolated, "own")
    assert told["status"] == 200, told
    assert "<Arn>arn:aws:sts::123456789012:assumed-role/" in told["text"] and "/probe</Arn>" in told["text"]


@pytest.mark.parametrize("source", [None, "127.0.0.1"])
@pytest.mark.parametrize("key", ["test", "123456789012", "999999999999"])
def test_the_documented_keys_are_nobodys_there(isolated, key, source):
    """Whatever address the function gives itself: its own loopback is not this machine's."""
    told = ask(isolated, "who", key=key, secret="test", source=source)
    assert told["status"] == 403 and "invalid" in told["text"], told


@pytest.mark.parametrize("source", [None, "127.0.0.1"])
@pytest.mark.parametrize("path", ["routes", "functions", "logs", "explain/x", "can?principal=a&action=b&resource=c"])
def test_local_paths_are_not_answered_there(isolated, path, source):
    for host in ("169.254.100.1:4566", "localhost", "127.0.0.1"):
        told = ask(isolated, "request", method="GET", path=f"/_sallyport/{path}", headers={"Host": host}, source=source)
        assert told["status"] == 403 and json.loads(told["text"]) == {"message": "Forbidden"}, told


def test_a_debugger_cannot_be_asked_for_from_inside(isolated):
    assert ask(isolated, "request", method="POST", path="/_sallyport/debug?function=probe")["status"] == 403


def test_other_functions_are_reached_by_their_urls(isolated):
    url = isolated.wait_for(lambda event: event.get("kind") == "function_url", what="the function's URL")["url_id"]
    told = ask(isolated, "request", method="GET", path=f"/_aws/lambda-url/{url}/")
    assert (told["status"], told["text"]) == (200, "called from inside")


def test_nothing_else_is_reached(isolated):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE)
        assert ask(isolated, "connects", host="127.0.0.1", port=listening.getsockname()[1]) == "ConnectionRefusedError"
    assert ask(isolated, "connects", host="127.0.0.1", port=isolated.port) == "ConnectionRefusedError"
    assert ask(isolated, "connects", host="192.0.2.1", port=80) == "OSError", "no route"
    assert ask(isolated, "connects", host="example.com", port=80) == "gaierror"
