"""Step 2 of the audit (docs/audit.md): the terms that all members have signed. Everything else is held against them."""

from collections.abc import Mapping, Sequence

from cleanroom.audit.bundle import BundleRefused
from cleanroom.audit.findings import Findings, place
from cleanroom.audit.result import Event
from cleanroom.messages.entries import TermsSigned
from cleanroom.messages.identity import PublicIdentity
from cleanroom.messages.rooms import AnyTerms
from cleanroom.messages.signing import SignedDocument
from cleanroom.messages.terms_chain import open_any_terms


def terms_in_force(
    events: Sequence[Event], documents: Mapping[str, SignedDocument], findings: Findings
) -> dict[str, AnyTerms]:
    """The versions that were ever in force by digest, in order.

    Raises:
        BundleRefused: there is none; then nothing else can be checked.
    """
    chain: dict[str, AnyTerms] = {}
    for event in events:
        entry = event.entry
        if not isinstance(entry, TermsSigned) or not entry.in_force:
            continue
        with findings.at(place(event)):
            signed = documents.get(entry.document)
            if signed is None:
                findings.broken("its document is not carried")
                continue
            terms = open_any_terms(signed, before=next(reversed(chain.values()), None))
            named = entry.version == terms.version and entry.partner in terms.identity_keys
            findings.require(named, "partner or version is not what its document says")
            by_all = len(signed.signatures) == len(terms.members)
            if findings.require(by_all, "its document is not signed by all members"):
                chain[entry.document] = terms
    if not chain:
        raise BundleRefused("bundle: it carries no terms that all members have signed")
    return chain


def fingerprints(terms: AnyTerms, findings: Findings) -> dict[str, tuple[str, ...]]:
    """The words over each member's keys, by member; its id is made of them."""
    words: dict[str, tuple[str, ...]] = {}
    for member in terms.members:
        with findings.at(f"member {member.partner}"):
            key, sealing_key = bytes.fromhex(member.identity_key), bytes.fromhex(member.sealing_key)
            identity = PublicIdentity(identity_key=key, sealing_key=sealing_key)
            findings.require(identity.partner_id == member.partner, "its id is not made of its identity key")
            words[member.partner] = identity.fingerprint()
    return words
