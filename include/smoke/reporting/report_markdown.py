"""The report for people, in Markdown. Texts are foreign data: no mark of theirs is Markdown."""

import re
from collections.abc import Iterable, Iterator, Sequence

from include.smoke.domain.judgement import EntryResult
from include.smoke.domain.smoke_report import EngineFigures, SmokeReport
from include.smoke.reporting.alignment_page import aligned_streams
from include.smoke.wording import report as wording
from include.smoke.wording.error_catalogue import CATALOGUE
from include.speech.spoken_words import NORMALISER
from include.speech.word_errors import Step

_WORST = 10
_MOST_WORDS = 400  # of one alignment
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~^$&])")


def report_markdown(report: SmokeReport) -> str:
    return "\n".join(_blocks(report)) + "\n"


def _blocks(report: SmokeReport) -> Iterator[str]:
    if any(engine.stub for engine in report.engines):
        yield wording.STUB + "\n"
    yield f"# {wording.TITLE.format(playlist=_plain(report.playlist))}\n"
    start, end = report.period
    about = {"smoke_id": report.smoke_id, "at": f"{report.at:%Y-%m-%d %H:%M}", "playlist": report.playlist}
    yield wording.ABOUT.format(**about, start=start, end=end, normaliser=NORMALISER) + "\n"
    some = wording.SOME_FAILED.format(failed=report.failed, total=report.tested)
    yield (some if report.failed else wording.ALL_GOOD) + "\n"
    yield wording.ENGINES + "\n"
    yield _table(wording.ENGINES_HEAD, (_engine_row(report, engine) for engine in report.engines))
    yield wording.ENTRIES + "\n"
    results = [result for engine in report.engines for result in engine.results]
    yield _table(wording.ENTRIES_HEAD, map(_entry_row, results))
    yield from _failures(report)
    yield from _comparison(report)
    yield from _worst(results)


def _engine_row(report: SmokeReport, engine: EngineFigures) -> tuple[str, ...]:
    before = report.before.get(engine.engine)
    minutes = engine.minutes
    return (
        engine.engine,
        engine.model,
        str(len(engine.results)),
        str(len(engine.failed)),
        _percent(engine.errors.rate),
        _percent(engine.content.rate),
        _percent(engine.characters.rate),
        _percent(before.wer if before else None),
        f"{minutes:.1f}",
        f"{engine.cost:.4f}",
        f"{engine.spent:.4f}",
        str(engine.requests),
        f"{engine.seconds / minutes:.1f}" if minutes else wording.NONE,
    )


def _entry_row(result: EntryResult) -> tuple[str, ...]:
    figures = result.figures
    return (
        result.engine,
        result.call_id,
        result.record_id,
        wording.GOOD if result.status == "success" else f"{wording.BAD}: {result.error_code}",
        _percent(figures.errors.rate if figures else None),
        _percent(figures.characters.rate if figures else None),
        _percent(figures.role_error if figures else None),
        str(figures.errors.words) if figures else wording.NONE,
        str(figures.errors.total) if figures else wording.NONE,
        ", ".join(result.reasons) or wording.NONE,
    )


def _failures(report: SmokeReport) -> Iterator[str]:
    failed = [result for engine in report.engines for result in engine.failed]
    if not failed:
        return
    yield wording.FAILURES + "\n"
    for result in failed:
        code = result.error_code or ""
        explained = CATALOGUE[code]
        checks = "; ".join(explained.recommended_checks)
        detail = f" ({_plain(result.error_detail)})" if result.error_detail else ""
        yield f"- **{_plain(result.call_id)}**, {result.engine}: `{code}` — {explained.user_message}{detail}."
        yield f"  {wording.CHECKS}: {checks}."
    yield ""


def _comparison(report: SmokeReport) -> Iterator[str]:
    found = report.comparison
    if found is None:
        return
    names = {"first": found.first, "second": found.second}
    yield wording.COMPARED.format(**names) + "\n"
    if found.difference is not None:
        bounds = {"low": _points(found.low), "high": _points(found.high)}
        yield wording.DIFFERENCE.format(**names, **bounds, difference=_points(found.difference)) + "\n"
    no_difference = wording.NO_DIFFERENCE.format(calls=len(found.calls))
    yield (wording.BETTER.format(engine=found.better) if found.better else no_difference) + "\n"
    money = {"first_cost": f"{found.first_cost:.4f}", "second_cost": f"{found.second_cost:.4f}"}
    times = {"first_seconds": f"{found.first_seconds:.1f}", "second_seconds": f"{found.second_seconds:.1f}"}
    yield wording.MONEY.format(**names, **money, **times) + "\n"
    head = tuple(cell.format(**names) for cell in wording.COMPARISON_HEAD)
    rows = (
        (call.call_id, _percent(call.first.rate), _percent(call.second.rate), " ".join(call.only_first[:_MOST_WORDS]),
         " ".join(call.only_second[:_MOST_WORDS]))
        for call in found.calls
    )  # fmt: skip
    yield _table(head, rows)


def _worst(results: Sequence[EntryResult]) -> Iterator[str]:
    wrong = [result for result in results if result.figures and result.figures.errors.total]
    worst = sorted(wrong, key=lambda result: result.wer if result.wer is not None else 1.0, reverse=True)[:_WORST]
    if not worst:
        return
    yield wording.WORST + "\n"
    yield wording.WORST_NOTE + "\n"
    for result in worst:
        yield f"### {_plain(result.call_id)}, {result.engine}: {_percent(result.wer)}\n"
        for expected, said, steps in aligned_streams(result):
            yield " ".join(_word(step, expected, said) for step in steps[:_MOST_WORDS]) + "\n"


def _word(step: Step, expected: Sequence[str], said: Sequence[str]) -> str:
    one = _plain(expected[step.reference]) if step.reference is not None else ""
    other = _plain(said[step.hypothesis]) if step.hypothesis is not None else ""
    forms = {
        "equal": one,
        "substitute": f"**\\[{one} → {other}\\]**",
        "delete": f"**−{one}**",
        "insert": f"**+{other}**",
    }
    return forms[step.kind]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_plain(cell) or wording.NONE for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return wording.NONE if share is None else f"{100 * share:.1f} %"


def _points(share: float | None) -> str:
    return wording.NONE if share is None else wording.POINTS.format(points=f"{100 * share:+.1f}")


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
