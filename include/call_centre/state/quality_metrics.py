"""Figures of scores and language models for Prometheus, from PostgreSQL when they are asked for."""

from collections.abc import Sequence

from include.call_centre.domain.metric_rows import QualityFigures, QualityNow
from include.common.postgres_session import Session

_FILE = "quality_metrics"


class QualityMetrics:
    def __init__(self, session: Session) -> None:
        self._session = session

    def figures(self, latency_bounds: Sequence[int]) -> QualityFigures:
        (now,) = self._session.rows(_FILE, "now", QualityNow)
        rows = self._session.values
        return QualityFigures(
            now,
            requests=rows(_FILE, "requests"),
            errors=rows(_FILE, "errors"),
            fallbacks=rows(_FILE, "fallbacks"),
            latencies=rows(_FILE, "latencies", bounds=list(latency_bounds)),
            scores=rows(_FILE, "scores"),
            points=rows(_FILE, "points"),
        )
