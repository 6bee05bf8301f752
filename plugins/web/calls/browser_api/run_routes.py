"""The routes about runs, QA samples, the audit log and the settings. All of them only read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from plugins.web.calls.browser_api import run_pages
from plugins.web.calls.browser_api.models import MOST_ROWS
from plugins.web.calls.browser_api.reader import MayAudit, MayCheck, MaySeeRuns
from plugins.web.calls.browser_api.run_models import (
    AuditAsked,
    AuditPage,
    QaQueue,
    RunCounts,
    RunsPage,
    Series,
    SettingsShown,
)
from plugins.web.calls.browser_api.serving import served
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
