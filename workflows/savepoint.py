"""A state to which a half-made change is taken back, in place.

Tasks of a workflow hold pieces of its state while they wait: a page, a team, a message. A state that were replaced by its
copy would leave them with pieces of a state that counts no more. So each object is given back what it held, and stays
the object that it is.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
from typing import Any


class Savepoint:
    """The state of `whole`, and of all that it holds, as it is now. `size`: its bytes."""

    def __init__(self, whole: object) -> None:
        buffer = io.BytesIO()
        self._pickler = pickle.Pickler(buffer)
        self._pickler.dump(whole)
        self._saved = buffer.getvalue()

    @property
    def size(self) -> int:
        return len(self._saved)

    def restore(self) -> None:
        """Both sides number what they meet in the same order: by it each object finds what it held."""
        unpickler = pickle.Unpickler(io.BytesIO(self._saved))  # noqa: S301  # we wrote it a moment ago
        unpickler.load()
        was: dict[int, Any] = unpickler.memo.copy()
        pairs = [(live, was[number]) for number, live in self._pickler.memo.copy().values()]
        living = {id(saved): live for live, saved in pairs}

        def alive(value: Any) -> Any:
            return living.get(id(value), value)

        for live, saved in pairs:
            if _changes(live):
                held = {name: alive(value) for name, value in vars(saved).items()}
                vars(live).clear()
                vars(live).update(held)
            elif isinstance(live, list):
                live[:] = [alive(value) for value in saved]
            elif isinstance(live, dict):
                items = [(alive(key), alive(value)) for key, value in saved.items()]
                live.clear()
                live.update(items)


def _changes(thing: object) -> bool:
    """Whether it is an object of a dataclass that is not frozen."""
    kind = type(thing)
    return dataclasses.is_dataclass(kind) and not kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
