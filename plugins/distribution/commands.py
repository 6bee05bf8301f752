"""What the commands `airflow call-export ...` do, with the connections that Airflow has, from whatever secrets backend.

They belong on a machine of Airflow's components: they reach its metadata database, as `airflow db` does.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import wraps
from typing import Any

from airflow.models import Pool
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.calls import names as calls
from include.calls.pools import pools as wanted_pools
from include.calls.wording.problems import PROBLEMS
from include.common import names
from include.common.errors import ExportError, NotConfigured
from include.common.wording import airflow_commands as texts
from include.common.wording.problems import sentence
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook

_PACKAGE = __name__.rpartition("plugins.")[0]  # "call_export." where the distribution is installed
# The jobs read connections from the environment, as the launcher gives them.
_CONNECTIONS = (
    *(names.PORTAL_CONN, names.RECOGNISER_CONN, names.FALLBACK_RECOGNISER_CONN, names.AIRFLOW_API_CONN),
    *(calls.STATE_CONN, calls.STORAGE_CONN, calls.POLICY_CONN, calls.ERASURE_CONN),
)

Command = Callable[[Namespace], None]


def _for_a_person(command: Command) -> Command:
    """One sentence and exit status 1 for an error that a person can correct."""

    @wraps(command)
    def run(args: Namespace) -> None:
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = (
            "server"  # as Airflow's own commands: connections of its database count
        )
        try:
            command(args)
        except ExportError as error:
            raise SystemExit(f"{sentence(error, PROBLEMS)}.") from None

    return run


@_for_a_person
def migrate(_: Namespace) -> None:
    """Brings the state database to the schema of this code; safe to repeat."""
    from include.calls.state.migrate import current, head
    from include.calls.state.migrate import migrate as bring_to_head

    try:
        conninfo = CallsStateHook().conninfo()
    except AirflowNotFoundException:
        raise NotConfigured(
            f"there is no connection {calls.STATE_CONN}", problem="no_state_connection", connection=calls.STATE_CONN
        ) from None
    before = current(conninfo)
    bring_to_head(conninfo)
    print(texts.migrated(before, head()))


@_for_a_person
def pools(_: Namespace) -> None:
    """Makes the pools that are missing.

    One that exists is never changed: it may be another team's, or was resized on purpose.
    """
    for name, pool in wanted_pools(load_run_policy()).items():
        found = Pool.get_pool(name)
        if found is None:
            Pool.create_or_update_pool(name, **pool)
            print(texts.pool_made(name, pool["slots"]))
        elif found.description == pool["description"]:
            print(texts.pool_kept(name, found.slots))
        else:
            raise NotConfigured(
                f"a pool {name} exists and is not ours: set CALL_EXPORT_ID_PREFIX in every component",
                problem="foreign_pool",
                pool=name,
            )


@_for_a_person
def job(args: Namespace) -> None:
    """Becomes `python -m jobs.<job>`, the commands of the runbook, with Airflow's connections in the environment."""
    if not args.job.isidentifier():
        raise NotConfigured(f"there is no job {args.job}", problem="no_job", job=args.job)
    found = {f"AIRFLOW_CONN_{conn_id.upper()}": text for conn_id in _CONNECTIONS if (text := _as_json(conn_id))}
    command = [sys.executable, "-m", f"{_PACKAGE}jobs.{args.job}", *args.arguments]
    os.execve(command[0], command, {**os.environ, **found})  # noqa: S606 - no shell


def _as_json(conn_id: str) -> str | None:
    try:
        conn = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None
    fields: dict[str, Any] = {
        name: getattr(conn, name) for name in ("conn_type", "host", "login", "password", "schema", "port")
    }
    given = {name: value for name, value in fields.items() if value}
    return json.dumps(given | {"extra": conn.extra_dejson})
