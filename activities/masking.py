"""Secrets do not leave in what a step says."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST = 4
MASK = b"***"


class Masker:
    """Masks `secrets` in a stream, also where one comes in pieces: what may be the beginning of one is held back."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may begin like another. A very short one would mask half of every text.
        known = {secret.encode() for secret in secrets if len(secret) >= SHORTEST}
        self._secrets = sorted(known, key=len, reverse=True)
        self._any = re.compile(b"|".join(map(re.escape, self._secrets))) if known else None
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown by now."""
        if self._any is None:
            return chunk
        data, shown, at = self._held + chunk, bytearray(), 0
        while True:
            found = self._any.search(data, at)
            begun = self._begun(data, at)
            if found is None or found.start() >= begun:
                shown += data[at:begun]
                self._held = data[begun:]
                return bytes(shown)
            shown += data[at : found.start()] + MASK
            at = found.end()

    def end(self) -> bytes:
        """What was held back, once nothing more comes."""
        rest, self._held = self._held, b""
        return self._any.sub(MASK, rest) if self._any else rest

    def mask(self, text: str) -> str:
        """A whole text."""
        return (self.feed(text.encode()) + self.end()).decode(errors="replace")

    def _begun(self, data: bytes, at: int) -> int:
        """Where, behind `at`, the end of `data` may be the beginning of a secret that goes on; its length if nowhere."""
        longest = 0
        for secret in self._secrets:
            for length in range(min(len(secret) - 1, len(data) - at), longest, -1):
                if data.endswith(secret[:length]):
                    longest = length
                    break
        return len(data) - longest
