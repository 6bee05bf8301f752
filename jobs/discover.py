"""What the portal has: lines, calls a day, share with recordings, minutes, and what a month would cost.

    python -m jobs.discover                                     the last 30 days
    python -m jobs.discover --from 2025-08-01 --to 2025-08-31

Reads the call statistics in some ten requests at most, before the first start as well; stores and buys nothing.
Exit status: 0 done, 1 not done, 2 refused.
"""

import os
from datetime import UTC, datetime

import click
from psycopg.conninfo import make_conninfo

from include.calls.names import STATE_CONN
from include.calls.policy import load_policy
from include.calls.reporting.survey_text import MONTH_DAYS, survey_text
from include.calls.steps.spending import rate_per_minute
from include.calls.steps.survey_portal import survey_portal
from include.calls.wording import command_line
from include.calls.wording import survey as wording
from include.common.periods import resolve_period
from jobs.airflow_api import has_connection
from jobs.call_export import state_conninfo
from jobs.command import Command
from jobs.portal import telephony_from_environment


@click.command(cls=Command, help=wording.HELP)
@click.option("--from", "period_from", metavar=command_line.TEXT, help=wording.FROM_HELP)
@click.option("--to", "period_to", metavar=command_line.TEXT, help=wording.TO_HELP)
def main(*, period_from: str | None, period_to: str | None) -> None:
    policy = load_policy(os.environ)
    period = resolve_period(
        period_from,
        period_to,
        run_after=datetime.now(UTC),
        allow_long=True,
        default_days=MONTH_DAYS,
        max_days=policy.period.max_days,
    )
    conninfo = make_conninfo(**state_conninfo()) if has_connection(STATE_CONN) else None
    with telephony_from_environment(policy.portal, conninfo) as telephony:
        survey = survey_portal(telephony, period)
    click.echo(survey_text(survey, policy, rate_per_minute(policy.stt)))


if __name__ == "__main__":
    main()
