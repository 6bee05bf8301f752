"""docs/glossary.md is followed: the words that it bans do not occur in the product's Python."""

import re
from pathlib import Path

from tests.kit.paths import ROOT
from tests.kit.prose import comments_and_docstrings, identifiers

TOPS = ("include", "plugins", "jobs", "ops", "dags", "simulators", "trials")
PAGE = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
TERM = re.compile(r"^\| \*\*([^*]+)\*\* \|", re.MULTILINE)
BANNED = [
    re.compile(rf"\b(?:{pattern.replace(chr(92) + '|', '|')})\b", re.IGNORECASE)
    for pattern in re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## Words that do not occur")[2], re.MULTILINE)
]


FILES = sorted(path for top in TOPS for path in (ROOT / top).rglob("*.py"))


def offences(path: Path) -> list[str]:
    read = [*comments_and_docstrings(path), *identifiers(path)]
    return [f"{line}: {found[0]}" for line, text in read for rule in BANNED for found in rule.finditer(text)]


def test_no_banned_word_occurs() -> None:
    assert {str(path.relative_to(ROOT)): found for path in FILES if (found := offences(path))} == {}


def test_the_page_bans_something() -> None:
    assert len(BANNED) > 10


def test_each_term_has_one_meaning() -> None:
    terms = TERM.findall(PAGE)
    assert len(terms) == len(set(terms))
    assert len(terms) > 50
