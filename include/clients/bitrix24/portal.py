"""The portal's REST API: one call, or up to 50 in one request, paced; short refusals are waited out."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from include.clients.bitrix24.batch_request import Command, command_line, section
from include.clients.bitrix24.pace import Pace
from include.clients.bitrix24.portal_errors import PortalError, error_in, export_error, page_instead_of_json
from include.clients.bitrix24.responses import Response, response_from, unknown_form
from include.clients.bitrix24.storage_hosts import CLOUD_STORAGE_HOSTS
from include.clients.bitrix24.throttling import MethodBudgets, RefusalLimit
from include.clients.bitrix24.transport import Exchange, Transport
from include.clients.bitrix24.webhook import Webhook
from include.common.errors import Temporary
from include.common.host_guard import HostGuard
from include.common.http_sessions import guarded_session

BATCH_SIZE = 50


@dataclass(frozen=True, slots=True)
class BatchResponse:
    """The key of a command is in `results`, in `errors`, or in neither: then the portal has postponed the command."""

    results: dict[str, Any]
    errors: dict[str, PortalError]


class Portal:
    """A refusal never uses up a caller's attempt: it is reported to the pace, its next permit comes later, and the
    request is sent again, for at most `max_wait` seconds in all; beyond that Throttled is raised with `retry_after`.
    """

    def __init__(
        self,
        webhook: Webhook,
        pace: Pace,
        *,
        recording_hosts: Iterable[str] = (),
        backoff: float = 5.0,
        max_wait: float = 60.0,
        ca_bundle: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.webhook = webhook
        self.pace = pace
        self.guard = HostGuard(webhook.portal_url, recording_hosts, storage_hosts=CLOUD_STORAGE_HOSTS)
        self.files = guarded_session(self.guard, ca_bundle=ca_bundle)
        self.clock = clock
        self.clock_offset_sec: float | None = None  # by which the portal's clock is ahead of ours, as far as is known
        self._wall_clock = wall_clock
        self._transport = Transport(webhook, self.guard, ca_bundle=ca_bundle)
        self._budgets = MethodBudgets(clock)
        self._backoff = backoff
        self._max_wait = max_wait

    @property
    def url(self) -> str:
        """The present address of the portal, without a token; it changes when the portal says that it was renamed."""
        return self._transport.portal_url

    @property
    def operating(self) -> dict[str, float]:
        """The most seconds that the portal has counted for each method in any ten minutes of this client's life."""
        return dict(self._budgets.most)

    def close(self) -> None:
        self._transport.close()
        self.files.close()

    def refusal_limit(self) -> RefusalLimit:
        """For one piece of work of several requests."""
        return RefusalLimit(self.pace, self._budgets, backoff=self._backoff, seconds=self._max_wait)

    def call(
        self, method: str, params: Mapping[str, Any] | None = None, *, limit: RefusalLimit | None = None
    ) -> Response:
        """Raises the error that `export_error` makes of the portal's error."""
        limit = limit or self.refusal_limit()
        while True:
            self.pace.acquire()
            exchange = self._transport.post(method, params or {})
            error = error_in(exchange.body, exchange.status, self.webhook.token)
            if error is None:
                return self._response(exchange, method)
            if not error.is_refusal:
                raise export_error(error, method)
            limit.refused(error, method, exchange.retry_after)

    def batch(self, commands: Mapping[str, Command]) -> BatchResponse:
        """Any number of independent commands, 50 in a request; every key ends in `results` or in `errors`.

        Keys must not be numbers: PHP would number them anew. Only commands that the portal postponed or left out are
        sent again.
        """
        results: dict[str, Any] = {}
        errors: dict[str, PortalError] = {}
        left = dict(commands)
        limit = self.refusal_limit()
        while left:
            response = self.batch_once(dict(islice(left.items(), BATCH_SIZE)), limit)
            results |= response.results
            errors |= response.errors
            left = {key: command for key, command in left.items() if key not in results and key not in errors}
        return BatchResponse(results, errors)

    def batch_once(self, commands: Mapping[str, Command], limit: RefusalLimit) -> BatchResponse:
        """One request whose commands may refer to earlier ones by `$result[key]...`; nothing is sent again.

        Raises Temporary if the portal executed nothing and gave no reason.
        """
        lines = {key: command_line(command) for key, command in commands.items()}
        response = self.call("batch", {"halt": 0, "cmd": lines}, limit=limit)
        if not isinstance(response.result, dict):
            raise unknown_form("batch", "the response has no parts")
        results = section(response.result, "result", list(commands))
        errors = self._command_errors(response.result, [key for key in commands if not results.get(key)])
        for key, spent in section(response.result, "result_time", list(commands)).items():
            self._budgets.note(commands[key][0], spent)
        refusals = [key for key, error in errors.items() if error.is_refusal]
        if not results and not errors:
            raise Temporary("batch: the portal executed none of the commands and gave no reason")
        if refusals:
            limit.refused(errors[refusals[0]], commands[refusals[0]][0])
        return BatchResponse(
            {key: result for key, result in results.items() if key not in errors},
            {key: error for key, error in errors.items() if key not in refusals},
        )

    def _command_errors(self, result: Mapping[str, Any], without_result: list[str]) -> dict[str, PortalError]:
        found = {}
        for key, body in section(result, "result_error", without_result).items():
            error = error_in(body, 200, self.webhook.token)
            if error is None:
                raise unknown_form("batch", "the error of a command has no code")
            found[key] = error
        return found

    def _response(self, exchange: Exchange, method: str) -> Response:
        if exchange.body is None or exchange.status >= 400:
            raise page_instead_of_json(exchange.status, method)
        response = response_from(exchange.body, method)
        self._budgets.note(method, response.time)
        self._compare_clocks(response.time.get("finish"))
        return response

    def _compare_clocks(self, finished: Any) -> None:
        """The smallest difference of all responses: the way back makes the portal's clock look slow."""
        if isinstance(finished, int | float):
            offset = finished - self._wall_clock()
            if self.clock_offset_sec is None or abs(offset) < abs(self.clock_offset_sec):
                self.clock_offset_sec = offset
