"""What the state takes and gives. Times are UTC; paths are keys relative to the storage's root; money is USD."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.domain.storage_keys import RecordingKeys, file_name_of
from include.common.errors import NotConfigured
from include.common.periods import Period

# ---------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True)
class NewRun:
    """`due_at` is the run's own time (`run_after` in Airflow): its date is the night of the run."""

    run_id: UUID
    dag_run_id: str
    idempotency_key: str
    period_from: datetime
    period_to: datetime
    actor: str
    trigger: str
    due_at: datetime
    dry_run: bool = False
    generate_summary: bool = False
    deliver_texts: bool = False
    deliver_audio: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Scope(NamedTuple):
    """The recordings that a run reports; also what a registry or a delivery covers.

    `last_statistics_id` is the last row that a trial listed, None for the whole period.
    """

    portal_id: int
    period_from: datetime
    period_to: datetime
    last_statistics_id: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A row of `call_exports`; the sums are those of the last `sum_up`.

    `created` is true if the call that returned this row has created it.
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
    due_at: datetime
    portal_id: int | None
    last_statistics_id: int | None
    approved_cost: Decimal | None
    deliver_texts: bool
    deliver_audio: bool
    verdict: str | None
    failed_step: str | None
    created: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", RunStatus(self.status))

    @property
    def period(self) -> Period:
        return Period(self.period_from, self.period_to)

    @property
    def worked_by(self) -> str:
        """The DAG run that works on the run or worked on it last: that which resumed it, else that which opened it."""
        return str(self.metadata.get("worked_by") or self.dag_run_id)

    @property
    def stop(self) -> str | None:
        """The operator's sentence why the run was stopped; None if it was not."""
        return self.metadata.get("stop")

    @property
    def part(self) -> str:
        """The end of its files' names if it covers a part of the folder's calls; see `storage_keys.part_of`."""
        return str(self.metadata.get("part", ""))

    @property
    def night(self) -> date:
        """The UTC date on which the run was due."""
        return self.due_at.date()

    @property
    def scope(self) -> Scope:
        """Raises NotConfigured before the run has listed the calls: until then it reports nothing."""
        if self.portal_id is None:
            raise NotConfigured(f"run {self.run_id} has not listed the calls yet", problem="run_not_listed")
        return Scope(self.portal_id, self.period_from, self.period_to, self.last_statistics_id)


class RunColumns(TypedDict, total=False):
    """Columns that a move of a run may set besides its status."""

    forecast_cost: Decimal
    generate_summary: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run's period has come; `reused` texts were bought by earlier runs."""

    recordings: int
    completed: int
    reused: int
    missing: int
    errors: int
    minutes: Decimal
    spent: Decimal


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The same for the line that `make export` shows: `done` recordings need no more work in this run.

    `asked_cost` (USD) is what a person is asked to approve at this moment.
    """

    run_id: str
    status: str
    phase: str | None
    asked_cost: str | None
    recordings: int
    done: int
    errors: int
    minutes: float
    spent: float


# ---------------------------------------------------------------- recordings


class RecordKey(NamedTuple):
    """A recording within its portal."""

    call_id: str
    record_id: str


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A recording as the steps need it.

    `file_name` is the name of all its files without folder and extension, None before the first download. `several`:
    its call has another recording. `holder` is the run that works on it at this moment. `deaths` counts tasks that
    died on it since it last passed a stage or a person took it up.
    """

    recording_id: int
    portal_id: int
    statistics_id: int
    call_id: str
    record_id: str
    status: RecordStatus
    direction: str
    from_number: str
    to_number: str
    employee_id: str | None
    employee_name: str | None
    call_started_at: datetime
    utc_offset_sec: int
    duration_sec: int
    audio_sec: Decimal | None
    phone_line: str
    recording_ref: str | None
    file_name: str | None
    raw_path: str | None
    checksum: str | None
    transcript_id: int | None
    transcript_path: str | None
    summary_path: str | None
    purchase_no: int
    attempts: int
    stage_attempts: int
    deaths: int
    error_code: str | None
    missing_since: date | None
    holder: UUID | None
    several: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", RecordStatus(self.status))

    @property
    def key(self) -> RecordKey:
        return RecordKey(self.call_id, self.record_id)

    @property
    def keys(self) -> RecordingKeys:
        """The storage keys of its files; before the first download, those that its files will get."""
        name = self.file_name or file_name_of(
            self.call_id, self.record_id, several=self.several, portal_id=self.portal_id
        )
        return RecordingKeys.of(name, self.call_started_at, self.raw_path, self.transcript_path)


class RecordingColumns(TypedDict, total=False):
    """Columns that a move of a recording may set besides its status and error."""

    file_name: str
    raw_path: str | None
    checksum: str | None
    audio_sec: Decimal
    transcript_id: int
    transcript_path: str
    summary_path: str | None
    tags: list[str]
    needs_review: bool
    review_reasons: list[str]
    text_at: datetime
    stage_attempts: int
    missing_since: date | None
    look_again_on: date | None


class Saved(NamedTuple):
    """Counts of a listing: `new` rows, `changed` ones, and `shared` rows that name a recording of another row.

    `erased` calls were erased on a person's demand: the system lists them still, and nothing of them is stored.
    """

    new: int
    changed: int
    shared: int
    erased: int = 0


# ---------------------------------------------------------------- work


class Unplanned(NamedTuple):
    """A recording that has no batch yet, and its minutes."""

    recording_id: int
    call_id: str
    minutes: Decimal


@dataclass(frozen=True, slots=True)
class BatchFacts:
    records: int
    minutes: Decimal


@dataclass(frozen=True, slots=True)
class ToBuy:
    """The basis of a forecast: recordings without a text, their minutes (each rounded up), audio to download.

    `portal_minutes` are the telephony system's own, not rounded.
    """

    recordings: int
    minutes: int
    downloads: int
    portal_minutes: Decimal


@dataclass(frozen=True, slots=True)
class InProgress:
    """A task that works on a recording at this moment; `process` is its host and process number."""

    recording_id: int
    run_id: UUID
    stage: str
    process: str
    since: datetime


# ---------------------------------------------------------------- texts and money


@dataclass(frozen=True, slots=True)
class NewText:
    """A text to store. `preview` is the first 1,024 UTF-8 bytes of the spoken words.

    `role_signs`: how many signs decided on the roles of the speakers of a diarizing model.
    """

    sha256: str
    body: str
    preview: str
    language: str | None
    roles: str
    source: str
    model: str
    words_per_minute: Decimal | None = None
    confidence: Decimal | None = None
    role_signs: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A row of `transcripts`; `run_id` is the run that bought it or took the portal's."""

    transcript_id: int
    recording_id: int
    sha256: str
    body: str
    preview: str
    language: str | None
    roles: str
    source: str
    model: str
    words_per_minute: Decimal | None
    confidence: Decimal | None
    role_signs: int | None
    purchase_no: int
    run_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """One payment. `confirmed`: the service itself reported the quantity."""

    purpose: str
    model: str
    unit: str
    quantity: Decimal
    usd: Decimal
    confirmed: bool


class SummaryFailures(NamedTuple):
    """`final`: no further attempt until a person starts the batch again. `deaths` of tasks are not among `times`."""

    times: int
    final: bool
    deaths: int


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
