"""Entries of a log in plain words. `who` does or did it; the sentence goes on after that name.

Names and titles in the words are as the bundle has them: whoever prints them makes them safe to print.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Final

from cleanroom.audit.result import Audit
from cleanroom.domain.vocabulary import Form
from cleanroom.messages import entries
from cleanroom.messages.entries import AnyEntry, Entry

SHORT: Final = 8
"""So many characters of an id or digest are shown."""

ESCROW: Final = "escrow"
_ACTORS: Final = ("partner", "owner", "prover", "evaluator", "sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What ids and digests of a log stand for: members by id, versions of policies by digest, segments by index."""

    members: Mapping[str, str]
    versions: Mapping[str, int]
    segments: Sequence[str]

    def partner(self, partner: str) -> str:
        """A member's name; of anybody else the beginning of the id."""
        return self.members.get(partner, partner[:SHORT])

    def policy(self, digest: str) -> str:
        """A policy's version, or the beginning of its digest; nothing for none."""
        if not digest:
            return "none"
        return f"version {self.versions[digest]}" if digest in self.versions else digest[:SHORT]

    def cells(self, cells: Sequence[tuple[int, int]]) -> str:
        """Cells by the names of their segments."""
        return "; ".join(f"{self._segment(first)} x {self._segment(second)}" for first, second in cells) or "none"

    def _segment(self, place: int) -> str:
        return spoken(self.segments[place]) if place < len(self.segments) else f"segment {place}"


def names_of(audit: Audit) -> Names:
    """The names that an audit knows."""
    found = (event.entry for event in audit.events)
    kinds = (entries.PolicyActivated, entries.PolicyProposed)
    return Names(
        members={member.partner: member.name for member in audit.members},
        versions={entry.document: entry.version for entry in found if isinstance(entry, kinds)},
        segments=audit.segments,
    )


def actor(entry: AnyEntry) -> str:
    """The id of the partner whose act an entry is, or `ESCROW`."""
    return next((getattr(entry, name) for name in _ACTORS if hasattr(entry, name)), ESCROW)


def spoken(label: str) -> str:
    """A segment or field as people read it: "open opportunities"."""
    return label.replace("_", " ")


def forms_words(forms: Mapping[str, Form]) -> str:
    """Fields by form, most first: "region, stage in full; amount reduced"."""
    by_form = [
        (ending, [spoken(name) for name, shown in forms.items() if shown is form])
        for form, ending in ((Form.FULL, "in full"), (Form.REDUCED, "reduced"))
    ]
    return "; ".join(f"{', '.join(fields)} {ending}" for ending, fields in by_form if fields) or "existence alone"


@singledispatch
def words(entry: Entry, names: Names) -> str:
    """What happened. A type without words is not one of a log."""
    raise NotImplementedError(type(entry).__name__)


@words.register
def _(entry: entries.MemberNamed, _: Names) -> str:
    return f"is a member of this room; its enrolment is {entry.document[:SHORT]}"


@words.register
def _(entry: entries.TermsProposed, _: Names) -> str:
    return f"proposed version {entry.version} of the terms, and signed it"


@words.register
def _(entry: entries.TermsSigned, _: Names) -> str:
    return f"signed version {entry.version} of the terms" + ("; it is in force" if entry.in_force else "")


@words.register
def _(entry: entries.PartnerWithdrew, _: Names) -> str:
    return "left the room" if entry.reason == "left" else "declined the terms"


@words.register
def _(entry: entries.RosterPublished, _: Names) -> str:
    return f"published version {entry.version} of its people: who may sign, in which role"


@words.register
def _(entry: entries.KeyPublished, _: Names) -> str:
    return f"published its key of epoch {entry.epoch}"


@words.register
def _(entry: entries.SnapshotCommitted, _: Names) -> str:
    return f"committed batch {entry.number} of its list in epoch {entry.epoch}: {entry.entries} entries in all"


@words.register
def _(entry: entries.EvaluationSigned, _: Names) -> str:
    return f"signed its evaluation of the other side's list in epoch {entry.epoch}"


@words.register
def _(entry: entries.EvaluationDelivered, _: Names) -> str:
    return f"delivered its evaluation of batch {entry.number} in epoch {entry.epoch}"


@words.register
def _(entry: entries.AnswerGiven, names: Names) -> str:
    withheld = f"; withheld by policy: {names.cells(entry.forbidden)}" if entry.forbidden else ""
    return f"gave both sides answer {entry.number}: counts of epoch {entry.epoch}{withheld}"


@words.register
def _(entry: entries.ProbesChecked, _: Names) -> str:
    found = "as they are" if entry.holds else "TORN APART by the other side"
    return f"told the probes in its list of epoch {entry.epoch}: evaluated {found}"


@words.register
def _(entry: entries.DrawsCommitted, _: Names) -> str:
    return f"committed to the noise of answer {entry.number}, before giving it"


@words.register
def _(entry: entries.CountsReleased, names: Names) -> str:
    withheld = f"; withheld by policy: {names.cells(entry.forbidden)}" if entry.forbidden else ""
    why = ", a correction" if entry.correction else ""
    cost = f"{entry.cost} of each list's budget" if entry.caps == "budget" else "no budget"
    return (
        f"gave each side answer {entry.number}{why}: {entry.mode} counts of epoch {entry.epoch}, for {cost}{withheld}"
    )


@words.register
def _(entry: entries.CountingTightened, _: Names) -> str:
    return f"wants counts shown by no weaker mode than {entry.mode}"


@words.register
def _(entry: entries.AllowanceGiven, _: Names) -> str:
    people = f"allowed by {entry.author[:SHORT]} and {entry.approver[:SHORT]}"
    what = f"{entry.units} answers more about its list" if entry.act == "refill" else "a weaker way of counting"
    return f"{what}, {people}"


@words.register
def _(_: entries.CorrectionAsked, __: Names) -> str:
    return "asked for one answer more, because a list was wrong"


@words.register
def _(entry: entries.PolicyProposed, _: Names) -> str:
    return f"proposed version {entry.version} of its policy, written by {entry.author[:SHORT]}; it waits for approval"


@words.register
def _(entry: entries.PolicyActivated, _: Names) -> str:
    return (
        f"put version {entry.version} of its policy in force: {change_words(entry)}; "
        f"written by {entry.author[:SHORT]}, {approval_words(entry)}" + ("; a new epoch" if entry.fresh_epoch else "")
    )


@words.register
def _(entry: entries.OpeningRecorded, names: Names) -> str:
    return (
        f"put its opening of round {entry.round} of epoch {entry.epoch} on record: {entry.rows} rows, "
        f"cells {names.cells(entry.cells)}; under {names.policy(entry.prover_policy)} of its policy "
        f"and {names.policy(entry.verifier_policy)} of {names.partner(entry.verifier)}'s"
    )


@words.register
def _(entry: entries.OpeningsExchanged, _: Names) -> str:
    return f"handed both openings of round {entry.round} of epoch {entry.epoch} over"


@words.register
def _(entry: entries.RoundLapsed, _: Names) -> str:
    return f"closed round {entry.round} of epoch {entry.epoch}: one opening was not answered in time"


@words.register
def _(entry: entries.ReleaseRecorded, names: Names) -> str:
    return (
        f"put release {entry.number} of epoch {entry.epoch} to {names.partner(entry.recipient)} on record: "
        f"{entry.matches} matches, at most {forms_words(entry.forms)}; "
        f"under {names.policy(entry.sender_policy)} of its policy "
        f"and {names.policy(entry.recipient_policy)} of {names.partner(entry.recipient)}'s"
    )


@words.register
def _(entry: entries.ReleaseHandedOver, names: Names) -> str:
    return (
        f"had release {entry.number} of epoch {entry.epoch} handed over: {names.partner(entry.recipient)} can read it"
    )


@words.register
def _(entry: entries.NoticeSent, _: Names) -> str:
    what = {"request": "a request", "dispute": "a dispute", "resolution": "the resolution of a dispute"}[entry.kind]
    return f"sent {what} (notice {entry.number})"


@words.register
def _(entry: entries.PartnerEnrolled, _: Names) -> str:
    return f"enrolled with the invite {entry.invite[:SHORT]}"


@words.register
def _(entry: entries.InviteMade, _: Names) -> str:
    return f"made the invite {entry.invite[:SHORT]}, good until {entry.expires}"


@words.register
def _(entry: entries.OperatorActed, _: Names) -> str:
    acts = {"started": "started the service,", "migrated": "brought its tables to"}
    return f"{acts[entry.action]} version {entry.version}"


def change_words(entry: entries.PolicyActivated) -> str:
    """Which way a version of a policy went."""
    if entry.revokes:
        return "revokes every grant"
    found = [word for word, holds in (("widens", entry.widens), ("narrows", entry.narrows)) if holds]
    return " and ".join(found) or "shows the same"


def approval_words(entry: entries.PolicyActivated) -> str:
    """Who approved a version of a policy."""
    if entry.approver:
        return f"approved by {entry.approver[:SHORT]}"
    return "approved by nobody else, 24 hours after it was proposed" if entry.widens else "no approval needed"
