"""What the page of metrics is made of, besides rows of the state."""

from dataclasses import dataclass
from typing import Any

LATENCY_BOUNDS = (250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000)  # milliseconds
BREAKER = {"closed": 0, "open": 1, "half_open": 2, "exhausted": 3, "misconfigured": 3}


@dataclass(frozen=True, slots=True)
class ProviderNow:
    """`up`: could be asked now. `left_usd` of its own daily budget, None without one."""

    name: str
    state: str
    up: bool
    left_usd: float | None


@dataclass(frozen=True, slots=True)
class AgreementNow:
    """Of one judge with people on one criterion."""

    card: str
    criterion: str
    provider: str
    model: str
    kappa: float | None
    passed: bool


@dataclass(frozen=True, slots=True)
class QualityNow:
    backlog: int
    oldest_run_seconds: float
    disputes_open: int
    usd: float
    to_review: int
    uncalibrated_share: float
    calibrated_judges: int


@dataclass(frozen=True, slots=True)
class QualityFigures:
    """Rows as their statements name them."""

    now: QualityNow
    requests: list[tuple[Any, ...]]
    errors: list[tuple[Any, ...]]
    fallbacks: list[tuple[Any, ...]]
    latencies: list[tuple[Any, ...]]
    scores: list[tuple[Any, ...]]
    points: list[tuple[Any, ...]]
