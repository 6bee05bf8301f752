"""The language model from the connection `language_model`, or from the recogniser's if there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from airflow.sdk.exceptions import AirflowNotFoundException

from include.common.names import LANGUAGE_MODEL_CONN, RECOGNISER_CONN
from include.common.wording import connections as texts
from plugins.hooks.openai_compatible import OpenAICompatibleHook

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from include.clients.openai.chat_completion import JsonModel, LanguageModel


SUMMARIES = "call_summary"  # task of the routing table


class LanguageModelHook(OpenAICompatibleHook):
    """OpenAI's or any compatible service.

    Most installations use one account and one proxy for speech and texts, so the launcher makes the recogniser's
    connection only; a connection `language_model` sends texts to another service.
    """

    conn_name_attr = "language_model_conn_id"
    default_conn_name = LANGUAGE_MODEL_CONN
    conn_type = "language_model"
    hook_name = texts.LANGUAGE_MODEL

    def __init__(self, language_model_conn_id: str = default_conn_name, *, model: str = "") -> None:
        super().__init__(language_model_conn_id)
        self.language_model_conn_id = language_model_conn_id
        self.model = model

    def get_conn(self) -> "LanguageModel":
        """Raises NotConfigured if the service cannot be asked: no connection, key or address, or a bad address."""
        from include.clients.openai.chat_completion import LanguageModel

        return LanguageModel(model=self.model, **self.access())

    def _connection(self) -> "Connection":
        try:
            return self.get_connection(self.conn_id)
        except AirflowNotFoundException:
            self.conn_id = RECOGNISER_CONN
            return super()._connection()


@contextmanager
def summary_model(model: str, run_id: UUID) -> "Iterator[JsonModel]":
    """The model of the connection as ever; with FF_LLM_ROUTING_ENABLED the providers of the task `call_summary`."""
    from plugins.hooks.language_models import open_router, routing_switched_on
    from plugins.hooks.policy_overrides import policy_overrides

    if not routing_switched_on(policy_overrides()):
        with LanguageModelHook(model=model).get_conn() as single:
            yield single
        return
    from include.clients.language_models.routed_model import RoutedModel
    from include.clients.language_models.routing_state import RoutingState
    from plugins.hooks.calls_state import CallsStateHook

    with RoutingState.open(CallsStateHook().conninfo()) as state, open_router(state, run_id=str(run_id)) as router:
        yield RoutedModel(router, SUMMARIES)
