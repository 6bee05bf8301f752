"""Markdown from templates; every value is escaped unless it is marked as safe."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&#$!@]")
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word it marks nothing: stt_timeout
_AUTOLINK = re.compile(r"(?i)(?<=\bwww)(?=\.)|(?<=[a-z])(?=:/)")
_LIST_START = re.compile(r"^(?:[-+=](?=[-+=\s]|$)|\d+(?=[.)](?:\s|$)))")

Cell = str | Mapping[str, str]


def escaped(value: str) -> str:
    """`value` as plain text anywhere in Markdown: no markup, no HTML, no link, one line."""
    text = _SPECIAL.sub(r"\\\g<0>", " ".join(value.split()))
    text = _AUTOLINK.sub(r"\\", _OUTER_UNDERSCORE.sub(r"\_", text))
    return _LIST_START.sub(lambda match: _escape_last(match.group()), text)


def code(value: str) -> Markup:
    """`value` as a code span, which may stand in a table."""
    return Markup("`{}`").format(Markup(" ".join(value.replace("`", "'").split()).replace("|", r"\|")))  # noqa: S704


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], code_in: Sequence[int] = ()) -> Markup:
    """A table; the columns numbered in `code_in` become code spans, missing cells at a row's end stay empty.

    A cell is a text, or a `text` with the address `to` that it leads to.
    """

    def shown(cell: Cell, place: int) -> str:
        if isinstance(cell, str):
            return code(cell) if place in code_in and cell != "—" else escaped(cell)
        return f"[{shown(cell['text'], place)}](<{cell['to']}>)"

    def line(cells: Sequence[Cell]) -> str:
        written = [shown(cell, place) for place, cell in enumerate(cells)]
        return "| " + " | ".join([*written, *[""] * (len(head) - len(cells))]) + " |"

    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *map(line, rows)]
    return Markup("\n".join(lines))  # noqa: S704


def render(template: str, **context: Any) -> str:
    """The filled-in template of `include/calls/reporting/templates`; a placeholder without a value is an error."""
    environment = Environment(
        loader=PackageLoader("include.calls.reporting"),
        autoescape=False,  # noqa: S701  # HTML's escaping is the wrong one: `finalize` escapes for Markdown
        finalize=lambda value: value if isinstance(value, Markup) else escaped(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(table=table)
    return environment.get_template(template).render(**context)


def _escape_last(text: str) -> str:
    # "1." needs its point escaped, "-" the dash itself; both start a list at the beginning of a line
    return f"{text}\\" if text[-1].isdigit() else f"{text[:-1]}\\{text[-1]}"
