"""Budgets over several rooms: of each ordered pair of partners over all of them, and of each owner over all partners.

One room's log shows what its own answers took. Whoever has the bundles of several rooms at one escrow can recount what
the escrow has counted: every answer again, in the order in which they were given, against all that were given before.
A budget that holds over the bundles given is not thereby held over rooms whose bundles are missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from cleanroom.audit.counting import charged, granted, refusal, seconds
from cleanroom.audit.result import Audit, Charge, Finding, Refilled
from cleanroom.domain.vocabulary import CountingMode
from matching.disclosure.budget import Ledger, allowed, spent
from matching.disclosure.modes import MODES, YEAR_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a list has given, to one partner or (`recipient` "") to all: `units` in the year up to the newest entry.

    They are out of `of`; `answers` counts the answers by mode, `corrections` those that were asked for, and `refilled`
    what was given on top, all over the whole time of the bundles. `budgeted`: the newest answer was paid for.
    """

    owner: str
    recipient: str
    units: int
    of: int
    answers: dict[str, int]
    corrections: int
    refilled: int
    budgeted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    audit: Audit
    charge: Charge

    @property
    def order(self) -> tuple[str, str, int]:
        return self.charge.at, self.audit.room, self.charge.number


def table(audits: Sequence[Audit]) -> tuple[Spent, ...]:
    """A line for each direction, and for each owner over all partners where there are several."""
    lines = [line for pair in sorted(_pairs(audits)) if (line := _line(audits, *pair)) is not None]
    owners = sorted({line.owner for line in lines})
    several = [owner for owner in owners if sum(line.owner == owner for line in lines) > 1]
    totals = [line for owner in several if (line := _line(audits, owner, "")) is not None]
    return (*lines, *totals)


def recounted(audits: Sequence[Audit]) -> tuple[Finding, ...]:
    """What is broken over all bundles together, each of another room of one escrow."""
    if len({audit.room for audit in audits}) < len(audits):
        return (_broken("the bundles", "two of them are of the same room"),)
    if len({audit.escrow for audit in audits}) > 1:
        return (_broken("the bundles", "they are of several escrows, and budgets are of one"),)
    given = sorted((_Given(audit=audit, charge=item) for audit in audits for item in audit.charges), key=_order)
    found = [finding for place, item in enumerate(given) for finding in _answer(audits, given[:place], item)]
    return (*found, *(finding for audit in audits for finding in _begun(given, audit)))


def _order(item: _Given) -> tuple[str, str, int]:
    return item.order


def _answer(audits: Sequence[Audit], before: Sequence[_Given], item: _Given) -> Iterator[Finding]:
    """Whether the budgets gave an answer, by all answers that were given before it."""
    charge, members = item.charge, _members(item.audit)
    if charge.caps != "budget" or not charge.cost:
        return
    pairs = [_ledger(audits, before, owner, recipient, charge.at) for owner, recipient in (members, members[::-1])]
    owners = [_ledger(audits, before, owner, "", charge.at) for owner in members]
    why = refusal(charge.mode, charge.edge, charge.cost, correction=charge.correction, ledgers=[*pairs, *owners])
    if why:
        yield _broken(f"{item.audit.title}, answer {charge.number}", f"over all bundles, {why}")


def _begun(given: Sequence[_Given], audit: Audit) -> Iterator[Finding]:
    """A room that shows more than what its members were last shown in another one takes two people of each, too."""
    began = audit.began
    if began is None:
        return
    both = set(_members(audit))
    recent = [
        item.charge.mode
        for item in given
        if set(_members(item.audit)) == both and item.audit.room != audit.room and item.charge.caps == "budget"
        if item.charge.at <= began.at and seconds(item.charge.edge) > seconds(began.at) - YEAR_SECONDS
    ]
    strictest = max(recent, key=list(CountingMode).index, default=None)
    if strictest is not None and began.mode.is_weaker_than(strictest) and not began.allowed_by >= both:
        yield _broken(
            f"{audit.title}, first terms",
            f"mode {began.mode} is weaker than {strictest} of the year before, and not two people of every member have "
            "allowed it",
        )


def _ledger(audits: Sequence[Audit], given: Sequence[_Given], owner: str, recipient: str, until: str) -> Ledger:
    """An owner's answers before a moment to one partner, or to all (""), and what was refilled by then."""
    wanted = [audit for audit in audits if _is_of(audit, owner, recipient)]
    rooms = {audit.room for audit in wanted}
    refills = [item for audit in wanted for item in _refills(audit, owner) if item.at <= until]
    return Ledger(
        spends=charged([item.charge for item in given if item.audit.room in rooms]), refills=granted(refills, owner)
    )


def _line(audits: Sequence[Audit], owner: str, recipient: str) -> Spent | None:
    wanted = [audit for audit in audits if _is_of(audit, owner, recipient)]
    charges = [item for audit in wanted for item in audit.charges]
    if not charges:
        return None
    now = max(seconds(item.at) for item in charges)
    newest = max(charges, key=lambda item: (item.at, item.number))
    mode = MODES[newest.mode]
    given = [_Given(audit=audit, charge=item) for audit in wanted for item in audit.charges]
    ledger = _ledger(audits, given, owner, recipient, "9999")
    counted = ledger if not recipient else ledger.ordinary()
    return Spent(
        owner=owner,
        recipient=recipient,
        units=spent(counted, now),
        of=allowed(ledger, mode.owner_yearly if not recipient else mode.yearly, now),
        answers={name: number for name in MODES if (number := sum(item.mode == name for item in charges))},
        corrections=sum(item.correction for item in charges),
        refilled=sum(item.units for item in ledger.refills),
        budgeted=newest.caps == "budget",
    )


def _pairs(audits: Sequence[Audit]) -> set[tuple[str, str]]:
    return {(one, other) for audit in audits for one, other in permutations(_members(audit), 2)}


def _members(audit: Audit) -> tuple[str, str]:
    first, second = (member.partner for member in audit.members)
    return first, second


def _is_of(audit: Audit, owner: str, recipient: str) -> bool:
    members = _members(audit)
    return owner in members and recipient in ("", *members)


def _refills(audit: Audit, owner: str) -> list[Refilled]:
    return [item for item in audit.refills if item.owner == owner]


def _broken(where: str, what: str) -> Finding:
    return Finding(broken=True, where=where, what=what)
