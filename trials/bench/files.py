"""Registry, report and the cut of a long call."""

import time
from pathlib import Path

from trials.bench.listing import registered
from trials.bench.world import Result, database


def publish(folder: Path, calls: int) -> Result:
    """Registry, report with pictures and PDF, and run log, from PostgreSQL; every text has its file."""
    from include.calls.policy import load_policy
    from include.calls.state.state import State
    from include.calls.steps.publish import publish as publish_step
    from include.clients.storage.local import LocalStorage
    from trials.bench.earlier import complete_pending

    root = folder / "storage"
    storage = LocalStorage(root)
    with database(folder) as conninfo:
        run_id = registered(conninfo, calls)
        with State.open(conninfo) as state:
            complete_pending(run_id, state, storage, files=False)
            for recording in state.recordings.of_run(run_id):
                file = root / str(recording.transcript_path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
            with state.session.transaction() as connection:
                connection.execute(b"ANALYZE")
            began = time.perf_counter()
            rows = publish_step(run_id, state, storage, load_policy({}))
            seconds = time.perf_counter() - began
    registry = next(root.glob("exports/*/registry/*.csv"))
    return Result(rows, "rows", seconds, f"registry {registry.stat().st_size / 1e6:.0f} MB")


def cut(folder: Path, minutes: int) -> Result:
    """A long stereo call is cut into pieces."""
    from include.speech.audio.cutting import cut as cut_audio
    from include.speech.audio.pieces import CutPolicy

    path = _long_call(folder, minutes)
    began = time.perf_counter()
    found = cut_audio(path, CutPolicy())
    seconds = time.perf_counter() - began
    return Result(minutes, "minutes", seconds, f"{len(found.pieces)} pieces, speech {found.speech_sec / 60:.0f} min")


def _long_call(folder: Path, minutes: int) -> Path:
    """One synthesised conversation, repeated in one mp3."""
    import av

    from simulators.sound.dialogues import record

    once = folder / "once.mp3"
    once.write_bytes(record(1, seconds=60, extension="mp3", stereo=True))
    path = folder / "long.mp3"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mp3", rate=8000, layout="stereo")
        for _ in range(minutes):
            with av.open(str(once)) as source:
                for frame in source.decode(audio=0):
                    frame.pts = None
                    out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
