"""The runbook's command line: triggers a run on the running Airflow, follows it, tells how it ended.

    python -m jobs.call_export --from 2025-08-01 --to 2025-08-31 --generate-summary=false

Exit status: 0 completed, 1 not completed, 2 refused before anything was created.
"""

import sys
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import click

from include.calls.domain.run_ids import LONGEST_KEY, dag_run_id_of
from include.calls.names import STATE_CONN
from include.calls.policy import load_policy
from include.common.errors import BadInput, ExportError
from include.common.periods import resolve_period
from jobs.airflow_api import AirflowApi, connection_from_environment
from jobs.follow import follow

FLAG: dict[str, Any] = {"type": bool, "default": False, "is_flag": False, "flag_value": True, "show_default": True}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--from", "period_from", help="Day or instant, ISO 8601, or today-60d.  [default: today-60d]")
@click.option("--to", "period_to", help="Day or instant, the last day inclusive.  [default: now]")
@click.option("--generate-summary", help="Write summaries and tags (costs more).", **FLAG)
@click.option("--dry-run", help="Forecast only: nothing is downloaded or spent.", **FLAG)
@click.option("--low-rate", help="Spare the portal: 0.5 requests a second.", **FLAG)
@click.option("--allow-long-period", help="Allow more than 90 days.", **FLAG)
@click.option("--limit-calls", type=click.IntRange(min=0), default=0, help="Only the first N recordings; 0 = all.")
@click.option("--key", help="Idempotency key, up to 128 characters: the same key never starts a second run.")
@click.option("--resume", help="Continue the unfinished recordings of --run-id.", **FLAG)
@click.option("--replay-dlq", help="The same, and its dead letters are tried again.", **FLAG)
@click.option("--run-id", help="The run to continue: call_exports.run_id.")
@click.option("--follow/--no-follow", "following", default=True, help="Show progress until the run ends.")
def main(
    *, following: bool, key: str | None, resume: bool, replay_dlq: bool, run_id: str | None, **params: Any
) -> None:
    """Export the texts of the portal's calls."""
    try:
        conf = checked_conf(resume=resume, replay_dlq=replay_dlq, run_id=run_id, params=params)
        if key is not None and not 1 <= len(key) <= LONGEST_KEY:
            raise BadInput(f"--key takes 1 to {LONGEST_KEY} characters")
        sys.exit(start(conf, key, following=following))
    except BadInput as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(2)
    except ExportError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def checked_conf(*, resume: bool, replay_dlq: bool, run_id: str | None, params: dict[str, Any]) -> dict[str, Any]:
    """The DAG's parameters; raises BadInput before anything is created (D2)."""
    if (resume or replay_dlq) != bool(run_id):
        raise BadInput("--resume or --replay-dlq goes with --run-id <call_exports.run_id>")
    if run_id:
        try:
            return {"resume_run_id": str(UUID(run_id))} | ({"replay_dlq": True} if replay_dlq else {})
        except ValueError:
            raise BadInput(f"--run-id {run_id!r} is no run id; copy it from call_exports.run_id") from None
    limits = load_policy({}).period
    resolve_period(
        params["period_from"],
        params["period_to"],
        run_after=datetime.now(UTC),
        allow_long=params["allow_long_period"],
        default_days=limits.default_days,
        max_days=limits.max_days,
    )
    return {name: value for name, value in params.items() if value not in (None, "")}


def start(conf: dict[str, Any], key: str | None, *, following: bool) -> int:
    """Triggers and follows; with a key that was used before, tells of the run that exists."""
    api = AirflowApi.from_environment()
    api.unpause()
    dag_run_id = dag_run_id_of(key) if key else f"cli__{datetime.now(UTC):%Y-%m-%dT%H%M%S}_{uuid4().hex[:6]}"
    created = api.trigger(dag_run_id, conf | ({"idempotency_key": key} if key else {}))
    click.echo(f"{'started' if created else 'this key already has a run:'} {dag_run_id}")
    if not following:
        return 0
    return follow(api, dag_run_id, state_conninfo(), resumed=conf.get("resume_run_id"), key=key, sleep=time.sleep)


def state_conninfo() -> dict[str, Any]:
    """psycopg's keyword arguments for the state database."""
    conn = connection_from_environment(STATE_CONN)
    named = {"host": "host", "port": "port", "login": "user", "password": "password", "schema": "dbname"}
    found = {ours: conn[theirs] for theirs, ours in named.items() if conn.get(theirs)}
    return found | dict(conn.get("extra") or {})


if __name__ == "__main__":
    main()
