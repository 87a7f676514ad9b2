"""API keys and usage plans: who is let in, how fast and how often, and what is known of it after a restart."""

import datetime
import uuid

import pytest

from aws import Cloud
from conftest import Server

FORBIDDEN = {"message": "Forbidden"}


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


class KeyedApi:
    """GET /key asks for a key, GET /open does not. Both are answered by the gateway itself."""

    def __init__(self, cloud, **more):
        self.cloud, ag = cloud, cloud.apigateway
        self.id = ag.create_rest_api(name="keys-" + uuid.uuid4().hex[:8], **more)["id"]
        root = ag.get_resources(restApiId=self.id)["items"][0]["id"]
        for path in ("key", "open"):
            resource = ag.create_resource(restApiId=self.id, parentId=root, pathPart=path)["id"]
            place = {"restApiId": self.id, "resourceId": resource, "httpMethod": "GET"}
            shown = ag.put_method(**place, authorizationType="NONE", apiKeyRequired=path == "key")
            assert shown["apiKeyRequired"] == (path == "key")
            ag.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
            ag.put_method_response(**place, statusCode="200")
            template = '{"key":"$context.identity.apiKey","id":"$context.identity.apiKeyId"}'
            ag.put_integration_response(**place, statusCode="200", responseTemplates={"application/json": template})
        ag.create_deployment(restApiId=self.id, stageName="dev")

    def plan(self, keys=(), **more):
        stages = [{"apiId": self.id, "stage": "dev", **more.pop("stage", {})}]
        plan = self.cloud.apigateway.create_usage_plan(name="plan-" + uuid.uuid4().hex[:8], apiStages=stages, **more)["id"]
        for key in keys:
            self.cloud.apigateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
        return plan

    def get(self, key=None, path="key", header="x-api-key"):
        headers = [(header, key["value"] if isinstance(key, dict) else key)] if key else []
        return self.cloud.server.request("GET", f"/_aws/execute-api/{self.id}/dev/{path}", headers)


def new_key(cloud, **more):
    return cloud.apigateway.create_api_key(**{"name": "k", "enabled": True, **more})


def test_only_a_key_of_this_stage(cloud):
    api = KeyedApi(cloud)
    good, unplanned, disabled = new_key(cloud), new_key(cloud), new_key(cloud, enabled=False)
    api.plan([good, disabled])
    answer = api.get(good, header="X-API-KEY")
    assert (answer.status, answer.json) == (200, {"key": good["value"], "id": good["id"]})
    for key in (None, "nope", unplanned, disabled, good["value"][:-1]):
        refused = api.get(key)
        assert (refused.status, refused.json) == (403, FORBIDDEN), key
        assert refused.header("x-amzn-ErrorType") == "ForbiddenException"
    assert api.get(path="open").json == {"key": "", "id": ""}
    change = [{"op": "replace", "path": "/enabled", "value": "false"}]
    cloud.apigateway.update_api_key(apiKey=good["id"], patchOperations=change)
    assert api.get(good).status == 403, "at once"


def test_rates(cloud):
    api = KeyedApi(cloud)
    one, other = new_key(cloud), new_key(cloud)
    api.plan([one, other], throttle={"rateLimit": 0.01, "burstLimit": 3})
    assert [api.get(one).status for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = api.get(one)
    assert refused.json == {"message": "Too Many Requests"} and refused.header("x-amzn-ErrorType") == "TooManyRequestsException"
    assert refused.header("Retry-After") is None
    assert api.get(other).status == 200, "each key has its own"


def test_rates_of_one_method(cloud):
    api = KeyedApi(cloud)
    key = new_key(cloud)
    limits = {"throttle": {"/key/GET": {"rateLimit": 0.01, "burstLimit": 1}}}
    plan = api.plan([key], throttle={"rateLimit": 100, "burstLimit": 100}, stage=limits)
    assert cloud.apigateway.get_usage_plan(usagePlanId=plan)["apiStages"][0]["throttle"]["/key/GET"]["burstLimit"] == 1
    assert [api.get(key).status for _ in range(3)] == [200, 429, 429]


def usage_of(cloud, plan, key):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    dates = {"startDate": str(today - datetime.timedelta(days=1)), "endDate": str(today)}
    return cloud.apigateway.get_usage(usagePlanId=plan, keyId=key["id"], **dates)["items"][key["id"]]


def test_quotas(cloud):
    api = KeyedApi(cloud)
    key = new_key(cloud)
    plan = api.plan([key], quota={"limit": 2, "period": "MONTH"})
    assert [api.get(key).status for _ in range(4)] == [200, 200, 429, 429]
    refused = api.get(key)
    assert refused.json == {"message": "Limit Exceeded"} and refused.header("x-amzn-ErrorType") == "LimitExceededException"
    assert usage_of(cloud, plan, key)[-1] == [2, 0], "what is refused uses nothing"
    change = [{"op": "replace", "path": "/remaining", "value": "1"}]
    told = cloud.apigateway.update_usage(usagePlanId=plan, keyId=key["id"], patchOperations=change)
    assert told["items"][key["id"]] == [[2, 1]]
    assert [api.get(key).status for _ in range(2)] == [200, 429]
    assert usage_of(cloud, plan, key)[-1] == [3, 0]


def test_a_key_is_in_one_plan_of_a_stage(cloud):
    api = KeyedApi(cloud)
    key = new_key(cloud)
    api.plan([key])
    other = api.plan()
    with pytest.raises(cloud.apigateway.exceptions.ConflictException):
        cloud.apigateway.create_usage_plan_key(usagePlanId=other, keyId=key["id"], keyType="API_KEY")


def test_keys_from_a_file(cloud):
    api = KeyedApi(cloud)
    plan = api.plan()
    value = uuid.uuid4().hex
    file = f"Name,Key,Enabled,UsageplanIds\nfirst,{value},true,{plan}\nbad,short,true,\n"
    made = cloud.apigateway.import_api_keys(format="csv", body=file.encode())
    assert len(made["ids"]) == 1 and "line 3" in made["warnings"][0]
    assert api.get(value).status == 200


def test_what_was_used_outlives_a_restart(tmp_path):
    data = tmp_path / "data"
    with Server("--data", data, command="serve") as server:
        cloud = Cloud(server)
        api = KeyedApi(cloud)
        key = new_key(cloud)
        plan = api.plan([key], quota={"limit": 3, "period": "MONTH"})
        assert [api.get(key).status for _ in range(2)] == [200, 200]
    with Server("--data", data, command="serve") as server:
        cloud = Cloud(server)
        api.cloud = cloud
        assert usage_of(cloud, plan, key)[-1] == [2, 1]
        assert [api.get(key).status for _ in range(2)] == [200, 429]
