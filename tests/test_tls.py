"""TLS and HTTP/2 of the running program: who is talked to, what is refused, certificates that change under way."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from aws import Cloud
from certificates import Authority, connect_tls, https, tls_port
from clients import send
from conftest import Server, need_tool, run_program

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority):
    plain = authority.sign("default", "localhost", "anything.example.com")
    named = authority.sign("api.example.com", "api.example.com")
    wild = authority.sign("wild", "*.wild.example.com")
    arguments = [f"--certificate={plain[0]}:{plain[1]}"]
    arguments += [f"--certificate=api.example.com={named[0]}:{named[1]}", f"--certificate=*.wild.example.com={wild[0]}:{wild[1]}"]
    with Server("--ephemeral", "--tls-port", "0", *arguments, command="serve") as server:
        server.tls = tls_port(server)
        yield server


def names_of(server, authority, name):
    """The names in the certificate that a client who asks for `name` is shown."""
    context = authority.trusting()
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", server.tls), 10) as plain, context.wrap_socket(plain, server_hostname=name) as secure:
        return [value for kind, value in secure.getpeercert()["subjectAltName"]], secure.version()


def test_the_name_asked_for_chooses_the_certificate(server, authority):
    assert names_of(server, authority, "api.example.com")[0] == ["api.example.com"]
    assert names_of(server, authority, "b.wild.example.com")[0] == ["*.wild.example.com"]
    assert "localhost" in names_of(server, authority, "two.levels.wild.example.com")[0]
    assert "localhost" in names_of(server, authority, None)[0]
    assert names_of(server, authority, "localhost")[1] == "TLSv1.3"


def test_requests_over_tls_are_requests(server, authority):
    context = authority.trusting()
    with connect_tls(server.tls, context, "localhost") as connection:
        for _ in range(3):
            answer = send(connection, "GET", "/_sallyport/health")
            assert answer.status == 200, answer


@pytest.mark.parametrize(
    "options",
    [["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]],
    ids=["old", "cbc", "no-forward-secrecy"],
)
def test_weak_handshakes_are_refused(server, options):
    need_tool("openssl")
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.tls}", "-servername", "localhost", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert "Cipher is (NONE)" in done.stdout or done.returncode != 0, done.stdout


def test_plain_text_on_the_tls_port_is_no_request(server):
    with socket.create_connection(("127.0.0.1", server.tls), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.settimeout(10)
        got = b""
        while part := connection.recv(4096):
            got += part
    assert b"HTTP/" not in got


def test_a_silent_client_is_cut(server):
    with socket.create_connection(("127.0.0.1", server.tls), 10) as connection:
        connection.settimeout(10)
        connection.sendall(b"\x16\x03\x01")
        assert connection.recv(1) == b""


def curl(*arguments):
    done = subprocess.run(
        [need_tool("curl"), "-sS", "--max-time", "20", *map(str, arguments)], capture_output=True, text=True, timeout=40
    )
    return done


def test_http2_by_alpn_and_by_prior_knowledge(server, authority):
    form = "%{http_version} %{http_code}"
    secure = curl(
        "--http2", "--cacert", authority.certificate, "-o", "/dev/null", "-w", form, f"https://localhost:{server.tls}/_sallyport/health"
    )
    assert secure.stdout == "2 200", secure
    plain = curl("--http2-prior-knowledge", "-o", "/dev/null", "-w", form, f"{server.origin}/_sallyport/health")
    assert plain.stdout == "2 200", plain
    older = curl("--http1.1", "--cacert", authority.certificate, "-o", "/dev/null", "-w", form, f"https://localhost:{server.tls}/")
    assert older.stdout.startswith("1.1 "), older


def test_aws_calls_go_over_http2(server):
    """A signed call: the Host that HTTP/2 does not send is signed all the same."""
    done = curl(
        "--http2-prior-knowledge",
        "--aws-sigv4",
        "aws:amz:us-east-1:sts",
        "--user",
        "test:test",
        "-d",
        "Action=GetCallerIdentity&Version=2011-06-15",
        server.origin,
    )
    assert "GetCallerIdentityResult" in done.stdout, done


def test_many_streams_get_all_their_answers(server):
    done = subprocess.run(
        [need_tool("h2load"), "-n", "2000", "-c", "4", "-m", "50", f"{server.origin}/_sallyport/health"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "2000 succeeded, 0 failed" in done.stdout, done.stdout
    secure = subprocess.run(
        ["h2load", "-n", "2000", "-c", "4", "-m", "50", f"https://localhost:{server.tls}/_sallyport/health"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "2000 succeeded, 0 failed" in secure.stdout, secure.stdout


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def goaway_code(server, frames):
    """What the server's GOAWAY says to a client that sends these frames."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.settimeout(10)
        connection.sendall(PREFACE + frame(4, 0, 0) + frames)
        got = b""
        try:
            while part := connection.recv(65536):
                got += part
                at = 0
                while len(got) >= at + 9:
                    size, kind = int.from_bytes(got[at : at + 3], "big"), got[at + 3]
                    if kind == 7 and len(got) >= at + 9 + size:
                        return int.from_bytes(got[at + 13 : at + 17], "big")
                    at += 9 + size
        except ConnectionResetError:
            pass
    return None


HEAD = b"\x82\x86\x84\x41\x01h"
ENHANCE_YOUR_CALM = 11


@pytest.mark.parametrize(
    "frames",
    [
        b"".join(frame(1, 5, 2 * i + 1, HEAD) + frame(3, 0, 2 * i + 1, b"\0\0\0\x08") for i in range(300)),
        b"".join(frame(6, 0, 0, b"12345678") for _ in range(300)),
        b"".join(frame(4, 0, 0) for _ in range(300)),
        frame(1, 0, 1, HEAD) + b"".join(frame(9, 0, 1) for _ in range(100)),
        frame(1, 5, 1, HEAD + b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000 + b"\xbe" * 200),
    ],
    ids=["rapid-reset", "ping", "settings", "continuation", "header-bomb"],
)
def test_floods_end_the_connection(server, frames):
    assert goaway_code(server, frames) == ENHANCE_YOUR_CALM
    assert server.request("GET", "/_sallyport/health").status == 200


def test_a_reload_changes_the_certificate_and_drops_nobody(authority, tmp_path, start):
    old, new = authority.sign("old", "localhost", file="old"), authority.sign("new", "localhost", "new.example.com", file="new")
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
    shutil.copy(old[0], certificate), shutil.copy(old[1], key)
    server = start("--ephemeral", "--tls-port", "0", f"--certificate={certificate}:{key}", command="serve")
    server.tls = tls_port(server)
    context = authority.trusting()
    failures, done = [], threading.Event()

    def keep_asking():
        try:
            while not done.is_set():
                assert https(server.tls, context, "localhost", "/_sallyport/health").status == 200
        except Exception as failure:  # noqa: BLE001
            failures.append(failure)

    with connect_tls(server.tls, context, "localhost") as connection:
        assert send(connection, "GET", "/_sallyport/health").status == 200
        askers = [threading.Thread(target=keep_asking) for _ in range(3)]
        for asker in askers:
            asker.start()
        shutil.copy(new[0], certificate), shutil.copy(new[1], key)
        server.signal(signal.SIGHUP)
        server.wait_for_text("certificates and truststores were read again")
        assert send(connection, "GET", "/_sallyport/health").status == 200, "the connection from before"
        done.set()
        for asker in askers:
            asker.join()
    assert not failures, failures
    assert "new.example.com" in names_of(server, authority, "localhost")[0]
    key.write_text("broken")
    server.signal(signal.SIGHUP)
    server.wait_for_text("the certificates read before go on serving")
    assert https(server.tls, context, "localhost", "/_sallyport/health").status == 200


def test_settings_that_cannot_work_are_refused(authority, tmp_path):
    certificate, key = authority.sign("x", "localhost")
    other = authority.sign("y", "localhost")
    for arguments, word in [
        (["--tls-port", "0"], "certificate"),
        ([f"--certificate={certificate}:{key}"], "--tls-port"),
        (["--tls-port", "0", f"--certificate={certificate}"], "CERT.pem:KEY.pem"),
        (["--tls-port", "0", f"--certificate={certificate}:{tmp_path}/none"], "cannot read"),
        (["--tls-port", "0", f"--certificate={certificate}:{other[1]}"], "does not belong"),
        (["--tls-port", "0", f"--certificate={certificate}:{key}", f"--truststore=s3://b/k={key}"], "truststore"),
    ]:
        done = run_program("serve", "--ephemeral", "--listen", "127.0.0.1:0", *arguments)
        assert done.returncode != 0 and word in done.stderr, (arguments, done.stderr)


def test_functions_are_told_https(server, authority, tmp_path):
    cloud = Cloud(server)
    cloud.make_function("over-tls", tmp_path / "calls")
    url = cloud.make_url("over-tls", "NONE")
    answer = https(server.tls, authority.trusting(), "localhost", url.path_form + "/x")
    assert answer.status == 200, answer
    assert json.loads(answer.body)["headers"]["x-forwarded-proto"] == "https"


def test_ssl_module_is_new_enough():
    assert ssl.HAS_TLSv1_3
