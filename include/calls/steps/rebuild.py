"""Builds texts again from stored recognitions, after a person has corrected a channel map or a threshold.

No request is sent and nothing is paid: the recogniser's responses and the cut are stored beside each text.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.role_overrides import RoleOverrides
from include.calls.state.state import State
from include.calls.state.types import RecordingRow, Text
from include.calls.steps.build_transcript import new_text, store_transcript, text_of, transcript_file
from include.clients.storage.base import Storage
from include.common.errors import BadInput, Permanent
from include.speech.recognition import Recognition

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did to a run's texts; `without_responses` and `in_work` hold CALL_IDs that it left alone."""

    looked_at: int = 0
    changed: int = 0
    summaries_removed: int = 0
    without_responses: list[str] = field(default_factory=list)
    in_work: list[str] = field(default_factory=list)


def rebuild_texts(
    run_id: UUID, state: State, storage: Storage, policy: Policy, *, actor: str, phone_line: str | None = None
) -> Rebuilt:
    """Rebuilds the texts that the run reports, or those of one phone line.

    Safe to run twice, and at any moment: a text that is built already is left alone, a call that another task works on
    is named. Raises BadInput for an unknown run or phone line.
    """
    done = Rebuilt()
    for recording in _recordings(run_id, phone_line, state):
        done.looked_at += 1
        with state.claims.hold(recording.portal_id, recording.call_id) as claim:
            if not claim:
                done.in_work.append(recording.call_id)
                continue
            now = state.recordings.get(recording.recording_id)  # read again under the claim
            if now.status is RecordStatus.COMPLETED and now.transcript_id is not None:
                rebuild_text(now, state.transcripts.get(now.transcript_id), run_id, state, storage, policy, done)
    AuditLog(state.session).record(
        Action.TEXTS_REBUILT,
        actor=actor,
        run_id=run_id,
        detail={"phone_line": phone_line, "looked_at": done.looked_at, "changed": done.changed},
    )
    return done


def _recordings(run_id: UUID, phone_line: str | None, state: State) -> Iterator[RecordingRow]:
    state.runs.get(run_id)
    lines = state.recordings.phone_lines_of(run_id)
    if phone_line is not None and phone_line not in lines:
        known = ", ".join(sorted(lines)) or "none"
        raise BadInput(
            f"the run has no text of the phone line {phone_line!r}; its phone lines are: {known}",
            problem="no_such_phone_line",
            phone_line=phone_line,
            known=known,
        )
    for recording in state.recordings.of_run(run_id, {RecordStatus.COMPLETED}):
        if phone_line is None or recording.phone_line == phone_line:
            yield recording


def rebuild_text(
    recording: RecordingRow, text: Text, run_id: UUID, state: State, storage: Storage, policy: Policy, done: Rebuilt
) -> None:
    """The file first, then the row: a rebuild that dies in between finds the row different and repeats both.

    Two recordings of a call may share a text; its file and its responses are those of the recording it was bought for.
    A summary of other words is removed: its roles are those of the old text.
    """
    owner = state.recordings.get(text.recording_id)
    recognition = stored_recognition(owner.keys.recognition, storage)
    if recognition is None or recording.transcript_path is None:
        done.without_responses.append(recording.call_id)
        return
    corrected = RoleOverrides(state.session).channel_of(text.recording_id)
    built = text_of(recognition, recording.phone_line, recording.direction, policy, operator_channel=corrected)
    new = new_text(built, text.source)
    summaries = _summaries_of(recording, text, run_id, state) if new.sha256 != text.sha256 else []
    rewritten = _store(recording.transcript_path, transcript_file(owner, new, policy.privacy), storage)
    replaced = state.transcripts.replace(
        run_id,
        recording.recording_id,
        text.transcript_id,
        new,
        needs_review=built.needs_review,
        review_reasons=built.review_reasons,
        stage=Stage.REBUILD,
    )
    if replaced:
        for key in summaries:
            storage.delete(key)
        done.summaries_removed += len(summaries)
    elif rewritten:
        state.transcripts.note_file(recording.recording_id)
    done.changed += replaced or rewritten


def _summaries_of(recording: RecordingRow, text: Text, run_id: UUID, state: State) -> list[str]:
    """Summaries of all recordings that show the text."""
    same_call = state.recordings.of_call(run_id, recording.call_id)
    return [each.summary_path for each in same_call if each.transcript_id == text.transcript_id and each.summary_path]


def _store(key: str, content: str, storage: Storage) -> bool:
    """False if the file has this content already."""
    if storage.exists(key) and storage.get_bytes(key) == content.encode():
        return False
    store_transcript(key, content, storage)
    return True


def stored_recognition(key: str, storage: Storage) -> Recognition | None:
    """None if the responses are missing or unreadable: the text stays as it is."""
    try:
        return Recognition.from_json(json.loads(storage.get_bytes(key)))
    except Permanent as error:
        log.warning("no responses to rebuild from: %s", error)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("the responses in %s cannot be read: %s", key, type(error).__name__)
    return None
