"""Whose calls are erased: keyed hashes of numbers and call ids, and which calls they cover.

A tombstone is a hash: it says that a call was erased and not whose it was. Without the installation's key no one can
try out the ten thousand million phone numbers of a country.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Protocol

from include.calls.domain.erasure import Demand, SubjectKind, Tombstone
from include.calls.domain.phone_numbers import canonical_number
from include.common.errors import BadInput, NotConfigured
from include.common.masking import mask_number, mask_phones

_NAME_OF_KEY = b"the name of this key"


class CallFacts(Protocol):
    """What tells whose call it is: a call as the system lists it, or a stored one."""

    @property
    def call_id(self) -> str: ...
    @property
    def from_number(self) -> str: ...
    @property
    def to_number(self) -> str: ...
    @property
    def phone_line(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ErasureKey:
    """The secret of the installation with which tombstones are made; `secret` is never stored beside them."""

    secret: bytes

    @classmethod
    def of(cls, secret: str) -> "ErasureKey":
        return cls(secret.encode())

    def __repr__(self) -> str:
        return f"ErasureKey({self.name})"

    @property
    def name(self) -> str:
        """Tells two keys apart and gives neither away."""
        return self._hash(_NAME_OF_KEY)[:16]

    def of_call(self, call_id: str) -> str:
        return self._hash(b"call\0" + call_id.encode("utf-8", "surrogatepass"))

    def of_number(self, number: str) -> str:
        """`number` in any spelling; two spellings of one number have one hash."""
        return self._hash(b"number\0" + canonical_number(number).encode())

    def _hash(self, text: bytes) -> str:
        return hmac.new(self.secret, text, sha256).hexdigest()


class ErasedCalls:
    """Which calls the tombstones cover."""

    def __init__(self, tombstones: Iterable[Tombstone], key: ErasureKey | None) -> None:
        """Raises NotConfigured if there are tombstones and no key, or another one: erased calls would come back."""
        found = list(tombstones)
        if foreign := [stone for stone in found if key is None or stone.key_name != key.name]:
            raise NotConfigured(
                f"{len(foreign)} erased calls and numbers are known by another erasure key than this installation's: "
                "with this key they would come back; restore the key of the connection call_export_erasure",
                problem="erasure_key_differs",
                count=len(foreign),
            )
        self._key = key
        self._calls = {stone.hash for stone in found if stone.kind is SubjectKind.CALL}
        self._numbers: dict[str, datetime | None] = {}
        for stone in found:
            if stone.kind is SubjectKind.NUMBER:
                self._numbers[stone.hash] = _later(
                    self._numbers.get(stone.hash, stone.covers_until), stone.covers_until
                )
        self._known: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._calls or self._numbers)

    def cover(self, call: CallFacts, started_at: datetime) -> bool:
        if self._key is None or not self:
            return False
        if self._calls and self._key.of_call(call.call_id) in self._calls:
            return True
        if not self._numbers:
            return False
        return any(self._covers_number(number, started_at) for number in numbers_of(call))

    def _covers_number(self, number: str, started_at: datetime) -> bool:
        assert self._key is not None
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = self._key.of_number(number)
        if found not in self._numbers:
            return False
        until = self._numbers[found]
        return until is None or started_at <= until


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Of two ends of one number's tombstones; None is no end."""
    return None if one is None or other is None else max(one, other)


def numbers_of(call: CallFacts) -> set[str]:
    """The other side's numbers as the system spells them: the company's own line is no person's own number."""
    line = canonical_number(call.phone_line)
    spelled = {call.from_number, call.to_number}
    return {number for number in spelled if (found := canonical_number(number)) and found != line}


def demand_of(params: Mapping[str, Any], key: ErasureKey) -> Demand:
    """The demand of the DAG's parameters. Raises BadInput with a sentence that does not repeat the number or the id."""
    call_id, number = _text(params, "erase_call_id"), _text(params, "erase_number")
    if bool(call_id) == bool(number):
        raise BadInput("give either a call id or a phone number", problem="erasure_of_what")
    reason, asked_by = _text(params, "reason"), _text(params, "asked_by")
    if not reason or not asked_by:
        raise BadInput("say why and at whose demand", problem="erasure_without_reason")
    if any(mask_phones(text) != text for text in (reason, asked_by)):
        raise BadInput(
            "the reason and who asked stay for good: no phone numbers there", problem="erasure_reason_number"
        )
    day = _text(params, "demanded_on")
    try:
        demanded_on = date.fromisoformat(day) if day else None
    except ValueError:
        raise BadInput("demanded_on is not a day", problem="erasure_bad_day") from None
    if call_id:
        return Demand(SubjectKind.CALL, key.of_call(call_id), masked_call(call_id), reason, asked_by, demanded_on)
    if not canonical_number(number):
        raise BadInput("not a phone number", problem="erasure_bad_number")
    return Demand(SubjectKind.NUMBER, key.of_number(number), masked_number(number), reason, asked_by, demanded_on)


def masked_number(number: str) -> str:
    return mask_number(canonical_number(number))


def masked_call(call_id: str) -> str:
    """Enough to tell which demand it was, too little to find the call."""
    return f"***{call_id[-3:]}" if len(call_id) > 6 else "***"


def _text(params: Mapping[str, Any], name: str) -> str:
    return str(params.get(name) or "").strip()
