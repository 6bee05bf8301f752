"""Recognition of one batch: the hook brings the client, the step knows the order of things."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.common.names import RECOGNISER_CONN

if TYPE_CHECKING:
    from airflow.sdk import Context


class WhisperTranscribeOperator(BaseOperator):
    """Turns the stored audio of a batch into transcripts; returns how many recordings have one now.

    Each recording moves on by itself, so a task killed at any moment loses at most the piece in hand (D19).
    """

    template_fields = ("run_id", "batch")

    def __init__(self, *, run_id: Any, batch: Any, whisper_conn_id: str = RECOGNISER_CONN, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.batch = batch
        self.whisper_conn_id = whisper_conn_id

    def execute(self, context: "Context") -> int:
        from plugins.calls import recognition_tasks

        return recognition_tasks.transcribe(context, self.run_id, int(self.batch), whisper_conn_id=self.whisper_conn_id)
