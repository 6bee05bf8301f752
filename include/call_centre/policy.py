"""Reads and checks `policy.yaml` of the call centre. What each field means is said there."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from include.call_centre.domain.agreement import Bars
from include.call_centre.wording.settings import ACCEPTED_VALUES
from include.common.budget import Budget
from include.common.policy_file import Count, Money, Section, Share, Switch, as_list, load_policy_file

POLICY_FILE = Path(__file__).with_name("policy.yaml")

# environment variable -> section and field of the policy
ENVIRONMENT: dict[str, tuple[str, str]] = {
    "QUALITY_ENABLED": ("quality", "enabled"),
    "QUALITY_CARDS": ("quality", "cards"),
    "QUALITY_SHARE": ("quality", "share"),
    "QUALITY_SCORE_THRESHOLD": ("quality", "review_below"),
    "LLM_CONCURRENCY": ("batches", "lines"),
    "QUALITY_BUDGET_USD": ("money", "budget_usd"),
    "CALLCENTER_TIMEZONE": ("time", "zone"),
}


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError
    return value


_CARD = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class QualityPolicy(Section):
    enabled: Switch
    cards: Annotated[
        tuple[_CARD, ...],
        BeforeValidator(as_list),
        Field(min_length=1, description="names of cards, separated by commas"),
    ]
    share: Annotated[float, Field(gt=0, le=1, description="a share above 0, up to 1")]
    since_days: Count
    review_below: Share
    disputes_days: Count


class ScoreBatchPolicy(Section):
    lines: Annotated[int, Field(ge=1, le=64, description="a whole number from 1 to 64")]
    most: Annotated[int, Field(ge=1, le=500, description="a whole number from 1 to 500")]
    least_texts: Count


class ScoreMoneyPolicy(Section):
    budget_usd: Money
    over_share: Share
    reserve_share: Share
    approval_hours: Count

    @property
    def budget(self) -> Budget:
        return Budget(self.budget_usd, Decimal(str(self.over_share)), Decimal(str(self.reserve_share)))


class CalibrationPolicy(Section):
    kappa: Share
    ac1: Share
    recall: Share
    double_share: Share

    @property
    def bars(self) -> Bars:
        return Bars(self.kappa, self.ac1, self.recall)


class PeoplePolicy(Section):
    least_scores: Count


class LocalTimePolicy(Section):
    zone: Annotated[str, AfterValidator(_zone), Field(description="a time zone such as Europe/Kyiv")]


class ScoreRetentionPolicy(Section):
    scores: Count


class CallCentrePolicy(Section):
    """All of `policy.yaml`."""

    quality: QualityPolicy
    batches: ScoreBatchPolicy
    money: ScoreMoneyPolicy
    calibration: CalibrationPolicy
    people: PeoplePolicy
    time: LocalTimePolicy
    retention_days: ScoreRetentionPolicy

    @property
    def zone(self) -> ZoneInfo:
        """The calendar of days."""
        return ZoneInfo(self.time.zone)


def load_call_centre_policy(overrides: Mapping[str, str], file: Path = POLICY_FILE) -> CallCentrePolicy:
    """Raises NotConfigured that names the variable, or the field of the file, and what is accepted."""
    return load_policy_file(CallCentrePolicy, file, ENVIRONMENT, overrides, ACCEPTED_VALUES)
