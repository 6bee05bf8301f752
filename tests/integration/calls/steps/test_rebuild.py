"""Texts built anew from stored answers: roles and flags follow the settings, and nobody is asked or paid (D21)."""

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy
from include.calls.steps.rebuild import Rebuilt, rebuild_texts
from include.clients.storage.s3 import S3Storage
from include.common.errors import BadInput
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.sound.dialogues import record, record_briefly
from tests.kit.small_world import FIRST, by_sql
from tests.kit.whole_export import Export, export_over

pytestmark = pytest.mark.postgres

LINE, OTHER = "reg100", "reg200"


def world() -> PortalWorld:
    """A stereo call on each of two lines, and a mono one, whose text knows no roles."""
    made = PortalWorld()
    for number, line in enumerate((LINE, OTHER), start=1):
        call = Call(number, FIRST, f"call-{number}", portal_number=line, file_id=9000 + number)
        made.add(call, Audio(partial(record, number, seconds=12)))
    made.add(Call(3, FIRST, "call-3", portal_number=LINE, file_id=9003), Audio(partial(record_briefly, 3)))
    return made


def buy(export: Export, **request: object) -> UUID:
    """A run as far as its texts; registry and report are not on trial here."""
    outcome, batches = export.prepare(**request)
    export.work(outcome, batches)
    assert outcome.red == []
    return outcome.run_id


def swapped(policy: Policy, *lines: str) -> Policy:
    stt = policy.stt.model_copy(update={"channel_map": dict.fromkeys(lines, "right")})
    return policy.model_copy(update={"stt": stt})


def rebuild(export: Export, run_id: UUID, policy: Policy, **options: Any) -> Rebuilt:
    with export.state() as state:
        return rebuild_texts(run_id, state, export.storage, policy, **options)


def texts(export: Export, run_id: UUID) -> dict[str, str]:
    found = {}
    for row in export.records(run_id, RecordStatus.COMPLETED):
        assert row.transcript_path is not None
        found[row.call_id] = export.storage.get_bytes(row.transcript_path).decode()
    return found


def spoken_by(text: str, role: str) -> list[str]:
    return [line.partition("]: ")[2] for line in text.splitlines() if f"[{role}]" in line]


def check_swapped(before: str, after: str) -> None:
    assert spoken_by(before, "Оператор")
    assert spoken_by(after, "Клиент") == spoken_by(before, "Оператор")
    assert spoken_by(after, "Оператор") == spoken_by(before, "Клиент")


def test_a_corrected_line_changes_sides_and_nobody_is_asked(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        before, asked = texts(export, run_id), len(export.recogniser.journal.entries())
        done = rebuild(export, run_id, swapped(export.policy, LINE))
        after = texts(export, run_id)
        assert len(export.recogniser.journal.entries()) == asked, "0 requests to the recogniser"
        assert (done.looked_at, done.changed, done.runs) == (3, 1, {run_id})
        check_swapped(before["call-1"], after["call-1"])
        assert (after["call-2"], after["call-3"]) == (before["call-2"], before["call-3"])
        ((preview,),) = by_sql(database, "SELECT text_preview FROM call_records WHERE call_id = 'call-1'")
        assert preview.startswith("[Клиент]" if "[Оператор]" in before["call-1"].split("---\n")[1][:25] else "[Опер")
        assert by_sql(database, "SELECT call_id FROM call_events WHERE event = 'rebuilt'") == [("call-1",)]
        assert rebuild(export, run_id, swapped(export.policy, LINE)).changed == 0, "a second time finds it done"


def test_one_line_of_a_run_is_rebuilt_and_an_unknown_one_refused(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        policy = swapped(export.policy, LINE, OTHER)
        assert rebuild(export, run_id, policy, line=OTHER).changed == 1
        with pytest.raises(BadInput, match=r"no text of the line 'reg300'; its lines are: reg100, reg200"):
            rebuild(export, run_id, policy, line="reg300")
        with pytest.raises(BadInput, match="no run"):
            rebuild(export, UUID(int=0), policy)


def test_a_reused_text_is_rebuilt_where_it_was_bought_too(database: str, tmp_path: Path) -> None:
    """Else the next night would take the old roles from there."""
    with export_over(world(), database, tmp_path) as export:
        bought = buy(export)
        reused = buy(export, period_from="2025-07-30")
        before = texts(export, reused)
        done = rebuild(export, reused, swapped(export.policy, LINE))
        assert (done.changed, done.runs) == (2, {bought, reused})
        for run_id in (bought, reused):
            check_swapped(before["call-1"], texts(export, run_id)["call-1"])
        later = buy(export, period_from="2025-07-29")
        check_swapped(before["call-1"], texts(export, later)["call-1"])


def test_a_summary_of_other_words_is_forgotten_and_its_price_is_not(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        by_sql(
            database,
            "UPDATE call_records SET summary_path = "
            " replace(replace(transcript_path, '/transcripts/', '/summary/'), '.txt', '.md'),"
            " tags = '{заказ}', summary_cost = 0.01,"
            " summary_bought = true",
        )
        files = dict(by_sql(database, "SELECT call_id, summary_path FROM call_records"))
        for key in files.values():
            export.storage.put_bytes(key, b"# summary", "text/markdown")
        assert rebuild(export, run_id, swapped(export.policy, LINE)).summaries_forgotten == 1
        kept = {call_id for call_id, key in files.items() if export.storage.exists(key)}
        assert kept == {"call-2", "call-3"}, "nobody reads a summary with the roles the wrong way round"
        rows = by_sql(database, "SELECT call_id, summary_path, tags, summary_cost FROM call_records ORDER BY 1")
        assert [(row[0], row[1] is None, row[2]) for row in rows] == [
            ("call-1", True, []), ("call-2", False, ["заказ"]), ("call-3", False, ["заказ"]),
        ]  # fmt: skip
        assert {row[3] for row in rows} == {Decimal("0.01")}


def test_flags_follow_the_thresholds_of_today_and_words_do_not_change(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        before = texts(export, run_id)
        review = export.policy.review.model_copy(update={"max_words_per_minute": 1.0})
        assert rebuild(export, run_id, export.policy.model_copy(update={"review": review})).changed == 3
        assert texts(export, run_id) == before
        assert by_sql(database, "SELECT DISTINCT review_reasons FROM call_records") == [(["speech_rate"],)]


def test_a_text_without_its_answers_is_left_alone_and_named(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        (row, *_) = export.records(run_id, RecordStatus.COMPLETED)
        key = str(row.transcript_path).replace("/transcripts/", "/recognition/").replace(".txt", ".json")
        export.storage.delete(key)
        done = rebuild(export, run_id, swapped(export.policy, LINE, OTHER))
        assert (done.without_answers, done.changed) == ([row.call_id], 1)


def test_a_call_in_a_tasks_hands_waits(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        with export.state() as state, state.claim_recording("call-1") as claim:
            assert claim
            done = rebuild(export, run_id, swapped(export.policy, LINE))
        assert (done.in_work, done.changed) == (["call-1"], 0)


@pytest.mark.s3
def test_the_same_on_s3(database: str, s3_client: Any, s3_bucket: str) -> None:
    with export_over(world(), database, S3Storage(s3_bucket, "calls", s3_client)) as export:
        run_id = buy(export)
        before = texts(export, run_id)
        assert rebuild(export, run_id, swapped(export.policy, LINE)).changed == 1
        check_swapped(before["call-1"], texts(export, run_id)["call-1"])
