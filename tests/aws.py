"""The official clients for tests: boto3, and the command lines. Whatever is missing skips the test that wants it, with its name."""

import io
import json
import os
import shutil
import subprocess
import uuid
import zipfile

import pytest

from conftest import program_environment
from recorder import REMEMBER, recorded

REGION = "us-east-1"
ACCOUNT = "123456789012"
TEST_KEY = ("test", "test", None)
TOOL_TIME = 120  # seconds for one run of a command line

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

# Answers with its event; each call leaves a line in the file CALLS names, so that a test can see whether the function ran.
ECHO = REMEMBER + """
def handler(event, context):
    remember(event)
    if isinstance(event, dict) and "requestContext" in event:
        return {"statusCode": 200, "body": json.dumps(event)}
    return event
"""

# The token is allowed or denied by what it says.
AUTHORIZER = """
def handler(event, context):
    effect = "Allow" if event["authorizationToken"] == "valid-token" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""


def zipped(files):
    """name -> text, as the bytes of a package; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            package.writestr(entry, text)
    return out.getvalue()


def allow(*actions, resource="*", **more):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}]}


class Cloud:
    """The AWS APIs of a running server, for one key."""

    def __init__(self, server, key=TEST_KEY, region=REGION, endpoint=None):
        self.boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
        self.server, self.key, self.region = server, key, region
        self.endpoint = endpoint or server.origin
        self.kept = {}

    def client(self, service):
        from botocore.config import Config

        if service not in self.kept:
            self.kept[service] = self.boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.key[0],
                aws_secret_access_key=self.key[1],
                aws_session_token=self.key[2],
                config=Config(retries={"max_attempts": 1, "mode": "standard"}, read_timeout=40, connect_timeout=5),
            )
        return self.kept[service]

    def __getattr__(self, service):
        if service.startswith("_"):
            raise AttributeError(service)
        return self.client(service)

    def as_key(self, key, region=None):
        return Cloud(self.server, key, region or self.region, self.endpoint)

    def environment(self):
        """For command lines."""
        more = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key[0],
            "AWS_SECRET_ACCESS_KEY": self.key[1],
            "AWS_DEFAULT_REGION": self.region,
            "AWS_PAGER": "",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        if self.key[2]:
            more["AWS_SESSION_TOKEN"] = self.key[2]
        return program_environment(**more)

    # ---- what most tests make

    def make_role(self, name=None, policy=None, trust=TRUST_LAMBDA):
        name = name or "role-" + uuid.uuid4().hex[:8]
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        if policy:
            self.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        return role["Arn"]

    def make_user(self, policy=None, name=None):
        """ARN and key of a new user."""
        name = name or "user-" + uuid.uuid4().hex[:8]
        arn = self.iam.create_user(UserName=name)["User"]["Arn"]
        if policy:
            self.iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return arn, (key["AccessKeyId"], key["SecretAccessKey"], None)

    def make_function(self, name, calls, code=ECHO, role=None, **more):
        return getattr(self, "lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="app.handler",
            Role=role or self.make_role(),
            Code={"ZipFile": zipped({"app.py": code})},
            Environment={"Variables": {"CALLS": recorded(calls)}},
            **more,
        )["FunctionArn"]

    def make_url(self, function, auth_type="AWS_IAM", public=True, **more):
        """The path form of a function's URL, which every client can reach."""
        made = getattr(self, "lambda").create_function_url_config(FunctionName=function, AuthType=auth_type, **more)
        if auth_type == "NONE" and public:
            open_url(self, function)
        return FunctionUrl(self, made["FunctionUrl"])

    def make_api(self, method_of, name="api"):
        """A deployed API with one method `POST /my-lambda`. `method_of(api_id)` gives what PutMethod is told, and the function."""
        api_id = self.apigateway.create_rest_api(name=name)["id"]
        root = self.apigateway.get_resources(restApiId=api_id)["items"][0]["id"]
        resource = self.apigateway.create_resource(restApiId=api_id, parentId=root, pathPart="my-lambda")["id"]
        method, function_arn = method_of(api_id)
        place = {"restApiId": api_id, "resourceId": resource, "httpMethod": "POST"}
        self.apigateway.put_method(**place, **method)
        self.apigateway.put_integration(
            **place, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation_uri(self.region, function_arn)
        )
        self.apigateway.create_deployment(restApiId=api_id, stageName="prod")
        return api_id


def invocation_uri(region, function_arn):
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


def open_url(cloud, function):
    """Both permissions that let everybody use a URL."""
    client = getattr(cloud, "lambda")
    client.add_permission(
        FunctionName=function,
        StatementId="FunctionURLAllowPublicAccess",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    client.add_permission(
        FunctionName=function,
        StatementId="FunctionURLInvokeAllowPublicAccess",
        Action="lambda:InvokeFunction",
        Principal="*",
        InvokedViaFunctionUrl=True,
    )


class FunctionUrl:
    def __init__(self, cloud, url):
        self.cloud, self.url = cloud, url
        self.id = url.split("//")[1].split(".")[0]
        self.path_form = f"/_aws/lambda-url/{self.id}"

    def call(self, path="/", method="GET", headers=(), body=None, key=None, service="lambda", region=None):
        """One request, signed when there is a key."""
        target = self.path_form + path
        pairs = signed(self.cloud, method, target, headers, body, key, service, region) if key else headers
        return self.cloud.server.request(method, target, pairs, body)


def signed(cloud, method, target, headers, body, key, service, region=None):
    """The headers of a request as botocore signs it."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    wanted = botocore.awsrequest.AWSRequest(
        method=method, url=cloud.endpoint + target, headers=dict(headers), data=body.encode() if isinstance(body, str) else body
    )
    wanted.headers["Host"] = cloud.endpoint.split("//")[1]
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(*key), service, region or cloud.region).add_auth(wanted)
    return [(name, value) for name, value in wanted.headers.items() if name != "Host"]


def presigned(cloud, method, target, key, service, expires=60):
    """The target of a request with its signature in the query."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    wanted = botocore.awsrequest.AWSRequest(method=method, url=cloud.endpoint + target)
    wanted.headers["Host"] = cloud.endpoint.split("//")[1]
    botocore.auth.SigV4QueryAuth(botocore.credentials.Credentials(*key), service, cloud.region, expires=expires).add_auth(wanted)
    return wanted.url[len(cloud.endpoint) :]


def ran(calls):
    """How often a function with the code ECHO ran."""
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def tool(name, *candidates):
    """The path of a command line."""
    for candidate in (name, *candidates):
        if os.path.isabs(candidate) and os.access(candidate, os.X_OK):
            return candidate
        found = shutil.which(candidate)
        if found:
            return found
    pytest.skip(f"{name} is not installed")


def run_tool(command, cloud, folder=None, ok=True, more=None):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**cloud.environment(), **(more or {})},
        capture_output=True,
        text=True,
        timeout=TOOL_TIME,
    )
    if ok:
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done


def aws_versions():
    """The aws command lines there are: version -> program. Debian's package is version 2, pip's version 1."""
    found = {}
    for candidate in ("/usr/bin/aws", shutil.which("aws")):
        if candidate and os.access(candidate, os.X_OK):
            told = subprocess.run([candidate, "--version"], capture_output=True, text=True, timeout=TOOL_TIME)
            version = (told.stdout or told.stderr).removeprefix("aws-cli/")[:1]
            found.setdefault(version, candidate)
    return found
