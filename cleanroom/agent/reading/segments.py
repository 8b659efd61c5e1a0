"""Which segment a row belongs to: one for the whole list, or from a column of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom.agent.reading.cleaning import first_of, folded
from cleanroom.domain.errors import InputRefused

EVERYDAY: Final = first_of(
    {
        "customers": (
            *("customer", "customers", "client", "clients", "customer - direct", "customer - channel"),
            *("existing customer", "active customer", "current customer", "evangelist", "closed won"),
            *("Kunde", "Kunden", "Bestandskunde", "Klient", "klant", "klanten", "cliente", "clientes"),
            *("clienti", "client existant", "klient", "kund", "kunder"),
        ),
        "open_opportunities": (
            *("open opportunity", "open opportunities", "opportunity", "opportunities", "open opp"),
            *("pipeline", "in pipeline", "open deal", "active deal", "Verkaufschance", "Opportunität"),
            *("opportunité", "oportunidad", "opportunità", "oportunidade", "kans"),
        ),
        "prospects": (
            *("prospect", "prospects", "lead", "leads", "target", "marketing qualified lead", "mql"),
            *("sales qualified lead", "sql", "subscriber", "Interessent", "Interessenten"),
            *("prospecto", "prospetto", "cliente potenziale", "cliente potencial", "potential customer"),
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFrom:
    """A column whose values name the segment.

    `values` maps what stands in the column to a segment's name (compared without case and punctuation). Empty:
    everyday words (customer, opportunity, prospect, lead ... in several languages) and the names themselves are read.
    """

    column: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.column.strip() or not all(name.strip() for name in self.values.values()):
            raise InputRefused("segment from a column: a column and names of segments, none empty")

    def segment_of(self, text: str) -> str | None:
        """The segment for a cell's text; None if it has none."""
        if self.values:
            known = {folded(value): name for value, name in self.values.items()}
            return known.get(folded(text))
        name = text.strip().casefold().replace(" ", "_")
        return name if name in _NAMES else EVERYDAY.get(folded(text))


_NAMES: Final = frozenset(EVERYDAY.values())
