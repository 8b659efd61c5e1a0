"""P7: this agent's opening of a round: made once there is evidence for every row, kept, sent.

1. The evidence holds (`cleanroom.agent.evidence`).
2. R = k*T is computed again for each row, and each row of the other side gets its path in the snapshot it came with.
3. The claim names everything that the opening stands on, the room's log as this agent has witnessed it, and the digest
   of each part; each part is proven, and its proof is bound to the whole claim. The nonce of a proof is fresh and
   hedged and never stored (`matching.proof`).
4. Parts and signed opening are put into the vault in one transaction, before anything is sent. A retry sends those
   bytes, while rules 1 to 4 of the evidence hold and no cell has expired.
5. The signed opening is put on record; once it is seen to be there (`cleanroom.agent.recording`), its parts are sent.

An opening of mine that nobody answers in 72 hours ends my openings in this room until new terms are signed, or other
cells are agreed: what it was about is no more, and nobody could have answered it.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from cleanroom.agent.client import OpeningPlace
from cleanroom.agent.decoy_hits import require_not_frozen
from cleanroom.agent.epochs import accepted_key, epoch_prefix, epoch_secrets, own_key
from cleanroom.agent.evaluate import batch_prefix
from cleanroom.agent.evidence import Openable, openable, require_basis
from cleanroom.agent.opening_waits import OpeningsWait, RoundNotReady
from cleanroom.agent.recording import require_recorded
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import is_verified
from cleanroom.agent.witness import witnessed
from cleanroom.domain.vocabulary import Digest, RoomId, RoundState
from cleanroom.messages.api import RoundView
from cleanroom.messages.documents import DigestText, Instant, Number, Wire, instant, moment, read_document
from cleanroom.messages.openings import PART_ROWS, Claim, OpenedRow, Opening, OpeningRefused, encode_rows, points_of
from cleanroom.messages.signing import SignedDocument
from matching import merkle, proof
from matching.group import multiply
from matching.rows import TOKEN_BYTES, Rows, as_keys, from_leaves

ANSWER_WITHIN: Final = timedelta(hours=72)


class OpeningUnanswered(OpeningsWait):
    """An opening of mine was not answered in time."""

    code = "opening_unanswered"


class Delivered(Wire):
    """An opening of mine that the other side has not answered yet: when it was made, and what it stands on."""

    round: Number
    made: Instant
    terms: DigestText
    cells: str


def open_round(agent: Agent, room: Room) -> bool:
    """Open the room's round, if it waits for me. Says whether anything was sent.

    Raises:
        RoundNotReady: something of it is not what this agent stands on now.
        OpeningRefused: the evidence does not hold. Nothing is sent.
        OpeningUnanswered: an earlier one of mine was not answered.
        PartnerFrozen, RowsNotMature: the partner has hit too many decoys, or rows of its list are too new.
        NotOnRecord, LogInconsistent: the room's log does not have it, or does not hold.
    """
    round_ = room.round
    if round_ is None or round_.state != RoundState.OPEN or agent.me in round_.opened or room.openings_lapsed:
        return False
    _require_answered(agent, room)
    require_not_frozen(agent, room)
    signed = agent.load(SignedDocument, _prefix(room, round_.number) + "opening")
    if signed is None or not _is_of(signed, room, round_, agent.clock()):
        signed = _made(agent, room, round_)
    else:
        # It was made before: since then a list may have moved, or an account been suppressed.
        require_basis(agent, room, round_)
    _send(agent, room, round_, signed)
    return True


def own_opening(agent: Agent, room: Room, number: int) -> tuple[Opening, list[bytes]] | None:
    """My opening of a round and its parts, as they were sent; None if I made none."""
    signed = agent.load(SignedDocument, _prefix(room, number) + "opening")
    if signed is None:
        return None
    opening = read_document(Opening, signed.document)
    return opening, [_part(agent, room, number, part) for part in range(len(opening.claim.parts))]


def answered(agent: Agent, room: Room) -> None:
    """The other side has answered my opening: nothing is waited for."""
    agent.vault.delete(_waiting(room.id))


def _made(agent: Agent, room: Room, round_: RoundView) -> SignedDocument:
    found = openable(agent, room, round_)
    secret, key = epoch_secrets(agent, room).scalar, own_key(agent, room)
    with agent.progress.stage("open", len(found.rows)) as advance:
        points = multiply(np.ascontiguousarray(found.rows.value), secret)
        rows = _opened_rows(agent, room, found, points)
        parts = [rows[start : start + PART_ROWS] for start in range(0, len(rows), PART_ROWS)]
        encoded = [encode_rows(part) for part in parts]
        claim = _claim(agent, room, round_, found, [Digest(hashlib.sha256(data).hexdigest()) for data in encoded])
        proofs = []
        for number, part in enumerate(parts):
            statement = claim.statement(number)
            proofs.append(proof.prove(secret, bytes.fromhex(key), *points_of(part), statement=statement).hex())
            advance(len(part))
    opening = Opening(claim=claim, proofs=tuple(proofs), created=instant(agent.clock()))
    signed = agent.sign(opening)
    prefix = _prefix(room, round_.number)
    with agent.vault.transaction():
        agent.vault.delete_all(prefix)
        for number, data in enumerate(encoded):
            agent.vault.put(f"{prefix}parts/{number}", data)
        agent.save(prefix + "opening", signed)
        if agent.vault.get(_waiting(room.id)) is None:
            waiting = Delivered(
                round=round_.number, made=opening.created, terms=room.terms.digest(), cells=_cells(agent, room)
            )
            agent.save(_waiting(room.id), waiting)
    return signed


def _cells(agent: Agent, room: Room) -> str:
    """The cells that are agreed now, as text."""
    return str(sorted(room.sides(agent.me).agreed_cells(agent.clock())))


def _claim(agent: Agent, room: Room, round_: RoundView, found: Openable, parts: list[Digest]) -> Claim:
    other = room.other.partner
    their_key, log = accepted_key(agent, room), witnessed(agent, room)
    my_policy, their_policy = room.policy_digest(agent.me), room.policy_digest(other)
    if their_key is None or not my_policy or not their_policy:
        raise RoundNotReady("round: the other side has no key in this epoch, or a policy is missing")
    return Claim(
        room=room.id,
        terms=room.terms.digest(),
        epoch=room.epoch,
        round=round_.number,
        prover=agent.me,
        verifier=other,
        prover_key=own_key(agent, room),
        verifier_key=their_key,
        of=found.mine.of,
        own=found.mine.against,
        evaluation=found.mine.digest(),
        answering=found.theirs.digest(),
        prover_policy=my_policy,
        verifier_policy=their_policy,
        log_size=log.size,
        log_root=log.root.hex(),
        rows=len(found.rows),
        parts=tuple(parts),
    )


def _opened_rows(agent: Agent, room: Room, found: Openable, points: np.ndarray) -> list[OpenedRow]:
    """The rows with their places and paths in the other side's snapshots."""
    leaves, width = found.rows.leaves(), found.rows.leaf_width
    places: list[tuple[int, bytes]] = [(0, b"")] * len(found.rows)
    for number in sorted(set(found.batch.tolist())):
        here = np.flatnonzero(found.batch == number)
        for row, place in zip(here.tolist(), _places(agent, room, number, found.rows.take(here)), strict=True):
            places[row] = place
    return [
        OpenedRow(
            pseudonym=found.pseudonyms[i].tobytes(),
            point=points[i].tobytes(),
            batch=int(found.batch[i]),
            index=index,
            leaf=leaves[i * width : (i + 1) * width],
            path=path,
        )
        for i, (index, path) in enumerate(places)
    ]


def _places(agent: Agent, room: Room, number: int, rows: Rows) -> list[tuple[int, bytes]]:
    """Where rows stand in a snapshot of the other side's, with their paths."""
    data = agent.vault.get(batch_prefix(room, number) + "rows")
    if data is None:
        raise OpeningRefused("opening: a snapshot of the other side's is missing from the vault")
    batch = from_leaves(data, TOKEN_BYTES)
    tokens = as_keys(batch.value)
    order = tokens.argsort()
    indices = order[np.searchsorted(tokens[order], as_keys(rows.value))]
    if (batch.value[indices] != rows.value).any():
        raise OpeningRefused("opening: a row is not in the other side's snapshot")
    return list(zip(indices.tolist(), merkle.paths(data, batch.leaf_width, indices.tolist()), strict=True))


def _is_of(signed: SignedDocument, room: Room, round_: RoundView, now: datetime) -> bool:
    """Whether what I made for this round still stands on what the round stands on, and no cell of it has expired."""
    opening = read_document(Opening, signed.document)
    claim, sides = opening.claim, room.sides(room.me)
    mine, theirs = room.policy_digest(claim.prover), room.policy_digest(claim.verifier)
    return (
        sorted((claim.own, claim.of)) == sorted(round_.snapshots)
        and (claim.prover_policy, claim.verifier_policy) == (mine, theirs)
        and claim.terms == room.terms.digest()
        and sides.agreed_cells(moment(opening.created)) <= sides.agreed_cells(now)
    )


def _send(agent: Agent, room: Room, round_: RoundView, signed: SignedDocument) -> None:
    place = OpeningPlace(room.id, round_.number, agent.me)
    claim = read_document(Opening, signed.document).claim
    agent.escrow.put_opening(place, signed)
    require_recorded(agent, room, signed)
    with agent.progress.stage("send opening", claim.rows) as advance:
        for part in range(len(claim.parts)):
            agent.escrow.put_opening_part(place, part, _part(agent, room, round_.number, part))
            advance(claim.part_rows(part))
        agent.escrow.deliver_opening(place)


def _require_answered(agent: Agent, room: Room) -> None:
    waiting = agent.load(Delivered, _waiting(room.id))
    if waiting is None or is_verified(agent, room, waiting.round):
        return
    if (waiting.terms, waiting.cells) != (room.terms.digest(), _cells(agent, room)):
        answered(agent, room)  # what it stood on is no more: nobody could answer it
    elif agent.clock() >= moment(waiting.made) + ANSWER_WITHIN:
        raise OpeningUnanswered(
            f"room {room.terms.title}: your opening of {waiting.made} was not answered in 72 hours. Nothing more is "
            "opened in this room until new terms are signed: cleanroom room renew"
        )


def _part(agent: Agent, room: Room, number: int, part: int) -> bytes:
    data = agent.vault.get(_prefix(room, number) + f"parts/{part}")
    if data is None:
        raise OpeningRefused("opening: a part of my own is missing from the vault")
    return data


def _prefix(room: Room, number: int) -> str:
    return epoch_prefix(room.id, room.epoch) + f"opening/{number}/"


def _waiting(room: RoomId) -> str:
    """Outlives the epoch: a new one does not undo that an opening was left unanswered."""
    return f"policies/{room}/unanswered"
