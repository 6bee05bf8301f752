"""A playlist: recordings with their expected texts, or with the error that they have to end in.

A playlist is a file of strangers: names are checked before they become paths, sizes and counts are bounded.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from include.common.errors import BadInput, ErrorCode

MOST_ENTRIES = 500
_SEPARATORS = ("\\", "\0", "\n")


def _inside(path: str) -> str:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(mark in path for mark in _SEPARATORS):
        raise ValueError("a path inside the playlist's folder is expected, such as audio/1.mp3")
    return path


Inside = Annotated[str, Field(max_length=300), AfterValidator(_inside)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]  # becomes the name of a file
Rate = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Channel = Literal["left", "right"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Thresholds(_Part):
    """None: not judged. Shares of words, characters and matched words; `cost_usd` of a call."""

    wer: Rate | None = None
    cer: Rate | None = None
    role_error: Rate | None = None
    cost_usd: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    seconds_per_minute: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] | None = None

    def changed_by(self, other: "Thresholds") -> "Thresholds":
        """With the values that `other` names."""
        return self.model_copy(update=other.model_dump(exclude_none=True))


class Entry(_Part):
    """One recording. `expected` names the file of its text; `expect_error` the code that it has to end in."""

    call_id: Identifier
    record_id: Identifier
    audio: Inside
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    expected: Inside | None = None
    expect_error: ErrorCode | None = None
    source: Annotated[str, Field(max_length=2000)] = ""
    operator_channel: Channel = "left"
    tags: tuple[str, ...] = ()
    thresholds: Thresholds = Thresholds()

    @model_validator(mode="after")
    def _one_expectation(self) -> Self:
        if (self.expected is None) is (self.expect_error is None):
            raise ValueError("either expected or expect_error is needed")
        return self


class Period(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    start: date = Field(alias="from")
    end: date = Field(alias="to")


class Playlist(_Part):
    """`engine`: the name of an engine; `language`: ISO 639-1."""

    name: Identifier
    period: Period
    engine: Identifier = "default"
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "ru"
    thresholds: Thresholds = Thresholds()
    entries: Annotated[tuple[Entry, ...], Field(max_length=MOST_ENTRIES)] = ()

    @field_validator("entries")
    @classmethod
    def _named_once(cls, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        names = [(entry.call_id, entry.record_id) for entry in entries]
        if len(set(names)) < len(names):
            raise ValueError("a call_id and record_id stand twice")
        return entries

    def thresholds_of(self, entry: Entry) -> Thresholds:
        return self.thresholds.changed_by(entry.thresholds)


def playlist_of(tree: object) -> Playlist:
    """The playlist of a parsed YAML or JSON file. Raises BadInput that names the first wrong field."""
    if not isinstance(tree, Mapping):
        raise BadInput("the playlist is no mapping of keys", problem="playlist_unusable", where="-", reason="no keys")
    try:
        return Playlist.model_validate(dict[str, Any](tree))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "-"
    raise BadInput(
        f"the playlist cannot be used: {where}: {first['msg']}",
        problem="playlist_unusable",
        where=where,
        reason=first["msg"],
    )
