"""Asks a service that speaks OpenAI's API for its models: a request that costs nothing and proves address and key."""

import openai

from include.clients.openai.client import connection_error, openai_client
from include.common.errors import AccessDenied, ErrorCode, ExportError, Temporary

TIMEOUT_SECONDS = 10.0


def listed_models(*, api_key: str | None, base_url: str | None, proxy_url: str | None) -> list[str]:
    """Ids of the service's models, empty if it keeps no list (some compatible servers do not).

    Raises NotConfigured, AccessDenied or Temporary.
    """
    failure: ExportError
    client = openai_client(
        api_key=api_key, base_url=base_url, proxy_url=proxy_url, timeout_seconds=TIMEOUT_SECONDS
    )  # fmt: skip
    try:
        with client:
            return [model.id for model in client.models.list()]
    except openai.NotFoundError:
        return []
    except openai.APIStatusError as error:
        failure = _by_status(error.status_code)
    except openai.APITimeoutError:
        failure = Temporary("the service did not answer in time", code=ErrorCode.STT_TIMEOUT)
    except openai.APIConnectionError as error:
        failure = connection_error(error, "the service", proxied=proxy_url is not None, code=ErrorCode.STT_UNAVAILABLE)
    raise failure  # outside the handlers: the foreign error, with addresses in it, is not even its context


def _by_status(status: int) -> ExportError:
    if status in (401, 403):
        return AccessDenied(f"the service answered {status}: check the key", problem="service_refuses_key")
    return Temporary(f"the service answered {status} to the request for its models", code=ErrorCode.STT_UNAVAILABLE)
