"""Registry, report and the cut of a long call."""

import time
from datetime import UTC
from pathlib import Path

from trials.bench.listing import registered
from trials.bench.world import Result, database


def publish(folder: Path, calls: int) -> Result:
    """Registry, report with pictures and PDF, and run log, from PostgreSQL; every text has its file."""
    from include.calls.state.report_queries import transcript_paths
    from include.calls.steps.paths import period_of, run_of

    from include.calls.domain.storage_keys import period_prefix
    from include.calls.policy import load_policy
    from include.calls.state.state import State
    from include.calls.steps.publish import publish as publish_step
    from include.clients.storage.local import LocalStorage

    root = folder / "storage"
    storage = LocalStorage(root)
    with database(folder) as conninfo:
        run_id = registered(conninfo, calls)
        with State(conninfo) as state:
            texts = f"{period_prefix(period_of(run_of(run_id, state)))}transcripts/"
            (root / texts).mkdir(parents=True)
            with state.transaction() as connection:
                connection.execute(_COMPLETE.encode(), {"run_id": run_id, "texts": texts})
                for _, text in transcript_paths(connection, run_id, UTC):
                    (root / text).touch()
            began = time.perf_counter()
            rows = publish_step(run_id, state, storage, load_policy({}))
            seconds = time.perf_counter() - began
    registry = next(root.glob("exports/*/registry/*.csv"))
    return Result(rows, "rows", seconds, f"registry {registry.stat().st_size / 1e6:.0f} MB")


_COMPLETE = """
UPDATE call_records
   SET status = 'completed', audio_sec = duration_sec, language = 'ru', roles = 'none', source = 'recogniser',
       model = 'gpt-transcribe', cost = 0.0045, text_preview = repeat('слово ', 80), checksum = md5(record_id),
       transcript_path = %(texts)s || 'call_' || call_id || '.txt'
 WHERE run_id = %(run_id)s
"""


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
