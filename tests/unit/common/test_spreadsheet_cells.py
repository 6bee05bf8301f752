"""Text stays text in a spreadsheet: formulas in the registry, numbers and dates as well in a table to be filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.common.spreadsheet_cells import formula_safe, kept_as_text, original_text, plain_text, without_mark

FORMULAS = [
    "=cmd|' /c calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",
    '=HYPERLINK("https://evil.example";"нажми")',
]
REWRITTEN = [
    "007",
    "1E5",
    "1.50",
    "1754478570.11438214",
    "11018129443E80",
    "12345678901234567890",
    "1/2",
    "12:30",
    "2025-08-01",
    "50%",
    "True",
    "ложь",
]
KEPT = ["", "0", "9079", "externalCall.716f.1754478570", "Оператор 12", "[Клиент]: да", "url-00ff00ff00ff00ff", "a=b"]
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]))


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_is_marked(value):
    assert formula_safe(value) == "'" + value


@pytest.mark.parametrize("value", [*REWRITTEN, *KEPT, "'в кавычке", "74951234567"])
def test_the_registry_changes_nothing_else(value):
    assert formula_safe(value) == value


@pytest.mark.parametrize("value", [*FORMULAS, *REWRITTEN, "'в кавычке"])
def test_a_table_to_fill_in_marks_all_but_text(value):
    assert kept_as_text(value).startswith("'")


@pytest.mark.parametrize("value", KEPT)
def test_ordinary_text_stays_as_it_is(value):
    assert kept_as_text(value) == value


@given(st.text(alphabet="'=+-@ ＝a1\t\n") | ANY_TEXT)
def test_both_marks_are_reversible_for_any_text(value):
    assert without_mark(formula_safe(value)) == value
    assert original_text(kept_as_text(value)) == plain_text(value)


@given(st.text(alphabet="'=+-@ ＝a1") | ANY_TEXT)
def test_no_cell_begins_like_a_formula(value):
    for cell in (formula_safe(value), kept_as_text(value)):
        assert cell.lstrip()[:1] not in {"=", "+", "-", "@"} - {""}


def test_control_characters_go_line_ends_are_alike():
    assert plain_text("a\x00\x07b\r\nc\rd\te") == "ab\nc\nd\te"
