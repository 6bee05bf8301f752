"""A whole export without Airflow: the real steps, a real PostgreSQL and storage, the simulated portal and recogniser.

What Airflow adds (retries, mapping, clearing) is done here in the plainest way: a Temporary is tried again at once.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from include.calls.domain.erasure_hashes import ErasureKey
from include.calls.domain.run_request import RunRequest
from include.calls.domain.states import RecordStatus
from include.calls.domain.storage_keys import registry_key
from include.calls.policy import Policy, load_policy
from include.calls.reporting.approval_question import Question
from include.calls.state.state import State
from include.calls.state.types import RecordingRow
from include.calls.steps.approve import record_decision
from include.calls.steps.close_run import ClosedRun, close_run
from include.calls.steps.download import download_batch
from include.calls.steps.list_calls import list_calls
from include.calls.steps.open_run import DagRunFacts, open_run
from include.calls.steps.plan import batches_of, plan
from include.calls.steps.preflight import preflight
from include.calls.steps.publish import publish
from include.calls.steps.run_lifecycle import enter, stop_run
from include.calls.steps.transcribe_batch import WORKERS, transcribe_batch
from include.clients.bitrix24.telephony import PortalSettings, open_telephony
from include.clients.bitrix24.webhook import Webhook
from include.clients.storage.base import Storage
from include.clients.storage.local import LocalStorage
from include.common.budget import Decision
from include.common.errors import ExportError, StopRun, Temporary
from include.common.periods import Period
from include.common.telephony import TelephonySystem
from include.speech.recognition_client import Recogniser, RecogniserSettings
from simulators.bitrix24.app import PortalSimulator
from simulators.bitrix24.limits import Limits
from simulators.bitrix24.world import PortalWorld
from simulators.kit.in_process import running
from simulators.openai.app import RecogniserSimulator
from tests.kit.undrawn_report import drawn_report, undrawn_report

RUN_AFTER = datetime(2025, 8, 3, 2, tzinfo=UTC)
FROM, TO = "2025-08-01", "2025-08-02"
MOST_TRIES = 20


def night(number: int) -> datetime:
    """The own time of a run that is due so many nights after the first one."""
    return RUN_AFTER + timedelta(days=number)


@dataclass
class Outcome:
    """One run as a person would see it: the verdict, and the errors that turned tasks red."""

    run_id: UUID
    verdict: ClosedRun
    red: list[ExportError] = field(default_factory=list)
    retries: int = 0
    question: Question | None = None
    dag_run_id: str = ""


@dataclass
class Export:
    """Both simulators, the state and the storage of one test, and the ways to run an export over them."""

    portal: PortalSimulator
    portal_url: str
    recogniser: RecogniserSimulator
    recogniser_url: str
    conninfo: str
    storage: Storage
    policy: Policy
    runs: int = 0
    telephony: TelephonySystem | None = None  # another system than the simulated portal
    fallback_at: tuple[str, str] | None = None  # address and key of another service for the fallback model
    rate: float = 1000.0
    pause: float = 0.0  # seconds between tries, for what takes a moment to pass
    proxy_url: str | None = None
    patience: float = 5.0  # seconds for the recogniser's answer
    workers: int = WORKERS  # 1 where a test says which recording meets what
    erasure_key: ErasureKey | None = None
    alive: set[str] = field(default_factory=set)  # DAG runs that Airflow has not ended

    def run(self, **request: object) -> Outcome:
        """From opening to closing. Raises what stops a run before its batches."""
        outcome, batches = self.prepare(**request)
        self.work(outcome, batches)
        return self.close(outcome)

    def prepare(self, **request: object) -> tuple[Outcome, list[int]]:
        """Everything before the first batch; returns their numbers, none where a person is asked first."""
        dag_run_id = str(request.setdefault("dag_run_id", f"test__{self.runs + 1}"))
        run_id = self.open(**request)
        with self.state() as state, self.client() as telephony:
            outcome = Outcome(run_id, verdict=None, dag_run_id=dag_run_id)  # type: ignore[arg-type]
            try:
                check = self.recognising().close
                self.again(outcome, lambda: preflight(
                    run_id, telephony, self.storage, state, check_recogniser=check,
                    portal_texts=self.policy.stt.reuse_portal_transcripts,
                ))  # fmt: skip
                self.again(outcome, lambda: list_calls(
                    run_id, telephony, state, erasure_key=self.erasure_key
                ))  # fmt: skip
                planned = plan(run_id, state, self.storage, self.policy)
            except StopRun as error:
                stop_run(run_id, error, state, stage="test")
                close_run(run_id, state, self.policy, upstream_failed=None)
                raise
        outcome.question = planned.question
        return outcome, [] if planned.question else planned.batches

    def answer(self, outcome: Outcome, *, approved: bool, by: str | None = "director") -> list[int]:
        """A person's decision, or with `by` None the end of waiting for one; returns the batches to start."""
        assert outcome.question is not None
        with self.state() as state:
            record_decision(outcome.run_id, outcome.question.cost, Decision(approved, by, RUN_AFTER), state)
            return batches_of(outcome.run_id, state, self.policy) if approved else []

    def open(self, **request: object) -> UUID:
        self.runs += 1
        facts = {"dag_run_id": f"test__{self.runs}", "run_after": RUN_AFTER, "actor": "tester", "trigger": "manual"}
        facts |= {name: request.pop(name) for name in facts if name in request}
        with self.state() as state:
            opened = open_run(
                RunRequest.of({"period_from": FROM, "period_to": TO, "deliver_texts": False, **request}),
                DagRunFacts(**facts),  # type: ignore[arg-type]
                state,
                self.policy.period,
                self.alive.__contains__,
            )
        return opened.run_id

    def work(self, outcome: Outcome, batches: list[int], *, fresh: bool = True) -> None:
        """Every batch through download and recognition, as mapped tasks would."""
        for batch in batches:
            self.download(outcome, batch, fresh=fresh)
            self.transcribe(outcome, batch, fresh=fresh)

    def download(self, outcome: Outcome, batch: int, *, fresh: bool = True) -> None:
        with self.state() as state, self.client() as telephony:
            self._stage(outcome, state, fresh, lambda first: download_batch(
                outcome.run_id, batch, telephony=telephony, storage=self.storage, state=state, policy=self.policy,
                fresh=first,
            ))  # fmt: skip

    def transcribe(self, outcome: Outcome, batch: int, *, fresh: bool = True) -> None:
        with self.state() as state, self.recognising() as recogniser, self.second() as fallback:
            self._stage(outcome, state, fresh, lambda first: transcribe_batch(
                outcome.run_id, batch, recogniser=recogniser, storage=self.storage, state=state, policy=self.policy,
                fresh=first, fetch_again=lambda: self.fetch_again(outcome, batch), fallback=fallback,
                workers=self.workers,
            ))  # fmt: skip

    def fetch_again(self, outcome: Outcome, batch: int) -> None:
        with self.state() as state, self.client() as telephony:
            download_batch(
                outcome.run_id,
                batch,
                telephony=telephony,
                storage=self.storage,
                state=state,
                policy=self.policy,
                fresh=False,
            )

    def close(self, outcome: Outcome) -> Outcome:
        with self.state() as state:
            self._enter(outcome, state)
            publish(outcome.run_id, state, self.storage, self.policy)
            outcome.verdict = close_run(
                outcome.run_id, state, self.policy, upstream_failed=None, dag_run_id=outcome.dag_run_id or None
            )
        return outcome

    def _enter(self, outcome: Outcome, state: State, *, reopen: bool = False) -> None:
        """As each task does first."""
        ours = outcome.dag_run_id or state.runs.get(outcome.run_id).worked_by
        is_live = self.alive.__contains__
        enter(outcome.run_id, state, is_live, dag_run_id=ours, stage="test", reopen=reopen)

    def _stage(self, outcome: Outcome, state: State, fresh: bool, work: Callable[[bool], int]) -> None:
        self._enter(outcome, state, reopen=True)
        first = [fresh]

        def once() -> int:
            return work(first.pop() if first else False)

        try:
            self.again(outcome, once)
        except StopRun as error:
            stop_run(outcome.run_id, error, state, stage="test")
            outcome.red.append(error)
        except ExportError as error:
            outcome.red.append(error)

    def again(self, outcome: Outcome, work: Callable[[], object]) -> None:
        """Airflow's part: a Temporary is tried again."""
        for _ in range(MOST_TRIES):
            try:
                work()
            except Temporary:
                outcome.retries += 1
                time.sleep(self.pause)
            else:
                return
        raise AssertionError(f"still temporary after {MOST_TRIES} tries")

    # What a test looks at

    def state(self) -> State:
        return State.open(self.conninfo)

    @contextmanager
    def client(self) -> Iterator[TelephonySystem]:
        if self.telephony is not None:
            yield self.telephony
            return
        webhook = Webhook.of(self.portal_url, self.portal.user, self.portal.token)
        hosts = [self.portal_url.removeprefix("http://")]
        settings = PortalSettings(rate=self.rate, recording_hosts=hosts, backoff=0.01, max_wait=2.0)
        with open_telephony(webhook, self.conninfo, settings) as telephony:
            yield telephony

    def second(self) -> AbstractContextManager[Recogniser | None]:
        """The fallback recogniser, where the policy names one."""
        model = self.policy.stt.fallback_model
        if self.fallback_at is None:
            return self.recognising(model) if model else nullcontext()
        url, key = self.fallback_at
        return Recogniser(RecogniserSettings(model, api_key=key, base_url=f"{url}/v1", timeout_sec=self.patience))

    def recognising(self, model: str | None = None) -> Recogniser:
        return Recogniser(
            RecogniserSettings(
                model=model or self.policy.stt.model,
                api_key=self.recogniser.key,
                base_url=f"{self.recogniser_url}/v1",
                proxy_url=self.proxy_url,
                timeout_sec=self.patience,
            )
        )

    def records(self, run_id: UUID, *statuses: RecordStatus) -> list[RecordingRow]:
        """The recordings that the run reports, as they are now."""
        with self.state() as state:
            return list(state.recordings.of_run(run_id, set(statuses or RecordStatus)))

    def batches(self, run_id: UUID) -> list[int]:
        """All batches that the run has ever had."""
        with psycopg.connect(self.conninfo) as connection:
            found = connection.execute(
                "SELECT DISTINCT batch_no FROM run_work WHERE run_id = %s AND batch_no IS NOT NULL ORDER BY 1", [run_id]
            ).fetchall()
        return [number for (number,) in found]

    def registry(self) -> str:
        period = Period(datetime(2025, 8, 1, tzinfo=UTC), datetime(2025, 8, 2, 23, 59, 59, tzinfo=UTC))
        return self.storage.get_bytes(registry_key(period)).decode("utf-8-sig")


@contextmanager
def export_over(
    world: PortalWorld, database: str, storage: Storage | Path, *, drawn: bool = False, **overrides: str
) -> Iterator[Export]:
    """An export over simulators that are served while the context lasts; `overrides` as in the environment.

    `drawn`: the report's pictures and PDF are drawn for this run, as `publish` does it.

    Up to nine recordings are one batch: in the product's smaller ones there would be no others to suffer from a fault.
    """
    policy = load_policy(overrides)
    portal = PortalSimulator(world, limits=Limits(rps=1000, bucket=1000))
    recogniser = RecogniserSimulator(requests_per_minute=100_000)
    report = drawn_report() if drawn else undrawn_report()
    with report, _unflushed(), running(portal) as portal_url, running(recogniser) as recogniser_url:
        yield Export(
            portal=portal,
            portal_url=portal_url,
            recogniser=recogniser,
            recogniser_url=recogniser_url,
            conninfo=database,
            storage=LocalStorage(storage) if isinstance(storage, Path) else storage,
            policy=policy.model_copy(update={"batches": policy.batches.model_copy(update={"min_calls": 5})}),
        )


@contextmanager
def _unflushed() -> Iterator[None]:
    """Copies of a hundred files flush the whole disk, with what other processes have written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("include.clients.storage.local._flush_file_systems", lambda _folders: None)
        yield
