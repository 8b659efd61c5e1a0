"""The versions of a room's terms as a chain. The same lines for agents and the offline verifier.

Each version names the digest of the one before, and keeps room, escrow key and members. Who must sign it is everybody;
until then it waits.
"""

from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import SignedDocument, open_document


def open_terms(signed: SignedDocument, *, before: Terms | None) -> Terms:
    """A version that follows the one before, signed by members only; whether by all of them, its reader counts.

    Raises:
        DocumentRefused: it does not follow, or somebody else has signed it.
    """
    terms = read_document(Terms, signed.document)
    place = f"Terms: version {terms.version}"
    names = {signature.signer for signature in signed.signatures}
    if not names <= set(terms.identity_keys):
        raise DocumentRefused(f"{place} is signed by somebody who is no member")
    open_document(Terms, signed, {name: terms.identity_keys[name] for name in names})
    if (terms.version, terms.previous) != ((before.version + 1, before.digest()) if before else (1, "")):
        raise DocumentRefused(f"{place} does not follow from the one before")
    kept = before is None or (terms.room, terms.escrow_key, terms.members) == (
        (before.room, before.escrow_key, before.members)
    )
    if not kept:
        raise DocumentRefused(f"{place} has another room, escrow key or members than the one before")
    return terms
