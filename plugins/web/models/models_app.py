"""The application under `/callcenter`: language models and, where calls are scored, scores, for people and programs.
Each route names who may call it.
"""

from fastapi import FastAPI

from include.call_centre.schedule import IS_CONFIGURED as QUALITY_ON
from plugins.web.app import invalid_request
from plugins.web.call_centre import quality_metrics_endpoint
from plugins.web.models import routing_routes

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.add_exception_handler(routing_routes.RequestValidationError, invalid_request)  # type: ignore[arg-type]
app.include_router(routing_routes.router)
app.include_router(quality_metrics_endpoint.router)
if QUALITY_ON:
    from plugins.web.call_centre import quality_routes

    app.include_router(quality_routes.router)
