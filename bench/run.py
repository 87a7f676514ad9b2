#!/usr/bin/env python3
"""End-to-end benchmarks, each a ratio against a named rival measured in the same run on the same machine.

The server under test is pinned to one processor and the load to another; rounds of the two sides alternate and medians are compared, so that
a drifting machine moves both. Prints a Markdown table. Arguments: names of measurements; all when there are none."""
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import credentials
import execution
from sides import PROGRAM, ROOT, ROUNDS, SECONDS, aws, compare, free_port, get, google_benchmark, nginx, row, rss_mib, sallyport, signed_headers, url_of, wait_for, wrk


def throughput():
    with sallyport("up", str(ROOT / "bench/template.yaml")) as (_, base), nginx() as (_, rival):
        cached, uncached = url_of(base, "/cached"), url_of(base, "/uncached")
        for url in (cached, uncached):
            get(url, {"Authorization": "valid"})
        results = compare([("ours", cached, "valid"), ("plain", rival + "/plain", "valid"), ("guarded", rival + "/guarded", "valid")], 64)
        ours, plain, guarded = (results[name][0] for name in ("ours", "plain", "guarded"))
        row("cached authorizer decision, MOCK, 64 connections", f"{ours:,.0f} req/s", f"nginx `return 200`: {plain:,.0f} req/s", f"{ours / plain:.2f}", "at least 0.95")
        row("the same", f"{ours:,.0f} req/s", f"nginx, cached `auth_request`: {guarded:,.0f} req/s", f"{ours / guarded:.2f}", "-")

        pipes = google_benchmark("runtime_bench", "bare_pipe")
        python_pipe, node_pipe = pipes["bare_pipe/python/real_time"] / 1e3, pipes["bare_pipe/node/real_time"] / 1e3
        _, mock = wrk(cached, 1, "valid")
        _, latency = wrk(uncached, 1, "valid")
        row("warm authorizer called each time, MOCK, 1 connection", f"{latency:.0f} us", f"the same with a cached decision: {mock:.0f} us", f"{latency / mock:.2f}", "-")
        for name, path, pipe in (("Python", "/python", python_pipe), ("Node", "/node", node_pipe)):
            url = url_of(base, path)
            get(url)
            latency = statistics.median(wrk(url, 1)[1] for _ in range(ROUNDS))
            row(f"warm {name} function through the gateway, 1 connection", f"{latency:.0f} us", f"bare pipe to {name}: {pipe:.0f} us", f"{latency / pipe:.2f}", "at most 3")
            row(f"the same above a MOCK answer over the same connection", f"{latency - mock:.0f} us", f"bare pipe to {name}: {pipe:.0f} us", f"{(latency - mock) / pipe:.2f}", "-")


def start_up():
    def first_answer(command, path, port):
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                with contextlib.suppress(OSError):
                    with socket.create_connection(("127.0.0.1", port)) as s:
                        s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                        if s.recv(16):
                            return (time.perf_counter() - began) * 1e3
        finally:
            process.terminate()
            process.wait()
    ours, bare = [], []
    for _ in range(ROUNDS * 4):
        port = free_port()
        ours.append(first_answer([PROGRAM, "up", str(ROOT / "examples/quickstart"), "--listen", f"127.0.0.1:{port}"], "/_sallyport/health", port))
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
        bare.append((time.perf_counter() - began) * 1e3)
    a, b = statistics.median(ours), statistics.median(bare)
    row("process start with examples/quickstart to first answer", f"{a:.1f} ms", f"start of an empty Python: {b:.1f} ms", f"{a / b:.2f}", "under 15 ms")


def memory():
    with sallyport("serve", "--ephemeral", pin=False) as (process, _), nginx() as (rival, _):
        ours = rss_mib(process.pid)
        workers = sum(rss_mib(pid) for pid in subprocess.run(["pgrep", "-P", str(rival.pid)], capture_output=True, text=True).stdout.split()) + rss_mib(rival.pid)
        row("resident memory, no functions", f"{ours:.1f} MiB", f"nginx master and worker: {workers:.1f} MiB", f"{ours / workers:.2f}", "under 12 MiB")
    functions = "".join(f"""
  F{i}:
    Type: AWS::Serverless::Function
    Properties: {{Runtime: python3.12, Handler: index.handler, InlineCode: "def handler(e, c): return {{'statusCode': 200}}", Events: {{A: {{Type: Api, Properties: {{Path: /f{i}, Method: get}}}}}}}}""" for i in range(10))
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "template.yaml").write_text("Transform: AWS::Serverless-2016-10-31\nResources:" + functions)
        with sallyport("up", folder, pin=False) as (process, base):
            for i in range(10):
                get(url_of(base, f"/f{i}"))
            children = [rss_mib(pid) for pid in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()]
            row("the server's own memory with 10 warm Python functions", f"{rss_mib(process.pid):.1f} MiB", f"their processes: {sum(children):.1f} MiB", f"{rss_mib(process.pid) / sum(children):.2f}", "-")


def micro():
    routes = google_benchmark("gateway_bench", "find_route")
    names = sorted((n for n in routes if re.search(r"/(10|1000|100000)$", n)), key=lambda n: int(n.rsplit("/", 1)[1]))
    small, large = routes[names[0]], routes[names[-1]]
    row("routing among 100,000 routes", f"{large:.0f} ns", f"among 10: {small:.0f} ns", f"{large / small:.2f}", "at most 2")
    for name, time_ns in google_benchmark("policy_bench").items():
        statements = re.search(r"/(\d+)", name)
        goal = "under 1 us" if statements and statements[1] == "10" and "compile" not in name else "-"
        what = "policy document compiled" if "compile" in name else "policy decision"
        row(f"{what}, {name}", f"{time_ns:,.0f} ns", "-", "-", goal)


def signed():
    """A request that is verified and authorized each time: AWS_IAM in front of a MOCK answer, for a user with one policy."""
    with sallyport("serve", "--ephemeral") as (_, base), nginx() as (_, rival):
        iam, gateway = aws("iam", base), aws("apigateway", base)
        iam.create_user(UserName="u")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(policy))
        made = iam.create_access_key(UserName="u")["AccessKey"]
        api = gateway.create_rest_api(name="bench")["id"]
        root = gateway.get_resources(restApiId=api)["items"][0]["id"]
        place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
        gateway.put_method(**place, authorizationType="AWS_IAM")
        gateway.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
        gateway.put_method_response(**place, statusCode="200")
        gateway.put_integration_response(**place, statusCode="200", responseTemplates={"application/json": '"ok"'})
        gateway.create_deployment(restApiId=api, stageName="prod")
        target = f"/_aws/execute-api/{api}/prod/"
        headers = signed_headers(base, "GET", target, "execute-api", (made["AccessKeyId"], made["SecretAccessKey"]))
        results = compare([("ours", base + target, headers), ("plain", rival + "/plain", None)], 64)
        ours, plain = (results[name][0] for name in ("ours", "plain"))
        row("AWS_IAM request verified and authorized, MOCK, 64 connections", f"{ours:,.0f} req/s", f"nginx `return 200`: {plain:,.0f} req/s", f"{ours / plain:.2f}", "at least 0.75")


def control():
    """Writes that are acknowledged when they are on disk, and a start with many objects."""
    import concurrent.futures
    import io
    import sqlite3
    import zipfile

    with tempfile.TemporaryDirectory() as folder:
        with sallyport("serve", "--data", folder + "/data", pin=False) as (_, base):
            iam, functions, gateway = aws("iam", base), aws("lambda", base), aws("apigateway", base)
            trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
            role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
            count = 400
            clients = [aws("iam", base) for _ in range(8)]
            began = time.perf_counter()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda i: clients[i % 8].create_user(UserName=f"u{i}"), range(count)))
            rate = count / (time.perf_counter() - began)
            database = sqlite3.connect(folder + "/raw.db", isolation_level=None)
            database.execute("pragma journal_mode=wal")
            database.execute("pragma synchronous=full")
            database.execute("create table t (a text primary key, b text)")
            began = time.perf_counter()
            for i in range(count):
                database.execute("insert into t values (?, ?)", (f"u{i}", "x" * 300))
            raw = count / (time.perf_counter() - began)
            row("CreateUser through boto3, 8 clients in one Python", f"{rate:,.0f} calls/s", f"single-row SQLite commits: {raw:,.0f}/s", f"{rate / raw:.2f}", "-")
            package = io.BytesIO()
            with zipfile.ZipFile(package, "w") as archive:
                archive.writestr("app.py", "def handler(event, context): return event")
            for i in range(1000):
                functions.create_function(FunctionName=f"f{i}", Runtime="python3.12", Handler="app.handler", Role=role, Code={"ZipFile": package.getvalue()})
                api = gateway.create_rest_api(name=f"a{i}")["id"]
                root = gateway.get_resources(restApiId=api)["items"][0]["id"]
                place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
                gateway.put_method(**place, authorizationType="NONE")
                gateway.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
                gateway.create_deployment(restApiId=api, stageName="prod")
        port = free_port()
        began = time.perf_counter()
        process = subprocess.Popen([PROGRAM, "serve", "--data", folder + "/data", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/_sallyport/health", process)
            took = time.perf_counter() - began
        finally:
            process.terminate()
            process.wait()
        row("start with 1,000 functions and 1,000 deployed APIs in the store", f"{took * 1e3:.0f} ms", "-", "-", "under 1 s")


def main():
    for tool in ("nginx", "wrk", "taskset"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing; tools/setup.sh bench installs it")
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    print(f"{model[1] if model else platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}; {ROUNDS} rounds of {SECONDS} s, medians\n")
    print("| what | Sallyport | rival or limit | ratio | goal |\n| --- | --- | --- | --- | --- |")
    measurements = {each.__name__: each for each in (throughput, *execution.measurements, signed, *credentials.measurements, control, start_up, memory, micro)}
    for name in sys.argv[1:] or measurements:
        measurements[name]()


main()
