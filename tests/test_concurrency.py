"""How many events run at the same time, which version an alias stands for, and environments that are kept ready."""

import contextlib
import json
import socket
import threading
import time

import pytest

from aws import Cloud, zipped
from conftest import PATIENCE, Server

# Tells a gate that it runs, and ends when the gate lets it.
WAITS = """
import json, os, socket

def tell(word):
    host, port = os.environ["GATE"].split(":")
    with socket.create_connection((host, int(port))) as gate:
        gate.sendall(word.encode() + b"\\n")
        return gate.recv(1)

KIND = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
if os.environ.get("TELLS_INIT"):
    tell("init " + KIND)

def handler(event, context):
    if event.get("wait"):
        tell("runs")
    return {"version": context.function_version, "kind": KIND}
"""


class Gate:
    """Functions come here; they wait until they are let go."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def comes(self):
        """Whoever comes next, and the word it says."""
        visitor, _ = self.listener.accept()
        visitor.settimeout(PATIENCE)
        return visitor, visitor.makefile().readline().strip()

    @contextlib.contextmanager
    def holds(self, client, count=1, **what):
        """While this many events run."""
        threads = [threading.Thread(target=client.invoke, kwargs={"Payload": b'{"wait": true}', **what}) for _ in range(count)]
        for thread in threads:
            thread.start()
        visitors = [self.comes()[0] for _ in range(count)]
        yield
        for visitor in visitors:
            visitor.sendall(b"!")
            visitor.close()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def gate():
    return Gate()


@pytest.fixture(scope="module")
def cloud():
    with Server("--ephemeral", command="serve") as server:
        yield Cloud(server)


def make(cloud, name, gate, code=WAITS, **variables):
    return cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="app.handler",
        Role=cloud.make_role(),
        Timeout=30,
        Code={"ZipFile": zipped({"app.py": code})},
        Environment={"Variables": {"GATE": gate.address, **variables}},
        Publish=True,
    )


def call(client, name):
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def refused(client, name):
    """Reason, type, message and status of a call that is throttled."""
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName=name, Payload=b"{}")
    answer = caught.value.response
    return answer["Reason"], answer["Type"], answer["message"], answer["ResponseMetadata"]["HTTPStatusCode"]


OWN = ("ReservedFunctionConcurrentInvocationLimitExceeded", "User", "Rate Exceeded.", 429)
SHARED = ("ConcurrentInvocationLimitExceeded", "User", "Rate Exceeded.", 429)


def test_reserved_concurrency(cloud, gate):
    client = cloud.client("lambda")
    make(cloud, "reserved", gate)
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
    with gate.holds(client, FunctionName="reserved"):
        assert refused(client, "reserved") == OWN
        assert refused(client, "reserved:1") == OWN, "versions share it"
    assert call(client, "reserved")["version"] == "$LATEST"
    client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)
    assert refused(client, "reserved") == OWN
    client.delete_function_concurrency(FunctionName="reserved")
    assert call(client, "reserved")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=r"below its minimum value of \[100\]"):
        client.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=901)


def test_what_an_account_may_run(gate):
    with Server("--ephemeral", "--account-concurrency", "3", command="serve") as server:
        cloud = Cloud(server)
        client = cloud.client("lambda")
        for name in ("one", "two", "kept"):
            make(cloud, name, gate)
        client.put_function_concurrency(FunctionName="kept", ReservedConcurrentExecutions=1)
        limit = client.get_account_settings()["AccountLimit"]
        assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (3, 2)
        with gate.holds(client, FunctionName="one"), gate.holds(client, FunctionName="two"):
            assert refused(client, "one") == refused(client, "two") == SHARED
            assert call(client, "kept"), "a reservation is there for its function"
        assert call(client, "one") and call(client, "two")


def test_weights_of_an_alias(cloud, gate):
    client = cloud.client("lambda")
    make(cloud, "weighted", gate)
    client.update_function_configuration(FunctionName="weighted", Description="changed")
    client.publish_version(FunctionName="weighted")
    made = client.create_alias(
        FunctionName="weighted", Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}
    )
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    answers = [client.invoke(FunctionName="weighted:live", Payload=b"{}") for _ in range(60)]
    seen = [answer["ExecutedVersion"] for answer in answers]
    assert all(json.loads(answer["Payload"].read())["version"] == version for answer, version in zip(answers, seen))
    assert 6 < seen.count("2") < 54, "sixty even draws are outside once in a billion runs"
    for weight, version in ((0.0, "1"), (1.0, "2")):
        client.update_alias(FunctionName="weighted", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": weight}})
        assert {call(client, "weighted:live")["version"] for _ in range(10)} == {version}
    # A grant on the alias is a grant on whatever it stands for; a URL of it leads to both.
    url = cloud.make_url("weighted", "NONE", public=False, Qualifier="live")
    for action, more in (("InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}), ("InvokeFunction", {"InvokedViaFunctionUrl": True})):
        client.add_permission(FunctionName="weighted", Qualifier="live", StatementId=action, Action=f"lambda:{action}", Principal="*", **more)
    assert cloud.server.request("GET", f"/_aws/lambda-url/{url.id}/").json["version"] == "2"
    client.update_alias(FunctionName="weighted", Name="live", RoutingConfig={})
    assert "RoutingConfig" not in client.get_alias(FunctionName="weighted", Name="live")


def settled(client, **what):
    """The state of provisioned concurrency once it is no longer under way."""
    deadline = time.monotonic() + PATIENCE
    while (state := client.get_provisioned_concurrency_config(**what))["Status"] == "IN_PROGRESS":
        assert time.monotonic() < deadline, state
    return state


def test_provisioned_concurrency(tmp_path, gate):
    what = {"FunctionName": "ready", "Qualifier": "1"}
    with Server("--data", tmp_path / "data", command="serve") as server:
        cloud = Cloud(server)
        client = cloud.client("lambda")
        make(cloud, "ready", gate, TELLS_INIT="yes")
        put = client.put_provisioned_concurrency_config(ProvisionedConcurrentExecutions=2, **what)
        assert (put["Status"], put["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
        for _ in range(2):
            visitor, word = gate.comes()
            assert word == "init provisioned-concurrency", "before any event"
            visitor.sendall(b"!")
        state = settled(client, **what)
        assert (state["Status"], state["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2)
        assert client.list_provisioned_concurrency_configs(FunctionName="ready")["ProvisionedConcurrencyConfigs"][0]["FunctionArn"].endswith(":ready:1")
        with gate.holds(client, 2, **what):
            pass  # nobody else says `init`: both ran in those that were ready
        assert call(client, "ready:1") == {"version": "1", "kind": "provisioned-concurrency"}
        assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998
        client.put_function_concurrency(FunctionName="ready", ReservedConcurrentExecutions=2)
        assert refused(client, "ready") == OWN, "all that is reserved is provisioned for version 1"
    with Server("--data", tmp_path / "data", command="serve") as server:
        client = Cloud(server).client("lambda")
        for _ in range(2):
            visitor, word = gate.comes()
            assert word == "init provisioned-concurrency", "after a restart, too"
            visitor.sendall(b"!")
        assert settled(client, **what)["Status"] == "READY"
        client.delete_provisioned_concurrency_config(**what)
        with pytest.raises(client.exceptions.ProvisionedConcurrencyConfigNotFoundException):
            client.get_provisioned_concurrency_config(**what)


def test_environments_that_do_not_come_up(cloud, gate):
    client = cloud.client("lambda")
    make(cloud, "broken", gate, code="raise ValueError('no')\n")
    what = {"FunctionName": "broken", "Qualifier": "1"}
    client.put_provisioned_concurrency_config(ProvisionedConcurrentExecutions=1, **what)
    state = settled(client, **what)
    assert (state["Status"], state["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert state["AvailableProvisionedConcurrentExecutions"] == 0
    client.delete_provisioned_concurrency_config(**what)


def test_provisioned_concurrency_moves_with_its_alias(cloud, gate):
    client = cloud.client("lambda")
    make(cloud, "moves", gate)
    client.update_function_configuration(FunctionName="moves", Description="changed")
    client.publish_version(FunctionName="moves")
    client.create_alias(FunctionName="moves", Name="live", FunctionVersion="1")
    what = {"FunctionName": "moves", "Qualifier": "live"}
    client.put_provisioned_concurrency_config(ProvisionedConcurrentExecutions=1, **what)
    assert settled(client, **what)["Status"] == "READY"
    assert call(client, "moves:live") == {"version": "1", "kind": "provisioned-concurrency"}
    client.update_alias(FunctionName="moves", Name="live", FunctionVersion="2")
    assert settled(client, **what)["Status"] == "READY"
    assert call(client, "moves:live") == {"version": "2", "kind": "provisioned-concurrency"}
    assert call(client, "moves:1")["kind"] == "on-demand"
