"""Ten thousand requests on 64 connections: valid, invalid and missing tokens, while functions crash and the template is reloaded. Not one
wrong answer."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import guarded_api
from conftest import PATIENCE, Server, write_files

REQUESTS, CONNECTIONS = 10_000, 64
TIME = 240  # seconds; far more than it takes, on a busy machine too

TEMPLATE = guarded_api.template("""
  Crash:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: crash
      Events:
        Crash: {Type: Api, Properties: {Path: '/crash/{id}', Method: post, RestApiId: !Ref Api}}
""")
WORK = """
import json
def handler(event, context):
    body = {"version": "VERSION", "id": event["pathParameters"]["id"], "sent": event["body"],
            "principal": event["requestContext"]["authorizer"]["principalId"]}
    return {"statusCode": 200, "body": json.dumps(body)}
"""
CRASH = """
import os
def handler(event, context):
    os._exit(1)
"""


class Client:
    """One keep-alive connection."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def post(self, target, token, body):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        authorization = f"Authorization: {token}\r\n" if token is not None else ""
        self.writer.write(
            f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        content = await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return int(head.split(" ", 2)[1]), content

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def plan(number):
    """The request of this number: path, token, what must come back."""
    path = "cached" if number % 2 else "plain"
    kind = number % 50
    if kind == 49:
        return "crash", None, 502
    if kind % 5 == 3:
        return path, f"wrong-{number % 7}", 403
    if kind % 5 == 4:
        return path, None, 401
    return path, f"valid-{number % 11}", 200


def check(number, token, expected, status, content, versions):
    """What is wrong with an answer; None for nothing."""
    value = json.loads(content)
    if status != expected:
        return f"status {status} instead of {expected}"
    if expected == 200:
        wanted = {"version": value.get("version"), "id": str(number), "sent": f"body of {number}", "principal": token}
        if value != wanted or value["version"] not in versions:
            return "the answer of another request"
    elif expected == 403 and "explicit deny" not in value.get("Message", ""):
        return "no denial"
    elif expected == 401 and value != {"message": "Unauthorized"}:
        return "another 401"
    elif expected == 502 and value != {"message": "Internal server error"}:
        return "another 502"
    return None


async def run(server, base, at_count):
    """Sends everything; `at_count`: number of answered requests -> what happens then, in a thread of its own, one after the other. Answers
    what was wrong."""
    wrong, answered, numbers = [], 0, iter(range(REQUESTS))
    happening, thread = [], ThreadPoolExecutor(1)

    async def work():
        nonlocal answered
        client = Client(server.port)
        for number in numbers:
            path, token, expected = plan(number)
            try:
                status, content = await asyncio.wait_for(
                    client.post(f"{base}/{path}/{number}", token, f"body of {number}"), PATIENCE
                )
                problem = check(number, token, expected, status, content, ("one", "two"))
            except Exception as error:
                problem, status, content = repr(error), 0, b""
                client.close()
            if problem:
                wrong.append((number, path, token, problem, status, content[:200]))
            answered += 1
            if answered in at_count:
                happening.append(asyncio.get_running_loop().run_in_executor(thread, at_count[answered]))
        client.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    await asyncio.gather(*happening)
    return wrong


def test_ten_thousand_requests_while_functions_crash_and_the_template_changes(tmp_path):
    files = {
        "template.yaml": TEMPLATE,
        "authorizer/app.py": guarded_api.AUTHORIZER,
        "work/app.py": WORK.replace("VERSION", "one"),
        "crash/app.py": CRASH,
    }
    folder = write_files(tmp_path, files)
    template = folder / "template.yaml"
    with Server(folder) as server:
        base = server.api().base

        def change(path, content, expected):
            mark = server.mark()
            path.write_text(content)
            server.wait_for_text(expected, since=mark)

        began, since = time.monotonic(), server.mark()
        wrong = asyncio.run(
            run(
                server,
                base,
                {
                    1000: lambda: open(template, "a").close(),
                    2000: lambda: change(template, TEMPLATE + "\n# rewritten\n", "reloaded"),
                    4000: lambda: change(folder / "work/app.py", WORK.replace("VERSION", "two"), "reloaded"),
                    6000: lambda: change(template, TEMPLATE + "\n  broken: [", "the last good version goes on serving"),
                    8000: lambda: change(template, TEMPLATE.replace("ReauthorizeEvery: 300", "ReauthorizeEvery: 200"), "reloaded"),
                },
            )
        )
        took = time.monotonic() - began
        assert wrong == [], f"{len(wrong)} wrong answers: {wrong[:10]}"
        server.wait_for_text("Error Type: Runtime.ExitError", since=since, kind="platform")
        answer = server.api().call("/plain/1", "POST", {"Authorization": "valid"}, "x")
        assert answer.json["version"] == "two"
    assert took < TIME, f"took {took:.0f} s"
