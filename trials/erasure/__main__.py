"""One number with 60 calls among 100,000 is erased: seconds, and what a byte search finds afterwards.

    python -m trials.erasure [--calls 100000] [--of-number 60] [--folders 14]

The calls are those of 400 days; registries and reports lie in so many folders, each of a period. 200
words and spellings are planted in texts, files, copies, comments, letters, stored responses and events of the calls of
one number. Exit status: 0 nothing is found, 1 something is.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

import psycopg
import typer

from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.policy import load_policy
from include.calls.state.state import State
from include.calls.state.types import NewRun
from include.calls.steps import erase as steps
from include.calls.steps.deliver_period import deliver_period
from include.calls.steps.publish import publish
from include.clients.storage.local import LocalStorage
from include.common.periods import Period
from include.common.telephony import Call, CallOutcome, Direction
from trials.bench.earlier import complete_pending
from trials.bench.world import START, database

DAYS = 400
NUMBER, SPELLED = "89161234567", "+7 (916) 123-45-67"
KEY = ErasureKey.of("a key of this trial")
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbooks" / "erasure.md"


def main(calls: int = 100_000, of_number: int = 60, folders: int = 14) -> None:
    with tempfile.TemporaryDirectory(prefix="erasure-") as name, database(Path(name)) as conninfo:
        root = Path(name) / "storage"
        storage, policy = LocalStorage(root), load_policy({})
        with State.open(conninfo) as state:
            _listed(conninfo, state, storage, root, calls, of_number)
            words = _planted(conninfo, root)
            for run_id in _periods(state, folders):
                publish(run_id, state, storage, policy)
            whole = Period(START, START + timedelta(days=DAYS, seconds=-1))
            deliver_period(whole, "", state, storage, policy, audio=False, mask=None, actor="a")
            before = set(_any_of(words).findall(_everything(root)))
            print(f"planted {len(words)} words; found in the storage before: {len(before)}", flush=True)
            demand = {"erase_number": SPELLED, "reason": "trial", "asked_by": "trial"}
            erasure_id = steps.register(demand, "manual__trial", "officer", state, KEY)
            began = time.perf_counter()
            found = steps.preview(erasure_id, state, KEY)
            previewed = time.perf_counter() - began
            at = state.recordings.now()
            steps.record_decision(erasure_id, state, approved=True, by="director", at=at)
            began = time.perf_counter()
            steps.erase(erasure_id, state, storage, policy, KEY)
            seconds = time.perf_counter() - began
        print(f"{calls} calls, {found.calls} of the number, {folders} + 1 folders: preview {previewed:.1f} s, "
              f"erased in {seconds:.1f} s")  # fmt: skip
        sys.exit(_search(conninfo, root, Path(name), words))


def _listed(conninfo: str, state: State, storage: LocalStorage, root: Path, calls: int, of_number: int) -> None:
    step, every = timedelta(days=DAYS) / calls, calls // of_number
    rows = (
        Call(
            statistics_id=number,
            call_id=f"externalCall.{number:032x}.1754478570",
            record_id=str(number),
            started_at=START + step * number,
            direction=Direction.INBOUND,
            phone_line="74951230000",
            client_number=NUMBER if number % every == 0 else f"7999{number:07}",
            employee_id="12",
            duration_sec=60,
            outcome=CallOutcome.ANSWERED,
            outcome_code="200",
            has_recording=True,
            recording_ref=str(number),
            recording_url=None,
        )
        for number in range(1, calls + 1)
    )
    run = _run(state, START, START + timedelta(days=DAYS, seconds=-1))
    portal_id = state.portals.of("trial.example", [])
    state.runs.set_portal(run, portal_id)
    state.listing.save(state.runs.get(run), portal_id, rows, {"12": "Оператор 12"})
    state.runs.note(run, {"listed": calls, "registered": calls})
    with state.session.transaction() as connection:
        connection.execute(b"SET statement_timeout = 0")
        connection.execute(b"ANALYZE")
    complete_pending(run, state, storage, files=False)
    with psycopg.connect(conninfo) as connection:
        for (path,) in connection.execute(
            "SELECT transcript_path FROM recordings WHERE transcript_path IS NOT NULL"
        ).fetchall():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"text")
    with state.session.transaction() as connection:
        connection.execute(b"ANALYZE")


def _run(state: State, first: Any, last: Any) -> UUID:
    run_id = uuid4()
    name = f"trial-{run_id}"
    state.runs.open(NewRun(run_id, name, name, first, last, "trial", "manual", due_at=last))
    return run_id


def _periods(state: State, folders: int) -> Iterator[UUID]:
    length = timedelta(days=DAYS) / folders
    for number in range(folders):
        first = (START + length * number).replace(hour=0, minute=0, second=0, microsecond=0)
        last = (START + length * (number + 1)).replace(hour=0, minute=0, second=0, microsecond=0)
        run_id = _run(state, first, last - timedelta(seconds=1))
        state.runs.set_portal(run_id, 1)
        state.runs.note(run_id, {"listed": 1})
        yield run_id


def _planted(conninfo: str, root: Path) -> list[bytes]:
    """Words that nothing else has, in every place that holds something of the number's calls."""
    words = [f"маяк{number:03}ъ" for number in range(190)]
    left = iter(words * 50)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        own = connection.execute(
            "SELECT recording_id, transcript_id, transcript_path, raw_path, file_name, checksum, call_id"
            " FROM recordings WHERE from_number = %s AND transcript_path IS NOT NULL",
            [NUMBER],
        ).fetchall()
        (run_id,) = connection.execute("SELECT run_id FROM call_exports LIMIT 1").fetchone() or (None,)
        for recording_id, transcript_id, text, raw, name, checksum, call_id in own:
            summary = text.replace("transcripts/", "summary/").replace(".txt", ".md")
            for key in (text, raw, summary, text.replace("transcripts/", "recognition/").replace(".txt", ".json")):
                (root / key).parent.mkdir(parents=True, exist_ok=True)
                (root / key).write_text(f"{next(left)} {name} {NUMBER}")
            connection.execute(
                "UPDATE transcripts SET body = %s, preview = %s WHERE transcript_id = %s",
                [f"{next(left)} {next(left)}", next(left), transcript_id],
            )
            connection.execute(
                "UPDATE recordings SET summary_path = %s, tags = ARRAY[%s], employee_name = %s WHERE recording_id = %s",
                [summary, next(left), next(left), recording_id],
            )
            connection.execute(
                "INSERT INTO call_qa_checks (recording_id, transcript_id, run_id, result, comment, checked_by)"
                " VALUES (%s, %s, %s, 'issue', %s, 'a')",
                [recording_id, transcript_id, run_id, next(left)],
            )
            connection.execute(
                "INSERT INTO dead_letters (recording_id, run_id, stage, error_message, first_failed_at)"
                " VALUES (%s, %s, 'download', %s, now())",
                [recording_id, run_id, next(left)],
            )
            connection.execute(
                "INSERT INTO recognition_responses (checksum, piece, model, response)"
                " VALUES (%s, %s, 'm', jsonb_build_object('text', %s::text))",
                [checksum, str(recording_id), next(left)],
            )
            connection.execute(
                "INSERT INTO call_events (run_id, call_id, recording_id, stage, event, detail)"
                " VALUES (%s, %s, %s, 'download', 'x', jsonb_build_object('why', %s::text))",
                [run_id, call_id, recording_id, f"{next(left)} {NUMBER}"],
            )
    spelled = [NUMBER, NUMBER[1:], *(row[4] for row in own[:8])]
    return [word.encode() for word in [*words, *spelled]]


def _everything(root: Path) -> bytes:
    """Names and contents, of sheets too."""
    found = bytearray()
    for path in root.rglob("*"):
        if path.is_file():
            found += str(path).encode() + b"\n"
            if path.suffix == ".xlsx":
                with ZipFile(path) as book:
                    for part in book.namelist():
                        found += book.read(part)
            elif path.stat().st_size != 4:
                found += path.read_bytes()
    return bytes(found)


def _any_of(words: list[bytes]) -> "re.Pattern[bytes]":
    return re.compile(b"|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def _search(conninfo: str, root: Path, folder: Path, words: list[bytes]) -> int:
    pattern = _any_of(words)
    places = {"storage": {match[0] for match in pattern.finditer(_everything(root))}}
    places["pg files before VACUUM"] = _in_database_files(folder, conninfo, pattern)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in _wiping():
            connection.execute(statement.encode())
    places["pg files after VACUUM FULL"] = _in_database_files(folder, conninfo, pattern)
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        rows = {
            match
            for (table,) in tables
            for (text,) in connection.execute(f"SELECT t::text FROM {table} t".encode())
            for match in pattern.findall(text.encode())
        }
    places["rows"] = rows
    for place, found in places.items():
        print(f"{place}: {len(found)} of {len(words)} {sorted(word.decode() for word in found)[:3]}")
    return 1 if any(found for place, found in places.items() if "before" not in place) else 0


def _wiping() -> list[str]:
    """What the runbook says to do after an erasure."""
    (block,) = re.findall(r"```sql\n(DELETE FROM pg_statistic.*?)```", RUNBOOK.read_text(encoding="utf-8"), re.DOTALL)
    return [statement.strip() for statement in block.split(";") if statement.strip()]


def _in_database_files(folder: Path, conninfo: str, pattern: "re.Pattern[bytes]") -> set[bytes]:
    """The files of tables and indexes, as they are on the disk; not the write-ahead log."""
    subprocess.run(["sync"], check=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    return {
        match for path in folder.glob("pg-*/base/*/*") if path.is_file() for match in pattern.findall(path.read_bytes())
    }


if __name__ == "__main__":
    typer.run(main)
