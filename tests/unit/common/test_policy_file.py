"""Any area may have a policy.yaml: read, overridden by variables, checked."""

from pathlib import Path

import pytest

from include.common.errors import NotConfigured
from include.common.policy_file import Count, Section, Share, Words, load_policy_file
from include.common.wording.problems import sentence


class Sales(Section):
    days: Count
    share: Share
    cities: Words


class SalesPolicy(Section):
    sales: Sales


UNREADABLE = "файл policy.yaml не читается: его нет, нет прав, или это не YAML с разделами"
ENVIRONMENT = {"SALES_DAYS": ("sales", "days"), "SALES_CITIES": ("sales", "cities")}


def loaded(tmp_path: Path, text: str = "sales: {days: 3, share: 0.5, cities: []}", **overrides: str) -> Sales:
    file = tmp_path / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return load_policy_file(SalesPolicy, file, ENVIRONMENT, overrides, {}).sales


def test_a_variable_takes_the_place_of_the_files_value(tmp_path: Path) -> None:
    sales = loaded(tmp_path, SALES_DAYS=" 7 ", SALES_CITIES="Москва, Казань", OTHER="1")
    assert (sales.days, sales.share, sales.cities) == (7, 0.5, ("Москва", "Казань"))


def test_an_empty_variable_changes_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, SALES_DAYS=" ") == loaded(tmp_path)


@pytest.mark.parametrize(
    ("text", "overrides", "line", "said"),
    [
        (
            "sales: {days: 3, share: 2, cities: []}",
            {},
            "policy.yaml, sales.share: 2 is not accepted, expected: a share from 0 to 1",
            "policy.yaml, sales.share: значение 2 не подходит, нужно: доля от 0 до 1",
        ),
        (
            "sales: {days: 3, share: 0.5, cities: []}",
            {"SALES_DAYS": "many"},
            "SALES_DAYS: 'many' is not accepted, expected: a whole number above zero",
            "SALES_DAYS: значение 'many' не подходит, нужно: целое число больше нуля",
        ),
        (
            "sales: {days: 3, share: 0.5, cities: [], towns: []}",
            {},
            "policy.yaml, sales.towns: Extra inputs are not permitted",
            "policy.yaml, sales.towns: такой настройки нет или её значение не подходит",
        ),
        ("- 1", {}, "policy.yaml cannot be read (no sections)", UNREADABLE),
        ("a: [", {}, "policy.yaml cannot be read (ParserError)", UNREADABLE),
    ],
)
def test_a_mistake_is_one_line_in_each_language(
    tmp_path: Path, text: str, overrides: dict[str, str], line: str, said: str
) -> None:
    """English for the log, Russian for the operator."""
    with pytest.raises(NotConfigured) as caught:
        loaded(tmp_path, text, **overrides)
    assert (str(caught.value), sentence(caught.value)) == (line, said)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"^policy\.yaml cannot be read \(FileNotFoundError\)$"):
        load_policy_file(SalesPolicy, tmp_path / "policy.yaml", ENVIRONMENT, {}, {})
