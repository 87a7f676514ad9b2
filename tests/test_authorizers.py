"""Lambda authorizers of REST APIs: what they are called with and what their answers come to. The cache has a file of its own.

The numbers in the names are those of the conformance cases the project is written against.
"""

import json

import pytest

from clients import (
    EVENT_KEYS,
    answer_with,
    event_of,
    expect_broken_authorizer,
    expect_explicit_deny,
    expect_implicit_deny,
    expect_not_found,
    expect_unauthorized,
    grant,
    policy,
    raising,
    statement,
)

# ---- 1: the events


def test_01_token_event_has_exactly_three_keys(probe):
    with probe.watch() as seen:
        assert probe.get("Bearer allow", "/token/a%20b?q=1").status == 200
    assert list(seen.events[0]) == ["type", "authorizationToken", "methodArn"]
    assert seen.events == [
        {"type": "TOKEN", "authorizationToken": "Bearer allow", "methodArn": probe.api.arn("GET", "/token/a%20b")}
    ]


def test_01_request_event(probe):
    with probe.watch() as seen:
        answer = probe.api.call(
            "/request/7?q=a+b&q=c&r=%2B",
            "GET",
            [("X-Auth", "first"), ("x-auth", "allow"), ("tEsT-Name", "1"), ("aUThorization", "t"), ("user-agent", "test/1")],
        )
    assert answer.status == 200, answer
    event = seen.events[0]
    assert sorted(event) == sorted([*EVENT_KEYS, "type", "methodArn"])
    assert event["type"] == "REQUEST"
    assert event["methodArn"] == probe.api.arn("GET", "/request/7")
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/request/{id}", "/request/7", "GET")
    assert event["pathParameters"] == {"id": "7"}
    assert event["stageVariables"] == {"color": "blue"}
    assert event["queryStringParameters"] == {"q": "c", "r": "+"}
    assert event["multiValueQueryStringParameters"] == {"q": ["a b", "c"], "r": ["+"]}
    assert event["headers"]["X-Auth"] == "allow"
    assert event["multiValueHeaders"]["X-Auth"] == ["first", "allow"]
    assert event["headers"]["tEsT-Name"] == "1"
    assert event["headers"]["Authorization"] == "t"
    assert event["headers"]["User-Agent"] == "test/1"
    context = event["requestContext"]
    assert (context["stage"], context["apiId"], context["accountId"]) == ("dev", probe.api.id, "123456789012")
    assert (context["resourcePath"], context["httpMethod"], context["path"]) == ("/request/{id}", "GET", "/dev/request/7")
    assert context["requestId"] == answer.header("x-amzn-RequestId")
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert "authorizer" not in context


def test_01_request_event_has_empty_objects_for_what_is_not_there(probe):
    with probe.watch() as seen:
        assert probe.api.call("/request-free", "GET").status == 200
    event = seen.events[0]
    assert event["queryStringParameters"] == {}
    assert event["multiValueQueryStringParameters"] == {}
    assert event["pathParameters"] == {}
    assert "body" not in event and "isBase64Encoded" not in event


# ---- 2-4: refused before the function is called


def test_02_absent_header_is_401_without_a_call(probe):
    with probe.watch() as seen:
        expect_unauthorized(probe.get(None))
        expect_unauthorized(probe.get(None, "/cached"))
        expect_unauthorized(probe.get(None, "/header", headers={"Authorization": "allow"}))
    assert seen.count == 0


def test_03_empty_header_is_401_without_a_call(probe):
    with probe.watch() as seen:
        expect_unauthorized(probe.get(""))
        expect_unauthorized(probe.get("   "))
    assert seen.count == 0


@pytest.mark.parametrize("token", ["allow", "Bearer ALLOW", "Bearer allow1", "xBearer allow", "Bearer allow\tx", "Bearer "])
def test_04_token_that_does_not_match_the_expression_is_401_without_a_call(probe, token):
    """The expression has to match all of the token, prefix included."""
    with probe.watch() as seen:
        expect_unauthorized(probe.get(token, "/regex"))
    assert seen.count == 0


def test_04_token_that_matches_the_expression_is_passed_on_whole(probe):
    """White space around a header's value is no part of it."""
    with probe.watch() as seen:
        assert probe.get("Bearer allow", "/regex").status == 200
        assert probe.get("  Bearer allow ", "/regex").status == 200
    assert [event["authorizationToken"] for event in seen.events] == ["Bearer allow"] * 2


def test_04_repeated_header_counts_with_its_last_value(probe):
    with probe.watch() as seen:
        assert probe.api.call("/token", headers=[("Authorization", "deny"), ("authorization", "allow")]).status == 200
        expect_explicit_deny(probe.api.call("/token", headers=[("Authorization", "allow"), ("Authorization", "deny")]))
        expect_unauthorized(probe.api.call("/token", headers=[("Authorization", "allow"), ("Authorization", "")]))
    assert [event["authorizationToken"] for event in seen.events] == ["allow", "deny"]


# ---- 5-7: the function fails


def test_05_unauthorized_raised_is_401(probe):
    with probe.watch() as seen:
        expect_unauthorized(probe.get(raising("Unauthorized")))
    assert seen.count == 1


@pytest.mark.parametrize(
    "message", ["unauthorized", "Unauthorized: expired", " Unauthorized", "Unauthorized\n", "UNAUTHORIZED", "kaboom", ""]
)
def test_06_any_other_message_is_500(probe, message):
    expect_broken_authorizer(probe.get(raising(message)))


def test_07_key_error_is_500_with_a_null_message(probe):
    expect_broken_authorizer(probe.get("key-error"))


def test_07_function_that_ends_its_process_is_500_and_the_next_call_works(probe):
    expect_broken_authorizer(probe.get("exit"))
    assert probe.get("allow").status == 200


def test_07_function_that_does_not_answer_in_time_is_500(probe):
    expect_broken_authorizer(probe.get("sleep 30"))


# ---- answers that are none (row 6 of the outcome table)


GOOD = {"principalId": "user", "policyDocument": policy(statement())}


@pytest.mark.parametrize(
    "value",
    [
        None,
        "Allow",
        42,
        True,
        [],
        {},
        {"principalId": "user"},
        {"policyDocument": policy(statement())},
        {**GOOD, "principalId": None},
        {**GOOD, "principalId": 7},
        {**GOOD, "principalId": {"a": "b"}},
        {**GOOD, "policyDocument": None},
        {**GOOD, "policyDocument": "Allow"},
        {**GOOD, "policyDocument": json.dumps(policy(statement()))},
        {**GOOD, "policyDocument": {"Version": "2012-10-17"}},
        {**GOOD, "policyDocument": policy(statement(effect="allow"))},
        {**GOOD, "policyDocument": policy(statement(effect="Permit"))},
        {**GOOD, "policyDocument": policy(statement(effect=None))},
        {**GOOD, "policyDocument": policy(statement(action=None))},
        {**GOOD, "policyDocument": policy(statement(resource=None))},
        {**GOOD, "policyDocument": policy(statement(), "nonsense")},
        {**GOOD, "policyDocument": policy(statement(), statement(effect="Deny", action=None))},
        {**GOOD, "policyDocument": policy(statement(Condition={"NoSuchOperator": {"aws:SourceIp": "127.0.0.1"}}))},
        {**GOOD, "policyDocument": policy(statement(resource="$api/" + "x" * 600))},
        {"isAuthorized": True},
    ],
    ids=lambda value: json.dumps(value)[:70],
)
def test_06_answer_that_breaks_the_contract_is_500(probe, value):
    expect_broken_authorizer(probe.get(answer_with(value)))


def test_06_empty_principal_and_unknown_members_are_fine(probe):
    answer = probe.get(answer_with({**GOOD, "principalId": "", "somethingElse": {"a": [1]}}))
    assert event_of(answer)["requestContext"]["authorizer"]["principalId"] == ""


def test_06_one_statement_may_stand_without_a_list(probe):
    document = {"Version": "2012-10-17", "Statement": statement()}
    assert probe.get(answer_with({**GOOD, "policyDocument": document})).status == 200


def test_06_principal_in_a_statement_is_ignored(probe):
    assert probe.get(grant(statement(Principal="*"))).status == 200
    expect_explicit_deny(probe.get(grant(statement(), statement("Deny", Principal={"AWS": "arn:aws:iam::999999999999:root"}))))


def test_06_huge_answer_is_500_and_the_next_call_works(probe):
    expect_broken_authorizer(probe.get("huge 10000000"))
    assert probe.get("allow").status == 200


# ---- 8, 9 and the policy


def test_08_explicit_and_implicit_deny_have_their_own_texts(probe):
    expect_explicit_deny(probe.get("deny"))
    expect_implicit_deny(probe.get(grant(statement(resource="$stage/GET/elsewhere"))))
    expect_implicit_deny(probe.get(grant()))


def test_09_deny_of_one_path_denies_only_that_path(probe):
    token = grant(statement(resource="*"), statement("Deny", "$stage/GET/token/secret"))
    assert probe.get(token, "/token/open").status == 200
    expect_explicit_deny(probe.get(token, "/token/secret"))


def test_09_order_of_statements_does_not_matter(probe):
    expect_explicit_deny(probe.get(grant(statement("Deny"), statement(resource="*"))))
    expect_explicit_deny(probe.get(grant(statement(resource="*"), statement("Deny"))))


ALLOWED, EXPLICIT, IMPLICIT = "allowed", "explicit deny", "implicit deny"


def expect_outcome(answer, outcome):
    if outcome == ALLOWED:
        assert answer.status == 200, answer
    elif outcome == EXPLICIT:
        expect_explicit_deny(answer)
    else:
        expect_implicit_deny(answer)


@pytest.mark.parametrize(
    "resource, outcome",
    [
        ("$arn", ALLOWED),
        ("*", ALLOWED),
        ("$api/*", ALLOWED),
        ("$stage/*", ALLOWED),
        ("$api/*/GET/*", ALLOWED),
        ("$stage/*/token/x", ALLOWED),
        ("$stage/GET/token/?", ALLOWED),
        ("$stage/GET/token/*", ALLOWED),
        ("$stage/GE*", ALLOWED),
        ("arn:aws:execute-api:*", ALLOWED),
        ("arn:aws:execute-api:us-east-1:*:*", ALLOWED),
        ("arn:aws:execute-api:*:*:*/dev/GET/token/x", ALLOWED),
        (["$stage/GET/nothing", "$arn"], ALLOWED),
        ("$stage/get/token/x", IMPLICIT),
        ("$stage/GET/Token/x", IMPLICIT),
        ("$stage/GET/token", IMPLICIT),
        ("$stage/GET/token/x/*", IMPLICIT),
        ("$stage/GET/token/??", IMPLICIT),
        ("$stage/POST/*", IMPLICIT),
        ("$api/prod/*", IMPLICIT),
        ("arn:aws:execute-api:eu-west-1:*:*", IMPLICIT),
        ("arn:aws:lambda:*", IMPLICIT),
    ],
    ids=str,
)
def test_09_resources(probe, resource, outcome):
    expect_outcome(probe.get(grant(statement(resource=resource)), "/token/x"), outcome)


@pytest.mark.parametrize(
    "action, outcome",
    [
        ("execute-api:Invoke", ALLOWED),
        ("execute-api:invoke", ALLOWED),
        ("EXECUTE-API:INVOKE", ALLOWED),
        ("execute-api:*", ALLOWED),
        ("execute-api:Inv*", ALLOWED),
        ("execute-api:Invok?", ALLOWED),
        ("*", ALLOWED),
        (["s3:GetObject", "execute-api:Invoke"], ALLOWED),
        ("s3:GetObject", IMPLICIT),
        ("execute-api:InvalidateCache", IMPLICIT),
        ("execute-api:ManageConnections", IMPLICIT),
    ],
    ids=str,
)
def test_09_actions(probe, action, outcome):
    expect_outcome(probe.get(grant(statement(action=action))), outcome)


@pytest.mark.parametrize(
    "token, outcome",
    [
        (grant(statement(action=None, NotAction="s3:*")), ALLOWED),
        (grant(statement(action=None, NotAction="execute-api:*")), IMPLICIT),
        (grant(statement(resource=None, NotResource="$stage/GET/secret")), ALLOWED),
        (grant(statement(resource=None, NotResource="$arn")), IMPLICIT),
        (grant(statement(resource="*"), statement("Deny", resource=None, NotResource="$stage/GET/open")), EXPLICIT),
        (grant(statement(resource="*"), statement("Deny", resource=None, NotResource="$arn")), ALLOWED),
    ],
    ids=["NotAction", "NotAction-hit", "NotResource", "NotResource-hit", "Deny-NotResource", "Deny-NotResource-miss"],
)
def test_09_not_action_and_not_resource(probe, token, outcome):
    expect_outcome(probe.get(token), outcome)


@pytest.mark.parametrize(
    "effect, condition, outcome",
    [
        ("Allow", {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1/128"]}}, ALLOWED),
        ("Allow", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, IMPLICIT),
        ("Allow", {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, ALLOWED),
        ("Allow", {"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, IMPLICIT),
        ("Allow", {"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}}, IMPLICIT),
        ("Allow", {"DateGreaterThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}}, ALLOWED),
        ("Allow", {"NumericGreaterThan": {"aws:EpochTime": "1000"}}, ALLOWED),
        ("Allow", {"StringLike": {"aws:UserAgent": "probe/*"}}, ALLOWED),
        ("Allow", {"StringEquals": {"aws:username": "alice"}}, IMPLICIT),
        ("Allow", {"StringEquals": {"aws:UserAgent": "probe/1"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, IMPLICIT),
        ("Deny", {"StringNotEquals": {"aws:username": "alice"}}, EXPLICIT),
        ("Deny", {"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}, ALLOWED),
        ("Deny", {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, EXPLICIT),
    ],
    ids=str,
)
def test_09_conditions(probe, effect, condition, outcome):
    """For Deny: beside an Allow of everything."""
    statements = [statement(effect, "*", Condition=condition)]
    if effect == "Deny":
        statements.append(statement(resource="*"))
    expect_outcome(probe.get(grant(*statements), headers={"User-Agent": "probe/1"}), outcome)


# ---- 13: identity sources of REQUEST authorizers


def test_13_request_with_one_of_two_sources_missing_is_401_without_a_call(probe):
    with probe.watch() as seen:
        for path, headers in [
            ("/request/1", {"X-Auth": "allow"}),
            ("/request/1?q=", {"X-Auth": "allow"}),
            ("/request/1?q=1", {}),
            ("/request/1?q=1", {"X-Auth": ""}),
            ("/request/1?Q=1", {"X-Auth": "allow"}),
            ("/request-cached", {"X-Auth": "allow"}),
            ("/request-cached?q=1", {}),
        ]:
            expect_unauthorized(probe.api.call(path, headers=headers))
    assert seen.count == 0
    assert probe.api.call("/request/1?q=1", headers={"x-AUTH": "allow"}).status == 200, "header names have no case"


def test_13_request_authorizer_decides(probe):
    expect_explicit_deny(probe.api.call("/request/1?q=1", headers={"X-Auth": "deny"}))
    expect_unauthorized(probe.api.call("/request/1?q=1", headers={"X-Auth": raising("Unauthorized")}))
    expect_broken_authorizer(probe.api.call("/request/1?q=1", headers={"X-Auth": raising("other")}))


def test_13_without_sources_and_cache_the_function_is_always_called(probe):
    with probe.watch() as seen:
        assert probe.api.call("/request-free").status == 200
        expect_explicit_deny(probe.api.call("/request-free", headers={"Authorization": "deny"}))
    assert seen.count == 2


# ---- 14, 15: the context


def test_14_context_reaches_the_function_as_strings(probe):
    authorizer = event_of(probe.get("allow"))["requestContext"]["authorizer"]
    latency = authorizer.pop("integrationLatency")
    assert type(latency) is int and latency >= 0
    assert authorizer == {
        "principalId": "user|a1",
        "text": "some text",
        "number": "42",
        "fraction": "1.5",
        "yes": "true",
        "no": "false",
    }


def test_14_answer_without_context(probe):
    authorizer = event_of(probe.get(answer_with(GOOD)))["requestContext"]["authorizer"]
    assert sorted(authorizer) == ["integrationLatency", "principalId"]


@pytest.mark.parametrize("value", [["a"], [], {"a": 1}, {}, None], ids=str)
def test_15_context_with_a_value_that_is_no_scalar_is_500(probe, value):
    expect_broken_authorizer(probe.get(answer_with({**GOOD, "context": {"good": "1", "bad": value}})))


@pytest.mark.parametrize("context", ["text", ["a"], 1], ids=str)
def test_15_context_that_is_no_object_is_500(probe, context):
    expect_broken_authorizer(probe.get(answer_with({**GOOD, "context": context})))


# ---- 16: API keys, which this version refuses


def test_16_usage_identifier_key_does_not_disturb_the_answer(probe):
    assert probe.get(answer_with({**GOOD, "usageIdentifierKey": "abcdefghij"})).status == 200


# ---- 17: the real path


@pytest.mark.parametrize("path", ["/behind/a", "/behind/a/b//c", "/behind/a%2Fb/", "/behind/x+y%20z"])
@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_17_method_arn_holds_verb_and_path_as_sent(probe, verb, path):
    with probe.watch() as seen:
        assert probe.get("allow", path + "?query=1", verb).status == 200
    assert [event["methodArn"] for event in seen.events] == [probe.api.arn(verb, path)]


# ---- 18, 19: requests no authorizer is asked about


def test_18_preflight_is_not_authorized(probe):
    with probe.watch() as seen:
        answer = probe.guarded.call("/thing", "OPTIONS", {"Origin": "https://app.example"})
    assert answer.status == 200, answer
    assert answer.header("Access-Control-Allow-Origin") == "https://app.example"
    assert seen.count == 0


def test_18_route_that_opts_out_of_the_default_authorizer_is_open(probe):
    with probe.watch() as seen:
        assert "authorizer" not in event_of(probe.guarded.call("/open"))["requestContext"]
    assert seen.count == 0


def test_19_unknown_path_does_not_call_the_authorizer(probe):
    with probe.watch() as seen:
        expect_not_found(probe.api.call("/token/a/b/c"))
        expect_not_found(probe.api.call("/token", "DELETE"))
        assert probe.get("allow", "/token/a/b/c").status == 403
    assert seen.count == 0


# ---- 20: customised answers


def test_20_customised_unauthorized_changes_status_header_and_body(probe):
    answer = probe.guarded.call("/thing", headers={"X-Name": "me"})
    assert answer.status == 419
    assert answer.json == {"error": "Unauthorized", "type": "UNAUTHORIZED", "stage": "v1"}
    assert answer.header("x-amzn-ErrorType") == "UnauthorizedException"
    assert answer.header("Access-Control-Allow-Origin") == "https://app.example"
    assert answer.header("X-Request") == answer.header("x-amzn-RequestId")
    assert answer.header("X-Asked-By") == "me"
    assert answer.header("X-Default") is None, "the type's own customisation stands alone"


# ---- 21, 22: permissions


def test_21_authorizer_that_may_not_be_called_is_500(probe):
    """The grant on the API's methods does not cover <api>/authorizers/<id>."""
    with probe.watch() as seen:
        expect_broken_authorizer(probe.plain.call("/unpermitted", headers={"Authorization": "allow"}))
    assert seen.count == 0


def test_21_authorizer_function_that_does_not_exist_is_500(probe):
    expect_broken_authorizer(probe.plain.call("/absent", headers={"Authorization": "allow"}))


def test_21_missing_token_is_401_all_the_same(probe):
    expect_unauthorized(probe.plain.call("/unpermitted"))


def test_22_permission_on_the_authorizer_alone_is_enough(probe):
    with probe.watch() as seen:
        assert probe.plain.call("/permitted", headers={"Authorization": "allow"}).status == 200
    assert seen.count == 1


# ---- limits


def test_method_arn_over_1600_bytes_is_414(probe):
    fits = "/token/" + "x" * (1600 - len(probe.api.arn("GET", "/token/")))
    assert probe.get("allow-all", fits).status == 200
    answer = probe.get("allow-all", fits + "x")
    assert answer.status == 414, answer
    assert answer.json == {"message": "Request URI too long"}
