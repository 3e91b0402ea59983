"""The postmortem as people read it: complete, harmless whatever was typed, the same for the same record."""

from __future__ import annotations

import struct
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from documents import months, picture, render
from incident import figures, postmortem
from incident.model import Incident
from tests.documents.story import HOSTILE, two_hours
from tests.domain.conftest import Told

VOID = {"meta", "br", "hr", "img", "link", "input"}


@pytest.fixture
def incident(told: Callable[..., Told]) -> Incident:
    return two_hours(told)


class Page(HTMLParser):
    """Keeps what would be done or fetched, and fails on what does not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_runs_nothing_and_fetches_nothing(told: Callable[..., Told]) -> None:
    incident = two_hours(told, title=HOSTILE)
    page = Page(render.as_html(postmortem.compose(incident)))
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "img", "form", "base"}
    assert {"svg", "table", "figure"} <= page.tags
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        if name in ("href", "xlink:href", "src"):
            assert value.startswith("#"), value
    assert "&lt;b&gt; <script>alert(1)</script> | `x`" in page.text
    assert "\u202e" not in page.text


def test_what_was_typed_cannot_break_the_tables_of_the_text(told: Callable[..., Told]) -> None:
    incident = two_hours(told, title=HOSTILE + "\n# a heading\n- a list")
    text = render.as_markdown(postmortem.compose(incident))
    assert (
        r"| note | Bob Boberson | &amp;lt;b&amp;gt; \<script\>alert(1)\</script\> \| \`x\` \$\\frac{1}{0}\$ esrever 漢字 |"
        in text
    )
    assert "<script" not in text.replace(r"\<script", "") and "\u202e" not in text
    assert text.count("\n# ") == 0 and "\n- a list" not in text
    for table in text.split("\n\n"):
        rows = [line.replace(r"\|", "") for line in table.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, table


def test_output_stays_in_its_block_whatever_stands_in_it(incident: Incident) -> None:
    text = render.as_markdown(postmortem.compose(incident))
    assert "````text\nexit code 0\nrolled back shop-api\n```\nnot a fence\n```\n````" in text


def test_the_same_record_gives_the_same_bytes(incident: Incident) -> None:
    assert render.render(incident) == render.render(incident)


def test_the_picture_is_1200_pixels_wide_and_survives_whatever_was_typed(told: Callable[..., Told]) -> None:
    incident = two_hours(told, title=f"{HOSTILE} " * 40)
    for number in range(40):
        repair = next(iter(incident.repairs.values()))
        incident.repairs[1000 + number] = repair
    png = picture.draw(postmortem.compose(incident), "png")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1200 and 500 < height < 2000


def test_an_incident_that_has_just_begun_can_be_told_too(told: Callable[..., Told]) -> None:
    files = render.render(told(commanded=False).incident)
    assert all(files.values())


def test_the_picture_of_the_measures_is_the_same_for_the_same_rows(incident: Incident) -> None:
    rows = figures.table([incident])
    assert months.draw(rows, "svg", "x") == months.draw(rows, "svg", "x")
    assert months.draw([], "png", "nothing yet")
