"""Whole nights in which one thing is wrong for every call: what the run says of itself.

docs/runbooks/nights.md has a row for each night; its words are compared with what the run, its report, Slack and the
alerts say.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from include.calls.domain.metric_values import Surroundings
from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.reporting import slack_texts
from include.calls.reporting.prometheus_page import limits_of, render_metrics
from include.calls.state.metrics import MetricsReader
from include.calls.state.notifications import Notifications
from include.calls.wording import notes
from simulators.bitrix24.world import Audio, PortalWorld
from simulators.sound.dialogues import record
from tests.kit.export_under_faults import (
    STATISTICS,
    audio,
    check_published,
    exporting,
    paid,
    recorded,
    statuses,
    world_of,
)
from tests.kit.firing_alerts import HAS_PROMTOOL, check_firing
from tests.kit.paths import ROOT
from tests.kit.whole_export import RUN_AFTER, Export, Outcome, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

S = RecordStatus
TABLE = ROOT / "docs" / "runbooks" / "nights.md"


def six() -> PortalWorld:
    return world_of(*map(recorded, range(1, 7)))


def test_a_night_of_pages_is_not_green(database, tmp_path):
    """The portal's front answers 200 with a page for each file whose size the drive has promised."""
    with exporting(six(), database, tmp_path) as export:
        export.portal.faults.add("download", "html200", times=-1)
        outcome = export.run()
        assert statuses(check_published(export, outcome)) == {S.ERROR: 6}
        check_row("вместо каждой записи страница с кодом 200", export, outcome, tmp_path)


def test_a_night_of_404_is_not_green(database, tmp_path):
    """Each is asked for once; a resume asks again, and what is there by then is fetched."""
    with exporting(six(), database, tmp_path) as export:
        export.portal.faults.add("download", "status", times=-1, status=404, body="<html>Not Found</html>")
        outcome = export.run()
        assert statuses(check_published(export, outcome)) == {S.MISSING_AUDIO: 6}
        assert export.portal.journal.count("download") == 6
        check_row("каждая запись 404", export, outcome, tmp_path)
        export.portal.faults.clear()
        again = export.run(resume_run_id=str(outcome.run_id))
        assert statuses(check_published(export, again)) == {S.COMPLETED: 6}
        assert again.verdict.status is RunStatus.COMPLETED


def test_audio_that_was_missing_before_turns_no_later_night_red(database, tmp_path):
    """A dead link is no error for ever: only what is missing for the first time weighs on a run."""
    with exporting(six(), database, tmp_path) as export:
        export.portal.faults.add("download", "status", times=-1, status=404, body="<html>Not Found</html>")
        assert export.run().verdict.status is RunStatus.ERROR
        later = export.run(run_after=RUN_AFTER + timedelta(days=1))  # the first night on which they are asked for again
        assert export.portal.journal.count("download") == 12
        assert later.verdict.status is RunStatus.COMPLETED
        assert "покрытие неизвестно" in later.verdict.sentence


def test_a_night_with_half_its_rows_of_an_unknown_type_loses_no_recording(database, tmp_path):
    calls = [recorded(n, fields={"CALL_TYPE": "6"} if n % 2 else {}) for n in range(1, 7)]
    with exporting(world_of(*calls), database, tmp_path) as export:
        outcome = export.run()
        assert statuses(check_published(export, outcome)) == {S.COMPLETED: 6}
        assert [row["direction"] for row in registry(export)] == ["unknown", "inbound"] * 3
        check_row("половина строк неизвестного типа", export, outcome, tmp_path)


def test_a_night_of_empty_texts_is_not_green(database, tmp_path):
    world = six()
    for number in range(1, 7):
        world.files[9000 + number].audio = Audio(partial(record, number, seconds=8, stereo=False))
    with export_over(world, database, tmp_path / "storage") as export:
        export.recogniser.says = lambda _model: ""
        outcome = export.run()
        assert {row.status for row in export.records(outcome.run_id)} == {S.COMPLETED}
        check_row("распознаватель на всё отвечает пустым текстом", export, outcome, tmp_path)
        bought = paid(export)
        export.run(run_after=RUN_AFTER + timedelta(days=1))
        assert paid(export) == bought


def test_a_night_with_the_portals_clock_an_hour_fast_loses_no_call(database, tmp_path):
    """The call of the last half hour belongs to the next period, by the portal's clock, and is exported with that."""
    world = six()
    for call in world.calls.values():
        call.started_at += timedelta(hours=1)
    late = recorded(7)
    late.started_at = datetime(2025, 8, 3, 0, 30, tzinfo=UTC)  # an hour earlier by every other clock
    world.add(late, audio(7))
    with exporting(world, database, tmp_path) as export:
        export.portal.clock = lambda: time.time() + 3600
        outcome = export.run()
        assert statuses(check_published(export, outcome, left_out=1)) == {S.COMPLETED: 6}
        check_row("часы портала спешат на час", export, outcome, tmp_path)
        after = export.run(period_from="2025-08-03", period_to="2025-08-03", run_after=RUN_AFTER + timedelta(days=1))
        assert [row.statistics_id for row in export.records(after.run_id)] == [7]


def test_a_night_whose_portal_counts_more_at_the_end_lists_what_came(database, tmp_path):
    with exporting(six(), database, tmp_path) as export:
        # the probe asks three times, then the listing counts; the call comes before its first page
        export.portal.before(STATISTICS, 5, lambda: export.portal.world.add(recorded(7), audio(7)))
        outcome = export.run()
        assert statuses(check_published(export, outcome)) == {S.COMPLETED: 7}
        check_row("итог портала растёт, пока читается список", export, outcome, tmp_path)


def registry(export: Export) -> list[dict[str, str]]:
    head, *lines = export.registry().splitlines()
    return [dict(zip(head.split(";"), line.split(";"), strict=True)) for line in lines]


def check_row(night: str, export: Export, outcome: Outcome, folder: Path) -> None:
    """The row of `night` says what was said: quoted words are in the texts, the alerts are those that fire."""
    rows = [line.strip("| \n").split(" | ") for line in TABLE.read_text(encoding="utf-8").splitlines()]
    (row,) = [row for row in rows if row[0] == night]
    _, status, slack, said, report, alerts, _ = row
    assert status == f"`{outcome.verdict.status}`"
    with export.state() as state:
        end = Notifications(state.session).last_event(outcome.run_id, outcome.verdict.status)
        assert end is not None
        progress = notes.progress(state.runs.progress(outcome.run_id))
    summary = slack_texts.RunSummary(str(outcome.run_id), None, None, progress, "http://airflow.example")
    good = outcome.verdict.status is RunStatus.COMPLETED
    message = (slack_texts.report_ready if good else slack_texts.run_failed)(summary, end.verdict).as_slack()
    note = notes.closed(outcome.verdict.status, outcome.verdict.sentence)
    for text in (message, note):
        assert_says(text, said)
    assert_says(message, slack)
    assert_says(report_of(export), report)
    if HAS_PROMTOOL:
        check_firing(metrics_page(export), set(re.findall(r"`(\w+)`", alerts)), folder)


def metrics_page(export: Export) -> bytes:
    policy = export.policy
    limits = limits_of(
        policy.schedule, policy.money, policy.portal, policy.privacy, datetime.now(UTC), smoke_worse_by=0.03
    )
    with MetricsReader.open(export.conninfo) as reader:
        return render_metrics(reader.figures(run_limit=limits.budget_usd), limits, Surroundings())


def assert_says(text: str, cell: str) -> None:
    plain = text.replace("\u00a0", " ").replace("\u202f", " ").replace("**", "")
    quoted = re.findall("«([^»]+)»", cell)
    assert quoted
    for words in quoted:
        assert words in plain


def report_of(export: Export) -> str:
    (key,) = [key for key in export.storage.keys("exports/") if key.endswith(".md") and "/summary_2025-08-01" in key]
    return export.storage.get_bytes(key).decode()
