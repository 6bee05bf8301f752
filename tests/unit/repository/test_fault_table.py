"""The pages of faults and the tests agree: each row names an existing test, and each test of a fault has a row."""

import ast
import re
from functools import cache

import pytest

from tests.kit.paths import ROOT

HEAD = "| Сбой | Что видно | Что делает система | Тест |"
PAGES = ("docs/faults.md", "docs/sales/faults.md")
ROWS = [
    line
    for page in PAGES
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and line != HEAD
]
PROOF = re.compile(r"`(?:([\w/]+\.py)::)?(?:Test\w+::)?(test_\w+)`")  # with or without its file (a path) and class
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/faults").rglob("test_*.py"))


def proofs(row: str) -> list[tuple[str, str]]:
    return PROOF.findall(row.strip("|").rpartition("|")[2])


@cache
def names_in(pattern: str) -> frozenset[str]:
    """Names of the test functions in the files that fit the pattern, a path relative to the repository's root."""
    return frozenset(
        node.name
        for path in ROOT.glob(pattern)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_each_row_is_complete_and_its_tests_exist(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 4
    assert all(cells)
    assert proofs(row)
    for file, name in proofs(row):
        assert name in names_in(file or "tests/**/test_*.py")


@pytest.mark.parametrize("file", FILES)
def test_each_test_of_a_fault_has_a_row(file: str) -> None:
    assert names_in(file) <= {name for row in ROWS for _, name in proofs(row)}
