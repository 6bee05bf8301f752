"""Texts of a run built anew without paying again, after stt.channel_map or a threshold was corrected in policy.yaml.

    python -m jobs.rebuild --run-id <run_id>                          every text of the run
    python -m jobs.rebuild --run-id <run_id> --line "+74951234567"    those of one line, as call_records.portal_number

Registry and report of each run that shows a changed text are written anew by Airflow's task `publish`.
Exit status: 0 done, 1 something could not be done, 2 refused: nothing was changed.
"""

import os
import sys
from uuid import UUID

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.states import RunStatus
from include.calls.policy import load_policy
from include.calls.state.qa_checks import last_dag_run
from include.calls.state.state import State
from include.calls.steps.rebuild import Rebuilt, rebuild_texts
from include.common.errors import BadInput, ExportError
from jobs.airflow_api import AirflowApi
from jobs.call_export import state_conninfo
from jobs.storage import storage_from_environment


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--run-id", required=True, help="call_exports.run_id.")
@click.option("--line", help="Only this line's calls: call_records.portal_number.  [default: all]")
def main(*, run_id: str, line: str | None) -> None:
    """Build the texts of a run anew from the stored answers of the recogniser."""
    try:
        with State(make_conninfo(**state_conninfo())) as state:
            done = rebuild_texts(_uuid(run_id), state, storage_from_environment(), load_policy(os.environ), line=line)
            _tell(done)
            published = _publish_again(done, state)
        sys.exit(0 if published and not done.without_answers and not done.in_work else 1)
    except BadInput as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(2)
    except ExportError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _tell(done: Rebuilt) -> None:
    click.echo(f"просмотрено текстов: {done.looked_at}; изменено записей: {done.changed}; запросов к распознавателю: 0")
    if done.summaries_forgotten:
        click.echo(
            f"саммари прежних слов сняты: {done.summaries_forgotten}; новые напишет запуск с generate_summary (платно)"
        )
    if done.without_answers:
        names = ", ".join(done.without_answers[:5])
        click.echo(f"нет ответов распознавателя рядом с текстом, оставлены как есть: {names}", err=True)
    if done.in_work:
        names = ", ".join(done.in_work[:5])
        click.echo(f"сейчас в работе у запуска, повторите позже: {names}", err=True)


def _publish_again(done: Rebuilt, state: State) -> bool:
    """A run that goes on writes its registry and report by itself."""
    for run_id in sorted(done.runs):
        run = state.run(run_id)
        if run is None or run.status is RunStatus.RUNNING:
            continue
        try:
            with state.transaction() as connection:
                dag_run_id = last_dag_run(connection, run_id)
            AirflowApi.from_environment().publish_again(dag_run_id)
        except ExportError as error:
            click.echo(
                f"реестр и отчёт запуска {run_id} пока прежние ({error}): очистите его задачу publish в Airflow",
                err=True,
            )
            return False
        click.echo(f"реестр и отчёт запуска {run_id} переписывает задача publish")
    return True


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(f"--run-id {text!r} is no run id; copy it from the report or from call_exports") from None


if __name__ == "__main__":
    main()
