"""The portal's API fails, refuses, lies or shuts its door; nothing is lost, doubled or left half done."""

import time
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from include.domain.errors import AccessDenied, ContractBroken, StopRun
from include.domain.states import RecordStatus, RunStatus
from simulators.portal.limits import Limits
from simulators.portal.methods import Rights
from tests.export import Export
from tests.whole import (
    START,
    audio,
    check_published,
    events,
    exporting,
    recorded,
    statuses,
    unrecorded,
    world_of,
)

pytestmark = pytest.mark.postgres

STATISTICS = "voximplant.statistic.get"
RATE = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
INSIDE = {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"}
NEW_TOKEN = "n3w-t0ken-of-the-portal"
SINGLE = ("scope", STATISTICS, "user.get")
BATCHES = (0, 1, 2, 4)  # let through before each spoilt batch: rights, list, names and links fail once each


def calls(count: int, silent: int = 0):
    """`count` recordings after `silent` calls without one."""
    return [*map(unrecorded, range(1, silent + 1)), *map(recorded, range(silent + 1, silent + count + 1))]


def run_row(export: Export) -> tuple[UUID, RunStatus, str | None]:
    """The only run: its id, its status and why it was stopped."""
    with psycopg.connect(export.conninfo) as connection:
        ((run_id, status, stop),) = connection.execute(
            "SELECT run_id, status, metadata ->> 'stop' FROM call_exports"
        ).fetchall()
    return run_id, RunStatus(status), stop


def stopped(export: Export, kind: type[StopRun], words: str) -> UUID:
    """Runs an export that must be stopped before anything is downloaded, with a sentence for a person."""
    with pytest.raises(kind, match=words):
        export.run()
    run_id, status, stop = run_row(export)
    assert status is RunStatus.ERROR
    assert stop is not None
    assert export.portal.journal.count("download") == export.recogniser.journal.count("transcriptions") == 0
    return run_id


def completed_by_resume(export: Export, run_id: UUID) -> None:
    outcome = export.run(resume_run_id=str(run_id))
    assert (outcome.run_id, outcome.red) == (run_id, [])
    assert outcome.verdict.status is RunStatus.COMPLETED
    assert not {RecordStatus.PENDING, RecordStatus.ERROR} & statuses(check_published(export, outcome)).keys()


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
    """D13: after more than ten refusals in a quarter of an hour half a request a second for everybody."""
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


def test_a_refusal_longer_than_a_task_may_wait_gives_the_slot_back(database, tmp_path):
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


@pytest.mark.parametrize("refusal", ["INVALID_CREDENTIALS", "expired_token", "NO_AUTH_FOUND", "OVERLOAD_LIMIT"])
def test_a_token_revoked_among_downloads_stops_the_run_until_it_is_repaired(refusal, database, tmp_path):
    """One refused request, then silence; what was fetched stays, and the resumed run fetches only the rest."""
    with exporting(world_of(*calls(10)), database, tmp_path) as export:
        # five files are tried by the probe; the first batch has five recordings
        export.portal.before("disk.file.get", 10, lambda: setattr(export.portal, "refuse_all", refusal))
        outcome = export.run()
        assert outcome.verdict.status is RunStatus.ERROR
        assert "остановлен" in outcome.verdict.sentence
        assert all(isinstance(error, StopRun) for error in outcome.red)
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 5, RecordStatus.PENDING: 5}
        assert {row.attempts for row in rows.values()} == {0}
        assert len([entry for entry in export.portal.journal.entries() if (entry.status or 0) >= 400]) == 1
        export.portal.refuse_all, export.portal.token = None, NEW_TOKEN
        completed_by_resume(export, outcome.run_id)
        assert export.portal.journal.count("download", status=200) == 10
        assert export.recogniser.journal.count("transcriptions") == 10


def test_a_token_revoked_in_mid_listing_stops_the_run_until_it_is_repaired(database, tmp_path):
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
        (Rights(statistics=False), "Статистика звонков: просмотр — любые"),
        (Rights(only_users=frozenset({"12"}), admin=False), "only their own or their department's calls"),
    ],
    ids=["telephony", "disk", "user", "no right to statistics", "role limited to some employees"],
)
def test_a_missing_right_is_named_before_anything_is_listed(rights, words, database, tmp_path):
    """D11: an export of the few calls that such a webhook sees would look like a quiet portal."""
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
        stopped(export, AccessDenied, "nobody else's calls")


def test_a_period_without_calls_gives_an_empty_registry(database, tmp_path):
    earlier = recorded(1)
    earlier.started_at = START - timedelta(days=20)
    with exporting(world_of(earlier), database, tmp_path) as export:
        outcome = export.run()
        assert outcome.verdict.status is RunStatus.COMPLETED
        assert check_published(export, outcome, left_out=1) == {}
        assert export.portal.journal.count("download") == 0


@pytest.mark.parametrize("ignored", [">=CALL_START_DATE", "<=CALL_START_DATE"])
def test_rows_outside_the_filter_are_an_error_and_not_data(ignored, database, tmp_path):
    """D6: a portal that drops a filter in silence would export its whole history."""
    stranger = recorded(3)
    stranger.started_at += timedelta(days=-40 if ignored.startswith(">") else 40)
    world = world_of(*calls(2), stranger)
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.ignores = frozenset({ignored})
        run_id = stopped(export, ContractBroken, "the portal ignores the filter")
        export.portal.methods.ignores = frozenset()
        del world.calls[stranger.id]
        completed_by_resume(export, run_id)


@pytest.mark.parametrize(
    "ignored",
    [{">ID"}, {"start=-1"}, {">ID", "start=-1"}, {"SORT"}, {">ID", "start=-1", "SORT"}],
    ids=lambda names: " and ".join(sorted(names)),
)
def test_a_portal_that_repeats_pages_or_ignores_the_keyset_loses_and_doubles_nothing(ignored, database, tmp_path):
    """D7: without `>ID` every page is the first one again; the rest is then taken by plain offsets."""
    with exporting(world_of(*calls(2, silent=118)), database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)
        outcome = export.run()
        assert outcome.red == []
        expected = {RecordStatus.COMPLETED: 2, RecordStatus.NO_RECORDING: 118}
        assert statuses(check_published(export, outcome)) == expected


@pytest.mark.parametrize(("ignored", "page"), [(set(), 5), ({">ID"}, 9)], ids=["keyset", "offset"])
def test_calls_that_appear_while_listing_are_listed_and_shift_none(ignored, page, database, tmp_path):
    world = world_of(*calls(1, silent=118))
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)

        def calls_come_in() -> None:
            world.add(recorded(500, user_id="13"), audio(500))
            world.add(unrecorded(501))

        export.portal.before(STATISTICS, page, calls_come_in)
        outcome = export.run()
        assert outcome.red == []
        rows = check_published(export, outcome)
        assert statuses(rows) == {RecordStatus.COMPLETED: 2, RecordStatus.NO_RECORDING: 119}
        assert portal_total(export) == len(rows)


@pytest.mark.parametrize(("ignored", "page"), [(set(), 6), ({">ID"}, 9)], ids=["keyset", "offset"])
def test_a_row_deleted_while_listing_hides_no_other_call(ignored, page, database, tmp_path):
    """By offsets a deleted row moves the next page's first row onto the page that was read already."""
    world = world_of(*calls(1, silent=118))
    with exporting(world, database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)
        export.portal.before(STATISTICS, page, lambda: world.calls.pop(7))
        outcome = export.run()
        seen = {row.statistics_id for row in export.records(outcome.run_id)}
        assert set(world.calls) <= seen <= {*world.calls, 7}


def portal_total(export: Export) -> int:
    with psycopg.connect(export.conninfo) as connection:
        ((total,),) = connection.execute("SELECT (metadata ->> 'portal_total')::integer FROM call_exports").fetchall()
    return int(total)


@pytest.mark.parametrize(
    ("ignored", "where", "after", "body", "words"),
    [
        ({">ID"}, STATISTICS, 5, {"result": [], "next": 0, "total": 70}, "next page is not after this one"),
        (set(), STATISTICS, 3, {"result": [], "total": 99}, "counts 99 calls in the period but lists 70"),
        (set(), STATISTICS, 3, {"result": []}, "did not count its calls"),
        (set(), "batch", 1, {"result": {"result": {"p0": [1], "p1": []}}}, "no list of rows"),
        (set(), "batch", 1, {"result": "ok"}, "has no parts"),
        (set(), "batch", 1, {"answer": []}, "neither `result` nor `error`"),
    ],
    ids=["next page stuck", "more counted than listed", "no total", "no rows", "no parts", "no result"],
)
def test_an_answer_that_cannot_be_understood_stops_the_run(ignored, where, after, body, words, database, tmp_path):
    """Taking it for data could lose calls; a run resumed once the portal is sane again lists everything."""
    with exporting(world_of(*calls(2, silent=68)), database, tmp_path) as export:
        export.portal.methods.ignores = frozenset(ignored)
        export.portal.faults.add(where, "body", times=-1, after=after, body=body)
        run_id = stopped(export, ContractBroken, words)
        export.portal.faults.clear()
        completed_by_resume(export, run_id)
