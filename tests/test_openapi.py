"""OpenAPI documents through the official clients: what is imported behaves as what is made by calls, and exports come in again."""

import json

import pytest

from aws import ACCOUNT, AUTHORIZER, Cloud, allow, aws_versions, invocation_uri, run_tool
from conftest import Server, run_program, write_files

MOCK = {
    "type": "mock",
    "requestTemplates": {"application/json": '{"statusCode": 200}'},
    "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": '{"made": true}'}}},
}


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def functions(cloud, tmp_path_factory):
    """ARNs of a function that answers with its event, and of an authorizer."""
    cloud.make_function("openapi-echo", tmp_path_factory.mktemp("openapi") / "calls")
    cloud.make_function("openapi-auth", "/dev/null", code=AUTHORIZER)
    for name in ("openapi-echo", "openapi-auth"):
        cloud.client("lambda").add_permission(
            FunctionName=name, StatementId="gateway", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
        )
    return {name: f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:openapi-{name}" for name in ("echo", "auth")}


def document(functions):
    return {
        "openapi": "3.0.1",
        "info": {"title": "shop", "version": "1"},
        "paths": {
            "/mock": {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": MOCK}},
            "/pets/{id}": {
                "post": {
                    "security": [{"tok": []}],
                    "parameters": [{"name": "X-Need", "in": "header", "required": True, "schema": {"type": "string"}}],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                    "x-amazon-apigateway-request-validator": "all",
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy",
                        "httpMethod": "POST",
                        "uri": invocation_uri("us-east-1", functions["echo"]),
                    },
                }
            },
        },
        "components": {
            "schemas": {
                "Pet": {"type": "object", "required": ["name"], "properties": {"friend": {"$ref": "#/components/schemas/Pet"}}},
            },
            "securitySchemes": {
                "tok": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": invocation_uri("us-east-1", functions["auth"])},
                }
            },
        },
        "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
        "x-amazon-apigateway-gateway-responses": {"UNAUTHORIZED": {"statusCode": 418}},
    }


def by_calls(cloud, functions):
    """The same API, made with single calls."""
    client = cloud.apigateway
    api = {"restApiId": client.create_rest_api(name="shop", version="1")["id"]}
    root = client.get_resources(**api)["items"][0]["id"]
    mock = {**api, "resourceId": client.create_resource(**api, parentId=root, pathPart="mock")["id"], "httpMethod": "GET"}
    client.put_method(**mock, authorizationType="NONE")
    client.put_method_response(**mock, statusCode="200")
    client.put_integration(**mock, type="MOCK", requestTemplates=MOCK["requestTemplates"])
    client.put_integration_response(**mock, statusCode="200", responseTemplates={"application/json": '{"made": true}'})
    pets = client.create_resource(**api, parentId=root, pathPart="pets")["id"]
    pet = {**api, "resourceId": client.create_resource(**api, parentId=pets, pathPart="{id}")["id"], "httpMethod": "POST"}
    schema = {"type": "object", "required": ["name"], "properties": {}}
    client.create_model(**api, name="Pet", contentType="application/json", schema=json.dumps(schema))
    validator = client.create_request_validator(**api, name="all", validateRequestBody=True, validateRequestParameters=True)["id"]
    authorizer = client.create_authorizer(
        **api,
        name="tok",
        type="TOKEN",
        authorizerUri=invocation_uri("us-east-1", functions["auth"]),
        identitySource="method.request.header.Authorization",
    )["id"]
    client.put_method(
        **pet,
        authorizationType="CUSTOM",
        authorizerId=authorizer,
        requestParameters={"method.request.header.X-Need": True},
        requestModels={"application/json": "Pet"},
        requestValidatorId=validator,
    )
    client.put_integration(
        **pet, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation_uri("us-east-1", functions["echo"])
    )
    client.put_gateway_response(**api, responseType="UNAUTHORIZED", statusCode="418")
    return api["restApiId"]


def answers(cloud, api_id):
    """What callers of all kinds are told."""
    cloud.apigateway.create_deployment(restApiId=api_id, stageName="prod")
    json_type = ("Content-Type", "application/json")
    good = [json_type, ("Authorization", "valid-token"), ("X-Need", "1")]
    calls = [
        ("GET", "/mock", [], None),
        ("GET", "/none", [], None),
        ("POST", "/pets/1", [json_type], "{}"),
        ("POST", "/pets/1", [json_type, ("Authorization", "other")], "{}"),
        ("POST", "/pets/1", good[:2], '{"name": "a"}'),
        ("POST", "/pets/1", good, "{}"),
        ("POST", "/pets/1", good, '{"name": "a"}'),
    ]
    out = []
    for method, path, headers, body in calls:
        answer = cloud.server.request(method, f"/_aws/execute-api/{api_id}/prod{path}", headers, body)
        told = answer.json.get("pathParameters", answer.json) if isinstance(answer.json, dict) else answer.json
        out.append((answer.status, told))
    return out


def test_imported_and_made_by_calls_are_the_same(cloud, functions):
    imported = cloud.apigateway.import_rest_api(body=json.dumps(document(functions)), failOnWarnings=True)
    assert (imported["name"], imported["version"]) == ("shop", "1")
    told = answers(cloud, imported["id"])
    assert told == answers(cloud, by_calls(cloud, functions))
    assert [status for status, _ in told] == [200, 403, 418, 403, 400, 400, 200], told
    assert told[0][1] == {"made": True} and told[-1][1] == {"id": "1"}


@pytest.mark.parametrize("export_type", ["oas30", "swagger"])
@pytest.mark.parametrize("accepts", ["application/json", "application/yaml"])
def test_an_export_comes_in_again(cloud, functions, export_type, accepts):
    first = cloud.apigateway.import_rest_api(body=json.dumps(document(functions)))["id"]
    expected = answers(cloud, first)
    exported = cloud.apigateway.get_export(
        restApiId=first, stageName="prod", exportType=export_type, parameters={"extensions": "apigateway"}, accepts=accepts
    )
    ending = "json" if accepts.endswith("json") else "yaml"
    assert exported["contentDisposition"] == f'attachment; filename="{export_type}_1.{ending}"'
    body = exported["body"].read()
    assert answers(cloud, cloud.apigateway.import_rest_api(body=body, failOnWarnings=True)["id"]) == expected
    # Over itself it changes nothing.
    before = cloud.apigateway.get_resources(restApiId=first, embed=["methods"])["items"]
    cloud.apigateway.put_rest_api(restApiId=first, mode="overwrite", body=body)
    assert cloud.apigateway.get_resources(restApiId=first, embed=["methods"])["items"] == before


def test_a_refused_import_changes_nothing(cloud, functions):
    from botocore.exceptions import ClientError

    api = cloud.apigateway.import_rest_api(body=json.dumps(document(functions)))["id"]
    before = cloud.apigateway.get_resources(restApiId=api, embed=["methods"])["items"]
    broken = document(functions)
    broken["paths"]["/mock"]["get"]["security"] = [{"typo": []}]
    del broken["paths"]["/pets/{id}"]
    with pytest.raises(ClientError) as refused:
        cloud.apigateway.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(broken))
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    assert "the security scheme 'typo' is not defined" in refused.value.response["Error"]["Message"]
    for bad in (b"{", b"[]", b"&a [" + b"*a," * 3 + b"]", b"[" * 1000, b'{"openapi":"3.0.0","a":1,"a":2}'):
        with pytest.raises(ClientError) as refused:
            cloud.apigateway.put_rest_api(restApiId=api, mode="overwrite", body=bad)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400, bad
    unknown = {**document(functions), "x-amazon-apigateway-speed": 1}
    with pytest.raises(ClientError) as refused:
        cloud.apigateway.import_rest_api(body=json.dumps(unknown))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "x-amazon-apigateway-speed" in refused.value.response["Error"]["Message"]
    assert cloud.apigateway.get_resources(restApiId=api, embed=["methods"])["items"] == before


def test_roles_in_a_document_have_to_be_passed(cloud, functions):
    from botocore.exceptions import ClientError

    role = cloud.make_role()
    text = document(functions)
    text["paths"]["/pets/{id}"]["post"]["x-amazon-apigateway-integration"]["credentials"] = role
    _, key = cloud.make_user(allow("apigateway:*"))
    with pytest.raises(ClientError) as refused:
        cloud.as_key(key).apigateway.import_rest_api(body=json.dumps(text))
    assert "iam:PassRole" in refused.value.response["Error"]["Message"]
    _, key = cloud.make_user(allow("apigateway:*", "iam:PassRole"))
    assert cloud.as_key(key).apigateway.import_rest_api(body=json.dumps(text))["id"]


def http_document(functions, path):
    return f"""
openapi: 3.0.1
info: {{title: http, version: "1"}}
paths:
  {path}:
    get:
      x-amazon-apigateway-integration:
        {{type: aws_proxy, httpMethod: POST, payloadFormatVersion: "2.0", uri: "{functions["echo"]}"}}
x-amazon-apigateway-cors: {{allowOrigins: ["https://a.example"]}}
"""


def test_http_apis_are_imported_and_exported(cloud, functions):
    client = cloud.apigatewayv2
    made = client.import_api(Body=http_document(functions, "/a/{id}"), FailOnWarnings=True)
    api = made["ApiId"]
    assert made["Name"] == "http" and made["CorsConfiguration"]["AllowOrigins"] == ["https://a.example"]
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)

    def get(path):
        return cloud.server.request("GET", f"/_aws/execute-api/{api}{path}", [], None)

    answer = get("/a/7")
    assert answer.status == 200 and answer.json["pathParameters"] == {"id": "7"}, answer
    client.reimport_api(ApiId=api, Body=http_document(functions, "/b"))
    assert get("/b").status == 200 and get("/a/7").status == 404, "a stage that deploys by itself serves the new API"
    exported = client.export_api(ApiId=api, Specification="OAS30", OutputType="JSON")["body"].read()
    assert list(json.loads(exported)["paths"]) == ["/b"]
    routes = client.get_routes(ApiId=api)["Items"]
    client.reimport_api(ApiId=api, Body=exported.decode())
    assert client.get_routes(ApiId=api)["Items"] == routes


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_command_line_reads_and_writes_files(cloud, functions, version, tmp_path):
    program = aws_versions().get(version)
    if not program:
        pytest.skip(f"version {version} of the aws command line is not installed")
    write_files(tmp_path, {"api.json": json.dumps(document(functions)), "http.yaml": http_document(functions, "/a")})

    def run(*arguments):
        command = [program, "--endpoint-url", cloud.endpoint, "--output", "json", *arguments]
        return run_tool(command, cloud, tmp_path).stdout

    api = json.loads(run("apigateway", "import-rest-api", "--body", "fileb://api.json", "--fail-on-warnings"))["id"]
    run("apigateway", "put-rest-api", "--rest-api-id", api, "--mode", "merge", "--body", "fileb://api.json")
    run("apigateway", "create-deployment", "--rest-api-id", api, "--stage-name", "prod")
    stage = ["--rest-api-id", api, "--stage-name", "prod", "--export-type", "oas30"]
    run("apigateway", "get-export", *stage, "--parameters", "extensions=apigateway", "--accepts", "application/yaml", "out.yaml")
    assert "x-amazon-apigateway-authorizer" in (tmp_path / "out.yaml").read_text()
    made = json.loads(run("apigatewayv2", "import-api", "--body", "file://http.yaml"))["ApiId"]
    run("apigatewayv2", "export-api", "--api-id", made, "--specification", "OAS30", "--output-type", "YAML", "http-out.yaml")
    assert "payloadFormatVersion" in (tmp_path / "http-out.yaml").read_text()


ALONE = """
openapi: 3.0.1
info: {title: alone, version: "1"}
paths:
  /ping:
    get:
      responses: {"200": {description: pong}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: "200", responseTemplates: {application/json: '{"pong": true}'}}}
  /hello:
    get:
      security: [{tok: []}]
      x-sallyport-function: {handler: app.handler, runtime: python3.12, codeUri: ./src, environment: {WHO: world}}
components:
  securitySchemes:
    tok:
      type: apiKey
      name: Authorization
      in: header
      x-sallyport-function: {handler: auth.handler, runtime: python3.12, codeUri: ./src}
      x-amazon-apigateway-authorizer: {type: token}
"""
HELLO = """
import os

def handler(event, context):
    return {"statusCode": 200, "body": "hello " + os.environ["WHO"]}
"""


def test_a_document_by_itself_is_served(tmp_path):
    folder = write_files(tmp_path, {"openapi.yaml": ALONE, "src/app.py": HELLO, "src/auth.py": AUTHORIZER})
    with Server(folder / "openapi.yaml") as server:
        api = server.api("alone", "dev").id
        assert server.request("GET", f"/_aws/execute-api/{api}/dev/ping").json == {"pong": True}
        hello = f"/_aws/execute-api/{api}/dev/hello"
        assert server.request("GET", hello).status == 401
        assert server.request("GET", hello, [("Authorization", "other")]).status == 403
        answer = server.request("GET", hello, [("Authorization", "valid-token")])
        assert (answer.status, answer.body) == (200, b"hello world"), answer


def test_a_document_of_an_http_api_is_served(tmp_path):
    text = ALONE.replace("openapi: 3.0.1", "openapi: 3.0.1\nx-sallyport: {kind: HTTP}")
    function = "{handler: app.handler, runtime: python3.12, codeUri: ./src, environment: {WHO: world}}"
    text = text[: text.index("  /ping")] + f"  /hello: {{get: {{x-sallyport-function: {function}}}}}\n"
    folder = write_files(tmp_path, {"openapi.yaml": text, "src/app.py": HELLO})
    with Server(folder / "openapi.yaml") as server:
        api = server.routes()[0]["api_id"]
        answer = server.request("GET", f"/_aws/execute-api/{api}/hello")
        assert (answer.status, answer.body) == (200, b"hello world"), answer


def test_mistakes_of_a_document_are_told_with_their_lines(tmp_path):
    broken = ALONE.replace("[{tok: []}]", "[{other: []}]").replace("handler: auth.handler, ", "")
    folder = write_files(tmp_path, {"openapi.yaml": broken, "src/app.py": HELLO, "src/auth.py": AUTHORIZER})
    told = run_program("up", folder / "openapi.yaml", "--listen", "127.0.0.1:0")
    assert told.returncode == 1 and "openapi.yaml:22:" in told.stderr and "a function needs `handler`" in told.stderr, told
    write_files(tmp_path, {"openapi.yaml": ALONE.replace("[{tok: []}]", "[{other: []}]")})
    told = run_program("up", folder / "openapi.yaml", "--listen", "127.0.0.1:0")
    assert told.returncode == 1 and "openapi.yaml:14:" in told.stderr and "'other' is not defined" in told.stderr, told
