"""A paid answer outlives what happens to the database and to the task that asked for it (D19)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.state.state import State
from include.calls.steps import answers
from include.calls.steps.list_calls import list_calls
from include.calls.steps.plan import plan
from include.common.errors import Temporary
from include.speech.recognition import RecognitionResponse
from tests.kit.small_world import asked, statuses, world_of
from tests.kit.whole_export import Export, Outcome, export_over


class RestartingState:
    """A state whose database refuses the first `away` connections."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.answers: list[Any] = []

    def save_answer(self, *answer: Any) -> None:
        if self.away:
            self.away -= 1
            raise Temporary("the database system is starting up")
        self.answers.append(answer[3])


def keep(state: Any) -> None:
    answer = RecognitionResponse("да", (), "ru", {}, "gpt-transcribe", None, {})
    answers.keep_answer(state, "checksum", "m-0-1700-flac", "gpt-transcribe", answer.as_json())


def test_a_restart_of_the_database_is_waited_for_with_the_answer_in_hand(monkeypatch):
    monkeypatch.setattr(answers, "DATABASE_PAUSES", (0, 0))
    state = RestartingState(away=2)
    keep(state)
    assert [answer["text"] for answer in state.answers] == ["да"]


def test_a_database_that_stays_away_is_an_error_and_not_an_endless_wait(monkeypatch):
    monkeypatch.setattr(answers, "DATABASE_PAUSES", (0, 0))
    with pytest.raises(Temporary):
        keep(RestartingState(away=3))


def test_the_pauses_outlast_a_restart_of_postgresql():
    assert sum(answers.DATABASE_PAUSES) >= 60


@pytest.mark.postgres
def test_a_task_believed_dead_leaves_its_answers_to_its_successor(database, tmp_path, monkeypatch):
    """The scheduler starts a batch anew while its first task still waits for an answer: nothing is bought twice."""
    with export_over(world_of(1), database, tmp_path / "storage") as export:
        outcome, batch = planned(export)
        export.download(outcome, batch)
        with taken_back_while_answering(export, outcome, batch, monkeypatch):
            export.transcribe(outcome, batch)
        assert statuses(export, outcome.run_id) == {RecordStatus.DOWNLOADED: 1}, "it was not ours any more"
        assert asked(export) == 1

        export.transcribe(outcome, batch, fresh=False)
        assert statuses(export, outcome.run_id) == {RecordStatus.COMPLETED: 1}
        assert asked(export) == 1, "the answer of the first task was there"


def planned(export: Export) -> tuple[Outcome, int]:
    run_id = export.open()
    outcome = Outcome(run_id, verdict=None)  # type: ignore[arg-type]
    with export.state() as state, export.client() as telephony:
        list_calls(run_id, telephony, state)
        (batch,) = plan(run_id, state, export.storage, export.policy).batches
    return outcome, batch


@contextmanager
def taken_back_while_answering(
    export: Export, outcome: Outcome, batch: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """What a successor's start does to the row, just before the first task's answer is stored."""
    save = State.save_answer

    def saving(self: State, *answer: Any) -> None:
        save(self, *answer)
        with export.state() as successor:
            successor.recover_stale(outcome.run_id, batch, RecordStatus.TRANSCRIBING, stage="transcribe")

    with monkeypatch.context() as patch:
        patch.setattr(State, "save_answer", saving)
        yield
