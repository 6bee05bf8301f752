"""The routes of bundles and erasures."""

from typing import Annotated
from uuid import UUID

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from starlette.responses import StreamingResponse

from include.calls.names import ERASURE_DAG_ID
from plugins.hooks.storage import StorageHook
from plugins.web.access import Bearer
from plugins.web.calls.browser_api import bundle_pages, erasure_pages
from plugins.web.calls.browser_api.models import MOST_ROWS
from plugins.web.calls.browser_api.reader import MayAsk, MayDecide, MayTake
from plugins.web.calls.browser_api.serving import served
from plugins.web.calls.browser_api.take_models import (
    BundleAsked,
    BundleRow,
    Decision,
    ErasureAsked,
    ErasureRow,
    ErasuresPage,
    ErasureStarted,
)
from plugins.web.calls.browser_api.threads import in_thread

router = APIRouter()
BundleId = Annotated[str, InPath(pattern="^[0-9a-f]{16}$")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
_may_answer = requires_access_dag("PUT", DagAccessEntity.HITL_DETAIL, ERASURE_DAG_ID)


@router.post("/bundles", status_code=201)
async def ask_for_bundle(asked: BundleAsked, reader: MayTake) -> BundleRow:
    """Puts the found calls together for 24 hours. The file is made while it is taken."""
    return await served(reader, lambda pages: bundle_pages.ask(pages, asked))


@router.get("/bundles")
async def bundles(reader: MayTake) -> list[BundleRow]:
    """The reader's own bundles that can still be taken, the newest first."""
    return await served(reader, bundle_pages.own)


@router.get("/bundles/{bundle}/file", response_class=StreamingResponse)
async def bundle_file(bundle: BundleId, reader: MayTake) -> StreamingResponse:
    """The ZIP file: what the reader may see of these calls now."""
    found = await served(reader, lambda pages: bundle_pages.take(pages, bundle))
    storage = await in_thread(StorageHook().get_conn)
    headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
    headers["Content-Disposition"] = f'attachment; filename="calls_{found.asked_at:%Y-%m-%d_%H%M}.zip"'
    return StreamingResponse(
        bundle_pages.file_of(found, reader, storage), headers=headers, media_type="application/zip"
    )


@router.post("/erasures", status_code=202)
async def ask_for_erasure(asked: ErasureAsked, reader: MayAsk) -> ErasureStarted:
    """Starts the DAG run that registers the demand and asks a second person."""
    return await served(reader, lambda pages: erasure_pages.ask(pages, asked))


@router.get("/erasures")
async def erasures(reader: MayAsk, cursor: UUID | None = None, limit: Limit = 50) -> ErasuresPage:
    """Demands, the newest first."""
    return await served(reader, lambda pages: erasure_pages.listed(pages, cursor=cursor, limit=limit))


async def _answering(request: Request, bearer: Bearer) -> object:
    """The user, whom Airflow itself allows to answer the DAG's question."""
    user = await get_user(request, None, bearer)
    await in_thread(_may_answer, request, user)
    return user


@router.post("/erasures/{erasure_id}/decision")
async def decide(
    erasure_id: UUID, asked: Decision, reader: MayDecide, user: Annotated[object, Depends(_answering)]
) -> ErasureRow:
    """The second person's answer; the DAG run goes on by itself."""
    return await served(reader, lambda pages: erasure_pages.decide(pages, erasure_id, asked, user))
