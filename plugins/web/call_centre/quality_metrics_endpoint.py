"""`GET /callcenter/metrics`: for the bearer of METRICS_TOKEN, or for a user who may see the runs."""

from fastapi import APIRouter, Depends, HTTPException, Response

from include.call_centre.domain.metric_rows import LATENCY_BOUNDS, AgreementNow, ProviderNow
from include.call_centre.reporting.quality_metrics_page import render_quality_metrics
from include.call_centre.state.calibration_sets import CalibrationSets, JudgeFigures
from include.call_centre.state.quality_metrics import QualityMetrics
from include.calls.names import DAG_ID, METRICS_CONN
from include.calls.reporting.prometheus_page import CONTENT_TYPE
from include.clients.language_models.routing_state import RoutingState, Standing
from include.clients.language_models.routing_table import RoutingTable
from include.common.errors import ExportError
from plugins.hooks.call_centre_state import open_quality_state
from plugins.hooks.calls_state import CallsStateHook
from plugins.hooks.language_models import access_of, effective_table
from plugins.web.access import token_or_user
from plugins.web.fab_roles import RUNS

router = APIRouter()


@router.get("/metrics", dependencies=[Depends(token_or_user(METRICS_CONN, DAG_ID, RUNS))])
def quality_metrics() -> Response:
    try:
        with RoutingState.open(CallsStateHook().conninfo()) as routing, open_quality_state() as state:
            table = effective_table(routing)
            day = routing.day()
            ceiling = table.daily_budget_usd if day.allowed is None else max(table.daily_budget_usd, day.allowed)
            page = render_quality_metrics(
                QualityMetrics(state.session).figures(LATENCY_BOUNDS),
                _providers(table, routing.standings(list(table.providers))),
                _agreement(CalibrationSets(state.session).judges()),
                day_left_usd=max(0.0, float(ceiling - day.spent)),
            )
    except ExportError as error:
        raise HTTPException(503, str(error)) from None
    return Response(page, media_type=CONTENT_TYPE)


def _agreement(judges: list[JudgeFigures]) -> list[AgreementNow]:
    """Of each judge of a card, by the newest of its figures: an earlier card or prompt judges nothing any more."""
    newest: dict[tuple[str, str, str], JudgeFigures] = {}
    for one in judges:
        known = newest.setdefault((one.card, one.provider, one.model), one)
        if one.at > known.at:
            newest[one.card, one.provider, one.model] = one
    return [
        AgreementNow(one.card, name, one.provider, one.model, figures["kappa"], passed=name in one.calibrated)
        for one in newest.values()
        for name, figures in one.figures.items()
    ]


def _providers(table: RoutingTable, standings: list[Standing]) -> list[ProviderNow]:
    """Those that some task asks and that have a key: the others are not expected to work."""
    asked = {name for route in table.tasks.values() for name in route.providers}
    found = []
    for one in standings:
        provider = table.providers[one.provider]
        if one.provider not in asked or not provider.enabled or access_of(provider.connection) is None:
            continue
        waits = one.throttled_for is not None and one.throttled_for > 0
        left = None if provider.daily_budget_usd is None else float(provider.daily_budget_usd - one.spent_today)
        found.append(ProviderNow(one.provider, one.state, up=one.state == "closed" and not waits, left_usd=left))
    return found
