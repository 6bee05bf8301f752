"""The inside of a `batch` request: a command's line, and the sections of the answer with PHP's list traps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from include.common.errors import ContractBroken

Command = tuple[str, Mapping[str, Any]]


def command_line(command: Command) -> str:
    """`method?FILTER[%3EID]=5&start=-1`: in a JSON body names and values are URL-encoded exactly once."""
    method, params = command
    pairs = [f"{name}={value}" for key, item in params.items() for name, value in _pairs(quote(key, safe=""), item)]
    return f"{method}?{'&'.join(pairs)}"


def section(result: Mapping[str, Any], name: str, keys: Sequence[str]) -> dict[str, Any]:
    """One of the five parts of the answer by command key; `keys` are those it may speak of, in the order sent.

    PHP writes an empty part as `[]`, and some portals a part with results as a list without keys: it is read in the
    order of the commands if it speaks of all of them. Raises ContractBroken for anything else.
    """
    part = result.get(name)
    if part is None or part == []:
        return {}
    if isinstance(part, dict) and part.keys() <= set(keys):
        return part
    if isinstance(part, list) and len(part) == len(keys):
        return dict(zip(keys, part, strict=True))
    raise ContractBroken(f"batch: the part `{name}` of the portal's answer does not match the commands")


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(f"{name}[{quote(str(key), safe='')}]", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _pairs(f"{name}[{index}]", item)
    else:
        yield name, quote(str(value), safe="")
