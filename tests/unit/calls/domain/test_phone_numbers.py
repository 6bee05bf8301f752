"""The spellings of a number, and how they are found."""

import re

import pytest

from include.calls.domain.phone_numbers import canonical_number, pattern_of, spelled_alike

KNOWN = ["+74951234567", "84951234567", "reg101", "+74951234568", "101", "+380501234567", ""]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("74951234567", ["+74951234567", "84951234567"]),
        ("8 (495) 123-45-67", ["+74951234567", "84951234567"]),
        ("101", ["101"]),
        ("reg101", ["reg101"]),
        ("reg102", []),
        ("+7 495 123-45-69", []),
        ("501234567", []),
    ],
)
def test_the_spellings_of_a_line(said: str, meant: list[str]) -> None:
    assert spelled_alike(said, KNOWN) == meant


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
    assert re.search(pattern_of("+79991234567"), text)


@pytest.mark.parametrize("text", ["179991234567", "99912345678", "+7999123456", "1999,1234567"])
def test_a_part_of_a_longer_number_is_not_found(text: str) -> None:
    assert not re.search(pattern_of("+79991234567"), text)


def test_a_foreign_number_is_found() -> None:
    for text in ("+380501234567", "380501234567", "00380501234567", "380 (50) 123-45-67"):
        assert re.search(pattern_of("+380501234567"), text)
