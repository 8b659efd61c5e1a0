"""Steps 8 to 12 and 15 of the audit (docs/audit.md): the entries in order, each checked against all before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cleanroom.audit.consent import Consent
from cleanroom.audit.counting import Counting
from cleanroom.audit.documents import Documents
from cleanroom.audit.findings import Findings, place
from cleanroom.audit.result import Event
from cleanroom.audit.tree import Tree
from cleanroom.messages import entries
from cleanroom.messages.documents import moment
from cleanroom.messages.entries import Entry
from cleanroom.messages.lists import AnyAnswer, WithheldCell
from cleanroom.messages.openings import Claim, Opening
from cleanroom.messages.policy_chain import CLOCK_SKEW
from cleanroom.messages.releases import Release
from cleanroom.messages.rooms import AnyTerms
from cleanroom.messages.signing import ESCROW, SignedDocument
from cleanroom.policy.decision import RULES, Decision, decision, uncounted
from cleanroom.policy.evaluate import Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A release on record, its document if that is carried and holds, and what both policies (of `versions`) decide."""

    index: int
    entry: entries.ReleaseRecorded
    document: Release | None
    decision: Decision
    segments: tuple[str, ...]
    versions: tuple[int, int]


@dataclass(slots=True, kw_only=True)
class Replay:
    """The state of the room at an entry. `releases` are all that are on record, by digest.

    `disclosed` has what each member has put on record, by the index of its entry; `_lists` what snapshots and
    evaluations are of; `_openings` each member's newest of a round, by epoch and round; `_exchanged` each epoch's
    newest round; `_numbers` the digests of a sender's releases of an epoch; `_answered` the newest round of the
    releases under two policies.
    """

    consent: Consent
    counting: Counting
    documents: Documents
    tree: Tree
    findings: Findings
    members: tuple[str, ...]
    releases: dict[str, Recorded] = field(default_factory=dict)
    disclosed: dict[str, dict[int, str]] = field(default_factory=dict)
    _index: int = 0
    _lists: dict[str, tuple[str | int, ...]] = field(default_factory=dict)
    _openings: dict[tuple[int, int], dict[str, tuple[entries.OpeningRecorded, Claim | None]]] = field(
        default_factory=dict
    )
    _exchanged: dict[int, int] = field(default_factory=dict)
    _numbers: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    _answered: dict[tuple[str, int, str, str], int] = field(default_factory=dict)
    _handed_over: set[str] = field(default_factory=set)

    def run(self, events: Sequence[Event]) -> None:
        """All of it."""
        for event in events:
            before, entry = self.consent.before, event.entry
            self._index = event.index
            with self.findings.at(place(event)):
                self._require(entry.at >= before, f"its moment is before that of the entry before, {before}")
                self.counting.next(entry)
                self._enter(entry)
            self.consent.before = entry.at

    def _enter(self, entry: entries.AnyEntry) -> None:  # noqa: C901, PLR0912 - one case for each type of a room's log
        match entry:
            case entries.EvaluationDelivered():
                pass  # digests only
            case entries.SnapshotCommitted():
                self._in_its_epoch(entry)
                self._lists[entry.document] = entry.owner, entry.epoch
            case entries.EvaluationSigned():
                self._lists[entry.document] = entry.evaluator, entry.epoch, entry.of, entry.against
            case entries.MemberNamed():
                self._document(entry)
                first = self._index < len(self.members) and entry.partner in self.members
                self._require(first, "members, and nobody else, are named by the first entries")
            case entries.KeyPublished():
                self._in_its_epoch(entry)
                self._document(entry)
            case entries.PartnerWithdrew() | entries.NoticeSent():
                self._document(entry)
            case entries.TermsProposed():
                self.counting.terms_proposed(entry)
                self.consent.terms_proposed(entry)
            case entries.TermsSigned():
                self.consent.terms_signed(entry)
                self.counting.terms_signed(entry, self.consent.known.get(entry.document))
            case entries.RosterPublished():
                self.consent.roster_published(entry)
            case entries.PolicyProposed():
                self.consent.policy_proposed(entry)
            case entries.PolicyActivated():
                self.consent.policy_activated(entry)
            case entries.AnswerGiven():
                self._answer_given(entry, (self._document(entry),))
            case (
                entries.DrawsCommitted()
                | entries.CountingTightened()
                | entries.CorrectionAsked()
                | entries.AllowanceGiven()
                | entries.ProbesChecked()
            ):
                self.counting.enter(entry)
            case entries.CountsReleased():
                self._counts_released(entry)
            case entries.OpeningRecorded():
                self._opening_recorded(entry)
            case entries.OpeningsExchanged():
                self._openings_exchanged(entry)
            case entries.RoundLapsed():
                self._require(self._exchanged.get(entry.epoch, 0) < entry.round, "its round was exchanged before")
            case entries.ReleaseRecorded():
                self._release_recorded(entry)
            case entries.ReleaseHandedOver():
                self._release_handed_over(entry)
            case _:
                self.findings.broken("of the operator's log, not of a room's")

    def _in_its_epoch(self, entry: entries.KeyPublished | entries.SnapshotCommitted) -> None:
        """What is hashed and blinded in an epoch never meets what was in one before: no later entry goes back."""
        now = entry.epoch in self.consent.epochs(moment(entry.at))
        self._require(now, "its epoch is not the one that terms, policies and its moment give")

    def _counts_released(self, entry: entries.CountsReleased) -> None:
        """Of the two answers a member has its own: the other one shows counts of its own list."""
        digests, carried = (entry.first_document, entry.second_document), self.documents.carried
        self._require(any(item in carried for item in digests), "neither document is carried")
        answers = [self._document(entry, digest) if digest in carried else None for digest in digests]
        sides = self._answer_given(entry, answers)
        self.counting.released(entry, answers, sides.agreed_cells(moment(entry.edge)) if sides else None)

    def _answer_given(
        self, entry: entries.AnswerGiven | entries.CountsReleased, answers: Sequence[AnyAnswer | None]
    ) -> Sides | None:
        """What both policies gave at its edge, if that is known."""
        edge = moment(entry.edge)
        first, second = (self.consent.in_force(member, edge) for member in self.members)
        named = (first.digest if first else "", second.digest if second else "")
        newest = named == (entry.first_policy, entry.second_policy)
        self._require(newest, "a policy that it names is not the newest that was in force at its edge")
        if not self._rules(entry.rules) or not self.consent.terms:
            return None
        self.findings.checked["decisions replayed"] += 1
        sides = self.consent.sides(self.members[0], first, second)
        withheld = uncounted(sides, edge)
        self._require(entry.forbidden == withheld, "`forbidden` is not what the policies withhold at its edge")
        for answer in answers:
            if answer is not None:
                self._answer(answer, withheld)
        return sides

    def _answer(self, answer: AnyAnswer, withheld: entries.Cells) -> None:
        hidden = WithheldCell(withheld="by_policy")
        shown = tuple((i, j) for i, row in enumerate(answer.cells) for j, cell in enumerate(row) if cell == hidden)
        self._require(shown == withheld, "its document withholds other cells than the policies do")
        for status, member in zip(answer.lists, self.members, strict=True):
            logged = status.partner == member and self._lists.get(status.snapshot) == (member, answer.epoch)
            self._require(logged, "its document is of a list not on record")

    def _opening_recorded(self, entry: entries.OpeningRecorded) -> None:
        self.disclosed.setdefault(entry.prover, {})[self._index] = entry.document
        opening: Opening | None = self._document(entry)
        claim = opening.claim if opening else None
        self._require(self._exchanged.get(entry.epoch, 0) < entry.round, "its round was exchanged before")
        self._openings.setdefault((entry.epoch, entry.round), {})[entry.prover] = entry, claim
        sides = self._decided(entry, entry.prover, entry.verifier, (entry.prover_policy, entry.verifier_policy))
        if sides is not None:
            there = sides if entry.prover == self.members[0] else sides.turned()
            self.findings.checked["decisions replayed"] += 1
            agreed = set(entry.cells) <= there.agreed_cells(moment(entry.created))
            self._require(bool(entry.cells) and agreed, "a cell that it opens is not agreed")
        if claim is not None:
            logged = (
                (claim.of, (claim.verifier, claim.epoch)),
                (claim.own, (claim.prover, claim.epoch)),
                (claim.evaluation, (claim.prover, claim.epoch, claim.of, claim.own)),
                (claim.answering, (claim.verifier, claim.epoch, claim.own, claim.of)),
            )
            same = all(self._lists.get(digest) == said for digest, said in logged)
            self._require(same, "its document is of lists or evaluations that are not on record")

    def _openings_exchanged(self, entry: entries.OpeningsExchanged) -> None:
        recorded = self._openings.get((entry.epoch, entry.round), {})
        (first, mine), (second, theirs) = (recorded.get(member, (None, None)) for member in self.members)
        same = entry.openings == tuple(item.document if item else "" for item in (first, second))
        self._require(same, "it does not name the two openings of its round that are on record")
        newest = self._exchanged.get(entry.epoch, 0)
        self._require(newest < entry.round, "its round, or a later one, was exchanged before")
        self._exchanged[entry.epoch] = max(entry.round, newest)
        for item in (first, second):
            self.counting.exchanged(item.cells if item else ())
        if mine is not None and theirs is not None:
            self._require(not mine.differs(theirs), "the claims of its two openings do not mirror each other")
            self._current(mine.prover, mine.verifier, (mine.prover_policy, mine.verifier_policy))

    def _release_recorded(self, entry: entries.ReleaseRecorded) -> None:
        self.disclosed.setdefault(entry.sender, {})[self._index] = entry.document
        release: Release | None = self._document(entry)
        numbers = self._numbers.setdefault((entry.sender, entry.epoch), [])
        if self._require(entry.number in {len(numbers), len(numbers) + 1}, "its number does not follow"):
            replaced = numbers[entry.number - 1 :]
            self._require(not self._handed_over & set(replaced), "it replaces a release that was handed over")
            numbers[entry.number - 1 :] = [entry.document]
        previous = numbers[entry.number - 2] if 1 < entry.number <= len(numbers) else ""
        follows = release is None or release.previous == previous
        self._require(follows, "its document does not follow the release before")
        newest = self._exchanged.get(entry.epoch) == entry.round
        self._require(newest, "its round is not the newest that was exchanged")
        policies = (entry.sender_policy, entry.recipient_policy)
        sides = self._decided(entry, entry.sender, entry.recipient, policies)
        if sides is None:
            return
        self.findings.checked["decisions replayed"] += 1
        made = decision(sides, moment(entry.created))
        same = (entry.forms, entry.table) == (made.highest(), made.table())
        self._require(same, "its decision, `forms` or `table`, is not what the two policies give")
        self._answered[entry.sender, entry.epoch, *policies] = entry.round
        sender, recipient = (self.consent.policies[partner][-1] for partner in (entry.sender, entry.recipient))
        self.releases[entry.document] = Recorded(
            index=self._index,
            entry=entry,
            document=release,
            decision=made,
            segments=sides.ground.segments,
            versions=(sender.document.version, recipient.document.version),
        )

    def _release_handed_over(self, entry: entries.ReleaseHandedOver) -> None:
        numbers = self._numbers.get((entry.sender, entry.epoch), [])
        on_record = numbers[entry.number - 1 : entry.number] == [entry.document]
        if not self._require(on_record, "it hands over a release that is not on record before it"):
            return
        self._require(entry.document not in self._handed_over, "it was handed over before")
        self._handed_over.add(entry.document)
        release = self.releases.get(entry.document)
        if release is None:
            return
        given = release.entry
        self._require(entry.recipient == given.recipient, "`recipient` is not what its release says")
        policies = (given.sender_policy, given.recipient_policy)
        self._current(given.sender, given.recipient, policies)
        answered = self._answered.get((given.recipient, given.epoch, *policies[::-1]), 0) >= given.round
        self._require(answered, "the other side has no release on record under the same policies and round")

    def _require(self, holds: bool, what: str) -> bool:  # noqa: FBT001 - the thing that is checked
        return self.findings.require(holds, what)

    def _document(self, entry: Entry, digest: str | None = None) -> Any:  # noqa: ANN401 - of that entry's type
        document = self.documents.opened(entry, digest)
        said = getattr(document, "claim", document)
        if hasattr(said, "terms"):
            self._require(said.terms in self.consent.terms, "its document is under terms that were not in force")
        if hasattr(said, "log_size"):  # step 12
            past = said.log_size <= self._index
            self._require(past, f"its document names the log at {said.log_size} entries, before they were")
            self.tree.expect(said.log_size, bytes.fromhex(said.log_root), "its signer has witnessed")
        return document

    def _decided(
        self,
        entry: entries.OpeningRecorded | entries.ReleaseRecorded,
        owner: str,
        other: str,
        named: tuple[str, str],
    ) -> Sides | None:
        """Step 10: what the two policies that are named give, if they are those in force."""
        late = moment(entry.created) > moment(entry.at) + CLOCK_SKEW
        self._require(not late, f"its document is from more than {CLOCK_SKEW // timedelta(minutes=1)} minutes later")
        known = self._require({owner, other} == set(self.members), "it is not between the two members")
        if not known or not self._rules(entry.rules) or not self._current(owner, other, named):
            return None
        return self.consent.sides(owner, self.consent.in_force(owner), self.consent.in_force(other))

    def _rules(self, rules: str) -> bool:
        return self._require(rules == RULES, "decided by rules that are not known here")

    def _current(self, owner: str, other: str, named: tuple[str, str]) -> bool:
        newest = [self.consent.in_force(partner) for partner in (owner, other)]
        same = named == tuple(item.digest if item else "" for item in newest)
        return self._require(same, "a policy that it names is not the newest on record before it")


def replayed(
    events: Sequence[Event],
    carried: Mapping[str, SignedDocument],
    terms: Mapping[str, AnyTerms],
    tree: Tree,
    findings: Findings,
) -> Replay:
    """The room after all of its entries, by the documents that are carried, and the terms that were ever in force."""
    first = next(iter(terms.values()))
    members = first.identity_keys
    handed_over = (event.entry.document for event in events if isinstance(event.entry, entries.ReleaseHandedOver))
    exchanged = (event.entry.openings for event in events if isinstance(event.entry, entries.OpeningsExchanged))
    documents = Documents(
        carried=carried,
        delivered=frozenset(handed_over).union(*exchanged),
        room=first.room,
        keys={ESCROW: tree.key, **members},
        findings=findings,
    )
    consent = Consent(
        documents=documents,
        findings=findings,
        known=terms,
        activated={event.entry.document for event in events if isinstance(event.entry, entries.PolicyActivated)},
        rosters=documents.earlier_rosters(events),
        policies={partner: [] for partner in members},
    )
    counting = Counting(documents=documents, findings=findings, consent=consent, members=tuple(members))
    replay = Replay(
        consent=consent,
        counting=counting,
        documents=documents,
        tree=tree,
        findings=findings,
        members=tuple(members),
    )
    replay.run(events)
    with findings.at("the first entries"):
        named = [event.entry.partner for event in events if isinstance(event.entry, entries.MemberNamed)]
        findings.require(sorted(named) == sorted(replay.members), "they do not name each member once")
    for digest in carried.keys() - documents.named:
        with findings.at(f"document {digest[:16]}"):
            findings.broken("no entry names it")
    return replay
