"""Another engine beside the texts that are there: Markdown for people, CSV for a table."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from include.calls.domain.replay_figures import Heard, Sums, sums_of, worst
from include.calls.reporting.markdown import escaped, table
from include.calls.wording import replay as wording
from include.common.periods import Period
from include.common.russian_format import clock, number, percent
from include.common.spreadsheet_cells import kept_as_text
from include.speech.word_errors import Step, alignment

MOST_WORST = 100
_MOST_DIFFERENCES = 12  # of one recording: enough to see of what kind they are
COLUMNS = (
    "call_id", "record_id", "datetime_start", "length_sec", "engine", "text_model", "words", "substitutions",
    "deletions", "insertions", "difference", "text_cost_usd", "engine_cost_usd", "text_seconds", "engine_seconds",
    "transcript_path", "engine_path", "adopted_at",
)  # fmt: skip

Words = tuple[str, ...]
WordsBeside = Callable[[Heard], tuple[Words, Words] | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`not_heard`: CALL_IDs with the Russian reason. `words_beside`: the words of both, for the worst ones."""

    engine: str
    period: Period
    wanted: int
    heard: Sequence[Heard]
    not_heard: Sequence[tuple[str, str]]
    words_beside: WordsBeside


def replay_markdown(found: Comparison) -> str:
    return "\n\n".join(_blocks(found)) + "\n"


def replay_csv(found: Comparison) -> bytes:
    """UTF-8 with BOM, `;`, CRLF: as the registry."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in found.heard:
        writer.writerow([
            kept_as_text(row.call_id), kept_as_text(row.record_id), _started(row).isoformat(timespec="seconds"),
            row.audio_sec, kept_as_text(found.engine), kept_as_text(row.model), row.words, row.substitutions,
            row.deletions, row.insertions, f"{row.difference:.4f}", row.text_cost, row.cost,
            "" if row.text_seconds is None else f"{row.text_seconds:.3f}", f"{row.seconds:.3f}",
            row.transcript_path, row.path, row.adopted_at.isoformat(timespec="seconds") if row.adopted_at else "",
        ])  # fmt: skip
    return out.getvalue().encode("utf-8-sig")


def _blocks(found: Comparison) -> Iterator[str]:
    sums = sums_of(found.heard)
    yield "# " + wording.TITLE.format(engine=escaped(found.engine))
    yield wording.ABOUT.format(
        start=f"{found.period.start:%Y-%m-%d}",
        end=f"{found.period.end:%Y-%m-%d}",
        recordings=number(sums.recordings),
        wanted=number(found.wanted),
        minutes=number(sums.minutes, 1),
    )
    if adopted := sum(row.adopted_at is not None for row in found.heard):
        yield wording.ADOPTED.format(adopted=number(adopted))
    yield wording.NOT_A_REFERENCE
    yield from _sums(found.engine, sums)
    yield from _worst(found)
    if found.not_heard:
        yield wording.FAILED
        yield table(wording.FAILED_HEAD, found.not_heard)


def _sums(engine: str, sums: Sums) -> Iterator[str]:
    yield wording.SUMS
    yield wording.DIFFERENCE.format(
        difference=wording.NONE if sums.difference is None else percent(sums.difference, 1),
        words=number(sums.words),
        substitutions=number(sums.substitutions),
        deletions=number(sums.deletions),
        insertions=number(sums.insertions),
    )
    yield wording.EQUAL.format(equal=number(sums.equal))
    head = [cell.format(engine=escaped(engine)) for cell in wording.SUMS_HEAD]
    yield table(
        head,
        [
            (wording.PRICE, number(sums.text_cost, 4), number(sums.cost, 4)),
            (wording.PRICE_PER_MINUTE, _each_minute(sums.text_cost, sums), _each_minute(sums.cost, sums)),
            (wording.SPEED, _seconds(sums.text_seconds_per_minute), _seconds(sums.seconds_per_minute)),
        ],
    )
    yield wording.SPEED_NOTE


def _worst(found: Comparison) -> Iterator[str]:
    rows = worst(found.heard, MOST_WORST)
    if not rows:
        return
    yield wording.WORST
    yield table(wording.WORST_HEAD, [_worst_row(row, found.words_beside) for row in rows])


def _worst_row(row: Heard, words_beside: WordsBeside) -> tuple[str, ...]:
    return (
        row.call_id,
        row.record_id,
        f"{_started(row):%Y-%m-%d %H:%M}",
        clock(row.audio_sec),
        percent(row.difference, 1),
        number(row.words),
        row.model,
        _differences(words_beside(row)),
    )


def _differences(words: tuple[Words, Words] | None) -> str:
    """The first differences, in order: `−` only in the text, `+` only the engine, `→` one for the other."""
    if words is None:
        return wording.NONE
    text, heard = words
    steps = [step for step in alignment(text, heard) if step.kind != "equal"]
    shown = "; ".join(_shown(step, text, heard) for step in steps[:_MOST_DIFFERENCES])
    return f"{shown}; …" if len(steps) > _MOST_DIFFERENCES else shown


def _shown(step: Step, text: Words, heard: Words) -> str:
    one = text[step.reference] if step.reference is not None else ""
    other = heard[step.hypothesis] if step.hypothesis is not None else ""
    match step.kind:
        case "delete":
            return f"−{one}"
        case "insert":
            return f"+{other}"
        case _:
            return f"{one} → {other}"


def _each_minute(cost: Decimal, sums: Sums) -> str:
    return number(float(cost) / sums.minutes, 4) if sums.minutes else wording.NONE


def _seconds(value: float | None) -> str:
    return wording.NONE if value is None else number(value, 2)


def _started(row: Heard) -> datetime:
    return row.call_started_at.astimezone(timezone(timedelta(seconds=row.utc_offset_sec)))
