"""Hosts from which recordings may come: the portal and its storage, checked at each redirect, and no other."""

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.steps.outcome import BatchFailed
from include.common.errors import ErrorCode
from simulators.bitrix24.world import PortalWorld
from simulators.kit.in_process import running
from tests.kit.export_under_faults import (
    check_published,
    exporting,
    kept_outside,
    recorded,
    shown_links,
    statuses,
    world_of,
)

pytestmark = [pytest.mark.postgres, pytest.mark.long]

FILE = 9002  # of the recording that has trouble, between two that have none
COMPLETED = RecordStatus.COMPLETED


def three() -> PortalWorld:
    return world_of(*map(recorded, (1, 2, 3)))


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.7/recording.mp3",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:5432/",
        "http://2130706433/",
        "https://recordings.example.com/1.mp3",
        "file:///etc/passwd",
        "ftp://127.0.0.1/1.mp3",
    ],
)
def test_a_redirect_to_a_host_that_is_not_the_portals_is_refused(url, database, tmp_path):
    """Checked at each redirect; refused at once and for that recording alone."""
    with exporting(three(), database, tmp_path) as export:
        export.portal.faults.add("download", "redirect", times=-1, match=str(FILE), url=url)
        outcome = export.run()
        assert [type(error) for error in outcome.red] == [BatchFailed]
        rows = check_published(export, outcome)
        assert statuses(rows) == {COMPLETED: 2, RecordStatus.ERROR: 1}
        assert (rows[2].error_code, rows[2].attempts) == (ErrorCode.FORBIDDEN_HOST, 1)
        assert export.portal.journal.count("download", subject=str(FILE)) == 1


def test_a_redirect_to_another_port_of_this_machine_is_refused(database, tmp_path):
    reached = []

    async def somebody(scope, _receive, _send) -> None:
        reached.append(scope["path"])

    with exporting(three(), database, tmp_path) as export, running(somebody) as elsewhere:
        export.portal.faults.add("download", "redirect", times=-1, match=str(FILE), url=f"{elsewhere}/secret")
        rows = check_published(export, export.run())
        assert (rows[2].status, rows[2].error_code) == (RecordStatus.ERROR, ErrorCode.FORBIDDEN_HOST)
        assert reached == []


def test_a_link_to_a_strangers_host_is_refused(database, tmp_path):
    """Any application may attach a call with any CALL_RECORD_URL."""
    world = world_of(recorded(1), recorded(2))
    world.calls[2].file_id, world.calls[2].record_url = None, "http://10.0.0.7/internal?signature=s3cret"
    with exporting(world, database, tmp_path) as export:
        rows = check_published(export, export.run())
        assert (rows[2].status, rows[2].error_code) == (RecordStatus.ERROR, ErrorCode.FORBIDDEN_HOST)
        assert shown_links(export)[2] == "http://10.0.0.7/internal"


def test_a_redirect_within_the_portal_is_followed(database, tmp_path):
    world = three()
    world.storage["moved.mp3"] = world.files[FILE].audio
    with exporting(world, database, tmp_path) as export:
        export.portal.faults.add("download", "redirect", match=str(FILE), url="/storage/moved.mp3")
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 0)
        assert statuses(check_published(export, outcome)) == {COMPLETED: 3}


def test_a_redirect_in_a_circle_is_left_after_five_hops(database, tmp_path):
    path = "2025/2.mp3"
    with exporting(world_of(kept_outside(1), kept_outside(2)), database, tmp_path) as export:
        export.portal.faults.add("storage", "redirect", times=6, match=path, url=f"/storage/{path}")
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 1)
        rows = check_published(export, outcome)
        assert [(row.status, row.attempts) for row in rows.values()] == [(COMPLETED, 0), (COMPLETED, 1)]
