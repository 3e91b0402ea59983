"""Keys of people and doors for tests, and words signed with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from incident import proof
from incident.commands import Said
from incident.keys import PublicKey


class Key:
    """The same for the same name, in every run."""

    def __init__(self, name: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")[:32])
        self.public = PublicKey(self._private.public_key().public_bytes_raw(), name)

    async def __call__(self, text: str, *, needed: bool = True) -> str:
        return self.over(text)

    def over(self, text: str) -> str:
        return proof.written(self.public.fingerprint, self._private.sign(proof.to_be_signed(text)))

    def sign(self, incident: str, said: Said[Any]) -> Said[Any]:
        return replace(said, proof=self.over(proof.of_command(incident, said)))

    @property
    def file(self) -> bytes:
        """As OpenSSH keeps it."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )


PEOPLE = ("bob", "dee", "kim", "anne", "carla")
LISTENER, SAFE, STRANGER = Key("the listener"), Key("in the safe"), Key("nobody's")


def with_keys(config: str) -> str:
    """The organisation's file with a key for each of PEOPLE, the listener, and one in the safe."""
    for person in PEOPLE:
        head = f'[[people]]\nid = "{person}"\n'
        assert head in config
        config = config.replace(head, f'{head}keys = ["{Key(person).public.line}"]\n')
    doors = f'\n[[doors]]\nname = "listener"\nkind = "slack"\nkey = "{LISTENER.public.line}"\n'
    return f'{config}{doors}\n[[break_glass]]\nname = "safe"\nkey = "{SAFE.public.line}"\n'


def said(command: Any, by: str, at: datetime, *, id: str = "id-1", door: str = "cli") -> Said[Any]:
    return Said(command, by, id, door, by, at)
