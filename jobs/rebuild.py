"""Builds the texts of a run again without paying, after stt.channel_map or a threshold was corrected in policy.yaml.

    python -m jobs.rebuild --run-id <run_id>                          every text of the run
    python -m jobs.rebuild --run-id <run_id> --line "+74951234567"    one phone line (call_records.phone_line)

The run's task `publish` in Airflow then writes registry and report again.
Exit status: 0 done, 1 something could not be done, 2 refused: nothing was changed.
"""

import getpass
import os
import sys
from uuid import UUID

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.states import RunStatus
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.rebuild import Rebuilt, rebuild_texts
from include.calls.wording import command_line
from include.common.errors import BadInput, ExportError
from jobs.airflow_api import AirflowApi
from jobs.call_export import state_conninfo
from jobs.command import FAILED, Command
from jobs.storage import storage_from_environment


@click.command(cls=Command, help=command_line.REBUILD_HELP)
@click.option("--run-id", required=True, metavar=command_line.TEXT, help=command_line.REBUILD_RUN_HELP)
@click.option("--line", "phone_line", metavar=command_line.TEXT, help=command_line.LINE_HELP)
def main(*, run_id: str, phone_line: str | None) -> None:
    with State.open(make_conninfo(**state_conninfo())) as state:
        run = _uuid(run_id)
        done = rebuild_texts(
            run,
            state,
            storage_from_environment(),
            load_policy(os.environ),
            actor=getpass.getuser(),
            phone_line=phone_line,
        )
        _tell(done)
        published = not done.changed or _publish_again(run, state)
    sys.exit(0 if published and not done.without_responses and not done.in_work else FAILED)


def _tell(done: Rebuilt) -> None:
    click.echo(command_line.rebuilt(done.looked_at, done.changed))
    if done.summaries_removed:
        click.echo(command_line.summaries_removed(done.summaries_removed))
    if done.without_responses:
        click.echo(command_line.without_responses(done.without_responses), err=True)
    if done.in_work:
        click.echo(command_line.in_work(done.in_work), err=True)


def _publish_again(run_id: UUID, state: State) -> bool:
    """A run that goes on writes its registry and report anyway."""
    run = state.runs.get(run_id)
    if run.status is RunStatus.RUNNING:
        return True
    try:
        AirflowApi.from_environment().publish_again(run.worked_by)
    except ExportError as error:
        click.echo(command_line.files_stay(run_id, error), err=True)
        return False
    click.echo(command_line.files_are_rewritten(run_id))
    return True


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(
            f"--run-id {text!r} is no run id; copy it from the report or from call_exports",
            problem="no_run_id",
            run_id=text,
        ) from None


if __name__ == "__main__":
    main()
