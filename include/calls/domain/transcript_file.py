"""The text file of a call: a header with the portal's data, then one line per speaker turn.

Texts and names are untrusted: whatever they contain, the file has one line for each header field and speaker turn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from include.speech.transcript_lines import render_turns, said_by
from include.speech.transcripts import Transcript, one_line

_HEADER_END = "\n---\n"
_NUMBERS = ("FROM", "TO")


@dataclass(frozen=True, slots=True)
class TranscriptHeader:
    """The portal's data of the call. `start` has the portal's UTC offset; `duration_sec` is the portal's figure."""

    call_id: str
    record_id: str
    start: datetime
    direction: str
    from_number: str
    to_number: str
    employee_id: str | None
    employee_name: str | None
    duration_sec: int


def render_transcript(header: TranscriptHeader, transcript: Transcript) -> str:
    """The transcript file: header, `---`, one line per speaker turn; ends with a line feed."""
    head = render_header(header, language=transcript.language, model=transcript.model, roles=transcript.roles)
    return head + render_turns(transcript)


def render_header(header: TranscriptHeader, *, language: str | None, model: str, roles: str) -> str:
    """The file's lines up to `---`, this one included."""
    employee = f"{header.employee_id or ''} {header.employee_name or ''}"
    head = {
        "CALL_ID": header.call_id,
        "RECORD_ID": header.record_id,
        "START": header.start.isoformat(timespec="seconds"),
        "DIRECTION": header.direction,
        "FROM": header.from_number,
        "TO": header.to_number,
        "EMPLOYEE": employee,
        "DURATION_SEC": str(header.duration_sec),
        "LANGUAGE": language or "und",  # ISO 639-2 for "undetermined"
        "MODEL": model,
        "ROLES": roles,
    }
    return "".join(f"{name}: {one_line(value)}".rstrip() + "\n" for name, value in head.items()) + "---\n"


def masked_transcript(content: str, *, number: Callable[[str], str], text: Callable[[str], str]) -> str:
    """A transcript file with the numbers of its header and the personal data of its body hidden."""
    header, mark, body = content.partition(_HEADER_END)
    lines = [_masked_field(line, number) for line in header.split("\n")]
    return "\n".join(lines) + mark + text(body)


def _masked_field(line: str, number: Callable[[str], str]) -> str:
    name, colon, value = line.partition(": ")
    return f"{name}{colon}{number(value)}" if name in _NUMBERS else line


def preview(transcript: Transcript, max_bytes: int = 1024) -> str:
    """The beginning of the text without times, for the registry: at most `max_bytes`, only whole characters."""
    text = " ".join(said_by(turn) for turn in transcript.turns)
    return text.encode()[:max_bytes].decode(errors="ignore")
