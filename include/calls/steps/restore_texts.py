"""Text files that the storage has lost are written again from the database, for free."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo

from include.calls.domain.states import RecordStatus
from include.calls.policy import PrivacyPolicy
from include.calls.state.registry import RecordingFiles, Registry
from include.calls.state.state import State
from include.calls.state.types import Scope
from include.calls.steps.build_transcript import store_transcript, transcript_file
from include.clients.storage.base import Storage


@dataclass(slots=True)
class TextFiles:
    """The text files of a period: how many recordings of each day have one, how many files were lost and restored.

    `lost` are the keys of files that cannot be written again, because the text was erased from the database too.
    """

    by_day: Counter[date] = field(default_factory=Counter)
    restored: int = 0
    lost: set[str] = field(default_factory=set)


def restore_texts(
    scope: Scope, state: State, storage: Storage, privacy: PrivacyPolicy, *, zone: tzinfo = UTC
) -> TextFiles:
    """Compares the texts of the scope with the storage's keys and writes the files that are missing.

    `by_day` counts the completed recordings whose file is there, on the day of the call in `zone`.
    """
    found = TextFiles()
    stored = {key for month in _months(scope) for key in storage.keys(f"transcripts/{month}/")}
    with closing(Registry(state.session).files(scope)) as recordings:
        for recording in recordings:
            key = recording.transcript_path
            if key is None:
                continue
            if key not in stored and not storage.exists(key):
                if not _restore(recording, key, state, storage, privacy):
                    found.lost.add(key)
                    continue
                found.restored += 1
                stored.add(key)
            if recording.status == RecordStatus.COMPLETED:
                found.by_day[recording.call_started_at.astimezone(zone).date()] += 1
    return found


def _restore(recording: RecordingFiles, key: str, state: State, storage: Storage, privacy: PrivacyPolicy) -> bool:
    """False if the text itself is gone. The file is that of the recording that the text was bought for."""
    assert recording.transcript_id is not None
    text = state.transcripts.get(recording.transcript_id)
    if not text.body:
        return False
    store_transcript(key, transcript_file(state.recordings.get(text.recording_id), text, privacy), storage)
    return True


def _months(scope: Scope) -> Iterator[str]:
    """The UTC months of the period, as in the keys of files: `2025/08`."""
    month = scope.period_from.date().replace(day=1)
    while month <= scope.period_to.date():
        yield f"{month:%Y/%m}"
        month = (month + timedelta(days=31)).replace(day=1)
