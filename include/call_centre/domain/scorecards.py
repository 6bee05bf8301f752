"""A scorecard: what a call is judged by. Its hash names it: a card with another hash is another card."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NA, UNKNOWN = "na", "unknown"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=600)]
Speaker = Literal["operator", "client", "any"]
RuleName = Literal[
    "first_words_within",
    "talk_share_between",
    "required_phrases",
    "forbidden_phrases",
    "pace_at_most",
    "longest_pause_at_most",
    "not_transferred",
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Part):
    """What code decides without a model: the first choice of the criterion if it holds, else the last one."""

    name: RuleName
    seconds: Annotated[float, Field(gt=0)] | None = None
    least: Annotated[float, Field(ge=0)] | None = None
    most: Annotated[float, Field(ge=0)] | None = None
    phrases: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _has_its_bounds(self) -> Self:
        wanted: dict[str, tuple[object, ...]] = {
            "first_words_within": (self.seconds,),
            "talk_share_between": (self.least, self.most),
            "required_phrases": (self.phrases or None,),
            "forbidden_phrases": (self.phrases or None,),
            "pace_at_most": (self.most,),
            "longest_pause_at_most": (self.seconds,),
        }
        if any(value is None for value in wanted.get(self.name, ())):
            raise ValueError(f"the rule {self.name} lacks a bound")
        return self


class Criterion(_Part):
    """One question. `answers` are the choices with their points of 100; `na` says when the question does not apply.

    `evidence` says what an answer must rest on: words of the call (`quote`), a place in it (`span`), nothing (`none`).
    `auto_fail` are answers that propose to fail the whole call.
    """

    id: Name
    section: Text
    question: Text
    guidance: Annotated[str, Field(max_length=2000)] = ""
    answers: Annotated[dict[Name, Annotated[int, Field(ge=0, le=100)]], Field(min_length=2, max_length=6)]
    na: Annotated[str, Field(max_length=600)] = ""
    weight: Annotated[int, Field(ge=1, le=100)]
    speaker: Speaker = "any"
    evidence: dict[Name, Literal["quote", "span", "none"]] = {}
    rule: Rule | None = None
    auto_fail: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _answers_are_known(self) -> Self:
        for name in (*self.evidence, *self.auto_fail):
            if name not in self.answers:
                raise ValueError(f"{self.id}: there is no answer {name}")
        if {NA, UNKNOWN} & self.answers.keys():
            raise ValueError(f"{self.id}: na and unknown are no answers of a card")
        if max(self.answers.values()) == 0:
            raise ValueError(f"{self.id}: no answer has points")
        if self.rule is None and self.evidence.keys() != self.answers.keys():
            raise ValueError(f"{self.id}: evidence must say of each answer what it rests on")
        return self

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be answered, in the order of the card."""
        return (*self.answers, *((NA,) if self.na else ()), UNKNOWN)

    @property
    def bad(self) -> str:
        """The answer with the fewest points: the one that calibration must not miss."""
        return min(self.answers, key=lambda name: self.answers[name])

    def weighed(self, answer: str) -> tuple[int, int]:
        """Points and the most points, times the weight; (0, 0) for an answer that does not count."""
        if answer not in self.answers:
            return 0, 0
        return self.weight * self.answers[answer], self.weight * max(self.answers.values())


class AppliesTo(_Part):
    """Which calls the card is for; an empty list is no condition."""

    directions: tuple[Literal["inbound", "outbound", "callback"], ...] = ()
    roles: tuple[Literal["channels", "evidence", "diarized"], ...] = ()
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] = ()
    min_speech_sec: Annotated[int, Field(ge=0, le=3600)] = 0
    tags_any: tuple[Text, ...] = ()


class Scorecard(_Part):
    card: Name
    version: Annotated[int, Field(ge=1, le=9999)]
    title: Text
    judges: Literal["operator", "bot"]
    applies_to: AppliesTo = AppliesTo()
    pass_score: Annotated[int, Field(ge=0, le=100)]
    min_coverage: Annotated[float, Field(gt=0, le=1)]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [one.id for one in self.criteria]
        if len(set(ids)) != len(ids):
            raise ValueError("two criteria have one id")
        return self

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> Self:
        """Raises ValidationError. YAML reads the keys `yes` and `no` as truths: here they are words again."""
        return cls.model_validate(_words(tree))

    @property
    def hash(self) -> str:
        """Of the content and not of the file: a comment or another order of keys is no other card."""
        canonical = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def asked(self) -> tuple[Criterion, ...]:
        """The criteria that a model answers."""
        return tuple(one for one in self.criteria if one.rule is None)

    def criterion(self, name: str) -> Criterion | None:
        return next((one for one in self.criteria if one.id == name), None)


def _words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {("yes" if key else "no") if isinstance(key, bool) else key: _words(each) for key, each in value.items()}
    if isinstance(value, list):
        return [("yes" if each else "no") if isinstance(each, bool) else _words(each) for each in value]
    return value
