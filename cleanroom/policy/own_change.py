"""Whether one partner's change of its own policy could show more, or less, of what is its own. For four eyes.

Nobody's policy but the owner's is read, so that the answer is the same whatever the counterpart has signed, and cannot
change afterwards. It is exact for every counterpart there could be: a policy widens another if some counterpart exists
towards whom it shows more of a field somewhere, existence aside. Existence is compared by itself: granting more of
`account`, and accepting more of it, both widen, since either can make more cells agreed.

Accepting more of another field shows nothing of the owner's, with one exception that is counted: where it makes the
owner's own reciprocal rule possible. Asking less in return widens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom.domain.fields import ACCOUNT, Field
from cleanroom.domain.vocabulary import PartnerId, Purpose
from cleanroom.policy.evaluate import cuts
from cleanroom.policy.levels import Granted, Levels, granted, offered, pre_levels
from cleanroom.policy.limits import accepted, own_ceiling, possible, system_ceiling, terms_ceiling
from cleanroom.policy.model import LEVEL, Ground, Policy
from cleanroom.policy.space import Space

_EVERY_LEVEL: Final = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChange:
    """What a change of policy could do, whatever the counterpart does. It may do both."""

    widens: bool
    narrows: bool


def own_change(  # noqa: PLR0913 - two policies, and the room they are read in
    old: Policy | None, new: Policy | None, *, recipient: PartnerId, ground: Ground, use: Purpose, at: datetime
) -> OwnChange:
    """Whether the new policy could show more, or less, than the old one in some context from `at` on.

    Both are read under the same terms.
    """
    space = Space.of(ground.segments, use, at=at, cuts=cuts(old, new))
    before, after = (_Own(policy, granted(policy, recipient, ground, space)) for policy in (old, new))
    return OwnChange(widens=_widens(before, after, ground, space), narrows=_widens(after, before, ground, space))


@dataclass(frozen=True, slots=True)
class _Own:
    """A policy and where it grants what."""

    policy: Policy | None
    grants: Mapping[str, Granted]

    def existence(self) -> Levels:
        return pre_levels(self.grants[ACCOUNT], self.cap(None), None)

    def towards(self, accepts: int, shows: int, entry: Field, space: Space) -> Levels:
        """A field's levels towards a counterpart that accepts this much of it, and would show this much of its own."""
        # What the counterpart shows is capped as everything it sends: by what the owner accepts, above all.
        limits = (accepted(self.policy, entry), terms_ceiling(entry), system_ceiling(entry))
        level = possible(min(shows, *(LEVEL[form] for form in limits)), entry)
        returned = Levels(*(space.everywhere if level >= each else 0 for each in _EVERY_LEVEL[1:]))
        return offered(self.grants[entry.name], min(self.cap(entry), accepts), entry, returned)

    def cap(self, entry: Field | None) -> int:
        return min(
            LEVEL[form] for form in (own_ceiling(self.policy, entry), terms_ceiling(entry), system_ceiling(entry))
        )

    def decides_as(self, other: "_Own", entry: Field) -> bool:
        """Whether nothing that decides about the field differs."""
        return (
            self.grants[entry.name] == other.grants[entry.name]
            and self.cap(entry) == other.cap(entry)
            and accepted(self.policy, entry) == accepted(other.policy, entry)
        )


def _widens(before: _Own, after: _Own, ground: Ground, space: Space) -> bool:
    if LEVEL[accepted(after.policy, None)] > LEVEL[accepted(before.policy, None)]:
        return True
    if _more(before.existence(), after.existence()):
        return True
    return any(_field_widens(before, after, entry, space) for entry in ground.catalogue)


def _field_widens(before: _Own, after: _Own, entry: Field, space: Space) -> bool:
    if before.decides_as(after, entry):
        return False
    return any(
        _more(before.towards(accepts, shows, entry, space), after.towards(accepts, shows, entry, space))
        for accepts in _EVERY_LEVEL[1:]
        for shows in _EVERY_LEVEL
    )


def _more(before: Levels, after: Levels) -> bool:
    return bool(after.shown & ~before.shown or after.most & ~before.most)
