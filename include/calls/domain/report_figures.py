"""The figures of a run as the database gives them. The report, the estimate and the log put them into words.

Instants are UTC, money is in the run's currency, days are those of the report's time zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID

from include.calls.domain.run_bars import NOTHING_TRIED, Bars, Tried
from include.calls.domain.states import RecordStatus
from include.calls.domain.swapped_channels import SwappedLine


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run's own row. `portal_total` is the portal's count of the period's calls, None where it was not asked.

    `registered` rows of the portal's statistics are recordings in the database, None before the period is listed whole;
    `shared_rows` name a recording that another row has registered already. `erased_rows` are calls that were erased on
    a person's demand: the portal lists them still. `bad_rows` could not be read; `partly_read`
    rows are recordings of which a field is unknown.
    `last_event_at` is when anything last happened: the report is written before `finished_at` is known. `stop` is why
    the run was stopped, `failed_step` the task before the batches that failed. `forecast_minutes` are rounded up per
    call. `decision` is the last event of the budget's approval (`approved`, `refused`, `approval_timed_out`), None
    where no approval was needed. `operating` is the portal's own count of seconds spent on each of its methods.
    `idle_sec` is the time of waiting for a decision and between an end and its resumption.
    """

    run_id: UUID
    status: str
    actor: str
    trigger: str
    dry_run: bool
    generate_summary: bool
    period_from: datetime
    period_to: datetime
    started_at: datetime | None
    finished_at: datetime | None
    last_event_at: datetime | None
    currency_code: str
    forecast_cost: Decimal | None
    forecast_minutes: int | None
    approved_cost: Decimal | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    portal_total: int | None
    registered: int | None
    bad_rows: int
    partly_read: int
    shared_rows: int
    erased_rows: int
    limit_calls: int
    low_rate: bool
    clock_offset_sec: float | None
    operating: Mapping[str, float]
    stop: str | None
    refused: str | None = None
    failed_step: str | None = None
    idle_sec: float = 0.0

    def listed(self, rows: int) -> int:
        """Rows of the portal's statistics that are accounted for; `rows` of the registry where none are registered."""
        registered = rows if self.registered is None else self.registered
        return registered + self.bad_rows + self.shared_rows + self.erased_rows


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the run's recordings; minutes and money over completed ones only.

    `gone` recordings are not listed by the portal any more; `came_since` were first listed after this run's listing
    began, by this run or by another one.
    `other_content` recordings came with other bytes when this run downloaded them again.
    `billed_minutes` are rounded up per call, `bought_minutes` are those of them that this run bought. `cost` is the
    cost of texts and summaries, paid by any run; `spent` is what this run paid, `spent_on_summaries` the part of it
    that is no recognition, `spent_per_second` the price of the same recordings by the second, as the service bills
    them. `with_confidence` texts have a confidence of the recogniser, `confidence` is its mean by length; `unsure`,
    `much_not_sent` and `partly_unheard` have the flags of these names (`low_confidence`).
    """

    calls: int
    gone: int
    came_since: int
    minutes: Decimal
    billed_minutes: int
    bought_minutes: int
    cost: Decimal
    spent: Decimal
    spent_on_summaries: Decimal
    spent_per_second: Decimal
    portal_sec: int
    audio_sec: Decimal
    reused: int
    from_portal: int
    flagged: int
    much_not_sent: int
    partly_unheard: int
    with_confidence: int
    confidence: Decimal | None
    unsure: int
    no_roles: int
    late_expected: int
    other_content: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class DayFigures:
    day: date
    minutes: Decimal
    cost: Decimal
    spent: Decimal
    statuses: Mapping[RecordStatus, int]


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Calls without a text for the same reason; `failed_code` is the portal's outcome of a call without recording."""

    status: RecordStatus
    error_code: str | None
    failed_code: str | None
    calls: int


@dataclass(frozen=True, slots=True)
class Gap:
    """One recording that should have had a text and has none."""

    recording_id: int
    call_id: str
    record_id: str
    call_started_at: datetime
    portal_offset_sec: int
    duration_sec: int
    status: RecordStatus
    error_code: str | None
    error_message: str | None
    in_dlq: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """A recording whose measured length differs from the portal's."""

    recording_id: int
    call_id: str
    record_id: str
    duration_sec: int
    audio_sec: Decimal


@dataclass(frozen=True, slots=True)
class Flagged:
    """A text that a person should look at; `confidence` is the recogniser's own, 0 to 1."""

    recording_id: int
    call_id: str
    record_id: str
    call_started_at: datetime
    portal_offset_sec: int
    audio_sec: Decimal
    review_reasons: Sequence[str]
    words_per_minute: Decimal | None
    confidence: Decimal | None


@dataclass(frozen=True, slots=True)
class QaItem:
    """One of the recordings of the QA sample, and the analyst's finding; `transcript_path` is a key of the storage.

    `result` is `ok`, `issue`, or None before an analyst has listened.
    """

    recording_id: int
    call_id: str
    record_id: str
    call_started_at: datetime
    portal_offset_sec: int
    direction: str
    audio_sec: Decimal
    portal_number: str
    language: str | None
    roles: str | None
    review_reasons: Sequence[str]
    transcript_path: str
    result: str | None = None
    comment: str = ""
    checked_by: str | None = None


@dataclass(frozen=True, slots=True)
class DlqItem:
    recording_id: int
    call_id: str
    record_id: str
    stage: str
    error_code: str | None
    error_message: str | None
    first_failed_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StageTime:
    """`busy_sec` sums the work of all workers, `first_at`..`last_at` is the stage's own span."""

    stage: str
    first_at: datetime
    last_at: datetime
    events: int
    busy_sec: Decimal


@dataclass(frozen=True, slots=True)
class PortalTrouble:
    """Refusals of the portal and switches to low rate during the run."""

    refusals: int
    low_rate_switches: int


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Everything that the report says. `gaps` and `flagged` may be cut: `gap_groups` and `totals` count all of them.

    `files` counts by day the texts that the storage holds; None where the storage was not listed. `swapped` are phone
    lines whose channels seem to be swapped, each with the channel that its operator seems to have.
    """

    run: RunFacts
    totals: Totals
    statuses: Mapping[RecordStatus, int]
    days: Sequence[DayFigures]
    gap_groups: Sequence[GapGroup]
    gaps: Sequence[Gap]
    drifts: Sequence[Drift]
    review_reasons: Mapping[str, int]
    flagged: Sequence[Flagged]
    qa_sample: Sequence[QaItem]
    dlq: Sequence[DlqItem]
    stages: Sequence[StageTime]
    trouble: PortalTrouble
    tried: Tried = NOTHING_TRIED
    files: Mapping[date, int] | None = None
    swapped: Sequence[tuple[SwappedLine, str]] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run is going to buy, by the portal's durations; `billed_minutes` are rounded up per call.

    `ended` recordings have no text any more, because its retention period is over; none is bought for them.
    """

    run: RunFacts
    calls: int
    recordings: int
    reused: int
    to_buy: int
    minutes: Decimal
    billed_minutes: int
    cost: Decimal
    ended: int = 0


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What the report needs besides the figures; `generated_at` (UTC) comes from the caller.

    `zone` is the one in which the report speaks of days and times. `seconds_per_minute` is the expected speed of
    recognition, `slots` how many requests run at once. `many_refusals` of the portal are worth a word of advice.
    `calls_url` is where the call browser is, empty where people cannot open it.
    """

    generated_at: datetime
    zone: tzinfo
    usd_rub_rate: Decimal
    budget_usd: Decimal
    sla_hours: float
    slots: int
    seconds_per_minute: float
    min_coverage: float
    max_error_share: float
    bars: Bars
    max_duration_drift: float
    max_issue_share: float
    over_forecast_share: Decimal
    many_refusals: int
    clock_may_differ_sec: float
    calls_url: str = ""


def duration_drift(totals: Totals) -> Decimal | None:
    """By how much the measured length of all texts' audio differs from the portal's, as a fraction of the latter."""
    if not totals.portal_sec:
        return None
    return abs(totals.audio_sec - totals.portal_sec) / totals.portal_sec


def every_call_listed(run: RunFacts, totals: Totals) -> bool | None:
    """Whether each row of the portal's statistics is accounted for; None without a total, and for a trial run.

    The portal counts before it lists: with calls that came during the listing, the rows are more than its total. A
    trial run stops listing early.
    """
    if run.portal_total is None or run.limit_calls:
        return None
    return run.portal_total <= run.listed(totals.calls) and registry_holds_listing(run, totals) is not False


def registry_holds_listing(run: RunFacts, totals: Totals) -> bool | None:
    """Whether the registry has the registered rows, and besides them only recordings that were first listed since.

    None where it cannot be said: before the period is listed whole, for a trial run, and once the run has ended, when
    the portal may have deleted calls that the run had registered.
    """
    if run.registered is None or run.limit_calls or run.finished_at is not None:
        return None
    return 0 <= later_rows(run, totals) <= totals.came_since


def later_rows(run: RunFacts, totals: Totals) -> int:
    """Rows of the registry that the run's own listing did not register; negative where registered ones are missing."""
    return totals.calls - totals.gone - (run.registered or 0)
