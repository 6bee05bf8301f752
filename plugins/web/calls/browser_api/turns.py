"""Turns of a text with their times, and the hits in them."""

import re
from collections.abc import Sequence
from typing import Literal

from include.calls.state.browsing import BEGIN, END, MarkedText
from include.common.masking import mask_phones
from include.speech.transcript_lines import timed_line
from include.speech.transcripts import Turn, one_line
from plugins.web.calls.browser_api.models import Snippet, SummarySection, TurnShown

_MOST_SNIPPETS = 3
_AROUND = 90  # characters that a snippet shows before its first hit; it is three times as long
_MARKS = re.compile(f"({BEGIN}[^{END}]*{END})")


def turns_of(body: str, *, masked: bool) -> list[TurnShown]:
    """The lines of a stored text. It holds whole seconds and no ends, so those are not known."""
    shown: list[TurnShown] = []
    for found in filter(None, map(timed_line, body.splitlines())):
        text = mask_phones(found.text) if masked else found.text
        shown.append(TurnShown(i=len(shown), start=found.start, end=None, role=found.role, text=text))
    return shown


def with_times(shown: Sequence[TurnShown], exact: Sequence[Turn]) -> list[TurnShown]:
    """The same turns with the times of the recognition that the text was built from, where both fit each other."""
    if [(turn.role, int(turn.start)) for turn in exact] != [(turn.role, int(turn.start)) for turn in shown]:
        return list(shown)
    return [
        turn.model_copy(update={"start": timed.start, "end": timed.end})
        for turn, timed in zip(shown, exact, strict=True)
    ]


def snippets_of(text: MarkedText, *, masked: bool) -> list[Snippet]:
    """At most three turns with hits: those with the most different ones, in the order of the call."""
    lines = list(zip(text.body.splitlines(), text.marked.splitlines(), strict=False))
    hit = [(number, marked) for number, (_, marked) in enumerate(lines) if BEGIN in marked]
    best = sorted(hit, key=lambda one: -len({part.lower() for part in _MARKS.findall(one[1])}))[:_MOST_SNIPPETS]
    shown = []
    for number, marked in sorted(best):
        found = timed_line(lines[number][0])
        if found is not None:
            shown.append(Snippet(t=found.start, parts=_parts(marked, masked=masked)))
    return shown


def _parts(marked: str, *, masked: bool) -> list[tuple[str, Literal[0, 1]]]:
    text = mask_phones(marked) if masked else marked
    first = text.find(BEGIN)
    start = max(0, first - _AROUND)
    cut = text[start : start + 3 * _AROUND]
    if cut.count(BEGIN) > cut.count(END):
        cut = cut[: cut.rindex(BEGIN)]
    pieces = [piece for piece in _MARKS.split(("…" if start else "") + cut) if piece]
    return [(piece.strip(BEGIN + END), 1 if piece.startswith(BEGIN) else 0) for piece in pieces]


def sections_of(written: str) -> list[SummarySection]:
    """The sections of a summary's file (`include/calls/reporting/summary_file.py`), a line for each item."""
    sections: list[SummarySection] = []
    for line in map(one_line, written.splitlines()):
        if line.startswith("## "):
            sections.append(SummarySection(title=line[3:], lines=[]))
        elif line and sections:
            sections[-1].lines.append(line.removeprefix("- "))
    return sections
