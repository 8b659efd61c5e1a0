"""P10: every signed document of a room that this agent was shown, kept for audits after the escrow has deleted it.

Lists and their evaluations are not kept: they say how many rows there are, and the log has their digests.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.signing import SignedDocument

_NOT_KEPT: Final = ('"type":"snapshot/2"', '"type":"evaluation/1"')


def archive(agent: Agent, room: RoomId, documents: Iterable[SignedDocument]) -> None:
    """Keep documents; one that is kept already is replaced only if it has more signatures now."""
    prefix = _prefix(room)
    known = set(agent.vault.addresses(prefix))
    fresh = {
        address: signed
        for signed in documents
        if not any(kind in signed.document for kind in _NOT_KEPT)
        if (address := f"{prefix}{signed.digest()}/{len(signed.signatures)}") not in known
    }
    if fresh:
        with agent.vault.transaction():
            for address, signed in fresh.items():
                agent.save(address, signed)


def archived(agent: Agent, room: RoomId) -> Iterator[SignedDocument]:
    """All of them, by digest, each with as many signatures as were ever seen under it."""
    newest: dict[str, str] = {}
    for address in agent.vault.addresses(_prefix(room)):
        newest[address.rpartition("/")[0]] = address
    for address in newest.values():
        signed = agent.load(SignedDocument, address)
        if signed is not None:
            yield signed


def _prefix(room: RoomId) -> str:
    return f"ledger/{room}/documents/"
