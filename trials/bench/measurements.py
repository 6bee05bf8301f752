"""Which measurement is of what size, and what it is held to; each runs in a process of its own: one JSON line."""

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trials.bench import cpu, downloads, files, listing, rerun
from trials.bench.world import Result


@dataclass(frozen=True, slots=True)
class Measurement:
    """`bar` in words, and what it allows: seconds at most, peak memory (MB) at most."""

    name: str
    work: Callable[..., Result]
    quick: tuple[int, ...]
    full: tuple[int, ...]
    bar: str = ""
    seconds: float = float("inf")
    peak_mb: float = 300.0


ALL = (
    Measurement("список: наш", listing.ours, (9_000,), (9_000,), "≤ 5 запросов"),
    Measurement("список: fast-bitrix24", listing.fast_bitrix24, (9_000,), (9_000,), peak_mb=float("inf")),
    Measurement("список: b24pysdk", listing.b24pysdk, (9_000,), (9_000,), peak_mb=float("inf")),
    Measurement("в базу, 10 000", listing.register, (10_000,), (10_000,)),
    Measurement("в базу, 100 000", listing.register, (100_000,), (100_000,), "≤ 12 × 10 000"),
    Measurement("реестр и отчёт", files.publish, (9_000,), (100_000,), "≤ 30 с, ≤ 250 МБ", 30, 250),
    Measurement("разрез часа", files.cut, (60,), (60,), "≤ 3 с, ≤ 100 МБ", 3, 100),
    Measurement("разрез трёх часов", files.cut, (), (180,), "≤ 9 с, ≤ 100 МБ", 9, 100),
    Measurement("скорость портала", downloads.use_of_the_rate, (2, 5), (10, 5), "≥ 98 %, 0 отказов", peak_mb=1000),
    Measurement("повтор готового", rerun.rerun, (2_000,), (9_000,), "≤ 30 с", 30, 1000),
    Measurement("ежедневный", rerun.daily, (2_000,), (9_000,), "≤ 30 с", 30, 1000),
    Measurement("ежедневный, S3", rerun.daily_on_s3, (), (9_000,), peak_mb=1000),
    Measurement("процессор", cpu.per_call, (24,), (200,), peak_mb=float("inf")),
)

if __name__ == "__main__":
    chosen = ALL[int(sys.argv[1])]
    found = chosen.work(Path(sys.argv[2]), *map(int, sys.argv[3:]))
    processes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)  # of those that it started, the largest
    peak = max(resource.getrusage(those).ru_maxrss for those in processes) / 1024
    answer = {**found._asdict(), "peak_mb": peak}
    sys.stdout.write(json.dumps(answer) + "\n")
