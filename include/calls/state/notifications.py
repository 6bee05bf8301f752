"""What people were told, remembered in `call_events`, so that each occasion is told once (by whatever process)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.state.rows import Run
from include.calls.state.runs import Runs

_FILE = "alerts"


@dataclass(frozen=True, slots=True)
class LowRateSwitch:
    """`event_id` is the occasion; `until` is UTC; `refusals` are the portal's in the quarter of an hour before."""

    event_id: int
    forced: bool
    until: datetime | None
    refusals: int


@dataclass(frozen=True, slots=True)
class RunEnd:
    """`verdict` is the sentence with which the run was closed."""

    event_id: int
    verdict: str


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Recordings that went into the DLQ since it was last told of; `up_to` is the last one's event."""

    up_to: int
    moved: int


class Told(Runs):
    """The occasions, on a connection of their own: what is said never waits for the work that it is about."""

    def once(self, occasion: str, send: Callable[[], bool], *, run_id: UUID | None, kind: str, up_to: int = 0) -> bool:
        """Calls `send` unless this occasion was told, tried or is being told elsewhere; True where it was called.

        One try per occasion: a receiver that does not answer is not asked again by the next task of the run.
        """
        with self.transaction():
            locked = self._values(_FILE, "try_lock", occasion=occasion)[0][0]
            if not locked or self._values(_FILE, "told", occasion=occasion)[0][0]:
                return False
            event = "told_slack" if send() else "slack_failed"
            detail = {"occasion": occasion, "kind": kind, "up_to": up_to}
            self.event(run_id, stage=Stage.SLACK, event=event, detail=detail)
        return True

    def run_of_dag_run(self, dag_run_id: str, *, resumed: str | None) -> Run | None:
        """The run that this DAG run opened, or the one that it resumes."""
        found = self._values(_FILE, "run_of_dag_run", dag_run_id=dag_run_id, resumed=resumed)
        return self.run(found[0][0]) if found else None

    def last_event(self, run_id: UUID, event: str) -> RunEnd | None:
        """The newest time that the run as a whole entered this state."""
        found = self._values(_FILE, "last_event", run_id=run_id, event=event)
        return RunEnd(*found[0]) if found else None

    def new_dead_letters(self, run_id: UUID) -> DeadLetters:
        return DeadLetters(*self._values(_FILE, "new_dead_letters", run_id=run_id)[0])

    def low_rate_switch(self) -> LowRateSwitch | None:
        """The switch to low rate that is on now, if one is."""
        found = self._values(_FILE, "low_rate_switch")
        return LowRateSwitch(*found[0]) if found else None
