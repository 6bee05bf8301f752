"""A paid response outlives what happens to the database and to the task that asked for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from include.calls.domain.data_classes import DataClass
from include.calls.state import stored_responses
from include.calls.state.retention import Retention
from include.calls.state.state import State
from include.calls.state.stored_responses import Responses
from include.common.errors import Temporary
from tests.kit.state_samples import call, charge, executed, one, opened, rows, selected, text, to_text


class RestartingSession:
    """A session whose database refuses the first `away` statements."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.kept: list[Any] = []

    def count(self, file: str, name: str, **parameters: Any) -> int:
        assert (file, name) == ("stored_responses", "keep_response")
        if self.away:
            self.away -= 1
            raise Temporary("the database system is starting up")
        self.kept.append(parameters["response"].obj)
        return 1


def keep(session: Any, run_id: Any = None) -> None:
    Responses(session).keep(run_id, 1, "checksum", "m-0-1700-flac", "gpt-transcribe", {"text": "да"}, charge("0.01"))


def test_a_database_that_restarts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_responses, "DATABASE_PAUSES", (0, 0))
    session = RestartingSession(away=2)
    keep(session)
    assert session.kept == [{"text": "да"}]


def test_a_database_that_stays_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is not endless."""
    monkeypatch.setattr(stored_responses, "DATABASE_PAUSES", (0, 0))
    with pytest.raises(Temporary):
        keep(RestartingSession(away=3))


def test_the_pauses_outlast_a_restart_of_postgresql() -> None:
    assert sum(stored_responses.DATABASE_PAUSES) >= 60


@pytest.mark.postgres
def test_the_first_response_stays_until_it_is_forgotten(state: State) -> None:
    run = opened(state, "1", call(1))
    recording_id = one(state, run).recording_id

    def kept(model: str, said: str) -> None:
        state.responses.keep(run.run_id, recording_id, "aa", "0:0-10", model, {"text": said}, None)

    kept("gpt-transcribe", "алло")
    kept("gpt-transcribe", "другой")
    kept("whisper-1", "иной")
    assert state.responses.stored("aa", "gpt-transcribe") == {"0:0-10": {"text": "алло"}}
    assert state.responses.stored_one("aa", "0:0-10", "whisper-1") == {"text": "иной"}
    assert state.responses.stored_one("aa", "1:0-10", "gpt-transcribe") is None
    state.responses.forget("aa")
    assert state.responses.stored("aa", "gpt-transcribe") == {}


@pytest.mark.postgres
def test_old_responses_are_forgotten_and_their_charges_are_not(state: State, database: str) -> None:
    run = opened(state, "1", call(1))
    recording_id = one(state, run).recording_id
    state.responses.keep(run.run_id, recording_id, "aa", "0:0-10", "m", {}, charge("0.01"))
    assert state.responses.forget_old(received_before=datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert state.responses.forget_old(received_before=datetime(2999, 1, 1, tzinfo=UTC)) == 1
    assert selected(database, "SELECT count(*) FROM charges") == [(1,)]


@pytest.mark.postgres
def test_responses_of_audio_that_a_held_call_has_too_stay(state: State, database: str) -> None:
    """And those for the summary of the same words."""
    run = opened(state, "1", call(1), call(2))
    for row in rows(state, run):
        to_text(state, run, row)
    executed(database, "UPDATE call_exports SET status = 'completed'")
    executed(database, "UPDATE recordings SET checksum = 'aa'")
    for checksum in ("aa", text().sha256):
        executed(
            database,
            "INSERT INTO recognition_responses (checksum, piece, model, response) VALUES (%s, 'x', 'm', '{}')",
            checksum,
        )
    executed(
        database,
        "INSERT INTO replay_responses (checksum, piece, engine, response, seconds) VALUES ('aa', 'x', 'm', '{}', 1)",
    )
    executed(database, "INSERT INTO holds (call_id, reason, placed_by) VALUES (%s, 'x', 'x')", call(2).call_id)
    left = (
        "SELECT (SELECT count(*) FROM recognition_responses), (SELECT count(*) FROM replay_responses),"
        " (SELECT count(*) FROM recordings WHERE text_ended_at IS NOT NULL AND recognition_ended_at IS NOT NULL)"
    )

    before = datetime(2999, 1, 1, tzinfo=UTC)

    def night() -> list[tuple[Any, ...]]:
        retention = Retention(state.session)
        for data in (DataClass.RECOGNITION, DataClass.TEXTS):
            for page in retention.pages(data, before):
                retention.end(data, before, page)
        return selected(database, left)

    assert state.responses.forget_old(received_before=before) == 0
    assert night() == [(2, 1, 1)]
    executed(database, "UPDATE holds SET lifted_at = now(), lifted_by = 'x'")
    assert night() == [(0, 0, 2)]
