"""A text as a judge sees it: who said what, and when, in the order of the call."""

from collections.abc import Sequence
from dataclasses import dataclass

from include.speech.transcript_lines import TimedLine, timed_line

_GUESSED_WORDS_A_MINUTE = 130.0


@dataclass(frozen=True, slots=True)
class SpokenCall:
    """`turns` are the lines of the body; `seconds` is the length of the recording."""

    turns: tuple[TimedLine, ...]
    seconds: float

    @classmethod
    def of(cls, body: str, seconds: float) -> "SpokenCall":
        """Lines of another form than `[00:00:09] [Клиент]: ...` are no turns."""
        return cls(tuple(filter(None, map(timed_line, body.splitlines()))), seconds)

    @property
    def words(self) -> int:
        return sum(len(turn.text.split()) for turn in self.turns)

    def words_of(self, role: str) -> int:
        return sum(len(turn.text.split()) for turn in self.turns if turn.role == role)

    def knows(self, role: str) -> bool:
        return any(turn.role == role for turn in self.turns)

    def speech_seconds(self, words_per_minute: float | None) -> float:
        """How long was spoken, by the pace of this very text where it is known."""
        return min(self.words / (words_per_minute or _GUESSED_WORDS_A_MINUTE) * 60, self.seconds)


def by_role(turns: Sequence[TimedLine], role: str) -> list[TimedLine]:
    """The turns of one role; `any` is all of them."""
    return [turn for turn in turns if role in ("any", turn.role)]
