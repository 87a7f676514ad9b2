"""HTTP integrations without proxy, bodies between text and binary, and answers that stages keep, through the APIs of AWS."""

import base64
import json
import uuid

import pytest

import backend
from aws import Cloud


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def port():
    with backend.running() as port:
        yield port


class MappedApi:
    """ANY of a verb at /b/{id}, behind HTTP without proxy."""

    def __init__(self, cloud, port, verb="POST", responses=({"statusCode": "200"},), binary=(), **integration):
        self.cloud, self.verb, ag = cloud, verb, cloud.apigateway
        self.id = ag.create_rest_api(name="mapped-" + uuid.uuid4().hex[:8], binaryMediaTypes=list(binary))["id"]
        root = ag.get_resources(restApiId=self.id)["items"][0]["id"]
        folder = ag.create_resource(restApiId=self.id, parentId=root, pathPart="b")["id"]
        resource = ag.create_resource(restApiId=self.id, parentId=folder, pathPart="{id}")["id"]
        self.place = {"restApiId": self.id, "resourceId": resource, "httpMethod": verb}
        ag.put_method(**self.place, authorizationType="NONE")
        self.integration = ag.put_integration(
            **self.place, type="HTTP", integrationHttpMethod=verb, uri=f"http://127.0.0.1:{port}/there/{{id}}", **integration
        )
        for response in responses:
            headers = {name: False for name in response.get("responseParameters", {})}
            ag.put_method_response(**self.place, statusCode=response["statusCode"], responseParameters=headers)
            ag.put_integration_response(**self.place, **response)
        ag.create_deployment(restApiId=self.id, stageName="dev")

    def call(self, path="/b/7", headers=None, body=None):
        return self.cloud.server.request(self.verb, f"/_aws/execute-api/{self.id}/dev{path}", headers or {}, body)


def test_the_backend_sees_what_is_mapped(cloud, port):
    api = MappedApi(
        cloud,
        port,
        requestTemplates={"application/json": '{"name": $input.json("$.name")}'},
        requestParameters={
            "integration.request.header.X-From": "method.request.header.X-Client",
            "integration.request.querystring.q": "method.request.querystring.in",
        },
    )
    answer = api.call("/b/7?in=a&other=b", {"Content-Type": "application/json", "X-Client": "c", "X-Other": "o"}, '{"name": "Rex"}')
    assert answer.status == 200, answer
    told = answer.json
    headers = {name.lower(): value for name, value in told["headers"]}
    assert (told["method"], told["target"], told["body"]) == ("POST", "/there/7?q=a", '{"name": "Rex"}')
    assert headers["x-from"] == "c" and "x-other" not in headers
    assert headers["accept"] == "application/json" and headers["user-agent"] == f"AmazonAPIGateway_{api.id}"


def test_the_status_selects_the_response(cloud, port):
    responses = (
        {"statusCode": "200", "responseTemplates": {"application/json": "fine"}},
        {
            "statusCode": "404",
            "selectionPattern": "4\\d{2}",
            "responseTemplates": {"application/json": "none"},
            "responseParameters": {"method.response.header.X-Type": "integration.response.header.Content-Type"},
        },
    )
    api = MappedApi(
        cloud, port, "GET", responses, requestParameters={"integration.request.header.X-Do": "method.request.header.X-Want"}
    )
    assert api.call(headers={"X-Want": "status 204"}).body == b"fine"
    gone = api.call(headers={"X-Want": "status 410"})
    assert (gone.status, gone.body, gone.header("X-Type")) == (404, b"none", "text/x-told")
    assert api.call(headers={"X-Want": "status 503"}).status == 200


def test_nobody_there(cloud):
    answer = MappedApi(cloud, 1, "GET").call()
    assert (answer.status, answer.json) == (504, {"message": "Network error communicating with endpoint"})


def test_bodies_between_text_and_binary(cloud, port):
    api = MappedApi(cloud, port, binary=["image/png"], contentHandling="CONVERT_TO_TEXT")
    assert api.integration["contentHandling"] == "CONVERT_TO_TEXT"
    sent = bytes([0, 1, 2, 255])
    assert api.call(headers={"Content-Type": "image/png"}, body=sent).json["body"] == base64.b64encode(sent).decode()
    change = [{"op": "replace", "path": "/contentHandling", "value": "CONVERT_TO_BINARY"}]
    cloud.apigateway.update_integration(**api.place, patchOperations=change)
    cloud.apigateway.create_deployment(restApiId=api.id, stageName="dev")
    answer = api.call(headers={"Content-Type": "text/plain"}, body=base64.b64encode(sent))
    assert answer.json["body"].encode("latin-1") == sent
    assert api.call(headers={"Content-Type": "text/plain"}, body="no base64!").status == 500


def test_answers_that_are_kept(cloud, port):
    responses = ({"statusCode": "200", "responseTemplates": {"application/json": "$context.requestId"}},)
    api = MappedApi(cloud, port, "GET", responses, cacheKeyParameters=["method.request.path.id"])
    assert api.call().body != api.call().body
    patch = [
        {"op": "replace", "path": "/cacheClusterEnabled", "value": "true"},
        {"op": "replace", "path": "/cacheClusterSize", "value": "0.5"},
        {"op": "replace", "path": "/*/*/caching/enabled", "value": "true"},
    ]
    stage = cloud.apigateway.update_stage(restApiId=api.id, stageName="dev", patchOperations=patch)
    assert (stage["cacheClusterEnabled"], stage["cacheClusterStatus"]) == (True, "AVAILABLE")
    first = api.call()
    assert api.call().body == first.body
    assert api.call("/b/8").body != first.body
    told = api.call(headers={"Cache-Control": "max-age=0"})
    assert told.body == first.body and told.header("Warning"), "nobody may ask past it"
    cloud.apigateway.flush_stage_cache(restApiId=api.id, stageName="dev")
    assert api.call().body != first.body
    patch = [{"op": "replace", "path": "/*/*/caching/requireAuthorizationForCacheControl", "value": "false"}]
    cloud.apigateway.update_stage(restApiId=api.id, stageName="dev", patchOperations=patch)
    kept = api.call()
    newer = api.call(headers={"Cache-Control": "max-age=0"})
    assert newer.body != kept.body and api.call().body == newer.body
