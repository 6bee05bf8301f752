"""Which errors are retried, after how long, and which fail at once."""

from typing import Any, cast

import pytest
from airflow.sdk import Context, RetryDecision
from airflow.sdk.definitions.retry_policy import RetryAction

from include.calls.steps.outcome import BatchFailed, Unfinished
from include.common.errors import (
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
from plugins.airflow_kit.retry import PORTAL_LADDER, RECOGNITION_LADDER, STEP_FAILURES, TASK_RETRIES, LadderRetryPolicy

PORTAL = LadderRetryPolicy(5, PORTAL_LADDER)
RECOGNITION = LadderRetryPolicy(10, RECOGNITION_LADDER)


class OneTask:
    """A task that fails repeatedly; its state store keeps values between tries, as Airflow's does."""

    def __init__(self, policy: LadderRetryPolicy) -> None:
        self.policy = policy
        self.try_number, self.max_tries = 0, TASK_RETRIES
        self.store: dict[str, Any] = {}

    def clear(self) -> None:
        """As Airflow does: the count goes on, and as many more tries are allowed."""
        self.max_tries = self.try_number + TASK_RETRIES

    def fails(self, error: BaseException) -> RetryDecision:
        self.try_number += 1
        context = cast(Context, {"task_state_store": self})
        return self.policy.evaluate(error, self.try_number, self.max_tries, context)

    def get(self, key: str) -> Any:
        return self.store.get(key)

    def set(self, key: str, value: Any) -> None:
        self.store[key] = value


def waits(policy: LadderRetryPolicy, errors: list[BaseException]) -> list[float]:
    """Seconds before each next try, for these errors in order."""
    task = OneTask(policy)
    decisions = [task.fails(error) for error in errors]
    assert {decision.action for decision in decisions} == {RetryAction.RETRY}
    return [decision.retry_delay.total_seconds() for decision in decisions]


def test_the_portals_ladder_and_its_last_step_after_that() -> None:
    assert waits(PORTAL, [Temporary("503")] * 7) == [5, 15, 30, 60, 120, 120, 120]


def test_the_recognisers_ladder() -> None:
    assert waits(RECOGNITION, [Temporary("500")] * 4) == [10, 30, 60, 60]


def test_the_wait_follows_failures_not_task_starts() -> None:
    """A task that was throttled ten times has not failed once."""
    assert PORTAL.evaluate(Unfinished("one left", attempt=2), 12, 100).retry_delay.total_seconds() == 15


def test_the_other_sides_hint_beats_the_ladder() -> None:
    assert waits(PORTAL, [Throttled("429", retry_after=77.5), Temporary("503", retry_after=1)]) == [77.5, 1]


@pytest.mark.parametrize(("hint", "believed"), [(0, 1), (0.02, 1), (90, 90), (999_999_999, 3600)])
def test_a_hint_is_believed_within_reason(hint: float, believed: float) -> None:
    """Zero would be a busy loop, and a mistake of units years of waiting."""
    assert waits(PORTAL, [Throttled("429", retry_after=hint)]) == [believed]


def test_a_step_without_an_answer_fails_after_half_an_hour() -> None:
    task = OneTask(PORTAL)
    decisions = [task.fails(Temporary("no answer")) for _ in range(21)]
    assert [decision.action for decision in decisions] == [RetryAction.RETRY] * 20 + [RetryAction.FAIL]


def test_a_cleared_task_starts_the_ladder_anew() -> None:
    task = OneTask(PORTAL)
    for _ in range(21):
        task.fails(Temporary("no answer"))
    task.clear()
    assert task.fails(Temporary("no answer")).retry_delay.total_seconds() == 5


def test_being_throttled_never_becomes_a_failure() -> None:
    assert waits(PORTAL, [Throttled("429", retry_after=1)] * 90) == [1] * 90


def test_without_the_store_airflows_count_is_the_bound() -> None:
    """Without this bound an api-server that does not answer would mean a thousand tries."""
    task = OneTask(PORTAL)
    task.store = cast(Any, None)
    decisions = [task.fails(Temporary("no answer")) for _ in range(STEP_FAILURES + 1)]
    assert [decision.action for decision in decisions][-2:] == [RetryAction.RETRY, RetryAction.FAIL]


@pytest.mark.parametrize(
    "waiting",
    [Throttled("429", retry_after=1), Unfinished("claimed by another task", attempt=1)],
    ids=["slow", "claimed"],
)
def test_after_long_waiting_a_failure_is_still_the_first_one(waiting: Temporary) -> None:
    task = OneTask(PORTAL)
    for _ in range(STEP_FAILURES * 2):
        task.fails(waiting)
    assert task.fails(Temporary("503")).retry_delay.total_seconds() == 5
    assert task.fails(RuntimeError("a bug")).retry_delay.total_seconds() == 15


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
    task = OneTask(PORTAL)
    assert [task.fails(error).action for error in [*errors, RuntimeError("a bug")]][-1] is RetryAction.FAIL


def test_the_reason_names_the_kind_of_error_and_never_quotes_it() -> None:
    """A foreign exception's text may hold a link with a token."""
    reason = OneTask(PORTAL).fails(RuntimeError("https://portal/rest/1/t0ken/")).reason
    assert reason == "RuntimeError, wait 5 s"
