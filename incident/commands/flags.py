"""What a command is said with besides its words: `--also`, `confirm`."""

from __future__ import annotations

import re

from incident.words import Words

_ALSO = re.compile(r"(?<!\s)(?:^|\s+)(?:--|—|–)also\b")


def take_also(words: Words) -> bool:
    """A clear yes to something beside what is there already."""
    found = _ALSO.search(words.left) is not None
    words.left = _ALSO.sub("", words.left).strip()
    return found


def take_confirm(words: Words) -> bool:
    """The second time, by somebody who was told why not."""
    if words.peek().lower() != "confirm":
        return False
    words.take("confirm")
    return True
