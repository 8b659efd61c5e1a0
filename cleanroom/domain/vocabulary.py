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
    REGISTER = "register"
    CIK = "cik"
    ISIN = "isin"
    TICKER = "ticker"
    DOMAIN = "domain"
    SITE_NAME = "site_name"
    NAME_COUNTRY = "name_country"
    NAME = "name"
    NAME_OUTLINE = "name_outline"


class Tier(StrEnum):
    """What the evidence for a match is worth (docs/matching.md). Less than likely is no match."""

    CERTAIN = "certain"
    LIKELY = "likely"


class CountingMode(StrEnum):
    """How counts are shown, the weakest first (docs/privacy.md)."""

    EXACT = "exact"
    STANDARD = "standard"
    CONFIDENTIAL = "confidential"

    def is_weaker_than(self, other: "CountingMode") -> bool:
        """Whether this one shows more."""
        order = list(CountingMode)
        return order.index(self) < order.index(other)


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


class RoundState(StrEnum):
    """Where a round of opening is in its life. The escrow alone knows of those that are void or empty."""

    OPEN = "open"
    EXCHANGED = "exchanged"
    LAPSED = "lapsed"
    VOID = "void"
    EMPTY = "empty"


class Form(StrEnum):
    """How much is shown. `account` is hidden < count < exists, every other field hidden < reduced < full."""

    HIDDEN = "hidden"
    COUNT = "count"
    EXISTS = "exists"
    REDUCED = "reduced"
    FULL = "full"


class Role(StrEnum):
    """What a user of a partner may do, and what is shown to them of the other side's fields."""

    ADMIN = "admin"
    PARTNER_MANAGER = "partner_manager"
    SELLER = "seller"
    SECURITY_REVIEWER = "security_reviewer"


class Purpose(StrEnum):
    """What a room is used for; a rule of a policy may hold for some of these only."""

    CO_SELL = "co_sell"
    CO_MARKETING = "co_marketing"
    RESELL = "resell"
    DELIVERY = "delivery"
    REPORTING = "reporting"


class Nomination(StrEnum):
    """Which side has nominated an account, seen from the owner of a policy."""

    NONE = "none"
    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"


class Reciprocity(StrEnum):
    """What a rule asks of the other side in return, measured on its form before its own reciprocity."""

    NONE = "none"
    SAME_FORM = "same_form"
    AT_LEAST = "at_least"


DEFAULT_SEGMENTS = ("customers", "open_opportunities", "prospects")
