"""Removes secrets: the webhook's token is part of every URL of the portal, and download links contain their own."""

import logging
import re
from urllib.parse import urlsplit, urlunsplit

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_REQUEST_LINE = re.compile(r'"(\w+) \S+ (HTTP/[\d.]+)"')
_LONGEST = 200


def scrub(text: object, *secrets: str) -> str:
    """A text of the portal, safe for a message: one short line without URLs, phone numbers and the given secrets."""
    line = _URL.sub("<url>", " ".join(str(text or "").split()))
    for secret in secrets:
        line = line.replace(secret, "***") if secret else line
    return _without_numbers(line)[:_LONGEST]


def _without_numbers(line: str) -> str:
    if not any(char.isdigit() for char in line):
        return line
    from include.common.masking import mask_phones  # noqa: PLC0415 - its tables are read only if an error has digits

    return mask_phones(line)


def link_without_secrets(url: str) -> str | None:
    """The link without query, fragment and credentials; None if it is no http(s) link.

    A webhook's token is in the path of `/rest/...` links, so only the host of those is kept.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    path = "/" if parts.path.startswith("/rest/") else parts.path
    return urlunsplit((parts.scheme, parts.hostname + port, path, "", ""))


class _RequestLines(logging.Filter):
    """urllib3 logs the path of every request at DEBUG, and the path contains the token."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _REQUEST_LINE.sub(r'"\1 *** \2"', record.getMessage()), ()
        return True


_REQUEST_LINES = _RequestLines()


def hide_request_lines() -> None:
    """Once per process is enough, and repeating it is harmless: logging keeps one copy of a filter."""
    logging.getLogger("urllib3.connectionpool").addFilter(_REQUEST_LINES)
