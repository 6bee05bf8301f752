"""What the pages of quality ask and get."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Comment = Annotated[str, Field(max_length=1000)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewAnswer(Asked):
    """A person's answer to one criterion; `t` is where in the call."""

    criterion: Name
    answer: Name
    t: Annotated[float, Field(ge=0, le=86_400)] | None = None
    comment: Comment = ""


class NewDispute(Asked):
    criterion: Name
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class DisputeEnd(Asked):
    """`answer` takes the place of the judge's; null upholds it."""

    answer: Name | None = None
    comment: Comment = ""


class ScoreInList(BaseModel):
    """`score` has the answers of people in their place. `calibrated` false: shown, never ranked."""

    score_id: UUID
    call: int
    card: str
    version: int
    status: str
    score: float | None
    judged_score: float | None
    coverage: float | None
    passed: bool | None
    calibrated: bool
    needs_review: bool
    reasons: list[str]
    open_disputes: int
    why_not: str | None
    employee_id: str | None
    employee: str | None
    started_at: datetime
    model: str


class ScoreList(BaseModel):
    """`next` is the place after the last one; null at the end."""

    items: list[ScoreInList]
    next: str | None


class AnswerShown(BaseModel):
    """`by_people` outranks `answer` in every figure."""

    criterion: str
    section: str
    question: str
    choices: list[str]
    answer: str
    lost: str | None
    evidence: list[dict[str, Any]]
    why: str
    source: str
    calibrated: bool
    by_people: dict[str, Any] | None
    dispute: dict[str, Any] | None


class ScoreShown(BaseModel):
    score: ScoreInList
    title: str
    pass_score: int
    answers: list[AnswerShown]


class AverageShown(BaseModel):
    """`score` is null with too few scores, or where the judge is not calibrated."""

    employee_id: str | None
    employee: str | None
    card: str
    scores: int
    counted: int
    score: float | None
    coverage: float | None
    to_review: int
    open_disputes: int


class JudgeShown(BaseModel):
    card: str
    provider: str
    model: str
    prompt: str
    items: int
    status: str
    at: datetime
    calls: dict[str, float | None]
    criteria: dict[str, dict[str, Any]]


class Summary(BaseModel):
    days: int
    least: int
    averages: list[AverageShown]
    judges: list[JudgeShown]


class BlindQuestion(BaseModel):
    criterion: str
    section: str
    question: str
    guidance: str
    choices: list[str]
    na: str


class BlindCall(BaseModel):
    """A text of the set with the questions of the card; nothing of a judge."""

    card: str
    item: int
    text: str
    questions: list[BlindQuestion]


class BlindAnswers(Asked):
    answers: Annotated[dict[Name, Name], Field(min_length=1, max_length=20)]


class Taken(BaseModel):
    taken: int


class Opened(BaseModel):
    dispute: int


class Decided(BaseModel):
    score_id: UUID
