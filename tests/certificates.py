"""Certificates for tests, made with the openssl program, and HTTPS clients that use them."""

import contextlib
import http.client
import re
import socket
import ssl
import subprocess

from clients import TIMEOUT, send
from conftest import need_tool


class Authority:
    """An authority of its own in a folder, and what it signs."""

    def __init__(self, folder, name="authority"):
        need_tool("openssl")
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self._run("req", "-x509", *self._new_key(self.key), "-subj", f"/C=US/O=Example/CN={name}", "-days", "2", "-out", self.certificate)

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)

    @staticmethod
    def _new_key(path):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path)

    def sign(self, name, *hosts, days=1, file=None):
        """(certificate, key): files of a certificate for these hosts; without hosts it is a client's."""
        file = file or re.sub(r"[^a-z0-9]", "_", name)
        certificate, key, request, extensions = (self.folder / f"{file}.{kind}" for kind in ("pem", "key", "csr", "ext"))
        self._run("req", "-new", *self._new_key(key), "-subj", f"/C=US/O=Example/CN={name}", "-out", request)
        names = ",".join(f"DNS:{host}" for host in hosts) if hosts else f"email:{file}@example.com"
        extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        signed = ("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-set_serial", "4711")
        self._run(*signed, "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key

    def trusting(self, certificate=None, protocols=("http/1.1",)):
        """An SSL context that trusts this authority, with a client's certificate where one is given."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.set_alpn_protocols(list(protocols))
        if certificate:
            context.load_cert_chain(*map(str, certificate))
        return context


class HttpsConnection(http.client.HTTPConnection):
    """To 127.0.0.1, as the host that is named."""

    def __init__(self, port, context, name):
        super().__init__("127.0.0.1", port, timeout=TIMEOUT)
        self.context, self.name = context, name

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        self.sock = self.context.wrap_socket(plain, server_hostname=self.name)


@contextlib.contextmanager
def connect_tls(port, context, name):
    connection = HttpsConnection(port, context, name)
    try:
        yield connection
    finally:
        connection.close()


def https(port, context, name, target="/", method="GET", headers=(), body=None, host=None):
    """One request in a connection of its own; the Host is the name the connection is made for, unless another one is given."""
    with connect_tls(port, context, name) as connection:
        return send(connection, method, target, headers, body, host or f"{name}:{port}")


def tls_port(server):
    line = server.wait_for_text("on https://")
    return int(re.search(r"https://127\.0\.0\.1:(\d+)", line["text"])[1])
