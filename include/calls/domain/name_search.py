"""Looks for ids of calls, names of files and phone numbers in files of any size, in one pass and in constant memory.

A registry of a year is hundreds of megabytes and names sixty calls out of a hundred thousand. One pattern of all ids,
with what must not stand before it, is tried at every byte: 10 MB a second. A pattern that begins with plain text is
looked for by the search of memory itself, so ids are put together by how they begin, and what must not stand before
them is asked afterwards: a gigabyte a second.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile
from typing import IO, NamedTuple

from include.calls.domain.phone_numbers import pattern_of

_BLOCK = 4 << 20  # bytes read at a time
_ALIKE = 4  # characters: ids that begin with so many equal ones share a pattern
_NO_LETTER = "[A-Za-z0-9]"
_ENDS = rf"(?!{_NO_LETTER}|[.-][0-9])"
_AHEAD = 2  # bytes that `_ENDS` looks at
_BETWEEN_DIGITS = b" \t\n\r\f\v().-"  # what `pattern_of` allows there
_LONGEST_NUMBER = 256  # bytes of a number with what people write between its digits


class Seen(NamedTuple):
    """What a file holds."""

    names: bool
    number: bool


class NameSearch:
    """Ids are found as whole ones: `call-1` is not in `call-10`, nor in `call-1.5`. `numbers` are canonical ones."""

    def __init__(self, names: Iterable[str], numbers: Iterable[str] = ()) -> None:
        wanted = sorted({name for name in names if name})
        self._names = [re.compile(pattern.encode()) for pattern in _patterns(wanted)]
        self._numbers = [
            (re.sub(r"\D", "", number.removeprefix("+7")).encode(), re.compile(pattern_of(number).encode()))
            for number in sorted(set(numbers))
        ]
        longest = max((len(name.encode()) for name in wanted), default=0)
        self._carried = max(longest + _AHEAD + 1, _LONGEST_NUMBER if self._numbers else 0)

    def look(self, file: IO[bytes]) -> Seen:
        """In one pass over what is left to read, and no further than needed."""
        names = number = False
        for block in self._blocks(file):
            names = names or any(map(block.has, self._names))
            number = number or self._has_number(block)
            if names and (number or not self._numbers):
                break
        return Seen(names, number)

    def _blocks(self, file: IO[bytes]) -> Iterator["_Block"]:
        """Each begins with the end of the one before it, so that nothing is cut in two."""
        carried, begin, data = b"", 0, file.read(_BLOCK)
        while data:
            following = file.read(_BLOCK)
            block = carried + data
            yield _Block(block, begin, len(block) - _AHEAD if following else len(block))
            begin = 1 if len(block) > self._carried else begin
            carried, data = block[-self._carried :], following

    def _has_number(self, block: "_Block") -> bool:
        """The pattern is slow, and few blocks have the digits at all."""
        if not self._numbers:
            return False
        bare = block.data.translate(None, _BETWEEN_DIGITS)
        return any(digits in bare and block.has(pattern) for digits, pattern in self._numbers)


class _Block(NamedTuple):
    """What is found before `begin` or ends after `end` is cut off there; the block before, or after, has it whole."""

    data: bytes
    begin: int
    end: int

    def has(self, pattern: re.Pattern[bytes]) -> bool:
        return any(self.begin <= match.start() and match.end() <= self.end for match in pattern.finditer(self.data))


def _patterns(names: list[str]) -> Iterator[str]:
    """A pattern for all names that begin alike; `names` are sorted."""
    for _, group in groupby(names, key=lambda name: name[:_ALIKE]):
        alike = list(group)
        first = _common_beginning(alike[0], alike[-1])
        rest = sorted((name[len(first) :] for name in alike), key=lambda text: (-len(text), text))
        begin = re.escape(first)
        yield f"{begin}(?<!{_NO_LETTER}{begin})(?:{'|'.join(map(re.escape, rest))}){_ENDS}"


def _common_beginning(one: str, other: str) -> str:
    """That of the first and the last of sorted texts is that of all of them."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(letter for letter, _ in alike)


def any_of(names: Iterable[str]) -> str:
    """One pattern for the same names, which PostgreSQL reads too."""
    longest_first = sorted(names, key=lambda text: (-len(text), text))
    return f"(?<!{_NO_LETTER})(?:{'|'.join(map(re.escape, longest_first))}){_ENDS}"
