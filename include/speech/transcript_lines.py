"""The lines of a transcript: `[00:00:09] [Клиент]: ...`, one for each speaker turn."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from include.speech.transcripts import CLIENT, OPERATOR, UNKNOWN, Transcript, Turn, one_line

_LABELS = {OPERATOR: "Оператор", CLIENT: "Клиент", UNKNOWN: "Собеседник"}
_ROLES = {label: role for role, label in _LABELS.items()}
_NO_BRACKETS = str.maketrans("", "", "[]:")
_HEADER_END = re.compile(r"^---[ \t]*$", re.MULTILINE)
_LINE = re.compile(r"(?:\[[\d:]+\]\s*)?(?:\[(?P<label>[^\]]+)\]:)?\s*(?P<text>.*)")

_TIMED = re.compile(r"\[(\d+):(\d\d):(\d\d)\] \[([^\]]*)\]: ?(.*)")


def render_turns(transcript: Transcript) -> str:
    """The body of a transcript file: one line per speaker turn."""
    return "".join(f"[{_clock(turn.start)}] {said_by(turn)}\n" for turn in transcript.turns)


def said_by(turn: Turn) -> str:
    """The turn with its speaker's label, without its time."""
    label = _LABELS.get(turn.role) or f"{_LABELS[UNKNOWN]} {one_line(turn.role).translate(_NO_BRACKETS)}"
    return f"[{label}]: {turn.text}"


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line of a transcript as a person writes it; `role` is UNKNOWN where the line names none."""

    role: str
    text: str


def read_lines(text: str) -> tuple[SpokenLine, ...]:
    """The reverse of `render_turns`, without times; the header of a transcript file, up to `---`, is left out.

    Times and labels may be missing. A line without a label goes on with the speaker of the line before.
    """
    return tuple(_read(_HEADER_END.split(text, 1)[-1]))


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line of a stored body: `start` in whole seconds, `role` as in `Turn`."""

    start: int
    role: str
    text: str


def timed_line(line: str) -> TimedLine | None:
    """The reverse of one line of `render_turns`; None for a line of another form."""
    found = _TIMED.fullmatch(line)
    if found is None:
        return None
    hours, minutes, seconds, label, text = found.groups()
    role = _ROLES.get(label) or label.removeprefix(f"{_LABELS[UNKNOWN]} ")
    return TimedLine(int(hours) * 3600 + int(minutes) * 60 + int(seconds), role, text)


def _read(body: str) -> Iterator[SpokenLine]:
    role = UNKNOWN
    for line in body.splitlines():
        found = _LINE.fullmatch(line.strip())
        if found is None:
            continue
        if found["label"]:
            role = _ROLES.get(found["label"].strip(), UNKNOWN)
        if found["text"].strip():
            yield SpokenLine(role, found["text"].strip())


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
