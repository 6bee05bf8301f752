"""The simulated portal responds like the recorded ones, limits and traps included."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.in_process import running
from tests.kit.paths import SHARED_DATA

RECORDED = SHARED_DATA / "bitrix24"
START = datetime(2025, 8, 1, 9, tzinfo=UTC)


class Client:
    """Raw requests to one simulator."""

    def __init__(self, portal: PortalSimulator, url: str) -> None:
        self.portal, self.url = portal, url

    def post(self, method: str, params: dict[str, Any] | None = None) -> requests.Response:
        return requests.post(self.portal.webhook(self.url) + method, json=params or {}, timeout=10)

    def result(self, method: str, params: dict[str, Any] | None = None) -> Any:
        response = self.post(method, params)
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def batch(self, cmd: Any, halt: int = 0) -> dict[str, Any]:
        response: dict[str, Any] = self.result("batch", {"halt": halt, "cmd": cmd})
        return response


@pytest.fixture
def portal() -> PortalSimulator:
    calls = [Call(number, START + timedelta(minutes=number), user_id=str(11 + number % 3)) for number in range(1, 121)]
    world = PortalWorld(calls)
    world.add(Call(121, START + timedelta(hours=3), file_id=9079), Audio(b"0123456789" * 10))
    world.add(Call(122, START + timedelta(hours=3), storage_path="2025/08/01/a.mp3"), Audio(b"abcdef"))
    return PortalSimulator(world, limits=Limits(bucket=10_000, rps=10_000))


@pytest.fixture
def client(portal: PortalSimulator) -> Iterator[Client]:
    with running(portal) as url:
        yield Client(portal, url)


def recorded(name: str) -> Any:
    if not RECORDED.is_dir():
        pytest.skip("the recorded responses (../shared/data/bitrix24) are not here")
    return json.loads((RECORDED / name).read_text())


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: type(item).__name__ for key, item in value.items()}
    return type(value).__name__


def test_rows_have_the_recorded_fields(client: Client) -> None:
    """In the recorded order."""
    theirs = recorded("voximplant_statistic_get.json")
    ours = client.post("voximplant.statistic.get", {"FILTER": {"ID": 121}}).json()
    assert list(ours) == list(theirs)
    assert list(ours["result"][0]) == list(theirs["result"][1])
    assert set(ours["time"]) == set(theirs["time"])
    assert ours["result"][0]["RECORD_FILE_ID"] == 9079
    strings = {key: value for key, value in ours["result"][0].items() if key != "RECORD_FILE_ID"}
    assert {type(value) for value in strings.values()} == {str, type(None)}


def test_file_and_user_have_the_recorded_shape(client: Client) -> None:
    assert shape(client.result("disk.file.get", {"id": 9079})) == shape(recorded("disk_file_get.json")["result"])
    theirs = recorded("user_get.json")["result"][0]
    ours = client.result("user.get", {"FILTER": {"ID": ["11"]}})[0]
    assert {key: shape(theirs[key]) for key in ours} == {key: shape(value) for key, value in ours.items()}


@pytest.mark.parametrize("error", ["expired_token", "INVALID_CREDENTIALS", "OVERLOAD_LIMIT", "PORTAL_DELETED"])
def test_system_errors_are_the_published_ones(client: Client, error: str) -> None:
    theirs = next(item for item in recorded("system_errors.json") if item["body"]["error"] == error)
    client.portal.refuse_all = error
    response = client.post("voximplant.statistic.get")
    assert (response.status_code, response.json()) == (theirs["status"], theirs["body"])


def test_pages_of_fifty_with_next_and_total(client: Client) -> None:
    """SORT and ORDER as strings; `next` is absent on the last page."""
    seen: list[int] = []
    start: int | None = 0
    while start is not None:
        params = {"SORT": "ID", "ORDER": "ASC", "start": start}
        body = client.post("voximplant.statistic.get", params).json()
        assert body["total"] == 122
        assert len(body["result"]) <= 50
        seen += [int(row["ID"]) for row in body["result"]]
        start = body.get("next")
    assert seen == list(range(1, 123))


def test_keyset_paging_counts_nothing(client: Client) -> None:
    params = {"FILTER": {">ID": 100}, "SORT": "ID", "ORDER": "ASC", "start": -1}
    body = client.post("voximplant.statistic.get", params).json()
    assert body["total"] == 0
    assert "next" not in body
    assert [row["ID"] for row in body["result"]] == [str(number) for number in range(101, 123)]


def test_order_as_an_object_is_ignored(client: Client) -> None:
    rows = client.result("voximplant.statistic.get", {"order": {"ID": "ASC"}})
    assert [row["ID"] for row in rows] != [str(number) for number in range(1, 51)]


def test_an_unknown_filter_field_returns_the_whole_portal(client: Client) -> None:
    body = client.post("voximplant.statistic.get", {"FILTER": {"DATE_FROM": "2030-01-01", "RECORD_FILE_ID": 1}}).json()
    assert body["total"] == 122


def test_of_filter_and_FILTER_the_later_stays(client: Client) -> None:  # noqa: N802
    both = {"FILTER": {"ID": 5}, "filter": {"ID": 6}}
    assert [row["ID"] for row in client.result("voximplant.statistic.get", both)] == ["6"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({">=CALL_START_DATE": "2025-08-01T15:00:00+03:00"}, 2),  # the portal prints +03:00, START is 09:00 UTC
        ({"<CALL_START_DATE": "2025-08-01T09:03:00Z"}, 2),
        ({"ID": [1, 2, "3"]}, 3),
        ({"!ID": [1, 2, "3"]}, 119),
        ({"><ID": [10, 12]}, 3),
        ({"!><ID": [10, 12]}, 119),
        ({"%PHONE_NUMBER": "999000"}, 122),
        ({"!%PHONE_NUMBER": "999000"}, 0),
        ({"id": "7"}, 1),
        ({"CALL_TYPE": 1}, 0),
        ({"=PORTAL_USER_ID": 11, "<ID": "7"}, 2),
        ({"~ID": 7}, 122),
    ],
)
def test_filter_operators(client: Client, condition: dict[str, Any], expected: int) -> None:
    assert client.post("voximplant.statistic.get", {"FILTER": condition}).json()["total"] == expected


def test_form_bodies_and_query_strings_are_read_as_php_does(client: Client) -> None:
    webhook = client.portal.webhook(client.url)
    form = {"FILTER[>=ID]": "100", "FILTER[<ID]": "103", "SORT": "ID", "ORDER": "DESC"}
    for response in (
        requests.post(webhook + "voximplant.statistic.get.json", data=form, timeout=10),
        requests.get(webhook + "Voximplant.Statistic.Get", params=form, timeout=10),
    ):
        assert [row["ID"] for row in response.json()["result"]] == ["102", "101", "100"]


def test_a_limited_owner_gets_fewer_rows_and_no_error(client: Client) -> None:
    client.portal.rights.only_users = frozenset({"11"})
    assert client.post("voximplant.statistic.get").json()["total"] == 40


def test_missing_scope_wrong_secret_and_unknown_method(client: Client) -> None:
    client.portal.rights.scopes = frozenset({"disk"})
    refused = client.post("voximplant.statistic.get")
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert client.result("scope") == ["disk"]
    assert client.result("methods")[0] == "disk.file.get"
    assert client.post("telephony.callList").status_code == 404
    wrong = requests.post(f"{client.url}/rest/1/wrong/scope", timeout=10)
    assert (wrong.status_code, wrong.json()["error"]) == (403, "INVALID_CREDENTIALS")
    assert requests.post(f"{client.url}/rest/scope", timeout=10).status_code == 401


def test_denied_statistics_have_the_recorded_error(client: Client) -> None:
    client.portal.rights.statistics = False
    response = client.post("voximplant.statistic.get")
    assert (response.status_code, response.json()) == (403, recorded("voximplant_statistic_get_error_403.json"))


def test_the_sixth_request_of_a_bucket_of_five_is_refused() -> None:
    """The bucket drains at the portal's rate; a refused request is not counted."""
    now = [1000.0]
    portal = PortalSimulator(PortalWorld(), limits=Limits(rps=2, bucket=5), clock=lambda: now[0])
    with running(portal) as url:
        client = Client(portal, url)
        statuses = [client.post("scope").status_code for _ in range(7)]
        assert statuses == [200] * 5 + [503] * 2
        assert client.post("scope").json() == {
            "error": "QUERY_LIMIT_EXCEEDED",
            "error_description": "Too many requests",
        }
        now[0] += 1.0
        assert [client.post("scope").status_code for _ in range(3)] == [200, 200, 503]
        assert len(portal.journal.refusals()) == 4


def test_a_method_over_its_time_budget_is_refused() -> None:
    """Until `operating_reset_at`."""
    now = [6000.0]
    limits = Limits(method_budget=3.0, method_seconds={"scope": 1.0})
    portal = PortalSimulator(PortalWorld(), limits=limits, clock=lambda: now[0])
    with running(portal) as url:
        client = Client(portal, url)
        times = [client.post("scope").json()["time"] for _ in range(3)]
        assert [time["operating"] for time in times] == [1.0, 2.0, 3.0]
        refused = client.post("scope")
        assert (refused.status_code, refused.json()["error"]) == (429, "OPERATION_TIME_LIMIT")
        assert client.post("methods").status_code == 200
        assert client.batch({"a": "scope"})["result_error"]["a"]["error"] == "OPERATION_TIME_LIMIT"
        now[0] = times[-1]["operating_reset_at"] - 2
        assert client.post("scope").status_code == 429
        now[0] = times[-1]["operating_reset_at"]
        assert client.post("scope").status_code == 200


def test_batch_responds_with_php_arrays(client: Client) -> None:
    response = client.batch({"f9079": "disk.file.get?id=9079", "x": "disk.file.get?id=1", "y": "disk.file.get"})
    assert response["result"]["f9079"]["ID"] == "9079"
    assert response["result_error"]["x"] == {
        "error": "ERROR_NOT_FOUND",
        "error_description": "Could not find entity with id `1`",
    }
    assert response["result_error"]["y"]["error"] == recorded("disk_file_get_error_400.json")["error"]
    assert response["result_total"] == []
    numbered = client.batch(["disk.file.get?id=1", "disk.file.get?id=2"])
    assert numbered["result"] == []
    assert [item["error"] for item in numbered["result_error"]] == ["ERROR_NOT_FOUND"] * 2


def test_batch_halts_or_goes_on(client: Client) -> None:
    cmd = {"a": "scope", "b": "nope", "c": "scope"}
    assert set(client.batch(cmd)["result"]) == {"a", "c"}
    assert set(client.batch(cmd, halt=1)["result"]) == {"a"}


def test_batch_refuses_what_cannot_be_batched(client: Client) -> None:
    too_long = client.post("batch", {"cmd": {f"k{number}": "scope" for number in range(51)}})
    assert (too_long.status_code, too_long.json()["error"]) == (400, "ERROR_BATCH_LENGTH_EXCEEDED")
    nested = client.batch({"a": "batch?cmd[x]=scope"})
    assert nested["result_error"]["a"]["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


def test_batch_commands_may_use_earlier_results(client: Client) -> None:
    command = "voximplant.statistic.get?FILTER[%3EID]={}&SORT=ID&ORDER=ASC&start=-1"
    response = client.batch({"a": command.format("0"), "b": command.format("%24result%5Ba%5D%5B49%5D%5BID%5D")})
    assert [row["ID"] for row in response["result"]["b"]] == [str(number) for number in range(51, 101)]
    assert response["result_total"] == {"a": 0, "b": 0}


def test_a_call_that_appears_while_we_list(client: Client) -> None:
    portal = client.portal
    late = Call(200, START)
    portal.before("voximplant.statistic.get", 2, lambda: portal.world.add(late) and None)
    totals = [client.post("voximplant.statistic.get", {"start": start}).json()["total"] for start in (0, 50)]
    assert totals == [122, 123]


def test_an_old_portal_ignores_the_keyset(client: Client) -> None:
    client.portal.methods.ignores = frozenset({"start=-1", ">ID"})
    body = client.post("voximplant.statistic.get", {"FILTER": {">ID": 100}, "start": -1}).json()
    assert (body["total"], body["next"]) == (122, 50)


def test_portal_transcript_is_text_or_null(client: Client) -> None:
    client.portal.world.add(Call(300, START, activity_id="7943", transcript="Алло"))
    client.portal.world.add(Call(301, START, activity_id="7944"))
    assert client.result("crm.activity.call.getTranscript", {"activityId": 7943}) == {"transcription": "Алло"}
    assert client.result("crm.activity.call.getTranscript", {"activityId": 7944}) is None
    assert client.post("crm.activity.call.getTranscript", {"activityId": 1}).status_code == 400
