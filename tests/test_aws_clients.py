"""The user's flow through each official client: role, function, permission, API with authorizer, deployment, URL, invocations, clean-up."""

import base64
import json
import re
import time

import pytest

from aws import (
    ACCOUNT,
    AUTHORIZER,
    TRUST_LAMBDA,
    Cloud,
    allow,
    aws_versions,
    invocation_uri,
    ran,
    run_tool,
    tool,
    zipped,
)
from clients import request
from conftest import Server, install, write_files

FUNCTION_ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:my-lambda-function"


@pytest.fixture
def cloud(start):
    return Cloud(start("--ephemeral", command="serve"))


def make_flow(cloud, calls):
    """What the flow makes: the id of its API and the URL's id."""
    role = cloud.make_role("flow-role", allow("logs:*"))
    function = cloud.make_function("my-lambda-function", calls, role=role)
    client = cloud.client("lambda")
    authorizer = client.create_function(
        FunctionName="my-authorizer",
        Runtime="python3.12",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": zipped({"app.py": AUTHORIZER})},
    )["FunctionArn"]

    def method(api_id):
        for name in ("my-lambda-function", "my-authorizer"):
            client.add_permission(
                FunctionName=name,
                StatementId="gateway",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api_id}/*",
            )
        made = cloud.apigateway.create_authorizer(
            restApiId=api_id,
            name="token",
            type="TOKEN",
            authorizerUri=invocation_uri("us-east-1", authorizer),
            identitySource="method.request.header.Authorization",
        )
        return {"authorizationType": "CUSTOM", "authorizerId": made["id"]}, function

    return cloud.make_api(method, "flow"), cloud.make_url("my-lambda-function").id


def check_flow(server, api_id, url_id):
    target = f"/_aws/execute-api/{api_id}/prod/my-lambda"
    for token, status in (("valid-token", 200), ("other", 403), (None, 401)):
        headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
        assert server.request("POST", target, headers, "{}").status == status, token
    assert server.request("GET", f"/_aws/lambda-url/{url_id}/").status == 403


def test_boto3(cloud, tmp_path):
    calls = tmp_path / "calls"
    api_id, url_id = make_flow(cloud, calls)
    check_flow(cloud.server, api_id, url_id)
    client = cloud.client("lambda")
    answer = client.invoke(FunctionName=FUNCTION_ARN, Payload=b'{"key1": "value1"}', LogType="Tail")
    assert json.loads(answer["Payload"].read()) == {"key1": "value1"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "REPORT RequestId" in base64.b64decode(answer["LogResult"]).decode()
    assert client.invoke(FunctionName="my-lambda-function", InvocationType="DryRun")["StatusCode"] == 204
    before = ran(calls)
    assert client.invoke(FunctionName="my-lambda-function", InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    deadline = time.monotonic() + 30
    while ran(calls) == before and time.monotonic() < deadline:
        cloud.logs.describe_log_groups()
    assert ran(calls) == before + 1, "the event ran"

    cloud.apigateway.delete_rest_api(restApiId=api_id)
    client.delete_function_url_config(FunctionName="my-lambda-function")
    for name in ("my-lambda-function", "my-authorizer"):
        client.delete_function(FunctionName=name)
    cloud.iam.delete_role_policy(RoleName="flow-role", PolicyName="inline")
    cloud.iam.delete_role(RoleName="flow-role")
    assert client.list_functions()["Functions"] == [] and cloud.apigateway.get_rest_apis()["items"] == []
    assert cloud.server.request("POST", f"/_aws/execute-api/{api_id}/prod/my-lambda").status == 403


@pytest.mark.parametrize("version", ["1", "2"])
def test_command_line(cloud, tmp_path, version):
    program = aws_versions().get(version)
    if not program:
        pytest.skip(f"version {version} of the aws command line is not installed")
    # Version 2 before 2.13 does not know AWS_ENDPOINT_URL.
    aws = [program, "--endpoint-url", cloud.endpoint, "--output", "json"]
    calls = tmp_path / "calls"
    files = {"trust.json": json.dumps(TRUST_LAMBDA), "code.zip": zipped({"app.py": "def handler(event, context):\n    return event\n"})}
    write_files(tmp_path, files)

    def run(*arguments, **more):
        return run_tool([*aws, *arguments], cloud, tmp_path, **more)

    role = json.loads(run("iam", "create-role", "--role-name", "r", "--assume-role-policy-document", "file://trust.json").stdout)
    made = json.loads(
        run(
            "lambda",
            "create-function",
            *("--function-name", "my-lambda-function"),
            *("--runtime", "python3.12"),
            *("--handler", "app.handler"),
            *("--role", role["Role"]["Arn"]),
            *("--zip-file", "fileb://code.zip"),
        ).stdout
    )
    assert made["FunctionArn"] == FUNCTION_ARN
    run("lambda", "wait", "function-active-v2", "--function-name", "my-lambda-function")
    raw = ["--cli-binary-format", "raw-in-base64-out"] if version == "2" else []
    told = run("lambda", "invoke", "--function-name", FUNCTION_ARN, *raw, "--payload", '{"key1": "value1"}', "output.json")
    assert json.loads(told.stdout)["StatusCode"] == 200
    assert json.loads((tmp_path / "output.json").read_text()) == {"key1": "value1"}
    url = run("lambda", "create-function-url-config", "--function-name", "my-lambda-function", "--auth-type", "AWS_IAM")
    assert re.fullmatch(r"http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:\d+/", json.loads(url.stdout)["FunctionUrl"])
    run("sts", "get-caller-identity")
    run("apigateway", "create-rest-api", "--name", "x")
    assert '"name": "x"' in run("apigateway", "get-rest-apis").stdout
    missing = run("lambda", "get-function", "--function-name", "nobody", ok=False)
    assert "ResourceNotFoundException" in missing.stderr and f"function:nobody" in missing.stderr
    denied = run_tool(
        [*aws, "lambda", "list-functions"], cloud.as_key(cloud.make_user()[1]), tmp_path, ok=False
    )
    assert "AccessDeniedException" in denied.stderr and "because no identity-based policy allows" in denied.stderr
    run("lambda", "delete-function", "--function-name", "my-lambda-function")
    run("iam", "delete-role", "--role-name", "r")
    assert ran(calls) == 0


def test_curl_signs_for_a_url(cloud, tmp_path):
    curl = tool("curl")
    calls = tmp_path / "calls"
    cloud.make_function("my-lambda-function", calls)
    url = cloud.make_url("my-lambda-function")
    _, key = cloud.make_user(allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"))
    command = [curl, "-s", "-o", "/dev/null", "-w", "%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:lambda"]
    command += ["--user", f"{key[0]}:{key[1]}", "-H", "Content-Type: application/json", "-d", '{"a":1}']
    assert run_tool([*command, f"{cloud.endpoint}{url.path_form}/plain"], cloud).stdout == "200"
    # curl resolves every name below localhost by itself.
    assert run_tool([*command, url.url], cloud).stdout == "200"
    assert run_tool([*command[:-4], "--user", f"{key[0]}:wrong", "-d", "{}", url.url], cloud).stdout == "403"
    assert ran(calls) == 2


JAVASCRIPT = """
import { LambdaClient, InvokeCommand, GetFunctionCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { APIGatewayClient, GetRestApisCommand } from '@aws-sdk/client-api-gateway'
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { IAMClient, GetUserCommand } from '@aws-sdk/client-iam'
const lambda = new LambdaClient({})
const invoked = await lambda.send(new InvokeCommand({ FunctionName: 'my-lambda-function', Payload: '{"key1":"value1"}' }))
const found = await lambda.send(new GetFunctionCommand({ FunctionName: 'my-lambda-function' }))
const listed = await lambda.send(new ListFunctionsCommand({}))
const apis = await new APIGatewayClient({}).send(new GetRestApisCommand({}))
const me = await new STSClient({}).send(new GetCallerIdentityCommand({}))
let missing
try { await new IAMClient({}).send(new GetUserCommand({ UserName: 'nobody' })) } catch (error) { missing = error.name }
console.log(JSON.stringify({ payload: Buffer.from(invoked.Payload).toString(), status: invoked.StatusCode, state: found.Configuration.State,
  count: listed.Functions.length, apis: apis.items.map(api => api.name), arn: me.Arn, missing }))
"""


def test_javascript_sdk(cloud, tmp_path):
    npm, node = tool("npm"), tool("node")
    packages = [f"@aws-sdk/client-{name}@3" for name in ("lambda", "api-gateway", "sts", "iam")]
    write_files(tmp_path, {"package.json": '{"type": "module", "private": true}', "flow.mjs": JAVASCRIPT})
    install([npm, "install", "--no-audit", "--no-fund", *packages], tmp_path)
    cloud.make_function("my-lambda-function", tmp_path / "calls")
    cloud.apigateway.create_rest_api(name="shown")
    told = json.loads(run_tool([node, "flow.mjs"], cloud, tmp_path, more={"AWS_REGION": "us-east-1"}).stdout)
    assert told == {
        "payload": '{"key1": "value1"}',
        "status": 200,
        "state": "Active",
        "count": 1,
        "apis": ["shown"],
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "missing": "NoSuchEntityException",
    }


def test_a_restart_in_the_middle_changes_nothing(tmp_path):
    calls, data = tmp_path / "calls", tmp_path / "data"
    with Server("--data", data, command="serve") as server:
        first = Cloud(server)
        api_id, url_id = make_flow(first, calls)
        arn, key = first.make_user(allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"))
        session = first.as_key(key).sts.get_session_token()["Credentials"]
        check_flow(server, api_id, url_id)
        before = first.client("lambda").get_function(FunctionName="my-lambda-function")["Configuration"]
    with Server("--data", data, command="serve") as server:
        second = Cloud(server)
        check_flow(server, api_id, url_id)
        after = second.client("lambda").get_function(FunctionName="my-lambda-function")["Configuration"]
        assert before == after
        assert second.as_key(key).sts.get_caller_identity()["Arn"] == arn
        temporary = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        assert second.as_key(temporary).sts.get_caller_identity()["Arn"] == arn
        assert json.loads(second.client("lambda").invoke(FunctionName=FUNCTION_ARN, Payload=b"[1]")["Payload"].read()) == [1]
        second.client("lambda").delete_function(FunctionName="my-authorizer")
    with Server("--data", data, command="serve") as server:
        names = [each["FunctionName"] for each in Cloud(server).client("lambda").list_functions()["Functions"]]
        assert names == ["my-lambda-function"]


def test_the_root_key_is_made_once(tmp_path):
    data = tmp_path / "data"
    with Server("--data", data, "--no-test-credentials", command="serve") as server:
        made = server.wait_for(lambda event: event.get("kind") == "root_key", what="the root key")
        key = (made["access_key_id"], made["secret_access_key"], None)
        assert Cloud(server, key).sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
        with pytest.raises(Exception, match="InvalidClientTokenId"):
            Cloud(server).sts.get_caller_identity()
    secret = made["secret_access_key"].encode()
    assert not any(secret in path.read_bytes() for path in data.rglob("*") if path.is_file()), "the secret lies open on the disk"
    with Server("--data", data, "--no-test-credentials", command="serve") as server:
        assert Cloud(server, key).sts.get_caller_identity()["Account"] == ACCOUNT
        assert not any(event.get("kind") == "root_key" for event in server.events), "it is shown once"


def test_a_functions_code_acts_as_its_role(cloud, tmp_path):
    pytest.importorskip("boto3")
    code = """
import boto3

def handler(event, context):
    arn = boto3.client("sts").get_caller_identity()["Arn"]
    try:
        boto3.client("iam").list_users()
        users = "listed"
    except Exception as error:
        users = error.response["Error"]["Code"]
    return {"arn": arn, "users": users, "groups": len(boto3.client("logs").describe_log_groups()["logGroups"])}
"""
    role = cloud.make_role("acting", allow("logs:DescribeLogGroups"))
    cloud.make_function("acting", tmp_path / "calls", code, role, Timeout=30)
    answer = cloud.client("lambda").invoke(FunctionName="acting", Payload=b"{}")
    told = json.loads(answer["Payload"].read())
    if told.get("errorType") == "Runtime.ImportModuleError":
        pytest.skip("the interpreter of functions has no boto3")
    assert told["users"] == "AccessDenied", told
    assert told["arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/acting/acting"), told


def test_a_role_lambda_may_not_assume(cloud, tmp_path):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
    role = cloud.make_role(trust=trust)
    for arn in (role, f"arn:aws:iam::{ACCOUNT}:role/nobody"):
        with pytest.raises(Exception, match="The role defined for the function cannot be assumed by Lambda"):
            cloud.make_function("f", tmp_path / "calls", role=arn)


def test_each_call_has_a_trace_id(cloud, tmp_path):
    """The one the caller sends, or one of its own, as AWS makes for every invocation."""
    code = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    cloud.make_function("traced", tmp_path / "calls", code)
    client = cloud.client("lambda")
    ids = {json.loads(client.invoke(FunctionName="traced")["Payload"].read()) for _ in range(2)}
    assert len(ids) == 2 and all(re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", each) for each in ids), ids
    sent = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
    client.meta.events.register("before-sign.lambda.Invoke", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", sent))
    assert json.loads(client.invoke(FunctionName="traced")["Payload"].read()) == sent


def test_function_logs_arrive(cloud, tmp_path):
    code = """
import logging
def handler(event, context):
    print('a line of the function')
    logging.warning('a record\\nof two lines')
    raise ValueError('no')
"""
    cloud.make_function("talks", tmp_path / "calls", code)
    cloud.client("lambda").invoke(FunctionName="talks", Payload=b"{}")
    deadline = time.monotonic() + 30
    messages = []
    while not any("REPORT" in text for text in messages) and time.monotonic() < deadline:
        groups = [group["logGroupName"] for group in cloud.logs.describe_log_groups()["logGroups"]]
        if "/aws/lambda/talks" in groups:
            events = cloud.logs.filter_log_events(logGroupName="/aws/lambda/talks")["events"]
            messages = [event["message"] for event in events]
    assert "a line of the function\n" in messages, messages
    assert any(text.startswith("[WARNING]\t") and text.endswith("\ta record\nof two lines\n") for text in messages), messages
    assert any(text.startswith("[ERROR] ValueError: no\nTraceback (most recent call last):\n") for text in messages), messages
    build = re.search(r"^INIT_START Runtime Version: python:3\.\d+\.v\d+\tRuntime Version ARN: (arn:\S+)$", messages[0])
    configured = cloud.client("lambda").get_function_configuration(FunctionName="talks")
    assert build and build[1] == configured["RuntimeVersionConfig"]["RuntimeVersionArn"], messages


def test_accounts_and_regions_live_side_by_side(cloud, tmp_path):
    cloud.make_function("same", tmp_path / "one")
    other = cloud.as_key(("210987654321", "test", None), "eu-west-1")
    arn = other.make_function("same", tmp_path / "two")
    assert arn == "arn:aws:lambda:eu-west-1:210987654321:function:same"
    assert len(cloud.client("lambda").list_functions()["Functions"]) == 1
    assert cloud.as_key(cloud.key, "eu-west-1").client("lambda").list_functions()["Functions"] == []
    other.client("lambda").invoke(FunctionName="same", Payload=b"{}")
    assert (ran(tmp_path / "one"), ran(tmp_path / "two")) == (0, 1)


def test_what_is_not_there_is_refused_by_name(cloud):
    with pytest.raises(Exception) as refused:
        cloud.client("lambda").create_code_signing_config(AllowedPublishers={"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:1:/x/y/z"]})
    assert refused.value.response["Error"]["Code"] == "NotImplementedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(Exception, match="dynamodb"):
        cloud.dynamodb.list_tables()
    with pytest.raises(Exception, match="VpcConfig"):
        cloud.client("lambda").create_function(
            FunctionName="f",
            Runtime="python3.12",
            Handler="a.b",
            Role=cloud.make_role(),
            Code={"ZipFile": zipped({"a.py": ""})},
            VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        )
    assert cloud.client("lambda").list_functions()["Functions"] == []


def test_pages_of_other_origins_get_nothing(cloud):
    import aws

    body = "Action=GetCallerIdentity&Version=2011-06-15"
    pairs = aws.signed(cloud, "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body, cloud.key, "sts")
    assert cloud.server.request("POST", "/", pairs, body).status == 200
    for header in (("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site")):
        assert cloud.server.request("POST", "/", [*pairs, header], body).status == 403
    assert cloud.server.request("POST", "/", [*pairs, ("Host", "evil.example")], body).status == 421


def test_unsigned_calls(cloud):
    port = cloud.server.port
    answer = request(port, "GET", "/2015-03-31/functions/")
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})
    answer = request(port, "GET", "/restapis")
    assert answer.status == 403
    answer = request(port, "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, "Action=ListUsers&Version=2010-05-08")
    assert answer.status == 403 and "MissingAuthenticationToken" in answer.text
