"""Decoys that a partner's list turned out to have, seen when its openings are verified; and what follows.

An honest list has a decoy's key by chance alone. Releases and further openings to a partner freeze at the least number
of hits that so many decoys would reach with a chance of no more than one in 100,000. It is computed exactly, in
integers. A decoy counts as shown to a partner once it was committed in a cell that both sides agreed to open. An
approver lifts the freeze; the hits of before are then set aside, with their decoys.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from cleanroom.agent.approvals import require_approver
from cleanroom.agent.committed import state
from cleanroom.agent.decoys import Decoy, decoys, keys_by_decoy
from cleanroom.agent.frames import tuples
from cleanroom.agent.opening_waits import OpeningsWait
from cleanroom.agent.own_accounts import own_accounts
from cleanroom.agent.partners import directory, find
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserSession
from cleanroom.agent.verified import StoredMatch
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import Bytes16, Count, Instant, RoomName, Wire, as_tuple, instant

FALSE_ALARM: Final = Fraction(1, 100_000)


class PartnerFrozen(OpeningsWait):
    """More decoys of mine were in the partner's list than chance explains: nothing more is opened or released to it."""

    code = "partner_frozen"


class NothingFrozen(InputRefused):
    """Nothing is frozen for this partner."""

    code = "nothing_frozen"


class Hit(Wire):
    """A decoy that the partner's list has, and where that was proven."""

    decoy: Bytes16
    room: RoomName
    epoch: Count
    at: Instant


class Lift(Wire):
    """A person has lifted a freeze. `by` is a user's id."""

    by: str
    at: Instant
    reason: str


class Shown(Wire):
    """A decoy that this partner's guesses could have hit."""

    decoy: Bytes16
    one_in: Count


class PartnerHits(Wire):
    """What of the decoys one partner was shown and has hit. `aside`: hits of before a freeze was lifted."""

    shown: Annotated[tuple[Shown, ...], BeforeValidator(as_tuple)] = ()
    hits: Annotated[tuple[Hit, ...], BeforeValidator(as_tuple)] = ()
    aside: Annotated[tuple[Hit, ...], BeforeValidator(as_tuple)] = ()
    frozen: Instant | Literal[""] = ""
    lifts: Annotated[tuple[Lift, ...], BeforeValidator(as_tuple)] = ()

    @property
    def chances(self) -> tuple[int, ...]:
        """Of each decoy that counts now: one in how many honest lists has it."""
        put_aside = {hit.decoy for hit in self.aside}
        return tuple(item.one_in for item in self.shown if item.decoy not in put_aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoyStatus:
    """One partner: decoys shown to it and hit, from how many hits on it freezes, and how likely that is by chance."""

    partner: PartnerId
    name: str
    shown: int
    hits: int
    freezes_at: int
    false_alarm: Fraction
    frozen: str
    lifts: tuple[Lift, ...]


def tail(chances: Sequence[int], hits: int) -> Fraction:
    """The chance that at least so many of these decoys are hit by chance, each once in `chances[i]` lists. Exact."""
    ways, lists = [1], 1  # ways[k] / lists: the chance of k hits among the decoys looked at so far
    for one_in in chances:
        lists *= one_in
        ways = [
            (ways[k] * (one_in - 1) if k < len(ways) else 0) + (ways[k - 1] if k else 0) for k in range(len(ways) + 1)
        ]
    return Fraction(sum(ways[hits:]), lists)


def freezes_at(chances: Sequence[int]) -> int:
    """The least number of hits that chance reaches no oftener than FALSE_ALARM; more than there are: it never is."""
    ways = next(hits for hits in range(len(chances) + 2) if tail(chances, hits) <= FALSE_ALARM)
    return max(1, ways)


def require_not_frozen(agent: Agent, room: Room) -> None:
    """Refuse to hand this partner anything more.

    Raises:
        PartnerFrozen: naming the figures and who lifts it.
    """
    known = _load(agent, room.other.partner)
    if known.frozen:
        raise PartnerFrozen(
            f"room {room.terms.title}: decoys: {len(known.hits)} of {len(known.chances)} were in {room.other.name}'s "
            f"list; chance gives {freezes_at(known.chances)} no oftener than once in 100,000 times. Nothing more is "
            f"opened or released to it. An approver of yours lifts it: cleanroom decoys lift '{room.other.name}'"
        )


def found_in(agent: Agent, room: Room, rows: Iterable[StoredMatch]) -> frozenset[str]:
    """The decoys, by id, that proven rows speak of. Not inside a transaction of the vault.

    A key that an account of this partner's has meanwhile says nothing of a guess.
    """
    every = decoys(agent)
    if not every:
        return frozenset()
    proven = {(row.kind, row.key) for row in rows}
    owner = _owners(agent, room, every)
    hit = {pair for pair in proven if pair in owner}
    return frozenset(owner[pair] for pair in hit - set(own_accounts(agent, room, hit))) if hit else frozenset()


def decoy_keys(agent: Agent, room: Room) -> frozenset[tuple[int, str]]:
    """The keys of all decoys by which the room's terms count."""
    every = decoys(agent)
    return frozenset(_owners(agent, room, every)) if every else frozenset()


def note(agent: Agent, room: Room, hit: Iterable[str]) -> None:
    """Count what a verified opening has shown, and freeze if it is too much. Inside the caller's transaction."""
    every = decoys(agent)
    if not every:
        return
    known, now = _load(agent, room.other.partner), instant(agent.clock())
    before = {item.decoy for item in known.shown}
    could = _could_be_hit(agent, room, every)
    shown = (*known.shown, *(Shown(decoy=i.id, one_in=i.one_in) for i in every if i.id in could - before))
    counted = {item.decoy for item in (*known.hits, *known.aside)}
    fresh = tuple(Hit(decoy=one, room=room.id, epoch=room.epoch, at=now) for one in sorted(set(hit) - counted))
    after = known.model_copy(update={"shown": shown, "hits": (*known.hits, *fresh)})
    if not after.frozen and len(after.hits) >= freezes_at(after.chances):
        after = after.model_copy(update={"frozen": now})
    if after != known:
        agent.save(_address(room.other.partner), after)


def lift(agent: Agent, who: str, *, by: UserSession, reason: str) -> PartnerId:
    """End a freeze: this partner is opened to and released to again, and its hits so far are set aside.

    Raises:
        NothingFrozen, UnknownPartner: there is nothing to lift, or no such partner.
        NotAnApprover, InputRefused: see `approvals.require_approver`.
    """
    partner, user = find(agent, who).id, require_approver(agent, by, reason)
    with agent.vault.transaction():
        known = _load(agent, partner)
        if not known.frozen:
            raise NothingFrozen("decoys: nothing is frozen for this partner")
        said = Lift(by=user, at=instant(agent.clock()), reason=reason)
        after = {"frozen": "", "hits": (), "aside": (*known.aside, *known.hits), "lifts": (*known.lifts, said)}
        agent.save(_address(partner), known.model_copy(update=after))
    return partner


def decoy_status(agent: Agent) -> tuple[DecoyStatus, ...]:
    """All other partners to whom decoys were shown, by name."""
    names = {partner.id: partner.name for partner in directory(agent) if not partner.me}
    found = []
    for address in agent.vault.addresses("decoys/partner/"):
        partner = PartnerId(address.rpartition("/")[2])
        known = _load(agent, partner)
        least = freezes_at(known.chances)
        found.append(
            DecoyStatus(
                partner=partner,
                name=names.get(partner, partner),
                shown=len(known.chances),
                hits=len(known.hits),
                freezes_at=least,
                false_alarm=tail(known.chances, least),
                frozen=known.frozen,
                lifts=known.lifts,
            )
        )
    return tuple(sorted(found, key=lambda item: item.name.casefold()))


def _could_be_hit(agent: Agent, room: Room, every: Sequence[Decoy]) -> set[str]:
    """The decoys that are committed in a segment of mine of which a cell is agreed."""
    agreed = {mine for mine, _ in room.sides(agent.me).agreed_cells(agent.clock())}
    owner = _owners(agent, room, every)
    rows = state(agent, room)
    rows = rows[rows["key"].isin({key for _, key in owner})]
    found = tuples(rows, ["segment", "kind", "key"])
    return {owner[kind, key] for segment, kind, key in found if segment in agreed and (kind, key) in owner}


def _owners(agent: Agent, room: Room, every: Sequence[Decoy]) -> dict[tuple[int, str], str]:
    """Whose each key is, by the index of its kind in the terms."""
    number = {name: index for index, name in enumerate(room.kind_names)}
    keys = keys_by_decoy(agent, every)
    return {(number[kind], key): name for name, held in keys.items() for kind, key in held if kind in number}


def _load(agent: Agent, partner: PartnerId) -> PartnerHits:
    return agent.load(PartnerHits, _address(partner)) or PartnerHits()


def _address(partner: PartnerId) -> str:
    return f"decoys/partner/{partner}"
