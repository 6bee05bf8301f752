"""Transcripts that the portal has already: used if they are there and sound right, else bought as ever."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from include.calls.steps import download as download_step
from include.calls.steps.rebuild import rebuild_texts
from include.clients.bitrix24.telephony import Bitrix24Telephony
from include.common.errors import AccessDenied, ExportError, Throttled
from include.common.telephony import RecordingLink
from simulators.bitrix24.methods import Rights
from simulators.bitrix24.world import Audio, Call, PortalWorld
from simulators.kit.faults import FaultKind
from simulators.sound.dialogues import record_briefly
from tests.kit.small_world import FIRST, by_sql, downloaded
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = pytest.mark.postgres

SAID = "Спасибо за помощь, до свидания."
METHOD = "crm.activity.call.gettranscript"


def world(*transcripts: str | None) -> PortalWorld:
    """A call for each; its CRM activity is there whether or not it has a text."""
    made = PortalWorld()
    for number, transcript in enumerate(transcripts, start=1):
        call = Call(
            number, FIRST, f"call-{number}", file_id=9000 + number, activity_id=str(500 + number), transcript=transcript
        )
        made.add(call, Audio(partial(record_briefly, number)))
    return made


@contextmanager
def an_export(made: PortalWorld, database: str, folder: Path, *, reuse: bool = True) -> Iterator[Export]:
    with export_over(made, database, folder) as export:
        stt = export.policy.stt.model_copy(update={"reuse_portal_transcripts": reuse})
        export.policy = export.policy.model_copy(update={"stt": stt})
        yield export


def buy(export: Export) -> Outcome:
    outcome, batches = export.prepare()
    export.work(outcome, batches)
    assert outcome.red == []
    return outcome


def rows(database: str) -> list[tuple[Any, ...]]:
    return by_sql(database, "SELECT source, model, roles, cost, status FROM call_records ORDER BY call_id")


def asked(export: Export) -> int:
    return export.recogniser.journal.count("transcriptions")


BOUGHT = ("recogniser", "gpt-transcribe", "none", Decimal("0.0045"), "completed")
TAKEN = ("portal", "bitrix24", "none", Decimal(0), "completed")


def test_the_portals_text_is_taken_for_nothing_and_the_audio_kept(database: str, tmp_path: Path) -> None:
    with an_export(world(SAID, None), database, tmp_path) as export:
        run_id = buy(export).run_id
        assert rows(database) == [TAKEN, BOUGHT]
        assert (asked(export), downloaded(export)) == (1, 2)
        first, _ = export.records(run_id)
        assert first.transcript_path is not None
        text = export.storage.get_bytes(first.transcript_path).decode()
        assert f"[00:00:00] [Собеседник]: {SAID}" in text
        assert "MODEL: bitrix24\nROLES: none\n" in text
        with export.state() as state:
            assert rebuild_texts(run_id, state, export.storage, export.policy, actor="analyst").changed == 0, (
                "it rebuilds like any other"
            )
        assert by_sql(database, "SELECT count(*) FROM recognition_responses") == [(0,)]


def test_the_portal_is_not_asked_unless_the_policy_says_so(database: str, tmp_path: Path) -> None:
    with an_export(world(SAID), database, tmp_path, reuse=False) as export:
        export.portal.rights.scopes = export.portal.rights.scopes - {"crm"}
        buy(export)
        assert rows(database) == [BOUGHT]
        assert export.portal.journal.count(METHOD) == 0


def test_a_text_that_looks_wrong_is_bought_instead(database: str, tmp_path: Path) -> None:
    """The review flags judge the portal's text, too: a loop, another language, more words than people say."""
    wrong = ("Спасибо. " * 30, "Thank you for calling us, how can I help you today, sir?", "слово " * 5 + SAID * 40)
    with an_export(world(*wrong), database, tmp_path) as export:
        buy(export)
        assert rows(database) == [BOUGHT] * 3


@pytest.mark.parametrize(
    "fault",
    [
        {
            "kind": FaultKind.ERROR,
            "body": {"error": "ACCESS_DENIED", "error_description": "Доступ запрещен"},
            "status": 403,
        },
        {"kind": FaultKind.ERROR, "body": {"error": "INTERNAL_SERVER_ERROR"}, "status": 500},
    ],
    ids=["the right is lost", "it fails"],
)
def test_a_portal_that_refuses_one_text_costs_money_and_no_text(
    database: str, tmp_path: Path, fault: dict[str, Any]
) -> None:
    with an_export(world(SAID, SAID), database, tmp_path) as export:
        outcome, batches = export.prepare()
        export.portal.faults.add(METHOD, times=-1, **fault)
        export.work(outcome, batches)
        assert (rows(database), outcome.red) == ([BOUGHT, BOUGHT], [])


def test_a_batch_of_texts_that_breaks_off_is_an_event(database: str, tmp_path: Path) -> None:
    with an_export(world(SAID), database, tmp_path) as export:
        outcome, batches = export.prepare()
        export.portal.faults.add("batch", FaultKind.STATUS, after=1, times=-1, status=500, body={})  # after the links
        export.work(outcome, batches)
        assert (rows(database), outcome.red) == ([BOUGHT], [])
        assert by_sql(database, "SELECT stage FROM call_events WHERE event = 'portal_texts_failed'") == [("download",)]


def refuse_once(error: ExportError, patch: pytest.MonkeyPatch) -> list[list[int]]:
    """The first question for texts is refused whole; returns what was asked for, question by question."""
    questions: list[list[int]] = []
    transcripts = Bitrix24Telephony.transcripts

    def asked_for(self: Bitrix24Telephony, statistics_ids: Sequence[int]) -> dict[int, str]:
        questions.append(list(statistics_ids))
        if len(questions) == 1:
            raise error
        return transcripts(self, statistics_ids)

    patch.setattr(Bitrix24Telephony, "transcripts", asked_for)
    return questions


def test_a_portal_that_asks_to_slow_down_is_asked_again(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task's next try downloads nothing twice and asks for the texts that are missing still."""
    with an_export(world(SAID, SAID), database, tmp_path) as export:
        questions = refuse_once(Throttled("429", retry_after=1), monkeypatch)
        outcome = buy(export)
        assert (rows(database), outcome.retries, downloaded(export)) == ([TAKEN, TAKEN], 1, 2)
        assert questions == [[1, 2], [1, 2]]
        assert by_sql(database, "SELECT event FROM call_events WHERE event = 'portal_texts_failed'") == []


def test_a_webhook_that_dies_stops_the_run_before_money_is_spent(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_export(world(SAID), database, tmp_path) as export:
        outcome, (batch,) = export.prepare()
        refuse_once(AccessDenied("the webhook has expired"), monkeypatch)
        export.download(outcome, batch)
        assert [type(error) for error in outcome.red] == [AccessDenied]
        ((stop,),) = by_sql(database, "SELECT metadata ->> 'stop' FROM call_exports")
        assert stop.startswith("ключ или вебхук отклонён")


def test_a_portal_that_throttles_downloads_gives_no_texts(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_export(world(SAID, SAID), database, tmp_path) as export:
        outcome, (batch,) = export.prepare()
        throttled = [Throttled("429", retry_after=1)]

        download = Bitrix24Telephony.download

        def slow_down(self: Bitrix24Telephony, link: RecordingLink, target: Path) -> Any:
            if throttled:
                raise throttled.pop()
            return download(self, link, target)

        monkeypatch.setattr(Bitrix24Telephony, "download", slow_down)
        before = export.portal.journal.count(METHOD)
        with pytest.raises(Throttled), export.state() as state, export.client() as telephony:
            download_step.download_batch(
                outcome.run_id, batch, telephony=telephony, storage=export.storage, state=state, policy=export.policy,
                fresh=True,
            )  # fmt: skip
        assert export.portal.journal.count(METHOD) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda portal: setattr(portal, "rights", Rights(scopes=frozenset({"telephony", "disk", "user_brief"}))),
            r"`crm`: tick it in the webhook.s settings on the portal",
        ),
        (
            lambda portal: portal.faults.add(
                METHOD, FaultKind.ERROR, body={"error": "ACCESS_DENIED", "error_description": "x"}, status=403
            ),
            "stt.reuse_portal_transcripts is on",
        ),
    ],
    ids=["no scope", "no right, or the portal's AI is off"],
)
def test_a_missing_right_is_named_before_anything_is_spent(
    database: str, tmp_path: Path, change: Any, named: str
) -> None:
    with an_export(world(SAID), database, tmp_path) as export:
        change(export.portal)
        export.portal.methods.rights = export.portal.rights
        with pytest.raises(AccessDenied, match=named):
            export.prepare()
        assert (asked(export), downloaded(export)) == (0, 0)
