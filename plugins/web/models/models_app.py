"""The application under `/callcenter`: the language models, for people and programs. Each route names who may call
it.
"""

from fastapi import FastAPI

from plugins.web.app import invalid_request
from plugins.web.models import routing_routes

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.add_exception_handler(routing_routes.RequestValidationError, invalid_request)  # type: ignore[arg-type]
app.include_router(routing_routes.router)
