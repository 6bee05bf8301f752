"""The instructions of a judge: the prompt's file with the card in it."""

from pathlib import Path
from string import Template

from include.call_centre.domain.score_question import SCHEMA_NAME, answer_schema, card_as_text
from include.call_centre.domain.scorecards import Scorecard
from include.call_centre.names import SCORING_TASK
from include.clients.language_models.question import Question
from include.common.plain_text import framed

PROMPT = Path(__file__).parents[1] / "prompts" / "quality_v1.md"  # a changed prompt is a new file
PROMPT_VERSION = PROMPT.stem


def instructions(card: Scorecard) -> str:
    return Template(PROMPT.read_text(encoding="utf-8")).substitute(title=card.title, card=card_as_text(card))


def question(card: Scorecard, checksum: str, body: str) -> Question:
    """`body` is masked already, as far as the installation wants it."""
    return Question(
        SCORING_TASK,
        instructions(card),
        framed(body, checksum[:16]),
        SCHEMA_NAME,
        answer_schema(card),
        subject=checksum,
    )


def characters_of(asked: Question) -> int:
    return len(asked.instructions) + len(asked.data) + len(str(dict(asked.schema)))
