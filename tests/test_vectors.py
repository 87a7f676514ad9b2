"""`sallyport vectors`: the policy engine that serves requests, asked on standard input."""

import json
import subprocess
import sys

import pytest

from conftest import PROGRAM, run_program

ARN = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev/GET/pets"


def decision(name, *statements, resource=ARN, context=None):
    return {
        "id": name,
        "kind": "iam-decision",
        "request": {
            "action": "execute-api:Invoke",
            "resource": resource,
            "resource_account": "123456789012",
            "principal": "arn:aws:iam::123456789012:user/u",
            "context": context or {},
        },
        "identity_policies": [{"Version": "2012-10-17", "Statement": list(statements)}],
    }


def condition(name, operator, values, value):
    return {
        "id": name,
        "kind": "iam-condition",
        "operator": operator,
        "policy_values": values,
        "context_value": value,
        "context": {},
    }


def ask(*vectors):
    """The results by id."""
    done = run_program("vectors", text="".join(json.dumps(vector) + "\n" for vector in vectors))
    assert done.returncode == 0, done
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [vector["id"] for vector in vectors]
    return {answer["id"]: answer["result"] for answer in answers}


ALLOW = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:execute-api:*:*:*/dev/GET/*"}


def test_decisions():
    assert ask(
        decision("allow", ALLOW),
        decision("deny", ALLOW, DENY),
        decision("nothing"),
        decision("elsewhere", {**ALLOW, "Resource": ARN + "/x"}),
    ) == {"allow": "Allowed", "deny": "ExplicitlyDenied", "nothing": "ImplicitlyDenied", "elsewhere": "ImplicitlyDenied"}


def test_conditions():
    assert ask(
        condition("equal", "StringEquals", ["a"], "a"),
        condition("not", "StringEquals", ["a"], "b"),
        condition("ip", "IpAddress", ["127.0.0.0/8"], "127.1.2.3"),
        condition("number", "NumericLessThan", ["10"], "9.5"),
    ) == {"equal": "true", "not": "false", "ip": "true", "number": "true"}


def test_unknown_kind_is_unsupported():
    assert ask({"id": "future", "kind": "something-new"}, {"id": "none"}) == {"future": "unsupported", "none": "unsupported"}


def test_empty_lines_and_empty_input():
    assert run_program("vectors", text="").stdout == ""
    done = run_program("vectors", text="\n" + json.dumps(decision("a", ALLOW)) + "\n\n")
    assert (done.returncode, [json.loads(line) for line in done.stdout.splitlines()]) == (0, [{"id": "a", "result": "Allowed"}])


@pytest.mark.parametrize("line", ["{", "nonsense", '{"id": "a",}', '{"id": "a"} x'])
def test_broken_line_ends_with_status_1_after_the_answers_so_far(line):
    done = run_program(
        "vectors", text=json.dumps(decision("before", ALLOW)) + "\n" + line + "\n" + json.dumps(decision("after", ALLOW)) + "\n"
    )
    assert done.returncode == 1
    assert [json.loads(each) for each in done.stdout.splitlines()] == [{"id": "before", "result": "Allowed"}]
    assert done.stderr.startswith("sallyport: ")


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "1",
        "null",
        '"text"',
        '{"id": "a", "kind": "iam-decision"}',
        '{"id": "a", "kind": "iam-decision", "request": []}',
        '{"id": "a", "kind": "iam-condition"}',
        '{"id": "a", "kind": "iam-condition", "operator": "NoSuch"}',
    ],
)
def test_line_that_is_json_and_no_vector_is_answered(line):
    done = run_program("vectors", text=line + "\n")
    assert done.returncode == 0, done
    answer = json.loads(done.stdout)
    assert answer["result"] not in ("Allowed", "true"), answer


def test_policies_of_the_conformance_material(conformance):
    files = conformance / "vectors/iam_own.jsonl"
    runner = conformance / "run_vectors.py"
    if not files.is_file() or not runner.is_file():
        pytest.skip(f"{files} or {runner} is missing")
    done = subprocess.run(
        [sys.executable, "-B", runner, "--cmd", f"{PROGRAM} vectors", files], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout and not done.stdout.startswith("0 passed"), done.stdout
