"""Copies of a period's texts, summaries and audio in its folder, where the customer takes them away.

A recording's own files lie once, by the day of the call. Without a delivery the registry refers to those.
"""

import logging
from collections.abc import Iterable, Iterator, Set
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from include.calls.domain.registry_row import RegistryRow
from include.calls.domain.report_figures import QaItem
from include.calls.domain.storage_keys import delivered_key
from include.calls.domain.transcript_file import masked_transcript
from include.calls.policy import PrivacyPolicy
from include.calls.state.publications import Delivery
from include.calls.state.registry import RecordingFiles, Registry
from include.calls.state.state import State
from include.calls.state.types import Scope
from include.clients.storage.base import Storage
from include.common.errors import ExportError, Temporary
from include.common.masking import mask_number

log = logging.getLogger(__name__)

COPIES_AT_A_TIME = 500  # they share two flushes of the disk
_NEVER = datetime.min.replace(tzinfo=UTC)  # every text is newer
_KINDS = ("transcripts", "summary", "raw")


@dataclass(slots=True)
class DeliveredFiles:
    """The copies in the folder of a period: their keys, and how many of them this delivery has written.

    Copies of files that changed after `fresh_until` are stale; None: no copy is. `lost` are keys of text files that are
    in no place any more. `masked`: personal data is hidden in the folder.
    """

    folder: str
    keys: set[str]
    fresh_until: datetime | None = None
    masked: bool = False
    lost: Set[str] = frozenset()
    texts: int = 0
    audio: int = 0

    def place(self, key: str | None, changed_at: datetime | None = None) -> str | None:
        """The key of the fresh copy of a stored file; without one the file's own key."""
        if key is None or not self.keys:
            return key
        copy = delivered_key(self.folder, key)
        return copy if copy in self.keys and self._is_fresh(changed_at) else key

    def in_registry(self, row: RegistryRow) -> RegistryRow:
        """The row with the keys of the fresh copies; without a key where there is no file."""
        if not self.keys and not self.lost:
            return row
        text, summary = self.place(row.transcript_path, row.text_at), self.place(row.summary_path, row.text_at)
        return replace(row, transcript_path=None if text in self.lost else text, summary_path=summary)

    def in_sample(self, item: QaItem) -> QaItem:
        return replace(item, transcript_path=self.place(item.transcript_path) or "")

    def _is_fresh(self, changed_at: datetime | None) -> bool:
        return self.fresh_until is None or (changed_at is not None and changed_at <= self.fresh_until)


class _Copy(NamedTuple):
    source: str
    target: str

    @property
    def kind(self) -> str:
        return self.source.partition("/")[0]


def delivered_files(folder: str, delivery: Delivery | None, storage: Storage) -> DeliveredFiles:
    """What an earlier delivery has left in the folder; nothing if there was none."""
    if delivery is None:
        return DeliveredFiles(folder, set())
    kinds = _KINDS if delivery.audio_at else _KINDS[:2]
    keys = {key for kind in kinds for key in storage.keys(f"exports/{folder}/{kind}/")}
    return DeliveredFiles(folder, keys, fresh_until=delivery.texts_at, masked=delivery.masked)


def deliver(
    scope: Scope,
    folder: str,
    delivery: Delivery | None,
    state: State,
    storage: Storage,
    *,
    audio: bool,
    masked: bool = False,
) -> DeliveredFiles:
    """Copies what the folder lacks and what has changed since the last delivery. Safe to run twice, and after a kill.

    `masked` texts are written with personal data hidden; a folder that was delivered otherwise is written anew. Masked
    folders have no audio: copies of an earlier delivery are removed. Removes copies of summaries that were forgotten.
    Audio that the storage has lost is skipped with a warning. Raises Temporary if the storage did not copy a file.
    """
    found = delivered_files(folder, delivery, storage)
    if found.masked != masked:
        found = replace(found, masked=masked, fresh_until=_NEVER)
    if masked:
        audio = False
        _take_back(sorted(storage.keys(f"exports/{folder}/raw/")), found, storage)
    named: set[str] = set()
    forgotten: set[str] = set()

    def wanted(recordings: Iterable[RecordingFiles]) -> Iterator[_Copy]:
        for recording in recordings:
            yield from _texts(recording, found)
            if audio:
                yield from _audio(recording, found)
            if recording.summary_path:
                named.add(delivered_key(folder, recording.summary_path))
            elif (summary := _summary_of(recording, folder)) in found.keys:
                forgotten.add(summary)

    with closing(Registry(state.session).files(scope)) as recordings:
        copies = wanted(recordings)
        while some := list(islice(copies, COPIES_AT_A_TIME)):
            _copy(some, found, storage)
    stale = sorted(forgotten - named)  # two recordings of a call may share a text, and one of them has its summary
    _take_back(stale, found, storage)
    return replace(found, fresh_until=None)


def _take_back(copies: list[str], found: DeliveredFiles, storage: Storage) -> None:
    for key, failure in zip(copies, storage.erase_all(copies), strict=True):
        if failure is not None:  # under a delete marker no listing finds the versions again, so a person must know
            log.warning("the copy is deleted, versions of it may stay: %s", failure)
            storage.delete(key)
        found.keys.discard(key)


def _texts(recording: RecordingFiles, found: DeliveredFiles) -> Iterator[_Copy]:
    for key in (recording.transcript_path, recording.summary_path):
        if key and found.place(key, recording.text_at) == key:
            yield _Copy(key, delivered_key(found.folder, key))


def _audio(recording: RecordingFiles, found: DeliveredFiles) -> Iterator[_Copy]:
    """Audio that is delivered already stays: a rebuilt text does not change it."""
    key = recording.raw_path
    if key and (copy := delivered_key(found.folder, key)) not in found.keys:
        yield _Copy(key, copy)


def _summary_of(recording: RecordingFiles, folder: str) -> str:
    """The key that the copy of its summary would have."""
    name = (recording.transcript_path or "").rpartition("/")[2].removesuffix(".txt")
    return f"exports/{folder}/summary/{name}.md"


def masked_delivery(delivery: Delivery | None, privacy: PrivacyPolicy) -> bool:
    """As the folder was delivered before; a new folder as the policy says."""
    return privacy.mask_deliveries if delivery is None else delivery.masked


def _copy(copies: list[_Copy], found: DeliveredFiles, storage: Storage) -> None:
    hidden = [copy for copy in copies if found.masked and copy.kind == "transcripts"]
    plain = [copy for copy in copies if not (found.masked and copy.kind == "transcripts")]
    failures = [*(_copied_masked(copy, storage) for copy in hidden), *storage.copy_all(plain)]
    failed: Temporary | None = None
    for copy, failure in zip([*hidden, *plain], failures, strict=True):
        if failure is None:
            found.keys.add(copy.target)
            found.texts += copy.kind == "transcripts"
            found.audio += copy.kind == "raw"
        elif isinstance(failure, Temporary):
            failed = failure
        else:
            log.warning("not delivered: %s", failure)
            found.keys.discard(copy.target)
    if failed:
        raise failed


def _copied_masked(copy: _Copy, storage: Storage) -> ExportError | None:
    from include.common.personal_data.hiding import without_personal_data  # noqa: PLC0415 - a dictionary of 40 MB

    try:
        content = storage.get_bytes(copy.source).decode()
        masked = masked_transcript(content, number=mask_number, text=without_personal_data)
        storage.put_bytes(copy.target, masked.encode(), "text/plain; charset=utf-8")
    except ExportError as error:
        return error
    return None
