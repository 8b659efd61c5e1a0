"""What a field may be at most in one direction, whatever the rules grant. The stricter side wins (promise 5).

Four limits, each a form: the owner's own ceilings, what the recipient accepts, the room's terms, the system. None
depends on a context.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from cleanroom.domain.fields import ACCOUNT, Field, Reduction
from cleanroom.domain.vocabulary import Form
from cleanroom.policy.model import LEVEL, Policy, forms_of


class Limit(StrEnum):
    """Whose limit it is."""

    CEILING = "ceiling"  # the owner's own
    ACCEPTS = "accepts"  # the recipient's
    TERMS = "terms"  # the catalogue's ceiling for the field
    SYSTEM = "system"
    NO_REDUCED_FORM = "no_reduced_form"  # the field has none, so less than full is hidden


def name_of(entry: Field | None) -> str:
    """The name of a field; None is `account`."""
    return ACCOUNT if entry is None else entry.name


def most_of(entry: Field | None) -> Form:
    """The highest form that a field has."""
    return forms_of(name_of(entry))[-1]


def own_ceiling(owner: Policy | None, entry: Field | None) -> Form:
    """What the owner never exceeds; where nothing is said, the highest form."""
    named = list(_entries({} if owner is None else owner.ceilings, entry))
    return min(named, key=LEVEL.__getitem__, default=most_of(entry))


def accepted(recipient: Policy | None, entry: Field | None) -> Form:
    """What the recipient is willing to receive; where nothing is said, hidden, and count for `account`."""
    named = list(_entries({} if recipient is None else recipient.accepts, entry))
    return min(named, key=LEVEL.__getitem__, default=Form.COUNT if entry is None else Form.HIDDEN)


def terms_ceiling(entry: Field | None) -> Form:
    """What the room's terms allow for a field; they set no ceiling for `account`."""
    return Form.EXISTS if entry is None else entry.ceiling


def system_ceiling(entry: Field | None) -> Form:
    """What the system allows at all: today everything. The one place to limit every room at once."""
    return most_of(entry)


def limits(owner: Policy | None, recipient: Policy | None, entry: Field | None) -> tuple[tuple[Limit, Form], ...]:
    """Every limit on a field from owner to recipient, with its form."""
    return (
        (Limit.CEILING, own_ceiling(owner, entry)),
        (Limit.ACCEPTS, accepted(recipient, entry)),
        (Limit.TERMS, terms_ceiling(entry)),
        (Limit.SYSTEM, system_ceiling(entry)),
    )


def cap(owner: Policy | None, recipient: Policy | None, entry: Field | None) -> int:
    """The level of the strictest limit."""
    return min(LEVEL[form] for _, form in limits(owner, recipient, entry))


def possible(level: int, entry: Field | None) -> int:
    """A level as the field can show it: without a reduced form, reduced is hidden."""
    reduced = LEVEL[Form.REDUCED]
    return 0 if level == reduced and entry is not None and entry.reduced is Reduction.NONE else level


def _entries(table: Mapping[str, Form], entry: Field | None) -> Iterator[Form]:
    targets = (ACCOUNT,) if entry is None else (entry.name, str(entry.field_class))
    return (table[target] for target in targets if target in table)
