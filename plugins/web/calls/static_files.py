"""The call browser's own files, and the page that shows it without Airflow's page around it. Code only, never data.

A browser keeps a file for good, because its address holds the version; an address of another version is not found.
"""

from pathlib import PurePosixPath

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from plugins.web.calls.react_apps import FILES, VERSION

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_SERVED = frozenset(
    path.relative_to(FILES).as_posix() for path in FILES.rglob("*") if path.is_file() and path.suffix in _TYPES
)
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_PAGE = (FILES / "standalone.html").read_text(encoding="utf-8")
_POLICY = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; frame-ancestors 'self'"

router = APIRouter(prefix="/ui")


@router.get("/static/{version}/{name:path}")
async def static_file(version: str, name: str) -> FileResponse:
    """A file of the present version; the names are a fixed set, so no path can lead elsewhere."""
    if version != VERSION or name not in _SERVED:
        raise HTTPException(404, "no such file")
    return FileResponse(FILES / name, media_type=_TYPES[PurePosixPath(name).suffix], headers=_FOREVER)


@router.get("/{page:path}")
async def standalone_page(request: Request, page: str) -> Response:
    """The same pages at `/call_export/ui/`: a way to the calls if Airflow's plugin pages should fail."""
    if page.startswith("api/"):
        raise HTTPException(404, "no such endpoint")
    root = str(request.scope.get("root_path", "")).removesuffix("/call_export")
    text = _PAGE.replace("{base}", f"{root}/").replace("{files}", f"{root}/call_export/ui/static/{VERSION}/")
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
