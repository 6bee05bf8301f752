"""A score as a row of a table."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ExportedScore:
    """`score` has the answers of people in their place, `judged_score` is the judge's."""

    call_id: str
    record_id: str
    started_at: datetime
    employee_id: str | None
    employee_name: str | None
    card: str
    card_version: int
    status: str
    score: Decimal | None
    judged_score: Decimal | None
    coverage: Decimal | None
    passed: bool | None
    calibration: str
    needs_review: bool
    review_reasons: list[str]
    open_disputes: int
    error_code: str | None
    provider: str
    model: str
    cost: Decimal
    answers: dict[str, str] | None
