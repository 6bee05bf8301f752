"""The runbook's command line: triggers a run on the running Airflow, follows it, and says how it ended.

    python -m jobs.call_export --from 2025-08-01 --to 2025-08-31 --generate-summary=false

Exit status: 0 completed, 1 not completed, 2 refused before anything was created.
"""

import sys
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.run_ids import dag_run_id_of
from include.calls.domain.run_request import RunRequest
from include.calls.names import STATE_CONN
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.run_lifecycle import refuse_if_at_work
from include.calls.wording import command_line
from include.common.errors import BadInput
from jobs.airflow_api import AirflowApi, connection_from_environment
from jobs.command import Command
from jobs.follow import follow
from jobs.run_options import FLAG, option_of, run_options


@click.command(cls=Command, help=command_line.EXPORT_HELP)
@run_options
@click.option("--resume", help=command_line.RESUME_HELP, **FLAG)
@click.option("--follow/--no-follow", "following", default=True, help=command_line.FOLLOW_HELP)
def main(*, resume: bool, following: bool, **values: Any) -> None:
    request = checked_request(resume=resume, values=values)
    sys.exit(start(request, following=following))


def checked_request(*, resume: bool, values: dict[str, Any]) -> RunRequest:
    """Raises BadInput before anything is created."""
    request = RunRequest.of({name: value for name, value in values.items() if value is not None}, called=option_of)
    if (resume or request.replay_dlq) != (request.resume_run_id is not None):
        raise BadInput("--resume or --replay-dlq goes with --run-id <call_exports.run_id>", problem="resume_of_no_run")
    if request.resume_run_id is None:
        limits = load_policy({}).period
        request.new_period(run_after=datetime.now(UTC), default_days=limits.default_days, max_days=limits.max_days)
    return request


def start(request: RunRequest, *, following: bool) -> int:
    """Triggers and follows; with a key that was used before, follows the run that exists.

    Raises BadInput before anything is created if the run to resume is unknown or still at work.
    """
    api = AirflowApi.from_environment()
    key = request.idempotency_key
    dag_run_id = dag_run_id_of(key) if key else f"cli__{datetime.now(UTC):%Y-%m-%dT%H%M%S}_{uuid4().hex[:6]}"
    if request.resume_run_id and not (key and api.knows(dag_run_id)):
        with State.open(make_conninfo(**state_conninfo())) as state:
            refuse_if_at_work(state.runs.get(request.resume_run_id), api.is_live)
    api.unpause()
    created = api.trigger(dag_run_id, request.model_dump(mode="json", exclude_defaults=True))
    click.echo(command_line.started(dag_run_id) if created else command_line.key_has_run(dag_run_id))
    if not following:
        return 0
    resumed = str(request.resume_run_id) if request.resume_run_id else None
    return follow(api, dag_run_id, state_conninfo(), resumed=resumed, key=key, sleep=time.sleep)


def state_conninfo() -> dict[str, Any]:
    """psycopg's keyword arguments for the state database."""
    conn = connection_from_environment(STATE_CONN)
    named = {"host": "host", "port": "port", "login": "user", "password": "password", "schema": "dbname"}
    found = {ours: conn[theirs] for theirs, ours in named.items() if conn.get(theirs)}
    return found | dict(conn.get("extra") or {})


if __name__ == "__main__":
    main()
