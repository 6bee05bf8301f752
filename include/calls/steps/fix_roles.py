"""Roles of one call, corrected by a person: the text is built again from the stored recognition, and nothing is paid.

What the person said is stored before the text is built, so a rebuild, another purchase or a repeated request comes to
the same text. Registry and report follow with the next `reconcile`.
"""

from uuid import UUID

from include.calls.domain.audit_chain import Action
from include.calls.domain.stages import Stage
from include.calls.domain.states import RecordStatus
from include.calls.policy import Channel, Policy
from include.calls.state.audit import AuditLog
from include.calls.state.role_overrides import RoleOverrides
from include.calls.state.state import State
from include.calls.state.types import RecordingRow, Text
from include.calls.steps.build_transcript import channel_of_line, new_text, text_of
from include.calls.steps.rebuild import Rebuilt, rebuild_text, stored_recognition
from include.clients.storage.base import Storage
from include.common.errors import BadInput, Temporary
from include.speech.recognition import Recognition

BY_CHANNELS = "channels"


def operator_channel(recording: RecordingRow, text: Text, state: State, policy: Policy) -> Channel:
    """On which channel the operator is in this call now."""
    corrected = RoleOverrides(state.session).channel_of(text.recording_id)
    return corrected or channel_of_line(recording.phone_line, policy.stt)


def as_it_would_be(
    recording: RecordingRow, text: Text, channel: Channel, state: State, storage: Storage, policy: Policy
) -> str:
    """The body that the text would have; nothing is changed. Raises BadInput where roles are not of channels."""
    recognition = _recognition(text, state, storage)
    built = text_of(recognition, recording.phone_line, recording.direction, policy, operator_channel=channel)
    return new_text(built, text.source).body


def fix_roles(
    recording: RecordingRow,
    run_id: UUID,
    channel: Channel | None,
    state: State,
    storage: Storage,
    policy: Policy,
    *,
    by: str,
    note: dict[str, object],
) -> bool:
    """Gives the operator this channel, None: the one of the policy. True if the text has changed.

    Raises Temporary if a task works on the call, BadInput where there is nothing to build from.
    """
    with state.claims.hold(recording.portal_id, recording.call_id) as claim:
        if not claim:
            raise Temporary("a task works on the call", problem="call_in_work")
        now = state.recordings.get(recording.recording_id)  # read again under the claim
        if now.status is not RecordStatus.COMPLETED or now.transcript_id is None:
            raise BadInput("the call has no text any more", problem="roles_without_text")
        text = state.transcripts.get(now.transcript_id)
        _recognition(text, state, storage)  # before anything is stored
        with state.transaction():
            if RoleOverrides(state.session).keep(text.recording_id, channel, by=by):
                detail = {"by": by, "operator_channel": channel or "policy"}
                state.events.add(
                    run_id,
                    stage=Stage.REBUILD,
                    event="roles_changed",
                    recording_id=recording.recording_id,
                    detail=detail,
                )
                AuditLog(state.session).record(
                    Action.ROLES_CHANGED,
                    actor=by,
                    run_id=run_id,
                    call_id=now.call_id,
                    record_id=now.record_id,
                    detail={**note, "call": now.recording_id, "operator_channel": channel or "policy"},
                )
        done = Rebuilt()
        rebuild_text(now, text, run_id, state, storage, policy, done)
    return bool(done.changed)


def _recognition(text: Text, state: State, storage: Storage) -> Recognition:
    if text.roles != BY_CHANNELS:
        raise BadInput("the roles of the text are not those of channels", problem="roles_not_of_channels")
    found = stored_recognition(state.recordings.get(text.recording_id).keys.recognition, storage)
    if found is None:
        raise BadInput("the recogniser's responses are gone", problem="roles_without_responses")
    return found
