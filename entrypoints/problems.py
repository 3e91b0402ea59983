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


def sentence(fault: BaseException, id: str = "") -> str:
    """What to say of a fault that nobody foresaw. `id` is that of a command, which may have been sent."""
    kind, temporal = type(fault), type(fault).__module__.startswith("temporalio.")
    if id and (isinstance(fault, TimeoutError) or (temporal and "Timeout" in kind.__name__)):
        return str(Unanswered(id))
    again = f" If it was sent, it may still happen; repeat it with `--id {id}`: it counts once." if id else ""
    if temporal or isinstance(fault, TimeoutError):
        return f"Temporal did not answer as expected ({_short(fault)}). `ic doctor` looks at it.{again}"
    if isinstance(fault, OSError):
        file = f" ({fault.filename})" if fault.filename else ""
        return f"This machine could not do it: {fault.strerror or _short(fault)}{file}.{again}"
    return f"Something went wrong here that nobody foresaw ({_short(fault)}).{again}"


def _short(fault: BaseException) -> str:
    text = str(fault).splitlines()[0][:120] if str(fault) else ""
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__


@contextmanager
def reaching() -> Iterator[None]:
    """The first call connects; a server that is not there is said in our words."""
    try:
        yield
    except RuntimeError as error:
        if "connect" not in str(error).lower():
            raise
        raise Unreachable("Temporal cannot be reached. Is `ic up` running?") from error
