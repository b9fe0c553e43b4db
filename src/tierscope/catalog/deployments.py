"""Types of Azure deployments, which no reply tells: what a user says of them, and which have Priority."""

from __future__ import annotations

from typing import Final, NamedTuple

GLOBAL: Final = "GlobalStandard"
DATA_ZONE: Final = "DataZoneStandard"
TYPES: Final = (
    GLOBAL,
    DATA_ZONE,
    "Standard",
    "GlobalProvisionedManaged",
    "DataZoneProvisionedManaged",
    "ProvisionedManaged",
    "GlobalBatch",
    "DataZoneBatch",
    "DeveloperTier",
)
"""Names of the resource manager's SKUs (Azure OpenAI, deployment types)."""
US: Final = "us"
ZONES: Final = (US, "eu")


class Kind(NamedTuple):
    """What kind of deployment it is."""

    type: str
    """One of ``TYPES``."""
    zone: str | None = None
    """Of a data zone's, which one: of ``ZONES``."""

    def __str__(self) -> str:
        """As part of a sentence."""
        return f"{self.type} ({self.zone})" if self.zone else self.type

    @property
    def is_in_zone(self) -> bool:
        """Whether its data stay in a zone."""
        return self.type.startswith("DataZone")

    @property
    def has_priority(self) -> bool | None:
        """Whether Priority is offered on it; ``None``: it depends on the zone.

        Global standard and data zone standard (US) have it; regional standard and data zone standard (EU) are named as
        lacking it, and the others are not named (Azure OpenAI, priority processing, 2026-09-24).
        """
        if self.type == DATA_ZONE:
            return None if self.zone is None else self.zone == US
        return self.type == GLOBAL
