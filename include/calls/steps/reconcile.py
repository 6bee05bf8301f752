"""Closes runs that were left open: Airflow has ended or forgotten their DAG run, and no task of it will close them."""

import logging

from include.calls.domain.stages import Stage
from include.calls.domain.states import RunStatus
from include.calls.policy import Policy
from include.calls.state.role_overrides import RoleOverrides
from include.calls.state.state import State
from include.calls.state.types import Run
from include.calls.steps.close_run import ClosedRun, close_abandoned
from include.calls.steps.publish import publish
from include.calls.steps.run_lifecycle import IsLive
from include.clients.storage.base import Storage
from include.common.errors import ExportError

log = logging.getLogger(__name__)


def abandoned_runs(state: State, is_live: IsLive) -> list[Run]:
    """Runs that have not ended although Airflow has ended or forgotten the DAG run that works on them."""
    return [run for run in state.runs.not_ended() if not is_live(run.worked_by)]


def show_corrections(state: State, storage: Storage, policy: Policy) -> int:
    """Writes registries and reports again that are older than a correction of roles; returns how many.

    What could not be written is written the next time.
    """
    written = 0
    for run_id in RoleOverrides(state.session).outdated_runs():
        try:
            publish(run_id, state, storage, policy)
            written += 1
        except (ExportError, OSError) as error:
            log.warning("the files of the run %s do not show its corrected roles yet: %s", run_id, error)
    return written


def settle(run: Run, state: State, storage: Storage, policy: Policy) -> ClosedRun | None:
    """Writes registry and report of an abandoned run and closes it with a verdict from the rows.

    None if the run has ended or was taken over since it was read. A run whose files cannot be written is closed all the
    same, in error, as if its task `publish` had failed.
    """
    now = state.runs.get(run.run_id)
    if (now.status, now.worked_by) != (run.status, run.worked_by):
        return None
    failed_step = None
    if run.status is RunStatus.RUNNING:
        try:
            publish(run.run_id, state, storage, policy)
        except (ExportError, OSError) as error:
            log.warning("the files of the run %s were not written: %s", run.run_id, error)
            failed_step = Stage.PUBLISH
    return close_abandoned(run, state, policy, failed_step=failed_step)
