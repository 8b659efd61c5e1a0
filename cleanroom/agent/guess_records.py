"""What the vault keeps of the lists of one counterpart: what was evaluated of them, when, and what people allowed.

One record a partner, over all rooms and epochs. It is no part of a room: leaving a room, or beginning an epoch, takes
nothing out of it. The account of a partner's own lists stands under its own id, and foretells what the other side says.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import (
    Count,
    DigestText,
    Instant,
    Label,
    Number,
    RoomName,
    Title,
    Wire,
    as_tuple,
    instant,
    moment,
)

WINDOW: Final = timedelta(days=30)
KEPT: Final = timedelta(days=31)
_HOUR: Final = len("2026-01-01T00")
RESTORED: Final = "guesses/restored"

Keys = dict[Label, Count]
"""Numbers of keys by the name of their kind."""


class Charged(Wire):
    """New keys that were evaluated within one hour, the last of them at `at`."""

    at: Instant
    keys: Keys


class Size(Wire):
    """A list after a batch (the last one of an hour): its entries, and how many came and went within the epoch.

    `accepted`: a person has accepted it as it is, so that growth and churn are measured from here on.
    """

    at: Instant
    entries: Count
    come: Count
    gone: Count
    accepted: bool


class Accepted(Wire):
    """A person has accepted a batch that was in quarantine: this very document. `by` is a user's id."""

    snapshot: DigestText
    epoch: Count
    batch: Number
    by: str
    at: Instant
    reason: str


class Arrival(Wire):
    """A batch as it arrived, measured before anything of it is evaluated.

    `new` are keys that were not in the list in this epoch before, `keys` all that the list has after it; `come` and
    `gone` are entries that it brings and takes out for good, both 0 in the first batch of an epoch.
    """

    epoch: Count
    batch: Number
    snapshot: DigestText
    at: Instant
    new: Keys
    keys: Keys
    entries: Count
    come: Count
    gone: Count


class RoomGuesses(Wire):
    """What was evaluated in one room. `keys` are those of the list as it was evaluated last, in `epoch`.

    `their_epochs`: how many epochs policies of the counterpart had begun by then; `renewed`: when the list last came
    again, free of charge, because one of them did. `declared` is 0 once the room was left.
    """

    title: Title
    declared: Count
    expires: Instant
    epoch: Count
    keys: Keys
    their_epochs: Count
    renewed: Instant | Literal[""]
    charges: Annotated[tuple[Charged, ...], BeforeValidator(as_tuple)] = ()
    sizes: Annotated[tuple[Size, ...], BeforeValidator(as_tuple)] = ()
    accepted: Annotated[tuple[Accepted, ...], BeforeValidator(as_tuple)] = ()


class Allowed(Wire):
    """A person has allowed so many more new keys of each kind, for 30 days. `by` is a user's id."""

    keys: Number
    by: str
    at: Instant
    reason: str


class Account(Wire):
    """All of one counterpart. `waiting`: by room, the batch that is not evaluated, as it was measured."""

    rooms: dict[RoomName, RoomGuesses] = Field(default_factory=dict)
    waiting: dict[RoomName, Arrival] = Field(default_factory=dict)
    allowed: Annotated[tuple[Allowed, ...], BeforeValidator(as_tuple)] = ()

    def charged(self, now: datetime, *, since: datetime | None = None) -> Mapping[str, int]:
        """New keys by kind that were evaluated in the last 30 days, and not before `since`."""
        begin = max(now - WINDOW, since or now - WINDOW)
        found: dict[str, int] = {}
        for room in self.rooms.values():
            for item in room.charges:
                if moment(item.at) >= begin:
                    found = added(found, item.keys)
        return found

    def lifted(self, now: datetime, *, since: datetime | None = None) -> int:
        """How many more keys of each kind people allow now, by what they said since then."""
        begin = max(now - WINDOW, since or now - WINDOW)
        return sum(item.keys for item in self.allowed if moment(item.at) >= begin)

    def declared(self, now: datetime) -> int:
        """The most entries that the counterpart declares in a room in force between us."""
        return max((room.declared for room in self.rooms.values() if moment(room.expires) > now), default=0)


class Restored(Wire):
    """This vault was put back from a copy, which was made at `copied` if that is known, and is in use since `since`."""

    copied: Instant | Literal[""]
    since: Instant


def account(agent: Agent, partner: PartnerId) -> Account:
    """The account of a counterpart; an empty one of somebody whose lists were never evaluated."""
    return agent.load(Account, address(partner)) or Account()


def keep(agent: Agent, partner: PartnerId, record: Account) -> None:
    """Put an account into the vault, inside the caller's transaction; without what is too old to matter."""
    begin = agent.clock() - KEPT
    recent = {name: _recent(room, begin) for name, room in record.rooms.items()}
    rooms = {name: room for name, room in recent.items() if room.declared or room.charges}
    allowed = tuple(item for item in record.allowed if moment(item.at) >= begin)
    agent.save(address(partner), record.model_copy(update={"rooms": rooms, "allowed": allowed}))


def address(partner: PartnerId) -> str:
    """Where the vault keeps the account of a counterpart."""
    return f"guesses/{partner}/account"


def added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    """The sums by kind."""
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in one.keys() | other.keys()}


def with_charge(charges: tuple[Charged, ...], keys: Mapping[str, int], now: datetime) -> tuple[Charged, ...]:
    """The charges with these keys, hour by hour: a list that is pushed every minute has no longer record."""
    fresh = {kind: number for kind, number in keys.items() if number}
    if not fresh:
        return charges
    at = instant(now)
    if charges and charges[-1].at[:_HOUR] == at[:_HOUR]:
        return (*charges[:-1], Charged(at=at, keys=added(charges[-1].keys, fresh)))
    return (*charges, Charged(at=at, keys=fresh))


def with_size(sizes: tuple[Size, ...], size: Size) -> tuple[Size, ...]:
    """The sizes with this one, hour by hour. What a person accepted begins anew, and is not added to."""
    # The first one stays as it is: where nothing is older, growth is measured from it.
    last = sizes[-1] if len(sizes) > 1 else None
    if last is None or last.accepted or size.accepted or last.at[:_HOUR] != size.at[:_HOUR]:
        return (*sizes, size)
    both = size.model_copy(update={"come": last.come + size.come, "gone": last.gone + size.gone})
    return (*sizes[:-1], both)


def _recent(room: RoomGuesses, begin: datetime) -> RoomGuesses:
    """Without charges and sizes from before, but for the newest of those sizes: what it says is still so later."""
    return room.model_copy(
        update={
            "charges": tuple(item for item in room.charges if moment(item.at) >= begin),
            "sizes": recent_sizes(room.sizes, begin),
            "accepted": room.accepted[-20:],
        }
    )


def recent_sizes(sizes: Iterable[Size], begin: datetime) -> tuple[Size, ...]:
    """The newest size from before, and all later ones."""
    every = tuple(sizes)
    before = [item for item in every if moment(item.at) < begin]
    return (*before[-1:], *(item for item in every if moment(item.at) >= begin))
