"""Kinds of personal data, and where one was found."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """NUMBER: a long number of which only the length is known, such as that of an account or a contract."""

    NAME = "name"
    ADDRESS = "address"
    PHONE = "phone"
    EMAIL = "email"
    CARD = "card"
    PASSPORT = "passport"
    SNILS = "snils"
    INN = "inn"
    NUMBER = "number"


class Found(NamedTuple):
    """Personal data from `start` up to `end` of a text, in characters."""

    start: int
    end: int
    kind: Kind
