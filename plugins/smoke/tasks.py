"""What each task of `stt_smoke` does. Heavy imports are inside: the DAG file imports this module."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from include.common.errors import BadInput
from include.common.names import RECOGNISER_CONN
from include.smoke.names import DEFAULT, FOLDER
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.smoke_policy import load_run_smoke_policy
from plugins.hooks.storage import StorageHook
from plugins.smoke import slack_messages

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.clients.storage.base import Storage
    from include.smoke.domain.engine import Engine
    from include.smoke.steps.hear_entry import Services
    from include.smoke.steps.prepare import SmokeRun
    from include.speech.recognition_client import Recogniser


class Compared(TypedDict):
    """What a run found: how many of its entries failed, where its report is, what Slack reads."""

    failed: int
    total: int
    report: str
    sentences: list[str]


Batch = dict[str, str | int]  # an engine's name and the number of its first entry
ROOT = Path(__file__).resolve().parents[2]
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")


def prepare(context: "Context") -> list[Batch]:
    """Cuts the recordings, checks the budget; returns the batches: engines by groups of entries."""
    from include.smoke.steps import prepare as step

    run, storage = _run(context), _storage()
    if not run.entries:
        raise BadInput("the playlist has no entries: nothing was tested", problem="smoke_of_nothing")
    for engine in run.engines:
        _refuse_without_connection(engine)
    step.prepare(run, storage)
    step.refuse_above(load_run_smoke_policy().money.budget_usd, run, storage)
    size = load_run_smoke_policy().batches.entries
    return [
        {"engine": engine.name, "first": first} for engine in run.engines for first in range(0, len(run.entries), size)
    ]


def recognise(context: "Context", batch: Batch) -> int:
    """Judges the entries of one batch at its engine; returns how many failed."""
    from include.smoke.steps.hear_entry import hear_entry

    run, first = _run(context), int(batch["first"])
    engine = next(engine for engine in run.engines if engine.name == batch["engine"])
    last = min(first + load_run_smoke_policy().batches.entries, len(run.entries))
    results = [hear_entry(run, number, engine, _services()) for number in range(first, last)]
    return sum(result.status == "failure" for result in results)


def compare(context: "Context") -> Compared:
    """Writes the report and the history, compared with the second engine and the last good run."""
    from include.smoke.reporting.verdict_text import verdict_sentences
    from include.smoke.state.smoke_results import SmokeResults
    from include.smoke.steps.write_report import write_report

    run, storage = _run(context), _storage()
    written = write_report(run, storage, at=datetime.now(UTC))
    report = written.report
    with SmokeResults.open(CallsStateHook().conninfo()) as results:
        results.keep(report)
    return {
        "failed": report.failed,
        "total": report.tested,
        "report": storage.location(written.markdown_key),
        "sentences": verdict_sentences(report),
    }


def report(context: "Context", found: Compared) -> str:
    """Tells Slack; fails if an entry failed or a threshold was missed; returns where the report is."""
    slack_messages.verdict(context, found["sentences"], failed=found["failed"])
    if found["failed"]:
        raise AirflowFailException(f"{found['failed']} of {found['total']} entries failed; report: {found['report']}")
    return found["report"]


def _run(context: "Context") -> "SmokeRun":
    from include.smoke.domain.engine import engine_of
    from include.smoke.steps.prepare import SmokeRun, read_playlist

    params, policy, product = context["params"], load_run_smoke_policy(), load_run_policy().stt
    path = _inside(str(params["playlist"] or policy.playlist.path))
    playlist, content_hash = read_playlist(path)
    names = list(dict.fromkeys(params["engines"] or [playlist.engine or DEFAULT]))
    engines = tuple(
        engine_of(name, policy.engines, product, language=playlist.language, default_connection=RECOGNISER_CONN)
        for name in names
    )
    smoke_id = _NO_NAME.sub("_", context["dag_run"].run_id).lstrip(".")
    return SmokeRun(
        smoke_id, path.parent, playlist, content_hash, engines, fresh=bool(params["fresh"]), limit=int(params["limit"])
    )


def _refuse_without_connection(engine: "Engine") -> None:
    """The imitation of `make stt-smoke` lives as long as that command: Airflow has no connection to it."""
    try:
        BaseHook.get_connection(engine.connection)
    except AirflowNotFoundException:
        raise BadInput(
            f"the engine {engine.name} has no connection {engine.connection} in Airflow; "
            f"choose another with the parameter engines, for example {DEFAULT}",
            problem="smoke_without_connection",
            engine=engine.name,
            connection=engine.connection,
        ) from None


def _inside(name: str) -> Path:
    """A parameter of a run names no file of the machine outside the system's own folder."""
    path = (ROOT / name).resolve()
    if not path.is_relative_to(ROOT):
        raise BadInput(f"the playlist {name} is outside of the system's folder", problem="playlist_outside", path=name)
    return path


def _storage() -> "Storage":
    from include.clients.storage.prefixed import PrefixedStorage

    return PrefixedStorage(StorageHook().get_conn(), FOLDER)


def _services() -> "Services":
    from include.smoke.steps.hear_entry import Services
    from include.speech.quality_flags import ReviewPolicy
    from plugins.hooks.recogniser import RecogniserHook

    def recogniser_of(engine: "Engine", model: str) -> "Recogniser":
        hook = RecogniserHook(
            engine.connection,
            model=engine.model,
            fallback_model=engine.fallback_model,
            timeout_sec=engine.timeout_seconds,
        )
        fallback = hook.fallback() if model == engine.fallback_model else None
        return fallback or hook.get_conn()

    return Services(_storage(), recogniser_of, ReviewPolicy(**load_run_policy().review.model_dump()))
