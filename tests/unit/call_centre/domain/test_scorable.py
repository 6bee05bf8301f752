"""Which calls are not bought at all."""

from dataclasses import replace

import pytest

from include.call_centre.domain.scorable import TextFacts, Unscorable, applies, unscorable
from include.call_centre.domain.spoken_call import SpokenCall
from tests.unit.call_centre.domain.cards import BODY, CALL, card

FACTS = TextFacts("channels", "ru", needs_review=False, direction="inbound", tags=("цена",), words_per_minute=None)
NARROW = card(
    applies_to={
        "directions": ["inbound"],
        "roles": ["channels"],
        "languages": ["ru"],
        "min_speech_sec": 15,
        "tags_any": ["цена"],
    }
)


@pytest.mark.parametrize(
    ("facts", "call", "reason"),
    [
        (FACTS, CALL, None),
        (replace(FACTS, roles="none"), CALL, Unscorable.ROLES_UNKNOWN),
        (replace(FACTS, roles="diarized"), CALL, Unscorable.ROLES_UNKNOWN),
        (FACTS, SpokenCall.of(BODY.replace("Оператор", "Собеседник 1"), 42), Unscorable.ROLES_UNKNOWN),
        (replace(FACTS, needs_review=True), CALL, Unscorable.TEXT_DOUBTFUL),
        (replace(FACTS, language="de"), CALL, Unscorable.WRONG_LANGUAGE),
        (replace(FACTS, words_per_minute=400.0), CALL, Unscorable.TOO_SHORT),
        (FACTS, SpokenCall.of("", 42), Unscorable.TEXT_GONE),
    ],
)
def test_a_call_that_cannot_be_judged_is_not_bought(
    facts: TextFacts, call: SpokenCall, reason: Unscorable | None
) -> None:
    assert unscorable(NARROW, facts, call) is reason


def test_a_card_is_for_its_calls_only() -> None:
    assert applies(NARROW, FACTS)
    assert not applies(NARROW, replace(FACTS, direction="outbound"))
    assert not applies(NARROW, replace(FACTS, tags=("жалоба",)))
