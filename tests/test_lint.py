"""Warnings at start: authorizers that cannot work are named, those that work are left in peace."""

import pytest

from conftest import ROOT
from test_traps import SEED_HANDLER, seed_files

EXAMPLES = ROOT / "examples"


def test_handler_that_reads_headers_of_a_token_event_is_named(start):
    server = start(EXAMPLES / "seed-verbatim/token.yaml")
    named = [text for text in server.warnings() if "authorizationToken" in text or "TOKEN" in text]
    assert named, server.warnings()
    assert any("headers" in text and "app.py" in text for text in named), named


def test_the_same_handler_as_request_authorizer_is_left_in_peace(start):
    assert start(EXAMPLES / "seed-verbatim/request.yaml").warnings() == []


def test_quickstart_has_nothing_to_be_warned_about(start):
    assert start(EXAMPLES / "quickstart").warnings() == []


def test_variant_with_an_index_is_named_too(serve_files):
    variant = SEED_HANDLER.replace('event.get("headers", {}).get("Authorization")', 'event["headers"]["Authorization"]')
    server = serve_files(seed_files("TOKEN", "{Header: Authorization, ReauthorizeEvery: 0}", variant))
    assert any("headers" in text for text in server.warnings()), server.warnings()


def test_policy_of_one_method_with_the_cache_on_is_named(serve_files):
    handler = SEED_HANDLER.replace('event.get("headers", {}).get("Authorization")', 'event["authorizationToken"]')
    server = serve_files(seed_files("TOKEN", "{Header: Authorization}", handler))
    assert any("methodArn" in text for text in server.warnings()), server.warnings()


@pytest.mark.parametrize("identity", ["{Header: Authorization, ReauthorizeEvery: 0}"])
def test_policy_of_one_method_without_the_cache_is_left_in_peace(serve_files, identity):
    handler = SEED_HANDLER.replace('event.get("headers", {}).get("Authorization")', 'event["authorizationToken"]')
    assert serve_files(seed_files("TOKEN", identity, handler)).warnings() == []


def test_warning_goes_away_when_the_handler_is_mended(serve_files, tmp_path):
    server = serve_files(seed_files("TOKEN", "{Header: Authorization, ReauthorizeEvery: 0}"))
    assert server.warnings()
    mark = server.mark()
    code = tmp_path / "authorizer/app.py"
    code.write_text(SEED_HANDLER.replace('event.get("headers", {}).get("Authorization")', 'event["authorizationToken"]'))
    server.wait_for_text("reloaded", since=mark)
    assert [event for event in server.events[mark:] if event.get("kind") == "warning"] == []
    assert server.api().call("/my-lambda", "POST", {"Authorization": "valid-token-1"}).status == 200
