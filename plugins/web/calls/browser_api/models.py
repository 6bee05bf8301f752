"""What the endpoints of the call browser take and give; times are ISO 8601 with an offset, money is USD as text.

Lengths are bounded, and a field that is not named here is refused.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from include.calls.domain.states import RecordStatus
from plugins.web.calls.browser_api.reader_rights import Right

MOST_WORDS_CHARS = 300
MOST_VALUES = 50
MOST_ROWS = 100

_Value = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Values = Annotated[list[_Value], Field(max_length=MOST_VALUES)]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9 ()+-]{0,24}$")]
Seconds = Annotated[int, Field(ge=0, le=1_000_000)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


# ---------------------------------------------------------------- who is asking


class IndexState(BaseModel):
    """Texts that the search covers, of those that there are."""

    done: int
    of: int


class ScopeShown(BaseModel):
    """The phone lines and employees whose calls the reader sees; None: all of them."""

    lines: list[str] | None = None
    employee_ids: list[str] | None = None


class Me(BaseModel):
    name: str
    rights: list[Right]
    scope: ScopeShown
    label_lang: Literal["ru", "en"]
    version: str
    index: IndexState
    quality: bool


# ---------------------------------------------------------------- the list


class Search(_Asked):
    """`q` in the notation of web search engines: words, "a phrase", -without, OR. `digits`: the end of a number.

    `from` and `to` are days (inclusive, in the report's time zone) or moments with an offset; without them the list has
    no such bound. An empty list of values does not filter. `sort`: `relevance` orders the newest 500 hits.
    `snippets` false: without the turns that have hits; `POST /search/snippets` gives those of single calls.
    """

    q: Annotated[str, StringConstraints(max_length=MOST_WORDS_CHARS)] = ""
    exact: bool = False
    from_: date | datetime | None = Field(default=None, alias="from")
    to: date | datetime | None = None
    lines: Values = []
    employees: Values = []
    directions: Values = []
    statuses: Annotated[list[RecordStatus], Field(max_length=MOST_VALUES)] = []
    flags: Values = []
    verdicts: Annotated[list[Literal["ok", "issue", "none"]], Field(max_length=3)] = []
    roles: Values = []
    tags: Values = []
    digits: Digits = ""
    min_sec: Seconds = 0
    max_sec: Seconds | None = None
    run_id: UUID | None = None
    batch_no: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    sort: Literal["newest", "relevance"] = "newest"
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50
    cursor: Annotated[str, StringConstraints(max_length=200)] | None = None
    facets: bool = False
    snippets: bool = True


class Snippet(BaseModel):
    """A turn with hits; each part is its text and 1 for a hit, 0 for the rest. `t` is the turn's second."""

    t: float
    parts: list[tuple[str, Literal[0, 1]]]


class SnippetsAsked(_Asked):
    """Words of a search, and calls that it has found."""

    q: Annotated[str, StringConstraints(min_length=1, max_length=MOST_WORDS_CHARS)]
    exact: bool = False
    ids: Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(min_length=1, max_length=25)]


class CallRow(BaseModel):
    """One recording. `at` has the offset of the telephony system. Numbers are masked."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    at: datetime
    direction: str
    line: str
    from_: str = Field(alias="from")
    to: str
    employee: str | None
    duration_sec: int
    status: RecordStatus
    error_code: str | None
    flags: list[str]
    verdict: Literal["ok", "issue"] | None
    tags: list[str]
    cost_usd: Decimal | None
    snippets: list[Snippet] = []


class Total(BaseModel):
    value: int
    more: bool


Facet = list[tuple[str, int]]


class Facets(BaseModel):
    """Values of the found calls, the most frequent first; counted over at most 10,000 of them (`more`)."""

    lines: Facet = []
    employees: Facet = []
    directions: Facet = []
    statuses: Facet = []
    flags: Facet = []
    verdicts: Facet = []
    roles: Facet = []
    tags: Facet = []
    more: bool = False


class Found(BaseModel):
    """`cursor` asks for the next rows, None after the last. `total` counts to 1,000.

    `newest_at`: where nothing was found, when the newest call of the reader's scope began.
    """

    items: list[CallRow]
    cursor: str | None
    total: Total
    facets: Facets | None
    as_of: datetime
    newest_at: datetime | None = None


class SharedSearch(BaseModel):
    s: str


# ---------------------------------------------------------------- one call


class CopyShown(BaseModel):
    """`made_sec`: seconds of the copy that are there, where the process that answers makes it."""

    state: Literal["ready", "making", "none"]
    made_sec: float | None


class AudioShown(BaseModel):
    """`type` is the stored file's; a player may get a copy of another type."""

    state: Literal["ok", "absent", "erased"]
    type: str | None
    seconds: float | None
    channels: int | None


class SummarySection(BaseModel):
    title: str
    lines: list[str]


class SummaryShown(BaseModel):
    """What the language model wrote of the call; the facts at the file's beginning are the card's."""

    sections: list[SummarySection]


class Verdict(BaseModel):
    """`of_present_text`: False if the text was built anew since."""

    result: Literal["ok", "issue"]
    comment: str
    by: str
    at: datetime
    of_present_text: bool


class RolesShown(BaseModel):
    """On which channel the operator is, and who has corrected it; `on_line`: corrected calls of this phone line.

    `may_change`: the roles are those of channels, and there is something to build the text from.
    """

    operator_channel: Literal["left", "right"]
    of_policy: Literal["left", "right"]
    corrected_by: str | None
    corrected_at: datetime | None
    on_line: int
    may_change: bool


class RunShown(BaseModel):
    """The newest run whose period has the call."""

    run_id: UUID
    dag_run_id: str
    status: str


class FileShown(BaseModel):
    """`what` is text, recognition, audio or summary; `checksum` is sha256."""

    what: Literal["text", "recognition", "audio", "summary"]
    key: str
    checksum: str | None


class Card(CallRow):
    """`error` says what the code means and what to do. `etag` goes into `If-Match` of a verdict."""

    audio: AudioShown
    text_state: Literal["ok", "none", "ended", "erased"]
    text_sha256: str | None
    language: str | None
    roles: str | None
    model: str | None
    source: str | None
    error: str | None
    outcome: str | None
    run: RunShown | None
    dag_run_id: str | None
    verdict_detail: Verdict | None
    role_fix: RolesShown | None
    held: bool
    files: list[FileShown]
    etag: str


class TurnShown(BaseModel):
    """`end` is None where only the beginning is known; `doubt` names the flag of the piece it lies in."""

    i: int
    start: float
    end: float | None
    role: str
    text: str
    doubt: str | None = None
    words: None = None


class TextShown(BaseModel):
    sha256: str
    language: str | None
    model: str
    roles: str
    turns: list[TurnShown]


class EventShown(BaseModel):
    at: datetime
    stage: str
    event: str
    text: str
    ms: int | None
    usd: Decimal | None
    by: str | None


class Numbers(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str


class Nothing(_Asked):
    """An empty object: a form of another site cannot send it."""


class NewVerdict(_Asked):
    result: Literal["ok", "issue"]
    comment: Annotated[str, StringConstraints(max_length=2000)] = ""
    text_sha256: Annotated[str, StringConstraints(max_length=80)]


class WantedRoles(_Asked):
    """`operator_channel` null: as the policy says of the line. `text_sha256` is that of the text that was read."""

    operator_channel: Literal["left", "right"] | None
    text_sha256: Annotated[str, StringConstraints(max_length=80)]


class Refusal(BaseModel):
    """One sentence in the reader's language."""

    detail: str
