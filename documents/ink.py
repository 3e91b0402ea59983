"""What the pictures have in common: paper, ink, and that the same picture is the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.figure import Figure

WIDTH = 12.0
DPI = 100
SIZE, SMALL = 9.0, 8.0
INK, MUTED, GRID, PAPER, BAND = "#1f2430", "#646b7a", "#e3e6ec", "#ffffff", "#f6f7f9"
SEVERITIES = {"SEV-1": "#b3261e", "SEV-2": "#d9622b", "SEV-3": "#e0a526", "SEV-4": "#7c9a4a", "SEV-5": "#5b8aa6"}


def drawn(make: Callable[[], Figure], format: str, salt: str) -> bytes:
    """`format` is svg or png. Texts are outlines, and never read as formulas: others wrote them."""
    with mpl.rc_context():
        mpl.rcParams["svg.hashsalt"] = salt
        mpl.rcParams["svg.fonttype"] = "path"
        mpl.rcParams["text.parse_math"] = False
        mpl.rcParams["text.hinting"] = "none"
        mpl.rcParams["font.family"] = "DejaVu Sans"
        mpl.rcParams["font.size"] = SIZE
        out = io.BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type") if format == "svg" else ("Software",))
        make().savefig(out, format=format, dpi=DPI, facecolor=PAPER, metadata=nothing)
    return out.getvalue()
