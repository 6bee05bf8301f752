"""A suspicious text is heard once more by the fallback model: what is asked, what it costs, whose text is used."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

import pytest

from include.calls.state.moves import Moves
from include.common.errors import QuotaExhausted, Temporary
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.faults import FaultKind
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from simulators.sound.dialogues import record
from tests.kit.small_world import FIRST, by_sql, world_of
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

INVENTED = "Субтитры сделал DimaTorzok"
HONEST = "Здравствуйте, подскажите, пожалуйста, когда приедет курьер."
FIRST_MODEL, SECOND_MODEL = "gpt-transcribe", "whisper-1"
EMPTY_ACCOUNT = {"error": {"message": "", "type": "insufficient_quota", "code": "insufficient_quota"}}
OTHER_KEY = "sk-of-the-fallback"
MINUTE, SECOND_MINUTE = Decimal("0.0045"), Decimal("0.006")


@contextmanager
def an_export(
    world: PortalWorld, database: str, folder: Path, says: Callable[[str], str | None], **settings: str
) -> Iterator[Export]:
    with export_over(world, database, folder, **{"STT_FALLBACK_MODEL": SECOND_MODEL, **settings}) as export:
        export.recogniser.says = says
        yield export


def buy(export: Export) -> Outcome:
    """A run as far as its texts; registry and report are not on trial here."""
    outcome, batches = export.prepare()
    export.work(outcome, batches)
    return outcome


def said_by(**texts: str | None) -> Callable[[str], str | None]:
    """By `first` and `second`: what each model says of everything it hears."""
    models = {FIRST_MODEL: texts.get("first"), SECOND_MODEL: texts.get("second")}
    return lambda model: models[model]


def the_row(export: Export) -> dict[str, Any]:
    columns = "model, cost, needs_review, review_reasons, text_preview, status, source"
    ((*values,),) = by_sql(export.conninfo, f"SELECT {columns} FROM call_records")
    figures = "words_per_minute, confidence"
    ((*measured,),) = by_sql(export.conninfo, f"SELECT {figures} FROM transcripts")
    return dict(zip(f"{columns}, {figures}".split(", "), [*values, *measured], strict=True))


def asked_of(export: Export, model: str) -> int:
    entries = export.recogniser.journal.entries("transcriptions")
    return sum(entry.detail.get("model") == model for entry in entries)


def kept(export: Export) -> dict[str, Any]:
    (record,) = export.records(by_sql(export.conninfo, "SELECT run_id FROM call_records")[0][0])
    found: dict[str, Any] = json.loads(export.storage.get_bytes(record.keys.recognition))
    return found


def test_the_better_text_is_used_and_both_are_paid(database: str, tmp_path: Path) -> None:
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED, second=HONEST)) as export:
        outcome = buy(export)
        row = the_row(export)
        assert (row["model"], row["needs_review"], row["review_reasons"]) == (SECOND_MODEL, False, [])
        assert HONEST in row["text_preview"]
        assert row["cost"] == MINUTE + SECOND_MINUTE, "a minute of each"
        answers = kept(export)
        assert answers["answers"][0][1]["text"] == INVENTED
        assert answers["fallback_answers"][0][1]["text"] == HONEST
        assert row["confidence"] is not None, "of the model that made the text"
        spent = by_sql(database, "SELECT purpose, model, usd > 0 FROM charges ORDER BY purpose")
        assert spent == [
            ("fallback", SECOND_MODEL, True), ("recognition", FIRST_MODEL, True), ("rounding", FIRST_MODEL, True)
        ]  # fmt: skip
        assert by_sql(database, "SELECT sum(usd) FROM charges") == [(MINUTE + SECOND_MINUTE,)]
        assert outcome.red == []


def test_an_honest_text_is_heard_once(database: str, tmp_path: Path) -> None:
    with an_export(world_of(1), database, tmp_path, said_by(first=HONEST)) as export:
        buy(export)
        assert (asked_of(export, SECOND_MODEL), the_row(export)["cost"]) == (0, MINUTE)
        assert the_row(export)["confidence"] is None, "this model tells none"
        assert the_row(export)["words_per_minute"] > 0


def test_a_fallback_response_as_bad_changes_only_the_bill(database: str, tmp_path: Path) -> None:
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED, second=INVENTED)) as export:
        buy(export)
        row = the_row(export)
        assert (row["model"], row["review_reasons"]) == (FIRST_MODEL, ["known_phrase"])
        assert row["cost"] == MINUTE + SECOND_MINUTE


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        ({"kind": FaultKind.STATUS, "status": 500, "body": {"error": {"message": "The server had an error"}}}, 4),
        (
            {
                "kind": FaultKind.STATUS,
                "status": 404,
                "body": {"error": {"message": "none", "code": "model_not_found"}},
            },
            1,
        ),
        (
            {
                "kind": FaultKind.STATUS,
                "status": 429,
                "body": {"error": {"message": "", "code": "rate_limit_exceeded"}},
            },
            4,
        ),
    ],
    ids=["down", "unknown model", "throttled"],
)
def test_a_fallback_that_fails_leaves_the_first_text_flagged(
    database: str, tmp_path: Path, fault: dict[str, Any], tries: int
) -> None:
    """What may pass is tried as often as the recogniser itself; a text that is paid for is not kept back for ever."""
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED)) as export:
        export.recogniser.faults.add("transcriptions", after=1, times=-1, **fault)
        outcome = buy(export)
        row = the_row(export)
        assert (row["status"], row["model"], row["needs_review"]) == ("completed", FIRST_MODEL, True)
        assert (row["cost"], outcome.red) == (MINUTE, [])
        assert len(export.recogniser.journal.entries("transcriptions")) == 1 + tries
        ((reason,),) = by_sql(database, "SELECT detail ->> 'model' FROM call_events WHERE event = 'fallback_failed'")
        assert reason == SECOND_MODEL


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": FaultKind.STATUS, "status": 429, "body": {"error": {"message": "", "code": "rate_limit_exceeded"}}},
        {"kind": FaultKind.STATUS, "status": 500, "body": {"error": {"message": "The server had an error"}}},
        {"kind": FaultKind.DROP_CONNECTION},
    ],
    ids=["throttled", "down", "dropped"],
)
def test_a_fallback_that_refuses_for_a_moment_is_waited_for(
    database: str, tmp_path: Path, fault: dict[str, Any]
) -> None:
    """The recording waits with what it has: the first model's responses are not bought again."""
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED, second=HONEST)) as export:
        export.recogniser.faults.add("transcriptions", after=1, times=2, **fault)
        outcome = buy(export)
        row = the_row(export)
        assert (row["status"], row["model"], row["needs_review"]) == ("completed", SECOND_MODEL, False)
        assert (outcome.red, outcome.retries) == ([], 2)
        assert row["cost"] == MINUTE + SECOND_MINUTE
        assert asked_of(export, FIRST_MODEL) == 1


def test_an_empty_account_of_the_fallback_stops_the_run(database: str, tmp_path: Path) -> None:
    """It is the recogniser's account too; once it is topped up, the recording gets its second hearing."""
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED, second=HONEST)) as export:
        export.recogniser.faults.add(
            "transcriptions", FaultKind.STATUS, after=1, times=-1, status=429, body=EMPTY_ACCOUNT
        )
        outcome = buy(export)
        assert [type(error) for error in outcome.red] == [QuotaExhausted]
        export.recogniser.faults.clear()
        outcome.red.clear()
        export.close(outcome)
        again = export.run(resume_run_id=str(outcome.run_id))
        assert (again.red, the_row(export)["model"], asked_of(export, FIRST_MODEL)) == ([], SECOND_MODEL, 1)


def test_a_fallback_at_another_address_has_an_account_of_its_own(database: str, tmp_path: Path) -> None:
    """Each service gets its own model and key; an empty account of the second one costs no recording its text."""
    with (
        an_export(world_of(2), database, tmp_path, said_by(first=INVENTED)) as export,
        running(elsewhere := RecogniserSimulator(key=OTHER_KEY)) as url,
    ):
        elsewhere.says = said_by(second=HONEST)
        elsewhere.faults.add("transcriptions", FaultKind.STATUS, after=1, times=-1, status=429, body=EMPTY_ACCOUNT)
        export.fallback_at, export.workers = (url, OTHER_KEY), 1
        assert buy(export).red == []
        assert asked_of(export, SECOND_MODEL) == 0
        assert elsewhere.journal.count("transcriptions") == 2
        assert by_sql(database, "SELECT model FROM call_records ORDER BY call_id") == [(SECOND_MODEL,), (FIRST_MODEL,)]
        ((reason,),) = by_sql(database, "SELECT detail ->> 'reason' FROM call_events WHERE event = 'fallback_failed'")
        assert "STT_FALLBACK_API_KEY" in reason
        assert OTHER_KEY not in reason
        assert by_sql(database, "SELECT DISTINCT model FROM charges WHERE purpose = 'fallback'") == [(SECOND_MODEL,)]


def test_a_fallback_that_refuses_all_keeps_no_text_back(database: str, tmp_path: Path) -> None:
    """Its refusal is not the recogniser's: the batch goes on."""
    unknown = {"STT_FALLBACK_MODEL": "whisper-9"}
    with an_export(world_of(4), database, tmp_path, lambda _: INVENTED, **unknown) as export:
        one_batch = export.policy.batches.model_copy(update={"min_calls": 4})
        export.policy = export.policy.model_copy(update={"batches": one_batch})
        outcome = buy(export)
        assert (outcome.red, outcome.retries) == ([], 0)
        assert by_sql(database, "SELECT status, count(*) FROM call_records GROUP BY status") == [("completed", 4)]
        assert by_sql(database, "SELECT count(*) FROM call_events WHERE event = 'fallback_failed'") == [(4,)]


def test_only_the_doubtful_piece_is_paid_for_twice(database: str, tmp_path: Path) -> None:
    """One invented phrase in a long talk: the other pieces keep their text, and the row names both models."""
    world = PortalWorld()
    world.add(Call(1, FIRST, "call-1", file_id=9001), Audio(partial(record, 5, seconds=20)))
    first_time = chain([INVENTED], (f"{HONEST} Заказ номер {number}." for number in count(1)))  # no sentence twice

    def says(model: str) -> str | None:
        return HONEST if model == SECOND_MODEL else next(first_time)

    with an_export(world, database, tmp_path, says) as export:
        buy(export)
        row, answers = the_row(export), kept(export)
        pieces = len(answers["cut"]["pieces"])
        assert pieces > 2
        assert (asked_of(export, FIRST_MODEL), asked_of(export, SECOND_MODEL)) == (pieces, 1)
        assert (row["model"], row["needs_review"]) == (f"{FIRST_MODEL}+{SECOND_MODEL}", False)
        assert row["cost"] == MINUTE + SECOND_MINUTE, "the piece's seconds are a minute begun"


def test_a_task_killed_after_both_answers_buys_neither_again(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED, second=HONEST)) as export:
        move, lost = Moves.move, [True]

        def losing(self: Moves, *key: Any, **columns: Any) -> bool:
            if "transcript_path" in columns and lost:
                lost.pop()
                raise Temporary("the database went away")
            return move(self, *key, **columns)

        monkeypatch.setattr(Moves, "move", losing)
        buy(export)
        assert the_row(export)["model"] == SECOND_MODEL
        assert (asked_of(export, FIRST_MODEL), asked_of(export, SECOND_MODEL)) == (1, 1)


def test_a_later_run_reports_the_text_and_pays_nothing(database: str, tmp_path: Path) -> None:
    with an_export(world_of(1), database, tmp_path, said_by(first=INVENTED, second=HONEST)) as export:
        buy(export)
        again = buy(export)
        assert len(export.recogniser.journal.entries("transcriptions")) == 2
        figures = by_sql(database, "SELECT model, needs_review, cost, text_preview FROM call_records")
        assert len(figures) == 2
        assert len(set(figures)) == 1
        assert by_sql(database, "SELECT count(*) FROM charges WHERE run_id = %s", again.run_id) == [(0,)]
