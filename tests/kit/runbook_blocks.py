"""What the runbook tells people to type, as its reader sees it: shell commands and SQL."""

import re
from pathlib import Path

from markdown_it import MarkdownIt

from tests.kit.paths import ROOT

RUNBOOK = ROOT / "docs/runbooks/call_export.md"
BACKUPS = ROOT / "docs/runbooks/backups.md"
_PROGRAMS = ("make ", "docker ", ".venv/", "find ", "grep ")


def commands(page: Path = RUNBOOK) -> list[str]:
    """Every shell command once, in the order of the text: lines of its blocks and whole commands inside sentences."""
    found: dict[str, None] = {}
    for token in MarkdownIt("gfm-like").parse(page.read_text(encoding="utf-8")):
        spans = [child.content for child in token.children or [] if child.type == "code_inline"]
        lines = token.content.splitlines() if token.type == "fence" and token.info == "bash" else []
        for text in (*spans, *lines):
            command = re.sub(r"\s+#.*", "", text).strip()
            if command.startswith(_PROGRAMS):
                found[command.replace("RUN_ID=...", "RUN_ID=<run_id>")] = None
            else:
                assert text not in lines, f"{text!r} is run by no test: teach tests/kit/runbook_blocks.py its program"
    return list(found)


def statements() -> list[str]:
    """Every SQL statement of its blocks."""
    blocks = re.findall(r"```sql\n(.+?)```", RUNBOOK.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [statement.strip() for block in blocks for statement in block.split(";\n") if statement.strip()]


def filled(text: str, **values: object) -> str:
    """The command or statement with a person's values in the places of `<run_id>` and the like."""
    for name, value in values.items():
        text = text.replace(f"<{name}>", str(value))
    left = re.findall(r"<[^<> ][^<>]*>", text)
    assert not left, f"{left} in {text!r}"
    return text
