"""What is measured against what: the servers of both sides, the load, and the table."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
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
