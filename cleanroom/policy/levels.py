"""The same decisions as `cleanroom.policy.evaluate`, for every context of a space at once, with bit masks.

Bits replace loops over contexts, nothing else: a test compares both for every context. A field's levels are two masks:
where it is shown at all, and where it is shown in its highest form.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cleanroom.domain.fields import ACCOUNT, Field
from cleanroom.domain.vocabulary import Form, PartnerId, Reciprocity
from cleanroom.policy.conditions import covers
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.limits import cap, name_of, possible
from cleanroom.policy.model import LEVEL, Effect, Ground, Policy
from cleanroom.policy.space import Space

Granted = Mapping[tuple[int, Reciprocity], int]
"""Where a field is granted: a mask for each level and each thing asked in return. Denied contexts are in none."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of one field in every context: where it is 1 or 2, and where it is 2."""

    shown: int
    most: int

    def only(self, mask: int) -> "Levels":
        """The same inside the mask, hidden outside."""
        return Levels(self.shown & mask, self.most & mask)

    def exactly(self, level: int, everywhere: int) -> int:
        """Where the level is this one."""
        return (everywhere & ~self.shown, self.shown & ~self.most, self.most)[level]

    def at_least(self, level: int) -> int:
        """Where the level is this one (1 or 2) or higher."""
        return self.shown if level == 1 else self.most


def final_levels(sides: Sides, space: Space) -> dict[str, Levels]:
    """The final levels of `account` and every field of the catalogue, in a space of the owner's contexts.

    The space may have segments that the room does not have: there everything is hidden.
    """
    ground = sides.ground
    known = space.cells_mask((mine, theirs) for mine in ground.segments for theirs in ground.segments)
    ours = granted(sides.owner, sides.recipient_id, ground, space)
    theirs = granted(sides.recipient, sides.owner_id, ground, space, mirrored=True)
    there = pre_levels(theirs[ACCOUNT], cap(sides.recipient, sides.owner, None), None)
    levels = {ACCOUNT: pre_levels(ours[ACCOUNT], cap(sides.owner, sides.recipient, None), None).only(known)}
    mutual = levels[ACCOUNT].most & there.most
    for entry in ground.catalogue:
        most = cap(sides.owner, sides.recipient, entry)
        returned = Levels(0, 0)
        if any(asked is not Reciprocity.NONE for _, asked in ours[entry.name]):
            before = pre_levels(theirs[entry.name], cap(sides.recipient, sides.owner, entry), entry)
            returned = Levels(space.in_any_role(before.shown), space.in_any_role(before.most))
        levels[entry.name] = offered(ours[entry.name], most, entry, returned).only(mutual)
    return levels


def granted(
    owner: Policy | None, recipient: PartnerId, ground: Ground, space: Space, *, mirrored: bool = False
) -> dict[str, Granted]:
    """Where an owner's rules grant `account` and each field. `mirrored`: the owner is the space's recipient."""
    rules = () if owner is None else owner.rules
    masks = [(rule, mask) for rule in rules if (mask := space.mask(rule, recipient, mirrored=mirrored))]
    entries: tuple[Field | None, ...] = (None, *ground.catalogue)
    found: dict[str, Granted] = {}
    for entry in entries:
        # Signing the terms grants count; nobody writes that rule.
        grants = {(LEVEL[Form.COUNT], Reciprocity.NONE): space.everywhere} if entry is None else {}
        denied = 0
        for rule, mask in masks:
            if not covers(rule, entry):
                continue
            if rule.effect is Effect.DENY:
                denied |= mask
            elif rule.form is not None:
                key = (LEVEL[rule.form], rule.when.reciprocity)
                grants[key] = grants.get(key, 0) | mask
        found[name_of(entry)] = {key: mask & ~denied for key, mask in grants.items()} if denied else grants
    return found


def pre_levels(grants: Granted, most: int, entry: Field | None) -> Levels:
    """The levels before reciprocity and mutual existence; `most` is the level of the strictest limit."""
    shown = top = 0
    for (level, _), mask in grants.items():
        capped = possible(min(level, most), entry)
        shown |= mask if capped else 0
        top |= mask if capped == LEVEL[Form.FULL] else 0
    return Levels(shown, top)


def offered(grants: Granted, most: int, entry: Field | None, returned: Levels) -> Levels:
    """The levels after reciprocity; `returned` are the counterpart's levels of `pre`, the highest over all roles."""
    shown = top = 0
    for (level, asked), mask in grants.items():
        capped = possible(min(level, most), entry)
        if not capped:
            continue
        held = mask & _satisfied(asked, capped, returned)
        shown |= held
        top |= held if capped == LEVEL[Form.FULL] else 0
    return Levels(shown, top)


def _satisfied(asked: Reciprocity, level: int, returned: Levels) -> int:
    match asked:
        case Reciprocity.NONE:
            return -1  # everywhere
        case Reciprocity.SAME_FORM:
            return returned.exactly(level, -1)
        case Reciprocity.AT_LEAST:
            return returned.at_least(level)
