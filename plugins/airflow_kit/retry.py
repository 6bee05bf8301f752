"""When Airflow retries a task: one policy, with a ladder of waits for each outside system."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy

from include.common.errors import ExportError, Temporary, Throttled

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

# Steps of the waits as multiples of the base: 5 -> 5/15/30/60/120 s, 10 -> 10/30/60 s.
PORTAL_LADDER = (1, 3, 6, 12, 24)
RECOGNITION_LADDER = (1, 3, 6)

# Airflow's own count only bounds the number of task starts. Failures of a recording are counted in its row, failures of
# a whole step in the task's state store: "slow down" and "claimed by another task" count in neither.
TASK_RETRIES = 1000
FAILURES = "failures"
# A failure of the whole step (the portal does not answer at all) is retried for about half an hour.
STEP_FAILURES = 20
# Bounds of a server's own hint, in seconds: 0 would be a busy loop, and days are a mistake of units.
SHORTEST_HINT, LONGEST_HINT = 1.0, 3600.0


class LadderRetryPolicy(RetryPolicy):
    """Waits `base_seconds` times the ladder's step, or as long as the server's own hint says.

    Of our own errors only Temporary ones are retried: no retry repairs a token, a setting or a deleted recording.
    Unforeseen errors follow the ladder too.
    """

    def __init__(self, base_seconds: float, ladder: tuple[int, ...]) -> None:
        self.base_seconds = base_seconds
        self.ladder = ladder

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: "Context | None" = None,
    ) -> RetryDecision:
        if isinstance(exception, Throttled) or hasattr(exception, "attempt"):
            return self._wait(getattr(exception, "attempt", try_number), exception)
        if isinstance(exception, ExportError) and not isinstance(exception, Temporary):
            return RetryDecision.fail(f"{type(exception).__name__}: no retry repairs this")
        failures = _counted(context, try_number, max_tries)
        if failures > (STEP_FAILURES if isinstance(exception, Temporary) else len(self.ladder)):
            return RetryDecision.fail(f"{type(exception).__name__} for the {failures}th time")
        return self._wait(failures, exception)

    def _wait(self, attempt: int, exception: Any) -> RetryDecision:
        step = self.ladder[min(max(attempt, 1), len(self.ladder)) - 1]
        hint = getattr(exception, "retry_after", None)
        seconds = self.base_seconds * step if hint is None else min(max(hint, SHORTEST_HINT), LONGEST_HINT)
        kind = "asked to slow down" if isinstance(exception, Throttled) else type(exception).__name__
        return RetryDecision.retry(timedelta(seconds=seconds), f"{kind}, wait {seconds:g} s")


def _counted(context: "Context | None", try_number: int, max_tries: int) -> int:
    """How often this task has failed, this time included. Clearing raises `max_tries` and starts a new count."""
    assert context is not None, "the worker always gives the context"
    store = context["task_state_store"]
    try:
        match store.get(FAILURES):
            case [int(since), int(before)] if since == max_tries:
                failures = before + 1
            case _:
                failures = 1
        store.set(FAILURES, [max_tries, failures])
    except Exception as error:  # then Airflow's own count, waits included, is used
        log.warning("the failures of this task could not be counted: %s", type(error).__name__)
        return try_number - max(0, max_tries - TASK_RETRIES)
    return failures
