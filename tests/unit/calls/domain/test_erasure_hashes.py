"""The spelling of a number whose calls are erased."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from include.calls.domain.erasure import SubjectKind, Tombstone
from include.calls.domain.erasure_hashes import ErasedCalls, ErasureKey, canonical_number, spellings_of
from include.calls.state.erasures import Candidate


@pytest.mark.parametrize(
    "text",
    [
        "+79991234567",
        "89991234567",
        "79991234567",
        "9991234567",
        "0079991234567",
        "8 (999) 123-45-67",
        "x+7 999 123 45 67.",
    ],
)
def test_a_number_is_found_in_every_spelling(text: str) -> None:
    assert re.search(spellings_of("+79991234567"), text)


@pytest.mark.parametrize("text", ["179991234567", "99912345678", "+7999123456", "1999,1234567"])
def test_a_part_of_a_longer_number_is_not_found(text: str) -> None:
    assert not re.search(spellings_of("+79991234567"), text)


def test_a_foreign_number_is_found() -> None:
    for text in ("+380501234567", "380501234567", "00380501234567", "380 (50) 123-45-67"):
        assert re.search(spellings_of("+380501234567"), text)


def test_of_two_demands_for_a_number_the_later_end_counts() -> None:
    key, early, late = ErasureKey.of("key"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    stones = [Tombstone(key.of_number("+79991234567"), SubjectKind.NUMBER, key.name, end) for end in (late, early)]
    call = Candidate(1, 1, "call-1", "+79991234567", "+74950000000", "+74950000000", late)
    assert ErasedCalls(stones, key).cover(call, late)
    assert not ErasedCalls(stones, key).cover(call, late + timedelta(seconds=1))
    endless = Tombstone(stones[0].hash, SubjectKind.NUMBER, key.name, None)
    assert ErasedCalls([stones[0], endless, stones[1]], key).cover(call, late + timedelta(days=1))


@pytest.mark.parametrize(
    ("canonical", "spelled"),
    [
        ("+79991234567", ["8 (999) 123-45-67", "0079991234567", "sips:79991234567@host", "SIP:+79991234567@host"]),
        ("+79991234567", ["tel:+7-999-123-45-67", "+89991234567", "9991234567"]),
        ("+380501234567", ["380501234567", "00380501234567", "810380501234567", "sip:380501234567@host"]),
        ("+375291234567", ["375291234567", "+375 29 123-45-67"]),
        ("+998901234567", ["998901234567"]),
        ("+12124567890", ["12124567890", "+1 212 456 7890"]),
        ("+81312345678", ["+81312345678"]),
        ("+74951234567", ["84951234567", "4951234567"]),
        ("", ["112", "anonymous", "0012"]),
    ],
)
def test_every_spelling_of_a_number_is_one_number(canonical: str, spelled: list[str]) -> None:
    assert {canonical_number(number) for number in [*spelled, *filter(None, [canonical])]} == {canonical}
