"""Calls and batches against recorded responses: the effect of each one on the client."""

import logging
import traceback
from typing import Any

import pytest

from include.clients.bitrix24.portal import Portal
from include.common.errors import (
    AccessDenied,
    ContractBroken,
    ExportError,
    NotConfigured,
    StopRun,
    Temporary,
    Throttled,
)
from tests.unit.clients.bitrix24.fakes import TOKEN, FakePace, Reply, batch_response, ok, portal_at, recorded, serving

METHOD = "voximplant.statistic.get"
SLOW_DOWN = Reply(503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"})
EXPECTED = {
    "INTERNAL_SERVER_ERROR": Temporary,
    "ERROR_UNEXPECTED_ANSWER": Temporary,
    "ERROR_BATCH_METHOD_NOT_ALLOWED": ContractBroken,
    "ERROR_BATCH_LENGTH_EXCEEDED": ContractBroken,
    "NO_AUTH_FOUND": AccessDenied,
    "INVALID_REQUEST": NotConfigured,
    "OVERLOAD_LIMIT": StopRun,
    "ACCESS_DENIED": AccessDenied,
    "INVALID_CREDENTIALS": AccessDenied,
    "ERROR_MANIFEST_IS_NOT_AVAILABLE": NotConfigured,
    "insufficient_scope": AccessDenied,
    "expired_token": AccessDenied,
    "user_access_error": AccessDenied,
    "PORTAL_DELETED": AccessDenied,
}
REFUSALS = ("QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT")


def failure_of(portal: Portal, method: str = METHOD) -> ExportError:
    with pytest.raises(ExportError) as raised:
        portal.call(method)
    return raised.value


@pytest.mark.parametrize(
    "error",
    [error for error in recorded("system_errors") if error["body"]["error"] not in REFUSALS],
    ids=lambda error: error["body"]["error"],
)
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_each_documented_error_says_what_to_do(error: dict[str, Any], case: Any) -> None:
    """Codes are compared without regard to case, and never retried inside the client."""
    body = error["body"] | {"error": case(error["body"]["error"])}
    with serving(Reply(error["status"], body)) as server, portal_at(server.url) as portal:
        assert type(failure_of(portal)) is EXPECTED[error["body"]["error"]]
        assert len(server.requests) == 1


def test_a_missing_scope_is_named() -> None:
    """The message names the permission and the place to grant it."""
    body = {"error": "insufficient_scope", "error_description": "higher privileges"}
    with serving(Reply(403, body)) as server, portal_at(server.url) as portal:
        assert "`telephony`: tick it in the webhook's settings" in str(failure_of(portal))


def test_an_error_of_rest_3_is_read() -> None:
    """REST 3.0 nests the error's code and message."""
    with serving(Reply(403, recorded("rest_v3_error_403"))) as server, portal_at(server.url) as portal:
        assert isinstance(failure_of(portal), AccessDenied)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, b"<html>busy</html>"), Temporary),
        (Reply(503, b"<html>busy</html>"), Temporary),
        (Reply(403, b"<html>no</html>"), AccessDenied),
        (Reply(404, b"<html>no</html>"), NotConfigured),
        (Reply(200, {"answer": 42}), ContractBroken),
        (Reply(200, []), ContractBroken),
        (Reply(200, {"error": "expired_token"}), AccessDenied),
        (Reply(200, b"{", {"Content-Length": "99"}, cut=1), Temporary),
    ],
    ids=["page", "page-503", "page-403", "page-404", "no-result", "list", "error-with-200", "cut"],
)
def test_an_unknown_form_is_never_data(reply: Reply, expected: type[ExportError]) -> None:
    """A page, a list or a response without `result` ends in an error."""
    with serving(reply) as server, portal_at(server.url) as portal:
        assert type(failure_of(portal)) is expected


def test_short_refusals_are_waited_out() -> None:
    """The pace hears of each refusal, and the request is sent again."""
    pace = FakePace()
    with serving(SLOW_DOWN, SLOW_DOWN, ok(7)) as server, portal_at(server.url, pace) as portal:
        assert portal.call(METHOD).result == 7
    assert pace.refusals == [("QUERY_LIMIT_EXCEEDED", 5.0, METHOD), ("QUERY_LIMIT_EXCEEDED", 15.0, METHOD)]
    assert pace.permits == 3


def test_endless_refusals_end_as_throttled() -> None:
    """5 + 15 + 30 s are within the minute that one call may wait, the next 60 s are not."""
    pace = FakePace()
    with serving(SLOW_DOWN) as server, portal_at(server.url, pace) as portal:
        failure = failure_of(portal)
    assert isinstance(failure, Throttled)
    assert failure.retry_after == 60.0
    assert [seconds for _, seconds, _ in pace.refusals] == [5.0, 15.0, 30.0, 60.0]


def test_a_time_limit_waits_until_the_stated_reset() -> None:
    """The reset is compared with the portal's own clock, which may differ from ours by years."""
    now = 100.0
    pace = FakePace()
    good = ok([], time={"finish": 1771259149.0, "operating_reset_at": 1771259749})
    refusal = Reply(429, {"error": "OPERATION_TIME_LIMIT", "error_description": None})
    with serving(good, refusal) as server, portal_at(server.url, pace, clock=lambda: now) as portal:
        portal.call(METHOD)
        now += 20.0
        failure = failure_of(portal)
    assert isinstance(failure, Throttled)
    assert failure.retry_after == 580.0
    assert pace.refusals == [("OPERATION_TIME_LIMIT", 580.0, METHOD)]


def test_a_time_limit_without_a_reset_waits_a_minute() -> None:
    pace = FakePace()
    with serving(Reply(429, {"error": "operation_time_limit"}), ok(1)) as server, portal_at(server.url, pace) as portal:
        assert portal.call(METHOD).result == 1
    assert pace.refusals == [("OPERATION_TIME_LIMIT", 60.0, METHOD)]


def test_retry_after_of_the_portal_wins() -> None:
    """The portal's own header overrides our ladder."""
    pace = FakePace()
    refusal = Reply(503, SLOW_DOWN.body, {"Retry-After": "7"})
    with serving(refusal, ok(1)) as server, portal_at(server.url, pace) as portal:
        portal.call(METHOD)
    assert pace.refusals == [("QUERY_LIMIT_EXCEEDED", 7.0, METHOD)]


def test_a_renamed_portal_gets_the_same_post() -> None:
    """A 302 to a new domain is followed with the same POST, never with a GET."""
    with serving(ok(5)) as new:
        moved = Reply(302, b"", {"Location": f"{new.url}/rest/1/{TOKEN}/{METHOD}.json"})
        with serving(moved) as old, portal_at(old.url, recording_hosts=[new.url.removeprefix("http://")]) as portal:
            assert portal.call(METHOD, {"start": 0}).result == 5
            assert portal.call(METHOD).result == 5
            assert portal.url == new.url
        assert len(old.requests) == 1
        assert [(request.verb, request.body) for request in new.requests] == [("POST", {"start": 0}), ("POST", {})]


@pytest.mark.parametrize("location", ["/auth/", "http://[::1/x"])
def test_redirect_to_a_page_is_not_followed(location: str) -> None:
    with serving(Reply(302, b"", {"Location": location})) as server, portal_at(server.url) as portal:
        assert isinstance(failure_of(portal), Temporary)
        assert len(server.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.2:9", "10.1.2.3"])
def test_no_token_goes_into_a_private_network(host: str) -> None:
    """A redirect to an internal address stops the run before the token is sent."""
    moved = Reply(302, b"", {"Location": f"http://{host}/rest/1/{TOKEN}/{METHOD}.json"})
    with serving(moved) as server, portal_at(server.url) as portal:
        assert isinstance(failure_of(portal), StopRun)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"", {"Content-Length": "5"}, cut=0),
        Reply(403, {"error": "ACCESS_DENIED", "error_description": f"see http://p/rest/1/{TOKEN}/x and {TOKEN}"}),
        Reply(302, b"", {"Location": f"http://10.0.0.1/rest/1/{TOKEN}/{METHOD}.json"}),
        Reply(500, TOKEN.encode()),
    ],
    ids=["cut", "description", "redirect", "body"],
)
def test_no_error_contains_the_token(
    reply: Reply, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the message nor a chained exception shows the webhook's token."""
    for name in ("urllib3", "urllib3.connectionpool"):  # the logging of Airflow, in this process, may have silenced it
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        caplog.set_level("DEBUG", logger=name)
    with caplog.at_level("DEBUG"), serving(reply) as server, portal_at(server.url) as portal:
        failure = failure_of(portal)
    assert failure.__context__ is None
    assert failure.__cause__ is None
    assert TOKEN not in "".join(traceback.format_exception_only(failure)) + caplog.text + repr(portal.webhook)
    assert "urllib3.connectionpool" in caplog.text


def test_a_phone_number_in_the_portals_words_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    reply = Reply(500, {"error": "INTERNAL_SERVER_ERROR", "error_description": "no call of +79997654321 in 2025"})
    with caplog.at_level("DEBUG"), serving(reply) as server, portal_at(server.url) as portal:
        failure = failure_of(portal)
    assert "no call of +7 999 *** ** 21 in 2025" in str(failure)
    assert "7654321" not in str(failure) + caplog.text


def test_a_closed_port_is_temporary() -> None:
    """The message shows neither the address nor the token."""
    with serving(ok(1)) as server:
        url = server.url
    with portal_at(url) as portal:
        failure = failure_of(portal)
    assert isinstance(failure, Temporary)
    assert failure.__context__ is None
    assert TOKEN not in str(failure)


def test_batch_sends_names_and_values_encoded_once() -> None:
    with serving(batch_response({"a": [1]})) as server, portal_at(server.url) as portal:
        portal.batch({"a": (METHOD, {"FILTER": {">=CALL_START_DATE": "2026-01-01T00:00:00+03:00", "ID": [7, 8]}})})
        assert server.requests[0].path == f"/rest/1/{TOKEN}/batch.json"
        assert server.requests[0].body == {
            "halt": 0,
            "cmd": {
                "a": f"{METHOD}?FILTER[%3E%3DCALL_START_DATE]=2026-01-01T00%3A00%3A00%2B03%3A00"
                "&FILTER[ID][0]=7&FILTER[ID][1]=8"
            },
        }


def commands(*keys: str) -> dict[str, tuple[str, dict[str, Any]]]:
    return {key: ("user.get", {"ID": key}) for key in keys}


def test_recorded_batches_are_read() -> None:
    good, bad = recorded("batch_success"), recorded("batch_error_halt0")
    keys = ("get_user", "get_department")
    with serving(Reply(200, good), Reply(200, bad)) as server, portal_at(server.url) as portal:
        assert portal.batch(commands(*keys)).results == good["result"]["result"]
        answer = portal.batch(commands(*keys))
    assert answer.results == {}
    assert {key: error.code for key, error in answer.errors.items()} == dict.fromkeys(keys, "INSUFFICIENT_SCOPE")


def test_a_list_of_errors_follows_the_commands() -> None:
    """A recorded portal sends errors without keys: they belong to the commands in order."""
    answer = Reply(200, recorded("real_fast_bitrix24_crm_get_batch_of_two_error"))
    with serving(answer) as server, portal_at(server.url) as portal:
        errors = portal.batch(commands("x", "y")).errors
    assert [error.text for error in errors.values()] == ["ID is not defined or invalid.", "Not found"]
    assert errors["y"].is_not_found


def test_empty_result_in_a_batch_is_a_result() -> None:
    answer = Reply(200, recorded("real_fast_bitrix24_batch_list_empty"))
    with serving(answer) as server, portal_at(server.url) as portal:
        assert portal.batch(commands("order0000000000")).results == {"order0000000000": []}
        assert len(server.requests) == 1


def test_only_postponed_commands_are_sent_again() -> None:
    """Refused commands and commands without any result are repeated; the others are not."""
    pace = FakePace()
    first = batch_response({"a": 1}, {"b": {"error": "query_limit_exceeded", "error_description": ""}})
    with serving(first, batch_response({"b": 2, "c": 3})) as server, portal_at(server.url, pace) as portal:
        assert portal.batch(commands("a", "b", "c")).results == {"a": 1, "b": 2, "c": 3}
        assert [list(request.body["cmd"]) for request in server.requests] == [["a", "b", "c"], ["b", "c"]]
    assert pace.refusals == [("QUERY_LIMIT_EXCEEDED", 5.0, "user.get")]


def test_batch_that_executes_nothing_is_temporary() -> None:
    with serving(batch_response()) as server, portal_at(server.url) as portal, pytest.raises(Temporary):
        portal.batch(commands("a"))


@pytest.mark.parametrize(
    "parts",
    [{"result": {"zzz": 1}}, {"result": [1]}, {"result": "x"}, {"result_error": {"a": "x"}}, []],
    ids=["unknown-key", "short-list", "text", "no-code", "no-parts"],
)
def test_batch_of_an_unknown_shape_is_not_read(parts: Any) -> None:
    with serving(ok(parts)) as server, portal_at(server.url) as portal, pytest.raises(ContractBroken):
        portal.batch(commands("a", "b"))


def test_fifty_commands_a_request() -> None:
    keys = [f"k{number}" for number in range(120)]
    replies = [batch_response(dict.fromkeys(keys[at : at + 50], 1)) for at in (0, 50, 100)]
    with serving(*replies) as server, portal_at(server.url) as portal:
        assert list(portal.batch(commands(*keys)).results) == keys
        assert [len(request.body["cmd"]) for request in server.requests] == [50, 50, 20]


def test_a_request_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has our User-Agent; the machine's proxy and .netrc are not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(ok(1)) as server, portal_at(server.url) as portal:
        portal.call(METHOD)
        assert server.requests[0].headers["User-Agent"].startswith("call-export/")
