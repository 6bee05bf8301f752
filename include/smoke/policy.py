"""Reads and checks `policy.yaml` of the smoke test. What each field means is said there."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field

from include.common.policy_file import Count, Money, Section, Share, load_policy_file
from include.smoke.wording.settings import ACCEPTED_VALUES

POLICY_FILE = Path(__file__).with_name("policy.yaml")

# environment variable -> section and field of the policy
ENVIRONMENT: dict[str, tuple[str, str]] = {
    "STT_SMOKE_PLAYLIST_PATH": ("playlist", "path"),
    "STT_SMOKE_BUDGET_USD": ("money", "budget_usd"),
}


class PlaylistPolicy(Section):
    path: Annotated[str, Field(min_length=1, description="a path of a playlist")]


class MoneyPolicy(Section):
    budget_usd: Money


class EnginePolicy(Section):
    """One more engine; an empty value is the product's own."""

    model: Annotated[str, Field(pattern=r"^\S+$")]
    fallback_model: Annotated[str, Field(pattern=r"^\S*$")] = ""
    connection: Annotated[str, Field(pattern=r"^[a-z0-9_]*$")] = ""
    rate_per_min_usd: Annotated[Decimal, Field(ge=0, max_digits=14)] | None = None


class BatchPolicy(Section):
    entries: Count


class AlertPolicy(Section):
    worse_by: Share


class SmokePolicy(Section):
    """All of `policy.yaml`."""

    playlist: PlaylistPolicy
    money: MoneyPolicy
    engines: Annotated[dict[str, EnginePolicy], Field(default_factory=dict)]
    batches: BatchPolicy
    alert: AlertPolicy


def load_smoke_policy(overrides: Mapping[str, str], file: Path = POLICY_FILE) -> SmokePolicy:
    """Raises NotConfigured that names the variable, or the field of the file, and what is accepted."""
    return load_policy_file(SmokePolicy, file, ENVIRONMENT, overrides, ACCEPTED_VALUES)
