"""What a model is asked about a call, and what its response says: choices of the card, words of the call, no number."""

import re
from collections.abc import Mapping
from typing import Any

from include.call_centre.domain.evidence import Evidence, checked, rests
from include.call_centre.domain.scorecards import UNKNOWN, Criterion, Scorecard
from include.call_centre.domain.scores import Answer, without_ground
from include.call_centre.domain.spoken_call import SpokenCall
from include.common.errors import ErrorCode, Permanent
from include.common.plain_text import plain_line

SCHEMA_NAME = "scorecard_answers"
_MOST_EVIDENCE = 3
_MOST_WHY = 400
# What a caller says to a machine that listens. A hit lowers trust, it never raises a score.
_ORDERS = re.compile(
    r"(постав\w*|став\w*|оцен\w*|напиши\w*)\W+(\w+\W+){0,4}?"
    r"(высш\w+|максим\w+|наивысш\w+|сто баллов|100 баллов|пят[её]рк\w*|отличн\w+)"
    r"|(игнориру\w*|забуд\w*|отмен\w*|нарушь\w*)\W+(\w+\W+){0,4}?(инструкци\w+|указани\w+|правил\w*|промпт\w*)"
    r"|ignore\W+(\w+\W+){0,4}?(instruction|rule|prompt)|system\W+prompt|(системн\w+|служебн\w+)\W+промпт"
    r"|(give|rate|score)\W+(\w+\W+){0,4}?(highest|maximum|100|perfect)"
    r"|(ты|вы)\W+(теперь\W+)?(модель|нейросеть|оценщик|ассистент)|выведи\W+json|ответь\W+(только\W+)?(yes|да на все)",
    re.IGNORECASE,
)


def card_as_text(card: Scorecard) -> str:
    """The card as the prompt shows it: the same for every call, so that vendors' caches of prompts hit."""
    parts = []
    for one in card.asked:
        lines = [f"## {one.id}", one.question]
        if one.guidance:
            lines.append(one.guidance.strip())
        demands = ", ".join(f"{answer} ({_DEMANDS[one.evidence[answer]]})" for answer in one.answers)
        lines.append(f"Ответы: {demands}, {UNKNOWN} (из текста не видно)")
        if one.na:
            lines.append(f"na, если: {one.na}")
        if one.speaker != "any":
            lines.append(f"Основание — слова: {one.speaker}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


_DEMANDS = {"quote": "нужна дословная цитата", "span": "нужно место в разговоре", "none": "без основания"}


def answer_schema(card: Scorecard) -> dict[str, Any]:
    """Strict for all vendors: every field required, enums of strings, no unions; reasons come before the choice."""
    evidence = _object(
        {
            "t": {"type": "integer"},
            "speaker": {"type": "string", "enum": ["operator", "client", "unknown"]},
            "quote": {"type": "string"},
        }
    )
    return _object(
        {
            one.id: _object(
                {
                    "why": {"type": "string"},
                    "evidence": {"type": "array", "items": evidence},
                    "answer": {"type": "string", "enum": list(one.choices)},
                }
            )
            for one in card.asked
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_answers(content: Mapping[str, Any], card: Scorecard, call: SpokenCall) -> list[Answer]:
    """Answers whose evidence was checked. Raises Permanent(llm_no_answer) for a response outside the schema."""
    return [_read(content.get(one.id), one, call) for one in card.asked]


def _read(given: Any, criterion: Criterion, call: SpokenCall) -> Answer:
    try:
        answer, why, listed = given["answer"], given["why"], given["evidence"]
        if answer not in criterion.choices or not isinstance(why, str) or not isinstance(listed, list):
            raise TypeError
        evidence = [
            Evidence(float(one["t"]), str(one["speaker"]), str(one["quote"])) for one in listed[:_MOST_EVIDENCE]
        ]
    except (TypeError, KeyError, ValueError, OverflowError):
        raise Permanent(
            f"the model's answer to {criterion.id} does not follow the card", code=ErrorCode.LLM_NO_ANSWER
        ) from None
    wanted = criterion.evidence.get(answer, "none")
    held = tuple(checked(evidence, wanted, criterion, call)) if wanted != "none" else ()
    found = Answer(criterion.id, answer, plain_line(why, _MOST_WHY), held, "model")
    return found if rests(answer, held, criterion) else without_ground(found)


def orders_in(body: str) -> bool:
    """Whether a speaker gives orders to the judge."""
    return _ORDERS.search(body) is not None
