"""Airflow loads plugins in every process, but only the api-server serves: the others import no web application."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The ASGI application behind `/call_export`, imported by its first request."""
    from plugins.web.app import app as real

    await real(scope, receive, send)


async def sales_app(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The ASGI application behind `/zakaz`, imported by its first request."""
    from plugins.web.sales.health_app import app as real

    await real(scope, receive, send)


async def models_app(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """The ASGI application behind `/callcenter`, imported by its first request."""
    from plugins.web.models.models_app import app as real

    await real(scope, receive, send)
