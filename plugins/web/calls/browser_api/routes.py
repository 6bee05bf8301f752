"""The routes of the call browser: the list with its search, one call, its sound, its verdict."""

# ruff: noqa: ARG001

from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Header, HTTPException, Path, Response

from plugins.web.calls.browser_api.models import (
    Card,
    EventShown,
    Found,
    Me,
    NewVerdict,
    Nothing,
    Numbers,
    Refusal,
    Search,
    SharedSearch,
    TextShown,
)
from plugins.web.calls.browser_api.reader import Anyone, MayCheck, MayHear, MayRead, MayUnmask

_REFUSALS: dict[int | str, dict[str, Any]] = {status: {"model": Refusal} for status in (401, 403, 404, 422, 429, 503)}
router = APIRouter(prefix="/ui/api", responses=_REFUSALS)
CallId = Annotated[int, Path(ge=1, le=2**63 - 1)]
SearchId = Annotated[str, Path(pattern="^[0-9a-f]{8,32}$")]


def _not_yet() -> NoReturn:
    raise HTTPException(501, "not served yet")


@router.get("/me")
async def me(_: Anyone) -> Me:
    _not_yet()


@router.post("/searches", status_code=201)
async def share_search(asked: Search, reader: MayRead) -> SharedSearch:
    _not_yet()


@router.get("/searches/{s}")
async def shared_search(s: SearchId, reader: MayRead) -> Search:
    _not_yet()


@router.post("/search")
async def search(asked: Search, reader: MayRead) -> Found:
    _not_yet()


@router.get("/calls/{call}")
async def card(call: CallId, reader: MayRead) -> Card:
    _not_yet()


@router.get("/calls/{call}/text")
async def text(call: CallId, reader: MayRead) -> TextShown:
    _not_yet()


@router.get("/calls/{call}/peaks")
async def peaks(call: CallId, reader: MayHear) -> Response:
    _not_yet()


@router.api_route("/calls/{call}/audio", methods=["GET", "HEAD"])
async def audio(call: CallId, reader: MayHear, *, download: bool = False) -> Response:
    _not_yet()


@router.get("/calls/{call}/events")
async def events(call: CallId, reader: MayRead) -> list[EventShown]:
    _not_yet()


@router.post("/calls/{call}/number")
async def number(call: CallId, asked: Nothing, reader: MayUnmask) -> Numbers:
    _not_yet()


@router.put("/calls/{call}/verdict")
async def verdict(call: CallId, asked: NewVerdict, if_match: Annotated[str, Header()], reader: MayCheck) -> Card:
    _not_yet()
