"""A partner that makes openings by hand: it knows its own scalar, has read the victim's opening, and signs anything."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cleanroom.agent import opening, openings_received
from cleanroom.agent.epochs import epoch_secrets
from cleanroom.agent.rooms import Room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.documents import instant
from cleanroom.messages.openings import PART_ROWS, Claim, OpenedRow, Opening, encode_rows, points_of
from cleanroom.messages.signing import SignedDocument
from matching import proof
from matching.group import Scalar
from matching.rows import Bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Handmade:
    """A signed opening and its parts."""

    signed: SignedDocument
    parts: tuple[bytes, ...]


def decoded(made: Opening, parts: Sequence[bytes]) -> list[OpenedRow]:
    """The rows of an opening."""
    return openings_received._decoded(made.claim, list(parts))  # noqa: SLF001 - only reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """A partner that knows its own scalar, has read the victim's opening, and signs what it likes."""

    agent: Agent
    room: Room
    claim: Claim
    rows: tuple[OpenedRow, ...] = field(repr=False)

    @classmethod
    def of(cls, agent: Agent, room: Room) -> "Prover":
        """With its honest opening of the room's round."""
        assert room.round is not None
        made = opening.own_opening(agent, room, room.round.number)
        assert made is not None
        rows = decoded(*made)
        return cls(agent=agent, room=room, claim=made[0].claim, rows=tuple(rows))

    @property
    def scalar(self) -> Scalar:
        return epoch_secrets(self.agent, self.room).scalar

    def made(
        self,
        rows: Sequence[OpenedRow],
        *,
        scalar: Scalar | None = None,
        prove: Callable[[Claim, Bytes, Bytes], bytes] | None = None,
        signer: Agent | None = None,
        **claims: object,
    ) -> Handmade:
        """A signed opening of these rows; its proofs are honest attempts unless `prove` makes another."""
        parts = [rows[start : start + PART_ROWS] for start in range(0, len(rows), PART_ROWS)]
        encoded = tuple(encode_rows(part) for part in parts)
        digests = [Digest(hashlib.sha256(data).hexdigest()) for data in encoded]
        members = {**self.claim.model_dump(), "rows": len(rows), "parts": digests, **claims}
        claim = Claim.model_validate(members)
        proofs = []
        for number, part in enumerate(parts):
            if prove is not None:
                proofs.append(prove(claim, *points_of(part)).hex())
                continue
            known = (scalar or self.scalar, bytes.fromhex(claim.prover_key))
            proofs.append(proof.prove(*known, *points_of(part), statement=claim.statement(number)).hex())
        made = Opening(claim=claim, proofs=tuple(proofs), created=instant(self.agent.clock()))
        return Handmade(signed=(signer or self.agent).sign(made), parts=encoded)

    def honest(self) -> Handmade:
        return self.made(self.rows)


def swapped(rows: Sequence[OpenedRow], name: str, i: int = 0, j: int = 1) -> list[OpenedRow]:
    """Two rows that exchange one member."""
    found = list(rows)
    found[i], found[j] = (
        replace(rows[i], **{name: getattr(rows[j], name)}),
        replace(rows[j], **{name: getattr(rows[i], name)}),
    )
    return found
