"""The words for how bad it is and who does what (process, "Words")."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """SEV-1 is the worst. SEV-1 and SEV-2 are major incidents (process, "Words")."""

    SEV1 = "SEV-1"
    SEV2 = "SEV-2"
    SEV3 = "SEV-3"
    SEV4 = "SEV-4"
    SEV5 = "SEV-5"

    @property
    def major(self) -> bool:
        return self in (Severity.SEV1, Severity.SEV2)

    def worse_than(self, other: Severity) -> bool:
        return self.value < other.value


class Role(StrEnum):
    COMMANDER = "commander"
    DEPUTY = "deputy"
    SCRIBE = "scribe"
    CUSTOMER_LIAISON = "customer-liaison"
    INTERNAL_LIAISON = "internal-liaison"

    @property
    def label(self) -> str:
        """As it is said in the room."""
        return {
            Role.COMMANDER: "IC",
            Role.DEPUTY: "Deputy",
            Role.SCRIBE: "Scribe",
            Role.CUSTOMER_LIAISON: "Customer liaison",
            Role.INTERNAL_LIAISON: "Internal liaison",
        }[self]
