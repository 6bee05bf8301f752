"""The verdict of a smoke run as one message: counts and rates, no word of a recording."""

from collections.abc import Sequence

from include.common.notice import Notice
from include.common.russian_format import percent
from include.smoke.domain.smoke_report import SmokeReport
from include.smoke.wording import slack as words


def verdict_sentences(report: SmokeReport) -> list[str]:
    """A line for the playlist, then one for each engine; plain text."""
    return [report.playlist, *(_engine(report, number) for number in range(len(report.engines)))]


def verdict_text(sentences: Sequence[str], link: str, *, failed: int) -> Notice:
    return _message(":x:" if failed else ":white_check_mark:", words.BAD if failed else words.GOOD, sentences, link)


def not_held(link: str) -> Notice:
    return _message(":x:", words.NOT_HELD, [words.REASON_IN_LOG], link)


def _engine(report: SmokeReport, number: int) -> str:
    engine = report.engines[number]
    before = report.before.get(engine.engine)
    return words.ENTRIES.format(
        engine=engine.engine,
        failed=len(engine.failed),
        tested=len(engine.results),
        wer=words.NONE if engine.errors.rate is None else percent(engine.errors.rate, 1),
        before=words.NONE if before is None else percent(before.wer, 1),
    )


def _message(icon: str, headline: str, sentences: Sequence[str], link: str) -> Notice:
    return Notice(icon, headline, sentences, link, words.OPEN_IN_AIRFLOW)
