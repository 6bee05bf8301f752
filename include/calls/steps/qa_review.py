"""The QA sample of a run: which recordings people listen to, and their verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.report_figures import QaItem
from include.calls.state.audit import AuditLog
from include.calls.state.figures import ReportFigures
from include.calls.state.qa import QaChecks
from include.calls.state.state import State
from include.calls.state.types import Run
from include.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class Sample:
    """`dag_run_id` is the DAG run whose `publish` writes the report."""

    run: Run
    dag_run_id: str
    items: list[QaItem]

    @property
    def checked(self) -> int:
        return sum(item.result is not None for item in self.items)

    @property
    def issues(self) -> int:
        return sum(item.result == "issue" for item in self.items)


def sample_of(run_id: UUID, state: State, size: int) -> Sample:
    """Raises BadInput if there is no such run."""
    run = state.runs.get(run_id)
    return Sample(run, run.worked_by, ReportFigures(state.session).qa_sample(run_id, size))


def record_checks(run_id: UUID, checks: Sequence[QaCheck], state: State, *, by: str) -> int:
    """All of them or none; returns how many verdicts are new. Raises BadInput that names the place of a wrong one."""
    changed: list[QaCheck] = []
    with state.transaction():
        for check in checks:
            new = QaChecks(state.session).record(run_id, check, by=by)
            if new is None:
                raise BadInput(
                    f"{check.where}: the run {run_id} has no text of call {check.call_id!r}, recording "
                    f"{check.record_id!r}; nothing was recorded",
                    problem="finding_without_text",
                    where=check.where,
                    run_id=run_id,
                    call_id=check.call_id,
                    record_id=check.record_id,
                )
            if new:
                changed.append(check)
        for check in changed:
            AuditLog(state.session).record(
                Action.CALL_CHECKED,
                actor=by,
                run_id=run_id,
                call_id=check.call_id,
                record_id=check.record_id,
                detail={"result": check.result},
            )
    return len(changed)


def only_recording(run_id: UUID, call_id: str, state: State) -> str:
    """The call's recording. Raises BadInput if it has none with a text, or several to choose from."""
    found = QaChecks(state.session).recordings_of_call(run_id, call_id)
    if not found:
        raise BadInput(
            f"the run {run_id} has no text of call {call_id!r}",
            problem="no_text_of_call",
            run_id=run_id,
            call_id=call_id,
        )
    if len(found) > 1:
        names = ", ".join(found)
        raise BadInput(
            f"call {call_id!r} has several recordings; name one by RECORD_ID: {names}",
            problem="several_recordings",
            call_id=call_id,
            record_ids=names,
        )
    return found[0]
