"""Assembles a transcript: speaker turns in order of time, and the text file of a call.

Recognised text is untrusted: whatever it contains, a speaker turn stays one line of the file.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from include.speech.cuts import Cut, Piece
from include.speech.languages import transcript_language
from include.speech.recognition import RecognitionResponse, Segment

OPERATOR, CLIENT, UNKNOWN = "operator", "client", "unknown"
Roles = Literal["channels", "diarized", "none"]
ChannelRoles = tuple[str, str]  # left channel, right channel

_LABELS = {OPERATOR: "Оператор", CLIENT: "Клиент", UNKNOWN: "Собеседник"}


@dataclass(frozen=True, slots=True)
class Turn:
    """A speaker turn; seconds from the start of the recording.

    `role` is OPERATOR, CLIENT, UNKNOWN or a label of a diarizing model.
    """

    start: float
    end: float
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """`language` is ISO 639-1 or None. `roles`: how the roles were found."""

    turns: tuple[Turn, ...]
    language: str | None
    model: str
    roles: Roles
    audio_sec: float


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


def channel_roles(operator_channel: Literal["left", "right"]) -> ChannelRoles:
    return (OPERATOR, CLIENT) if operator_channel == "left" else (CLIENT, OPERATOR)


def assemble(
    cut: Cut,
    responses: Mapping[Piece, RecognitionResponse],
    channels: ChannelRoles,
    *,
    model: str,
    expected_languages: Sequence[str] = (),
) -> Transcript:
    """One transcript of the responses to all pieces. Raises KeyError if a piece has no response."""
    answered = [(number, piece, responses[piece]) for number, piece in enumerate(cut.pieces, start=1)]
    turns = [turn for number, piece, response in answered for turn in _turns_of(number, piece, response, channels)]
    return Transcript(
        turns=tuple(sorted(turns, key=lambda turn: (turn.start, turn.end))),
        language=transcript_language(
            ((response.language, piece.speech_sec) for _, piece, response in answered if response.text.strip()),
            expected_languages,
        ),
        model=model,
        roles=_roles(turns),
        audio_sec=cut.info.seconds,
    )


def render_transcript(header: TranscriptHeader, transcript: Transcript) -> str:
    """The transcript file: header, `---`, one line per speaker turn; ends with a line feed."""
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
        "LANGUAGE": transcript.language or "und",  # ISO 639-2 for "undetermined"
        "MODEL": transcript.model,
        "ROLES": transcript.roles,
    }
    lines = [f"{name}: {one_line(value)}".rstrip() for name, value in head.items()]
    lines.append("---")
    lines += [f"[{_clock(turn.start)}] {_said(turn)}" for turn in transcript.turns]
    return "\n".join(lines) + "\n"


def preview(transcript: Transcript, max_bytes: int = 1024) -> str:
    """The beginning of the text without times, for the registry: at most `max_bytes`, only whole characters."""
    text = " ".join(_said(turn) for turn in transcript.turns)
    return text.encode()[:max_bytes].decode(errors="ignore")


def one_line(text: str) -> str:
    """`text` with white space folded to single spaces, without control and invisible formatting characters."""
    folded = " ".join(text.split())
    return "".join(char for char in folded if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def _turns_of(number: int, piece: Piece, response: RecognitionResponse, channels: ChannelRoles) -> Iterator[Turn]:
    first, last = piece.lead_sec, piece.seconds - piece.tail_sec  # text belongs to the speech, not to the padding
    for segment in response.segments or (Segment(first, last, response.text),):
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
    # The service labels speakers anew in every request: "A" of two pieces may be two people.
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
