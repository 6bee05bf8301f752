"""What the api-server answers under `/call_export`: metrics for Prometheus, and the door through which runs come in.

Airflow leaves authentication of plugin apps to the plugin (3.3.2): each route names its own, and there are no pages of
documentation, which would be open to everybody.
"""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from plugins.web.calls import metrics_endpoint as metrics
from plugins.web.calls import run_requests as runs

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.exception_handler(RequestValidationError)
def one_sentence(_: Request, error: RequestValidationError) -> JSONResponse:
    """The first thing that is wrong, by its name; never the value, which may be anything."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "header")) or "the body"
    return JSONResponse({"detail": f"{where}: {first['msg']}"}, 422)


app.include_router(metrics.router)
app.include_router(runs.router)
