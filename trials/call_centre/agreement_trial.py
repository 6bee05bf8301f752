"""Agreement of judges whose errors are programmed: the figures of the product beside those of an independent program.

The independent program shares no line with the product: NumPy on matrices instead of counters. The programmed truth is
computed from the confusion itself.
"""

import numpy as np

from include.call_centre.domain.agreement import Bars, Figures, Judged, figures
from include.call_centre.domain.scorecards import Criterion

SEEDS = 20
NAMES = ("yes", "partly", "no")
BARS = Bars(kappa=0.6, ac1=0.8, recall=0.7)
CASES = {
    "good": ((0.45, 0.25, 0.30), ((0.93, 0.05, 0.02), (0.06, 0.88, 0.06), (0.02, 0.06, 0.92))),
    "poor": ((0.50, 0.20, 0.30), ((0.70, 0.20, 0.10), (0.35, 0.45, 0.20), (0.25, 0.25, 0.50))),
    "skewed": ((0.94, 0.02, 0.04), ((0.98, 0.01, 0.01), (0.50, 0.40, 0.10), (0.20, 0.10, 0.70))),
    "always yes": ((0.60, 0.15, 0.25), ((1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.0, 0.0))),
}
CRITERION = Criterion.model_validate(
    {
        "id": "trial",
        "section": "-",
        "question": "-",
        "answers": {"yes": 100, "partly": 50, "no": 0},
        "weight": 1,
        "evidence": dict.fromkeys(NAMES, "none"),
    }
)


def run(items: int) -> str:
    lines = [
        "| judge | seeds | kappa, programmed | truth in the interval | largest difference | status |",
        "|---|---|---|---|---|---|",
    ]
    for name, (shares, confusion) in CASES.items():
        table = np.array(shares)[:, None] * np.array(confusion)
        truth = _kappa(table)
        inside, worst, statuses = 0, 0.0, set()
        for seed in range(SEEDS):
            pairs = _drawn(table, items, seed)
            found = figures(CRITERION, [Judged(NAMES[a], NAMES[b]) for a, b in pairs], BARS)
            statuses.add(found.status)
            if found.kappa is None or found.kappa_interval is None:
                continue
            worst = max(worst, _largest_difference(pairs, found))
            inside += found.kappa_interval[0] - 1e-12 <= truth <= found.kappa_interval[1] + 1e-12
        lines.append(f"| {name} | {SEEDS} | {truth:.4f} | {inside} | {worst:.1e} | {', '.join(sorted(statuses))} |")
    return "\n".join(lines)


def _drawn(table: np.ndarray, items: int, seed: int) -> np.ndarray:
    cells = np.random.default_rng(1000 + seed).choice(table.size, size=items, p=table.ravel())
    return np.stack(np.unravel_index(cells, table.shape), axis=1)


def _largest_difference(pairs: np.ndarray, found: Figures) -> float:
    matrix = np.zeros((3, 3))
    np.add.at(matrix, (pairs[:, 0], pairs[:, 1]), 1)
    shares = matrix / matrix.sum()
    marginal = (shares.sum(0) + shares.sum(1)) / 2
    chance = (marginal * (1 - marginal)).sum() / 2
    ac1 = (np.trace(shares) - chance) / (1 - chance)
    recall = matrix[2, 2] / matrix[2].sum()
    called = matrix[:, 2].sum()
    expected = [_kappa(matrix), ac1, recall, *([matrix[2, 2] / called] if called else [])]
    ours = [found.kappa, found.ac1, found.recall, *([found.precision] if called else [])]
    return max(abs(float(a) - float(b if b is not None else np.nan)) for a, b in zip(expected, ours, strict=True))


def _kappa(table: np.ndarray) -> float:
    weights = 1 - np.eye(3)
    shares = table / table.sum()
    expected = np.outer(shares.sum(1), shares.sum(0))
    return float(1 - (weights * shares).sum() / (weights * expected).sum())
