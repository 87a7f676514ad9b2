"""Templates whose APIs ask for credentials of every kind, through the real program: user pools, JWTs, API keys, resource policies, function
URLs, Lambda authorizers of HTTP APIs. Whoever has none, or a wrong one, is turned away before the function runs."""

import base64

from aws import Cloud
from clients import request
from conftest import ROOT

PASSWORD = "Right-1-horse-battery"
CODE = """
import json


def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"ran": True, "context": event["requestContext"]})}


def guard(event, context):
    return {"isAuthorized": event["headers"].get("x-key") == "right", "context": {"who": "ann"}}
"""
HEAD = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Handler: app.handler, CodeUri: code, Timeout: 10}}
Resources:
"""
POOL = """
  Pool: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: people}}
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties: {UserPoolId: !Ref Pool, ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]}
  Ann: {Type: AWS::Cognito::UserPoolUser, Properties: {UserPoolId: !Ref Pool, Username: ann}}
"""


def files(resources):
    return {"template.yaml": HEAD + resources, "code/app.py": CODE}


def tokens_of(server, password=PASSWORD):
    """Gives the template's user a password and signs her in."""
    idp = Cloud(server).client("cognito-idp")
    pool = idp.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
    client = idp.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"][0]["ClientId"]
    idp.admin_set_user_password(UserPoolId=pool, Username="ann", Password=password, Permanent=True)
    return sign_in(idp, client, password)


def sign_in(idp, client, password=PASSWORD):
    return idp.initiate_auth(
        ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": "ann", "PASSWORD": password}
    )["AuthenticationResult"]


def changed(token):
    """The token with one bit of its signature turned."""
    head, body, signature = token.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    raw[10] ^= 1
    return ".".join([head, body, base64.urlsafe_b64encode(raw).decode().rstrip("=")])


def http_call(server, path, headers=(), method="GET"):
    """Calls the one HTTP API there is at its `$default` stage, by host."""
    (api_id,) = {row["api_id"] for row in server.routes()}
    return request(server.port, method, path, headers, host=f"{api_id}.execute-api.localhost:{server.port}")


def test_rest_api_behind_a_user_pool(serve_files):
    server = serve_files(
        files(
            POOL
            + """
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Id: {Type: Api, Properties: {Path: /id, Method: get, RestApiId: !Ref Api}}
        Scoped:
          Type: Api
          Properties: {Path: /scoped, Method: get, RestApiId: !Ref Api, Auth: {AuthorizationScopes: [aws.cognito.signin.user.admin]}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      OpenApiVersion: 3.0.1
      Auth: {DefaultAuthorizer: People, Authorizers: {People: {UserPoolArn: !GetAtt Pool.Arn}}}
"""
        )
    )
    tokens = tokens_of(server)
    api = server.api()
    ok = api.call("/id", headers={"Authorization": tokens["IdToken"]})
    assert ok.status == 200 and ok.json["context"]["authorizer"]["claims"]["cognito:username"] == "ann", ok
    assert api.call("/scoped", headers={"Authorization": tokens["AccessToken"]}).status == 200
    for path, token in [
        ("/id", None),
        ("/id", changed(tokens["IdToken"])),
        ("/id", tokens["AccessToken"]),
        ("/scoped", tokens["IdToken"]),
        ("/scoped", changed(tokens["AccessToken"])),
    ]:
        answer = api.call(path, headers={"Authorization": token} if token else {})
        assert answer.status in (401, 403) and "ran" not in answer.text, (path, answer)


def test_http_api_with_a_jwt_authorizer(serve_files):
    server = serve_files(
        files(
            POOL
            + """
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: HttpApi, Properties: {Path: /a, Method: get, ApiId: !Ref Http}}
        Scoped: {Type: HttpApi, Properties: {Path: /s, Method: get, ApiId: !Ref Http, Auth: {AuthorizationScopes: [pets/read]}}}
        Open: {Type: HttpApi, Properties: {Path: /open, Method: get, ApiId: !Ref Http, Auth: {Authorizer: NONE}}}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: People
        Authorizers:
          People:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {issuer: !GetAtt Pool.ProviderURL, audience: [!Ref Client]}
"""
        )
    )
    assert any("pets/read" in text for text in server.warnings()), server.warnings()
    tokens = tokens_of(server)
    ok = http_call(server, "/a", {"Authorization": "Bearer " + tokens["AccessToken"]})
    assert ok.status == 200 and ok.json["context"]["authorizer"]["jwt"]["claims"]["username"] == "ann", ok
    assert http_call(server, "/open").status == 200
    assert http_call(server, "/s", {"Authorization": tokens["AccessToken"]}).status == 403
    for token in (None, "nonsense", changed(tokens["AccessToken"])):
        answer = http_call(server, "/a", {"Authorization": token} if token else {})
        assert answer.status == 401 and answer.json == {"message": "Unauthorized"}, answer


def test_lambda_authorizer_of_an_http_api(serve_files):
    server = serve_files(
        files(
            """
  Guard: {Type: AWS::Serverless::Function, Properties: {Handler: app.guard}}
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {A: {Type: HttpApi, Properties: {Path: '/a/{id}', Method: any, ApiId: !Ref Http}}}}
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Key
        Authorizers:
          Key:
            FunctionArn: !GetAtt Guard.Arn
            AuthorizerPayloadFormatVersion: "2.0"
            EnableSimpleResponses: true
            EnableFunctionDefaultPermissions: true
            Identity: {Headers: [X-Key]}
"""
        )
    )
    ok = http_call(server, "/a/1", {"X-Key": "right"}, "POST")
    assert ok.status == 200 and ok.json["context"]["authorizer"]["lambda"] == {"who": "ann"}, ok
    assert http_call(server, "/a/1", {"X-Key": "wrong"}, "POST").status == 403
    assert http_call(server, "/a/1", method="POST").status == 401


def test_api_keys_with_a_usage_plan(serve_files):
    server = serve_files(
        files(
            """
  Fn:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        A: {Type: Api, Properties: {Path: /a, Method: get, RestApiId: !Ref Api}}
        Open: {Type: Api, Properties: {Path: /open, Method: get, RestApiId: !Ref Api, Auth: {ApiKeyRequired: false}}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      OpenApiVersion: 3.0.1
      Auth: {ApiKeyRequired: true, UsagePlan: {CreateUsagePlan: PER_API, Quota: {Limit: 2, Period: DAY}}}
"""
        )
    )
    gateway = Cloud(server).client("apigateway")
    (key,) = gateway.get_api_keys(includeValues=True)["items"]
    api = server.api()
    assert api.call("/open").status == 200
    for headers in ({}, {"x-api-key": "x" * 30}):
        answer = api.call("/a", headers=headers)
        assert (answer.status, answer.json) == (403, {"message": "Forbidden"}), answer
    good = {"x-api-key": key["value"]}
    assert [api.call("/a", headers=good).status for _ in range(3)] == [200, 200, 429]


def test_resource_policy_of_addresses(serve_files):
    text = """
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {A: {Type: Api, Properties: {Path: '/a/{id}', Method: get, RestApiId: !Ref Api}}}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, OpenApiVersion: 3.0.1, Auth: {ResourcePolicy: {IpRangeWhitelist: [RANGE]}}}
"""
    assert serve_files(files(text.replace("RANGE", "127.0.0.0/8"))).api().call("/a/1").status == 200


def test_resource_policy_that_keeps_out(serve_files):
    server = serve_files(
        files(
            """
  Fn:
    Type: AWS::Serverless::Function
    Properties: {Events: {A: {Type: Api, Properties: {Path: '/a/{id}', Method: get, RestApiId: !Ref Api}}}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: live, OpenApiVersion: 3.0.1, Auth: {ResourcePolicy: {IpRangeBlacklist: [127.0.0.0/8]}}}
"""
        )
    )
    answer = server.api().call("/a/1")
    assert answer.status == 403 and "explicit deny" in answer.text, answer


def test_function_url(serve_files):
    server = serve_files(
        files(
            """
  Fn: {Type: AWS::Serverless::Function, Properties: {FunctionName: fn, FunctionUrlConfig: {AuthType: NONE}}}
  Shut: {Type: AWS::Serverless::Function, Properties: {FunctionName: shut, FunctionUrlConfig: {AuthType: AWS_IAM}}}
"""
        )
    )
    functions = Cloud(server).client("lambda")
    for name, status in (("fn", 200), ("shut", 403)):
        url = functions.get_function_url_config(FunctionName=name)["FunctionUrl"]
        assert request(server.port, "GET", "/", host=url.split("/")[2]).status == status


def test_users_and_keys_outlive_a_reload(serve_files, tmp_path):
    server = serve_files(files(POOL))
    tokens = tokens_of(server)
    idp = Cloud(server).client("cognito-idp")
    mark = server.mark()
    template = tmp_path / "template.yaml"
    template.write_text(template.read_text().replace("UserPoolName: people", "UserPoolName: folk"))
    server.wait_for_text("reloaded", since=mark)
    pool = idp.list_user_pools(MaxResults=10)["UserPools"][0]
    assert pool["Name"] == "folk"
    assert idp.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
    client = idp.list_user_pool_clients(UserPoolId=pool["Id"])["UserPoolClients"][0]["ClientId"]
    assert sign_in(idp, client)["AccessToken"]


def test_the_example(start):
    server = start(ROOT / "examples/cognito")
    assert server.warnings() == []
    idp = Cloud(server).client("cognito-idp")
    pool = idp.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
    clients = {
        each["ClientName"].split("-")[1]: each["ClientId"] for each in idp.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]
    }
    idp.admin_set_user_password(UserPoolId=pool, Username="ann", Password="Correct-Horse-1", Permanent=True)
    ann = sign_in(idp, clients["WebClient"], "Correct-Horse-1")
    secret = idp.describe_user_pool_client(UserPoolId=pool, ClientId=clients["RobotClient"])["UserPoolClient"]["ClientSecret"]
    basic = base64.b64encode(f"{clients['RobotClient']}:{secret}".encode()).decode()
    robot = server.request(
        "POST",
        "/_aws/cognito/people-123456789012/oauth2/token",
        {"Authorization": "Basic " + basic, "Content-Type": "application/x-www-form-urlencoded"},
        "grant_type=client_credentials&scope=pets/read",
    ).json["access_token"]

    rows = server.routes()
    http = next(row["api_id"] for row in rows if row["path"] == "/pets")
    rest = server.api(stage="prod")

    def at_http(path, token=None):
        headers = {"Authorization": token} if token else {}
        return request(server.port, "GET", path, headers, host=f"{http}.execute-api.localhost:{server.port}")

    assert at_http("/me", ann["IdToken"]).json == {"who": "ann", "use": "id"}
    assert at_http("/me", ann["AccessToken"]).json == {"who": "ann", "use": "access"}
    assert at_http("/pets", ann["AccessToken"]).status == 403
    assert at_http("/pets", robot).status == 200
    assert at_http("/me").status == 401
    assert rest.call("/me", headers={"Authorization": ann["IdToken"]}).json == {"who": "ann", "use": "id"}
    assert rest.call("/me", headers={"Authorization": ann["AccessToken"]}).status == 401
    assert rest.call("/me").status == 401
    assert at_http("/me", changed(ann["AccessToken"])).status == 401
