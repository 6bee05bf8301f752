"""What a run is going to buy: tokens learnt from what the model was asked before, else cautious guesses."""

from dataclasses import dataclass
from decimal import Decimal

_CHARACTERS_PER_TOKEN = 2.6  # of Russian text with Latin marks
_ANSWER_TOKENS_PER_CRITERION = 110
LEAST_LEARNT = 20


@dataclass(frozen=True, slots=True)
class Learnt:
    """Sums over the last scores of a model."""

    scores: int
    characters: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of all requests together."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class ScoreForecast:
    """`texts` requests for `usd`; `unscorable` texts are not bought, by reason."""

    texts: int
    usd: Decimal
    unscorable: dict[str, int]


def tokens(texts: int, characters: int, criteria: int, learnt: Learnt) -> Tokens:
    """`characters` are of all prompts together, instructions and schema included."""
    if learnt.scores >= LEAST_LEARNT and learnt.characters:
        return Tokens(
            round(characters * learnt.input_tokens / learnt.characters),
            round(texts * learnt.output_tokens / learnt.scores),
        )
    return Tokens(round(characters / _CHARACTERS_PER_TOKEN), texts * criteria * _ANSWER_TOKENS_PER_CRITERION)
