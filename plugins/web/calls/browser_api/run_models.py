"""What the endpoints of runs, samples, the audit log and the settings give."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from include.calls.domain.audit_chain import Action
from plugins.web.calls.browser_api.models import MOST_ROWS, CallRow, Facet, IndexState


class RunRow(BaseModel):
    """One run; sums are those of its last report, coverage is `completed` of `existing`.

    `worked_by` is the DAG run that worked on it last.
    """

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
    existing: int
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


What = Literal["report", "registry"]


class RunFile(BaseModel):
    """A file of the run's period that the reader may take."""

    what: What
    written_at: datetime


class RunCounts(RunRow):
    """With what the recordings of its period are now."""

    statuses: Facet = []
    error_codes: Facet = []
    flags: Facet = []
    verdicts: Facet = []
    files: list[RunFile] = []
    grafana_url: str | None = None


class DayShown(BaseModel):
    """A day of the report's time zone: calls with a text, and why the others have none; `minutes` have a text."""

    day: date
    completed: int
    errors: int
    missing: int
    waiting: int
    no_recording: int
    minutes: Decimal


class RunTimes(BaseModel):
    """What a run forecast and spent, and how many seconds each of its stages took."""

    run_id: UUID
    at: datetime
    forecast_usd: Decimal | None
    approved_usd: Decimal | None
    spent_usd: Decimal
    seconds: dict[str, float]


class Series(BaseModel):
    """What the charts of the runs' page draw, the oldest first; days without calls are left out."""

    days: list[DayShown]
    runs: list[RunTimes]


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


class AuditAsked(BaseModel):
    """`since` and `before` are days (UTC, both inclusive) or moments with an offset; `cursor` of the page before."""

    model_config = ConfigDict(extra="forbid")

    actor: Annotated[str | None, StringConstraints(min_length=1, max_length=250)] = None
    action: Action | None = None
    call: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None
    since: date | datetime | None = None
    before: date | datetime | None = None
    cursor: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50


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
