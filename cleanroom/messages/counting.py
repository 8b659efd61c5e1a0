"""P5: how counts are shown, and who may make that weaker. The same lines for escrow, agents and the offline verifier.

The mode in force is the strictest of what the terms in force say and what the members have wished since. A member
makes it stricter alone and at once. Weaker it becomes only by terms that say so, and only if two people of *every*
member have allowed exactly these terms; then earlier wishes are void. Refilling a budget before its time is allowed by
two people of the member whose list the answers are about.

Two people: an author and an approver, not the same, both in the member's newest roster in a role that may write and
approve policies.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from cleanroom.domain.vocabulary import CountingMode, PartnerId
from cleanroom.messages.documents import (
    Bytes16,
    DigestText,
    Document,
    DocumentRefused,
    Instant,
    Number,
    PartnerName,
    RoomName,
    read_document,
)
from cleanroom.messages.rooms import CappedCounting
from cleanroom.messages.signing import SignedDocument, open_document
from cleanroom.messages.users import APPROVERS, Roster

MOST_UNITS: Final = 1_000


class AllowanceRefused(DocumentRefused):
    """Not two people of the member have allowed it, or not what the document says."""

    code = "allowance_refused"


class CountingWish(Document):
    """A member wants counts shown by no weaker mode than this. Its newest wish has the highest number."""

    type: Literal["counting-wish/1"] = "counting-wish/1"
    room: RoomName
    partner: PartnerName
    number: Number
    mode: Annotated[CountingMode, Field(strict=False)]
    created: Instant


class Correction(Document):
    """A member asks for one answer more in the first month, because a list was wrong. `after` is the last answer."""

    type: Literal["correction/1"] = "correction/1"
    room: RoomName
    partner: PartnerName
    after: Number
    created: Instant


class Allowance(Document):
    """Two people of a member allow a weaker mode (`terms` is the version that says it), or `units` answers more.

    Signed by the member, the author and the approver. More answers are about the member's list: for the other member of
    the room, and out of what the list may give to all partners.
    """

    type: Literal["allowance/1"] = "allowance/1"
    room: RoomName
    partner: PartnerName
    number: Number
    act: Literal["weaker_counting", "refill"]
    terms: DigestText
    units: Annotated[int, Field(ge=0, le=MOST_UNITS)]
    roster: DigestText
    author: Bytes16
    created: Instant

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if (self.act == "refill") != (self.units > 0):
            raise ValueError("a refill gives units, nothing else does")
        return self


def approver_of(signed: SignedDocument, *, partner: PartnerId, key: bytes, rosters: Sequence[Roster]) -> Bytes16:
    """Who besides the author has signed an allowance, which is seen to be one.

    Raises:
        AllowanceRefused, DocumentRefused: naming the rule.
    """
    allowance = read_document(Allowance, signed.document)
    roster = next((item for item in rosters if item.digest() == allowance.roster), None)
    if allowance.partner != partner or roster is None:
        raise AllowanceRefused("allowance: of another partner, or names a roster that is not known")
    names = [item.signer for item in signed.signatures if item.signer not in {partner, allowance.author}]
    if len(names) != 1:
        raise AllowanceRefused("allowance: it takes two people, its author and one approver")
    signers = {str(partner): key}
    for name in (allowance.author, names[0]):
        user = roster.user(name)
        if user is None or user.role not in APPROVERS:
            raise AllowanceRefused("allowance: signed by somebody who is not in the roster in a role that may approve")
        signers[user.user] = bytes.fromhex(user.key)
    open_document(Allowance, signed, signers)
    return names[0]


def is_weaker(new: CappedCounting, old: CappedCounting) -> bool:
    """Whether a counting rule shows more than another one: a weaker mode, no caps, or a lower floor in exact mode."""
    if new.mode is not old.mode:
        return new.mode.is_weaker_than(old.mode)
    uncapped = new.caps == "unsafe_none" != old.caps
    return uncapped or (new.mode is CountingMode.EXACT and new.floor < old.floor)


def in_force(terms: CappedCounting, wishes: Iterable[CountingMode]) -> CappedCounting:
    """The counting rule of terms, made as strict as the strictest of these wishes."""
    modes = list(CountingMode)
    strictest = max([terms.mode, *wishes], key=modes.index)
    if strictest is terms.mode:
        return terms
    return CappedCounting(mode=strictest, floor=terms.floor, caps="budget")
