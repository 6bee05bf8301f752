"""Whether a call can be scored by a card at all: what cannot is not bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.domain.spoken_call import SpokenCall


class Unscorable(StrEnum):
    ROLES_UNKNOWN = "roles_unknown"  # no verdict about a person whose words cannot be kept apart
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"  # for every provider's context
    WRONG_LANGUAGE = "wrong_language"
    TEXT_DOUBTFUL = "text_doubtful"
    TEXT_GONE = "text_gone"
    LOW_COVERAGE = "low_coverage"
    REFUSED = "llm_refused"


@dataclass(frozen=True, slots=True)
class TextFacts:
    roles: str
    language: str | None
    needs_review: bool
    direction: str
    tags: Sequence[str]
    words_per_minute: float | None


def applies(card: Scorecard, facts: TextFacts) -> bool:
    """False: the card is for other calls, and nothing is said of this one."""
    wanted = card.applies_to
    if wanted.directions and facts.direction not in wanted.directions:
        return False
    return not wanted.tags_any or bool(set(wanted.tags_any) & set(facts.tags))


def unscorable(card: Scorecard, facts: TextFacts, call: SpokenCall) -> Unscorable | None:
    """The first reason that holds; None: it can be scored."""
    wanted = card.applies_to
    if not call.turns:
        return Unscorable.TEXT_GONE
    heard = facts.roles != "none" and (not wanted.roles or facts.roles in wanted.roles)
    if card.judges == "operator" and not (heard and call.knows("operator") and call.knows("client")):
        return Unscorable.ROLES_UNKNOWN
    if facts.needs_review:
        return Unscorable.TEXT_DOUBTFUL
    if wanted.languages and facts.language not in wanted.languages:
        return Unscorable.WRONG_LANGUAGE
    if call.speech_seconds(facts.words_per_minute) < wanted.min_speech_sec:
        return Unscorable.TOO_SHORT
    return None
