"""Erases again what a restored backup has brought back, from the tombstones of the database and of the storage.

    python -m jobs.erase_again

Run it after a restore and before the first export. It may be repeated. Exit status: 0 done, 1 not done.
"""

import os

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.names import ERASURE_CONN
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.erase import erase_again
from include.calls.wording import erasure as wording
from jobs.airflow_api import connection_from_environment
from jobs.call_export import state_conninfo
from jobs.command import Command
from jobs.storage import storage_from_environment


@click.command(cls=Command, help=wording.AGAIN_HELP)
def main() -> None:
    key = ErasureKey.of(str(connection_from_environment(ERASURE_CONN)["password"]))
    with State.open(make_conninfo(**state_conninfo())) as state:
        again = erase_again(state, storage_from_environment(), load_policy(os.environ), key)
    click.echo(wording.again(again))


if __name__ == "__main__":
    main()
