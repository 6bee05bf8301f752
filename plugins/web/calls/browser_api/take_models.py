"""What the endpoints of bundles and erasures take and give."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from plugins.web.calls.browser_api.models import Search

What = Literal["text", "audio", "registry"]
_Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BundleAsked(_Asked):
    """The calls that the search finds, without its pages, and what is wanted of them."""

    search: Search
    what: Annotated[list[What], Field(min_length=1, max_length=3)]


class BundleRow(BaseModel):
    """`calls` are those that fitted when it was asked for; what ends or is erased meanwhile is not in the file."""

    id: str
    asked_at: datetime
    expires_at: datetime
    what: list[What]
    calls: int
    taken_at: datetime | None


class ErasureAsked(_Asked):
    """One call by its id here, or all calls of a number. `reason` and `asked_by` stay for good: no names there."""

    call: Annotated[int | None, Field(ge=1, le=2**63 - 1)] = None
    number: Annotated[str | None, StringConstraints(pattern=r"^[0-9 ()+-]{5,24}$")] = None
    reason: _Sentence
    asked_by: _Sentence
    demanded_on: date | None = None


class ErasureStarted(BaseModel):
    """The DAG run that registers the demand and asks a second person."""

    dag_run_id: str


class ErasureRow(BaseModel):
    """A demand. `subject` is masked. `left`: what a second look found after the erasing, by place: zeros prove it.

    `may_decide`: it waits, and for this reader.
    """

    id: UUID
    kind: Literal["call", "number"]
    subject: str
    reason: str
    asked_by: str
    triggered_by: str
    demanded_at: datetime
    status: Literal["asked", "refused", "approved", "settled"]
    decided_by: str | None
    decided_at: datetime | None
    settled_at: datetime | None
    left: dict[str, int] | None
    may_decide: bool
    may_approve: bool


class ErasuresPage(BaseModel):
    items: list[ErasureRow]
    cursor: str | None


class Decision(_Asked):
    decision: Literal["approve", "refuse"]
