"""An HTTP server to put behind HTTP_PROXY integrations: it answers with the request it got, or as the header X-Do says."""

import contextlib
import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def version_string(self):
        return "backend"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"chunked bodies are not read here"
        command, _, argument = self.headers.get("X-Do", "echo").partition(" ")
        if command == "hang":
            self.server.released.wait(20)
            self.close_connection = True
            return
        if command == "break":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            self.close_connection = True
            return
        status, content, headers = 200, b"", [("Content-Type", "text/x-told")]
        if command == "status":
            status = int(argument)
        elif command == "headers":
            headers += json.loads(argument)
        elif command == "body":
            content = bytes(range(256))
        else:
            told = {
                "method": self.command,
                "target": self.path,
                "headers": self.headers.items(),
                "body": body.decode("latin-1"),
            }
            content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running():
    """The port of a backend that runs until the end of the `with` statement."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.released = threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
