"""Functions: the runtimes, what handlers see, what their failures come to, and what of them is in the server's output."""

import io
import os
import socket
import stat
import sys
import threading
import zipfile

import pytest

from clients import event_of, expect_bad_gateway, expect_unauthorized, expect_broken_authorizer
from conftest import PATIENCE, Server, host_pid, program_environment, run_program, wait_until_ended, write_files

MIB = 1024 * 1024
SYSTEM_PYTHON = "/usr/bin/python3"  # seen inside sandboxes, as all below /usr is
HEAD = "Transform: AWS::Serverless-2016-10-31\nResources:\n"


def function(name, runtime="python3.11", handler="app.handler", code=None, path=None, more=""):
    """A function with one GET route of its name."""
    return f"""
  {name}:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: {name.lower()}
      Runtime: {runtime}
      Handler: {handler}
      CodeUri: {code or name.lower()}
      {more}
      Events:
        Call: {{Type: Api, Properties: {{Path: {path or '/' + name.lower()}, Method: any, RestApiId: !Ref Api}}}}
"""


API = """
  Api: {Type: AWS::Serverless::Api, Properties: {Name: functions, StageName: dev, OpenApiVersion: '3.0.1'}}
"""

MAIN = """
import json, logging, os, sys, time
logger = logging.getLogger()
logger.setLevel("INFO")
print("loading the module")
CALLS = 0
PROCESS = os.urandom(8).hex()

def answer(value):
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(value)}

def handler(event, context):
    global CALLS
    CALLS += 1
    query = event["queryStringParameters"] or {}
    what = query.get("do", "tell")
    if what == "tell":
        return answer({"calls": CALLS, "process": PROCESS, "pid": os.getpid(), "namespace": os.readlink("/proc/self/ns/pid"), "directory": os.getcwd(), "environment": dict(os.environ),
                       "context": {"name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
                                   "memory": context.memory_limit_in_mb, "request": context.aws_request_id, "group": context.log_group_name,
                                   "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis()},
                       "event_request": event["requestContext"]["requestId"]})
    if what == "log":
        print("printed line")
        print("to standard error", file=sys.stderr)
        logger.info("logged line")
        sys.stdout.write("without an end")
        sys.stdout.flush()
        return answer("logged")
    if what == "raise":
        raise ValueError("something is wrong")
    if what == "sleep":
        time.sleep(20)
    if what == "child":
        import subprocess
        return answer(subprocess.Popen(["sleep", "60"]).pid)
    if what == "exit":
        os._exit(4)
    if what == "kill":
        os.kill(os.getpid(), 9)
    if what == "memory":
        hoard = bytearray(400 * 1024 * 1024)
        for at in range(0, len(hoard), 4096):
            hoard[at] = 1
        time.sleep(20)
    if what == "unserializable":
        return {"statusCode": 200, "body": object()}
    if what == "together":
        # Answers when the test has met as many of these as it waits for.
        import socket
        with socket.create_connection(("127.0.0.1", int(query["port"])), 15) as meeting:
            return answer("together" if meeting.recv(1) else "alone")
    return answer(None)
"""

BOOTSTRAP = """
import json, os, urllib.request
API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"

def post(path, value):
    urllib.request.urlopen(urllib.request.Request(API + path, data=json.dumps(value).encode(), method="POST")).read()

while True:
    with urllib.request.urlopen(API + "next") as given:
        request_id = given.headers["Lambda-Runtime-Aws-Request-Id"]
        arn = given.headers["Lambda-Runtime-Invoked-Function-Arn"]
        deadline = int(given.headers["Lambda-Runtime-Deadline-Ms"])
        event = json.load(given)
    what = (event["queryStringParameters"] or {}).get("do", "tell")
    if what == "error":
        post(request_id + "/error", {"errorMessage": "own trouble", "errorType": "Own.Trouble"})
    elif what == "exit":
        os._exit(5)
    else:
        print("bootstrap works on", request_id, flush=True)
        body = {"arn": arn, "deadline": deadline, "handler": os.environ["_HANDLER"], "directory": os.getcwd(), "path": event["path"]}
        post(request_id + "/response", {"statusCode": 200, "body": json.dumps(body)})
"""


def zip_of(files):
    """The bytes of a zip file: name -> text, or what is written piece by piece. A name may be a ZipInfo."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            with archive.open(name, "w") as entry:
                for piece in [content] if isinstance(content, str) else content:
                    entry.write(piece.encode())
    return out.getvalue()


def link(name):
    """A name in a zip file that is a symbolic link; the text is where it leads."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


TEMPLATE = (
    HEAD
    + API
    + "".join(
        [
            function(
                "Main",
                more="Timeout: 3\n      MemorySize: 256\n      Environment: {Variables: {OWN: my value}}",
            ),
            function("Brief", code="main", more="Timeout: 1"),
            function("Parallel", code="main", more="Timeout: 20"),
            function("Broken"),
            function("Syntax"),
            function("Nohandler", handler="app.nothing"),
            function("Nested", handler="src/deep/app.handler"),
            function("Zipped", code="package.zip", handler="lib.inner.handler"),
            function("Alias", code="main", more="AutoPublishAlias: live"),
            function("Provided", runtime="provided.al2023", handler="any.thing"),
            function("Empty", runtime="provided.al2023", handler="any.thing"),
        ]
    )
)
FILES = {
    "template.yaml": TEMPLATE,
    "main/app.py": MAIN,
    "broken/app.py": "import a_module_nobody_has\ndef handler(event, context): pass\n",
    "syntax/app.py": "def handler(event, context)\n    pass\n",
    "nohandler/app.py": "def handler(event, context): pass\n",
    "nested/src/deep/app.py": 'def handler(event, context):\n    return {"statusCode": 200, "body": "nested"}\n',
    "package.zip": zip_of(
        {
            "lib/__init__.py": "",
            "lib/inner.py": "import data_of_mine\ndef handler(event, context):\n    return {'body': data_of_mine.TEXT}\n",
            "data_of_mine.py": "TEXT = 'from the zip'\n",
        }
    ),
    "provided/bootstrap": f"#!{SYSTEM_PYTHON}\n{BOOTSTRAP}",
    "empty/readme.txt": "there is no bootstrap here\n",
}


class Functions:
    def __init__(self, server):
        self.server, self.api = server, server.api()

    def call(self, path, **more):
        return self.api.call(path, **more)

    def tell(self, path="/main"):
        answer = self.call(path)
        assert answer.status == 200, answer
        return answer.json


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    folder = write_files(tmp_path_factory.mktemp("functions"), FILES)
    (folder / "provided/bootstrap").chmod(0o755)
    environment = {**os.environ, "SECRET_OF_THE_SERVER": "must not leak"}
    with Server(folder, environment=environment) as server:
        yield Functions(server)


# ---- what a handler sees


def test_context_and_environment(functions):
    told = functions.tell()
    context, environment = told["context"], told["environment"]
    assert (context["name"], context["version"], context["memory"]) == ("main", "$LATEST", "256")
    assert context["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:main"
    assert context["request"] != told["event_request"], "the invocation has an id of its own"
    assert context["group"] == "/aws/lambda/main"
    assert "[$LATEST]" in context["stream"]
    assert 0 < context["left"] <= 3000
    for name, value in {
        "AWS_LAMBDA_FUNCTION_NAME": "main",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "_HANDLER": "app.handler",
        "TZ": ":UTC",
        "OWN": "my value",
    }.items():
        assert environment[name] == value, name
    assert environment["LAMBDA_TASK_ROOT"] == told["directory"]
    assert environment["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")


def test_nothing_of_the_servers_environment_reaches_a_function(functions):
    environment = functions.tell()["environment"]
    assert "SECRET_OF_THE_SERVER" not in environment
    assert "must not leak" not in environment.values()


def test_processes_stay_warm(functions):
    first, second = functions.tell(), functions.tell()
    assert second["process"] == first["process"]
    assert second["calls"] == first["calls"] + 1


def test_code_in_folders_and_zips(functions):
    assert functions.call("/nested").text == "nested"
    assert functions.call("/zipped").text == "from the zip"


def test_alias(functions):
    context = functions.tell("/alias")["context"]
    assert (context["version"], context["arn"]) == ("1", "arn:aws:lambda:us-east-1:123456789012:function:alias:live")


def test_calls_at_the_same_time_run_in_processes_of_their_own(functions):
    count, answers = 6, []
    with socket.create_server(("127.0.0.1", 0)) as meeting:
        meeting.settimeout(PATIENCE)
        target = f"/parallel?do=together&port={meeting.getsockname()[1]}"
        threads = [threading.Thread(target=lambda: answers.append(functions.call(target).text)) for _ in range(count)]
        for thread in threads:
            thread.start()
        met = [meeting.accept()[0] for _ in range(count)]
        for connection in met:
            connection.sendall(b"!")
            connection.close()
        for thread in threads:
            thread.join()
    assert answers == ['"together"'] * count


# ---- output


def test_log_lines(functions):
    server = functions.server
    mark = server.mark()
    assert functions.call("/main?do=log").status == 200
    report = server.wait_for_text("REPORT RequestId", since=mark, kind="platform")
    request_id = report["request_id"]

    def text(wanted, kind):
        event = server.wait_for_text(wanted, since=mark, kind=kind)
        assert event["function"] == "main", event
        return event

    text(f"START RequestId: {request_id} Version: $LATEST", "platform")
    text(f"END RequestId: {request_id}", "platform")
    for wanted in ("printed line", "to standard error", "logged line"):
        assert text(wanted, "function")["request_id"] == request_id
    logged = text("logged line", "function")["text"]
    assert logged.startswith("[INFO]\t") and f"\t{request_id}\tlogged line" in logged
    for part in ("\tDuration: ", "\tBilled Duration: ", "\tMemory Size: 256 MB", "\tMax Memory Used: "):
        assert part in report["text"], report


def test_line_a_function_never_ended_is_logged_with_the_next(functions):
    server = functions.server
    mark = server.mark()
    functions.call("/main?do=log")
    functions.call("/main?do=log")
    server.wait_for_text("without an end", since=mark, kind="function")


def test_cold_start_is_reported(serve_files):
    server = serve_files({"template.yaml": HEAD + API + function("Main"), "main/app.py": MAIN})

    def report(target, status):
        mark = server.mark()
        assert server.api().call(target).status == status
        return server.wait_for_text("REPORT", since=mark, kind="platform")["text"]

    assert "\tInit Duration: " in report("/main", 200)
    server.wait_for_text("loading the module", kind="function")
    assert "Init Duration" not in report("/main", 200)
    assert "Init Duration" not in report("/main?do=exit", 502)
    assert "Init Duration" not in report("/main", 200), "as on AWS, what follows a crash is part of the event"


# ---- failures


def test_exception_is_502_and_the_traceback_is_logged(functions):
    server = functions.server
    process = functions.tell()["process"]
    mark = server.mark()
    answer = functions.call("/main?do=raise")
    expect_bad_gateway(answer)
    line = server.wait_for_text("[ERROR] ValueError: something is wrong", since=mark, kind="function")
    assert "Traceback (most recent call last):" in line["text"]
    assert "app.py" in line["text"]
    assert functions.tell()["process"] == process, "an exception does not end the process"
    assert server.explain(answer)["function_error"]


@pytest.mark.parametrize(
    "what, error", [("exit", "Runtime.ExitError"), ("kill", "Runtime.ExitError"), ("memory", "Runtime.OutOfMemory")]
)
def test_process_that_ends_is_502_and_the_next_call_gets_a_new_one(functions, what, error):
    server = functions.server
    before = functions.tell()
    mark = server.mark()
    expect_bad_gateway(functions.call(f"/main?do={what}"))
    assert f"Error Type: {error}" in server.wait_for_text("Status: error", since=mark, kind="platform")["text"]
    after = functions.tell()
    assert after["process"] != before["process"]


def test_timeout_is_502_and_the_process_is_killed(functions):
    server = functions.server
    told = functions.tell("/brief")
    handle = os.pidfd_open(host_pid(told["namespace"], told["pid"]))
    mark = server.mark()
    expect_bad_gateway(functions.call("/brief?do=sleep"))
    server.wait_for_text("Task timed out after 1.00 seconds", since=mark, kind="platform")
    assert "Status: timeout" in server.wait_for_text("REPORT", since=mark, kind="platform")["text"]
    wait_until_ended(handle)
    assert functions.tell("/brief")["process"] != told["process"]


def test_children_of_a_process_end_with_it(functions):
    child = os.pidfd_open(host_pid(functions.tell("/brief")["namespace"], functions.call("/brief?do=child").text))
    expect_bad_gateway(functions.call("/brief?do=sleep"))
    wait_until_ended(child)


@pytest.mark.parametrize(
    "path, text",
    [
        ("/broken", "Runtime.ImportModuleError: Unable to import module 'app': No module named 'a_module_nobody_has'"),
        ("/syntax", "Runtime.UserCodeSyntaxError"),
        ("/nohandler", "Runtime.HandlerNotFound: Handler 'nothing' missing on module 'app'"),
        ("/main?do=unserializable", "Runtime.MarshalError"),
    ],
)
def test_function_that_cannot_work_is_502_and_says_why(functions, path, text):
    server = functions.server
    mark = server.mark()
    expect_bad_gateway(functions.call(path))
    server.wait_for_text(text, since=mark, kind="function")
    # Again: it is neither left hanging nor taken for good.
    expect_bad_gateway(functions.call(path))


# ---- provided.al2023


def test_provided_runtime(functions):
    server = functions.server
    mark = server.mark()
    told = functions.tell("/provided")
    assert told["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:provided"
    assert (told["handler"], told["path"]) == ("any.thing", "/provided")
    assert told["deadline"] > 1_600_000_000_000
    server.wait_for_text("bootstrap works on", since=mark, kind="function")
    expect_bad_gateway(functions.call("/provided?do=error"))
    expect_bad_gateway(functions.call("/provided?do=exit"))
    assert functions.tell("/provided")["path"] == "/provided"


def test_provided_runtime_without_a_bootstrap_is_502(functions):
    answer = functions.call("/empty")
    expect_bad_gateway(answer)
    assert "bootstrap" in str(functions.server.explain(answer))


# ---- Node.js


NODE = """
console.log('loading the module')
exports.handler = async (event, context) => {
  const what = (event.queryStringParameters || {}).do || 'tell'
  if (what === 'raise') throw new TypeError('node is unhappy')
  if (what === 'exit') process.exit(3)
  if (what === 'undefined') return undefined
  if (what === 'log') console.error('a line of node')
  return { statusCode: 200, body: JSON.stringify({ event, name: context.functionName, arn: context.invokedFunctionArn,
    memory: context.memoryLimitInMB, left: context.getRemainingTimeInMillis(), environment: process.env.AWS_EXECUTION_ENV }) }
}
exports.old = (event, context, callback) => { setTimeout(() => callback(null, { statusCode: 200, body: 'by callback' }), 5) }
"""
NODE_MODULE = "export const handler = async () => ({ statusCode: 200, body: 'a module' })\n"
NODE_AUTHORIZER = """
exports.handler = (event, context, callback) => {
  const token = event.authorizationToken
  if (token === 'callback') return callback('Unauthorized')
  if (token === 'error') return callback(new Error('Unauthorized'))
  if (token === 'throw') throw new Error('Unauthorized')
  if (token === 'other') return callback('something else')
  callback(null, { principalId: 'node', context: { n: 1, b: false },
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }] } })
}
"""
NODE_TEMPLATE = HEAD + """
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      OpenApiVersion: '3.0.1'
      Auth:
        Authorizers:
          Own: {FunctionArn: !GetAtt Authorizer.Arn, Identity: {ReauthorizeEvery: 0}}
  Authorizer: {Type: AWS::Serverless::Function, Properties: {Runtime: nodejs20.x, Handler: index.handler, CodeUri: authorizer}}
  Main:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: main
      Runtime: nodejs20.x
      Handler: index.handler
      CodeUri: main
      Events:
        Open: {Type: Api, Properties: {Path: /main, Method: get, RestApiId: !Ref Api}}
        Guarded: {Type: Api, Properties: {Path: /guarded, Method: get, RestApiId: !Ref Api, Auth: {Authorizer: Own}}}
  Old:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs20.x
      Handler: index.old
      CodeUri: main
      Events:
        Open: {Type: Api, Properties: {Path: /old, Method: get, RestApiId: !Ref Api}}
  Module:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs20.x
      Handler: index.handler
      CodeUri: module
      Events:
        Open: {Type: Api, Properties: {Path: /module, Method: get, RestApiId: !Ref Api}}
"""


@pytest.fixture(scope="module")
def node_functions(node, tmp_path_factory):
    folder = write_files(
        tmp_path_factory.mktemp("node"),
        {
            "template.yaml": NODE_TEMPLATE,
            "main/index.js": NODE,
            "module/index.mjs": NODE_MODULE,
            "authorizer/index.js": NODE_AUTHORIZER,
        },
    )
    with Server(folder) as server:
        yield Functions(server)


def test_node_handler(node_functions):
    told = node_functions.tell("/main")
    assert (told["name"], told["memory"], told["environment"]) == ("main", "128", "AWS_Lambda_nodejs20.x")
    assert told["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:main"
    assert 0 < told["left"] <= 3000
    assert told["event"]["resource"] == "/main"


def test_node_callbacks_and_modules(node_functions):
    assert node_functions.call("/old").text == "by callback"
    assert node_functions.call("/module").text == "a module"


def test_node_failures(node_functions):
    server = node_functions.server
    mark = server.mark()
    expect_bad_gateway(node_functions.call("/main?do=raise"))
    server.wait_for_text("node is unhappy", since=mark, kind="function")
    expect_bad_gateway(node_functions.call("/main?do=undefined"))
    expect_bad_gateway(node_functions.call("/main?do=exit"))
    assert node_functions.call("/main").status == 200


def test_node_log_lines(node_functions):
    server = node_functions.server
    mark = server.mark()
    node_functions.call("/main?do=log")
    line = server.wait_for_text("a line of node", since=mark, kind="function")
    assert "\tERROR\t" in line["text"] and line["request_id"] in line["text"]


@pytest.mark.parametrize("token", ["callback", "error", "throw"])
def test_node_authorizer_that_says_unauthorized(node_functions, token):
    expect_unauthorized(node_functions.call("/guarded", headers={"Authorization": token}))


def test_node_authorizer(node_functions):
    expect_broken_authorizer(node_functions.call("/guarded", headers={"Authorization": "other"}))
    answer = node_functions.call("/guarded", headers={"Authorization": "fine"})
    authorizer = event_of(answer)["requestContext"]["authorizer"]
    assert (authorizer["principalId"], authorizer["n"], authorizer["b"]) == ("node", "1", "false")


# ---- packages and interpreters


@pytest.mark.parametrize(
    "files, words",
    [
        ({"../evil.py": "x"}, "leaves the folder"),
        ({"/etc/evil.py": "x"}, "absolute"),
        ({"app.py": "x", link("evil.py"): "../evil.py"}, "link `evil.py` leaves the folder"),
        ({"app.py": "x", link("lib/evil.py"): "a/../../../evil.py"}, "link `lib/evil.py` leaves the folder"),
        ({"app.py": "x", link("evil.py"): "/etc/passwd"}, "link `evil.py` leaves the folder"),
        ({"app.py": "x", "bomb": ["0" * MIB] * 251}, f"larger than {250 * MIB} bytes when unpacked"),
        ({f"bomb{number}": ["0" * MIB] * 84 for number in range(3)}, f"larger than {250 * MIB} bytes when unpacked"),
        (None, "zip"),
    ],
    ids=["dots", "absolute", "link", "deep link", "absolute link", "bomb", "bomb in pieces", "nonsense"],
)
def test_bad_package_is_refused_at_start(tmp_path, files, words):
    template = HEAD + API + function("Zipped", code="package.zip")
    folder, temporary = tmp_path / "folder", tmp_path / "temporary"
    temporary.mkdir()
    package = zip_of(files) if files else b"this is no zip file"
    assert len(package) < 4 * MIB
    write_files(folder, {"template.yaml": template, "package.zip": package})
    # The bombs are unpacked up to the limit, which takes seconds of processor time.
    arguments = ("up", folder, "--listen", "127.0.0.1:0")
    done = run_program(*arguments, timeout=4 * PATIENCE, environment=program_environment(TMPDIR=str(temporary)))
    assert done.returncode == 1
    assert words in done.stderr and "package.zip" in done.stderr
    assert list(temporary.iterdir()) == [], "nothing of the package is left"
    assert not list(tmp_path.rglob("evil.py"))


def test_link_inside_a_package_is_made(serve_files):
    files = {"real.py": 'def handler(event, context):\n    return {"body": __file__}\n', link("lib/app.py"): "../real.py"}
    template = HEAD + API + function("Zipped", code="package.zip", handler="lib/app.handler")
    server = serve_files({"template.yaml": template, "package.zip": zip_of(files)})
    assert server.api().call("/zipped").text.endswith("/lib/app.py")


def test_interpreter_named_by_option(serve_files, tmp_path):
    """--runtime NAME=PROGRAM runs that program, and it may be a script. Inside a sandbox /tmp is another one."""
    wrapper = tmp_path / "tools/bin/my-python"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(f'#!/bin/sh\necho "my own interpreter"\nexec {SYSTEM_PYTHON} "$@"\n')
    wrapper.chmod(0o755)
    template = HEAD + API + function("Main")
    server = serve_files({"template.yaml": template, "main/app.py": MAIN}, "--runtime", f"python3.11={wrapper}", "--sandbox", "off")
    assert server.api().call("/main").status == 200
    server.wait_for_text("my own interpreter", kind="function")


def test_missing_interpreter_version_has_a_stand_in_that_is_named(tmp_path, serve_files):
    """Only python3.11 is on the search path; strict runtimes refuse it for a function that wants python3.12."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3.11").symlink_to(os.path.realpath(sys.executable))
    environment = {**os.environ, "PATH": str(tools), "HOME": str(tmp_path)}
    files = {"template.yaml": HEAD + API + function("Main", runtime="python3.12"), "main/app.py": MAIN}
    server = serve_files(files, environment=environment)
    assert server.api().call("/main").status == 200
    found = os.path.realpath(sys.executable)
    assert any("python3.12" in warning and found in warning for warning in server.warnings()), server.warnings()
    done = run_program("up", tmp_path, "--listen", "127.0.0.1:0", "--strict-runtimes", environment=environment)
    assert done.returncode == 1 and "python3.12" in done.stderr
