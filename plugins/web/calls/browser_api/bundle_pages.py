"""Bundles: calls that a person takes out together, as one ZIP file that is put together while it is taken.

Nothing is copied beforehand, so there is no file to end, to erase or to leak: a call that was erased, has ended or left
the reader's scope since the bundle was asked for is not in it.
"""

import csv
import io
import secrets
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence

import anyio

from include.calls.domain.audit_chain import Action
from include.calls.domain.states import RecordStatus
from include.calls.state.browsing import Browsing
from include.calls.state.bundles import Bundle, Bundles
from include.calls.state.shown_call import ShownCall, ShownCalls
from include.clients.storage.base import Storage
from include.common.errors import Permanent
from include.common.masking import mask_number, mask_phones
from include.common.spreadsheet_cells import formula_safe
from plugins.web.calls.browser_api.call_pages import CallPages
from plugins.web.calls.browser_api.reader import Reader
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.sound import BLOCK_BYTES, file_name
from plugins.web.calls.browser_api.take_models import BundleAsked, BundleRow, What
from plugins.web.calls.browser_api.threads import in_thread, sessions

MOST_CALLS = 2_000
MOST_WITH_AUDIO = 500  # half a megabyte a minute: some gigabytes
_COLUMNS = (
    *("id", "started_at", "direction", "line", "from", "to", "employee", "duration_sec", "status", "error_code"),
    *("flags", "tags", "verdict", "cost_usd"),
)


def ask(pages: CallPages, asked: BundleAsked) -> BundleRow:
    """422 for a search that finds nothing or too much."""
    most = MOST_WITH_AUDIO if "audio" in asked.what else MOST_CALLS
    places = pages.places(asked.search, most=most + 1)
    if not places:
        raise Refused(422, "empty_bundle")
    if len(places) > most:
        raise Refused(422, "bundle_too_large", most=most)
    bundle_id = secrets.token_hex(8)
    ids = [place.recording_id for place in places]
    bundles = Bundles(pages.session)
    with pages.session.transaction():
        bundles.keep(bundle_id, sorted(set(asked.what)), ids, by=pages.reader.actor)
        pages.note(Action.BUNDLE_ASKED, bundle=bundle_id, what=",".join(sorted(set(asked.what))), hits=len(ids))
    return shown(_own(bundles, bundle_id, pages.reader))


def own(pages: CallPages) -> list[BundleRow]:
    return [shown(bundle) for bundle in Bundles(pages.session).own(pages.reader.actor)]


def take(pages: CallPages, bundle_id: str) -> Bundle:
    """The bundle that goes out now: the log knows each of its calls."""
    bundles = Bundles(pages.session)
    bundle = _own(bundles, bundle_id, pages.reader)
    if "audio" in bundle.contents and not pages.reader.may(Right.HEAR):
        raise Refused(403, "no_right", right=Right.HEAR)
    with pages.session.transaction():
        pages.note(Action.BUNDLE_TAKEN, bundle=bundle_id, what=",".join(bundle.contents), calls=bundle.recording_ids)
        bundles.take(bundle_id)
    return bundle


def shown(bundle: Bundle) -> BundleRow:
    what: list[What] = [one for one in ("text", "audio", "registry") if one in bundle.contents]
    return BundleRow(
        id=bundle.bundle_id,
        asked_at=bundle.asked_at,
        expires_at=bundle.expires_at,
        what=what,
        calls=len(bundle.recording_ids),
        taken_at=bundle.taken_at,
    )


async def file_of(bundle: Bundle, reader: Reader, storage: Storage) -> AsyncIterator[bytes]:
    """The ZIP file, block by block, each in a thread of ours. An error in the middle breaks the file off."""
    blocks = _Zip(bundle, reader, storage).blocks()
    while True:
        try:
            block = await in_thread(next, blocks, None)
        except Refused:  # the threads are busy: others go first
            await anyio.sleep(0.2)
            continue
        if block is None:
            return
        yield block


class _Sink(io.RawIOBase):
    """What ZipFile writes, until it is fetched. It cannot seek, so sizes follow each member."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def fetch(self) -> bytes:
        found = b"".join(self._parts)
        self._parts.clear()
        return found


class _Zip:
    def __init__(self, bundle: Bundle, reader: Reader, storage: Storage) -> None:
        self._bundle, self._reader, self._storage = bundle, reader, storage
        self._masked = not reader.may(Right.UNMASK)

    def blocks(self) -> Iterator[bytes]:
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # texts are small, sound is packed already
            if "registry" in self._bundle.contents:
                archive.writestr("calls.csv", self._registry())
                yield sink.fetch()
            for recording_id in self._bundle.recording_ids:
                call = self._call(recording_id)
                if call is None or call.status is RecordStatus.ERASED:
                    continue
                if "text" in self._bundle.contents and call.has_text and call.transcript_path:
                    text = self._text(call.transcript_path)
                    if text is not None and self._stays(call):
                        archive.writestr(file_name(call.call_started_at, recording_id, "text.txt"), text)
                        yield sink.fetch()
                if "audio" in self._bundle.contents and call.raw_path:
                    yield from self._sound(archive, sink, call, call.raw_path)
        yield sink.fetch()

    def _call(self, recording_id: int) -> ShownCall | None:
        with sessions.one() as session:
            return ShownCalls(session).card(recording_id, Browsing(session).scope_of(self._reader.actor))

    def _stays(self, call: ShownCall) -> bool:
        """Whether the call is as it was before its file was read: what has ended or was erased meanwhile stays here."""
        now = self._call(call.recording_id)
        return now is not None and (now.status, now.transcript_path, now.raw_path, now.checksum) == (
            call.status,
            call.transcript_path,
            call.raw_path,
            call.checksum,
        )

    def _text(self, key: str) -> str | None:
        try:
            text = self._storage.get_bytes(key).decode()
        except Permanent:
            return None
        return mask_phones(text) if self._masked else text

    def _sound(self, archive: zipfile.ZipFile, sink: _Sink, call: ShownCall, key: str) -> Iterator[bytes]:
        try:
            size = self._storage.size_of(key)
        except Permanent:
            return
        if not self._stays(call):
            return
        name = file_name(call.call_started_at, call.recording_id, key)
        with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
            for start in range(0, size, BLOCK_BYTES):
                block = self._storage.get_range(key, start, min(BLOCK_BYTES, size - start))
                if not self._stays(call):
                    raise Permanent("the audio has ended while it was taken: the file breaks off here")
                member.write(block)
                yield sink.fetch()

    def _registry(self) -> str:
        """As a spreadsheet opens it; a cell that it would compute is text."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        writer.writerow(_COLUMNS)
        found = [self._call(recording_id) for recording_id in self._bundle.recording_ids]
        for call in [one for one in found if one is not None and one.status is not RecordStatus.ERASED]:
            writer.writerow(formula_safe(cell) for cell in _cells(call, masked=self._masked))
        return "\ufeff" + out.getvalue()


def _cells(call: ShownCall, *, masked: bool) -> Sequence[str]:
    number = mask_number if masked else str
    at = call.call_started_at
    values = (
        *(call.recording_id, at.isoformat(), call.direction, call.phone_line),
        *(number(call.from_number), number(call.to_number), call.employee_name or "", call.duration_sec, call.status),
        *(call.error_code or "", " ".join(call.flags), " ".join(call.tags), call.verdict or "", call.cost_usd or ""),
    )
    return [str(value) for value in values]


def _own(bundles: Bundles, bundle_id: str, reader: Reader) -> Bundle:
    found = bundles.get(bundle_id, by=reader.actor)
    if found is None:
        raise Refused(404, "no_such_bundle")
    return found
