"""The text of the simulated recogniser: Russian sentences that depend only on the audio's bytes."""

import hashlib
import io
import random
from dataclasses import dataclass

import av

MARK = "[симуляция]"

_SENTENCES = (
    "Здравствуйте, чем могу помочь?",
    "Подскажите, пожалуйста, когда приедет курьер.",
    "Одну минуту, сейчас проверю информацию по заказу.",
    "Заказ уже собран и передан в доставку.",
    "Хорошо, тогда я буду ждать звонка.",
    "Можно ли изменить адрес доставки?",
    "Да, конечно, назовите новый адрес.",
    "Стоимость останется прежней, ничего доплачивать не нужно.",
    "А если товар не подойдёт, его можно вернуть?",
    "Вернуть товар можно в течение четырнадцати дней.",
    "Спасибо большое, вы мне очень помогли.",
    "Всего доброго, хорошего дня!",
)
_CHARS_PER_SECOND = 13  # of unhurried Russian speech


@dataclass(frozen=True, slots=True)
class Segment:
    """Times in seconds from the start of the audio."""

    start: float
    end: float
    text: str


def seconds_of(audio: bytes) -> float:
    """The length measured by decoding all of it. Raises av.FFmpegError or ValueError for a file without audio."""
    with av.open(io.BytesIO(audio), "r") as container:
        if not container.streams.audio:
            raise ValueError("no audio stream")
        stream = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(stream))
        return samples / stream.rate if stream.rate else 0.0


def segments_of(audio: bytes, seconds: float) -> list[Segment]:
    """The mark, then as many sentences as fit; the same bytes give the same text."""
    rng = random.Random(hashlib.sha256(audio).digest())
    sentences, left = [MARK], seconds * _CHARS_PER_SECOND
    while left > 0:
        sentences.append(rng.choice([item for item in _SENTENCES if item != sentences[-1]]))
        left -= len(sentences[-1])
    sentences[:2] = [" ".join(sentences[:2])]
    total = sum(map(len, sentences))
    edges = [seconds * sum(map(len, sentences[:number])) / total for number in range(len(sentences) + 1)]
    return [
        Segment(round(edges[number], 2), round(edges[number + 1], 2), text) for number, text in enumerate(sentences)
    ]
