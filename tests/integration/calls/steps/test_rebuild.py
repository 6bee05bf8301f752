"""Texts rebuilt from stored responses: roles and flags follow the settings; no request is sent and nothing is paid."""

from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from include.calls.domain.states import RecordStatus
from include.calls.policy import Policy
from include.calls.state.stored_transcripts import Transcripts
from include.calls.state.types import Charge
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
        return rebuild_texts(run_id, state, export.storage, policy, actor="analyst", **options)


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
        assert (done.looked_at, done.changed) == (3, 1)
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
        assert rebuild(export, run_id, policy, phone_line=OTHER).changed == 1
        with pytest.raises(BadInput, match=r"no text of the phone line 'reg300'; its phone lines are: reg100, reg200"):
            rebuild(export, run_id, policy, phone_line="reg300")
        with pytest.raises(BadInput, match="no run"):
            rebuild(export, UUID(int=0), policy)


def test_a_rebuilt_text_is_the_text_of_every_run(database: str, tmp_path: Path) -> None:
    """Whichever run a person names: the run that bought it reports the same recording, and so does the next night."""
    with export_over(world(), database, tmp_path) as export:
        bought = buy(export)
        later = buy(export, period_from="2025-07-30")
        before = texts(export, later)
        assert rebuild(export, later, swapped(export.policy, LINE)).changed == 1
        for run_id in (bought, later, buy(export, period_from="2025-07-29")):
            check_swapped(before["call-1"], texts(export, run_id)["call-1"])
        keys = [key for key in export.storage.keys("") if "call-1." in key]
        assert len(keys) == 3, "one audio, one text, one recognition"


def test_a_text_bought_since_is_not_replaced_by_an_older_one(database: str, tmp_path: Path) -> None:
    """A bought, a later run bought anew, A is rebuilt: there is one text, and it stays the newest."""
    with export_over(world(), database, tmp_path) as export:
        first = buy(export)
        by_sql(database, "UPDATE call_records SET status = 'pending' WHERE call_id = 'call-1' AND run_id = %s", first)
        second = buy(export, period_from="2025-07-30")
        ((bought_by,),) = by_sql(database, "SELECT run_id FROM transcripts WHERE recording_id = 1 AND purchase_no = 2")
        assert bought_by == second
        asked = len(export.recogniser.journal.entries())
        rebuild(export, first, swapped(export.policy, LINE))
        current = by_sql(
            database,
            "SELECT text.run_id, text.purchase_no FROM recordings JOIN transcripts text USING (transcript_id)"
            " WHERE recordings.call_id = 'call-1'",
        )
        assert current == [(second, 2)], "the rebuilt text belongs to the purchase it was made of"
        assert len(export.recogniser.journal.entries()) == asked


def test_a_summary_of_other_words_is_removed_and_its_price_is_not(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        summarised(export, run_id)
        files = dict(by_sql(database, "SELECT call_id, summary_path FROM recordings"))
        spent = by_sql(database, "SELECT sum(usd) FROM charges WHERE purpose = 'summary'")
        assert rebuild(export, run_id, swapped(export.policy, LINE)).summaries_removed == 1
        kept = {call_id for call_id, key in files.items() if export.storage.exists(key)}
        assert kept == {"call-2", "call-3"}, "a summary with the roles the wrong way round misleads its reader"
        rows = by_sql(database, "SELECT call_id, summary_path, tags FROM recordings ORDER BY 1")
        assert [(row[0], row[1] is None, row[2]) for row in rows] == [
            ("call-1", True, []), ("call-2", False, ["заказ"]), ("call-3", False, ["заказ"]),
        ]  # fmt: skip
        assert (
            by_sql(database, "SELECT sum(usd) FROM charges WHERE purpose = 'summary'") == spent == [(Decimal("0.03"),)]
        )


def summarised(export: Export, run_id: UUID) -> None:
    """Each of the run's texts has a summary that cost a cent."""
    with export.state() as state:
        for row in export.records(run_id, RecordStatus.COMPLETED):
            assert row.transcript_id is not None
            key = row.keys.summary
            export.storage.put_bytes(key, b"# summary", "text/markdown")
            state.transcripts.set_summary(row.recording_id, row.transcript_id, summary_path=key, tags=["заказ"])
            charge = Charge("summary", "m", "token", Decimal(100), Decimal("0.01"), confirmed=True)
            state.charges.charge(run_id, row.recording_id, charge)


def test_a_rebuild_that_died_after_its_file_is_repeated(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        before = texts(export, run_id)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transcripts, "replace", killed)
            with pytest.raises(OSError, match="killed"):
                rebuild(export, run_id, swapped(export.policy, LINE))
        assert rebuild(export, run_id, swapped(export.policy, LINE)).changed == 1
        check_swapped(before["call-1"], texts(export, run_id)["call-1"])
        assert by_sql(database, "SELECT call_id FROM call_events WHERE event = 'rebuilt'") == [("call-1",)]


def killed(*_: object, **__: object) -> bool:
    raise OSError("killed")


def test_masking_switched_on_later_hides_the_numbers_in_old_files(database: str, tmp_path: Path) -> None:
    """The words are the same, so the row is; the delivered copies must still be written again."""
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        ((at,),) = by_sql(database, "SELECT text_at FROM recordings WHERE call_id = 'call-1'")
        privacy = export.policy.privacy.model_copy(update={"pii_masking_enabled": True})
        done = rebuild(export, run_id, export.policy.model_copy(update={"privacy": privacy}))
        assert done.changed == 3
        assert all("*" in text.split("\n---\n")[0] for text in texts(export, run_id).values())
        ((now,),) = by_sql(database, "SELECT text_at FROM recordings WHERE call_id = 'call-1'")
        assert now > at


def test_flags_follow_the_thresholds_of_today_and_words_do_not_change(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        before = texts(export, run_id)
        review = export.policy.review.model_copy(update={"max_words_per_minute": 1.0})
        assert rebuild(export, run_id, export.policy.model_copy(update={"review": review})).changed == 3
        assert texts(export, run_id) == before
        assert by_sql(database, "SELECT DISTINCT review_reasons FROM recordings") == [(["speech_rate"],)]


def test_a_text_without_its_responses_is_left_alone_and_named(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        (row, *_) = export.records(run_id, RecordStatus.COMPLETED)
        export.storage.delete(row.keys.recognition)
        done = rebuild(export, run_id, swapped(export.policy, LINE, OTHER))
        assert (done.without_responses, done.changed) == ([row.call_id], 1)


def test_a_call_in_a_tasks_hands_waits(database: str, tmp_path: Path) -> None:
    with export_over(world(), database, tmp_path) as export:
        run_id = buy(export)
        with export.state() as state, state.claims.hold(1, "call-1") as claim:
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
