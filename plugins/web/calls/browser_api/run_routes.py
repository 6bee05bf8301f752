"""The routes about runs, QA samples, the audit log and the settings. All of them only read."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from plugins.web.calls.browser_api import run_pages
from plugins.web.calls.browser_api.models import MOST_ROWS
from plugins.web.calls.browser_api.reader import MayAudit, MayCheck, MaySeeRuns
from plugins.web.calls.browser_api.run_models import AuditPage, QaQueue, RunCounts, RunsPage, SettingsShown
from plugins.web.calls.browser_api.serving import served
from plugins.web.calls.react_apps import VERSION

router = APIRouter()
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Name = Annotated[str | None, Query(max_length=250)]
Number = Annotated[int | None, Query(ge=1, le=2**63 - 1)]


@router.get("/runs")
async def runs(reader: MaySeeRuns, cursor: UUID | None = None, dag_run_id: Name = None, limit: Limit = 50) -> RunsPage:
    """Runs, the newest first; `dag_run_id` finds the run that a DAG run opened or worked on last."""
    return await served(reader, lambda pages: run_pages.runs(pages, cursor=cursor, dag_run_id=dag_run_id, limit=limit))


@router.get("/runs/{run_id}")
async def run(run_id: UUID, reader: MaySeeRuns) -> RunCounts:
    """One run, and what the recordings of its period are now."""
    return await served(reader, lambda pages: run_pages.run(pages, run_id))


@router.get("/qa/{run_id}")
async def sample(run_id: UUID, reader: MayCheck) -> QaQueue:
    """The recordings of a run that people listen to, with the verdicts known so far."""
    return await served(reader, lambda pages: run_pages.sample(pages, run_id))


@router.get("/audit")
async def audit(
    reader: MayAudit,
    cursor: Number = None,
    actor: Name = None,
    action: Name = None,
    call: Number = None,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: Limit = 50,
) -> AuditPage:
    """Who did what with which call, the newest first; times are moments with an offset."""
    return await served(
        reader,
        lambda pages: run_pages.audit(
            pages, limit=limit, before_no=cursor, actor=actor, action=action, call=call, since=since, before=before
        ),
    )


@router.get("/settings")
async def settings(reader: MaySeeRuns) -> SettingsShown:
    """The reviewed settings and which connections are set: never a secret."""
    return await served(reader, lambda pages: run_pages.settings(pages, VERSION))
