"""P9: receiving what the other side has released, and dropping what the policies no longer allow.

Releases are read in order, each whole or not at all (`release_checks`). A refused one stops everything after it.
A release of a round that this agent has not verified yet waits. What is kept is in `kept`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from cleanroom.agent import shown_records
from cleanroom.agent.client import ReleasePlace
from cleanroom.agent.frames import tuples
from cleanroom.agent.kept import (
    PAIR,
    Kept,
    KeptHead,
    Labels,
    after,
    head,
    judged,
    keep,
    keep_head,
    kept,
    withdrawn,
)
from cleanroom.agent.own_accounts import accounts_of, own_accounts
from cleanroom.agent.release_checks import Expected, StandingMatch, checked, standing, unsealed
from cleanroom.agent.release_content import ShownBefore, exceeds, newest_round
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.shown_records import records_of
from cleanroom.agent.verified import past, verified
from cleanroom.agent.witness import require_same
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.documents import instant, moment
from cleanroom.messages.releases import Payload, Release, ReleaseRefused
from cleanroom.policy.evaluate import Sides

CLOCK_SKEW: Final = timedelta(minutes=5)


def receive(agent: Agent, room: Room) -> int:
    """Receive every release that is handed over and new. Says how many there were.

    Raises:
        RoomNotActive: if the room is not in force.
        ReleaseRefused: naming place and rule; nothing of that release is kept.
        LogInconsistent: the other side was shown another log than this agent.
    """
    room.require_active()
    with agent.locked(f"receive-{room.id}"):
        received = 0
        for release in room.releases[room.other.partner]:
            last = head(agent, room.id)
            if last is not None and _is_known(release, last):
                continue
            if release.round > newest_round(agent, room):
                break
            _require_in_order(release, last)
            _receive(agent, room, release, last)
            received += 1
        return received


def withdraw(agent: Agent, room: Room) -> int:
    """Drop every kept value whose form the policies in force do not give any more. Says how many there were.

    That it was there, and until when, stays. A value of which a reduced form would be allowed still goes as a whole:
    the owner sends the reduced one.
    """
    with agent.locked(f"receive-{room.id}"):
        at, sides, last = agent.clock(), room.sides(room.other.partner), head(agent, room.id)
        policies = f"{room.policy_digest(agent.me)} {room.policy_digest(room.other.partner)} {room.terms.digest()}"
        grounds = f"{policies} {sides.slice(at)} {last.digest if last else ''}".encode()
        if agent.vault.get(judged(room.id)) == grounds:
            return 0  # nothing that decides it has changed since all of it was looked at
        before = kept(agent, room.id)
        ended, unseen = _over(before, sides, at)
        before.fields.loc[ended] = withdrawn(before.fields[ended], instant(at))
        before.matches.loc[unseen, "withdrawn"] = instant(at)
        with agent.vault.transaction():
            if ended.any() or unseen.any():
                keep(agent, room.id, before)
            agent.vault.put(judged(room.id), grounds)
    return int(ended.sum())


def _over(before: Kept, sides: Sides, at: datetime) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which kept fields, and which matches, the policies do not give any more."""
    matches, fields = before.matches, before.fields
    cells = list(tuples(matches, ["their_segment", "my_segment"]))
    cell_of = dict(zip(tuples(matches, PAIR), cells, strict=True))

    @cache
    def over(cell: tuple[str, str], name: str, form: str) -> bool:
        return exceeds(sides, ShownBefore(field=name, form=Form(form), owners=cell[0], recipients=cell[1]), at)

    shown = tuples(fields, [*PAIR, "field", "form", "withdrawn"])
    ended = np.array([not gone and over(cell_of[*pair], name, form) for *pair, name, form, gone in shown], np.bool_)
    seen = zip(cells, matches["withdrawn"], strict=True)
    unseen = np.array([not gone and over(cell, ACCOUNT, Form.EXISTS) for cell, gone in seen], np.bool_)
    return ended, unseen


def _is_known(release: Release, last: KeptHead) -> bool:
    """Whether a release was received before. Raises ReleaseRefused if it is another one under the same number."""
    if release.epoch != last.epoch or release.number > last.number:
        return False
    if release.number == last.number and release.digest() != last.digest:
        raise ReleaseRefused(f"release {release.number}: another one than was received under this number")
    return True


def _require_in_order(release: Release, last: KeptHead | None) -> None:
    """A release may be missing only where the policies that it named are no more."""
    if last is None or release.epoch != last.epoch:
        return
    same_policies = (last.their_policy, last.my_policy) == (release.sender_policy, release.recipient_policy)
    if release.number == last.number + 1 and release.previous != last.digest:
        raise ReleaseRefused(f"release {release.number}: does not follow from the one that was received before")
    if release.number > last.number + 1 and same_policies:
        raise ReleaseRefused(f"release {release.number}: one before it is not shown")


def _receive(agent: Agent, room: Room, release: Release, last: KeptHead | None) -> None:
    other = room.other.partner
    _require_in_force(agent, room, release)
    payloads = _payloads(agent, room, release)
    known, gone = verified(agent, room, through=release.round), past(agent, room, through=release.round)
    shown = checked(payloads, Expected.of(known, room.sides(other), moment(release.created), gone))
    hash_key = payloads[0].hash_key if payloads else None
    before = last.hash_key if last is not None and last.epoch == release.epoch else None
    if hash_key and before not in (None, hash_key):
        raise ReleaseRefused(f"release {release.number}: another key for hashed fields than before in this epoch")
    newest = KeptHead(
        epoch=release.epoch,
        number=release.number,
        digest=release.digest(),
        their_policy=release.sender_policy,
        my_policy=release.recipient_policy,
        hash_key=hash_key or before,
    )
    require_same(agent, room, release.log_size, release.log_root, f"the other side's release {release.number}")
    records = records_of(payloads, ((item.match.their_segment, item.match.my_segment) for item in shown))
    if (len(records.leaves), records.root) != (release.matches, release.records):
        raise ReleaseRefused(f"release {release.number}: its records are not of what it shows")
    matches = standing(shown)
    labels, now = _labels(agent, room, matches), instant(agent.clock())
    with agent.vault.transaction():
        keep(agent, room.id, after(kept(agent, room.id), release, matches, labels, now))
        keep_head(agent, room.id, newest)
        agent.vault.put(shown_records.address(room.id, release.digest()), records.lines())


def _require_in_force(agent: Agent, room: Room, release: Release) -> None:
    policies = (room.policy_digest(room.other.partner), room.policy_digest(agent.me))
    if (release.sender_policy, release.recipient_policy) != policies:
        raise ReleaseRefused(f"release {release.number}: made under policies that are not in force")
    if moment(release.created) > agent.clock() + CLOCK_SKEW:
        raise ReleaseRefused(f"release {release.number}: from the future, by this machine's clock")


def _payloads(agent: Agent, room: Room, release: Release) -> list[Payload]:
    place = ReleasePlace(room.id, release.epoch, release.sender, release.number)
    payloads = []
    with agent.progress.stage("unseal", len(release.batches)) as advance:
        for index in range(len(release.batches)):
            sealed = agent.escrow.release_batch(place, index)
            payloads.append(unsealed(release, index, sealed, agent.identity.sealing_key))
            advance(1)
    return payloads


def _labels(agent: Agent, room: Room, matches: Sequence[StandingMatch]) -> Labels:
    holders = own_accounts(agent, room, (key for item in matches for key in item.match.keys))
    return Labels(
        segments=room.terms.segments,
        kinds=room.kind_names,
        accounts={
            (item.match.mine.hex(), item.match.theirs.hex()): tuple(
                account.id for account in accounts_of(item.match, holders, room.judge)
            )
            for item in matches
        },
    )
