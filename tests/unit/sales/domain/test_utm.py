"""Labels of strangers: read the same in every form they come in, never raised upon, never with a contact in them."""

import re

from hypothesis import given
from hypothesis import strategies as st

from include.sales.domain.utm import (
    NO_CITY,
    NO_UTM,
    CityDay,
    Utm,
    city_and_day,
    link_without_fragment,
    utm_from_fields,
    utm_from_link,
    utm_from_query,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_php_sends_a_list_where_there_is_none() -> None:
    assert utm_from_fields([]) == utm_from_fields({}) == utm_from_fields(None) == NO_UTM


def test_an_object_a_query_and_a_link_agree() -> None:
    fields = {"utm_source": "VK", "utm_medium": "cpc", "utm_campaign": "Тур ", "utm_content": "Moskva_28_11"}
    query = "utm_source=VK&utm_medium=cpc&utm_campaign=%D0%A2%D1%83%D1%80+&utm_content=Moskva_28_11"
    expected = Utm("vk", "cpc", "тур", "moskva_28_11")
    assert utm_from_fields(fields) == utm_from_query(query) == expected
    assert utm_from_link(f"https://example.ru/?a=1&{query}#top") == expected


def test_a_value_is_decoded_once() -> None:
    assert utm_from_query("utm_term=%2525").term == "%25"


def test_the_first_of_two_equal_names_counts() -> None:
    assert utm_from_query("utm_source=one&utm_source=two").source == "one"


def test_contacts_are_hidden_and_numbers_of_campaigns_are_not() -> None:
    found = utm_from_fields(
        {"utm_term": "name@example.ru", "utm_content": "+7 (910) 000-00-00", "utm_campaign": "1234567890"}
    )
    assert found == Utm(term="***", content="***", campaign="1234567890")
    assert (
        link_without_fragment("https://example.ru/?u=89100000000&id=12345678#x")
        == "https://example.ru/?u=***&id=12345678"
    )


def test_a_link_that_is_none_is_not_kept() -> None:
    assert [
        link_without_fragment(text) for text in ("javascript:alert(1)", "https://u:p@example.ru/", "http://[", "")
    ] == [""] * 4


def test_city_and_day_of_the_whole_label_only() -> None:
    assert city_and_day("moskva_28_11") == CityDay("moskva", 28, 11)
    assert city_and_day("Ростов-на-Дону_01_02") == CityDay("ростов-на-дону", 1, 2)
    for other in (
        "moskva_32_11",
        "moskva_28_13",
        "moskva_00_11",
        "moskva_28_11_x",
        "x moskva_28_11",
        "moskva_2_11",
        "",
        "{city}_28_11",
    ):
        assert city_and_day(other) == NO_CITY


@given(ANYTHING)
def test_any_json_is_read_without_an_error(value: object) -> None:
    found = utm_from_fields(value)
    assert all(isinstance(part, str) and len(part) <= 200 for part in found)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    for found in (utm_from_query(text), utm_from_link(text)):
        assert not any(re.search(r"[\x00-\x1f]", part) for part in found)
    assert city_and_day(text).day in range(32)
    assert "@" not in link_without_fragment(text)


@given(st.dictionaries(st.sampled_from(["utm_source", "utm_term"]), st.text(max_size=300)))
def test_reading_what_was_read_changes_nothing(fields: dict[str, str]) -> None:
    once = utm_from_fields(fields)
    again = utm_from_fields({f"utm_{name}": value for name, value in once._asdict().items()})
    assert again == once
