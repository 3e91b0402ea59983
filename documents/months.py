"""The measures of all incidents as a picture: a panel a measure, median and 90th percentile by month and severity."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from documents.ink import GRID, INK, MUTED, SEVERITIES, SIZE, SMALL, WIDTH, drawn
from incident.figures import MEASURES, Row

HEIGHT = 6.6


def draw(rows: Sequence[Row], format: str, title: str) -> bytes:
    """`format` is svg or png. The same rows give the same bytes."""
    return drawn(lambda: _figure(rows, title), format, title)


def _figure(rows: Sequence[Row], title: str) -> Figure:
    months = sorted({row.month for row in rows})
    figure = Figure(figsize=(WIDTH, HEIGHT))
    panels = figure.subplots(2, 2, gridspec_kw={"hspace": 0.42, "wspace": 0.16})
    for axes, (name, label) in zip(panels.flat, MEASURES.items(), strict=True):
        _panel(axes, name, label, rows, months)
    figure.subplots_adjust(left=0.06, right=0.985, top=0.85, bottom=0.12)
    figure.text(0.012, 0.965, title, fontsize=13, fontweight="bold", color=INK, va="top")
    under = "minutes; dot: median, bar up to the 90th percentile, number: how many incidents"
    figure.text(0.012, 0.92, under, fontsize=SIZE, color=MUTED, va="top")
    marks = [
        Line2D([], [], marker="o", markersize=6, linestyle="", color=SEVERITIES[severity], label=severity)
        for severity in sorted({row.severity for row in rows})
    ]
    figure.legend(handles=marks, loc="lower left", ncols=5, fontsize=SMALL, frameon=False, labelcolor=INK)
    return figure


def _panel(axes: Axes, name: str, label: str, rows: Sequence[Row], months: list[str]) -> None:
    severities = sorted({row.severity for row in rows})
    for number, severity in enumerate(severities):
        shift = (number - (len(severities) - 1) / 2) * 0.16
        for row in rows:
            if row.severity != severity or name not in row.figures:
                continue
            found = row.figures[name]
            x = months.index(row.month) + shift
            median, p90 = found.median.total_seconds() / 60, found.p90.total_seconds() / 60
            colour = SEVERITIES[severity]
            axes.plot([x, x], [median, p90], color=colour, linewidth=4, alpha=0.45, solid_capstyle="butt", zorder=3)
            axes.plot([x], [median], marker="o", markersize=6, color=colour, linestyle="", zorder=4)
            axes.annotate(
                str(found.count),
                (x, p90),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL - 1,
                color=MUTED,
            )
    if not any(name in row.figures for row in rows):
        axes.text(0.5, 0.5, "not measured yet", transform=axes.transAxes, ha="center", fontsize=SIZE, color=MUTED)
        axes.set_yticks([])
    axes.set_title(label, loc="left", fontsize=SIZE + 1, color=INK)
    axes.set_xticks(range(len(months)), months, fontsize=SMALL, color=MUTED)
    axes.set_xlim(-0.6, len(months) - 0.4)
    axes.set_ylim(0, max(axes.get_ylim()[1], 1) * 1.12)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=MUTED)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)
