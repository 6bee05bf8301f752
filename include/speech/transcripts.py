"""The text of a call: turns in order of time, and the file that people and their scripts read.

What is said comes from strangers (D30): whatever it contains, it stays inside the one line of its turn.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from include.speech.cuts import Cut, Piece
from include.speech.languages import transcript_language
from include.speech.recognition import Recognition, Segment

OPERATOR, CLIENT, UNKNOWN = "operator", "client", "unknown"
Roles = Literal["channels", "diarized", "none"]
ChannelRoles = tuple[str, str]  # of the left and the right channel

_LABELS = {OPERATOR: "Оператор", CLIENT: "Клиент", UNKNOWN: "Собеседник"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds from the start of the recording. `role` is OPERATOR, CLIENT, UNKNOWN or a diarizing model's label."""

    start: float
    end: float
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """`language` is ISO 639-1 or None; `roles` says how it is known who speaks (D21)."""

    turns: tuple[Turn, ...]
    language: str | None
    model: str
    roles: Roles
    audio_sec: float


@dataclass(frozen=True, slots=True)
class TranscriptHeader:
    """What the portal knows of the call; `start` keeps the portal's own offset, `duration_sec` is the portal's."""

    call_id: str
    record_id: str
    start: datetime
    direction: str
    from_number: str
    to_number: str
    employee_id: str | None
    employee_name: str | None
    duration_sec: int


def channel_roles(operator_channel: Literal["left", "right"]) -> ChannelRoles:
    return (OPERATOR, CLIENT) if operator_channel == "left" else (CLIENT, OPERATOR)


def assemble(
    cut: Cut,
    recognitions: Mapping[Piece, Recognition],
    channels: ChannelRoles,
    *,
    model: str,
    expected_languages: Sequence[str] = (),
) -> Transcript:
    """One transcript of all pieces' answers; raises KeyError where a piece has no answer yet."""
    heard = [(number, piece, recognitions[piece]) for number, piece in enumerate(cut.pieces, start=1)]
    turns = [turn for number, piece, answer in heard for turn in _turns_of(number, piece, answer, channels)]
    return Transcript(
        turns=tuple(sorted(turns, key=lambda turn: (turn.start, turn.end))),
        language=transcript_language(
            ((answer.language, piece.speech_sec) for _, piece, answer in heard if answer.text.strip()),
            expected_languages,
        ),
        model=model,
        roles=_roles(turns),
        audio_sec=cut.info.seconds,
    )


def render_transcript(header: TranscriptHeader, transcript: Transcript) -> str:
    """The transcript file: header, `---`, one line per turn; ends with a line feed."""
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
        "LANGUAGE": transcript.language or "und",  # ISO's own word for a language nobody could name
        "MODEL": transcript.model,
        "ROLES": transcript.roles,
    }
    lines = [f"{name}: {one_line(value)}".rstrip() for name, value in head.items()]
    lines.append("---")
    lines += [f"[{_clock(turn.start)}] {_said(turn)}" for turn in transcript.turns]
    return "\n".join(lines) + "\n"


def preview(transcript: Transcript, max_bytes: int = 1024) -> str:
    """The beginning of the text, without times, for the registry: never more bytes, never half a character."""
    text = " ".join(_said(turn) for turn in transcript.turns)
    return text.encode()[:max_bytes].decode(errors="ignore")


def one_line(text: str) -> str:
    """`text` with any white space folded to single spaces and without control or invisible formatting characters."""
    folded = " ".join(text.split())
    return "".join(char for char in folded if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def _turns_of(number: int, piece: Piece, answer: Recognition, channels: ChannelRoles) -> Iterator[Turn]:
    first, last = piece.lead_sec, piece.seconds - piece.tail_sec  # what is said is said where somebody speaks
    for segment in answer.segments or (Segment(first, last, answer.text),):
        text = one_line(segment.text)
        if not text:
            continue
        start = min(max(segment.start, first), last)
        end = min(max(segment.end, start), last)
        role = _role(number, piece, segment, channels)
        yield Turn(round(piece.start + start, 3), round(piece.start + end, 3), role, text)


def _role(number: int, piece: Piece, segment: Segment, channels: ChannelRoles) -> str:
    if piece.channel is not None:
        return channels[piece.channel]
    if segment.speaker is None:
        return UNKNOWN
    # The service names speakers anew in every request: "A" of the second piece need not be "A" of the first.
    label = segment.speaker.upper()
    return label if number == 1 else f"{label}{number}"


def _roles(turns: Sequence[Turn]) -> Roles:
    found = {turn.role for turn in turns}
    if found & {OPERATOR, CLIENT}:
        return "channels"
    return "diarized" if found - {UNKNOWN} else "none"


def _said(turn: Turn) -> str:
    label = _LABELS.get(turn.role) or f"{_LABELS[UNKNOWN]} {one_line(turn.role).translate(_NO_BRACKETS)}"
    return f"[{label}]: {turn.text}"


_NO_BRACKETS = str.maketrans("", "", "[]:")


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
