"""Whether a run is good enough: the shares of the recordings that exist, and what overrules them."""

from typing import Any

import pytest

from include.calls.domain.run_bars import NOTHING_TRIED, Bar, Tried
from include.calls.domain.run_verdict import Cause, Verdict, judge, judge_run
from include.calls.domain.states import RecordStatus as R
from include.calls.domain.states import RunStatus
from include.calls.policy import load_policy
from include.calls.reporting.settings import accepted_bars

BARS = accepted_bars(load_policy({}).bars)
BAR: dict[str, Any] = {"min_coverage": 0.99, "max_error_share": 0.01, "bars": BARS}
NOTHING: dict[str, Any] = {
    "stop": None, "refused": None, "failed_step": None, "dry_run": False, "tried": NOTHING_TRIED
}  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({R.COMPLETED: 99, R.ERROR: 1}, RunStatus.COMPLETED),
        ({R.COMPLETED: 98, R.ERROR: 2}, RunStatus.ERROR),
        ({R.COMPLETED: 98, R.PENDING: 2}, RunStatus.ERROR),
        ({R.COMPLETED: 1, R.MISSING_AUDIO: 50, R.NO_RECORDING: 50}, RunStatus.COMPLETED),
        ({R.NO_RECORDING: 10}, RunStatus.COMPLETED),
        ({}, RunStatus.COMPLETED),
    ],
)
def test_only_recordings_that_exist_count(counts: dict[R, int], status: RunStatus) -> None:
    assert judge(counts, **BAR).status is status


def test_the_shares_are_of_existing_recordings() -> None:
    verdict = judge({R.COMPLETED: 6, R.ERROR: 1, R.TRANSCRIBING: 1, R.MISSING_AUDIO: 9}, **BAR)
    assert (verdict.existing, verdict.coverage, verdict.error_share) == (8, 0.75, 0.125)


@pytest.mark.parametrize(
    ("facts", "status", "cause", "detail"),
    [
        ({}, RunStatus.COMPLETED, None, ""),
        ({"dry_run": True}, RunStatus.COMPLETED, Cause.FORECAST_ONLY, ""),
        ({"refused": "нет", "dry_run": True}, RunStatus.CANCELLED, Cause.REFUSED, "нет"),
        ({"failed_step": "plan", "refused": "нет"}, RunStatus.ERROR, Cause.STEP_FAILED, "plan"),
        ({"stop": "нет денег", "failed_step": "plan", "refused": "нет"}, RunStatus.ERROR, Cause.STOPPED, "нет денег"),
        ({"abandoned": "dag-1"}, RunStatus.COMPLETED, None, ""),
        ({"abandoned": "dag-1", "planned": False}, RunStatus.ERROR, Cause.ABANDONED, "dag-1"),
        ({"abandoned": "dag-1", "planned": False, "dry_run": True}, RunStatus.ERROR, Cause.ABANDONED, "dag-1"),
        ({"abandoned": "dag-1", "planned": False, "stop": "нет денег"}, RunStatus.ERROR, Cause.STOPPED, "нет денег"),
    ],
)
def test_a_stop_overrules_a_failed_step_and_that_a_refusal(
    facts: dict[str, Any], status: RunStatus, cause: Cause | None, detail: str
) -> None:
    verdict = judge_run({R.COMPLETED: 3}, **BAR, **NOTHING | facts)
    assert (verdict.status, verdict.cause, verdict.detail) == (status, cause, detail)


def test_an_abandoned_run_with_anything_left_is_in_error() -> None:
    """However good the shares are: a run that ends by itself leaves nothing unfinished."""
    verdict = judge_run({R.COMPLETED: 999, R.PENDING: 1}, **BAR, **NOTHING | {"abandoned": "dag-1"})
    assert (verdict.status, verdict.cause) == (RunStatus.ERROR, Cause.ABANDONED)


def test_a_dry_run_is_complete_whatever_is_left() -> None:
    assert judge_run({R.PENDING: 3}, **BAR, **NOTHING | {"dry_run": True}).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("cause", "detail", "line"),
    [
        (None, "", "1 of 2 existing recordings have a text (50.0%), 1 in error (50.0%), 0 unfinished"),
        (Cause.STOPPED, "нет денег", "the run was stopped; 1 of 2"),
        (Cause.STEP_FAILED, "plan", "the task plan failed; 1 of 2"),
        (Cause.REFUSED, "отказ", "its cost was not approved; 1 of 2"),
        (Cause.FORECAST_ONLY, "", "forecast only; 1 of 2"),
    ],
)
def test_the_line_for_the_log_is_english(cause: Cause | None, detail: str, line: str) -> None:
    said = Verdict(RunStatus.ERROR, completed=1, errors=1, unfinished=0, cause=cause, detail=detail).in_english
    assert said.startswith(line)
    assert said.isascii()


@pytest.mark.parametrize("counts", [{}, {R.NO_RECORDING: 10}, {R.MISSING_AUDIO: 3}])
def test_none_of_no_recordings_is_no_coverage(counts: dict[R, int]) -> None:
    verdict = judge(counts, **BAR)
    assert (verdict.coverage, verdict.status) == (None, RunStatus.COMPLETED)
    assert "coverage unknown" in verdict.in_english


@pytest.mark.parametrize(
    ("bar", "tried"),
    [
        (Bar.NEWLY_MISSING, Tried(audio=20, newly_missing=3)),
        (Bar.UNREADABLE_ROWS, Tried(rows=200, unreadable_rows=3)),
        (Bar.EMPTY_TEXTS, Tried(texts=20, empty_texts=3)),
        (Bar.MUCH_NOT_SENT, Tried(texts=20, much_not_sent=3)),
        (Bar.FLAGGED_TEXTS, Tried(texts=5, flagged_texts=3)),
    ],
)
def test_a_share_above_its_bar_is_an_error_with_a_name(bar: Bar, tried: Tried) -> None:
    verdict = judge({R.COMPLETED: 1000}, **BAR, tried=tried)
    assert (verdict.status, [found.bar for found in verdict.exceeded]) == (RunStatus.ERROR, [bar])
    assert f"{bar} 3 of {tried.of(bar)}" in verdict.in_english


@pytest.mark.parametrize(
    "tried",
    [
        Tried(audio=30, newly_missing=3),  # the bar itself
        Tried(audio=2, newly_missing=2),  # too few to mean anything beside texts that are there
        Tried(texts=2, empty_texts=2, flagged_texts=2),
        Tried(),
    ],
)
def test_a_share_up_to_its_bar_or_of_few_cases_is_good(tried: Tried) -> None:
    assert judge({R.COMPLETED: 10}, **BAR, tried=tried).status is RunStatus.COMPLETED


def test_a_run_that_has_nothing_but_newly_missing_audio_is_an_error() -> None:
    """However few: it has nothing to show, and coverage cannot say so."""
    assert judge({R.MISSING_AUDIO: 1}, **BAR, tried=Tried(audio=1, newly_missing=1)).status is RunStatus.ERROR


def test_every_bar_has_a_setting_between_zero_and_one() -> None:
    assert set(BARS.most) == set(Bar)
