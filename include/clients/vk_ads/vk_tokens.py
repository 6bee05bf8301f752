"""The access token of VK Ads: at most five live for one client and user, and renewing one ends the old one for all.

So there is one for all processes, in a `TokenStore`, renewed under its lock. `token/delete` is never called: it would
delete the tokens of other programs, too.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from include.clients.access_tokens import HeldToken, TokenStore
from include.clients.source_api import SourceApi, retry_after, vendor_text
from include.common.errors import LoadCode, StopRun

_PATH = "api/v2/oauth2/token.json"
_EARLY = timedelta(minutes=30)  # no request of a load may meet an expired token
_LIFETIME_SECONDS = 86_400


class VkTokens(Protocol):
    def current(self) -> str: ...

    def renewed(self, refused: str) -> str | None:
        """A token in the place of the refused one; None where there is none."""


class ReadyToken:
    """A token that a person has made (`VK_TOKEN`)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        return self._token

    def renewed(self, refused: str) -> str | None:  # noqa: ARG002 - the shape of VkTokens
        return None


class ClientTokens:
    """Tokens for a client's id and secret; `agency_client` is the account of an agency's client, "" the own account."""

    def __init__(
        self,
        api: SourceApi,
        client_id: str,
        client_secret: str,
        store: TokenStore,
        *,
        agency_client: str = "",
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._agency_client = agency_client
        self._store = store
        self._now = now

    def current(self) -> str:
        """Raises AccessDenied, StopRun (token_limit) or Temporary."""
        with self._locked() as held:
            if not held.value or held.expires_at is None or held.expires_at - self._now() < _EARLY:
                self._renew(held)
            return held.value

    def renewed(self, refused: str) -> str | None:
        """Another task may have renewed it meanwhile: then its token is the answer."""
        with self._locked() as held:
            if held.value == refused:
                self._renew(held)
            return held.value

    def _locked(self) -> AbstractContextManager[HeldToken]:
        return self._store.locked("vk_ads", self._agency_client or self._client["client_id"])

    def _renew(self, held: HeldToken) -> None:
        """By the refresh token if there is one: that takes no new place among the five."""
        answer = None
        if held.refresh:
            answer = self._ask({"grant_type": "refresh_token", "refresh_token": held.refresh}, optional=True)
        if answer is None:
            answer = self._ask(self._grant())
        assert answer is not None
        seconds = answer.get("expires_in")
        lifetime = seconds if isinstance(seconds, int) and 0 < seconds < 10 * _LIFETIME_SECONDS else _LIFETIME_SECONDS
        held.value, held.refresh = str(answer["access_token"]), str(answer.get("refresh_token") or "")
        held.expires_at = self._now() + timedelta(seconds=lifetime)

    def _grant(self) -> dict[str, str]:
        if not self._agency_client:
            return {"grant_type": "client_credentials"}
        return {"grant_type": "agency_client_credentials", "agency_client_id": self._agency_client}

    def _ask(self, grant: Mapping[str, str], *, optional: bool = False) -> Mapping[str, Any] | None:
        return self._api.retrying("token", lambda: self._ask_once(grant, optional=optional))

    def _ask_once(self, grant: Mapping[str, str], *, optional: bool) -> Mapping[str, Any] | None:
        response = self._api.send("POST", _PATH, "token", form={**self._client, **grant})
        if optional and response.status_code in (400, 401, 403):
            return None  # the refresh token has ended; the client's own right is asked for
        answer = self._api.json_of(response, "token")
        said = answer.get("error", answer.get("code", "")) if isinstance(answer, Mapping) else ""
        if response.status_code == 403 and "limit" in str(said):
            raise StopRun(
                "VK Ads: five tokens of this client are alive, and no more are issued: delete them in the account",
                code=LoadCode.TOKEN_LIMIT,
                problem="vk_token_limit",
            )
        if response.status_code >= 400:
            wait = retry_after(response.headers)
            raise self._api.error_of(response.status_code, "token", vendor_text(said), retry_after=wait)
        if not isinstance(answer, Mapping) or not answer.get("access_token"):
            raise self._api.unknown_form("token", "the answer has no access_token")
        return answer
