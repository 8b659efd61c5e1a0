"""The audit of a bundle, alone: no vault, no network, no escrow. Its steps are numbered in docs/audit.md.

What it rests on is the terms that all members have signed; that their keys are the members' own is for people to
compare (`MemberSeen.words`). It collects what it finds and does not stop at the first.
"""

from collections.abc import Sequence
from datetime import datetime

from cleanroom.audit.bundle import Bundle
from cleanroom.audit.findings import Findings
from cleanroom.audit.journals import check_journal
from cleanroom.audit.records import Records
from cleanroom.audit.replay import replayed
from cleanroom.audit.result import Audit, Event, MemberSeen
from cleanroom.audit.shown import shown, touched
from cleanroom.audit.terms import fingerprints, terms_in_force
from cleanroom.audit.tree import Tree
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import read_entry
from cleanroom.messages.identity import EscrowIdentity
from cleanroom.messages.rooms import AnyTerms, Member
from cleanroom.messages.signing import SignedDocument


def verify(
    bundle: Bundle, *, previous: Bundle | None = None, receipts: Sequence[str] = (), now: datetime | None = None
) -> Audit:
    """What an audit of the bundle finds. `previous` is an older bundle of the room, `receipts` are texts that are held.

    Raises:
        BundleRefused: it carries no terms that all members have signed, so that there is nothing to hold it against.
    """
    findings = Findings()
    events = _events(bundle.leaves, findings)
    documents: dict[str, SignedDocument] = {signed.digest(): signed for signed in bundle.documents}
    chain = terms_in_force(events, documents, findings)  # step 2
    terms = list(chain.values())[-1]
    words = fingerprints(terms, findings)
    _check_contents(bundle, terms, findings)
    tree = Tree(bundle.leaves, terms, findings)
    tree.read_checkpoint(bundle.checkpoint, now)  # steps 3 and 4
    for partner, note in bundle.cosigned.items():  # step 5
        tree.read_cosigned(partner, note)
    if previous is not None:
        tree.read_previous(previous.checkpoint)  # step 6
    for name, text in {**bundle.receipts, **{f"{number} given": text for number, text in enumerate(receipts)}}.items():
        tree.read_receipt(name, text)  # step 7
    for name, note in bundle.conflicts.items():
        tree.read_conflict(name, note)
    replay = replayed(events, documents, chain, tree, findings)  # steps 8 to 12, and 15
    records = Records(findings)
    records.check(bundle.records, replay)  # step 13
    for partner in sorted({*bundle.journal, bundle.contents.exported_by}):  # step 14
        check_journal(partner, bundle.journal.get(partner, ()), replay)
    tree.compare(events[-1].entry.at)
    return Audit(
        room=terms.room,
        title=terms.title,
        escrow_words=EscrowIdentity(identity_key=tree.key).fingerprint(),
        members=tuple(_seen(member, words.get(member.partner, ()), tree) for member in terms.members),
        size=tree.checkpoint.size,
        root=tree.checkpoint.root.hex(),
        at=instant(tree.since) if tree.since else "",
        findings=tuple(findings.found),
        events=events,
        policies={owner: tuple(versions) for owner, versions in replay.consent.policies.items()},
        shown=tuple(shown(records.holding, replay.documents.delivered)),
        touched=tuple(touched(records.holding)),
        segments=terms.segments,
        catalogue=terms.catalogue,
        checked=dict(sorted(findings.checked.items())),
        erased=records.erased,
        escrow=terms.escrow_key,
        charges=tuple(replay.counting.charges),
        refills=tuple(replay.counting.refills),
        began=replay.counting.began,
    )


def _events(leaves: Sequence[bytes], findings: Findings) -> tuple[Event, ...]:
    """Step 8's first half: every leaf is one canonical entry of a known type."""
    events = []
    for index, leaf in enumerate(leaves):
        with findings.at(f"entry {index}"):
            events.append(Event(index=index, entry=read_entry(leaf)))
    findings.checked["entries"] = len(leaves)
    return tuple(events)


def _check_contents(bundle: Bundle, terms: AnyTerms, findings: Findings) -> None:
    with findings.at("bundle.json"):
        same = (bundle.contents.room, bundle.contents.escrow_key) == (terms.room, terms.escrow_key)
        findings.require(same, "it names another room or escrow than the terms")
        findings.require(bundle.contents.exported_by in terms.identity_keys, "it is exported by nobody of the room")


def _seen(member: Member, words: tuple[str, ...], tree: Tree) -> MemberSeen:
    when, size = tree.seen.get(member.partner, (None, 0))
    return MemberSeen(
        partner=member.partner,
        name=member.name,
        words=words,
        cosigned_at=instant(when) if when else "",
        cosigned_size=size,
    )
