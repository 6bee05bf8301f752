"""Texts built anew from stored answers, after a person has corrected a channel map or a threshold (D21, D23).

Nobody is asked and nothing is paid: the recogniser's answers and our cut lie beside each text.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.policy import Policy
from include.calls.state.rebuilds import TextCopy, copies_of_text, rebuild_text
from include.calls.state.rows import RecordKey, RecordRow
from include.calls.state.state import State
from include.calls.steps.build_transcript import file_of, store_transcript, text_columns, text_of
from include.calls.steps.paths import keys_of, run_of
from include.calls.steps.reuse import recognition_beside
from include.clients.storage.base import Storage
from include.common.errors import BadInput, Permanent
from include.speech.recognition import Recognition

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rebuilt:
    """What became of a run's texts. `runs` are those whose registry and report say something else now."""

    looked_at: int = 0
    changed: int = 0
    summaries_forgotten: int = 0
    without_answers: list[str] = field(default_factory=list)
    in_work: list[str] = field(default_factory=list)
    runs: set[UUID] = field(default_factory=set)


def rebuild_texts(run_id: UUID, state: State, storage: Storage, policy: Policy, *, line: str | None = None) -> Rebuilt:
    """Rebuilds the run's texts, or those of one line: its number as the portal calls it (`portal_number`).

    A reused text is rebuilt where it was bought as well, or the next run would take the old one from there. Safe to run
    twice, and at any moment: what is built already is left alone. Raises BadInput for an unknown run or line.
    """
    done = Rebuilt()
    for record in _records(run_id, line, state):
        done.looked_at += 1
        with state.claim_recording(record.call_id) as claim:
            if not claim:
                done.in_work.append(record.call_id)
                continue
            with state.transaction() as connection:
                copies = copies_of_text(connection, record)
            for copy in copies:
                _rebuild(copy, state, storage, policy, done)
    return done


def _records(run_id: UUID, line: str | None, state: State) -> Iterator[RecordRow]:
    if state.run(run_id) is None:
        raise BadInput(f"there is no run {run_id} in call_exports")
    lines = set()
    for record in state.completed_records(run_id):
        lines.add(record.portal_number)
        if line is None or record.portal_number == line:
            yield record
    if line is not None and line not in lines:
        known = ", ".join(sorted(lines)) or "none"
        raise BadInput(f"the run has no text of the line {line!r}; its lines are: {known}")


def _rebuild(copy: TextCopy, state: State, storage: Storage, policy: Policy, done: Rebuilt) -> None:
    """The row first, the text last: if we die in between, the text on file still differs and all is done again.

    A summary of other words leaves its folder, too: analysts read files, and in this one the roles are wrong.
    """
    record = state.record(copy.run_id, RecordKey(copy.call_id, copy.record_id))
    recognised = _recognised(copy.transcript_path, storage)
    if record is None or recognised is None:
        done.without_answers.append(copy.call_id)
        return
    text = text_of(recognised, record.portal_number, policy)
    new = file_of(record, text, policy)
    stored = storage.get_bytes(copy.transcript_path).decode() if storage.exists(copy.transcript_path) else None
    other_words = stored != new
    with state.transaction() as connection:
        changed = rebuild_text(connection, copy, text_columns(text), other_words=other_words, stage=Stage.REBUILD)
    if not changed:
        return
    if other_words:
        storage.delete(keys_of(record, run_of(copy.run_id, state)).summary)
        store_transcript(copy.transcript_path, new, storage)
        done.summaries_forgotten += record.summary_path is not None
    done.changed += 1
    done.runs.add(copy.run_id)


def _recognised(transcript_path: str, storage: Storage) -> Recognition | None:
    """None where the answers are not there, or are none: the text stays as it is."""
    key = recognition_beside(transcript_path)
    try:
        return Recognition.from_json(json.loads(storage.get_bytes(key)))
    except Permanent as error:
        log.warning("no answers to rebuild from: %s", error)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("the answers in %s cannot be read: %s", key, type(error).__name__)
    return None
