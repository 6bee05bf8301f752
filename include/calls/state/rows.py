"""What the state takes and gives. Times are UTC; paths are keys relative to the storage's root."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from include.calls.domain.states import RecordStatus, RunStatus


@dataclass(frozen=True, slots=True)
class NewRun:
    run_id: UUID
    dag_run_id: str
    idempotency_key: str
    period_from: datetime
    period_to: datetime
    actor: str
    trigger: str
    dry_run: bool = False
    generate_summary: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A row of `call_exports`; the sums are as of the last `finish_run`.

    `created` says whether the very call that returned this row made it.
    """

    run_id: UUID
    dag_run_id: str
    idempotency_key: str
    period_from: datetime
    period_to: datetime
    status: RunStatus
    actor: str
    trigger: str
    dry_run: bool
    generate_summary: bool
    started_at: datetime | None
    finished_at: datetime | None
    total_calls: int
    completed_calls: int
    error_calls: int
    total_minutes: Decimal
    total_cost: Decimal
    spent_cost: Decimal
    forecast_cost: Decimal | None
    currency_code: str
    metadata: dict[str, Any]
    created: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", RunStatus(self.status))


class RunColumns(TypedDict, total=False):
    """What a move of a run may set besides its status."""

    forecast_cost: Decimal
    generate_summary: bool


class RecordKey(NamedTuple):
    """A recording inside its run."""

    call_id: str
    record_id: str


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A row of `call_records` as the steps need it; `several` says that its call has more than one recording."""

    run_id: UUID
    call_id: str
    record_id: str
    statistics_id: int
    status: RecordStatus
    direction: str
    from_number: str
    to_number: str
    employee_id: str | None
    employee_name: str | None
    call_started_at: datetime
    duration_sec: int
    audio_sec: Decimal | None
    recording_url: str | None
    raw_path: str | None
    checksum: str | None
    transcript_path: str | None
    summary_path: str | None
    language: str | None
    attempts: int
    stage_attempts: int
    error_code: str | None
    portal_number: str
    portal_offset_sec: int
    file_id: int | None
    batch_no: int | None
    reused_from_run_id: UUID | None
    several: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", RecordStatus(self.status))

    @property
    def key(self) -> RecordKey:
        return RecordKey(self.call_id, self.record_id)


class RecordColumns(TypedDict, total=False):
    """What a move of a record may set besides its status and error."""

    audio_sec: Decimal | float
    recording_url: str | None
    raw_path: str | None
    checksum: str | None
    transcript_path: str
    summary_path: str | None
    text_preview: str
    tags: list[str]
    language: str | None
    roles: str
    source: str
    model: str
    cost: Decimal | None
    currency_code: str
    needs_review: bool
    review_reasons: list[str]
    words_per_minute: Decimal | None
    confidence: Decimal | None
    stage_attempts: int


class Payment(NamedTuple):
    """For what was bought for a recording before its text or summary is there; `price` in USD."""

    run_id: UUID
    key: RecordKey
    price: Decimal


class OwnCopies(NamedTuple):
    """Where a completed record's own files are."""

    key: RecordKey
    transcript_path: str
    summary_path: str | None


class Saved(NamedTuple):
    """`new` rows and `changed` ones; `shared` are statistics rows that name a recording we have."""

    new: int
    changed: int
    shared: int


@dataclass(frozen=True, slots=True)
class BatchFacts:
    records: int
    minutes: Decimal


@dataclass(frozen=True, slots=True)
class ToBuy:
    """What a forecast is made of: recordings without a text, their minutes (each rounded up once), audio to fetch."""

    recordings: int
    minutes: int
    downloads: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row of `call_export_dlq`; `replayed_at` is None while it waits."""

    run_id: UUID
    call_id: str
    record_id: str
    stage: str
    error_code: str | None
    error_message: str | None
    first_failed_at: datetime
    moved_at: datetime
    replayed_at: datetime | None
