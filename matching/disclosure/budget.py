"""How many answers may still be given: bookkeeping over what was given, with neither clock nor store.

An *account* is one of two things: an ordered pair of partners (what the second was told about the first's list, over
all rooms that they have or had), or an owner (what was told about its list to all partners together). Its `Ledger` is
what was spent and what was refilled. An answer of a room is charged to two pairs and two owners, and each of the four
must allow it:

(a) an ordinary answer comes no earlier than the mode's interval after the last ordinary one of either pair, unless
    that pair was refilled since then: being early is what a refill is for;
(b) the ordinary units of a pair stay within `yearly` and its refills. A correction is not among them; a pair gets one
    in 365 days at most, in the 30 days after its first answer ever;
(c) all units of an owner, corrections too, stay within `owner_yearly` and its refills.

Times are unix seconds. The year of a moment is the 365 days up to it, without the second that lies exactly 365 days
back. A clock that was put back gains nothing: what lies in the future of `now` counts as spent, and as the last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from matching.disclosure.modes import CORRECTION_SECONDS, YEAR_SECONDS, Mode
from matching.refusal import Refusal

Rule = Literal["pair_spent", "owner_spent", "too_soon", "no_correction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Units spent on an answer of this mode; `at` is the answer's edge. A correction replaces an answer."""

    at: int
    units: int
    mode: str
    correction: bool

    def __post_init__(self) -> None:
        if self.units < 1:
            raise Refusal("bad_units", "an answer costs at least 1 unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """Units that the owner granted on top of the yearly ones; they last for a year."""

    at: int
    units: int

    def __post_init__(self) -> None:
        if self.units < 1:
            raise Refusal("bad_units", "a refill grants at least 1 unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All spends and refills of one account, in any order."""

    spends: tuple[Spend, ...] = ()
    refills: tuple[Refill, ...] = ()

    def ordinary(self) -> "Ledger":
        """The same account without its corrections."""
        return Ledger(spends=tuple(spend for spend in self.spends if not spend.correction), refills=self.refills)

    def corrections(self) -> "Ledger":
        """The corrections alone."""
        return Ledger(spends=tuple(spend for spend in self.spends if spend.correction))


@dataclass(frozen=True, slots=True)
class Granted:
    """The answer may be given. Whoever gives it adds a `Spend` to all four accounts in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The answer may not be given now.

    `rule` is broken by the account at position `account` of the pairs (of the owners, for `owner_spent`), which has
    `spent` of `of` units of this year (for `no_correction`: corrections). `until` is the earliest moment at which this
    answer would be granted if nothing else is spent or refilled before; None if that is never.
    """

    rule: Rule
    account: int
    spent: int
    of: int
    until: int | None


Verdict = Granted | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How an ordered pair stands, for a screen.

    `spent` of `of` ordinary units; `left` is what pair and owner both still allow. The next ordinary answer may come at
    `next_at` (now, if `reason` is empty; None if it never may), and `reason` is the rule that it waits for.
    `falls_out_at` is when the oldest of the units leaves the year; None if nothing was spent in it.
    """

    left: int
    of: int
    spent: int
    next_at: int | None
    reason: Rule | Literal[""]
    falls_out_at: int | None


def spent(ledger: Ledger, now: int) -> int:
    """The units of all spends of the year up to `now`, and of later ones."""
    return sum(spend.units for spend in ledger.spends if spend.at > now - YEAR_SECONDS)


def allowed(ledger: Ledger, yearly: int, now: int) -> int:
    """The yearly units and all that was refilled in the year up to `now`, or later."""
    return yearly + sum(refill.units for refill in ledger.refills if refill.at > now - YEAR_SECONDS)


def judge(  # noqa: PLR0913 - what is asked for, and the four accounts that it is charged to
    *,
    mode: Mode,
    now: int,
    cost: int,
    correction: bool,
    pairs: tuple[Ledger, Ledger],
    owners: tuple[Ledger, Ledger],
) -> Verdict:
    """Whether an answer of this mode and cost may be given now, to the rules (a) to (c) above.

    Raises:
        Refusal: `bad_units` if the cost is below 1.
    """
    return _Asked(mode=mode, cost=cost, correction=correction, pairs=pairs, owners=owners).verdict(now)


def gauge(*, mode: Mode, now: int, pair: Ledger, owner: Ledger) -> Gauge:
    """How this ordered pair stands, whose first member is the owner."""
    verdict = _Asked(mode=mode, cost=1, correction=False, pairs=(pair,), owners=(owner,)).verdict(now)
    ordinary = pair.ordinary()
    used, limit = spent(ordinary, now), allowed(pair, mode.yearly, now)
    owners_left = allowed(owner, mode.owner_yearly, now) - spent(owner, now)
    counted = [spend.at for spend in ordinary.spends if spend.at > now - YEAR_SECONDS]
    return Gauge(
        left=max(0, min(limit - used, owners_left)),
        of=limit,
        spent=used,
        next_at=verdict.until if isinstance(verdict, Refused) else now,
        reason=verdict.rule if isinstance(verdict, Refused) else "",
        falls_out_at=min(counted) + YEAR_SECONDS if counted else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Broken:
    rule: Rule
    account: int
    spent: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """An answer that is asked for, whenever it may be given."""

    mode: Mode
    cost: int
    correction: bool
    pairs: Sequence[Ledger]
    owners: Sequence[Ledger]

    def __post_init__(self) -> None:
        if self.cost < 1:
            raise Refusal("bad_units", "an answer costs at least 1 unit")

    def verdict(self, now: int) -> Verdict:
        broken = next(self._broken(now), None)
        if broken is None:
            return Granted()
        until = next((at for at in self._chances(now) if next(self._broken(at), None) is None), None)
        return Refused(rule=broken.rule, account=broken.account, spent=broken.spent, of=broken.of, until=until)

    def _broken(self, now: int) -> Iterator[_Broken]:
        """What forbids it at this moment. What is spent comes before what is only too soon: it says more."""
        if self.correction:
            yield from self._uncorrectable(now)
        else:
            ordinary = [pair.ordinary() for pair in self.pairs]
            yield from self._overspent("pair_spent", ordinary, self.mode.yearly, now)
        yield from self._overspent("owner_spent", self.owners, self.mode.owner_yearly, now)
        if not self.correction:
            yield from self._early(now)

    def _overspent(self, rule: Rule, ledgers: Sequence[Ledger], yearly: int, now: int) -> Iterator[_Broken]:
        for account, ledger in enumerate(ledgers):
            used, limit = spent(ledger, now), allowed(ledger, yearly, now)
            if used + self.cost > limit:
                yield _Broken(rule=rule, account=account, spent=used, of=limit)

    def _early(self, now: int) -> Iterator[_Broken]:
        for account, pair in enumerate(self.pairs):
            due = self._due(pair)
            if due is not None and now < due:
                used, limit = spent(pair.ordinary(), now), allowed(pair, self.mode.yearly, now)
                yield _Broken(rule="too_soon", account=account, spent=used, of=limit)

    def _uncorrectable(self, now: int) -> Iterator[_Broken]:
        for account, pair in enumerate(self.pairs):
            corrected = min(1, spent(pair.corrections(), now))
            moments = [spend.at for spend in pair.spends]
            # The newest spend is a lower bound of the time, whatever the clock says: the window does not open again.
            if corrected or not moments or max(now, *moments) > min(moments) + CORRECTION_SECONDS:
                yield _Broken(rule="no_correction", account=account, spent=corrected, of=1)

    def _due(self, pair: Ledger) -> int | None:
        """When the interval after the pair's last ordinary answer is over; None if there is nothing to wait for."""
        last = max((spend.at for spend in pair.spends if not spend.correction), default=None)
        if last is None or any(refill.at > last for refill in pair.refills):
            return None
        return last + self.mode.interval_seconds

    def _chances(self, now: int) -> list[int]:
        """The later moments at which something that forbids it may end, in order."""
        ledgers = (*self.pairs, *self.owners)
        leaving = {spend.at + YEAR_SECONDS for ledger in ledgers for spend in ledger.spends}
        due = {moment for pair in self.pairs if (moment := self._due(pair)) is not None}
        return sorted(moment for moment in leaving | due if moment > now)
