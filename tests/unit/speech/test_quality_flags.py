import math
from dataclasses import replace

import pytest

from include.speech.cuts import AudioInfo, ChannelLayout, Cut, Piece
from include.speech.quality_flags import ReviewReason, is_invented, is_loop, review
from include.speech.recognition import RecognitionResponse
from tests.kit.thresholds import REVIEW_POLICY as POLICY

HONEST = (
    "Здравствуйте, чем могу помочь? Подскажите, пожалуйста, когда приедет курьер. Одну минуту, сейчас проверю"
    " информацию по заказу. Заказ уже собран и передан в доставку, ждите звонка завтра до полудня."
)


def reasons(
    *texts: str, speech_sec: float = 30.0, language: str | None = "ru", expected: tuple[str, ...] = ("ru",)
) -> set[str]:
    pieces = tuple(Piece(None, 40.0 * n, 40.0 * n + 35, speech_sec) for n in range(len(texts)))
    cut = Cut(AudioInfo("wav", "pcm_s16le", 1, 8000, 400.0), ChannelLayout.MONO, pieces, (1.0,), 0)
    responses = {
        piece: RecognitionResponse(text, (), language, {}, "m", None, {})
        for piece, text in zip(pieces, texts, strict=True)
    }
    return set(review(cut, responses, language=language, expected_languages=expected, policy=POLICY))


def test_an_honest_text_needs_no_review() -> None:
    assert reasons(HONEST, HONEST) == set()


def test_a_recording_without_speech_is_flagged() -> None:
    assert reasons() == {"no_speech"}


def test_speech_without_text() -> None:
    assert reasons("", " ") == {"empty_text"}


def test_a_cough_without_text_is_fine() -> None:
    assert reasons("", speech_sec=0.3) == set()


@pytest.mark.parametrize(
    "text",
    [
        "и " * 20,
        HONEST + " Спасибо. Спасибо. Спасибо." * 4,
        "Сейчас я вам перезвоню, " * 4,
        "ааааааааааааааааааааааааааааааааааааааааааааааааааа" * 6,
    ],
)
def test_loops(text: str) -> None:
    assert is_loop(text, POLICY)


@pytest.mark.parametrize(
    "text",
    [
        "Да, да, да, да, хорошо.",
        HONEST * 2,
        "Восемь девятьсот двадцать два, два, два, два, два, ноль.",
        "Алло, алло, алло, вы меня слышите? Алло, алло!",
        "The quick brown fox jumps over the lazy dog. How vexingly quick daft zebras jump! " * 2,
    ],
)
def test_people_repeat_themselves(text: str) -> None:
    assert not is_loop(text, POLICY)


INVENTED = "Спасибо за внимание!"


@pytest.mark.parametrize(
    "texts",
    [
        [INVENTED] * 30,
        [INVENTED, "спасибо за внимание"] * 2 + [f"{HONEST} {n}" for n in range(8)],
        [INVENTED] * 4 + [""] * 40,
    ],
)
def test_one_text_in_many_pieces_of_a_call_is_a_loop(texts: list[str]) -> None:
    assert "loop" in reasons(*texts, speech_sec=4.0)


@pytest.mark.parametrize(
    "texts",
    [
        ["да"] * 30,
        [text for n in range(10) for text in ("Угу.", "Хорошо.", f"{HONEST} {n}")],
        [INVENTED] * 3,
        [INVENTED] * 4 + [f"{HONEST} {n}" for n in range(9)],
    ],
)
def test_short_answers_and_rare_repeats_are_what_people_say(texts: list[str]) -> None:
    assert "loop" not in reasons(*texts, speech_sec=4.0)


def test_more_words_than_a_person_says() -> None:
    words = " ".join(f"слово{n}" for n in range(40))
    assert "speech_rate" in reasons(words, speech_sec=1.0)
    assert "speech_rate" not in reasons(words, speech_sec=12.0)


def test_a_minute_of_speech_in_one_word() -> None:
    assert reasons("Алло.", speech_sec=60.0) == {"speech_rate"}


def test_another_language_than_expected() -> None:
    assert reasons(HONEST, language="kk") == {"unexpected_language"}
    assert reasons(HONEST, language="kk", expected=("ru", "kk")) == set()
    assert reasons(HONEST, language="kk", expected=()) == set()


def test_another_script_than_expected() -> None:
    """The model may name no language at all, or repeat the one of the request."""
    english = "Hello, how can I help you today? Could you tell me the number of your order, please?"
    assert reasons(english, language=None) == {"unexpected_language"}
    assert reasons(english, language="ru") == {"unexpected_language"}
    assert reasons(HONEST, language="en", expected=("en",)) == {"unexpected_language"}
    assert reasons("Skype, iPhone.", language="ru", speech_sec=5) == set(), "too short to be judged"


@pytest.mark.parametrize(
    "text",
    [
        "Субтитры сделал DimaTorzok",
        HONEST + " Субтитры создавал DimaTorzok",
        "Редактор субтитров А.Синецкая Корректор А.Егорова",
        "Продолжение следует...",
        " Thanks for watching! ",
        "Подписывайтесь на канал!",
    ],
)
def test_phrases_invented_over_silence(text: str) -> None:
    assert is_invented(text)
    assert ReviewReason.KNOWN_PHRASE in reasons(text, speech_sec=2)


@pytest.mark.parametrize("text", ["Спасибо.", "В общем, продолжение следует, я вам перезвоню.", "Корректор нужен?"])
def test_phrases_that_people_say(text: str) -> None:
    assert not is_invented(text)


def test_one_piece_in_another_script() -> None:
    """A recogniser without a hint guesses the language of each piece."""
    assert reasons(HONEST, "拜拜") == {"unexpected_language"}
    assert reasons(HONEST, "拜拜", expected=("ru", "zh")) == set()
    assert reasons(HONEST, "OK, bye-bye. Это naïve № 5.") == set()


def test_one_piece_in_another_language() -> None:
    english = "Hello, how can I help you today? Could you tell me the number of your order, please?"
    assert reasons(*(f"{HONEST} {n}" for n in range(9)), english) == {"unexpected_language"}


def flags_of_cut(confidence: float | None = None, speech_sec: float = 30.0, **figures: float) -> set[str]:
    piece = Piece(None, 0.0, 40.0, speech_sec)
    cut = Cut(AudioInfo("wav", "pcm_s16le", 1, 8000, 400.0), ChannelLayout.MONO, (piece,), (1.0,), 0)
    raw = {} if confidence is None else {"segments": [{"start": 0, "end": 30, "avg_logprob": math.log(confidence)}]}
    response = RecognitionResponse(HONEST, (), "ru", {}, "m", None, raw)
    return set(
        review(replace(cut, **figures), {piece: response}, language="ru", expected_languages=("ru",), policy=POLICY)
    )


def test_a_call_of_which_much_was_not_sent() -> None:
    assert flags_of_cut(sounding_sec=100.0, unsent_sec=60.0) == {"much_not_sent"}
    assert flags_of_cut(sounding_sec=100.0, unsent_sec=40.0) == set()
    assert flags_of_cut(sounding_sec=30.0, unsent_sec=20.0) == set(), "20 s are little"


def test_music_between_speech() -> None:
    assert flags_of_cut(music_share=0.06) == {"partly_unheard"}
    assert flags_of_cut(music_share=0.05) == set()


def test_a_recogniser_that_is_not_sure() -> None:
    assert flags_of_cut(confidence=0.53) == {"low_confidence"}
    assert flags_of_cut(confidence=0.53, speech_sec=8.0) == set(), "too short to be judged"
    assert flags_of_cut(confidence=0.579, speech_sec=10.0) == {"low_confidence"}
    assert flags_of_cut(confidence=0.581, speech_sec=10.0) == set()
    assert flags_of_cut(confidence=0.62) == set()
    assert flags_of_cut(confidence=None) == set()


def flags_of_segments(*segments: tuple[str, float]) -> set[str]:
    """`segments`: text and log probability, five seconds each."""
    piece = Piece(None, 0, 30, 8.0)
    cut = Cut(AudioInfo("wav", "pcm_s16le", 1, 8000, 400.0), ChannelLayout.MONO, (piece,), (1.0,), 0)
    raw = {
        "segments": [
            {"start": 5 * n, "end": 5 * n + 5, "text": text, "avg_logprob": logprob}
            for n, (text, logprob) in enumerate(segments)
        ]
    }
    said = RecognitionResponse("", (), "ru", {}, "m", None, raw)
    said = replace(said, text=" ".join(text for text, _ in segments))
    return set(review(cut, {piece: said}, language="ru", expected_languages=("ru",), policy=POLICY))


def test_an_ending_that_the_model_is_far_less_sure_of_is_invented() -> None:
    """A real one: "and we'll get that. This is important for you" over breath, -0.72 beside neighbours of -0.32."""
    surely = ("Я записал ваш заказ.", -0.32)
    assert flags_of_segments(surely, surely, ("Это очень важно для вас.", -0.72)) == {"invented_tail"}
    assert flags_of_segments(surely, surely, ("Это очень важно для вас.", -0.6)) == set()
    assert flags_of_segments(surely, ("Это очень важно для вас.", -0.72), surely) == set(), "only an ending"
    assert flags_of_segments(surely, surely, ("между", -1.2)) == set(), "a word that the end of the piece has cut"
    assert flags_of_segments(("Это очень важно для вас.", -0.9)) == set(), "nothing to compare with"


def test_a_model_without_log_probabilities_has_no_invented_ending() -> None:
    assert "invented_tail" not in reasons(HONEST, HONEST)


def test_a_piece_in_another_language_of_the_same_letters_is_flagged() -> None:
    """The service repeats the hint; Ukrainian and Kazakh have Cyrillic letters too."""
    ukrainian = "Добрий день, чим можу допомогти? Ваше замовлення вже зібране та чекає на вас."
    kazakh = "Сәлеметсіз бе, мен кеше берілген тапсырыс туралы сұрайын деп едім."
    assert reasons(HONEST, HONEST, ukrainian) == {"unexpected_language"}
    assert reasons(HONEST, HONEST, kazakh) == {"unexpected_language"}
    assert reasons(HONEST, HONEST, kazakh, expected=("ru", "kk")) == set()
