"""P7: from when on new rows of the other side's list may be opened, by what this agent knows itself.

A batch that I had not seen at my last look came after it, whatever the escrow says; and it did not come before its
entry in the room's log, which I have witnessed. From the later of the two the terms' hours count. A batch other than an
epoch's first one needs its list committed again, as often as the terms say.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cleanroom.agent import ledger
from cleanroom.agent.evaluate import batch_prefix
from cleanroom.agent.opening_waits import OpeningsWait
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.waiting import period_begun
from cleanroom.messages.documents import Count, Instant, Wire, instant, moment

LOOK_AGAIN: Final = timedelta(minutes=10)
"""A look at an unchanged list is written down so often at most; so much sooner may a row be mature."""


class RowsNotMature(OpeningsWait):
    """Matches of rows that are new in the other side's list are not opened yet."""

    code = "rows_not_mature"


class Look(Wire):
    """The last look at the other side's list: when, in which epoch, and how many batches it had."""

    at: Instant
    epoch: Count
    batches: Count


def look(agent: Agent, room: Room) -> None:
    """Note how many batches the other side's list has, and of each new one when I last saw that it was not there."""
    number, now = len(room.snapshots[room.other.partner]), agent.clock()
    with agent.vault.transaction():
        last = agent.load(Look, _address(room))
        same = last is not None and (last.epoch, last.batches) == (room.epoch, number)
        if last is not None and same and now - moment(last.at) < LOOK_AGAIN:
            return
        known = last.batches if last is not None and last.epoch == room.epoch else 0
        before = last.at if last is not None else instant(period_begun(room))
        for batch in range(known + 1, number + 1):
            agent.vault.put(batch_prefix(room, batch) + "since", before.encode())
        agent.save(_address(room), Look(at=instant(now), epoch=room.epoch, batches=max(known, number)))


def require_mature(agent: Agent, room: Room, batches: Iterable[int]) -> None:
    """Refuse to open rows of batches of the other side's list that are too new.

    Raises:
        RowsNotMature: naming the batch, the moment from which it may be opened, and the terms' rule.
    """
    rule = room.terms.new_tokens
    newest = len(room.snapshots[room.other.partner])
    place = f"room {room.terms.title}: nothing more of this round is opened"
    for batch in sorted(set(batches)):
        if rule.open_after_hours:
            opens = mature_at(agent, room, batch)
            if agent.clock() < opens:
                raise RowsNotMature(
                    f"{place} before {instant(opens)}: batch {batch} of {room.other.name}'s list is new, and the terms "
                    f"let {rule.open_after_hours} hours pass. Terms that both sides sign loosen it"
                )
        if batch > 1 and newest < batch + rule.open_after_snapshots - 1:
            missing = batch + rule.open_after_snapshots - 1 - newest
            raise RowsNotMature(
                f"{place}: batch {batch} of {room.other.name}'s list is new, and the terms want the list committed "
                f"{rule.open_after_snapshots} times with it, so {missing} more. The next epoch opens it as well"
            )


def mature_at(agent: Agent, room: Room, batch: int) -> datetime:
    """From when on the terms' hours are over for a batch of the other side's list."""
    if agent.vault.get(batch_prefix(room, batch) + "since") is None:
        look(agent, room)
    seen = agent.vault.get(batch_prefix(room, batch) + "since")
    since = [moment(seen.decode())] if seen is not None else [agent.clock()]
    log = ledger.load(agent, room.id)
    digest = room.snapshots[room.other.partner][batch - 1].digest()
    since += [moment(log.entries[index].at) for index in log.indices(digest)]
    return max(since) + timedelta(hours=room.terms.new_tokens.open_after_hours)


def _address(room: Room) -> str:
    return f"guesses/{room.other.partner}/looks/{room.id}"
