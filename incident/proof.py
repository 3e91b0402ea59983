"""Whose word a command is: proved by a signature over all of it, not claimed (process, 8).

What is signed is one canonical text: who, on whose behalf, through which door, when, of which incident, under which
id, and the command with its whole content. The signature is OpenSSH's own (`SSHSIG`, Ed25519, in a namespace of ours), so that
a door's key, a key in `ssh-agent` and `ssh-keygen -Y sign` are one and the same to whoever verifies.

Pure: the same text, key and signature always give the same answer, in a workflow and its replay as well.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from incident.keys import KIND, BadKey, PublicKey, of_blob, string, take

if TYPE_CHECKING:
    from incident.commands.base import C, Said  # the commands import this module
    from incident.declaring import Declaration
    from incident.policy import Policy

NAMESPACE = "dont-panic@command"
FRESH = timedelta(minutes=5)
"""How far from now a decision may have been said, before or after: what is older is not obeyed, it is asked again."""
HASH = "sha512"
SLACK = "slack"
_MAGIC = b"SSHSIG"
_VERSION = b"\x00\x00\x00\x01"
_SIGNATURE = 64


@dataclass(frozen=True)
class Signed:
    """What was signed, to the letter, and the signature: whoever acts on it verifies it again."""

    text: str
    proof: str


@dataclass(frozen=True)
class Standing:
    """What a proof is worth. `false`: it is there, and shows something else than it should.

    `why` says what is wrong and what to do when it is not `proven`; `broken_glass` names the emergency key that was used.
    """

    proven: bool
    why: str = ""
    false: bool = False
    broken_glass: str = ""


# -- what is signed -------------------------------------------------------------------------------------


def of_command(incident: str, said: Said[C]) -> str:
    """The canonical text of a command in its envelope.

    What stands at its default is left out, so that a field which a later version adds does not spoil the signatures of a
    door that has not been renewed yet.
    """
    return _canonical(
        {
            "incident": incident,
            "by": said.by,
            "name": said.name,
            "on_behalf": said.on_behalf,
            "door": said.door,
            "id": said.id,
            "at": _moment(said.at),
            "verb": said.command.verb,
            "command": _content(said.command),
        }
    )


def of_declaration(declaration: Declaration) -> str:
    """The canonical text of a declaration. The rules that travel with it are the door's own and are not said by anybody."""
    whole = _content(declaration)
    left_out = ("policy", "proof")
    return _canonical({"declaration": {key: value for key, value in whole.items() if key not in left_out}})


def _canonical(whole: Mapping[str, Any]) -> str:
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _moment(at: datetime | None) -> str:
    """Whatever somebody sends has a text: an error here would hold the incident."""
    if at is None:
        return ""
    try:
        return (at if at.tzinfo is None else at.astimezone(UTC)).isoformat()
    except OverflowError:
        return at.isoformat()


def _content(thing: Any) -> dict[str, Any]:
    content: dict[str, Any] = _adapter(type(thing)).dump_python(thing, mode="json", exclude_defaults=True)  # type: ignore[arg-type]  # a class is hashable
    return content


@functools.cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


# -- the signature --------------------------------------------------------------------------------------


def to_be_signed(text: str) -> bytes:
    """The bytes that an Ed25519 key signs: what `ssh-keygen -Y sign` and an agent are asked for."""
    digest = hashlib.sha512(text.encode(errors="surrogatepass")).digest()
    return _MAGIC + string(NAMESPACE.encode()) + string(b"") + string(HASH.encode()) + string(digest)


def written(fingerprint: str, signature: bytes) -> str:
    """The proof as it travels in the envelope: kind, key, signature."""
    return f"{KIND} {fingerprint} {base64.b64encode(signature).decode()}"


def of_armor(armored: str) -> str:
    """The proof from what `ssh-keygen -Y sign` prints. Raises BadKey."""
    lines = [line.strip() for line in armored.strip().splitlines()]
    if len(lines) < 3 or "BEGIN SSH SIGNATURE" not in lines[0] or "END SSH SIGNATURE" not in lines[-1]:
        raise BadKey("is no SSH signature")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("is no SSH signature") from None
    if not blob.startswith(_MAGIC + _VERSION):
        raise BadKey("is an SSH signature of another version")
    key, rest = take(blob[len(_MAGIC + _VERSION) :])
    namespace, rest = take(rest)
    _, rest = take(rest)
    hashed, rest = take(rest)
    signature, rest = take(rest)
    if (namespace, hashed, rest) != (NAMESPACE.encode(), HASH.encode(), b""):
        raise BadKey(f"is an SSH signature for something else than {NAMESPACE}")
    return written(of_blob(key).fingerprint, of_signature_blob(signature))


def of_signature_blob(blob: bytes) -> bytes:
    """The 64 bytes in SSH's own form of an Ed25519 signature. Raises BadKey."""
    kind, rest = take(blob)
    signature, rest = take(rest)
    if kind != KIND.encode() or len(signature) != _SIGNATURE or rest:
        raise BadKey("is not an Ed25519 signature")
    return signature


def fits(text: str, signature: bytes, key: PublicKey) -> bool:
    """Whether `key` signed exactly `text`."""
    # Here, not above: `ic` imports this module each time, and verifies nothing itself.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, to_be_signed(text))
    except (InvalidSignature, ValueError):
        return False
    return True


# -- whose it is ----------------------------------------------------------------------------------------


def standing(policy: Policy, signed: Signed, *, person: str, door: str) -> Standing:
    """What the signature is worth as the word of `person` (a handle, or a guest's Slack id) through `door`.

    A door's key speaks for people in Slack, a person's for that person, an emergency key for anybody, which is announced.
    """
    if not signed.proof:
        return Standing(
            False,
            "Outside of practice a decision needs a proof of who you are: say it in Slack, or with `ic` and your key (`ic keys` helps).",
        )
    try:
        fingerprint, signature = _read(signed.proof)
    except ValueError:
        return Standing(False, "The proof cannot be read. Say it in Slack, or with `ic`.", false=True)
    for holder, key in _holders(policy, fingerprint):
        if not fits(signed.text, signature, key):
            return Standing(
                False,
                "The signature does not fit: it was altered on the way, or meant for something else."
                " Say it again, in Slack or with `ic`.",
                false=True,
            )
        return _spoken_by(policy, holder, person, door)
    return Standing(
        False,
        f"The key {fingerprint} is not known here. `ic keys` shows how to add it; a running incident learns it by `!ic reload`.",
    )


def _spoken_by(policy: Policy, holder: str, person: str, door: str) -> Standing:
    kind, _, name = holder.partition("/")
    if kind == "break-glass":
        return Standing(True, broken_glass=name)
    if kind == "door":
        if door == SLACK:
            return Standing(True)
        return Standing(
            False, f"The key of {name} speaks for people in Slack, not through {door!r}. Use your own key.", false=True
        )
    if name == person:
        return Standing(True)
    return Standing(
        False,
        f"That is {policy.name(name)}'s key, and it is said in the name of {policy.name(person)}."
        " Everybody speaks for themselves.",
        false=True,
    )


def _holders(policy: Policy, fingerprint: str) -> list[tuple[str, PublicKey]]:
    """Whose key has this fingerprint: at most one, as the policy is checked."""
    return [(holder, key) for holder, key in policy.public_keys() if key.fingerprint == fingerprint]


def fresh(at: datetime | None, now: datetime) -> str | None:
    """Why something said `at` is not obeyed any more, or None."""
    if at is None or at.tzinfo is None:
        return "It does not say when it was said. Say it in Slack, or with `ic`."
    if abs(now - at) <= FRESH:
        return None
    way = "ago" if at < now else "ahead of the clock here"
    minutes = FRESH // timedelta(minutes=1)
    return f"It was said at {at:%H:%M} UTC, more than {minutes} minutes {way}. If it is still meant, say it again."


def approves(
    policy: Policy,
    signed: Signed | None,
    incident: str,
    this: Callable[[str, Mapping[str, Any]], bool],
    *,
    since: datetime | None = None,
) -> str | None:
    """Why `signed` is no approval of exactly this, or None. For whoever acts on it, with the keys of their own.

    `this` knows it by the verb and content of the command; with `since`, one said before that is over.
    """
    if signed is None:
        return "no signed approval came with it"
    try:
        whole = json.loads(signed.text)
        same = whole["incident"] == incident and this(str(whole["verb"]), whole["command"])
        by, door, at = str(whole["by"]), str(whole["door"]), datetime.fromisoformat(whole["at"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "its approval does not say what was approved"
    known = policy.known(by.removeprefix("@"))
    worth = standing(policy, signed, person=known.id if known else by, door=door)
    if not worth.proven:
        return f"its approval is not proved: {worth.why}"
    if not same:
        return "what was approved is something else"
    return "its approval is too old" if since is not None and (at.tzinfo is None or at < since) else None


def _read(proof: str) -> tuple[str, bytes]:
    """Raises ValueError."""
    kind, fingerprint, text = proof.split(" ")
    if kind != KIND:
        raise ValueError(kind)
    signature = base64.b64decode(text, validate=True)
    if base64.b64encode(signature).decode() != text:
        raise ValueError(text)  # the same signature, written in another way
    return fingerprint, signature
