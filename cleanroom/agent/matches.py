"""The verified matches of a room as people of this partner look at them: what is certain, what waits for a person.

Everything here is this partner's own: its accounts, and the keys of them that were proven. Which kinds agree is known
to both agents, whatever a policy says of `match_evidence`, which is about what users are shown of fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pandas as pd

from cleanroom.agent.decoy_hits import decoy_keys
from cleanroom.agent.disputes import Disputes, disputes
from cleanroom.agent.own_accounts import Holders, accounts_of, own_accounts
from cleanroom.agent.reviews import Decision, Reviews, decide, digest_of, note_waiting, proven_keys, reviews, waiting
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.verified import VerifiedMatch, verified
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Tier
from cleanroom.policy.evaluate import Sides

SHORTEST: Final = 6
COLUMNS: Final = [
    *("match", "account_id", "account", "segment", "their_segment", "tier", "evidence", "differ", "why", "state"),
    *("decided", "reason"),
]


class UnknownMatch(InputRefused):
    """No verified match of the room, or several, has that name."""

    code = "unknown_match"


class MatchState(StrEnum):
    """What becomes of my accounts of a match.

    `released` and `confirmed` ones go, or went, with a sync. `no_account`: none of mine is a match by its own keys.
    """

    RELEASED = "released"
    WAITING = "waiting_for_review"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    NOT_AGREED = "not_agreed"
    NO_ACCOUNT = "no_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class MyAccount:
    """One of my accounts in a match, as its list has it; `tier` is what its own keys say."""

    id: str
    name: str = field(repr=False)
    website: str = field(repr=False)
    country: str = field(repr=False)
    tier: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One match. `id` (64 hex characters) names it in every epoch in which the same is proven.

    `evidence` and `differ` are names of kinds, `why` is the rule's reason for the tier in words, `keys` are the proven
    keys of mine: (kind, key). `decision`: what a person of mine said.
    """

    id: str
    match: VerifiedMatch
    segment: str
    their_segment: str
    tier: Tier
    evidence: tuple[str, ...]
    differ: tuple[str, ...]
    why: str
    keys: tuple[tuple[str, str], ...] = field(repr=False)
    accounts: tuple[MyAccount, ...] = field(repr=False)
    state: MatchState
    decision: Decision | None = field(repr=False)


def matches(agent: Agent, room: Room) -> tuple[Listed, ...]:
    """The verified matches of this epoch, by the name of my account. Those of decoys are not among them.

    Raises:
        RoomNotActive: if the room is not in force.
    """
    room.require_active()
    found, decoys = verified(agent, room), decoy_keys(agent, room)
    lister = _Lister(
        room=room,
        sides=room.sides(agent.me),
        holders=own_accounts(agent, room, (key for match in found for key in match.keys)),
        said=reviews(agent, room),
        frozen=disputes(agent, room.id),
        agreed=room.sides(agent.me).agreed_cells(agent.clock()),
    )
    listed = (lister.listed(match) for match in found)
    return tuple(sorted((item for item in listed if item.accounts or not item.match.keys <= decoys), key=_order))


def meant(found: Sequence[Listed], texts: Sequence[str]) -> tuple[Listed, ...]:
    """The matches of these ids, or beginnings of ids of at least 6 characters.

    Raises:
        UnknownMatch: if one of them is none's, or several matches'.
    """
    chosen: dict[str, Listed] = {}
    for place, text in enumerate(texts, 1):
        named = [item for item in found if len(text) >= SHORTEST and item.id.startswith(text.strip().lower())]
        if len(named) != 1:
            raise UnknownMatch(f"match {place}: no match, or more than one, has that id; see `cleanroom matches list`")
        chosen[named[0].id] = named[0]
    return tuple(chosen.values())


def say(  # noqa: PLR0913 - who says what of which matches, and why
    agent: Agent, room: Room, chosen: Sequence[Listed], *, confirmed: bool, by: UserSession | None, reason: str = ""
) -> None:
    """Confirm or reject matches.

    Raises:
        ReviewerMissing, InputRefused: see `reviews.decide`.
    """
    decide(agent, room, [item.match for item in chosen], confirmed=confirmed, by=by, reason=reason)
    decided = sum(item.state is MatchState.WAITING for item in chosen)
    note_waiting(agent, room, max(0, waiting(agent, room) - decided))


def frame(found: Sequence[Listed]) -> pd.DataFrame:
    """One row for each account of each match, all text (COLUMNS); a match without one has one row without account."""
    rows = [_row(item, account) for item in found for account in item.accounts or (None,)]
    return pd.DataFrame(rows, columns=COLUMNS).astype("str")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lister:
    room: Room
    sides: Sides
    holders: Holders
    said: Reviews
    frozen: Disputes
    agreed: frozenset[tuple[int, int]]

    def listed(self, match: VerifiedMatch) -> Listed:
        kinds, labels = self.room.kind_names, self.room.terms.segments
        keys = proven_keys(match, kinds)
        return Listed(
            id=digest_of(keys),
            match=match,
            segment=labels[match.my_segment],
            their_segment=labels[match.their_segment],
            tier=match.tier,
            evidence=tuple(kinds[kind] for kind in sorted(match.kinds)),
            differ=tuple(kinds[kind] for kind in sorted(match.differ)),
            why=self.room.judge.why(match.kinds, match.differ),
            keys=keys,
            accounts=self._accounts(match),
            state=self._state(match),
            decision=self.said.about(match),
        )

    def _accounts(self, match: VerifiedMatch) -> tuple[MyAccount, ...]:
        return tuple(
            MyAccount(
                id=account.id,
                name=account.columns.get("name", ""),
                website=account.columns.get("website", ""),
                country=account.columns.get("country", ""),
                tier=account.tier(match, self.room.judge) or match.tier,
            )
            for account in accounts_of(match, self.holders, self.room.judge)
        )

    def _state(self, match: VerifiedMatch) -> MatchState:
        accounts = accounts_of(match, self.holders, self.room.judge)
        said, ids = self.said.about(match), [account.id for account in accounts]
        if said is not None and not said.confirmed:
            return MatchState.REJECTED
        if (match.my_segment, match.their_segment) not in self.agreed:
            return MatchState.NOT_AGREED
        if self.frozen.about(epoch=match.epoch, mine=match.mine.hex(), theirs=match.theirs.hex(), accounts=ids):
            return MatchState.DISPUTED
        if not accounts:
            return MatchState.NO_ACCOUNT
        if said is not None:
            return MatchState.CONFIRMED
        return MatchState.WAITING if self.said.waits(match, accounts, self.room) else MatchState.RELEASED


def _order(item: Listed) -> tuple[str, str]:
    return item.accounts[0].name.casefold() if item.accounts else "", item.id


def _row(item: Listed, account: MyAccount | None) -> tuple[str, ...]:
    said = item.decision
    return (
        item.id,
        account.id if account else "",
        account.name if account else "",
        *(item.segment, item.their_segment, str(item.tier)),
        *(" ".join(item.evidence), " ".join(item.differ), item.why, str(item.state)),
        *((said.at, said.reason) if said else ("", "")),
    )
