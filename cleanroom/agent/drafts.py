"""What the vault keeps of this partner's policies in a room: the draft, what is in force, and the words as typed.

All of it is under `policies/{room}/`: it survives epochs, and goes when the room is left.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.documents import DigestText, Number, Wire, as_tuple, digest_of
from cleanroom.messages.signing import Signature

LONGEST_TEXT = 1_000_000


class Remembered(Wire):
    """A version of a policy, as the vault remembers it."""

    version: Number
    digest: DigestText


class DraftRecord(Wire):
    """A policy that is not known to be in force: its text, the signatures so far, and the YAML that it was made of.

    `sent`: this home has asked for it to be put in force. Only then may it be; for one person alone, proposal and
    approval carry the same signatures, and the escrow could pass the one off as the other.
    """

    version: Number
    sent: bool
    document: str
    signatures: Annotated[tuple[Signature, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    yaml: Annotated[str, Field(max_length=LONGEST_TEXT)]

    @property
    def remembered(self) -> Remembered:
        """What the vault remembers of it once it is in force."""
        return Remembered(version=self.version, digest=digest_of(self.document))


def policies_prefix(room: RoomId) -> str:
    """Where the vault keeps what concerns a room's policies."""
    return f"policies/{room}/"


def own(agent: Agent, room: RoomId) -> Remembered | None:
    """This partner's policy in force, as far as this vault knows."""
    return agent.load(Remembered, _in_force(room))


def theirs(agent: Agent, room: RoomId) -> Remembered | None:
    """The newest policy of the other side that this vault has seen."""
    return agent.load(Remembered, _theirs(room))


def remember_theirs(agent: Agent, room: RoomId, seen: Remembered) -> None:
    """Remember the other side's newest policy; an older one than is known already changes nothing."""
    known = theirs(agent, room)
    if known is None or known.version < seen.version:
        agent.save(_theirs(room), seen)


def load(agent: Agent, room: RoomId) -> DraftRecord | None:
    """The draft, if there is one."""
    return agent.load(DraftRecord, _draft(room))


def save(agent: Agent, room: RoomId, draft: DraftRecord) -> None:
    """Keep a draft in place of the one before."""
    agent.save(_draft(room), draft)


def promote(agent: Agent, room: RoomId, draft: DraftRecord) -> None:
    """The draft is in force: its words are kept beside its version, and it is a draft no more."""
    with agent.vault.transaction():
        agent.save(_in_force(room), draft.remembered)
        agent.vault.put(f"{policies_prefix(room)}text/{draft.version}", draft.yaml.encode())
        if load(agent, room) == draft:
            agent.vault.delete(_draft(room))


def typed(agent: Agent, room: RoomId, version: int) -> str | None:
    """The YAML that a version of this partner's policy was made of, as it was typed."""
    stored = agent.vault.get(f"{policies_prefix(room)}text/{version}")
    return None if stored is None else stored.decode()


def _draft(room: RoomId) -> str:
    return policies_prefix(room) + "draft"


def _in_force(room: RoomId) -> str:
    return policies_prefix(room) + "in-force"


def _theirs(room: RoomId) -> str:
    return policies_prefix(room) + "theirs"
