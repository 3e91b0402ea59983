"""Why a door has no answer. Each says in its text what is wrong and what to do.

Apart from what raises them: whoever only shows them loads neither Temporal's client nor a signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """Heard and refused; the text says why."""


class Unreachable(Exception):
    """Temporal does not answer."""


class Doubtful(Exception):
    """A workflow has the incident's id that may not be the incident; the text says why. Nobody can rely on its pages."""


class Unanswered(Exception):
    """Sent and not answered. It may still happen; said again with the same id it counts once."""

    def __init__(self, id: str) -> None:
        self.id = id
        super().__init__(f"Sent, not answered. It may still happen. Repeat it with `--id {id}`: it counts once.")


class NoSuchIncident(Exception):
    """There is none of that id."""


class CannotSign(Exception):
    """There is no key to sign with, or it did not sign."""


@contextmanager
def reaching() -> Iterator[None]:
    """The first call connects; a server that is not there is said in our words."""
    try:
        yield
    except RuntimeError as error:
        if "connect" not in str(error).lower():
            raise
        raise Unreachable("Temporal cannot be reached. Is `ic up` running?") from error
