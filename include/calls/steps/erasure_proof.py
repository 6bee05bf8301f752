"""The documents of an erasure in the storage: the proof for people, and the tombstones that outlive the database.

Neither holds a number, a name, a call id or a text: keyed hashes, masked forms, days and hashes of what was removed.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from include.calls.domain.erasure import Erasure, ErasureStatus, SubjectKind, Tombstone
from include.calls.domain.storage_keys import erasure_key
from include.calls.state.erasures import Erasures
from include.calls.wording import erasure as wording
from include.clients.storage.base import Storage

TOMBSTONES = "tombstones.json"
_BEFORE = "erasures/"


def store_proof(erasures: Erasures, erasure_id: UUID, storage: Storage) -> None:
    """Proof and tombstones; written again they say the same of what was removed."""
    erasure, removed = erasures.get(erasure_id), erasures.removed(erasure_id)
    rows = [
        (f"{one.day:%d.%m.%Y}", kind, digest)
        for one in removed
        for kind, found in sorted(one.removed.items())
        for digest in (found if isinstance(found, list) else [found])
    ]
    document: dict[str, Any] = {
        "erasure_id": str(erasure_id),
        "kind": erasure.kind,
        "subject_hash": erasure.subject_hash,
        "key_name": erasure.key_name,
        "masked": erasure.masked,
        "demanded_at": erasure.demanded_at.isoformat(),
        "decided_at": erasure.decided_at.isoformat() if erasure.decided_at else None,
        "proved_at": erasures.now().isoformat(),
        "recordings": len(removed),
        "removed": [{"day": day, "kind": kind, "sha256": digest} for day, kind, digest in rows],
        "rewritten": erasure.rewritten,
        "looked": erasure.looked or {},
    }
    _put(storage, erasure_key(erasure_id, "proof.json"), document)
    text = wording.proof(
        erasure, document, rows, sorted((erasure.looked or {}).items()), sorted(erasure.rewritten.items())
    )
    storage.put_bytes(erasure_key(erasure_id, "proof.md"), text.encode(), "text/markdown; charset=utf-8")
    store_tombstones(erasures, erasure, storage)


def store_tombstones(erasures: Erasures, erasure: Erasure, storage: Storage) -> None:
    """What a database that is restored from before the decision does not know."""
    stones = erasures.tombstones_of(erasure.erasure_id)
    _put(storage, erasure_key(erasure.erasure_id, TOMBSTONES), _tombstones(erasure, stones))


def stored_tombstones(storage: Storage) -> list[tuple[Erasure, list[Tombstone]]]:
    """Every erasure whose tombstones the storage holds."""
    found = []
    for key in sorted(storage.keys(_BEFORE)):
        if key.endswith(f"/{TOMBSTONES}"):
            found.append(_read(json.loads(storage.get_bytes(key))))
    return found


def _tombstones(erasure: Erasure, stones: list[Tombstone]) -> dict[str, Any]:
    return {
        "erasure": {
            name: getattr(erasure, name)
            for name in ("erasure_id", "kind", "subject_hash", "key_name", "masked", "reason", "asked_by",
                         "triggered_by", "demanded_at", "decided_by", "decided_at")
        },
        "tombstones": [stone._asdict() for stone in stones],
    }  # fmt: skip


class _Stone(BaseModel):
    hash: str
    kind: SubjectKind
    key_name: str
    covers_until: datetime | None


class _Facts(BaseModel):
    erasure_id: UUID
    kind: SubjectKind
    subject_hash: str
    key_name: str
    masked: str
    reason: str
    asked_by: str
    triggered_by: str
    demanded_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class _Document(BaseModel):
    erasure: _Facts
    tombstones: list[_Stone]

    @property
    def known(self) -> Erasure:
        return Erasure(
            **self.erasure.model_dump(),
            dag_run_id=None,
            status=ErasureStatus.APPROVED,
            settled_at=None,
            rewritten={},
            looked=None,
        )


def _read(document: dict[str, Any]) -> tuple[Erasure, list[Tombstone]]:
    read = _Document.model_validate(document)
    return read.known, [Tombstone(**stone.model_dump()) for stone in read.tombstones]


def _put(storage: Storage, key: str, document: dict[str, Any]) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
    storage.put_bytes(key, text.encode(), "application/json")
