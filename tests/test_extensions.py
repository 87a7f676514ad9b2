"""Extensions beside a function: what they hear over the Extensions and Telemetry APIs, and when they hear of the end."""

import json

import pytest

from aws import Cloud, zipped
from conftest import Server

# Says on its output, which is the function's log, what it hears. The listener is inside the environment, by the name AWS gives it.
WATCHER = """#!/usr/bin/env python3
import http.client, http.server, json, os, sys, threading
def say(*words):
    print("watcher:", *words, flush=True)
def call(method, path, body=None, headers={}):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request(method, path, body, headers)
    answer = api.getresponse()
    return answer, answer.read().decode()
answer, body = call("POST", "/2020-01-01/extension/register", '{"events": ["INVOKE", "SHUTDOWN"]}',
                    {"Lambda-Extension-Name": os.path.basename(__file__), "Lambda-Extension-Accept-Feature": "accountId"})
me = {"Lambda-Extension-Identifier": answer.getheader("Lambda-Extension-Identifier")}
say("registered", body.strip())
class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            say("telemetry", event["type"], json.dumps(event["record"]))
            if event["type"] == "platform.report":
                reported.set()
        self.send_response(200)
        self.end_headers()
    def log_message(self, *ignored):
        pass
reported = threading.Event()
listener = http.server.HTTPServer(("sandbox.localdomain", 0), Listener)
threading.Thread(target=listener.serve_forever, daemon=True).start()
wanted = {"schemaVersion": "2022-12-13", "types": ["platform", "function"], "buffering": {"timeoutMs": 25, "maxItems": 1000, "maxBytes": 262144},
          "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d/" % listener.server_port}}
say("subscribed", *call("PUT", "/2022-07-01/telemetry", json.dumps(wanted), me)[1].split())
while True:
    event = json.loads(call("GET", "/2020-01-01/extension/event/next", None, me)[1])
    say("event", event["eventType"], event.get("requestId", event.get("shutdownReason")))
    if event["eventType"] == "SHUTDOWN":
        reported.wait(1.5)  # an environment may have been stopped before the last batch was due
        sys.exit(0)
"""
CODE = "def handler(event, context):\n    print('the function', event)\n    return event\n"


@pytest.fixture(scope="module", params=["isolated", "host"])
def cloud(request):
    with Server("--ephemeral", "--network", request.param, command="serve") as server:
        yield Cloud(server)


def make(cloud, name, **more):
    client = cloud.client("lambda")
    layer = client.publish_layer_version(LayerName=name, Content={"ZipFile": zipped({"extensions/watcher": WATCHER})})
    settings = {"Runtime": "python3.12", "Handler": "app.handler", "Timeout": 20, **more}
    client.create_function(
        FunctionName=name, Role=cloud.make_role(), Code={"ZipFile": zipped({"app.py": CODE})}, Layers=[layer["LayerVersionArn"]], **settings
    )
    return client


def test_an_extension_hears_everything(cloud):
    client = make(cloud, "watched")
    since = cloud.server.mark()
    answer = client.invoke(FunctionName="watched", Payload=json.dumps({"a": 1}))
    assert "FunctionError" not in answer, answer["Payload"].read()
    request_id = answer["ResponseMetadata"]["RequestId"]
    account = '"accountId":"%s"' % cloud.sts.get_caller_identity()["Account"]
    for text in (account, "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE,SHUTDOWN]", f"watcher: event INVOKE {request_id}"):
        cloud.server.wait_for_text(text, since)
    client.delete_function(FunctionName="watched")
    for text in (
        "watcher: event SHUTDOWN spindown",
        "watcher: telemetry platform.initStart",
        "watcher: telemetry function \"the function {'a': 1}\"",
        "watcher: telemetry platform.report",
    ):
        cloud.server.wait_for_text(text, since)


def test_json_logs_of_the_platform(cloud):
    client = make(cloud, "json-logs", LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "INFO"})
    since = cloud.server.mark()
    client.invoke(FunctionName="json-logs", Payload=b"{}")
    cloud.server.wait_for_text('"type":"platform.report"', since)


def test_a_runtime_that_ends_by_a_signal_is_told_first(cloud):
    """Registering any extension turns SIGTERM on."""
    code = """
import signal, sys
def handler(event, context): return 1
def end(*ignored):
    print("the function is told to end", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
"""
    client = make(cloud, "told")
    client.update_function_code(FunctionName="told", ZipFile=zipped({"app.py": code}))
    since = cloud.server.mark()
    answer = client.invoke(FunctionName="told", Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    client.delete_function(FunctionName="told")
    cloud.server.wait_for_text("the function is told to end", since)
