import pytest

from include.speech.languages import language_code, most_spoken


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
    assert most_spoken([("en", 1.0), ("ru", 60.0), ("en", 2.0)]) == "ru"
    assert most_spoken([("en", 60.0), ("ru", 1.0), (None, 600.0)]) == "en"
    assert most_spoken([(None, 10.0)]) is None
    assert most_spoken([]) is None
