"""The vendor's SDK set up for both of our clients: no retries, no way around the proxy, no foreign errors.

The SDK's own retries are off: a request that times out and is repeated is paid for twice; retries are Airflow's. The
machine's own HTTPS_PROXY and NO_PROXY do not count, and a redirect is not followed: it would carry recorded speech to
a host that is in no setting.
"""

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx2
import openai

from include.common.certificates import certificate_error, certificate_refusal
from include.common.errors import AccessDenied, ErrorCode, ExportError, NotConfigured, Temporary
from include.common.names import USER_AGENT

VENDOR = "https://api.openai.com/v1"
CONNECT_SECONDS = 10.0
# The account is empty or over its limit, so every further request would be refused, too. The word may be in `type` or
# in `code` of the error: both are compared.
OUT_OF_MONEY = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
    }
)
PROXY_REFUSES = "the proxy refuses the user or password: check CHATGPT_PROXY_URL"
_PLAIN_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_TRY_AGAIN_IN = re.compile(rf"try again in ({_PLAIN_NUMBER.pattern})\s*(ms|s|m)\b", re.IGNORECASE | re.ASCII)
_PER_SECOND = {"ms": 1000, "s": 1, "m": 1 / 60}


def openai_client(
    *, api_key: str | None, base_url: str | None, proxy_url: str | None, timeout_seconds: float
) -> openai.OpenAI:
    """`base_url` None is the vendor's. Raises NotConfigured for no service, an unusable key or an unusable address."""
    if not api_key and not base_url:
        raise NotConfigured(
            "no recogniser is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server",
            problem="no_recogniser",
        )
    if not (api_key or "").isascii():
        raise NotConfigured(
            "OPENAI_API_KEY contains characters that no key has: probably more than the key was copied",
            problem="bad_openai_key",
        )
    try:
        transport = httpx2.Client(
            verify=certificates(),
            proxy=proxy_url or None,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
            limits=openai.DEFAULT_CONNECTION_LIMITS,
        )
        return openai.OpenAI(
            api_key=api_key or "none",  # a compatible server may want no key; the SDK wants one
            base_url=base_url or VENDOR,  # left out, the SDK would take it from the environment
            max_retries=0,
            http_client=transport,
            default_headers={"User-Agent": USER_AGENT},
        )
    except (ValueError, TypeError, ImportError, httpx2.InvalidURL):
        pass
    # outside the handler: the text of the foreign error contains the address, a password included
    raise NotConfigured(
        "CHATGPT_PROXY_URL or OPENAI_BASE_URL is no address such as http://user:password@host:port",
        problem="bad_openai_address",
    )


@cache
def certificates() -> ssl.SSLContext:
    """One for the process: reading the bundle of authorities takes 30 ms, and each recording has clients of its own.

    SSL_CERT_FILE counts, unlike the other variables of the environment: it names authorities, no way around the proxy.
    """
    return httpx2.create_ssl_context(trust_env=True)


def connection_error(error: openai.APIConnectionError, server: str, *, proxied: bool, code: ErrorCode) -> ExportError:
    """No response at all: Temporary, or AccessDenied if the proxy refuses."""
    if reason := certificate_refusal(error):
        return certificate_error(reason, server, str(error.request.url), code=code)
    if not proxied:
        return Temporary(f"{server} cannot be reached: check OPENAI_BASE_URL and the network", code=code)
    if "407" in str(error.__cause__):  # a proxy's refusal of a tunnel has no class of its own
        return AccessDenied(PROXY_REFUSES, problem="proxy_refuses")
    return Temporary(
        f"{server} cannot be reached through the proxy of CHATGPT_PROXY_URL; no request bypasses it", code=code
    )


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Seconds to wait as the service asks: `retry-after-ms`, `retry-after` (seconds or a date), or its sentence."""
    milliseconds, seconds = headers.get("retry-after-ms", ""), headers.get("retry-after", "")
    if _PLAIN_NUMBER.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    if _PLAIN_NUMBER.fullmatch(seconds):
        return float(seconds)
    if until := _instant(seconds):
        now = _instant(headers.get("date", ""))  # the server's own clock: ours may be wrong
        return max(0.0, (until - now).total_seconds()) if now else None
    stated = _TRY_AGAIN_IN.search(message)
    return float(stated[1]) / _PER_SECOND[stated[2].lower()] if stated else None


def _instant(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
