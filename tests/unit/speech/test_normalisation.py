"""Readable text: no word changes, and only a loop that the flag sees is written once."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.speech.normalisation import punctuated, readable, tidy
from include.speech.quality_flags import is_loop
from include.speech.recognition import RecognitionResponse, Segment, confidence_of
from include.speech.transcripts import Transcript, Turn
from tests.kit.thresholds import REVIEW_POLICY as POLICY

WORDS = st.sampled_from(["да", "нет", "заказ", "Пётр", "3", "5,5", "-5", ".5", "кто-то", "алло", "№12", "и", "e-mail"])
MARKS = st.sampled_from([" ", "  ", " , ", ", ", " .", ". ", " ... ", "…", " - ", " — ", "\n", "\t", " ? ", "!", " : "])
TALK = st.lists(st.tuples(WORDS, MARKS), max_size=60).map(lambda parts: "".join(word + mark for word, mark in parts))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@given(st.one_of(TALK, st.text(max_size=300)))
@example(", - Да , конечно .")
def test_no_word_changes_unless_a_loop_is_flagged(text: str) -> None:
    shown = tidy(text, POLICY)
    if is_loop(text, POLICY):
        assert set(words(re.sub(r" \(×\d+\)", "", shown))) == set(words(text)), "each word of a loop is written once"
    else:
        assert words(shown) == words(text)


@given(TALK)
def test_tidying_twice_is_tidying_once(text: str) -> None:
    once = tidy(text, POLICY)
    assert tidy(once, POLICY) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  Да ,  конечно .\n", "Да, конечно."),
        (", и вот", "и вот"),
        ("- Да, слушаю", "Да, слушаю"),
        (". . . Алло !", "Алло!"),
        ("-5 градусов", "-5 градусов"),
        (".5 литра", ".5 литра"),
        ("...вот так", "...вот так"),
        ("от 3 до .5 процента", "от 3 до .5 процента"),
        ("Да, да, да, да, конечно.", "Да, да, да, да, конечно."),
        ("Спасибо. " * 40, "Спасибо (×40)."),
        ("Хорошо. " + "Сейчас перезвоню, " * 6 + "ждите.", "Хорошо. Сейчас перезвоню (×6), ждите."),
    ],
)
def test_tidied_text(text: str, shown: str) -> None:
    assert tidy(text, POLICY) == shown


def recognition(*segments: str, **raw: object) -> RecognitionResponse:
    times = [Segment(float(n), n + 1.0, text) for n, text in enumerate(segments)]
    return RecognitionResponse(" ".join(segments), tuple(times), "ru", {}, "m", None, raw)


def test_a_loop_of_segments_becomes_one_segment() -> None:
    """It is as long as all of them."""
    shown = readable(recognition("Здравствуйте.", *["Спасибо большое."] * 8, "Пока."), POLICY)
    assert [(s.start, s.end, s.text) for s in shown.segments] == [
        (0.0, 1.0, "Здравствуйте."), (1.0, 9.0, "Спасибо большое. (×8)"), (9.0, 10.0, "Пока."),
    ]  # fmt: skip


def test_the_raw_response_is_kept() -> None:
    response = recognition("Да ,  да .", note=1)
    assert readable(response, POLICY).raw == response.raw


def turns(*said: tuple[str, str]) -> list[str]:
    made = tuple(Turn(float(n), n + 1.0, role, text) for n, (role, text) in enumerate(said))
    return [turn.text for turn in punctuated(Transcript(made, "ru", "m", "channels", 9.0)).turns]


def test_the_end_of_a_turn_gets_a_full_stop() -> None:
    """A turn that goes on in the same speaker's next turn gets none."""
    assert turns(("a", "когда приедет"), ("a", "курьер"), ("b", "Завтра")) == ["когда приедет", "курьер.", "Завтра."]
    assert turns(("a", "Хорошо"), ("a", "Тогда жду,"), ("b", "да")) == ["Хорошо.", "Тогда жду.", "да."]


def test_a_fragment_of_a_recogniser_with_full_stops_gets_none() -> None:
    assert turns(("a", "Здравствуйте."), ("b", "Да, это"), ("a", "Слушаю вас.")) == [
        "Здравствуйте.",
        "Да, это",
        "Слушаю вас.",
    ]


@pytest.mark.parametrize("text", ["Да!", "Что?", "Ну...", "«Ромашка»", "(смеётся)", "5 %", "…", "-"])
def test_an_existing_mark_is_kept(text: str) -> None:
    assert turns(("a", text)) == [text]


@given(st.lists(st.tuples(st.sampled_from("ab"), TALK.filter(str.strip)), max_size=8))
def test_full_stops_change_no_word(said: list[tuple[str, str]]) -> None:
    assert [words(text) for text in turns(*said)] == [words(text) for _, text in said]


def test_confidence_is_the_mean_probability_weighted_by_length() -> None:
    segments = [{"start": 0, "end": 9, "avg_logprob": -0.1}, {"start": 9, "end": 10, "avg_logprob": -1.1}]
    assert confidence_of([recognition("да", segments=segments)]) == Decimal("0.8187")
    assert confidence_of([recognition("да", logprobs=[{"token": "да", "logprob": -0.2}])]) == Decimal("0.8187")


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"segments": [{"start": 0, "end": 1}]},
        {"segments": [{"start": 0, "end": 0, "avg_logprob": -1}]},
        {"segments": "none", "logprobs": None},
        {"logprobs": [{"logprob": None}, "x", {"logprob": float("nan")}]},
    ],
)
def test_without_probabilities_there_is_no_confidence(raw: dict[str, object]) -> None:
    assert confidence_of([recognition("да", **raw)]) is None


def test_a_confidence_is_never_above_one() -> None:
    assert confidence_of([recognition("да", logprobs=[{"logprob": 3.0}])]) == 1
