"""What the monitoring shows of all runs: counters since the first run, and how things stand now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

RUN_ENDS = ("completed", "error", "cancelled")
TEXT_OUTCOMES = ("completed", "error", "missing_audio")
RETRY_STAGES = ("download", "transcribe", "summarize")
MONEY_KINDS = ("recognition", "summary", "replay")
STOP_KINDS = ("AccessDenied", "QuotaExhausted", "BudgetSpent", "NotConfigured", "ContractBroken")
QA_RESULTS = ("ok", "issue")

# Seconds that a run takes: minutes for a night's few calls, six hours for the promised period, then what is too long.
DURATION_BUCKETS = (60, 300, 900, 1800, 3600, 7200, 10800, 14400, 18000, 21600, 28800, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Durations:
    """Runs that ended, by their seconds: `counts` are of each bucket alone, the last one is for what is longer."""

    counts: tuple[int, ...] = (0,) * (len(DURATION_BUCKETS) + 1)
    total_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordCounters:
    """Of single recordings, from their history. Money is USD; minutes are of recognised audio, exact.

    `qa_checked` counts every finding by its result, corrected ones too.
    """

    texts: Mapping[str, int] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    cost: Mapping[str, Decimal] = field(default_factory=dict)
    minutes: Decimal = Decimal(0)
    dead_letters: int = 0
    qa_checked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunNow:
    """A run under way, or the last one that ended. `limit` (USD) is what it may spend; `statuses` count recordings.

    `bars` are the figures of each bar as the run was closed with them (`cases`, `tried`, `exceeded`). The portal's
    clock was `clock_offset_sec` ahead of ours when the run listed the calls.
    """

    run_id: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    spent: Decimal
    limit: Decimal
    statuses: Mapping[str, int]
    bars: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    clock_offset_sec: float | None = None


@dataclass(frozen=True, slots=True)
class BackupsNow:
    """The newest backup, and the newest that was restored and compared; zeros and None before the first one."""

    newest_at: datetime | None = None
    verified_at: datetime | None = None
    bytes: int = 0
    seconds: float = 0.0
    restore_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SmokeNow:
    """The newest smoke run of a playlist at an engine.

    `wer`: of all its entries, None if none has a text. `rise`: by how much it is above the last good run before, over
    the entries that both heard; None if there is none.
    """

    playlist: str
    engine: str
    wer: float | None
    failed: int
    at: datetime
    rise: float | None


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system by what lies on it."""

    name: str
    free_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the page says of the machine it is made on."""

    backups_configured: bool = False
    disks: tuple[Disk, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything of one scrape; times are UTC.

    `recordings` are those of the last whole run; `errors_over_day` and `dead_letters_waiting` have no text yet;
    `qa_recordings` are counted by what people say of them now. `audit_entries` have ever been added; it never falls.
    `secret_ages` are seconds by connection.
    `erasure_waits_sec` is the age of the oldest demand to erase that is not settled.
    `retention_at` is the end of the last night of retention, `retention_files_left` should have gone over a day ago.
    """

    run_ends: Mapping[str, int]
    run_stops: Mapping[str, int]
    durations: Mapping[str, Durations]
    records: RecordCounters
    refusals: Mapping[str, int]
    low_rate_switches: int
    low_rate_active: bool
    qa_recordings: Mapping[str, int]
    errors_over_day: int
    dead_letters_waiting: int
    recordings: int
    audit_breaks: int
    audit_entries: int
    secret_ages: Mapping[str, float]
    erasures_open: int
    erasure_waits_sec: float
    last_success_at: datetime | None
    retention_at: datetime | None
    retention_files_left: int
    backups: BackupsNow
    smoke: tuple[SmokeNow, ...]
    runs: tuple[RunNow, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the alerts compare with. `schedule_seconds` is the longest time between two scheduled runs."""

    budget_usd: Decimal
    over_budget_share: Decimal
    deadline_seconds: float
    schedule_seconds: float
    secret_age_seconds: float
    clock_may_differ_seconds: float
    smoke_worse_by: float
