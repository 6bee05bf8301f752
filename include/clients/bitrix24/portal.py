"""The portal's REST API: one call, or up to 50 in one request, paced and with small refusals waited out."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from include.clients.bitrix24.batch_request import Command, command_line, section
from include.clients.bitrix24.pace import Pace
from include.clients.bitrix24.responses import Answer, PortalError, answer_from, error_in, ours, page_instead_of_json
from include.clients.bitrix24.storage_hosts import CLOUD_STORAGE_HOSTS
from include.clients.bitrix24.throttling import Budgets, Patience
from include.clients.bitrix24.transport import Exchange, Transport, file_session
from include.clients.bitrix24.webhook import Webhook
from include.common.errors import ContractBroken, Temporary
from include.common.host_guard import HostGuard

BATCH_SIZE = 50


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """A command's key is in `results`, in `errors`, or in neither: then the portal put it off."""

    results: dict[str, Any]
    errors: dict[str, PortalError]


class Portal:
    """Refusals never use up a caller's attempts: they are told to the pace, waited out by its next permit and asked
    again, for at most `patience` seconds in all; beyond that Throttled is raised with `retry_after`.
    """

    def __init__(
        self,
        webhook: Webhook,
        pace: Pace,
        *,
        recording_hosts: Iterable[str] = (),
        backoff: float = 5.0,
        patience: float = 60.0,
        ca_bundle: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.webhook = webhook
        self.pace = pace
        self.guard = HostGuard(webhook.portal_url, recording_hosts, storage_hosts=CLOUD_STORAGE_HOSTS)
        self.files = file_session(self.guard, ca_bundle=ca_bundle)
        self.clock = clock
        self._transport = Transport(webhook, self.guard, ca_bundle=ca_bundle)
        self._budgets = Budgets(clock)
        self._backoff = backoff
        self._patience = patience

    @property
    def url(self) -> str:
        """Where the portal lives now, without a token; it changes when the portal says that it was renamed."""
        return self._transport.portal_url

    @property
    def operating(self) -> dict[str, float]:
        """The most seconds that the portal has counted for each method in any ten minutes of this client's life."""
        return dict(self._budgets.most)

    def close(self) -> None:
        self._transport.close()
        self.files.close()

    def patience(self) -> Patience:
        """For one piece of work of several requests."""
        return Patience(self.pace, self._budgets, backoff=self._backoff, seconds=self._patience)

    def call(self, method: str, params: Mapping[str, Any] | None = None, *, patience: Patience | None = None) -> Answer:
        """Raises what `answers.ours` makes of the portal's error."""
        patience = patience or self.patience()
        while True:
            self.pace.acquire()
            exchange = self._transport.post(method, params or {})
            error = error_in(exchange.body, exchange.status, self.webhook.token)
            if error is None:
                return self._answer(exchange, method)
            if not error.is_refusal:
                raise ours(error, method)
            patience.refused(error, method, exchange.retry_after)

    def batch(self, commands: Mapping[str, Command]) -> BatchAnswer:
        """Any number of independent commands, 50 in a request; every key ends in `results` or in `errors`.

        Keys must not be numbers: PHP would number them anew. Commands that the portal put off or left out are sent
        again, and only those.
        """
        results: dict[str, Any] = {}
        errors: dict[str, PortalError] = {}
        left = dict(commands)
        patience = self.patience()
        while left:
            answer = self.batch_once(dict(islice(left.items(), BATCH_SIZE)), patience)
            results |= answer.results
            errors |= answer.errors
            left = {key: command for key, command in left.items() if key not in results and key not in errors}
        return BatchAnswer(results, errors)

    def batch_once(self, commands: Mapping[str, Command], patience: Patience) -> BatchAnswer:
        """One request whose commands may refer to earlier ones by `$result[key]...`; nothing is sent again.

        Raises Temporary where the portal executed nothing and gave no reason.
        """
        lines = {key: command_line(command) for key, command in commands.items()}
        answer = self.call("batch", {"halt": 0, "cmd": lines}, patience=patience)
        if not isinstance(answer.result, dict):
            raise ContractBroken("batch: the portal's answer has no parts")
        results = section(answer.result, "result", list(commands))
        errors = self._sub_errors(answer.result, [key for key in commands if not results.get(key)])
        for key, spent in section(answer.result, "result_time", list(commands)).items():
            self._budgets.note(commands[key][0], spent)
        refusals = [key for key, error in errors.items() if error.is_refusal]
        if not results and not errors:
            raise Temporary("batch: the portal executed none of the commands and did not say why")
        if refusals:
            patience.refused(errors[refusals[0]], commands[refusals[0]][0])
        return BatchAnswer(
            {key: result for key, result in results.items() if key not in errors},
            {key: error for key, error in errors.items() if key not in refusals},
        )

    def _sub_errors(self, result: Mapping[str, Any], unanswered: list[str]) -> dict[str, PortalError]:
        found = {}
        for key, body in section(result, "result_error", unanswered).items():
            error = error_in(body, 200, self.webhook.token)
            if error is None:
                raise ContractBroken("batch: a command's error has no code")
            found[key] = error
        return found

    def _answer(self, exchange: Exchange, method: str) -> Answer:
        if exchange.body is None or exchange.status >= 400:
            raise page_instead_of_json(exchange.status, method)
        answer = answer_from(exchange.body, method)
        self._budgets.note(method, answer.time)
        return answer
