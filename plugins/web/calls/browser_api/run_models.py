"""What the endpoints of runs, samples, the audit log and the settings give."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from plugins.web.calls.browser_api.models import CallRow, Facet, IndexState


class RunRow(BaseModel):
    """One run; sums are those of its last report. `worked_by` is the DAG run that worked on it last."""

    run_id: UUID
    dag_run_id: str
    worked_by: str
    period_from: datetime
    period_to: datetime
    status: str
    actor: str
    trigger: str
    dry_run: bool
    started_at: datetime | None
    finished_at: datetime | None
    recordings: int
    completed: int
    errors: int
    minutes: Decimal
    spent_usd: Decimal
    forecast_usd: Decimal | None
    approved_usd: Decimal | None
    verdict: str | None


class RunsPage(BaseModel):
    items: list[RunRow]
    cursor: str | None


class RunCounts(RunRow):
    """With what the recordings of its period are now."""

    statuses: Facet = []
    error_codes: Facet = []
    flags: Facet = []
    verdicts: Facet = []


class SampledCall(CallRow):
    """A call of the sample with what was found in it; `by` is None before an analyst has listened."""

    result: Literal["ok", "issue"] | None
    by: str | None


class QaQueue(BaseModel):
    """The sample of a run, in its fixed order. `next` is the first call without a verdict."""

    run_id: UUID
    items: list[SampledCall]
    checked: int
    issues: int
    next: int | None


class AuditRow(BaseModel):
    """`text` says the action in the reader's language of operators, `call` is the id of a call page."""

    entry_no: int
    at: datetime
    action: str
    text: str
    actor: str
    call: int | None
    run_id: UUID | None
    reason: str
    detail: dict[str, Any]


class AuditPage(BaseModel):
    items: list[AuditRow]
    cursor: int | None


class SettingsShown(BaseModel):
    """The reviewed policy and which connections are set; no secret, and no address."""

    version: str
    policy: dict[str, Any]
    connections: dict[str, bool]
    index: IndexState
