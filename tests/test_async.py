"""Asynchronous invocations: what is acknowledged runs, whatever ends the server; retries, and destinations that are told of the end."""

import collections
import http.client
import json
import signal
import threading
import time

import pytest

from aws import ACCOUNT, REGION, TEST_KEY, Cloud, allow, aws_versions, run_tool, signed, zipped
from clients import connect, send
from conftest import PATIENCE, Server
from recorder import REMEMBER, recorded
from test_terraform import expect_no_changes, init, terraform  # noqa: F401 - a fixture

EVENTS = 10_000
SENDERS = 4
OPTIONS = ("--no-access-log",)
QUICK = ("--async-delay-factor", "0.001")

APPEND = (
    REMEMBER
    + """
def handler(event, context):
    remember({"id": context.aws_request_id, "event": event})
    if isinstance(event, dict) and event.get("fail"):
        raise ValueError("asked to")
    return {"seen": event}
"""
)
# An event of this function takes longer than it takes to send one.
WHILE_THE_SERVER_IS_KILLED = f"    import time; time.sleep(0.005 if event['n'] < {2 * EVENTS // 3} else 0)\n"


def function_arn(name):
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


class Calls:
    """What functions appended to a file."""

    def __init__(self, path):
        self.path = path

    def all(self):
        if not self.path.exists():
            return []
        # The last line may be on its way.
        return [json.loads(line) for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def until(self, cloud, done, timeout=PATIENCE):
        """All calls, once `done` holds for them. The server is asked something meanwhile: it must go on answering."""
        deadline = time.monotonic() + timeout
        while True:
            calls = self.all()
            if done(calls):
                return calls
            assert time.monotonic() < deadline, f"{len(calls)} calls after {timeout} s, the last {calls[-3:]}"
            cloud.sts.get_caller_identity()


def invoke_event(cloud, name, event, **more):
    answer = cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode(), **more)
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    return answer["ResponseMetadata"]["RequestId"]


class Senders:
    """Sends events with numbers over a few connections, and keeps the numbers that were acknowledged."""

    def __init__(self, numbers):
        self.numbers, self.acknowledged, self.lock = collections.deque(numbers), set(), threading.Lock()

    def run(self, cloud, until):
        """Until so many are acknowledged; then the server is killed, or everything was sent."""
        threads = [threading.Thread(target=self._send, args=(cloud,)) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        while len(self.acknowledged) < until and any(thread.is_alive() for thread in threads):
            threads[0].join(0.005)
        if until < EVENTS:
            cloud.server.process.send_signal(signal.SIGKILL)
            cloud.server.process.wait()
        for thread in threads:
            thread.join()

    def _send(self, cloud):
        target = "/2015-03-31/functions/f/invocations"
        with connect(cloud.server.port) as connection:
            while True:
                with self.lock:
                    if not self.numbers:
                        return
                    number = self.numbers.popleft()
                body = json.dumps({"n": number})
                headers = signed(cloud, "POST", target, [("X-Amz-Invocation-Type", "Event")], body, TEST_KEY, "lambda")
                try:
                    answer = send(connection, "POST", target, headers, body)
                except (OSError, http.client.HTTPException):
                    # Nobody knows whether it was taken: another of the same number may follow.
                    with self.lock:
                        self.numbers.append(number)
                    return
                assert answer.status == 202, answer
                with self.lock:
                    self.acknowledged.add(number)


def test_kill_loses_no_event(tmp_path):
    data, calls = tmp_path / "data", Calls(tmp_path / "calls")
    senders, waiting = Senders(range(EVENTS)), []
    for kill_at in (EVENTS // 3, 2 * EVENTS // 3):
        cloud = Cloud(Server("--data", data, *OPTIONS, command="serve"))
        if not senders.acknowledged:
            cloud.make_function("f", calls.path, APPEND.replace("    remember(", WHILE_THE_SERVER_IS_KILLED + "    remember(", 1))
            # So that many wait when the server is killed.
            cloud.client("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        senders.run(cloud, kill_at)
        assert kill_at <= len(senders.acknowledged) < EVENTS
        waiting.append(len(senders.acknowledged - {call["event"]["n"] for call in calls.all()}))
    with Server("--data", data, *OPTIONS, command="serve") as server:
        cloud = Cloud(server)
        cloud.client("lambda").delete_function_concurrency(FunctionName="f")
        senders.run(cloud, EVENTS)
        assert senders.acknowledged == set(range(EVENTS))
        ran = calls.until(cloud, lambda calls: len({call["event"]["n"] for call in calls}) == EVENTS, timeout=180)
        # Those that ran when the server was killed, or whose end was not on disk yet, and those that were sent again.
        twice = len(ran) - EVENTS
        print(f"{EVENTS} events; {waiting} waited when the server was killed; {twice} ran again")
        assert all(count > 0 for count in waiting)
        assert twice < EVENTS // 10
        assert not any("event" in warning for warning in server.warnings())


def test_attempts_go_on_with_the_next_server(tmp_path):
    data, calls = tmp_path / "data", Calls(tmp_path / "calls")
    with Server("--data", data, *OPTIONS, "--async-delay-factor", "0.02", command="serve") as server:
        cloud = Cloud(server)
        cloud.make_function("f", calls.path, APPEND)
        request_id = invoke_event(cloud, "f", {"fail": True})
        # An attempt that is cut off counts for nothing, and would be made again.
        server.wait_for_text(f"REPORT RequestId: {request_id}")
    with Server("--data", data, *OPTIONS, *QUICK, command="serve") as server:
        server.wait_for_text("an event ended without success and without a destination: RetriesExhausted")
        assert [call["id"] for call in calls.all()] == [request_id] * 3


@pytest.fixture
def cloud(tmp_path, start):
    return Cloud(start("--ephemeral", *OPTIONS, *QUICK, command="serve"))


@pytest.fixture
def calls(tmp_path):
    return Calls(tmp_path / "calls")


@pytest.fixture
def told(tmp_path, cloud):
    """A function that is told of ends, and its calls."""
    told = Calls(tmp_path / "told")
    cloud.make_function("told", told.path, APPEND)
    return told


def test_three_attempts_under_one_id(cloud, calls):
    cloud.make_function("f", calls.path, APPEND)
    request_id = invoke_event(cloud, "f", {"fail": True})
    ran = calls.until(cloud, lambda calls: len(calls) == 3)
    assert {call["id"] for call in ran} == {request_id}
    cloud.server.wait_for_text("an event ended without success and without a destination: RetriesExhausted")
    assert len(calls.all()) == 3


def test_the_end_is_told(cloud, calls, told):
    role = cloud.make_role(policy=allow("lambda:InvokeFunction", resource=function_arn("told")))
    cloud.make_function("f", calls.path, APPEND, role=role)
    aws_lambda = cloud.client("lambda")
    destination = {"Destination": function_arn("told")}
    made = aws_lambda.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=1, DestinationConfig={"OnSuccess": destination, "OnFailure": destination}
    )
    assert made["DestinationConfig"] == {"OnSuccess": destination, "OnFailure": destination}
    assert made["FunctionArn"] == function_arn("f:$LATEST")

    good = invoke_event(cloud, "f", {"n": 1})
    (call,) = told.until(cloud, lambda calls: len(calls) == 1)
    record = call["event"]
    assert list(record) == ["version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload"]
    assert record["version"] == "1.0" and record["timestamp"].endswith("Z")
    assert list(record["requestContext"].items()) == [
        ("requestId", good),
        ("functionArn", function_arn("f:$LATEST")),
        ("condition", "Success"),
        ("approximateInvokeCount", 1),
    ]
    assert record["requestPayload"] == {"n": 1} and record["responsePayload"] == {"seen": {"n": 1}}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert call["id"] != good

    bad = invoke_event(cloud, "f", {"fail": True})
    record = told.until(cloud, lambda calls: len(calls) == 2)[1]["event"]
    assert record["requestContext"]["requestId"] == bad
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert record["responsePayload"]["errorMessage"] == "asked to"

    aws_lambda.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    none = invoke_event(cloud, "f", {"n": 2})
    record = told.until(cloud, lambda calls: len(calls) == 3)[2]["event"]
    assert record["requestContext"] == {
        "requestId": none,
        "functionArn": function_arn("f:$LATEST"),
        "condition": "ZeroReservedConcurrency",
        "approximateInvokeCount": 0,
    }
    assert "responseContext" not in record and "responsePayload" not in record
    assert len(calls.all()) == 3


def test_nobody_waits_beyond_the_age(tmp_path, start, calls):
    # The first retry would come a minute after the event, which is its age.
    cloud = Cloud(start("--ephemeral", *OPTIONS, command="serve"))
    told = Calls(tmp_path / "told")
    cloud.make_function("told", told.path, APPEND)
    cloud.make_function("f", calls.path, APPEND, role=cloud.make_role(policy=allow("lambda:*")))
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName="f", MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": function_arn("told")}}
    )
    invoke_event(cloud, "f", {"fail": True})
    record = told.until(cloud, lambda calls: len(calls) == 1)[0]["event"]
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responsePayload"]["errorMessage"] == "asked to"


def test_a_role_that_may_not_call_the_destination(cloud, calls, told):
    cloud.make_function("f", calls.path, APPEND)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": function_arn("told")}}
    )
    invoke_event(cloud, "f", {})
    line = cloud.server.wait_for_text("was not told of the end of an event")
    assert "is not authorized to perform: lambda:InvokeFunction" in line["text"]
    assert told.all() == [] and len(calls.all()) == 1


def test_configurations_as_on_aws(cloud, calls):
    cloud.make_function("f", calls.path, APPEND)
    cloud.make_function("other", calls.path, APPEND)
    aws_lambda = cloud.client("lambda")

    def refused(error, text, **settings):
        with pytest.raises(getattr(aws_lambda.exceptions, error, Exception), match=text):
            aws_lambda.put_function_event_invoke_config(FunctionName="f", **settings)

    def to(arn):
        return {"OnFailure": {"Destination": arn}}

    refused("InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")
    refused("InvalidParameterValueException", "as a destination for itself", DestinationConfig=to(function_arn("f")))
    refused("InvalidParameterValueException", "function:none is invalid", DestinationConfig=to(function_arn("none")))
    refused("ClientError", "DestinationConfig.OnFailure.Destination", DestinationConfig=to(f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"))
    refused("ClientError", "regular expression pattern", DestinationConfig=to("arn:aws:_-/!lambda:x"))
    aws_lambda.put_function_event_invoke_config(
        FunctionName="f", MaximumEventAgeInSeconds=21600, DestinationConfig=to(function_arn("other"))
    )
    aws_lambda.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    read = aws_lambda.get_function_event_invoke_config(FunctionName="f")
    assert read["MaximumRetryAttempts"] == 0 and read["MaximumEventAgeInSeconds"] == 21600
    assert read["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": function_arn("other")}}
    assert len(aws_lambda.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]) == 1
    aws_lambda.delete_function_event_invoke_config(FunctionName="f")
    with pytest.raises(aws_lambda.exceptions.ResourceNotFoundException, match="doesn't have an EventInvokeConfig"):
        aws_lambda.get_function_event_invoke_config(FunctionName="f")


def test_command_line(cloud, calls, tmp_path):
    programs = aws_versions()
    if not programs:
        pytest.skip("the aws command line is not installed")
    cloud.make_function("f", calls.path, APPEND)
    cloud.make_function("other", calls.path, APPEND)
    for program in programs.values():
        config = json.dumps({"OnSuccess": {"Destination": function_arn("other")}})
        program_line = [program, "--endpoint-url", cloud.endpoint, "lambda"]
        command = [*program_line, "put-function-event-invoke-config", "--function-name", "f", "--destination-config", config]
        made = json.loads(run_tool(command, cloud).stdout)
        assert made["DestinationConfig"]["OnSuccess"]["Destination"] == function_arn("other")
        old = tmp_path / "arguments.json"
        old.write_text('{"n": 1}')
        before = len(calls.all())
        run_tool([*program_line, "invoke-async", "--function-name", "other", "--invoke-args", old], cloud)
        calls.until(cloud, lambda calls: len(calls) == before + 1)


TERRAFORM = """
provider "aws" { region = "us-east-1" }
resource "aws_iam_role" "role" {
  name = "role"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}
resource "aws_lambda_function" "f" {
  for_each = toset(["f", "told"])
  function_name = each.key
  filename = "code.zip"
  runtime = "python3.12"
  handler = "app.handler"
  role = aws_iam_role.role.arn
}
resource "aws_lambda_function_event_invoke_config" "config" {
  function_name = aws_lambda_function.f["f"].function_name
  maximum_event_age_in_seconds = AGE
  maximum_retry_attempts = 0
  destination_config {
    on_failure { destination = aws_lambda_function.f["told"].arn }
  }
}
"""


def test_terraform(terraform, tmp_path):  # noqa: F811
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "code.zip").write_bytes(zipped({"app.py": APPEND}))
    for age in (60, 90):
        (folder / "main.tf").write_text(TERRAFORM.replace("AGE", str(age)))
        if age == 60:
            init(terraform, folder)
        terraform(folder, "apply", "-input=false", "-auto-approve")
        expect_no_changes(terraform, folder)
        read = terraform.cloud.client("lambda").get_function_event_invoke_config(FunctionName="f")
        assert read["MaximumEventAgeInSeconds"] == age and read["MaximumRetryAttempts"] == 0
        assert read["DestinationConfig"]["OnFailure"]["Destination"] == function_arn("told")
    terraform(folder, "destroy", "-input=false", "-auto-approve")


SAM = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.12, Handler: app.handler, CodeUri: code}
Resources:
  Told: {Type: AWS::Serverless::Function, Properties: {FunctionName: told, Environment: {Variables: {CALLS: 'TOLD'}}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Environment: {Variables: {CALLS: 'CALLED'}}
      EventInvokeConfig:
        MaximumRetryAttempts: 0
        DestinationConfig: {OnFailure: {Type: Lambda, Destination: !GetAtt Told.Arn}}
"""


def test_a_template(tmp_path, serve_files):
    server = serve_files({"template.yaml": SAM.replace("TOLD", recorded(tmp_path / "told")).replace("CALLED", recorded(tmp_path / "calls")), "code/app.py": APPEND}, "--ephemeral", *OPTIONS)
    cloud = Cloud(server)
    invoke_event(cloud, "f", {"fail": True})
    record = Calls(tmp_path / "told").until(cloud, lambda calls: len(calls) == 1)[0]["event"]
    assert record["requestContext"]["condition"] == "RetriesExhausted", "the role SAM makes may call the destination"
    assert record["requestContext"]["approximateInvokeCount"] == 1
