"""P9: from what leaves of matches to sealed batches, each bound to its place in one release."""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cleanroom.agent.release_content import MOST_TEXT, Content
from cleanroom.domain.vocabulary import Digest
from cleanroom.messages.releases import (
    BATCH_MATCHES,
    Payload,
    Release,
    ReleasedMatch,
    SealedBatch,
    pad,
    release_info,
)
from cleanroom.messages.sealing import seal

SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPayload:
    """A batch as it leaves, and what the release's document says of it."""

    sealed: bytes = field(repr=False)
    described: SealedBatch


def payloads(hash_key: bytes, contents: Sequence[Content]) -> Iterator[Payload]:
    """The contents in order: at most `BATCH_MATCHES` matches each, and not more text than a batch can hold."""

    def payload() -> Payload:
        return Payload(hash_key=hash_key.hex(), matches=tuple(waiting), salt=secrets.token_hex(SALT_BYTES))

    waiting: list[ReleasedMatch] = []
    size = 0
    for content in contents:
        if waiting and (len(waiting) == BATCH_MATCHES or size + len(content.text) > MOST_TEXT):
            yield payload()
            waiting, size = [], 0
        waiting.append(content.released)
        size += len(content.text) + 1
    if waiting:
        yield payload()


def sealed_batch(release: Release, index: int, payload: Payload, recipient: bytes) -> SealedPayload:
    """A batch sealed to the recipient's key (1216 bytes) as number `index` of a release."""
    handles = payload.handles()
    sealed = seal(pad(payload), recipient, release_info(release, index, handles))
    digest = Digest(hashlib.sha256(sealed).hexdigest())
    described = SealedBatch(sealed=digest, size=len(sealed), handles=Digest(handles))
    return SealedPayload(sealed=sealed, described=described)
