"""The application under `/callcenter`: language models and scores of calls, for people and programs. Each route names
who may call it.
"""

from fastapi import FastAPI

from plugins.web.app import invalid_request
from plugins.web.call_centre import quality_metrics_endpoint, quality_routes
from plugins.web.models import routing_routes

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.add_exception_handler(routing_routes.RequestValidationError, invalid_request)  # type: ignore[arg-type]
app.include_router(routing_routes.router)
app.include_router(quality_routes.router)
app.include_router(quality_metrics_endpoint.router)
