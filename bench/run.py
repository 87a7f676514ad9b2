#!/usr/bin/env python3
"""End-to-end benchmarks, each a ratio against a named rival measured in the same run on the same machine.

The server under test is pinned to one processor and wrk to another; rounds of the two sides alternate and medians are compared, so that
a drifting machine moves both. Prints a Markdown table."""
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
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("SALLYPORT_BIN", str(ROOT / "build/release/sallyport"))
BENCHES = ROOT / "build/bench"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_PER_ROUND", "2"))
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, CLIENT_CPU = str(CPUS[0]), str(CPUS[-1])
rows = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, headers={}):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        return answer.read()


def wait_for(url, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "server ended"
        with contextlib.suppress(OSError):
            return get(url)
    raise SystemExit("no answer from " + url)


@contextlib.contextmanager
def sallyport(*arguments, pin=True):
    port = free_port()
    command = [PROGRAM, *arguments, "--listen", f"127.0.0.1:{port}", "--no-watch", "--no-access-log"] if arguments[0] == "up" else [PROGRAM, *arguments, "--listen", f"127.0.0.1:{port}", "--no-access-log"]
    process = subprocess.Popen((["taskset", "-c", SERVER_CPU] if pin else []) + command, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/_sallyport/health", process)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def nginx():
    port, auth_port = free_port(), free_port()
    folder = tempfile.mkdtemp()
    pathlib.Path(folder, "nginx.conf").write_text(f"""
{"user root;" if os.geteuid() == 0 else ""} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type application/json;
  proxy_cache_path {folder}/cache keys_zone=auth:1m;
  server {{
    listen 127.0.0.1:{port};
    location /plain {{ return 200 "ok"; }}
    location /guarded {{ auth_request /auth; try_files /nothing @ok; }}
    location @ok {{ return 200 "ok"; }}
    location = /auth {{ internal; proxy_pass http://127.0.0.1:{auth_port}; proxy_cache auth; proxy_cache_valid 200 1h; proxy_cache_key $http_authorization; }}
  }}
  server {{ listen 127.0.0.1:{auth_port}; location / {{ return 200 "ok"; }} }}
}}""")
    process = subprocess.Popen(["taskset", "-c", SERVER_CPU, "nginx", "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/plain", process)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def wrk(url, connections, token=None):
    """Requests per second and mean latency in microseconds; any answer but 2xx is an error. `token` may be a list of whole headers."""
    command = ["taskset", "-c", CLIENT_CPU, "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", url]
    for header in token if isinstance(token, list) else ["Authorization: " + token] if token else []:
        command += ["-H", header]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    number, unit = re.search(r"Latency\s+([\d.]+)(us|ms|s)", out).groups()
    return rate, float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def compare(sides, connections):
    """Alternating rounds; medians by side."""
    results = {name: [] for name, _, _ in sides}
    for _ in range(ROUNDS):
        for name, url, token in sides:
            results[name].append(wrk(url, connections, token))
    return {name: tuple(statistics.median(column) for column in zip(*runs)) for name, runs in results.items()}


def row(what, ours, rival, ratio, goal):
    rows.append((what, ours, rival, ratio, goal))
    print("|", " | ".join(rows[-1]), "|", flush=True)


def url_of(base, path):
    routes = json.loads(get(base + "/_sallyport/routes"))["routes"]
    return next(route["url"] for route in routes if route["path"] == path)


def rss_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def google_benchmark(program, pattern="."):
    out = subprocess.run(["taskset", "-c", SERVER_CPU, str(BENCHES / program), f"--benchmark_filter={pattern}", "--benchmark_format=json", "--benchmark_repetitions=5",
                          "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.1"], capture_output=True, text=True, check=True).stdout
    scale = {"ns": 1, "us": 1e3, "ms": 1e6}
    return {b["run_name"]: b["real_time"] * scale[b["time_unit"]] for b in json.loads(out)["benchmarks"] if b["aggregate_name"] == "median"}


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


def aws(service, base):
    import boto3

    return boto3.client(service, endpoint_url=base, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def signed_headers(base, method, target, service, key):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    wanted = AWSRequest(method=method, url=base + target, headers={"Host": base.split("//")[1]})
    SigV4Auth(Credentials(*key), service, "us-east-1").add_auth(wanted)
    return [f"{name}: {value}" for name, value in wanted.headers.items() if name != "Host"]


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
    wanted = sys.argv[1:] or ["throughput", "signed", "control", "start_up", "memory", "micro"]
    for name in wanted:
        globals()[name]()


main()
