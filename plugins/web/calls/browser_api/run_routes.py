"""The routes about runs, QA samples, the audit log and the settings. All of them only read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from plugins.hooks.storage import StorageHook
from plugins.web.calls.browser_api import run_files, run_pages
from plugins.web.calls.browser_api.models import MOST_ROWS
from plugins.web.calls.browser_api.reader import MayAudit, MayCheck, MayRead, MaySeeRuns, MayTake, Reader
from plugins.web.calls.browser_api.run_models import (
    AuditAsked,
    AuditPage,
    QaQueue,
    RunCounts,
    RunsPage,
    Series,
    SettingsShown,
    What,
)
from plugins.web.calls.browser_api.serving import served
from plugins.web.calls.browser_api.threads import in_thread
from plugins.web.calls.react_apps import VERSION

router = APIRouter()
MOST_DAYS = 366
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Name = Annotated[str | None, Query(max_length=250)]


@router.get("/runs")
async def runs(reader: MaySeeRuns, cursor: UUID | None = None, dag_run_id: Name = None, limit: Limit = 50) -> RunsPage:
    """Runs, the newest first; `dag_run_id` finds the run that a DAG run opened or worked on last."""
    return await served(reader, lambda pages: run_pages.runs(pages, cursor=cursor, dag_run_id=dag_run_id, limit=limit))


@router.get("/runs/series")
async def series(reader: MaySeeRuns, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 90) -> Series:
    """What the charts show: each of the last days with calls, and the newest runs."""
    return await served(reader, lambda pages: run_pages.series(pages, days))


@router.get("/runs/{run_id}")
async def run(run_id: UUID, reader: MaySeeRuns) -> RunCounts:
    """One run, and what the recordings of its period are now."""
    return await served(reader, lambda pages: run_pages.run(pages, run_id))


@router.get("/runs/{run_id}/report", response_class=StreamingResponse)
async def report(run_id: UUID, reader: MayRead) -> StreamingResponse:
    """The report of the run's period as PDF; only for readers of every line."""
    return await _file(run_id, reader, "report")


@router.get("/runs/{run_id}/registry", response_class=StreamingResponse)
async def registry(run_id: UUID, reader: MayTake) -> StreamingResponse:
    """The registry of the run's period as XLSX; it needs `unmask` as well."""
    return await _file(run_id, reader, "registry")


async def _file(run_id: UUID, reader: Reader, what: What) -> StreamingResponse:
    storage = await in_thread(StorageHook().get_conn)
    found = await served(reader, lambda pages: run_files.take(pages, run_id, what, storage))
    return await run_files.answer(found, what, storage)


@router.get("/qa/{run_id}")
async def sample(run_id: UUID, reader: MayCheck) -> QaQueue:
    """The recordings of a run that people listen to, with the verdicts known so far."""
    return await served(reader, lambda pages: run_pages.sample(pages, run_id))


@router.post("/audit")
async def audit(asked: AuditAsked, reader: MayAudit) -> AuditPage:
    """Who did what with which call, the newest first. A POST, so that no name is in an address; it changes nothing."""
    return await served(reader, lambda pages: run_pages.audit(pages, asked))


@router.get("/settings")
async def settings(reader: MaySeeRuns) -> SettingsShown:
    """The reviewed settings and which connections are set: never a secret."""
    return await served(reader, lambda pages: run_pages.settings(pages, VERSION))
