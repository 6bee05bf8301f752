"""Copies the texts, summaries and audio of a period that is known already into its folder, for the customer to take.

    python -m jobs.deliver --from 2025-08-01 --to 2025-08-31                 texts and summaries
    python -m jobs.deliver --from 2025-08-01 --to 2025-08-31 --audio=true    audio as well
    python -m jobs.deliver --from 2025-08-01 --to 2025-08-31 --mask=true     without personal data

Text files that the storage has lost are written again from the database. Nothing is paid and no portal is asked.
Exit status: 0 done, 1 not done, 2 refused: nothing was delivered.
"""

import getpass
import os
from datetime import UTC, datetime

import click
from psycopg.conninfo import make_conninfo

from include.calls.domain.storage_keys import part_of
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.deliver_period import deliver_period
from include.calls.wording import command_line
from include.common.periods import resolve_period
from jobs.call_export import state_conninfo
from jobs.command import Command
from jobs.run_options import FLAG
from jobs.storage import storage_from_environment


@click.command(cls=Command, help=command_line.DELIVER_HELP)
@click.option("--from", "period_from", metavar=command_line.TEXT, help=command_line.FROM_HELP)
@click.option("--to", "period_to", metavar=command_line.TEXT, help=command_line.TO_HELP)
@click.option("--audio", help=command_line.AUDIO_HELP, **FLAG)
@click.option("--mask", help=command_line.MASK_HELP, **FLAG | {"default": None})
def main(*, period_from: str | None, period_to: str | None, audio: bool, mask: bool | None) -> None:
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
            period, part, state, storage_from_environment(), policy, audio=audio, mask=mask, actor=getpass.getuser()
        )
    click.echo(command_line.delivered(done.texts, done.audio, period.folder))


if __name__ == "__main__":
    main()
