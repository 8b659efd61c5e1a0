"""The field catalogue of a room's terms (DESIGN section 4): which fields a list may carry, and how each may be reduced.

Lists map their columns to these names, policies speak only of these names. Match keys (name, website,
country, identifiers) and the segment are not fields: they have columns of their own. What a reduced form
looks like (edges, patterns) is not decided here.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FieldType(StrEnum):
    """How a field's values are read, and in which canonical form they are kept."""

    TEXT = "text"  # NFC, trimmed
    EMAIL = "email"  # lower case
    MONEY = "money"  # plain decimal, two places, "."
    CURRENCY = "currency"  # ISO 4217
    DATE = "date"  # ISO 8601, YYYY-MM-DD
    COUNTRY = "country"  # ISO 3166 alpha-2


class FieldClass(StrEnum):
    """What a field says about whom; a policy rule may name a class instead of fields."""

    IDENTITY = "identity"
    CONTACT = "contact"
    COMMERCIAL = "commercial"
    FREE_TEXT = "free_text"


class Reduction(StrEnum):
    """The one reduced form that a field has between hidden and full."""

    NONE = "none"
    BANDED = "banded"
    MASKED = "masked"
    DATED = "dated"
    HASHED = "hashed"


RESERVED: Final = frozenset(
    (
        "account",  # the row itself, in policies
        *("account_id", "name", "website", "country", "lei", "duns", "vat"),
        *("segment", "suppressed", "identifier_type", "identifier", "change"),
    )
)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ONLY_FOR: Final = {Reduction.BANDED: FieldType.MONEY, Reduction.DATED: FieldType.DATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the catalogue. Raises ValueError for a name or a reduced form that cannot be."""

    name: str
    type: FieldType
    field_class: FieldClass
    reduced: Reduction

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("field name: a-z, then a-z, 0-9 or _, at most 40")
        if self.name in RESERVED:
            raise ValueError("field name: reserved")
        if _ONLY_FOR.get(self.reduced, self.type) != self.type:
            raise ValueError("field: banded is for money, dated is for dates")


DEFAULT_CATALOGUE: Final[tuple[Field, ...]] = (
    Field(
        name="owner",
        type=FieldType.TEXT,
        field_class=FieldClass.CONTACT,
        reduced=Reduction.HASHED,
    ),
    Field(
        name="owner_email",
        type=FieldType.EMAIL,
        field_class=FieldClass.CONTACT,
        reduced=Reduction.MASKED,
    ),
    Field(
        name="stage",
        type=FieldType.TEXT,
        field_class=FieldClass.COMMERCIAL,
        reduced=Reduction.NONE,
    ),
    Field(
        name="amount",
        type=FieldType.MONEY,
        field_class=FieldClass.COMMERCIAL,
        reduced=Reduction.BANDED,
    ),
    Field(
        name="currency",
        type=FieldType.CURRENCY,
        field_class=FieldClass.COMMERCIAL,
        reduced=Reduction.NONE,
    ),
    Field(
        name="close_date",
        type=FieldType.DATE,
        field_class=FieldClass.COMMERCIAL,
        reduced=Reduction.DATED,
    ),
    Field(
        name="region",
        type=FieldType.TEXT,
        field_class=FieldClass.IDENTITY,
        reduced=Reduction.NONE,
    ),
    Field(
        name="notes",
        type=FieldType.TEXT,
        field_class=FieldClass.FREE_TEXT,
        reduced=Reduction.NONE,
    ),
)
