"""Stored recordings through another engine: what is compared, what it costs, what a person adopts."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.data_classes import DataClass
from include.calls.policy import Policy
from include.calls.reporting.replay_report import Comparison, replay_csv, replay_markdown
from include.calls.state.replays import Replays
from include.calls.state.retention import Retention
from include.calls.steps.rebuild import rebuild_texts
from include.calls.steps.replay import (
    Adopted,
    Replay,
    Replayed,
    Services,
    adopt_period,
    forecast,
    replay_period,
    words_beside,
)
from include.common.errors import BadInput, QuotaExhausted
from include.common.periods import Period
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.faults import FaultKind
from simulators.sound.dialogues import record
from tests.kit.small_world import FIRST, by_sql, world_of
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

PERIOD = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))
NOW, OTHER = "gpt-transcribe", "whisper-1"
BEFORE = "Добрый день, заказ на пятницу, адрес прежний."
AFTER = "Добрый день, заказ на среду, адрес прежний, спасибо."
MINUTE = Decimal("0.006")
EMPTY_ACCOUNT = {"error": {"message": "", "type": "insufficient_quota", "code": "insufficient_quota"}}


@contextmanager
def an_export(database: str, folder: Path, world: PortalWorld | None = None, **settings: str) -> Iterator[Export]:
    """Texts are bought; the first model and the other one say different things."""
    with export_over(world or world_of(3), database, folder, **settings) as export:
        export.recogniser.says = lambda model: {NOW: BEFORE, OTHER: AFTER}[model]
        outcome, batches = export.prepare()
        export.work(outcome, batches)
        assert outcome.red == []
        yield export


@contextmanager
def replaying(
    export: Export, *, limit: int | None = None, policy: Policy | None = None
) -> Iterator[tuple[Replay, Services]]:
    with export.state() as state, export.recognising(OTHER) as recogniser:
        replay = Replay(PERIOD, OTHER, recogniser, MINUTE, "director", limit, sleep=lambda _seconds: None)
        yield replay, Services(export.storage, state, policy or export.policy)


def replayed(export: Export, **options: Any) -> Replayed:
    with replaying(export, **options) as (replay, services):
        return replay_period(replay, services)


def adopted(export: Export) -> Adopted:
    with replaying(export) as (replay, services):
        return adopt_period(replay, services)


def asked_of(export: Export, model: str) -> int:
    entries = export.recogniser.journal.entries("transcriptions")
    return sum(entry.detail.get("model") == model for entry in entries)


def test_side_by_side_and_no_text_is_touched(database: str, tmp_path: Path) -> None:
    with an_export(database, tmp_path) as export:
        rows = "SELECT transcript_id, purchase_no, text_at FROM recordings ORDER BY recording_id"
        files = {key: export.storage.get_bytes(key) for key in export.storage.keys("")}
        before = by_sql(database, rows)
        with replaying(export) as (replay, services):
            assert forecast(replay, services).forecast == 3 * MINUTE
            done = replay_period(replay, services)
            heard = services.replays.heard(OTHER, done.wanted)
            found = Comparison(OTHER, PERIOD, len(done.wanted), heard, [], lambda row: words_beside(row, services))
            page, table = replay_markdown(found), replay_csv(found)
        assert (done.heard_now, done.requests, done.whole) == (3, 3, True)
        assert by_sql(database, rows) == before
        assert {key: export.storage.get_bytes(key) for key in files} == files
        assert [(row.words, row.substitutions, row.deletions, row.insertions) for row in heard] == [(7, 1, 0, 1)] * 3
        assert [(row.cost, row.text_cost) for row in heard] == [(MINUTE, Decimal("0.0045"))] * 3
        assert all(row.seconds > 0 and row.text_seconds for row in heard)
        assert "пятницу → среду; +спасибо" in page
        assert "28,6" in page, "two different words of seven"
        read = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig")), delimiter=";"))
        assert [row["difference"] for row in read] == ["0.2857"] * 3
        ledger = by_sql(
            database, "SELECT DISTINCT run_id, purchase_no, model, usd FROM charges WHERE purpose = 'replay'"
        )
        assert ledger == [(None, 0, OTHER, MINUTE)]
        assert by_sql(database, "SELECT DISTINCT cost FROM call_records") == [(Decimal("0.004500"),)], "not of the text"


def test_what_was_bought_is_not_bought_again(database: str, tmp_path: Path) -> None:
    world = PortalWorld()
    world.add(Call(1, FIRST, "call-1", file_id=9001), Audio(partial(record, 1, seconds=20)))
    with an_export(database, tmp_path, world) as export:
        pieces = asked_of(export, NOW)
        assert pieces > 2
        export.recogniser.faults.add("transcriptions", FaultKind.STATUS, after=2, status=429, body=EMPTY_ACCOUNT)
        first = replayed(export)
        assert isinstance(first.stopped, QuotaExhausted)
        export.recogniser.faults.clear()
        second = replayed(export)
        assert (second.heard_now, second.whole) == (1, True)
        assert first.requests + second.requests == pieces, "each piece once"
        assert replayed(export).requests == 0
        (charge,) = by_sql(database, "SELECT requests, usd FROM charges WHERE purpose = 'replay'")
        assert charge == (pieces, MINUTE)
        assert by_sql(database, "SELECT count(*) FROM replay_responses") == [(0,)], "they are in the file"


def test_above_the_budget_nothing_is_sent(database: str, tmp_path: Path) -> None:
    with an_export(database, tmp_path) as export:
        asked = len(export.recogniser.journal.entries())
        money = export.policy.money.model_copy(
            update={"budget_usd": Decimal("0.01"), "approval_over_share": Decimal(0)}
        )
        poor = export.policy.model_copy(update={"money": money})
        with pytest.raises(BadInput, match=r"the forecast is 0\.0180 USD .* the budget 0\.0100 USD"):
            replayed(export, policy=poor)
        assert replayed(export, policy=poor, limit=1).heard_now == 1
        with pytest.raises(BadInput, match="the budget"):
            replayed(export, policy=poor, limit=2)
        assert len(export.recogniser.journal.entries()) == asked + 1
        with replaying(export) as (replay, services):
            early = Period(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
            with pytest.raises(BadInput, match="nothing can be heard again"):
                replay_period(Replay(early, OTHER, replay.recogniser, MINUTE, "director"), services)


def test_a_person_adopts_and_the_earlier_text_stays(database: str, tmp_path: Path) -> None:
    with an_export(database, tmp_path) as export:
        by_sql(database, "UPDATE recordings SET summary_path = 'summary/one.md', tags = '{x}' WHERE recording_id = 1")
        export.storage.put_bytes("summary/one.md", b"x", "text/markdown")
        assert adopted(export) == Adopted(), "nothing was heard"
        replayed(export)
        asked = len(export.recogniser.journal.entries())
        assert adopted(export) == Adopted(adopted=3, summaries_removed=1)
        assert len(export.recogniser.journal.entries()) == asked
        rows = by_sql(database, "SELECT model, cost, summary_path, tags, transcript_path FROM call_records")
        assert {row[:3] for row in rows} == {(OTHER, MINUTE, None)}
        assert all(AFTER in export.storage.get_bytes(row[4]).decode() for row in rows)
        assert not export.storage.exists("summary/one.md")
        assert by_sql(database, "SELECT count(*) FROM transcripts WHERE position('пятницу' IN body) > 0") == [(3,)]
        earlier = {key for key in export.storage.keys("recognition/") if "/before_" in key}
        assert len(earlier) == 3
        by_sql(database, "UPDATE call_exports SET status = 'completed'")
        with export.state() as state:  # whatever ends the words of a recording finds them
            (page,) = Retention(state.session).pages(DataClass.RECOGNITION, before=datetime(2030, 1, 1, tzinfo=UTC))
        assert earlier <= {key for ending in page for key in ending.keys(DataClass.RECOGNITION)}
        assert by_sql(database, "SELECT sum(usd) FROM charges") == [(3 * (MINUTE + Decimal("0.0045")),)]
        events = by_sql(database, "SELECT detail ->> 'by', detail -> 'model' FROM call_events WHERE event = 'adopted'")
        assert events == [("director", [NOW, OTHER])] * 3
        log = by_sql(database, "SELECT actor, detail ->> 'engine' FROM audit_log WHERE action = 'texts_adopted'")
        assert log == [("director", OTHER)]
        assert adopted(export) == Adopted(), "a second time finds it done"
        again = replayed(export)
        assert (again.heard_now, again.requests) == (0, 0)
        assert rebuild_texts_of(export).changed == 0, "the stored recognition is that of the adopted text"


def test_a_text_that_changed_since_the_comparison_is_compared_again_first(database: str, tmp_path: Path) -> None:
    with an_export(database, tmp_path) as export:
        replayed(export)
        by_sql(database, "UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1'")
        outcome, batches = export.prepare(period_from="2025-07-30")
        export.recogniser.says = lambda model: {NOW: "Совсем другое.", OTHER: AFTER}[model]
        export.work(outcome, batches)
        assert (adopted(export).adopted, adopted(export).changed_since) == (2, ["call-1"])
        asked = len(export.recogniser.journal.entries())
        assert replayed(export).whole
        assert len(export.recogniser.journal.entries()) == asked, "compared for nothing"
        assert adopted(export).adopted == 1
        with export.state() as state:
            assert {row.words for row in Replays(state.session).heard(OTHER, [1])} == {2}


def test_a_call_at_work_and_audio_that_is_gone_are_named(database: str, tmp_path: Path) -> None:
    with an_export(database, tmp_path) as export:
        ((gone,),) = by_sql(database, "SELECT raw_path FROM recordings WHERE call_id = 'call-2'")
        export.storage.delete(gone)
        export.recogniser.faults.add("transcriptions", FaultKind.STATUS, status=400, body={})
        with export.state() as state, state.claims.hold(1, "call-1") as claim:
            assert claim
            done = replayed(export)
        assert (done.in_work, done.without_audio) == (["call-1"], ["call-2"])
        assert [call_id for call_id, _ in done.failed] == ["call-3"]
        assert not done.whole
        assert done.heard_now == 0


@pytest.mark.parametrize("pieces", [0, 1])
def test_nothing_is_kept_of_a_text_that_ends_meanwhile(
    database: str, tmp_path: Path, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many answers: before the only one is bought, and before what was heard is kept."""
    ended = "UPDATE recordings SET text_ended_at = now(), transcript_path = NULL"
    with an_export(database, tmp_path, world_of(1)) as export:
        if pieces:
            monkeypatch.setattr(Replays, "keep_response", lambda *_args, **_facts: by_sql(database, ended))
        else:
            hold = Replays.wanted
            monkeypatch.setattr(Replays, "wanted", lambda *args: (hold(*args), by_sql(database, ended))[0])
        asked = asked_of(export, OTHER)
        done = replayed(export)
        assert (done.in_work, done.failed, done.heard_now) == (["call-1"], [], 0)
        assert asked_of(export, OTHER) - asked == pieces
        assert by_sql(database, "SELECT count(*) FROM replays") == [(0,)]
        assert not [key for key in export.storage.keys("recognition/") if "/replay_" in key]


def rebuild_texts_of(export: Export) -> Any:
    ((run_id,),) = by_sql(export.conninfo, "SELECT run_id FROM call_exports LIMIT 1")
    assert isinstance(run_id, UUID)
    with export.state() as state:
        return rebuild_texts(run_id, state, export.storage, export.policy, actor="tester")
