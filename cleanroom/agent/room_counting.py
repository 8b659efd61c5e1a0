"""P5 in a room's view: how counts are shown by this agent's own reading, not by the escrow's word.

Step 10 of `cleanroom.agent.rooms` is here. Terms say a mode; wishes of members make it stricter; terms that weaken it
take two people of every member, and end the wishes before. In which order terms and wishes came, the room's log says,
as far as it was witnessed; what came later is behind it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from cleanroom.agent.ledger import load
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import VerificationFailed
from cleanroom.domain.vocabulary import CountingMode, Digest, PartnerId, RoomId
from cleanroom.messages.api import RoomView
from cleanroom.messages.counting import Allowance, Correction, CountingWish, approver_of, in_force, is_weaker
from cleanroom.messages.documents import Bytes16, DocumentRefused, read_document
from cleanroom.messages.entries import CountingTightened, TermsSigned
from cleanroom.messages.lists import Answer
from cleanroom.messages.rooms import CappedCounting, Terms
from cleanroom.messages.signing import SignedDocument, open_document
from cleanroom.messages.users import Roster

_D = TypeVar("_D", CountingWish, Correction)


class CountingWeakened(VerificationFailed):
    """Counts are shown by a weaker mode than the one in force, or terms weaken it that not everybody has allowed."""

    code = "counting_weakened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What two people of a member have allowed. `approver` is empty where terms are not in force yet: not checked."""

    allowance: Allowance
    approver: Bytes16 | Literal[""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """A wish and when it was entered in the log; "" for one that this agent has not witnessed there yet."""

    mode: CountingMode
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A version of the terms while it is in force, and the wishes that hold under it."""

    digest: Digest
    counting: CappedCounting
    wishes: tuple[Wished, ...]

    @property
    def rule(self) -> CappedCounting:
        """The rule that counts follow, with all wishes."""
        return in_force(self.counting, [item.mode for item in self.wishes])


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomCounting:
    """Wishes, allowances and corrections of both members, oldest first; no `stages` before terms are in force."""

    wishes: Mapping[PartnerId, tuple[CountingWish, ...]]
    allowances: Mapping[PartnerId, tuple[Allowed, ...]]
    corrections: Mapping[PartnerId, tuple[Correction, ...]]
    stages: tuple[Stage, ...]

    @property
    def rule(self) -> CappedCounting | None:
        """The rule in force now."""
        return self.stages[-1].rule if self.stages else None

    def allowed(self, terms: Digest) -> frozenset[PartnerId]:
        """The members whose two people have allowed a version of the terms to weaken counting."""
        return _allowed(self.allowances, terms)

    def require(self, answer: Answer) -> None:
        """That an answer shows no more than the rule in force at its edge allows, as far as wishes are known.

        Raises:
            DocumentRefused: it is under terms that were never in force.
            CountingWeakened: it shows more.
        """
        stage = next((item for item in self.stages if item.digest == answer.terms), None)
        if stage is None:
            raise DocumentRefused("Answer: under terms that were never in force")
        # Of a wish in the edge's own second it is not known here whether the answer was given before it.
        known = [item for item in stage.wishes if item.at and item.at < answer.edge]
        rule = in_force(stage.counting, [item.mode for item in known])
        if is_weaker(answer.counting, rule):
            raise CountingWeakened(
                f"answer {answer.number}: it was counted in mode {answer.counting.mode} ({answer.counting.caps}), but "
                f"mode {rule.mode} ({rule.caps}) was in force. Do not go on with this escrow"
            )


def read_counting(
    agent: Agent,
    view: RoomView,
    versions: Sequence[Terms],
    in_force: int,
    rosters: Mapping[PartnerId, Sequence[Roster]],
) -> RoomCounting:
    """What a view says of counting, checked. The first `in_force` of the versions are or were in force.

    Raises:
        DocumentRefused, AllowanceRefused: if a document is not what it must be.
        CountingWeakened: terms in force weaken counting, and not two people of every member have allowed that.
    """
    terms = versions[-1]
    wishes = _by_member(CountingWish, view.wishes, terms)
    for items in wishes.values():
        if [item.number for item in items] != list(range(1, len(items) + 1)):
            raise DocumentRefused("CountingWish: numbers do not follow each other")
    allowances = _allowances(view, terms, rosters)
    return RoomCounting(
        wishes=wishes,
        allowances=allowances,
        corrections=_by_member(Correction, view.corrections, terms),
        stages=tuple(_stages(agent, view.room, versions[:in_force], wishes, allowances)),
    )


def _by_member(kind: type[_D], documents: Iterable[SignedDocument], terms: Terms) -> dict[PartnerId, tuple[_D, ...]]:
    found: dict[PartnerId, list[_D]] = {member.partner: [] for member in terms.members}
    for signed in documents:
        stated = read_document(kind, signed.document)
        member = terms.member(stated.partner)
        document = open_document(kind, signed, {member.partner: bytes.fromhex(member.identity_key)})
        if document.room != terms.room:
            raise DocumentRefused(f"{kind.__name__}: of another room")
        found[member.partner].append(document)
    return {partner: tuple(items) for partner, items in found.items()}


def _allowances(
    view: RoomView, terms: Terms, rosters: Mapping[PartnerId, Sequence[Roster]]
) -> dict[PartnerId, tuple[Allowed, ...]]:
    """What was allowed. Rosters are shown once terms are in force; until then nothing here rests on an allowance."""
    found: dict[PartnerId, list[Allowed]] = {member.partner: [] for member in terms.members}
    for signed in view.allowances:
        allowance = read_document(Allowance, signed.document)
        member = terms.member(allowance.partner)
        partner, key = member.partner, bytes.fromhex(member.identity_key)
        approver: Bytes16 | Literal[""] = ""
        if partner in rosters:
            approver = approver_of(signed, partner=partner, key=key, rosters=rosters[partner])
        if allowance.room != terms.room or allowance.number != len(found[partner]) + 1:
            raise DocumentRefused("Allowance: of another room, or does not follow from the one before")
        found[partner].append(Allowed(allowance=allowance, approver=approver))
    return {partner: tuple(items) for partner, items in found.items()}


def _stages(
    agent: Agent,
    room: RoomId,
    versions: Sequence[Terms],
    wishes: Mapping[PartnerId, tuple[CountingWish, ...]],
    allowances: Mapping[PartnerId, tuple[Allowed, ...]],
) -> Iterable[Stage]:
    """A stage for each version that was in force, with the wishes that hold under it."""
    logged, under, seen = _logged(agent, room)
    # What the log did not have when it was last witnessed counts now, and for no answer yet.
    unseen = [item.mode for items in wishes.values() for item in items if item.digest() not in seen]
    terms_of: dict[str, Terms] = {terms.digest(): terms for terms in versions}
    order = [digest for digest in logged if digest in terms_of]
    order += [digest for digest in terms_of if digest not in logged]
    open_wishes: list[Wished] = []
    before: CappedCounting | None = None
    for place, digest in enumerate(order):
        terms = terms_of[digest]
        if before is not None and is_weaker(terms.counting, before):
            if _allowed(allowances, terms.digest()) < {member.partner for member in terms.members}:
                raise CountingWeakened(
                    f"room {room}: version {terms.version} of its terms weakens how counts are shown, and not two "
                    "people of every member have allowed it"
                )
            open_wishes = []
        open_wishes = [*open_wishes, *under.get(digest, [])]
        if place == len(order) - 1:
            open_wishes += [Wished(mode=mode, at="") for mode in unseen]
        yield Stage(digest=terms.digest(), counting=terms.counting, wishes=tuple(open_wishes))
        before = in_force(terms.counting, [item.mode for item in open_wishes])


def _logged(agent: Agent, room: RoomId) -> tuple[list[str], dict[str, list[Wished]], frozenset[str]]:
    """By the log as it was witnessed: versions in force, in order; wishes that came under each; digests of wishes."""
    order: list[str] = []
    under: dict[str, list[Wished]] = {}
    seen: set[str] = set()
    for entry in load(agent, room).entries:
        if isinstance(entry, TermsSigned) and entry.in_force:
            order.append(entry.document)
        elif isinstance(entry, CountingTightened) and order:
            under.setdefault(order[-1], []).append(Wished(mode=entry.mode, at=entry.at))
            seen.add(entry.document)
    return order, under, frozenset(seen)


def _allowed(allowances: Mapping[PartnerId, tuple[Allowed, ...]], terms: Digest) -> frozenset[PartnerId]:
    given = {
        partner
        for partner, items in allowances.items()
        for item in items
        if item.allowance.act == "weaker_counting" and item.allowance.terms == terms
    }
    return frozenset(given)
