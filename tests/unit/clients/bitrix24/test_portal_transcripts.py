"""The portal's own transcripts: read from its documented responses, in each form that PHP writes a null."""

from typing import Any

import pytest

from include.clients.bitrix24.portal_transcripts import transcripts_of
from include.common.errors import Temporary
from tests.unit.clients.bitrix24.fakes import FakePace, Reply, batch_response, portal_at, recorded, serving

TEXT = recorded("crm_activity_call_get_transcript")["result"]
NOT_FOUND = recorded("crm_activity_call_get_transcript_error_400")


def rows(*numbers: int, activity: Any = "77") -> Reply:
    return batch_response({f"r{n}": [{"ID": str(n), "CRM_ACTIVITY_ID": activity}] for n in numbers})


def found(*replies: Reply, wanted: tuple[int, ...] = (1, 2)) -> tuple[dict[int, str], list[dict[str, str]], FakePace]:
    """The texts, the commands of each request, the pace."""
    pace = FakePace()
    with serving(*replies) as server, portal_at(server.url, pace) as portal:
        texts = transcripts_of(portal, list(wanted))
        return texts, [request.body["cmd"] for request in server.requests], pace


def test_texts_cost_two_requests() -> None:
    """One request finds the CRM activities of the calls, the second one their texts."""
    texts, commands, pace = found(rows(1, 2), batch_response({"t1": TEXT, "t2": None}))
    assert texts == {1: "Текст расшифровки звонка..."}
    assert commands[1] == {
        "t1": "crm.activity.call.getTranscript?activityId=77",
        "t2": "crm.activity.call.getTranscript?activityId=77",
    }
    assert pace.permits == 2


def test_a_left_out_null_is_requested_once_more() -> None:
    """Some portals leave a null out of a batch; the second time it counts as no text."""
    texts, commands, _ = found(rows(1, 2), batch_response({"t1": TEXT}), batch_response())
    assert texts == {1: "Текст расшифровки звонка..."}
    assert [list(request) for request in commands] == [["r1", "r2"], ["t1", "t2"], ["t2"]]


def test_a_deleted_activity_is_no_text() -> None:
    texts, commands, _ = found(rows(1), batch_response(errors={"t1": NOT_FOUND}), wanted=(1,))
    assert (texts, len(commands)) == ({}, 2)


@pytest.mark.parametrize("activity", [None, "", "0", 0])
def test_a_call_without_an_activity_costs_no_request(activity: Any) -> None:
    texts, commands, _ = found(rows(1, activity=activity), wanted=(1,))
    assert (texts, len(commands)) == ({}, 1)


def test_a_row_that_was_not_requested_is_skipped() -> None:
    """A portal that ignores the filter responds with another call: its text must not be used."""
    other = batch_response({"r1": [{"ID": "2", "CRM_ACTIVITY_ID": "77"}]})
    assert found(other, wanted=(1,))[0] == {}


@pytest.mark.parametrize("response", [{"transcription": None}, {"transcription": "  "}, {"other": "x"}, "text", []])
def test_a_response_of_another_form_is_no_text(response: Any) -> None:
    assert found(rows(1), batch_response({"t1": response}), wanted=(1,))[0] == {}


def test_a_batch_without_any_result_is_an_error() -> None:
    with pytest.raises(Temporary):
        found(rows(1), batch_response(), wanted=(1,))
