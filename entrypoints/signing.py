"""How a door proves whose word it is: the listener with its own key, a person with theirs.

A person's private key is never read here: `ssh-agent` signs, or `ssh-keygen -Y sign`, which asks for a passphrase itself.
"""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from entrypoints.problems import CannotSign
from incident import keys, proof
from incident.keys import BadKey, PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from incident.policy import Policy

AGENT_WITHIN = 1.0
CONFIRMED_WITHIN = 60.0
"""An agent may ask somebody to touch a button."""
USUAL = Path("~/.ssh/id_ed25519")
_LARGEST_ANSWER = 262_144
_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGNATURE = 13, 14


class Sign(Protocol):
    """From the text that is said to the proof of whose it is; empty when there is none.

    `needed`: without a proof it would be refused, so that asking somebody for a passphrase is worth it.
    """

    async def __call__(self, text: str, *, needed: bool) -> str: ...


async def unsigned(text: str, *, needed: bool) -> str:
    return ""


def without(why: str) -> Sign:
    """No key can be used, and `why`: what decides nothing is said all the same."""

    async def sign(text: str, *, needed: bool) -> str:
        if needed:
            raise CannotSign(why)
        return ""

    return sign


class DoorKey:
    """The listener's own key: made on first start, readable by it alone, read again when it was replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at = 0
        self._key: Ed25519PrivateKey | None = None

    async def __call__(self, text: str, *, needed: bool) -> str:
        """Raises CannotSign when it is needed and the key cannot be used."""
        try:
            signature = self._private().sign(proof.to_be_signed(text))
        except (CannotSign, OSError) as fault:
            if not needed:
                return ""
            raise CannotSign(f"The listener's key cannot be used: {fault}") from None
        return proof.written(self.public.fingerprint, signature)

    @property
    def public(self) -> PublicKey:
        """Raises CannotSign when the file is no key, OSError when it cannot be made."""
        return PublicKey(self._private().public_key().public_bytes_raw(), "listener")

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_ssh_private_key

        if self._key is None and not self._file.exists():
            _make(self._file)
        changed = self._file.stat().st_mtime_ns if self._file.exists() else self._read_at
        if self._key is None or changed != self._read_at:
            try:
                found = load_ssh_private_key(self._file.read_bytes(), None)
            except (ValueError, TypeError):
                found = None
            if not isinstance(found, Ed25519PrivateKey):
                raise CannotSign(
                    f"{self._file} is not an Ed25519 key without a passphrase. Move it away: a new one is made."
                )
            self._key, self._read_at = found, changed
        return self._key


def _make(file: Path) -> None:
    """Whole or not at all, though two processes begin at once."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    written = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(written)
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        pass  # another process was first
    finally:
        part.unlink()


@dataclass(frozen=True)
class OwnKey:
    """A key that somebody at this machine may sign with; `place` is the agent's socket, or the file."""

    public: PublicKey
    place: Path
    in_agent: bool

    async def __call__(self, text: str, *, needed: bool) -> str:
        """Raises CannotSign when it is needed and was refused."""
        try:
            if self.in_agent:
                within = CONFIRMED_WITHIN if needed else AGENT_WITHIN
                signature = await _agent_signs(self.place, self.public, proof.to_be_signed(text), within)
                return proof.written(self.public.fingerprint, signature)
            return await _keygen_signs(self.place, text, may_ask=needed)
        except (OSError, BadKey, asyncio.TimeoutError, CannotSign) as fault:
            if not needed:
                return ""  # what decides nothing waits for no key
            why = str(fault) or type(fault).__name__
            raise CannotSign(f"The key {self.public.fingerprint} ({self.place}) did not sign: {why}.") from None


async def own_keys(named: Path | None = None) -> list[OwnKey]:
    """The one that was named, else what the agent holds, then the usual file. Raises CannotSign for a named one."""
    if named is not None:
        return [_named(named)]
    found = []
    if socket := os.environ.get("SSH_AUTH_SOCK"):
        found = [OwnKey(public, Path(socket), in_agent=True) for public in await _agent_holds(Path(socket))]
    return [*found, *(key for key in _usual() if key.public.raw not in {held.public.raw for held in found})]


def whose(policy: Policy, key: PublicKey) -> str:
    """`person/bob`, `break-glass/safe`, …; empty for a key that the organisation does not know."""
    return next((holder for holder, known in policy.public_keys() if known.raw == key.raw), "")


def add_door(key: PublicKey) -> str:
    """What to put into the organisation's file for the listener."""
    return f'Add a [[doors]] to the organisation file: name = "listener", kind = "slack", key = "{key.line}"'


def _usual() -> list[OwnKey]:
    file = USUAL.expanduser()
    public = _beside(file) if file.exists() else None
    return [OwnKey(public, file, in_agent=False)] if public is not None else []


def _named(file: Path) -> OwnKey:
    file = file.expanduser()
    private = file.with_suffix("") if file.suffix == ".pub" else file
    if not private.exists() and not file.exists():
        raise CannotSign(f"There is no key {file}.")
    if (public := _beside(private)) is None:
        found = subprocess.run(["ssh-keygen", "-y", "-f", str(private)], stdout=subprocess.PIPE, check=False)  # noqa: S607  # the one on the PATH
        try:
            public = keys.read(found.stdout.decode())
        except BadKey as fault:
            raise CannotSign(f"{private} {fault}.") from None
    return OwnKey(public, private if private.exists() else file, in_agent=False)


def _beside(private: Path) -> PublicKey | None:
    """What the .pub file beside it says."""
    try:
        return keys.read(private.with_name(f"{private.name}.pub").read_text())
    except (OSError, UnicodeDecodeError, BadKey):
        return None


async def _keygen_signs(file: Path, text: str, *, may_ask: bool) -> str:
    process = await asyncio.create_subprocess_exec(
        *("ssh-keygen", "-q", "-Y", "sign", "-n", proof.NAMESPACE, "-f", str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=None if may_ask else asyncio.subprocess.DEVNULL,
        # Without a terminal it cannot ask for a passphrase, and says no instead.
        start_new_session=not may_ask,
        env={k: v for k, v in os.environ.items() if may_ask or not k.startswith(("SSH_ASKPASS", "DISPLAY"))},
    )
    out, _ = await process.communicate(text.encode())
    if process.returncode:
        raise CannotSign("ssh-keygen said no")
    return proof.of_armor(out.decode())


# -- OpenSSH's agent ------------------------------------------------------------------------------------


async def _agent_holds(socket: Path) -> list[PublicKey]:
    """Its Ed25519 keys; none when it cannot be asked."""
    try:
        return list(_identities(await _ask_agent(socket, bytes([_REQUEST_IDENTITIES]), _IDENTITIES)))
    except (OSError, BadKey, asyncio.TimeoutError):
        return []


def _identities(answer: bytes) -> Iterator[PublicKey]:
    if len(answer) < 4:
        raise BadKey("is cut off")
    count, rest = struct.unpack(">I", answer[:4])[0], answer[4:]
    for _ in range(count):
        blob, rest = keys.take(rest)
        comment, rest = keys.take(rest)
        try:
            yield keys.of_blob(blob, comment.decode(errors="replace"))
        except BadKey:
            continue  # a key of another kind


async def _agent_signs(socket: Path, public: PublicKey, data: bytes, within: float) -> bytes:
    request = bytes([_SIGN_REQUEST]) + keys.string(public.blob) + keys.string(data) + struct.pack(">I", 0)
    blob, rest = keys.take(await _ask_agent(socket, request, _SIGNATURE, within))
    if rest:
        raise BadKey("is longer than a signature")
    return proof.of_signature_blob(blob)


async def _ask_agent(socket: Path, request: bytes, expected: int, within: float = AGENT_WITHIN) -> bytes:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(socket))
        try:
            writer.write(keys.string(request))
            size = struct.unpack(">I", await reader.readexactly(4))[0]
            if not 0 < size <= _LARGEST_ANSWER:
                raise BadKey("the agent's answer has no sensible length")
            return await reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise BadKey("the agent hung up") from None
        finally:
            writer.close()

    answer = await asyncio.wait_for(ask(), within)
    if answer[0] != expected:
        raise BadKey("the agent said no")
    return answer[1:]
