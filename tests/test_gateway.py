"""The REST API data plane before a function is called: addresses, local paths, routing; and what SAM adds to an API for browsers."""

import pytest

from clients import event_of, expect_forbidden, expect_not_found

# ---- addresses


def test_host_form_and_path_form_reach_the_same_api(probe):
    by_host = event_of(probe.api.call_by_host("/dev/any?a=1"))
    by_path = event_of(probe.api.call("/any?a=1"))
    domain = f"{probe.api.id}.execute-api.localhost"
    for event in (by_host, by_path):
        context = event["requestContext"]
        assert (event["path"], context["path"], context["stage"]) == ("/any", "/dev/any", "dev")
        assert (context["domainName"], context["domainPrefix"], context["apiId"]) == (domain, probe.api.id, probe.api.id)


def test_aws_host_name_is_served_as_well(probe):
    host = f"{probe.api.id}.execute-api.us-east-1.amazonaws.com"
    answer = probe.server.request("GET", "/dev/any", host=host)
    assert event_of(answer)["requestContext"]["domainName"] == host


def test_host_that_is_no_api_has_only_the_local_paths(probe):
    answer = probe.server.request("GET", "/dev/any")
    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


# ---- local paths


def test_local_paths(probe):
    server = probe.server
    health = server.request("GET", "/_sallyport/health")
    assert (health.status, health.json["status"]) == (200, "ok")
    assert server.request("HEAD", "/_sallyport/health").status == 200
    rows = server.routes()
    row = next(row for row in rows if row["path"] == "/token" and row["method"] == "GET")
    assert (
        row.items()
        >= {
            "api_id": probe.api.id,
            "api_name": "probe",
            "stage": "dev",
            "method": "GET",
            "path": "/token",
            "authorizer": "Token",
            "url": f"{server.origin}{probe.api.base}/token",
            "host_url": f"http://{probe.api.host}/dev/token",
        }.items()
    )
    assert next(row for row in rows if row["path"] == "/open")["authorizer"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/_sallyport/",
        "/_sallyport/nothing",
        "/_sallyport/health/x",
        "/_sallyport/explain/",
        "/_sallyport/explain/00000000-0000-0000-0000-000000000000",
    ],
)
def test_unknown_local_path_is_404(probe, path):
    assert probe.server.request("GET", path).status == 404


def test_local_paths_are_not_for_web_pages(probe):
    """A page of another origin must not read routes or traces, not even through a name of its own that points here."""
    server = probe.server
    path = "/_sallyport/routes"
    assert server.request("GET", path, host="evil.example").status == 421
    assert server.request("GET", path, host=f"evil.example:{server.port}").status == 421
    for name in ("127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example"):
        assert server.request("GET", path, host=name).status == 421, name
    assert server.request("GET", path, {"Origin": "https://evil.example"}).status == 403
    assert server.request("GET", path, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert server.request("GET", path, {"Sec-Fetch-Site": "none"}).status == 200
    assert server.request("GET", path, host=f"localhost:{server.port}").status == 200
    assert server.request("POST", path, body=b"").status == 405


def test_local_paths_do_not_hide_paths_of_an_api(probe):
    expect_not_found(probe.api.call_by_host("/dev/_sallyport/health"))


# ---- routing


def resource_of(answer):
    event = event_of(answer)
    return event["resource"], event["pathParameters"]


@pytest.mark.parametrize(
    "method, path, resource, parameters",
    [
        ("GET", "/pets/mine", "/pets/mine", None),
        ("GET", "/pets/17", "/pets/{petId}", {"petId": "17"}),
        ("GET", "/pets/mine/toys/2", "/pets/{petId}/toys/{toyId}", {"petId": "mine", "toyId": "2"}),
        ("GET", "/pets/a%2Fb", "/pets/{petId}", {"petId": "a%2Fb"}),
        ("POST", "/deep/test", "/deep/test", None),
        ("GET", "/deep/test", "/deep/{proxy+}", {"proxy": "test"}),
        ("OPTIONS", "/deep/test", "/deep/{proxy+}", {"proxy": "test"}),
        ("PATCH", "/part1/random", "/{rest+}", {"rest": "part1/random"}),
        ("PATCH", "/pets/mine", "/{rest+}", {"rest": "pets/mine"}),
        ("GET", "/", "/", None),
    ],
)
def test_most_specific_resource_that_has_the_verb(probe, method, path, resource, parameters):
    assert resource_of(probe.api.call(path, method)) == (resource, parameters)


@pytest.mark.parametrize("verb", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
def test_any_is_all_seven_verbs(probe, verb):
    answer = probe.api.call("/any", verb)
    assert answer.status == 200, answer
    if verb != "HEAD":
        assert event_of(answer)["httpMethod"] == verb


@pytest.mark.parametrize(
    "verb, path",
    [
        ("HEAD", "/open"),
        ("DELETE", "/open"),
        ("PUT", "/open/"),
        ("GET", "/nowhere"),
        ("TRACE", "/any"),
        ("PROPFIND", "/any"),
        ("get", "/any"),
        ("GET", "/part1"),
        ("GET", "/pets"),
        ("GET", "/deep"),
        ("GET", "/deep/"),
        ("GET", "/OPEN"),
    ],
)
def test_what_no_route_takes(probe, verb, path):
    answer = probe.api.call(path, verb)
    assert answer.status == 403, answer
    if verb != "HEAD":
        expect_not_found(answer)


def test_trailing_slash_is_ignored_for_routing_and_kept_in_the_event(probe):
    event = event_of(probe.api.call("/any/"))
    assert (event["resource"], event["path"], event["requestContext"]["path"]) == ("/any", "/any/", "/dev/any/")
    event = event_of(probe.api.call("/deep/a/b/"))
    assert (event["path"], event["pathParameters"]) == ("/deep/a/b/", {"proxy": "a/b"})


def test_double_slashes(probe):
    event = event_of(probe.api.call("/deep/a//b"))
    assert (event["path"], event["pathParameters"]) == ("/deep/a//b", {"proxy": "a//b"})
    event = event_of(probe.api.call_by_host("/dev//any"))
    assert (event["path"], event["requestContext"]["path"]) == ("/any", "/dev//any")
    event = event_of(probe.api.call_by_host("//dev/any"))
    assert (event["path"], event["requestContext"]["path"]) == ("/any", "/dev/any")


def test_stage_alone_is_the_root(probe):
    assert event_of(probe.api.call_by_host("/dev"))["path"] == "/"
    assert event_of(probe.api.call_by_host("/dev/"))["path"] == "/"


# ---- CORS and gateway responses from SAM


def test_preflight_made_by_sam(probe):
    answer = probe.guarded.call("/thing", "OPTIONS", {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
    assert answer.status == 200, answer
    assert answer.header("Access-Control-Allow-Origin") == "https://app.example"
    assert answer.header("Access-Control-Allow-Headers") == "Authorization,Content-Type"
    assert answer.header("Access-Control-Max-Age") == "600"
    assert sorted(answer.header("Access-Control-Allow-Methods").split(",")) == ["GET", "OPTIONS", "POST"]
    assert answer.header("X-Amzn-Trace-Id") is None


def test_default_gateway_responses_apply_to_types_not_customised(probe):
    answer = probe.guarded.call("/nowhere")
    assert (answer.status, answer.json) == (404, {"message": "Missing Authentication Token"})
    assert (answer.header("X-Default"), answer.header("x-amzn-ErrorType")) == ("four", "MissingAuthenticationTokenException")
    answer = probe.guarded.call("/thing", headers={"Authorization": "key-error"})
    assert (answer.status, answer.header("X-Default"), answer.json) == (500, "five", {"message": None})
    answer = probe.guarded.call("/open", headers={"X-Do": "raise x"})
    assert (answer.status, answer.header("X-Default")) == (502, "five")
    answer = probe.guarded.call("/thing", headers={"Authorization": "deny"})
    assert (answer.status, answer.header("X-Default")) == (403, None)


def test_unknown_stage_is_no_gateway_response(probe):
    expect_forbidden(probe.server.request("GET", f"/_aws/execute-api/{probe.guarded.id}/nostage/thing"))
