"""Pictures of the run by day. matplotlib is imported inside functions: a task that draws nothing does not load it."""

import io
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from include.calls.domain.report_figures import DayFigures, RunFigures
from include.calls.domain.states import RecordStatus
from include.calls.reporting.report_tables import every_day
from include.calls.wording import report as words
from include.calls.wording.codes import STATUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer

_MOST_TICKS = 15
_MOST_LABELLED = 10  # days: with more of them the figures over the bars overlap

# Okabe and Ito's palette is readable with any colour vision; hatches distinguish the parts in black and white.
_BLUE, _ORANGE = "#0072B2", "#E69F00"
_S = RecordStatus
_LOOKS: tuple[tuple[tuple[RecordStatus, ...], str, str, str], ...] = (
    ((_S.COMPLETED,), STATUSES[_S.COMPLETED], "#009E73", ""),
    ((_S.NO_RECORDING,), STATUSES[_S.NO_RECORDING], "#BBBBBB", ""),
    ((_S.MISSING_AUDIO,), STATUSES[_S.MISSING_AUDIO], "#CC79A7", "//"),
    ((_S.PENDING, _S.DOWNLOADING, _S.DOWNLOADED, _S.TRANSCRIBING), words.UNFINISHED, "#56B4E9", ".."),
    ((_S.ERROR,), STATUSES[_S.ERROR], "#D55E00", "xx"),
)


def draw(figures: RunFigures, zone: tzinfo) -> dict[str, bytes]:
    """PNG by name (the keys of `wording.report.CAPTIONS`); days without calls keep their place on the axis."""
    days = every_day(figures, zone)
    names = [f"{figure.day:%d.%m}" for figure in days]
    painters = {"minutes": _minutes, "money": _money, "statuses": _statuses}
    return {name: _png(name, names, days, paint) for name, paint in painters.items()}


def _minutes(axes: "Axes", names: list[str], days: Sequence[DayFigures]) -> None:
    bars = axes.bar(names, [float(figure.minutes) for figure in days], _width(days), color=_BLUE)
    _label(axes, bars, days, _decimal)
    axes.set_ylabel(words.AXES["minutes"])


def _money(axes: "Axes", names: list[str], days: Sequence[DayFigures]) -> None:
    spent = [float(figure.spent) for figure in days]
    # spending exceeds the texts' cost where a text was bought twice
    reused = [max(0.0, float(figure.cost - figure.spent)) for figure in days]
    bars = axes.bar(names, spent, _width(days), color=_BLUE, label=words.BOUGHT_NOW)
    _label(axes, bars, days, _decimal, inside=any(reused))
    if any(reused):
        bars = axes.bar(
            names, reused, _width(days), spent, color=_ORANGE, hatch="//", edgecolor="white", label=words.BOUGHT_EARLIER
        )
        _label(axes, bars, days, _decimal, inside=True)
        _legend(axes)
    axes.set_ylabel(words.AXES["money"])


def _statuses(axes: "Axes", names: list[str], days: Sequence[DayFigures]) -> None:
    floor = [0] * len(days)
    for statuses, label, colour, hatch in _LOOKS:
        heights = [sum(figure.statuses.get(status, 0) for status in statuses) for figure in days]
        if any(heights):
            bars = axes.bar(
                names, heights, _width(days), floor, color=colour, hatch=hatch, edgecolor="white", linewidth=0.3,
                label=label,
            )  # fmt: skip
            _label(axes, bars, days, _decimal, inside=True)
            floor = [low + high for low, high in zip(floor, heights, strict=True)]
    if any(floor):
        _legend(axes)
    axes.set_ylabel(words.AXES["statuses"])


def _png(name: str, names: list[str], days: Sequence[DayFigures], paint: Any) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8.6, 2.9), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes, names, days)
    _dress(axes, words.CAPTIONS[name], len(names))
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})  # no version inside: same figures, same bytes
    return out.getvalue()


def _dress(axes: "Axes", title: str, days: int) -> None:
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _decimal(value)))
    step = -(-days // _MOST_TICKS)
    axes.set_xticks(range(0, days, step))
    axes.tick_params(labelsize=9)
    axes.set_xlim(-0.5, days - 0.5)
    axes.use_sticky_edges = False  # else the foot of an empty bar on top of another one limits the axis
    axes.margins(y=0.12)  # room for the figures over the bars
    axes.set_ylim(bottom=0)


def _width(days: Sequence[DayFigures]) -> float:
    """As a share of a day's place: the bar of a single day must not be as wide as the page."""
    return min(0.8, 0.12 * len(days) + 0.1)


def _label(
    axes: "Axes",
    bars: "BarContainer",
    days: Sequence[DayFigures],
    words: Callable[[float], str],
    *,
    inside: bool = False,
) -> None:
    """Writes the figures at the bars where there are few of them; they equal those of the table by days."""
    if len(days) <= _MOST_LABELLED:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.8} if inside else None
        axes.bar_label(
            bars,
            fmt=lambda value: words(value) if value else "",
            label_type="center" if inside else "edge",
            fontsize=8,
            padding=2,
            bbox=box,
        )


def _decimal(value: float) -> str:
    return f"{value:,.4g}".replace(",", " ").replace(".", ",") if value < 1000 else f"{value:,.0f}".replace(",", " ")


def _legend(axes: "Axes") -> None:
    # Below the days: beside the bars the legend would narrow them, above it would overlap the title.
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=len(_LOOKS), frameon=False, fontsize=9, columnspacing=1.2
    )
