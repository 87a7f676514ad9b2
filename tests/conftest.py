"""What all integration tests share: the program under test as a server, HTTP clients, and one probe API most of them ask.

The program is the one SALLYPORT_BIN names, else build/release/sallyport, else build/dev/sallyport. Nothing here sleeps to wait for something: a
server is ready when it says so, and its log lines are waited for with a deadline.
"""

import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import threading
import time

import pytest

from clients import Api, request
from recorder import recorded

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PATIENCE = 30  # seconds until something that has to happen counts as missing
INSTALL_TIME = 180  # seconds until a package registry counts as out of reach
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


def find_program():
    named = os.environ.get("SALLYPORT_BIN")
    candidates = [pathlib.Path(named)] if named else [ROOT / "build/release/sallyport", ROOT / "build/dev/sallyport"]
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate.resolve())
    raise pytest.UsageError(f"no program to test: {' and '.join(map(str, candidates))} missing; build it or set SALLYPORT_BIN")


PROGRAM = None


def pytest_configure(config):
    global PROGRAM
    PROGRAM = find_program()


def program_environment(**more):
    """The environment programs under test run in: ours, without settings of Sallyport's own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SALLYPORT_")}
    return {**environment, **more}


def run_program(*arguments, text=None, timeout=PATIENCE, environment=None):
    """Runs the program to its end."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment or program_environment(),
    )
    assert_no_sanitizer_report(done.stdout + done.stderr)
    return done


def assert_no_sanitizer_report(text):
    for word in SANITIZER_WORDS:
        at = text.find(word)
        assert at < 0, f"the program reported {word}:\n{text[max(0, at - 500):at + 4000]}"


class Server:
    """The program under test while it runs. Use it in a `with` statement: leaving it stops the program and checks how it ended.
    `through` is a command that becomes the program, such as setpriv."""

    def __init__(self, *arguments, command="up", environment=None, port=0, through=()):
        everything = [*through, PROGRAM, command, *map(str, arguments), "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(
            everything,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment or program_environment(),
        )
        self.lines = []  # standard output, as text
        self.events = []  # the same as values: the JSON of a line, or {"kind": "plain", "text": ...}
        self.errors = []  # standard error, as text
        self.changed = threading.Condition()
        self.readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self._take_line), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.errors.append), daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        self.open_readers = len(self.readers)
        self.port = None
        try:
            line = self.wait_for(lambda event: "listens on http://" in event.get("text", ""), what="the listening line")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.port = int(re.search(r"listens on http://127\.0\.0\.1:(\d+)", line["text"])[1])
        self.origin = f"http://127.0.0.1:{self.port}"
        assert self.request("GET", "/_sallyport/health").status == 200

    def _take_line(self, line):
        self.lines.append(line)
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        self.events.append(value if isinstance(value, dict) else {"kind": "plain", "text": line})

    def _read(self, stream, take):
        for line in stream:
            with self.changed:
                take(line.decode("utf-8", "replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.open_readers -= 1
            self.changed.notify_all()

    # ---- output

    def mark(self):
        """A place in the output: what was written before it has been read, what comes after it belongs to what happens now."""
        answer = self.request("GET", "/_aws/execute-api/mark/mark")
        request_id = answer.header("x-amzn-RequestId")
        self.wait_for(
            lambda event: request_id in (event.get("request_id") or event.get("text", "")), what="the line of the marking request"
        )
        with self.changed:
            return next(at for at, line in enumerate(self.lines) if request_id in line) + 1

    def wait_for(self, wanted, since=0, what="a log line", timeout=PATIENCE):
        """The first event after `since` for which `wanted` holds."""
        deadline = time.monotonic() + timeout
        with self.changed:
            at = since
            while True:
                for event in self.events[at:]:
                    if wanted(event):
                        return event
                at = len(self.events)
                left = deadline - time.monotonic()
                if self.open_readers == 0 or left <= 0:
                    ended = "the program ended" if self.open_readers == 0 else f"{timeout} s passed"
                    raise AssertionError(
                        f"{ended} without {what}\nstdout:\n{self._tail(self.lines)}\nstderr:\n{self._tail(self.errors)}"
                    )
                self.changed.wait(left)

    def wait_for_text(self, text, since=0, kind=None, timeout=PATIENCE):
        """The first event after `since` whose text holds `text`."""
        return self.wait_for(
            lambda event: text in event.get("text", "") and kind in (None, event.get("kind")), since, f"{text!r}", timeout
        )

    def warnings(self):
        with self.changed:
            return [event["text"] for event in self.events if event.get("kind") == "warning"]

    @staticmethod
    def _tail(lines):
        return "\n".join(lines[-60:])

    def output(self):
        return "\n".join(self.lines + self.errors)

    # ---- requests

    def request(self, method, target, headers=(), body=None, **more):
        """One request to the server itself, in a connection of its own."""
        return request(self.port, method, target, headers, body, **more)

    def routes(self):
        answer = self.request("GET", "/_sallyport/routes")
        assert answer.status == 200, answer
        return answer.json["routes"]

    def api(self, name=None, stage=None):
        """The API of this name (any, when there is one only) at this stage, ready to be called."""
        found = sorted(
            {
                (row["api_id"], row["stage"])
                for row in self.routes()
                if name in (None, row["api_name"]) and stage in (None, row["stage"])
            }
        )
        assert len(found) == 1, f"{name} at {stage}: {found} among {self.routes()}"
        return Api(self, *found[0])

    def explain(self, answer):
        """Why an answer was given, as the server tells it."""
        told = self.request("GET", "/_sallyport/explain/" + answer.header("x-amzn-RequestId"))
        assert told.status == 200, told
        return told.json

    # ---- life

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Stops the program as an administrator would, and checks that it ended well. Answers how long that took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.check_end()
        return time.monotonic() - began

    def check_end(self):
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the program did not end after SIGTERM:\n" + self._tail(self.lines)) from None
        for reader in self.readers:
            reader.join(PATIENCE)
        assert_no_sanitizer_report(self.output())
        assert status == 0, f"the program ended with status {status}\n{self._tail(self.lines)}\n{self._tail(self.errors)}"

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.stop()
            return
        # A test has failed: its message matters, not how the program ends now.
        self.process.kill()
        self.process.wait()


# ---- processes


def host_pid(namespace, pid):
    """The process that has this id in the pid namespace of that name, as we see it."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/pid") != namespace:
                continue
            ids = next(line for line in (process / "status").read_text().splitlines() if line.startswith("NSpid:"))
            if int(ids.split()[-1]) == int(pid):
                return int(process.name)
        except OSError:
            continue  # it has ended meanwhile
    raise AssertionError(f"no process {pid} in {namespace}")


def processes_below(pid):
    """All descendants of a process."""
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found  # it has ended meanwhile
    for task in tasks:
        try:
            below = [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
        except OSError:
            continue
        found += below + [each for child in below for each in processes_below(child)]
    return found


def handles_of(processes):
    """Descriptors of those that have not ended meanwhile."""
    handles = []
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(process))
    return handles


def wait_until_ended(*processes):
    """Waits for the ends of processes, given as descriptors of os.pidfd_open, which it closes."""
    for handle in processes:
        assert select.select([handle], [], [], PATIENCE)[0], "a process goes on"
        os.close(handle)


# ---- files


def write_files(folder, files):
    """Writes texts (or bytes) into a folder: name -> content. Answers the folder."""
    for name, content in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
    return folder


def replace_file(path, content):
    """Writes a file the way editors save: beside it, then renamed over it, so that nobody reads half of it."""
    beside = path.with_name("." + path.name + ".saving")
    beside.write_text(content)
    os.replace(beside, path)


class Calls:
    """Events a function of the probe has been called with; it appends each to a file before it answers."""

    def __init__(self, path):
        self.path = path
        path.touch()

    def all(self):
        # The last line may be on its way.
        return [json.loads(line) for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")]


class Watch:
    """The calls of a function while requests are sent: use it in a `with` statement."""

    def __init__(self, calls):
        self.calls = calls

    def __enter__(self):
        self.before = len(self.calls.all())
        return self

    def __exit__(self, *_):
        self.events = self.calls.all()[self.before :]

    @property
    def count(self):
        return len(self.events)


# ---- fixtures


@pytest.fixture
def start(tmp_path):
    """Starts servers that are stopped, and looked at, at the end of the test."""
    servers = []

    def begin(*arguments, **more):
        servers.append(Server(*arguments, **more))
        return servers[-1]

    yield begin
    for server in reversed(servers):
        if server.process.returncode is None:
            server.stop()


@pytest.fixture(scope="module")
def module_server():
    """A server without a template, which keeps nothing; one for each file of tests."""
    with Server("--ephemeral", command="serve") as server:
        yield server


@pytest.fixture
def serve_files(tmp_path, start):
    """Starts a server for files written into the test's own folder: template.yaml and code."""

    def begin(files, *arguments, **more):
        return start(write_files(tmp_path, files), *arguments, **more)

    return begin


class Probe:
    """A running server with the probe API (tests/probe) and the calls its authorizer has seen."""

    def __init__(self, server, calls):
        self.server, self.calls = server, calls
        self.api = server.api("probe")
        self.guarded = server.api("guarded")
        self.plain = server.api("plain", "prod")

    @staticmethod
    @contextlib.contextmanager
    def running(folder, *arguments):
        """A probe of its own, with its files in this folder."""
        shutil.copytree(HERE / "probe", folder / "probe")
        calls = Calls(folder / "calls")
        with Server(folder / "probe", "--parameter", f"CallsFile={recorded(calls.path)}", *arguments) as server:
            yield Probe(server, calls)

    def get(self, token, path="/token", method="GET", headers=()):
        """A request with this token; None for a request without one."""
        own = {} if token is None else {"Authorization": token}
        return self.api.call(path, method, {**own, **dict(headers)})

    def watch(self):
        return Watch(self.calls)


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    with Probe.running(tmp_path_factory.mktemp("probe")) as probe:
        yield probe


# ---- tools that may be missing


def need_tool(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def install(command, folder=None):
    """Runs a package manager; skips the test when it cannot get its packages."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_TIME)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{' '.join(map(str, command))} got no answer in {INSTALL_TIME} s")
    if done.returncode != 0:
        pytest.skip(f"packages cannot be installed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


@pytest.fixture(scope="session")
def node():
    return need_tool("node")


@pytest.fixture(scope="session")
def conformance():
    """The folder of conformance material, for those who have it."""
    folder = os.environ.get("SALLYPORT_CONFORMANCE")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("SALLYPORT_CONFORMANCE names no folder with conformance material")
    return pathlib.Path(folder)
