"""P10: the records behind releases, mine and the other side's, as the vault keeps them: a line for each match.

A line is the record's canonical JSON, or `{"erased": "<its leaf's hash>"}` once it was erased: then nothing tells any
more which accounts or fields it was about, and the release's root still holds.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import RoomId
from cleanroom.messages.records import read_record, record_of, records_root
from cleanroom.messages.releases import Payload
from matching import merkle

Cells = Iterable[tuple[int, int]]
"""Of each match in order: the sender's segment and the recipient's."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one release, in its order."""

    leaves: Sequence[bytes] = field(repr=False)

    @property
    def root(self) -> str:
        """What the release names."""
        return records_root(map(merkle.leaf_hash, self.leaves))

    def lines(self) -> bytes:
        """As the vault keeps them."""
        return b"\n".join(self.leaves)


def records_of(payloads: Sequence[Payload], cells: Cells) -> Records:
    """The records of what a release shows."""
    salted = ((match, bytes.fromhex(payload.salt)) for payload in payloads for match in payload.matches)
    return Records([record_of(match, cell, salt).leaf() for (match, salt), cell in zip(salted, cells, strict=True)])


def address(room: RoomId, release: str) -> str:
    """Where the records of a release are, by its digest."""
    return f"{_prefix(room)}{release}"


def lines_of(agent: Agent, room: RoomId) -> dict[str, list[bytes]]:
    """The lines of all releases that this agent has made or received, by digest."""
    prefix = _prefix(room)
    found = {name.removeprefix(prefix): agent.vault.get(name) or b"" for name in agent.vault.addresses(prefix)}
    return {release: data.split(b"\n") if data else [] for release, data in found.items()}


def erase(agent: Agent, room: RoomId, handles: Iterable[str]) -> int:
    """Forget what was shown of matches with one of these handles, for good. Says how many records there were."""
    wanted, erased = set(handles), 0
    with agent.vault.transaction():
        for release, lines in lines_of(agent, room).items():
            kept = [_erased(line) if _speaks_of(line, wanted) else line for line in lines]
            changed = sum(old != new for old, new in zip(lines, kept, strict=True))
            if changed:
                agent.vault.put(address(room, release), b"\n".join(kept))
                erased += changed
    return erased


def _speaks_of(line: bytes, handles: set[str]) -> bool:
    if b'{"erased":' in line[:10]:
        return False
    record = read_record(line)
    return bool({record.sender, record.recipient} & handles)


def _erased(line: bytes) -> bytes:
    return json.dumps({"erased": merkle.leaf_hash(line).hex()}, separators=(",", ":")).encode()


def _prefix(room: RoomId) -> str:
    return f"ledger/{room}/records/"
