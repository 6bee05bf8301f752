"""The router in the form in which a task knows one language model: `ask` of
`include/clients/openai/chat_completion.py`.
"""

from collections.abc import Mapping
from typing import Any

from include.clients.language_models.question import Question, Reply
from include.clients.language_models.router import NoAnswer, Router
from include.clients.openai.chat_completion import ModelResponse, TokenUsage, UnusableResponse
from include.common.errors import BudgetSpent, ErrorCode, ExportError, Permanent


class RoutedModel:
    """Several providers as one model; `model` is the name of the one that is asked first."""

    def __init__(self, router: Router, task: str) -> None:
        """Raises NotConfigured for a task without a route."""
        self._router, self._task = router, task
        self.model = router.providers(task)[0][1].model

    def ask(self, *, instructions: str, data: str, schema_name: str, schema: Mapping[str, Any]) -> ModelResponse:
        """Raises Permanent(summary_failed), UnusableResponse, Throttled, AccessDenied, QuotaExhausted or StopRun.

        Responses that were billed before the usable one are in its `unusable`. The ceiling of the day fails this
        question and not the run: the run's own work costs nothing there.
        """
        billed: list[Reply] = []
        question = Question(self._task, instructions, data, schema_name, schema)
        try:
            reply = self._router.ask(question, billed.append)
        except NoAnswer as error:
            spent = [_unusable(each) for each in billed]
            if not spent:
                raise Permanent(str(error), code=ErrorCode.SUMMARY_FAILED) from None
            last = spent.pop()
            last.earlier = tuple(spent)
            failure: ExportError = last
        except BudgetSpent as error:
            failure = Permanent(str(error), code=ErrorCode.SUMMARY_FAILED)
        else:
            assert reply.content is not None
            earlier = tuple(_unusable(each) for each in billed if each is not reply)
            return ModelResponse(reply.content, _usage(reply), earlier)
        raise failure


def _usage(reply: Reply) -> TokenUsage:
    return TokenUsage(reply.model, reply.input_tokens, reply.output_tokens, usd=reply.cost, counted=reply.counted)


def _unusable(reply: Reply) -> UnusableResponse:
    return UnusableResponse(reply.fault, _usage(reply), 0)
