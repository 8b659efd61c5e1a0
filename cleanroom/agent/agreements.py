"""P2: proposing, accepting, renewing, upgrading and ending the terms of a room."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from cleanroom.agent.allowances import NothingToChange, allowances_prefix
from cleanroom.agent.drafts import policies_prefix
from cleanroom.agent.guesses import forget_declared
from cleanroom.agent.partners import Partner, find, require_confirmed
from cleanroom.agent.recipes import is_newest, newest, require_proposed
from cleanroom.agent.rooms import Room, RoomNotActive, find_id, open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.errors import InputRefused, NotPossibleNow
from cleanroom.domain.fields import DEFAULT_CATALOGUE
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, ChangeMode, CountingMode, Kind, Purpose, RoomId, Tier
from cleanroom.messages.api import RoomSummary
from cleanroom.messages.counting import is_weaker
from cleanroom.messages.documents import instant, moment, read_document
from cleanroom.messages.rooms import (
    AnswerInterval,
    CappedCounting,
    CatalogueField,
    ListLimits,
    Member,
    NewTokens,
    Terms,
    Withdrawal,
)
from cleanroom.messages.signing import open_document
from matching import rule


class NothingToUpgrade(NotPossibleNow):
    """The terms pin the newest recipes and rule that this agent has."""

    code = "nothing_to_upgrade"


class WeakerNotAllowed(NotPossibleNow):
    """Terms would weaken how counts are shown, and not two people of this partner have allowed that."""

    code = "weaker_not_allowed"


COUNTING: Final = CappedCounting(mode=CountingMode.STANDARD, floor=10, caps="budget")
LIMITS: Final = ListLimits(distinct_percent=120, growth_entries=500, growth_percent=10, churn_percent=25)
NEW_TOKENS: Final = NewTokens(count_from="next_epoch", open_after_hours=72, open_after_snapshots=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the proposer chooses. The defaults are the recommended terms. `declared`: entries of my list and theirs."""

    title: str
    purpose: str
    use: Purpose = Purpose.CO_SELL
    kinds: tuple[Kind, ...] = tuple(Kind)
    tiers: tuple[Tier, ...] = tuple(Tier)
    segments: tuple[str, ...] = DEFAULT_SEGMENTS
    counting: CappedCounting = COUNTING
    declared: tuple[int, int] = (100_000, 100_000)
    limits: ListLimits = LIMITS
    new_tokens: NewTokens = NEW_TOKENS
    probes: int = 16
    minimum_population: int = 25
    epoch_days: int = 30
    answer_interval: AnswerInterval = 86_400
    changes: ChangeMode = ChangeMode.BATCHED
    quota: int = 2_000_000
    days: int = 365
    fields: tuple[CatalogueField, ...] = tuple(CatalogueField.of(entry) for entry in DEFAULT_CATALOGUE)


def propose(agent: Agent, who: str, proposal: Proposal) -> RoomId:
    """Sign terms for a new room with a confirmed partner and send them.

    Raises:
        NotConfirmed: if fingerprints were not compared.
        InputRefused: naming the choices that cannot be.
    """
    partner = find(agent, who)
    require_confirmed(agent, _member(partner))
    now = agent.clock()
    room = RoomId(secrets.token_hex(16))
    terms = _terms(
        room=room,
        version=1,
        previous="",
        escrow_key=agent.config.escrow_key,
        title=proposal.title,
        purpose=proposal.purpose,
        use=proposal.use,
        members=(_me(agent), _member(partner)),
        kinds=newest(proposal.kinds, agent.tables),
        rule=rule.VERSION,
        tiers=tuple(tier for tier in Tier if tier in proposal.tiers),
        segments=proposal.segments,
        counting=proposal.counting,
        declared=proposal.declared,
        limits=proposal.limits,
        new_tokens=proposal.new_tokens,
        probes=proposal.probes,
        host=_host(agent, partner),
        minimum_population=proposal.minimum_population,
        fields=proposal.fields,
        epoch_days=proposal.epoch_days,
        answer_interval=proposal.answer_interval,
        changes=proposal.changes,
        quota=proposal.quota,
        starts=instant(now),
        expires=instant(now + timedelta(days=proposal.days)),
    )
    agent.escrow.put_terms(room, terms.version, agent.sign(terms))
    return room


def accept(agent: Agent, which: str) -> Room:
    """Sign the terms that the other side proposed: a new room, or a new version of the terms.

    Raises:
        RoomNotActive: if nothing waits for this partner's signature.
        RecipesDiffer: if this agent could not make the same keys, or would match them by another rule.
        NotConfirmed: if fingerprints were not compared.
        WeakerNotAllowed: if it weakens how counts are shown, and two people of this partner have not allowed it.
    """
    room = open_room(agent, find_id(agent, which))
    terms = room.pending if room.in_force else room.terms
    if terms is None:
        raise RoomNotActive("nothing waits for a signature in this room")
    require_proposed(agent, terms)
    rule = room.counting.rule
    if rule and is_weaker(terms.counting, rule) and agent.me not in room.counting.allowed(terms.digest()):
        raise WeakerNotAllowed(
            f"room {room.terms.title}: these terms weaken how counts are shown: mode {terms.counting.mode} (floor "
            f"{terms.counting.floor}, caps {terms.counting.caps}) instead of {rule.mode} (floor {rule.floor}, caps "
            f"{rule.caps}). Two people of yours have to allow that first: cleanroom counting allow-weaker "
            f"{room.id[:8]} --user NAME, then cleanroom counting approve"
        )
    agent.escrow.put_signature(room.id, terms.version, agent.me, agent.signature(terms.type, terms.text()))
    return open_room(agent, room.id)


def renew(agent: Agent, which: str, *, days: int, my_size: int | None = None, their_size: int | None = None) -> Room:
    """Propose the same terms with a later expiry, and other declared sizes where they are given.

    They count once the other side accepts.

    Raises:
        RoomNotActive: if the room has no terms in force, or a change of them is already proposed.
        InputRefused: if these cannot be terms.
    """
    room = _amendable(agent, which)
    expires = max(agent.clock(), moment(room.terms.expires)) + timedelta(days=days)
    sizes = {agent.me: my_size, room.other.partner: their_size}
    declared = tuple(sizes[item.partner] or room.terms.declared_by(item.partner) for item in room.terms.members)
    quota = max(room.terms.quota, *declared)
    return _amend(agent, room, expires=instant(expires), declared=declared, quota=quota)


def recount(agent: Agent, which: str, counting: CappedCounting) -> Room:
    """Propose the same terms with another rule of counting. They count once the other side accepts.

    Where that is weaker than what is in force, two people of each side have to allow it before (`allowances`).

    Raises:
        RoomNotActive: if the room has no terms in force, or a change of them is already proposed.
        NothingToChange: if the terms say this.
    """
    room = _amendable(agent, which)
    if counting == room.terms.counting:
        raise NothingToChange(f"room {room.terms.title}: its terms count like this already")
    return _amend(agent, room, counting=counting)


def upgrade(agent: Agent, which: str) -> Room:
    """Propose the same terms with the newest recipes and rule that this agent has.

    Once the other side accepts, a new epoch runs: both agents make and commit their lists again.

    Raises:
        RoomNotActive: if the room has no terms in force, or a change of them is already proposed.
        NothingToUpgrade: if the terms name these.
    """
    room = _amendable(agent, which)
    if is_newest(agent, room.terms):
        raise NothingToUpgrade(
            f"room {room.terms.title}: its terms name the newest recipes and rule that this agent has"
        )
    kinds = newest((item.kind for item in room.terms.kinds), agent.tables)
    return _amend(agent, room, kinds=kinds, rule=rule.VERSION)


def decline(agent: Agent, which: str) -> None:
    """Say no to a proposal. A room that is in force stays as it is."""
    room = find_id(agent, which)
    _withdraw(agent, room, "declined")


def leave(agent: Agent, which: str) -> None:
    """End a room: the escrow deletes what it holds of it, and this agent its keys and its copy of the other's list."""
    room = find_id(agent, which)
    _withdraw(agent, room, "left")
    _forget(agent, room)


def forget_left(agent: Agent, room: RoomId) -> bool:
    """Delete what this agent keeps of a room, if a member's signature says that it has left the room.

    Says whether there was anything.

    Raises:
        DocumentRefused: if a withdrawal is not signed by the member it names.
    """
    if not any(agent.vault.addresses(prefix) for prefix in _prefixes(room)):
        return False
    terms = open_room(agent, room).terms
    for signed in agent.escrow.room(room).withdrawals:
        partner = read_document(Withdrawal, signed.document).partner
        key = bytes.fromhex(terms.member(partner).identity_key)
        withdrawal = open_document(Withdrawal, signed, {partner: key})
        if withdrawal.room == room and withdrawal.reason == "left":
            _forget(agent, room)
            return True
    return False


def rooms(agent: Agent) -> list[RoomSummary]:
    """All rooms that this partner was ever part of, oldest first, as the escrow tells (unchecked; see `open_room`)."""
    return list(agent.escrow.rooms())


def _amendable(agent: Agent, which: str) -> Room:
    room = open_room(agent, find_id(agent, which))
    if not room.in_force or room.pending:
        raise RoomNotActive("only terms in force can be changed, and one change at a time")
    return room


def _amend(agent: Agent, room: Room, **changes: object) -> Room:
    terms = _terms(
        **{name: getattr(room.terms, name) for name in Terms.model_fields if name != "type"}
        | {"version": room.terms.version + 1, "previous": room.terms.digest()}
        | changes
    )
    agent.escrow.put_terms(room.id, terms.version, agent.sign(terms))
    return open_room(agent, room.id)


def _terms(**values: object) -> Terms:
    try:
        return Terms.model_validate(values)
    except ValidationError as error:
        places = sorted({".".join(map(str, item["loc"])) or item["msg"] for item in error.errors()})
        raise InputRefused(f"these cannot be the terms of a room: {', '.join(places)}") from None


def _me(agent: Agent) -> Member:
    own = agent.identity.public()
    return Member(
        partner=agent.me,
        name=agent.config.name,
        identity_key=own.identity_key.hex(),
        sealing_key=own.sealing_key.hex(),
    )


def _host(agent: Agent, partner: Partner) -> str:
    """The member that operates the escrow, as the escrow says it; empty where neither does."""
    host = agent.escrow.info().host
    return host if host in {agent.me, partner.id} else ""


def _member(partner: Partner) -> Member:
    return Member(
        partner=partner.id,
        name=partner.name,
        identity_key=partner.identity.identity_key.hex(),
        sealing_key=partner.identity.sealing_key.hex(),
    )


def _prefixes(room: RoomId) -> tuple[str, ...]:
    """Where the vault keeps what goes when the room is left. The journal of what was disclosed stays."""
    return (
        f"room/{room}/",
        policies_prefix(room),
        allowances_prefix(room),
        f"shared/{room}/",
        f"notices/{room}/",
        f"disputes/{room}",
        f"reviews/{room}/",
    )


def _forget(agent: Agent, room: RoomId) -> None:
    with agent.vault.transaction():
        for prefix in _prefixes(room):
            agent.vault.delete_all(prefix)
        forget_declared(agent, room)


def _withdraw(agent: Agent, room: RoomId, reason: str) -> None:
    document = Withdrawal.model_validate(
        {"room": room, "partner": agent.me, "reason": reason, "created": instant(agent.clock())}
    )
    agent.escrow.put_withdrawal(room, agent.me, agent.sign(document))
