"""How the portal's PHP reads parameters and writes arrays."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

Params = dict[str, Any]


def parse_query(text: str) -> Params:
    """`parse_str`: brackets make nested arrays, `[]` appends, the later value of one name wins."""
    params: Params = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        _put(params, [head, *rest], value)
    return params


def _put(target: Params, path: list[str], value: str) -> None:
    key = path[0] if path[0] else str(len(target))
    if len(path) == 1:
        target[key] = value
        return
    inner = target.get(key)
    if not isinstance(inner, dict):
        inner = target[key] = {}
    _put(inner, path[1:], value)


def upper_keys(params: Mapping[str, Any]) -> Params:
    """`array_change_key_case(..., CASE_UPPER)`: of two names that differ in case only, the later one stays."""
    return {str(name).upper(): value for name, value in params.items()}


def as_array(value: Any) -> Params:
    """A PHP array has keys, also if JSON had a list."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return {}


def as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return list(value.values()) if isinstance(value, Mapping) else [value]


def encode_array(values: Mapping[str, Any]) -> dict[str, Any] | list[Any]:
    """`json_encode` of an array: an empty one, or one with the keys 0..n-1 in order, becomes a list."""
    if list(values) == [str(index) for index in range(len(values))]:
        return list(values.values())
    return dict(values)


def intval(value: Any) -> int:
    """`(int)$value`: leading digits, 0 for anything else."""
    if isinstance(value, bool | int | float):
        return int(value)
    if not isinstance(value, str):
        return 0
    text = value.strip()
    sign, rest = (text[:1], text[1:]) if text[:1] in ("-", "+") else ("", text)
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return int(sign + rest[:digits]) if digits else 0
