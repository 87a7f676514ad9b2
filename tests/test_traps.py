"""The traps AWS users fall into, each reproduced. The numbers are those of the list the project is written against; what concerns later
releases (Cognito, usage plans, function URLs) is missing.

Other files reproduce whole what these are about: 3 test_05 and test_06, 7 test_14 and test_15, 10 test_21 and test_22 (test_authorizers.py);
5 test_10 (test_authorizer_cache.py); 12 what_no_route_takes (test_gateway.py); 16 function_that_fails, 17 answers_that_keep and that_break
the contract, 18 base64_answer_is_decoded, 23 headers_a_function_sets (test_proxy_events.py).
"""

import base64
import hashlib

from clients import (
    answer_with,
    event_of,
    expect_broken_authorizer,
    expect_error,
    expect_explicit_deny,
    expect_forbidden,
    expect_implicit_deny,
    expect_not_found,
    expect_unauthorized,
    grant,
    policy,
    raising,
    statement,
)
from conftest import ROOT

SEED_HANDLER = """
def lambda_handler(event, context):
    token = event.get("headers", {}).get("Authorization")
    valid_tokens = ["valid-token-1", "valid-token-2"]
    effect = "Allow" if token in valid_tokens else "Deny"
    return {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Statement": [
        {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}]}}
"""
SEED_TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.11, Handler: app.lambda_handler}}
Resources:
  Authorizer: {Type: AWS::Serverless::Function, Properties: {CodeUri: authorizer/}}
  MyLambda:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: function/
      Events:
        Post: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /my-lambda, Method: post}}
        Get: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /my-lambda, Method: get}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      OpenApiVersion: '3.0.1'
      Auth:
        DefaultAuthorizer: Own
        Authorizers:
          Own:
            FunctionArn: !GetAtt Authorizer.Arn
            FunctionPayloadType: KIND
            Identity: IDENTITY
"""
OK_FUNCTION = 'def lambda_handler(event, context):\n    return {"statusCode": 200, "body": "in"}\n'


def seed_files(kind, identity, handler=SEED_HANDLER):
    return {
        "template.yaml": SEED_TEMPLATE.replace("KIND", kind).replace("IDENTITY", identity),
        "authorizer/app.py": handler,
        "function/app.py": OK_FUNCTION,
    }


def test_trap_01_the_seed_handler_denies_every_token_as_token_authorizer(serve_files):
    api = serve_files(seed_files("TOKEN", "{Header: Authorization}")).api()
    for token in ("valid-token-1", "valid-token-2", "wrong", "Bearer valid-token-1"):
        for _ in range(2):  # the second answer is a cached one
            expect_explicit_deny(api.call("/my-lambda", "POST", {"Authorization": token}))
    expect_unauthorized(api.call("/my-lambda", "POST"))


def test_trap_01_the_seed_handler_works_as_request_authorizer(serve_files):
    api = serve_files(seed_files("REQUEST", "{Headers: [Authorization], ReauthorizeEvery: 0}")).api()
    assert api.call("/my-lambda", "POST", {"Authorization": "valid-token-1"}).body == b"in"
    assert api.call("/my-lambda", "GET", {"authorization": "valid-token-2"}).body == b"in"
    expect_explicit_deny(api.call("/my-lambda", "POST", {"Authorization": "wrong"}))
    expect_unauthorized(api.call("/my-lambda", "POST"))


def test_trap_01_the_common_variant_dies_with_a_key_error(serve_files):
    variant = SEED_HANDLER.replace('event.get("headers", {}).get("Authorization")', 'event["headers"]["Authorization"]')
    server = serve_files(seed_files("TOKEN", "{Header: Authorization}", variant))
    mark = server.mark()
    expect_broken_authorizer(server.api().call("/my-lambda", "POST", {"Authorization": "valid-token-1"}))
    server.wait_for_text("[ERROR] KeyError: 'headers'", since=mark, kind="function")


def test_trap_01_the_shipped_handler_serves_both_kinds(serve_files):
    shipped = (ROOT / "examples/quickstart/authorizer/app.py").read_text()
    for kind, identity in [("TOKEN", "{ReauthorizeEvery: 0}"), ("REQUEST", "{Headers: [Authorization], ReauthorizeEvery: 0}")]:
        api = serve_files(seed_files(kind, identity, shipped)).api()
        assert api.call("/my-lambda", "POST", {"Authorization": "valid-token-1"}).body == b"in", kind
        expect_explicit_deny(api.call("/my-lambda", "POST", {"Authorization": "wrong"}))


def test_trap_02_the_token_is_verbatim(probe):
    for token in ("Bearer allow", "allow", "Basic YTpi", "a  b, c"):
        with probe.watch() as seen:
            probe.get(token)
        assert [event["authorizationToken"] for event in seen.events] == [token]


def test_trap_04_policy_of_one_method_and_the_cache_refuse_the_second_method(serve_files):
    api = serve_files(
        seed_files(
            "TOKEN",
            "{Header: Authorization}",
            (
                "def lambda_handler(event, context):\n"
                '    return {"principalId": "user", "policyDocument": {"Version": "2012-10-17", "Statement": [\n'
                '        {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"]}]}}\n'
            ),
        )
    ).api()
    headers = {"Authorization": "token"}
    assert api.call("/my-lambda", "POST", headers).status == 200
    expect_implicit_deny(api.call("/my-lambda", "GET", headers))
    assert api.call("/my-lambda", "POST", headers).status == 200
    # Another token begins with the other method.
    headers = {"Authorization": "other"}
    assert api.call("/my-lambda", "GET", headers).status == 200
    expect_implicit_deny(api.call("/my-lambda", "POST", headers))


def test_trap_06_a_deny_with_a_context_can_carry_a_reason(probe):
    token = answer_with(
        {
            "principalId": "me",
            "policyDocument": policy(statement("Deny")),
            "context": {"reason": "your plan has ended"},
        }
    )
    answer = probe.guarded.call("/thing", headers={"Authorization": token})
    assert answer.status == 403, answer
    assert answer.json == {
        "denied": "your plan has ended",
        "who": "me",
        "why": "User is not authorized to access this resource with an explicit deny in an identity-based policy",
    }
    assert answer.header("x-amzn-ErrorType") == "AccessDeniedException"
    # An exception cannot.
    assert b"your plan" not in probe.guarded.call("/thing", headers={"Authorization": raising("your plan has ended")}).body


def test_trap_12_with_a_token_it_is_an_incomplete_signature(probe):
    token = "Bearer eyJhbGciOiJub25lIn0.e30."
    answer = probe.api.call("/nowhere", headers={"Authorization": token})
    digest = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
    message = (
        "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): "
        f"'{digest}'."
    )
    expect_error(answer, 403, {"message": message}, "IncompleteSignatureException")


def test_trap_13_unknown_stage_is_403_forbidden(probe):
    server = probe.server
    expect_forbidden(server.request("GET", f"/_aws/execute-api/{probe.api.id}/nostage/open"))
    expect_forbidden(server.request("GET", f"/_aws/execute-api/{probe.api.id}/Stage/open"))
    expect_forbidden(server.request("GET", f"/_aws/execute-api/{probe.api.id}/open"))
    expect_forbidden(server.request("GET", f"/_aws/execute-api/{probe.api.id}/"))
    expect_forbidden(server.request("GET", "/_aws/execute-api/nosuchapi0/dev/open"))
    expect_forbidden(probe.api.call_by_host("/nostage/open"))
    expect_forbidden(probe.api.call_by_host("/"))
    expect_forbidden(server.request("GET", "/dev/open", host=f"nosuchapi0.execute-api.localhost:{server.port}"))


def test_trap_13_nothing_changes_until_it_is_deployed(probe):
    """The template makes this method after the deployment."""
    expect_not_found(probe.plain.call("/late"))


def test_trap_14_a_star_in_a_policy_resource_spans_slashes_and_a_slash_at_the_end_counts(probe):
    """That letters of other case are others is in test_09_resources."""
    assert probe.get(grant(statement(resource="$stage/GET/behind*")), "/behind/a/b/c").status == 200
    expect_implicit_deny(probe.get(grant(statement(resource="$stage/GET/token/*")), "/token"))
    expect_implicit_deny(probe.get(grant(statement(resource="$stage/GET/token")), "/token/"))


def test_trap_15_message_differs_by_error(probe):
    denied = probe.get("deny")
    assert list(denied.json) == ["Message"]
    for answer in (
        probe.get(None),
        probe.get("key-error"),
        probe.api.call("/nowhere"),
        probe.api.call("/open", headers={"X-Do": "raise x"}),
    ):
        assert list(answer.json) == ["message"], answer


def test_trap_19_names_keep_their_casing_and_paths_their_escapes(probe):
    """That absent maps are null is in test_proxy_events.py."""
    event = event_of(probe.api.call("/any", "GET", [("aUTHORIZATION", "x"), ("uSER-aGENT", "y"), ("x-mIXED", "z")]))
    assert event["headers"]["Authorization"] == "x"
    assert event["headers"]["User-Agent"] == "y"
    assert event["headers"]["x-mIXED"] == "z"
    event = event_of(probe.api.call("/deep/a%2Bb+c?q=a+b%2B"))
    assert event["path"] == "/deep/a%2Bb+c"
    assert event["pathParameters"] == {"proxy": "a%2Bb+c"}
    assert event["queryStringParameters"] == {"q": "a b+"}


def test_trap_20_request_parameters_are_ignored_but_an_illegal_one_breaks_every_call(probe):
    event = event_of(probe.plain.call("/mapped"))
    assert "X-Mapped" not in event["headers"]
    assert event["requestContext"]["operationName"] == "GetMapped"
    expect_error(probe.plain.call("/illegal"), 500, {"message": "Internal server error"}, "InternalServerErrorException")


def test_trap_21_a_client_may_name_its_request(probe):
    name = "00000000-1111-2222-3333-444444444444"
    answer = probe.api.call("/open", headers={"x-amzn-RequestId": name})
    assert answer.all("x-amzn-RequestId") == [name]
    # Only the answer: the id the function and the log see stays unique.
    assert event_of(answer)["requestContext"]["requestId"] != name
