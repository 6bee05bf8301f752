"""Roles of one call: how the text would be with the other channel, and the correction itself."""

from contextlib import closing

from include.calls.state.shown_call import ShownCall
from include.calls.state.state import State
from include.calls.steps import fix_roles
from include.calls.steps.build_transcript import channel_of_line
from include.clients.storage.base import Storage
from plugins.web.calls.browser_api.call_pages import CallPages, why_no_text
from plugins.web.calls.browser_api.models import Card, TextShown, WantedRoles
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.turns import turns_of


def preview(pages: CallPages, recording_id: int, asked: WantedRoles, storage: Storage) -> TextShown:
    """What it reads is noted by the reading of the text that it starts from."""
    call = _readable(pages, recording_id, asked)
    state = State.over(pages.session)
    row = state.recordings.get(recording_id)
    assert call.transcript_id is not None
    text = state.transcripts.get(call.transcript_id)
    channel = asked.operator_channel or channel_of_line(call.phone_line, pages.policy.stt)
    body = fix_roles.as_it_would_be(row, text, channel, state, storage, pages.policy)
    return TextShown(
        sha256=asked.text_sha256,
        language=call.language,
        model=call.model or "",
        roles=call.roles or "none",
        turns=turns_of(body, masked=pages.masked),
    )


def fix(pages: CallPages, recording_id: int, asked: WantedRoles, storage: Storage) -> Card:
    """409: the text was built anew since it was read."""
    call = _readable(pages, recording_id, asked)
    if call.run_id is None:
        raise Refused(409, "no_run_of_call")
    state = State.over(pages.session)
    row = state.recordings.get(recording_id)
    note: dict[str, object] = {"request": pages.reader.request_id, "user": pages.reader.user_id}
    policy, by = pages.policy, pages.reader.actor
    with closing(state.claims):  # they have a thread and a connection of their own; the session is the caller's
        fix_roles.fix_roles(row, call.run_id, asked.operator_channel, state, storage, policy, by=by, note=note)
    return pages.shown_card(pages.call(recording_id))


def _readable(pages: CallPages, recording_id: int, asked: WantedRoles) -> ShownCall:
    call = pages.call(recording_id)
    if not call.has_text:
        raise Refused(404, why_no_text(call))
    if call.text_sha256 != asked.text_sha256:
        raise Refused(409, "text_changed")
    return call
