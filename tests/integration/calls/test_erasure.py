"""Erasure on a person's demand: nothing is left, nothing comes back, and a kill leaves an erasure that continues."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from include.calls.domain.erasure import ErasureStatus, SubjectKind, Tombstone
from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.state.erasures import Erasures
from include.calls.steps import erase as steps
from include.calls.steps.deliver_period import deliver_period
from include.calls.steps.erasure_proof import stored_tombstones
from include.calls.steps.expire import expire
from include.common.errors import BadInput, NotConfigured, Temporary
from include.common.periods import Period
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record_briefly
from tests.kit.small_world import FIRST, asked, bought, by_sql, downloaded, registry
from tests.kit.whole_export import RUN_AFTER, Export, export_over, night

pytestmark = pytest.mark.postgres

KEY = ErasureKey.of("the key of this installation")
NUMBER = "+79161234567"
SPELLED = "8 (916) 123-45-67"
ERASED = "MANGO_2"  # its file is called call_%4D%41%4E%47%4F%5F2


def world() -> PortalWorld:
    """Three calls, the second with a number of its own; `MANGO_20` begins as the erased id does."""
    found = PortalWorld()
    for number, call_id, phone in (
        (1, "call-1", "+79997654321"),
        (2, ERASED, "89161234567"),
        (3, "MANGO_20", "+79990000003"),
    ):
        call = Call(number, FIRST + timedelta(minutes=number), call_id, file_id=9000 + number, phone_number=phone)
        found.add(call, Audio(partial(record_briefly, number)))
    return found


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world(), database, tmp_path / "storage") as export:
        export.erasure_key = KEY
        yield export


def demanded(export: Export, dag_run_id: str = "manual__1", **params: str) -> UUID:
    asked_for = {"erase_number": SPELLED, "reason": "обращение № 12", "asked_by": "сам человек"} | params
    with export.state() as state:
        return steps.register(asked_for, dag_run_id, "officer", state, KEY)


def approved(export: Export, **params: str) -> UUID:
    erasure_id = demanded(export, **params)
    with export.state() as state:
        steps.record_decision(erasure_id, state, approved=True, by="director", at=RUN_AFTER)
    return erasure_id


def erased(export: Export, erasure_id: UUID) -> Any:
    with export.state() as state:
        return steps.erase(erasure_id, state, export.storage, export.policy, KEY)


def dump(database: str) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return "\n".join(
            str(row) for (table,) in tables for row in connection.execute(f"SELECT t::text FROM {table} t".encode())
        )


def everything(folder: Path) -> bytes:
    """Names and contents of every file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes() for path in files)


def night_of(export: Export, number: int) -> None:
    """A night of another period, as the schedule makes them: it lists the same calls into another folder."""
    export.run(period_from="2025-08-01", period_to=f"2025-08-0{number + 2}", run_after=night(number))


def test_erased_calls_stay_erased_over_three_nights(export: Export, database: str, tmp_path: Path) -> None:
    """Finding S1: the portal lists the erased call every night, and its text is claimed by no registry."""
    first = export.run(deliver_texts=True, deliver_audio=True)
    text = by_sql(
        database, "SELECT body FROM transcripts JOIN recordings USING (recording_id) WHERE call_id = %s", ERASED
    )
    assert text
    paid, loaded = bought(export), downloaded(export)
    by_sql(
        database,
        "INSERT INTO call_qa_checks (recording_id, transcript_id, run_id, result, comment, checked_by)"
        " SELECT recording_id, transcript_id, %s, 'issue', 'слово-маяк', 'a' FROM recordings WHERE call_id = %s",
        first.run_id, ERASED,
    )  # fmt: skip
    by_sql(
        database,
        "INSERT INTO recognition_responses (checksum, piece, model, response)"
        """ SELECT unnest(ARRAY[checksum, sha256]), 'p', 'm', '{"text": "слово-маяк"}' FROM recordings"""
        " JOIN transcripts USING (transcript_id) WHERE call_id = %s",
        ERASED,
    )
    by_sql(
        database,
        "INSERT INTO call_events (stage, event, detail)"
        " SELECT 'list_calls', 'row_refused', jsonb_build_object('number', number)"
        " FROM unnest(ARRAY['+79161234567', '89161234567', '8 (916) 123-45-67']) number",
    )
    settled = erased(export, approved(export))
    assert settled.status is ErasureStatus.SETTLED
    assert by_sql(database, "SELECT count(*) FROM call_events WHERE detail = '{\"erased\": true}'") == [(3,)]
    for number in (1, 2, 3):
        night_of(export, number)
    assert (bought(export), downloaded(export)) == (paid, loaded), "nothing is bought or fetched again"
    stored, rows = everything(tmp_path / "storage"), dump(database)
    for planted in ("9161234567", "%4D%41%4E%47%4F%5F2.", "MANGO_2;", "слово-маяк", text[0][0][:40]):
        assert planted.encode() not in stored, planted
        assert planted not in rows, planted
    assert [row["call_id"] for row in registry(export)] == ["call-1", "MANGO_20"]
    runs = by_sql(database, "SELECT status, metadata -> 'portal_total', metadata -> 'registered', metadata -> 'erased'"
                            " FROM call_exports ORDER BY due_at")  # fmt: skip
    assert runs == [("completed", 3, 2, 1)] * 4
    report = (tmp_path / "storage/exports/2025-08-01_2025-08-05/reports/summary_2025-08-01_2025-08-05.md").read_text()
    assert "портал насчитал 3, в базе 2, стёртых по требованию 1" in report.replace("\xa0", " ")


def test_every_table_about_recordings_is_known_to_the_erasure(database: str) -> None:
    """A new table with a recording, its text or its audio has to be erased too, or be named here with its reason."""
    tables = by_sql(
        database,
        "SELECT DISTINCT table_name FROM information_schema.columns JOIN pg_tables ON tablename = table_name"
        " WHERE column_name IN ('recording_id', 'transcript_id', 'checksum', 'call_id') AND schemaname = 'public'"
        " AND table_name !~ '^call_events_'",
    )
    stay = {"charges", "run_work"}  # money, and which run worked: neither names a person
    stay.add("audit_log")  # the evidence of who had access ends by its own term (ADR 0026)
    stay.add("stt_smoke_results")  # recordings of a playlist with known texts, not calls of the portal
    stay.add("call_claims")  # a claim ends with its task, one of a dead task within a day
    statements = (Path(steps.__file__).parents[1] / "state" / "erasures.sql").read_text()
    assert {table for (table,) in tables if f" {table}" not in statements} == stay


def test_the_ledger_keeps_its_sum(export: Export, database: str) -> None:
    export.run()
    before = by_sql(database, "SELECT sum(usd), count(*) FROM charges")
    erased(export, approved(export))
    assert by_sql(database, "SELECT sum(usd), count(*) FROM charges") == before
    assert by_sql(database, "SELECT status, call_id = 'erased-' || recording_id, from_number FROM recordings"
                            " WHERE status = 'erased'") == [("erased", True, "")]  # fmt: skip


def test_one_call_by_its_id(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export.run()
    earlier: list[str] = []
    monkeypatch.setattr(
        type(export.storage), "erase_earlier", lambda _, keys: earlier.extend(keys) or [None for _ in keys]
    )
    erased(export, approved(export, erase_number="", erase_call_id=ERASED))
    assert [row["call_id"] for row in registry(export)] == ["call-1", "MANGO_20"]
    assert b"%4D%41%4E%47%4F%5F2." not in everything(tmp_path / "storage")
    suffixes = {Path(key).suffix for key in earlier}
    assert suffixes >= {".csv", ".xlsx", ".jsonl"}, "a bucket keeps what was rewritten"


def test_a_night_of_retention_leaves_an_erased_call_its_word(export: Export, database: str) -> None:
    export.run()
    erased(export, approved(export))
    words = "SELECT call_id, status, error_code FROM recordings WHERE status = 'erased'"
    before = by_sql(database, words)
    assert before
    with export.state() as state:
        expire(state, export.storage, export.policy, now=FIRST + timedelta(days=200), dry_run=False)
    assert by_sql(database, words) == before


def test_files_that_nothing_writes_again_are_deleted(export: Export, tmp_path: Path) -> None:
    run, folder = export.run(), tmp_path / "storage/exports/2025-08-01_2025-08-02"
    names = [
        "registry/calls_2025-08-01_2025-08-02_old.csv",
        "reports/summary_2025-08-01_2025-08-02_old.md",
        "reports/summary_of_a_lost_registry.md",
        "registry/of_a_lost_csv.xlsx",
        f"logs/call_export_20250801T000000Z_{UUID(int=7)}.jsonl",
        f"logs/call_export_20250801T000000Z_{run.run_id}.jsonl",
    ]
    planted = [folder / name for name in names]
    planted += [path.with_suffix(".pdf") for path in planted if path.suffix == ".md"]
    for path in planted:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"call_id\n{ERASED};\n", encoding="utf-8")
    erased(export, approved(export))
    assert [path.name for path in planted if path.exists()] == []


def test_the_proof_names_nobody(export: Export, tmp_path: Path) -> None:
    export.run()
    erasure_id = approved(export)
    erased(export, erasure_id)
    folder = tmp_path / "storage" / "erasures" / str(erasure_id)
    proof = json.loads((folder / "proof.json").read_text())
    assert {one["kind"] for one in proof["removed"]} == {"raw", "transcripts", "recognition", "text", "audio_row"}
    assert not any(proof["looked"].values())
    text = "".join(path.read_text() for path in folder.iterdir())
    assert "+7 916 *** ** 67" in text
    assert not any(word in text for word in ("9161234567", ERASED))


def test_the_proof_tells_no_copy_of_a_summary(export: Export, database: str, tmp_path: Path) -> None:
    """The name of a copy is the call's id; so is that of a file which somebody has put into a period's folder."""
    export.run(deliver_texts=True)
    name = "call_%4D%41%4E%47%4F%5F2"
    folder = tmp_path / "storage/exports/2025-08-01_2025-08-02"
    planted = [folder / "summary" / f"{name}.md", folder / "logs" / f"{ERASED}.jsonl"]
    for path in planted:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{ERASED}: 8 (916) 123-45-67")
    erasure_id = approved(export)
    settled = erased(export, erasure_id)
    assert [path.name for path in planted if path.exists()] == []
    assert any(key.startswith("exports/2025-08-01_2025-08-02/logs/") for key in settled.rewritten)
    told = "".join(path.read_text() for path in (tmp_path / "storage/erasures" / str(erasure_id)).iterdir())
    assert not re.search(rf"(?:{ERASED}|{name})(?!0)", told + dump(database))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours handles it."""


def test_a_kill_between_any_two_statements_leaves_an_erasure_that_continues(
    export: Export, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at its first change, then at its second, and so on; each time it goes on where it was."""
    export.run(deliver_texts=True)
    erasure_id = approved(export)
    kills, settled = 0, None
    while settled is None:
        left = [kills + 1]

        def dying(real: Any, *given: Any, _left: list[int] = left, **named: Any) -> Any:
            _left[0] -= 1
            if not _left[0]:
                raise Killed
            return real(*given, **named)

        with monkeypatch.context() as patch:
            for owner, name in [
                *(
                    (Erasures, each)
                    for each in ("mark", "note_removed", "blank_events", "note_rewritten", "blank", "settle")
                ),
                *((type(export.storage), each) for each in ("erase_all", "put_file", "put_bytes")),
            ]:
                real = getattr(owner, name)
                patch.setattr(owner, name, lambda *a, _real=real, **k: dying(_real, *a, **k))
            try:
                settled = erased(export, erasure_id)
            except Killed:
                kills += 1
    assert settled.status is ErasureStatus.SETTLED
    assert kills > 5
    assert "9161234567" not in dump(database)
    assert b"%4D%41%4E%47%4F%5F2." not in everything(tmp_path / "storage")
    (removed,) = by_sql(database, "SELECT removed FROM erased_recordings")
    assert {"raw", "transcripts", "recognition"} <= removed[0].keys(), "what was there is known after every kill"


def test_the_one_who_started_it_cannot_approve_it(export: Export, database: str) -> None:
    export.run()
    erasure_id = demanded(export)
    with export.state() as state:
        for by in ("officer", None):
            with pytest.raises(steps.OwnAnswer):
                steps.record_decision(erasure_id, state, approved=True, by=by, at=RUN_AFTER)
        with pytest.raises(BadInput):
            steps.erase(erasure_id, state, export.storage, export.policy, KEY)
        refused = steps.record_decision(erasure_id, state, approved=False, by=None, at=RUN_AFTER)
        assert refused is ErasureStatus.REFUSED
        assert steps.record_decision(erasure_id, state, approved=True, by="director", at=RUN_AFTER) is refused
    assert by_sql(database, "SELECT count(*) FROM recordings WHERE status = 'erased'") == [(0,)]


def test_the_preview_counts_and_changes_nothing(export: Export) -> None:
    export.run()
    erasure_id = demanded(export)
    with export.state() as state:
        found = steps.preview(erasure_id, state, KEY)
    assert (found.calls, found.recordings, found.audio, found.texts) == (1, 1, 1, 1)
    assert demanded(export) == erasure_id, "the same DAG run registers once"


def test_a_later_call_of_the_person_is_a_new_call(export: Export, database: str) -> None:
    """The tombstone of a number covers the calls that began before the decision."""
    export.run()
    later = Call(4, RUN_AFTER + timedelta(hours=1), "call-4", file_id=9004, phone_number=NUMBER)
    export.portal.world.add(later, Audio(partial(record_briefly, 4)))
    erased(export, approved(export))
    export.run(period_from="2025-08-01", period_to="2025-08-04")
    assert by_sql(database, "SELECT call_id, from_number FROM recordings WHERE status = 'completed' ORDER BY 1") == [
        ("MANGO_20", "+79990000003"), ("call-1", "+79997654321"), ("call-4", NUMBER),
    ]  # fmt: skip
    again = demanded(export, "manual__2")
    with export.state() as state:
        steps.record_decision(again, state, approved=True, by="director", at=RUN_AFTER + timedelta(days=1))
    erased(export, again)
    assert by_sql(database, "SELECT count(*) FROM erased_recordings WHERE erasure_id = %s", again) == [(1,)]
    export.run(period_from="2025-08-01", period_to="2025-08-05")
    left = by_sql(database, "SELECT call_id FROM recordings WHERE status = 'completed' ORDER BY 1")
    assert left == [("MANGO_20",), ("call-1",)], "neither demand's calls come back"


def test_another_key_brings_nothing_back(export: Export) -> None:
    """Without the key nobody can tell which calls are erased: the listing stops before it stores one."""
    export.run()
    erased(export, approved(export))
    for key in (None, ErasureKey.of("a new installation")):
        export.erasure_key = key
        with pytest.raises(NotConfigured):
            export.run(period_to="2025-08-03")


def test_a_call_at_work_or_on_hold_waits(export: Export, database: str) -> None:
    export.run()
    erasure_id = approved(export)
    with export.state() as state, state.claims.hold(1, ERASED) as claim:
        assert claim
        with pytest.raises(Temporary):
            erased(export, erasure_id)
    assert [erasure.erasure_id for erasure, _ in stored_tombstones(export.storage)] == [erasure_id], "before it is done"
    by_sql(database, "INSERT INTO holds (call_id, reason, placed_by) VALUES (%s, 'суд', 'юрист')", ERASED)
    with pytest.raises(BadInput, match="on hold"):
        erased(export, erasure_id)
    with export.state() as state:
        stone = Tombstone(KEY.of_call(ERASED), SubjectKind.CALL, KEY.name, None)
        assert Erasures(state.session).mark(erasure_id, 1, ERASED, stone) == 1, (
            "placed after the erasure looked for holds"
        )
    assert by_sql(database, "SELECT count(*) FROM recordings WHERE status = 'erased'") == [(0,)]
    by_sql(database, "UPDATE holds SET lifted_at = now(), lifted_by = 'юрист'")
    assert erased(export, erasure_id).status is ErasureStatus.SETTLED
    assert by_sql(database, "SELECT call_id ~ '^erased-', reason FROM holds") == [(True, "суд")]


def test_what_a_restored_backup_brings_back_is_erased_again(export: Export, database: str, tmp_path: Path) -> None:
    """The backup is older than the erasure: only the storage knows the tombstones."""
    export.run()
    erased(export, approved(export))
    asked_before = asked(export)
    by_sql(database, "TRUNCATE erased_recordings, erasure_tombstones, erasures")
    by_sql(database, "DELETE FROM charges; DELETE FROM run_work; DELETE FROM recordings WHERE status = 'erased'")
    export.erasure_key = None
    export.run(period_to="2025-08-03")
    assert asked(export) > asked_before
    with export.state() as state:
        assert steps.erase_again(state, export.storage, export.policy, KEY) == 1
        assert steps.erase_again(state, export.storage, export.policy, KEY) == 0
    assert "9161234567" not in dump(database)
    assert b"%4D%41%4E%47%4F%5F2." not in everything(tmp_path / "storage")


def test_a_backup_made_before_the_decision_is_erased_again(export: Export, database: str) -> None:
    """The restored demand is asked; the decision is known to the storage alone."""
    erasure_id = approved(export)
    erased(export, erasure_id)
    by_sql(
        database,
        "DELETE FROM erasure_tombstones; UPDATE erasures SET status = 'asked', decided_by = NULL, decided_at = NULL",
    )
    export.run()
    with export.state() as state:
        assert steps.erase_again(state, export.storage, export.policy, KEY) == 1
    assert by_sql(database, "SELECT status, decided_by FROM erasures") == [("settled", "director")]


def test_the_dag_run_that_names_the_person_is_kept_for_thirty_days(export: Export) -> None:
    """Longer neither for a demand whose question has failed nor for an erasure that never came to its end."""
    waits = demanded(export)
    old = {"demanded_on": "2025-01-01"}
    undecided, unended = demanded(export, "manual__2", **old), demanded(export, "manual__3", **old)
    with export.state() as state:
        steps.record_decision(unended, state, approved=True, by="director", at=RUN_AFTER)
        erasures = Erasures(state.session)
        may_go = [steps.traces_may_go(erasures.get(one), state) for one in (waits, undecided, unended)]
        left = [erasures.get(one).status for one in (waits, undecided, unended)]
    assert may_go == [False, True, True]
    assert left == [ErasureStatus.ASKED, ErasureStatus.REFUSED, ErasureStatus.APPROVED]


def test_a_delivered_period_without_a_run_of_its_own(export: Export, tmp_path: Path) -> None:
    """`make deliver` writes folders that no run has published."""
    export.run(period_to="2025-08-03")
    with export.state() as state:
        days = Period(FIRST.replace(hour=0), FIRST.replace(hour=23, minute=59, second=59))
        deliver_period(days, "", state, export.storage, export.policy, audio=True, mask=None, actor="a")
    assert b"MANGO_2;" in everything(tmp_path / "storage")
    erased(export, approved(export))
    stored = everything(tmp_path / "storage")
    assert b"MANGO_2;" not in stored
    assert b"MANGO_20;" in stored
    assert b"%4D%41%4E%47%4F%5F2." not in stored
