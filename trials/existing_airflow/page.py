"""The page's own commands, by the heading under which they stand."""

import re
from pathlib import Path

from ops.settings.profile import REPOSITORY

PAGE = REPOSITORY / "docs/install/existing_airflow.md"
_HEADING = re.compile(r"^## (?:\d+\. )?(.+)$")


def blocks(language: str, page: Path = PAGE) -> dict[str, list[str]]:
    """All blocks of the language, by heading, in the order of the text."""
    found: dict[str, list[str]] = {}
    heading = ""
    block: list[str] | None = None
    for line in page.read_text(encoding="utf-8").splitlines():
        if block is not None:
            if line == "```":
                found.setdefault(heading, []).append("\n".join(block))
                block = None
            else:
                block.append(line)
        elif line == f"```{language}":
            block = []
        elif named := _HEADING.match(line):
            heading = named[1]
    return found


def filled(text: str, **values: str) -> str:
    """The block with a person's values in the places of `<name>`. Raises ValueError for a place that is left."""
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    if left := re.findall(r"<[a-z]+>", text):
        raise ValueError(f"{left} in {text!r}")
    return text
