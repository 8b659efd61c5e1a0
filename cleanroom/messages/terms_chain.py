"""The versions of a room's terms as a chain. The same lines for agents and the offline verifier.

Each version names the digest of the one before, and keeps room, escrow key and members. Who must sign it is everybody;
until then it waits. A version in force that changes how lists are made or compared begins an epoch: fresh scalars, so
that what was committed under the old terms never meets what is committed under the new ones.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeVar

from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.rooms import AnyTerms, EarlierTerms, Terms, UnbudgetedTerms
from cleanroom.messages.signing import SignedDocument, open_document

_T = TypeVar("_T", bound=AnyTerms)

WITHIN_AN_EPOCH: Final = frozenset(
    {
        *("version", "previous", "title", "purpose", "use", "counting", "fields", "quota", "expires"),
        *("declared", "limits", "new_tokens", "answer_interval"),
    }
)
"""What terms may change while an epoch goes on. Any other change, such as of the kinds' recipes, begins one."""


def begins_epoch(before: AnyTerms, after: AnyTerms) -> bool:
    """Whether a new epoch begins when `after` comes into force in place of `before`."""
    one, other = dict(before), dict(after)
    return any(one.get(name) != other.get(name) for name in (one.keys() | other.keys()) - WITHIN_AN_EPOCH)


def amended_epochs(in_force: Sequence[AnyTerms]) -> int:
    """How many epochs were begun by versions of the terms: all that are or were in force, oldest first."""
    return sum(begins_epoch(before, after) for before, after in pairwise(in_force))


def of_this_epoch(in_force: Sequence[_T]) -> Sequence[_T]:
    """The versions since the last one that began an epoch, itself included: what this epoch's documents may name."""
    begun = [place for place, (before, after) in enumerate(pairwise(in_force), 1) if begins_epoch(before, after)]
    return in_force[begun[-1] if begun else 0 :]


def open_terms(signed: SignedDocument, *, before: Terms | None) -> Terms:
    """A version that follows the one before, signed by members only; whether by all of them, its reader counts.

    Raises:
        DocumentRefused: it does not follow, or somebody else has signed it.
    """
    return _opened(Terms, signed, before)


def open_any_terms(signed: SignedDocument, *, before: AnyTerms | None) -> AnyTerms:
    """`open_terms`, and those of earlier releases."""
    return _opened(type_of(signed), signed, before)


def type_of(signed: SignedDocument) -> type[AnyTerms]:
    """Which type of terms a document claims to be. Reading it as that shows whether it is."""
    # Inside of a text of JSON quotes are escaped, so this is a member and no title.
    earlier: dict[str, type[AnyTerms]] = {'"type":"terms/2"': EarlierTerms, '"type":"terms/3"': UnbudgetedTerms}
    return next((kind for mark, kind in earlier.items() if mark in signed.document), Terms)


def _opened(kind: type[_T], signed: SignedDocument, before: AnyTerms | None) -> _T:
    terms = read_document(kind, signed.document)
    place = f"Terms: version {terms.version}"
    names = {signature.signer for signature in signed.signatures}
    if not names <= set(terms.identity_keys):
        raise DocumentRefused(f"{place} is signed by somebody who is no member")
    open_document(kind, signed, {name: terms.identity_keys[name] for name in names})
    if (terms.version, terms.previous) != ((before.version + 1, before.digest()) if before else (1, "")):
        raise DocumentRefused(f"{place} does not follow from the one before")
    kept = before is None or (terms.room, terms.escrow_key, terms.members) == (
        (before.room, before.escrow_key, before.members)
    )
    if not kept:
        raise DocumentRefused(f"{place} has another room, escrow key or members than the one before")
    return terms
