"""A text of a calibration set, and what a person says of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """`body` is masked."""

    item_no: int
    checksum: str
    recording_id: int
    body: str
    seconds: float
    split: str
    second_rater: bool


@dataclass(frozen=True, slots=True)
class FilledRow:
    item_no: int
    criterion: str
    answer: str
    t: float | None
    comment: str
