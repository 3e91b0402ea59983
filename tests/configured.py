"""The example organisation with other numbers: cadences are shortened by configuration alone."""

from __future__ import annotations

import re

from tests.conftest import CONFIG


def example(**sections: dict[str, str]) -> str:
    """The example's TOML; `executives={"every": "6s"}` replaces or adds that line of that section."""
    text = (CONFIG / "example.toml").read_text()
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
