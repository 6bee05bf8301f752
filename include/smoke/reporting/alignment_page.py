"""Every text beside its expected one, word for word, as one HTML page without scripts."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from include.smoke.domain.judgement import EntryResult
from include.smoke.domain.smoke_report import SmokeReport
from include.smoke.wording import report as wording
from include.speech.spoken_words import words_of
from include.speech.word_errors import Step, alignment

_HEAD = Markup(
    '<!doctype html><html lang="ru"><meta charset="utf-8"><title>{title}</title><style>'
    "body{{font:16px/1.6 sans-serif;max-width:60em;margin:2em auto}}del{{background:#fdd}}ins{{background:#dfd}}"
    "</style><h1>{title}</h1><p>{note}</p>"
)
_CALL = Markup("<h2>{call}, {engine}: {wer}</h2>")
_FORMS = {
    "equal": Markup("{one}"),
    "substitute": Markup("<del>{one}</del><ins>{other}</ins>"),
    "delete": Markup("<del>{one}</del>"),
    "insert": Markup("<ins>{other}</ins>"),
}

Aligned = tuple[Sequence[str], Sequence[str], Sequence[Step]]


def alignment_page(report: SmokeReport) -> str:
    title = wording.TITLE.format(playlist=report.playlist)
    parts = [_HEAD.format(title=title, note=wording.WORST_NOTE)]
    for engine in report.engines:
        for result in engine.results:
            if result.figures is not None:
                wer = wording.NONE if result.wer is None else f"{100 * result.wer:.1f} %"
                parts.append(_CALL.format(call=result.call_id, engine=result.engine, wer=wer))
                parts += map(_paragraph, aligned_streams(result))
    return str(Markup("\n").join(parts)) + "\n"


def aligned_streams(result: EntryResult) -> Iterator[Aligned]:
    """The words of each role, or of the whole text where the expected one names no roles."""
    roles = sorted({line.role for line in result.expected})
    by_role = len(roles) > 1
    for role in roles if by_role else [""]:
        expected = [
            word for line in result.expected if not by_role or line.role == role for word in words_of(line.text)
        ]
        said = [word for line in result.said if not by_role or line.role == role for word in words_of(line.text)]
        yield expected, said, alignment(expected, said)


def _paragraph(aligned: Aligned) -> Markup:
    expected, said, steps = aligned
    words = (
        _FORMS[step.kind].format(
            one=expected[step.reference] if step.reference is not None else "",
            other=said[step.hypothesis] if step.hypothesis is not None else "",
        )
        for step in steps
    )
    return Markup("<p>{}</p>").format(Markup(" ").join(words))
