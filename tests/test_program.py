"""The command line, the files the program keeps, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from clients import Wire, connect, raw_request, request, send
from conftest import (
    PATIENCE,
    PROGRAM,
    Server,
    handles_of,
    host_pid,
    processes_below,
    program_environment,
    run_program,
    wait_until_ended,
    write_files,
)
from hello import GOOD_FILES, word

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
    first = start("--ephemeral", command="serve")
    done = run_program("serve", "--ephemeral", "--listen", f"127.0.0.1:{first.port}")
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
    namespace, pid, _ = server.api().call("/hello").text.split()[-1].split("/")
    function = os.pidfd_open(host_pid(namespace, pid))
    below = handles_of(processes_below(server.process.pid))
    assert len(below) >= 2, "the spawner, an init, the function"
    server.signal(number)
    server.process.wait(PATIENCE)
    wait_until_ended(function, *below)


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


def test_output_whose_reader_has_gone_does_not_stop_the_server(tmp_path):
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


def test_output_that_nobody_reads_does_not_stop_the_server(tmp_path):
    """The reader of standard output is there and does not read, as a pager that shows its first page."""
    process, port = begin_without_waiting(tmp_path)
    try:
        row = request(port, "GET", "/_sallyport/routes").json["routes"][0]
        hello = f"/_aws/execute-api/{row['api_id']}/dev/hello"
        one = raw_request("GET", "/_aws/execute-api/a-request/that-is-logged", "localhost")
        with Wire(port, timeout=10) as wire:
            for _ in range(100):
                wire.write(one * 50)
                assert [wire.response().status for _ in range(50)] == [403] * 50
            wire.write(raw_request("GET", hello, "localhost"))
            assert wire.response().text.startswith("one ")
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
