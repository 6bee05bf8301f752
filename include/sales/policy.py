"""Reads and checks `policy.yaml` and `cities.yaml` of sales. What each field means is said there."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import AfterValidator, BeforeValidator, Field

from include.common.policy_file import Count, Positive, Section, Share, Switch, as_list, load_policy_file
from include.sales.domain.cities import Cities
from include.sales.wording.settings import ACCEPTED_VALUES

POLICY_FILE = Path(__file__).with_name("policy.yaml")
CITIES_FILE = Path(__file__).with_name("cities.yaml")

# environment variable -> section and field of the policy
ENVIRONMENT: dict[str, tuple[str, str]] = {
    "SALES_TIMEZONE": ("time", "zone"),
    "QTICKETS_DAYS_BACK": ("qtickets", "days_back"),
    "QTICKETS_RPS": ("qtickets", "rps"),
    "QTICKETS_INVENTORY": ("qtickets", "inventory"),
    "VK_DAYS_BACK": ("vk_ads", "days_back"),
    "DIRECT_DAYS_BACK": ("direct", "days_back"),
    "GMAIL_DAYS_BACK": ("gmail", "days_back"),
    "GMAIL_QUERY": ("gmail", "query"),
    "GMAIL_SENDERS": ("gmail", "senders"),
    "FULL_RETENTION_DAYS": ("backups", "full_days"),
    "INCR_RETENTION_DAYS": ("backups", "incremental_days"),
}


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError
    return value


_DOMAIN = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]


class TimePolicy(Section):
    zone: Annotated[str, AfterValidator(_zone), Field(description="a time zone such as Europe/Moscow")]


class QticketsPolicy(Section):
    days_back: Count
    overlap_minutes: Count
    first_hours: Count
    open_days: Count
    inventory: Switch
    rps: Positive
    timeout_seconds: Positive


class VkAdsPolicy(Section):
    days_back: Count
    rps: Positive
    timeout_seconds: Positive
    ready_token_hours: Count
    ids_per_request: Count
    days_per_request: Count
    spent_includes_vat: Switch


class DirectPolicy(Section):
    days_back: Count
    rps: Positive
    timeout_seconds: Positive
    report_wait_minutes: Count
    settles_days: Count
    token_days: Count


class GmailPolicy(Section):
    days_back: Count
    query: Annotated[str, Field(min_length=1, description="a search of Gmail")]
    senders: Annotated[
        tuple[_DOMAIN, ...], BeforeValidator(as_list), Field(description="domain names, separated by commas")
    ]
    rps: Positive
    timeout_seconds: Positive
    message_bytes: Annotated[int, Field(ge=1, description="a whole number above zero")]
    rows: Count
    totals: Annotated[Literal["cumulative", "daily"], Field(description="cumulative or daily")]
    date: Annotated[Literal["event", "sale"], Field(description="event or sale")]


class LoadingPolicy(Section):
    shrink_share: Share
    shrink_keys: Count
    mismatch_share: Share


class BackupsPolicy(Section):
    full_hour: Annotated[int, Field(ge=0, le=23, description="an hour from 0 to 23")]
    full_days: Count
    incremental_days: Count
    stale_hours: Count


class AlertsPolicy(Section):
    token_warning_days: Count
    quota_low_share: Share


class ChecksPolicy(Section):
    """A field is the parameter of the same name in the checks' queries."""

    gap_days: Count
    recent_days: Count
    account_days: Count
    odd_rows: Count
    usual_days: Count
    usual_tickets: Count
    fewer_share: Share


class KeepingPolicy(Section):
    loads_days: Count
    events_days: Count
    runs_days: Count
    alerts_days: Count


class MoneyPolicy(Section):
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="a currency code such as RUB")]


class SalesPolicy(Section):
    """All of `policy.yaml`."""

    time: TimePolicy
    qtickets: QticketsPolicy
    vk_ads: VkAdsPolicy
    direct: DirectPolicy
    gmail: GmailPolicy
    loading: LoadingPolicy
    backups: BackupsPolicy
    alerts: AlertsPolicy
    checks: ChecksPolicy
    keeping: KeepingPolicy
    money: MoneyPolicy

    @property
    def zone(self) -> ZoneInfo:
        """The calendar of business days."""
        return ZoneInfo(self.time.zone)


def load_sales_policy(overrides: Mapping[str, str], file: Path = POLICY_FILE) -> SalesPolicy:
    """Raises NotConfigured that names the variable, or the field of the file, and what is accepted."""
    return load_policy_file(SalesPolicy, file, ENVIRONMENT, overrides, ACCEPTED_VALUES)


@cache
def load_cities(file: Path = CITIES_FILE) -> Cities:
    """The cities of `cities.yaml`: reviewed with the code, so no check beyond its form."""
    tree = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return Cities.of(tree["cities"], tree["qtickets"])
