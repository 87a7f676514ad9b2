"""Signing in to user pools: by password, by SRP (in Python here, and by amazon-cognito-identity-js), through OAuth; tokens verified by PyJWT
through the pool's own documents; the functions of a pool, as real Python functions."""

import base64
import datetime
import hashlib
import hmac
import html
import json
import re
import secrets
import sys
import time
import urllib.parse
import uuid

import pytest

from aws import Cloud, run_tool, tool
from clients import request
from conftest import Server, install, write_files
from recorder import REMEMBER

PASSWORD = "Right-1-horse"
CALLBACK = "https://app.example.com/back"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


class Pool:
    """A user pool with a public client and a user who is confirmed."""

    def __init__(self, cloud, lambda_config=None, **client):
        self.cloud, self.idp = cloud, cloud.client("cognito-idp")
        more = {"LambdaConfig": lambda_config} if lambda_config else {}
        self.pool = self.idp.create_user_pool(PoolName="pool-" + uuid.uuid4().hex[:8], **more)["UserPool"]
        self.id = self.pool["Id"]
        self.client_id = self.add_client(**client)

    def add_client(self, **more):
        made = self.idp.create_user_pool_client(
            UserPoolId=self.id, ClientName="client-" + uuid.uuid4().hex[:8], **{"ExplicitAuthFlows": FLOWS, **more}
        )["UserPoolClient"]
        self.client = made
        return made["ClientId"]

    def add_user(self, name="ann", password=PASSWORD, permanent=True):
        self.idp.admin_create_user(
            UserPoolId=self.id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}],
        )
        self.idp.admin_set_user_password(UserPoolId=self.id, Username=name, Password=password, Permanent=permanent)
        return name

    def sign_in(self, name="ann", password=PASSWORD, client_id=None, **more):
        return self.idp.initiate_auth(
            ClientId=client_id or self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password, **more},
        )

    def tokens(self, name="ann", password=PASSWORD):
        return self.sign_in(name, password)["AuthenticationResult"]

    def refused(self, call, code, message=None):
        with pytest.raises(self.idp.exceptions.ClientError) as error:
            call()
        told = error.value.response["Error"]
        assert told["Code"] == code, told
        if message:
            assert told["Message"] == message
        return told


@pytest.fixture
def pool(cloud):
    made = Pool(cloud)
    made.add_user()
    return made


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def verified(cloud, token, audience=None):
    """The claims of a token, verified by PyJWT with the keys it finds at the pool's address."""
    jwt = py_jwt()
    pool_id = claims_of(token)["iss"].rsplit("/", 1)[1]
    keys = jwt.PyJWKClient(f"{cloud.endpoint}/{pool_id}/.well-known/jwks.json")
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token).key,
        algorithms=["RS256"],
        audience=audience,
        issuer=f"https://cognito-idp.us-east-1.amazonaws.com/{pool_id}",
        options={"verify_aud": audience is not None, "require": ["exp", "iat", "iss"]},
    )


_jwt = []


def py_jwt():
    """PyJWT, from wherever it can be had."""
    if not _jwt:
        try:
            import jwt
        except ImportError:
            import tempfile

            folder = tempfile.mkdtemp(prefix="pyjwt-")
            command = [sys.executable, "-m", "pip", "install", "-q", "--target", folder, "PyJWT[crypto]"]
            install(command)
            sys.path.append(folder)
            import jwt
        _jwt.append(jwt)
    return _jwt[0]


# ---- SRP, a client's half

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)


def padded(number):
    """Big-endian two's complement of a positive number."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Srp:
    def __init__(self, pool_id, password):
        self.pool_name, self.password = pool_id.split("_", 1)[1], password
        self.secret = secrets.randbits(1024)
        self.public = pow(2, self.secret, N)

    def answers(self, parameters, at=None):
        user, salt, server = parameters["USER_ID_FOR_SRP"], int(parameters["SALT"], 16), int(parameters["SRP_B"], 16)
        u = int.from_bytes(digest(padded(self.public), padded(server)), "big")
        x = int.from_bytes(digest(padded(salt), digest(f"{self.pool_name}{user}:{self.password}".encode())), "big")
        k = int.from_bytes(digest(padded(N), padded(2)), "big")
        shared = pow(server - k * pow(2, x, N), self.secret + u * x, N)
        extracted = hmac.digest(padded(u), padded(shared), "sha256")
        key = hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]
        at = at or datetime.datetime.now(datetime.timezone.utc)
        timestamp = at.strftime("%a %b ") + str(at.day) + at.strftime(" %H:%M:%S UTC %Y")
        block = base64.b64decode(parameters["SECRET_BLOCK"])
        signed = hmac.digest(key, self.pool_name.encode() + user.encode() + block + timestamp.encode(), "sha256")
        return {
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signed).decode(),
            "TIMESTAMP": timestamp,
        }


def srp_sign_in(pool, name, password, at=None):
    client = Srp(pool.id, password)
    asked = pool.idp.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": name, "SRP_A": f"{client.public:x}"},
    )
    assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    answers = client.answers(asked["ChallengeParameters"], at)
    return lambda: pool.idp.respond_to_auth_challenge(
        ClientId=pool.client_id, ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=answers
    )


# ---- passwords and SRP


def test_password_sign_in_and_tokens(cloud, pool):
    tokens = pool.tokens()
    assert (tokens["TokenType"], tokens["ExpiresIn"]) == ("Bearer", 3600)
    identity = verified(cloud, tokens["IdToken"], pool.client_id)
    access = verified(cloud, tokens["AccessToken"])
    assert (identity["token_use"], access["token_use"]) == ("id", "access")
    assert identity["cognito:username"] == access["username"] == "ann"
    assert identity["email"] == "ann@example.com" and identity["email_verified"] is True
    assert access["client_id"] == pool.client_id and "aud" not in access
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert identity["origin_jti"] == access["origin_jti"]
    user = pool.idp.get_user(AccessToken=tokens["AccessToken"])
    assert user["Username"] == "ann"
    assert identity["sub"] == {each["Name"]: each["Value"] for each in user["UserAttributes"]}["sub"]
    document = cloud.server.request("GET", f"/{pool.id}/.well-known/openid-configuration").json
    assert document["issuer"] == identity["iss"]
    assert document["jwks_uri"] == f"{cloud.endpoint}/{pool.id}/.well-known/jwks.json"


def test_sign_up_confirm_sign_in(cloud, pool):
    pool.idp.sign_up(
        ClientId=pool.client_id, Username="bea", Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": "bea@example.com"}]
    )
    pool.refused(lambda: pool.sign_in("bea"), "UserNotConfirmedException", "User is not confirmed.")
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="bea")
    assert verified(cloud, pool.tokens("bea")["IdToken"], pool.client_id)["cognito:username"] == "bea"


def test_wrong_passwords_lock_for_a_while(pool):
    locked = False
    while not locked:
        for _ in range(5):
            began = time.monotonic()
            pool.refused(lambda: pool.sign_in(password="wrong"), "NotAuthorizedException", "Incorrect username or password.")
        try:
            pool.sign_in()
        except pool.idp.exceptions.NotAuthorizedException as refusal:
            assert refusal.response["Error"]["Message"] == "Password attempts exceeded"
            locked = True
        # Right again after a second: a machine that was busy for so long has not seen the lock.
        assert locked or time.monotonic() - began > 1
    time.sleep(1.1)
    assert pool.sign_in()["AuthenticationResult"]


def test_srp_in_python(cloud, pool):
    finish = srp_sign_in(pool, "ann", PASSWORD)
    tokens = finish()["AuthenticationResult"]
    assert verified(cloud, tokens["IdToken"], pool.client_id)["cognito:username"] == "ann"
    pool.refused(finish, "NotAuthorizedException")  # a proof is good once
    pool.refused(srp_sign_in(pool, "ann", "wrong"), "NotAuthorizedException", "Incorrect username or password.")
    hour_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    pool.refused(srp_sign_in(pool, "ann", PASSWORD, hour_ago), "NotAuthorizedException")
    pool.refused(
        lambda: pool.idp.initiate_auth(
            ClientId=pool.client_id, AuthFlow="USER_SRP_AUTH", AuthParameters={"USERNAME": "ann", "SRP_A": "0"}
        ),
        "InvalidParameterException",
    )


JAVASCRIPT = """
import { CognitoUserPool, CognitoUser, AuthenticationDetails } from 'amazon-cognito-identity-js'
const [endpoint, UserPoolId, ClientId, Username, Password, NewPassword] = process.argv.slice(2)
const user = new CognitoUser({ Username, Pool: new CognitoUserPool({ UserPoolId, ClientId, endpoint }) })
const told = await new Promise(resolve => user.authenticateUser(new AuthenticationDetails({ Username, Password }), {
  onSuccess: session => resolve({ id: session.getIdToken().getJwtToken(), access: session.getAccessToken().getJwtToken(),
    refresh: session.getRefreshToken().getToken() }),
  onFailure: error => resolve({ code: error.code, message: error.message }),
  newPasswordRequired: () => user.completeNewPasswordChallenge(NewPassword, {}, {
    onSuccess: session => resolve({ id: session.getIdToken().getJwtToken(), changed: true }),
    onFailure: error => resolve({ code: error.code, message: error.message }) }),
}))
if (told.access) {
  told.attributes = await new Promise(resolve => user.getUserAttributes((error, list) =>
    resolve(error ? error.message : Object.fromEntries(list.map(each => [each.getName(), each.getValue()])))))
  told.refreshed = await new Promise(resolve => user.getSession((error, session) =>
    user.refreshSession(session.getRefreshToken(), (error, next) => resolve(error ? error.message : next.getIdToken().getJwtToken()))))
}
console.log(JSON.stringify(told))
"""


@pytest.fixture(scope="module")
def identity_js(tmp_path_factory):
    npm = tool("npm")
    folder = tmp_path_factory.mktemp("identity-js")
    write_files(folder, {"package.json": '{"type": "module", "private": true}', "flow.mjs": JAVASCRIPT})
    install([npm, "install", "--no-audit", "--no-fund", "amazon-cognito-identity-js@6"], folder)
    return folder


def test_srp_by_amazon_cognito_identity_js(cloud, pool, identity_js):
    node = tool("node")

    def run(*arguments):
        return json.loads(run_tool([node, "flow.mjs", cloud.endpoint, pool.id, pool.client_id, *arguments], cloud, identity_js).stdout)

    told = run("ann", PASSWORD)
    assert "id" in told, told
    assert verified(cloud, told["id"], pool.client_id)["email"] == "ann@example.com"
    assert told["attributes"]["email"] == "ann@example.com"
    assert verified(cloud, told["refreshed"], pool.client_id)["cognito:username"] == "ann"
    assert run("ann", "wrong") == {"code": "NotAuthorizedException", "message": "Incorrect username or password."}
    pool.add_user("new", "Temporary-1-x", permanent=False)
    assert run("new", "Temporary-1-x", "Better-1-horse")["changed"]
    assert "id" in run("new", "Better-1-horse")


def test_unknown_users_are_hidden_where_asked(pool):
    pool.refused(lambda: pool.sign_in("nobody"), "UserNotFoundException", "User does not exist.")
    pool.client_id = pool.add_client(PreventUserExistenceErrors="ENABLED")
    pool.refused(lambda: pool.sign_in("nobody"), "NotAuthorizedException", "Incorrect username or password.")
    pool.refused(srp_sign_in(pool, "nobody", "x"), "NotAuthorizedException", "Incorrect username or password.")


def test_clients_with_a_secret(pool):
    pool.client_id = pool.add_client(GenerateSecret=True)
    secret = pool.client["ClientSecret"]
    proof = base64.b64encode(hmac.digest(secret.encode(), f"ann{pool.client_id}".encode(), "sha256")).decode()
    pool.refused(pool.sign_in, "NotAuthorizedException")
    pool.refused(lambda: pool.sign_in(SECRET_HASH="x"), "NotAuthorizedException")
    assert pool.sign_in(SECRET_HASH=proof)["AuthenticationResult"]


def test_new_password_and_authenticator(pool):
    pool.add_user("new", "Temporary-1-x", permanent=False)
    pool.idp.set_user_pool_mfa_config(
        UserPoolId=pool.id, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="ON"
    )

    def respond(name, session, **answers):
        return pool.idp.respond_to_auth_challenge(
            ClientId=pool.client_id, ChallengeName=name, Session=session, ChallengeResponses={"USERNAME": "new", **answers}
        )

    asked = pool.sign_in("new", "Temporary-1-x")
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    pool.refused(lambda: respond("NEW_PASSWORD_REQUIRED", asked["Session"], NEW_PASSWORD="weak"), "InvalidPasswordException")
    asked = respond("NEW_PASSWORD_REQUIRED", asked["Session"], NEW_PASSWORD="Better-1-horse")
    assert asked["ChallengeName"] == "MFA_SETUP"
    associated = pool.idp.associate_software_token(Session=asked["Session"])
    code = one_time_password(associated["SecretCode"])
    done = pool.idp.verify_software_token(Session=associated["Session"], UserCode=code)
    assert done["Status"] == "SUCCESS"
    assert respond("MFA_SETUP", done["Session"])["AuthenticationResult"]
    asked = pool.sign_in("new", "Better-1-horse")
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    told = pool.refused(lambda: respond("SOFTWARE_TOKEN_MFA", asked["Session"], SOFTWARE_TOKEN_MFA_CODE=code), "ExpiredCodeException")
    assert told["Message"] == "Your software token has already been used once."
    # The next step's code is good already, and this one's is not any more.
    later = one_time_password(associated["SecretCode"], 30)
    assert respond("SOFTWARE_TOKEN_MFA", asked["Session"], SOFTWARE_TOKEN_MFA_CODE=later)["AuthenticationResult"]


def one_time_password(secret, ahead=0):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, (int(time.time() + ahead) // 30).to_bytes(8, "big"), "sha1")
    at = mac[19] & 15
    return f"{(int.from_bytes(mac[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


# ---- tokens


def test_refresh_and_sign_out(cloud, pool):
    first = pool.tokens()

    def refresh(token):
        return pool.idp.initiate_auth(
            ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": token}
        )["AuthenticationResult"]

    again = refresh(first["RefreshToken"])
    assert "RefreshToken" not in again
    assert verified(cloud, again["AccessToken"])["origin_jti"] == claims_of(first["AccessToken"])["origin_jti"]
    pool.refused(lambda: refresh(first["RefreshToken"] + "x"), "NotAuthorizedException", "Invalid Refresh Token")
    pool.idp.global_sign_out(AccessToken=again["AccessToken"])
    for token in (first["AccessToken"], again["AccessToken"]):
        pool.refused(lambda: pool.idp.get_user(AccessToken=token), "NotAuthorizedException", "Access Token has been revoked")
    pool.refused(lambda: refresh(first["RefreshToken"]), "NotAuthorizedException")
    pool.refused(lambda: pool.idp.get_user(AccessToken="x.y.z"), "NotAuthorizedException", "Invalid Access Token")


def test_revoked_sessions(pool):
    one, two = pool.tokens(), pool.tokens()
    pool.idp.revoke_token(ClientId=pool.client_id, Token=one["RefreshToken"])
    pool.refused(
        lambda: pool.idp.get_user(AccessToken=one["AccessToken"]), "NotAuthorizedException", "Access Token has been revoked"
    )
    assert pool.idp.get_user(AccessToken=two["AccessToken"])["Username"] == "ann"
    pool.refused(
        lambda: pool.idp.revoke_token(ClientId=pool.client_id, Token=two["AccessToken"]), "UnsupportedTokenTypeException"
    )


def test_rotated_refresh_tokens(pool):
    pool.client_id = pool.add_client(
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
        RefreshTokenRotation={"Feature": "ENABLED", "RetryGracePeriodSeconds": 0},
    )
    first = pool.tokens()["RefreshToken"]

    def refresh(token):
        return pool.idp.get_tokens_from_refresh_token(ClientId=pool.client_id, RefreshToken=token)["AuthenticationResult"]

    second = refresh(first)["RefreshToken"]
    assert second != first
    pool.refused(lambda: refresh(first), "RefreshTokenReuseException")
    pool.refused(lambda: refresh(second), "NotAuthorizedException", "Refresh Token has been revoked")


def test_tokens_and_sessions_outlive_a_restart(tmp_path):
    data = tmp_path / "data"
    with Server("--data", data, command="serve") as server:
        pool = Pool(Cloud(server))
        pool.add_user()
        tokens = pool.tokens()
    with Server("--data", data, command="serve") as server:
        cloud = Cloud(server)
        idp = cloud.client("cognito-idp")
        assert idp.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
        again = idp.initiate_auth(
            ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
        )["AuthenticationResult"]
        assert verified(cloud, again["IdToken"], pool.client_id)["cognito:username"] == "ann"
        assert verified(cloud, tokens["IdToken"], pool.client_id)["cognito:username"] == "ann"
        idp.revoke_token(ClientId=pool.client_id, Token=tokens["RefreshToken"])
    with Server("--data", data, command="serve") as server:
        with pytest.raises(Exception, match="Access Token has been revoked"):
            Cloud(server).client("cognito-idp").get_user(AccessToken=tokens["AccessToken"])


# ---- OAuth


class Browser:
    """Follows a pool's pages, without script, and stops where it would leave for the application."""

    def __init__(self, server, prefix):
        self.server, self.base, self.cookies = server, f"/_aws/cognito/{prefix}", {}

    def send(self, method, target, form=None):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(form)
        answer = request(self.server.port, method, target, headers, body)
        if cookie := answer.header("Set-Cookie"):
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def sign_in(self, query, username="ann", password=PASSWORD):
        """The address the browser is sent to in the end."""
        answer = self.send("GET", f"{self.base}/oauth2/authorize?{urllib.parse.urlencode(query)}")
        assert answer.status == 302, answer
        page = self.send("GET", answer.header("Location"))
        assert page.status == 200, page
        assert "script" not in page.text.lower()
        assert "default-src 'none'" in page.header("Content-Security-Policy")
        answer = self.submit(page, username=username, password=password)
        return urllib.parse.urlsplit(answer.header("Location")) if answer.status == 302 else answer

    def submit(self, page, **fields):
        action = html.unescape(re.search(r'<form method="post" action="([^"]*)"', page.text)[1])
        hidden = {
            html.unescape(name): html.unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
        }
        return self.send("POST", action, {**hidden, **fields})


class OauthPool(Pool):
    def __init__(self, cloud):
        super().__init__(
            cloud,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code", "implicit"],
            AllowedOAuthScopes=["openid", "email"],
            CallbackURLs=[CALLBACK],
            LogoutURLs=["https://app.example.com/bye"],
            SupportedIdentityProviders=["COGNITO"],
        )
        self.prefix = "p" + uuid.uuid4().hex[:12]
        self.idp.create_user_pool_domain(Domain=self.prefix, UserPoolId=self.id)
        self.add_user()

    def post(self, endpoint, form, headers=()):
        headers = {"Content-Type": "application/x-www-form-urlencoded", **dict(headers)}
        target = f"/_aws/cognito/{self.prefix}/oauth2/{endpoint}"
        return self.cloud.server.request("POST", target, headers, urllib.parse.urlencode(form))


@pytest.fixture
def oauth(cloud):
    return OauthPool(cloud)


def pkce():
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def test_authorization_code_with_pkce(cloud, oauth):
    verifier, challenge = pkce()
    query = {
        "response_type": "code",
        "client_id": oauth.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid email",
        "state": "a&b",
        "nonce": "n-1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    there = Browser(cloud.server, oauth.prefix).sign_in(query)
    back = urllib.parse.parse_qs(there.query)
    assert there.netloc == "app.example.com" and back["state"] == ["a&b"], there
    form = {
        "grant_type": "authorization_code",
        "client_id": oauth.client_id,
        "code": back["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    answer = oauth.post("token", form)
    assert answer.status == 200, answer
    identity = verified(cloud, answer.json["id_token"], oauth.client_id)
    assert (identity["nonce"], identity["email"]) == ("n-1", "ann@example.com")
    access = verified(cloud, answer.json["access_token"])
    assert (access["scope"], access["version"]) == ("openid email", 2)
    bearer = {"Authorization": f"Bearer {answer.json['access_token']}"}
    info = cloud.server.request("GET", f"/_aws/cognito/{oauth.prefix}/oauth2/userInfo", bearer)
    assert (info.json["email"], info.json["email_verified"]) == ("ann@example.com", "true")
    refreshed = oauth.post(
        "token", {"grant_type": "refresh_token", "client_id": oauth.client_id, "refresh_token": answer.json["refresh_token"]}
    )
    assert refreshed.status == 200 and "refresh_token" not in refreshed.json
    # The code again: refused, and what it gave is taken back.
    again = oauth.post("token", form)
    assert (again.status, again.json) == (400, {"error": "invalid_grant"})
    assert cloud.server.request("GET", f"/_aws/cognito/{oauth.prefix}/oauth2/userInfo", bearer).status == 401


def test_oauth_by_host_name_and_refusals(cloud, oauth):
    host = {"Host": f"{oauth.prefix}.auth.us-east-1.localhost:{cloud.server.port}"}
    query = urllib.parse.urlencode({"response_type": "code", "client_id": oauth.client_id, "redirect_uri": CALLBACK})
    answer = cloud.server.request("GET", f"/oauth2/authorize?{query}", host)
    assert answer.status == 302 and answer.header("Location").startswith("/login?")
    elsewhere = query.replace("app.example.com", "evil.example.com")
    answer = cloud.server.request("GET", f"/oauth2/authorize?{elsewhere}", host)
    assert answer.status == 400 and answer.header("Location") is None
    browser = Browser(cloud.server, oauth.prefix)
    page = browser.sign_in(urllib.parse.parse_qsl(query), password="wrong")
    assert page.status == 400 and "Incorrect username or password." in page.text
    there = urllib.parse.urlsplit(browser.submit(page, username="ann", password=PASSWORD).header("Location"))
    assert "code=" in there.query
    # Another browser has not seen the page.
    assert Browser(cloud.server, oauth.prefix).submit(page, username="ann", password=PASSWORD).status == 403


def test_client_credentials(cloud, oauth):
    oauth.idp.create_resource_server(
        UserPoolId=oauth.id,
        Identifier="pets",
        Name="pets",
        Scopes=[{"ScopeName": "read", "ScopeDescription": "r"}, {"ScopeName": "write", "ScopeDescription": "w"}],
    )
    client_id = oauth.add_client(
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["pets/read"],
    )
    secret = oauth.client["ClientSecret"]
    basic = {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}
    answer = oauth.post("token", {"grant_type": "client_credentials", "scope": "pets/read"}, basic)
    assert answer.status == 200, answer
    claims = verified(cloud, answer.json["access_token"])
    assert (claims["sub"], claims["scope"], claims["token_use"]) == (client_id, "pets/read", "access")
    assert set(answer.json) == {"access_token", "expires_in", "token_type"}
    assert oauth.post("token", {"grant_type": "client_credentials", "scope": "pets/write"}, basic).json == {"error": "invalid_scope"}
    wrong = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "x"}
    assert oauth.post("token", wrong).json == {"error": "invalid_client"}


# ---- functions

TRIGGER = REMEMBER + """
def handler(event, context):
    remember(event)
    source, request, response = event["triggerSource"], event["request"], event["response"]
    if source == "PreSignUp_SignUp":
        if event["userName"] == "evil":
            raise ValueError("not you")
        response["autoConfirmUser"] = response["autoVerifyEmail"] = True
    if source.startswith("TokenGeneration"):
        response["claimsOverrideDetails"] = {"claimsToAddOrOverride": {"plan": "gold"}, "claimsToSuppress": ["email"]}
    if source == "DefineAuthChallenge_Authentication":
        rounds = request["session"]
        response["issueTokens"] = bool(rounds) and rounds[-1]["challengeResult"]
        response["failAuthentication"] = len(rounds) > 1 and not response["issueTokens"]
        if not response["issueTokens"] and not response["failAuthentication"]:
            response["challengeName"] = "CUSTOM_CHALLENGE"
    if source == "CreateAuthChallenge_Authentication":
        response["publicChallengeParameters"] = {"question": "6*7"}
        response["privateChallengeParameters"] = {"answer": "42"}
    if source == "VerifyAuthChallengeResponse_Authentication":
        response["answerCorrect"] = request["challengeAnswer"] == request["privateChallengeParameters"]["answer"]
    if source == "UserMigration_Authentication":
        if request["password"] != "Old-1-password":
            raise ValueError("bad password")
        response["userAttributes"] = {"email": "old@example.com", "email_verified": "true"}
        response["finalUserStatus"] = "CONFIRMED"
        response["messageAction"] = "SUPPRESS"
    return event
"""


@pytest.fixture
def watched(cloud, tmp_path):
    """A pool whose every trigger is one function, and the events it was called with."""
    name = "trigger-" + uuid.uuid4().hex[:8]
    arn = cloud.make_function(name, tmp_path / "calls", TRIGGER)
    names = [
        "PreSignUp",
        "PostConfirmation",
        "PreAuthentication",
        "PostAuthentication",
        "PreTokenGeneration",
        "DefineAuthChallenge",
        "CreateAuthChallenge",
        "VerifyAuthChallengeResponse",
        "UserMigration",
    ]
    made = Pool(cloud, {each: arn for each in names})
    made.arn, made.function = arn, name
    made.events = lambda: [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    return made


def allow_trigger(cloud, watched):
    cloud.client("lambda").add_permission(
        FunctionName=watched.function,
        StatementId="cognito",
        Action="lambda:InvokeFunction",
        Principal="cognito-idp.amazonaws.com",
        SourceArn=watched.pool["Arn"],
    )


def test_triggers_need_a_permission(watched):
    told = watched.refused(
        lambda: watched.idp.sign_up(ClientId=watched.client_id, Username="ann", Password=PASSWORD), "UnexpectedLambdaException"
    )
    assert told["Message"] == "PreSignUp invocation failed due to error AccessDeniedException."


def test_triggers_from_sign_up_to_tokens(cloud, watched):
    allow_trigger(cloud, watched)
    told = watched.refused(
        lambda: watched.idp.sign_up(ClientId=watched.client_id, Username="evil", Password=PASSWORD), "UserLambdaValidationException"
    )
    assert told["Message"] == "PreSignUp failed with error not you."
    done = watched.idp.sign_up(
        ClientId=watched.client_id, Username="ann", Password=PASSWORD, UserAttributes=[{"Name": "email", "Value": "ann@example.com"}]
    )
    assert done["UserConfirmed"] is True
    identity = verified(cloud, watched.tokens()["IdToken"], watched.client_id)
    assert identity["plan"] == "gold" and "email" not in identity
    assert [each["triggerSource"] for each in watched.events()][1:] == [
        "PreSignUp_SignUp",
        "PostConfirmation_ConfirmSignUp",
        "PreAuthentication_Authentication",
        "PostAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ]
    event = watched.events()[-1]
    assert event["userPoolId"] == watched.id and event["callerContext"]["clientId"] == watched.client_id
    assert event["request"]["userAttributes"]["cognito:user_status"] == "CONFIRMED"


def test_custom_authentication(cloud, watched):
    allow_trigger(cloud, watched)
    watched.add_user()

    def start():
        return watched.idp.initiate_auth(ClientId=watched.client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "ann"})

    def answer(asked, text):
        return watched.idp.respond_to_auth_challenge(
            ClientId=watched.client_id,
            ChallengeName="CUSTOM_CHALLENGE",
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": "ann", "ANSWER": text},
        )

    asked = start()
    assert asked["ChallengeParameters"]["question"] == "6*7"
    assert "answer" not in asked["ChallengeParameters"]
    assert verified(cloud, answer(asked, "42")["AuthenticationResult"]["AccessToken"])["username"] == "ann"
    watched.refused(lambda: answer(asked, "42"), "NotAuthorizedException", "Invalid session for the user.")
    asked = answer(start(), "41")
    watched.refused(lambda: answer(asked, "41"), "NotAuthorizedException", "Incorrect username or password.")


def test_users_migrate_at_their_first_sign_in(cloud, watched):
    allow_trigger(cloud, watched)
    watched.refused(lambda: watched.sign_in("old", "wrong"), "UserNotFoundException")
    assert watched.tokens("old", "Old-1-password")["AccessToken"]
    cloud.client("lambda").remove_permission(FunctionName=watched.function, StatementId="cognito")
    users = watched.idp.list_users(UserPoolId=watched.id)["Users"]
    assert [each["Username"] for each in users] == ["old"]
