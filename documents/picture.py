"""The timeline of an incident as a picture: lanes per role, severity, status, repair actions, tasks, updates.

Drawn for somebody who was not there, on a real time axis in UTC. The same document gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.textpath import TextPath

from documents.ink import BAND, GRID, INK, MUTED, PAPER, SEVERITIES, SIZE, SMALL, WIDTH, drawn
from documents.text import clean
from incident.postmortem import Action, Document, Message, Span, Work
from incident.times import minutes

LEFT, RIGHT = 0.185, 0.985
LANE = 0.31
TOP, BOTTOM = 1.34, 0.95
MOST_LANES = 16
DRAWN_WIDER = 1.07  # a bitmap puts each letter on a whole pixel
STEPS = [timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)]
MOST_TICKS = 12
STATUSES = {"ok": "#4f9d69", "degraded": "#e0a526", "down": "#b3261e", "unreadable": "#8d93a1"}
ROLES = ("#274c77", "#6096ba")
REPAIRS = {
    "verified": "#3f8f5b",
    "succeeded": "#7db48f",
    "running": "#5b8aa6",
    "not verified": "#c2544a",
    "failed": "#c2544a",
    "aborted": "#8a6d9e",
    "unknown": "#8d93a1",
}
WAITED, IN_TIME, LATE = "#d5d9e2", "#8fb0cf", "#e0a15e"
MISSING = "\ufffd"


@dataclass(frozen=True)
class Bar:
    since: datetime
    until: datetime
    colour: str
    text: str = ""
    dark: bool = True


@dataclass
class Lane:
    """One row. `marks` are moments: when something was due, and when it went out."""

    label: str
    bars: list[Bar] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    beside: str = ""


def draw(document: Document, format: str) -> bytes:
    """`format` is svg or png."""
    return drawn(lambda: _Sheet(document).figure(), format, document.id)


class _Sheet:
    def __init__(self, document: Document) -> None:
        self._of = document
        lasted = max(document.until - document.begun, timedelta(minutes=1))
        self._since = document.begun - lasted * 0.01
        last = max([document.until, *(m.sent_at for m in document.messages)])
        # A last message may go out many hours after the call; the call is what is to be seen.
        self._until = min(last, document.until + lasted * 0.3) + lasted * 0.03
        self._groups = [group for group in _groups(document) if group]
        rows = sum(map(len, self._groups))
        self._height = TOP + BOTTOM + LANE * (rows + 0.45 * len(self._groups))
        self._figure = Figure(figsize=(WIDTH, self._height))
        bottom, top = BOTTOM / self._height, 1 - TOP / self._height
        self._axes: Axes = self._figure.add_axes((LEFT, bottom, RIGHT - LEFT, top - bottom))
        self._points = WIDTH * 72 * (RIGHT - LEFT)

    def figure(self) -> Figure:
        axes = self._axes
        axes.set_xlim(0, self._minutes(self._until))
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        self._ticks()
        self._lanes()
        self._moments()
        self._head()
        self._legend()
        return self._figure

    def _minutes(self, at: datetime) -> float:
        return (at - self._since).total_seconds() / 60

    def _in_points(self, span: timedelta) -> float:
        return span.total_seconds() / 60 / self._minutes(self._until) * self._points

    # -- the axis ---------------------------------------------------------------------------------------

    def _ticks(self) -> None:
        span = self._until - self._since
        step = next((s for s in STEPS if span / s <= MOST_TICKS), STEPS[-1])
        midnight = datetime(self._since.year, self._since.month, self._since.day, tzinfo=UTC)
        at = midnight + step * (-(-(self._since - midnight) // step))
        places, labels, day = [], [], None
        while at <= self._until:
            date = f"\n{at:%d %b %Y}" if at.date() != day else ""
            places.append(self._minutes(at))
            labels.append(f"{at:%H:%M}{date}")
            day = at.date()
            at += step
        self._axes.set_xticks(places, labels, color=MUTED, fontsize=SMALL)
        self._axes.grid(axis="x", color=GRID, linewidth=0.8)
        self._axes.set_axisbelow(True)

    # -- the rows ---------------------------------------------------------------------------------------

    def _lanes(self) -> None:
        y = 0.0
        places, labels = [], []
        for group in self._groups:
            size = len(group)
            self._axes.add_patch(
                Rectangle((0, y - 0.06), self._minutes(self._until), size + 0.12, color=BAND, zorder=0, linewidth=0)
            )
            for lane in group:
                self._lane(lane, y + 0.5)
                places.append(y + 0.5)
                labels.append(_fitted(lane.label, LEFT * WIDTH * 72 - 16, SIZE))
                y += 1
            y += 0.45
        self._axes.set_ylim(y - 0.3, -0.15)
        self._axes.set_yticks(places, labels, color=INK, fontsize=SIZE)

    def _lane(self, lane: Lane, y: float) -> None:
        for number, bar in enumerate(lane.bars):
            since, until = self._minutes(bar.since), self._minutes(bar.until)
            width = max(until - since, self._minutes(self._until) * 0.0025)
            self._axes.barh(
                y, width, left=since, height=0.72, color=bar.colour, edgecolor=PAPER, linewidth=0.8, zorder=3
            )
            fitted = _fitted(bar.text, self._in_points(bar.until - bar.since) - 8, SMALL)
            if bar.text and fitted:
                ink = PAPER if bar.dark else INK
                self._axes.text(
                    since + width / 2, y, fitted, color=ink, ha="center", va="center", fontsize=SMALL, zorder=4
                )
            last = number == len(lane.bars) - 1
            if lane.beside and last:
                self._beside(lane, bar, y)
        self._marks(lane.messages, y)

    def _beside(self, lane: Lane, bar: Bar, y: float) -> None:
        """How it ended, behind its bar; before it where there is no room behind."""
        right = self._in_points(self._until - bar.until) - 8
        left = self._in_points(lane.bars[0].since - self._since) - 8
        pad = self._minutes(self._until) * 0.005
        if fitted := _fitted(lane.beside, right, SMALL, whole=left > right):
            self._axes.text(
                self._minutes(bar.until) + pad, y, fitted, color=MUTED, ha="left", va="center", fontsize=SMALL, zorder=4
            )
        elif fitted := _fitted(lane.beside, left, SMALL):
            self._axes.text(
                self._minutes(lane.bars[0].since) - pad, y, fitted, color=MUTED, ha="right", va="center", fontsize=SMALL
            )

    def _marks(self, messages: Iterable[Message], y: float) -> None:
        for message in messages:
            sent = self._minutes(message.sent_at)
            if message.sent_at > self._until:
                later = f"→ {message.sent_at:%d %b %H:%M}"
                self._axes.text(
                    self._minutes(self._until), y, later, color=MUTED, ha="right", va="center", fontsize=SMALL, zorder=5
                )
                continue
            colour = LATE if message.late else REPAIRS["verified"]
            if message.due_at is not None:
                due = self._minutes(message.due_at)
                if message.late:
                    self._axes.plot([due, sent], [y, y], color=LATE, linewidth=2, zorder=3)
                self._axes.plot(
                    [due], [y], marker="D", markersize=7.5, markerfacecolor=PAPER, markeredgecolor=MUTED, zorder=4
                )
            self._axes.plot([sent], [y], marker="o", markersize=5, color=colour, markeredgewidth=0, zorder=5)

    # -- above and below --------------------------------------------------------------------------------

    def _moments(self) -> None:
        """Declared, acknowledged, commanded, known in public, over: a line each, labels that never overlap."""
        starts: list[float] = []  # of the leftmost label on each level; a line rises through all levels below its own
        over = _over(self._of)
        measures = [
            ("declared", timedelta(0)),
            *((name, value) for name, value in _named(self._of) if value is not None),
        ]
        moments = [*measures, (over, self._of.until - self._of.begun)] if over else measures
        for name, since in sorted(moments, key=lambda one: one[1], reverse=True):
            at = self._of.begun + since
            place = self._minutes(at)
            text = f"{name} {at:%H:%M}"
            width = _width(text, SMALL) + 10
            start = self._in_points(at - self._since)
            start = start - width if start + width > self._points else start
            level = next((n for n in range(len(starts)) if start + width <= min(starts[n:])), len(starts))
            starts[level:] = [start, *starts[level + 1 :]]
            above = 1 + (0.05 + 0.16 * level) / (self._height - TOP - BOTTOM)
            self._axes.plot(
                [place, place],
                [0, above + 0.12 / (self._height - TOP - BOTTOM)],
                transform=self._axes.get_xaxis_transform(),
                clip_on=False,
                color=INK,
                linewidth=0.9,
                linestyle=(0, (2, 2)),
                alpha=0.55,
                zorder=2,
            )
            self._axes.text(
                start / self._points + 0.002,
                above,
                text,
                transform=self._axes.transAxes,
                fontsize=SMALL,
                color=INK,
                ha="left",
                va="bottom",
            )

    def _head(self) -> None:
        up = 1 - 0.16 / self._height
        title = _fitted(f"{self._of.severity}  {self._of.label}", WIDTH * 72 * 0.97, 13, weight="bold")
        self._figure.text(0.012, up, title, fontsize=13, fontweight="bold", color=INK, va="top")
        lasted = minutes(self._of.until - self._of.begun)
        under = f"Incident {self._of.id} · {self._of.begun:%d %B %Y} · {lasted} · times in UTC"
        self._figure.text(0.012, up - 0.29 / self._height, under, fontsize=SIZE, color=MUTED, va="top")

    def _legend(self) -> None:
        used = {bar.colour for group in self._groups for lane in group for bar in lane.bars}
        named = [(WAITED, "repair: proposed, not begun"), *((c, f"repair: {name}") for name, c in REPAIRS.items())]
        named += [(IN_TIME, "task or sub-team in time"), (LATE, "task or sub-team over time")]
        handles: list[Patch | Line2D] = []
        seen = set()
        for colour, name in named:
            if colour in used and colour not in seen:
                seen.add(colour)
                handles.append(Patch(facecolor=colour, label=_colour_names(colour) or name))
        if self._of.messages:
            round_ = {"marker": "o", "linestyle": "", "markersize": 5, "markeredgewidth": 0}
            hollow = {"marker": "D", "linestyle": "", "markersize": 7.5, "markerfacecolor": PAPER}
            handles.append(Line2D([], [], label="update due", markeredgecolor=MUTED, **hollow))  # type: ignore[arg-type]  # keywords of one call
            handles.append(Line2D([], [], label="sent", color=REPAIRS["verified"], **round_))  # type: ignore[arg-type]  # as above
            if any(message.late for message in self._of.messages):
                handles.append(Line2D([], [], label="sent late", color=LATE, **round_))  # type: ignore[arg-type]  # as above
        if handles:
            self._figure.legend(
                handles=handles,
                loc="lower left",
                bbox_to_anchor=(LEFT - 0.008, 0.08 / self._height),
                ncols=min(len(handles), 5),
                fontsize=SMALL,
                frameon=False,
                handlelength=1.4,
                columnspacing=1.6,
                labelcolor=INK,
            )


def _groups(document: Document) -> Iterator[list[Lane]]:
    """The rows that stand together."""
    severity = [Bar(s.since, s.until, SEVERITIES.get(s.state, MUTED), s.text) for s in document.severities]
    status = [Lane("Status", [_status(s) for s in document.statuses])] if document.statuses else []
    yield [Lane("Severity", severity), *status]
    yield list(_roles(document))
    yield _capped([_repair(action) for action in document.actions], "repair actions")
    yield _capped([_work(team) for team in document.teams], "sub-teams")
    yield _capped([_work(task) for task in document.tasks], "tasks")
    sent = {
        label: [message for message in document.messages if message.audience == audience]
        for label, audience in (("Executive summaries", "executives"), ("Public messages", "customers"))
    }
    yield [Lane(label, messages=messages) for label, messages in sent.items() if messages]


def _status(span: Span) -> Bar:
    return Bar(span.since, span.until, STATUSES.get(span.state, MUTED), span.state)


def _roles(document: Document) -> Iterator[Lane]:
    order = ("IC", "Deputy", "Scribe", "Customer liaison", "Internal liaison")
    labels = [label for label in order if any(s.role == label for s in document.seats)]
    for label in labels:
        seats = [s for s in document.seats if s.role == label and s.since is not None]
        bars = [
            Bar(s.since, s.until, ROLES[number % 2], clean(s.name))
            for number, s in enumerate(seats)
            if s.since is not None
        ]
        yield Lane(label, bars)


def _repair(action: Action) -> Lane:
    bars = []
    if action.waited is not None:
        bars.append(Bar(action.waited.since, action.waited.until, WAITED, dark=False))
    if action.ran is not None:
        bars.append(Bar(action.ran.since, action.ran.until, REPAIRS.get(action.state, MUTED)))
    return Lane(f"Repair {action.number}", bars, beside=clean(f"{action.title}: {action.state}"))


def _work(work: Work) -> Lane:
    bar = Bar(work.span.since, work.span.until, LATE if work.late else IN_TIME)
    return Lane(clean(f"{work.what} · {work.name}"), [bar], beside=clean(work.span.text))


def _capped(lanes: list[Lane], what: str) -> list[Lane]:
    """A page holds so many; the document has them all."""
    if len(lanes) <= MOST_LANES:
        return lanes
    return [*lanes[: MOST_LANES - 1], Lane(f"… {len(lanes) - MOST_LANES + 1} more {what}")]


def _named(document: Document) -> list[tuple[str, timedelta | None]]:
    names = ("acknowledged", "commanded", "first public message")
    return [(name, value) for name, (_, value) in zip(names, document.measures, strict=False)]


def _over(document: Document) -> str:
    ended = dict(document.overview).get("Ended", "")
    if not ended:
        return ""
    return "false alarm" if "false alarm" in ended else "resolved"


def _colour_names(colour: str) -> str:
    same = [name for name, c in REPAIRS.items() if c == colour]
    return f"repair: {' or '.join(same)}" if len(same) > 1 else ""


# -- text that fits -----------------------------------------------------------------------------------------


def _fitted(text: str, points: float, size: float, *, weight: str = "normal", whole: bool = False) -> str:
    """`text`, ended with an ellipsis where `points` are not enough; empty when next to nothing would be left."""
    text = _drawable(text)
    if _width(text, size, weight) <= points:
        return text
    if whole:
        return ""
    low, high = 0, min(len(text), 400)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _width(f"{text[:middle]}…", size, weight) <= points else (low, middle - 1)
    return f"{text[:low].rstrip()}…" if low >= 3 else ""


@cache
def _font(weight: str) -> FontProperties:
    return FontProperties(family="DejaVu Sans", weight=weight)


@cache
def _width(text: str, size: float, weight: str = "normal") -> float:
    if not text.strip():
        return 0.0
    extents = TextPath((0, 0), text[:400], size=size, prop=_font(weight)).get_extents()
    return float(extents.width) * DRAWN_WIDER


def _drawable(text: str) -> str:
    """Characters that the font cannot draw are shown as such."""
    known = get_font(findfont(_font("normal")))
    return "".join(c if known.get_char_index(ord(c)) else MISSING for c in " ".join(text.split()))
