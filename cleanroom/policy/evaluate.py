"""What is shown: two policies, one direction, one context; a form (DESIGN section 4). Default is hidden.

For a field, from owner to recipient:

1. A rule of the owner applies if it covers the field and all its conditions hold. One deny that applies: hidden.
2. Each grant that applies offers its form, capped by the four limits (`cleanroom.policy.limits`).
3. `pre` is the highest offer. Reciprocity is not asked yet.
4. A grant with reciprocity offers only if the counterpart's `pre` for the same field, in the mirrored context and the
   highest over all roles, equals its capped form, or is at least that. `pre`, never final: two rules that each wait for
   the other would both stay shut. `final` is the highest offer that is left.
5. Existence is mutual: unless `account` is exists in both directions, every other field is hidden in both.

For `account`, 1 to 3 with one grant that nobody writes: signing the terms grants `count`.

Reciprocity is per rule, so a second grant never takes anything away. A higher limit may: it raises the capped form, and
with it what a reciprocal rule asks in return.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member
from datetime import datetime
from types import MappingProxyType

from cleanroom.domain.fields import ACCOUNT, Field
from cleanroom.domain.vocabulary import Form, Nomination, PartnerId, Purpose, Reciprocity, Role
from cleanroom.policy.conditions import applies, covers
from cleanroom.policy.limits import cap, possible
from cleanroom.policy.model import LEVEL, Context, Effect, Ground, Policy, PolicyRefused, Rule, forms_of

_CellKey = tuple[str, str, int, Nomination]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both policies of a room, seen in one direction: what `owner` shows to `recipient`. None: no policy yet.

    Decisions are remembered by cell, nomination and slice of time, so that ten thousand rows cost one decision.
    Unknown fields and segments raise PolicyRefused.
    """

    owner: Policy | None
    recipient: Policy | None
    owner_id: PartnerId
    recipient_id: PartnerId
    ground: Ground
    use: Purpose
    _cuts: tuple[datetime, ...] = member(init=False, repr=False)
    _agreed: dict[tuple[str, str, int], bool] = member(default_factory=dict, init=False, repr=False, compare=False)
    _cells: dict[_CellKey, Mapping[str, Form]] = member(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.owner_id == self.recipient_id:
            raise PolicyRefused("sides: a partner shows nothing to itself")
        for policy, partner in ((self.owner, self.owner_id), (self.recipient, self.recipient_id)):
            if policy is not None and policy.owner != partner:
                raise PolicyRefused("sides: a policy of somebody else")
        object.__setattr__(self, "_cuts", cuts(self.owner, self.recipient))

    def turned(self) -> "Sides":
        """The other direction: what the recipient shows to the owner."""
        return Sides(
            owner=self.recipient,
            recipient=self.owner,
            owner_id=self.recipient_id,
            recipient_id=self.owner_id,
            ground=self.ground,
            use=self.use,
        )

    def form(self, field: str, context: Context) -> Form:
        """The form that a user in the context's role is shown. `account`: this direction's, without the other one's."""
        entry = self.ground.field(field)
        self._require_cell(context.mine, context.theirs)
        if entry is None:
            return forms_of(field)[self._pre(None, context)]
        return forms_of(field)[self._final(entry, context) if self._mutual(context) else 0]

    def sealed(self, field: str, *, mine: str, theirs: str, at: datetime, nomination: Nomination) -> Form:
        """The form that leaves the owner's agent: the highest that any role is shown."""
        self.ground.field(field)
        return self.cell_forms(mine, theirs, at, nomination)[field]

    def account(self, mine: str, theirs: str, at: datetime) -> Form:
        """What this direction says of the existence of the accounts in a cell; `agreed` needs both directions."""
        return self.form(ACCOUNT, self._context(mine, theirs, at))

    def agreed(self, mine: str, theirs: str, at: datetime) -> bool:
        """Whether both sides let each other know which accounts of the cell match."""
        key = (mine, theirs, self.slice(at))
        known = self._agreed.get(key)
        if known is None:
            self._require_cell(mine, theirs)
            known = self._agreed[key] = self._mutual(self._context(mine, theirs, at))
        return known

    def slice(self, at: datetime) -> int:
        """Which slice of time a moment is in: within one, no decision changes."""
        return bisect_right(self._cuts, at)

    def agreed_cells(self, at: datetime) -> frozenset[tuple[int, int]]:
        """The agreed cells, by index: (the owner's segment, the recipient's)."""
        labels = self.ground.segments
        return frozenset(
            (i, j) for i, mine in enumerate(labels) for j, theirs in enumerate(labels) if self.agreed(mine, theirs, at)
        )

    def cell_forms(self, mine: str, theirs: str, at: datetime, nomination: Nomination) -> Mapping[str, Form]:
        """The sealed form of `account` and of every field of the catalogue, for one cell."""
        key = (mine, theirs, self.slice(at), nomination)
        known = self._cells.get(key)
        if known is None:
            self._require_cell(mine, theirs)
            known = self._cells[key] = MappingProxyType(self._sealed(self._context(mine, theirs, at, nomination)))
        return known

    def _sealed(self, context: Context) -> dict[str, Form]:
        forms = {ACCOUNT: forms_of(ACCOUNT)[self._pre(None, context)]}
        contexts = [in_role(context, role) for role in Role] if self._mutual(context) else []
        for entry in self.ground.catalogue:
            forms[entry.name] = forms_of(entry.name)[max((self._final(entry, each) for each in contexts), default=0)]
        return forms

    def _final(self, entry: Field, context: Context) -> int:
        found = offers(self.owner, self.recipient, self.recipient_id, entry, context)
        returned = self.returned(entry, context) if any(offer.asks for offer in found) else 0
        return max((offer.level for offer in found if offer.holds(returned)), default=0)

    def _pre(self, entry: Field | None, context: Context) -> int:
        return pre(self.owner, self.recipient, self.recipient_id, entry, context)

    def returned(self, entry: Field, context: Context) -> int:
        """What the counterpart offers in return for a field: its level of `pre`, the highest over all roles."""
        mirrored = context.mirrored()
        return max(pre(self.recipient, self.owner, self.owner_id, entry, in_role(mirrored, role)) for role in Role)

    def _mutual(self, context: Context) -> bool:
        theirs = pre(self.recipient, self.owner, self.owner_id, None, context.mirrored())
        return {self._pre(None, context), theirs} == {LEVEL[Form.EXISTS]}

    def _context(self, mine: str, theirs: str, at: datetime, nomination: Nomination = Nomination.NONE) -> Context:
        # Rules about `account` name no role; where roles matter, `_sealed` asks for each.
        return Context(mine=mine, theirs=theirs, purpose=self.use, role=Role.ADMIN, at=at, nomination=nomination)

    def _require_cell(self, mine: str, theirs: str) -> None:
        if mine not in self.ground.segments or theirs not in self.ground.segments:
            raise PolicyRefused("a segment that the room does not have")


@dataclass(frozen=True, slots=True)
class Offer:
    """What one grant that applies comes to under the limits. `rule` is None for the grant by the terms."""

    rule: Rule | None
    level: int

    @property
    def asks(self) -> bool:
        """Whether it wants something in return."""
        return self.rule is not None and self.rule.when.reciprocity is not Reciprocity.NONE

    def holds(self, returned: int) -> bool:
        """Whether it gets what it wants; `returned` is the level of the counterpart's `pre`."""
        return self.rule is None or reciprocated(self.rule.when.reciprocity, self.level, returned)


def offers(
    owner: Policy | None, recipient: Policy | None, recipient_id: PartnerId, entry: Field | None, context: Context
) -> list[Offer]:
    """Steps 1 and 2: every grant that applies, capped; none where a deny applies."""
    rules = () if owner is None else owner.rules
    found = [rule for rule in rules if covers(rule, entry) and applies(rule, recipient_id, context)]
    if any(rule.effect is Effect.DENY for rule in found):
        return []
    most = cap(owner, recipient, entry)
    offered = [Offer(rule, possible(min(LEVEL[rule.form], most), entry)) for rule in found if rule.form is not None]
    if entry is None:
        offered.append(Offer(None, min(LEVEL[Form.COUNT], most)))
    return offered


def pre(
    owner: Policy | None, recipient: Policy | None, recipient_id: PartnerId, entry: Field | None, context: Context
) -> int:
    """Step 3: the level before reciprocity and mutual existence."""
    return max((offer.level for offer in offers(owner, recipient, recipient_id, entry, context)), default=0)


def reciprocated(asked: Reciprocity, level: int, returned: int) -> bool:
    """Whether `returned` satisfies what a grant that offers `level` asks for."""
    match asked:
        case Reciprocity.NONE:
            return True
        case Reciprocity.SAME_FORM:
            return returned == level
        case Reciprocity.AT_LEAST:
            return returned >= level


def in_role(context: Context, role: Role) -> Context:
    """The same context for a user in another role."""
    return Context(
        mine=context.mine,
        theirs=context.theirs,
        purpose=context.purpose,
        role=role,
        at=context.at,
        nomination=context.nomination,
    )


def cuts(*policies: Policy | None) -> tuple[datetime, ...]:
    """The instants at which a rule of these policies begins or ends, in order. Between two of them nothing changes."""
    rules = [rule for policy in policies if policy is not None for rule in policy.rules]
    return tuple(sorted({moment for rule in rules for moment in (rule.not_before, rule.expires) if moment is not None}))
