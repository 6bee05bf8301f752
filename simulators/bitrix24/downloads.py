"""Bytes over HTTP: drive files behind signed links, and the storage host of url-only recordings."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from simulators.bitrix24.links import Links
from simulators.bitrix24.responses import PortalError
from simulators.bitrix24.world import Audio, PortalWorld

_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_NGINX = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"


async def drive_file(request: Request, world: PortalWorld, links: Links, now: float, *, picky: bool) -> Response:
    """`/rest/download.json?auth=...&token=...`. A `picky` portal requires the headers that the vendor names."""
    opened = links.open(request.query_params.get("token", ""))
    if opened is None or not request.query_params.get("auth"):
        return JSONResponse(PortalError("NO_AUTH_FOUND").as_dict(), 401)
    file_id, made_at = opened
    if links.expired(made_at, now):
        return JSONResponse(PortalError("expired_token").as_dict(), 401)
    file = world.files.get(file_id)
    if file is None or file.deleted_type != "0":
        return HTMLResponse(_NGINX.format("404 Not Found"), 404)
    disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    if picky and not {"accept-language", "referer"} <= set(request.headers):
        return HTMLResponse(_NGINX.format("404 Not Found"), 404, disposition)
    return await _serve(request, file.audio, disposition)


async def storage_file(request: Request, world: PortalWorld, path: str) -> Response:
    """A recording on the telephony's storage host; 404 once it has been deleted there."""
    audio = world.storage.get(path)
    if audio is None:
        return HTMLResponse(_NGINX.format("404 Not Found"), 404)
    return await _serve(request, audio, {})


async def _serve(request: Request, audio: Audio, headers: dict[str, str]) -> Response:
    """The bytes, or the part that a single Range requests."""
    data = await run_in_threadpool(audio.read)
    headers = {**headers, "Accept-Ranges": "bytes"}
    part = _RANGE.match(request.headers.get("range", ""))
    if part is None or not (part[1] or part[2]):
        return Response(data, 200, headers, audio.content_type)
    first = int(part[1]) if part[1] else max(0, len(data) - int(part[2]))
    last = min(int(part[2]), len(data) - 1) if part[1] and part[2] else len(data) - 1
    if first > last:
        return Response(b"", 416, {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, audio.content_type)
