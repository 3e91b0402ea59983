"""The postmortem as files: Markdown, one self-contained HTML page, and the picture of the timeline.

What people wrote is made harmless where it is put in, by default: a template has to ask for the opposite.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from documents import picture
from documents.text import clean, fenced, markdown
from incident import postmortem
from incident.model import Incident
from incident.postmortem import Document
from incident.times import minutes

MARKDOWN, PAGE, SVG, PNG = "postmortem.md", "postmortem.html", "timeline.svg", "timeline.png"


def render(incident: Incident) -> dict[str, bytes]:
    """All files of an incident's postmortem, by name. The same record gives the same bytes."""
    document = postmortem.compose(incident)
    return {
        MARKDOWN: as_markdown(document, SVG).encode(),
        PAGE: as_html(document).encode(),
        SVG: picture.draw(document, "svg"),
        PNG: picture.draw(document, "png"),
    }


def one(document: Document, suffix: str) -> bytes:
    """One of them, by the end of its name: .md, .html, .svg, .png."""
    match suffix:
        case ".md":
            return as_markdown(document).encode()
        case ".html":
            return as_html(document).encode()
        case _:
            return picture.draw(document, suffix[1:])


def as_markdown(document: Document, picture_file: str = "") -> str:
    """With a picture where there is a file of it beside the text."""
    return _templates("md").get_template(MARKDOWN).render(d=document, picture=_Raw(picture_file))


def as_html(document: Document) -> str:
    drawn = picture.draw(document, "svg").decode()
    svg = Markup(drawn[drawn.index("<svg") :])  # noqa: S704  # drawn here: text stands in it as outlines only
    return _templates("html").get_template(PAGE).render(d=document, picture=svg)


class _Raw(str):
    """Text that stands in a document as it is."""

    __slots__ = ()


@cache
def _templates(kind: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("documents"),
        autoescape=select_autoescape(["html"]),
        finalize=_harmless if kind == "html" else _harmless_in_markdown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "moment": _moment,
        "second": _second,
        "lasted": _lasted,
        "fenced": lambda text: _Raw(fenced(text)),
    }
    return environment


def _harmless(value: object) -> object:
    return value if isinstance(value, Markup) else clean(value)


def _harmless_in_markdown(value: object) -> object:
    return value if isinstance(value, _Raw) else markdown(value)


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _lasted(value: timedelta | None) -> str:
    return minutes(value) if value is not None else ""
