"""Russian texts as spoken words: what counts as the same word when two texts are compared."""

import pytest

from include.speech.spoken_words import NUMERAL, content_of, is_numeral, long_numbers, numbers_found, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ещё раз: двадцать пять.", "еще раз двадцать пять"),
        ("ещё раз двадцать пять", "еще раз двадцать пять"),
        ("Интернет-магазин — да!", "интернет магазин да"),
        ("It’s 5 o'clock", "its 5 oclock"),
        ("1,5 и 1.5", "1 5 и 1 5"),
        ("ﬁlе\u00a0№ 25", "filе no 25"),
        ("", ""),
        ("…", ""),
    ],
)
def test_case_marks_and_spaces_make_no_other_word(text: str, words: str) -> None:
    assert words_of(text) == tuple(words.split())


@pytest.mark.parametrize(
    "word", ["пять", "пятью", "пятого", "двумстам", "тысячи", "миллиону", "ноль", "сто", "трех", "один", "25", "7b"]
)
def test_a_numeral_in_any_case_is_one(word: str) -> None:
    assert is_numeral(word)


@pytest.mark.parametrize("word", ["семью", "много", "сколько", "стали", "час", "раз", "вторник", "оба"])
def test_a_word_that_is_usually_another_one_is_no_numeral(word: str) -> None:
    assert not is_numeral(word)


def test_a_number_in_words_equals_the_number_in_digits() -> None:
    said = content_of(words_of("Э… тысяча двести пятьдесят рублей, угу, пятого мая"))
    assert said == content_of(words_of("1250 рублей 5 мая")) == (NUMERAL, "рублей", NUMERAL, "мая")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "share"),
    [
        ("номер 888-333-2222", "номер 888 333 2222", 1.0),
        ("номер 8883332222, заказ 4711", "заказ 4711", 0.5),
        ("заказ 4711", "заказ сорок семь одиннадцать", 0.0),
        ("дом 12", "дом 12", None),
    ],
)
def test_long_numbers_are_looked_for_apart(reference: str, hypothesis: str, share: float | None) -> None:
    assert numbers_found(reference, hypothesis) == share


def test_blanks_divide_the_numbers_of_a_reference() -> None:
    assert long_numbers("2222 12 5555") == ("2222", "5555")
