"""Why a request was answered as it was: /_sallyport/explain and `sallyport explain`."""

import pathlib
import re
import threading

import pytest

from clients import connect, grant, raising, send, statement
from conftest import PROGRAM, Probe, run_program

# Long enough to be recognised when some of it is shown.
SECRET = "Zm9vYmFyYmF6cXV4-this-part-must-never-be-shown-QWxhZGRpbg"


def explain(probe, answer):
    return probe.server.explain(answer)


def test_allowed_request(probe):
    answer = probe.api.call("/token?q=hidden", headers={"Authorization": "allow"})
    told = explain(probe, answer)
    assert told["request_id"] == answer.header("x-amzn-RequestId")
    assert told["extended_request_id"] == answer.header("x-amz-apigw-id")
    assert (told["api"], told["stage"], told["route"]) == (probe.api.id, "dev", "GET /token")
    assert told["request"].startswith("GET ") and told["request"].endswith("/dev/token")
    assert told["verdict"] == "allowed by the authorizer's policy"
    assert told["integration_called"] is True
    assert told["answer"]["status"] == 200
    authorizer = told["authorizer"]
    assert (authorizer["name"], authorizer["type"], authorizer["ttl_seconds"]) == ("Token", "TOKEN", 0)
    assert authorizer["function"].endswith(":function:probe-authorizer")
    assert authorizer["principal_id"] == "user|a1"
    assert authorizer["answered_for_request"] == told["request_id"]
    assert [source["source"] for source in authorizer["identity_sources"]] == ["method.request.header.Authorization"]
    decision = told["decision"]
    assert (decision["action"], decision["resource"]) == ("execute-api:Invoke", probe.api.arn("GET", "/token"))
    assert [(each["effect"], each["matched"]) for each in decision["statements"]] == [("Allow", True)]


def test_open_request(probe):
    told = explain(probe, probe.api.call("/open"))
    assert told["verdict"].startswith("open")
    assert "authorizer" not in told and "decision" not in told
    assert told["integration_called"] is True


def test_missing_token(probe):
    told = explain(probe, probe.api.call("/token"))
    assert told["answer"]["status"] == 401
    assert told["answer"]["response_type"] == "UNAUTHORIZED"
    assert "method.request.header.Authorization" in told["answer"]["why"]
    assert told["authorizer"]["cache"] == "the authorizer was not asked"
    assert told["integration_called"] is False


def test_token_that_does_not_match(probe):
    told = explain(probe, probe.api.call("/regex", headers={"Authorization": "nope"}))
    assert told["answer"]["status"] == 401
    assert "validation expression" in told["answer"]["why"]


def test_unauthorized_raised(probe):
    told = explain(probe, probe.api.call("/token", headers={"Authorization": raising("Unauthorized")}))
    assert told["answer"]["status"] == 401
    assert "raised" in told["answer"]["why"]
    assert told["authorizer"]["cache"].startswith("off")


def test_denied_request_says_which_statement_did_it(probe):
    token = grant(
        statement(resource="*", Sid="Everything"),
        statement("Deny", "$stage/GET/*", Sid="NotThis"),
        statement("Deny", "$stage/PUT/*"),
    )
    told = explain(probe, probe.api.call("/token", headers={"Authorization": token}))
    assert told["answer"]["status"] == 403
    assert told["answer"]["response_type"] == "ACCESS_DENIED"
    assert told["verdict"].startswith("denied explicitly")
    statements = told["decision"]["statements"]
    assert [(each["effect"], each["matched"]) for each in statements] == [("Allow", True), ("Deny", True), ("Deny", False)]
    assert "NotThis" in statements[1]["statement"]
    assert statements[2]["because"]
    assert told["integration_called"] is False


def test_implicitly_denied_request_says_why_nothing_matched(probe):
    token = grant(
        statement(resource="$stage/POST/*"), statement(resource="*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    )
    told = explain(probe, probe.api.call("/token", headers={"Authorization": token}))
    assert told["verdict"].startswith("denied implicitly")
    reasons = [each["because"] for each in told["decision"]["statements"]]
    assert len(reasons) == 2 and all(reasons) and reasons[0] != reasons[1]
    assert told["decision"]["condition_keys"]["aws:SourceIp"] == "127.0.0.1"


def test_broken_authorizer(probe):
    told = explain(probe, probe.api.call("/token", headers={"Authorization": "key-error"}))
    assert told["answer"]["status"] == 500
    assert told["answer"]["response_type"] == "AUTHORIZER_CONFIGURATION_ERROR"
    assert "headers" in told["authorizer"]["problem"], told
    told = explain(probe, probe.api.call("/token", headers={"Authorization": grant(context={"list": [1]})}))
    assert "context.list" in told["authorizer"]["problem"]


def test_authorizer_that_may_not_be_called(probe):
    told = explain(probe, probe.plain.call("/unpermitted", headers={"Authorization": "allow"}))
    assert told["answer"]["status"] == 500
    assert "AccessDenied" in str(told)


def test_failed_function(probe):
    told = explain(probe, probe.api.call("/open", headers={"X-Do": "raise kaboom"}))
    assert told["answer"]["status"] == 502
    assert "kaboom" in told["answer"]["why"]
    told = explain(probe, probe.api.call("/open", "POST", {"X-Do": "answer"}, '{"wrong": 1}'))
    assert "wrong" in told["answer"]["why"]


def test_unknown_route_and_stage(probe):
    told = explain(probe, probe.api.call("/nowhere"))
    assert told["route"] is None and told["answer"]["response_type"] == "MISSING_AUTHENTICATION_TOKEN"
    told = explain(probe, probe.server.request("GET", f"/_aws/execute-api/{probe.api.id}/nostage/x"))
    assert told["stage"] == "nostage" and told["answer"]["status"] == 403


def test_cache_hit_names_the_request_that_filled_it(probe):
    headers = {"Authorization": "allow explained"}
    first = explain(probe, probe.api.call("/cached", headers=headers))
    second = explain(probe, probe.api.call("/cached", headers=headers))
    assert first["authorizer"]["cache"].startswith("miss")
    assert second["authorizer"]["cache"].startswith("hit")
    assert second["authorizer"]["answered_for_request"] == first["request_id"] != second["request_id"]


def test_tokens_are_masked(probe):
    """Neither the record nor the server's output shows a token; the last characters tell tokens apart."""
    server = probe.server
    answers = [
        probe.api.call("/cached", headers={"Authorization": "Bearer " + SECRET}),
        probe.api.call("/regex", headers={"Authorization": SECRET}),
        probe.api.call(f"/request/1?q={SECRET}", headers={"X-Auth": "deny " + SECRET}),
        probe.api.call("/nowhere", headers={"Authorization": SECRET}),
    ]
    for answer in answers:
        assert answer.status in (401, 403), answer
        raw = server.request("GET", "/_sallyport/explain/" + answer.header("x-amzn-RequestId")).text
        assert "must-never-be-shown" not in raw
        done = run_program("explain", answer.header("x-amzn-RequestId"), "--endpoint", server.origin)
        assert done.returncode == 0 and "must-never-be-shown" not in done.stdout
    sources = explain(probe, answers[0])["authorizer"]["identity_sources"]
    assert sources[0]["value"].endswith("Rpbg") and sources[0]["length"] == len("Bearer " + SECRET)
    for answer in answers:
        request_id = answer.header("x-amzn-RequestId")
        server.wait_for(lambda event: event.get("kind") == "request" and event["request_id"] == request_id, what="the access line")
    assert "must-never-be-shown" not in server.output()


def test_short_tokens_are_masked_whole(probe):
    told = explain(probe, probe.api.call("/token", headers={"Authorization": "shortone"}))
    assert told["authorizer"]["identity_sources"][0]["value"] == "****"


def test_command(probe):
    answer = probe.api.call("/token", headers={"Authorization": "deny"})
    request_id = answer.header("x-amzn-RequestId")
    done = run_program("explain", request_id, "--endpoint", probe.server.origin)
    assert done.returncode == 0, done.stderr
    for part in (
        request_id,
        "GET /token",
        "name: Token",
        "denied explicitly",
        "effect: Deny",
        "status: 403",
        "response type: ACCESS_DENIED",
    ):
        assert part in done.stdout, done.stdout


def test_command_for_an_id_nobody_knows(probe):
    done = run_program("explain", "00000000-0000-0000-0000-000000000000", "--endpoint", probe.server.origin)
    assert done.returncode == 1
    assert "00000000-0000-0000-0000-000000000000" in done.stderr
    assert done.stdout == ""


def test_command_without_a_server():
    done = run_program("explain", "x", "--endpoint", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert "http://127.0.0.1:1" in done.stderr


def test_access_line(probe):
    mark = probe.server.mark()
    answer = probe.api.call("/token/7?secret=1", headers={"Authorization": "deny"})
    line = probe.server.wait_for(
        lambda event: event.get("kind") == "request" and event["request_id"] == answer.header("x-amzn-RequestId"), since=mark
    )
    assert (line["method"], line["status"], line["route"], line["response_type"]) == (
        "GET",
        403,
        "GET /token/{id}",
        "ACCESS_DENIED",
    )
    assert line["path"].endswith("/dev/token/7") and "secret" not in line["path"]


def test_memory_of_what_is_remembered_is_bounded(tmp_path):
    """All that large authorizer answers were given for would fill hundreds of megabytes."""
    if b"__asan_init" in pathlib.Path(PROGRAM).read_bytes() or b"__tsan_init" in pathlib.Path(PROGRAM).read_bytes():
        pytest.skip("a program with a sanitizer needs memory of its own")
    with Probe.running(tmp_path) as probe:
        server = probe.server

        def ask():
            with connect(server.port) as connection:
                for _ in range(1000):
                    answer = send(connection, "GET", probe.api.base + "/token", {"Authorization": "huge-deny 60000"})
                    statuses.append(answer.status)
            last.append(answer)

        statuses, last = [], []
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [403] * 3000
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        assert int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) < 150 * 1024
        assert explain(probe, last[-1])["verdict"].startswith("denied explicitly")
