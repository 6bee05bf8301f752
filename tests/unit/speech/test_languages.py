import pytest

from include.speech.languages import language_code, transcript_language


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("russian", "ru"),
        ("Русский", "ru"),
        ("ru", "ru"),
        ("RU", "ru"),
        ("ru-RU", "ru"),
        ("ru_RU", "ru"),
        ("rus", "ru"),
        (" English ", "en"),
        ("deu", "de"),
        ("ger", "de"),
        ("chinese", "zh"),
        ("haitian creole", "ht"),
        ("myanmar", "my"),
        ("tagalog", "tl"),
        ("iw", "he"),
        ("jw", "jv"),
    ],
)
def test_any_name_becomes_iso_639_1(name: str, code: str) -> None:
    assert language_code(name) == code


@pytest.mark.parametrize("name", [None, "", "und", "xx", "klingon", "cantonese", "42", "<script>"])
def test_a_name_without_a_two_letter_code_is_none(name: str | None) -> None:
    assert language_code(name) is None


def test_the_language_of_most_of_the_speech_wins() -> None:
    assert transcript_language([("en", 1.0), ("ru", 60.0), ("en", 2.0)], ["ru"]) == "ru"
    assert transcript_language([("en", 60.0), ("ru", 1.0)], ["ru"]) == "en"


def test_without_a_named_language_it_is_the_expected_one() -> None:
    assert transcript_language([(None, 10.0)], ["ru"]) == "ru"
    assert transcript_language([(None, 10.0)], ["ru", "kk"]) is None
    assert transcript_language([], []) is None
