"""The report's tables about days, recordings and stages: rows of strings, not escaped, the same for both forms."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from include.calls.domain.report_figures import DayFigures, RunFigures
from include.calls.domain.states import UNFINISHED, RecordStatus
from include.calls.reporting import wording as w

Mask = Callable[[str], str]
Rows = list[list[str]]

NOTHING = "—"


def every_day(figures: RunFigures) -> list[DayFigures]:
    """The period's UTC days in order, those without calls among them."""
    known = {figure.day: figure for figure in figures.days}
    first, last = figures.run.period_from.date(), figures.run.period_to.date()
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    zero = Decimal(0)
    return [known.get(day) or DayFigures(day, minutes=zero, cost=zero, spent=zero, statuses={}) for day in span]


def days(figures: RunFigures) -> Rows:
    """Day by day: calls = no recording + lost on the portal + errors + unfinished + texts, and texts = files."""

    def row(day: DayFigures) -> list[str]:
        def calls(*statuses: RecordStatus) -> int:
            return sum(day.statuses.get(status, 0) for status in statuses)

        texts = calls(RecordStatus.COMPLETED)
        expected = texts + calls(RecordStatus.ERROR, *UNFINISHED)
        files = NOTHING if figures.files is None else w.number(figures.files.get(day.day, 0))
        return [
            w.day(day.day), w.number(sum(day.statuses.values())), w.number(calls(RecordStatus.NO_RECORDING)),
            w.number(calls(RecordStatus.MISSING_AUDIO)), w.number(calls(RecordStatus.ERROR)),
            w.number(calls(*UNFINISHED)), w.number(texts), files,
            w.percent(texts / expected, 1) if expected else NOTHING, w.number(day.minutes, 2), w.number(day.spent, 4),
        ]  # fmt: skip

    return [row(day) for day in every_day(figures)]


def gap_groups(figures: RunFigures) -> Rows:
    def reason(status: str, error_code: str | None, failed_code: str | None) -> str:
        if status == RecordStatus.NO_RECORDING:
            return w.call_outcome(failed_code)
        return w.error_name(error_code) if error_code else "работа не закончена"

    return [
        [w.status_name(group.status), reason(group.status, group.error_code, group.failed_code),
         group.error_code or group.failed_code or NOTHING, w.number(group.calls)]
        for group in figures.gap_groups
    ]  # fmt: skip


def gaps(figures: RunFigures, mask: Mask) -> Rows:
    return [
        [gap.call_id, w.moment(gap.call_started_at, gap.portal_offset_sec), w.clock(gap.duration_sec),
         w.status_name(gap.status) + (", DLQ" if gap.in_dlq else ""), gap.error_code or NOTHING,
         _shortened(mask(gap.error_message or NOTHING))]
        for gap in figures.gaps
    ]  # fmt: skip


def hidden_gaps(figures: RunFigures) -> str:
    all_gaps = sum(group.calls for group in figures.gap_groups if group.status != RecordStatus.NO_RECORDING)
    hidden = all_gaps - len(figures.gaps)
    return f"Ещё {w.number(hidden)} — в реестре, по столбцу status." if hidden > 0 else ""


def drifts(figures: RunFigures) -> Rows:
    return [
        [item.call_id, w.clock(item.duration_sec), w.clock(item.audio_sec),
         _seconds(item.audio_sec - item.duration_sec)]
        for item in figures.drifts
    ]  # fmt: skip


def review(figures: RunFigures) -> Rows:
    return [[w.REVIEW_REASONS.get(reason, reason), w.number(n)] for reason, n in figures.review_reasons.items()]


def flagged(figures: RunFigures) -> Rows:
    return [
        [item.call_id, w.moment(item.call_started_at, item.portal_offset_sec), w.clock(item.audio_sec),
         _reasons(item.review_reasons),
         NOTHING if item.words_per_minute is None else w.number(item.words_per_minute),
         NOTHING if item.confidence is None else w.percent(item.confidence, 0)]
        for item in figures.flagged
    ]  # fmt: skip


def hidden_flagged(figures: RunFigures) -> str:
    hidden = figures.totals.flagged - len(figures.flagged)
    return f"Ещё {w.number(hidden)} — в реестре, needs_review = true." if hidden > 0 else ""


def dlq(figures: RunFigures) -> Rows:
    return [
        [item.call_id, w.STAGES.get(item.stage, item.stage), w.error_name(item.error_code),
         w.moment(item.first_failed_at), "да" if item.replayed_at else "нет"]
        for item in figures.dlq
    ]  # fmt: skip


def stages(figures: RunFigures) -> Rows:
    return [
        [w.STAGES.get(item.stage, item.stage), w.moment(item.first_at),
         w.hours((item.last_at - item.first_at).total_seconds()),
         w.hours(item.busy_sec) if item.busy_sec else NOTHING, w.number(item.events)]
        for item in figures.stages
    ]  # fmt: skip


def operating(figures: RunFigures) -> Rows:
    """Methods of the portal by the seconds that it has counted for them, the busiest first."""
    busiest = sorted(figures.run.operating.items(), key=lambda method: -method[1])
    return [[method, f"{w.number(seconds, 1)}{w.NBSP}с"] for method, seconds in busiest]


def qa(figures: RunFigures, folder: str, mask: Mask) -> Rows:
    def verdict(result: str | None, comment: str) -> str:
        if result is None:
            return ""
        return w.QA_RESULTS.get(result, result) + (f": {_shortened(mask(comment), 300)}" if comment else "")

    return [
        [str(place), item.transcript_path.removeprefix(f"exports/{folder}/"),
         w.moment(item.call_started_at, item.portal_offset_sec), w.DIRECTIONS.get(item.direction, item.direction),
         w.clock(item.audio_sec), item.language or NOTHING, w.ROLES.get(item.roles or "", NOTHING),
         _reasons(item.review_reasons) or NOTHING, verdict(item.result, item.comment)]
        for place, item in enumerate(figures.qa_sample, start=1)
    ]  # fmt: skip


def qa_summary(figures: RunFigures) -> str:
    """How far the listening has come, what it found and who listened."""
    checked = [item for item in figures.qa_sample if item.result is not None]
    if not checked:
        return f"Проверено 0 из {w.number(len(figures.qa_sample))}."
    issues = sum(item.result == "issue" for item in checked)
    people = ", ".join(sorted({item.checked_by for item in checked if item.checked_by}))
    return (
        f"Проверено {w.number(len(checked))} из {w.number(len(figures.qa_sample))}: в порядке "
        f"{w.number(len(checked) - issues)}, с замечаниями {w.number(issues)} ({w.percent(issues / len(checked), 1)}). "
        f"Проверяли: {people}."
    )


def _reasons(reasons: Sequence[str]) -> str:
    return ", ".join(w.REVIEW_REASONS.get(reason, reason) for reason in reasons)


def _seconds(value: Decimal) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{w.number(abs(value), 1)}{w.NBSP}с"


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
