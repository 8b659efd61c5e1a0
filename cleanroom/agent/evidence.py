"""P7, before anything is opened: is what the escrow shows evidence enough?

A row of my evaluation may be opened only if all of this holds:

1. the round stands on the newest snapshots of both sides, as I committed mine and evaluated theirs;
2. it stands on the policies in force: mine as my vault remembers it, the other side's newest signed one;
3. the other side has signed its evaluation of exactly my newest snapshot, with the roots that it signed first;
4. no account of mine that is suppressed now was committed in this epoch;
5. the row that is shown has the same kind and tag as mine, and its path leads to one of those roots;
6. I held that root before I uploaded my row, so that its tag cannot be a copy of mine;
7. the other side's entry is still in its list;
8. its cell is agreed under both policies, by my clock;
9. no row is shown twice;
10. all that is shown of a pair of entries can make it a match that counts, whatever else of theirs differs. Which other
   kinds my entry has is hidden behind their name for it; P8 decides.
11. the batch of their list that brought it is mature under the terms, by what I know myself (`maturity`).

An escrow that announces anything else gets nothing: one item that fails refuses the whole round, and says which rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cleanroom.agent import suppress
from cleanroom.agent.committed import head
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.evaluate import batch_prefix, evaluated_rows, known_roots, newest_pair, roots_held
from cleanroom.agent.maturity import require_mature
from cleanroom.agent.opening_waits import OpeningsWait, RoundNotReady
from cleanroom.agent.received import their_state
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import kinds_in, kinds_of
from cleanroom.messages.api import RoundView
from cleanroom.messages.lists import Evaluation
from cleanroom.messages.openings import Evidence, OpeningRefused, decode_evidence
from matching import merkle
from matching.refusal import Refusal
from matching.rows import ADD, NAME_BYTES, TOKEN_BYTES, Bytes, Rows, from_leaves, is_in
from matching.tokens import unrenamed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Openable:
    """The rows that I may open, in the round's order.

    `rows` are the other side's (handle, op, segment, kind, T), `pseudonyms` (n, 16) mine for them, `batch` the number
    of the snapshot of theirs that each came in. `mine` and `theirs` are the two evaluations that the round stands on.
    """

    rows: Rows
    pseudonyms: Bytes
    batch: npt.NDArray[np.int64]
    mine: Evaluation
    theirs: Evaluation


def openable(agent: Agent, room: Room, round_: RoundView) -> Openable:
    """All rows of a round, once every rule above holds.

    Raises:
        RoundNotReady, OpeningsWait: rules 1 to 4 and 11: it may hold later.
        OpeningRefused: the escrow shows what is no evidence.
    """
    mine, theirs = _basis(agent, room, round_)
    items = _fetched(agent, room, round_)
    batches = {item.batch for item in items}
    if not batches <= {part.number for part in mine.batches}:
        raise OpeningRefused("evidence: it speaks of a batch that I did not evaluate")
    require_mature(agent, room, batches)
    _check_distinct(items)
    tags = {number: evaluated_rows(agent, room, number) for number in batches}
    _check_rows(agent, room, items, tags, theirs)
    found = [_own_rows(agent, room, items, number) for number in sorted(batches)]
    place = {(item.batch, item.index): i for i, item in enumerate(items)}
    order = np.argsort([place[number, index] for number, indices, _ in found for index in indices])
    rows = Rows(
        **{
            column: np.concatenate([getattr(part, column) for _, _, part in found])[order]
            for column in ("name", "op", "segment", "kind", "value")
        }
    )
    if not is_in(rows.value, their_state(agent, room).value).all():
        raise OpeningRefused("evidence: it speaks of an entry that the other side has taken out")
    handles = _handles(agent, room, rows)
    _check_pairs(agent, room, items, rows, handles)
    return Openable(
        rows=Rows(name=handles, op=rows.op, segment=rows.segment, kind=rows.kind, value=rows.value),
        pseudonyms=rows.name,
        batch=np.array([item.batch for item in items], np.int64),
        mine=mine,
        theirs=theirs,
    )


def require_basis(agent: Agent, room: Room, round_: RoundView) -> None:
    """Rules 1 to 4 again, for an opening that was made before.

    Raises:
        RoundNotReady, OpeningsWait: naming the rule.
    """
    _basis(agent, room, round_)


def _basis(agent: Agent, room: Room, round_: RoundView) -> tuple[Evaluation, Evaluation]:
    """Rules 1 to 4."""
    members = [member.partner for member in room.terms.members]
    mine, theirs, known = room.head(agent.me), room.head(room.other.partner), head(agent, room)
    if mine is None or theirs is None or known is None or known.digest != mine.digest():
        raise RoundNotReady("round: a list is not committed, or not as this agent knows it")
    heads = {agent.me: mine.digest(), room.other.partner: theirs.digest()}
    if round_.snapshots != tuple(heads[member] for member in members):
        raise RoundNotReady("round: it does not stand on the newest snapshots of both sides")
    if round_.policies != tuple(room.policy_digest(member) for member in members):
        raise RoundNotReady("round: it does not stand on the policies in force")
    pair = newest_pair(agent, room)
    if pair is None or (pair[0].of, pair[0].against) != (theirs.digest(), mine.digest()):
        raise RoundNotReady("round: the other side has not signed its evaluation of the newest snapshot")
    if suppress.must_wait(agent, room):
        raise OpeningsWait(
            f"room {room.terms.title}: an account that is suppressed now was committed in this epoch. Nothing more is "
            "opened before the next one; cleanroom policy refresh begins it at once"
        )
    return pair


def _fetched(agent: Agent, room: Room, round_: RoundView) -> list[Evidence]:
    items: list[Evidence] = []
    with agent.progress.stage("evidence", round_.rows) as advance:
        for chunk in range(round_.chunks):
            part = decode_evidence(agent.escrow.evidence(room.id, round_.number, chunk))
            items += part
            advance(len(part))
    if len(items) != round_.rows or not items:
        raise OpeningRefused("evidence: not as many rows as were announced")
    return items


def _check_distinct(items: list[Evidence]) -> None:
    """Rule 9."""
    mine = {(item.batch, item.index) for item in items}
    theirs = {(item.their_batch, item.their_index) for item in items}
    if len(mine) != len(items) or len(theirs) != len(items):
        raise OpeningRefused("evidence: a row is shown twice")


def _check_rows(agent: Agent, room: Room, items: list[Evidence], tags: Mapping[int, Rows], theirs: Evaluation) -> None:
    """Rules 5, 6 and 8, row by row."""
    roots = known_roots(agent, room)
    sizes = {part.number: part.rows for part in theirs.batches}
    held = {number: roots_held(agent, room, number) for number in tags}
    agreed = room.sides(agent.me).agreed_cells(agent.clock())
    for number, item in enumerate(items):
        rows, at = tags[item.batch], item.index
        if at >= len(rows) or rows.op[at] != ADD:
            raise OpeningRefused(f"evidence {number}: no such row in my evaluation")
        if item.leaf[18] != rows.kind[at] or item.leaf[19:] != rows.value[at].tobytes():
            raise OpeningRefused(f"evidence {number}: its tag is not the one that I computed")
        if _root(item, sizes.get(item.their_batch, 0)) != roots.get(item.their_batch):
            raise OpeningRefused(f"evidence {number}: it does not lead to a root that the other side signed")
        if item.their_batch > held[item.batch]:
            raise OpeningRefused(f"evidence {number}: its root was signed after my row was uploaded")
        if (item.leaf[17], int(rows.segment[at])) not in agreed:
            raise OpeningRefused(f"evidence {number}: its cell is not agreed")


def _check_pairs(agent: Agent, room: Room, items: list[Evidence], rows: Rows, handles: Bytes) -> None:
    """Rule 10. All rows of a pair come in one round: an entry that changes is taken out and put in again as a whole."""
    shown = [(item.leaf[:NAME_BYTES], handle.tobytes()) for item, handle in zip(items, handles, strict=True)]
    state = their_state(agent, room)
    present = state.take(is_in(state.name, handles))
    had = kinds_of((name.tobytes() for name in present.name), present.kind.tolist())
    agree = kinds_of(shown, rows.kind.tolist())
    for number, pair in enumerate(shown):
        kinds = kinds_in(agree[pair])
        if not room.judge.could_count(kinds, kinds_in(had.get(pair[1], 0)) - kinds):
            raise OpeningRefused(f"evidence {number}: what agrees of its pair makes no match that counts")


def _root(item: Evidence, size: int) -> str:
    try:
        return merkle.root_from_path(item.leaf, item.their_index, size, item.path).hex()
    except Refusal:
        return ""


def _own_rows(agent: Agent, room: Room, items: list[Evidence], number: int) -> tuple[int, list[int], Rows]:
    """Of one batch: the rows under my pseudonyms that the items name, with their indices."""
    data = agent.vault.get(batch_prefix(room, number) + "sorted")
    if data is None:
        raise OpeningRefused("evidence: an evaluated batch is missing from the vault")
    indices = [item.index for item in items if item.batch == number]
    return number, indices, from_leaves(data, TOKEN_BYTES).take(np.array(indices, np.intp))


def _handles(agent: Agent, room: Room, rows: Rows) -> Bytes:
    return unrenamed(np.ascontiguousarray(rows.name), epoch_secrets(agent, room).renaming_key)
