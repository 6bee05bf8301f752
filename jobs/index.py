"""Adds the texts that are older than the call browser's search to it.

    python -m jobs.index           goes on where it was interrupted
    python -m jobs.index --anew    goes through every text again

It may be stopped at any moment, and runs beside exports. Exit status: 0 done, 1 not done.
"""

import click
from psycopg.conninfo import make_conninfo

from include.calls.state.browsing import Browsing
from include.calls.state.state import State
from include.calls.wording import browser as wording
from include.calls.wording import command_line
from jobs.call_export import state_conninfo
from jobs.command import Command

AT_ONCE = 500  # texts in one transaction: a quarter of a second
_SHOWN_EVERY = 20


@click.command(cls=Command, help=wording.INDEX_HELP)
@click.option("--anew", type=bool, default=False, metavar=command_line.TEXT, help=wording.ANEW_HELP)
def main(*, anew: bool) -> None:
    with State.open(make_conninfo(**state_conninfo())) as state:
        browsing = Browsing(state.session)
        if anew:
            browsing.index_anew()
        batches = 0
        while browsing.index_some(AT_ONCE):
            batches += 1
            if batches % _SHOWN_EVERY == 0:
                click.echo(wording.indexed(*browsing.index_state()))
        click.echo(wording.indexed(*browsing.index_state()))


if __name__ == "__main__":
    main()
