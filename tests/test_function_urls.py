"""Function URLs: who gets in, what the function is told, what the client gets. The function must not have run where nobody was let in."""

import base64
import json

import pytest

from aws import Cloud, allow, open_url, presigned, ran, signed

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
MAY_CALL = allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


@pytest.fixture(scope="module")
def cloud(module_server):
    return Cloud(module_server)


@pytest.fixture
def calls(tmp_path):
    return tmp_path / "calls"


@pytest.fixture
def name(request):
    return "f-" + request.node.name.split("[")[0].replace("_", "-")[:50]


def expect_forbidden(answer, calls):
    assert (answer.status, answer.json) == (403, {"Message": FORBIDDEN}), answer
    assert answer.header("x-amzn-ErrorType") == "AccessDeniedException"
    assert ran(calls) == 0, "the function ran"


def test_signed_by_someone_who_may(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    arn, key = cloud.make_user(MAY_CALL)
    answer = url.call("/a/b%20c?x=1&x=2&y=%C3%BC", "POST", {"Content-Type": "application/json", "Cookie": "a=1; b=2"}, '{"k":1}', key)
    assert answer.status == 200, answer
    event = answer.json
    assert event["version"] == "2.0" and event["routeKey"] == "$default"
    assert event["rawPath"] == "/a/b%20c" and event["rawQueryString"] == "x=1&x=2&y=%C3%BC"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "ü"}
    assert event["cookies"] == ["a=1", "b=2"] and "cookie" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"k":1}', False)
    context = event["requestContext"]
    assert context["apiId"] == url.id and context["domainPrefix"] == url.id
    assert context["http"]["method"] == "POST" and context["http"]["path"] == "/a/b%20c"
    iam = context["authorizer"]["iam"]
    assert (iam["userArn"], iam["accessKey"], iam["accountId"]) == (arn, key[0], "123456789012")
    assert "authorization" not in event["headers"]
    assert context["requestId"] == answer.header("x-amzn-RequestId")


def test_by_host_as_printed(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name, "NONE")
    host = url.url.split("//")[1].strip("/")
    answer = cloud.server.request("GET", "/path?q=1", {"Host": host})
    assert answer.status == 200, answer
    assert answer.json["rawPath"] == "/path"
    assert answer.json["requestContext"]["accountId"] == "anonymous"
    assert "authorizer" not in answer.json["requestContext"] and "body" not in answer.json


def test_unsigned_is_forbidden(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    expect_forbidden(url.call(), calls)
    expect_forbidden(url.call(method="POST", body="x" * 100_000), calls)


def test_signed_without_permission_is_forbidden(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    arn, key = cloud.make_user()
    answer = url.call(key=key)
    expect_forbidden(answer, calls)
    told = cloud.server.explain(answer)
    assert told["caller"] == arn and told["function_ran"] is False
    assert f"{arn} is not authorized to perform: lambda:InvokeFunctionUrl" in told["answer"]["why"]


@pytest.mark.parametrize("action", ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"])
def test_one_of_the_two_permissions_is_not_enough(cloud, calls, name, action):
    cloud.make_function(name + action[-3:].lower(), calls)
    url = cloud.make_url(name + action[-3:].lower())
    _, key = cloud.make_user(allow(action))
    expect_forbidden(url.call(key=key), calls)


def test_conditions_of_both_permissions(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunctionUrl",
                "Resource": "*",
                "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
            },
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": "*",
                "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
            },
        ],
    }
    _, key = cloud.make_user(policy)
    assert url.call(key=key).status == 200
    # The same user may not invoke the function past its URL.
    other = cloud.as_key(key)
    with pytest.raises(Exception, match="AccessDeniedException"):
        other.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert ran(calls) == 1


def test_an_explicit_deny_wins(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    policy = allow("lambda:*")
    policy["Statement"].append({"Effect": "Deny", "Action": "lambda:InvokeFunctionUrl", "Resource": "*"})
    _, key = cloud.make_user(policy)
    expect_forbidden(url.call(key=key), calls)


def test_another_account_needs_both_sides(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    other = cloud.as_key(("210987654321", "test", None))
    arn, key = other.make_user(MAY_CALL)
    expect_forbidden(url.call(key=key), calls)
    client = cloud.client("lambda")
    client.add_permission(
        FunctionName=name, StatementId="a", Action="lambda:InvokeFunctionUrl", Principal=arn, FunctionUrlAuthType="AWS_IAM"
    )
    client.add_permission(
        FunctionName=name, StatementId="b", Action="lambda:InvokeFunction", Principal=arn, InvokedViaFunctionUrl=True
    )
    assert url.call(key=key).status == 200
    _, without_policy = other.make_user()
    assert url.call(key=without_policy).status == 403
    assert ran(calls) == 1


def test_bad_signatures(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    _, key = cloud.make_user(MAY_CALL)
    wrong_secret = url.call(key=(key[0], "not the secret", None))
    assert (wrong_secret.status, wrong_secret.header("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
    assert wrong_secret.json["message"].startswith("The request signature we calculated does not match")
    assert "Canonical String" not in wrong_secret.json["message"]
    unknown = url.call(key=("AKIAQQQQQQQQQQQQQQQQ", "x", None))
    assert (unknown.status, unknown.header("x-amzn-ErrorType")) == (403, "UnrecognizedClientException")
    assert url.call(key=key, service="execute-api").status == 403
    assert url.call(key=key, region="eu-west-1").status == 403
    target = url.path_form + "/"
    pairs = signed(cloud, "POST", target, {}, "one", key, "lambda")
    assert cloud.server.request("POST", target, pairs, "two").status == 403, "another body"
    assert ran(calls) == 0
    told = cloud.server.explain(wrong_secret)
    assert told["signature"]["canonical_request"].startswith("GET\n")


def test_presigned(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name)
    _, key = cloud.make_user(MAY_CALL)
    target = presigned(cloud, "GET", url.path_form + "/?a=1", key, "lambda")
    assert cloud.server.request("GET", target).status == 200
    assert cloud.server.request("GET", target.replace("a=1", "a=2")).status == 403


def test_open_url_needs_the_functions_policy(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name, "NONE", public=False)
    expect_forbidden(url.call(), calls)
    open_url(cloud, name)
    assert url.call().status == 200


def test_unknown_url(cloud):
    answer = cloud.server.request("GET", "/_aws/lambda-url/" + "q" * 32 + "/")
    assert (answer.status, answer.json) == (403, {"Message": None})


RETURNS = """
import json

def handler(event, context):
    value = json.loads(event["body"])
    if value == "raise":
        raise ValueError("boom")
    return value
"""


@pytest.mark.parametrize(
    "returned, status, body, headers",
    [
        ({"statusCode": "418", "body": "tea"}, 418, b"tea", {"content-type": "application/json"}),
        ({"statusCode": 200, "cookies": ["a=1; Secure", "b=2"]}, 200, b"", {"set-cookie": "a=1; Secure"}),
        ({"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(b"\x00\xff").decode()}, 200, b"\x00\xff", {}),
        ({"statusCode": 201, "headers": {"X-A": "b", "WWW-Authenticate": "c"}}, 201, b"", {"x-amzn-Remapped-www-authenticate": "c"}),
        ("hello", 200, b"hello", {}),
        (["hello", 3, True], 200, b'["hello",3,true]', {}),
        ({"hello": "world"}, 200, b'{"hello":"world"}', {}),
        ({"statusCode": 99}, 502, b"Internal Server Error", {}),
        ({"statusCode": 101}, 502, b"Internal Server Error", {}),
        ({"statusCode": 200, "headers": {"X": "a\nb"}}, 502, b"Internal Server Error", {}),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "%"}, 502, b"Internal Server Error", {}),
        ("raise", 502, b"Internal Server Error", {}),
    ],
)
def test_what_comes_back(returning, returned, status, body, headers):
    answer = returning.call("/", "POST", {"Content-Type": "application/json"}, json.dumps(returned))
    assert (answer.status, answer.body) == (status, body), answer
    for header, value in headers.items():
        assert answer.header(header) == value


@pytest.fixture(scope="module")
def returning(cloud, tmp_path_factory):
    cloud.make_function("returning", tmp_path_factory.mktemp("r") / "calls", RETURNS)
    return cloud.make_url("returning", "NONE")


def test_cors(cloud, calls, name):
    cloud.make_function(name, calls)
    cors = {"AllowOrigins": ["https://app.example.com"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["x-a"], "MaxAge": 60}
    url = cloud.make_url(name, Cors=cors)
    preflight = url.call(method="OPTIONS", headers={"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"})
    assert preflight.status == 200 and preflight.header("Access-Control-Allow-Origin") == "https://app.example.com"
    assert preflight.header("Access-Control-Max-Age") == "60"
    other = url.call(method="OPTIONS", headers={"Origin": "https://other.example", "Access-Control-Request-Method": "GET"})
    assert other.header("Access-Control-Allow-Origin") is None
    assert ran(calls) == 0, "a preflight ran the function"
    _, key = cloud.make_user(MAY_CALL)
    answer = url.call(headers={"Origin": "https://app.example.com"}, key=key)
    assert answer.status == 200 and answer.header("Access-Control-Allow-Origin") == "https://app.example.com"


def test_a_large_body(cloud, calls, name):
    cloud.make_function(name, calls)
    url = cloud.make_url(name, "NONE")
    answer = url.call("/", "POST", {"Content-Type": "text/plain"}, "x" * 6_291_457)
    assert (answer.status, answer.header("x-amzn-ErrorType")) == (413, "RequestEntityTooLargeException")
    assert ran(calls) == 0


def test_an_alias_has_its_own_url_and_policy(cloud, calls, name):
    cloud.make_function(name, calls, Publish=True)
    client = cloud.client("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    url = cloud.make_url(name, Qualifier="live")
    arn, key = cloud.make_user(allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction", resource=f"arn:aws:lambda:*:*:function:{name}:live"))
    assert url.call(key=key).status == 200
    _, unqualified = cloud.make_user(
        allow("lambda:InvokeFunctionUrl", "lambda:InvokeFunction", resource=f"arn:aws:lambda:*:*:function:{name}")
    )
    assert url.call(key=unqualified).status == 403
    client.delete_alias(FunctionName=name, Name="live")
    assert url.call(key=key).status == 403
    assert ran(calls) == 1


def test_a_deny_on_the_functions_tags(cloud, calls, name):
    cloud.make_function(name, calls, Tags={"env": "prod"})
    url = cloud.make_url(name)
    policy = allow("lambda:*")
    policy["Statement"].append(
        {"Effect": "Deny", "Action": "lambda:InvokeFunctionUrl", "Resource": "*", "Condition": {"StringEquals": {"aws:ResourceTag/env": "prod"}}}
    )
    _, key = cloud.make_user(policy)
    expect_forbidden(url.call(key=key), calls)
