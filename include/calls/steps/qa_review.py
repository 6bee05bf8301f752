"""The QA sample of a run: what to listen to, and what people found (PRD §11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.report_figures import QaItem
from include.calls.policy import Policy
from include.calls.state.qa_checks import last_dag_run, record_check, recordings_of_call
from include.calls.state.report_queries import qa_sample
from include.calls.state.rows import Run
from include.calls.state.state import State
from include.calls.steps.paths import period_of
from include.common.errors import BadInput


@dataclass(frozen=True, slots=True)
class Sample:
    """`dag_run_id` is the DAG run whose `publish` writes the report."""

    run: Run
    dag_run_id: str
    folder: str
    items: list[QaItem]

    @property
    def sentence(self) -> str:
        checked = [item for item in self.items if item.result]
        issues = sum(item.result == "issue" for item in checked)
        return f"проверено {len(checked)} из {len(self.items)}, с замечаниями {issues}"


def sample_of(run_id: UUID, state: State, policy: Policy) -> Sample:
    """Raises BadInput where there is no such run."""
    run = state.run(run_id)
    if run is None:
        raise BadInput(f"there is no run {run_id} in call_exports")
    with state.transaction() as connection:
        items = qa_sample(connection, run_id, policy.thresholds.qa_sample_size)
        dag_run_id = last_dag_run(connection, run_id)
    return Sample(run, dag_run_id, period_of(run).folder, items)


def record_checks(run_id: UUID, checks: Sequence[QaCheck], state: State, *, by: str) -> int:
    """All of them or none; returns how many said something new. Raises BadInput naming the place of a wrong one."""
    changed = 0
    with state.transaction() as connection:
        for check in checks:
            new = record_check(connection, run_id, check, by=by)
            if new is None:
                raise BadInput(
                    f"{check.where}: the run {run_id} has no text of call {check.call_id!r}, recording "
                    f"{check.record_id!r}; nothing was recorded"
                )
            changed += new
    return changed


def only_recording(run_id: UUID, call_id: str, state: State) -> str:
    """The call's recording; BadInput where it has none with a text, or several to choose from."""
    with state.transaction() as connection:
        found = recordings_of_call(connection, run_id, call_id)
    if not found:
        raise BadInput(f"the run {run_id} has no text of call {call_id!r}")
    if len(found) > 1:
        raise BadInput(f"call {call_id!r} has several recordings; name one by RECORD_ID: {', '.join(found)}")
    return found[0]
