"""Whether the words that an answer rests on were said in the call, there and by that speaker."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rapidfuzz import fuzz

from include.call_centre.domain.scorecards import Criterion
from include.call_centre.domain.spoken_call import SpokenCall, by_role
from include.speech.transcript_lines import TimedLine

AROUND_TURNS = 2
LEAST_RATIO = 90.0
_LEAST_WORD_RATIO = 60.0
LEAST_WORDS = 3
MOST_WORDS = 60
_SPARE_SECONDS = 1.0  # a body holds whole seconds
# Said without a meaning of their own: a quote may lack them.
_FILLERS = frozenset(
    {"э", "ээ", "эээ", "эм", "ну", "вот", "мм", "ммм", "м", "ага", "угу", "а", "значит", "типа", "короче"}
)
# One of them more or less turns a sentence into its opposite, however alike the letters are.
_DECISIVE = frozenset({"не", "нет", "ни", "без", "нельзя", "никогда", "никто", "ничего"})
_BEFORE = frozenset({"не", "ни", "без"})  # a quote may not begin behind one of them
_WORD = re.compile(r"\w+")

Check = Literal["found", "not_found", "other_speaker", "too_short", "outside"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """`t` is in seconds from the start, `quote` is empty for a mere place. `check` is what became of it."""

    t: float
    speaker: str
    quote: str
    check: Check | None = None

    @property
    def holds(self) -> bool:
        return self.check == "found"


def words_of(text: str) -> list[str]:
    """Words without case, accents of Ё, punctuation and fillers."""
    plain = unicodedata.normalize("NFC", text).lower().replace("ё", "е")
    return [word for word in _WORD.findall(plain) if word not in _FILLERS]


def checked(evidence: Sequence[Evidence], wanted: str, criterion: Criterion, call: SpokenCall) -> list[Evidence]:
    """Each piece with its result; `wanted` is `quote` or `span`."""
    if wanted == "span":
        return [replace(one, check="found" if _inside(one.t, call) else "outside") for one in evidence]
    return [_checked_quote(one, criterion, call) for one in evidence]


def rests(answer: str, evidence: Sequence[Evidence], criterion: Criterion) -> bool:
    """True if the answer has what the card demands of it; `na`, `unknown` and `none` demand nothing."""
    return criterion.evidence.get(answer, "none") == "none" or any(one.holds for one in evidence)


def _inside(t: float, call: SpokenCall) -> bool:
    last = call.turns[-1].start if call.turns else 0
    return 0 <= t <= max(call.seconds, last) + _SPARE_SECONDS


def _checked_quote(one: Evidence, criterion: Criterion, call: SpokenCall) -> Evidence:
    said = words_of(one.quote)
    if not LEAST_WORDS <= len(said) <= MOST_WORDS:
        return replace(one, check="too_short")
    if not _inside(one.t, call):
        return replace(one, check="outside")
    if criterion.speaker not in ("any", one.speaker):
        return replace(one, check="other_speaker")
    near = _around(one.t, call.turns)
    own = by_role(near, one.speaker)
    found = next((turn for turn in own if _stands_in(said, words_of(turn.text))), None)
    if found is None and len(own) > 1 and _stands_in(said, [word for turn in own for word in words_of(turn.text)]):
        found = own[0]  # words that go on after the other speaker's "yes"
    if found is not None:
        return replace(one, t=float(found.start), check="found")
    others = any(_stands_in(said, words_of(turn.text)) for turn in near if turn not in own)
    return replace(one, check="other_speaker" if others else "not_found")


def _around(t: float, turns: Sequence[TimedLine]) -> Sequence[TimedLine]:
    """The turn that is being said at `t`, with its neighbours."""
    if not turns:
        return ()
    now = max((number for number, turn in enumerate(turns) if turn.start <= t + _SPARE_SECONDS), default=0)
    return turns[max(0, now - AROUND_TURNS) : now + AROUND_TURNS + 1]


def _stands_in(said: Sequence[str], words: Sequence[str]) -> bool:
    """Compared with each run of about as many words: a quote may lack one or have one misspelt, not more."""
    quote = " ".join(said)
    decisive = _decisive(said)
    for length in {len(said), len(said) + 1, max(LEAST_WORDS, len(said) - 1)}:
        for start in range(max(0, len(words) - length) + 1):
            part = words[start : start + length]
            if (
                _alike(said[0], part[0])
                and _alike(said[-1], part[-1])
                and _decisive(part) == decisive
                and not (start and words[start - 1] in _BEFORE)
                and fuzz.ratio(quote, " ".join(part), score_cutoff=LEAST_RATIO)
            ):
                return True
    return False


def _alike(one: str, other: str) -> bool:
    """Begin and end must fit, or a run that begins behind a "not" would do."""
    return bool(fuzz.ratio(one, other, score_cutoff=_LEAST_WORD_RATIO))


def _decisive(words: Sequence[str]) -> list[str]:
    """Negations and numbers, in order: these must be the same."""
    return [word for word in words if word in _DECISIVE or any(char.isdigit() for char in word)]
