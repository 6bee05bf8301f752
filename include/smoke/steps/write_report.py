"""Collects the results of a smoke run, compares engines and the last good run, and writes the report's files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from include.clients.storage.base import Storage
from include.common.errors import Permanent
from include.smoke.domain.comparison import compare
from include.smoke.domain.engine import Engine
from include.smoke.domain.judgement import EntryResult
from include.smoke.domain.smoke_report import Before, SmokeReport, report_of
from include.smoke.reporting.alignment_page import alignment_page
from include.smoke.reporting.report_markdown import report_markdown
from include.smoke.steps.hear_entry import result_of
from include.smoke.steps.prepare import SmokeRun
from include.smoke.wording import error_catalogue
from include.speech.spoken_words import NORMALISER

_PAIR = 2


@dataclass(frozen=True, slots=True)
class Written:
    """The report and the keys of its files in the storage."""

    report: SmokeReport
    json_key: str
    markdown_key: str
    page_key: str


def write_report(run: SmokeRun, storage: Storage, *, at: datetime) -> Written:
    """A run without a failure becomes the last good one of its playlist and engine."""
    report = report_for(run, storage, at=at)
    keys = [run.key(name) for name in ("stt_smoke_report.json", "stt_smoke_report.md", "alignments.html")]
    body = json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
    storage.put_bytes(keys[0], body.encode(), "application/json")
    storage.put_bytes(keys[1], report_markdown(report).encode(), "text/markdown; charset=utf-8")
    page = alignment_page(report).encode()
    storage.put_bytes(keys[2], page, "text/html; charset=utf-8")
    for engine in report.engines:
        if not engine.failed and engine.errors.rate is not None:
            kept = {"smoke_id": run.smoke_id, "wer": engine.errors.rate, "normaliser": NORMALISER}
            storage.put_bytes(_history(run, engine.engine), json.dumps(kept).encode(), "application/json")
    return Written(report, *keys)


def report_for(run: SmokeRun, storage: Storage, *, at: datetime) -> SmokeReport:
    results = {engine.name: _results(run, engine, storage) for engine in run.engines}
    pair = [results[engine.name] for engine in run.engines[:_PAIR]]
    period = run.playlist.period
    return SmokeReport(
        smoke_id=run.smoke_id,
        at=at,
        playlist=run.playlist.name,
        playlist_hash=run.playlist_hash,
        period=(period.start.isoformat(), period.end.isoformat()),
        engines=report_of(results, {engine.name: engine.is_stub for engine in run.engines}),
        before={engine.name: found for engine in run.engines if (found := _before(run, engine, storage))},
        comparison=compare(*pair) if len(pair) == _PAIR else None,
        messages={code: entry.user_message for code, entry in error_catalogue.CATALOGUE.items()},
    )


def _results(run: SmokeRun, engine: Engine, storage: Storage) -> Sequence[EntryResult]:
    return [result_of(run, engine, number, storage) for number in range(len(run.entries))]


def _before(run: SmokeRun, engine: Engine, storage: Storage) -> Before | None:
    try:
        found = Before.from_json(json.loads(storage.get_bytes(_history(run, engine.name))))
    except Permanent:
        return None
    return found if found.normaliser == NORMALISER else None


def _history(run: SmokeRun, engine: str) -> str:
    return f"last_good/{run.playlist.name}/{engine}.json"
