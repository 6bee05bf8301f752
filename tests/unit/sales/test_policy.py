"""Reviewed settings of sales: their defaults, what variables override, what is refused."""

import pytest

from include.common.errors import NotConfigured
from include.sales.policy import ENVIRONMENT, SalesPolicy, load_cities, load_sales_policy


def test_the_file_is_valid_and_variables_override_it() -> None:
    policy = load_sales_policy({"SALES_TIMEZONE": "Asia/Omsk", "GMAIL_SENDERS": "qtickets.ru, mail.qtickets.ru"})
    assert policy.zone.key == "Asia/Omsk"
    assert policy.gmail.senders == ("qtickets.ru", "mail.qtickets.ru")


def test_every_variable_is_of_a_field() -> None:
    for section, field in ENVIRONMENT.values():
        annotation = SalesPolicy.model_fields[section].annotation
        assert annotation is not None
        assert field in annotation.model_fields


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("SALES_TIMEZONE", "Moscow", "часовой пояс"),
        ("GMAIL_SENDERS", "qtickets", "имена доменов"),
        ("QTICKETS_RPS", "0", "число больше нуля"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_accepted(variable: str, value: str, accepted: str) -> None:
    with pytest.raises(NotConfigured) as refused:
        load_sales_policy({variable: value})
    assert accepted in str(refused.value.facts["accepted"])
    assert refused.value.facts["where"] == variable


def test_no_spelling_means_two_cities() -> None:
    cities = load_cities()
    spellings = [row.alias for row in cities.rows()]
    assert len(spellings) == len(set(spellings)) > 25
    assert cities.of_alias("MOSKVA") == "Москва"
    assert cities.of_alias("atlantis") == "atlantis"
