"""What one request of the call browser reads and notes: over one connection, within the reader's scope.

Each reading of a person's text and each hearing of a voice is in the audit log before the answer goes out. What cannot
be noted is not shown.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cached_property
from typing import Any

from include.call_centre.schedule import IS_CONFIGURED as QUALITY_ON
from include.calls.domain.audit_chain import Action
from include.calls.domain.call_filter import CallFilter, Place, ReaderScope, beginning, end
from include.calls.domain.qa_sample import QaCheck
from include.calls.domain.report_zone import report_zone
from include.calls.domain.states import RecordStatus
from include.calls.domain.storage_keys import RecordingKeys
from include.calls.policy import Policy
from include.calls.state.audit import AuditLog
from include.calls.state.browsing import Browsing, ListedCall, Words
from include.calls.state.qa import QaChecks
from include.calls.state.role_overrides import RoleOverrides
from include.calls.state.shown_call import ShownCall, ShownCalls
from include.calls.steps.build_transcript import channel_of_line, text_of
from include.calls.steps.fix_roles import BY_CHANNELS
from include.calls.steps.rebuild import stored_recognition
from include.calls.wording.codes import call_outcome, error_advice, error_name
from include.clients.storage.base import Storage
from include.common.errors import ExportError, Permanent
from include.common.masking import mask_number, mask_phones
from include.common.postgres_session import Session
from include.speech.transcripts import one_line
from plugins.web.calls.browser_api.models import (
    AudioShown,
    CallRow,
    Card,
    EventShown,
    Facets,
    FileShown,
    Found,
    IndexState,
    Me,
    NewVerdict,
    Numbers,
    RolesShown,
    RunShown,
    ScopeShown,
    Search,
    SharedSearch,
    Snippet,
    SnippetsAsked,
    SummaryShown,
    TextShown,
    Total,
    TurnShown,
    Verdict,
)
from plugins.web.calls.browser_api.reader import Reader
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.sound import type_of
from plugins.web.calls.browser_api.turns import sections_of, snippets_of, turns_of, with_times
from plugins.web.calls.browser_api.two_languages import event_text, stage_name

_COUNTED = 1_000
_BY_MEANING = 100  # rows of a list that is ordered by how well they fit
# How often a person may do it in an hour: more than anyone works, less than it takes to copy the archive unnoticed.
MOST_AN_HOUR = {
    Action.CALLS_SEARCHED: 3_000,  # a page of a search is marked in a few requests
    Action.TEXT_READ: 600,
    Action.CALL_HEARD: 300,
    Action.AUDIO_TAKEN: 100,
    Action.NUMBER_SHOWN: 60,
    Action.BUNDLE_TAKEN: 10,
}
HEARD_MINUTES = 10  # one entry of the audit log for so long: a player asks for many ranges


@dataclass
class CallPages:
    """One reader over one session. Raises Refused."""

    session: Session
    reader: Reader
    policy: Policy

    @cached_property
    def scope(self) -> ReaderScope:
        return self._browsing.scope_of(self.reader.actor)

    @cached_property
    def _browsing(self) -> Browsing:
        return Browsing(self.session)

    @cached_property
    def _calls(self) -> ShownCalls:
        return ShownCalls(self.session)

    @property
    def masked(self) -> bool:
        return not self.reader.may(Right.UNMASK)

    def note(self, action: Action, call: ShownCall | None = None, **detail: object) -> None:
        """Raises Refused(503) if the log does not take the entry, Refused(429) for more than a person may an hour."""
        most = MOST_AN_HOUR.get(action)
        if most is not None and self._calls.noted_in_hour(action, self.reader.actor, most=most) >= most:
            raise Refused(429, "too_many")
        if call is not None:
            detail["call"] = call.recording_id
        try:
            AuditLog(self.session).record(
                action,
                actor=self.reader.actor,
                run_id=call.run_id if call else None,
                call_id=call.call_id if call else None,
                record_id=call.record_id if call else None,
                detail={**detail, "request": self.reader.request_id, "user": self.reader.user_id},
            )
        except ExportError:
            raise Refused(503, "not_noted") from None

    # ---------------------------------------------------------------- the reader

    def index_state(self) -> tuple[int, int]:
        """Texts that `make index` has added, and those that it has to."""
        return self._browsing.index_state()

    def rows_of(self, places: Sequence[Place]) -> list[CallRow]:
        return [self._row(row) for row in self._browsing.rows(places)]

    def me(self, version: str) -> Me:
        done, of = self._browsing.index_state()
        scope = self.scope
        return Me(
            name=self.reader.actor,
            rights=sorted(self.reader.rights, key=list(Right).index),
            scope=ScopeShown(
                lines=None if scope.lines is None else list(scope.lines),
                employee_ids=None if scope.employee_ids is None else list(scope.employee_ids),
            ),
            label_lang=self.reader.language,
            version=version,
            index=IndexState(done=done, of=of),
            quality=QUALITY_ON,
        )

    # ---------------------------------------------------------------- the list

    def search(self, asked: Search) -> Found:
        wanted = self._filter(asked)
        words = Words(asked.q.strip(), asked.exact) if asked.q.strip() else None
        after = Place.of(asked.cursor) if asked.cursor else None
        if words and asked.sort == "relevance":
            places, more = self._browsing.best(wanted, words, most=min(asked.limit, _BY_MEANING)), False
        else:
            places, more = self._browsing.page(wanted, words, after=after, most=asked.limit)
        ids = [place.recording_id for place in places]
        marked = self._browsing.marked(ids, words, self.scope) if words and places and asked.snippets else {}
        items = []
        for row in self._browsing.rows(places):
            shown = self._row(row)
            if row.recording_id in marked:
                shown.snippets = snippets_of(marked[row.recording_id], masked=self.masked)
            items.append(shown)
        facets, total = None, Total(value=len(items), more=more)
        if asked.facets:
            counted = self._browsing.facets(wanted, words)
            facets = Facets(**{name: list(values) for name, values in counted.values.items()}, more=counted.more)
            total = Total(value=min(counted.total, _COUNTED), more=counted.more or counted.total > _COUNTED)
        if words or asked.digits:  # what is looked for may be a person; a list alone shows no word of a call
            self.note(
                Action.CALLS_SEARCHED,
                words=mask_phones(asked.q),
                filters=",".join(wanted.names),
                hits=total.value,
                digits=len(asked.digits),
            )
        cursor = places[-1].cursor() if more and places else None
        newest = None if items or after else self._newest()
        now = self._browsing.now()
        return Found(items=items, cursor=cursor, total=total, facets=facets, as_of=now, newest_at=newest)

    def places(self, asked: Search, *, most: int) -> list[Place]:
        """The newest calls that a search finds, without its pages."""
        words = Words(asked.q.strip(), asked.exact) if asked.q.strip() else None
        return self._browsing.page(self._filter(asked), words, after=None, most=most).places

    def _newest(self) -> datetime | None:
        rows = self.rows_of(self._browsing.page(CallFilter(scope=self.scope), None, after=None, most=1).places)
        return rows[0].at if rows else None

    def snippets(self, asked: SnippetsAsked) -> dict[int, list[Snippet]]:
        """Turns with hits of single calls. It is a search in their texts and noted as one, with the calls."""
        words = Words(asked.q.strip(), asked.exact)
        marked = self._browsing.marked(asked.ids, words, self.scope)
        self.note(Action.CALLS_SEARCHED, words=mask_phones(asked.q), calls=sorted(marked), hits=len(marked))
        return {number: snippets_of(text, masked=self.masked) for number, text in marked.items()}

    def share(self, asked: Search) -> SharedSearch:
        search_id = secrets.token_hex(8)
        kept = asked.model_copy(update={"cursor": None}).model_dump(mode="json", by_alias=True, exclude_defaults=True)
        with self.session.transaction():
            self._browsing.share(search_id, kept, by=self.reader.actor)
            self.note(Action.SEARCH_SHARED, search=search_id, words=mask_phones(asked.q))
        return SharedSearch(s=search_id)

    def shared(self, search_id: str) -> Search:
        found = self._browsing.shared(search_id)
        if found is None:
            raise Refused(404, "no_such_search")
        return Search.model_validate(found)

    def _filter(self, asked: Search) -> CallFilter:
        zone = self.zone
        return CallFilter(
            scope=self.scope,
            since=beginning(asked.from_, zone),
            before=end(asked.to, zone),
            lines=asked.lines,
            employees=asked.employees,
            directions=asked.directions,
            statuses=[str(status) for status in asked.statuses],
            flags=asked.flags,
            verdicts=asked.verdicts,
            roles=asked.roles,
            tags=asked.tags,
            digits=asked.digits,
            min_sec=asked.min_sec,
            max_sec=asked.max_sec,
            run_id=asked.run_id,
            batch_no=asked.batch_no,
        )

    @property
    def zone(self) -> tzinfo:
        setting = self.policy.report.time_zone
        return report_zone(setting, self._browsing.usual_offset())

    def _row(self, row: ListedCall | ShownCall) -> CallRow:
        verdict: Any = row.verdict
        sender: dict[str, Any] = {"from": mask_number(one_line(row.from_number))}  # no name of an argument
        return CallRow(
            id=row.recording_id,
            at=row.call_started_at.astimezone(timezone(timedelta(seconds=row.utc_offset_sec))),
            direction=row.direction,
            line=one_line(row.phone_line),
            to=mask_number(one_line(row.to_number)),
            employee=one_line(row.employee_name) if row.employee_name else None,
            duration_sec=row.duration_sec,
            status=row.status,
            error_code=row.error_code,
            flags=row.flags,
            verdict=verdict,
            tags=[one_line(tag) for tag in row.tags],
            cost_usd=row.cost_usd,
            **sender,
        )

    # ---------------------------------------------------------------- one call

    def call(self, recording_id: int, *, lock: bool = False) -> ShownCall:
        """404 for a call of others: whether it exists is not said."""
        found = self._calls.card(recording_id, self.scope, lock=lock)
        if found is None:
            if not self.scope.is_whole:
                self.note(Action.ACCESS_DENIED, asked=recording_id, why="no such call in the reader's scope")
            raise Refused(404, "no_such_call")
        return found

    def card(self, recording_id: int) -> Card:
        call = self.call(recording_id)
        self.note(Action.CALL_OPENED, call)
        return self.shown_card(call)

    def text(self, recording_id: int, storage: Storage) -> TextShown:
        call = self.call(recording_id)
        if not call.has_text or call.text_sha256 is None or call.transcript_id is None:
            raise Refused(404, why_no_text(call))
        shown = turns_of(self._calls.body(call.transcript_id), masked=self.masked)
        self.note(Action.TEXT_READ, call)
        return TextShown(
            sha256=call.text_sha256,
            language=call.language,
            model=call.model or "",
            roles=call.roles or "none",
            turns=self._timed(call, shown, storage),
        )

    def summary(self, recording_id: int, storage: Storage) -> SummaryShown:
        call = self.call(recording_id)
        if call.summary_path is None or call.status is RecordStatus.ERASED:
            raise Refused(404, "erased" if call.status is RecordStatus.ERASED else "no_summary")
        try:
            written = storage.get_bytes(call.summary_path).decode()
        except Permanent:
            raise Refused(404, "no_summary") from None
        self.note(Action.TEXT_READ, call, what="summary")
        return SummaryShown(sections=sections_of(mask_phones(written) if self.masked else written))

    def _timed(self, call: ShownCall, shown: list[TurnShown], storage: Storage) -> list[TurnShown]:
        """Exact times are in the recognition, while it is kept; without it a turn begins in its whole second."""
        if call.source != "recogniser" or call.recognition_ended_at is not None or call.text_of != call.recording_id:
            return shown
        keys = _keys_of(call)
        try:
            recognition = stored_recognition(keys.recognition, storage) if keys else None
        except ExportError:
            return shown
        if recognition is None:
            return shown
        corrected = RoleOverrides(self.session).channel_of(call.recording_id)
        built = text_of(recognition, call.phone_line, call.direction, self.policy, operator_channel=corrected)
        return with_times(shown, built.transcript.turns)

    def events(self, recording_id: int) -> list[EventShown]:
        call = self.call(recording_id)
        if call.status is RecordStatus.ERASED:
            raise Refused(404, "erased")
        shown = [
            EventShown(
                at=event.at,
                stage=stage_name(event.stage, self.reader.language),
                event=event.event,
                text=event_text(event, self.reader.language),
                ms=event.duration_ms,
                usd=None,
                by=str(event.detail["by"]) if event.detail.get("by") else None,
            )
            for event in self._calls.history(recording_id)
        ]
        paid = [
            EventShown(at=each.at, stage=each.purpose, event="paid", text=each.model, ms=None, usd=each.usd, by=None)
            for each in self._calls.payments(recording_id)
        ]
        self.note(Action.HISTORY_READ, call)
        return sorted([*shown, *paid], key=lambda event: event.at)

    def numbers(self, recording_id: int) -> Numbers:
        call = self.call(recording_id)
        if call.status is RecordStatus.ERASED:
            raise Refused(404, "erased")
        self.note(Action.NUMBER_SHOWN, call)
        return Numbers(to=call.to_number, **{"from": call.from_number})

    def judge(self, recording_id: int, asked: NewVerdict, etag: str) -> Card:
        """412: the call has changed since it was read; 409: its text was built anew."""
        if asked.result == "issue" and not asked.comment.strip():
            raise Refused(422, "issue_without_comment")
        self.call(recording_id)
        with self.session.transaction():
            call = self.call(recording_id, lock=True)
            if not call.has_text or call.status is not RecordStatus.COMPLETED:
                raise Refused(404, why_no_text(call))
            if call.text_sha256 != asked.text_sha256:
                raise Refused(409, "text_changed")
            if etag.strip().removeprefix("W/").strip('"') != call.etag:
                raise Refused(412, "changed_meanwhile")
            if call.run_id is None:
                raise Refused(409, "no_run_of_call")
            check = QaCheck(call.call_id, call.record_id, asked.result, asked.comment.strip(), where="browser")
            if QaChecks(self.session).record(call.run_id, check, by=self.reader.actor):
                self.note(Action.CALL_CHECKED, call, result=asked.result)
            return self.shown_card(self.call(recording_id))

    def shown_card(self, call: ShownCall) -> Card:
        erased = call.status is RecordStatus.ERASED
        verdict: Any = call.verdict
        return Card(
            **self._row(call).model_dump(),
            audio=_audio_of(call),
            text_state=_text_state(call),
            text_sha256=call.text_sha256 if call.has_text else None,
            language=call.language,
            roles=call.roles,
            model=call.model,
            source=call.source,
            error=f"{error_name(call.error_code)}: {error_advice(call.error_code)}" if call.error_code else None,
            outcome=call_outcome(call.outcome) if call.status is RecordStatus.NO_RECORDING else None,
            run=RunShown(run_id=call.run_id, dag_run_id=call.dag_run_id, status=call.run_status or "")
            if call.run_id and call.dag_run_id
            else None,
            dag_run_id=call.dag_run_id,
            verdict_detail=Verdict(
                result=verdict,
                comment=call.verdict_comment or "",
                by=call.checked_by or "",
                at=call.checked_at,
                of_present_text=call.judged_transcript_id == call.transcript_id,
            )
            if verdict and call.checked_at
            else None,
            role_fix=self._roles(call),
            held=call.held,
            files=[] if erased else _files_of(call),
            etag=call.etag,
        )

    def _roles(self, call: ShownCall) -> RolesShown | None:
        """None for a call whose roles are not those of channels."""
        if not call.has_text or call.roles != BY_CHANNELS or call.text_of is None:
            return None
        overrides = RoleOverrides(self.session)
        known = overrides.of(call.text_of)
        of_policy = channel_of_line(call.phone_line, self.policy.stt)
        corrected = known.operator_channel if known else None
        return RolesShown(
            operator_channel=corrected or of_policy,
            of_policy=of_policy,
            corrected_by=known.by if known and corrected else None,
            corrected_at=known.at if known and corrected else None,
            on_line=overrides.of_line(call.phone_line),
            may_change=call.source == "recogniser" and call.recognition_ended_at is None,
        )

    # ---------------------------------------------------------------- sound

    @contextmanager
    def while_audio_stays(self, call: ShownCall) -> Iterator[None]:
        """For storing what was made of the audio: its end and its erasure wait for the block, or have come before it.

        Making it takes up to a minute. Without this its file could be stored after all of the call's were deleted.
        Raises Refused(404) for a call whose audio is not the one that was read any more.
        """
        with self.session.transaction():
            now = self.call(call.recording_id, lock=True)
            if now.status is RecordStatus.ERASED:
                raise Refused(404, "erased")
            if (now.raw_path, now.checksum) != (call.raw_path, call.checksum):
                raise Refused(404, "no_audio")
            yield

    def hear(self, recording_id: int, *, take: bool) -> ShownCall:
        """The call whose audio goes out. One entry for a person and call in ten minutes; every download has its own."""
        call = self.call(recording_id)
        if call.status is RecordStatus.ERASED:
            raise Refused(404, "erased")
        if call.raw_path is None:
            raise Refused(404, "no_audio")
        if take:
            self.note(Action.AUDIO_TAKEN, call)
            return call
        with self.session.transaction():
            actor = self.reader.actor
            if not self._calls.noted_lately(Action.CALL_HEARD, actor, recording_id, minutes=HEARD_MINUTES):
                self.note(Action.CALL_HEARD, call)
        return call


def _keys_of(call: ShownCall) -> RecordingKeys | None:
    if call.file_name is None:
        return None
    return RecordingKeys.of(call.file_name, call.call_started_at, call.raw_path, call.transcript_path)


def audio_keys(call: ShownCall) -> RecordingKeys:
    """Raises Refused for a recording that never had a file."""
    keys = _keys_of(call)
    if keys is None:
        raise Refused(404, "no_audio")
    return keys


def why_no_text(call: ShownCall) -> str:
    if call.status is RecordStatus.ERASED:
        return "erased"
    return "text_ended" if call.text_ended_at else "no_text"


def _text_state(call: ShownCall) -> Any:
    if call.status is RecordStatus.ERASED:
        return "erased"
    if call.text_ended_at:
        return "ended"
    return "ok" if call.has_text else "none"


def _audio_of(call: ShownCall) -> AudioShown:
    seconds = float(call.audio_sec) if call.audio_sec is not None else None
    if call.status is RecordStatus.ERASED:
        return AudioShown(state="erased", type=None, seconds=None, channels=None)
    if call.raw_path is None:
        return AudioShown(state="absent", type=None, seconds=seconds, channels=None)
    channels = 2 if call.roles == "channels" else None
    return AudioShown(state="ok", type=type_of(call.raw_path), seconds=seconds, channels=channels)


def _files_of(call: ShownCall) -> list[FileShown]:
    keys = _keys_of(call)
    kept = [
        FileShown(what="text", key=call.transcript_path, checksum=call.text_sha256) if call.transcript_path else None,
        FileShown(what="summary", key=call.summary_path, checksum=None) if call.summary_path else None,
        FileShown(what="recognition", key=keys.recognition, checksum=None)
        if keys and call.source == "recogniser" and not call.recognition_ended_at
        else None,
        FileShown(what="audio", key=call.raw_path, checksum=call.checksum) if call.raw_path else None,
    ]
    return [file for file in kept if file]
