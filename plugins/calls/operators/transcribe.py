"""Recognition of one batch: the hook brings the client, the step does the work."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.common.names import RECOGNISER_CONN

if TYPE_CHECKING:
    from threading import Event

    from airflow.sdk import Context

    from include.calls.policy import Policy
    from include.calls.state.state import State
    from plugins.hooks.recogniser import RecogniserHook


class TranscribeBatchOperator(BaseOperator):
    """Turns the stored audio of a batch into transcripts; returns how many recordings have one now.

    Each recording moves on by itself, so a task killed at any moment loses at most the request under way.
    """

    template_fields = ("run_id", "batch")

    def __init__(self, *, run_id: Any, batch: Any, recogniser_conn_id: str = RECOGNISER_CONN, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.batch = batch
        self.recogniser_conn_id = recogniser_conn_id

    @cached_property
    def policy(self) -> "Policy":
        from plugins.hooks.calls_policy import load_run_policy

        return load_run_policy()

    @cached_property
    def hook(self) -> "RecogniserHook":
        from plugins.hooks.recogniser import RecogniserHook

        stt = self.policy.stt
        return RecogniserHook(
            self.recogniser_conn_id,
            model=stt.model,
            fallback_model=stt.fallback_model,
            timeout_sec=stt.timeout_seconds,
        )

    def execute(self, context: "Context") -> int:
        from contextlib import nullcontext

        from include.calls.domain.stages import Stage
        from include.calls.steps.transcribe_batch import transcribe_batch
        from plugins.airflow_kit.stop_signal import stop_asked
        from plugins.airflow_kit.task_instance import is_fresh
        from plugins.calls.task_context import after_batch, open_batch
        from plugins.calls.tasks import show_registry
        from plugins.hooks.storage import StorageHook

        run_id, batch = self.run_id, int(self.batch)
        with open_batch(context, run_id, batch, Stage.TRANSCRIBE) as state:
            try:
                with (
                    self.hook.get_conn() as recogniser,
                    self.hook.fallback() or nullcontext() as fallback,
                    stop_asked() as stop,
                ):
                    return transcribe_batch(
                        run_id,
                        batch,
                        recogniser=recogniser,
                        storage=StorageHook().get_conn(),
                        state=state,
                        policy=self.policy,
                        fresh=is_fresh(context),
                        fetch_again=lambda: self._fetch_again(state, stop),
                        fallback=fallback,
                        stop=stop,
                    )
            finally:
                after_batch(context, run_id, state, show=show_registry)

    def _fetch_again(self, state: "State", stop: "Event") -> None:
        """Downloads audio that the storage has lost.

        Recordings of the batch that fail to download are the task `download`'s failure and do not stop this one.
        """
        from contextlib import suppress

        from include.calls.steps.outcome import BatchFailed
        from plugins.calls.tasks import fetch_batch

        with suppress(BatchFailed):
            fetch_batch(self.run_id, int(self.batch), state, fresh=False, stop=stop)
