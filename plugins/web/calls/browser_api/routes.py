"""The routes of the call browser: the list with its search, one call, its sound, its verdict.

They are `async` and work in threads of their own (`threads.py`).
"""

import threading
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as InPath
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from include.call_centre.schedule import IS_CONFIGURED as QUALITY_ON
from include.calls.state.shown_call import ShownCall
from include.clients.storage.base import Storage
from include.common.errors import Permanent
from plugins.hooks.storage import StorageHook
from plugins.web.calls.browser_api import role_pages, run_routes, sound, take_routes
from plugins.web.calls.browser_api.call_pages import CallPages, audio_keys
from plugins.web.calls.browser_api.models import (
    Card,
    CopyShown,
    EventShown,
    Found,
    Me,
    NewVerdict,
    Nothing,
    Numbers,
    Refusal,
    Search,
    SharedSearch,
    Snippet,
    SnippetsAsked,
    SummaryShown,
    TextShown,
    WantedRoles,
)
from plugins.web.calls.browser_api.playable import PlayableSounds, Recording, Sound
from plugins.web.calls.browser_api.reader import AnyReader, MayCheck, MayFix, MayHear, MayRead, MayUnmask
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.refusals import Refused, refusals
from plugins.web.calls.browser_api.serving import served, while_audio_stays
from plugins.web.calls.react_apps import VERSION

_REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Refusal} for status in (401, 403, 404, 422, 503)}
router = APIRouter(prefix="/ui/api", responses=_REFUSALS)
CallId = Annotated[int, InPath(ge=1, le=2**63 - 1)]
SearchId = Annotated[str, InPath(pattern="^[0-9a-f]{8,32}$")]
_PRIVATE = "private, no-store"
MOST_SECONDS = 12 * 3600  # of a recording


@cache
def _storage() -> Storage:
    return StorageHook().get_conn()


@cache
def _sounds() -> PlayableSounds:
    return PlayableSounds(_storage())


@router.get("/me")
async def me(reader: AnyReader) -> Me:
    """The reader's rights, and how far the search's index is."""
    return await served(reader, lambda pages: pages.me(VERSION))


@router.get("/openapi.json", response_class=JSONResponse)
async def description(_: AnyReader) -> JSONResponse:
    """These routes as OpenAPI, for programs; a page of documentation would be open to every visitor."""
    found = get_openapi(title="Call browser", version=VERSION, routes=router.routes)
    found["paths"] = {f"/call_export{path}": route for path, route in found["paths"].items()}
    return JSONResponse(found)


@router.post("/searches", status_code=201)
async def share_search(asked: Search, reader: MayRead) -> SharedSearch:
    """Keeps a search for 30 days: a link has its id instead of the words."""
    return await served(reader, lambda pages: pages.share(asked))


@router.get("/searches/{s}")
async def shared_search(s: SearchId, reader: MayRead) -> Search:
    """The body of a search that was kept."""
    return await served(reader, lambda pages: pages.shared(s))


@router.post("/search")
async def search(asked: Search, reader: MayRead) -> Found:
    """The calls that fit, the newest first. A POST, so that words are in no address and no access log."""
    return await served(reader, lambda pages: pages.search(asked))


@router.post("/search/snippets")
async def snippets(asked: SnippetsAsked, reader: MayRead) -> dict[int, list[Snippet]]:
    """The turns of single calls that have the words: a page asks for the rows that are in view."""
    return await served(reader, lambda pages: pages.snippets(asked))


@router.get("/calls/{call}")
async def card(call: CallId, reader: MayRead, response: Response) -> Card:
    """Everything about one call but its words."""
    shown = await served(reader, lambda pages: pages.card(call))
    response.headers["ETag"] = f'"{shown.etag}"'
    response.headers["Cache-Control"] = _PRIVATE
    return shown


@router.get("/calls/{call}/text")
async def text(call: CallId, reader: MayRead, response: Response) -> TextShown:
    """What was said, turn by turn."""
    response.headers["Cache-Control"] = _PRIVATE
    return await served(reader, lambda pages: pages.text(call, _storage()))


@router.get("/calls/{call}/summary")
async def summary(call: CallId, reader: MayRead, response: Response) -> SummaryShown:
    """What the language model wrote of the call."""
    response.headers["Cache-Control"] = _PRIVATE
    return await served(reader, lambda pages: pages.summary(call, _storage()))


@router.get("/calls/{call}/peaks")
async def peaks(call: CallId, request: Request, reader: MayHear) -> Response:
    """How loud the recording is, for its waveform; `include/speech/audio/peaks.py` describes the bytes."""

    def kept_or_made(pages: CallPages) -> tuple[str, bytes]:
        shown = pages.call(call)
        if shown.raw_path is None:
            raise Refused(404, "erased" if shown.status == "erased" else "no_audio")
        checksum = shown.checksum or ""
        etag = f'"{checksum[:20]}"'
        if request.headers.get("if-none-match") == etag:
            return etag, b""
        key, stays = audio_keys(shown).peaks, pages.while_audio_stays(shown)
        return etag, _peaks(key, shown.raw_path, checksum, shown.duration_sec, stays)

    etag, content = await served(reader, kept_or_made)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    return Response(content, 200 if content else 304, headers, "application/octet-stream")


def _peaks(
    key: str, audio_key: str, checksum: str, portal_sec: float, while_audio_stays: AbstractContextManager[None]
) -> bytes:
    """The stored ones, or made now and stored; one at a time, because decoding takes a processor."""
    from include.speech.audio.apart import longest_recording
    from include.speech.audio.peaks import peaks_apart, stored_form

    there = _stored_peaks(key, checksum)
    if there is not None:
        return there
    with _one_decoder:
        there = _stored_peaks(key, checksum)  # made for another person while this one waited
        if there is not None:
            return there
        with _storage().as_file(audio_key) as path:
            made = peaks_apart(path, most_seconds=longest_recording(portal_sec))
        with while_audio_stays:
            _storage().put_bytes(key, stored_form(made, checksum), "application/octet-stream")
        return made


def _stored_peaks(key: str, checksum: str) -> bytes | None:
    from include.speech.audio.peaks import of_stored

    try:
        return of_stored(_storage().get_bytes(key), checksum)
    except Permanent:
        return None


_one_decoder = threading.Lock()


@router.head("/calls/{call}/audio", response_class=Response, include_in_schema=False)
@router.get("/calls/{call}/audio", response_class=Response)
async def audio(
    call: CallId,
    request: Request,
    reader: MayHear,
    *,
    download: bool = False,
    range_: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """The recording, or the bytes that `Range` names.

    A player gets a copy in Opus where browsers do not play the recording, or do not find its seconds; 503 while it is
    made, see `audio/copy` and `audio/part`. `download` is always the recording itself; it needs the right `take` and is
    noted as taken.
    """
    head = request.method == "HEAD"

    def noted(pages: CallPages) -> tuple[Sound, str | None]:
        if download and not reader.may(Right.TAKE):
            raise Refused(403, "no_right", right=Right.TAKE)
        shown = pages.call(call) if head else pages.hear(call, take=download)
        if shown.raw_path is None:
            raise Refused(404, "no_audio")
        checksum = shown.checksum or ""
        if download:
            name = sound.file_name(shown.call_started_at, shown.recording_id, shown.raw_path)
            return _sounds().original(shown.raw_path, checksum), name
        return _sounds().of(_recording(shown), partial(while_audio_stays, reader, shown)), None

    found, name = await served(reader, noted)
    try:
        with refusals():
            return await sound.answer(
                _storage(), found.key, found.size, found.etag, asked=range_, if_range=if_range, name=name, head=head
            )
    except Refused as refused:
        raise refused.answer(reader.language) from None


@router.get("/calls/{call}/audio/copy")
async def audio_copy(call: CallId, reader: MayHear, response: Response) -> CopyShown:
    """Whether `audio` answers at once, or how far its copy is. `none`: another process may be making it."""
    response.headers["Cache-Control"] = _PRIVATE

    def looked_at(pages: CallPages) -> CopyShown:
        found = _sounds().state(_recording(pages.call(call)))
        return CopyShown(state=found.state, made_sec=found.made_sec)

    return await served(reader, looked_at)


@router.get("/calls/{call}/audio/part", response_class=Response)
async def audio_part(
    call: CallId, reader: MayHear, second: Annotated[float, Query(ge=0, le=MOST_SECONDS)] = 0.0
) -> Response:
    """A minute of the recording from `second` on, in Opus: what is heard while the copy is made. It is kept nowhere."""

    def noted(pages: CallPages) -> bytes:
        shown = pages.hear(call, take=False)
        made = _sounds().part(_recording(shown), second)
        with pages.while_audio_stays(shown):  # making it took a moment
            return made

    content = await served(reader, noted)
    headers = {"Cache-Control": sound.NO_STORE, "X-Content-Type-Options": "nosniff", "Accept-Ranges": "none"}
    return Response(content, headers=headers, media_type=sound.type_of(".ogg"))


def _recording(shown: ShownCall) -> Recording:
    if shown.raw_path is None:
        raise Refused(404, "erased" if shown.status == "erased" else "no_audio")
    return Recording(shown.raw_path, shown.checksum or "", audio_keys(shown).playable, shown.duration_sec)


@router.get("/calls/{call}/events")
async def events(call: CallId, reader: MayRead) -> list[EventShown]:
    """What happened to the call and what was paid for it."""
    return await served(reader, lambda pages: pages.events(call))


@router.post("/calls/{call}/number")
async def number(call: CallId, asked: Nothing, reader: MayUnmask) -> Numbers:  # noqa: ARG001  an empty object
    """The whole numbers; each showing is noted. A POST, because it is an act and not a reading."""
    return await served(reader, lambda pages: pages.numbers(call))


@router.put("/calls/{call}/verdict")
async def verdict(call: CallId, asked: NewVerdict, if_match: Annotated[str, Header()], reader: MayCheck) -> Card:
    """What the reader found. 412: the call has changed since `If-Match`; 409: its text was built anew."""
    return await served(reader, lambda pages: pages.judge(call, asked, if_match))


@router.post("/calls/{call}/roles/preview")
async def roles_preview(call: CallId, asked: WantedRoles, reader: MayFix) -> TextShown:
    """The text as it would be with the operator on that channel; nothing is changed."""
    return await served(reader, lambda pages: role_pages.preview(pages, call, asked, _storage()))


@router.put("/calls/{call}/roles")
async def roles(call: CallId, asked: WantedRoles, reader: MayFix) -> Card:
    """The operator is on that channel in this call; the text is built again, and nothing is paid."""
    return await served(reader, lambda pages: role_pages.fix(pages, call, asked, _storage()))


router.include_router(run_routes.router)
router.include_router(take_routes.router)
if QUALITY_ON:  # without it the area has no page, and nothing of it is imported
    from plugins.web.call_centre import quality_routes

    router.include_router(quality_routes.router)
