"""The measurements with their sizes and bars; each runs in a process of its own and prints one JSON line."""

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trials.bench import cpu, downloads, files, listing, rerun, sales_projection
from trials.bench.world import Result


@dataclass(frozen=True, slots=True)
class Measurement:
    """`bar` in words; `seconds` and `peak_mb` are the most that it allows."""

    name: str
    work: Callable[..., Result]
    quick: tuple[int, ...]
    full: tuple[int, ...]
    bar: str = ""
    seconds: float = float("inf")
    peak_mb: float = 300.0


ALL = (
    Measurement("list, ours", listing.ours, (9_000,), (9_000,), "≤ 5 requests"),
    Measurement("list, fast-bitrix24", listing.fast_bitrix24, (9_000,), (9_000,), peak_mb=float("inf")),
    Measurement("list, b24pysdk", listing.b24pysdk, (9_000,), (9_000,), peak_mb=float("inf")),
    Measurement("register, 10,000", listing.register, (10_000,), (10_000,)),
    Measurement("register, 100,000", listing.register, (100_000,), (100_000,), "≤ 12 × 10,000"),
    Measurement("registry and report", files.publish, (9_000,), (100_000,), "≤ 30 s, ≤ 250 MB", 30, 250),
    Measurement("cut, one hour", files.cut, (60,), (60,), "≤ 3 s, ≤ 100 MB", 3, 100),
    Measurement("cut, three hours", files.cut, (), (180,), "≤ 9 s, ≤ 100 MB", 9, 100),
    Measurement("portal's rate", downloads.use_of_the_rate, (2, 5), (10, 5), "≥ 98 %, 0 refusals", peak_mb=1000),
    Measurement("complete period again", rerun.rerun, (2_000,), (9_000,), "≤ 30 s", 30, 1000),
    Measurement("next night", rerun.daily, (2_000,), (9_000,), "≤ 30 s", 30, 1000),
    Measurement("next night, S3", rerun.daily_on_s3, (), (9_000,), peak_mb=1000),
    Measurement("orders to tickets", sales_projection.projection, (20_000,), (200_000,), "≥ 1,500 a second", 134),
    Measurement("processor", cpu.per_call, (24,), (200,), peak_mb=float("inf")),
)

if __name__ == "__main__":
    chosen = ALL[int(sys.argv[1])]
    found = chosen.work(Path(sys.argv[2]), *map(int, sys.argv[3:]))
    processes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # of its child processes the largest counts
    peak = max(resource.getrusage(those).ru_maxrss for those in processes) / 1024
    sys.stdout.write(json.dumps({**found._asdict(), "peak_mb": peak}) + "\n")
