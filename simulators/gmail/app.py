"""Gmail's REST API and Google's token endpoint as one ASGI application, for one mailbox."""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from simulators.kit.faults import Faults
from simulators.kit.instrumentation import Instrumented, entry_of
from simulators.kit.journal import Journal

CLIENT_ID, CLIENT_SECRET = "simulated-client.apps.example.org", "simulated-google-secret"
REFRESH_TOKEN = "1//simulated-refresh-token"
_DEFAULT_PAGE, _MOST_PAGE = 100, 500


@dataclass(frozen=True, slots=True)
class StoredLetter:
    id: str
    received_at: datetime
    raw: bytes


class GmailSimulator:
    """Serves `/token` and `/gmail/v1/users/me/...`. Everything public may be changed while it runs.

    `revoked`: every refresh is answered with invalid_grant. `page`: letters of one page. `left`: requests until the
    quota of the minute is used up; None is no quota.
    """

    def __init__(self, *, refresh_token: str = REFRESH_TOKEN) -> None:
        self.letters: list[StoredLetter] = []
        self.refresh_token = refresh_token
        self.revoked = False
        self.page = _DEFAULT_PAGE
        self.left: int | None = None
        self.access_tokens: set[str] = set()
        self.journal, self.faults = Journal(), Faults()
        routes = [
            Route("/token", self._token, methods=["POST"]),
            Route("/gmail/v1/users/{user}/profile", self._profile),
            Route("/gmail/v1/users/{user}/messages", self._list),
            Route("/gmail/v1/users/{user}/messages/{id}", self._get),
        ]
        self._app = Instrumented(Starlette(routes=routes), self.journal, self.faults, _locate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def deliver(self, raw: bytes, received_at: datetime) -> str:
        """Puts a letter into the mailbox; its id."""
        letter_id = f"{len(self.letters) + 1:016x}"
        self.letters.append(StoredLetter(letter_id, received_at, raw))
        return letter_id

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            asked = {name: str(value) for name, value in form.items()}
        if asked.get("grant_type") == "refresh_token":
            granted = asked.get("refresh_token") == self.refresh_token and asked.get("client_id") == CLIENT_ID
        else:
            granted = asked.get("grant_type", "").endswith("jwt-bearer") and asked.get("assertion", "").count(".") == 2
        if self.revoked or not granted:
            said = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            return JSONResponse(said, 400)
        token = f"ya29.{secrets.token_hex(16)}"
        self.access_tokens.add(token)
        return JSONResponse({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.access_tokens:
            return _error(401, "authError", "Invalid Credentials")
        if self.left is not None:
            if self.left <= 0:
                return _error(403, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'")
            self.left -= 1
        return None

    def _profile(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"emailAddress": "sales@example.org", "messagesTotal": 1})

    def _list(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        query = request.query_params.get("q", "")
        entry_of(request).detail = {"q": query}
        found = [one for one in self.letters if _finds(query, one)]
        found.sort(key=lambda one: one.received_at, reverse=True)
        start = int(request.query_params.get("pageToken", "0"))
        size = min(int(request.query_params.get("maxResults", self.page)), self.page, _MOST_PAGE)
        answer: dict[str, Any] = {"resultSizeEstimate": len(found)}
        if found:
            answer["messages"] = [{"id": one.id, "threadId": one.id} for one in found[start : start + size]]
        if start + size < len(found):
            answer["nextPageToken"] = str(start + size)
        return JSONResponse(answer)

    def _get(self, request: Request) -> Response:
        refused = self._refusal(request)
        if refused is not None:
            return refused
        one = next((letter for letter in self.letters if letter.id == request.path_params["id"]), None)
        if one is None:
            return _error(404, "notFound", "Requested entity was not found.")
        answer: dict[str, Any] = {
            "id": one.id,
            "threadId": one.id,
            "internalDate": str(int(one.received_at.timestamp() * 1000)),
            "sizeEstimate": len(one.raw),
        }
        if request.query_params.get("format") == "raw":
            answer["raw"] = base64.urlsafe_b64encode(one.raw).decode().rstrip("=")
        return JSONResponse(answer)


def _finds(query: str, one: StoredLetter) -> bool:
    """The part of Gmail's search that is used: `subject:` and `from:` (one of them), `after:` in seconds."""
    head = message_from_bytes(one.raw)
    subject = str(make_header(decode_header(head.get("Subject", "")))).lower()
    sender = str(head.get("From", "")).lower()
    after = re.search(r"after:(\d+)", query)
    if after and one.received_at.timestamp() < int(after[1]):
        return False
    terms = re.findall(r"(subject|from):([^\s()]+)", query)
    return not terms or any(value.lower() in (subject if name == "subject" else sender) for name, value in terms)


def _error(status: int, reason: str, message: str) -> Response:
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return JSONResponse({"error": {"code": status, "message": message, "errors": errors}}, status)


def _locate(request: Request) -> tuple[str, str]:
    parts = request.url.path.strip("/").split("/")
    return ("token", "") if parts == ["token"] else (parts[4] if len(parts) > 4 else parts[-1], "".join(parts[5:]))
