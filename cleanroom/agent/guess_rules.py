"""The rules that bound what a partner learns by stuffing its list, applied to one batch as it arrived.

1. *declared*: the list has no more entries than its owner declares in the terms. New terms lift it.
2. *growth* and *churn*: within the terms' limits (`growth`). A person of this partner accepts the batch otherwise.
3. *quota*: of each kind no more new keys in 30 days, over all rooms and epochs, than the terms' part of the declared
   entries. A person of this partner allows more.

What is new: tokens of two epochs or rooms are never equal, so all of a list that comes again looks new. Only the first
batch of an epoch that follows one whose list was evaluated in the same room is free, up to the keys that the list had
then: if the epoch came by the calendar, by a policy of this partner, or by terms that both signed. One that the
counterpart's own policy began is free once in 30 days. In a vault that was put back from a copy the quota counts as
used up for 30 days, and only epochs that came later by the calendar are free.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cleanroom.agent.growth import broken
from cleanroom.agent.guess_records import WINDOW, Account, Arrival, Restored, RoomGuesses, Size, added
from cleanroom.agent.rooms import Room
from cleanroom.agent.waiting import period_begun
from cleanroom.domain.errors import NotPossibleNow
from cleanroom.messages.documents import instant, moment

_PERCENT: Final = 100


class GuessesWait(NotPossibleNow):
    """A batch of the other side's list is not evaluated before somebody lifts a limit to guessing."""

    code = "guesses_wait"


class AboveDeclared(GuessesWait):
    """The other side's list has more entries than the terms declare."""

    code = "above_declared"


class ListQuarantined(GuessesWait):
    """The other side's list grows or churns faster than the terms let it."""

    code = "list_quarantined"


class GuessQuotaReached(GuessesWait):
    """More new keys of the other side would be evaluated in 30 days than the terms allow."""

    code = "guess_quota_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a batch is judged on: the counterpart's account, whether this vault was restored, and the moment."""

    room: Room
    account: Account
    restored: Restored | None
    now: datetime

    @property
    def known(self) -> RoomGuesses | None:
        """What was evaluated in this room before."""
        return self.account.rooms.get(self.room.id)

    @property
    def since(self) -> datetime | None:
        """Since when what the account says is whole, if it lacks what was evaluated before a copy was put back."""
        return moment(self.restored.since) if self.restored else None

    def declared(self) -> int:
        """The most entries that the counterpart declares in a room in force, this one included."""
        return max(self.room.terms.declared_by(self.room.other.partner), self.account.declared(self.now))

    def limit(self) -> int:
        """How many new keys of each kind the terms allow in 30 days."""
        return self.room.terms.limits.distinct_percent * self.declared() // _PERCENT

    def used(self) -> dict[str, int]:
        """New keys by kind that count as evaluated in the last 30 days."""
        charged = self.account.charged(self.now, since=self.since)
        all_used = dict.fromkeys(self.room.kind_names, self.limit()) if self.restored else {}
        return added(charged, all_used)

    def allowed(self) -> int:
        """How many new keys of each kind may be evaluated in 30 days, with what people have allowed."""
        return self.limit() + self.account.lifted(self.now, since=self.since)


def their_epochs(room: Room) -> int:
    """How many epochs policies of the other side have begun."""
    return sum(item.document.fresh_epoch for item in room.policies.get(room.other.partner, ()))


def charge_of(grounds: Grounds, arrival: Arrival) -> dict[str, int]:
    """What a batch takes from the quota: its new keys by kind, without those that come again free of charge."""
    free = _free(grounds, arrival)
    return {kind: max(0, number - free.get(kind, 0)) for kind, number in arrival.new.items()}


def renews_by_their_policy(grounds: Grounds, arrival: Arrival) -> bool:
    """Whether the list comes again because of nothing but a policy of the counterpart's."""
    known = grounds.known
    if known is None or arrival.epoch <= known.epoch:
        return False
    return arrival.epoch - known.epoch <= their_epochs(grounds.room) - known.their_epochs


def size_of(arrival: Arrival, *, accepted: bool, now: datetime) -> Size:
    """The list's size after a batch."""
    return Size(at=instant(now), entries=arrival.entries, come=arrival.come, gone=arrival.gone, accepted=accepted)


def is_accepted(grounds: Grounds, arrival: Arrival) -> bool:
    """Whether a person has accepted this very batch."""
    return grounds.known is not None and any(item.snapshot == arrival.snapshot for item in grounds.known.accepted)


def refusal(grounds: Grounds, arrival: Arrival) -> GuessesWait | None:
    """Why a batch is not evaluated now: the rule, its figures, and who lifts it. None if it may be."""
    room = grounds.room
    place = f"room {room.terms.title}: batch {arrival.batch} of {room.other.name}'s list is not evaluated"
    declared = room.terms.declared_by(room.other.partner)
    if arrival.entries > declared + room.terms.probes:
        return AboveDeclared(
            f"{place}; declared: {arrival.entries:,} entries, the terms declare {declared:,}. New terms lift it: "
            f"cleanroom room renew {room.id[:8]} --their-size {rounded_up(arrival.entries)}"
        )
    if (grown := _grown(grounds, arrival)) is not None:
        return ListQuarantined(
            f"{place}; {grown}. An approver of yours accepts it: cleanroom guesses accept {room.id[:8]} "
            f"--batch {arrival.batch}"
        )
    over = _over_quota(grounds, arrival)
    return GuessQuotaReached(f"{place}; {over}") if over else None


def rounded_up(number: int) -> int:
    """The least number of the form 1, 2 or 5 times a power of ten that is not below it."""
    step = 1
    while True:
        for digit in (1, 2, 5):
            if digit * step >= number:
                return digit * step
        step *= 10


def _grown(grounds: Grounds, arrival: Arrival) -> str | None:
    known = grounds.known
    if known is None or is_accepted(grounds, arrival):
        return None
    size = size_of(arrival, accepted=False, now=grounds.now)
    found = broken(known.sizes, size, grounds.room.terms.limits, grounds.now)
    return found.words if found else None


def _over_quota(grounds: Grounds, arrival: Arrival) -> str | None:
    used, allowed = grounds.used(), grounds.allowed()
    after = {kind: used.get(kind, 0) + number for kind, number in charge_of(grounds, arrival).items() if number}
    over = {kind: total for kind, total in after.items() if total > allowed}
    if not over:
        return None
    kind = max(over, key=lambda name: over[name])
    more, lifted = over[kind] - allowed, allowed - grounds.limit()
    percent, other = grounds.room.terms.limits.distinct_percent, grounds.room.other.name
    ground = f"{_times(percent)} x {grounds.declared():,} declared"
    if lifted:
        ground += f", and {lifted:,} that a person allowed"
    if grounds.restored:
        ground += "; all of it counts as used, because this home was put back from a copy"
    return (
        f"quota: {over[kind]:,} new {kind.replace('_', ' ')} keys in 30 days, {allowed:,} are allowed ({ground}). An "
        f"approver of yours lifts it: cleanroom guesses allow '{other}' --keys {rounded_up(more)}"
    )


def _times(percent: int) -> str:
    whole, rest = divmod(percent, _PERCENT)
    return f"{whole:,}" + (f".{rest:02}".rstrip("0") if rest else "")


def _free(grounds: Grounds, arrival: Arrival) -> Mapping[str, int]:
    known = grounds.known
    if known is None or arrival.batch != 1 or arrival.epoch <= known.epoch:
        return {}
    if grounds.since is not None and period_begun(grounds.room) <= grounds.since:
        return {}
    if renews_by_their_policy(grounds, arrival) and known.renewed:
        return {} if grounds.now < moment(known.renewed) + WINDOW else known.keys
    return known.keys
