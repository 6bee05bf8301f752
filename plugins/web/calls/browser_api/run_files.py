"""The report and the registry of a run's period, for those who may see every call in them."""

from typing import NamedTuple
from uuid import UUID

from fastapi.responses import StreamingResponse

from include.calls.domain.audit_chain import Action
from include.calls.domain.storage_keys import registry_key, report_key
from include.calls.reporting.registry_file import XLSX_TYPE
from include.calls.state.browsed_runs import BrowsedRuns
from include.calls.state.publications import Publications
from include.calls.state.state import State
from include.clients.storage.base import Storage
from plugins.web.calls.browser_api.call_pages import CallPages
from plugins.web.calls.browser_api.reader_rights import Right
from plugins.web.calls.browser_api.refusals import Refused
from plugins.web.calls.browser_api.run_models import RunFile, What
from plugins.web.calls.browser_api.sound import BLOCK_BYTES, Part, blocks
from plugins.web.calls.browser_api.threads import in_thread

# The report names calls by their ids and quotes what people said of them; the registry has numbers and beginnings of
# texts, whole unless the policy masks them.
NEEDED: dict[What, frozenset[Right]] = {
    "report": frozenset({Right.READ}),
    "registry": frozenset({Right.TAKE, Right.UNMASK}),
}
_TYPES = {"report": "application/pdf", "registry": XLSX_TYPE}


class Found(NamedTuple):
    key: str
    size: int


def shown(pages: CallPages, run_id: UUID) -> list[RunFile]:
    """What this reader may take of the run. Both files are written together, the registry first."""
    run = State.over(pages.session).runs.get(run_id)
    at = Publications(pages.session).written_at(registry_key(run.period, run.part))
    if at is None or not pages.scope.is_whole:
        return []
    return [RunFile(what=what, written_at=at) for what, needed in NEEDED.items() if pages.reader.rights >= needed]


def take(pages: CallPages, run_id: UUID, what: What, storage: Storage) -> Found:
    """404 for a run without the file, and for a reader of some lines only: the file has the calls of all."""
    if not BrowsedRuns(pages.session).page(most=1, run_id=run_id):
        raise Refused(404, "no_such_run")
    for right in sorted(NEEDED[what]):
        if not pages.reader.may(right):
            raise Refused(403, "no_right", right=right)
    run = State.over(pages.session).runs.get(run_id)
    key = report_key(run.period, ".pdf", run.part) if what == "report" else registry_key(run.period, run.part, ".xlsx")
    if not pages.scope.is_whole or not storage.exists(key):
        raise Refused(404, "no_such_file")
    pages.note(Action.RUN_FILE_TAKEN, run=str(run_id), what=what)
    return Found(key, storage.size_of(key))


async def answer(found: Found, what: What, storage: Storage) -> StreamingResponse:
    """A report opens in the browser, a registry is saved."""
    name = found.key.rpartition("/")[2]
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'{"inline" if what == "report" else "attachment"}; filename="{name}"',
        "Content-Length": str(found.size),
        "X-Content-Type-Options": "nosniff",
    }
    first = await in_thread(storage.get_range, found.key, 0, BLOCK_BYTES)
    return StreamingResponse(
        blocks(storage, found.key, Part(0, found.size), first), headers=headers, media_type=_TYPES[what]
    )
