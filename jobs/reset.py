"""Begins the work on the recordings of a period anew: their texts are bought again by the next run.

    python -m jobs.reset --from 2025-08-01 --to 2025-08-31                       says what would change and cost
    python -m jobs.reset --from 2025-08-01 --to 2025-08-31 --yes=true --reason "wrong model"
    python -m jobs.reset --from ... --to ... --line +74951234567                 of one phone line
    python -m jobs.reset --from ... --to ... --call-id ID                        of one call

Exit status: 0 done or shown, 1 not done, 2 refused: nothing was changed.
"""

import getpass
import os
from datetime import UTC, datetime

import click
from psycopg.conninfo import make_conninfo

from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.steps.reset_period import PlannedReset, Wanted, plan_reset, reset_period
from include.calls.wording import command_line
from include.calls.wording import reset as wording
from include.common.errors import BadInput
from include.common.periods import Period, resolve_period
from jobs.call_export import state_conninfo
from jobs.command import Command
from jobs.run_options import FLAG

MOST_REASON = 500


@click.command(cls=Command, help=wording.HELP)
@click.option("--from", "first", required=True, metavar=command_line.TEXT, help=wording.FROM_HELP)
@click.option("--to", "last", required=True, metavar=command_line.TEXT, help=wording.TO_HELP)
@click.option("--line", metavar=command_line.TEXT, help=wording.LINE_HELP)
@click.option("--call-id", metavar=command_line.TEXT, help=wording.CALL_HELP)
@click.option("--reason", metavar=command_line.TEXT, help=wording.REASON_HELP)
@click.option("--by", metavar=command_line.TEXT, help=wording.BY_HELP)
@click.option("--yes", help=wording.YES_HELP, **FLAG)
def main(
    *, first: str, last: str, line: str | None, call_id: str | None, reason: str | None, by: str | None, yes: bool
) -> None:
    policy, period = load_policy(os.environ), _period(first, last)
    wanted = Wanted(period, line=line, call_id=call_id)
    days = f"FROM={period.start:%Y-%m-%d} TO={period.end:%Y-%m-%d}"
    with State.open(make_conninfo(**state_conninfo())) as state:
        if not yes:
            _show(plan_reset(wanted, state, policy))
            click.echo(wording.only_shown(days, line, call_id))
            return
        who = (by or "").strip() or getpass.getuser()
        done = reset_period(wanted, state, policy, actor=who, reason=_reason(reason))
    _show(done)
    if done.reset.recordings:
        click.echo(wording.done(done.reset.recordings, days))


def _period(first: str, last: str) -> Period:
    return resolve_period(first, last, run_after=datetime.now(UTC), allow_long=True, default_days=1, max_days=1)


def _reason(text: str | None) -> str:
    reason = (text or "").strip()
    if not 0 < len(reason) <= MOST_REASON:
        raise BadInput(f"a reset needs a reason of 1 to {MOST_REASON} characters", problem="reset_reason")
    return reason


def _show(planned: PlannedReset) -> None:
    reset, spending = planned.reset, planned.spending
    if reset.recordings:
        click.echo(wording.planned(reset, spending.forecast))
        if reset.texts:
            click.echo(wording.texts_stay(reset.texts, reset.summaries))
        if spending.needs_approval:
            click.echo(wording.above_budget(spending.ceiling))
    else:
        click.echo(wording.NOTHING)
    if planned.left_alone:
        click.echo("\n".join([wording.LEFT_ALONE, *map(wording.left_alone, planned.left_alone)]))


if __name__ == "__main__":
    main()
