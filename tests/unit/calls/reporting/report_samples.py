"""Figures of an invented run, to be bent by each test."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from include.calls.domain.report_figures import (
    DayFigures,
    DlqItem,
    Drift,
    Flagged,
    Gap,
    GapGroup,
    PortalTrouble,
    QaItem,
    ReportSettings,
    RunFacts,
    RunFigures,
    StageTime,
    Totals,
)
from include.calls.domain.states import RecordStatus
from include.calls.policy import load_policy
from include.calls.reporting.settings import accepted_bars

FOLDER = "2025-08-01_2025-08-02"
AT = datetime(2025, 8, 1, 9, 30, tzinfo=UTC)
S = RecordStatus

SETTINGS = ReportSettings(
    generated_at=datetime(2025, 8, 3, 6, 0, tzinfo=UTC),
    zone=UTC,
    usd_rub_rate=Decimal("100"),
    budget_usd=Decimal("54"),
    sla_hours=6.0,
    slots=10,
    seconds_per_minute=24.0,
    min_coverage=0.99,
    max_error_share=0.01,
    bars=accepted_bars(load_policy({}).bars),
    max_duration_drift=0.005,
    max_issue_share=0.02,
    over_forecast_share=Decimal("0.2"),
    many_refusals=10,
    clock_may_differ_sec=300.0,
)
RUN = RunFacts(
    run_id=UUID("0b0e7a3e-3f5c-4a53-9a0c-6d6a3c1c7b11"),
    status="running",
    actor="analyst",
    trigger="manual",
    dry_run=False,
    generate_summary=False,
    period_from=datetime(2025, 8, 1, tzinfo=UTC),
    period_to=datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC),
    started_at=datetime(2025, 8, 3, 2, 0, tzinfo=UTC),
    finished_at=None,
    last_event_at=datetime(2025, 8, 3, 4, 30, tzinfo=UTC),
    currency_code="USD",
    forecast_cost=Decimal("0.9"),
    forecast_minutes=200,
    approved_cost=None,
    decision=None,
    decided_by=None,
    decided_at=None,
    portal_total=220,
    registered=None,
    bad_rows=0,
    partly_read=0,
    shared_rows=0,
    erased_rows=0,
    limit_calls=0,
    low_rate=False,
    clock_offset_sec=None,
    operating={},
    stop=None,
)
TOTALS = Totals(
    calls=220,
    gone=0,
    came_since=0,
    minutes=Decimal("180.5"),
    billed_minutes=260,
    bought_minutes=200,
    cost=Decimal("1.17"),
    spent=Decimal("0.9"),
    spent_on_summaries=Decimal("0.1"),
    spent_per_second=Decimal("0.7"),
    portal_sec=10840,
    audio_sec=Decimal("10830"),
    reused=60,
    from_portal=0,
    flagged=0,
    much_not_sent=0,
    partly_unheard=0,
    with_confidence=0,
    confidence=None,
    unsure=0,
    no_roles=0,
    late_expected=0,
    other_content=0,
    duplicates=0,
)


def day(number, **statuses):
    counts = {RecordStatus(name): calls for name, calls in statuses.items()}
    return DayFigures(date(2025, 8, number), Decimal("90.25"), Decimal("0.585"), Decimal("0.45"), counts)


GOOD = RunFigures(
    run=RUN,
    totals=TOTALS,
    statuses={S.COMPLETED: 200, S.NO_RECORDING: 20},
    days=[day(1, completed=100, no_recording=10), day(2, completed=100, no_recording=10)],
    gap_groups=[GapGroup(S.NO_RECORDING, None, "missed", 20)],
    gaps=[],
    drifts=[],
    review_reasons={},
    flagged=[],
    qa_sample=[
        QaItem(
            1, "1001.1", "11", AT, 10800, "inbound", Decimal("65"), "+74950000000", "ru", "channels", [],
            f"exports/{FOLDER}/transcripts/call_1001.1.txt",
        )
    ],
    dlq=[],
    stages=[StageTime("download", RUN.started_at, RUN.last_event_at, 200, Decimal("3600"))],
    trouble=PortalTrouble(0, 0),
    files={date(2025, 8, 1): 100, date(2025, 8, 2): 100},
)  # fmt: skip


def failing(text="плохо"):
    """A run below the bar, with `text` wherever a stranger's text can be."""
    return replace(
        GOOD,
        statuses={S.COMPLETED: 190, S.NO_RECORDING: 20, S.ERROR: 8, S.MISSING_AUDIO: 2},
        gap_groups=[
            GapGroup(S.NO_RECORDING, None, text, 20),
            GapGroup(S.ERROR, "stt_timeout", None, 8),
            GapGroup(S.MISSING_AUDIO, "missing_audio", None, 2),
        ],
        gaps=[Gap(2, text, "1", AT, 10800, 60, S.ERROR, "stt_timeout", text, in_dlq=True)],
        drifts=[Drift(3, text, "1", 60, Decimal("75.5"))],
        review_reasons={"loop": 2, text: 1},
        flagged=[Flagged(4, text, "1", AT, 10800, Decimal(65), ["loop", text], Decimal(412), Decimal("0.43"))],
        qa_sample=[replace(GOOD.qa_sample[0], result="issue", comment=text, checked_by=text)],
        totals=replace(TOTALS, flagged=3, audio_sec=Decimal("11000"), late_expected=4),
        dlq=[DlqItem(5, text, "1", "transcribe", "stt_timeout", text, AT, None)],
        run=replace(
            RUN,
            actor=text,
            portal_total=221,
            decision="approved",
            decided_by=text,
            decided_at=AT,
            approved_cost=Decimal(70),
            operating={text: 212.5},
        ),
        trouble=PortalTrouble(12, 1),
    )
