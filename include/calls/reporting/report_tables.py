"""The report's tables about days, recordings and stages: rows of strings, not escaped, the same for both forms."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from include.calls.domain.report_figures import DayFigures, RunFigures
from include.calls.domain.states import UNFINISHED, RecordStatus
from include.calls.wording import codes
from include.common import russian_format as ru

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
        files = NOTHING if figures.files is None else ru.number(figures.files.get(day.day, 0))
        return [
            ru.day(day.day), ru.number(sum(day.statuses.values())), ru.number(calls(RecordStatus.NO_RECORDING)),
            ru.number(calls(RecordStatus.MISSING_AUDIO)), ru.number(calls(RecordStatus.ERROR)),
            ru.number(calls(*UNFINISHED)), ru.number(texts), files,
            ru.percent(texts / expected, 1) if expected else NOTHING, ru.number(day.minutes, 2),
            ru.number(day.spent, 4),
        ]  # fmt: skip

    return [row(day) for day in every_day(figures)]


def gap_groups(figures: RunFigures) -> Rows:
    def reason(status: str, error_code: str | None, failed_code: str | None) -> str:
        if status == RecordStatus.NO_RECORDING:
            return codes.call_outcome(failed_code)
        return codes.error_name(error_code) if error_code else "работа не закончена"

    return [
        [codes.status_name(group.status), reason(group.status, group.error_code, group.failed_code),
         group.error_code or group.failed_code or NOTHING, ru.number(group.calls)]
        for group in figures.gap_groups
    ]  # fmt: skip


def gaps(figures: RunFigures, mask: Mask) -> Rows:
    return [
        [gap.call_id, ru.moment(gap.call_started_at, gap.portal_offset_sec), ru.clock(gap.duration_sec),
         codes.status_name(gap.status) + (", DLQ" if gap.in_dlq else ""), gap.error_code or NOTHING,
         _shortened(mask(gap.error_message or NOTHING))]
        for gap in figures.gaps
    ]  # fmt: skip


def hidden_gaps(figures: RunFigures) -> str:
    all_gaps = sum(group.calls for group in figures.gap_groups if group.status != RecordStatus.NO_RECORDING)
    hidden = all_gaps - len(figures.gaps)
    return f"Ещё {ru.number(hidden)} — в реестре, по столбцу status." if hidden > 0 else ""


def drifts(figures: RunFigures) -> Rows:
    return [
        [item.call_id, ru.clock(item.duration_sec), ru.clock(item.audio_sec),
         _seconds(item.audio_sec - item.duration_sec)]
        for item in figures.drifts
    ]  # fmt: skip


def review(figures: RunFigures) -> Rows:
    return [[codes.REVIEW_REASONS.get(reason, reason), ru.number(n)] for reason, n in figures.review_reasons.items()]


def flagged(figures: RunFigures) -> Rows:
    return [
        [item.call_id, ru.moment(item.call_started_at, item.portal_offset_sec), ru.clock(item.audio_sec),
         _reasons(item.review_reasons),
         NOTHING if item.words_per_minute is None else ru.number(item.words_per_minute),
         NOTHING if item.confidence is None else ru.percent(item.confidence, 0)]
        for item in figures.flagged
    ]  # fmt: skip


def hidden_flagged(figures: RunFigures) -> str:
    hidden = figures.totals.flagged - len(figures.flagged)
    return f"Ещё {ru.number(hidden)} — в реестре, needs_review = true." if hidden > 0 else ""


def dlq(figures: RunFigures) -> Rows:
    return [
        [item.call_id, codes.STAGES.get(item.stage, item.stage), codes.error_name(item.error_code),
         ru.moment(item.first_failed_at), "да" if item.replayed_at else "нет"]
        for item in figures.dlq
    ]  # fmt: skip


def stages(figures: RunFigures) -> Rows:
    return [
        [codes.STAGES.get(item.stage, item.stage), ru.moment(item.first_at),
         ru.hours((item.last_at - item.first_at).total_seconds()),
         ru.hours(item.busy_sec) if item.busy_sec else NOTHING, ru.number(item.events)]
        for item in figures.stages
    ]  # fmt: skip


def operating(figures: RunFigures) -> Rows:
    """Methods of the portal by the seconds that it has counted for them, the busiest first."""
    busiest = sorted(figures.run.operating.items(), key=lambda method: -method[1])
    return [[method, f"{ru.number(seconds, 1)}{ru.NBSP}с"] for method, seconds in busiest]


def qa(figures: RunFigures, folder: str, mask: Mask) -> Rows:
    def verdict(result: str | None, comment: str) -> str:
        if result is None:
            return ""
        return codes.QA_RESULTS.get(result, result) + (f": {_shortened(mask(comment), 300)}" if comment else "")

    return [
        [str(place), item.transcript_path.removeprefix(f"exports/{folder}/"),
         ru.moment(item.call_started_at, item.portal_offset_sec), codes.DIRECTIONS.get(item.direction, item.direction),
         ru.clock(item.audio_sec), item.language or NOTHING, codes.ROLES.get(item.roles or "", NOTHING),
         _reasons(item.review_reasons) or NOTHING, verdict(item.result, item.comment)]
        for place, item in enumerate(figures.qa_sample, start=1)
    ]  # fmt: skip


def qa_summary(figures: RunFigures) -> str:
    """How far the listening has come, what it found and who listened."""
    checked = [item for item in figures.qa_sample if item.result is not None]
    if not checked:
        return f"Проверено 0 из {ru.number(len(figures.qa_sample))}."
    issues = sum(item.result == "issue" for item in checked)
    people = ", ".join(sorted({item.checked_by for item in checked if item.checked_by}))
    return (
        f"Проверено {ru.number(len(checked))} из {ru.number(len(figures.qa_sample))}: в порядке "
        f"{ru.number(len(checked) - issues)}, с замечаниями {ru.number(issues)} "
        f"({ru.percent(issues / len(checked), 1)}). Проверяли: {people}."
    )


def _reasons(reasons: Sequence[str]) -> str:
    return ", ".join(codes.REVIEW_REASONS.get(reason, reason) for reason in reasons)


def _seconds(value: Decimal) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{ru.number(abs(value), 1)}{ru.NBSP}с"


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
