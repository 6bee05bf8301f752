"""A row of the portal's call statistics becomes a call: every field checked, nothing guessed."""

import json
from datetime import timedelta

import pytest

from include.clients.bitrix24.statistics_row import call_from_row, record_id_of
from include.common.errors import BadRow
from include.common.telephony import Call, CallOutcome, Direction
from tests.unit.clients.bitrix24.fakes import RECORDED

OFFICIAL = json.loads((RECORDED / "voximplant_statistic_get.json").read_text(encoding="utf-8"))["result"]


def row(**changed: object) -> dict[str, object]:
    return {**OFFICIAL[1], **changed}


def call(**changed: object) -> Call:
    return call_from_row(row(**changed))


def test_the_vendors_own_example_is_read() -> None:
    """The first official row is a call without a recording, the second one has a file."""
    cancelled, answered = map(call_from_row, OFFICIAL)
    assert (cancelled.statistics_id, cancelled.direction, cancelled.outcome) == (
        1,
        Direction.OUTBOUND,
        CallOutcome.CANCELLED,
    )
    assert (cancelled.has_recording, cancelled.record_id, cancelled.recording_ref) == (False, "none-1", None)
    assert answered.started_at.isoformat() == "2026-03-10T11:19:38+01:00"
    assert (answered.phone_line, answered.client_number, answered.employee_id) == ("3", "19061234568", "1269")
    assert (answered.duration_sec, answered.outcome, answered.outcome_code) == (95, CallOutcome.ANSWERED, "200")
    assert answered.has_recording
    assert answered.recording_ref == answered.record_id == str(OFFICIAL[1]["RECORD_FILE_ID"])


@pytest.mark.parametrize(
    ("kind", "direction", "caller"),
    [
        ("1", Direction.OUTBOUND, "3"),
        ("2", Direction.INBOUND, "19061234568"),
        ("3", Direction.INBOUND, "19061234568"),
        ("4", Direction.CALLBACK, "3"),
        (5, Direction.INFO, "3"),
    ],
)
def test_direction_says_who_called(kind: object, direction: Direction, caller: str) -> None:
    """The client is the caller of an inbound call, redirected ones included; our phone line of any other."""
    read = call(CALL_TYPE=kind)
    assert (read.direction, read.from_number) == (direction, caller)
    assert {read.from_number, read.to_number} == {"3", "19061234568"}


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("200", CallOutcome.ANSWERED),
        (200, CallOutcome.ANSWERED),
        ("304", CallOutcome.MISSED),
        ("402", CallOutcome.NO_FUNDS),
        ("403", CallOutcome.FORBIDDEN),
        ("404", CallOutcome.WRONG_NUMBER),
        ("423", CallOutcome.LINE_BLOCKED),
        ("480", CallOutcome.NOT_AVAILABLE),
        ("484", CallOutcome.UNREACHABLE),
        ("486", CallOutcome.BUSY),
        ("503", CallOutcome.UNREACHABLE),
        ("603", CallOutcome.DECLINED),
        ("603-S", CallOutcome.CANCELLED),
        ("OTHER", CallOutcome.UNDETERMINED),
        ("999", CallOutcome.UNKNOWN),
        (None, CallOutcome.NOT_STATED),
    ],
)
def test_each_of_the_portals_codes_has_an_outcome(code: object, outcome: CallOutcome) -> None:
    """The portal's own code is kept beside the neutral outcome."""
    read = call(CALL_FAILED_CODE=code)
    assert (read.outcome, read.outcome_code) == (outcome, "" if code is None else str(code))


@pytest.mark.parametrize("absent", [None, "", {}, [], "0", 0])
def test_absent_values_come_in_several_shapes(absent: object) -> None:
    read = call(PORTAL_USER_ID=absent, RECORD_FILE_ID=None if absent in ({}, []) else absent, CALL_RECORD_URL=None)
    assert (read.employee_id, read.recording_ref, read.has_recording) == (None, None, False)


@pytest.mark.parametrize(
    ("duration", "seconds"), [("95", 95), (95.0, 95), ("95.0", 95), ("-5", 0), ("", 0), ("1e9", 10**9), ("1e99", 0)]
)
def test_duration_is_whole_seconds_of_sane_size(duration: object, seconds: int) -> None:
    assert call(CALL_DURATION=duration).duration_sec == seconds


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"ID": None}, "no usable ID"),
        ({"ID": 2**63}, "no usable ID"),
        ({"RECORD_FILE_ID": "x"}, "RECORD_FILE_ID is no number"),
        ({"CALL_START_DATE": "2026-03-10T11:19:38"}, "no instant with a UTC offset"),
        ({"CALL_START_DATE": "yesterday"}, "no instant with a UTC offset"),
    ],
)
def test_an_unusable_row_is_refused_by_field(changed: dict[str, object], named: str) -> None:
    """A value that the export cannot do without is never guessed: the refusal names the field."""
    with pytest.raises(BadRow, match=named):
        call(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"CALL_TYPE": "6"}, "CALL_TYPE '6' is none of 1..5"),
        ({"CALL_TYPE": ""}, "CALL_TYPE '' is none of 1..5"),
        ({"CALL_ID": ""}, "CALL_ID has 0 characters"),
        ({"CALL_ID": "x" * 501}, "CALL_ID has 501 characters"),
    ],
)
def test_a_row_read_in_part_is_a_call_that_says_so(changed: dict[str, object], said: str) -> None:
    """Neither field is needed to fetch the recording."""
    whole, read = call(), call(**changed)
    (unread,) = read.unread
    assert said in unread
    assert whole.unread == ()
    assert (read.record_id, read.recording_ref, read.started_at) == (
        whole.record_id, whole.recording_ref, whole.started_at
    )  # fmt: skip
    if "CALL_TYPE" in changed:
        assert (read.direction, read.call_id) == (Direction.UNKNOWN, whole.call_id)
    else:
        assert (read.direction, read.call_id) == (whole.direction, f"statistics-{whole.statistics_id}")


def test_the_recordings_name_is_stable() -> None:
    """The file's id, else the link's digest, else the row: the same row gives the same name whenever it is listed."""
    assert record_id_of(9079, "https://storage.example/a.mp3", 7) == "9079"
    assert record_id_of(None, "https://storage.example/a.mp3", 7) == "url-dd6bf91d882c9054"
    assert record_id_of(None, None, 7) == "none-7"


def test_a_link_is_kept_without_its_secrets() -> None:
    """Credentials, query and fragment go; the path goes too where it holds the webhook's token."""
    url = "https://user:secret@storage.example:8443/a.mp3?auth=secret#part"
    assert call(CALL_RECORD_URL=url).recording_url == "https://storage.example:8443/a.mp3"
    assert (
        call(CALL_RECORD_URL="https://portal.example/rest/1/secret/x.json").recording_url == "https://portal.example/"
    )
    assert call(CALL_RECORD_URL="ftp://storage.example/a.mp3").recording_url is None


def test_the_utc_offset_is_the_portals() -> None:
    assert call().started_at.utcoffset() == timedelta(hours=1)
