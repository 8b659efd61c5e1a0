"""P4, before step 2 is over: a batch of the other side's list is measured, and charged or held back.

What is charged is written in the transaction in which the batch is taken over for evaluation: no crash loses it, and no
retry charges it twice. A batch that is held back stays unevaluated, visibly, and stops nothing else; it was measured
once and is not fetched again before somebody has lifted the limit (`guess_rules`). What people lift is kept here too.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from cleanroom.agent.approvals import require_approver
from cleanroom.agent.epochs import epoch_prefix
from cleanroom.agent.guess_records import (
    RESTORED,
    WINDOW,
    Accepted,
    Account,
    Allowed,
    Arrival,
    Restored,
    RoomGuesses,
    account,
    keep,
    with_charge,
    with_size,
)
from cleanroom.agent.guess_rules import (
    Grounds,
    GuessesWait,
    charge_of,
    is_accepted,
    refusal,
    renews_by_their_policy,
    size_of,
    their_epochs,
)
from cleanroom.agent.partners import find
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.vault import COPIED
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import PartnerId, RoomId
from cleanroom.messages.documents import instant, moment
from cleanroom.messages.lists import Snapshot
from matching.rows import NAME_BYTES, TOKEN_BYTES, Bytes, Rows, is_in

MOST_KEYS = 100_000_000


class NothingHeldBack(InputRefused):
    """No batch of that number is held back in the room."""

    code = "nothing_held_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A batch that is not evaluated, as it was measured, and why."""

    arrival: Arrival
    why: GuessesWait


def require_known_batch(agent: Agent, room: Room, snapshot: Snapshot) -> None:
    """Refuse a batch that was measured before, as long as nothing has changed; nothing is fetched.

    Raises:
        GuessesWait: naming the rule, the figures and who lifts it.
    """
    arrival = account(agent, room.other.partner).waiting.get(room.id)
    if arrival is None or arrival.snapshot != snapshot.digest():
        return
    why = refusal(grounds_of(agent, room), arrival)
    if why is not None:
        raise why


def measured(agent: Agent, room: Room, snapshot: Snapshot, batch: Rows, *, before: Rows, after: Rows) -> Arrival:  # noqa: PLR0913 - see below
    """A checked batch in figures: `before` and `after` are the other side's list without and with it."""
    come, gone = churned(before, batch) if snapshot.number > 1 else (0, 0)
    fresh = batch.added()
    seen = np.concatenate([before.value, _retired(agent, room)])
    return Arrival(
        epoch=room.epoch,
        batch=snapshot.number,
        snapshot=snapshot.digest(),
        at=instant(agent.clock()),
        new=_by_kind(room, fresh.take(~is_in(fresh.value, seen))),
        keys=_by_kind(room, after),
        entries=sum(shape.entries for shape in snapshot.shapes),
        come=come,
        gone=gone,
    )


def charge(agent: Agent, room: Room, arrival: Arrival) -> None:
    """Write what a batch takes, inside the transaction that takes the batch over for evaluation.

    Raises:
        GuessesWait: naming the rule; then nothing is to be written.
    """
    grounds = grounds_of(agent, room)
    why = refusal(grounds, arrival)
    if why is not None:
        raise why
    known, now, terms = grounds.known, grounds.now, room.terms
    renews = renews_by_their_policy(grounds, arrival)
    renewed = known.renewed if known else ""
    taken = charge_of(grounds, arrival)
    if renews and taken != arrival.new:
        renewed = instant(now)
    entry = RoomGuesses(
        title=terms.title,
        declared=terms.declared_by(room.other.partner),
        expires=terms.expires,
        epoch=arrival.epoch,
        keys=arrival.keys,
        their_epochs=their_epochs(room),
        renewed=renewed,
        charges=with_charge(known.charges if known else (), taken, now),
        sizes=with_size(
            known.sizes if known else (), size_of(arrival, accepted=is_accepted(grounds, arrival), now=now)
        ),
        accepted=known.accepted if known else (),
    )
    _keep_restored(agent)
    _keep(agent, grounds.account, room, entry, waiting=None)


def note_retired(agent: Agent, room: Room, before: Rows, after: Rows) -> None:
    """Remember the tokens that a batch takes out: if they come again in this epoch, they are not new."""
    lost = before.value[~is_in(before.value, after.value)]
    if len(lost):
        agent.vault.put(_retired_place(room), np.concatenate([_retired(agent, room), lost]).tobytes())


def hold_back(agent: Agent, room: Room, arrival: Arrival) -> None:
    """Keep a batch's figures, so that people see what waits, and nobody fetches it again in vain."""
    with agent.vault.transaction():
        _keep_restored(agent)
        record = account(agent, room.other.partner)
        _keep(agent, record, room, record.rooms.get(room.id), waiting=arrival)


def held_back(agent: Agent, room: Room) -> HeldBack | None:
    """The batch of the other side's list that waits for somebody to lift a limit, if one does."""
    arrival = account(agent, room.other.partner).waiting.get(room.id)
    shown = room.snapshots[room.other.partner]
    if arrival is None or arrival.epoch != room.epoch or arrival.batch > len(shown):
        return None
    if shown[arrival.batch - 1].digest() != arrival.snapshot:
        return None
    why = refusal(grounds_of(agent, room), arrival)
    return HeldBack(arrival=arrival, why=why) if why else None


def accept(agent: Agent, room: Room, batch: int, *, by: UserSession, reason: str) -> None:
    """Accept growth and churn of the batch that is held back. What else holds it back still does.

    Raises:
        NothingHeldBack: no batch of that number is held back.
        NotAnApprover, InputRefused: see `approvals.require_approver`.
    """
    who = require_approver(agent, by, reason)
    with agent.vault.transaction():
        record = account(agent, room.other.partner)
        arrival, known = record.waiting.get(room.id), record.rooms.get(room.id)
        if arrival is None or known is None or (arrival.epoch, arrival.batch) != (room.epoch, batch):
            raise NothingHeldBack(f"room {room.terms.title}: no batch {batch} waits to be accepted")
        said = Accepted(
            snapshot=arrival.snapshot,
            epoch=arrival.epoch,
            batch=batch,
            by=who,
            at=instant(agent.clock()),
            reason=reason,
        )
        entry = known.model_copy(update={"accepted": (*known.accepted, said)})
        _keep(agent, record, room, entry, waiting=arrival)


def allow(agent: Agent, who: str, keys: int, *, by: UserSession, reason: str) -> PartnerId:
    """Allow a counterpart so many new keys of each kind more, for 30 days from now.

    Raises:
        UnknownPartner: there is none of that name.
        NotAnApprover, InputRefused: see `approvals.require_approver`; or a number of keys that cannot be.
    """
    if not 1 <= keys <= MOST_KEYS:
        raise InputRefused(f"keys: from 1 to {MOST_KEYS:,}")
    partner, user = find(agent, who).id, require_approver(agent, by, reason)
    with agent.vault.transaction():
        # What is said now is about what is known now: a copy that was put back is noted first.
        _keep_restored(agent)
        record = account(agent, partner)
        said = Allowed(keys=keys, by=user, at=instant(agent.clock()), reason=reason)
        keep(agent, partner, record.model_copy(update={"allowed": (*record.allowed, said)}))
    return partner


def restored(agent: Agent) -> Restored | None:
    """That this vault was put back from a copy, for as long as it matters.

    The copy carries the mark itself, so that it does not matter how it was put back. Until something is written, a mark
    counts from now on.
    """
    mark = agent.vault.get(COPIED)
    if mark is not None:
        return Restored(copied=mark.decode(), since=instant(agent.clock()))
    known = agent.load(Restored, RESTORED)
    return known if known is not None and agent.clock() < moment(known.since) + WINDOW else None


def note_outdated(agent: Agent) -> None:
    """The escrow knows more of this agent than its vault: what was evaluated meanwhile is not known either."""
    with agent.vault.transaction():
        if restored(agent) is None:
            agent.save(RESTORED, Restored(copied="", since=instant(agent.clock())))
        _keep_restored(agent)


def forget_declared(agent: Agent, room: RoomId) -> None:
    """What a room that was left declared counts no more; what was evaluated in it does. In a transaction."""
    for place in agent.vault.addresses("guesses/"):
        record = agent.load(Account, place) if place.endswith("/account") else None
        if record is None or not {room} & (record.rooms.keys() | record.waiting.keys()):
            continue
        rooms = dict(record.rooms)
        if room in rooms:
            rooms[room] = rooms[room].model_copy(update={"declared": 0})
        waiting = {name: item for name, item in record.waiting.items() if name != room}
        agent.save(place, record.model_copy(update={"rooms": rooms, "waiting": waiting}))


def grounds_of(agent: Agent, room: Room) -> Grounds:
    """What a batch of the other side is judged on now."""
    return Grounds(room=room, account=account(agent, room.other.partner), restored=restored(agent), now=agent.clock())


def churned(before: Rows, batch: Rows) -> tuple[int, int]:
    """How many entries a batch brings that were not there, and how many it takes out for good.

    An entry that comes back under its handle without one of its keys is another one.
    """
    taken, brought = _names(batch.removed()), batch.added()
    stays = is_in(_leaves(brought), _leaves(before.take(is_in(before.name, batch.removed()))))
    kept = _names(brought.name[stays])
    return len(_names(brought.name) - kept), len(taken - kept)


def _leaves(rows: Rows) -> Bytes:
    return np.concatenate([rows.name, rows.kind[:, None], rows.value], axis=1)


def _names(block: Bytes) -> set[bytes]:
    flat = block.tobytes()
    return {flat[i : i + NAME_BYTES] for i in range(0, len(flat), NAME_BYTES)}


def _by_kind(room: Room, rows: Rows) -> dict[str, int]:
    counted = Counter(dict(enumerate(np.bincount(rows.kind, minlength=len(room.kind_names)).tolist())))
    return {name: counted[index] for index, name in enumerate(room.kind_names)}


def _keep(agent: Agent, record: Account, room: Room, entry: RoomGuesses | None, *, waiting: Arrival | None) -> None:
    rooms = {**record.rooms, room.id: entry} if entry is not None else record.rooms
    others = {name: item for name, item in record.waiting.items() if name != room.id}
    held = {**others, room.id: waiting} if waiting is not None else others
    keep(agent, room.other.partner, record.model_copy(update={"rooms": rooms, "waiting": held}))


def _keep_restored(agent: Agent) -> None:
    """Replace the mark of a copy by the moment from which on the account is whole again. Inside a transaction."""
    if agent.vault.get(COPIED) is not None:
        known = restored(agent)
        if known is not None:
            agent.save(RESTORED, known)
        agent.vault.delete(COPIED)


def _retired(agent: Agent, room: Room) -> Bytes:
    data = agent.vault.get(_retired_place(room)) or b""
    return np.frombuffer(data, np.uint8).reshape(-1, TOKEN_BYTES)


def _retired_place(room: Room) -> str:
    return epoch_prefix(room.id, room.epoch) + "theirs/retired"
