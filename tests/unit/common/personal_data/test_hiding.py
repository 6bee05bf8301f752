import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.common.personal_data.check_digits import is_card, is_inn, is_snils
from include.common.personal_data.hiding import turns_without_personal_data, without_personal_data
from include.common.personal_data.kinds import Kind
from tests.kit.labelled_speech import scores, sentences

# Of each kind in each half: the least share that is found, and the least share of what is hidden that is right
LEAST_FOUND = {Kind.NAME: 0.95, Kind.ADDRESS: 0.9, Kind.PHONE: 0.95}
LEAST_RIGHT = {Kind.NAME: 0.95}
OTHERS = 1.0


@pytest.mark.parametrize("half", ["tuned", "held_out"])
def test_no_kind_is_found_less_often_than_it_was(half: str) -> None:
    found = scores(half)
    assert found.keys() == set(Kind) - {Kind.NUMBER}
    for kind, score in found.items():
        assert score.recall >= LEAST_FOUND.get(kind, OTHERS), (kind, score)
        assert score.precision >= LEAST_RIGHT.get(kind, OTHERS), (kind, score)


def test_there_are_five_hundred_sentences_half_of_them_held_out() -> None:
    found = sentences()
    assert len({sentence["text"] for sentence in found}) == len(found) >= 500
    assert sum(sentence["half"] == "held_out" for sentence in found) >= 250
    assert sum(not sentence["spans"] for sentence in found) >= 200


def test_hiding_twice_changes_nothing() -> None:
    once = without_personal_data("\n".join(sentence["text"] for sentence in sentences()))
    assert without_personal_data(once) == once


def test_a_number_dictated_in_turns_is_hidden_and_times_and_labels_stay() -> None:
    said = (
        "[00:00:05] [Клиент]: мой телефон восемь девятьсот двадцать шесть\n"
        "[00:00:09] [Оператор]: угу\n"
        "[00:00:11] [Клиент]: сто двадцать три сорок пять\n"
        "[00:00:12] [Оператор]: сорок пять\n"
        "[00:00:13] [Собеседник 2]: шестьдесят семь\n"
    )
    assert without_personal_data(said) == (
        "[00:00:05] [Клиент]: мой телефон [телефон]\n"
        "[00:00:09] [Оператор]: угу\n"
        "[00:00:11] [Клиент]: [телефон]\n"
        "[00:00:12] [Оператор]: [телефон]\n"
        "[00:00:13] [Собеседник 2]: [телефон]\n"
    )


def test_turns_stay_apart() -> None:
    turns = ["меня зовут вера", "вера здравствуйте", "я верю\nв вас"]
    assert turns_without_personal_data(turns) == ["меня зовут [имя]", "[имя] здравствуйте", "я верю в вас"]
    assert turns_without_personal_data([]) == [""]


@pytest.mark.parametrize("text", ["Да… «хорошо» — № 5\u00a0шт. ½ ℃", "<b>[x](y)</b> &amp; ~", "\ufeffтекст\u200b"])
def test_a_text_without_personal_data_stays_to_the_byte(text: str) -> None:
    assert without_personal_data(text) == text


@pytest.mark.parametrize(
    ("check", "right"),
    [(is_card, "4111111111111111"), (is_snils, "11223344595"), (is_inn, "7707083893"), (is_inn, "500100732259")],
)
def test_check_digits_find_each_wrong_digit(check, right: str) -> None:
    assert check(right)
    for at, digit in enumerate(right):
        for other in "0123456789":
            assert check(right[:at] + other + right[at + 1 :]) == (other == digit) or check is not is_card
    assert not check(right[:-1] + str((int(right[-1]) + 1) % 10))
    assert not check("")
    assert not check("0" * len(right))


@given(st.text())
@settings(deadline=None)
def test_any_text_can_be_masked(text: str) -> None:
    assert without_personal_data(text).count("\n") == text.count("\n")


def test_the_dictionary_is_loaded_with_the_first_text_only() -> None:
    code = (
        "import sys, include.calls.steps.summarize, include.calls.steps.publish, include.calls.steps.build_transcript\n"
        "assert 'pymorphy3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
