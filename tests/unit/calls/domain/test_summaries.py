"""A caller's words, and the response of a model that obeys them, cannot act on a reader of the summary."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.calls.domain.summaries import (
    MAX_FREE_TAGS,
    MAX_ITEM,
    MAX_ITEMS,
    MAX_SUMMARY,
    MAX_TAG,
    CallSummary,
    answer_schema,
    checked_summary,
)
from include.common.errors import ErrorCode, Permanent
from include.common.plain_text import plain_line
from include.common.wording.personal_data import MARKS
from tests.kit.paths import DATA

VOCABULARY = ("заказ", "оплата", "доставка", "возврат")
MAX_TAGS = 4

TEXTS: dict[str, list[str]] = json.loads((DATA / "hostile_texts.json").read_text())
PHONES, ADDRESSES = TEXTS["phones"], TEXTS["addresses"]
MARK = re.compile(rf"(?:{'|'.join(map(re.escape, MARKS.values()))})(?![(\[:])")  # where it begins no link
HOSTILE = [text for kind in TEXTS.values() for text in kind]


def short(text: str) -> str:
    return ascii(text)[1:41]


def obedient(text: str) -> dict[str, Any]:
    """The response of a model that does whatever the caller says: the hostile text in every field."""
    return {
        "summary": f"Итог {text}",
        "topics": [text, f"Тема {text}"],
        "objections": [text] * 50,
        "next_steps": [f"{text} {text}"],
        "tags": [text, "оплата"],
        "free_tags": [text, f"vip {text}", "vip|admin", "срочно", "ещё один"],
    }


def fields(summary: CallSummary) -> list[str]:
    return [summary.summary, *summary.topics, *summary.objections, *summary.next_steps, *summary.tags]


def test_there_are_at_least_fifty_hostile_texts():
    assert len(set(HOSTILE)) >= 50


@pytest.mark.parametrize("text", HOSTILE, ids=short)
def test_fields_are_short_inert_lines(text: str):
    """Whatever an obedient model repeats."""
    summary = checked_summary(obedient(text), VOCABULARY, MAX_TAGS)
    for line in fields(summary):
        plain = MARK.sub("", line)
        assert re.search(r"[<>\[\]{}`|\\*_\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", plain) is None
        assert not line.startswith(("=", "+", "-", "@", "\t", "\r", "#", ">", "'"))
        assert "://" not in line
        assert "www." not in line
    assert len(summary.summary) <= MAX_SUMMARY
    assert all(len(line) <= MAX_ITEM for line in [*summary.topics, *summary.objections, *summary.next_steps])
    assert max(map(len, [summary.topics, summary.objections, summary.next_steps])) <= MAX_ITEMS
    assert len(summary.tags) <= MAX_TAGS
    assert all(len(tag) <= MAX_TAG and tag == tag.lower().strip() for tag in summary.tags)
    assert sum(tag not in VOCABULARY for tag in summary.tags) <= MAX_FREE_TAGS
    assert "оплата" in summary.tags


@pytest.mark.parametrize("text", PHONES, ids=short)
@pytest.mark.parametrize("around", ["{}", "звоните {} после обеда", "({})", "номер:{}.", "№{}"])
def test_no_phone_number_survives_in_any_spelling(text: str, around: str):
    for line in fields(checked_summary(obedient(around.format(text)), VOCABULARY, MAX_TAGS)):
        assert sum(char.isdigit() for char in line) < 3
        assert re.search("девятьсот|шестьдесят|сорок", line) is None


@pytest.mark.parametrize("text", ADDRESSES, ids=short)
@pytest.mark.parametrize("around", ["{}", "пишите на {} сегодня", "<{}>", "почта:{}."])
def test_no_address_survives_in_any_spelling(text: str, around: str):
    for line in fields(checked_summary(obedient(around.format(text)), VOCABULARY, MAX_TAGS)):
        assert re.search("@|mail|client|мейл|handle", line, re.IGNORECASE) is None


@pytest.mark.parametrize(
    "text",
    [
        "Заказ № 4512 от 31.08.2025 на 1 500 000 рублей, доставка 2025-09-02 с 10:00 до 18:00",
        "Скидки 10%, 20%, 30% и 40%; размеры 42, 44, 46, 48",
        "Бюджет 100 000 – 150 000 руб., договор на 2024–2025 годы",
        "Сто двадцать три тысячи четыреста пятьдесят шесть рублей",
        "Два окна, три двери и 12 петель, звонок в 19:23 01.09.2025",
        "Перезвонить через 15 минут, срок 3-5 дней, R&D, C#",
        "От 800 000 - 1 млн руб, обычно 1 990–2 490 ₽ или 3-5 тыс рублей, до 100000-150000 руб",
        "Двадцать и потом тридцать рублей; заказ 4512 ..... 12 окон",
        "Приём 10:00 12:00 14:00, с 10:00-18:00 15-20 человек, звонок в 10:00 18:00 01.09.2025",
        "Эт такая точка зрения: собака дома, ру",
    ],
)
def test_sums_dates_times_and_lists_stay(text: str):
    assert plain_line(text, MAX_ITEM) == text


@settings(deadline=None)
@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text: str):
    once = plain_line(text, 10_000)
    assert plain_line(once, 10_000) == once


@settings(deadline=None)
@given(st.text(alphabet="0123456789 .-()@&#;<>[]|=+\\/*_\u200bаa", max_size=200))
def test_no_long_number_survives_any_mixture_of_separators(text: str):
    assert re.search(r"\d{7}", plain_line(text, 10_000)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"summary": None},
        {"summary": ["список"]},
        {"summary": ""},
        {"summary": "\u200b \n"},
        {"summary": "---"},
        {"topics": "строка"},
        {"topics": [1]},
        {"tags": None},
        {"next_steps": {"0": "шаг"}},
        {"extra": "поле"},
        {"<b>&#9;8 999 765 43 21": "поле"},
    ],
    ids=str,
)
def test_a_response_of_another_shape_is_refused(change: dict[str, Any]):
    """And not quoted."""
    answer = obedient("тайна-8999") | change
    with pytest.raises(Permanent) as caught:
        checked_summary(answer, VOCABULARY, MAX_TAGS)
    assert caught.value.code is ErrorCode.SUMMARY_FAILED
    assert caught.value.__context__ is None
    assert "тайна" not in str(caught.value)
    assert "999" not in str(caught.value)


@pytest.mark.parametrize("missing", ["summary", "topics", "objections", "next_steps", "tags", "free_tags"])
def test_a_missing_field_is_refused(missing: str):
    answer = {name: value for name, value in obedient("x").items() if name != missing}
    with pytest.raises(Permanent, match=missing):
        checked_summary(answer, VOCABULARY, MAX_TAGS)


def test_known_tags_come_first_without_repeats():
    """Free ones are bounded."""
    answer = obedient("текст") | {
        "tags": ["Доставка ", "скидка", "заказ", "заказ"],
        "free_tags": ["Срочно!", "опт", "vip|x"],
    }
    assert checked_summary(answer, VOCABULARY, 10).tags == ("доставка", "заказ", "скидка", "срочно")
    assert checked_summary(answer, VOCABULARY, 1).tags == ("доставка",)


def test_a_checked_summary_can_be_kept_and_read_back():
    summary = checked_summary(obedient("Клиент ждёт счёт"), VOCABULARY, MAX_TAGS)
    assert checked_summary(summary.as_answer(), VOCABULARY, MAX_TAGS) == summary


def test_the_schema_is_strict_and_knows_the_vocabulary():
    schema = answer_schema(VOCABULARY)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(schema["properties"])
    assert schema["properties"]["tags"]["items"]["enum"] == list(VOCABULARY)


def test_without_a_vocabulary_any_tag_is_allowed():
    """An empty list of choices would be an invalid schema."""
    assert "enum" not in answer_schema(())["properties"]["tags"]["items"]
