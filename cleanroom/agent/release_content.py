"""P9: of verified matches, what this agent's lists and both policies let leave: fields of accounts, in their forms.

1. Of a matched entry only those live accounts are released that are a match that counts by their own keys
   (`own_accounts`).
2. Of an account that is likely, and not certain, to be the other side's, nothing is released before a person of mine
   has confirmed the match, and of a rejected match nothing at all (`reviews`).
3. A match whose cell is not agreed now has no accounts: it is withdrawn.
4. Each field is put into the form that both policies in force allow for the cell; hidden ones and empty values are left
   out, and so is what the recipient would refuse (`shown_values`). `match_evidence` is never sent.

Everything here takes a `VerifiedMatch`: what P8 has not verified cannot be sealed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cleanroom.agent.own_accounts import OwnAccount
from cleanroom.agent.reduce import reduced
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_values import broken_rule, harmless
from cleanroom.agent.verified import VerifiedMatch, is_verified
from cleanroom.domain.fields import ACCOUNT, Field, FieldType
from cleanroom.domain.vocabulary import Form, Nomination
from cleanroom.messages.releases import MOST_SEALED_BYTES, STEP, ReleasedAccount, ReleasedMatch, Shown, canonical
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import LEVEL, PolicyRefused
from matching.packing import packed

MOST_TEXT: Final = MOST_SEALED_BYTES - 2 * STEP
"""What a batch can hold. A match with more, which takes dozens of endless notes, shows its first accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What leaves of one match: `accounts` are the ids of my accounts, in the order of `released.accounts`.

    `text` is `released` in canonical JSON.
    """

    match: VerifiedMatch
    accounts: tuple[str, ...]
    released: ReleasedMatch = field(repr=False)
    text: bytes = field(repr=False)

    def digest(self, policies: bytes) -> str:
        """What tells this content, released under these policies, from any other. It stays in the vault."""
        return hashlib.sha256(packed(policies, self.text)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBefore:
    """What was shown once: a field (or `account`) in a form, in the cell of two segments: owner's and recipient's."""

    field: str
    form: Form
    owners: str
    recipients: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Under which rules fields leave: my side of both policies, the moment, and the key of `hashed` forms."""

    sides: Sides
    at: datetime
    hash_key: bytes = field(repr=False)
    _values: dict[tuple[str, Form, str, str], Shown | None] = field(default_factory=dict, repr=False)

    def forms(self, match: VerifiedMatch) -> Mapping[str, Form] | None:
        """The sealed form of every field of my entry; None if the match's cell is not agreed."""
        labels = self.sides.ground.segments
        cell = (labels[match.my_segment], labels[match.their_segment], self.at)
        return self.sides.cell_forms(*cell, Nomination.NONE) if self.sides.agreed(*cell) else None

    def shown(self, entry: Field, form: Form, value: str, currency: str) -> Shown | None:
        """A value in a form, or None if it has none that may leave. Remembered: most values of a list repeat."""
        asked = (entry.name, form, value, currency)
        if asked not in self._values:
            if form is Form.REDUCED:
                value = reduced(entry, value, currency=currency, key=self.hash_key)
            value = harmless(entry, value)
            broken = broken_rule(entry, form, value, currency_shown=bool(currency))
            self._values[asked] = Shown(form=form, value=value) if broken is None else None
        return self._values[asked]


def newest_round(agent: Agent, room: Room) -> int:
    """The newest round of the epoch that this agent has verified; 0 if there is none."""
    newest = room.round.number if room.round else 0
    return next((number for number in range(newest, 0, -1) if is_verified(agent, room, number)), 0)


def exceeds(sides: Sides, shown: ShownBefore, at: datetime) -> bool:
    """Whether a form is more than both policies give now. Everything is, of a field or segment that is no more."""
    try:
        if shown.field == ACCOUNT:
            return not sides.agreed(shown.owners, shown.recipients, at)
        allowed = sides.sealed(
            shown.field, mine=shown.owners, theirs=shown.recipients, at=at, nomination=Nomination.NONE
        )
    except PolicyRefused:
        return True
    return LEVEL[shown.form] > LEVEL[allowed]


def content_of(match: VerifiedMatch, accounts: Sequence[OwnAccount], rules: Rules) -> Content:
    """Rules 3 and 4: what leaves of one match; `accounts` are those that rules 1 and 2 let leave."""
    forms = rules.forms(match)
    leaving = [] if forms is None else [(account.id, _shown(account, forms, rules)) for account in accounts]
    while True:
        released = ReleasedMatch(
            sender=match.mine.hex(),
            recipient=match.theirs.hex(),
            accounts=tuple(ReleasedAccount(fields=fields) for _, fields in leaving),
        )
        text = canonical(released)
        if len(text) <= MOST_TEXT:
            return Content(match=match, accounts=tuple(name for name, _ in leaving), released=released, text=text)
        leaving.pop()


def _shown(account: OwnAccount, forms: Mapping[str, Form], rules: Rules) -> dict[str, Shown]:
    catalogue = rules.sides.ground.catalogue
    currency = _currency(account, forms, catalogue)
    shown: dict[str, Shown] = {}
    for entry in catalogue:
        form = forms.get(entry.name, Form.HIDDEN)
        value = account.value(entry.name) if form is not Form.HIDDEN else ""
        made = rules.shown(entry, form, value, currency) if value else None
        if made is not None:
            shown[entry.name] = made
    return shown


def _currency(account: OwnAccount, forms: Mapping[str, Form], catalogue: Sequence[Field]) -> str:
    """The account's currency, if the recipient sees it in full."""
    entry = next((entry for entry in catalogue if entry.type is FieldType.CURRENCY), None)
    if entry is None or forms.get(entry.name) is not Form.FULL:
        return ""
    value = account.value(entry.name)
    return value if broken_rule(entry, Form.FULL, value, currency_shown=True) is None else ""
