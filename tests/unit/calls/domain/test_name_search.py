"""Names are found in files of any size as whole ones, and exactly where one slow pattern of all of them finds them."""

import random
import re
from io import BytesIO

import pytest

from include.calls.domain import name_search
from include.calls.domain.name_search import NameSearch, Seen, any_of
from include.calls.domain.phone_numbers import pattern_of

NUMBER = "+79161234567"


def seen(content: bytes, *names: str, number: str | None = None) -> Seen:
    return NameSearch(names, [number] if number else []).look(BytesIO(content))


@pytest.mark.parametrize("content", ["call-1;", "x;call-1", "call_call-1.txt", '{"id": "call-1"}', "call-1.", "call-1"])
def test_an_id_is_found_as_a_whole_one(content: str) -> None:
    assert seen(content.encode(), "call-1", "call-7").names


@pytest.mark.parametrize("content", ["call-10", "xcall-1", "call-1.5", "call-1-2", "", "call-", "CALL-1"])
def test_an_id_within_a_longer_one_is_another(content: str) -> None:
    assert not seen(content.encode(), "call-1", "call-7").names


def test_the_shorter_of_two_ids_is_found_where_the_longer_is_not() -> None:
    assert seen(b"ab_12", "ab", "ab_1").names


@pytest.mark.parametrize("content", ["8 (916) 123-45-67", NUMBER, NUMBER[2:], "x 7 916 1234567."])
def test_a_number_is_found_in_its_spellings(content: str) -> None:
    assert seen(content.encode(), "call-1", number=NUMBER) == Seen(names=False, number=True)


@pytest.mark.parametrize(
    "content", [f"{NUMBER}8", "1916 123 45 67", "916 123 45 6", "916 123a45 67", "1.916 123 45 67"]
)
def test_a_number_within_a_longer_one_is_another(content: str) -> None:
    expected = re.search(pattern_of(NUMBER), content) is not None
    assert seen(content.encode(), "call-1", number=NUMBER).number is expected


def test_nothing_is_lost_where_blocks_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the file is cut, the answer is that of one pattern over the whole file."""
    texts = [
        "call-1",
        "call-10",
        "call-1.5",
        "xcall-1",
        "MANGO_2",
        "MANGO_20",
        "звонок-3",
        "8 (916) 123-45-67",
        ";",
        "9",
    ]
    names = ["call-1", "MANGO_2", "звонок-3", "call_%4D_2"]
    chance = random.Random(5)
    found = 0
    for _ in range(2000):
        content = "".join(chance.choice(texts) for _ in range(chance.randrange(1, 9))).encode()
        monkeypatch.setattr(name_search, "_BLOCK", chance.randrange(1, 40))
        expected = Seen(
            re.search(any_of(names).encode(), content) is not None,
            re.search(pattern_of(NUMBER).encode(), content) is not None,
        )
        both = NameSearch(names, [NUMBER])
        assert (both.look(BytesIO(content)), content) == (expected, content)
        found += any(expected)
    assert 200 < found < 1800
