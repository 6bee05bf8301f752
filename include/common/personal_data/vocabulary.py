"""The words of `vocabulary.yaml`, read once."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_suffix(".yaml")


def words(section: str, *names: str) -> frozenset[str]:
    return frozenset(_entry(section, *names).split())


def beginnings(section: str, *names: str) -> tuple[str, ...]:
    """In their order, for `str.startswith`."""
    return tuple(_entry(section, *names).split())


def phrases(section: str, name: str) -> tuple[tuple[str, ...], ...]:
    """Several words each, divided by commas."""
    return tuple(tuple(phrase.split()) for phrase in _entry(section, name).split(","))


def _entry(section: str, *names: str) -> str:
    found: Any = _read()[section]
    for name in names:
        found = found[name]
    return str(found)


@cache
def _read() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return read
