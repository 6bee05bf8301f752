"""Assembles a transcript: speaker turns in order of time.

Recognised text is untrusted: whatever it contains, the text of a speaker turn is one line.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from include.speech.cuts import Cut, Piece
from include.speech.recognition import RecognitionResponse, Segment
from include.speech.text_language import Said, spoken_language

OPERATOR, CLIENT, UNKNOWN = "operator", "client", "unknown"
Roles = Literal["channels", "evidence", "diarized", "none"]
ChannelRoles = tuple[str, str]  # left channel, right channel
_PAUSE_SEC = 0.3  # as in the cut


@dataclass(frozen=True, slots=True)
class Turn:
    """A speaker turn; seconds from the start of the recording.

    `role` is OPERATOR, CLIENT, UNKNOWN or the number of a speaker in the response of a diarizing model: `1`, `2` in
    the first piece, `2.1`, `2.2` in the second, whose `1` may be another person.
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
        language=spoken_language(
            (Said(response.text, response.language, piece.speech_sec) for _, piece, response in answered),
            expected_languages,
        ),
        model=model,
        roles=_roles(turns),
        audio_sec=cut.info.seconds,
    )


def one_line(text: str) -> str:
    """`text` with white space folded to single spaces, without control and invisible formatting characters."""
    folded = " ".join(text.split())
    return "".join(char for char in folded if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def _turns_of(number: int, piece: Piece, response: RecognitionResponse, channels: ChannelRoles) -> Iterator[Turn]:
    speakers = list(dict.fromkeys(segment.speaker for segment in response.segments if segment.speaker is not None))
    first, last = piece.lead_sec, piece.seconds - piece.tail_sec  # text belongs to the speech, not to the padding
    for segment in _sentences(response.segments) or (Segment(first, last, response.text),):
        text = one_line(segment.text)
        if not text:
            continue
        start = min(max(segment.start, first), last)
        end = min(max(segment.end, start), last)
        role = _role(number, piece, segment, channels, speakers)
        yield Turn(round(piece.start + start, 3), round(piece.start + end, 3), role, text)


def _sentences(segments: Sequence[Segment]) -> list[Segment]:
    """Joins segments of one speaker unless a sentence or a pause ends between them; Whisper's are subtitle lines."""
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last and last.speaker == segment.speaker and segment.start - last.end < _PAUSE_SEC and not _ends(last.text):
            text = f"{last.text.rstrip()} {segment.text.lstrip()}"
            joined[-1] = replace(last, end=max(last.end, segment.end), text=text)
        else:
            joined.append(segment)
    return joined


def _ends(text: str) -> bool:
    return text.rstrip().rstrip("\"'»”’)").endswith((".", "?", "!", "…"))


def _role(number: int, piece: Piece, segment: Segment, channels: ChannelRoles, speakers: Sequence[str]) -> str:
    if piece.channel is not None:
        return channels[piece.channel]
    if segment.speaker is None:
        return UNKNOWN
    # The service labels speakers anew in every request: "A" of two pieces may be two people.
    speaker = str(speakers.index(segment.speaker) + 1)
    return speaker if number == 1 else f"{number}.{speaker}"


def _roles(turns: Sequence[Turn]) -> Roles:
    found = {turn.role for turn in turns}
    if found & {OPERATOR, CLIENT}:
        return "channels"
    return "diarized" if found - {UNKNOWN} else "none"
