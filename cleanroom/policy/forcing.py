"""Which rules force a decision: those that, whatever other rules of both policies were deleted, give the same form.

A set of rules forces a form if every selection of the policies' rules that has the set in it gives that form. Hidden is
forced by no rule at all where nothing grants; by a deny alone where one applies; a shown form by its grant, by the
existence grants of both sides, and by what the counterpart returns, if the grant asks for it. `forcing_rules` is
minimal: without any one of its rules, some selection gives another form.

Tables (accepts, ceilings) and terms stay as they are. Which forms the selections can give is computed, not searched.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cleanroom.domain.fields import Field
from cleanroom.domain.vocabulary import Form, PartnerId, Reciprocity, Role
from cleanroom.policy.conditions import applies, covers
from cleanroom.policy.evaluate import Sides, in_role, reciprocated
from cleanroom.policy.limits import cap, possible
from cleanroom.policy.model import LEVEL, Context, Policy

_EXISTS = LEVEL[Form.EXISTS]


@dataclass(frozen=True, slots=True)
class RuleName:
    """A rule of one of the two policies."""

    partner: PartnerId
    rule: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A rule that applies: the level that it offers under the limits, None for a deny; in these roles."""

    name: RuleName
    level: int | None
    asked: Reciprocity
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class _Case:
    """All rules that bear on one decision. `back` are the counterpart's about the same field, in any role."""

    own: tuple[_Part, ...]
    existence: tuple[tuple[_Part, ...], tuple[_Part, ...]]
    signed: tuple[int, int]  # the level of `account` that signing the terms gives, in each direction
    back: tuple[_Part, ...]

    def outcomes(self, kept: frozenset[RuleName]) -> frozenset[int]:
        """The levels that are possible if only the `kept` rules are sure to be there."""
        mutual = [
            _reachable(parts, kept, base=signed) for parts, signed in zip(self.existence, self.signed, strict=True)
        ]
        found: set[int] = set()
        if all(_EXISTS in levels for levels in mutual):
            for returned in self._returned(kept):
                held = (p for p in self.own if p.level is None or reciprocated(p.asked, p.level, returned))
                found |= _reachable(held, kept, base=0)
        if any(levels != {_EXISTS} for levels in mutual):
            found.add(0)
        return frozenset(found)

    def _returned(self, kept: frozenset[RuleName]) -> set[int]:
        """The possible levels of the counterpart's `pre`. Roles are few: every union of denied ones is tried."""
        denied = {frozenset().union(*(part.roles for part in self.back if part.level is None and part.name in kept))}
        for part in self.back:
            if part.level is None:
                denied |= {roles | part.roles for roles in denied}
        found: set[int] = set()
        for shut in denied:
            grants = [part for part in self.back if part.level is not None and part.roles - shut]
            found |= _reachable(grants, kept, base=0)
        return found


def forcing_rules(sides: Sides, entry: Field | None, context: Context) -> tuple[RuleName, ...]:
    """A minimal set of rules that forces the decision; the owner's first, each in its policy's order."""
    if entry is None:
        parts = _parts(sides.owner, sides.recipient, sides.recipient_id, None, [context])
        signed = min(LEVEL[Form.COUNT], cap(sides.owner, sides.recipient, None))
        return _minimal(parts, lambda kept: frozenset(_reachable(parts, kept, base=signed)))
    case = _case(sides, entry, context)
    # What is tried first is dropped first: plain grants are kept rather than those that ask, a deny rather than either.
    plain = [part for part in case.own if part.level is not None and part.asked is Reciprocity.NONE]
    asking = [part for part in case.own if part.asked is not Reciprocity.NONE]
    denies = [part for part in case.own if part.level is None]
    ordered = (*denies, *plain, *asking, *case.existence[0], *case.existence[1], *case.back)
    return _minimal(ordered, case.outcomes)


def _minimal(
    parts: tuple[_Part, ...], outcomes: Callable[[frozenset[RuleName]], frozenset[int]]
) -> tuple[RuleName, ...]:
    kept = frozenset(part.name for part in parts)
    result = outcomes(kept)
    for part in reversed(parts):
        fewer = kept - {part.name}
        if outcomes(fewer) == result:
            kept = fewer
    return tuple(dict.fromkeys(part.name for part in parts if part.name in kept))


def _case(sides: Sides, entry: Field, context: Context) -> _Case:
    mirrored = context.mirrored()
    count = LEVEL[Form.COUNT]
    return _Case(
        own=_parts(sides.owner, sides.recipient, sides.recipient_id, entry, [context]),
        existence=(
            _parts(sides.owner, sides.recipient, sides.recipient_id, None, [context]),
            _parts(sides.recipient, sides.owner, sides.owner_id, None, [mirrored]),
        ),
        signed=(
            min(count, cap(sides.owner, sides.recipient, None)),
            min(count, cap(sides.recipient, sides.owner, None)),
        ),
        back=_parts(sides.recipient, sides.owner, sides.owner_id, entry, [in_role(mirrored, role) for role in Role]),
    )


def _parts(
    owner: Policy | None,
    recipient: Policy | None,
    recipient_id: PartnerId,
    entry: Field | None,
    contexts: list[Context],
) -> tuple[_Part, ...]:
    """The owner's rules that cover the field and apply in one of these contexts, which differ by role only."""
    most = cap(owner, recipient, entry)
    if owner is None:
        return ()
    found = []
    for rule in owner.rules:
        if not covers(rule, entry):
            continue
        roles = frozenset(context.role for context in contexts if applies(rule, recipient_id, context))
        if roles:
            level = None if rule.form is None else possible(min(LEVEL[rule.form], most), entry)
            found.append(_Part(RuleName(owner.owner, rule.id), level, rule.when.reciprocity, roles))
    return tuple(found)


def _reachable(parts: Iterable[_Part], kept: frozenset[RuleName], *, base: int) -> set[int]:
    """The levels that rules may come to together, if those not kept may be missing. A deny makes it hidden."""
    parts = list(parts)
    denies = [part.name in kept for part in parts if part.level is None]
    if any(denies):
        return {0}
    grants = [(part.level, part.name in kept) for part in parts if part.level is not None]
    sure = max((base, *(level for level, stays in grants if stays)))
    return {sure, *(level for level, _ in grants if level > sure), *(0 for _ in denies)}
