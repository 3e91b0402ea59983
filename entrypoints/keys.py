"""`ic keys`: which keys I have, which the organisation knows, and how to add one."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from entrypoints import signing
from entrypoints.problems import CannotSign
from entrypoints.signing import DoorKey, OwnKey, Sign
from incident import proof
from incident.policy import Organisation
from incident.proof import Signed
from settings import Misconfigured, Settings


@dataclass(frozen=True)
class Speaking:
    """Who speaks in the shell, and what shows it."""

    by: str
    name: str
    sign: Sign

    async def shows(self, organisation: Organisation, *, needed: bool) -> bool:
        """Whether a fresh signature shows that it is them. `needed`: raises CannotSign when it does not."""
        text = f"{getpass.getuser()} reads at {datetime.now(UTC).isoformat()} as {self.by}"
        signature = await self.sign(text, needed=needed)
        worth = proof.standing(organisation, Signed(text, signature), person=self.by, door="cli")
        if needed and not worth.proven:
            raise CannotSign(
                "Reading a security incident needs your key. `ic keys` shows which you have, and how to add it."
            )
        return worth.proven


async def speaking(given: str, named: Path | None, settings: Settings) -> Speaking:
    """In practice whoever is named, else the login. Outside of it, whoever the key says; without one, the login, unproved.

    With a break-glass key, whoever is named. A named key that cannot be used is said when it is needed: `page` is not.
    In practice nobody signs, so that no signed word of a practice exists. Raises Misconfigured.
    """
    organisation = settings.organisation
    claimed = _known(organisation, given or getpass.getuser())
    if settings.practice:
        return Speaking(*claimed, signing.unsigned)
    try:
        found = await signing.own_keys(named)
    except CannotSign as fault:
        return Speaking(*claimed, signing.without(str(fault)))
    for key in found:
        kind, _, name = signing.whose(organisation, key.public).partition("/")
        if kind == "person" and (not given or claimed[0] == name):
            return Speaking(name, organisation.name(name), key)
        if kind == "break-glass" and named:
            if not given:
                raise Misconfigured("A break-glass key speaks for somebody: say for whom, `--as NAME`.")
            return Speaking(*claimed, key)
    if given:
        raise Misconfigured(
            "`--as` and IC_USER work in practice only, or with a break-glass key: whose word it is, is proved, not claimed."
        )
    if named:
        return Speaking(*claimed, signing.without(f"{found[0].public.fingerprint} is {_unknown(settings, found[0])}"))
    return Speaking(*claimed, signing.unsigned)


async def shown(settings: Settings, named: Path | None) -> list[str]:
    """Everything about keys, line by line. Raises CannotSign for a named key that is not there."""
    organisation = settings.organisation
    lines = ["Keys you can sign with:"]
    mine = await signing.own_keys(named)
    for key in mine:
        place = "ssh-agent" if key.in_agent else str(key.place)
        holder = signing.whose(organisation, key.public)
        lines.append(f"  {key.public.fingerprint} {key.public.comment} ({place})")
        lines.append(f"    {_told(organisation, holder)}" if holder else f"    {_unknown(settings, key)}")
    if not mine:
        lines.append(
            "  none. `ssh-keygen -t ed25519` makes one; with another place than ~/.ssh/id_ed25519: --key FILE or IC_KEY."
        )
    lines.append(f"Keys that {settings.config} knows:")
    known = organisation.public_keys()
    lines += [f"  {key.fingerprint} {_told(organisation, holder)}" for holder, key in known] or ["  none"]
    if settings.listener_key.exists():
        try:
            public = DoorKey(settings.listener_key).public
        except (CannotSign, OSError) as fault:
            return [*lines, f"The listener's key: {fault}"]
        lines.append(f"The listener's key ({settings.listener_key}):")
        lines.append(f"  {public.fingerprint}")
        holder = signing.whose(organisation, public)
        lines.append(f"    {_told(organisation, holder)}" if holder else f"    not known. {signing.add_door(public)}")
    return lines


async def check(settings: Settings, named: Path | None) -> tuple[bool, str]:
    """Sign something with the key that would be used, and verify it as an incident would."""
    organisation = settings.organisation
    for key in await signing.own_keys(named):
        kind, _, name = signing.whose(organisation, key.public).partition("/")
        if kind not in ("person", "break-glass"):
            continue
        text = "does this key sign?"
        signed = Signed(text, await key(text, needed=True))
        worth = proof.standing(organisation, signed, person=name, door="cli")
        place = "ssh-agent" if key.in_agent else str(key.place)
        if worth.proven:
            return True, f"{key.public.fingerprint} ({place}) signs, as {_told(organisation, f'{kind}/{name}')}."
        return False, worth.why
    return False, "No key here is known to the organisation. `ic keys` shows how to add yours."


def _known(organisation: Organisation, who: str) -> tuple[str, str]:
    wanted = who.removeprefix("@")
    for person in organisation.people:
        if wanted in (person.id, person.email, person.email.partition("@")[0], person.slack):
            return person.id, person.name
    return wanted, wanted


def _told(organisation: Organisation, holder: str) -> str:
    kind, _, name = holder.partition("/")
    match kind:
        case "person":
            return f"{organisation.name(name)} (@{name})"
        case "door":
            return f"the door {name!r}, for people in Slack"
        case _:
            return f"break-glass {name!r}, for anybody; its use is announced"


def _unknown(settings: Settings, key: OwnKey) -> str:
    return f'not known to {settings.config}. Add it to your entry under [[people]]: keys = ["{key.public.line}"]'
