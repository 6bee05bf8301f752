"""The report's tables about days, recordings and stages: rows of cells, not escaped, the same for both forms."""

from collections.abc import Callable
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from typing import TypedDict

from include.calls.domain.registry_row import relative_path
from include.calls.domain.report_figures import DayFigures, RunFigures
from include.calls.domain.states import UNFINISHED, RecordStatus
from include.calls.wording import codes
from include.calls.wording import report as words
from include.calls.wording.report import NOTHING
from include.common import russian_format as ru

Mask = Callable[[str], str]


class Link(TypedDict):
    """A cell that leads somewhere; `to` is an address of ours, `text` may be a stranger's."""

    text: str
    to: str


Cell = str | Link
Rows = list[list[Cell]]

_LONGEST_MESSAGE = 160
_LONGEST_COMMENT = 300


def linked(text: str, calls_url: str, page: str) -> Cell:
    """Only ids are in an address: it opens nothing without rights, and says nothing about a person."""
    return Link(text=text, to=f"{calls_url}/{page}") if calls_url else text


def _call(shown: str, recording_id: int, calls_url: str) -> Cell:
    return linked(shown, calls_url, f"call/{recording_id}")


def every_day(figures: RunFigures, zone: tzinfo) -> list[DayFigures]:
    """Every day of the zone that the period touches, in order, those without calls among them."""
    known = {figure.day: figure for figure in figures.days}
    zero = Decimal(0)
    return [
        known.get(day) or DayFigures(day, minutes=zero, cost=zero, spent=zero, statuses={})
        for day in _days(figures, zone)
    ]


def edges_cut(figures: RunFigures, zone: tzinfo) -> bool:
    """Whether the zone's days begin at other instants than the period's UTC days."""
    edges = (figures.run.period_from, figures.run.period_to)
    return any(edge.astimezone(zone).utcoffset() for edge in edges)


def _days(figures: RunFigures, zone: tzinfo) -> list[date]:
    first, last = (moment.astimezone(zone).date() for moment in (figures.run.period_from, figures.run.period_to))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def days(figures: RunFigures, zone: tzinfo) -> Rows:
    """Day by day: calls = no recording + lost on the portal + errors + unfinished + texts, and texts = files."""

    def row(day: DayFigures) -> list[Cell]:
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

    return [row(day) for day in every_day(figures, zone)]


def gap_groups(figures: RunFigures) -> Rows:
    def reason(status: str, error_code: str | None, failed_code: str | None) -> str:
        if status == RecordStatus.NO_RECORDING:
            return codes.call_outcome(failed_code)
        return codes.error_name(error_code) if error_code else words.WORK_UNFINISHED

    return [
        [codes.status_name(group.status), reason(group.status, group.error_code, group.failed_code),
         group.error_code or group.failed_code or NOTHING, ru.number(group.calls)]
        for group in figures.gap_groups
    ]  # fmt: skip


def gaps(figures: RunFigures, zone: tzinfo, mask: Mask, calls_url: str) -> Rows:
    return [
        [_call(gap.call_id, gap.recording_id, calls_url),
         ru.moment(gap.call_started_at, zone), ru.clock(gap.duration_sec),
         words.gap_status(gap.status, in_dlq=gap.in_dlq), gap.error_code or NOTHING,
         _shortened(mask(gap.error_message or NOTHING), _LONGEST_MESSAGE)]
        for gap in figures.gaps
    ]  # fmt: skip


def hidden_gaps(figures: RunFigures) -> str:
    all_gaps = sum(group.calls for group in figures.gap_groups if group.status != RecordStatus.NO_RECORDING)
    hidden = all_gaps - len(figures.gaps)
    return words.hidden_gaps(hidden) if hidden > 0 else ""


def drifts(figures: RunFigures, calls_url: str) -> Rows:
    return [
        [_call(item.call_id, item.recording_id, calls_url),
         ru.clock(item.duration_sec), ru.clock(item.audio_sec),
         _signed(item.audio_sec - item.duration_sec)]
        for item in figures.drifts
    ]  # fmt: skip


def review(figures: RunFigures) -> Rows:
    return [[codes.REVIEW_REASONS.get(reason, reason), ru.number(n)] for reason, n in figures.review_reasons.items()]


def flagged(figures: RunFigures, zone: tzinfo, calls_url: str) -> Rows:
    return [
        [_call(item.call_id, item.recording_id, calls_url),
         ru.moment(item.call_started_at, zone), ru.clock(item.audio_sec),
         codes.review_reasons(item.review_reasons),
         NOTHING if item.words_per_minute is None else ru.number(item.words_per_minute),
         NOTHING if item.confidence is None else ru.percent(item.confidence, 0)]
        for item in figures.flagged
    ]  # fmt: skip


def hidden_flagged(figures: RunFigures) -> str:
    hidden = figures.totals.flagged - len(figures.flagged)
    return words.hidden_flagged(hidden) if hidden > 0 else ""


def dlq(figures: RunFigures, zone: tzinfo, calls_url: str) -> Rows:
    return [
        [_call(item.call_id, item.recording_id, calls_url),
         codes.STAGES.get(item.stage, item.stage), codes.error_name(item.error_code),
         ru.moment(item.first_failed_at, zone), words.YES if item.replayed_at else words.NO]
        for item in figures.dlq
    ]  # fmt: skip


def stages(figures: RunFigures, zone: tzinfo) -> Rows:
    return [
        [codes.STAGES.get(item.stage, item.stage), ru.moment(item.first_at, zone),
         ru.hours((item.last_at - item.first_at).total_seconds()),
         ru.hours(item.busy_sec) if item.busy_sec else NOTHING, ru.number(item.events)]
        for item in figures.stages
    ]  # fmt: skip


def operating(figures: RunFigures) -> Rows:
    """Methods of the portal by the seconds that it has counted for them, the busiest first."""
    busiest = sorted(figures.run.operating.items(), key=lambda method: -method[1])
    return [[method, ru.seconds(seconds, 1)] for method, seconds in busiest]


def qa(figures: RunFigures, folder: str, zone: tzinfo, mask: Mask, calls_url: str) -> Rows:
    def verdict(result: str | None, comment: str) -> str:
        return words.qa_result(result, _shortened(mask(comment), _LONGEST_COMMENT)) if result else ""

    return [
        [str(place), _call(relative_path(item.transcript_path, folder), item.recording_id, calls_url),
         ru.moment(item.call_started_at, zone),
         codes.DIRECTIONS.get(item.direction, item.direction), ru.clock(item.audio_sec), item.language or NOTHING,
         codes.ROLES.get(item.roles or "", NOTHING), codes.review_reasons(item.review_reasons) or NOTHING,
         verdict(item.result, item.comment)]
        for place, item in enumerate(figures.qa_sample, start=1)
    ]  # fmt: skip


def qa_summary(figures: RunFigures) -> str:
    checked = [item for item in figures.qa_sample if item.result is not None]
    issues = sum(item.result == "issue" for item in checked)
    people = sorted({item.checked_by for item in checked if item.checked_by})
    return words.qa_summary(len(figures.qa_sample), len(checked), issues, people)


def _signed(seconds: Decimal) -> str:
    return f"{'+' if seconds > 0 else '−' if seconds < 0 else ''}{ru.seconds(abs(seconds), 1)}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
