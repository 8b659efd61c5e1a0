"""Closed vocabularies and names of the domain (the table of words in docs/architecture.md)."""

from enum import StrEnum
from typing import NewType

PartnerId = NewType("PartnerId", str)
"""32 hex characters derived from the partner's identity key, so that it certifies itself."""

RoomId = NewType("RoomId", str)
"""32 random hex characters."""

Digest = NewType("Digest", str)
"""SHA-256 in 64 hex characters."""


class PartnerKind(StrEnum):
    """What a partner is in the ecosystem."""

    ISV = "isv"
    SI = "si"
    RESELLER = "reseller"
    MSP = "msp"
    HYPERSCALER = "hyperscaler"
    AGENCY = "agency"
    OTHER = "other"


class Kind(StrEnum):
    """Kinds of match key, strongest first."""

    LEI = "lei"
    DUNS = "duns"
    VAT = "vat"
    DOMAIN = "domain"
    NAME_COUNTRY = "name_country"


IDENTIFIER_KINDS = frozenset({Kind.LEI, Kind.DUNS, Kind.VAT})
"""Kinds that name a legal entity: equal means match whatever else, both present and different is a veto."""


class CountingMode(StrEnum):
    """How counts are shown. Modes with noise join here, behind the same rule."""

    EXACT = "exact"


class ChangeMode(StrEnum):
    """How changes inside an epoch leave the agent."""

    BATCHED = "batched"
    IMMEDIATE = "immediate"


class RoomState(StrEnum):
    """Where a room is in its life."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    DECLINED = "declined"
    LEFT = "left"
    EXPIRED = "expired"


DEFAULT_SEGMENTS = ("customers", "open_opportunities", "prospects")
