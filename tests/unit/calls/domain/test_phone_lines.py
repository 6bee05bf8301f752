"""Which stored spellings a person's spelling of a phone line means."""

import pytest

from include.calls.domain.phone_lines import spellings_of

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
    assert spellings_of(said, KNOWN) == meant
