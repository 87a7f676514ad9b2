"""Tokens, API keys, templates, HTTP APIs, TLS and HTTP/2 against their rivals."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from sides import CLIENT_CPU, ROUNDS, SECONDS, SERVER_CPU, aws, compare, free_port, google_benchmark, nginx, row, sallyport, wait_for, wrk

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key pair of the openssl command, its JWKS entry, and tokens made with it."""

    def __init__(self, algorithm, folder):
        self.algorithm, self.key, self.public = algorithm, f"{folder}/{algorithm}.pem", f"{folder}/{algorithm}.pub"
        options = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if algorithm == "RS256" else ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        subprocess.run(["openssl", "genpkey", *options, "-out", self.key], check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-out", self.public], check=True)

    def jwk(self):
        der = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        if self.algorithm == "ES256":
            return {"kty": "EC", "crv": "P-256", "kid": "k", "x": base64url(der[-64:-32]), "y": base64url(der[-32:])}
        # The modulus of a 2048-bit key and the exponent 65537 end the structure: 256 bytes, then 02 03 01 00 01.
        return {"kty": "RSA", "kid": "k", "n": base64url(der[-261:-5]), "e": "AQAB"}

    def token(self, claims):
        head = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": self.algorithm, "kid": "k", "typ": "JWT"}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=head.encode(), check=True, capture_output=True).stdout
        if self.algorithm == "ES256":
            length = signature[3]
            r, s = signature[4:4 + length], signature[6 + length:]
            signature = b"".join(part.lstrip(b"\0").rjust(32, b"\0") for part in (r, s))
        return f"{head}.{base64url(signature)}"


@contextlib.contextmanager
def haproxy(signer):
    """The same check in HAProxy: signature, issuer and expiry of each request's token, then a fixed answer."""
    port, folder = free_port(), tempfile.mkdtemp()
    pathlib.Path(folder, "haproxy.cfg").write_text(f"""
global
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout connect 5s
  timeout server 30s
frontend door
  bind 127.0.0.1:{port}
  http-request set-var(txn.iss) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless {{ var(txn.iss) -m str {ISSUER} }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify({signer.algorithm},"{signer.public}") -m int 1 }}
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request return status 200 content-type text/plain string "ok"
""")
    process = subprocess.Popen(["taskset", "-c", SERVER_CPU, "haproxy", "-f", f"{folder}/haproxy.cfg"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/"]).returncode and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def mock_rest_api(base, name, template='"ok"', **method):
    """A REST API with one GET method on a MOCK integration, deployed to `prod`; its id."""
    gateway = aws("apigateway", base)
    api = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    place = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    authorizer = method.pop("authorizer", None)
    if authorizer:
        method["authorizerId"] = gateway.create_authorizer(restApiId=api, **authorizer)["id"]
    gateway.put_method(**place, **({"authorizationType": "NONE"} | method))
    gateway.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_method_response(**place, statusCode="200")
    gateway.put_integration_response(**place, statusCode="200", responseTemplates={"application/json": template})
    gateway.create_deployment(restApiId=api, stageName="prod")
    return api


POOL = "us-east-1_BenchPool"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"


@contextlib.contextmanager
def guarded_by_pool(signer, folder, *arguments):
    """A REST method on a MOCK answer that asks for an ID token of a pool whose keys are given as a file; its URL and a good token."""
    pathlib.Path(folder, "jwks.json").write_text(json.dumps({"keys": [signer.jwk()]}))
    now = int(time.time())
    token = signer.token({"iss": ISSUER, "sub": "u", "aud": "client", "token_use": "id", "exp": now + 86400, "iat": now})
    with sallyport("serve", "--ephemeral", "--jwks", f"{ISSUER}={folder}/jwks.json", *arguments) as (_, base):
        authorizer = {"name": "a", "type": "COGNITO_USER_POOLS", "identitySource": "method.request.header.Authorization",
                      "providerARNs": [f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{POOL}"]}
        api = mock_rest_api(base, "tokens", authorizationType="COGNITO_USER_POOLS", authorizer=authorizer)
        yield f"{base}/_aws/execute-api/{api}/prod/", "Bearer " + token


def tokens():
    """The same token over and over, and verified anew on each request."""
    with tempfile.TemporaryDirectory() as folder:
        signer = Signer("RS256", folder)
        with guarded_by_pool(signer, folder) as (url, token), nginx() as (_, rival):
            results = compare([("ours", url, token), ("plain", rival + "/plain", None)], 64)
            ours, plain = (results[name][0] for name in ("ours", "plain"))
            row("user pool token that was verified before, MOCK, 64 connections", f"{ours:,.0f} req/s", f"nginx `return 200`: {plain:,.0f} req/s", f"{ours / plain:.2f}", "at least 0.95")
        with guarded_by_pool(signer, folder, "--kept-tokens", "0") as (url, token), haproxy(signer) as rival:
            results = compare([("ours", url, token), ("haproxy", rival, token)], 64)
            ours, theirs = (results[name][0] for name in ("ours", "haproxy"))
            row("RS256 verified on each request, MOCK, 64 connections", f"{ours:,.0f} req/s", f"HAProxy `jwt_verify`: {theirs:,.0f} req/s", f"{ours / theirs:.2f}", "at least 1.5")


def templates_and_keys():
    """What a 2 KB mapping template and an API key with a usage plan add to a MOCK answer."""
    fields = "".join(f'"field{i}": "$util.escapeJavaScript($input.params(\'name{i}\'))",\n#if($context.stage == "prod")"stage{i}": "$context.stage",#end\n' for i in range(20))
    template = "#set($all = $input.params())\n{" + fields + '"last": "$context.requestId"}'
    with sallyport("serve", "--ephemeral") as (_, base):
        gateway = aws("apigateway", base)
        plain, templated, keyed = (mock_rest_api(base, name, **more) for name, more in (("plain", {}), ("templated", {"template": template}), ("keyed", {"apiKeyRequired": True})))
        key = gateway.create_api_key(name="k", enabled=True)
        plan = gateway.create_usage_plan(name="p", apiStages=[{"apiId": keyed, "stage": "prod"}], quota={"limit": 2_000_000_000, "period": "MONTH"}, throttle={"rateLimit": 1e6, "burstLimit": 1000000})
        gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        url = f"{base}/_aws/execute-api/%s/prod/"
        results = compare([("plain", url % plain, None), ("templated", url % templated, None), ("keyed", url % keyed, ["x-api-key: " + key["value"]])], 64)
        bare = results["plain"][0]
        for name, what in (("templated", f"a template of {len(template):,} bytes"), ("keyed", "an API key with throttle and quota")):
            row(f"MOCK with {what}", f"{results[name][0]:,.0f} req/s", f"open MOCK: {bare:,.0f} req/s", f"{results[name][0] / bare:.2f}", "-")


def h2load(url, *options):
    """Requests per second over 8 connections; every answer has to be a 2xx."""
    out = subprocess.run(["taskset", "-c", CLIENT_CPU, "h2load", "-t1", "-c8", f"-D{SECONDS}", *options, url], capture_output=True, text=True, check=True).stdout
    assert re.search(r"status codes: \d+ 2xx, 0 3xx, 0 4xx, 0 5xx", out), out
    return float(re.search(r"([\d.]+) req/s", out)[1])


@contextlib.contextmanager
def nginx_tls(folder):
    ports = free_port(), free_port()
    pathlib.Path(folder, "tls.conf").write_text(f"""
{"user root;" if os.geteuid() == 0 else ""} worker_processes 1; daemon off; pid {folder}/tls.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; default_type application/json; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
  server {{ listen 127.0.0.1:{ports[0]} ssl http2; location / {{ return 200 '"ok"'; }} }}
  server {{ listen 127.0.0.1:{ports[1]} http2; location / {{ return 200 '"ok"'; }} }}
}}""")
    process = subprocess.Popen(["taskset", "-c", SERVER_CPU, "nginx", "-c", f"{folder}/tls.conf"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while subprocess.run(["curl", "-sk", "-o", "/dev/null", f"https://127.0.0.1:{ports[0]}/"]).returncode and time.monotonic() < deadline:
            time.sleep(0.05)
        yield ports
    finally:
        process.terminate()
        process.wait()


def tls():
    """TLS with kept connections, and HTTP/2 with 16 streams, encrypted and not, against nginx."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
        port = free_port()
        with sallyport("serve", "--ephemeral", "--tls-port", str(port), "--certificate", f"{folder}/cert.pem:{folder}/key.pem") as (_, base), nginx_tls(folder) as rival:
            target = f"/_aws/execute-api/{mock_rest_api(base, 'tls')}/prod/"
            pairs = (("HTTP/1.1 over TLS 1.3, kept connections", f"https://127.0.0.1:{port}", f"https://127.0.0.1:{rival[0]}", ["--h1"], "at least 1"),
                     ("HTTP/2 over TLS 1.3, 16 streams", f"https://127.0.0.1:{port}", f"https://127.0.0.1:{rival[0]}", ["-m16"], "-"),
                     ("HTTP/2 in cleartext, 16 streams", base, f"http://127.0.0.1:{rival[1]}", ["-m16"], "at least 2"))
            for what, ours_at, theirs_at, options, goal in pairs:
                runs = [(h2load(ours_at + target, *options), h2load(theirs_at + "/", *options)) for _ in range(ROUNDS)]
                ours, theirs = (statistics.median(side) for side in zip(*runs))
                row(f"{what}, MOCK", f"{ours:,.0f} req/s", f"nginx `return 200`: {theirs:,.0f} req/s", f"{ours / theirs:.2f}", goal)


def http_apis():
    """The same warm function behind a REST API and behind an HTTP API."""
    import io
    import zipfile

    with sallyport("serve", "--ephemeral") as (_, base):
        functions, gateway, apis, iam = (aws(name, base) for name in ("lambda", "apigateway", "apigatewayv2", "iam"))
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("app.py", "def handler(event, context): return {'statusCode': 200, 'body': 'ok'}")
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        function = functions.create_function(FunctionName="f", Runtime="python3.12", Handler="app.handler", Role=role, Code={"ZipFile": package.getvalue()})["FunctionArn"]
        functions.add_permission(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")
        rest = gateway.create_rest_api(name="rest")["id"]
        root = gateway.get_resources(restApiId=rest)["items"][0]["id"]
        place = {"restApiId": rest, "resourceId": root, "httpMethod": "GET"}
        gateway.put_method(**place, authorizationType="NONE")
        gateway.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations")
        gateway.create_deployment(restApiId=rest, stageName="prod")
        http = apis.create_api(Name="http", ProtocolType="HTTP", Target=function)["ApiId"]
        urls = f"{base}/_aws/execute-api/{http}/", f"{base}/_aws/execute-api/{rest}/prod/"
        results = compare([("http", urls[0], None), ("rest", urls[1], None)], 8)
        row("HTTP API in front of a Python function, 8 connections", f"{results['http'][0]:,.0f} req/s", f"REST API in front of it: {results['rest'][0]:,.0f} req/s", f"{results['http'][0] / results['rest'][0]:.2f}", "-")


def token_micro():
    """One verification against the bare OpenSSL call."""
    times = google_benchmark("identity_bench", "token|raw")
    for name, value in times.items():
        row(f"tokens, {name}", f"{value / 1e3:.1f} us", "-", "-", "-")


measurements = [tokens, templates_and_keys, http_apis, tls, token_micro]
