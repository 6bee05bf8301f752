"""What the tasks do that hear or write: apart from `work.py`, because audio and recognisers' clients are 40 MB."""

from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from include.calls.domain.stages import Stage
from include.calls.steps import summarize as summarize_step
from include.calls.steps import transcribe_batch as transcribe_step
from include.calls.steps.outcome import BatchFailed
from plugins.calls.task_context import batch_of, is_fresh
from plugins.calls.tasks import fetch_batch, want_summaries
from plugins.hooks.calls_policy import load_run_policy
from plugins.hooks.calls_state import StateHook
from plugins.hooks.recogniser import WhisperHook
from plugins.hooks.storage import StorageHook

if TYPE_CHECKING:
    from airflow.sdk import Context


def transcribe(context: "Context", run_id: str, batch: int, *, whisper_conn_id: str) -> int:
    with batch_of(context, run_id, batch, Stage.TRANSCRIBE, "распознаю речь") as state:
        policy = load_run_policy()
        hook = WhisperHook(whisper_conn_id, policy=policy)
        with hook.get_conn() as recogniser, hook.fallback() or nullcontext() as fallback:
            return transcribe_step.transcribe_batch(
                UUID(run_id),
                batch,
                recogniser=recogniser,
                storage=StorageHook().get_conn(),
                state=state,
                policy=policy,
                fresh=is_fresh(context),
                fetch_again=partial(_fetch_again, run_id, batch),
                fallback=fallback,
            )


def _fetch_again(run_id: str, batch: int) -> int:
    """For audio that the storage has lost.

    Recordings of the batch that failed to download are the download task's red, and no reason to leave these.
    """
    with suppress(BatchFailed), StateHook().get_conn() as state:
        return fetch_batch(run_id, batch, state, fresh=False)
    return 0


def summarize(context: "Context", run_id: str, batch: int) -> int:
    want_summaries(run_id)  # asked again: the task that should have skipped this one may have failed
    policy = load_run_policy()
    with (
        batch_of(context, run_id, batch, Stage.SUMMARIZE, "пишу саммари") as state,
        WhisperHook(policy=policy).language_model() as model,
    ):
        return summarize_step.summarize_batch(
            UUID(run_id),
            batch,
            language_model=model,
            storage=StorageHook().get_conn(),
            state=state,
            policy=policy,
            fresh=is_fresh(context),
        )
