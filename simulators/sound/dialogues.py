"""Synthesised telephone conversations in Russian: two voices in turns."""

import random
from dataclasses import dataclass

import numpy as np

from simulators.sound.encoding import encode
from simulators.sound.synthesis import RATE, Samples, Voice, say

OPERATORS = (Voice("ru", 45, 165), Voice("ru+f3", 60, 175), Voice("ru+m3", 35, 160))
CLIENTS = (Voice("ru+f4", 70, 180), Voice("ru+m1", 30, 170), Voice("ru+m7", 25, 150))

GREETINGS = (
    "Здравствуйте! Вы позвонили в отдел заказов. Чем могу помочь?",
    "Добрый день, служба поддержки слушает вас.",
    "Здравствуйте, меня зовут оператор. Подскажите, пожалуйста, номер договора.",
)
QUESTIONS = (
    "Добрый день. Я хотел бы узнать, когда привезут мой заказ.",
    "Здравствуйте. Мне пришёл счёт, но сумма в нём неверная.",
    "Скажите, пожалуйста, можно ли перенести доставку на пятницу?",
    "У меня не работает личный кабинет, не приходит код подтверждения.",
    "Я хочу вернуть товар, он не подошёл по размеру.",
    "Подскажите, сколько стоит подключение второго номера?",
    "Да, всё верно, адрес тот же самый.",
    "Хорошо, а сколько времени это займёт?",
)
ANSWERS = (
    "Одну минуту, я проверю информацию по вашему заказу.",
    "Вижу вашу заявку, она передана в отдел доставки.",
    "Курьер позвонит вам за час до приезда.",
    "Мы исправим счёт и вышлем новый сегодня до конца дня.",
    "Да, конечно, перенести доставку можно, стоимость не изменится.",
    "Подключение стоит триста рублей, оплата один раз.",
    "Возврат оформим в течение трёх рабочих дней.",
    "Я записал ваше обращение, номер сорок восемь двенадцать.",
)
FAREWELLS = (
    ("Спасибо за помощь, до свидания.", "Всего доброго, до свидания!"),
    ("Понятно, спасибо.", "Спасибо за звонок, хорошего дня!"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """`speaker` 0 is the operator (left channel), 1 the client (right)."""

    speaker: int
    text: str


def compose(rng: random.Random, seconds: float) -> list[Turn]:
    """Turns whose speech fits into `seconds`, at least ten (espeak speaks about 13 characters a second)."""
    turns = [Turn(0, rng.choice(GREETINGS))]
    thanks, farewell = rng.choice(FAREWELLS)
    left = (seconds - 1) * 13 - len(turns[0].text) - len(thanks) - len(farewell)
    questions = rng.sample(QUESTIONS, len(QUESTIONS))
    answers = rng.sample(ANSWERS, len(ANSWERS))
    for question, answer in zip(questions, answers, strict=True):
        if left < len(question) + len(answer):
            break
        turns += [Turn(1, question), Turn(0, answer)]
        left -= len(question) + len(answer)
    return [*turns, Turn(1, thanks), Turn(0, farewell)]


def perform(turns: list[Turn], voices: tuple[Voice, Voice], rng: random.Random) -> Samples:
    """Both channels, shape (2, length): one speaks while the other is silent, with short pauses."""
    pieces = []
    for turn in turns:
        speech = say(turn.text, voices[turn.speaker])
        piece = np.zeros((2, len(speech) + int(rng.uniform(0.3, 0.9) * RATE)), np.int16)
        piece[turn.speaker, : len(speech)] = speech
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def record(seed: int, *, seconds: float, extension: str = "mp3", stereo: bool = True) -> bytes:
    """The encoded recording of one conversation; equal for equal arguments and libraries.

    It lasts exactly `seconds`, as the portal reports; silence fills the rest.
    """
    rng = random.Random(seed)
    voices = (rng.choice(OPERATORS), rng.choice(CLIENTS))
    spoken = perform(compose(rng, seconds), voices, rng)
    length = round(seconds * RATE)
    channels = np.zeros((2, length), np.int16)
    channels[:, : spoken.shape[1]] = spoken[:, :length]
    samples = channels if stereo else np.sum(channels, axis=0, dtype=np.int32).clip(-32768, 32767).astype(np.int16)
    return encode(samples, extension, comment=f"simulated {seed}")


def record_briefly(seed: int) -> bytes:
    """One or two seconds of speech in a mono mp3: quick to make, different for each seed."""
    rng = random.Random(seed % 16)
    speech = say(rng.choice(FAREWELLS)[0], rng.choice(CLIENTS))
    return encode(speech, "mp3", comment=f"simulated {seed}")
