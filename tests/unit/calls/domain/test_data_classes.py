"""What ends when: by whole days, and which class a file of a period belongs to."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.calls.domain.data_classes import DataClass, Ends, PeriodFile, retention_report_key
from include.calls.policy import load_policy

DAYS = dict.fromkeys(DataClass, 90)


def test_a_day_is_kept_for_so_many_whole_days_after_it() -> None:
    last_second = datetime(2025, 8, 1, 23, 59, 59, tzinfo=UTC)
    ends = [Ends.of(DAYS, date(2025, 8, 1) + timedelta(days=after))[DataClass.AUDIO] for after in (90, 91)]
    assert [last_second < before for before in ends] == [False, True]


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 2000))
def test_nothing_ends_early(today: date, days: int) -> None:
    before = Ends.of(dict.fromkeys(DataClass, days), today)[DataClass.TEXTS]
    youngest = before - timedelta(seconds=1)
    assert (today - youngest.date()).days > days


def test_every_class_has_its_days_in_the_policy() -> None:
    assert set(load_policy({}).retention_days.model_dump()) == set(DataClass)


@pytest.mark.parametrize(
    ("key", "data", "copy_of", "is_audio"),
    [
        ("reports/summary_x.pdf", DataClass.REPORTS, None, False),
        ("registry/calls_x.csv", DataClass.REGISTRY, None, False),
        ("logs/call_export_x.jsonl", DataClass.RUN_LOGS, None, False),
        ("transcripts/call_1.2.txt", DataClass.DELIVERED, "call_1.2", False),
        ("summary/call_1.md", DataClass.DELIVERED, "call_1", False),
        ("raw/2025/08/01/call_1.mp3", DataClass.DELIVERED, "call_1", True),
    ],
)
def test_a_file_of_a_period_has_its_class(key: str, data: DataClass, copy_of: str | None, is_audio: bool) -> None:
    found = PeriodFile.of(f"exports/2025-08-01_2025-08-31/{key}")
    assert found is not None
    assert (found.data, found.copy_of, found.is_audio) == (data, copy_of, is_audio)
    assert (found.days.start, found.days.end) == (
        datetime(2025, 8, 1, tzinfo=UTC),
        datetime(2025, 8, 31, 23, 59, 59, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    "key", ["raw/2025/08/01/x.mp3", "exports/x", "exports/mine/registry/x.csv", "exports/2025-08-01_2025-08-31/mine/x"]
)
def test_what_is_not_ours_is_left_alone(key: str) -> None:
    assert PeriodFile.of(key) is None


def test_a_trial_and_a_night_have_reports_of_their_own() -> None:
    at = datetime(2026, 11, 29, 0, 30, tzinfo=UTC)
    names = {retention_report_key(at, dry_run=dry_run) for dry_run in (True, False)}
    assert names == {"retention/retention_20261129T003000Z.md", "retention/retention_20261129T003000Z_dry_run.md"}
