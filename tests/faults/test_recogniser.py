"""The recogniser misbehaves: what is tried again, what stops the run, and that nothing is paid for twice."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from include.calls.domain.states import RecordStatus, RunStatus
from include.calls.steps.outcome import BatchFailed, Unfinished
from include.calls.steps.transcribe_batch import transcribe_batch
from include.common.errors import (
    AccessDenied,
    ErrorCode,
    ExportError,
    NotConfigured,
    QuotaExhausted,
    ServerFault,
    Throttled,
)
from include.speech.recognition import RecognitionResponse
from include.speech.recognition_client import Recogniser
from simulators.bitrix24.world import Audio
from simulators.kit.serving import listen, url_of
from simulators.proxy import ProxySimulator, proxying
from simulators.sound.dialogues import record
from tests.kit.small_world import (
    asked,
    attempts,
    bought,
    by_sql,
    codes,
    downloaded,
    registry,
    statuses,
    world_of,
)
from tests.kit.whole_export import Export, Outcome, export_over

pytestmark = [pytest.mark.postgres, pytest.mark.long]

S = RecordStatus
KEY_IN_AN_ANSWER = "sk-" + "leaked" * 6


@pytest.fixture
def export(database: str, tmp_path: Path) -> Iterator[Export]:
    with export_over(world_of(3), database, tmp_path / "storage") as export:
        yield export


def spoil(export: Export, what: str, **options: Any) -> None:
    export.recogniser.faults.add("transcriptions", what, **options)


def refusal(code: str, kind: str = "invalid_request_error", message: str = "no") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def red(outcome: Outcome) -> ExportError:
    """The one error that turned the run red."""
    (error,) = outcome.red
    return error


def everything_is_bought_once(export: Export, outcome: Outcome) -> None:
    assert outcome.red == []
    assert outcome.verdict.status is RunStatus.COMPLETED
    assert statuses(export, outcome.run_id) == {S.COMPLETED: 3}
    assert bought(export) == 3


class TestPasses:
    """What may pass is tried again, and each recording is bought once."""

    def test_a_rate_limit_costs_no_attempt_however_often_it_comes(self, export: Export) -> None:
        spoil(export, "status", status=429, times=6, body=refusal("rate_limit_exceeded", "requests"))
        outcome = export.run()
        everything_is_bought_once(export, outcome)
        assert outcome.retries == 6
        assert attempts(export, outcome.run_id) == [0, 0, 0]

    def test_a_rate_limit_ends_the_pass_and_says_when_to_come_back(self, export: Export) -> None:
        """The hint goes up to Airflow; the other recordings are not thrown at the same wall."""
        spoil(export, "status", status=429, headers={"retry-after": "7"}, body=refusal("rate_limit_exceeded"))
        outcome, (batch,) = export.prepare()
        export.download(outcome, batch)
        with export.state() as state, export.recognising() as recogniser, pytest.raises(Throttled) as caught:
            transcribe_batch(
                outcome.run_id,
                batch,
                recogniser=recogniser,
                storage=export.storage,
                state=state,
                policy=export.policy,
                fresh=True,
                fetch_again=list,
            )
        assert caught.value.retry_after == 7
        assert asked(export) == 1
        assert statuses(export, outcome.run_id) == {S.DOWNLOADED: 3}

    def test_a_broken_server_costs_one_attempt_of_one_recording(self, export: Export) -> None:
        spoil(export, "status", status=500, body=refusal("server_error", "server_error"))
        outcome = export.run()
        everything_is_bought_once(export, outcome)
        assert sorted(attempts(export, outcome.run_id)) == [0, 0, 1]

    def test_silence_ends_at_the_timeout(self, export: Export) -> None:
        export.patience = 0.5
        spoil(export, "hang", seconds=1.5)
        outcome = export.run()
        everything_is_bought_once(export, outcome)
        assert sorted(attempts(export, outcome.run_id)) == [0, 0, 1]
        assert ("stt_timeout",) in by_sql(export.conninfo, "SELECT error_code FROM call_events")

    @pytest.mark.parametrize(
        ("what", "options"),
        [
            ("html200", {}),
            ("body", {"body": '{"text": "Здравств'}),
            ("body", {"body": {"languages": []}}),
            ("body", {"body": "[]"}),
            ("empty", {}),
            ("drop_connection", {}),
            ("truncate", {}),
            ("status", {"status": 503, "body": "<html>maintenance</html>"}),
        ],
        ids=["html", "cut json", "no text", "not an object", "no body", "reset", "half an answer", "maintenance"],
    )
    def test_what_is_no_answer_never_becomes_a_text(self, export: Export, what: str, options: dict[str, Any]) -> None:
        spoil(export, what, **options)
        outcome = export.run()
        assert outcome.red == []
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 3}
        assert sorted(attempts(export, outcome.run_id)) == [0, 0, 1]
        assert ("stt_unavailable",) in by_sql(export.conninfo, "SELECT error_code FROM call_events")
        for row in export.records(outcome.run_id):
            assert "[симуляция]" in export.storage.get_bytes(str(row.transcript_path)).decode()

    def test_a_server_that_stays_broken_is_an_error(self, export: Export) -> None:
        """One try and three retries each; the texts that came stay, the red task and the registry say why."""
        export.workers = 1
        spoil(export, "status", status=500, after=1, times=-1)
        outcome = export.run()
        assert isinstance(red(outcome), BatchFailed)
        assert outcome.verdict.status is RunStatus.ERROR
        assert asked(export) == 1 + 2 * 4
        assert codes(export, outcome.run_id) == [None, "stt_unavailable", "stt_unavailable"]
        assert [row["error_code"] for row in registry(export)] == ["", "stt_unavailable", "stt_unavailable"]
        export.recogniser.faults.clear()
        outcome.red.clear()
        before = downloaded(export)
        export.transcribe(outcome, 1)
        everything_is_bought_once(export, export.close(outcome))
        assert downloaded(export) == before


class TestRefusedRecording:
    """The recogniser refuses one recording: that one is in error at once, the others go on."""

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (400, refusal("invalid_value", message="Audio file might be corrupted or unsupported")),
            (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
            (422, {"detail": "unprocessable"}),
        ],
    )
    def test_it_is_asked_for_once_and_named_in_the_registry(self, export: Export, status: int, body: Any) -> None:
        export.workers = 1
        spoil(export, "status", status=status, body=body)
        outcome = export.run()
        assert isinstance(red(outcome), BatchFailed)
        assert "call-1" in str(red(outcome))
        assert asked(export) == 3
        assert statuses(export, outcome.run_id) == {S.ERROR: 1, S.COMPLETED: 2}
        assert [row["error_code"] for row in registry(export)] == ["stt_rejected", "", ""]

    def test_an_empty_text_is_kept_and_flagged(self, export: Export) -> None:
        """Speech that came back as nothing is a doubtful text, not an error and not a reason to pay again."""
        export.portal.world.files[9001].audio = Audio(partial(record, 1, seconds=8, stereo=False))
        export.workers = 1
        spoil(export, "body", body={"text": "", "languages": [{"code": "ru"}]})
        everything_is_bought_once(export, export.run())
        assert [row["needs_review"] for row in registry(export)] == ["true", "false", "false"]


class TestStops:
    """What would happen to every other recording, too, stops the run at the first one."""

    def test_a_wrong_key_is_asked_once_and_never_written_down(self, export: Export) -> None:
        spoil(export, "status", status=401, times=-1, body=refusal("invalid_api_key", message=KEY_IN_AN_ANSWER))
        outcome = export.run()
        assert isinstance(red(outcome), AccessDenied)
        assert "OPENAI_API_KEY" in outcome.verdict.sentence
        assert asked(export) == 1
        assert (statuses(export, outcome.run_id), attempts(export, outcome.run_id)) == ({S.DOWNLOADED: 3}, [0, 0, 0])
        for table in ("call_exports", "call_records", "call_events"):
            rows = by_sql(export.conninfo, f"SELECT t::text FROM {table} t")
            assert not any(KEY_IN_AN_ANSWER in text or export.recogniser.key in text for (text,) in rows)

    @pytest.mark.parametrize("code", ["insufficient_quota", "credit_balance_exhausted", "project_spend_limit_exceeded"])
    def test_an_empty_account_stops_the_run_and_nothing_is_retried(self, export: Export, code: str) -> None:
        export.recogniser.no_money = code
        outcome = export.run()
        assert isinstance(red(outcome), QuotaExhausted)
        assert (outcome.verdict.status, outcome.retries, asked(export)) == (RunStatus.ERROR, 0, 1)
        assert attempts(export, outcome.run_id) == [0, 0, 0]

    def test_after_topping_up_the_run_goes_on_where_it_stopped(self, export: Export) -> None:
        spoil(export, "status", status=429, after=1, body=refusal("insufficient_quota", "insufficient_quota"))
        stopped = export.run()
        assert isinstance(red(stopped), QuotaExhausted)
        assert statuses(export, stopped.run_id) == {S.COMPLETED: 1, S.DOWNLOADED: 2}
        before = downloaded(export)
        resumed = export.run(resume_run_id=str(stopped.run_id))
        assert resumed.run_id == stopped.run_id
        everything_is_bought_once(export, resumed)
        assert downloaded(export) == before

    def test_the_other_batches_of_a_stopped_run_ask_nobody(self, database: str, tmp_path: Path) -> None:
        with export_over(world_of(12), database, tmp_path) as export:
            export.recogniser.no_money = "insufficient_quota"
            outcome, batches = export.prepare()
            assert len(batches) > 1
            export.work(outcome, batches)
            assert asked(export) == 1

    def test_a_model_that_is_gone_is_named_with_its_setting(self, export: Export) -> None:
        export.recogniser.retired.add(export.policy.stt.model)
        outcome = export.run()
        assert isinstance(red(outcome), NotConfigured)
        assert export.policy.stt.model in str(red(outcome))
        assert "STT_MODEL" in outcome.verdict.sentence
        assert asked(export) == 1


class TestProxy:
    """With a proxy every request goes through it, or no request is sent."""

    def test_every_request_goes_through_the_proxy(self, export: Export) -> None:
        proxy = ProxySimulator(user="user", password="secret")
        with proxying(proxy) as url:
            export.proxy_url = url.replace("//", "//user:secret@")
            everything_is_bought_once(export, export.run())
        assert len(proxy.journal) == asked(export)
        assert proxy.targets() == {export.recogniser_url.removeprefix("http://")}

    def test_a_dead_proxy_is_never_gone_round(self, export: Export) -> None:
        with listen(0) as closed:
            export.proxy_url = url_of(closed)
        outcome = export.run()
        assert isinstance(red(outcome), BatchFailed)
        assert codes(export, outcome.run_id) == ["stt_unavailable"] * 3
        assert asked(export) == 0
        messages = by_sql(export.conninfo, "SELECT DISTINCT error_message FROM call_records")
        assert messages == [
            ("the recogniser cannot be reached through the proxy of CHATGPT_PROXY_URL; no request bypasses it",)
        ]

    def test_a_proxy_that_refuses_the_password_stops_the_run(self, export: Export) -> None:
        with proxying(ProxySimulator(user="user", password="secret")) as url:
            export.proxy_url = url.replace("//", "//user:mistaken@")
            outcome = export.run()
        assert isinstance(red(outcome), AccessDenied)
        assert "CHATGPT_PROXY_URL" in outcome.verdict.sentence
        assert asked(export) == 0
        assert not any("mistaken" in text for (text,) in by_sql(export.conninfo, "SELECT t::text FROM call_events t"))

    def test_a_proxy_that_dies_in_mid_run_keeps_what_was_bought(self, export: Export) -> None:
        with proxying(ProxySimulator()) as url:
            export.proxy_url = url
            outcome, (batch,) = export.prepare()
            export.download(outcome, batch)
            spoil(export, "status", status=500, after=1, times=2)
            with export.state() as state, export.recognising() as recogniser, pytest.raises(ExportError):
                transcribe_batch(
                    outcome.run_id,
                    batch,
                    recogniser=recogniser,
                    storage=export.storage,
                    state=state,
                    policy=export.policy,
                    fresh=True,
                    fetch_again=list,
                )
        export.transcribe(outcome, batch, fresh=False)
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 1, S.ERROR: 2}
        export.proxy_url, outcome.red = None, []
        everything_is_bought_once(export, export.run(resume_run_id=str(outcome.run_id)))


class FailsOnLongOnes:
    """A recogniser whose server responds 500 to pieces of more than three seconds."""

    def __init__(self, real: Recogniser) -> None:
        self.real, self.profile, self.refused = real, real.profile, 0

    def recognise(self, file: Path, *, seconds: float, **asked: Any) -> RecognitionResponse:
        if seconds <= 3:
            return self.real.recognise(file, seconds=seconds, **asked)
        self.refused += 1
        raise ServerFault("it responded 500", code=ErrorCode.STT_UNAVAILABLE)


class TestOneFile:
    """A 500 to one file and not to others is counted against the recording, not as an outage."""

    def test_the_second_failure_ends_the_recording(self, export: Export) -> None:
        export.portal.world.files[9001].audio = Audio(partial(record, 1, seconds=8, stereo=False))
        outcome, batches = export.prepare()
        for batch in batches:
            export.download(outcome, batch)
        with export.state() as state, export.recognising() as real:
            recogniser = FailsOnLongOnes(real)
            asked_of = cast("Recogniser", recogniser)
            for batch in [*batches, *batches]:
                with suppress(Unfinished, BatchFailed):
                    transcribe_batch(
                        outcome.run_id, batch, recogniser=asked_of, storage=export.storage, state=state,
                        policy=export.policy, fresh=False, fetch_again=lambda: None, workers=1,
                    )  # fmt: skip
        assert statuses(export, outcome.run_id) == {S.COMPLETED: 2, S.ERROR: 1}
        assert codes(export, outcome.run_id) == ["stt_rejected", None, None]
        assert recogniser.refused == 2

    def test_a_server_that_fails_on_all_is_not_available(self, export: Export) -> None:
        spoil(export, "status", status=500, times=-1, body=refusal("", "server_error"))
        outcome = export.run()
        assert codes(export, outcome.run_id) == ["stt_unavailable"] * 3
        assert attempts(export, outcome.run_id) == [4, 4, 4]
