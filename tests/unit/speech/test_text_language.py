"""The language of a text is found by the text, whatever was expected; a short text stays undecided."""

import pytest
import yaml

from include.speech.text_language import Said, language_of_text, spoken_language
from tests.kit.paths import DATA

SENTENCES: dict[str, list[str]] = yaml.safe_load((DATA / "sentences.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("expected", ["ru", "en", "kk"])
def test_real_sentences_are_named_right_or_not_at_all(language: str, expected: str) -> None:
    found = [language_of_text(sentence, [expected]) for sentence in SENTENCES[language]]
    assert set(found) <= {language, None}
    assert found.count(language) >= (0.85 if language == expected else 0.5) * len(found)


@pytest.mark.parametrize("language", SENTENCES)
def test_a_call_is_named_right_though_russian_was_expected(language: str) -> None:
    """The service repeats the hint that it was sent."""
    said = [Said(sentence, "ru", 5.0) for sentence in SENTENCES[language][:10]]
    assert spoken_language(said, ["ru"]) == language


@pytest.mark.parametrize("text", ["", "Да.", "Алло, добрый день.", "Добрий день!", "Bye bye.", "..."])
def test_a_short_text_stays_undecided(text: str) -> None:
    assert language_of_text(text, ["ru"]) is None
    assert spoken_language([Said(text, "ru", 1.0)], ["ru"]) is None


def test_the_name_counts_where_it_is_no_hint() -> None:
    assert spoken_language([Said("Ja.", "de", 1.0)], ["ru"]) == "de"
    assert spoken_language([Said("Да.", "ru", 1.0)], ["ru", "kk"]) == "ru"


def test_most_of_the_speech_decides() -> None:
    russian, kazakh = SENTENCES["ru"][0], SENTENCES["kk"][0]
    assert spoken_language([Said(russian, None, 2.0), Said(kazakh, None, 20.0)], ["ru", "kk"]) == "kk"
    assert spoken_language([Said(russian, None, 20.0), Said(kazakh, None, 2.0)], ["ru", "kk"]) == "ru"
