"""Step 14 of the audit (docs/audit.md): a partner's own journal of what it was about to upload, against the log."""

from collections.abc import Sequence

from cleanroom.audit.replay import Replay
from cleanroom.messages.records import HandedOver
from cleanroom.messages.signing import SignedDocument, open_document


def check_journal(partner: str, journal: Sequence[SignedDocument], replay: Replay) -> None:
    """One partner's chain; of what it has put on record, all that was delivered must be in it."""
    findings, documents = replay.findings, replay.documents
    own, noted, previous = replay.disclosed.get(partner, {}), set(), ""
    for number, signed in enumerate(journal, start=1):
        with findings.at(f"journal of {partner}, item {number}"):
            item = open_document(HandedOver, signed, {partner: documents.keys.get(partner, b"")})
            follows = (item.number, item.previous) == (number, previous)
            findings.require(follows, "does not follow the item before")
            here = (item.room, item.partner) == (documents.room, partner)
            findings.require(here, "of another room or partner")
            there = own.get(item.index) == item.document and item.index < item.log_size
            findings.require(there, f"its document is not what entry {item.index} puts on record")
            replay.tree.expect(item.log_size, bytes.fromhex(item.log_root), "its partner has witnessed")
            noted.add(item.document)
            findings.checked["journal items"] += 1
        previous = signed.digest()
    for index, document in own.items():
        if document in documents.delivered and document not in noted:
            with findings.at(f"journal of {partner}"):
                findings.broken(f"entry {index} was handed over, and is not in it")
