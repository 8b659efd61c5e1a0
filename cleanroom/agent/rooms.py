"""A room as this agent believes it: every document of the escrow's view checked against keys that people compared.

In order to believe a view, this holds:
1. every version of the terms is signed by whom it must be, names this escrow, this partner's own keys, and for the
   other side exactly the keys that were confirmed; each version names the digest of the one before;
2. the terms in force are those of the highest version that all members signed - this agent among them;
3. the epoch is the one that the terms, their changes, the policies and this agent's own clock give;
4. keys, snapshots and evaluations of the epoch are signed by the member they name, and bound to room, epoch, and terms
   since the last change that began an epoch;
5. the snapshots of one owner are a chain: numbers 1, 2, 3 ..., each naming the digest of the one before;
6. the answer is signed by the escrow;
7. rosters and policies of both members are chains (`messages.policy_chain`), and this partner's own policies are those
   that its vault has put in force;
8. the other side's policies never go back behind, or differ from, what this vault has seen;
9. releases and notices are chains, signed by the member they name (`exchanged`);
10. wishes and allowances are signed by whom they must be, and no answer shows more than they let (`room_counting`).

Not done here: whether a key may be used (`epochs`), what is inside batches (`evaluate`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cleanroom.agent.exchanged import SealedNotice, read_notices, read_releases
from cleanroom.agent.partners import require_confirmed
from cleanroom.agent.room_counting import RoomCounting, read_counting
from cleanroom.agent.room_policies import Memory, read_consent
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused, NotPossibleNow
from cleanroom.domain.vocabulary import Digest, PartnerId, RoomId, RoomState
from cleanroom.messages.api import GaugeView, ProbesView, RoomView, RoundView
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.lists import Answer, Evaluation, Snapshot
from cleanroom.messages.policy_chain import InForce, Proposed, sides_of
from cleanroom.messages.releases import Release
from cleanroom.messages.rooms import EpochKey, Member, Terms
from cleanroom.messages.signing import ESCROW, SignedDocument, open_document
from cleanroom.messages.terms_chain import amended_epochs, of_this_epoch, open_terms
from cleanroom.messages.users import Roster
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Policy
from matching.cases import Judge
from matching.packing import packed


class UnknownRoom(InputRefused):
    """I am in no room of that title or id, or in several."""

    code = "unknown_room"


class RoomNotActive(NotPossibleNow):
    """The room is not (or no longer) in force."""

    code = "room_not_active"


class ClocksDiffer(NotPossibleNow):
    """This machine's clock and the escrow's do not give the same epoch."""

    code = "clocks_differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A checked view of a room. `terms` are those in force, or the first proposed ones while none are.

    `pending` are proposed terms, which `pending_signers` have signed. `fresh`: how many epochs policies and changes of
    the terms have begun.

    `gauges` are the escrow's: what is left of the budgets of answers, in the order of the terms' members.

    `documents` are all that it was read from; each has to be in the room's log (`cleanroom.agent.witness`).
    """

    id: RoomId
    state: RoomState
    me: PartnerId
    terms: Terms
    pending: Terms | None
    pending_signers: frozenset[PartnerId]
    in_force: bool
    epoch: int
    fresh: int
    keys: Mapping[PartnerId, EpochKey]
    snapshots: Mapping[PartnerId, tuple[Snapshot, ...]]
    evaluations: Mapping[PartnerId, tuple[Evaluation, ...]]
    complete: frozenset[tuple[PartnerId, int]]
    chunks: Mapping[tuple[PartnerId, int], frozenset[int]]
    rosters: Mapping[PartnerId, tuple[Roster, ...]]
    policies: Mapping[PartnerId, tuple[InForce, ...]]
    proposals: Mapping[PartnerId, Proposed]
    round: RoundView | None
    openings_lapsed: bool
    probes: tuple[ProbesView, ...]
    releases: Mapping[PartnerId, tuple[Release, ...]]
    notices: Mapping[PartnerId, tuple[SealedNotice, ...]]
    counting: RoomCounting
    gauges: tuple[GaugeView, ...]
    answer: Answer | None
    next_answer: str | None
    documents: tuple[SignedDocument, ...]

    @property
    def other(self) -> Member:
        """The other member."""
        return self.terms.other(self.me)

    def head(self, partner: PartnerId) -> Snapshot | None:
        """A partner's newest committed snapshot of this epoch."""
        chain = self.snapshots[partner]
        return chain[-1] if chain else None

    def policy(self, partner: PartnerId) -> Policy | None:
        """A member's policy in force."""
        chain = self.policies.get(partner)
        return chain[-1].policy if chain else None

    def policy_digest(self, partner: PartnerId) -> Digest | Literal[""]:
        """The digest of a member's policy in force; empty while there is none."""
        chain = self.policies.get(partner)
        return chain[-1].digest if chain else ""

    def sides(self, owner: PartnerId) -> Sides:
        """What `owner` shows to the other member, under both policies in force."""
        recipient = self.terms.other(owner).partner
        return sides_of(self.terms, owner, mine=self.policy(owner), theirs=self.policy(recipient))

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The kinds of match key that count, in the terms' order."""
        return self.terms.kind_names

    @property
    def judge(self) -> Judge:
        """The rule of matches under the terms."""
        return Judge(kinds=self.kind_names, least=self.terms.least)

    def require_active(self) -> None:
        """Refuse work in a room that is not in force.

        Raises:
            RoomNotActive: naming the state.
        """
        if self.state is not RoomState.ACTIVE or not self.in_force:
            raise RoomNotActive(f"room {self.terms.title}: {self.state}, nothing can be done in it")


def find_id(agent: Agent, which: str) -> RoomId:
    """The room of that title (case does not matter), id, or beginning of an id of at least 6 characters.

    Raises:
        UnknownRoom: if there is none, or more than one.
    """
    wanted, shortest = which.strip().casefold(), 6
    found = [
        room.room
        for room in agent.escrow.rooms()
        if room.title.casefold() == wanted or (len(wanted) >= shortest and room.room.startswith(wanted))
    ]
    if len(found) != 1:
        raise UnknownRoom("no room, or more than one, has that title or id; see `cleanroom room list`")
    return found[0]


def open_room(agent: Agent, room: RoomId) -> Room:
    """Fetch and check a room (steps 1 to 10 above).

    Raises:
        DocumentRefused: if a document is not what it must be.
        NotConfirmed, KeysChanged: if the other member's keys were not compared, or are not those compared.
        ClocksDiffer: if the epoch is not the one that this machine's clock gives.
        NoticeRefused: if a notice's words are not those that were signed.
        OwnPolicyDiffers, PolicyRolledBack: if the vault remembers other policies than the escrow shows.
        CountingWeakened: if counts are shown by a weaker mode than the one in force.
    """
    memory = Memory.of(agent, room)
    view = agent.escrow.room(room)
    if view.room != room:
        raise DocumentRefused("RoomView: another room than was asked for")
    versions, signed_by_all = _terms(agent, view)
    in_force = [terms for terms, complete in zip(versions, signed_by_all, strict=True) if complete]
    terms = in_force[-1] if in_force else versions[0]
    pending = versions[-1] if in_force and not signed_by_all[-1] else None
    consent = read_consent(agent, view, in_force, memory)
    counting = read_counting(agent, view, versions, len(in_force), consent.rosters)
    fresh = consent.fresh + amended_epochs(in_force)
    epoch = terms.epoch_at(agent.clock(), fresh=fresh)
    if view.state is RoomState.ACTIVE and view.epoch != epoch:
        raise ClocksDiffer(f"room {room}: the escrow says epoch {view.epoch}, this machine's clock says {epoch}")
    versions_now = frozenset(item.digest() for item in of_this_epoch(in_force))
    bound = _Bound(room=room, epoch=epoch, terms=terms, versions=versions_now)
    return Room(
        id=room,
        state=view.state,
        me=agent.me,
        terms=terms,
        pending=pending,
        pending_signers=frozenset(PartnerId(item.signer) for item in view.terms[-1].signatures),
        in_force=bool(in_force),
        epoch=epoch,
        fresh=fresh,
        keys={key.partner: key for key in map(bound.key, view.keys)},
        snapshots=bound.chains(view.snapshots),
        evaluations=bound.evaluations(view.evaluations),
        complete=frozenset((item.evaluator, item.number) for item in view.progress if item.complete),
        chunks={(item.evaluator, item.number): frozenset(item.chunks) for item in view.progress},
        rosters=consent.rosters,
        policies=consent.policies,
        proposals=consent.proposals,
        round=view.round,
        openings_lapsed=view.openings_lapsed,
        probes=view.probes,
        releases=read_releases(view.releases, terms=terms, epoch=epoch, versions=bound.versions, me=agent.me),
        notices=read_notices(view.notices, terms=terms),
        counting=counting,
        gauges=view.gauges,
        answer=read_answer(agent, view.answer, terms, counting) if view.answer else None,
        next_answer=view.next_answer,
        documents=documents_of(view),
    )


def documents_of(view: RoomView) -> tuple[SignedDocument, ...]:
    """Every signed document of a view, receipts included."""
    of_policies = (each for item in view.policies for each in (item.policy, item.receipt, item.proposed))
    of_proposals = (each for item in view.proposals for each in (item.policy, item.receipt))
    answers = (view.answer,)
    plain = (*view.terms, *view.withdrawals, *view.keys, *view.snapshots, *view.evaluations, *view.rosters)
    sent = (*view.releases, *(item.notice for item in view.notices))
    of_counting = (*view.wishes, *view.allowances, *view.corrections)
    return tuple(
        item for item in (*plain, *sent, *of_counting, *of_policies, *of_proposals, *answers) if item is not None
    )


def read_answer(agent: Agent, signed: SignedDocument, terms: Terms, counting: RoomCounting) -> Answer:
    """An answer of this room, signed by the escrow (step 6), that shows no more than was agreed (step 10).

    Raises:
        DocumentRefused: if it is not.
        CountingWeakened: if it shows more.
    """
    answer = open_document(Answer, signed, {ESCROW: bytes.fromhex(agent.config.escrow_key)})
    size = len(answer.segments)
    square = len(answer.cells) == size and all(len(row) == size for row in answer.cells)
    members = tuple(member.partner for member in terms.members)
    mine = answer.recipient == agent.me
    if not mine or answer.room != terms.room or tuple(item.partner for item in answer.lists) != members or not square:
        raise DocumentRefused("Answer: not about this room")
    counting.require(answer)
    return answer


def room_context(room: RoomId) -> bytes:
    """The room's id as the 16 bytes that go into hashes."""
    return bytes.fromhex(room)


def sealing_info(snapshot_of: PartnerId, room: RoomId, epoch: int, number: int, index: int) -> bytes:
    """What a sealed chunk of a snapshot is bound to (HPKE `info`)."""
    place = (epoch.to_bytes(8, "big"), number.to_bytes(4, "big"), index.to_bytes(4, "big"))
    return packed(b"cleanroom/1 sealed rows", room_context(room), bytes.fromhex(snapshot_of), *place)


def _terms(agent: Agent, view: RoomView) -> tuple[list[Terms], list[bool]]:
    """Step 1: all versions, and for each whether all members signed it."""
    versions: list[Terms] = []
    complete: list[bool] = []
    for signed in view.terms:
        terms = open_terms(signed, before=versions[-1] if versions else None)
        if terms.room != view.room:
            raise DocumentRefused(f"Terms: version {terms.version} is of another room")
        _check_members(agent, terms)
        versions.append(terms)
        complete.append(len(signed.signatures) == len(terms.members))
    if not versions or not all(complete[:-1]):
        raise DocumentRefused("Terms: a version that not everybody signed was followed by another")
    return versions, complete


def _check_members(agent: Agent, terms: Terms) -> None:
    mine, own = terms.member(agent.me), agent.identity.public()
    if (mine.identity_key, mine.sealing_key) != (own.identity_key.hex(), own.sealing_key.hex()):
        raise DocumentRefused("Terms: they name other keys than this agent's own")
    if terms.escrow_key != agent.config.escrow_key:
        raise DocumentRefused("Terms: they name another escrow")
    require_confirmed(agent, terms.other(agent.me))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """Opens documents of one room and epoch (steps 4 and 5)."""

    room: RoomId
    epoch: int
    terms: Terms
    versions: frozenset[Digest]

    def key(self, signed: SignedDocument) -> EpochKey:
        stated = read_document(EpochKey, signed.document)
        key = open_document(EpochKey, signed, self._signer(stated.partner))
        self._check(key)
        return key

    def chains(self, documents: tuple[SignedDocument, ...]) -> dict[PartnerId, tuple[Snapshot, ...]]:
        chains: dict[PartnerId, list[Snapshot]] = {member.partner: [] for member in self.terms.members}
        for signed in documents:
            stated = read_document(Snapshot, signed.document)
            snapshot = open_document(Snapshot, signed, self._signer(stated.owner))
            self._check(snapshot)
            chain = chains[snapshot.owner]
            before = chain[-1].digest() if chain else ""
            if (snapshot.number, snapshot.previous) != (len(chain) + 1, before):
                raise DocumentRefused("Snapshot: does not follow from the one before")
            chain.append(snapshot)
        return {partner: tuple(chain) for partner, chain in chains.items()}

    def evaluations(self, documents: tuple[SignedDocument, ...]) -> dict[PartnerId, tuple[Evaluation, ...]]:
        found: dict[PartnerId, list[Evaluation]] = {member.partner: [] for member in self.terms.members}
        for signed in documents:
            stated = read_document(Evaluation, signed.document)
            evaluation = open_document(Evaluation, signed, self._signer(stated.evaluator))
            self._check(evaluation)
            if evaluation.owner != self.terms.other(evaluation.evaluator).partner:
                raise DocumentRefused("Evaluation: of somebody who is not the other member")
            found[evaluation.evaluator].append(evaluation)
        return {partner: tuple(items) for partner, items in found.items()}

    def _signer(self, partner: PartnerId) -> dict[str, bytes]:
        return {partner: bytes.fromhex(self.terms.member(partner).identity_key)}

    def _check(self, document: EpochKey | Snapshot | Evaluation) -> None:
        if document.room != self.room or document.epoch != self.epoch or document.terms not in self.versions:
            raise DocumentRefused(f"{document.type}: bound to another room, epoch or terms")
