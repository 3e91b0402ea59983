"""Who is on call, who somebody is, and how to reach them.

From the organisation's file and the on-call book alone: it answers with everything else down, and loads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from activities.on_call_book import OnCallBook, now
from incident.choices import Choice
from incident.grammar import Question
from incident.policy import Organisation
from incident.words import Unreadable

QUESTIONS = ("oncall", "responders", "who")


@dataclass(frozen=True)
class Outcome:
    """What is said back. `data` is the same for programs; `choices` are offered with it, for `incident`.

    `asks`: nothing was done; the choices say what could be. `otherwise` is what is done for them when they choose nothing.
    """

    text: str
    data: Any = None
    choices: tuple[Choice, ...] = ()
    incident: str = ""
    asks: bool = False
    otherwise: str = ""


class Contacts:
    def __init__(self, organisation: Organisation, book: OnCallBook) -> None:
        self._organisation = organisation
        self._book = book

    def answer(self, question: Question) -> Outcome:
        """One of QUESTIONS. Raises Unreadable."""
        match question.about:
            case "oncall":
                return self.on_call()
            case "responders":
                return self.responders()
            case _:
                return self.who(question.rest)

    def on_call(self) -> Outcome:
        paging = self._organisation.paging
        rungs = [("primary IC", paging.primary), ("backup IC", paging.backup)]
        rungs += [("trainee IC", paging.shadow)] if paging.shadow else []
        lines, data = [], []
        for title, rung in rungs:
            for person in self._book.on_call(rung.escalation_policy, now()):
                lines.append(f"{title}: {self._book.name(person)}, {self._book.phone(person)}")
                data.append(
                    {
                        "role": title,
                        "person": person,
                        "name": self._book.name(person),
                        "phone": self._book.phone(person),
                    }
                )
        if not lines:
            lines = ["Who is on call is not known here. IC-trained people:"]
            lines += [f"{p.name}, {p.phone}" for p in self._organisation.people if p.trained]
        lines.append("`!ic page what is wrong` pages them and declares an incident; `!ic help` shows what can be said.")
        lines.append(f"(on-call book: {self._book.age(now())})")
        return Outcome("\n".join(lines), {"on_call": data, "age": self._book.age(now())})

    def responders(self) -> Outcome:
        shifts = self._book.everybody(now())
        names = {team.escalation_policy: team.name for team in self._organisation.teams}
        paging = self._organisation.paging
        names |= {paging.primary.escalation_policy: "IC primary", paging.backup.escalation_policy: "IC backup"}
        lines, data = [], []
        for shift in shifts:
            person = self._book.handle(shift.pagerduty_user)
            team = names.get(shift.escalation_policy, shift.escalation_policy)
            lines.append(
                f"{team}, level {shift.level}: {self._book.name(person)} (@{person}), {self._book.phone(person)}"
            )
            data.append({"team": team, "level": shift.level, "person": person, "phone": self._book.phone(person)})
        lines.append(f"(on-call book: {self._book.age(now())})")
        return Outcome("\n".join(lines), data)

    def who(self, rest: str) -> Outcome:
        wanted = rest.strip().removeprefix("<@").removesuffix(">").removeprefix("@")
        if not wanted:
            raise Unreadable("Say who: `!ic who bob`.")
        low = wanted.lower()
        contact = next(
            (
                p
                for p in self._organisation.people
                if wanted in (p.id, p.slack) or low in p.name.lower().split() or low == p.name.lower()
            ),
            None,
        )
        if contact is None:
            raise Unreadable(f"I know nobody called {wanted!r}. `!ic responders` lists who is on call.")
        teams = [team.name for team in self._organisation.teams if contact.id in team.members]
        what = [f"team {', '.join(teams)}"] if teams else []
        what += ["IC-trained"] if contact.trained else []
        shifts = [s for s in self._book.everybody(now()) if self._book.handle(s.pagerduty_user) == contact.id]
        what += ["on call"] if shifts else []
        age = self._book.age(now())
        known = f"{'; ' if what else ''}{', '.join(what)}"
        text = f"{contact.name} (@{contact.id}), {self._book.phone(contact.id)}{known} (on-call book: {age})"
        return Outcome(
            text, {"person": contact.id, "name": contact.name, "phone": contact.phone, "on_call": bool(shifts)}
        )
