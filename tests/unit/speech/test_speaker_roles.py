"""Speakers become operator and client by evidence, and keep their numbers where it is thin."""

import pytest

from include.calls.policy import load_policy
from include.calls.steps.build_transcript import signs_of
from include.speech.speaker_roles import SpeakerSigns, sounds_swapped, with_roles
from include.speech.transcripts import Transcript, Turn

POLICY = signs_of(load_policy({"COMPANY_NAMES": "Ромашка, Big Jim's"}).speakers)
BARE = SpeakerSigns(company_names=(), operator_phrases=("слушаю вас",), client_phrases=("я звоню",), enough=3)


def dialogue(*said: tuple[str, str], roles: str = "diarized") -> Transcript:
    turns = tuple(Turn(second, second + 1, who, text) for second, (who, text) in enumerate(said))
    return Transcript(turns, "ru", "gpt-4o-transcribe-diarize", roles, 60.0)  # type: ignore[arg-type]


def who(transcript: Transcript, direction: str = "inbound", signs: SpeakerSigns = POLICY) -> list[str]:
    return [turn.role for turn in with_roles(transcript, direction, signs).transcript.turns]


EVIDENT = {
    "inbound": (
        "inbound",
        dialogue(
            ("1", "Добрый день, компания «Ромашка», Анна. Чем могу помочь?"),
            ("2", "Здравствуйте! Я звоню по поводу заказа, мне его не привезли."),
            ("1", "Назовите, пожалуйста, номер вашего заказа."),
            ("2", "Сорок два сто."),
        ),
        ["operator", "client", "operator", "client"],
    ),
    "inbound, the caller is heard first": (
        "inbound",
        dialogue(
            ("1", "Алло? Алло, меня слышно?"),
            ("2", "Да, здравствуйте, «Ромашка», слушаю вас."),
            ("1", "Хотела бы узнать, когда привезут шкаф."),
            ("2", "Как к вам обращаться?"),
        ),
        ["client", "operator", "client", "operator"],
    ),
    "outbound": (
        "outbound",
        dialogue(
            ("1", "Алло."),
            ("2", "Здравствуйте, вас беспокоит «Ромашка». Ваш заказ готов."),
            ("1", "О, отлично."),
            ("2", "Остались вопросы? Хорошего вам дня!"),
        ),
        ["client", "operator", "client", "operator"],
    ),
    "English": (
        "inbound",
        dialogue(
            ("1", "Thank you for calling Big Jim's Auto. How can I help you today?"),
            ("2", "Hello, I bought a car not too long ago, and I was wondering what I should do."),
        ),
        ["operator", "client"],
    ),
}

THIN = {
    "no signs": dialogue(("1", "Алло."), ("2", "Привет, это я."), ("1", "Ну что, едем?"), ("2", "Да.")),
    "one sign": dialogue(("1", "Слушаю вас."), ("2", "Это Пётр."), ("1", "А, привет.")),
    "both sound like the operator": dialogue(
        ("1", "Компания «Ромашка», чем могу помочь?"), ("2", "Это тоже «Ромашка», склад. Чем могу помочь?")
    ),
    "the name is only asked for": dialogue(("1", "Алло."), ("2", "Это «Ромашка»?"), ("1", "Нет, вы ошиблись.")),
    "one voice": dialogue(("1", "Алло. Алло? Меня слышно?")),
}


@pytest.mark.parametrize(("direction", "transcript", "expected"), EVIDENT.values(), ids=EVIDENT)
def test_evident(direction: str, transcript: Transcript, expected: list[str]) -> None:
    assert who(transcript, direction) == expected
    found = with_roles(transcript, direction, POLICY)
    assert found.transcript.roles == "evidence"
    assert found.signs is not None
    assert found.signs >= POLICY.enough


@pytest.mark.parametrize("transcript", THIN.values(), ids=THIN)
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_thin(direction: str, transcript: Transcript) -> None:
    """`[Собеседник 1]` and `[Собеседник 2]`: a guessed role is worse than none."""
    found = with_roles(transcript, direction, POLICY)
    assert (found.transcript, found.signs) == (transcript, None)


def test_the_order_alone_proves_nothing() -> None:
    said = dialogue(("1", "Слушаю вас."), ("2", "Я звоню."))
    assert who(said, "inbound", BARE) == ["operator", "client"]
    assert who(dialogue(("1", "Слушаю."), ("2", "Звоню.")), "inbound", BARE) == ["1", "2"]


def test_the_order_may_speak_against_the_words() -> None:
    """On an outgoing call the client answers first."""
    said = dialogue(("1", "Слушаю вас."), ("2", "Я звоню."))
    assert who(said, "outbound", BARE) == ["1", "2"]


def test_each_piece_is_decided_for_itself() -> None:
    """The model names voices anew in each piece."""
    said = dialogue(
        ("1", "«Ромашка», чем могу помочь?"), ("2", "Я звоню узнать о доставке."), ("2.1", "Да."), ("2.2", "Нет.")
    )
    assert who(said) == ["operator", "client", "2.1", "2.2"]


def test_a_call_that_was_passed_on_names_who_is_evident() -> None:
    said = dialogue(
        ("1", "«Ромашка», чем могу помочь? Переведу вас."),
        ("2", "Я звоню по поводу возврата, у меня вопрос, я заказывала стол."),
        ("3", "Склад."),
    )
    assert who(said) == ["operator", "client", "3"]


@pytest.mark.parametrize("roles", ["channels", "none"])
def test_other_roles_are_left_alone(roles: str) -> None:
    said = dialogue(("operator", "Я звоню по поводу заказа."), ("client", "Чем могу помочь?"), roles=roles)
    assert with_roles(said, "inbound", POLICY).transcript == said


def test_phrases_are_whole_words_of_any_case() -> None:
    assert BARE.of(["СЛУШАЮ, ВАС!"]) == 1
    assert BARE.of(["послушаю вас"]) == 0
    assert BARE.of(["Я звоню. Я звоню!"]) == -1, "each phrase counts once"


def test_swapped_channels() -> None:
    """The "client" names the company, or speaks first where the words say nothing."""
    ours, theirs = ["«Ромашка», чем могу помочь?"], ["Я звоню узнать о доставке."]
    assert sounds_swapped(theirs, ours, client_is_first=True, signs=POLICY)
    assert sounds_swapped(theirs, ours, client_is_first=False, signs=POLICY)
    assert not sounds_swapped(ours, theirs, client_is_first=True, signs=POLICY)
    assert sounds_swapped(["Да."], ["Алло."], client_is_first=True, signs=POLICY)
