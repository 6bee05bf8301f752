"""A call's summary: what the language model is asked, and what is accepted of its response.

The model has read a stranger's words, so its response is a stranger's text too: here it becomes plain lines in which
nothing acts, in Markdown, HTML or a spreadsheet, and no personal data is left that the rules know.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from include.common.errors import ErrorCode, Permanent
from include.common.plain_text import NOTES, plain_line

MAX_SUMMARY = 1200  # characters
MAX_ITEM = 240
MAX_ITEMS = 10
MAX_TAG = 40
MAX_FREE_TAGS = 2
_LONGEST_READ = 8_000  # characters of one line of the response; the rest is dropped


@dataclass(frozen=True, slots=True)
class CallSummary:
    """Plain one-line texts without personal data; `tags` are lower case, known ones first."""

    summary: str
    topics: tuple[str, ...]
    objections: tuple[str, ...]
    next_steps: tuple[str, ...]
    tags: tuple[str, ...]

    def as_answer(self) -> dict[str, Any]:
        """In the form of a response that `checked_summary` reads back unchanged."""
        return {
            "summary": self.summary,
            "topics": list(self.topics),
            "objections": list(self.objections),
            "next_steps": list(self.next_steps),
            "tags": list(self.tags),
            "free_tags": [],
        }


class _Response(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    summary: str
    topics: list[str]
    objections: list[str]
    next_steps: list[str]
    tags: list[str]
    free_tags: list[str]


def answer_schema(vocabulary: Sequence[str]) -> dict[str, Any]:
    """JSON schema of the response for strict structured output: every field is required, no other is allowed."""
    lines = {"type": "array", "items": {"type": "string"}}
    known: dict[str, Any] = {"type": "string", "enum": list(vocabulary)} if vocabulary else {"type": "string"}
    properties = {
        "summary": {"type": "string"},
        "topics": lines,
        "objections": lines,
        "next_steps": lines,
        "tags": {"type": "array", "items": known},
        "free_tags": lines,
    }
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def checked_summary(response: Mapping[str, Any], vocabulary: Sequence[str], max_tags: int) -> CallSummary:
    """Raises Permanent(summary_failed) for an unknown shape or a summary of which nothing readable is left."""
    try:
        read = _Response.model_validate(dict(response))
    except ValidationError as error:
        named = {str(problem["loc"][0]) for problem in error.errors()}
    else:
        return _plain(read, vocabulary, max_tags)
    # outside the handler: pydantic's own text quotes the response, and so would the name of an unknown field
    where = ", ".join(sorted(named & _Response.model_fields.keys())) or "unknown fields"
    raise Permanent(f"the language model's response has another shape, see: {where}", code=ErrorCode.SUMMARY_FAILED)


def _plain(read: _Response, vocabulary: Sequence[str], max_tags: int) -> CallSummary:
    summary = _line(read.summary, MAX_SUMMARY)
    if not any(char.isalpha() for char in summary):
        raise Permanent("the language model's summary is empty", code=ErrorCode.SUMMARY_FAILED)
    return CallSummary(
        summary=summary,
        topics=_lines(read.topics),
        objections=_lines(read.objections),
        next_steps=_lines(read.next_steps),
        tags=_tags([*read.tags, *read.free_tags], vocabulary, max_tags),
    )


def _line(text: str, limit: int) -> str:
    from include.common.personal_data.hiding import without_personal_data  # noqa: PLC0415 - a dictionary of 40 MB

    return plain_line(without_personal_data(text[:_LONGEST_READ]), limit)


def _lines(items: Iterable[str]) -> tuple[str, ...]:
    lines = (_line(item, MAX_ITEM) for item in dict.fromkeys(items))
    return tuple(dict.fromkeys(line for line in lines if line))[:MAX_ITEMS]


def _tags(items: Iterable[str], vocabulary: Sequence[str], max_tags: int) -> tuple[str, ...]:
    known = {normal_tag(tag) for tag in vocabulary}
    tags = list(dict.fromkeys(tag for tag in map(normal_tag, items) if tag))
    free = [tag for tag in tags if tag not in known][:MAX_FREE_TAGS]
    return tuple([*(tag for tag in tags if tag in known), *free][:max_tags])


def normal_tag(text: str) -> str:
    """Lower-case letters, digits, spaces and hyphens; empty where the text held personal data or a link."""
    line = _line(text, MAX_ITEM)
    if any(note in line for note in NOTES):
        return ""
    words = "".join(char if char.isalnum() or char == "-" else " " for char in line.lower())
    return " ".join(words.split())[:MAX_TAG].strip("- ")
