"""The inside of a `batch` request: the line of a command, and the parts of the response with PHP's list traps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from include.clients.bitrix24.responses import unknown_form

Command = tuple[str, Mapping[str, Any]]


def command_line(command: Command) -> str:
    """`method?FILTER[%3EID]=5&start=-1`: in a JSON body names and values are URL-encoded exactly once."""
    method, params = command
    pairs = [f"{name}={value}" for key, item in params.items() for name, value in _pairs(quote(key, safe=""), item)]
    return f"{method}?{'&'.join(pairs)}"


def section(result: Mapping[str, Any], name: str, keys: Sequence[str]) -> dict[str, Any]:
    """One of the five parts of the response by command key; `keys` are those that may occur, in the order sent.

    PHP writes an empty part as `[]`, and some portals write a part with results as a list without keys: such a list
    is read in the order of the commands if it has an item for each. Raises ContractBroken for any other form.
    """
    part = result.get(name)
    if part is None or part == []:
        return {}
    if isinstance(part, dict) and part.keys() <= set(keys):
        return part
    if isinstance(part, list) and len(part) == len(keys):
        return dict(zip(keys, part, strict=True))
    raise unknown_form("batch", f"the part `{name}` of the response does not match the commands")


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(f"{name}[{quote(str(key), safe='')}]", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _pairs(f"{name}[{index}]", item)
    else:
        yield name, quote(str(value), safe="")
