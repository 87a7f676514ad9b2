"""What was acknowledged outlives the process, whatever ends it; what is nonsense changes nothing."""

import json
import random
import signal
import threading

import pytest

from aws import Cloud, signed
from clients import connect, send
from conftest import Server, program_environment, run_program

KILLS = 6


def test_kill_loses_nothing_acknowledged(tmp_path):
    data = tmp_path / "data"
    acknowledged, chance = set(), random.Random(7)
    for round_number in range(KILLS):
        with_server = Server("--data", data, "--no-access-log", command="serve")
        cloud = Cloud(with_server)
        found = {user["UserName"] for page in cloud.iam.get_paginator("list_users").paginate() for user in page["Users"]}
        assert acknowledged <= found, f"lost after kill {round_number}: {acknowledged - found}"
        clients = [Cloud(with_server) for _ in range(4)]
        for client in clients:
            client.client("iam")

        def write(worker, client):
            for number in range(10_000):
                name = f"u{round_number}-{worker}-{number}"
                try:
                    client.iam.create_user(UserName=name)
                except Exception:
                    return
                acknowledged.add(name)

        threads = [threading.Thread(target=write, args=(worker, client)) for worker, client in enumerate(clients)]
        goal = len(acknowledged) + chance.randrange(5, 60)
        for thread in threads:
            thread.start()
        while len(acknowledged) < goal and any(thread.is_alive() for thread in threads):
            cloud.sts.get_caller_identity()
        with_server.process.send_signal(signal.SIGKILL)
        with_server.process.wait()
        for thread in threads:
            thread.join()
    with Server("--data", data, command="serve") as server:
        iam = Cloud(server).iam
        found = {user["UserName"] for page in iam.get_paginator("list_users").paginate() for user in page["Users"]}
        assert acknowledged <= found
        assert len(acknowledged) >= KILLS * 5


def test_backup_and_restore(tmp_path):
    data, copy, other = tmp_path / "data", tmp_path / "copy", tmp_path / "other"
    with Server("--data", data, command="serve") as server:
        cloud = Cloud(server)
        arn, key = cloud.make_user()
        cloud.make_function("kept", tmp_path / "calls", "def handler(event, context):\n    return 'kept'\n")
        done = run_program("backup", copy, "--data", data)
        assert done.returncode == 0, done.stderr
        cloud.iam.create_user(UserName="later")
    assert run_program("backup", copy, "--data", data).returncode == 1, "a backup is not written over another"
    restored = run_program("restore", copy, "--data", other)
    assert restored.returncode == 0, restored.stderr
    assert run_program("restore", copy, "--data", other).returncode == 1, "nor over a folder in use"
    with Server("--data", other, command="serve") as server:
        cloud = Cloud(server)
        assert [user["Arn"] for user in cloud.iam.list_users()["Users"]] == [arn]
        assert cloud.as_key(key).sts.get_caller_identity()["Arn"] == arn
        assert cloud.client("lambda").invoke(FunctionName="kept", Payload=b"{}")["Payload"].read() == b'"kept"'


def test_two_servers_do_not_share_a_folder(tmp_path):
    data = tmp_path / "data"
    with Server("--data", data, command="serve"):
        second = run_program("serve", "--data", data, "--listen", "127.0.0.1:0")
        assert second.returncode == 1 and "another server uses" in second.stderr


def test_the_server_profile(tmp_path):
    refused = run_program("serve", "--profile", "server", "--ephemeral", "--listen", "127.0.0.1:0")
    assert refused.returncode == 1
    assert "--data" in refused.stderr
    options = ["--profile", "server", "--data", tmp_path / "data", "--control-listen", "127.0.0.1:0"]
    with Server(*options, command="serve") as server:
        told = server.wait_for_text("the AWS APIs are answered on port")
        key = server.wait_for(lambda event: event.get("kind") == "root_key", what="the root key")
        port = int(told["text"].split("port ")[1].split(" ")[0])
        control = Cloud(server, (key["access_key_id"], key["secret_access_key"], None), endpoint=f"http://127.0.0.1:{port}")
        assert control.sts.get_caller_identity()["Account"] == "123456789012"
        with pytest.raises(Exception, match="InvalidClientTokenId"):
            Cloud(server, endpoint=f"http://127.0.0.1:{port}").sts.get_caller_identity()
        assert server.request("GET", "/2015-03-31/functions/").json == {"message": "Forbidden"}, "not on the address of functions"


def test_whoami_and_can(tmp_path):
    with Server("--ephemeral", command="serve") as server:
        cloud = Cloud(server)
        arn, key = cloud.make_user(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "Office",
                        "Effect": "Allow",
                        "Action": "lambda:InvokeFunction",
                        "Resource": "*",
                        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
                    }
                ],
            }
        )
        environment = program_environment(AWS_ACCESS_KEY_ID=key[0], AWS_SECRET_ACCESS_KEY=key[1])
        told = run_program("whoami", "--endpoint", server.origin, environment=environment)
        assert told.returncode == 0 and f"arn: {arn}" in told.stdout, told.stderr
        wrong = run_program(
            "whoami", "--endpoint", server.origin, environment=program_environment(AWS_ACCESS_KEY_ID=key[0], AWS_SECRET_ACCESS_KEY="x")
        )
        assert wrong.returncode == 1 and "SignatureDoesNotMatch" in wrong.stderr
        function = "arn:aws:lambda:us-east-1:123456789012:function:f"
        ask = ["can", arn, "lambda:InvokeFunction", function, "--endpoint", server.origin]
        denied = run_program(*ask)
        assert denied.returncode == 3 and "allowed: false" in denied.stdout
        assert "Office" in denied.stdout and "10.0.0.0/8" in denied.stdout, denied.stdout
        allowed = run_program(*ask, "--context", "aws:SourceIp=10.1.2.3")
        assert allowed.returncode == 0 and "allowed: true" in allowed.stdout
        nobody = run_program("can", arn + "x", "lambda:InvokeFunction", function, "--endpoint", server.origin)
        assert nobody.returncode == 1 and "there is no principal" in nobody.stderr


def test_zero_comes_back_as_zero(tmp_path):
    """A time-to-live of nothing must not become the default over a restart: that would let one caller's answer serve others."""
    data = tmp_path / "data"
    with Server("--data", data, command="serve") as server:
        gateway = Cloud(server).apigateway
        api_id = gateway.create_rest_api(name="x")["id"]
        uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:a/invocations"
        made = gateway.create_authorizer(restApiId=api_id, name="a", type="REQUEST", authorizerUri=uri, authorizerResultTtlInSeconds=0)
    with Server("--data", data, command="serve") as server:
        found = Cloud(server).apigateway.get_authorizer(restApiId=api_id, authorizerId=made["id"])
        assert found["authorizerResultTtlInSeconds"] == 0


CALLS = [
    ("lambda", "POST", "/2015-03-31/functions", {"FunctionName": "f", "Runtime": "python3.12", "Role": "arn:aws:iam::123456789012:role/r",
                                                 "Handler": "a.b", "Code": {"ZipFile": "AAAA"}, "Environment": {"Variables": {"A": "b"}}}),
    ("lambda", "POST", "/2015-03-31/functions/f/policy", {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}),
    ("lambda", "POST", "/2021-10-31/functions/f/url", {"AuthType": "NONE", "Cors": {"AllowOrigins": ["*"], "MaxAge": 5}}),
    ("apigateway", "POST", "/restapis", {"name": "x", "binaryMediaTypes": ["image/png"], "endpointConfiguration": {"types": ["REGIONAL"]}}),
    ("apigateway", "PATCH", "/restapis/abc", {"patchOperations": [{"op": "replace", "path": "/name", "value": "y"}]}),
    ("logs", "POST", "/", {"logGroupName": "g", "tags": {"a": "b"}}),
    ("iam", "POST", "/", "Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%22Version%22%3A%222012-10-17%22%7D"
                         "&Tags.member.1.Key=a&Tags.member.1.Value=b"),
    ("sts", "POST", "/", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&RoleSessionName=s"),
]


def mangle(text, chance):
    """One of the ways in which a body can be wrong."""
    raw = bytearray(text.encode())
    kind = chance.randrange(5)
    if kind == 0:
        return bytes(raw[: chance.randrange(len(raw))])
    if kind == 1:
        for _ in range(chance.randrange(1, 6)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        return bytes(raw)
    if kind == 2:
        at = chance.randrange(len(raw))
        return bytes(raw[:at] + bytes(chance.randrange(256) for _ in range(chance.randrange(1, 40))) + raw[at:])
    if kind == 3:
        return text.replace('"', chance.choice(["", "'", '""', "\\"]), chance.randrange(1, 4)).encode()
    return text.replace(":", chance.choice([":[", ":{", ":null,", ":1e999,", ":-", "::"]), chance.randrange(1, 3)).encode()


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_is_answered_and_changes_nothing(tmp_path, seed):
    chance = random.Random(seed)
    with Server("--ephemeral", "--no-access-log", command="serve") as server:
        cloud = Cloud(server)
        bad = []
        with connect(server.port) as connection:
            for _ in range(600):
                service, method, target, body = chance.choice(CALLS)
                form = isinstance(body, str)
                payload = mangle(body if form else json.dumps(body), chance)
                headers = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"}
                if service == "logs":
                    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.CreateLogGroup"}
                pairs = signed(cloud, method, target, headers, payload, cloud.key, service)
                answer = send(connection, method, target, pairs, payload)
                if answer.status >= 500 and answer.status != 501:
                    bad.append((service, payload, answer))
        assert not bad, bad[:3]
        assert cloud.sts.get_caller_identity()["Account"] == "123456789012"
