"""COGNITO_USER_POOLS authorizers on REST methods: the tokens of a pool made through the API, and what the backend is told."""

import base64
import json
import re
import uuid

import pytest

from aws import ACCOUNT, Cloud, invocation_uri, ran

PASSWORD = "Right-1-horse"
UNAUTHORIZED = {"message": "Unauthorized"}


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


class Pool:
    """A user pool with one client, a resource server, and a user who has signed in."""

    def __init__(self, cloud, name="ann"):
        idp = cloud.client("cognito-idp")
        made = idp.create_user_pool(PoolName="pool-" + uuid.uuid4().hex[:8])["UserPool"]
        self.id, self.arn = made["Id"], made["Arn"]
        self.client = idp.create_user_pool_client(UserPoolId=self.id, ClientName="c", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
        self.client_id = self.client["UserPoolClient"]["ClientId"]
        attributes = [{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}]
        idp.admin_create_user(UserPoolId=self.id, Username=name, MessageAction="SUPPRESS", UserAttributes=attributes)
        idp.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)
        for group in ("readers", "writers"):
            idp.create_group(UserPoolId=self.id, GroupName=group)
            idp.admin_add_user_to_group(UserPoolId=self.id, Username=name, GroupName=group)
        tokens = idp.initiate_auth(
            ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD}
        )["AuthenticationResult"]
        self.id_token, self.access_token = tokens["IdToken"], tokens["AccessToken"]


class CognitoApi:
    """GET /id takes ID tokens, /scoped access tokens that may do anything to their user, /other a scope nobody has."""

    def __init__(self, cloud, pool, calls, expression=None, policy=None):
        self.cloud, self.calls, ag = cloud, calls, cloud.apigateway
        name = "cognito-" + uuid.uuid4().hex[:8]
        function = cloud.make_function(name, calls)
        self.id = ag.create_rest_api(name=name)["id"]
        cloud.client("lambda").add_permission(
            FunctionName=name,
            StatementId="gateway",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{cloud.region}:{ACCOUNT}:{self.id}/*",
        )
        more = {"identityValidationExpression": expression} if expression else {}
        self.authorizer = ag.create_authorizer(
            restApiId=self.id,
            name="pool",
            type="COGNITO_USER_POOLS",
            providerARNs=[pool.arn],
            identitySource="method.request.header.Authorization",
            **more,
        )
        if policy:
            operations = [{"op": "replace", "path": "/policy", "value": json.dumps(policy)}]
            ag.update_rest_api(restApiId=self.id, patchOperations=operations)
        root = ag.get_resources(restApiId=self.id)["items"][0]["id"]
        for path, scopes in (("id", []), ("scoped", ["aws.cognito.signin.user.admin"]), ("other", ["shop/write"])):
            resource = ag.create_resource(restApiId=self.id, parentId=root, pathPart=path)["id"]
            place = {"restApiId": self.id, "resourceId": resource, "httpMethod": "GET"}
            method = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": self.authorizer["id"]}
            shown = ag.put_method(**place, **method, authorizationScopes=scopes)
            assert shown.get("authorizationScopes", []) == scopes
            ag.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation_uri(cloud.region, function))
        ag.create_deployment(restApiId=self.id, stageName="prod")

    def get(self, path, token=None):
        before = ran(self.calls)
        headers = [("Authorization", token)] if token else []
        answer = self.cloud.server.request("GET", f"/_aws/execute-api/{self.id}/prod/{path}", headers)
        assert (answer.status == 200) == (ran(self.calls) == before + 1), "the function runs for those who are let in, and for nobody else"
        return answer


@pytest.fixture(scope="module")
def pool(cloud):
    return Pool(cloud)


@pytest.fixture(scope="module")
def api(cloud, pool, tmp_path_factory):
    return CognitoApi(cloud, pool, tmp_path_factory.mktemp("cognito") / "calls")


def test_what_is_kept_is_shown(cloud, api, pool):
    assert api.authorizer["providerARNs"] == [pool.arn]
    assert (api.authorizer["type"], api.authorizer["authType"]) == ("COGNITO_USER_POOLS", "cognito_user_pools")
    shown = cloud.apigateway.get_authorizer(restApiId=api.id, authorizerId=api.authorizer["id"])
    assert shown["identitySource"] == "method.request.header.Authorization"


def test_an_id_token_without_scopes(api, pool):
    for token in (pool.id_token, "Bearer " + pool.id_token):
        authorizer = api.get("id", token).json["requestContext"]["authorizer"]
        assert set(authorizer) == {"claims"}
        claims = authorizer["claims"]
        assert all(isinstance(value, str) for value in claims.values()), claims
        assert claims["email"] == "ann@example.com" and claims["email_verified"] == "true" and claims["token_use"] == "id"
        assert claims["aud"] == pool.client_id and claims["cognito:username"] == "ann"
        assert sorted(claims["cognito:groups"].split(",")) == ["readers", "writers"]
        assert re.fullmatch(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}", claims["exp"]), claims["exp"]
        assert claims["auth_time"].isdigit()
    refused = api.get("id", pool.access_token)
    assert (refused.status, refused.json) == (401, UNAUTHORIZED)


def test_an_access_token_with_scopes(api, pool):
    claims = api.get("scoped", pool.access_token).json["requestContext"]["authorizer"]["claims"]
    assert claims["token_use"] == "access" and claims["scope"] == "aws.cognito.signin.user.admin"
    for path, token in (("scoped", pool.id_token), ("other", pool.access_token)):
        refused = api.get(path, token)
        assert (refused.status, refused.json) == (401, UNAUTHORIZED), "a missing scope is 401 here"


def forged(token, header=None, claims=None, signature=None):
    parts = token.split(".")

    def changed(part, change):
        if change is None:
            return part
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        value.update(change)
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ".".join([changed(parts[0], header), changed(parts[1], claims), parts[2] if signature is None else signature])


def test_nothing_forged_is_taken(cloud, api, pool):
    token = pool.id_token
    others = Pool(cloud, "eve")
    bad = [
        None,
        "x",
        "Basic " + token,
        token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"),
        forged(token, claims={"cognito:username": "root"}),
        forged(token, claims={"exp": 9999999999}),
        forged(token, header={"alg": "none"}, signature=""),
        forged(token, header={"alg": "HS256"}),
        forged(token, header={"kid": "other"}),
        ".".join(token.split(".")[:2]),
        token + "." + token,
        others.id_token,
        forged(others.id_token, claims={"iss": json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["iss"]}),
    ]
    for each in bad:
        answer = api.get("id", each)
        assert (answer.status, answer.json) == (401, UNAUTHORIZED), each
        assert answer.header("x-amzn-ErrorType") == "UnauthorizedException"
    assert api.get("id", token).status == 200


def test_the_expression_is_for_the_client(cloud, pool, tmp_path):
    assert CognitoApi(cloud, pool, tmp_path / "calls", expression=pool.client_id).get("id", pool.id_token).status == 200
    strict = CognitoApi(cloud, pool, tmp_path / "other", expression="another-client")
    assert strict.get("id", pool.id_token).status == 401
    assert strict.get("scoped", pool.access_token).status == 401, "an access token has no aud"


def test_a_resource_policy_has_to_allow(cloud, pool, tmp_path):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*/GET/id"}
    api = CognitoApi(cloud, pool, tmp_path / "calls", policy={"Version": "2012-10-17", "Statement": [statement]})
    assert api.get("id", pool.id_token).status == 200
    silent = api.get("scoped", pool.access_token)
    assert silent.status == 403 and "no resource-based policy allows" in silent.json["Message"]
    assert api.get("id", "x").status == 401


def test_explain_says_why_and_never_the_token(cloud, api, pool):
    refused = api.get("id", pool.access_token)
    told = json.dumps(cloud.server.explain(refused))
    assert "token_use" in told and pool.access_token not in told and pool.access_token.split(".")[1] not in told


def test_trying_an_authorizer(cloud, api, pool):
    place = {"restApiId": api.id, "authorizerId": api.authorizer["id"]}
    tried = cloud.apigateway.test_invoke_authorizer(**place, headers={"Authorization": pool.id_token})
    assert tried["clientStatus"] == 200 and tried["claims"]["email"] == "ann@example.com"
    assert cloud.apigateway.test_invoke_authorizer(**place, headers={"Authorization": "x"})["clientStatus"] == 401


def test_the_type_jwt_is_behind_a_switch(cloud, api):
    body = json.dumps(
        {
            "name": "j",
            "type": "JWT",
            "identitySource": "method.request.header.Authorization",
            "jwtConfiguration": {"defaultAlgorithms": ["RS256"], "issuers": [{"issuer": "https://a.example", "audiences": ["x"]}]},
        }
    )
    from aws import TEST_KEY, signed

    target = f"/restapis/{api.id}/authorizers"
    headers = signed(cloud, "POST", target, [("Content-Type", "application/json")], body, TEST_KEY, "apigateway")
    answer = cloud.server.request("POST", target, headers, body)
    assert answer.status == 501 and "--rest-jwt-authorizers" in answer.json["message"], answer
