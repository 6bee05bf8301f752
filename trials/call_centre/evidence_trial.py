"""Quotes that were said, slightly changed, and quotes that were not: how many are accepted, how many caught."""

import random

from include.call_centre.domain.evidence import Evidence, checked
from include.call_centre.domain.scorecards import Criterion
from include.call_centre.domain.spoken_call import SpokenCall
from include.speech.transcript_lines import TimedLine

WORDS = (
    "доставка", "завтра", "после", "обеда", "заказ", "номер", "шины", "зимние", "колесо", "оплата", "картой",
    "склад", "магазин", "адрес", "город", "улица", "время", "удобно", "перезвоню", "менеджер", "скидка", "цена",
    "рублей", "размер", "диаметр", "гарантия", "возврат", "чек", "наличие", "привезём", "забрать", "самовывоз",
    "договор", "понял", "хорошо", "спасибо", "пожалуйста", "уточните", "подскажите", "конечно", "сейчас",
    "посмотрю", "минуту", "сегодня", "четверг", "пятница", "утром",
)  # fmt: skip
FILLERS = ("ну", "вот", "значит", "э")
TRUE, FALSE = 1000, 300
CRITERION = Criterion.model_validate(
    {
        "id": "trial",
        "section": "-",
        "question": "-",
        "answers": {"yes": 100, "no": 0},
        "weight": 1,
        "evidence": {"yes": "quote", "no": "quote"},
    }
)


def run() -> str:
    chance = random.Random(4)
    accepted = sum(_holds(_changed(call, chance), call) for call in _calls(chance, TRUE))
    kinds = ("invented", "shifted in time", "other speaker", "negated", "other number")
    caught = dict.fromkeys(kinds, 0)
    for number, call in enumerate(_calls(chance, FALSE)):
        kind = kinds[number % len(kinds)]
        caught[kind] += not _holds(_false(kind, call, chance), call)
    each = ", ".join(f"{kind} {count} of {FALSE // len(kinds)}" for kind, count in caught.items())
    return (
        f"true quotes accepted: {accepted} of {TRUE}\nfalse quotes caught: {sum(caught.values())} of {FALSE} ({each})"
    )


def _calls(chance: random.Random, count: int) -> list[SpokenCall]:
    calls = []
    for _ in range(count):
        turns = []
        for number in range(24):
            words = chance.choices(WORDS, k=chance.randint(6, 18))
            if chance.random() < 0.5:
                words.insert(chance.randrange(len(words)), chance.choice(FILLERS))
            if chance.random() < 0.3:
                words.insert(chance.randrange(1, len(words)), "не")
            if chance.random() < 0.3:
                words.insert(chance.randrange(1, len(words)), str(chance.randint(10, 9999)))
            turns.append(TimedLine(number * 9, "operator" if number % 2 else "client", " ".join(words)))
        calls.append(SpokenCall(tuple(turns), 24 * 9.0))
    return calls


def _part(turn: TimedLine, chance: random.Random) -> list[str]:
    words = turn.text.split()
    length = chance.randint(5, min(12, len(words)))
    start = chance.randrange(len(words) - length + 1)
    while start and words[start - 1] == "не":  # "обещаю" out of "не обещаю" is no true quote
        start -= 1
    return words[start : start + length]


def _changed(call: SpokenCall, chance: random.Random) -> Evidence:
    """Other case, no or other punctuation, ё for е, without fillers, the time off by a turn."""
    turn = chance.choice(call.turns)
    words = _part(turn, chance)
    while len([word for word in words if word not in FILLERS]) < 3:
        words = _part(turn, chance)
    if chance.random() < 0.5:
        words = [word for word in words if word not in FILLERS]
    text = chance.choice((" ", ", ", " — ", "... ")).join(words)
    text = chance.choice((str.upper, str.title, str))(text)
    text = text.replace("ё", "е") if chance.random() < 0.5 else text
    return Evidence(turn.start + chance.choice((-9, 0, 4, 9)), turn.role, f"«{text}.»")


def _false(kind: str, call: SpokenCall, chance: random.Random) -> Evidence:
    turn = chance.choice(call.turns[:8])
    words = _part(turn, chance)
    if kind == "invented":
        return Evidence(turn.start, turn.role, " ".join(chance.choices(WORDS, k=8)))
    if kind == "shifted in time":
        return Evidence(turn.start + 120, turn.role, " ".join(words))
    if kind == "other speaker":
        return Evidence(turn.start, "client" if turn.role == "operator" else "operator", " ".join(words))
    if kind == "negated":
        inside = "не" in words[:-1]
        words = [word for word in words if word != "не"] if inside else [*words[:2], "не", *words[2:]]
        return Evidence(turn.start, turn.role, " ".join(words))
    numbers = [at for at, word in enumerate(words) if word.isdigit()]
    if numbers:
        words[numbers[0]] = str(int(words[numbers[0]]) + 1)
    else:
        words.insert(2, "4711")
    return Evidence(turn.start, turn.role, " ".join(words))


def _holds(one: Evidence, call: SpokenCall) -> bool:
    (found,) = checked([one], "quote", CRITERION, call)
    return found.holds
