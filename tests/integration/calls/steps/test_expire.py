"""A night of retention over a real export: what ends, what stays, and that nothing is bought again."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace as Namespace
from typing import Any, ClassVar, cast

import pytest

from include.calls.domain.data_classes import DataClass, Ends, Expired
from include.calls.policy import load_policy
from include.calls.steps.deliver_period import deliver_period
from include.calls.steps.expire import Night, expire
from include.calls.steps.publish import publish
from include.calls.steps.rebuild import rebuild_texts
from include.calls.wording import retention as words
from include.clients.storage.base import KeepingRule
from include.clients.storage.local import LocalStorage
from include.common.errors import ExportError, Temporary
from include.common.periods import Period
from tests.kit.small_world import asked, bought, by_sql, downloaded, world_of
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

CALLS = 3
DAY = datetime(2025, 8, 1, tzinfo=UTC)
FOLDER = "2025-08-01_2025-08-02"


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(CALLS), database, tmp_path / "storage") as export:
        yield export


def night(export: Export, days: int, *, dry_run: bool = False, storage: LocalStorage | None = None) -> Expired:
    """The night so many days after the calls; the audit log stays, the database keeps it by its own clock."""
    days_kept = export.policy.retention_days.model_copy(update={"audit": 100_000})
    policy = export.policy.model_copy(update={"retention_days": days_kept})
    now = DAY + timedelta(days=days, minutes=30)
    with export.state() as state:
        return expire(state, storage or export.storage, policy, now=now, dry_run=dry_run)


def aged(tmp_path: Path, days: int) -> None:
    """Every file was written `days` after the day of the calls."""
    then = (DAY + timedelta(days=days)).timestamp()
    for path in (tmp_path / "storage").rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def kinds(export: Export) -> set[str]:
    """Folders that have files: `raw`, `exports/registry`."""
    found = set()
    for key in export.storage.keys(""):
        parts = key.split("/")
        found.add(f"exports/{parts[2]}" if parts[0] == "exports" else parts[0])
    return found - {"retention"}


def registry_rows(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))


def a_day_later(export: Export) -> None:
    by_sql(export.conninfo, "UPDATE file_removals SET removed_at = removed_at - interval '1 day'")


def test_each_class_ends_in_its_night_and_no_other_goes_with_it(export: Export, tmp_path: Path) -> None:
    """By the day of the call for audio and texts, by their own day for files of the period."""
    export.run(deliver_texts=True, deliver_audio=True)
    aged(tmp_path, 1)
    copies = {"exports/raw", "exports/transcripts"}
    left = {"raw", "transcripts", "recognition", "exports/registry", "exports/reports", "exports/logs"} | copies
    assert kinds(export) == left
    kept = export.policy.retention_days
    for days, gone in (
        (kept.audio, set()),
        (kept.audio + 1, {"raw", "exports/raw"}),
        (kept.texts, set()),
        (kept.texts + 1, {"transcripts", "recognition", "exports/transcripts"}),
        (kept.reports + 2, {"exports/reports"}),
        (kept.registry + 1, set()),
        (kept.registry + 2, {"exports/registry", "exports/logs"}),
    ):
        night(export, days)
        left -= gone
        assert kinds(export) == left, f"after {days} days"
    assert by_sql(export.conninfo, "SELECT body, preview FROM transcripts") == [("", "")] * CALLS
    assert by_sql(export.conninfo, "SELECT count(*) FROM publications UNION ALL SELECT count(*) FROM deliveries") == [
        (0,),
        (0,),
    ]


def test_a_text_that_has_ended_is_never_bought_again_and_never_claimed(export: Export) -> None:
    run_id = export.run().run_id
    first = (bought(export), downloaded(export))
    night(export, 181)
    for again in (export.run(), export.run(deliver_texts=True, deliver_audio=True)):
        assert not again.red
        assert (bought(export), downloaded(export)) == first
    with export.state() as state:
        publish(run_id, state, export.storage, export.policy)
        deliver_period(
            Period(DAY, DAY + timedelta(days=2, seconds=-1)),
            "",
            state,
            export.storage,
            export.policy,
            audio=True,
            mask=None,
            actor="x",
        )
        assert rebuild_texts(run_id, state, export.storage, export.policy, actor="x").changed == 0
    rows = registry_rows(export)
    assert {(row["status"], row["transcript_path"], row["text_preview"], row["error_code"]) for row in rows} == {
        ("completed", "", "", "text_ended")
    }
    assert {row["transcription_cost"] for row in rows} != {""}, "figures stay"
    assert not [key for key in export.storage.keys("") if key.endswith((".txt", ".mp3", ".json"))]


def test_a_person_is_told_before_anything_is_paid(export: Export) -> None:
    export.run()
    night(export, 181)
    run_id = export.run(dry_run=True).run_id
    estimate = next(key for key in export.storage.keys(f"exports/{FOLDER}/reports/estimate"))
    assert (
        f"Тексты удалены по сроку хранения, снова не покупаются | {CALLS} |"
        in export.storage.get_bytes(estimate).decode()
    )
    assert by_sql(export.conninfo, "SELECT forecast_cost FROM call_exports WHERE run_id = %s", run_id) == [(0,)]


@pytest.mark.parametrize("status", ["completed", "downloaded"])
def test_a_person_cannot_send_it_back_either(export: Export, status: str) -> None:
    run_id = export.run().run_id
    if status != "completed":
        changed = "UPDATE recordings SET status = %s, transcript_id = NULL, transcript_path = NULL"
        by_sql(export.conninfo, changed, status)
    night(export, 181)
    before = asked(export)
    by_sql(
        export.conninfo,
        "UPDATE call_records SET status = 'pending', retry_count = retry_count + 1 WHERE run_id = %s",
        run_id,
    )
    ended = "completed" if status == "completed" else "missing_audio"
    assert by_sql(export.conninfo, "SELECT DISTINCT status FROM recordings") == [(ended,)]
    export.run(resume_run_id=str(run_id))
    assert asked(export) == before


def test_a_trial_counts_and_removes_nothing(export: Export, tmp_path: Path) -> None:
    export.run(deliver_texts=True, deliver_audio=True)
    aged(tmp_path, 1)
    files = set(export.storage.keys(""))
    rows = by_sql(export.conninfo, "SELECT t::text FROM recordings t ORDER BY recording_id")
    counted = night(export, 181, dry_run=True)
    assert set(export.storage.keys("")) - files == {"retention/retention_20260129T003000Z_dry_run.md"}
    assert by_sql(export.conninfo, "SELECT t::text FROM recordings t ORDER BY recording_id") == rows
    done = night(export, 181)
    assert counted.tallies == done.tallies
    assert [done.tallies[data].files for data in (DataClass.AUDIO, DataClass.RECOGNITION, DataClass.TEXTS)] == [3, 3, 3]
    assert done.tallies[DataClass.DELIVERED].files == 2 * CALLS
    said = words.note(counted)
    assert said.startswith("Пробный прогон, было бы удалено: аудио 3 (")
    report = export.storage.get_bytes("retention/retention_20260129T003000Z_dry_run.md").decode()
    assert "| аудио | 3 | 3 | " in report
    assert "call" not in report.replace("call_retention", "").replace("include/calls", "")


class Refusing(LocalStorage):
    """Does not remove audio."""

    def erase_all(self, keys: Sequence[str]) -> list[ExportError | None]:
        kept = [key for key in keys if not key.startswith("raw/")]
        done = dict(zip(kept, super().erase_all(kept), strict=True))
        return [done.get(key, Temporary("the object is locked")) for key in keys]


def test_what_the_storage_refuses_waits_for_the_next_night(export: Export, tmp_path: Path) -> None:
    export.run()
    with pytest.raises(Temporary, match="3 files were not removed: the object is locked \\(3\\)"):
        night(export, 181, storage=Refusing(tmp_path / "storage"))
    assert kinds(export) == {"raw", "exports/registry", "exports/reports", "exports/logs"}
    by_sql(export.conninfo, "INSERT INTO holds (call_id, reason, placed_by) VALUES ('call-2', 'суд', 'юрист')")
    night(export, 182)
    assert [key.rpartition("/")[2] for key in export.storage.keys("raw/")] == ["call_call-2.mp3"]
    by_sql(export.conninfo, "UPDATE holds SET lifted_at = now(), lifted_by = 'юрист'")
    night(export, 183)
    assert "raw" not in kinds(export)


class Killed(BaseException):
    """No code of ours catches it."""


class Dying(LocalStorage):
    """Dies after so many removals."""

    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.after = after

    def delete(self, key: str) -> None:
        if not self.after:
            raise Killed
        self.after -= 1
        super().delete(key)


@pytest.mark.parametrize("after", [0, 4])
def test_a_night_that_dies_is_finished_by_the_next(export: Export, tmp_path: Path, after: int) -> None:
    run_id = export.run().run_id
    with pytest.raises(Killed):
        night(export, 181, storage=Dying(tmp_path / "storage", after))
    with export.state() as state:
        publish(run_id, state, export.storage, export.policy)
    for row in registry_rows(export):
        assert row["transcript_path"] == "", "no half: the row gave its text up before the file went"
    night(export, 181)
    assert kinds(export) == {"exports/registry", "exports/reports", "exports/logs"}
    a_day_later(export)
    night(export, 182)
    assert by_sql(export.conninfo, "SELECT count(*) FROM file_removals") == [(0,)]


def test_a_file_that_came_back_behind_the_night_goes_in_the_next(export: Export) -> None:
    """A publication that had read the row before wrote its text again."""
    export.run()
    (key, *_) = list(export.storage.keys("transcripts/"))
    night(export, 181)
    export.storage.put_bytes(key, "текст".encode(), "text/plain")
    night(export, 181)
    a_day_later(export)
    night(export, 182)
    assert not export.storage.exists(key)


def test_a_file_that_a_recording_names_again_stays(export: Export) -> None:
    """Audio past its period is downloaded again for a text that a person sends back."""
    run_id = export.run().run_id
    night(export, 91)
    first = bought(export)
    by_sql(export.conninfo, "UPDATE call_records SET status = 'pending' WHERE run_id = %s", run_id)
    export.run()
    assert bought(export) == 2 * first
    a_day_later(export)
    named = {key for (key,) in by_sql(export.conninfo, "SELECT raw_path FROM recordings")}
    assert None not in named
    by_sql(
        export.conninfo,
        "INSERT INTO holds (phone_line, reason, placed_by) SELECT DISTINCT phone_line, 'x', 'x' FROM recordings",
    )
    night(export, 91)
    assert named <= set(export.storage.keys("raw/"))


def test_what_a_run_works_on_waits_for_the_end_of_the_run(export: Export) -> None:
    outcome, batches = export.prepare()
    done = night(export, 181)
    assert [done.tallies[data].rows for data in (DataClass.AUDIO, DataClass.TEXTS)] == [0, 0]
    export.work(outcome, batches)
    export.close(outcome)
    assert bought(export) == CALLS
    done = night(export, 181)
    assert done.tallies[DataClass.TEXTS].rows == CALLS


@pytest.mark.parametrize(
    "hold",
    [
        "INSERT INTO holds (call_id, reason, placed_by) VALUES ('call-2', 'суд', 'юрист')",
        "INSERT INTO holds (period_from, period_to, reason, placed_by) "
        "SELECT call_started_at, call_started_at, 'суд', 'юрист' FROM recordings WHERE call_id = 'call-2'",
    ],
)
def test_a_hold_keeps_files_rows_and_names(export: Export, tmp_path: Path, hold: str) -> None:
    export.run(deliver_texts=True)
    aged(tmp_path, 1)
    by_sql(export.conninfo, hold)
    done = night(export, 1500)
    assert done.tallies[DataClass.TEXTS].held == 1
    left = {
        key.rpartition("/")[2].partition(".")[0]
        for top in ("raw/", "transcripts/", "recognition/")
        for key in export.storage.keys(top)
    }
    assert left == {"call_call-2"}
    assert export.storage.exists(f"exports/{FOLDER}/registry/calls_{FOLDER}.csv")
    a_day_later(export)
    night(export, 1501)
    a_day_later(export)
    night(export, 1502)
    named = by_sql(export.conninfo, "SELECT call_id FROM recordings WHERE from_number <> ''")
    assert named == [("call-2",)]
    by_sql(export.conninfo, "UPDATE holds SET lifted_at = now(), lifted_by = 'юрист'")
    night(export, 1503)
    assert kinds(export) == set()


def test_rows_lose_names_and_keep_figures(export: Export, tmp_path: Path) -> None:
    run_id = export.run().run_id
    aged(tmp_path, 1)
    sums = "SELECT total_calls, total_minutes, total_cost FROM call_exports WHERE run_id = %s"
    before = by_sql(export.conninfo, sums, run_id)
    names = by_sql(export.conninfo, "SELECT from_number, to_number, call_id, employee_name FROM recordings")
    for day in (1500, 1501, 1502):
        night(export, day)
        a_day_later(export)
    tables = ("recordings", "transcripts", "call_records", "call_exports", "file_removals")
    known = str([by_sql(export.conninfo, f"SELECT t::text FROM {table} t") for table in tables])
    for value in {value for row in names for value in row if value}:
        assert value not in known
    export.run()  # the portal still lists the calls: nobody comes back, nothing is bought
    known = str(by_sql(export.conninfo, "SELECT t::text FROM recordings t"))
    for value in {value for row in names for value in row if value}:
        assert value not in known
    assert bought(export) == CALLS
    with export.state() as state:
        state.runs.sum_up(run_id)
    assert by_sql(export.conninfo, sums, run_id) == before


def test_months_of_events_go_whole_and_counters_stay(export: Export) -> None:
    export.run()
    by_sql(export.conninfo, "SELECT call_events_months('2020-01-01', 1)")
    by_sql(export.conninfo, "INSERT INTO call_events (at, stage, event) VALUES ('2020-01-05', 'download', 'x')")
    by_sql(export.conninfo, "UPDATE metric_totals_up_to SET event_id = (SELECT max(id) FROM call_events)")
    with export.state() as state:
        done = expire(state, export.storage, export.policy, now=datetime(2021, 3, 8, tzinfo=UTC), dry_run=False)
    assert done.tallies[DataClass.EVENTS].rows == 1
    assert by_sql(
        export.conninfo, "SELECT to_regclass('call_events_2020_01'), to_regclass('call_events_2020_02') IS NULL"
    ) == [(None, False)]


class Ruled(LocalStorage):
    """A bucket with rules of its own."""

    rules: ClassVar[dict[KeepingRule, int | None]] = {}

    def keeping_rules(self) -> dict[KeepingRule, int | None]:
        return self.rules


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({KeepingRule.OBJECT_LOCK: 400}, "Бакет блокирует версии объектов на 400 дней"),
        ({KeepingRule.OBJECT_LOCK: 30}, ""),
        ({KeepingRule.EXPIRES_BY_ITSELF: 30}, "Правило жизненного цикла бакета удаляет объекты через 30 дней"),
        ({KeepingRule.EXPIRES_BY_ITSELF: 400}, ""),
        ({KeepingRule.NOT_KNOWN: None}, "Правила бакета (блокировка, жизненный цикл) узнать не удалось"),
    ],
)
def test_rules_of_a_bucket_that_contradict_the_periods_are_named(
    rules: dict[KeepingRule, int | None], said: str
) -> None:
    days = load_policy({}).retention_days.model_dump()
    storage = Ruled(Path("/nowhere"))
    storage.rules = rules
    night = Night(cast(Any, Namespace(session=None)), storage, days, Ends.of(days, DAY.date()), Expired(True, DAY))
    night.look_at_the_storage()
    note = words.note(night.done).replace("\N{NO-BREAK SPACE}", " ")
    assert note.partition("нечего.")[2].strip().startswith(said)
    assert bool(note.partition("нечего.")[2]) == bool(said)
