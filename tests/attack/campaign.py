"""A server with an attacker and a victim among its functions, and everything outside that the attacker looks for."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import pytest

from aws import Cloud
from conftest import Server, program_environment, write_files

HERE = pathlib.Path(__file__).resolve().parent
SECRET = "what-no-other-function-may-read"
ORDINARY = 65534
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: {runtime}}}}}
Resources:
  Attacker:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: attacker, Handler: attack.handler, CodeUri: attacker, Timeout: 240, MemorySize: 2048}}
  Small:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: small, Handler: attack.handler, CodeUri: attacker, Timeout: 3, MemorySize: 128}}
  Custom:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: custom, Runtime: provided.al2023, Handler: x, CodeUri: custom, Timeout: 30, MemorySize: 256}}
  Victim:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: victim, Handler: app.handler, CodeUri: victim, Timeout: 30, MemorySize: 256}}
"""
VICTIM = f'''
import os, threading
SECRET = "{SECRET}"
CALLS = 0
def handler(event, context):
    global CALLS
    CALLS += 1
    folder = os.environ.get("TMPDIR", "/tmp")
    with open(folder + "/victims-file", "w") as file:
        file.write(SECRET)
    return {{"calls": CALLS, "api": os.environ.get("AWS_LAMBDA_RUNTIME_API"), "request": context.aws_request_id, "event": event}}
'''


def system_python():
    """The machine's own interpreter, which every user may run: the runtime's name and its path."""
    for minor in range(14, 8, -1):
        path = f"/usr/bin/python3.{minor}"
        if os.access(path, os.X_OK):
            return f"python3.{minor}", path
    pytest.skip("no python3.9 or later in /usr/bin")


def through(user, level):
    """How to run the server as root or as an ordinary user. Without isolation, only where neither its user nor its mounts can do harm."""
    if user == "root":
        if os.geteuid() != 0:
            pytest.skip("only root can be root")
        assert level != "off", "the attack program never runs unsandboxed as root"
        return []
    if os.geteuid() != 0:
        return []
    for tool in ("setpriv", "unshare"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    become = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
    return ["unshare", "--mount", *become] if level == "off" else become


def line_of_passwd():
    for line in pathlib.Path("/etc/passwd").read_text().splitlines():
        if line.split(":")[0] not in ("root", "nobody"):
            return line
    return "nobody-is-here"


class QuietServer(Server):
    """One whose output can be left unread."""

    deaf = False

    def _take_line(self, line):
        if not self.deaf:
            super()._take_line(line)


class Campaign:
    """Use it in a `with` statement. The attacker is `probe` and `flood`; `check` says whether all others are as they were."""

    def __init__(self, level="native", network="isolated", user="root", more=()):
        self.level, self.network, self.user, self.more = level, network, user, more
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            command = through(self.user, self.level)
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sallyport-attack-")))
            runtime, python = system_python()
            write_files(
                self.folder,
                {"template.yaml": TEMPLATE.format(runtime=runtime), "victim/app.py": VICTIM, "attacker/attack.py": (HERE / "attack.py").read_text()},
            )
            write_files(self.folder, {"custom/bootstrap": (HERE / "bootstrap").read_text().replace("/usr/bin/python3", python, 1)})
            (self.folder / "custom/bootstrap").chmod(0o755)
            (self.folder / "data").mkdir()
            self.folder.chmod(0o755)
            (self.folder / "data/marker").write_text(SECRET)
            if command:
                subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", self.folder], check=True)
            self.targets = self._targets(stack)
            environment = program_environment(ATTACK_SECRET=SECRET, PATH="/usr/bin:/bin", HOME=str(self.folder), PYTHONDONTWRITEBYTECODE="1")
            self.server = stack.enter_context(
                QuietServer(
                    self.folder / "template.yaml", "--data", self.folder / "data", "--sandbox", self.level, "--network", self.network,
                    "--runtime", f"{runtime}={python}", "--no-watch", "--log-format", "json", *self.more,
                    through=command, environment=environment,
                )  # fmt: skip
            )
            self.cloud = Cloud(self.server)
            told = self.victim()
            self.targets |= {
                "server_pid": self.server.process.pid, "server_port": self.server.port, "other_api": told["api"], "dead_id": told["request"],
            }  # fmt: skip
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def _targets(self, stack):
        open_port = stack.enter_context(socket.create_server(("0.0.0.0", 0)))
        by_path = stack.enter_context(socket.socket(socket.AF_UNIX))
        by_path.bind(str(self.folder / "socket"))
        by_path.listen()
        os.chmod(self.folder / "socket", 0o777)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind("\0" + self.folder.name)
        abstract.listen()
        return {
            "secret": SECRET,
            "server_name": "sallyport",
            "other_code": str(self.folder / "victim/app.py"),
            "other_tmp_name": "victims-file",
            "data_file": str(self.folder / "data/marker"),
            "passwd_line": line_of_passwd(),
            "host_address": own_address(),
            "open_port": open_port.getsockname()[1],
            "abstract": self.folder.name,
            "unix_path": str(self.folder / "socket"),
            "shm_key": 0x5A11,
        }

    # ---- calls

    def invoke(self, function, event):
        """The payload as a value, and the kind of error (None)."""
        answer = self.cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        return json.load(answer["Payload"]), answer.get("FunctionError")

    def victim(self, event=None):
        told, error = self.invoke("victim", event)
        assert error is None, told
        return told

    def probe(self, names=None):
        """name -> (group, text, outcome, detail)"""
        told, error = self.invoke("attacker", {"targets": self.targets, "probes": names})
        assert error is None, told
        return {name: tuple(rest) for name, *rest in told}

    def flood(self, name, function="attacker", **more):
        return self.invoke(function, {"flood": name, "targets": self.targets | more})

    def check(self, calls_before=None):
        """The server answers, and the victim is the process it was."""
        assert self.server.request("GET", "/_sallyport/health").status == 200
        told = self.victim({"still": "here"})
        assert told["event"] == {"still": "here"}
        if calls_before is not None:
            assert told["calls"] == calls_before + 1, "the victim's process was hit"
        return told["calls"]


def own_address():
    """Of this machine in its network, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        with contextlib.suppress(OSError):
            any_socket.connect(("192.0.2.1", 9))
            return any_socket.getsockname()[0]
    return "127.0.0.1"
