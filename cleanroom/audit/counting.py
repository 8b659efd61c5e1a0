"""Step 15 of the audit (docs/audit.md): how counts were shown, and whether the budgets gave every answer.

The mode in force follows from the terms, and from the wishes since terms last weakened it; weaker terms take two people
of every member. What an answer costs follows from the openings since the answer before, and whether it may be given
from the answers and refills before: all of it is on record. Budgets over several rooms are in `budgets`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cleanroom.audit.consent import Consent
from cleanroom.audit.documents import Documents
from cleanroom.audit.findings import Findings
from cleanroom.audit.result import Began, Charge, Refilled
from cleanroom.domain.vocabulary import CountingMode, PartnerId
from cleanroom.messages import entries
from cleanroom.messages.counting import Allowance, Correction, CountingWish, approver_of, in_force, is_weaker
from cleanroom.messages.documents import moment, read_document
from cleanroom.messages.entries import AnyEntry, Cells
from cleanroom.messages.lists import Answer
from cleanroom.messages.rooms import AnyTerms, CappedCounting, Terms
from cleanroom.messages.users import Roster
from matching.disclosure.budget import Ledger, Refill, Refused, Spend, judge
from matching.disclosure.modes import MODES

REFUSALS = {
    "too_soon": "it comes before the interval after the answer before is over",
    "pair_spent": "the budget between the two members was spent",
    "owner_spent": "the budget of one member's list was spent",
    "no_correction": "no correction was left, or the first month was over",
}
"""Why the budget does not give an answer, by the rule of `matching.disclosure.budget`."""


def seconds(at: str) -> int:
    """An instant as the budgets count time: unix seconds."""
    return int(moment(at).timestamp())


def charged(charges: Sequence[Charge]) -> tuple[Spend, ...]:
    """The answers as what they took from a budget."""
    return tuple(
        Spend(at=seconds(item.edge), units=item.cost, mode=item.mode, correction=item.correction)
        for item in charges
        if item.caps == "budget" and item.cost
    )


def granted(refills: Sequence[Refilled], owner: str) -> tuple[Refill, ...]:
    """What two people of an owner have given on top."""
    return tuple(Refill(at=seconds(item.at), units=item.units) for item in refills if item.owner == owner)


def refusal(mode: CountingMode, edge: str, cost: int, *, correction: bool, ledgers: Sequence[Ledger]) -> str:
    """Why the budgets do not give an answer at its edge; "" if they do. `ledgers`: both pairs', then both owners'."""
    verdict = judge(
        mode=MODES[mode],
        now=seconds(edge),
        cost=max(cost, 1),
        correction=correction,
        pairs=(ledgers[0], ledgers[1]),
        owners=(ledgers[2], ledgers[3]),
    )
    if not isinstance(verdict, Refused):
        return ""
    figure = f"{verdict.spent} of {verdict.of} spent, {cost} asked for"
    return f"the budget does not allow it at its edge: {REFUSALS[verdict.rule]} ({figure})"


@dataclass(slots=True, kw_only=True)
class Counting:
    """The state of counting at an entry. `charges` and `refills` are what was spent and given on top, oldest first.

    `allowed` has the members that have allowed a version of the terms, by its digest; `_rule` is the terms' own rule,
    `_wishes` those since it was last weakened, each with its moment; `_opened` the cells of the rounds that were
    exchanged since the last answer; `_whole`, by epoch and member, whether its probes were found whole.
    """

    documents: Documents
    findings: Findings
    consent: Consent
    members: tuple[str, ...]
    charges: list[Charge] = field(default_factory=list)
    refills: list[Refilled] = field(default_factory=list)
    allowed: dict[str, set[str]] = field(default_factory=dict)
    began: Began | None = None
    _rule: CappedCounting | None = None
    _wishes: list[tuple[str, CountingMode]] = field(default_factory=list)
    _proposed: set[str] = field(default_factory=set)
    _numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    _answers: int = 0
    _draws: entries.DrawsCommitted | None = None
    _asked: entries.CorrectionAsked | None = None
    _opened: set[tuple[int, int]] = field(default_factory=set)
    _whole: dict[int, dict[str, bool]] = field(default_factory=dict)

    def enter(
        self,
        entry: entries.DrawsCommitted
        | entries.CountingTightened
        | entries.CorrectionAsked
        | entries.AllowanceGiven
        | entries.ProbesChecked,
    ) -> None:
        """What comes before answers."""
        match entry:
            case entries.DrawsCommitted():
                self._draws = entry
            case entries.CountingTightened():
                self._tightened(entry)
            case entries.CorrectionAsked():
                self._correction(entry)
            case entries.AllowanceGiven():
                self._allowance(entry)
            case entries.ProbesChecked():
                self._require(entry.owner in self.members, "of nobody in the room")
                self._whole.setdefault(entry.epoch, {})[entry.owner] = entry.holds

    def terms_proposed(self, entry: entries.TermsProposed) -> None:
        """From now on it may be allowed."""
        self._proposed.add(entry.document)

    def terms_signed(self, entry: entries.TermsSigned, terms: AnyTerms | None) -> None:
        """Weaker counting comes into force with two people of every member, and ends the wishes before."""
        if not entry.in_force or terms is None:
            return
        new = terms.counting
        if not isinstance(new, CappedCounting):
            return  # of before there were budgets
        before = in_force(self._rule, [mode for _, mode in self._wishes]) if self._rule else None
        if before is not None and is_weaker(new, before):
            by_all = self.allowed.get(entry.document, set()) >= set(self.members)
            self._require(by_all, "it weakens how counts are shown, and not two people of every member have allowed it")
            self._wishes.clear()
        if terms.version == 1:
            by = frozenset(self.allowed.get(entry.document, ()))
            self.began = Began(at=entry.at, mode=new.mode, allowed_by=by)
        self._rule = new

    def _tightened(self, entry: entries.CountingTightened) -> None:
        """A member's wish, stricter than what is in force."""
        wish: CountingWish | None = self.documents.opened(entry)
        now = self._in_force("9999")
        stricter = now is None or now.mode.is_weaker_than(entry.mode)
        self._require(stricter, "it wishes for no stricter mode than the one in force")
        self._require(wish is None or self._follows("wish", entry.partner, wish.number), "its number does not follow")
        self._wishes.append((entry.at, entry.mode))

    def _allowance(self, entry: entries.AllowanceGiven) -> None:
        """Two people of a member, both in its newest roster, allow what the document says."""
        signed = self.documents.take(entry.document, required=True)
        if not self._require(entry.partner in self.members, "of nobody in the room") or signed is None:
            return
        stated = read_document(Allowance, signed.document)
        key, known = self.documents.keys[entry.partner], self.consent.rosters[entry.partner]
        rosters = known or self._later(stated.roster)
        approver = approver_of(signed, partner=PartnerId(entry.partner), key=key, rosters=rosters)
        self.documents.compare(entry, dict(stated) | {"approver": approver})
        self.findings.checked["documents"] += 1
        newest = not known or stated.roster == known[-1].digest()
        self._require(newest, "its document names another roster than the newest")
        follows = self._follows("allowance", entry.partner, stated.number)
        self._require(follows, "its number does not follow")
        if entry.act == "refill":
            under = stated.terms == next(reversed(self.consent.terms), "")
            self._require(under, "its document is under other terms than those in force")
            self.refills.append(Refilled(at=entry.at, owner=entry.partner, units=entry.units))
        else:
            waits = stated.terms in self._proposed and stated.terms not in self.consent.terms
            self._require(waits, "it allows terms that do not wait for signatures")
            self.allowed.setdefault(stated.terms, set()).add(entry.partner)

    def _correction(self, entry: entries.CorrectionAsked) -> None:
        """A member asks for one answer more, which the budget would give at this moment."""
        correction: Correction | None = self.documents.opened(entry)
        last = correction is None or correction.after == self._answers
        self._require(last, "its document is of another answer than the last one")
        self._require(self._asked is None, "a correction was asked for before, and not given yet")
        now = self._in_force(entry.at)
        if now is not None:
            why = refusal(now.mode, entry.at, 1, correction=True, ledgers=self._ledgers())
            self._require(not why, why)
        self._asked = entry

    def exchanged(self, cells: Cells) -> None:
        """A round was exchanged that has opened these cells."""
        self._opened |= set(cells)

    def next(self, entry: AnyEntry) -> None:
        """Before each entry: noise was drawn for the answer that follows, and for nothing else."""
        if self._draws is not None and not isinstance(entry, entries.CountsReleased):
            self._require(False, "it stands between the noise that was drawn and its answer")  # noqa: FBT003 - broken
            self._draws = None

    def released(
        self, entry: entries.CountsReleased, answers: Sequence[Answer | None], agreed: frozenset[tuple[int, int]] | None
    ) -> None:
        """An answer: its mode, noise, cost and budget. `agreed`: the cells at its edge, None if they are not known."""
        self._require(entry.edge <= entry.at, "its edge is later than its moment")
        self._require(entry.number == self._answers + 1, "its number does not follow")
        self._answers = max(entry.number, self._answers)
        self._mode(entry)
        self._noise(entry)
        for member, answer in zip(self.members, answers, strict=True):
            if answer is not None:
                self._document(entry, answer, member)
        if agreed is not None:
            self._cost(entry, agreed)
        if entry.caps == "budget":
            self._budget(entry)
        charge = entry.model_dump(include={"at", "caps", "edge", "mode", "cost", "correction", "number"})
        self.charges.append(Charge(**charge))
        self._opened.clear()
        self._asked, self._draws = None, None
        self.findings.checked["answers recounted"] += 1

    def _mode(self, entry: entries.CountsReleased) -> None:
        now = self._in_force(entry.edge)
        same = now is not None and (now.mode, now.caps) == (entry.mode, entry.caps)
        self._require(same, "its mode or caps are not what terms, wishes and allowances give")

    def _noise(self, entry: entries.CountsReleased) -> None:
        draws, noisy = self._draws, MODES[entry.mode].scale > 0
        self._require(not noisy or draws is not None, "no noise was committed to directly before it")
        if draws is not None:
            self._require(noisy, "noise was committed to before it, and its mode has none")
            named = (draws.number, draws.edge, draws.epoch) == (entry.number, entry.edge, entry.epoch)
            self._require(named, "the noise that was committed to before it is of another answer")

    def _document(self, entry: entries.CountsReleased, answer: Answer, member: str) -> None:
        shown = (answer.counting.mode, answer.counting.caps, answer.recipient)
        self._require(shown == (entry.mode, entry.caps, member), "its document has another mode, caps or recipient")
        floor = self._rule is None or answer.counting.floor == self._rule.floor
        under = answer.terms == next(reversed(self.consent.terms), "")
        self._require(floor and under, "its document is under other terms than those in force")

    def _cost(self, entry: entries.CountsReleased, agreed: frozenset[tuple[int, int]]) -> None:
        """2 where what was opened since the last answer adds to the count of a cell that is not agreed."""
        if entry.caps != "budget":
            self._require(entry.cost == 0, "it costs something in a room without budgets")
            return
        size = len(next(reversed(self.consent.terms.values())).segments)
        counted = {(i, j) for i in range(size) for j in range(size)} - agreed - set(entry.forbidden)
        rows, columns = {i for i, _ in self._opened}, {j for _, j in self._opened}
        due = 2 if any(i in rows or j in columns for i, j in counted) else 1
        self._require(entry.cost == due, f"its cost is {entry.cost}; the openings since the last answer make it {due}")

    def _budget(self, entry: entries.CountsReleased) -> None:
        terms, whole = next(reversed(self.consent.terms.values())), self._whole.get(entry.epoch, {})
        probed = not isinstance(terms, Terms) or not terms.probes or all(whole.get(item) for item in self.members)
        self._require(probed, "the probes of both members were not found whole in its epoch before it")
        if entry.correction:
            asked = self._asked is not None and entry.edge <= self._asked.at
            self._require(asked, "it is a correction that nobody has asked for")
        why = refusal(entry.mode, entry.edge, entry.cost, correction=entry.correction, ledgers=self._ledgers())
        self._require(entry.cost > 0 and not why, why or "it costs nothing in a room with budgets")

    def _later(self, digest: str) -> list[Roster]:
        """The roster of this digest that the log names later: rosters are entered once terms are in force."""
        signed = self.documents.carried.get(digest)
        return [read_document(Roster, signed.document)] if signed is not None else []

    def _ledgers(self) -> list[Ledger]:
        """Of both directions, and of both lists: in one room they are the same."""
        spends = charged(self.charges)
        of = [Ledger(spends=spends, refills=granted(self.refills, owner)) for owner in self.members]
        return [*of, *of]

    def _in_force(self, at: str) -> CappedCounting | None:
        """The rule at a moment, with the wishes up to it, to the second."""
        wishes = [mode for moment, mode in self._wishes if moment <= at]
        return in_force(self._rule, wishes) if self._rule else None

    def _follows(self, kind: str, partner: str, number: int) -> bool:
        self._numbers[kind, partner] += 1
        return number == self._numbers[kind, partner]

    def _require(self, holds: bool, what: str) -> bool:  # noqa: FBT001 - the thing that is checked
        return self.findings.require(holds, what)
