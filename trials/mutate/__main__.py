"""Which protections does no test miss? Each one is taken out of a copy of the repository, and its tests must fail.

    python -m trials.mutate                     all of them, a few minutes
    python -m trials.mutate --only claim        those whose name contains the text

First the tests run on the untouched copy: a test that fails anyway shows nothing. Exit status: 0 each protection is
missed by a test, 1 one of them is missed by none, or its tests fail without its being taken out.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from trials.mutate.protections import PROTECTIONS, Protection

REPOSITORY = Path(__file__).parents[2]
LEFT_OUT = (".git", ".venv*", "var", "build", ".hypothesis", "__pycache__", ".*_cache")
LONGEST_SECONDS = 400.0  # for the tests of one protection
PASSED, FAILED, NOTHING_RAN = 0, 1, 5  # pytest's exit status

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Trial:
    """`verdict`: caught, survived, or broken (the tests did not run as they should)."""

    protection: Protection
    verdict: str
    seconds: float
    by: str  # the first test that failed


@click.command(help="Take protections out one by one; a test must miss each of them.")
@click.option("--only", multiple=True, metavar="TEXT", help="Only protections whose name contains one of these texts.")
def main(*, only: tuple[str, ...]) -> None:
    chosen = [one for one in PROTECTIONS if not only or any(text in one.name for text in only)]
    with copied() as copy:
        trials = [_shown(number, one, copy, len(chosen)) for number, one in enumerate(chosen, 1)]
    console.print(_table(trials), markup=False)
    caught = sum(trial.verdict == "caught" for trial in trials)
    console.print(f"{caught} of {len(trials)} protections are missed by a test when they are taken out")
    sys.exit(0 if trials and caught == len(trials) else 1)


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the working tree, with the same interpreter."""
    with tempfile.TemporaryDirectory(prefix="mutate-", dir="/tmp") as folder:
        root = Path(folder) / "repository"
        shutil.copytree(REPOSITORY, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
        (root / ".venv").symlink_to(sys.prefix)
        Path(folder).chmod(0o755)  # PostgreSQL's user walks through it
        yield root


def _shown(number: int, protection: Protection, copy: Path, of: int) -> Trial:
    console.print(f"[{number}/{of}] {protection.name} ...", markup=False, end=" ")
    trial = tried(protection, copy)
    console.print(f"{trial.verdict} in {trial.seconds:.0f} s {trial.by}", markup=False)
    return trial


def tried(protection: Protection, copy: Path) -> Trial:
    """Runs the tests of the protection with and without it; the file of the copy is as before afterwards."""
    began = time.monotonic()
    file = copy / protection.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(protection.old) != 1:
        return Trial(protection, "broken", 0.0, f"the text is not in {protection.file} exactly once")
    status, _ = _pytest(protection.tests, copy)
    if status != PASSED:
        return Trial(protection, "broken", time.monotonic() - began, f"its tests end with {status} anyway")
    file.write_text(whole.replace(protection.old, protection.new), encoding="utf-8")
    try:
        status, by = _pytest(protection.tests, copy)
    finally:
        file.write_text(whole, encoding="utf-8")
    verdict = {FAILED: "caught", PASSED: "survived"}.get(status, "broken")
    return Trial(protection, verdict, time.monotonic() - began, by)


def _pytest(tests: Sequence[str], copy: Path) -> tuple[int, str]:
    """Exit status and the first test that failed. A test that hangs without the protection misses it, too."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return FAILED, f"no end in {LONGEST_SECONDS:.0f} s"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return done.returncode, _short(failed[0]) if failed else ""


def _short(line: str) -> str:
    """The file and the function of a line of pytest's summary, without folders, case and message."""
    path, _, test = line.split(" ", 1)[1].partition("::")
    return f"{Path(path).name}::{test.partition('[')[0].partition(' ')[0]}"


def _table(trials: Sequence[Trial]) -> str:
    """In Markdown, for docs/mutation.md."""
    rows = [(one.protection.name, one.protection.what, one.verdict, f"`{one.by}`" if one.by else "") for one in trials]
    head = [("protection", "without it", "verdict", "missed by"), ("---",) * 4]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [*head, *rows])


if __name__ == "__main__":
    main()
