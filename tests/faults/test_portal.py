"""The portal's API fails, refuses, lies or shuts its door; nothing is lost, doubled or left half done."""

import time
from datetime import timedelta

import psycopg
import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.common.errors import AccessDenied, StopRun
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.methods import Rights
from tests.kit.export_under_faults import (
    START,
    STATISTICS,
    calls,
    check_published,
    completed_by_resume,
    events,
    exporting,
    recorded,
    statuses,
    stopped,
    world_of,
)
from tests.kit.whole_export import Export

pytestmark = [pytest.mark.postgres, pytest.mark.long]

RATE = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
INSIDE = {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"}
NEW_TOKEN = "n3w-t0ken-of-the-portal"
SINGLE = ("scope", STATISTICS, "user.get")
BATCHES = (0, 1, 2, 4)  # let through before each spoilt batch: rights, list, names and links fail once each


@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("status", {"status": 500, "body": INSIDE}),
        ("status", {"status": 502, "body": "<html>Bad Gateway</html>"}),
        ("html200", {}),
        ("empty", {}),
        ("truncate", {}),
        ("short", {}),
        ("wrong_length", {}),
        ("hang", {}),
        ("drop_connection", {}),
        ("redirect", {"url": "/auth/?login=yes"}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.get("status", "")),
)
def test_a_broken_answer_costs_a_retry_and_nothing_else(what, options, database, tmp_path, monkeypatch):
    """Each kind of request is spoilt once: the task is tried again, no recording has lost an attempt."""
    monkeypatch.setattr("include.clients.bitrix24.transport.TIMEOUTS", (5.0, 0.4))
    with exporting(world_of(*calls(3, silent=1)), database, tmp_path) as export:
        for method in SINGLE:
            export.portal.faults.add(method, what, **options)
        for earlier in BATCHES:
            export.portal.faults.add("batch", what, after=earlier, **options)
        outcome = export.run()
        assert outcome.red == []
        assert outcome.retries == len(SINGLE) + len(BATCHES)
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 3, RecordStatus.NO_RECORDING: 1}
        assert {row.attempts for row in rows.values()} == {0}


def test_a_storm_of_503_is_waited_out_and_uses_up_no_attempt(database, tmp_path):
    with exporting(world_of(*calls(4)), database, tmp_path) as export:
        for where in ("scope", STATISTICS, "batch", "download"):
            export.portal.faults.add(where, "status", times=2, status=503, body=RATE)
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 0)
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 4}
        assert {(row.attempts, row.error_code) for row in rows.values()} == {(0, None)}
        assert [event["code"] for event in events(export, "portal_refused")] == ["QUERY_LIMIT_EXCEEDED"] * 8


def test_a_long_storm_of_503_switches_to_the_low_rate(database, tmp_path):
    """More than ten refusals in 15 minutes lower the rate of all tasks to half a request a second."""
    with exporting(world_of(*calls(2)), database, tmp_path) as export:
        export.portal.faults.add("scope", "status", times=11, status=503, body=RATE)
        export.portal.before(STATISTICS, 1, lambda: a_quarter_of_an_hour_passes(export))
        outcome = export.run()
        assert outcome.red == []
        scopes = [entry.at for entry in export.portal.journal.entries("scope")]
        assert export.portal.journal.entries(STATISTICS)[0].at - scopes[-1] > 1.5
        assert [event["reason"] for event in events(export, "low_rate_on")] == ["refusals"]
        assert {row.attempts for row in check_published(export, outcome).values()} == {0}


def a_quarter_of_an_hour_passes(export: Export) -> None:
    with psycopg.connect(export.conninfo) as connection:
        connection.execute(
            "UPDATE portal_pace SET low_rate_until = now(), next_permit_at = now(), blocked_until = now()"
        )


def test_a_long_refusal_gives_the_slot_back(database, tmp_path):
    """The portal's own hint (Retry-After) is kept to by the next try; the recordings have lost no attempt."""
    with exporting(world_of(*calls(2)), database, tmp_path) as export:
        refused = {"status": 503, "body": RATE, "headers": {"Retry-After": "3"}}
        export.portal.faults.add("batch", "status", after=3, **refused)
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 1)
        links = export.portal.journal.entries("batch")[3:]
        assert [entry.status for entry in links] == [503, 200]
        assert links[1].at - links[0].at > 2.9
        assert {row.attempts for row in check_published(export, outcome).values()} == {0}


def test_a_spent_method_budget_is_waited_out_until_its_reset_time(database, tmp_path):
    """429 OPERATION_TIME_LIMIT of a command inside a batch: the links that were given are not asked for again."""
    with exporting(world_of(*calls(5)), database, tmp_path) as export:
        export.portal.limits = Limits(
            rps=1000, bucket=1000, method_budget=30, method_seconds={"disk.file.get": 10}, speed=1200
        )
        began = time.monotonic()
        outcome = export.run()
        assert outcome.red == []
        assert time.monotonic() - began < 30  # a minute is what is waited where no reset time is known
        refusals = [entry for entry in export.portal.journal.refusals() if entry.where == "disk.file.get"]
        assert refusals
        assert {event["code"] for event in events(export, "portal_refused")} == {"OPERATION_TIME_LIMIT"}
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 5}
        assert {(row.attempts, row.error_code) for row in rows.values()} == {(0, None)}


def test_one_failed_command_of_a_batch_is_one_recordings_trouble(database, tmp_path):
    with exporting(world_of(*calls(3)), database, tmp_path) as export:
        export.portal.faults.add("disk.file.get", "error", after=4, status=500, body=INSIDE)
        outcome = export.run()
        assert (outcome.red, outcome.retries) == ([], 1)
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 3}
        assert [rows[number].attempts for number in (1, 2, 3)] == [0, 1, 0]


@pytest.mark.parametrize("refusal", ["INVALID_CREDENTIALS", "OVERLOAD_LIMIT"])
def test_a_token_revoked_among_downloads_stops_the_run(refusal, database, tmp_path):
    """One refused request, then silence; what was fetched stays, and the resumed run fetches only the rest."""
    with exporting(world_of(*calls(15)), database, tmp_path) as export:
        # five files are tried by the probe; there are three batches of five recordings
        export.portal.before("disk.file.get", 10, lambda: setattr(export.portal, "refuse_all", refusal))
        outcome = export.run()
        assert outcome.verdict.status is RunStatus.ERROR
        assert "остановлен" in outcome.verdict.sentence
        assert all(isinstance(error, StopRun) for error in outcome.red)
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 5, RecordStatus.PENDING: 10}
        assert {row.attempts for row in rows.values()} == {0}
        assert len([entry for entry in export.portal.journal.entries() if (entry.status or 0) >= 400]) == 1
        export.portal.refuse_all, export.portal.token = None, NEW_TOKEN
        completed_by_resume(export, outcome.run_id)
        assert export.portal.journal.count("download", status=200) == 15
        assert export.recogniser.journal.count("transcriptions") == 15


def test_a_token_revoked_during_the_listing_stops_the_run(database, tmp_path):
    with exporting(world_of(*calls(2, silent=110)), database, tmp_path) as export:
        export.portal.before(STATISTICS, 5, lambda: setattr(export.portal, "refuse_all", "INVALID_CREDENTIALS"))
        run_id = stopped(export, AccessDenied, "does not accept this webhook")
        assert len([entry for entry in export.portal.journal.entries() if (entry.status or 0) >= 400]) == 1
        export.portal.refuse_all, export.portal.token = None, NEW_TOKEN
        completed_by_resume(export, run_id)


@pytest.mark.parametrize(
    ("rights", "words"),
    [
        (Rights(scopes=frozenset({"disk", "user_brief"})), "`telephony`"),
        (Rights(scopes=frozenset({"telephony", "user_brief"})), "`disk`"),
        (Rights(scopes=frozenset({"telephony", "disk"})), "`user_brief"),
        (Rights(statistics=False), "may not view the call statistics"),
        (Rights(only_users=frozenset({"12"}), admin=False), "only their own or their department's calls"),
    ],
    ids=["telephony", "disk", "user", "no right to statistics", "role limited to some employees"],
)
def test_a_missing_right_is_named_before_anything_is_listed(rights, words, database, tmp_path):
    """An export of the few calls that such a webhook sees would look like a quiet portal."""
    world = world_of(recorded(1), recorded(2, user_id="13"))
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.rights = rights
        run_id = stopped(export, AccessDenied, words)
        assert export.records(run_id) == []
        export.portal.methods.rights = Rights()
        completed_by_resume(export, run_id)


def test_folders_closed_to_the_webhook_stop_the_run(database, tmp_path):
    world = world_of(*calls(3))
    for file in world.files.values():
        file.denied = True
    with exporting(world, database, tmp_path) as export:
        run_id = stopped(export, AccessDenied, "`disk`")
        for file in world.files.values():
            file.denied = False
        completed_by_resume(export, run_id)


def test_an_empty_portal_gives_an_empty_registry(database, tmp_path):
    with exporting(world_of(), database, tmp_path) as export:
        outcome = export.run()
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert check_published(export, outcome) == {}
        assert export.recogniser.journal.count("transcriptions") == 0


def test_an_empty_portal_of_a_mere_employee_is_not_believed(database, tmp_path):
    with exporting(world_of(), database, tmp_path) as export:
        export.portal.rights.admin = False
        stopped(export, AccessDenied, "no calls of other employees")


def test_a_period_without_calls_gives_an_empty_registry(database, tmp_path):
    earlier = recorded(1)
    earlier.started_at = START - timedelta(days=20)
    with exporting(world_of(earlier), database, tmp_path) as export:
        outcome = export.run()
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert check_published(export, outcome, left_out=1) == {}
        assert export.portal.journal.count("download") == 0
