"""Text made readable: never a changed word, and a loop said once only where the flag sees a loop."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.speech.normalisation import punctuated, readable, tidy
from include.speech.quality_flags import ReviewPolicy, is_loop
from include.speech.recognition import Recognition, Segment, confidence_of
from include.speech.transcripts import Transcript, Turn

POLICY = ReviewPolicy()
WORDS = st.sampled_from(["да", "нет", "заказ", "Пётр", "3", "5,5", "-5", ".5", "кто-то", "алло", "№12", "и", "e-mail"])
MARKS = st.sampled_from([" ", "  ", " , ", ", ", " .", ". ", " ... ", "…", " - ", " — ", "\n", "\t", " ? ", "!", " : "])
TALK = st.lists(st.tuples(WORDS, MARKS), max_size=60).map(lambda parts: "".join(word + mark for word, mark in parts))


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@given(st.one_of(TALK, st.text(max_size=300)))
@example(", - Да , конечно .")
def test_no_word_is_changed_lost_or_added_unless_a_loop_is_flagged(text: str) -> None:
    shown = tidy(text, POLICY)
    if is_loop(text, POLICY):
        assert set(words(re.sub(r" \(×\d+\)", "", shown))) == set(words(text)), "each word of a loop is said once"
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
def test_what_people_read(text: str, shown: str) -> None:
    assert tidy(text, POLICY) == shown


def recognition(*segments: str, **raw: object) -> Recognition:
    times = [Segment(float(n), n + 1.0, text) for n, text in enumerate(segments)]
    return Recognition(" ".join(segments), tuple(times), "ru", {}, "m", None, raw)


def test_a_loop_that_comes_as_segments_is_one_segment_as_long_as_all_of_them() -> None:
    shown = readable(recognition("Здравствуйте.", *["Спасибо большое."] * 8, "Пока."), POLICY)
    assert [(s.start, s.end, s.text) for s in shown.segments] == [
        (0.0, 1.0, "Здравствуйте."), (1.0, 9.0, "Спасибо большое. (×8)"), (9.0, 10.0, "Пока."),
    ]  # fmt: skip


def test_the_answer_as_it_came_is_kept() -> None:
    answer = recognition("Да ,  да .", note=1)
    assert readable(answer, POLICY).raw == answer.raw


def turns(*said: tuple[str, str]) -> list[str]:
    made = tuple(Turn(float(n), n + 1.0, role, text) for n, (role, text) in enumerate(said))
    return [turn.text for turn in punctuated(Transcript(made, "ru", "m", "channels", 9.0)).turns]


def test_a_turn_that_ends_gets_a_full_stop_and_one_that_goes_on_does_not() -> None:
    assert turns(("a", "когда приедет"), ("a", "курьер"), ("b", "Завтра")) == ["когда приедет", "курьер.", "Завтра."]
    assert turns(("a", "Хорошо"), ("a", "Тогда жду,"), ("b", "да")) == ["Хорошо.", "Тогда жду.", "да."]


@pytest.mark.parametrize("text", ["Да!", "Что?", "Ну...", "«Ромашка»", "(смеётся)", "5 %", "…", "-"])
def test_a_mark_that_is_there_is_left_alone(text: str) -> None:
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
def test_a_model_that_tells_no_confidence_has_none(raw: dict[str, object]) -> None:
    assert confidence_of([recognition("да", **raw)]) is None


def test_a_confidence_is_never_above_one() -> None:
    assert confidence_of([recognition("да", logprobs=[{"logprob": 3.0}])]) == 1
