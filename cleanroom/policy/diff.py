"""What a change of policies or terms changes: every context, not a sample.

`diff` compares what one direction really shows before and after, whoever's policy changed; the other direction is
`diff(old.turned(), new.turned())`. For four eyes, which must not depend on the counterpart, see
`cleanroom.policy.own_change`.

Both sides of the comparison are at the same instant: that a rule expires is nobody's change.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form
from cleanroom.policy.evaluate import Sides, cuts
from cleanroom.policy.levels import Levels, final_levels
from cleanroom.policy.model import LEVEL, PolicyRefused, forms_of
from cleanroom.policy.places import Place, places
from cleanroom.policy.space import Space

_HIDDEN = Levels(0, 0)
_STEPS = [(before, after) for before in range(3) for after in range(3) if before != after]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that is shown in another form, and where."""

    field: str
    before: Form
    after: Form
    places: tuple[Place, ...]
    contexts: int

    @property
    def widens(self) -> bool:
        """Whether more is shown than before."""
        return LEVEL[self.after] > LEVEL[self.before]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """All changes, widenings first, in the catalogue's order."""

    changes: tuple[Change, ...]

    @property
    def widens(self) -> bool:
        """Whether anything is shown in a higher form, anywhere."""
        return any(change.widens for change in self.changes)

    @property
    def narrows(self) -> bool:
        """Whether anything is shown in a lower form, anywhere."""
        return any(not change.widens for change in self.changes)


def diff(old: Sides, new: Sides, *, at: datetime) -> Diff:
    """What the owner shows to the recipient differently, from `at` on.

    Catalogue, segments and purpose may differ too: what one side does not have is hidden there.

    Raises:
        PolicyRefused: if these are not the same two partners.
    """
    if (old.owner_id, old.recipient_id) != (new.owner_id, new.recipient_id):
        raise PolicyRefused("diff: not the same two partners")
    segments = tuple(dict.fromkeys((*new.ground.segments, *old.ground.segments)))
    moments = cuts(old.owner, old.recipient, new.owner, new.recipient)
    before = final_levels(old, Space.of(segments, old.use, at=at, cuts=moments))
    space = Space.of(segments, new.use, at=at, cuts=moments)
    after = final_levels(new, space)
    return compared(before, after, space)


def compared(before: dict[str, Levels], after: dict[str, Levels], space: Space) -> Diff:
    """The changes between two sets of levels over one space."""
    read = cache(lambda mask: places(mask, space))
    changes = []
    for field in dict.fromkeys((*after, *before)):
        old, new = before.get(field, _HIDDEN), after.get(field, _HIDDEN)
        if old == new:
            continue
        for low, high in _STEPS:
            mask = old.exactly(low, space.everywhere) & new.exactly(high, space.everywhere)
            if mask:
                forms = forms_of(field)
                changes.append(
                    Change(
                        field=field,
                        before=forms[low],
                        after=forms[high],
                        places=read(mask),
                        contexts=mask.bit_count(),
                    )
                )
    changes.sort(key=lambda change: (not change.widens, change.field != ACCOUNT))
    return Diff(changes=tuple(changes))
