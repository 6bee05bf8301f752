"""One entry judged: the figures of a text beside the expected one, and the first threshold that it misses."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from itertools import permutations
from typing import Any, Literal

from include.smoke.domain.playlist import Thresholds
from include.speech.spoken_words import content_of, numbers_found, words_of
from include.speech.transcript_lines import SpokenLine
from include.speech.transcripts import UNKNOWN
from include.speech.word_errors import Errors, alignment, character_errors, total, word_errors

Words = tuple[str, ...]
Streams = Mapping[str, Words]  # by role, in order of speech
_MOST_STREAMS = 4  # more speakers are compared under their own names only


class SmokeCode(StrEnum):
    """Why an entry failed that has a text, or whose files cannot be used."""

    WER = "wer_above_threshold"
    CER = "cer_above_threshold"
    ROLES = "role_error_above_threshold"
    COST = "cost_above_threshold"
    SLOW = "too_slow"
    EXPECTED_MISSING = "expected_missing"
    AUDIO_CHANGED = "audio_changed"
    UNEXPECTED_SUCCESS = "unexpected_success"


@dataclass(frozen=True, slots=True)
class TextFigures:
    """`errors` are words as said, `content` without fillers and with each numeral as one word.

    A text of two roles is judged by each role's stream: words spoken at once may come in either order. Streams are
    compared under the assignment of roles that fits best (cpWER), so `errors` count words; `role_error` is the share of
    matched words under the wrong role, and `errors_by_role` are those under the roles as written.
    """

    errors: Errors
    content: Errors
    characters: Errors
    errors_by_role: Mapping[str, Errors]
    role_error: float | None
    numbers_found: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TextFigures":
        by_role = {role: Errors(**errors) for role, errors in data["errors_by_role"].items()}
        counts = {name: Errors(**data[name]) for name in ("errors", "content", "characters")}
        return cls(**{**data, **counts, "errors_by_role": by_role})


def compared(expected: Sequence[SpokenLine], said: Sequence[SpokenLine]) -> TextFigures:
    """Roles are judged only if the expected text names two of them."""
    wanted, found = _streams(expected), _streams(said)
    named = wanted.keys() - {UNKNOWN}
    if len(named) < 2:
        wanted, found = {UNKNOWN: _all(expected)}, {UNKNOWN: _all(said)}
    pairs = _best_assignment(wanted, found)
    return TextFigures(
        errors=total(word_errors(one, other) for one, other in pairs),
        content=total(word_errors(content_of(one), content_of(other)) for one, other in pairs),
        characters=total(character_errors(one, other) for one, other in pairs),
        errors_by_role={role: word_errors(words, found.get(role, ())) for role, words in sorted(wanted.items())}
        if len(named) > 1
        else {},
        role_error=_role_error(expected, said) if len(named) > 1 else None,
        numbers_found=numbers_found(_text(expected), _text(said)),
    )


def missed(
    figures: TextFigures, thresholds: Thresholds, *, cost: Decimal, seconds: float, audio_sec: float
) -> SmokeCode | None:
    """The first threshold that is missed. Roles come first: under swapped roles no other figure says what is wrong."""
    checks = {
        SmokeCode.ROLES: _above(figures.role_error, thresholds.role_error),
        SmokeCode.WER: _too_many(figures.errors, thresholds.wer),
        SmokeCode.CER: _too_many(figures.characters, thresholds.cer),
        SmokeCode.COST: _above(float(cost), thresholds.cost_usd),
        SmokeCode.SLOW: _above(seconds / (audio_sec / 60), thresholds.seconds_per_minute),
    }
    return next((code for code, above in checks.items() if above), None)


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What became of one entry at one engine. `seconds`: what its recognition takes; `requests`: those sent now."""

    engine: str
    model: str
    call_id: str
    record_id: str
    status: Literal["success", "failure"]
    error_code: str | None = None
    error_detail: str = ""
    figures: TextFigures | None = None
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    audio_sec: float = 0.0
    cost: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    requests: int = 0
    transcript_path: str | None = None
    expected: tuple[SpokenLine, ...] = ()
    said: tuple[SpokenLine, ...] = ()

    @property
    def wer(self) -> float | None:
        return self.figures.errors.rate if self.figures else None

    def as_json(self) -> dict[str, Any]:
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {
            "figures": self.figures and self.figures.as_json(),
            "cost": str(self.cost),
            "spent": str(self.spent),
            "expected": [asdict(line) for line in self.expected],
            "said": [asdict(line) for line in self.said],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "EntryResult":
        return cls(
            **{
                **data,
                "figures": data["figures"] and TextFigures.from_json(data["figures"]),
                "reasons": tuple(data["reasons"]),
                "cost": Decimal(data["cost"]),
                "spent": Decimal(data["spent"]),
                "expected": tuple(SpokenLine(**line) for line in data["expected"]),
                "said": tuple(SpokenLine(**line) for line in data["said"]),
            }
        )


def _streams(lines: Sequence[SpokenLine]) -> dict[str, Words]:
    found: dict[str, Words] = {}
    for line in lines:
        found[line.role] = found.get(line.role, ()) + words_of(line.text)
    return found


def _all(lines: Sequence[SpokenLine]) -> Words:
    return tuple(word for line in lines for word in words_of(line.text))


def _text(lines: Sequence[SpokenLine]) -> str:
    return "\n".join(line.text for line in lines)


def _best_assignment(wanted: Streams, found: Streams) -> list[tuple[Words, Words]]:
    """Pairs of an expected and a said stream with the fewest errors in all."""
    ours, theirs = list(wanted.values()), list(found.values())
    size = max(len(ours), len(theirs))
    if size > _MOST_STREAMS:
        roles = wanted.keys() | found.keys()
        return [(wanted.get(role, ()), found.get(role, ())) for role in sorted(roles)]
    ours += [()] * (size - len(ours))
    theirs += [()] * (size - len(theirs))
    costs = {(one, other): word_errors(ours[one], theirs[other]).total for one in range(size) for other in range(size)}
    best = min(permutations(range(size)), key=lambda order: sum(costs[pair] for pair in enumerate(order)))
    return [(ours[one], theirs[other]) for one, other in enumerate(best)]


def _role_error(expected: Sequence[SpokenLine], said: Sequence[SpokenLine]) -> float | None:
    """Of the words that both texts have at one place, the share under another role; None if they share none."""
    ours = [(word, line.role) for line in expected for word in words_of(line.text)]
    theirs = [(word, line.role) for line in said for word in words_of(line.text)]
    steps = alignment([word for word, _ in ours], [word for word, _ in theirs])
    pairs = [
        (ours[step.reference][1], theirs[step.hypothesis][1])
        for step in steps
        if step.kind == "equal" and step.reference is not None and step.hypothesis is not None
    ]
    return sum(one != other for one, other in pairs) / len(pairs) if pairs else None


def _too_many(errors: Errors, most: float | None) -> bool:
    """An empty expected text allows no word at all."""
    if most is None:
        return False
    return errors.total > 0 if errors.rate is None else errors.rate > most


def _above(value: float | None, most: float | None) -> bool:
    return value is not None and most is not None and value > most
