"""The audit log as a chain: every entry holds a hash of itself and of the entry before (ADR 0019)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID


class Action(StrEnum):
    """What the log tells of; the words are in `include/calls/wording/audit.py`."""

    EXPORT_STARTED = "export_started"
    EXPORT_ENDED = "export_ended"
    DELIVERY_STARTED = "delivery_started"
    TEXTS_DELIVERED = "texts_delivered"
    FILES_FETCHED = "files_fetched"
    TEXTS_REBUILT = "texts_rebuilt"
    REPLAY_STARTED = "replay_started"
    TEXTS_ADOPTED = "texts_adopted"
    CALL_CHECKED = "call_checked"
    BUDGET_APPROVED = "budget_approved"
    BUDGET_REFUSED = "budget_refused"
    POLICY_CHANGED = "policy_changed"
    SECRET_CHANGED = "secret_changed"  # noqa: S105 - the name of an action
    PERIOD_RESET = "period_reset"
    HOLD_PLACED = "hold_placed"
    HOLD_LIFTED = "hold_lifted"
    DATABASE_RESTORED = "database_restored"
    ENTRIES_FORGOTTEN = "entries_forgotten"
    ERASURE_ASKED = "erasure_asked"
    ERASURE_APPROVED = "erasure_approved"
    ERASURE_REFUSED = "erasure_refused"
    ERASURE_SETTLED = "erasure_settled"
    CALLS_SEARCHED = "calls_searched"  # the call browser's, from here on
    SEARCH_SHARED = "search_shared"
    CALL_OPENED = "call_opened"
    TEXT_READ = "text_read"
    HISTORY_READ = "history_read"
    CALL_HEARD = "call_heard"
    AUDIO_TAKEN = "audio_taken"
    NUMBER_SHOWN = "number_shown"
    ROLES_CHANGED = "roles_changed"
    BUNDLE_ASKED = "bundle_asked"
    BUNDLE_TAKEN = "bundle_taken"
    RUN_FILE_TAKEN = "run_file_taken"
    ACCESS_DENIED = "access_denied"
    SCORES_LISTED = "scores_listed"  # the call centre's, from here on
    SCORE_READ = "score_read"
    SCORE_JUDGED = "score_judged"
    SCORE_DISPUTED = "score_disputed"
    DISPUTE_DECIDED = "dispute_decided"
    SCORES_TAKEN = "scores_taken"


class Fault(StrEnum):
    """What is wrong with an entry, or with an end of the chain."""

    CHANGED = "changed"
    MISSING = "missing"
    UNLINKED = "unlinked"  # another entry stood before it: moved, or written again with a hash of its own
    BEGINNING_CUT = "beginning_cut"
    TAIL_CUT = "tail_cut"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of `audit_log`; `detail` is the text of its JSON as the database writes it."""

    entry_no: int
    at: datetime
    action: str
    actor: str
    database_role: str
    run_id: UUID | None
    call_id: str | None
    record_id: str | None
    reason: str
    detail: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Ends:
    """What the database noted of both ends of the chain: the only way to know that the newest entries are gone."""

    first_no: int
    first_previous_hash: str
    last_no: int
    last_hash: str


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry as a person has noted it outside the database: its number and the beginning of its hash."""

    entry_no: int
    beginning: str

    def is_entry(self, entry: Entry) -> bool:
        return entry.entry_no == self.entry_no and entry.hash.startswith(self.beginning)


@dataclass(frozen=True, slots=True)
class Break:
    """`entry_no` is the first entry that is wrong or missing."""

    fault: Fault
    entry_no: int


def hash_of(entry: Entry) -> str:
    """The same as `audit_hash` in SQL."""
    fields = (
        entry.previous_hash,
        str(entry.entry_no),
        f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        entry.action,
        entry.actor,
        entry.database_role,
        str(entry.run_id) if entry.run_id else None,
        entry.call_id,
        entry.record_id,
        entry.reason,
        entry.detail,
    )
    return sha256(b"".join(map(_field, fields))).hexdigest()


def breaks(entries: Iterable[Entry], ends: Ends) -> Iterator[Break]:
    """Everything that is wrong with the whole chain, in its order.

    A person who may change every table can write the chain and its ends anew: only an entry that was noted outside the
    database shows that (`Noted`).
    """
    no_before, hash_before = ends.first_no - 1, ends.first_previous_hash
    for entry in entries:
        if entry.hash != hash_of(entry):
            yield Break(Fault.CHANGED, entry.entry_no)
        if entry.entry_no > no_before + 1:
            beginning = no_before == ends.first_no - 1
            yield Break(Fault.BEGINNING_CUT if beginning else Fault.MISSING, no_before + 1)
        elif entry.entry_no <= no_before or entry.previous_hash != hash_before:
            yield Break(Fault.UNLINKED, entry.entry_no)
        no_before, hash_before = entry.entry_no, entry.hash
    if no_before < ends.last_no:
        yield Break(Fault.TAIL_CUT, no_before + 1)
    elif (no_before, hash_before) != (ends.last_no, ends.last_hash):
        yield Break(Fault.UNLINKED, no_before)


def _field(value: str | None) -> bytes:
    if value is None:
        return b"-"
    text = value.encode()
    return str(len(text)).encode() + b":" + text
