"""The examples, with the requests of their READMEs. Packages are installed into copies."""

import base64
import hashlib
import hmac
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from clients import expect_explicit_deny, expect_unauthorized
from conftest import ROOT, install, need_tool

EXAMPLES = ROOT / "examples"
# Of an interpreter of another version than the template asks for: whether one is installed says nothing about the example.
STAND_IN = re.compile(r"(nodejs|python)[\d.x]+ is not installed; its functions run with /")


def copy_of(name, tmp_path):
    return pathlib.Path(
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules", "keys", "__pycache__"))
    )


def post(api, token):
    headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
    return api.call("/my-lambda", "POST", headers, '{"key1": "value1"}')


def test_quickstart(start):
    server = start(EXAMPLES / "quickstart")
    rows = server.routes()
    assert [(row["method"], row["path"], row["stage"], row["authorizer"]) for row in rows] == [
        ("POST", "/my-lambda", "prod", "TokenAuthorizer")
    ]
    api = server.api("quickstart")
    for token in ("valid-token-1", "valid-token-2"):
        answer = post(api, token)
        assert answer.status == 200, answer
        assert answer.json == {"received": {"key1": "value1"}, "principalId": "user"}
    expect_unauthorized(post(api, None))
    expect_explicit_deny(post(api, "wrong"))
    assert api.call("/my-lambda", "POST", {"Authorization": "valid-token-1"}, "no json").status == 400
    by_host = api.call_by_host("/prod/my-lambda", "POST", {"Authorization": "valid-token-1"}, "{}")
    assert by_host.json["received"] == {}


def test_quickstart_edit(start, tmp_path):
    """The README says: change a token and send the request again."""
    folder = copy_of("quickstart", tmp_path)
    server = start(folder)
    api = server.api()
    expect_explicit_deny(post(api, "my-own-token"))
    mark = server.mark()
    code = folder / "authorizer/app.py"
    code.write_text(code.read_text().replace("valid-token-2", "my-own-token"))
    server.wait_for_text("reloaded", since=mark)
    assert post(api, "my-own-token").status == 200
    expect_explicit_deny(post(api, "valid-token-2"))


def test_seed_verbatim_as_token_authorizer_refuses_everybody(start):
    api = start(EXAMPLES / "seed-verbatim/token.yaml").api()
    for token in ("valid-token-1", "valid-token-2", "wrong"):
        expect_explicit_deny(post(api, token))
    expect_unauthorized(post(api, None))


def test_seed_verbatim_as_request_authorizer_works(start):
    api = start(EXAMPLES / "seed-verbatim/request.yaml").api()
    for token in ("valid-token-1", "valid-token-2"):
        assert post(api, token).json == {"received": {"key1": "value1"}, "principalId": "user"}
    expect_explicit_deny(post(api, "wrong"))
    expect_unauthorized(post(api, None))


def check_jwt_example(start, folder, make_token):
    """What both READMEs show, and a token that somebody else has signed."""

    def token(*arguments):
        done = subprocess.run([*make_token, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    good = token()
    assert (folder / "keys/private.pem").stat().st_mode & 0o077 == 0
    server = start(folder, "--parameter", "PublicKey=" + (folder / "keys/public.pem").read_text())
    api = server.api()

    def hello(bearer):
        return api.call("/hello", headers={"Authorization": f"Bearer {bearer}"})

    answer = hello(good)
    assert answer.status == 200, (answer, server.output()[-3000:])
    assert (answer.json["hello"], answer.json["scope"]) == ("alice", "read")
    assert answer.json["expires"].isdigit()
    assert hello(token("--subject", "bob")).json["hello"] == "bob"
    expect_unauthorized(api.call("/hello"))
    for refused in (["--seconds=-60"], ["--audience", "other"], ["--issuer", "https://other.example"]):
        expect_unauthorized(hello(token(*refused)))
    head, claims, signature = good.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    expect_unauthorized(hello(f"{head}.{claims}.{changed}"))
    # {"alg":"none"} without a signature, and nonsense: the expression does not let them through to the function.
    before = server.mark()
    for nonsense in (f"eyJhbGciOiJub25lIn0.{claims}.", "nonsense"):
        answer = hello(nonsense)
        expect_unauthorized(answer)
        assert "not called" in server.explain(answer)["answer"]["why"]
    assert not [event for event in server.events[before:] if "START" in event.get("text", "")]
    # Signed with the public key as if it were a shared secret.
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    mac = hmac.new((folder / "keys/public.pem").read_bytes(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    expect_unauthorized(hello(f"{head}.{claims}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"))
    assert [text for text in server.warnings() if not STAND_IN.match(text)] == []


def test_jwt_node(start, tmp_path, node):
    npm = need_tool("npm")
    folder = copy_of("jwt-node", tmp_path)
    install([npm, "ci", "--no-audit", "--no-fund", "--prefix", "authorizer"], folder)
    check_jwt_example(start, folder, [node, "make-token.js"])


def python_311():
    """A Python 3.11 with pip."""
    for candidate in (sys.executable, "/usr/bin/python3.11", shutil.which("python3.11")):
        if candidate and os.path.exists(candidate):
            asked = subprocess.run(
                [candidate, "-c", "import pip, sys; print(sys.version_info[:2] == (3, 11))"], capture_output=True, text=True
            )
            if asked.stdout.strip() == "True":
                return candidate
    pytest.skip("there is no Python 3.11 with pip")


def test_jwt_python(start, tmp_path):
    python = python_311()
    folder = copy_of("jwt-python", tmp_path)
    install([python, "-m", "pip", "install", "-q", "-t", "authorizer", "-r", "authorizer/requirements.txt"], folder)
    check_jwt_example(start, folder, [python, "make_token.py"])


def test_no_secret_and_no_package_is_committed():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    git = need_tool("git")
    names = subprocess.run([git, "ls-files", "examples"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert not [name for name in names if "node_modules" in name or name.endswith(".pem") or "dist-info" in name]


def test_lockfile_names_no_host_for_packages():
    lock = (EXAMPLES / "jwt-node/authorizer/package-lock.json").read_text()
    assert '"resolved"' not in lock
