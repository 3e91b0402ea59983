"""The example organisation with other numbers: cadences are shortened by configuration alone."""

from __future__ import annotations

import re
from pathlib import Path

from incident.policy import Organisation, read_organisation
from tests.conftest import CONFIG, ROOT

SIMPLE = ROOT / "tests" / "catalogue"
"""A catalogue that needs nothing but the machine; `config/catalogue` needs the shop."""


def organisation(text: str = "") -> Organisation:
    """The example's, or that of `text`, with the catalogue that it names."""
    return read_organisation(text or example(), "example.toml", files_of)


def files_of(folder: str) -> dict[str, str]:
    return {file.name: file.read_text() for file in Path(folder).glob("*.toml")}


def example(catalogue: Path = SIMPLE, /, **sections: dict[str, str]) -> str:
    """The example's TOML; `executives={"every": "6s"}` replaces or adds that line of that section.

    An acknowledgement is looked for more often than the example's 5 s, so that no story waits for one.
    """
    text = (CONFIG / "example.toml").read_text().replace('catalogue = "catalogue"', f'catalogue = "{catalogue}"')
    sections["paging"] = {"poll_every": '"200ms"'} | sections.get("paging", {})
    for section, values in sections.items():
        head = f"[{section}]\n"
        assert head in text, f"the example has no section {section}"
        begin = text.index(head) + len(head)
        following = re.search(r"^\[", text[begin:], re.MULTILINE)
        end = begin + following.start() if following else len(text)
        body = text[begin:end]
        for key, value in values.items():
            body = re.sub(rf"^{key} = .*\n", "", body, flags=re.MULTILINE)
            body = f"{key} = {value}\n" + body
        text = text[:begin] + body + text[end:]
    return text
