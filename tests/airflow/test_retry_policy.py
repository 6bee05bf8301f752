"""What is tried again, after how long, and what fails at once (D13, D15)."""

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from include.domain.errors import (
    AccessDenied,
    BadInput,
    ContractBroken,
    MissingAudio,
    NotConfigured,
    Permanent,
    QuotaExhausted,
    Temporary,
    Throttled,
)
from include.steps.outcome import BatchFailed, Unfinished
from plugins.retry import PORTAL_LADDER, RECOGNITION_LADDER, TASK_RETRIES, LadderRetryPolicy

PORTAL = LadderRetryPolicy(5, PORTAL_LADDER)
RECOGNITION = LadderRetryPolicy(10, RECOGNITION_LADDER)


def waits(policy: LadderRetryPolicy, errors: list[BaseException]) -> list[float]:
    """Seconds before each next try, the errors coming one after another."""
    decisions = [policy.evaluate(error, try_number, 100) for try_number, error in enumerate(errors, start=1)]
    assert {decision.action for decision in decisions} == {RetryAction.RETRY}
    return [decision.retry_delay.total_seconds() for decision in decisions]


def test_the_portals_ladder_and_its_last_step_after_that() -> None:
    assert waits(PORTAL, [Temporary("503")] * 7) == [5, 15, 30, 60, 120, 120, 120]


def test_the_recognisers_ladder() -> None:
    assert waits(RECOGNITION, [Temporary("500")] * 4) == [10, 30, 60, 60]


def test_a_batch_waits_by_its_recordings_failures_not_by_how_often_the_task_ran() -> None:
    """A task that was throttled ten times has not failed once."""
    assert PORTAL.evaluate(Unfinished("one left", attempt=2), 12, 100).retry_delay.total_seconds() == 15


def test_the_other_sides_hint_beats_the_ladder() -> None:
    assert waits(PORTAL, [Throttled("429", retry_after=77.5), Temporary("503", retry_after=1)]) == [77.5, 1]


@pytest.mark.parametrize(("hint", "believed"), [(0, 1), (0.02, 1), (90, 90), (999_999_999, 3600)])
def test_a_hint_is_believed_within_reason(hint: float, believed: float) -> None:
    """Zero would be a busy loop; a mistake of units would end the run in years."""
    assert waits(PORTAL, [Throttled("429", retry_after=hint)]) == [believed]


def test_a_step_that_nobody_answers_is_given_up_after_half_an_hour() -> None:
    decisions = [PORTAL.evaluate(Temporary("no answer"), number, TASK_RETRIES) for number in range(1, 22)]
    assert [decision.action for decision in decisions] == [RetryAction.RETRY] * 20 + [RetryAction.FAIL]


def test_a_cleared_task_starts_the_ladder_anew() -> None:
    assert PORTAL.evaluate(Temporary("no answer"), 22, 21 + TASK_RETRIES).action is RetryAction.RETRY


def test_being_throttled_never_becomes_a_failure() -> None:
    assert waits(PORTAL, [Throttled("429", retry_after=1)] * 90) == [1] * 90


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("401"),
        QuotaExhausted("no money"),
        NotConfigured("no key"),
        ContractBroken("HTML"),
        BadInput("from after to"),
        Permanent("not audio"),
        MissingAudio("404"),
        BatchFailed("3 recordings"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_no_retry_repairs_fails_at_the_first_try(error: Exception) -> None:
    assert PORTAL.evaluate(error, 1, 100).action is RetryAction.FAIL


def test_an_unforeseen_error_follows_the_ladder_and_then_fails() -> None:
    errors: list[BaseException] = [RuntimeError("a bug")] * len(PORTAL_LADDER)
    assert waits(PORTAL, errors) == [5, 15, 30, 60, 120]
    assert PORTAL.evaluate(RuntimeError("a bug"), len(PORTAL_LADDER) + 1, 100).action is RetryAction.FAIL


def test_the_reason_names_the_kind_of_error_and_never_quotes_it() -> None:
    """A foreign exception's text may hold a link with a token."""
    reason = PORTAL.evaluate(RuntimeError("https://portal/rest/1/t0ken/"), 1, 100).reason
    assert reason == "RuntimeError, wait 5 s"
