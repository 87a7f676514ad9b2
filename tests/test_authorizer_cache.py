"""What is kept of authorizers' answers, and what equal requests share."""

import socket
import threading

from clients import (
    Wire,
    answer_with,
    expect_broken_authorizer,
    expect_explicit_deny,
    expect_implicit_deny,
    expect_unauthorized,
    grant,
    raising,
    raw_request,
    statement,
)
from conftest import PATIENCE, Probe

# ---- 10-12: the cache


def test_10_cached_policy_is_used_for_another_method_and_evaluated_again(probe):
    token = "allow 10"
    with probe.watch() as seen:
        assert probe.get(token, "/cached").status == 200
        assert probe.get(token, "/cached").status == 200
        expect_implicit_deny(probe.get(token, "/cached", "POST"))
        assert probe.get(token, "/cached").status == 200
    assert [event["methodArn"] for event in seen.events] == [probe.api.arn("GET", "/cached")]


def test_10_cached_policy_that_covers_both_methods_serves_both(probe):
    with probe.watch() as seen:
        assert probe.get("allow-all 10", "/cached").status == 200
        assert probe.get("allow-all 10", "/cached", "POST").status == 200
    assert seen.count == 1


def test_10_deny_is_cached_too(probe):
    with probe.watch() as seen:
        expect_explicit_deny(probe.get("deny 10", "/cached"))
        expect_explicit_deny(probe.get("deny 10", "/cached"))
    assert seen.count == 1


def test_10_failures_are_not_cached(probe):
    broken = answer_with({"principalId": "10"})
    with probe.watch() as seen:
        for _ in range(2):
            expect_unauthorized(probe.get(raising("Unauthorized"), "/cached"))
            expect_broken_authorizer(probe.get(raising("kaboom"), "/cached"))
            expect_broken_authorizer(probe.get(broken, "/cached"))
    assert seen.count == 6


def test_10_cache_is_keyed_by_the_whole_token(probe):
    with probe.watch() as seen:
        assert probe.get("allow key", "/cached").status == 200
        assert probe.get("Bearer allow key", "/cached").status == 200
        assert probe.get("allow KEY", "/cached").status == 200
        expect_explicit_deny(probe.get("deny key", "/cached"))
    assert seen.count == 4


def test_10_condition_of_a_cached_policy_is_evaluated_for_each_request(probe):
    token = grant(statement(resource="*", Condition={"StringEquals": {"aws:UserAgent": "first"}}))
    with probe.watch() as seen:
        assert probe.get(token, "/cached", headers={"User-Agent": "first"}).status == 200
        expect_implicit_deny(probe.get(token, "/cached", headers={"User-Agent": "second"}))
    assert seen.count == 1


def test_10_request_authorizer_is_cached_by_all_its_sources(probe):
    def ask(auth, q):
        return probe.api.call(f"/request-cached?q={q}&other={auth[-1]}", "GET", {"X-Auth": auth}).status

    with probe.watch() as seen:
        assert [ask("allow 1", "1"), ask("allow 1", "1"), ask("allow 1", "2"), ask("allow 2", "1"), ask("allow 1", "1")] == [
            200
        ] * 5
    assert seen.count == 3


def test_10_two_stages_share_no_entry(probe):
    other = probe.server.api("plain", "test")
    headers = {"Authorization": "allow stages"}
    with probe.watch() as seen:
        assert probe.plain.call("/cached", headers=headers).status == 200
        assert other.call("/cached", headers=headers).status == 200
        assert probe.plain.call("/cached", headers=headers).status == 200
    assert [event["methodArn"] for event in seen.events] == [probe.plain.arn("GET", "/cached"), other.arn("GET", "/cached")]


def test_11_ttl_zero_is_one_call_for_each_request(probe):
    with probe.watch() as seen:
        for _ in range(3):
            assert probe.get("allow").status == 200
    assert seen.count == 3


FLUSH_TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Authorizer:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      InlineCode: |
        import uuid
        def handler(event, context):
            return {"principalId": str(uuid.uuid4()), "policyDocument": {"Version": "2012-10-17", "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event["methodArn"].split("/")[0] + "/*"}]}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.11
      Handler: index.handler
      InlineCode: |
        def handler(event, context):
            return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["principalId"]}
      Events:
        Get: {Type: Api, Properties: {Path: /who, Method: get, RestApiId: !Ref Api}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: dev
      OpenApiVersion: '3.0.1'
      Auth:
        DefaultAuthorizer: Own
        Authorizers:
          Own: {FunctionArn: !GetAtt Authorizer.Arn, Identity: {ReauthorizeEvery: 3600}}
      GatewayResponses:
        UNAUTHORIZED: {StatusCode: '401', ResponseParameters: {Headers: {X-Version: "'one'"}}}
"""


def test_12_redeploying_a_changed_api_drops_cached_answers(serve_files, tmp_path):
    server = serve_files({"template.yaml": FLUSH_TEMPLATE})
    api = server.api()

    def who():
        answer = api.call("/who", headers={"Authorization": "token"})
        assert answer.status == 200, answer
        return answer.text

    first = who()
    assert who() == first
    mark = server.mark()
    (tmp_path / "template.yaml").write_text(FLUSH_TEMPLATE.replace("'one'", "'two'"))
    server.wait_for_text("reloaded", since=mark)
    assert api.call("/who").header("X-Version") == "two"
    second = who()
    assert second != first
    assert who() == second


# ---- equal calls under way


def test_equal_calls_under_way_get_the_same_answer(probe):
    """Requests that come while the authorizer works on the same token are not told apart from one another by a race."""
    answers = []
    token = "allow-all together"
    threads = [threading.Thread(target=lambda: answers.append(probe.get(token, "/cached").status)) for _ in range(16)]
    with probe.watch() as seen:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [200] * 16
    assert seen.count == 1


def test_leader_that_disconnects_leaves_the_call_to_those_who_joined_it(tmp_path):
    """With one event loop, what a client did before a request that is answered has been noticed."""
    with Probe.running(tmp_path, "--loops", "1") as probe, socket.create_server(("127.0.0.1", 0)) as gate:
        gate.settimeout(PATIENCE)
        server, port = probe.server, gate.getsockname()[1]
        asking = raw_request("GET", probe.api.base + "/cached", f"127.0.0.1:{server.port}", {"Authorization": f"wait {port}"})
        with probe.watch() as seen, Wire(server.port) as leader, Wire(server.port) as joiner:
            mark = server.mark()
            leader.write(asking)
            server.wait_for_text("waiting", since=mark, kind="function")
            joiner.write(asking)
            server.mark()
            leader.reset()
            server.mark()
            gate.accept()[0].close()
            answer = joiner.response()
        assert answer.status == 200, answer
        assert seen.count == 1
        assert "joined" in server.explain(answer)["authorizer"]["cache"]
        # What the leader asked for is kept all the same.
        assert "hit" in server.explain(probe.get(f"wait {port}", "/cached"))["authorizer"]["cache"]
