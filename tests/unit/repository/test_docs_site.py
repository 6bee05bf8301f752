"""The contents of the site: every page once, each in the part of its language. `make docs` refuses dead links."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

SITE = ROOT / "docs/site"
PARTS = re.findall(r"```\{toctree\}\n(.+?)```", (SITE / "index.md").read_text(encoding="utf-8"), re.DOTALL)
BOTH = {ROOT / "README.md", ROOT / "CHANGELOG.md"}  # English, and for everybody


def caption(part: str) -> str:
    found = re.search(r":caption: (.+)", part)
    assert found is not None
    return found[1]


def pages(part: str) -> list[Path]:
    """A later pattern repeats no page that stands above it."""
    names = [line for line in part.splitlines() if line and not line.startswith(":")]
    return list(dict.fromkeys(path.resolve() for name in names for path in sorted(SITE.glob(name))))


def is_russian(text: str) -> bool:
    return bool(re.search("[а-яё]", text, re.IGNORECASE))


def test_every_page_stands_once_in_the_contents() -> None:
    named = Counter(page for part in PARTS for page in pages(part))
    there = {*(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"), *ROOT.glob("*.md")} - {SITE / "index.md"}
    missing = sorted(str(page.relative_to(ROOT)) for page in there - named.keys())
    assert not missing, f"name them in docs/site/index.md, in the part of their readers: {missing}"
    assert named == Counter(there)


@pytest.mark.parametrize("part", PARTS, ids=caption)
def test_a_page_is_in_the_language_of_its_readers(part: str) -> None:
    for page in set(pages(part)) - BOTH:
        heading = next(line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("# "))
        assert is_russian(heading) == is_russian(caption(part)) or page.name == "README.ru.md", (
            f"{page.name}: {heading}"
        )
