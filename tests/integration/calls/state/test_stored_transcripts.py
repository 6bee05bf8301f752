"""A text's body is kept; a text that was replaced keeps its row."""

import pytest

from include.calls.state.state import State
from include.calls.state.types import Run
from tests.kit.state_samples import (
    bought,
    call,
    downloaded,
    events,
    executed,
    one,
    opened,
    rows,
    selected,
    text,
    to_text,
)

pytestmark = pytest.mark.postgres

FLAGS = {"needs_review": False, "review_reasons": [], "stage": "rebuild"}
AGAIN = (
    "UPDATE call_records SET status = 'pending', error_message = NULL, retry_count = retry_count + 1 WHERE run_id = %s"
)


@pytest.fixture
def run(state: State) -> Run:
    """With one text."""
    run = opened(state, "1", call(1))
    to_text(state, run, one(state, run))
    return run


def test_a_text_is_kept_with_its_body_and_its_buyer(state: State, run: Run) -> None:
    transcript_id = one(state, run).transcript_id
    assert transcript_id
    kept = state.transcripts.get(transcript_id)
    assert (kept.body, kept.run_id, kept.purchase_no) == ("Добрый день.", run.run_id, 1)


def test_the_same_words_again_are_the_same_row(state: State, run: Run) -> None:
    """It has the newest figures."""
    row = one(state, run)
    later = opened(state, "2", call(1))
    again = text(model="whisper-1", language="en")
    assert state.transcripts.keep(later.run_id, row.recording_id, again) == row.transcript_id
    kept = state.transcripts.get(row.transcript_id or 0)
    assert (kept.model, kept.language, kept.run_id) == ("whisper-1", "en", later.run_id)


def test_the_row_of_a_text_that_was_bought_anew_stays(state: State, run: Run, database: str) -> None:
    executed(database, AGAIN, run.run_id)
    downloaded(state, run, one(state, run))
    bought(state, run, one(state, run), words="Иные слова.")
    assert selected(database, "SELECT body, purchase_no FROM transcripts ORDER BY 1") == [
        ("Добрый день.", 1),
        ("Иные слова.", 2),
    ]
    now = one(state, run)
    assert now.transcript_id
    assert state.transcripts.get(now.transcript_id).body == "Иные слова."


def test_unstorable_text_is_stored_all_the_same(state: State, run: Run) -> None:
    transcript_id = state.transcripts.keep(run.run_id, one(state, run).recording_id, text("а\0б", sha256="x"))
    assert state.transcripts.get(transcript_id).body == "а\ufffdб"


class TestSummaries:
    def test_a_summary_belongs_to_the_text_that_was_summarised(self, state: State, run: Run, database: str) -> None:
        row = one(state, run)
        assert row.transcript_id
        kept = {"summary_path": "summary/a.md", "tags": ["заказ"]}
        assert state.transcripts.set_summary(row.recording_id, row.transcript_id, **kept)  # type: ignore[arg-type]
        assert selected(database, "SELECT summary_path, tags FROM call_records") == [("summary/a.md", ["заказ"])]
        assert not state.transcripts.set_summary(row.recording_id, row.transcript_id + 1, **kept)  # type: ignore[arg-type]

    def test_a_recording_that_was_sent_back_gets_no_summary(self, state: State, run: Run, database: str) -> None:
        row = one(state, run)
        executed(database, AGAIN, run.run_id)
        assert not state.transcripts.set_summary(row.recording_id, row.transcript_id or 0, summary_path="a", tags=[])


class TestReplacing:
    def test_a_rebuilt_text_keeps_its_purchase_and_buyer(self, state: State, run: Run, database: str) -> None:
        """A summary of other words is forgotten."""
        row = one(state, run)
        assert row.transcript_id
        state.transcripts.set_summary(row.recording_id, row.transcript_id, summary_path="summary/a.md", tags=["заказ"])
        later = opened(state, "2", call(1))
        new = text("Иные слова.", roles="diarized")
        flags = {"needs_review": True, "review_reasons": ["loop"], "stage": "rebuild"}
        assert state.transcripts.replace(later.run_id, row.recording_id, row.transcript_id, new, **flags)  # type: ignore[arg-type]
        now = one(state, run)
        assert now.transcript_id != row.transcript_id
        kept = state.transcripts.get(now.transcript_id or 0)
        assert (kept.body, kept.run_id, kept.purchase_no, kept.roles) == ("Иные слова.", run.run_id, 1, "diarized")
        shown = selected(
            database, "SELECT summary_path, tags, needs_review, cost FROM call_records WHERE run_id = %s", run.run_id
        )
        assert [row[:3] for row in shown] == [(None, [], True)]
        assert float(shown[0][3]) == 0.009
        stage, event, detail = events(database, later)[-1]
        assert (stage, event) == ("rebuild", "rebuilt")
        assert detail == {
            "roles": ["channels", "diarized"],
            "model": ["gpt-transcribe", "gpt-transcribe"],
            "review_reasons": [[], ["loop"]],
            "other_words": True,
            "was": row.transcript_id,
        }

    def test_the_same_words_with_other_flags_keep_the_summary(self, state: State, run: Run) -> None:
        row = one(state, run)
        assert row.transcript_id
        state.transcripts.set_summary(row.recording_id, row.transcript_id, summary_path="summary/a.md", tags=["заказ"])
        flags = {"needs_review": True, "review_reasons": ["loop"], "stage": "rebuild"}
        assert state.transcripts.replace(run.run_id, row.recording_id, row.transcript_id, text(), **flags)  # type: ignore[arg-type]
        assert one(state, run).transcript_id == row.transcript_id
        assert one(state, run).summary_path == "summary/a.md"

    def test_a_text_that_is_the_same_is_left_alone(self, state: State, run: Run, database: str) -> None:
        row = one(state, run)
        before = events(database, run)
        assert not state.transcripts.replace(run.run_id, row.recording_id, row.transcript_id or 0, text(), **FLAGS)  # type: ignore[arg-type]
        assert events(database, run) == before

    def test_a_text_that_is_not_current_is_left_alone(self, state: State, run: Run, database: str) -> None:
        """A rebuild that read it before never takes the place of a newer purchase."""
        row = one(state, run)
        executed(database, AGAIN, run.run_id)
        downloaded(state, run, row)
        bought(state, run, row, words="Куплено заново.")
        new = text("Построено из старых ответов.")
        assert not state.transcripts.replace(run.run_id, row.recording_id, row.transcript_id or 0, new, **FLAGS)  # type: ignore[arg-type]
        assert state.transcripts.get(one(state, run).transcript_id or 0).body == "Куплено заново."

    def test_a_text_that_has_ended_meanwhile_does_not_come_back(self, state: State, run: Run, database: str) -> None:
        row = one(state, run)
        executed(database, "UPDATE recordings SET text_ended_at = now(), transcript_path = NULL, summary_path = NULL")
        executed(database, "UPDATE transcripts SET body = '', preview = ''")
        new = text("Иные слова.")
        assert not state.transcripts.replace(run.run_id, row.recording_id, row.transcript_id or 0, new, **FLAGS)  # type: ignore[arg-type]
        assert selected(database, "SELECT body FROM transcripts") == [("",)]

    def test_recordings_that_share_a_text_share_its_successor(self, state: State) -> None:
        first = call(1)
        run = opened(state, "1", first, call(2, call_id=first.call_id))
        buyer, sharer = rows(state, run)
        to_text(state, run, buyer)
        downloaded(state, run, sharer)
        state.moves.share_text(run.run_id, sharer.recording_id, stage="transcribe")
        read = rows(state, run)[0].transcript_id or 0
        assert state.transcripts.replace(run.run_id, sharer.recording_id, read, text("Иные слова."), **FLAGS)  # type: ignore[arg-type]
        buyer, sharer = rows(state, run)
        assert buyer.transcript_id == sharer.transcript_id != read
        assert state.transcripts.get(buyer.transcript_id or 0).recording_id == buyer.recording_id
