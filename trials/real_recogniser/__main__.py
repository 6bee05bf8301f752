"""`make trial-stt [PART=...]`: a real recogniser hears real recordings through the product's own way.

    python -m trials.real_recogniser [texts] [short] [times] [policies] [confidence] [--out build/trial_stt]

Prints the tables of docs/audio.md and the bars. Responses are kept in `--out`: a second run is quick. Each part takes
minutes, so that the parts can be run one after another.
Exit status: 0 done or skipped with its reason, 1 a bar is not reached.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from trials.real_recogniser import model, recordings

BUILD = Path(__file__).resolve().parents[2] / "build" / "trial_stt"


@contextmanager
def server(out: Path) -> Iterator[str]:
    """The server's URL; it ends with the block."""
    command = ["-m", "trials.real_recogniser.server", "--model", str(model.model_folder(out / "model")),
               "--responses", str(out / "responses")]  # fmt: skip
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(timeout=30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--out", type=Path, default=BUILD)
    given = parser.parse_args()
    if reason := model.missing() or recordings.missing():
        print(f"skipped: {reason}")
        return 0
    from trials.real_recogniser import parts

    known: Mapping[str, Callable[[parts.Place], list[parts.Bar]]] = parts.PARTS
    wanted = given.parts or list(known)
    if unknown := set(wanted) - set(known):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    given.out.mkdir(parents=True, exist_ok=True)
    print(f"Model: {model.NAME}\n")
    with server(given.out) as url:
        place = parts.Place(url, given.out)
        bars = [bar for name in wanted for bar in known[name](place)]
    parts.print_table("Bars", ("figure", "bar", "measured", ""), [bar.row for bar in bars])
    return 0 if all(bar.reached for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
