"""The bars of the trials on several hosts: pure, so that a test can see each of them fail."""

from collections.abc import Sequence
from dataclasses import dataclass

from trials.hosts.kills import Evidence, Kill

GOES_ON_SECONDS = 150.0
DRAINED_SECONDS = 75.0  # a request of a minute, a piece, and what Celery takes to end
TIMES_AS_FAST = 1.9
OF_THE_BOUND = 1.10


@dataclass(frozen=True, slots=True)
class Bar:
    what: str
    measured: str
    bar: str
    held: bool


@dataclass(frozen=True, slots=True)
class Timed:
    """An export without a kill. `request`: seconds of one."""

    workers: int
    lines: int
    seen: Evidence
    request: float

    @property
    def of_the_bound(self) -> float:
        """The bound: every line hears all the time."""
        return self.seen.seconds / (self.seen.requests * self.request / self.lines)


def bars_of_kills(done: Sequence[Kill], seen: Evidence, wanted: int) -> list[Bar]:
    allowed = sum(kill.in_flight for kill in done)
    waits = [kill.wait for kill in done]
    emptied = max((kill.emptied or 0 for kill in done), default=0)
    return [
        Bar("kills", str(len(done)), str(wanted), len(done) == wanted),
        *_complete(seen, ""),
        Bar(
            f"requests beyond one per piece ({seen.pieces})",
            str(seen.spare),
            f"0..{allowed}",
            0 <= seen.spare <= allowed,
        ),
        Bar(
            "until work went on, worst",
            "never" if None in waits else f"{max(filter(None, waits), default=0):.0f}",
            f"<= {GOES_ON_SECONDS:.0f}",
            all(wait is not None and wait <= GOES_ON_SECONDS for wait in waits),
        ),
        Bar(
            "a stopped worker is empty after",
            f"{emptied:.0f}",
            f"<= {DRAINED_SECONDS:.0f}",
            emptied <= DRAINED_SECONDS,
        ),
    ]


def bars_of_speed(one: Timed, two: Timed) -> list[Bar]:
    """One worker, then two with twice the lines, of the same recordings."""
    faster = one.seen.seconds / two.seen.seconds
    of_each = [
        Bar(
            f"of the bound of {each.lines} lines",
            f"{each.of_the_bound:.2f}",
            f"<= {OF_THE_BOUND:.2f}",
            each.of_the_bound <= OF_THE_BOUND,
        )
        for each in (one, two)
    ]
    complete = [bar for each in (one, two) for bar in _complete(each.seen, f", {each.lines} lines")]
    return [Bar("times as fast", f"{faster:.2f}", f">= {TIMES_AS_FAST}", faster >= TIMES_AS_FAST), *of_each, *complete]


def _complete(seen: Evidence, of: str) -> list[Bar]:
    return [
        Bar(f"run{of}", seen.status, "completed", seen.status == "completed"),
        Bar(f"recordings of the portal ({seen.recordings}) lost{of}", str(seen.lost), "0", seen.lost == 0),
        Bar(f"texts twice{of}", str(seen.twice), "0", seen.twice == 0),
        Bar(f"files of texts missing{of}", str(seen.unreadable), "0", seen.unreadable == 0),
        Bar(f"at work, responses, claims left{of}", str(seen.left), "(0, 0, 0)", seen.left == (0, 0, 0)),
    ]
