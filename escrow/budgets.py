"""What answers have cost, and whether another one may be given. The rules are `matching.disclosure.budget`.

Budgets are of partners, not of rooms: an ordered pair's is counted over all rooms that the two have or had, an owner's
over all partners. So two rooms may want the same last unit at the same time. Locks are taken in this order, here and
everywhere in this package: the room's row (`escrow.rooms.locked`), then its members' rows in the order of their ids
(`charge`, `refill`), then logs. Whoever holds a member's row is the only one who reads and writes spends and refills
of it, on SQLite as on PostgreSQL. `escrow.rosters` begins with a member and goes on to its rooms: where that meets this
in a deadlock, one of the two is done again from its start (`escrow.database`).
"""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from cleanroom.domain.vocabulary import CountingMode, PartnerId
from escrow import partners
from escrow.counting_tables import RefillRecord, SpendRecord
from escrow.rooms import WorkingRoom, asked_once
from matching.disclosure import budget
from matching.disclosure.budget import Ledger, Refill, Refused, Spend, Verdict
from matching.disclosure.modes import MODES, YEAR_SECONDS

_SPENDS: Final = select(
    SpendRecord.owner,
    SpendRecord.recipient,
    SpendRecord.at,
    SpendRecord.units,
    SpendRecord.mode,
    SpendRecord.correction,
).where(SpendRecord.owner.in_(bindparam("owners", expanding=True)))
_REFILLS: Final = select(RefillRecord.owner, RefillRecord.recipient, RefillRecord.at, RefillRecord.units).where(
    RefillRecord.owner.in_(bindparam("owners", expanding=True))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The four that an answer is charged to, in the order of the terms' members: pairs are (owner, other member)."""

    pairs: tuple[Ledger, Ledger]
    owners: tuple[Ledger, Ledger]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an answer is charged: its mode, its units, and whether it is a correction."""

    mode: CountingMode
    cost: int
    correction: bool


@asked_once
def accounts(room: WorkingRoom) -> Accounts:
    """How the members' four accounts stand, over all rooms."""
    first, second = (member.partner for member in room.terms.members)
    spends = room.session.execute(_SPENDS, {"owners": [first, second]}).all()
    refills = room.session.execute(_REFILLS, {"owners": [first, second]}).all()

    def ledger(owner: PartnerId, recipient: PartnerId | None) -> Ledger:
        def is_of(row_owner: str, row_recipient: str) -> bool:
            return row_owner == owner and recipient in (None, row_recipient)

        return Ledger(
            spends=tuple(
                Spend(at=row.at, units=row.units, mode=row.mode, correction=row.correction)
                for row in spends
                if is_of(row.owner, row.recipient)
            ),
            refills=tuple(Refill(at=row.at, units=row.units) for row in refills if is_of(row.owner, row.recipient)),
        )

    return Accounts(
        pairs=(ledger(first, second), ledger(second, first)), owners=(ledger(first, None), ledger(second, None))
    )


def verdict(room: WorkingRoom, price: Price, at: int) -> Verdict:
    """Whether an answer of this price may be given at unix second `at`, as the accounts stand."""
    held = accounts(room)
    return budget.judge(
        mode=MODES[price.mode.value],
        now=at,
        cost=price.cost,
        correction=price.correction,
        pairs=held.pairs,
        owners=held.owners,
    )


def charge(room: WorkingRoom, number: int, price: Price, at: int) -> bool:
    """Whether answer `number` of the room may be given, at unix second `at`; then it is paid for. The room is locked.

    Nobody else gives or refills answers about either member's list until this transaction ends.
    """
    _lock(room)
    if isinstance(verdict(room, price, at), Refused):
        return False
    first, second = (member.partner for member in room.terms.members)
    for owner, recipient in ((first, second), (second, first)):
        room.session.add(
            SpendRecord(
                owner=owner,
                recipient=recipient,
                room=room.id,
                number=number,
                at=at,
                units=price.cost,
                mode=price.mode.value,
                correction=price.correction,
            )
        )
    return True


def refill(room: WorkingRoom, number: int, units: int, at: int) -> None:
    """Give the other member `units` answers more about the caller's list, by the caller's allowance `number`."""
    _lock(room)
    room.session.add(
        RefillRecord(owner=room.caller, recipient=room.other.partner, room=room.id, number=number, at=at, units=units)
    )


def strictest_of_a_year(session: Session, one: PartnerId, other: PartnerId, now: int) -> CountingMode | None:
    """The strictest mode under which two partners were given an answer in the last year, in whatever room."""
    between = or_(
        (SpendRecord.owner == one) & (SpendRecord.recipient == other),
        (SpendRecord.owner == other) & (SpendRecord.recipient == one),
    )
    query = select(SpendRecord.mode).where(between, SpendRecord.at > now - YEAR_SECONDS).distinct()
    order = list(CountingMode)
    return max((CountingMode(mode) for mode in session.scalars(query)), key=order.index, default=None)


def reason(
    refused: Refused, *, of_caller: bool
) -> Literal["too_soon", "pair_spent", "owner_spent", "their_list_spent"]:
    """The rule that an ordinary answer waits for. `of_caller`: the account is of the caller's own list."""
    if refused.rule in {"too_soon", "pair_spent"}:
        return refused.rule
    return "owner_spent" if of_caller else "their_list_spent"


def correction_refused(room: WorkingRoom, refused: Refused) -> str:
    """Why no correction is given: the rule, the figure, and who can lift it. The other's total is not the caller's."""
    used = f"{refused.spent} of {refused.of}"
    if refused.rule == "no_correction":
        return (
            f"{used} corrections of 365 days were given, and none comes later than 30 days after the first answer; "
            "nobody can lift this: the next answer counts what is right by then"
        )
    if room.terms.members[refused.account].partner == room.caller:
        return f"your list gave {used} answers of 365 days to all partners; two people of yours can refill it"
    return "their list gave all answers of 365 days to all its partners; two people of theirs can refill it"


def _lock(room: WorkingRoom) -> None:
    partners.lock(room.session, *(member.partner for member in room.terms.members))
