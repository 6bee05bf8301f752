"""Copies the texts, summaries and audio of a period that is known already into its folder, for the customer to take.

    python -m jobs.deliver --from 2025-08-01 --to 2025-08-31                 texts and summaries
    python -m jobs.deliver --from 2025-08-01 --to 2025-08-31 --audio=true    audio as well

Text files that the storage has lost are written again from the database. Nothing is paid and no portal is asked.
Exit status: 0 done, 1 not done, 2 refused: nothing was delivered.
"""

import getpass
import os
import sys
from datetime import UTC, datetime

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.storage_keys import part_of
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.deliver_period import deliver_period
from include.calls.wording import command_line
from include.common.errors import BadInput, ExportError
from include.common.periods import resolve_period
from jobs.call_export import state_conninfo
from jobs.run_options import FLAG
from jobs.storage import storage_from_environment


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--from", "period_from", help="Day or instant, ISO 8601, or today-60d.  [default: today-60d]")
@click.option("--to", "period_to", help="Day or instant, the last day inclusive.  [default: now]")
@click.option("--audio", help="The audio as well.", **FLAG)
def main(*, period_from: str | None, period_to: str | None, audio: bool) -> None:
    """Deliver the files of a period into its folder."""
    try:
        policy = load_policy(os.environ)
        period = resolve_period(
            period_from,
            period_to,
            run_after=datetime.now(UTC),
            allow_long=True,
            default_days=policy.period.default_days,
            max_days=policy.period.max_days,
        )
        part = part_of(period, end_given=bool((period_to or "").strip()), trial=False)
        with State.open(make_conninfo(**state_conninfo())) as state:
            done = deliver_period(
                period, part, state, storage_from_environment(), policy, audio=audio, actor=getpass.getuser()
            )
        click.echo(command_line.delivered(done.texts, done.audio, period.folder))
    except BadInput as error:
        click.echo(command_line.refused(error), err=True)
        sys.exit(2)
    except ExportError as error:
        click.echo(command_line.failed(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
