"""The application under `/call_export`: metrics for Prometheus, starting runs, the call browser.

Airflow 3.3.2 leaves authentication of plugin apps to the plugin: each route names its own. There are no pages of
documentation, because they would be open to every visitor.
"""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from plugins.web.calls import metrics_endpoint as metrics
from plugins.web.calls import run_requests as runs
from plugins.web.calls import static_files
from plugins.web.calls.browser_api import routes as browser

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.exception_handler(RequestValidationError)
def invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
    """Names the first field that is wrong, and never its value, which may be anything."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "header")) or "the body"
    return JSONResponse({"detail": f"{where}: {first['msg']}"}, 422)


app.include_router(metrics.router)
app.include_router(runs.router)
app.include_router(browser.router)
app.include_router(static_files.router)  # last: what no other route serves under `/ui` is its page
