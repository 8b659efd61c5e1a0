"""P9, the recipient's half: what a release of the other side must be before any of it is kept.

1. Each batch has the digest that the sender signed, and unseals for this very place (room, epoch, number, direction,
   batch, both policies, handles).
2. Each match in it is one that this agent has verified itself, with that pair of handles, once. Of one that was none
   any more when this agent verified it, because a list had moved, all is checked and nothing kept.
3. Accounts are released only in a cell that both policies agree to.
4. Each field is in the room's catalogue, in a form not above the one that *this* agent computes from both policies.
5. Each value is harmless, bounded, and of its field's type and form (`shown_values`).

One thing that fails refuses the whole release. Refusals name place and rule, never a value.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cleanroom.agent.own_accounts import MOST_ACCOUNTS
from cleanroom.agent.shown_values import broken_rule
from cleanroom.agent.verified import PastMatch, VerifiedMatch
from cleanroom.domain.fields import Field, FieldType
from cleanroom.domain.vocabulary import Form, Nomination
from cleanroom.messages.releases import (
    Payload,
    Release,
    ReleasedAccount,
    ReleasedMatch,
    ReleaseRefused,
    Shown,
    unpad,
)
from cleanroom.messages.sealing import SealingKey, UnsealRefused, unseal
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import LEVEL

_FORMS: Final = (Form.REDUCED, Form.FULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedMatch:
    """What the other side shows of one verified match; no account is a withdrawal."""

    match: VerifiedMatch | PastMatch
    accounts: tuple[ReleasedAccount, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingMatch:
    """What the other side shows of a match that is one still."""

    match: VerifiedMatch
    accounts: tuple[ReleasedAccount, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What this agent knows by itself: its verified matches, and what the sender may show at the release's moment."""

    matches: Mapping[tuple[str, str], VerifiedMatch | PastMatch]
    sides: Sides
    at: datetime
    catalogue: Mapping[str, Field] = field(repr=False)
    _rules: dict[tuple[str, Form, str, bool], str | None] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, matches: Sequence[VerifiedMatch], sides: Sides, at: datetime, past: Sequence[PastMatch] = ()
    ) -> "Expected":
        """`sides` is the sender's direction."""
        gone: dict[tuple[str, str], VerifiedMatch | PastMatch] = {(item.theirs, item.mine): item for item in past}
        return cls(
            matches=gone | {(match.theirs.hex(), match.mine.hex()): match for match in matches},
            sides=sides,
            at=at,
            catalogue={entry.name: entry for entry in sides.ground.catalogue},
        )

    def forms(self, match: VerifiedMatch | PastMatch) -> Mapping[str, Form] | None:
        """The highest form of every field in a match's cell; None if the cell is not agreed."""
        labels = self.sides.ground.segments
        cell = (labels[match.their_segment], labels[match.my_segment], self.at)
        return self.sides.cell_forms(*cell, Nomination.NONE) if self.sides.agreed(*cell) else None

    def broken_rule(self, name: str, shown: Shown, *, currency_shown: bool) -> str | None:
        """Rule 5 for one value. Remembered: most values of a list repeat."""
        asked = (name, shown.form, shown.value, currency_shown)
        if asked not in self._rules:
            entry = self.catalogue[name]
            self._rules[asked] = broken_rule(entry, shown.form, shown.value, currency_shown=currency_shown)
        return self._rules[asked]


def unsealed(release: Release, index: int, sealed: bytes, key: SealingKey) -> Payload:
    """Rule 1. Raises ReleaseRefused."""
    described, place = release.batches[index], f"release {release.number}, batch {index}"
    if (len(sealed), hashlib.sha256(sealed).hexdigest()) != (described.size, described.sealed):
        raise ReleaseRefused(f"{place}: not the bytes that were signed")
    try:
        payload = unpad(unseal(sealed, key, release.info(index)))
    except UnsealRefused:
        raise ReleaseRefused(f"{place}: not sealed to this partner for this place") from None
    if payload.handles() != described.handles:
        raise ReleaseRefused(f"{place}: other matches than those that were signed")
    return payload


def checked(payloads: Sequence[Payload], expected: Expected) -> tuple[CheckedMatch, ...]:
    """Rules 2 to 5 for a whole release. Raises ReleaseRefused."""
    if len({payload.hash_key for payload in payloads}) > 1:
        raise ReleaseRefused("release: more than one key for hashed fields")
    found: dict[tuple[str, str], CheckedMatch] = {}
    for number, released in enumerate(match for payload in payloads for match in payload.matches):
        pair, place = (released.sender, released.recipient), f"release: match {number}"
        match = expected.matches.get(pair)
        if match is None:
            raise ReleaseRefused(f"{place}: not one that was verified")
        if pair in found:
            raise ReleaseRefused(f"{place}: repeated")
        _check_accounts(released, match, expected, place)
        found[pair] = CheckedMatch(match=match, accounts=released.accounts)
    return tuple(found.values())


def standing(shown: Sequence[CheckedMatch]) -> tuple[StandingMatch, ...]:
    """Those of matches that are some still."""
    return tuple(
        StandingMatch(match=item.match, accounts=item.accounts)
        for item in shown
        if isinstance(item.match, VerifiedMatch)
    )


def _check_accounts(released: ReleasedMatch, match: VerifiedMatch | PastMatch, expected: Expected, place: str) -> None:
    if not released.accounts:
        return
    if len(released.accounts) > MOST_ACCOUNTS:
        raise ReleaseRefused(f"{place}: more than {MOST_ACCOUNTS} accounts")
    forms = expected.forms(match)
    if forms is None:
        raise ReleaseRefused(f"{place}: its cell is not agreed")
    for number, account in enumerate(released.accounts):
        _check_fields(account, forms, expected, f"{place}, account {number}")


def _check_fields(account: ReleasedAccount, forms: Mapping[str, Form], expected: Expected, place: str) -> None:
    currencies = (entry.name for entry in expected.catalogue.values() if entry.type is FieldType.CURRENCY)
    currency_shown = any(forms[name] is Form.FULL for name in currencies)
    for name, shown in account.fields.items():
        if name not in expected.catalogue:
            raise ReleaseRefused(f"{place}: a field that is not in the room's catalogue")
        if shown.form not in _FORMS or LEVEL[shown.form] > LEVEL[forms[name]]:
            raise ReleaseRefused(f"{place}, {name}: in a form above the one that both policies allow")
        rule = expected.broken_rule(name, shown, currency_shown=currency_shown)
        if rule is not None:
            raise ReleaseRefused(f"{place}, {name}: {rule}")
