"""What people of this partner have said about matches: confirmed, or rejected. Kept in the vault, a room.

A decision is about what was proven: it has the digest of the match's proven keys of mine, so that it outlives epochs
and their handles. A confirmation holds for exactly that evidence. A rejection holds for every match that any of the
same keys proves, until a person confirms it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from cleanroom.agent.own_accounts import OwnAccount
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.users import newest_roster
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.domain.errors import InputRefused, NotPossibleNow
from cleanroom.domain.vocabulary import Digest, Role, RoomId, Tier
from cleanroom.messages.documents import Count, DigestText, Instant, Wire, as_tuple, instant
from matching.packing import packed

REVIEWERS = frozenset({Role.ADMIN, Role.PARTNER_MANAGER})
MOST_REASON = 1_000


class ReviewerMissing(NotPossibleNow):
    """This home has users: an admin or a partner manager of them has to say it."""

    code = "reviewer_missing"


class ProvenKey(Wire):
    """A key of mine that was proven to agree."""

    kind: str
    key: str


class Decision(Wire):
    """What was said of one match. `by` is a user's id; empty in a home without users."""

    match: DigestText
    keys: Annotated[tuple[ProvenKey, ...], BeforeValidator(as_tuple)]
    confirmed: bool
    reason: str
    by: str
    at: Instant


class Waiting(Wire):
    """How many matches of an epoch wait for a person, as the last release found."""

    epoch: Count
    matches: Count


class Stored(Wire):
    """All decisions of a room, in the order in which they were made; one a match."""

    decisions: Annotated[tuple[Decision, ...], BeforeValidator(as_tuple)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """The decisions of a room in the order in which they were made, and where each match and rejected key is in it.

    `kinds` are the names of the terms' kinds.
    """

    kinds: tuple[str, ...]
    decisions: tuple[Decision, ...]
    by_match: dict[str, int]
    rejected: dict[tuple[str, str], int]

    def about(self, match: VerifiedMatch) -> Decision | None:
        """The decision that holds for a match; None if nobody has said anything."""
        keys = proven_keys(match, self.kinds)
        newest = max(self.by_match.get(digest_of(keys), -1), *(self.rejected.get(key, -1) for key in keys))
        return self.decisions[newest] if newest >= 0 else None

    def leaving(self, match: VerifiedMatch, accounts: Iterable[OwnAccount], room: Room) -> tuple[OwnAccount, ...]:
        """Those of the accounts, which are a match that counts, of which something may be released."""
        said = self.about(match)
        if said is not None:
            return tuple(accounts) if said.confirmed else ()
        return tuple(account for account in accounts if account.tier(match, room.judge) is Tier.CERTAIN)

    def waits(self, match: VerifiedMatch, accounts: Iterable[OwnAccount], room: Room) -> bool:
        """Whether a person has to say whether these accounts, which are a match that counts, may be released."""
        undecided = self.about(match) is None
        return undecided and any(account.tier(match, room.judge) is not Tier.CERTAIN for account in accounts)


def reviews(agent: Agent, room: Room) -> Reviews:
    """What was said of the room's matches so far."""
    decisions = _stored(agent, room.id).decisions
    rejections = [(place, item) for place, said in enumerate(decisions) if not said.confirmed for item in said.keys]
    return Reviews(
        kinds=room.kind_names,
        decisions=decisions,
        by_match={said.match: place for place, said in enumerate(decisions)},
        rejected={(item.kind, item.key): place for place, item in rejections},
    )


def decide(  # noqa: PLR0913 - who says what of which matches, and why
    agent: Agent,
    room: Room,
    matches: Iterable[VerifiedMatch],
    *,
    confirmed: bool,
    by: UserSession | None,
    reason: str = "",
) -> None:
    """Say of matches that they are the same company, or that they are not. What is said later counts.

    With the next sync they are released, or withdrawn.

    Raises:
        ReviewerMissing: if this home has users, and `by` is none of those who may.
        InputRefused: if the reason is too long.
    """
    if len(reason) > MOST_REASON:
        raise InputRefused(f"reason: at most {MOST_REASON} characters")
    who = _reviewer(agent, by)
    said = []
    for match in matches:
        keys = proven_keys(match, room.kind_names)
        proven = tuple(ProvenKey(kind=kind, key=key) for kind, key in keys)
        at = instant(agent.clock())
        said.append(Decision(match=digest_of(keys), keys=proven, confirmed=confirmed, reason=reason, by=who, at=at))
    with agent.locked(f"reviews-{room.id}"):
        fresh = {decision.match for decision in said}
        kept = [decision for decision in _stored(agent, room.id).decisions if decision.match not in fresh]
        agent.save(address(room.id), Stored(decisions=(*kept, *said)))


def proven_keys(match: VerifiedMatch, kinds: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The proven keys of mine: (kind, key), ascending."""
    return tuple(sorted((kinds[kind], key) for kind, key in match.keys))


def digest_of(keys: Iterable[tuple[str, str]]) -> Digest:
    """What names a match in every epoch: SHA-256 of its proven keys of mine, ascending. It stays at home."""
    return Digest(hashlib.sha256(packed(*(text.encode() for pair in keys for text in pair))).hexdigest())


def note_waiting(agent: Agent, room: Room, matches: int) -> None:
    """Remember how many matches wait for a person."""
    agent.save(_waiting(room.id), Waiting(epoch=room.epoch, matches=matches))


def waiting(agent: Agent, room: Room) -> int:
    """How many matches wait for a person, as of the last look at all of them."""
    known = agent.load(Waiting, _waiting(room.id))
    return known.matches if known is not None and known.epoch == room.epoch else 0


def address(room: RoomId) -> str:
    """Where the vault keeps a room's decisions."""
    return f"reviews/{room}/decisions"


def _reviewer(agent: Agent, by: UserSession | None) -> str:
    roster = newest_roster(agent)
    if by is None and roster is None:
        return ""
    entry = roster.user(by.id) if by is not None and roster is not None else None
    if by is None or entry is None or entry.role not in REVIEWERS:
        raise ReviewerMissing("matches: an admin or a partner manager of yours has to say it: --user NAME")
    return by.id


def _waiting(room: RoomId) -> str:
    return f"reviews/{room}/waiting"


def _stored(agent: Agent, room: RoomId) -> Stored:
    return agent.load(Stored, address(room)) or Stored()
