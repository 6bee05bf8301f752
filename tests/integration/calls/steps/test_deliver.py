"""The folder that a customer takes away: copies where they are asked for, and paths that always lead to the text."""

import csv
import io
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

from include.calls.domain.states import RecordStatus
from include.calls.state import publications
from include.calls.steps.deliver_period import deliver_period
from include.calls.steps.publish import publish, publish_live
from include.calls.steps.rebuild import rebuild_texts
from include.calls.wording import command_line
from include.clients.storage.base import CopyFailure, Storage
from include.clients.storage.local import LocalStorage
from include.clients.storage.s3 import S3Storage
from include.common.errors import BadInput, Temporary
from include.common.periods import resolve_period
from jobs.deliver import main
from tests.kit.small_world import asked, by_sql, registry, world_of
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

FOLDER = "2025-08-01_2025-08-02"
CALLS = 3
NOW = datetime(2025, 9, 1, tzinfo=UTC)


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(CALLS), database, tmp_path / "storage") as export:
        yield export


def delivered(storage: Storage, folder: str = FOLDER) -> set[str]:
    """The copies, by their path within the folder."""
    top = f"exports/{folder}/"
    kinds = ("transcripts/", "summary/", "raw/")
    return {key.removeprefix(top) for key in storage.keys(top) if key.removeprefix(top).startswith(kinds)}


def check_paths(storage: Storage) -> dict[str, list[str]]:
    """Every path of every registry leads to a file, each text to that of its call; returns the texts' paths."""
    found: dict[str, list[str]] = {}
    for key in storage.keys("exports/"):
        if "/registry/" not in key or not key.endswith(".csv"):
            continue
        folder = key.split("/registry/")[0]
        paths = found[key.rsplit("/", 1)[1]] = []
        for row in csv.DictReader(io.StringIO(storage.get_bytes(key).decode("utf-8-sig")), delimiter=";"):
            if row["status"] == "completed":
                path = row["transcript_path"]
                text = storage.get_bytes(posixpath.normpath(f"{folder}/{path}")).decode()
                assert f"CALL_ID: {row['call_id']}\n" in text
                paths.append(path)
            if row["summary_path"]:
                assert storage.exists(posixpath.normpath(f"{folder}/{row['summary_path']}"))
    assert found
    return found


def own_paths(*calls: int) -> list[str]:
    return [f"../../transcripts/2025/08/01/call_call-{number}.txt" for number in calls]


def copied_paths(*calls: int) -> list[str]:
    return [f"transcripts/call_call-{number}.txt" for number in calls]


def publish_again(export: Export, run_id: UUID) -> None:
    with export.state() as state:
        publish(run_id, state, export.storage, export.policy)


def rewritten(export: Export, run_id: UUID) -> None:
    """Every text file says something else now: its header's numbers are masked."""
    privacy = export.policy.privacy.model_copy(update={"pii_masking_enabled": True})
    with export.state() as state:
        done = rebuild_texts(
            run_id, state, export.storage, export.policy.model_copy(update={"privacy": privacy}), actor="analyst"
        )
    assert done.changed == CALLS


# ---------------------------------------------------------------- runs


def test_without_a_delivery_the_registry_leads_to_the_texts_themselves(export: Export) -> None:
    export.run()
    assert delivered(export.storage) == set()
    assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": own_paths(1, 2, 3)}


def test_a_run_delivers_where_it_is_asked_to(export: Export) -> None:
    export.run(deliver_texts=True)
    assert delivered(export.storage) == set(copied_paths(1, 2, 3))
    assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": copied_paths(1, 2, 3)}


@pytest.mark.parametrize(("trigger", "copies"), [("manual", CALLS), ("scheduled", 0)])
def test_a_person_gets_the_folder_and_the_schedule_none(export: Export, trigger: str, copies: int) -> None:
    export.run(trigger=trigger, deliver_texts=None)
    assert len(delivered(export.storage)) == copies


def test_audio_is_delivered_by_days(export: Export) -> None:
    export.run(deliver_audio=True)
    audio = {f"raw/2025/08/01/call_call-{number}.mp3" for number in (1, 2, 3)}
    assert delivered(export.storage) == audio | set(copied_paths(1, 2, 3))
    for path in audio:
        assert export.storage.get_bytes(f"exports/{FOLDER}/{path}") == export.storage.get_bytes(path)


def test_a_delivered_folder_is_kept_fresh_by_every_publication(export: Export) -> None:
    run_id = export.run(deliver_texts=True).run_id
    copy = f"exports/{FOLDER}/transcripts/call_call-1.txt"
    before = export.storage.get_bytes(copy)
    rewritten(export, run_id)
    assert export.storage.get_bytes(copy) == before
    later = export.run(trigger="scheduled", deliver_texts=None).run_id
    assert later != run_id
    for number in range(1, CALLS + 1):
        key = f"transcripts/2025/08/01/call_call-{number}.txt"
        assert export.storage.get_bytes(f"exports/{FOLDER}/transcripts/call_call-{number}.txt") == (
            export.storage.get_bytes(key)
        )
    assert export.storage.get_bytes(copy) != before


class Counting(LocalStorage):
    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.copies: list[str] = []

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        self.copies += [target for _, target in pairs]
        return super().copy_all(pairs)


def test_what_is_delivered_already_is_not_copied_again(export: Export, tmp_path: Path) -> None:
    export.storage = Counting(tmp_path / "storage")
    run_id = export.run(deliver_texts=True).run_id
    by_sql(export.conninfo, "UPDATE recordings SET text_at = text_at - interval '1 hour'")
    assert len(export.storage.copies) == CALLS
    publish_again(export, run_id)
    assert len(export.storage.copies) == CALLS


class DiesAfter(LocalStorage):
    """Copies so many files and is killed."""

    def __init__(self, root: Path, most: int) -> None:
        super().__init__(root)
        self.left = most

    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        super().copy_all(pairs[: self.left])
        raise KeyboardInterrupt


def test_a_delivery_killed_in_mid_copy_is_made_good_by_the_next(export: Export, tmp_path: Path) -> None:
    outcome, batches = export.prepare(deliver_texts=True)
    export.work(outcome, batches)
    with export.state() as state, pytest.raises(KeyboardInterrupt):
        publish(outcome.run_id, state, DiesAfter(tmp_path / "storage", 1), export.policy)
    assert len(delivered(export.storage)) == 1
    export.close(outcome)
    assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": copied_paths(1, 2, 3)}


class Down(LocalStorage):
    def copy_all(self, pairs: Sequence[tuple[str, str]]) -> list[CopyFailure | None]:
        return [Temporary("the storage did not do its work") for _ in pairs]


def test_a_storage_that_copies_nothing_is_told(export: Export, tmp_path: Path) -> None:
    outcome, batches = export.prepare(deliver_texts=True)
    export.work(outcome, batches)
    with export.state() as state, pytest.raises(Temporary, match="did not do its work"):
        publish(outcome.run_id, state, Down(tmp_path / "storage"), export.policy)


def test_lost_audio_does_not_keep_the_texts_back(export: Export) -> None:
    run_id = export.run().run_id
    export.storage.delete("raw/2025/08/01/call_call-2.mp3")
    by_sql(export.conninfo, "UPDATE call_exports SET deliver_audio = true")
    publish_again(export, run_id)
    audio = {f"raw/2025/08/01/call_call-{number}.mp3" for number in (1, 3)}
    assert delivered(export.storage) == audio | set(copied_paths(1, 2, 3))


def test_a_trial_makes_no_stale_copy_of_the_whole_fresh(export: Export) -> None:
    """Both share the folder; the trial knows of its one recording only."""
    run_id = export.run(deliver_texts=True).run_id
    before = export.storage.get_bytes(f"exports/{FOLDER}/transcripts/call_call-3.txt")
    rewritten(export, run_id)
    export.run(limit_calls=1, deliver_texts=True)
    assert export.storage.get_bytes(f"exports/{FOLDER}/transcripts/call_call-3.txt") == before
    publish_again(export, run_id)
    assert export.storage.get_bytes(f"exports/{FOLDER}/transcripts/call_call-3.txt") != before
    assert check_paths(export.storage) == {
        f"calls_{FOLDER}.csv": copied_paths(1, 2, 3),
        f"calls_{FOLDER}_trial.csv": copied_paths(1),
    }


def summaries(export: Export, run_id: UUID) -> None:
    with export.state() as state:
        for row in export.records(run_id, RecordStatus.COMPLETED):
            assert row.transcript_id is not None
            export.storage.put_bytes(row.keys.summary, b"# summary", "text/markdown")
            state.transcripts.set_summary(row.recording_id, row.transcript_id, summary_path=row.keys.summary, tags=[])


def test_summaries_are_delivered_and_forgotten_ones_taken_back(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """For good: a listing does not find the kept versions of a copy that was only deleted."""
    erased: list[str] = []
    erase = LocalStorage.erase_all
    monkeypatch.setattr(LocalStorage, "erase_all", lambda self, keys: (erased.extend(keys), erase(self, keys))[1])
    run_id = export.run(deliver_texts=True).run_id
    summaries(export, run_id)
    publish_again(export, run_id)
    copies = {f"summary/call_call-{number}.md" for number in (1, 2, 3)}
    assert delivered(export.storage) == copies | set(copied_paths(1, 2, 3))
    check_paths(export.storage)
    by_sql(export.conninfo, "UPDATE recordings SET summary_path = NULL, text_at = now() WHERE call_id = 'call-2'")
    publish_again(export, run_id)
    assert delivered(export.storage) == copies - {"summary/call_call-2.md"} | set(copied_paths(1, 2, 3))
    assert erased == [f"exports/{FOLDER}/summary/call_call-2.md"]


def test_a_shared_text_keeps_the_summary_of_its_other_recording(export: Export) -> None:
    run_id = export.run(deliver_texts=True).run_id
    summaries(export, run_id)
    by_sql(
        export.conninfo,
        "UPDATE recordings own SET transcript_id = twin.transcript_id, transcript_path = twin.transcript_path,"
        " summary_path = NULL, text_at = now()"
        " FROM recordings twin WHERE twin.call_id = 'call-1' AND own.call_id = 'call-2'",
    )
    publish_again(export, run_id)
    publish_again(export, run_id)
    assert "summary/call_call-1.md" in delivered(export.storage)


def test_the_registry_in_mid_run_calls_only_fresh_copies_its_own(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("LIVE_EVERY_SEC", "LIVE_REST"):
        monkeypatch.setattr(publications, limit, 0.0)
    outcome, batches = export.prepare(deliver_texts=True)
    export.work(outcome, batches)
    by_sql(export.conninfo, "UPDATE recordings SET text_at = text_at - interval '1 hour'")
    publish_again(export, outcome.run_id)
    by_sql(export.conninfo, "UPDATE publications SET complete = false")
    by_sql(export.conninfo, "UPDATE recordings SET text_at = now() WHERE call_id = 'call-2'")
    with export.state() as state:
        assert publish_live(outcome.run_id, state, export.storage, export.policy)
    paths = [*copied_paths(1), *own_paths(2), *copied_paths(3)]
    assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": paths}


# ---------------------------------------------------------------- lost files


def test_a_lost_text_is_written_again_and_nothing_is_bought(export: Export) -> None:
    run_id = export.run().run_id
    key, bought = "transcripts/2025/08/01/call_call-2.txt", asked(export)
    before = export.storage.get_bytes(key)
    export.storage.delete(key)
    publish_again(export, run_id)
    assert export.storage.get_bytes(key) == before
    assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": own_paths(1, 2, 3)}
    events = by_sql(export.conninfo, "SELECT detail FROM call_events WHERE event = 'texts_restored'")
    assert (events, asked(export)) == ([({"texts": 1},)], bought)
    publish_again(export, run_id)
    assert len(by_sql(export.conninfo, "SELECT 1 FROM call_events WHERE event = 'texts_restored'")) == 1


def test_an_erased_text_is_not_written_again_and_has_no_path(export: Export) -> None:
    run_id = export.run().run_id
    by_sql(export.conninfo, "UPDATE transcripts SET body = '', preview = '' WHERE recording_id = 2")
    export.storage.delete("transcripts/2025/08/01/call_call-2.txt")
    publish_again(export, run_id)
    assert not export.storage.exists("transcripts/2025/08/01/call_call-2.txt")
    rows = list(csv.DictReader(io.StringIO(export.registry()), delimiter=";"))
    assert [bool(row["transcript_path"]) for row in rows] == [True, False, True]


# ---------------------------------------------------------------- make deliver


@pytest.fixture
def deliver(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    where = {name: str(value) for name, value in conninfo_to_dict(export.conninfo).items() if value}
    state = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None), "extra": where}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_DB", json.dumps(state))
    storage = {"conn_type": "generic", "extra": {"path": str(tmp_path / "storage")}}
    monkeypatch.setenv("AIRFLOW_CONN_CALL_EXPORT_STORAGE", json.dumps(storage))

    def run(**options: Any) -> Result:
        given = {"from": "2025-08-01", "to": "2025-08-02", **options}
        return CliRunner().invoke(main, [part for name, value in given.items() for part in (f"--{name}", str(value))])

    return run


def test_a_known_period_is_delivered_without_a_run(export: Export, deliver: Callable[..., Result]) -> None:
    export.run()
    runs = by_sql(export.conninfo, "SELECT run_id FROM publications")
    done = deliver()
    assert (done.exit_code, done.output) == (0, f"{command_line.delivered(3, 0, FOLDER)}\n")
    assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": copied_paths(1, 2, 3)}
    assert by_sql(export.conninfo, "SELECT run_id FROM publications") == runs
    with_audio = deliver(audio="true")
    assert with_audio.output == f"{command_line.delivered(3, 3, FOLDER)}\n"
    assert len(delivered(export.storage)) == 6
    assert by_sql(export.conninfo, "SELECT count(*) FROM call_exports") == [(1,)]


def test_a_delivery_writes_lost_texts_again(export: Export, deliver: Callable[..., Result]) -> None:
    """What `plan` tells a person to do where not one text is left."""
    export.run()
    texts = {key: export.storage.get_bytes(key) for key in export.storage.keys("transcripts/")}
    for key in texts:
        export.storage.delete(key)
    assert deliver().exit_code == 0
    assert {key: export.storage.get_bytes(key) for key in export.storage.keys("transcripts/")} == texts
    check_paths(export.storage)


def test_days_inside_a_listed_period_get_a_folder_and_a_registry(
    export: Export, deliver: Callable[..., Result]
) -> None:
    """Of no run: the first run of these very days replaces it."""
    run_id = export.run(period_from="2025-07-30").run_id
    assert deliver(to="2025-08-01").exit_code == 0
    folder = "2025-08-01_2025-08-01"
    assert delivered(export.storage, folder) == set(copied_paths(1, 2, 3))
    assert check_paths(export.storage)[f"calls_{folder}.csv"] == copied_paths(1, 2, 3)
    assert [key for (key,) in by_sql(export.conninfo, "SELECT registry_key FROM publications") if folder in key] == []
    own = export.run(period_to="2025-08-01").run_id
    registry = export.storage.get_bytes(f"exports/{folder}/registry/calls_{folder}.csv").decode()
    assert str(own) in registry
    assert str(run_id) not in registry


def test_days_that_were_never_listed_are_refused(export: Export, deliver: Callable[..., Result]) -> None:
    export.run()
    export.run(period_from="2025-07-06", period_to="2025-07-07", limit_calls=1)
    before = set(export.storage.keys(""))
    for days in ({"to": "2025-08-03"}, {"from": "2025-07-06", "to": "2025-07-07"}):
        refused = deliver(**days)
        assert refused.exit_code == 2
        assert "ни разу не выгружались целиком" in refused.output
    assert set(export.storage.keys("")) == before


def test_the_folder_of_a_night_that_ended_at_two_is_delivered_by_its_days(
    export: Export, deliver: Callable[..., Result]
) -> None:
    """Its last day was not listed to the end; what lies in the folder is what is delivered."""
    export.run(period_to="")
    assert deliver(to="2025-08-03").exit_code == 0
    folder = "2025-08-01_2025-08-03"
    assert check_paths(export.storage) == {f"calls_{folder}.csv": copied_paths(1, 2, 3)}


@pytest.mark.s3
def test_the_same_on_s3(database: str, s3_client: Any, s3_bucket: str) -> None:
    with export_over(world_of(CALLS), database, S3Storage(s3_bucket, "calls", s3_client)) as export:
        run_id = export.run(deliver_texts=True, deliver_audio=True).run_id
        assert len(delivered(export.storage)) == 2 * CALLS
        export.storage.delete("transcripts/2025/08/01/call_call-2.txt")
        publish_again(export, run_id)
        assert check_paths(export.storage) == {f"calls_{FOLDER}.csv": copied_paths(1, 2, 3)}


# ---------------------------------------------------------------- without personal data


def spoken(export: Export, words: str) -> None:
    """The text of the first call says these words, in the storage too."""
    key = "transcripts/2025/08/01/call_call-1.txt"
    header = export.storage.get_bytes(key).decode().partition("---\n")[0]
    content = f"{header}---\n[00:00:00] [Клиент]: {words}\n"
    export.storage.put_bytes(key, content.encode(), "text/plain; charset=utf-8")
    by_sql(export.conninfo, "UPDATE recordings SET text_at = now() WHERE call_id = 'call-1'")


def deliver_again(export: Export, *, mask: bool | None, audio: bool = False) -> int:
    period = resolve_period("2025-08-01", "2025-08-02", run_after=NOW, default_days=60, max_days=90, allow_long=True)
    with export.state() as state:
        done = deliver_period(period, "", state, export.storage, export.policy, audio=audio, mask=mask, actor="analyst")
    return done.texts


def test_a_folder_without_personal_data_stays_so_until_a_person_says_otherwise(export: Export) -> None:
    run_id = export.run(deliver_texts=True).run_id
    spoken(export, "меня зовут анна телефон восемь девятьсот шестнадцать сто двадцать три сорок пять шестьдесят семь")
    copy, original = f"exports/{FOLDER}/transcripts/call_call-1.txt", "transcripts/2025/08/01/call_call-1.txt"
    before = export.storage.get_bytes(original)

    assert deliver_again(export, mask=True) == CALLS
    masked = export.storage.get_bytes(copy).decode()
    assert masked.endswith("---\n[00:00:00] [Клиент]: меня зовут [имя] телефон [телефон]\n")
    assert "FROM: +7 " in masked
    assert " *** ** " in masked
    assert export.storage.get_bytes(original) == before
    assert all(" *** ** " in row["from"] for row in registry(export))
    check_paths(export.storage)

    deliver_again(export, mask=None)
    publish_again(export, run_id)
    assert export.storage.get_bytes(copy).decode() == masked
    assert all(" *** ** " in row["from"] for row in registry(export))

    assert deliver_again(export, mask=False) == CALLS
    assert export.storage.get_bytes(copy) == before
    assert not any("***" in row["from"] for row in registry(export))


def test_audio_is_never_delivered_as_masked(export: Export) -> None:
    export.run(deliver_texts=True)
    with pytest.raises(BadInput, match="cannot be hidden in audio"):
        deliver_again(export, mask=True, audio=True)


def test_a_masked_folder_has_no_audio_and_no_name_in_its_report(export: Export) -> None:
    """Also where both were there before, and when a run that delivers audio publishes it again."""
    run_id = export.run(deliver_texts=True, deliver_audio=True).run_id
    by_sql(
        export.conninfo,
        "INSERT INTO call_qa_checks (recording_id, transcript_id, run_id, result, comment, checked_by)"
        " SELECT recording_id, transcript_id, %s, 'issue', 'меня зовут анна', 'a' FROM recordings"
        " WHERE call_id = 'call-1'",
        run_id,
    )
    publish_again(export, run_id)
    (report,) = [key for key in export.storage.keys(f"exports/{FOLDER}/reports/") if "summary_" in key and ".md" in key]
    assert "анна" in export.storage.get_bytes(report).decode()
    assert list(export.storage.keys(f"exports/{FOLDER}/raw/"))

    deliver_again(export, mask=True)
    assert "анна" not in export.storage.get_bytes(report).decode()
    publish_again(export, run_id)
    assert list(export.storage.keys(f"exports/{FOLDER}/raw/")) == []
    with pytest.raises(BadInput, match="cannot be hidden in audio"):
        deliver_again(export, mask=None, audio=True)


def test_the_policy_masks_new_folders(export: Export) -> None:
    privacy = export.policy.privacy.model_copy(update={"mask_deliveries": True})
    export.policy = export.policy.model_copy(update={"privacy": privacy})
    export.run(deliver_texts=True)
    assert " *** ** " in export.storage.get_bytes(f"exports/{FOLDER}/transcripts/call_call-1.txt").decode()
    assert " *** ** " not in export.storage.get_bytes("transcripts/2025/08/01/call_call-1.txt").decode()
