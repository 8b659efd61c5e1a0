"""Partners whose people are published, for tests of what these sign."""

from dataclasses import dataclass
from typing import Any

from conftest import Setting
from httpx2 import Response
from partner import Partner, digest_in
from policymakers import Person, envelope, policy_document, roster_of, showing

from cleanroom.domain.vocabulary import Role
from cleanroom.messages.policies import PolicyDocument
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.users import Roster
from cleanroom.policy.model import Policy


@dataclass
class Side:
    """A partner whose people are published, in a room."""

    partner: Partner
    setting: Setting
    admin: Person
    reviewer: Person
    roster: Roster

    def document(self, policy: Policy, before: PolicyDocument | None = None, **changes: Any) -> PolicyDocument:  # noqa: ANN401 - any member
        made = {"roster": self.roster, "author": self.admin, "terms": self.setting.terms, **changes}
        return policy_document(policy, before=before, **made)

    def signed(self, document: PolicyDocument, *more: Person) -> SignedDocument:
        return envelope(document, self.partner, self.admin, *more)

    def showing(self, *pairs: tuple[str, str]) -> Policy:
        return showing(self.partner.id, *pairs)

    def put(self, document: PolicyDocument, *more: Person, version: int | None = None) -> Response:
        return self.partner.put(self.path(version or document.version), self.signed(document, *more))

    def propose(self, document: PolicyDocument, *more: Person) -> Response:
        return self.partner.put(self.path(document.version) + "/proposal", self.signed(document, *more))

    def path(self, version: int) -> str:
        return f"/v1/rooms/{self.setting.room}/policies/{self.partner.id}/{version}"

    def change_people(self, *people: Person) -> None:
        after = roster_of(self.partner.id, *people, before=self.roster)
        path = f"/v1/partners/{self.partner.id}/rosters/{after.version}"
        digest_in(self.partner.put(path, envelope(after, self.partner, self.admin)))
        self.roster = after


def staffed(partner: Partner, setting: Setting, *more: Person) -> Side:
    admin, reviewer = Person(Role.ADMIN), Person(Role.SECURITY_REVIEWER)
    roster = roster_of(partner.id, admin, reviewer, *more)
    digest_in(partner.put(f"/v1/partners/{partner.id}/rosters/1", envelope(roster, partner)))
    return Side(partner, setting, admin, reviewer, roster)
