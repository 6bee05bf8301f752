"""The page of metrics: judges of one card are told apart, a point of 100 has its bucket."""

from prometheus_client.parser import text_string_to_metric_families

from include.call_centre.domain.metric_rows import AgreementNow, QualityFigures, QualityNow
from include.call_centre.reporting.quality_metrics_page import render_quality_metrics

FIGURES = QualityFigures(
    QualityNow(0, 0.0, 0, 0.0, 0, 0.0, 1), requests=[], errors=[], fallbacks=[], latencies=[], scores=[],
    points=[("c", 9, 3, 300.0)],
)  # fmt: skip


def samples() -> dict[tuple[str, ...], float]:
    judges = [
        AgreementNow("c", "x", "a", "m", 0.1, passed=False),
        AgreementNow("c", "x", "b", "n", 0.8, passed=True),
    ]
    page = render_quality_metrics(FIGURES, [], judges, day_left_usd=1.0).decode()
    found = [each for family in text_string_to_metric_families(page) for each in family.samples]
    known = {(each.name, *each.labels.values()): each.value for each in found}
    assert len(known) == len(found), "Prometheus keeps one of two series with the same labels"
    return known


def test_two_judges_of_a_card_are_two_series() -> None:
    found = samples()
    assert found["callcenter_quality_calibrated", "c", "x", "m", "a"] == 0
    assert found["callcenter_quality_calibrated", "c", "x", "n", "b"] == 1


def test_points_of_100_are_no_overflow() -> None:
    found = samples()
    assert (
        found["callcenter_quality_score_bucket", "c", "90.0"],
        found["callcenter_quality_score_bucket", "c", "100.0"],
    ) == (0, 3)
