"""Before a new system spends by itself: the forecast of its first night, and a person's word.

The schedule of a system that has never exported anything is held by a file that `include/calls/schedule.py` looks for.
Exports by hand are not held: each has a forecast and a budget of its own. A portal on this very machine is a simulated
one and is not asked about.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import psycopg
from rich.console import Console

from include.calls.policy import Policy
from include.calls.reporting.survey_text import first_night_text
from include.calls.steps.spending import budget_of, rate_per_minute
from include.calls.steps.survey_portal import survey_portal
from include.clients.bitrix24.telephony import PortalSettings, open_telephony
from include.clients.bitrix24.webhook import Webhook
from include.common.budget import PlannedSpending, Spending
from include.common.errors import ExportError
from include.common.periods import resolve_period
from include.common.wording.problems import sentence
from ops.settings.authorities import authorities
from ops.settings.databases import Databases
from ops.settings.env_file import Settings
from ops.settings.profile import Runtime
from ops.settings.transport import is_local
from ops.wording import launcher as wording
from ops.wording import problems


def hold_new_schedule(settings: Settings, runtime: Runtime, databases: Databases) -> None:
    """Called before the first process starts: a schedule that was let go, or has exported already, is not held."""
    if not is_local(_portal_host(settings)) and not runtime.schedule_allowed.exists() and _is_new(databases):
        runtime.schedule_held.touch()


def ask_about_first_night(
    settings: Settings,
    runtime: Runtime,
    databases: Databases,
    console: Console,
    *,
    allowed: bool = False,
    ask: Callable[[], str] | None = None,
) -> None:
    """Shows the forecast and lets the schedule go if a person says so; `allowed`: a person has said so already.

    Without a terminal the schedule stays held. A portal that does not answer fails nothing here.
    """
    if not runtime.schedule_held.exists():
        return
    try:
        console.print(_forecast(settings, runtime, databases), markup=False, highlight=False, soft_wrap=True)
    except ExportError as error:
        console.print(
            wording.NO_FORECAST.format(reason=sentence(error, problems.PROBLEMS)), markup=False, soft_wrap=True
        )
    cron = settings.policy.schedule.cron
    if allowed or _person_agrees(console, cron, ask):
        runtime.schedule_allowed.touch()
        runtime.schedule_held.unlink(missing_ok=True)
        console.print(wording.SCHEDULE_ALLOWED.format(cron=cron), markup=False, highlight=False)
    else:
        console.print(wording.SCHEDULE_HELD, markup=False, highlight=False, soft_wrap=True)


def _person_agrees(console: Console, cron: str, ask: Callable[[], str] | None) -> bool:
    if ask is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    console.print(wording.MAY_SCHEDULE_SPEND.format(cron=cron), markup=False, highlight=False, end=" ")
    return (ask or input)().strip().lower() in wording.YES


def _forecast(settings: Settings, runtime: Runtime, databases: Databases) -> str:
    os.environ.update(authorities(settings, runtime))  # for the client of this very process
    policy = settings.policy
    webhook = Webhook.of(
        settings.b24_base_url, settings.b24_webhook_user_id, settings.b24_webhook_token.get_secret_value()
    )
    portal = PortalSettings.of(policy.portal, ca_bundle=os.environ.get("REQUESTS_CA_BUNDLE"))
    period = resolve_period(
        None,
        None,
        run_after=datetime.now(UTC),
        allow_long=True,
        default_days=policy.period.default_days,
        max_days=policy.period.max_days,
    )
    with open_telephony(webhook, databases.state_url, portal) as telephony:
        survey = survey_portal(telephony, period)
    return first_night_text(survey, policy, _planned(survey.cost(rate_per_minute(policy.stt)), policy))


def _planned(forecast: Decimal, policy: Policy) -> PlannedSpending:
    return PlannedSpending(forecast, Spending(Decimal(0), Decimal(0), approved=None), budget_of(policy.money))


def _portal_host(settings: Settings) -> str:
    return urlsplit(settings.b24_base_url).hostname or ""


def _is_new(databases: Databases) -> bool:
    """No run was ever opened."""
    with psycopg.connect(databases.state_url, connect_timeout=10) as connection:
        found: tuple[Any, ...] | None = connection.execute("SELECT EXISTS (SELECT FROM call_exports)").fetchone()
    return found is not None and not found[0]
