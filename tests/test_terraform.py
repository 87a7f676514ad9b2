"""Terraform with AWS's provider: apply, a second plan that is empty, an update, destroy, nothing left. Skips without Terraform or provider."""

import json
import os
import pathlib
import re
import shutil

import pytest

from aws import Cloud, run_tool, tool, zipped
from conftest import ROOT

MIRRORS = ("/opt/tf-plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins")
# Kinds of resources that are not served yet: the stacks are applied without them, and a line taken out here switches one on.
LATER = ("aws_s3_", "aws_sqs_", "aws_lambda_event_source_mapping")


@pytest.fixture
def terraform(tmp_path, start):
    program = tool("terraform")
    mirror = next((path for path in MIRRORS if list(pathlib.Path(path).glob("*/hashicorp/aws"))), None)
    if not mirror:
        pytest.skip("Terraform's AWS provider is not in a filesystem mirror on this machine")
    settings = tmp_path / "terraform.rc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    cloud = Cloud(start("--ephemeral", command="serve"))
    more = {"TF_CLI_CONFIG_FILE": str(settings), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}

    def run(folder, *arguments, ok=True):
        done = run_tool([program, *arguments, "-no-color"], cloud, folder, ok, more)
        return done

    run.cloud = cloud
    return run


def init(terraform, folder):
    done = terraform(folder, "init", "-input=false", ok=False)
    if done.returncode != 0:
        pytest.skip(f"the provider cannot be installed: {done.stderr.strip().splitlines()[-3:]}")


def expect_no_changes(terraform, folder):
    done = terraform(folder, "plan", "-input=false", "-detailed-exitcode", ok=False)
    assert done.returncode == 0, f"the plan is not empty:\n{done.stdout}\n{done.stderr}"


def expect_nothing_left(cloud):
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.apigateway.get_rest_apis()["items"] == []
    assert cloud.apigateway.get_api_keys()["items"] == [] and cloud.apigateway.get_usage_plans()["items"] == []
    assert cloud.client("apigatewayv2").get_apis()["Items"] == []
    assert cloud.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    assert cloud.iam.list_roles()["Roles"] == [] and cloud.iam.list_users()["Users"] == []
    assert cloud.iam.list_groups()["Groups"] == [] and cloud.iam.list_policies(Scope="Local")["Policies"] == []
    left = [group["logGroupName"] for group in cloud.logs.describe_log_groups()["logGroups"]]
    assert left == [] or all(name.startswith("/aws/lambda/") for name in left), "only what running functions wrote"


# ---- the fixture's stacks, without what comes later


def blocks(text):
    """The top-level blocks of a Terraform file."""
    at = 0
    while match := re.compile(r"^(\w+)((?:\s+\"[^\"]+\")*)\s*\{", re.M).search(text, at):
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield match[1], re.findall(r'"([^"]+)"', match[2]), text[match.start() : end]
        at = end


def reduce_stack(files):
    """name -> text, without resources of later kinds and whatever names one of them."""
    kept = {name: list(blocks(text)) for name, text in files.items()}
    everything = [block for each in kept.values() for block in each]
    gone = {tuple(labels) for kind, labels, _ in everything if kind == "resource" and labels[0].startswith(LATER)}
    while True:
        names = [f"{kind}.{name}" for kind, name in gone]
        more = {
            tuple(labels)
            for kind, labels, body in everything
            if kind == "resource" and any(re.search(re.escape(name) + r"\b", body) for name in names)
        } - gone
        if not more:
            break
        gone |= more
    return {name: "\n".join(body for _, labels, body in each if tuple(labels) not in gone) for name, each in kept.items()}


def write_stack(source, folder):
    folder.mkdir(exist_ok=True)
    files = {}
    for path in source.glob("*.tf"):
        text = path.read_text().replace('"AKIAIOSFODNN7EXAMPLE"', '"test"').replace('"secretsecret"', '"test"')
        # Code in S3 is not served: the same package as a file.
        files[path.name] = re.sub(r"s3_bucket +=.*\n +s3_key +=.*\n", 'filename = "fn.zip"\n', text)
    for name, text in reduce_stack(files).items():
        (folder / name).write_text(text)
    (folder / "fn.zip").write_bytes(zipped({"app.py": (source.parent / "app.py").read_text()}))


# Layers, weights and environments that are kept ready; and what changes later.
EXECUTION = """
terraform {
  required_providers { aws = { source = "hashicorp/aws", version = "5.100.0" } }
}
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
resource "aws_iam_role" "r" {
  name = "r"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}
resource "aws_lambda_layer_version" "shared" {
  layer_name          = "shared"
  filename            = "layer.zip"
  compatible_runtimes = ["python3.12"]
  description         = "DESCRIPTION"
}
resource "aws_lambda_layer_version_permission" "p" {
  layer_name     = aws_lambda_layer_version.shared.layer_name
  version_number = aws_lambda_layer_version.shared.version
  statement_id   = "all"
  action         = "lambda:GetLayerVersion"
  principal      = "*"
}
resource "aws_lambda_function" "f" {
  function_name    = "f"
  filename         = "fn.zip"
  handler          = "app.handler"
  runtime          = "python3.12"
  role             = aws_iam_role.r.arn
  publish          = true
  description      = "DESCRIPTION"
  layers           = [aws_lambda_layer_version.shared.arn]
  reserved_concurrent_executions = 5
  ephemeral_storage { size = 1024 }
  logging_config {
    log_format            = "JSON"
    application_log_level = "WARN"
    system_log_level      = "INFO"
    log_group             = "/aws/lambda/mine"
  }
}
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.f.function_name
  function_version = "1"
  ROUTING
}
resource "aws_lambda_provisioned_concurrency_config" "ready" {
  function_name                     = aws_lambda_function.f.function_name
  qualifier                         = aws_lambda_function.f.version
  provisioned_concurrent_executions = 1
}
"""


def test_layers_weights_and_environments_kept_ready(terraform, tmp_path):
    folder = tmp_path / "stack"
    folder.mkdir()
    (folder / "fn.zip").write_bytes(zipped({"app.py": "import shared\ndef handler(event, context):\n    return shared.VALUE\n"}))
    (folder / "layer.zip").write_bytes(zipped({"python/shared.py": "VALUE = 'layer'"}))
    rounds = (("one", ""), ("two", "routing_config { additional_version_weights = { 2 = 0.5 } }"), ("two", ""))
    for number, (description, routing) in enumerate(rounds):
        (folder / "main.tf").write_text(EXECUTION.replace("DESCRIPTION", description).replace("ROUTING", routing))
        if number == 0:
            init(terraform, folder)
        terraform(folder, "apply", "-auto-approve", "-input=false")
        expect_no_changes(terraform, folder)
        answer = terraform.cloud.client("lambda").invoke(FunctionName="f", Qualifier="live")
        assert answer["Payload"].read() == b'"layer"'
    terraform(folder, "destroy", "-auto-approve", "-input=false")
    expect_nothing_left(terraform.cloud)
    assert terraform.cloud.client("lambda").list_layers()["Layers"] == []


@pytest.fixture
def stacks():
    place = os.environ.get("SALLYPORT_IAC_FIXTURES")
    if not place:
        pytest.skip("SALLYPORT_IAC_FIXTURES does not name the folder with the Terraform stacks")
    return pathlib.Path(place, "terraform")


def test_extra_stack(terraform, stacks, tmp_path):
    folder = tmp_path / "stack"
    write_stack(stacks / "extra", folder)
    init(terraform, folder)
    terraform(folder, "apply", "-auto-approve", "-input=false")
    expect_no_changes(terraform, folder)
    terraform(folder, "destroy", "-auto-approve", "-input=false")
    expect_nothing_left(terraform.cloud)


def test_stack(terraform, stacks, tmp_path):
    folder = tmp_path / "stack"
    write_stack(stacks / "create", folder)
    init(terraform, folder)
    terraform(folder, "apply", "-auto-approve", "-input=false")
    expect_no_changes(terraform, folder)
    write_stack(stacks / "update", folder)
    terraform(folder, "apply", "-auto-approve", "-input=false")
    expect_no_changes(terraform, folder)
    terraform(folder, "destroy", "-auto-approve", "-input=false")
    expect_nothing_left(terraform.cloud)


def test_example(terraform, tmp_path):
    folder = tmp_path / "example"
    shutil.copytree(ROOT / "examples/terraform", folder, ignore=shutil.ignore_patterns(".terraform*", "*.zip", "*.tfstate*"))
    for name in ("my_lambda", "authorizer"):
        (folder / f"{name}.zip").write_bytes(zipped({f"{name}.py": (folder / f"{name}.py").read_text()}))
    init(terraform, folder)
    terraform(folder, "apply", "-auto-approve", "-input=false")
    expect_no_changes(terraform, folder)
    told = {name: value["value"] for name, value in json.loads(terraform(folder, "output", "-json").stdout).items()}
    server = terraform.cloud.server
    target = f"/_aws/execute-api/{told['api_id']}/prod/my-lambda"
    answer = server.request("POST", target, {"Authorization": "valid-token-1"})
    assert (answer.status, answer.text) == (200, "hello user\n")
    assert server.request("POST", target, {"Authorization": "other"}).status == 403
    assert server.request("POST", target).status == 401
    from aws import FunctionUrl

    url = FunctionUrl(terraform.cloud, told["function_url"])
    key = (told["caller_key"]["id"], told["caller_key"]["secret"], None)
    signed = url.call(key=key)
    assert (signed.status, signed.text) == (200, "hello arn:aws:iam::123456789012:user/caller\n")
    assert url.call().status == 403
    assert url.call(key=("test", "test", None)).status == 200, "root may"
    terraform(folder, "destroy", "-auto-approve", "-input=false")
    expect_nothing_left(terraform.cloud)
