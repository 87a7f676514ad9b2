"""Mixed load for a while: authorizers, invokes, asynchronous events, crashes, timeouts, updates of code. Not one wrong answer, and nothing
that grows: processes, descriptors, mounts, namespaces, memory. Twenty seconds here; SALLYPORT_SOAK_SECONDS says how long otherwise (an hour
before a release)."""

import collections
import http.client
import json
import os
import pathlib
import random
import threading
import time

import pytest

import guarded_api
from aws import Cloud, zipped
from clients import send
from conftest import PATIENCE, Server, write_files

SECONDS = float(os.environ.get("SALLYPORT_SOAK_SECONDS", 20))
CALLERS = 6
MEMORY_SLACK_KIB = 24 * 1024  # allocator noise and caches that fill

TEMPLATE = guarded_api.template(
    """
  Node: {Type: AWS::Serverless::Function, Properties: {FunctionName: node, Runtime: nodejs20.x, Handler: index.handler, CodeUri: node}}
  Crash: {Type: AWS::Serverless::Function, Properties: {FunctionName: crash, CodeUri: crash}}
  Slow: {Type: AWS::Serverless::Function, Properties: {FunctionName: slow, CodeUri: slow, Timeout: 1}}
  Hoard: {Type: AWS::Serverless::Function, Properties: {FunctionName: hoard, CodeUri: hoard, MemorySize: 128, Timeout: 60}}
""",
    kept_for=5,
    timeout=10,
    memory=256,
)
CODE = {
    "authorizer/app.py": guarded_api.AUTHORIZER,
    "work/app.py": """
import json
def handler(event, context):
    if "pathParameters" not in event:
        return event
    return {"statusCode": 200, "body": json.dumps({"id": event["pathParameters"]["id"], "sent": event["body"],
            "principal": event["requestContext"]["authorizer"]["principalId"]})}
""",
    "node/index.js": "exports.handler = async (event) => event;",
    "crash/app.py": "import os\ndef handler(event, context):\n    os._exit(3)\n",
    "slow/app.py": "import time\ndef handler(event, context):\n    time.sleep(20)\n",
    "hoard/app.py": "def handler(event, context):\n    return len(bytearray(b'x') * (400 * 1024 * 1024))\n",
}


def children(pid):
    """All processes below one."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += [int(child), *children(int(child))]
        except OSError:
            pass
    return found


def status_of(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def look(server):
    """What the server and all it started hold now."""
    pid = server.process.pid
    spaces = set()
    below = children(pid)
    for child in below:
        for kind in ("mnt", "net", "pid", "user"):
            try:
                spaces.add(os.readlink(f"/proc/{child}/ns/{kind}"))
            except OSError:
                pass
    spawner = below[0] if below else pid
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "spawner descriptors": len(os.listdir(f"/proc/{spawner}/fd")),
        "spawner mounts": len(pathlib.Path(f"/proc/{spawner}/mountinfo").read_text().splitlines()),
        "processes": len(below),
        "namespaces": len(spaces),
        "memory KiB": status_of(pid, "VmRSS"),
        "spawner memory KiB": status_of(spawner, "VmRSS"),
    }


class Load:
    """Callers that ask and check what they get."""

    def __init__(self, server):
        self.server, self.base = server, server.api().base
        self.wrong, self.counts = [], collections.Counter()
        self.lock = threading.Lock()
        self.over = threading.Event()

    def note(self, kind, good, what):
        with self.lock:
            self.counts[kind] += 1
            if not good and len(self.wrong) < 20:
                self.wrong.append((kind, what))

    def gateway(self, connection, dice, cached):
        number, valid = dice.randrange(10**9), dice.random() < 0.7
        token = f"{'valid' if valid else 'bad'}-{dice.randrange(50)}"
        path = f"{self.base}/{'cached' if cached else 'plain'}/{number}"
        answer = send(connection, "POST", path, {"Authorization": token}, str(number))
        if valid:
            wanted = {"id": str(number), "sent": str(number), "principal": token}
            self.note("gateway", answer.status == 200 and answer.json == wanted, answer)
        else:
            self.note("gateway", answer.status == 403, answer)

    def invoke(self, client, name, dice):
        event = {"n": dice.randrange(10**9), "pad": "x" * dice.choice((0, 100, 70_000))}
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
        told = answer["Payload"].read().decode()
        self.note(name, "FunctionError" not in answer and json.loads(told) == event, (answer["ResponseMetadata"]["RequestId"], told[:500]))

    def failing(self, client, name, error):
        answer = client.invoke(FunctionName=name)
        told = json.loads(answer["Payload"].read())
        good = isinstance(told, dict) and answer.get("FunctionError") == "Unhandled" and told["errorType"] in error
        self.note(name, good, (answer["ResponseMetadata"]["RequestId"], told))

    def event(self, client, dice):
        name = dice.choice(("work", "node", "crash"))
        answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"n": dice.randrange(10**9)}))
        self.note("event", answer["StatusCode"] == 202, answer)

    def update(self, client, dice):
        text = f"// {dice.random()}\nexports.handler = async (event) => event;"
        answer = client.update_function_code(FunctionName="node", ZipFile=zipped({"index.js": text}))
        self.note("update", answer["FunctionName"] == "node", answer)

    def run(self, seed):
        dice = random.Random(seed)
        client = Cloud(self.server).client("lambda")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        try:
            while not self.over.is_set():
                draw = dice.random()
                if draw < 0.6:
                    self.gateway(connection, dice, cached=draw < 0.3)
                elif draw < 0.8:
                    self.invoke(client, dice.choice(("work", "node")), dice)
                elif draw < 0.9:
                    self.event(client, dice)
                elif draw < 0.95:
                    self.failing(client, "crash", ("Runtime.ExitError",))
                elif draw < 0.97:
                    self.failing(client, "slow", ("Sandbox.Timedout",))
                elif draw < 0.98:
                    self.failing(client, "hoard", ("Runtime.OutOfMemory",))
                else:
                    self.update(client, dice)
        except Exception as error:  # noqa: BLE001  whatever a caller meets is a finding
            self.note("caller", False, repr(error))
        finally:
            connection.close()


def test_mixed_load(tmp_path):
    pytest.importorskip("boto3", reason="boto3 is not installed")
    write_files(tmp_path, {"template.yaml": TEMPLATE, **CODE})
    seen = []
    with Server(tmp_path, "--async-delay-factor", "0.001", "--max-instances", "24", "--no-access-log") as server:
        load = Load(server)
        callers = [threading.Thread(target=load.run, args=(seed,)) for seed in range(CALLERS)]
        for caller in callers:
            caller.start()
        began = time.monotonic()
        while (left := began + SECONDS - time.monotonic()) > 0:
            load.over.wait(min(left, SECONDS / 10))
            seen.append(look(server))
            if load.wrong:
                break
        load.over.set()
        for caller in callers:
            caller.join(PATIENCE)
            assert not caller.is_alive(), "a caller waits for an answer that does not come"
        below = children(server.process.pid)
        assert len(below) > 1
    print(dict(load.counts), *seen, sep="\n")
    for _, (*about, _) in [wrong for wrong in load.wrong if isinstance(wrong[1], tuple)]:
        print(*[line for line in server.lines if str(about[0]) in line][:20], sep="\n")
    assert not load.wrong, load.wrong
    assert all(load.counts[kind] > 0 for kind in ("gateway", "work", "node", "event", "crash", "update")), load.counts
    assert [pid for pid in below if pathlib.Path(f"/proc/{pid}").exists()] == [], "processes outlive the server"
    # The first third is for warming up.
    warm, last = seen[len(seen) // 3], seen[-1]
    assert last["spawner mounts"] == warm["spawner mounts"], seen
    for what in ("descriptors", "spawner descriptors", "processes", "namespaces"):
        most = max(each[what] for each in seen[: len(seen) // 2 + 1])
        assert last[what] <= most * 1.5 + 60, (what, seen)
    for what in ("memory KiB", "spawner memory KiB"):
        assert last[what] <= warm[what] * 1.25 + MEMORY_SLACK_KIB, (what, seen)
