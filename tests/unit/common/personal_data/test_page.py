"""The page for operators says what the rules do: its examples and its figures are compared with them."""

import re

import pytest

from include.common.personal_data.hiding import without_personal_data
from include.common.wording.personal_data import MARKS
from tests.kit.labelled_speech import scores
from tests.kit.paths import ROOT

PAGE = (ROOT / "docs/runbooks/personal_data.md").read_text(encoding="utf-8")
_TABLES = PAGE.split("| сказано | остаётся |\n|---|---|\n")[1:]
EXAMPLES = [
    tuple(cell.strip() for cell in row.strip("|").split("|"))
    for table in _TABLES
    for row in table.split("\n\n")[0].splitlines()
]


@pytest.mark.parametrize(("said", "left"), EXAMPLES)
def test_an_example_is_what_the_rules_do(said: str, left: str) -> None:
    assert without_personal_data(said) == left


def test_each_kind_has_an_example() -> None:
    assert len(EXAMPLES) >= 20
    assert set(MARKS.values()) == set(re.findall(r"\[\w+\]", " ".join(left for _, left in EXAMPLES)))


def test_the_figures_are_those_of_the_rules() -> None:
    halves = [scores("tuned"), scores("held_out")]
    for kind in halves[0].keys() | halves[1].keys():
        figures = [figure for half in halves for figure in (half[kind].recall, half[kind].precision)]
        cells = " | ".join(f"{figure:.3f}".replace(".", ",") for figure in figures)
        assert f"| `{MARKS[kind]}` | {cells} |" in PAGE
