"""How people speak to a workflow: an Update named after each command, and for the IC's decisions a Signal as well."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from incident.commands import Command, Refusal, Said, Who, hear, judge
from incident.commands.base import speaker
from incident.model import Answer, Incident

NONSENSE = (TypeError, ValueError, LookupError, AttributeError, AssertionError, ArithmeticError)
"""What words can lead to that mean nothing. A fault in a handler would hold the workflow for ever."""
HANDED_OVER = "HandedOver"
"""The type of a refusal that means: this is heard by what comes after the incident."""


class SpokenTo(ABC):
    """A workflow that holds an incident and hears commands about it."""

    _incident: Incident

    def judge(self, said: Said[Command]) -> None:
        """An Update's validator: may this person say this now? Changes nothing."""
        if not isinstance(said, Said):  # a null is decoded as nothing at all
            raise ApplicationError("Nothing was said.", type="Refused", non_retryable=True)
        try:
            judge(self._incident, said, workflow.now())
        except Refusal as refusal:
            raise ApplicationError(str(refusal), type="Refused", non_retryable=True) from None
        except NONSENSE:
            raise ApplicationError("That makes no sense.", type="Refused", non_retryable=True) from None

    def hear(self, said: Said[Command]) -> Answer:
        """An Update that was let pass. An answer means accepted and durable, not done."""
        try:
            answer = hear(self._incident, said, workflow.now())
        except NONSENSE as fault:
            raise ApplicationError(f"That cannot be done: {fault!r}.", type="Refused", non_retryable=True) from fault
        finally:
            self._changed()
        return answer

    def hear_or_say_why_not(self, said: Said[Command]) -> None:
        """A Signal has no answer: a refusal is said in the room."""
        if not isinstance(said, Said):  # a null is decoded as nothing at all
            return
        now = workflow.now()
        try:
            judge(self._incident, said, now)
            hear(self._incident, said, now)
        except NONSENSE as fault:
            workflow.logger.warning("a signal makes no sense: %r", fault)
        except Refusal as refusal:
            who = speaker(self._incident, said)
            self._incident.say(f"{who.name} said `{said.command.words()}` by a signal. Refused: {refusal}", now)
            self._incident.log("refused", f"{said.command.words()}: {refusal}", now, who=who.id, source="signal")
        self._changed()

    @abstractmethod
    def _changed(self) -> None:
        """What was heard has to be carried out."""


W = TypeVar("W", bound=type[SpokenTo])


def spoken_to(kinds: Iterable[type[Command]]) -> Callable[[W], W]:
    """Registers them once for the class: doing it for each incident cost 6 ms of each."""

    def registered(workflow_class: W) -> W:
        for kind in kinds:
            update, signal = _handlers(kind)
            name = kind.verb.replace("-", "_")
            setattr(workflow_class, f"say_{name}", update)
            if kind.who is Who.COMMANDER:
                setattr(workflow_class, f"signal_{name}", signal)
        return workflow_class

    return registered


def _handlers(kind: type[Command]) -> tuple[Any, Any]:
    # Without an argument at all there is nothing, too: whoever may signal can leave it out.
    def judged(self: SpokenTo, said: Any = None) -> None:
        self.judge(said)

    def heard(self: SpokenTo, said: Any = None) -> Answer:
        return self.hear(said)

    def signalled(self: SpokenTo, said: Any = None) -> None:
        self.hear_or_say_why_not(said)

    # The SDK decodes by annotation; the kind is known only here.
    said_type = Said[kind]  # type: ignore[valid-type]  # a class chosen at run time is no static type
    for handler, answer in ((judged, None), (heard, Answer), (signalled, None)):
        handler.__annotations__ = {"said": said_type, "return": answer}
    update = workflow.update(name=kind.verb)(heard)
    update.validator(judged)
    return update, workflow.signal(name=kind.verb)(signalled)
