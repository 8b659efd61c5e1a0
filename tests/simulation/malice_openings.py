"""Parties that lie about matches: an escrow that announces what it likes, and a partner that makes openings by hand.

Attacks are rehearsed on a copy of the victim's vault, and the liar takes whatever it is sent: one room serves them all.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from consent import existence, put_in_force
from lists_of_accounts import companies
from malice import LyingEscrow
from world import PASSPHRASE, World, accounts

from cleanroom.agent import opening, openings_received
from cleanroom.agent.client import EscrowClient, OpeningPlace
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.openings_received import verify_round
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.vault import Vault
from cleanroom.agent.verified import VerifiedMatch, verified
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId
from cleanroom.messages.api import RoomView, RoundView
from cleanroom.messages.documents import instant
from cleanroom.messages.openings import (
    PART_ROWS,
    Claim,
    Evidence,
    OpenedRow,
    Opening,
    OpeningRefused,
    decode_evidence,
    encode_evidence,
    encode_rows,
    points_of,
)
from cleanroom.messages.signing import SignedDocument
from escrow import evaluated_rows
from escrow.evaluated_rows import Evaluated, Located
from matching import merkle, proof
from matching.group import Scalar
from matching.rows import Bytes

CELL = ("customers", "customers")
_copies = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handmade:
    """A signed opening and its parts."""

    signed: SignedDocument
    parts: tuple[bytes, ...]


class OpeningsLiar(LyingEscrow):
    """Shows one agent another round, other evidence, another opening; keeps what it is sent from the real escrow."""

    def __init__(self, honest: EscrowClient) -> None:
        super().__init__(honest)
        self.items: Sequence[Evidence] | None = None
        self.round: dict[str, object] = {}
        self.given: Handmade | None = None
        self.sent: list[SignedDocument] = []
        self.parts: dict[int, bytes] = {}

    def room(self, room: RoomId) -> RoomView:
        view = super().room(room)
        if view.round is None:
            return view
        told = {} if self.items is None else {"rows": len(self.items), "chunks": 1}
        return view.model_copy(update={"round": view.round.model_copy(update={**told, **self.round})})

    def evidence(self, room: RoomId, number: int, chunk: int) -> bytes:
        return super().evidence(room, number, chunk) if self.items is None else encode_evidence(self.items)

    def opening(self, at: OpeningPlace) -> SignedDocument:
        return super().opening(at) if self.given is None else self.given.signed

    def opening_part(self, at: OpeningPlace, part: int) -> bytes:
        return super().opening_part(at, part) if self.given is None else self.given.parts[part]

    def put_opening_part(self, at: OpeningPlace, part: int, rows: bytes) -> None:
        del at
        self.parts[part] = rows

    def put_opening(self, at: OpeningPlace, signed: SignedDocument) -> None:
        del at
        self.sent.append(signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A copy of an agent that hears the liar."""

    agent: Agent
    liar: OpeningsLiar
    room: RoomId

    def view(self) -> Room:
        return open_room(self.agent, self.room)

    def opens(self) -> bool:
        """P7, as a sync would do it."""
        return opening.open_round(self.agent, self.view())

    def hears(self, given: Handmade) -> bool:
        """P8 on this opening."""
        self.liar.given = given
        return verify_round(self.agent, self.view())

    def matches(self) -> tuple[VerifiedMatch, ...]:
        return verified(self.agent, self.view())

    def opened_rows(self) -> list[OpenedRow]:
        """What it has opened of the round that it was shown."""
        room = self.view()
        assert room.round is not None
        made = opening.own_opening(self.agent, room, room.round.number)
        assert made is not None
        return openings_received._decoded(made[0].claim, made[1])  # noqa: SLF001 - only reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the escrow holds of one side's evaluation: the rows, where they stand, and their paths."""

    located: Located
    paths: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.located.rows)

    def leaf(self, at: int) -> bytes:
        rows = self.located.rows.take(slice(at, at + 1))
        return rows.leaves()

    def tag(self, at: int) -> bytes:
        return self.located.rows.value[at].tobytes()

    def kind(self, at: int) -> int:
        return int(self.located.rows.kind[at])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A room of Acme and Globex, and all that a lying escrow has of it."""

    world: World
    acme: Agent
    globex: Agent
    room: RoomId

    def rehearsal(self, agent: Agent) -> Rehearsal:
        """The agent on a copy of its vault, told the truth until the liar is told otherwise."""
        place = self.world.folder / f"rehearsal-{next(_copies)}"
        place.mkdir()
        agent.vault.backup(place / "backup")
        Vault.restore(place / "backup", place / "vault.db")
        vault = self.world.stack.enter_context(Vault.open(place / "vault.db", PASSPHRASE))
        liar = OpeningsLiar(agent.escrow)
        return Rehearsal(agent=replace(agent, home=place, vault=vault, escrow=liar), liar=liar, room=self.room)

    def round(self) -> RoundView:
        found = open_room(self.acme, self.room).round
        assert found is not None
        return found

    def honest_evidence(self, agent: Agent) -> list[Evidence]:
        return decode_evidence(agent.escrow.evidence(self.room, self.round().number, 0))

    def evaluation(self, by: Agent) -> Evaluation:
        """Everything that one side has evaluated and that is still in the other's list."""
        room = open_room(by, self.room)
        head = room.head(room.other.partner)
        assert head is not None
        address, number = Evaluated(room=room.id, epoch=room.epoch, evaluator=by.me), head.number

        def read(session) -> Evaluation:  # noqa: ANN001 - SQLAlchemy's
            located = evaluated_rows.located_after(session, address, number)
            trees = {
                batch.number: evaluated_rows.of_batch(session, address, batch)
                for batch in evaluated_rows.batches(session, address, up_to=number)
            }
            places = zip(located.batch.tolist(), located.index.tolist(), strict=True)
            paths = [merkle.paths(trees[n].leaves(), trees[n].leaf_width, [index])[0] for n, index in places]
            return Evaluation(located=located, paths=tuple(paths))

        return self.world.database.read(read)

    def shown(self, victim: Agent, pairs: Sequence[tuple[int, int]]) -> list[Evidence]:
        """Evidence for the victim: row i of its own evaluation beside row j of the other side's, with true paths."""
        other = self.globex if victim is self.acme else self.acme
        mine, theirs = self.evaluation(victim), self.evaluation(other)
        return [
            Evidence(
                batch=int(mine.located.batch[i]),
                index=int(mine.located.index[i]),
                their_batch=int(theirs.located.batch[j]),
                their_index=int(theirs.located.index[j]),
                leaf=theirs.leaf(j),
                path=theirs.paths[j],
            )
            for i, j in pairs
        ]

    def equal_tags(self, victim: Agent) -> list[tuple[int, int]]:
        """All pairs of rows whose tags are equal, agreed or not."""
        other = self.globex if victim is self.acme else self.acme
        mine, theirs = self.evaluation(victim), self.evaluation(other)
        places = {(theirs.kind(j), theirs.tag(j)): j for j in range(len(theirs))}
        found = ((i, places.get((mine.kind(i), mine.tag(i)))) for i in range(len(mine)))
        return [(i, j) for i, j in found if j is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """A partner that knows its own scalar, has read the victim's opening, and signs what it likes."""

    agent: Agent
    room: Room
    claim: Claim
    rows: tuple[OpenedRow, ...] = field(repr=False)

    @classmethod
    def of(cls, agent: Agent, room_id: RoomId) -> "Prover":
        """With its honest opening of the room's round."""
        room = open_room(agent, room_id)
        assert room.round is not None
        made = opening.own_opening(agent, room, room.round.number)
        assert made is not None
        rows = openings_received._decoded(made[0].claim, made[1])  # noqa: SLF001 - only reads
        return cls(agent=agent, room=room, claim=made[0].claim, rows=tuple(rows))

    @property
    def scalar(self) -> Scalar:
        return epoch_secrets(self.agent, self.room).scalar

    def made(
        self,
        rows: Sequence[OpenedRow],
        *,
        scalar: Scalar | None = None,
        prove: Callable[[Claim, Bytes, Bytes], bytes] | None = None,
        signer: Agent | None = None,
        **claims: object,
    ) -> Handmade:
        """A signed opening of these rows; its proofs are honest attempts unless `prove` makes another."""
        parts = [rows[start : start + PART_ROWS] for start in range(0, len(rows), PART_ROWS)]
        encoded = tuple(encode_rows(part) for part in parts)
        digests = [Digest(hashlib.sha256(data).hexdigest()) for data in encoded]
        members = {**self.claim.model_dump(), "rows": len(rows), "parts": digests, **claims}
        claim = Claim.model_validate(members)
        proofs = []
        for number, part in enumerate(parts):
            if prove is not None:
                proofs.append(prove(claim, *points_of(part)).hex())
                continue
            known = (scalar or self.scalar, bytes.fromhex(claim.prover_key))
            proofs.append(proof.prove(*known, *points_of(part), statement=claim.statement(number)).hex())
        made = Opening(claim=claim, proofs=tuple(proofs), created=instant(self.agent.clock()))
        return Handmade(signed=(signer or self.agent).sign(made), parts=encoded)

    def honest(self) -> Handmade:
        return self.made(self.rows)


def swapped(rows: Sequence[OpenedRow], name: str, i: int = 0, j: int = 1) -> list[OpenedRow]:
    """Two rows that exchange one member."""
    found = list(rows)
    found[i], found[j] = (
        replace(rows[i], **{name: getattr(rows[j], name)}),
        replace(rows[j], **{name: getattr(rows[i], name)}),
    )
    return found


def mapped_stage(world: World, **terms: object) -> Stage:
    """Lists are evaluated, customers x customers is agreed, its round waits: companies 2 to 5 and nothing else.

    Beside it: companies 6 and 7, Acme's prospects and Globex's customers, and two that share a domain and not a DUNS.
    """
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, **terms)
    same = [{"account_id": f"veto{i}", "website": "same.com", "duns": f"15-048-378{i}"} for i in (2, 3)]
    vetoed = [{**row, "segment": "customers"} for row in same]
    mine = [*companies(0, 6), *companies(6, 8, segment="prospects"), vetoed[0]]
    world.put_list(acme, room, accounts(mine))
    world.put_list(globex, room, accounts([*companies(2, 10), vetoed[1]]))
    world.settle(acme, globex, room=room)
    for agent in (acme, globex):
        put_in_force(agent, room, existence(agent, CELL))
    return Stage(world=world, acme=acme, globex=globex, room=room)


def exchanged_stage(world: World) -> Stage:
    """As `mapped_stage`, and both have opened; neither has verified yet."""
    stage = mapped_stage(world)
    for agent in (stage.acme, stage.globex):
        assert opening.open_round(agent, open_room(agent, stage.room))
    assert stage.round().state == "exchanged"
    return stage


def refusal(act: Callable[[], object]) -> str:
    """What an opening or its evidence was refused with; empty if it was not."""
    try:
        act()
    except OpeningRefused as error:
        return str(error)
    return ""


def members(*agents: Agent) -> set[PartnerId]:
    return {agent.me for agent in agents}


def as_bytes(block: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in block]
