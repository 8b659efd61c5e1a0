"""Releases and notices of a room's view, each signed by the member it names, numbered, and bound to this room.

My own releases are a chain from number 1. Of the other side's, the escrow shows a run without gaps; what came before it
may be withheld for ever, because the policies it names are no more. Notices are numbered from 1 without gaps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cleanroom.domain.vocabulary import Digest, PartnerId
from cleanroom.messages.api import NoticeBody
from cleanroom.messages.documents import DocumentRefused, read_document
from cleanroom.messages.notices import Notice, NoticeRefused
from cleanroom.messages.releases import Release
from cleanroom.messages.rooms import Terms
from cleanroom.messages.signing import SignedDocument, open_document


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedNotice:
    """A notice with its words, which only the recipient can unseal."""

    notice: Notice
    words: bytes = field(repr=False)


def read_releases(
    documents: tuple[SignedDocument, ...], *, terms: Terms, epoch: int, versions: frozenset[Digest], me: PartnerId
) -> Mapping[PartnerId, tuple[Release, ...]]:
    """The epoch's releases by sender, oldest first.

    Raises:
        DocumentRefused: if one is not what it must be.
    """
    chains: dict[PartnerId, list[Release]] = {member.partner: [] for member in terms.members}
    for signed in documents:
        sender = read_document(Release, signed.document).sender
        release = open_document(Release, signed, _signer(terms, sender))
        if release.room != terms.room or release.epoch != epoch or release.terms not in versions:
            raise DocumentRefused("Release: bound to another room, epoch or terms")
        if release.recipient != terms.other(sender).partner:
            raise DocumentRefused("Release: to somebody who is not the other member")
        chain = chains[sender]
        first = 1 if sender == me else release.number
        expected = (chain[-1].number + 1, chain[-1].digest()) if chain else (first, release.previous)
        if (release.number, release.previous) != expected:
            raise DocumentRefused("Release: does not follow from the one before")
        if chain and release.round < chain[-1].round:
            raise DocumentRefused("Release: of an earlier round than the one before")
        chain.append(release)
    return {partner: tuple(chain) for partner, chain in chains.items()}


def read_notices(bodies: tuple[NoticeBody, ...], *, terms: Terms) -> Mapping[PartnerId, tuple[SealedNotice, ...]]:
    """All notices of a room by sender, oldest first.

    Raises:
        DocumentRefused, NoticeRefused: if one is not what it must be.
    """
    chains: dict[PartnerId, list[SealedNotice]] = {member.partner: [] for member in terms.members}
    for body in bodies:
        sender = read_document(Notice, body.notice.document).sender
        notice = open_document(Notice, body.notice, _signer(terms, sender))
        chain = chains[sender]
        if notice.room != terms.room or notice.recipient != terms.other(sender).partner:
            raise DocumentRefused("Notice: of another room, or to somebody who is not the other member")
        if notice.number != len(chain) + 1:
            raise DocumentRefused("Notice: does not follow from the one before")
        words = bytes.fromhex(body.words)
        if not notice.fits(words):
            raise NoticeRefused("notice: its words are not those that were signed")
        chain.append(SealedNotice(notice=notice, words=words))
    return {partner: tuple(chain) for partner, chain in chains.items()}


def _signer(terms: Terms, partner: PartnerId) -> dict[str, bytes]:
    return {partner: bytes.fromhex(terms.member(partner).identity_key)}
