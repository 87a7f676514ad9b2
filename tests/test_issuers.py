"""Tokens of an identity provider elsewhere: an HTTP API whose JWT authorizer reads discovery document and keys from a provider on loopback."""

import base64
import http.server
import json
import subprocess
import threading
import time

import pytest

from aws import Cloud, ran, tool
from recorder import REMEMBER

CODE = REMEMBER + """
def handler(event, context):
    remember("called")
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"]["jwt"])}
"""


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key of the openssl command line."""

    def __init__(self, folder, name):
        self.openssl, self.kid, self.file = tool("openssl"), name, folder / f"{name}.pem"
        self._run("genrsa", "-out", self.file, "2048")
        self.modulus = bytes.fromhex(self._run("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().split("=")[1])

    def _run(self, *arguments, text=None):
        return subprocess.run([self.openssl, *map(str, arguments)], input=text, capture_output=True, check=True, timeout=60).stdout

    def jwk(self):
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": base64url(self.modulus), "e": "AQAB"}

    def token(self, claims):
        head = json.dumps({"alg": "RS256", "kid": self.kid})
        text = base64url(head.encode()) + "." + base64url(json.dumps(claims).encode())
        return text + "." + base64url(self._run("dgst", "-sha256", "-sign", self.file, text=text.encode()))


class Provider:
    """Serves a discovery document and a key set, and counts who asks."""

    def __init__(self):
        provider = self
        self.keys, self.asked, self.broken = [], [], False

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked.append(self.path)
                documents = {
                    "/realm/.well-known/openid-configuration": {"issuer": provider.issuer, "jwks_uri": provider.issuer + "/keys"},
                    "/realm/keys": {"keys": [key.jwk() for key in provider.keys]},
                }
                found = documents.get(self.path) if not provider.broken else None
                body = json.dumps(found).encode()
                self.send_response(200 if found else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def claims(self, **more):
        now = int(time.time())
        return {"iss": self.issuer, "sub": "u", "aud": "client", "iat": now - 1, "exp": now + 600, "scope": "read", "n": 1, **more}


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.server.shutdown()


@pytest.fixture
def calls(tmp_path):
    return tmp_path / "calls"


@pytest.fixture
def api(module_server, provider, calls, request):
    """`GET /` needs a token of the provider, `GET /admin` one with the scope `admin`. Calls the API with a token."""
    cloud = Cloud(module_server)
    function = cloud.make_function("f-" + request.node.name.replace("_", "-")[:50], calls, CODE)
    getattr(cloud, "lambda").add_permission(
        FunctionName=function, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    client = cloud.apigatewayv2
    api_id = client.create_api(Name="tokens", ProtocolType="HTTP")["ApiId"]
    integration = client.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    authorizer = client.create_authorizer(
        ApiId=api_id,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": provider.issuer, "Audience": ["client"]},
    )["AuthorizerId"]
    for key, scopes in (("GET /", []), ("GET /admin", ["admin"])):
        more = {"AuthorizationScopes": scopes} if scopes else {}
        client.create_route(
            ApiId=api_id,
            RouteKey=key,
            Target=f"integrations/{integration}",
            AuthorizationType="JWT",
            AuthorizerId=authorizer,
            **more,
        )
    client.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)

    def call(token, path="/"):
        headers = {"Host": f"{api_id}.execute-api.localhost", **({"Authorization": token} if token else {})}
        return module_server.request("GET", path, headers)

    return call


def expect_unauthorized(answer, description):
    assert (answer.status, answer.json) == (401, {"message": "Unauthorized"}), answer
    told = f'Bearer scope="" error="invalid_token" error_description="{description}"' if description else "Bearer"
    assert answer.header("www-authenticate") == told


def test_a_token_of_the_provider(api, provider, tmp_path, calls):
    key = Key(tmp_path, "one")
    provider.keys = [key]
    token = key.token(provider.claims())
    for form in (f"Bearer {token}", token, f"bearer {token}"):
        answer = api(form)
        assert answer.status == 200, answer
        assert answer.json["claims"]["sub"] == "u" and answer.json["claims"]["iss"] == provider.issuer
    assert ran(calls) == 3
    assert provider.asked == ["/realm/.well-known/openid-configuration", "/realm/keys"], "read once"


def test_whoever_is_not_let_in(api, provider, tmp_path, calls):
    key, stranger = Key(tmp_path, "one"), Key(tmp_path, "one-of-another")
    provider.keys = [key]
    stranger.kid = "one"
    now = int(time.time())
    expect_unauthorized(api(None), None)
    expect_unauthorized(api("nonsense"), "token contains an invalid number of segments")
    expect_unauthorized(api(key.token(provider.claims(aud="other"))), "the token does not have a valid audience")
    good = key.token(provider.claims())
    for token in (
        stranger.token(provider.claims()),
        key.token(provider.claims(exp=now - 1)),
        key.token(provider.claims(exp="never")),
        key.token(provider.claims(nbf=now + 300)),
        key.token(provider.claims(iss=provider.issuer + "/")),
        good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        good + "=",
        base64url(b'{"alg":"none","kid":"one"}') + "." + good.split(".")[1] + ".",
    ):
        answer = api(f"Bearer {token}")
        assert (answer.status, answer.json) == (401, {"message": "Unauthorized"}), answer
        assert answer.header("www-authenticate").startswith('Bearer scope="" error="invalid_token" error_description="')
    assert ran(calls) == 0, "the function ran"


def test_scopes(api, provider, tmp_path, calls):
    key = Key(tmp_path, "one")
    provider.keys = [key]
    answer = api(key.token(provider.claims()), "/admin")
    assert (answer.status, answer.json) == (403, {"message": "Forbidden"}), answer
    assert answer.header("www-authenticate").startswith('Bearer scope="admin" error="insufficient_scope"')
    assert ran(calls) == 0
    assert api(key.token(provider.claims(scope="read admin")), "/admin").status == 200


def test_a_provider_that_does_not_answer(api, provider, tmp_path, calls):
    key = Key(tmp_path, "one")
    provider.keys, provider.broken = [key], True
    token = key.token(provider.claims())
    assert api(token).status in (401, 500)
    assert ran(calls) == 0
    assert len(provider.asked) == 1
    provider.broken = False
    deadline = time.monotonic() + 20
    while api(token).status != 200:
        assert time.monotonic() < deadline, "never asked again"
        time.sleep(0.2)
    assert ran(calls) == 1
