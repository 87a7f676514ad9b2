"""The apigatewayv2 API with the official clients: what is made is shown, changed, deployed, kept and refused as AWS does it."""

import json

import pytest

from aws import ACCOUNT, Cloud, allow, aws_versions, invocation_uri, run_tool
from conftest import Server
from test_terraform import expect_no_changes, init, terraform  # noqa: F401 (a fixture)

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture
def api(cloud):
    made = Api(cloud.apigatewayv2, cloud.apigatewayv2.create_api(Name="shop", ProtocolType="HTTP")["ApiId"])
    yield made
    made.client.delete_api(ApiId=made.id)


class Api:
    """Calls with the API's id in them."""

    def __init__(self, client, id):
        self.client, self.id = client, id

    def __getattr__(self, operation):
        return lambda **more: told(getattr(self.client, operation)(ApiId=self.id, **more))

    def integration(self, **more):
        return self.create_integration(
            **{"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION, "PayloadFormatVersion": "2.0", **more}
        )["IntegrationId"]

    def jwt(self, name="jwt"):
        return self.create_authorizer(
            Name=name,
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={"Issuer": "https://issuer.example", "Audience": ["a"]},
        )["AuthorizerId"]


def told(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def refused(call, **arguments):
    """Code, status and text of a call that must not be done."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_an_api_from_its_beginning_to_its_end(cloud):
    client = cloud.apigatewayv2
    cors = {"AllowCredentials": False, "AllowHeaders": [], "AllowMethods": [], "AllowOrigins": ["*"], "ExposeHeaders": [], "MaxAge": 0}
    made = told(client.create_api(Name="n", ProtocolType="HTTP", CorsConfiguration=cors, Tags={"a": "b"}, Version="1"))
    assert made["ApiEndpoint"].startswith(f"http://{made['ApiId']}.execute-api.localhost:")
    assert made["CorsConfiguration"] == cors and made["Tags"] == {"a": "b"} and made["ProtocolType"] == "HTTP"
    assert made["RouteSelectionExpression"] == "$request.method $request.path"
    assert made["CreatedDate"].tzinfo is not None
    one = Api(client, made["ApiId"])
    assert one.get_api() == made
    assert one.update_api(Name="m", CorsConfiguration={"AllowOrigins": ["https://a"]})["CorsConfiguration"] == {"AllowOrigins": ["https://a"]}
    one.delete_cors_configuration()
    assert "CorsConfiguration" not in one.get_api() and one.get_api()["Name"] == "m"
    assert made["ApiId"] in [api["ApiId"] for page in client.get_paginator("get_apis").paginate() for api in page["Items"]]
    one.delete_api()
    assert refused(client.get_api, ApiId=one.id) == (
        "NotFoundException",
        404,
        f"Invalid API identifier specified {ACCOUNT}:{one.id}",
    )


def test_routes_lead_to_integrations_by_authorizers(api):
    integration, authorizer = api.integration(), api.jwt()
    route = api.create_route(
        RouteKey="GET /pets/{id}",
        Target=f"integrations/{integration}",
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
        AuthorizationScopes=["pets/read"],
        OperationName="getPet",
    )
    assert route == {
        "ApiKeyRequired": False,
        "AuthorizationScopes": ["pets/read"],
        "AuthorizationType": "JWT",
        "AuthorizerId": authorizer,
        "OperationName": "getPet",
        "RouteId": route["RouteId"],
        "RouteKey": "GET /pets/{id}",
        "Target": f"integrations/{integration}",
    }
    assert api.get_routes()["Items"] == [route]
    assert api.get_integration(IntegrationId=integration) == {
        "ConnectionType": "INTERNET",
        "IntegrationId": integration,
        "IntegrationMethod": "POST",
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": FUNCTION,
        "PayloadFormatVersion": "2.0",
        "TimeoutInMillis": 30000,
    }
    assert api.get_authorizer(AuthorizerId=authorizer) == {
        "AuthorizerId": authorizer,
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Audience": ["a"], "Issuer": "https://issuer.example"},
        "Name": "jwt",
    }
    # What is in use stays.
    assert refused(api.delete_integration, IntegrationId=integration) == (
        "ConflictException",
        409,
        f"Cannot delete Integration because it is referenced by the following Routes with Ids: [{route['RouteId']}]",
    )
    assert refused(api.delete_authorizer, AuthorizerId=authorizer) == (
        "ConflictException",
        409,
        "Cannot delete authorizer 'jwt', is referenced in route: GET /pets/{id}",
    )
    assert refused(api.create_route, RouteKey="GET /pets/{id}")[:2] == ("ConflictException", 409)
    opened = api.update_route(RouteId=route["RouteId"], AuthorizationType="NONE", RouteKey="$default")
    assert "AuthorizerId" not in opened and "AuthorizationScopes" not in opened and opened["RouteKey"] == "$default"
    api.delete_authorizer(AuthorizerId=authorizer)
    api.delete_route(RouteId=route["RouteId"])
    api.delete_integration(IntegrationId=integration)
    assert api.get_routes()["Items"] == api.get_integrations()["Items"] == api.get_authorizers()["Items"] == []


def test_what_would_leave_a_route_open_is_refused(api):
    authorizer = api.jwt()
    assert refused(api.create_route, RouteKey="GET /", AuthorizationType="JWT") == (
        "BadRequestException",
        400,
        "Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid JWT authorizer.",
    )
    for more in (
        {"AuthorizerId": authorizer},
        {"AuthorizationType": "AWS_IAM", "AuthorizerId": authorizer},
        {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer},
        {"AuthorizationScopes": ["a"]},
    ):
        assert refused(api.create_route, RouteKey="GET /", **more)[:2] == ("BadRequestException", 400), more
    assert refused(api.create_route, RouteKey="GET /", ApiKeyRequired=True)[1] == 501
    assert api.get_routes()["Items"] == []


def test_what_is_not_served_is_refused_by_name(cloud, api):
    assert refused(cloud.apigatewayv2.create_api, Name="w", ProtocolType="WEBSOCKET")[1] == 501
    for more, name in (
        ({"ConnectionType": "VPC_LINK", "ConnectionId": "c"}, "VPC_LINK"),
        ({"IntegrationSubtype": "SQS-SendMessage"}, "IntegrationSubtype"),
        ({"TlsConfig": {"ServerNameToVerify": "a"}}, "TlsConfig"),
    ):
        code, status, text = refused(api.integration, **more)
        assert status == 501 and name in text, text


def test_stages_deploy_by_hand_and_by_themselves(api):
    assert refused(api.create_deployment) == (
        "BadRequestException",
        400,
        "Unable to deploy API because no routes exist in this API",
    )
    default = api.create_stage(StageName="$default", AutoDeploy=True)
    assert default["LastDeploymentStatusMessage"].startswith("Deployment attempt failed: ") and "DeploymentId" not in default
    route = api.create_route(RouteKey="GET /a")["RouteId"]
    default = api.get_stage(StageName="$default")
    first = default["DeploymentId"]
    assert default["LastDeploymentStatusMessage"] == f"Successfully deployed stage with deployment ID '{first}'"
    assert api.get_deployment(DeploymentId=first)["AutoDeployed"] is True
    by_hand = api.create_deployment(Description="by hand")
    assert by_hand["DeploymentStatus"] == "DEPLOYED" and by_hand["AutoDeployed"] is False
    prod = api.create_stage(
        StageName="prod",
        DeploymentId=by_hand["DeploymentId"],
        StageVariables={"a": "b"},
        DefaultRouteSettings={"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2.5},
        RouteSettings={"GET /a": {"ThrottlingRateLimit": 1.0}},
        AccessLogSettings={"DestinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g", "Format": "$context.requestId"},
        Tags={"t": "v"},
    )
    assert api.get_stage(StageName="prod") == prod
    assert prod["DefaultRouteSettings"] == {"DetailedMetricsEnabled": False, "ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2.5}
    api.update_route(RouteId=route, RouteKey="GET /b")
    assert api.get_stage(StageName="$default")["DeploymentId"] != first, "the change is served"
    assert api.get_stage(StageName="prod")["DeploymentId"] == by_hand["DeploymentId"], "the change is not served"
    assert refused(api.delete_deployment, DeploymentId=by_hand["DeploymentId"])[:2] == ("BadRequestException", 400)
    api.delete_route_settings(StageName="prod", RouteKey="GET /a")
    api.delete_access_log_settings(StageName="prod")
    api.reset_authorizers_cache(StageName="prod")
    changed = api.update_stage(StageName="prod", StageVariables={"a": "", "c": "d"})
    assert changed["StageVariables"] == {"c": "d"} and changed["RouteSettings"] == {} and "AccessLogSettings" not in changed
    assert {stage["StageName"] for stage in api.get_stages()["Items"]} == {"$default", "prod"}
    api.delete_stage(StageName="prod")
    api.delete_deployment(DeploymentId=by_hand["DeploymentId"])
    assert refused(api.get_stage, StageName="prod")[:2] == ("NotFoundException", 404)


def test_quick_create(cloud):
    client = cloud.apigatewayv2
    one = Api(client, client.create_api(Name="quick", ProtocolType="HTTP", Target=FUNCTION)["ApiId"])
    route, integration = one.get_routes()["Items"][0], one.get_integrations()["Items"][0]
    assert route["RouteKey"] == "$default" and route["ApiGatewayManaged"] and integration["ApiGatewayManaged"]
    assert (integration["IntegrationUri"], integration["PayloadFormatVersion"]) == (FUNCTION, "2.0")
    stage = one.get_stage(StageName="$default")
    assert stage["AutoDeploy"] and stage["ApiGatewayManaged"] and stage["DeploymentId"]
    one.update_api(Target="http://127.0.0.1:1/", RouteKey="GET /x")
    assert one.get_integrations()["Items"][0]["IntegrationType"] == "HTTP_PROXY"
    assert one.get_routes()["Items"][0]["RouteKey"] == "GET /x"
    one.delete_api()


def test_tags_by_arn(cloud, api):
    api.create_stage(StageName="$default")
    client = cloud.apigatewayv2
    for arn in (f"arn:aws:apigateway:us-east-1::/apis/{api.id}", f"arn:aws:apigateway:us-east-1::/apis/{api.id}/stages/$default"):
        client.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
        client.untag_resource(ResourceArn=arn, TagKeys=["a"])
        assert client.get_tags(ResourceArn=arn)["Tags"] == {"b": "2"}
    assert api.get_api()["Tags"] == api.get_stage(StageName="$default")["Tags"] == {"b": "2"}


def test_lists_come_in_pages(api):
    for number in range(5):
        api.create_route(RouteKey=f"GET /{number}")
    pages = list(api.client.get_paginator("get_routes").paginate(ApiId=api.id, PaginationConfig={"PageSize": 2}))
    assert [len(page["Items"]) for page in pages] == [2, 2, 1]
    assert len({route["RouteKey"] for page in pages for route in page["Items"]}) == 5


def test_permissions(cloud, api):
    place = f"arn:aws:apigateway:us-east-1::/apis/{api.id}"
    _, key = cloud.make_user(allow("apigateway:GET", "apigateway:POST", resource=[place, f"{place}/*"]))
    theirs = Api(cloud.as_key(key).apigatewayv2, api.id)
    theirs.get_api()
    theirs.create_route(RouteKey="GET /")
    code, status, text = refused(theirs.update_api, Name="mine")
    assert (code, status) == ("AccessDeniedException", 403) and f"apigateway:PATCH on resource: {place}" in text
    code, status, text = refused(theirs.client.create_api, Name="mine", ProtocolType="HTTP")
    assert status == 403 and "arn:aws:apigateway:us-east-1::/apis" in text
    # Whoever hands a role on has to be allowed to.
    role = f"arn:aws:iam::{ACCOUNT}:role/strong"
    code, status, text = refused(theirs.integration, CredentialsArn=role)
    assert status == 403 and f"iam:PassRole on resource: {role}" in text
    assert theirs.integration()
    # An API that is not theirs and one that is not there look the same.
    other = cloud.apigatewayv2.create_api(Name="other", ProtocolType="HTTP")["ApiId"]
    assert refused(theirs.client.get_api, ApiId=other)[:2] == refused(theirs.client.get_api, ApiId="nothere000")[:2]
    cloud.apigatewayv2.delete_api(ApiId=other)


def test_all_is_there_after_a_restart(tmp_path):
    data = tmp_path / "data"

    def everything(api):
        return [
            api.get_api(),
            api.get_routes(),
            api.get_integrations(),
            api.get_authorizers(),
            api.get_stages(),
            api.get_deployments(),
        ]

    with Server("--data", data, command="serve") as server:
        client = Cloud(server).apigatewayv2
        cors = {"AllowOrigins": ["https://a"], "AllowCredentials": True}
        api = Api(client, client.create_api(Name="kept", ProtocolType="HTTP", CorsConfiguration=cors)["ApiId"])
        integration = api.integration(RequestParameters={"append:header.x": "$request.path"}, TimeoutInMillis=1000)
        api.create_stage(StageName="$default", AutoDeploy=True, StageVariables={"a": "b"})
        api.create_route(
            RouteKey="$default", Target=f"integrations/{integration}", AuthorizationType="JWT", AuthorizerId=api.jwt()
        )
        before = everything(api)
    with Server("--data", data, command="serve") as server:
        after = everything(Api(Cloud(server).apigatewayv2, api.id))
    for answer in (before, after):
        del answer[0]["ApiEndpoint"]  # has the server's port
    assert after == before


@pytest.mark.parametrize("version", sorted(aws_versions()) or ["none"])
def test_command_line(cloud, version):
    if version == "none":
        pytest.skip("aws is not installed")
    aws = aws_versions()[version]

    def call(*arguments):
        done = run_tool([aws, "--endpoint-url", cloud.endpoint, "apigatewayv2", *arguments], cloud)
        return json.loads(done.stdout) if done.stdout.strip() else None

    api = call("create-api", "--name", "cli", "--protocol-type", "HTTP", "--target", FUNCTION)["ApiId"]
    assert call("get-routes", "--api-id", api)["Items"][0]["RouteKey"] == "$default"
    authorizer = call(
        *("create-authorizer", "--api-id", api, "--name", "lam", "--authorizer-type", "REQUEST"),
        *("--identity-source", "$request.header.X", "--authorizer-payload-format-version", "2.0"),
        *("--authorizer-uri", invocation_uri("us-east-1", FUNCTION), "--enable-simple-responses"),
    )
    assert authorizer["EnableSimpleResponses"] is True
    route = call(
        *("create-route", "--api-id", api, "--route-key", "GET /x", "--authorization-type", "CUSTOM"),
        *("--authorizer-id", authorizer["AuthorizerId"]),
    )
    assert route["AuthorizationType"] == "CUSTOM"
    assert call("update-stage", "--api-id", api, "--stage-name", "$default", "--stage-variables", "a=b")["StageVariables"] == {"a": "b"}
    call("delete-api", "--api-id", api)


STACK = """
provider "aws" {{
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  default_tags {{ tags = {{ proj = "{tag}" }} }}
}}
locals {{ uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations" }}
resource "aws_apigatewayv2_api" "h" {{
  name          = "h"
  protocol_type = "HTTP"
  {cors}
}}
resource "aws_apigatewayv2_authorizer" "jwt" {{
  api_id           = aws_apigatewayv2_api.h.id
  authorizer_type  = "JWT"
  name             = "jwt"
  identity_sources = ["$request.header.{header}"]
  jwt_configuration {{
    audience = ["a"]
    issuer   = "https://issuer.example"
  }}
}}
resource "aws_apigatewayv2_authorizer" "lam" {{
  api_id                            = aws_apigatewayv2_api.h.id
  authorizer_type                   = "REQUEST"
  name                              = "lam"
  authorizer_uri                    = local.uri
  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  identity_sources                  = ["$request.header.Authorization"]
}}
resource "aws_apigatewayv2_integration" "i" {{
  api_id                 = aws_apigatewayv2_api.h.id
  integration_type       = "AWS_PROXY"
  integration_uri        = local.uri
  payload_format_version = "{payload}"
  request_parameters     = {parameters}
}}
resource "aws_apigatewayv2_integration" "b" {{
  api_id             = aws_apigatewayv2_api.h.id
  integration_type   = "HTTP_PROXY"
  integration_method = "ANY"
  integration_uri    = "http://127.0.0.1:1/{{proxy}}"
  response_parameters {{
    status_code = 403
    mappings    = {{ "append:header.auth" = "$context.authorizer.authorizerResponse" }}
  }}
}}
resource "aws_apigatewayv2_route" "r" {{
  api_id             = aws_apigatewayv2_api.h.id
  route_key          = "{key}"
  target             = "integrations/${{aws_apigatewayv2_integration.i.id}}"
  authorization_type = "{type}"
  {authorizer}
}}
resource "aws_apigatewayv2_route" "iam" {{
  api_id             = aws_apigatewayv2_api.h.id
  route_key          = "$default"
  target             = "integrations/${{aws_apigatewayv2_integration.b.id}}"
  authorization_type = "AWS_IAM"
}}
resource "aws_apigatewayv2_stage" "s" {{
  api_id      = aws_apigatewayv2_api.h.id
  name        = "$default"
  auto_deploy = true
  {stage}
}}
resource "aws_apigatewayv2_api" "q" {{
  name          = "quick"
  protocol_type = "HTTP"
  target        = "arn:aws:lambda:us-east-1:123456789012:function:{function}"
}}
resource "aws_apigatewayv2_deployment" "d" {{
  api_id      = aws_apigatewayv2_api.q.id
  description = "{tag}"
}}
resource "aws_apigatewayv2_stage" "p" {{
  api_id        = aws_apigatewayv2_api.q.id
  name          = "prod"
  deployment_id = aws_apigatewayv2_deployment.d.id
}}
"""

STEPS = [
    {
        "tag": "x",
        "cors": 'cors_configuration { allow_origins = ["*"] }',
        "header": "Authorization",
        "payload": "2.0",
        "parameters": '{ "append:header.a" = "$request.path", "remove:header.b" = "\'\'" }',
        "key": "GET /x",
        "type": "JWT",
        "authorizer": 'authorizer_id = aws_apigatewayv2_authorizer.jwt.id\n  authorization_scopes = ["s"]',
        "stage": 'stage_variables = { a = "b", c = "d" }',
        "function": "f",
    },
    {
        "tag": "y",
        "cors": 'cors_configuration {\n    allow_origins = ["https://a"]\n    allow_methods = ["GET"]\n    max_age = 5\n  }',
        "header": "X",
        "payload": "1.0",
        "parameters": '{ "append:header.c" = "$request.path" }',
        "key": "GET /y",
        "type": "CUSTOM",
        "authorizer": "authorizer_id = aws_apigatewayv2_authorizer.lam.id",
        "stage": 'stage_variables = { a = "e" }\n  default_route_settings {\n    throttling_rate_limit = 5\n    throttling_burst_limit = 5\n  }',
        "function": "g",
    },
    {
        "tag": "y",
        "cors": "",
        "header": "X",
        "payload": "1.0",
        "parameters": "null",
        "key": "GET /y",
        "type": "NONE",
        "authorizer": "",
        "stage": 'description = "d"\n  route_settings {\n    route_key = aws_apigatewayv2_route.r.route_key\n    throttling_burst_limit = 1\n'
        "    throttling_rate_limit = 1\n  }\n  default_route_settings {\n    throttling_rate_limit = 5\n    throttling_burst_limit = 5\n  }",
        "function": "g",
    },
]


def test_terraform(terraform, tmp_path):  # noqa: F811
    folder = tmp_path / "stack"
    folder.mkdir()
    for number, step in enumerate(STEPS):
        (folder / "main.tf").write_text(STACK.format(**step))
        if number == 0:
            init(terraform, folder)
        terraform(folder, "apply", "-auto-approve", "-input=false")
        expect_no_changes(terraform, folder)
    terraform(folder, "destroy", "-auto-approve", "-input=false")
    assert terraform.cloud.apigatewayv2.get_apis()["Items"] == []
