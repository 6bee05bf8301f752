"""One text judged: rates counted by hand, roles, thresholds."""

from decimal import Decimal

import pytest

from include.smoke.domain.judgement import EntryResult, SmokeCode, compared, missed
from include.smoke.domain.playlist import Thresholds
from include.speech.transcript_lines import read_lines
from include.speech.word_errors import Errors

# expected, said, errors counted by hand, words of the expected text
BY_HAND = [
    ("да", "да", 0, 1),
    ("да", "нет", 1, 1),
    ("да", "", 1, 1),
    ("да", "да да", 1, 1),
    ("Здравствуйте, чем помочь?", "здравствуйте чем помочь", 0, 3),
    ("Здравствуйте, чем помочь?", "здравствуйте чем помогу", 1, 3),
    ("ещё раз двадцать пять", "Еще раз: двадцать пять.", 0, 4),
    ("ещё раз двадцать пять", "ещё раз 25", 2, 4),
    ("заказ четыре семь один один", "заказ четыре семь один", 1, 5),
    ("заказ четыре семь один один", "заказ заказ четыре семь один один", 1, 5),
    ("доставка завтра после обеда", "доставка после обеда завтра", 2, 4),
    ("доставка завтра после обеда", "наставка за завтра обеда", 3, 4),
    ("интернет-магазин", "интернет магазин", 0, 2),
    ("интернет-магазин", "интернетмагазин", 2, 2),
    ("один два три четыре пять", "пять четыре три два один", 4, 5),
    ("мама мыла раму", "мама мыла", 1, 3),
    ("мама мыла раму", "мыла раму", 1, 3),
    ("мама мыла раму", "папа мыл пол", 3, 3),
    ("а б в г д е ж з и к", "а б в д е ж з и к л", 2, 10),
    ("а б в г д е ж з и к", "а б б в г г д е ж з и", 3, 10),
]
STEREO = "[Оператор]: здравствуйте чем помочь\n[Клиент]: где мой заказ\n[Оператор]: заказ завтра\n"
ALL = Thresholds(wer=0.1, cer=0.1, role_error=0.1, cost_usd=0.01, seconds_per_minute=30)


@pytest.mark.parametrize(("expected", "said", "errors", "words"), BY_HAND)
def test_the_rate_is_the_one_counted_by_hand(expected: str, said: str, errors: int, words: int) -> None:
    found = compared(read_lines(expected), read_lines(said)).errors
    assert found.words == words
    assert found.rate == pytest.approx(errors / words, abs=1e-9)


def test_words_said_at_once_may_come_in_either_order() -> None:
    said = "[Клиент]: где мой заказ\n[Оператор]: здравствуйте чем помочь заказ завтра\n"
    assert compared(read_lines(STEREO), read_lines(said)).errors.total == 0


def test_swapped_roles_are_an_error_of_roles_and_of_no_word() -> None:
    swapped = STEREO.replace("Оператор", "x").replace("Клиент", "Оператор").replace("x", "Клиент")
    found = compared(read_lines(STEREO), read_lines(swapped))
    assert found.errors.total == 0
    assert found.role_error == 1.0
    assert all(errors.rate for errors in found.errors_by_role.values())


def test_one_line_under_the_wrong_role_is_its_share_of_the_words() -> None:
    said = STEREO.replace("[Оператор]: заказ завтра", "[Клиент]: заказ завтра")
    assert compared(read_lines(STEREO), read_lines(said)).role_error == pytest.approx(2 / 8)


def test_a_text_without_roles_is_judged_as_one_stream() -> None:
    found = compared(read_lines("[Собеседник]: а б\n"), read_lines("[Оператор]: а\n[Клиент]: б\n"))
    assert (found.errors, found.role_error) == (Errors(2), None)


@pytest.mark.parametrize(
    ("expected", "said", "code"),
    [
        (STEREO, STEREO, None),
        ("а б в г д е ж з и к", "а б в г д е ж з и", None),  # exactly at the threshold
        ("а б в г", "а б в", SmokeCode.WER),
        ("", "а", SmokeCode.WER),
        ("", "", None),
        (STEREO, STEREO.replace("[Оператор]: заказ", "[Клиент]: заказ"), SmokeCode.ROLES),
    ],
)
def test_the_first_missed_threshold_is_the_code(expected: str, said: str, code: SmokeCode | None) -> None:
    figures = compared(read_lines(expected), read_lines(said))
    assert missed(figures, ALL.changed_by(Thresholds(cer=1.0)), cost=Decimal(0), seconds=1, audio_sec=60) == code


def test_letters_money_and_time_have_thresholds_of_their_own() -> None:
    figures = compared(read_lines("договор"), read_lines("договоры"))
    loose = Thresholds(wer=1.0, cer=0.1, cost_usd=0.01, seconds_per_minute=30)
    assert missed(figures, loose, cost=Decimal(0), seconds=1, audio_sec=60) == SmokeCode.CER
    right = compared(read_lines("договор"), read_lines("договор"))
    assert missed(right, loose, cost=Decimal("0.02"), seconds=1, audio_sec=60) == SmokeCode.COST
    assert missed(right, loose, cost=Decimal(0), seconds=31, audio_sec=60) == SmokeCode.SLOW


def test_a_result_is_the_same_after_its_file() -> None:
    lines = read_lines(STEREO)
    result = EntryResult(
        "stub", "m", "1", "2", "success", figures=compared(lines, lines), cost=Decimal("0.0045"), said=lines
    )
    assert EntryResult.from_json(result.as_json()) == result
