"""Step 8 of the audit (docs/audit.md): the documents that a bundle carries, each held against what names it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cleanroom.audit.findings import Findings
from cleanroom.audit.result import Event
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages import entries
from cleanroom.messages.counting import Correction, CountingWish
from cleanroom.messages.documents import Document, read_document
from cleanroom.messages.entries import Entry
from cleanroom.messages.identity import partner_id_of
from cleanroom.messages.lists import Answer, EarlierAnswer
from cleanroom.messages.notices import Notice
from cleanroom.messages.openings import Opening
from cleanroom.messages.releases import Release
from cleanroom.messages.rooms import Enrolment, EpochKey, Withdrawal
from cleanroom.messages.signing import ESCROW, SignedDocument, open_document
from cleanroom.messages.users import Roster, roster_chain
from matching.disclosure.bands import band

_NAMED: Final[dict[type[Entry], tuple[type[Document], str, bool]]] = {
    entries.MemberNamed: (Enrolment, "partner", True),
    entries.PartnerWithdrew: (Withdrawal, "partner", True),
    entries.KeyPublished: (EpochKey, "partner", False),
    entries.AnswerGiven: (EarlierAnswer, ESCROW, True),
    entries.CountsReleased: (Answer, ESCROW, False),
    entries.CountingTightened: (CountingWish, "partner", True),
    entries.CorrectionAsked: (Correction, "partner", True),
    entries.OpeningRecorded: (Opening, "prover", False),
    entries.ReleaseRecorded: (Release, "sender", False),
    entries.NoticeSent: (Notice, "sender", False),
}
"""Which document an entry names, which member of the entry has signed it, and whether it must be carried."""
_BANDS: Final = ("matches", "rows")


@dataclass(slots=True, kw_only=True)
class Documents:
    """The documents by digest. Those of `delivered` must be carried; `keys` are the members' and the escrow's."""

    carried: Mapping[str, SignedDocument]
    delivered: frozenset[str]
    room: str
    keys: Mapping[str, bytes]
    findings: Findings
    named: set[str] = field(default_factory=set)

    def take(self, digest: str, *, required: bool) -> SignedDocument | None:
        """The document that an entry names, unread."""
        self.named.add(digest)
        signed = self.carried.get(digest)
        if signed is None and required:
            self.findings.broken("its document is not carried")
        elif signed is None:
            self.findings.checked["documents not carried"] += 1
        return signed

    def opened(self, entry: Any, digest: str | None = None) -> Any:  # noqa: ANN401 - of a type that the table has
        """The document of an entry (or one of its documents), signed by whom it must be.

        None: it is not carried, or was refused.
        """
        kind, who, required = _NAMED[type(entry)]
        digest = digest or entry.document
        signed = self.take(digest, required=required or digest in self.delivered)
        if signed is None:
            return None
        signer, document = who if who == ESCROW else getattr(entry, who), None
        with self.findings.at(self.findings.where):  # the entry's other checks are made in any case
            document = open_document(kind, signed, {signer: self.keys.get(signer, b"")})
            said = dict(document) | dict(getattr(document, "claim", ()))
            if isinstance(document, Enrolment):
                said["partner"] = partner_id_of(bytes.fromhex(document.identity_key))
            self.compare(entry, said)
            self.findings.checked["documents"] += 1
        return document

    def compare(self, entry: Entry, said: Mapping[str, Any]) -> None:
        """Every member that the entry and what a document says have both. The sizes in an entry are bands."""
        for name, value in entry:
            if name in said and name not in {"type", "at"}:
                same = value == (band(said[name]) if name in _BANDS else said[name])
                self.findings.require(same, f"`{name}` is not what its document says")
        self.findings.require(said.get("room", self.room) == self.room, "its document is of another room")

    def earlier_rosters(self, events: Sequence[Event]) -> dict[str, list[Roster]]:
        """Each member's versions from before the room, which no entry names: a chain from version 1."""
        logged = {event.entry.document for event in events if isinstance(event.entry, entries.RosterPublished)}
        found: dict[str, list[tuple[int, SignedDocument]]] = {}
        for digest, signed in self.carried.items():
            if digest not in logged and '"type":"roster/1"' in signed.document:
                with self.findings.at(f"roster {digest[:16]}"):
                    roster = read_document(Roster, signed.document)
                    found.setdefault(roster.partner, []).append((roster.version, signed))
                    self.named.add(digest)
        chains: dict[str, list[Roster]] = {partner: [] for partner in self.keys}
        for partner, versions in found.items():
            with self.findings.at(f"rosters of {partner}"):
                documents = [signed for _, signed in sorted(versions, key=lambda item: item[0])]
                key = self.keys.get(partner, b"")
                chains[partner] = list(roster_chain(documents, partner=PartnerId(partner), key=key))
        return chains
