"""Templates: what is refused and how, reloading while requests are served, the command line, and how the server ends."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import threading

import pytest

from clients import connect, expect_not_found, request, send
from conftest import PATIENCE, PROGRAM, Server, program_environment, replace_file, run_program, write_files

GOOD = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Word: {Type: String, Default: fallback}
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: hello
      Runtime: python3.11
      Handler: app.handler
      CodeUri: hello
      Timeout: 10
      Environment: {Variables: {WORD: !Sub '${Word}!', PROD: !If [IsProd, 'yes', 'no']}}
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: get, RestApiId: !Ref Api}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: !Ref Stage, OpenApiVersion: '3.0.1'}
Outputs:
  Where: {Value: !Sub 'https://${Api}.execute-api.${AWS::Region}.amazonaws.com/${Stage}'}
"""
CODE = """\
import os, time
def handler(event, context):
    query = event["queryStringParameters"] or {}
    if "sleep" in query:
        print("asleep", flush=True)
        time.sleep(float(query["sleep"]))
    return {"statusCode": 200, "body": f"one {os.environ['WORD']} {os.environ['PROD']} {os.getpid()}"}
"""
GOOD_FILES = {"template.yaml": GOOD, "hello/app.py": CODE}


def word(server, path="/hello"):
    answer = server.api().call(path)
    assert answer.status == 200, answer
    return answer.text.rsplit(" ", 1)[0]


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
    "function URL": (HEAD + FUNCTION + "      FunctionUrlConfig: {AuthType: NONE}\n", 9, ["FunctionUrlConfig"]),
    "event of another kind": (HEAD + FUNCTION + "      Events:\n        Q: {Type: SQS, Properties: {Queue: q}}\n", 10, ["SQS"]),
    "AWS_IAM": (REST + "      AuthorizationType: AWS_IAM\n", None, ["AWS_IAM"]),
    "API key": (REST + "      ApiKeyRequired: true\n", None, ["apiKeyRequired"]),
    "request validator": (REST + "      RequestValidatorId: x\n", 12, ["RequestValidatorId"]),
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
    "Cognito": (
        AUTHORIZED.replace("FunctionArn: !GetAtt F.Arn", "UserPoolArn: arn:aws:cognito-idp:::userpool/x"),
        None,
        ["Cognito"],
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


@pytest.mark.parametrize("more", ["      AuthorizationType: AWS_IAM\n", "      ApiKeyRequired: true\n"])
def test_what_guards_a_route_is_never_ignored(tmp_path, more):
    write_files(tmp_path, {"template.yaml": REST + more})
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0", "--ignore-unsupported")
    assert done.returncode == 1 and "nothing was started" in done.stderr


def test_16_api_key_is_refused_with_the_reason(tmp_path):
    write_files(tmp_path, {"template.yaml": REST + "      ApiKeyRequired: true\n"})
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "open to callers without a key" in done.stderr


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


# ---- reloading


def test_edited_handler_answers_without_a_restart(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    before = server.api().call("/hello").text
    mark = server.mark()
    (tmp_path / "hello/app.py").write_text(CODE.replace("one", "two"))
    server.wait_for_text("reloaded", since=mark)
    after = server.api().call("/hello").text
    assert after.startswith("two ") and after.split()[-1] != before.split()[-1]
    mark = server.mark()
    replace_file(tmp_path / "hello/app.py", CODE.replace("one", "three"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("three ")


def test_edit_of_the_same_size_in_the_same_second_is_served(serve_files, tmp_path):
    """Python's byte code cache looks at the size and the whole seconds of a source file only."""
    write_files(tmp_path, GOOD_FILES)
    code = tmp_path / "hello/app.py"
    second = code.stat().st_mtime_ns // 10**9 * 10**9
    os.utime(code, ns=(second + 100_000_000,) * 2)
    server = serve_files({})
    assert word(server).startswith("one ")
    mark = server.mark()
    edited = tmp_path / "app.py.edited"
    edited.write_text(CODE.replace("one", "two"))
    os.utime(edited, ns=(second + 900_000_000,) * 2)
    os.replace(edited, code)
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("two ")


def test_new_file_and_new_folder_of_the_code_are_noticed(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    word(server)
    mark = server.mark()
    (tmp_path / "hello/helper.py").write_text("WORD = 'helped'\n")
    server.wait_for_text("reloaded", since=mark)
    mark = server.mark()
    write_files(tmp_path, {"hello/package/__init__.py": "WORD = 'packaged'\n"})
    server.wait_for_text("reloaded", since=mark)
    mark = server.mark()
    (tmp_path / "hello/package/__init__.py").write_text("WORD = 'packaged twice'\n")
    server.wait_for_text("reloaded", since=mark)
    mark = server.mark()
    (tmp_path / "hello/app.py").write_text("import helper, package\n" + CODE.replace("one", "{helper.WORD} {package.WORD}"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("helped packaged twice ")


def test_running_functions_leave_no_reload_behind(serve_files, tmp_path):
    """What functions write into __pycache__ or read is no change."""
    server = serve_files(GOOD_FILES)
    mark = server.mark()
    word(server)
    write_files(tmp_path, {"hello/__pycache__/app.cpython-311.pyc": b"x", "hello/node_modules/a/index.js": "x"})
    word(server)
    # A change that counts comes after all that: the reload it causes is the first.
    (tmp_path / "hello/app.py").write_text(CODE.replace("one", "two"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("two ")
    assert sum("reloaded" in event.get("text", "") for event in server.events[mark:]) == 1


def test_changed_template_is_served(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    api = server.api()
    expect_not_found(api.call("/new"))
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(GOOD.replace("Path: /hello", "Path: /new").replace("fallback", "changed"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server, "/new") == "one changed! no"
    expect_not_found(api.call("/hello"))
    assert [row["path"] for row in server.routes()] == ["/new"]


@pytest.mark.parametrize(
    "broken",
    [GOOD.replace("Runtime:", "Runtim:"), GOOD + "\n  [", "", GOOD.replace("CodeUri: hello", "CodeUri: gone")],
    ids=["property", "syntax", "empty", "code"],
)
def test_broken_template_leaves_the_old_one_serving(serve_files, tmp_path, broken):
    server = serve_files(GOOD_FILES)
    process = server.api().call("/hello").text.split()[-1]
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(broken)
    server.wait_for_text("the last good version goes on serving", since=mark, kind="warning")
    assert any("template.yaml" in event.get("text", "") for event in server.events[mark:] if event.get("kind") == "warning")
    answer = server.api().call("/hello")
    assert answer.status == 200 and answer.text.split()[-1] == process, "the warm process goes on too"
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(GOOD.replace("fallback", "mended"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server) == "one mended! no"


def test_what_did_not_change_keeps_its_warm_process(serve_files, tmp_path):
    template = GOOD.replace(
        "  Api:\n",
        """\
  Other:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      CodeUri: other
      Environment: {Variables: {WORD: w, PROD: p}}
      Events:
        Get: {Type: Api, Properties: {Path: /other, Method: get, RestApiId: !Ref Api}}
  Api:
""",
    )
    server = serve_files({**GOOD_FILES, "template.yaml": template, "other/app.py": CODE})
    hello, other = (server.api().call(path).text.split()[-1] for path in ("/hello", "/other"))
    mark = server.mark()
    (tmp_path / "other/app.py").write_text(CODE + "\n# changed\n")
    server.wait_for_text("reloaded", since=mark)
    assert server.api().call("/hello").text.split()[-1] == hello
    assert server.api().call("/other").text.split()[-1] != other


def test_sighup_reloads(serve_files, tmp_path):
    server = serve_files(GOOD_FILES, "--no-watch")
    (tmp_path / "template.yaml").write_text(GOOD.replace("fallback", "by signal"))
    assert word(server) == "one fallback! no"
    mark = server.mark()
    server.signal(signal.SIGHUP)
    server.wait_for_text("reloaded", since=mark)
    assert word(server) == "one by signal! no"


def test_requests_under_way_survive_a_reload(serve_files, tmp_path):
    server = serve_files(GOOD_FILES)
    api = server.api()
    answers = []
    mark = server.mark()
    slow = threading.Thread(target=lambda: answers.append(api.call("/hello?sleep=1.5")))
    slow.start()
    server.wait_for_text("asleep", since=mark, kind="function")
    (tmp_path / "hello/app.py").write_text(CODE.replace("one", "two"))
    server.wait_for_text("reloaded", since=mark)
    assert word(server).startswith("two ")
    slow.join()
    assert answers[0].status == 200 and answers[0].text.startswith("one ")


# ---- the command line


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["up"],
        ["up", "a", "b"],
        ["up", "a", "--nonsense"],
        ["up", "a", "--listen"],
        ["up", "a", "--listen", "nowhere"],
        ["up", "a", "--listen", "127.0.0.1:99999"],
        ["up", "a", "--parameter", "novalue"],
        ["up", "a", "--data", "x", "--ephemeral"],
        ["up", "a", "--ephemeral=yes"],
        ["up", "a", "--log-format", "xml"],
        ["up", "a", "--config", "/nowhere.json"],
        ["up", "a", "-x"],
        ["serve", "a"],
        ["serve", "--parameter", "a=b"],
        ["explain"],
        ["explain", "x", "--endpoint", "nowhere"],
        ["vectors", "x"],
    ],
    ids=" ".join,
)
def test_usage_errors_end_with_status_2(arguments):
    done = run_program(*arguments)
    assert done.returncode == 2, done
    assert done.stderr.startswith("sallyport: ") and "--help" in done.stderr
    assert done.stdout == ""


def test_help_and_version():
    assert re.fullmatch(r"sallyport \d+\.\d+\.\d+\n", run_program("--version").stdout)
    for arguments in (["--help"], ["-h"], ["help"]):
        done = run_program(*arguments)
        assert done.returncode == 0
        for command in ("up PATH", "serve", "explain REQUEST-ID"):
            assert command in done.stdout
    done = run_program("up", "--help")
    assert done.returncode == 0
    for option in (
        "--listen HOST:PORT",
        "--parameter KEY=VALUE",
        "--ignore-unsupported",
        "--data DIR",
        "--ephemeral",
        "--strict-runtimes",
    ):
        assert option in done.stdout


def test_serve_without_a_template(start):
    server = start(command="serve")
    assert server.routes() == []
    assert server.request("GET", "/").status == 403


def test_port_in_use(tmp_path, start):
    first = start(command="serve")
    done = run_program("serve", "--listen", f"127.0.0.1:{first.port}")
    assert done.returncode == 1
    assert str(first.port) in done.stderr
    assert first.request("GET", "/_sallyport/health").status == 200


def test_data_folder_belongs_to_one_server(tmp_path, start):
    start("--data", tmp_path / "data", command="serve")
    done = run_program("serve", "--listen", "127.0.0.1:0", "--data", tmp_path / "data")
    assert done.returncode == 1
    assert str(tmp_path / "data") in done.stderr


def test_nothing_is_left_behind(serve_files, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = serve_files(GOOD_FILES, environment={**os.environ, "TMPDIR": str(temporary)})
    word(server)
    assert list(temporary.iterdir())
    server.stop()
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "hello").iterdir()) == ["app.py"], "no byte code beside the user's files"


# ---- the end


def test_sigterm_finishes_requests_under_way(serve_files):
    server = serve_files(GOOD_FILES)
    api = server.api()
    with connect(server.port) as idle:
        assert send(idle, "GET", api.base + "/hello").status == 200
        answers = []
        mark = server.mark()
        slow = threading.Thread(target=lambda: answers.append(api.call("/hello?sleep=1.5")))
        slow.start()
        server.wait_for_text("asleep", since=mark, kind="function")
        server.signal(signal.SIGTERM)
        server.wait_for_text("stopping", since=mark)
        # Idle connections are closed at once, and nobody new is let in.
        assert idle.sock.recv(1) == b""
        with pytest.raises(OSError):
            with socket.create_connection(("127.0.0.1", server.port), 5) as late:
                late.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if not late.recv(1):
                    raise ConnectionResetError
        slow.join()
    assert answers[0].status == 200 and answers[0].text.startswith("one ")
    server.check_end()


def test_second_sigterm_ends_at_once(serve_files):
    server = serve_files(GOOD_FILES)
    server_base = server.api().base
    mark = server.mark()

    def ask():
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"GET {server_base}/hello?sleep=9 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            try:
                connection.recv(1)
            except OSError:
                pass

    asking = threading.Thread(target=ask)
    asking.start()
    server.wait_for_text("asleep", since=mark, kind="function")
    server.signal(signal.SIGTERM)
    server.wait_for_text("stopping", since=mark)
    server.signal(signal.SIGTERM)
    # The function alone would take nine seconds.
    assert server.process.wait(5) == 0
    asking.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_functions_die_with_the_server(tmp_path, number):
    """Also when the server has no chance to end them."""
    server = Server(write_files(tmp_path, GOOD_FILES))
    handle = os.pidfd_open(int(server.api().call("/hello").text.split()[-1]))
    server.signal(number)
    server.process.wait(PATIENCE)
    assert select.select([handle], [], [], PATIENCE)[0], "the process of the function goes on"
    os.close(handle)


def test_sigint_ends_like_sigterm(start):
    server = start(command="serve")
    server.signal(signal.SIGINT)
    server.check_end()


def begin_without_waiting(tmp_path):
    """The program and its port as soon as it says that it listens, and not an instant later."""
    write_files(tmp_path, GOOD_FILES)
    process = subprocess.Popen(
        [PROGRAM, "up", tmp_path, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, env=program_environment()
    )
    lines = (re.search(rb"listens on http://127\.0\.0\.1:(\d+)", line) for line in process.stdout)
    return process, int(next(found for found in lines if found)[1])


def test_sigterm_right_after_the_listening_line(tmp_path):
    """Whoever waits for that line may stop the server at once."""
    for _ in range(10):
        process, _ = begin_without_waiting(tmp_path)
        process.terminate()
        process.stdout.read()
        assert process.wait(PATIENCE) == 0


def test_output_that_nobody_reads_does_not_stop_the_server(tmp_path):
    """The reader of standard output has gone, as with `sallyport up ... | head -1`."""
    process, port = begin_without_waiting(tmp_path)
    process.stdout.close()
    try:
        for _ in range(50):
            assert request(port, "GET", "/_sallyport/health").status == 200
            assert request(port, "GET", "/_aws/execute-api/a-request/that-is-logged").status == 403
    finally:
        process.terminate()
    assert process.wait(PATIENCE) == 0
