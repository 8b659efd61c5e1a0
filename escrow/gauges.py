"""P5: what a member is told of the budgets: what is left, when the next answer may come, and what it waits for.

Of its own list a member is told everything; of the other's only what concerns the two of them, and *that* its total is
spent, not when it will be refilled: that would tell of answers to others.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from cleanroom.domain.vocabulary import CountingMode, PartnerId
from cleanroom.messages.api import GaugeView
from cleanroom.messages.documents import instant
from escrow import budgets, counting, edges, opened
from escrow.budgets import Price
from escrow.rooms import WorkingRoom
from matching.disclosure.budget import Granted, Ledger, Verdict, allowed, judge, spent
from matching.disclosure.modes import MODES

_MOST_STEPS: Final = 16
"""How many edges are tried: each is beyond a moment at which something leaves the year."""
_SOON: Final = timedelta(microseconds=1)


def views(room: WorkingRoom) -> tuple[GaugeView, ...]:
    """The gauge of either list, in the order of the terms' members; none where the counting rule has no budgets."""
    rule = counting.at(room, room.now)
    if rule.caps != "budget":
        return ()
    held, price = budgets.accounts(room), _price(room, rule.mode)
    return tuple(
        _view(room, price, member.partner, pair, owner)
        for member, pair, owner in zip(room.terms.members, held.pairs, held.owners, strict=True)
    )


def next_answer(room: WorkingRoom) -> datetime | None:
    """The first edge from now on at which the budgets give an answer, if that can be told."""
    rule = counting.at(room, room.now)
    if rule.caps != "budget":
        every_push = room.terms.answer_interval == "unsafe_every_push"
        return None if every_push else edges.following(room, room.now + _SOON)
    price = _price(room, rule.mode)

    def verdict(at: int) -> Verdict | None:
        found = budgets.verdict(room, price, at)
        return None if _is_others_business(room, found) else found

    return _first_granted(room, verdict)


def _view(room: WorkingRoom, price: Price, list_of: PartnerId, pair: Ledger, owner: Ledger) -> GaugeView:
    mode, now, mine = MODES[price.mode.value], edges.seconds(room.now), list_of == room.caller

    def verdict(at: int) -> Verdict:
        return judge(mode=mode, now=at, cost=price.cost, correction=False, pairs=(pair, pair), owners=(owner, owner))

    following = edges.following(room, room.now + _SOON)
    waits = verdict(edges.seconds(following or room.now))
    reason = "" if isinstance(waits, Granted) else budgets.reason(waits, of_caller=mine)
    edge = None if reason == "their_list_spent" else _first_granted(room, verdict)
    return GaugeView(
        owner=list_of,
        left=_left(pair.ordinary(), pair, mode.yearly, now),
        of=allowed(pair, mode.yearly, now),
        next_answer=instant(edges.next_second(edge)) if edge else None,
        reason=reason,
        owner_left=_left(owner, owner, mode.owner_yearly, now) if mine else None,
        owner_of=allowed(owner, mode.owner_yearly, now) if mine else None,
    )


def _first_granted(room: WorkingRoom, verdict: Callable[[int], Verdict | None]) -> datetime | None:
    edge = edges.following(room, room.now + _SOON)
    for _ in range(_MOST_STEPS):
        found = verdict(edges.seconds(edge)) if edge is not None else None
        if found is None or isinstance(found, Granted):
            return edge if found is not None else None
        if found.until is None:
            return None
        edge = edges.following(room, edges.moment_of(found.until))
    return None


def _price(room: WorkingRoom, mode: CountingMode) -> Price:
    return Price(mode=mode, cost=opened.cost(room, edges.latest(room), room.now), correction=False)


def _is_others_business(room: WorkingRoom, verdict: Verdict) -> bool:
    """Whether an answer waits for what the other member's list has given to others."""
    if isinstance(verdict, Granted) or verdict.rule != "owner_spent":
        return False
    return room.terms.members[verdict.account].partner != room.caller


def _left(spending: Ledger, account: Ledger, yearly: int, now: int) -> int:
    return max(0, allowed(account, yearly, now) - spent(spending, now))
