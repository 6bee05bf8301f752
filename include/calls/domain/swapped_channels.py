"""Phone lines whose channels seem to be swapped: in most incoming calls the "client" answers like an operator."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from include.speech.speaker_roles import SpeakerSigns, sounds_swapped
from include.speech.transcript_lines import read_lines
from include.speech.transcripts import CLIENT, OPERATOR

_FIRST_TURNS = 12  # who answers is heard in the beginning


@dataclass(frozen=True, slots=True)
class SwappedLine:
    """Of `calls` incoming calls with two channels, `swapped` sound as if the channels were swapped."""

    phone_line: str
    calls: int
    swapped: int


def swapped_lines(
    openings: Iterable[tuple[str, str]], signs: SpeakerSigns, *, from_calls: int
) -> tuple[SwappedLine, ...]:
    """`openings`: the phone line and the beginning of the text of each incoming call whose roles are its channels'.

    Lines with fewer than `from_calls` calls are not judged.
    """
    calls, swapped = dict[str, int](), dict[str, int]()
    for phone_line, opening in openings:
        turns = list(islice((line for line in read_lines(opening) if line.role in (OPERATOR, CLIENT)), _FIRST_TURNS))
        if not turns:
            continue
        calls[phone_line] = calls.get(phone_line, 0) + 1
        said = {role: [line.text for line in turns if line.role == role] for role in (OPERATOR, CLIENT)}
        is_swapped = sounds_swapped(said[OPERATOR], said[CLIENT], client_is_first=turns[0].role == CLIENT, signs=signs)
        swapped[phone_line] = swapped.get(phone_line, 0) + is_swapped
    return tuple(
        SwappedLine(line, count, swapped[line])
        for line, count in sorted(calls.items())
        if count >= from_calls and swapped[line] * 2 > count
    )
