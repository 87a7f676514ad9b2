"""The official runtime clients, unmodified, as functions of `provided.al2023`: aws-lambda-go, Rust's lambda_runtime, Python's awslambdaric,
Node's aws-lambda-ric, Java's runtime interface client, and the C++ example. What is built is kept in SALLYPORT_TEST_CACHE (else
~/.cache/sallyport-tests), so that it is built once. A missing toolchain skips its test and says so."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from aws import Cloud
from conftest import ROOT, Server

RUNTIMES = ROOT / "tests/runtimes"
CACHE = pathlib.Path(os.environ.get("SALLYPORT_TEST_CACHE") or pathlib.Path.home() / ".cache/sallyport-tests")
BUILD_TIME = 900  # seconds; the longest, aws-lambda-ric, compiles curl
PYTHON_CLIENT, NODE_CLIENT = "awslambdaric==4.2.2", "aws-lambda-ric@3.3.0"

PYTHON_HANDLER = """
import os
def handler(event, context):
    if isinstance(event, dict) and "fail" in event:
        raise ValueError(event["fail"])
    return {"event": event, "request": context.aws_request_id, "arn": context.invoked_function_arn, "task_root": os.environ["LAMBDA_TASK_ROOT"]}
"""
NODE_HANDLER = """
exports.handler = async (event, context) => {
  if (event.fail) throw new TypeError(event.fail);
  return { event, request: context.awsRequestId, arn: context.invokedFunctionArn, task_root: process.env.LAMBDA_TASK_ROOT };
};
"""


def program(name):
    """Where a program is that functions can run too: below /usr."""
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if not found:
        pytest.skip(f"{name} is not installed below /usr")
    return found


def tool(name):
    return shutil.which(name) or shutil.which(name, path="/usr/local/go/bin:" + str(pathlib.Path.home() / ".cargo/bin")) or pytest.skip(
        f"{name} is not installed"
    )


def built(name, sources, build):
    """The folder that `build(folder)` has made of these sources, from the cache if they have not changed."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source if isinstance(source, bytes) else source.encode())
    folder = CACHE / f"{name}-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        making = CACHE / f".{name}-{os.getpid()}"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            build(making)
            making.rename(folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def run(*command, folder, **more):
    """Runs a build; skips the test when packages cannot be had."""
    environment = {**os.environ, **more}
    try:
        done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=BUILD_TIME, env=environment)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{command[0]} took more than {BUILD_TIME} s")
    if done.returncode:
        text = (done.stderr or done.stdout).strip()
        if any(word in text for word in ("ould not resolve", "ENOTFOUND", "EAI_AGAIN", "Connection refused", "timed out", "No matching distribution")):
            pytest.skip(f"{command[0]}: packages cannot be had: {text.splitlines()[-1]}")
        pytest.fail(f"{' '.join(map(str, command))}:\n{text[-3000:]}")


def tree(folder):
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def script(folder, text):
    (folder / "bootstrap").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "bootstrap").chmod(0o755)


def go(folder):
    shutil.copytree(RUNTIMES / "go", folder / "source")
    run(tool("go"), "build", "-tags", "lambda.norpc", "-o", folder / "bootstrap", ".", folder=folder / "source", CGO_ENABLED="0", GOFLAGS="-mod=mod")
    shutil.rmtree(folder / "source")


def rust(folder):
    shutil.copytree(RUNTIMES / "rust", folder / "source")
    run(tool("cargo"), "build", folder=folder / "source")
    shutil.copy(folder / "source/target/debug/bootstrap", folder / "bootstrap")
    shutil.rmtree(folder / "source")


def python_client(folder):
    python = program("python3")
    version = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True).stdout.strip()
    run(sys.executable, "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:",
        "--python-version", version, "--target", folder, PYTHON_CLIENT, folder=folder)  # fmt: skip
    (folder / "app.py").write_text(PYTHON_HANDLER)
    script(folder, f'exec {python} -m awslambdaric "$_HANDLER"')


def node_client(folder):
    node = program("node")
    for needed in ("autoconf", "automake", "libtool", "cmake", "make", "g++"):
        if not shutil.which(needed) and not shutil.which(needed + "ize"):
            pytest.skip(f"aws-lambda-ric is compiled at its installation, which needs {needed}")
    (folder / "package.json").write_text('{"private": true}')
    run(tool("npm"), "install", "--no-audit", "--no-fund", NODE_CLIENT, folder=folder)
    (folder / "app.js").write_text(NODE_HANDLER)
    # The rest of the 160 MB is what the native part was built with.
    shutil.rmtree(folder / "node_modules/aws-lambda-ric/deps", ignore_errors=True)
    script(folder, f'exec {node} node_modules/aws-lambda-ric/bin/index.mjs "$_HANDLER"')


def java(folder):
    program("java")
    shutil.copytree(RUNTIMES / "java", folder / "source")
    run(tool("mvn"), "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={folder}/lib", folder=folder / "source")
    run(tool("javac"), "-cp", f"{folder}/lib/*", "-d", folder, "Handler.java", folder=folder / "source")
    shutil.rmtree(folder / "source")
    script(folder, 'exec /usr/bin/java -Xshare:auto -XX:TieredStopAtLevel=1 -cp "$LAMBDA_TASK_ROOT:$LAMBDA_TASK_ROOT/lib/*" '
                   'com.amazonaws.services.lambda.runtime.api.client.AWSLambda "$_HANDLER"')  # fmt: skip


CLIENTS = {
    "go": (go, lambda: tree(RUNTIMES / "go"), "main", {"errorMessage": "on purpose", "errorType": "errorString"}),
    "rust": (rust, lambda: tree(RUNTIMES / "rust"), "main", {"errorMessage": "on purpose"}),
    "python": (python_client, lambda: [PYTHON_CLIENT, PYTHON_HANDLER], "app.handler", {"errorMessage": "on purpose", "errorType": "ValueError"}),
    "node": (node_client, lambda: [NODE_CLIENT, NODE_HANDLER], "app.handler", {"errorMessage": "on purpose", "errorType": "TypeError"}),
    "java": (java, lambda: tree(RUNTIMES / "java"), "Handler", {"errorMessage": "on purpose", "errorType": "java.lang.IllegalStateException"}),
}


@pytest.mark.parametrize("network", ["host", "isolated"])
@pytest.mark.parametrize("name", CLIENTS)
def test_official_client(name, network, tmp_path):
    build, sources, handler, error = CLIENTS[name]
    folder = built(name, sources(), build)
    (tmp_path / "template.yaml").write_text(
        f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: real, Runtime: provided.al2023, Handler: {handler}, CodeUri: {folder}, Timeout: 30, MemorySize: 512}}
"""
    )
    with Server(tmp_path, "--network", network) as server:
        cloud = Cloud(server)
        arn = f"arn:aws:lambda:us-east-1:{cloud.sts.get_caller_identity()['Account']}:function:real"
        for event in ({"a": [1, 2.5, None, "\u00fc"]}, {"again": True}):
            answer = cloud.client("lambda").invoke(FunctionName="real", Payload=json.dumps(event))
            told = json.loads(answer["Payload"].read())
            assert "FunctionError" not in answer, told
            assert told["event"] == event
            assert told["request"] == answer["ResponseMetadata"]["RequestId"]
            assert told["arn"] == arn
        failed = cloud.client("lambda").invoke(FunctionName="real", Payload=json.dumps({"fail": "on purpose"}))
        told = json.loads(failed["Payload"].read())
        assert failed["FunctionError"] == "Unhandled"
        assert error.items() <= told.items()
        # The client lives on: an error is not the end of the process.
        after = cloud.client("lambda").invoke(FunctionName="real", Payload=json.dumps({"after": 1}))
        assert json.loads(after["Payload"].read())["event"] == {"after": 1}
        server.mark()
        cold = [line for line in server.lines if "Init Duration" in line]
        assert len(cold) == 1, cold


def test_cpp_example(tmp_path, start):
    shutil.which("c++") or pytest.skip("c++ is not installed")
    folder = shutil.copytree(ROOT / "examples/cpp-bootstrap", tmp_path / "example", ignore=shutil.ignore_patterns("build"))
    subprocess.run([folder / "build.sh"], check=True, timeout=120)
    server = start(folder)
    api = server.api(stage="prod")
    assert api.call("/hello", headers={"Authorization": "Bearer let-me-in"}).text == "hello from C++\n"
    assert api.call("/hello", headers={"Authorization": "Bearer no"}).status == 403
    assert api.call("/hello").status == 401
