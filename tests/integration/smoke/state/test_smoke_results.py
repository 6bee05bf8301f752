"""The history of the smoke test, and what the page of metrics reads of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from include.calls.domain.metric_values import SmokeNow
from include.calls.state.metrics import MetricsReader
from include.smoke.domain.judgement import EntryResult, compared
from include.smoke.domain.smoke_report import SmokeReport, report_of
from include.smoke.state.smoke_results import SmokeResults
from include.speech.transcript_lines import read_lines
from tests.kit.small_world import by_sql

pytestmark = pytest.mark.postgres

EXPECTED = " ".join(f"слово{number}" for number in range(20))
NOW = datetime.now(UTC).replace(microsecond=0)


def heard(call_id: str, wrong: int, *, engine: str = "default", failed: bool = False) -> EntryResult:
    said = EXPECTED.split()
    said[:wrong] = ["шум"] * wrong
    return EntryResult(
        engine, "m", call_id, "1", "failure" if failed else "success",
        error_code="wer_above_threshold" if failed else None,
        figures=compared(read_lines(EXPECTED), read_lines(" ".join(said))),
        seconds=0.5, audio_sec=30.0, cost=Decimal("0.0045"), transcript_path=f"run/{call_id}.txt",
    )  # fmt: skip


def report(smoke_id: str, day: int, *results: EntryResult) -> SmokeReport:
    by_engine: dict[str, list[EntryResult]] = {}
    for result in results:
        by_engine.setdefault(result.engine, []).append(result)
    return SmokeReport(
        smoke_id=smoke_id, at=NOW + timedelta(days=day - 10), playlist="demo", playlist_hash="h", period=("a", "b"),
        engines=report_of(by_engine, dict.fromkeys(by_engine, False)), before={}, comparison=None, messages={},
    )  # fmt: skip


def newest(database: str) -> list[SmokeNow]:
    with MetricsReader.open(database) as reader:
        return list(reader.figures(run_limit=Decimal(1)).smoke)


def test_every_entry_is_a_row_and_a_repeated_task_adds_none(database: str) -> None:
    silent = EntryResult("default", "m", "broken", "1", "failure", error_code="not_audio")
    with SmokeResults.open(database) as results:
        assert results.keep(report("one", 1, heard("a", 1), silent)) == 2
        results.keep(report("one", 1, heard("a", 2), silent))
    columns = "call_id, status, wer, words, errors, cost, error_code, transcript_path, normaliser"
    assert by_sql(database, f"SELECT {columns} FROM stt_smoke_results ORDER BY call_id") == [
        ("a", "success", 0.1, 20, 2, Decimal("0.0045"), None, "run/a.txt", "ru-1"),
        ("broken", "failure", None, 0, 0, Decimal(0), "not_audio", None, "ru-1"),
    ]


def test_the_newest_run_is_compared_with_the_last_good_one(database: str) -> None:
    """A run in which an entry failed is no good one, and a run of some entries is compared by those."""
    assert newest(database) == []
    with SmokeResults.open(database) as results:
        results.keep(report("good", 1, heard("a", 1), heard("b", 3)))
        results.keep(report("failed", 2, heard("a", 12, failed=True), heard("b", 12)))
        assert newest(database) == [SmokeNow("demo", "default", 0.6, 1, NOW - timedelta(days=8), pytest.approx(0.5))]
        results.keep(report("some", 3, heard("a", 3), heard("a", 0, engine="other")))
        first, other = newest(database)
        assert (first.wer, first.failed, first.rise) == (0.15, 0, pytest.approx(0.1)), "of call a alone"
        assert (other.engine, other.wer, other.rise) == ("other", 0.0, None), "its first run"
        by_sql(database, "UPDATE stt_smoke_results SET normaliser = 'ru-0' WHERE smoke_id = 'good'")
        assert newest(database)[0].rise is None, "words by other rules"
        by_sql(database, "UPDATE stt_smoke_results SET at = at - interval '1 year'")
        assert newest(database) == []
