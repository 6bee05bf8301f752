"""The portal's own transcripts: read from its documented answers, whatever way PHP writes a null."""

from typing import Any

import pytest

from include.clients.bitrix24.portal_transcripts import transcripts_of
from include.common.errors import Temporary
from tests.unit.clients.bitrix24.fakes import FakePace, Reply, batch_answer, portal_at, recorded, serving

TEXT = recorded("crm_activity_call_get_transcript")["result"]
NOT_FOUND = recorded("crm_activity_call_get_transcript_error_400")


def rows(*numbers: int, activity: Any = "77") -> Reply:
    return batch_answer({f"r{n}": [{"ID": str(n), "CRM_ACTIVITY_ID": activity}] for n in numbers})


def found(*replies: Reply, asked: tuple[int, ...] = (1, 2)) -> tuple[dict[int, str], list[dict[str, str]], FakePace]:
    """The texts, the commands of each request, the pace."""
    pace = FakePace()
    with serving(*replies) as server, portal_at(server.url, pace) as portal:
        texts = transcripts_of(portal, list(asked))
        return texts, [request.body["cmd"] for request in server.requests], pace


def test_a_text_is_found_by_the_calls_activity_in_two_paced_requests() -> None:
    texts, commands, pace = found(rows(1, 2), batch_answer({"t1": TEXT, "t2": None}))
    assert texts == {1: "Текст расшифровки звонка..."}
    assert commands[1] == {
        "t1": "crm.activity.call.getTranscript?activityId=77",
        "t2": "crm.activity.call.getTranscript?activityId=77",
    }
    assert pace.permits == 2


def test_a_null_that_the_portal_leaves_out_is_asked_once_more_and_then_no_text() -> None:
    texts, commands, _ = found(rows(1, 2), batch_answer({"t1": TEXT}), batch_answer())
    assert texts == {1: "Текст расшифровки звонка..."}
    assert [list(request) for request in commands] == [["r1", "r2"], ["t1", "t2"], ["t2"]]


def test_an_activity_that_is_gone_is_no_text() -> None:
    texts, commands, _ = found(rows(1), batch_answer(errors={"t1": NOT_FOUND}), asked=(1,))
    assert (texts, len(commands)) == ({}, 2)


@pytest.mark.parametrize("activity", [None, "", "0", 0])
def test_a_call_without_an_activity_is_not_asked_for(activity: Any) -> None:
    texts, commands, _ = found(rows(1, activity=activity), asked=(1,))
    assert (texts, len(commands)) == ({}, 1)


def test_another_row_than_the_one_asked_for_is_passed_over() -> None:
    """A portal that ignores the filter answers with somebody else's call."""
    other = batch_answer({"r1": [{"ID": "2", "CRM_ACTIVITY_ID": "77"}]})
    assert found(other, asked=(1,))[0] == {}


@pytest.mark.parametrize("answer", [{"transcription": None}, {"transcription": "  "}, {"other": "x"}, "text", []])
def test_an_answer_of_another_shape_is_no_text(answer: Any) -> None:
    assert found(rows(1), batch_answer({"t1": answer}), asked=(1,))[0] == {}


def test_a_portal_that_answers_nothing_at_all_is_an_error() -> None:
    with pytest.raises(Temporary):
        found(rows(1), batch_answer(), asked=(1,))
