"""One user pool, made with the aws command line, from end to end: its user signs in with boto3, with amazon-cognito-identity-js and at the login
page; the tokens open a method of a REST API and a route of an HTTP API, and nothing else does. Each refusal is AWS's, and `explain` says why."""

import base64
import hashlib
import hmac
import json
import urllib.parse
import uuid

import pytest

from aws import Cloud, invocation_uri, ran, run_tool, tool
from conftest import run_program
from test_cognito_authorizer import forged
from test_cognito_sign_in import CALLBACK, PASSWORD, Browser, OauthPool, Pool, claims_of, identity_js, pkce, verified  # noqa: F401
from test_issuers import expect_unauthorized

SCOPES = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
UNAUTHORIZED, FORBIDDEN = {"message": "Unauthorized"}, {"message": "Forbidden"}


class CommandLinePool(OauthPool):
    """A pool with a domain, a resource server `pets`, a client for the user, one for a machine, and the user ann. No SDK has a part in it."""

    def __init__(self, cloud):
        self.cloud, self.idp, self.program = cloud, cloud.client("cognito-idp"), tool("aws")
        self.pool = self.aws("create-user-pool", "--pool-name", "shop")["UserPool"]
        self.id, self.prefix = self.pool["Id"], "shop-" + uuid.uuid4().hex[:8]
        self.aws("create-user-pool-domain", "--user-pool-id", self.id, "--domain", self.prefix)
        self.aws(
            *("create-resource-server", "--user-pool-id", self.id, "--identifier", "pets", "--name", "pets"),
            *("--scopes", json.dumps(SCOPES)),
        )
        self.client_id = self.aws_client(
            *("--explicit-auth-flows", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
            *("--allowed-o-auth-flows", "code", "--allowed-o-auth-scopes", "openid", "pets/read"),
            *("--callback-urls", json.dumps([CALLBACK]), "--supported-identity-providers", "COGNITO"),
        )["ClientId"]
        self.machine = self.aws_client(
            *("--generate-secret", "--allowed-o-auth-flows", "client_credentials"),
            *("--allowed-o-auth-scopes", "pets/read", "pets/write"),
        )
        self.aws(
            *("admin-create-user", "--user-pool-id", self.id, "--username", "ann", "--message-action", "SUPPRESS"),
            *("--user-attributes", "Name=email,Value=ann@example.com", "Name=email_verified,Value=true"),
        )
        self.aws(
            *("admin-set-user-password", "--user-pool-id", self.id, "--username", "ann", "--password", PASSWORD, "--permanent")
        )

    def aws(self, *arguments):
        told = run_tool([self.program, "cognito-idp", *arguments, "--output", "json"], self.cloud).stdout
        return json.loads(told) if told.strip() else {}

    def aws_client(self, *arguments):
        """Addresses go in as JSON: version 1 of the command line takes an option that begins with https:// for something to download."""
        own = ("--user-pool-id", self.id, "--client-name", "client", "--allowed-o-auth-flows-user-pool-client")
        return self.aws("create-user-pool-client", *own, *arguments)["UserPoolClient"]

    def machine_token(self, scope):
        """An access token of the machine, by the client credentials grant."""
        pair = f"{self.machine['ClientId']}:{self.machine['ClientSecret']}".encode()
        basic = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        answer = self.post("token", {"grant_type": "client_credentials", "scope": scope}, basic)
        assert answer.status == 200, answer
        return answer.json["access_token"]

    def page_tokens(self, scope):
        """The user's tokens, by the login page and the authorization code grant."""
        verifier, challenge = pkce()
        query = {"response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK, "scope": scope}
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        back = urllib.parse.parse_qs(Browser(self.cloud.server, self.prefix).sign_in(query).query)
        form = {"grant_type": "authorization_code", "client_id": self.client_id, "code": back["code"][0]}
        answer = self.post("token", {**form, "redirect_uri": CALLBACK, "code_verifier": verifier})
        assert answer.status == 200, answer
        return answer.json

    def key_document(self):
        return self.cloud.server.request("GET", f"/{self.id}/.well-known/jwks.json")


class Doors:
    """What the pool's tokens open: a REST API and an HTTP API with the same function, each with a path that asks for the scope `pets/read`."""

    def __init__(self, cloud, pool, calls):
        self.cloud, self.calls = cloud, calls
        self.function = cloud.make_function("door-" + uuid.uuid4().hex[:8], calls)
        getattr(cloud, "lambda").add_permission(
            FunctionName=self.function, StatementId="apis", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
        )
        self.rest = self.make_rest(cloud.apigateway, pool)
        self.http = self.make_http(cloud.apigatewayv2, pool)

    def make_rest(self, client, pool):
        api = client.create_rest_api(name="rest")["id"]
        authorizer = client.create_authorizer(
            restApiId=api,
            name="pool",
            type="COGNITO_USER_POOLS",
            providerARNs=[pool.pool["Arn"]],
            identitySource="method.request.header.Authorization",
        )["id"]
        root = client.get_resources(restApiId=api)["items"][0]["id"]
        for path, scopes in (("me", []), ("pets", ["pets/read"])):
            resource = client.create_resource(restApiId=api, parentId=root, pathPart=path)["id"]
            place = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
            client.put_method(
                **place, authorizationType="COGNITO_USER_POOLS", authorizerId=authorizer, authorizationScopes=scopes
            )
            client.put_integration(
                **place, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation_uri(self.cloud.region, self.function)
            )
        client.create_deployment(restApiId=api, stageName="prod")
        return f"/_aws/execute-api/{api}/prod"

    def make_http(self, client, pool):
        api = client.create_api(Name="http", ProtocolType="HTTP")["ApiId"]
        authorizer = client.create_authorizer(
            ApiId=api,
            Name="pool",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={
                "Issuer": f"https://cognito-idp.{self.cloud.region}.amazonaws.com/{pool.id}",
                "Audience": [pool.client_id, pool.machine["ClientId"]],
            },
        )["AuthorizerId"]
        integration = client.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=self.function, PayloadFormatVersion="2.0"
        )["IntegrationId"]
        for path, scopes in (("me", []), ("pets", ["pets/read"])):
            client.create_route(
                ApiId=api,
                RouteKey=f"GET /{path}",
                Target=f"integrations/{integration}",
                AuthorizationType="JWT",
                AuthorizerId=authorizer,
                AuthorizationScopes=scopes,
            )
        client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        return f"/_aws/execute-api/{api}"

    def get(self, target, token):
        """The answer. The function has run for whoever was let in, and for nobody else."""
        before = ran(self.calls)
        answer = self.cloud.server.request("GET", target, {"Authorization": token} if token is not None else {})
        assert ran(self.calls) == before + (answer.status == 200), answer
        return answer

    def get_rest(self, path, token):
        return self.get(f"{self.rest}/{path}", token)

    def get_http(self, path, token):
        return self.get(f"{self.http}/{path}", token)

    def why(self, answer):
        """The reason `sallyport explain` prints."""
        name = answer.header("x-amzn-RequestId") or answer.header("apigw-requestid")
        told = run_program("explain", name, "--endpoint", self.cloud.server.origin)
        assert told.returncode == 0, told.stderr
        reasons = [line.split("why: ", 1)[1] for line in told.stdout.splitlines() if line.strip().startswith("why: ")]
        assert reasons, told.stdout
        return reasons[-1]


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def pool(cloud):
    return CommandLinePool(cloud)


@pytest.fixture(scope="module")
def doors(cloud, pool, tmp_path_factory):
    return Doors(cloud, pool, tmp_path_factory.mktemp("doors") / "calls")


@pytest.fixture(scope="module")
def tokens(pool):
    """What boto3 gets for ann's password."""
    return pool.tokens()


def claims_at_rest(answer):
    return answer.json["requestContext"]["authorizer"]["claims"]


def claims_at_http(answer):
    return answer.json["requestContext"]["authorizer"]["jwt"]["claims"]


# ---- who gets in


def expect_open(doors, pool, id_token, access_token):
    """What a user's two tokens open without scopes: an ID token both doors, an access token that of the HTTP API."""
    answer = doors.get_rest("me", id_token)
    assert answer.status == 200, answer
    assert claims_at_rest(answer)["email"] == "ann@example.com" and claims_at_rest(answer)["aud"] == pool.client_id
    for token in (id_token, access_token):
        answer = doors.get_http("me", f"Bearer {token}")
        assert answer.status == 200, answer
        assert claims_at_http(answer)["sub"] == claims_of(id_token)["sub"]


def test_signed_in_with_boto3(doors, pool, tokens):
    expect_open(doors, pool, tokens["IdToken"], tokens["AccessToken"])


def test_signed_in_with_amazon_cognito_identity_js(cloud, doors, pool, identity_js):  # noqa: F811
    command = [tool("node"), "flow.mjs", cloud.endpoint, pool.id, pool.client_id, "ann", PASSWORD]
    told = json.loads(run_tool(command, cloud, identity_js).stdout)
    assert "access" in told, told
    expect_open(doors, pool, told["id"], told["access"])
    assert doors.get_rest("me", told["refreshed"]).status == 200


def test_signed_in_at_the_login_page(doors, pool):
    told = pool.page_tokens("openid pets/read")
    expect_open(doors, pool, told["id_token"], told["access_token"])
    answer = doors.get_rest("pets", told["access_token"])
    assert answer.status == 200 and claims_at_rest(answer)["scope"].split() == ["openid", "pets/read"], answer
    answer = doors.get_http("pets", told["access_token"])
    assert answer.status == 200 and "pets/read" in answer.json["requestContext"]["authorizer"]["jwt"]["scopes"], answer


def test_a_machine_with_client_credentials(doors, pool):
    token = pool.machine_token("pets/read")
    for answer, claims in ((doors.get_rest("pets", token), claims_at_rest), (doors.get_http("pets", token), claims_at_http)):
        assert answer.status == 200, answer
        assert claims(answer)["client_id"] == pool.machine["ClientId"] and claims(answer)["scope"] == "pets/read"


# ---- who does not


def expect_refused_at_rest(doors, path, token, why):
    answer = doors.get_rest(path, token)
    assert (answer.status, answer.json) == (401, UNAUTHORIZED), (answer, token)
    assert answer.header("x-amzn-ErrorType") == "UnauthorizedException"
    assert why in doors.why(answer)


def expect_refused_at_http(doors, path, token, why, description=False):
    """`description`: the error_description; None for a request without a token, False where AWS's words are not known."""
    answer = doors.get_http(path, token)
    if description is False:
        assert (answer.status, answer.json) == (401, UNAUTHORIZED), answer
        assert 'error="invalid_token" error_description="' in answer.header("www-authenticate"), answer
    else:
        expect_unauthorized(answer, description)
    assert why in doors.why(answer)


def public_keys(pool):
    """Everything somebody could take for the secret of HS256: a public key as PEM and DER, its modulus, its JWK, the whole document."""
    document = pool.key_document()
    for key in document.json["keys"]:
        modulus, exponent = (base64.urlsafe_b64decode(key[name] + "==") for name in ("n", "e"))
        numbers = der(0x30, der(2, b"\0" + modulus) + der(2, exponent))
        info = der(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + der(3, b"\0" + numbers))
        lines = base64.encodebytes(info).replace(b"\n", b"")
        lines = b"\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
        pem = b"-----BEGIN PUBLIC KEY-----\n" + lines + b"\n-----END PUBLIC KEY-----\n"
        yield from (pem, pem.strip(), info, numbers, modulus, key["n"].encode(), json.dumps(key).encode())
    yield document.body


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + content


def signed_with_secret(token, secret):
    text = forged(token, header={"alg": "HS256"}, signature="").removesuffix(".")
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return text + "." + base64.urlsafe_b64encode(signature).decode().rstrip("=")


def test_no_token_and_garbage(doors):
    expect_refused_at_rest(doors, "me", None, "method.request.header.Authorization is missing or empty")
    expect_refused_at_http(doors, "me", None, "there is no token in $request.header.Authorization", None)
    expect_refused_at_rest(doors, "me", "garbage", "the token has not three parts")
    expect_refused_at_http(doors, "me", "garbage", "the token has not three parts", "token contains an invalid number of segments")


def test_forged_tokens(doors, pool, tokens):
    good = tokens["IdToken"]
    unsigned = forged(good, header={"alg": "none"}, signature="")
    changed = forged(good, claims={"cognito:username": "root"})
    for token, why in ((unsigned, "the algorithm is none that signs"), (changed, "the signature is wrong")):
        expect_refused_at_rest(doors, "me", token, why)
        expect_refused_at_http(doors, "me", token, why)
    secrets = list(public_keys(pool))
    assert len(secrets) == 7 * len(pool.key_document().json["keys"]) + 1
    for secret in secrets:
        token = signed_with_secret(good, secret)
        expect_refused_at_rest(doors, "me", token, "the algorithm is not among the allowed")
        expect_refused_at_http(doors, "me", token, "the algorithm is not among the allowed")


def test_tokens_of_another_pool(cloud, doors, tokens):
    other = Pool(cloud)
    other.add_user()
    foreign = other.tokens()
    for token in (foreign["IdToken"], foreign["AccessToken"]):
        expect_refused_at_rest(doors, "me", token, "the token's issuer is none of the authorizer's")
        expect_refused_at_http(doors, "me", token, "no key has the `kid` of the header")
    disguised = forged(foreign["IdToken"], claims={"iss": claims_of(tokens["IdToken"])["iss"]})
    expect_refused_at_rest(doors, "me", disguised, "no key has the `kid` of the header")
    expect_refused_at_http(doors, "me", disguised, "no key has the `kid` of the header")


def test_the_other_of_the_two_tokens(doors, tokens):
    expect_refused_at_rest(doors, "me", tokens["AccessToken"], "token_use")
    expect_refused_at_rest(doors, "pets", tokens["IdToken"], "token_use")


def test_another_audience(doors, pool):
    """A client of the same pool that the HTTP API's authorizer does not name. A REST authorizer takes every client of its pools."""
    another = pool.add_client()
    told = pool.sign_in(client_id=another)["AuthenticationResult"]
    for token in (told["IdToken"], told["AccessToken"]):
        why = "neither aud nor client_id is one of the authorizer's audiences"
        expect_refused_at_http(doors, "me", token, why, "the token does not have a valid audience")
    assert doors.get_rest("me", told["IdToken"]).status == 200


def test_a_scope_that_is_missing(doors, pool, tokens):
    for token in (pool.machine_token("pets/write"), tokens["AccessToken"]):
        expect_refused_at_rest(doors, "pets", token, "scopes")
        answer = doors.get_http("pets", token)
        assert (answer.status, answer.json) == (403, FORBIDDEN), answer
        assert answer.header("www-authenticate").startswith('Bearer scope="pets/read" error="insufficient_scope"'), answer
        assert "scopes" in doors.why(answer)


# ---- keys


def test_tokens_outlive_a_rotation_of_keys(cloud, doors, pool, tokens):
    def key_ids():
        return {key["kid"] for key in pool.key_document().json["keys"]}

    before = key_ids()
    done = run_program("rotate-keys", pool.id, "--endpoint", cloud.server.origin)
    assert done.returncode == 0, done.stderr
    assert before < key_ids()
    new = pool.tokens()
    header = json.loads(base64.urlsafe_b64decode(new["IdToken"].split(".")[0] + "=="))
    assert header["kid"] in key_ids() - before
    for told in (tokens, new):
        assert verified(cloud, told["IdToken"], pool.client_id)["cognito:username"] == "ann"
        expect_open(doors, pool, told["IdToken"], told["AccessToken"])
    expect_refused_at_rest(doors, "me", forged(tokens["IdToken"], header={"kid": header["kid"]}), "the signature is wrong")
