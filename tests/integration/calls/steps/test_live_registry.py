"""The registry can be read while the run goes on: cheap, whole, and never older than it was."""

import csv
import io
import threading
import time
from datetime import UTC, datetime
from functools import partial

import psycopg
import pytest

from include.calls.domain.storage_keys import registry_key
from include.calls.state import publications
from include.calls.state.publications import Publications
from include.calls.steps.publish import publish, publish_live
from include.clients.storage.local import LocalStorage
from include.common.errors import Temporary
from include.common.periods import Period
from simulators.bitrix24.world import Audio, Call
from simulators.sound.dialogues import record_briefly
from tests.kit.small_world import FIRST, world_of
from tests.kit.undrawn_report import InThisProcess
from tests.kit.whole_export import export_over

pytestmark = pytest.mark.postgres

CALLS = 12  # more than one batch
PERIOD = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))


@pytest.fixture
def export(database, tmp_path, monkeypatch):
    monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 0.0)
    monkeypatch.setattr(publications, "LIVE_REST", 0.0)
    with export_over(world_of(CALLS), database, tmp_path / "storage") as export:
        yield export


def statuses(export):
    return [row["status"] for row in csv.DictReader(io.StringIO(export.registry()), delimiter=";")]


def shown(export, run_id, storage=None):
    with export.state() as state:
        return publish_live(run_id, state, storage or export.storage, export.policy)


def test_after_each_batch_the_registry_has_its_texts(export):
    outcome, batches = export.prepare()
    assert len(batches) > 1
    seen = []
    for batch in batches:
        export.work(outcome, [batch])
        assert shown(export, outcome.run_id)
        seen.append(statuses(export).count("completed"))
    assert seen == sorted(set(seen)), "each batch adds its own"
    assert seen[-1] == CALLS


def test_a_fresh_registry_is_left_alone_and_so_is_a_costly_one(export, monkeypatch):
    outcome, _ = export.prepare()
    assert shown(export, outcome.run_id)
    monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 3600.0)
    assert not shown(export, outcome.run_id), "it is younger than LIVE_EVERY_SEC"
    monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 0.0)
    monkeypatch.setattr(publications, "LIVE_REST", 20.0)
    with export.state() as state:
        Publications(state.session).note(registry_key(PERIOD), outcome.run_id, complete=False, rows=0, seconds=60.0)
    assert not shown(export, outcome.run_id), "a minute's work is not repeated within twenty minutes"


def test_a_run_that_has_just_begun_is_not_interrupted_for_it(export, monkeypatch):
    outcome, _ = export.prepare()
    monkeypatch.setattr(publications, "LIVE_EVERY_SEC", 3600.0)
    assert not shown(export, outcome.run_id)


class Slow(LocalStorage):
    """Stops in mid-write until it is let go."""

    def __init__(self, root):
        super().__init__(root)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def put_file(self, key, path, content_type):
        self.begun.set()
        assert self.go_on.wait(30)
        super().put_file(key, path, content_type)


def test_an_older_registry_never_replaces_a_newer_one(export, tmp_path):
    """A batch is caught in mid-write with rows of long ago; another batch gives way, and publish waits for it."""
    outcome, batches = export.prepare()
    slow = Slow(tmp_path / "storage")
    early = threading.Thread(target=shown, args=(export, outcome.run_id, slow))
    early.start()
    assert slow.begun.wait(30)
    export.work(outcome, batches)
    assert not shown(export, outcome.run_id), "one is being written"

    def last():
        with export.state() as state:
            publish(outcome.run_id, state, export.storage, export.policy)

    final = threading.Thread(target=last)
    final.start()
    until_somebody_waits(export.conninfo)
    slow.go_on.set()
    early.join(60)
    final.join(60)
    assert statuses(export) == ["completed"] * CALLS


def test_a_report_that_is_being_drawn_keeps_the_next_one_waiting(export, monkeypatch):
    """Or the older one, drawn slowly, would replace the newer one's file."""
    begun, go_on = threading.Event(), threading.Event()

    class Slow(InThisProcess):
        def run(self, *call, **options):
            begun.set()
            assert go_on.wait(30)
            return super().run(*call, **options)

    monkeypatch.setattr("include.calls.steps.publish.Subprocess", Slow)
    outcome, batches = export.prepare()
    export.work(outcome, batches)

    def last():
        with export.state() as state:
            publish(outcome.run_id, state, export.storage, export.policy)

    publications = [threading.Thread(target=last) for _ in range(2)]
    publications[0].start()
    assert begun.wait(30)
    publications[1].start()
    until_somebody_waits(export.conninfo)
    go_on.set()
    for publication in publications:
        publication.join(60)
    with export.state() as state:
        assert [event.event for event in state.events.of_run(outcome.run_id)].count("published") == 2


def until_somebody_waits(conninfo):
    deadline = time.monotonic() + 30
    with psycopg.connect(conninfo, autocommit=True) as conn:
        while not conn.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
            assert time.monotonic() < deadline, "publish did not wait for the writer before it"
            time.sleep(0.02)


def test_a_run_that_has_ended_is_left_to_publish(export):
    outcome = export.run()
    assert not shown(export, outcome.run_id)


def test_a_complete_registry_stays_until_publish(export):
    """A later run of the same days buys what is new; until it has all of it, people read the registry of before."""
    export.run()
    before = export.registry()
    export.portal.world.add(Call(77, FIRST, "call-77", file_id=9077), Audio(partial(record_briefly, 77)))
    outcome, batches = export.prepare()
    export.work(outcome, batches)
    assert not shown(export, outcome.run_id)
    assert export.registry() == before
    export.close(outcome)
    assert statuses(export) == ["completed"] * (CALLS + 1)


def test_a_run_without_its_list_shows_nothing(export):
    assert not shown(export, export.open())


class Down(LocalStorage):
    def put_file(self, *_):
        raise Temporary("the storage did not do its work")


def test_a_storage_that_is_down_leaves_the_turn_to_the_next_batch(export, tmp_path):
    outcome, _ = export.prepare()
    with pytest.raises(Temporary):
        shown(export, outcome.run_id, Down(tmp_path / "storage"))
    assert shown(export, outcome.run_id)
