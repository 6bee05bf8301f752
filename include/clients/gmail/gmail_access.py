"""Access to one mailbox, read-only: a refresh token that its owner has consented to, or a service account of a domain.

The library asks for tokens through our own session: no proxy of the environment, no redirect.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google.auth.exceptions
import google.auth.transport.requests
import requests
from google.oauth2 import credentials, service_account

from include.common.errors import AccessDenied, LoadCode, NotConfigured, Temporary
from include.common.http_sessions import api_session

SCOPES = ("https://www.googleapis.com/auth/gmail.readonly",)  # `gmail.metadata` would forbid a search
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
Credentials = credentials.Credentials | service_account.Credentials


def by_refresh_token(client_file: Path, refresh_token: str, *, token_url: str | None = None) -> Credentials:
    """`client_file` is the OAuth client of type "desktop" that Google's console gives out; it names the `token_url`.

    Raises NotConfigured for a file that is missing or is none.
    """
    client = _tree(client_file)
    inner = client.get("installed") or client.get("web")
    if not isinstance(inner, dict) or not inner.get("client_id") or not inner.get("client_secret"):
        raise _unusable(client_file)
    return credentials.Credentials(  # type: ignore[no-untyped-call]
        token=None,
        refresh_token=refresh_token,
        client_id=inner["client_id"],
        client_secret=inner["client_secret"],
        token_uri=token_url or inner.get("token_uri") or TOKEN_URL,
        scopes=SCOPES,
    )


def by_service_account(key_file: Path, subject: str, *, token_url: str | None = None) -> Credentials:
    """`subject`: the mailbox; the account needs delegation in its whole domain. Raises NotConfigured."""
    key = _tree(key_file)
    try:
        if token_url:
            key["token_uri"] = token_url
        made = service_account.Credentials.from_service_account_info(key, scopes=SCOPES, subject=subject)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError):
        raise _unusable(key_file) from None
    assert isinstance(made, service_account.Credentials)
    return made


class GmailAccess:
    """Gives out a live access token; asks for a new one when the old one ends."""

    def __init__(self, made: Credentials, *, ca_bundle: str | None = None, proxy_url: str | None = None) -> None:
        self._credentials = made
        self._session = api_session(ca_bundle=ca_bundle)
        if proxy_url:
            self._session.proxies = {"http": proxy_url, "https": proxy_url}
        self._request: Callable[..., Any] = google.auth.transport.requests.Request(session=self._session)

    def close(self) -> None:
        self._session.close()

    def token(self, *, anew: bool = False) -> str:
        """Raises AccessDenied (mail_auth) if Google refuses for good, Temporary if it does not answer."""
        if anew or not self._credentials.valid:
            self._refresh()
        return str(self._credentials.token)

    def _refresh(self) -> None:
        try:
            self._credentials.refresh(self._request)  # type: ignore[no-untyped-call]
        except google.auth.exceptions.RefreshError as refused:
            temporary = bool(getattr(refused, "retryable", False))
        except (google.auth.exceptions.TransportError, requests.RequestException):
            temporary = True
        else:
            return
        # outside the handlers: the foreign error quotes the answer, and its context would be logged, too
        if temporary:
            raise Temporary("Gmail: the token server does not answer", code=LoadCode.SOURCE_UNAVAILABLE)
        raise AccessDenied(
            "Gmail: the refresh token or the service account is not accepted (invalid_grant)",
            code=LoadCode.MAIL_AUTH,
            problem="mail_access_ended",
        )


def _tree(file: Path) -> dict[str, Any]:
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        tree = None
    if not isinstance(tree, dict):
        raise _unusable(file)
    return tree


def _unusable(file: Path) -> NotConfigured:
    return NotConfigured(
        f"{file.name} is no file of a Google OAuth client or service account",
        code=LoadCode.MAIL_AUTH,
        problem="mail_bad_credentials",
        file=file.name,
    )
