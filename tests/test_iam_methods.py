"""AWS_IAM on REST methods: signatures, policies of both sides, and what function and caller are told."""

import json

import pytest

from aws import ACCOUNT, Cloud, allow, ran, signed


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture(scope="module")
def api(cloud, tmp_path_factory):
    return IamApi(cloud, tmp_path_factory.mktemp("api") / "calls")


class IamApi:
    """POST /my-lambda with AWS_IAM."""

    def __init__(self, cloud, calls, name="iam-api", policy=None):
        self.cloud, self.calls = cloud, calls
        arn = cloud.make_function(name, calls)

        def method(api_id):
            cloud.client("lambda").add_permission(
                FunctionName=name,
                StatementId="gateway",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:aws:execute-api:{cloud.region}:{ACCOUNT}:{api_id}/*/POST/my-lambda",
            )
            if policy:
                operations = [{"op": "replace", "path": "/policy", "value": json.dumps(policy)}]
                cloud.apigateway.update_rest_api(restApiId=api_id, patchOperations=operations)
            return {"authorizationType": "AWS_IAM"}, arn

        self.id = cloud.make_api(method, name)
        self.target = f"/_aws/execute-api/{self.id}/prod/my-lambda"

    def call(self, key=None, body='{"key1": "value1"}', service="execute-api", headers=None, region=None):
        pairs = headers or {"Content-Type": "application/json"}
        if key:
            pairs = signed(self.cloud, "POST", self.target, pairs, body, key, service, region)
        before = ran(self.calls)
        answer = self.cloud.server.request("POST", self.target, pairs, body)
        assert (answer.status == 200) == (ran(self.calls) == before + 1), "the function runs for those who are let in, and for nobody else"
        return answer


def test_a_caller_who_may(api, cloud):
    arn, key = cloud.make_user(allow("execute-api:Invoke", resource=f"arn:aws:execute-api:*:*:{api.id}/prod/POST/my-lambda"))
    answer = api.call(key)
    assert answer.status == 200, answer
    identity = answer.json["requestContext"]["identity"]
    user_id = cloud.iam.get_user(UserName=arn.split("/")[1])["User"]["UserId"]
    assert (identity["userArn"], identity["accessKey"], identity["accountId"]) == (arn, key[0], ACCOUNT)
    assert (identity["caller"], identity["user"]) == (user_id, user_id)
    assert "Authorization" not in answer.json["headers"] and answer.json["body"] == '{"key1": "value1"}'


def test_unsigned_and_unreadable(api):
    answer = api.call()
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})
    assert answer.header("x-amzn-ErrorType") == "MissingAuthenticationTokenException"
    bearer = api.call(headers={"Authorization": "Bearer abc"})
    assert (bearer.status, bearer.header("x-amzn-ErrorType")) == (403, "IncompleteSignatureException")


def test_signatures_that_do_not_hold(api, cloud):
    _, key = cloud.make_user(allow("execute-api:Invoke"))
    wrong = api.call((key[0], "not the secret", None))
    assert (wrong.status, wrong.header("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
    assert "The Canonical String for this request should have been" in wrong.json["message"]
    assert api.call(key, service="lambda").status == 403
    assert api.call(key, region="eu-west-1").status == 403
    unknown = api.call(("AKIAQQQQQQQQQQQQQQQQ", "x", None))
    assert (unknown.status, unknown.header("x-amzn-ErrorType")) == (403, "UnrecognizedClientException")
    assert unknown.json == {"message": "The security token included in the request is invalid."}
    told = cloud.server.explain(wrong)
    assert told["signature"]["string_to_sign"].startswith("AWS4-HMAC-SHA256\n")


def test_a_caller_who_may_not(api, cloud):
    arn, key = cloud.make_user()
    answer = api.call(key)
    masked = f"arn:aws:execute-api:us-east-1:********9012:{api.id}/prod/POST/my-lambda"
    assert answer.json == {
        "Message": f"User: {arn} is not authorized to perform: execute-api:Invoke on resource: {masked} "
        "because no identity-based policy allows the execute-api:Invoke action"
    }
    assert answer.header("x-amzn-ErrorType") == "AccessDeniedException"
    told = cloud.server.explain(answer)
    assert told["caller"] == arn and told["integration_called"] is False


def test_an_explicit_deny_wins(api, cloud):
    policy = allow("*")
    policy["Statement"].append({"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"})
    _, key = cloud.make_user(policy)
    answer = api.call(key)
    assert answer.status == 403 and answer.json["Message"].endswith("with an explicit deny in an identity-based policy")


def test_a_role_session_and_its_limits(api, cloud):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
    role = cloud.make_role(policy=allow("execute-api:Invoke"), trust=trust)
    _, user_key = cloud.make_user(allow("sts:AssumeRole"))
    sts = cloud.as_key(user_key).sts

    def assume(**more):
        made = sts.assume_role(RoleArn=role, RoleSessionName="session", **more)["Credentials"]
        return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]

    answer = api.call(assume())
    assert answer.status == 200
    assert answer.json["requestContext"]["identity"]["userArn"].endswith(f"assumed-role/{role.split('/')[1]}/session")
    limited = assume(Policy=json.dumps(allow("logs:*")))
    assert api.call(limited).json["Message"].endswith("because no session policy allows the execute-api:Invoke action")
    whole = assume()
    assert api.call((whole[0], whole[1], None)).status == 403, "without its token"
    assert api.call((whole[0], whole[1], "other")).status == 403, "with another token"


def test_a_deleted_user_is_nobody(api, cloud):
    arn, key = cloud.make_user(allow("execute-api:Invoke"))
    name = arn.split("/")[1]
    assert api.call(key).status == 200
    cloud.iam.update_access_key(UserName=name, AccessKeyId=key[0], Status="Inactive")
    assert api.call(key).status == 403
    cloud.iam.update_access_key(UserName=name, AccessKeyId=key[0], Status="Active")
    assert api.call(key).status == 200
    cloud.iam.delete_user_policy(UserName=name, PolicyName="inline")
    assert api.call(key).status == 403


def test_resource_policy_of_the_same_account(cloud, tmp_path):
    arn, named = cloud.make_user()
    _, silent = cloud.make_user()
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}],
    }
    api = IamApi(cloud, tmp_path / "calls", "policy-api", policy)
    assert api.call(named).status == 200, "the API's policy alone lets in whom it names"
    assert api.call(silent).status == 403
    _, allowed = cloud.make_user(allow("execute-api:Invoke"))
    assert api.call(allowed).status == 200, "so does the caller's own"


def test_another_account_needs_both_sides(cloud, tmp_path):
    other = cloud.as_key(("210987654321", "test", None))
    _, key = other.make_user(allow("execute-api:Invoke"))
    _, without = other.make_user()
    closed = IamApi(cloud, tmp_path / "closed", "closed-api")
    assert closed.call(key).status == 403
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        ],
    }
    opened = IamApi(cloud, tmp_path / "opened", "opened-api", policy)
    assert opened.call(key).status == 200
    assert opened.call(without).status == 403


def test_a_role_is_passed_on_with_permission_alone(cloud):
    """Whoever lets API Gateway act as a role has to be allowed to pass that role on."""
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = cloud.make_role(policy=allow("lambda:InvokeFunction"), trust=trust)
    _, key = cloud.make_user(allow("apigateway:*"))
    gateway = cloud.as_key(key).apigateway
    api_id = gateway.create_rest_api(name="passing")["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    place = {"restApiId": api_id, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**place, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:{ACCOUNT}:function:x/invocations"
    with pytest.raises(Exception, match="iam:PassRole"):
        gateway.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, credentials=role)
    with pytest.raises(Exception, match="iam:PassRole"):
        gateway.create_authorizer(
            restApiId=api_id, name="a", type="TOKEN", authorizerUri=uri, authorizerCredentials=role, identitySource="method.request.header.A"
        )


def test_an_apis_policy_is_written_with_permission_of_its_own(cloud):
    policy = allow("apigateway:*")
    policy["Statement"].append({"Effect": "Deny", "Action": "apigateway:UpdateRestApiPolicy", "Resource": "*"})
    _, key = cloud.make_user(policy)
    gateway = cloud.as_key(key).apigateway
    api_id = gateway.create_rest_api(name="policied")["id"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}]})
    with pytest.raises(Exception, match="UpdateRestApiPolicy"):
        gateway.update_rest_api(restApiId=api_id, patchOperations=[{"op": "replace", "path": "/policy", "value": document}])


def test_limits_that_are_no_numbers_are_refused(cloud, tmp_path):
    api = IamApi(cloud, tmp_path / "calls", "limits-api")
    for path in ("/*/*/throttling/rateLimit", "/*/*/throttling/burstLimit"):
        for value in ("nan", "inf", "-nan", "1e999"):
            with pytest.raises(Exception, match="Invalid patch value"):
                cloud.apigateway.update_stage(
                    restApiId=api.id, stageName="prod", patchOperations=[{"op": "replace", "path": path, "value": value}]
                )
