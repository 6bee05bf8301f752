"""The bars of `python -m trials.hosts` fail where they must: a trial that cannot fail proves nothing."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.common.errors import ExportError, NotConfigured
from trials.hosts.kills import Evidence, Kill, Kind
from trials.hosts.network import Host, hosts
from trials.hosts.system import CONTROL, OUTSIDE_WORLD, Size, System
from trials.hosts.verdict import Bar, Timed, bars_of_kills, bars_of_speed

NOON = datetime(2025, 8, 1, 12, tzinfo=UTC)
SEEN = Evidence(
    status="completed",
    recordings=204,
    lost=0,
    twice=0,
    pieces=204,
    requests=206,
    left=(0, 0, 0),
    unreadable=0,
    seconds=784.0,
)
HOST = Kill(Kind.HOST, "worker-1", NOON, [("batch.transcribe", 3)], in_flight=2, wait=150.0)
STOPPED = Kill(Kind.STOP, "worker-2", NOON, [("batch.transcribe", 4)], in_flight=0, emptied=75.0, wait=0.0)


def failed(bars: list[Bar]) -> list[str]:
    return [bar.what.split(" (")[0].split(",")[0] for bar in bars if not bar.held]


def test_kills_that_lost_nothing_hold_every_bar() -> None:
    assert failed(bars_of_kills([HOST, STOPPED], SEEN, 2)) == []


@pytest.mark.parametrize(
    ("seen", "bar"),
    [
        (replace(SEEN, status="failed"), "run"),
        (replace(SEEN, lost=1), "recordings of the portal"),
        (replace(SEEN, twice=1), "texts twice"),
        (replace(SEEN, requests=207), "requests beyond one per piece"),
        (replace(SEEN, requests=203), "requests beyond one per piece"),
        (replace(SEEN, unreadable=1), "files of texts missing"),
        (replace(SEEN, left=(0, 0, 1)), "at work"),
    ],
)
def test_what_a_run_leaves_wrong_fails_its_bar(seen: Evidence, bar: str) -> None:
    assert failed(bars_of_kills([HOST, STOPPED], seen, 2)) == [bar]


@pytest.mark.parametrize(
    ("kill", "bar"),
    [
        (replace(HOST, wait=150.1), "until work went on"),
        (replace(HOST, wait=None), "until work went on"),
        (replace(STOPPED, in_flight=2, emptied=75.1), "a stopped worker is empty after"),
    ],
)
def test_a_kill_that_costs_too_much_fails_its_bar(kill: Kill, bar: str) -> None:
    others = [each for each in (HOST, STOPPED) if each.kind is not kill.kind]
    assert failed(bars_of_kills([kill, *others], SEEN, 2)) == [bar]


def test_fewer_kills_than_were_asked_for_are_not_enough() -> None:
    assert failed(bars_of_kills([HOST, STOPPED], SEEN, 3)) == ["kills"]


def timed(lines: int, seconds: float) -> Timed:
    return Timed(lines // 10, lines, replace(SEEN, requests=430, seconds=seconds), request=14.0)


def test_two_workers_are_nearly_twice_as_fast_and_each_is_near_its_bound() -> None:
    """430 requests of 14 s: 602 s with ten lines, 301 with twenty."""
    assert failed(bars_of_speed(timed(10, 620), timed(20, 320))) == []
    assert failed(bars_of_speed(timed(10, 620), timed(20, 330))) == ["times as fast"]
    assert failed(bars_of_speed(timed(10, 670), timed(20, 340))) == [
        "of the bound of 10 lines",
        "of the bound of 20 lines",
    ]
    lost = replace(timed(20, 320), seen=replace(SEEN, requests=430, seconds=320, lost=1))
    assert failed(bars_of_speed(timed(10, 620), lost)) == ["recordings of the portal"]


def test_packages_that_no_host_would_find_are_refused_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each host has a /tmp of its own: of a .venv there it would only say 127."""
    monkeypatch.setattr(sys, "prefix", "/tmp/somewhere/.venv")
    with pytest.raises(NotConfigured, match="packages"), hosts(tmp_path, ["one"], {}):
        pass


def test_a_simulator_that_has_died_ends_the_trial(tmp_path: Path) -> None:
    """A portal that had crashed was waited for until the trial's own end."""
    control = Host(CONTROL, 11, tmp_path, {})
    system = System(Size(), {CONTROL: control}, secret="s", token="t", key="k", broker="b")
    for name in OUTSIDE_WORLD:
        control.processes[name] = subprocess.Popen(["sleep", "60"])
    try:
        assert system.outside_lives()
        control.processes["portal"].kill()
        control.processes["portal"].wait()
        with pytest.raises(ExportError, match="portal"):
            system.outside_lives()
    finally:
        for process in control.processes.values():
            process.kill()
            process.wait()
