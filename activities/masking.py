"""Secrets do not leave in what a step says."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 4
MASK = b"***"


class Masker:
    """Masks `secrets` in a stream, also where one comes in pieces: what may be the beginning of one is held back."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another. A very short one would mask half of every text.
        known = {secret.encode() for secret in secrets if len(secret) >= SHORTEST}
        self._secrets = sorted(known, key=len, reverse=True)
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown by now."""
        data = self._held + chunk
        for secret in self._secrets:
            data = data.replace(secret, MASK)
        begun = self._begun(data)
        self._held = data[len(data) - begun :]
        return data[: len(data) - begun]

    def end(self) -> bytes:
        """What was held back, once nothing more comes."""
        rest, self._held = self._held, b""
        return rest

    def mask(self, text: str) -> str:
        """A whole text."""
        return (self.feed(text.encode()) + self.end()).decode(errors="replace")

    def _begun(self, data: bytes) -> int:
        """How many bytes at the end may belong to a secret that goes on in the next chunk."""
        longest = 0
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(data)), longest, -1):
                if data.endswith(secret[:length]):
                    longest = length
                    break
        return longest
