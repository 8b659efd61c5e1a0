"""Parties that lie about matches: an escrow that announces what it likes, and agents that hear it.

Attacks are rehearsed on a copy of the victim's vault, and the liar takes whatever it is sent: one room serves them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from consent import existence, put_in_force
from lists_of_accounts import companies
from malice import LyingEscrow, put_on_record
from malice_proofs import Handmade, decoded
from world import PASSPHRASE, World, accounts

from cleanroom.agent import opening
from cleanroom.agent.client import EscrowClient, OpeningPlace
from cleanroom.agent.openings_received import verify_round
from cleanroom.agent.rooms import Room, open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.vault import Vault
from cleanroom.agent.verified import VerifiedMatch, verified
from cleanroom.domain.vocabulary import Kind, RoomId
from cleanroom.messages.api import RoomView, RoundView
from cleanroom.messages.documents import instant, read_document
from cleanroom.messages.entries import OpeningRecorded
from cleanroom.messages.openings import Evidence, OpenedRow, Opening, decode_evidence, encode_evidence
from cleanroom.messages.signing import SignedDocument
from cleanroom.policy.decision import RULES
from cleanroom.policy.model import Policy
from escrow import evaluated_rows
from escrow.evaluated_rows import Evaluated, Located
from matching import merkle

CELL = ("customers", "customers")
KINDS = (Kind.LEI, Kind.DUNS, Kind.VAT, Kind.DOMAIN)
"""One row for each company that is known by its website alone: attacks count rows."""

_copies = count(1)


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
        claim = read_document(Opening, signed.document).claim
        recorded = OpeningRecorded(
            at=instant(datetime.fromtimestamp(0, UTC)),
            cells=(),
            created=instant(datetime.fromtimestamp(0, UTC)),
            document=signed.digest(),
            epoch=claim.epoch,
            prover=at.partner,
            prover_policy=claim.prover_policy,
            round=at.round,
            rows="none",
            rules=RULES,
            verifier=claim.verifier,
            verifier_policy=claim.verifier_policy,
        )
        put_on_record(self, at.room, recorded)
        self.sent.append(signed)

    def deliver_opening(self, at: OpeningPlace) -> None:
        del at


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
        return decoded(*made)


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


def mapped_stage(world: World, *, days: int = 10, **terms: object) -> Stage:
    """Lists are evaluated, customers x customers is agreed, its round waits: companies 2 to 5 and nothing else.

    The policies hold for so many days. Beside it: companies 6 and 7, Acme's prospects and Globex's customers, and two
    that share a domain and not a DUNS.
    """
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, **{"kinds": KINDS, **terms})
    same = [{"account_id": f"veto{i}", "website": "same.com", "duns": f"15-048-378{i}"} for i in (2, 3)]
    vetoed = [{**row, "segment": "customers"} for row in same]
    mine = [*companies(0, 6), *companies(6, 8, segment="prospects"), vetoed[0]]
    world.put_list(acme, room, accounts(mine))
    world.put_list(globex, room, accounts([*companies(2, 10), vetoed[1]]))
    world.settle(acme, globex, room=room)
    for agent in (acme, globex):
        put_in_force(agent, room, expiring(existence(agent, CELL), world.clock() + timedelta(days=days)))
    return Stage(world=world, acme=acme, globex=globex, room=room)


def expiring(policy: Policy, until: datetime) -> Policy:
    """The policy, whose rules expire."""
    return replace(policy, rules=tuple(replace(rule, expires=until) for rule in policy.rules))
