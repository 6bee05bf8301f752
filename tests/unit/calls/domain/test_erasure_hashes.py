"""The spelling of a number whose calls are erased."""

import re

import pytest

from include.calls.domain.erasure_hashes import spellings_of


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
