"""P8: the other side's opening, believed only after all of this was seen to hold. One bad row refuses all of it.

1. It is signed by the other side, and its claim mirrors the one that I signed: same room, terms, epoch and round, the
   two keys, snapshots, evaluations and policies, each with its role turned; and the log that it names is mine.
2. It has exactly as many rows as mine, and each part has the digest that the claim names.
3. Every row is of an entry and key that I have committed: handle, segment, kind and token are my vault's own.
4. No row repeats.
5. The proof of every part holds for the other side's key of this epoch, bound to the whole claim.
6. Every point R is one that I computed myself as k*S in my own opening, for the same kind, each once: so the other side
   committed S of the very same key. S gives the entry of theirs.
7. The rule of the terms makes a match that counts of every pair: from the kinds that are proven to agree, and from
   those that both entries have. Where a list has moved on since the round began, what makes none now is left out.
8. Its cell is agreed, as when I opened.

Only then are the rows kept as verified matches; but for those of entries that either side has taken out or altered
meanwhile. A decoy of mine among them is noted (`decoy_hits`).
"""

import hashlib

import numpy as np

from cleanroom.agent import decoy_hits, opening
from cleanroom.agent.archive import archive
from cleanroom.agent.client import OpeningPlace
from cleanroom.agent.committed import head, held, retired_tokens, state, state_tokens
from cleanroom.agent.epochs import accepted_key
from cleanroom.agent.evaluate import batch_prefix
from cleanroom.agent.received import their_state
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import PastMatch, StoredMatch, is_verified, keep, kinds_in, kinds_of, tier_of
from cleanroom.agent.witness import require_same
from cleanroom.domain.vocabulary import RoundState
from cleanroom.messages.openings import Claim, OpenedRow, Opening, OpeningRefused, decode_rows, points_of
from cleanroom.messages.signing import open_document
from matching import proof
from matching.refusal import Refusal
from matching.rows import NAME_BYTES, as_keys, is_in

Pair = tuple[OpenedRow, OpenedRow]
"""A row of their opening (about my entry) and the row of mine (about theirs) with the same point."""


def verify_round(agent: Agent, room: Room) -> bool:
    """Verify the other side's opening of the room's round, once both are exchanged. Says whether there was one.

    Raises:
        DocumentRefused, OpeningRefused: it is not what it must be; nothing of it is kept.
        LogInconsistent: the other side was shown another log than this agent.
    """
    round_ = room.round
    if round_ is None or round_.state != RoundState.EXCHANGED or is_verified(agent, room, round_.number):
        return False
    own = opening.own_opening(agent, room, round_.number)
    if own is None:
        raise OpeningRefused("opening: the escrow says that I opened this round, and I did not")
    mine, my_parts = own
    my_rows = _decoded(mine.claim, my_parts)
    theirs, their_parts = _fetched(agent, room, round_.number)
    _check_claim(mine.claim, theirs.claim)
    require_same(agent, room, theirs.claim.log_size, theirs.claim.log_root, "the other side's opening")
    if accepted_key(agent, room) != theirs.claim.prover_key:
        raise OpeningRefused("opening: it names another key than the other side's")
    their_rows = _decoded(theirs.claim, their_parts)
    with agent.progress.stage("verify", len(their_rows)):
        moved = _has_moved(agent, room, mine.claim)
        keys = _own_keys(agent, room, their_rows, moved=moved)
        _check_proofs(theirs, their_rows)
        pairs = _paired(my_rows, their_rows)
        _check_cells(agent, room, pairs)
        present = _present(agent, room, pairs, keys)
        stored = _matching(agent, room, present, moved=moved)
    caught = decoy_hits.found_in(agent, room, stored)
    with agent.vault.transaction():
        keep(agent, room, round_.number, stored, _past(pairs, stored))
        decoy_hits.note(agent, room, caught)
        opening.answered(agent, room)
    return True


def _fetched(agent: Agent, room: Room, number: int) -> tuple[Opening, list[bytes]]:
    place = OpeningPlace(room.id, number, room.other.partner)
    signer: dict[str, bytes] = {room.other.partner: bytes.fromhex(room.other.identity_key)}
    signed = agent.escrow.opening(place)
    theirs = open_document(Opening, signed, signer)
    archive(agent, room.id, [signed])
    with agent.progress.stage("fetch opening", theirs.claim.rows) as advance:
        parts = []
        for part in range(len(theirs.claim.parts)):
            parts.append(agent.escrow.opening_part(place, part))
            advance(theirs.claim.part_rows(part))
    return theirs, parts


def _check_claim(mine: Claim, theirs: Claim) -> None:
    """Steps 1 and 2."""
    if differs := mine.differs(theirs):
        raise OpeningRefused(f"opening: it does not answer mine at {', '.join(differs)}")


def _decoded(claim: Claim, parts: list[bytes]) -> list[OpenedRow]:
    rows: list[OpenedRow] = []
    for number, (data, digest) in enumerate(zip(parts, claim.parts, strict=True)):
        if hashlib.sha256(data).hexdigest() != digest:
            raise OpeningRefused(f"opening: part {number} is not the one that was signed")
        rows += decode_rows(data, rows=claim.part_rows(number))
    return rows


def _own_keys(agent: Agent, room: Room, rows: list[OpenedRow], *, moved: bool) -> list[str | None]:
    """Steps 3 and 4: the key of mine that each row is about; None for one that I have taken out or altered since."""
    if len({row.token for row in rows}) != len(rows):
        raise OpeningRefused("opening: a row repeats")
    committed = state(agent, room)
    places = {token.tobytes(): place for place, token in enumerate(as_keys(state_tokens(agent, room)))}
    retired = {token.tobytes() for token in as_keys(retired_tokens(agent, room))}
    columns = [committed[name].to_numpy() for name in ("handle", "segment", "kind", "key")]
    keys: list[str | None] = []
    for number, row in enumerate(rows):
        place = places.get(row.token)
        if place is None and row.token not in retired:
            raise OpeningRefused(f"opening: row {number} is not of a token of mine")
        handle, segment, kind, key = (None,) * 4 if place is None else (column[place] for column in columns)
        differs = place is not None and (row.handle, row.segment, row.kind) != (handle, segment, kind)
        if differs and not moved:
            raise OpeningRefused(f"opening: row {number} names another entry, segment or kind than my own row")
        keys.append(None if key is None or differs else str(key))
    return keys


def _check_proofs(theirs: Opening, rows: list[OpenedRow]) -> None:
    """Step 5."""
    key, start = bytes.fromhex(theirs.claim.prover_key), 0
    for number, proven in enumerate(theirs.proofs):
        part = rows[start : start + theirs.claim.part_rows(number)]
        start += len(part)
        try:
            statement = theirs.claim.statement(number)
            holds = proof.verify(key, *points_of(part), bytes.fromhex(proven), statement=statement)
        except Refusal as refusal:
            raise OpeningRefused(f"opening: part {number}, {refusal}") from None
        if not holds:
            raise OpeningRefused(f"opening: the proof of part {number} does not hold")


def _paired(mine: list[OpenedRow], theirs: list[OpenedRow]) -> list[Pair]:
    """Step 6: each row of theirs, with the row of mine that has the same point."""
    computed = {(row.point, row.kind): row for row in mine}
    pairs: list[Pair] = []
    used: set[bytes] = set()
    for number, row in enumerate(theirs):
        partner = computed.get((row.point, row.kind))
        if partner is None or row.point in used:
            raise OpeningRefused(f"opening: row {number} has a point that I did not compute, or one twice")
        used.add(row.point)
        pairs.append((row, partner))
    return pairs


def _has_moved(agent: Agent, room: Room, claim: Claim) -> bool:
    """Whether either list, as this agent has it, is not the one that the round stands on any more."""
    known = head(agent, room)
    numbers = [item.number for item in room.snapshots[room.other.partner] if item.digest() == claim.of]
    newer = not numbers or agent.vault.get(batch_prefix(room, numbers[0] + 1) + "sorted") is not None
    return known is None or known.digest != claim.own or newer


def _present(agent: Agent, room: Room, pairs: list[Pair], keys: list[str | None]) -> list[tuple[Pair, str]]:
    """The pairs of rows that are both still committed as they were opened, each with my key."""
    opened = np.frombuffer(b"".join(mine.leaf for _, mine in pairs), np.uint8).reshape(len(pairs), -1)
    others = their_state(agent, room)
    there = is_in(opened, np.frombuffer(others.leaves(), np.uint8).reshape(-1, others.leaf_width))
    both = zip(pairs, keys, there.tolist(), strict=True)
    return [(pair, key) for pair, key, is_there in both if key is not None and is_there]


def _matching(agent: Agent, room: Room, present: list[tuple[Pair, str]], *, moved: bool) -> list[StoredMatch]:
    """Step 7: the rows of pairs that are a match that counts."""
    rows = [(theirs.handle, mine.handle, theirs.kind) for (theirs, mine), _ in present]
    mine, theirs = _kinds_held(agent, room, {row[0] for row in rows}, {row[1] for row in rows})
    agree = kinds_of((row[:2] for row in rows), (row[2] for row in rows))
    counts: dict[tuple[bytes, bytes], bool] = {}
    for pair, kinds in agree.items():
        differ = mine.get(pair[0], 0) & theirs.get(pair[1], 0) & ~kinds
        counts[pair] = tier_of(room.judge, kinds_in(kinds), kinds_in(differ)) is not None
    if not moved and not all(counts.values()):
        raise OpeningRefused("opening: it pairs entries that are no match under the terms")
    return [
        _stored(*pair, key, my_kinds=mine.get(row[0], 0), their_kinds=theirs.get(row[1], 0))
        for (pair, key), row in zip(present, rows, strict=True)
        if counts[row[:2]]
    ]


def _past(pairs: list[Pair], stored: list[StoredMatch]) -> list[PastMatch]:
    """The pairs of entries of which nothing is left."""
    stands = {(row.mine, row.theirs) for row in stored}
    proven = {(theirs.handle.hex(), mine.handle.hex()): (theirs.segment, mine.segment) for theirs, mine in pairs}
    return [
        PastMatch(mine=pair[0], theirs=pair[1], my_segment=segments[0], their_segment=segments[1])
        for pair, segments in proven.items()
        if pair not in stands
    ]


def _kinds_held(
    agent: Agent, room: Room, mine: set[bytes], theirs: set[bytes]
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """The kinds of which these entries of mine, and these of theirs, have keys: bit masks by handle."""
    others = their_state(agent, room)
    handles = np.empty(len(mine), object)  # as objects: an array of bytes would lose zeros at their ends
    handles[:] = sorted(mine)
    ours = held(agent, room, handles)
    wanted = np.frombuffer(b"".join(theirs), np.uint8).reshape(-1, NAME_BYTES)
    here = others.take(is_in(others.name, wanted))
    return (
        kinds_of(ours["handle"].tolist(), ours["kind"].tolist()),
        kinds_of((name.tobytes() for name in here.name), here.kind.tolist()),
    )


def _stored(theirs: OpenedRow, mine: OpenedRow, key: str, *, my_kinds: int, their_kinds: int) -> StoredMatch:
    return StoredMatch(
        mine=theirs.handle.hex(),
        theirs=mine.handle.hex(),
        my_segment=theirs.segment,
        their_segment=mine.segment,
        my_kinds=my_kinds,
        their_kinds=their_kinds,
        kind=theirs.kind,
        key=key,
    )


def _check_cells(agent: Agent, room: Room, pairs: list[Pair]) -> None:
    """Step 8: the leaf of their row is mine, the leaf of my row is theirs."""
    agreed = room.sides(agent.me).agreed_cells(agent.clock())
    if any((theirs.segment, mine.segment) not in agreed for theirs, mine in pairs):
        raise OpeningRefused("opening: a row lies outside the agreed cells")
