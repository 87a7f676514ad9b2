"""Running functions: cold starts, warm round trips, many callers, many environments."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from sides import PROGRAM, ROOT, ROUNDS, SERVER_CPU, aws, compare, free_port, get, google_benchmark, nginx, row, sallyport, url_of, wait_for, wrk

COLD_STARTS = int(os.environ.get("COLD_STARTS", "40"))
INSTANCES = int(os.environ.get("INSTANCES", "1000"))

HANDLERS = {
    "python": ("python3.11", "app.handler", {"app.py": "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n"}),
    "node": ("nodejs20.x", "index.handler", {"index.js": "exports.handler = async () => ({ statusCode: 200, body: 'ok' });\n"}),
    "cpp": ("provided.al2023", "greet", {}),
}
AUTHORIZER = """
def handler(event, context):
    return {"principalId": "u", "policyDocument": {"Version": "2012-10-17", "Statement": [
        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"].split("/")[0] + "/*"}]}}
"""


def project(folder, count, kinds=tuple(HANDLERS)):
    """A template with `count` functions of each kind, each behind a route of its own and one TOKEN authorizer."""
    folder = pathlib.Path(folder)
    resources = []
    for kind in kinds:
        runtime, handler, files = HANDLERS[kind]
        code = folder / kind
        code.mkdir()
        if kind == "cpp":
            subprocess.run([ROOT / "examples/cpp-bootstrap/build.sh"], check=True)
            shutil.copy(ROOT / "examples/cpp-bootstrap/build/bootstrap", code / "bootstrap")
        for name, text in files.items():
            (code / name).write_text(text)
        for i in range(count):
            resources.append(
                f"""
  {kind.title()}{i}:
    Type: AWS::Serverless::Function
    Properties:
      {{Runtime: {runtime}, Handler: {handler}, CodeUri: {kind}, MemorySize: 256,
        Events: {{A: {{Type: Api, Properties: {{Path: /{kind}/{i}, Method: get, RestApiId: !Ref Api}}}}}}}}"""
            )
    (folder / "authorizer").mkdir()
    (folder / "authorizer/app.py").write_text(AUTHORIZER)
    (folder / "template.yaml").write_text(
        f"""Transform: AWS::Serverless-2016-10-31
Resources:
  Authorizer: {{Type: AWS::Serverless::Function, Properties: {{Runtime: python3.11, Handler: app.handler, CodeUri: authorizer}}}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      Auth: {{DefaultAuthorizer: T, Authorizers: {{T: {{FunctionArn: !GetAtt Authorizer.Arn, Identity: {{ReauthorizeEvery: 300}}}}}}}}
{"".join(resources)}
"""
    )
    return folder


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def bare(command):
    times = []
    for _ in range(COLD_STARTS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def bare_fork():
    times = []
    for _ in range(COLD_STARTS):
        began = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def cold():
    """The first authorized answer of a function that never ran. The authorizer's answer is cached, as for any caller but the first."""
    starts = {"python": bare([shutil.which("python3", path="/usr/bin"), "-I", "-S", "-c", ""]), "node": bare([shutil.which("node"), "-e", ""])}
    fork = bare_fork()
    with tempfile.TemporaryDirectory() as folder, sallyport("up", str(project(folder, COLD_STARTS + 1)), "--max-instances", "512", pin=False) as (_, base):
        for kind in HANDLERS:
            url = url_of(base, f"/{kind}/0")
            get(url, {"Authorization": "t"})
            connection = http.client.HTTPConnection(base.split("//")[1])
            times = []
            for i in range(1, COLD_STARTS + 1):
                path = url.split("/", 3)[3].removesuffix("0") + str(i)
                time.sleep(0.1)  # callers of functions that never ran do not come in a row
                began = time.perf_counter()
                connection.request("GET", "/" + path, headers={"Authorization": "t", "Host": url.split("/")[2]})
                answer = connection.getresponse()
                body = answer.read()
                times.append((time.perf_counter() - began) * 1e3)
                assert answer.status == 200, body
            median, late = statistics.median(times), percentile(times, 0.99)
            rival, name = (starts[kind], f"bare start of an empty {kind}") if kind in starts else (fork, "fork and exit of a small process")
            goal = "under 10 ms, p99 under 30 ms" if kind != "cpp" else "-"
            row(f"cold start to the first authorized answer, {kind}", f"{median:.1f} ms, p99 {late:.1f}, least {min(times):.1f}", f"{name}: {rival:.1f} ms", f"{median / rival:.2f}", goal)


def warm():
    frames = google_benchmark("runtime_bench", "frame")
    with nginx() as (_, base):
        fixed = statistics.median(wrk(base + "/plain", 1)[1] for _ in range(ROUNDS))
    row("a fixed answer, 1 connection: nginx `return 200`", f"{fixed:.0f} us", "-", "-", "-")
    with tempfile.TemporaryDirectory() as folder, sallyport("up", str(project(folder, 1))) as (_, base):
        for kind in ("python", "node", "cpp"):
            url = url_of(base, f"/{kind}/0")
            get(url, {"Authorization": "t"})
            latency = statistics.median(wrk(url, 1, "t")[1] for _ in range(ROUNDS))
            frame = frames.get(f"frame/{kind}/real_time")
            if frame:
                row(f"warm {kind} function through the gateway, 1 connection", f"{latency:.0f} us", f"one frame there and back: {frame / 1e3:.0f} us", f"{latency / frame * 1e3:.2f}", "under 120 us, at most 2")
                row("the same above the fixed answer", f"{latency - fixed:.0f} us", f"one frame there and back: {frame / 1e3:.0f} us", f"{(latency - fixed) / frame * 1e3:.2f}", "-")
            else:
                row(f"warm {kind} function through the gateway, 1 connection", f"{latency:.0f} us", "-", "-", "-")


def offline(folder):
    """serverless-offline in front of the same Node handler, with an authorizer; nothing where it cannot be installed."""
    folder = pathlib.Path(folder)
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}')
    (folder / "index.js").write_text(HANDLERS["node"][2]["index.js"] + """
exports.authorizer = async (event) => ({ principalId: "u", policyDocument: { Version: "2012-10-17", Statement: [
  { Action: "execute-api:Invoke", Effect: "Allow", Resource: event.methodArn.split("/")[0] + "/*" }] } });
""")
    (folder / "serverless.yml").write_text("""service: bench
frameworkVersion: '3'
provider: {name: aws, runtime: nodejs20.x}
plugins: [serverless-offline]
functions:
  authorizer: {handler: index.authorizer}
  hello: {handler: index.handler, events: [{http: {path: hello, method: get, authorizer: {name: authorizer, resultTtlInSeconds: 300}}}]}
""")
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "serverless@3", "serverless-offline@13"], cwd=folder, capture_output=True, text=True, timeout=600)
    return done.returncode == 0


def callers():
    """Sustained load of 1, 8 and 64 callers on one Node function, against serverless-offline and a bare loop over a socket."""
    with tempfile.TemporaryDirectory() as folder, sallyport("up", str(project(folder, 1, ("node",)))) as (_, base):
        url = url_of(base, "/node/0")
        get(url, {"Authorization": "t"})
        process = rival = None
        if offline(folder + "/offline"):
            port, other = free_port(), free_port()
            command = ["taskset", "-c", SERVER_CPU, "npx", "serverless", "offline", "--httpPort", str(port), "--lambdaPort", str(other), "--noPrependStageInUrl"]
            process = subprocess.Popen(command, cwd=folder + "/offline", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "SLS_TELEMETRY_DISABLED": "1"}, start_new_session=True)
            rival = f"http://127.0.0.1:{port}/hello"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    get(rival, {"Authorization": "t"})
                    break
                except OSError:
                    time.sleep(0.2)
        loop_port = free_port()
        loop = subprocess.Popen(["taskset", "-c", SERVER_CPU, "node", "-e", f"require('http').createServer((q, s) => s.end('ok')).listen({loop_port}, '127.0.0.1')"])
        try:
            wait_for(f"http://127.0.0.1:{loop_port}/", loop)
            for count in (1, 8, 64):
                sides = [("ours", url, "t"), ("loop", f"http://127.0.0.1:{loop_port}/", None)] + ([("offline", rival, "t")] if rival else [])
                try:
                    results = compare(sides, count)
                except AssertionError:  # of the rival, unless it comes again
                    results = compare(sides[:2], count)
                ours = results["ours"][0]
                row(f"Node function, {count} callers", f"{ours:,.0f} req/s", f"Node's own HTTP server, nothing behind it: {results['loop'][0]:,.0f} req/s", f"{ours / results['loop'][0]:.2f}", "-")
                if "offline" in results:
                    row("the same", f"{ours:,.0f} req/s", f"serverless-offline: {results['offline'][0]:,.0f} req/s", f"{ours / results['offline'][0]:.2f}", "-")
                elif rival:
                    row("the same", f"{ours:,.0f} req/s", "serverless-offline: requests time out", "-", "-")
        finally:
            loop.kill()
            loop.wait()
            if process:
                os.killpg(process.pid, 9)
                process.wait()


def below(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *below(int(child))]
    return found


def pss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def environments():
    """What idle environments weigh: a reserve of four interpreters each, and many environments of one function."""
    with tempfile.TemporaryDirectory() as folder, sallyport("up", str(project(folder, 1, ("python", "node"))), "--reserve", "4", pin=False) as (process, base):
        for kind in ("python", "node"):
            get(url_of(base, f"/{kind}/0"), {"Authorization": "t"})
        time.sleep(3)  # until the reserve is full again
        weights = {kind: [] for kind in (b"python", b"node")}
        for pid in below(process.pid):
            program = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].rsplit(b"/", 1)[-1]
            for kind, those in weights.items():
                if program.startswith(kind):
                    those.append(pss_mib(pid))
        python, node = (statistics.median(those) for those in weights.values())
        row("a reserve of 4 Python and 4 Node interpreters, from the medians of " + " and ".join(str(len(those)) for those in weights.values()), f"{4 * (python + node):.0f} MiB: Python {python:.1f}, Node {node:.1f} each", "-", "-", "under 60 MB")
    with tempfile.TemporaryDirectory() as folder, sallyport("up", str(project(folder, 1, ("python",))), "--max-instances", str(INSTANCES * 3 // 2), "--account-concurrency", str(2 * INSTANCES), pin=False) as (process, base):
        client = aws("lambda", base)
        name = client.list_functions()["Functions"]
        function = next(each["FunctionName"] for each in name if "Python" in each["FunctionName"])
        slow = "import time\ndef handler(event, context):\n    time.sleep(event.get('time', 0))\n    return {'statusCode': 200}\n"
        pathlib.Path(folder, "python/app.py").write_text(slow)
        began = time.perf_counter()
        version = client.publish_version(FunctionName=function)["Version"]
        client.put_provisioned_concurrency_config(FunctionName=function, Qualifier=version, ProvisionedConcurrentExecutions=INSTANCES)
        while client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=version)["Status"] == "IN_PROGRESS":
            time.sleep(0.2)
        state = client.get_provisioned_concurrency_config(FunctionName=function, Qualifier=version)
        took = time.perf_counter() - began
        children = below(process.pid)
        weight = sum(pss_mib(pid) for pid in children)
        row(f"{state.get('AvailableProvisionedConcurrentExecutions')} Python environments, {len(children)} processes", f"{took:.1f} s, {weight:,.0f} MiB", "-", f"{weight / INSTANCES:.1f} MiB each", "-")


measurements = (cold, warm, callers, environments)
