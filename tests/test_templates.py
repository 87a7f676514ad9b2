"""Templates: what is refused and how, parameters, outputs, JSON, and what a start tells."""

import json
import os
import re

import pytest

from conftest import run_program, write_files
from hello import CODE, GOOD, GOOD_FILES, word

# ---- refused


HEAD = "Transform: AWS::Serverless-2016-10-31\nResources:\n"
FUNCTION = """\
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: hello
"""
REST = """\
Resources:
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties: {Name: api}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !GetAtt Api.RootResourceId
      HttpMethod: GET
      Integration: {Type: MOCK}
"""
AUTHORIZED = HEAD + FUNCTION + """\
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      Auth:
        Authorizers:
          Own:
            FunctionArn: !GetAtt F.Arn
"""

# name: template, line of the problem, words the message must have
REFUSED = {
    "yaml": ("Resources:\n  A: [\n", None, []),
    "tab": ("Resources:\n\tA: 1\n", 2, []),
    "duplicate key": ("Resources:\n  A: {Type: X}\n  A: {Type: Y}\n", 3, ["A"]),
    "no mapping": ("- a\n- b\n", 1, ["mapping"]),
    "no resources": ("Description: nothing\n", None, ["Resources"]),
    "unknown section": ("Resource:\n  A: 1\n" + REST, 1, ["Resource"]),
    "unknown type": ("Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n", 3, ["AWS::S3::Bucket"]),
    "misspelt property": (HEAD + FUNCTION.replace("Runtime", "Runtim"), 6, ["Runtim", "Runtime"]),
    "missing property": (HEAD + FUNCTION.replace("      Handler: app.handler\n", ""), None, ["Handler"]),
    "unknown runtime": (HEAD + FUNCTION.replace("python3.11", "java21"), None, ["java21"]),
    "missing code": (HEAD + FUNCTION.replace("CodeUri: hello", "CodeUri: nowhere"), 8, ["nowhere"]),
    "code in S3": (HEAD + FUNCTION.replace("CodeUri: hello", "CodeUri: s3://bucket/key"), 8, ["s3://bucket/key"]),
    "wrong type of a value": (HEAD + FUNCTION + "      Timeout: soon\n", 9, ["Timeout"]),
    "value out of range": (HEAD + FUNCTION + "      Timeout: 901\n", 9, ["Timeout", "900"]),
    "unknown reference": (HEAD + FUNCTION + "      Environment: {Variables: {KEY: !Ref Nobody}}\n", 9, ["Nobody"]),
    "reserved variable": (HEAD + FUNCTION + "      Environment: {Variables: {AWS_REGION: mars}}\n", None, ["AWS_REGION"]),
    "unknown attribute": (HEAD + FUNCTION + "      Environment: {Variables: {KEY: !GetAtt F.Nothing}}\n", 9, []),
    "cycle": (
        "Resources:\n  A: {Type: AWS::ApiGateway::RestApi, DependsOn: B, Properties: {Name: a}}\n"
        "  B: {Type: AWS::ApiGateway::RestApi, DependsOn: A, Properties: {Name: b}}\n",
        None,
        ["A", "B"],
    ),
    "unknown transform": ("Transform: Own::Macro\n" + REST, 1, ["Own::Macro"]),
    "layers": (HEAD + FUNCTION + "      Layers: [arn:aws:lambda:us-east-1:123456789012:layer:a:1]\n", 9, ["Layers"]),
    "mode of a function URL": (HEAD + FUNCTION + "      FunctionUrlConfig: {AuthType: NONE, InvokeMode: STREAM}\n", 9, ["InvokeMode"]),
    "role without a trust policy": ("Resources:\n  R: {Type: AWS::IAM::Role}\n", 2, ["AssumeRolePolicyDocument"]),
    "policy that is none": (HEAD + FUNCTION + "      Policies: [{Statement: {Effect: Allow, Action: all}}]\n", 9, ["MalformedPolicyDocument"]),
    "policy template that is none": (HEAD + FUNCTION + "      Policies: [LambdaInvokePolicys: {FunctionName: f}]\n", 9, ["LambdaInvokePolicy?"]),
    "access key": ("Resources:\n  K: {Type: AWS::IAM::AccessKey, Properties: {UserName: u}}\n", 2, ["create-access-key"]),
    "event of another kind": (HEAD + FUNCTION + "      Events:\n        Q: {Type: SQS, Properties: {Queue: q}}\n", 10, ["SQS"]),
    "Cognito on a method": (REST + "      AuthorizationType: COGNITO_USER_POOLS\n", None, ["COGNITO_USER_POOLS"]),
    "certificate for backends": ("Resources:\n  C: {Type: AWS::ApiGateway::ClientCertificate}\n", 2, ["ClientCertificateId"]),
    "request validator that is not there": (REST + "      RequestValidatorId: x\n", None, ["alidator"]),
    "CUSTOM without an authorizer": (REST + "      AuthorizationType: CUSTOM\n", None, ["authorizer"]),
    "default authorizer that is not there": (
        AUTHORIZED.replace("      Auth:\n", "      Auth:\n        DefaultAuthorizer: Owm\n"),
        14,
        ["Owm", "Own"],
    ),
    "route's authorizer that is not there": (
        AUTHORIZED.replace(
            "      CodeUri: hello\n",
            "      CodeUri: hello\n      Events:\n        A: {Type: Api, Properties: {Path: /, Method: get, "
            "RestApiId: !Ref Api, Auth: {Authorizer: Other}}}\n",
        ),
        10,
        ["Other"],
    ),
    "user pool that is none": (
        AUTHORIZED.replace("FunctionArn: !GetAtt F.Arn", "UserPoolArn: arn:aws:cognito-idp:::userpool"),
        None,
        ["user pool ARN"],
    ),
    "TTL over an hour": (AUTHORIZED + "            Identity: {ReauthorizeEvery: 3601}\n", 17, ["3600"]),
    "cache without a source": (AUTHORIZED + "            FunctionPayloadType: REQUEST\n", None, ["identity source"]),
    "expression that is none": (AUTHORIZED + "            Identity: {ValidationExpression: '['}\n", None, []),
    "two greedy siblings": (
        HEAD + FUNCTION + "      Events:\n"
        "        A: {Type: Api, Properties: {Path: '/{a}', Method: get}}\n"
        "        B: {Type: Api, Properties: {Path: '/{b}', Method: get}}\n",
        None,
        ["{a}"],
    ),
    "child of a greedy resource": (
        HEAD + FUNCTION + "      Events:\n        A: {Type: Api, Properties: {Path: '/{a+}/b', Method: get}}\n",
        None,
        ["{a+}"],
    ),
    "parameter without a value": ("Parameters:\n  Key: {Type: String}\n" + REST, 2, ["Key", "--parameter"]),
    "parameter from the parameter store": (
        "Parameters:\n  Key: {Type: 'AWS::SSM::Parameter::Value<String>', Default: a}\n" + REST,
        2,
        ["AWS::SSM"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_template(tmp_path, name):
    """Status 1, the place of the problem on standard error, and nothing is served."""
    template, line, words = REFUSED[name]
    write_files(tmp_path, {"template.yaml": template, "hello/app.py": CODE})
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0")
    assert done.returncode == 1, done
    assert "listens on" not in done.stdout
    places = [int(number) for number in re.findall(r"template\.yaml:(\d+):\d+: ", done.stderr)]
    if line is None:
        assert "template.yaml" in done.stderr, done.stderr
    else:
        assert line in places, done.stderr
    for each in words:
        assert each in done.stderr, done.stderr
    assert "nothing was started" in done.stderr


def test_all_problems_are_told_at_once(tmp_path):
    template = HEAD + FUNCTION.replace("Runtime", "Runtim").replace("CodeUri: hello", "CodeUri: nowhere") + "      Timeout: soon\n"
    write_files(tmp_path, {"template.yaml": template})
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0")
    lines = [int(number) for number in re.findall(r"template\.yaml:(\d+):", done.stderr)]
    assert {6, 8, 9} <= set(lines), done.stderr
    assert lines == sorted(lines)


def test_unsupported_can_be_ignored(serve_files):
    template = GOOD.replace(
        "      Timeout: 10\n", "      Timeout: 10\n      Layers: [arn:aws:lambda:us-east-1:123456789012:layer:a:1]\n"
    ).replace("Resources:\n", "Resources:\n  Bucket: {Type: AWS::S3::Bucket}\n")
    server = serve_files({**GOOD_FILES, "template.yaml": template}, "--ignore-unsupported")
    assert word(server) == "one fallback! no"
    ignored = [text for text in server.warnings() if text.startswith("ignored: ")]
    assert any("AWS::S3::Bucket" in text for text in ignored) and any("Layers" in text for text in ignored), ignored


@pytest.mark.parametrize("more", ["      AuthorizationType: COGNITO_USER_POOLS\n", "      AuthorizationScopes: [a/b]\n"])
def test_what_guards_a_route_is_never_ignored(tmp_path, more):
    write_files(tmp_path, {"template.yaml": REST + more})
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0", "--ignore-unsupported")
    assert done.returncode == 1 and "nothing was started" in done.stderr


def test_folder_without_a_template(tmp_path):
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and str(tmp_path) in done.stderr
    done = run_program("up", tmp_path / "nowhere.yaml", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "nowhere.yaml" in done.stderr


# ---- parameters, outputs, JSON


def test_parameters_and_conditions(serve_files):
    server = serve_files(GOOD_FILES, "--parameter", "Word=a=b c", "--parameter", "Stage=prod")
    assert word(server) == "one a=b c! yes"
    assert {row["stage"] for row in server.routes()} == {"prod"}


def test_parameters_from_the_environment_and_a_file(serve_files, tmp_path):
    (tmp_path / "settings.json").write_text('{"parameter": {"Word": "from the file", "Stage": "prod"}, "log-format": "json"}')
    environment = {**os.environ, "SALLYPORT_PARAMETER": "Word=from the environment"}
    server = serve_files(GOOD_FILES, "--config", tmp_path / "settings.json", environment=environment)
    assert word(server) == "one from the environment! yes"


@pytest.mark.parametrize("parameter, words", [("Wort=x", ["Wort", "Word"]), ("Stage=test", ["test", "AllowedValues"])])
def test_bad_parameters(tmp_path, parameter, words):
    write_files(tmp_path, GOOD_FILES)
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0", "--parameter", parameter)
    assert done.returncode == 1
    for each in words:
        assert each in done.stderr, done.stderr


def test_template_in_json(serve_files, tmp_path):
    template = {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": {"Fn::Join": ["-", ["api", "in", "json"]]}}},
            "Method": {
                "Type": "AWS::ApiGateway::Method",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                    "HttpMethod": "GET",
                    "AuthorizationType": "NONE",
                    "MethodResponses": [{"StatusCode": "200"}],
                    "Integration": {
                        "Type": "MOCK",
                        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
                        "IntegrationResponses": [{"StatusCode": "200", "ResponseTemplates": {"application/json": "json"}}],
                    },
                },
            },
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment",
                "DependsOn": "Method",
                "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "dev"},
            },
        }
    }
    server = serve_files({"template.json": json.dumps(template, indent=2)})
    assert server.api("api-in-json").call("/").body == b"json"


def test_addresses_stay_the_same_from_start_to_start(serve_files, tmp_path):
    first = serve_files(GOOD_FILES)
    api_id = first.api().id
    first.stop()
    second = serve_files(GOOD_FILES)
    assert second.api().id == api_id
    other = serve_files(GOOD_FILES, "--stack-name", "other")
    assert other.api().id != api_id


def test_sam_makes_a_second_stage_unless_told_otherwise(serve_files):
    server = serve_files({**GOOD_FILES, "template.yaml": GOOD.replace(", OpenApiVersion: '3.0.1'", "")})
    api_id = server.routes()[0]["api_id"]
    for stage in ("dev", "Stage"):
        assert server.request("GET", f"/_aws/execute-api/{api_id}/{stage}/hello").status == 200


def test_text_log_shows_routes_and_requests(serve_files):
    server = serve_files(GOOD_FILES, "--log-format", "text")
    server.wait_for_text("GET /hello")
    server.wait_for_text(f"/_aws/execute-api/{server.api().id}/dev/hello")
    server.wait_for_text("output Where = https://")
    mark = server.mark()
    answer = server.api().call("/hello")
    line = server.wait_for_text(answer.header("x-amzn-RequestId"), since=mark)
    server.wait_for(lambda event: re.match(r"200 GET \S+/dev/hello [\d.]+ ms ", event["text"]), since=mark, what="an access line")
    assert line["kind"] == "plain"
