"""The field catalogue of a room's terms (DESIGN section 4): which fields a list may carry, and how each may be reduced.

Lists map their columns to these names, policies speak only of these names. Match keys (name, website, country,
identifiers) and the segment have columns of their own; three of them can be shared under the names in `COLUMN_OF`.
`account` stands for the row itself. `match_evidence` (which kinds of key agree) is nobody's column: both agents know
it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cleanroom.domain.vocabulary import Form


class FieldType(StrEnum):
    """How a field's values are read, and in which canonical form they are kept."""

    TEXT = "text"  # NFC, trimmed
    EMAIL = "email"  # lower case
    MONEY = "money"  # plain decimal, two places, "."
    CURRENCY = "currency"  # ISO 4217
    DATE = "date"  # ISO 8601, YYYY-MM-DD
    COUNTRY = "country"  # ISO 3166 alpha-2
    EVIDENCE = "evidence"  # kinds of match key, in the terms' order


class FieldClass(StrEnum):
    """What a field says about whom; a policy rule may name a class instead of fields."""

    IDENTITY = "identity"
    CONTACT = "contact"
    COMMERCIAL = "commercial"
    FREE_TEXT = "free_text"


class Reduction(StrEnum):
    """The one reduced form that a field has between hidden and full; a field with none is never reduced, but hidden."""

    NONE = "none"
    BANDED = "banded"  # the band between two edges of its currency
    EMAIL_DOMAIN = "email_domain"  # ann@acme.example -> acme.example
    INITIALS = "initials"  # Ann Example -> A. E.
    QUARTER = "quarter"  # 2026-05-17 -> 2026-Q2
    HASHED = "hashed"  # keyed between the two partners; the recipient can test guesses


RESERVED: Final = frozenset(
    (
        "account",  # the row itself, in policies
        *("account_id", "name", "website", "email", "country"),
        *("lei", "duns", "vat", "register", "cik", "isin", "ticker"),
        *("segment", "suppressed", "identifier_type", "identifier", "change"),
    )
)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ONLY_FOR: Final = {
    Reduction.BANDED: FieldType.MONEY,
    Reduction.EMAIL_DOMAIN: FieldType.EMAIL,
    Reduction.QUARTER: FieldType.DATE,
    Reduction.INITIALS: FieldType.TEXT,
}

ACCOUNT: Final = "account"
EVIDENCE: Final = "match_evidence"
COLUMN_OF: Final = {"account_name": "name", "account_website": "website", "account_country": "country"}
"""Fields of the catalogue that are read from a column of the match keys."""

Bands = tuple[tuple[str, tuple[int, ...]], ...]
"""Edges by currency (ISO 4217), in its units; `""` stands for every currency that is not named."""

DEFAULT_BANDS: Final[Bands] = (
    ("", (10_000, 50_000, 250_000, 1_000_000)),
    ("JPY", (1_000_000, 5_000_000, 25_000_000, 100_000_000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the catalogue. Raises ValueError for a name or a reduced form that cannot be."""

    name: str
    type: FieldType
    field_class: FieldClass
    reduced: Reduction
    bands: Bands = ()
    ceiling: Form = Form.FULL

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("field name: a-z, then a-z, 0-9 or _, at most 40")
        if self.name in RESERVED:
            raise ValueError("field name: reserved")
        if _ONLY_FOR.get(self.reduced, self.type) != self.type:
            raise ValueError("field: its reduced form is for another type")
        if (self.reduced is Reduction.BANDED) != ("" in dict(self.bands)) or len(dict(self.bands)) != len(self.bands):
            raise ValueError("field: a banded one needs edges for currencies that are not named, and only a banded one")
        if any(not edges or list(edges) != sorted(set(edges)) for _, edges in self.bands):
            raise ValueError("field: the edges of its bands must ascend")
        if self.ceiling not in (Form.HIDDEN, Form.REDUCED, Form.FULL):
            raise ValueError("field: its ceiling is hidden, reduced or full")


def _field(name: str, of_type: FieldType, field_class: FieldClass, reduced: Reduction = Reduction.NONE) -> Field:
    bands = DEFAULT_BANDS if reduced is Reduction.BANDED else ()
    return Field(name=name, type=of_type, field_class=field_class, reduced=reduced, bands=bands)


DEFAULT_CATALOGUE: Final[tuple[Field, ...]] = (
    _field("account_name", FieldType.TEXT, FieldClass.IDENTITY, Reduction.HASHED),
    _field("account_website", FieldType.TEXT, FieldClass.IDENTITY, Reduction.HASHED),
    _field("account_country", FieldType.COUNTRY, FieldClass.IDENTITY),
    _field("owner", FieldType.TEXT, FieldClass.CONTACT, Reduction.INITIALS),
    _field("owner_email", FieldType.EMAIL, FieldClass.CONTACT, Reduction.EMAIL_DOMAIN),
    _field("stage", FieldType.TEXT, FieldClass.COMMERCIAL),
    _field("amount", FieldType.MONEY, FieldClass.COMMERCIAL, Reduction.BANDED),
    _field("currency", FieldType.CURRENCY, FieldClass.COMMERCIAL),
    _field("close_date", FieldType.DATE, FieldClass.COMMERCIAL, Reduction.QUARTER),
    _field("region", FieldType.TEXT, FieldClass.IDENTITY),
    _field("notes", FieldType.TEXT, FieldClass.FREE_TEXT),
    _field("match_evidence", FieldType.EVIDENCE, FieldClass.IDENTITY),
)

LIST_FIELDS: Final = tuple(
    field for field in DEFAULT_CATALOGUE if field.name not in COLUMN_OF and field.type is not FieldType.EVIDENCE
)
"""Fields that a list has columns of their own for."""
