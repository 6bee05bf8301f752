"""Figures of scores and language models in Prometheus's text format. docs/monitoring.md explains each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from include.call_centre.domain.metric_rows import BREAKER, LATENCY_BOUNDS, AgreementNow, ProviderNow, QualityFigures

Rows = Sequence[tuple[Any, ...]]


def render_quality_metrics(
    figures: QualityFigures, providers: Sequence[ProviderNow], agreement: Sequence[AgreementNow], *, day_left_usd: float
) -> bytes:
    """The whole page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Collected([*_requests(figures), *_scores(figures), *_now(figures, providers, agreement, day_left_usd)])
    )
    return generate_latest(registry)


class _Collected:
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _requests(figures: QualityFigures) -> Iterator[Metric]:
    requests = CounterMetricFamily("llm_requests", "Requests.", labels=["provider", "task", "outcome"])
    usd: dict[tuple[str, str], float] = defaultdict(float)
    for provider, task, outcome, count, cost in figures.requests:
        requests.add_metric([provider, task, outcome], count)
        usd[provider, task] += cost
    yield requests
    costs = CounterMetricFamily("llm_cost", "USD.", labels=["provider", "task"])
    for labels, cost in usd.items():
        costs.add_metric(list(labels), cost)
    yield costs
    errors = CounterMetricFamily("llm_errors", "Requests without an answer.", labels=["provider", "reason"])
    for provider, reason, count in figures.errors:
        errors.add_metric([provider, reason], count)
    yield errors
    ways = ["from_provider", "to_provider", "task"]
    fallbacks = CounterMetricFamily("llm_fallbacks", "Answers of another provider.", labels=ways)
    for first, second, task, count in figures.fallbacks:
        fallbacks.add_metric([first, second, task], count)
    yield fallbacks
    yield _histogram("llm_provider_latency_ms", "provider", figures.latencies, LATENCY_BOUNDS)


def _scores(figures: QualityFigures) -> Iterator[Metric]:
    scores = CounterMetricFamily("callcenter_quality_scores", "Scores.", labels=["card", "status"])
    for card, status, count in figures.scores:
        scores.add_metric([card, status], count)
    yield scores
    yield _histogram("callcenter_quality_score", "card", figures.points, tuple(range(10, 110, 10)))


def _histogram(name: str, label: str, rows: Rows, bounds: Sequence[int]) -> Metric:
    """Rows are label, number of the bucket from 0, count, sum."""
    metric = HistogramMetricFamily(name, "Distribution.", labels=[label])
    by_label: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for value, bucket, count, total in rows:
        by_label[value].append((bucket, count, total))
    for value, found in by_label.items():
        counts = [0] * (len(bounds) + 1)
        for bucket, count, _ in found:
            counts[min(bucket, len(bounds))] += count
        names = [*(f"{bound}.0" for bound in bounds), "+Inf"]
        buckets = list(zip(names, accumulate(counts), strict=True))
        metric.add_metric([value], buckets, sum(total for _, _, total in found))
    return metric


def _now(
    figures: QualityFigures, providers: Sequence[ProviderNow], agreement: Sequence[AgreementNow], day_left_usd: float
) -> Iterator[Metric]:
    now = figures.now
    for name, value in (
        ("callcenter_quality_backlog", now.backlog),
        ("callcenter_quality_oldest_run_seconds", now.oldest_run_seconds),
        ("callcenter_disputes_open", now.disputes_open),
        ("callcenter_quality_to_review", now.to_review),
        ("callcenter_quality_uncalibrated_share", now.uncalibrated_share),
        ("callcenter_quality_calibrated_judges", now.calibrated_judges),
        ("llm_day_left_usd", day_left_usd),
    ):
        yield GaugeMetricFamily(name, "Now.", value=value)
    cost = CounterMetricFamily("callcenter_quality_cost", "USD of scores.")
    cost.add_metric([], now.usd)
    yield cost
    up = GaugeMetricFamily("llm_provider_up", "1: can be asked.", labels=["provider"])
    breaker = GaugeMetricFamily("llm_circuit_breaker_state", "0 closed, 1 open, 2 half, 3 out.", labels=["provider"])
    state = GaugeMetricFamily("llm_provider_state", "1: the state that it is in.", labels=["provider", "state"])
    left = GaugeMetricFamily("llm_budget_left_usd", "Of the provider's day.", labels=["provider"])
    for one in providers:
        up.add_metric([one.name], float(one.up))
        breaker.add_metric([one.name], BREAKER[one.state])
        state.add_metric([one.name, one.state], 1)
        if one.left_usd is not None:
            left.add_metric([one.name], one.left_usd)
    yield from (up, breaker, state, left)
    named = ["card", "criterion", "provider", "model"]
    kappa = GaugeMetricFamily("callcenter_quality_agreement_kappa", "With people.", labels=named)
    passed = GaugeMetricFamily("callcenter_quality_calibrated", "1: passed.", labels=named)
    for each in agreement:
        labels = [each.card, each.criterion, each.provider, each.model]
        if each.kappa is not None:
            kappa.add_metric(labels, each.kappa)
        passed.add_metric(labels, float(each.passed))
    yield from (kappa, passed)
