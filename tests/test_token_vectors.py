"""`sallyport vectors` about signed tokens: key sets and signatures, and what a JWT authorizer decides."""

import json
import subprocess
import sys

import pytest

from conftest import PROGRAM, run_program


# RFC 8037, appendix A: a key, and a signature made with it over a text that is no JSON.
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


def ask(*vectors):
    done = run_program("vectors", text="".join(json.dumps(vector) + "\n" for vector in vectors))
    assert done.returncode == 0, done
    return [json.loads(line)["result"] for line in done.stdout.splitlines()]


def test_signatures():
    good = {"id": 1, "kind": "jws-verify", "jws": JWS, "jwks": KEYS}
    head, payload, signature = JWS.split(".")
    assert ask(
        good,
        {**good, "jws": f"{head}.{payload}.{signature[:-2]}Aw"},
        {**good, "jws": f"{head}.{payload}."},
        {**good, "jws": f"{head}.{payload}.{signature}="},
        {**good, "jwks": {"keys": []}},
        {**good, "jwks": []},
        {**good, "jws": 7},
        {"id": 1, "kind": "jws-verify"},
    ) == ["valid"] + ["invalid"] * 7


def test_a_door_takes_nothing_of_that():
    line = {"id": 1, "kind": "jwt-authorizer", "token": JWS, "jwks": KEYS, "issuer": "i", "audience": ["a"], "now": "2026-01-01T00:00:00Z"}
    assert ask(line, {"id": 1, "kind": "jwt-authorizer"}) == ["unauthorized", "unauthorized"]


@pytest.mark.parametrize("name", ["jose", "jwt_authorizer"])
def test_tokens_of_the_conformance_material(conformance, name):
    file = conformance / f"vectors/{name}.jsonl"
    runner = conformance / "run_vectors.py"
    if not file.is_file() or not runner.is_file():
        pytest.skip(f"{file} or {runner} is missing")
    done = subprocess.run(
        [sys.executable, "-B", runner, "--cmd", f"{PROGRAM} vectors", file], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout and not done.stdout.startswith("0 passed"), done.stdout
