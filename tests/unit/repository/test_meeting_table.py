"""docs/runs_that_meet.md and the tests agree: each pair names tests that exist."""

import re

import pytest

from tests.kit.paths import ROOT
from tests.unit.repository.test_fault_table import PROOF, names_in

HEAD = "| First | Then | What happens | Test |"
ROWS = [
    line
    for line in (ROOT / "docs" / "runs_that_meet.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and line != HEAD
]
PAIRS = (  # what must be answered
    *("another run over shared days", "an older run is published again", "resume of it", "two resumes"),
    *("with Downstream", "without Downstream", "marked failed", "is deleted", "database is lost"),
    *("QA", "rebuild", "deliver", "retention", "erasure"),
)


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " + ".join(cells(row)[:2])[:60])
def test_each_pair_is_complete_and_its_tests_exist(row: str) -> None:
    assert len(cells(row)) == 4
    assert all(cells(row))
    proofs = PROOF.findall(test := cells(row)[3])
    assert proofs
    assert len(proofs) == len(re.findall(r"`[^`]+`", test)), "each name in the cell is a test"
    for file, name in proofs:
        assert name in names_in(file or "tests/**/test_*.py")


@pytest.mark.parametrize("pair", PAIRS)
def test_each_kind_of_meeting_has_a_pair(pair: str) -> None:
    assert any(pair in cells(row)[1] for row in ROWS)
