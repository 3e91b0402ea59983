"""Public keys, as OpenSSH writes them: `ssh-ed25519 AAAA… comment`. No secret is ever handled here."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import struct
from dataclasses import dataclass

KIND = "ssh-ed25519"
_RAW = 32


class BadKey(ValueError):
    """It is no public key that can be used. The text says what it must be."""


@dataclass(frozen=True)
class PublicKey:
    """`raw` are the 32 bytes of an Ed25519 key, `comment` is whatever stands behind it."""

    raw: bytes
    comment: str = ""

    @property
    def blob(self) -> bytes:
        """As it travels in SSH's own formats."""
        return string(KIND.encode()) + string(self.raw)

    @functools.cached_property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        return f"{KIND} {base64.b64encode(self.blob).decode()} {self.comment}".rstrip()


@functools.lru_cache(4096)
def read(line: str) -> PublicKey:
    """The key that a line of a `.pub` file holds. Raises BadKey."""
    if "PRIVATE KEY" in line:
        raise BadKey("is a private key: replace it at once, and put the line of the .pub file here")
    kind, _, rest = line.strip().partition(" ")
    if kind != KIND:
        raise BadKey(f"must be an Ed25519 public key, `{KIND} AAAA… comment`; `ssh-keygen -t ed25519` makes one")
    text, _, comment = rest.strip().partition(" ")
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("is not a whole public key: copy the one line of the .pub file") from None
    return of_blob(blob, comment.strip())


def of_blob(blob: bytes, comment: str = "") -> PublicKey:
    """From SSH's own format. Raises BadKey for another kind of key."""
    kind, rest = take(blob)
    raw, rest = take(rest)
    if kind != KIND.encode() or len(raw) != _RAW or rest:
        raise BadKey("is not a whole public key: copy the one line of the .pub file")
    return PublicKey(raw, comment)


def string(data: bytes) -> bytes:
    """SSH's `string`: the length, then the bytes."""
    return struct.pack(">I", len(data)) + data


def take(data: bytes) -> tuple[bytes, bytes]:
    """The `string` at the front, and what is left. Raises BadKey when it is cut off."""
    if len(data) < 4:
        raise BadKey("is cut off")
    end = 4 + int(struct.unpack(">I", data[:4])[0])
    if end > len(data):
        raise BadKey("is cut off")
    return data[4:end], data[end:]
