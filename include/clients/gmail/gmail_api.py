"""Gmail's REST API: finds letters and reads them whole. Facts: the vendor's documentation."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import requests

from include.clients.gmail.gmail_access import GmailAccess
from include.clients.source_api import SourceApi, SourceName, retry_after
from include.common.errors import AccessDenied, ExportError, LoadCode, Permanent, Throttled

GMAIL = SourceName("Gmail", "GMAIL_REFRESH_TOKEN")
GMAIL_URL = "https://gmail.googleapis.com"
_MAILBOX = "gmail/v1/users/me"
_PAGE = 100
_MOST_PAGES = 1000
_RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})


class FoundLetter(NamedTuple):
    """`received_at` is Google's own instant of receipt, not the letter's Date. `size` in bytes, estimated by Google."""

    letter_id: str
    received_at: datetime
    size: int


class GmailApi:
    """One mailbox. Raises AccessDenied (mail_auth), Throttled, Temporary, ContractBroken."""

    def __init__(self, api: SourceApi, access: GmailAccess) -> None:
        self._api = api
        self._access = access

    @property
    def requests_sent(self) -> int:
        return self._api.requests_sent

    def spare(self, sparing: bool) -> None:
        """Whether to take at most half of the rate."""
        self._api.spare(sparing)

    def close(self) -> None:
        self._api.close()
        self._access.close()

    def check_access(self) -> None:
        self._get("profile", {})

    def find(self, query: str, *, limit: int | None = None) -> Iterator[FoundLetter]:
        """Letters that the search finds, the newest first, at most `limit`; without one that is deleted meanwhile."""
        given, page_token = 0, ""
        for _ in range(_MOST_PAGES):
            asked = {"q": query, "maxResults": _PAGE, **({"pageToken": page_token} if page_token else {})}
            answer = self._get("messages", asked)
            listed = answer.get("messages", [])
            if not isinstance(listed, list):
                raise self._api.unknown_form("messages", "no list")
            for item in listed:
                if limit is not None and given >= limit:
                    return
                try:
                    yield self._about(str(item["id"]))
                except Permanent:
                    continue
                given += 1
            page_token = str(answer.get("nextPageToken") or "")
            if not page_token:
                return

    def raw(self, letter_id: str) -> bytes:
        """The letter as RFC 5322 says, attachments included. Raises Permanent if it is gone."""
        answer = self._get(f"messages/{letter_id}", {"format": "raw"})
        try:
            return base64.urlsafe_b64decode(str(answer["raw"]) + "==")
        except (KeyError, ValueError, binascii.Error):
            pass
        raise self._api.unknown_form("messages.get", "no raw letter")

    def _about(self, letter_id: str) -> FoundLetter:
        answer = self._get(f"messages/{letter_id}", {"format": "minimal"})
        try:
            received_at = datetime.fromtimestamp(int(answer["internalDate"]) / 1000, UTC)
            return FoundLetter(letter_id, received_at, int(answer.get("sizeEstimate") or 0))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            pass
        raise self._api.unknown_form("messages.get", "no internalDate")

    def _get(self, path: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        operation = path.split("/", maxsplit=1)[0]
        return self._api.retrying(operation, lambda: self._get_once(path, params, operation))

    def _get_once(self, path: str, params: Mapping[str, Any], operation: str) -> Mapping[str, Any]:
        response = self._send(path, params, operation, anew=False)
        if response.status_code == 401:
            response = self._send(path, params, operation, anew=True)
        if response.status_code >= 400:
            raise self._error(response, operation)
        answer = self._api.json_of(response, operation)
        if not isinstance(answer, Mapping):
            raise self._api.unknown_form(operation, "no object")
        return answer

    def _send(self, path: str, params: Mapping[str, Any], operation: str, *, anew: bool) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._access.token(anew=anew)}"}
        return self._api.send("GET", f"{_MAILBOX}/{path}", operation, params=params, headers=headers)

    def _error(self, response: requests.Response, operation: str) -> ExportError:
        """`{"error": {"code", "message", "errors": [{"reason"}]}}`; a rate limit comes with 403 or 429."""
        reasons, said = _reasons(response)
        wait = retry_after(response.headers)
        if response.status_code == 429 or (response.status_code == 403 and reasons & _RATE_REASONS):
            return Throttled(
                f"Gmail: {operation}: {', '.join(sorted(reasons))}", code=LoadCode.SOURCE_THROTTLED, retry_after=wait
            )
        if response.status_code in (401, 403):
            return AccessDenied(
                f"Gmail: {operation}: HTTP {response.status_code}: the access may not read this mailbox",
                code=LoadCode.MAIL_AUTH,
                problem="mail_access_ended",
            )
        if response.status_code == 404:
            return Permanent(f"Gmail: {operation}: the letter is gone", code=LoadCode.MAIL_UNPARSED)
        return self._api.error_of(response.status_code, operation, said, retry_after=wait)


def _reasons(response: requests.Response) -> tuple[frozenset[str], str]:
    try:
        error = response.json()["error"]
        return frozenset(str(one.get("reason", "")) for one in error.get("errors", [])), str(error.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset(), ""
