"""Steps 3 to 7 and 12 of the audit (docs/audit.md): the log's tree, and every root that anybody has named of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cleanroom.audit.findings import Findings
from cleanroom.domain.vocabulary import PartnerId
from cleanroom.messages.documents import instant, moment
from cleanroom.messages.inclusion import read_inclusion
from cleanroom.messages.notes import (
    PLAIN,
    TIMED,
    Checkpoint,
    Note,
    NoteKey,
    cosigned,
    escrow_key,
    open_checkpoint,
    partner_key,
    read_note,
    room_origin,
)
from cleanroom.messages.policy_chain import CLOCK_SKEW
from cleanroom.messages.rooms import AnyTerms
from matching.merkle import HASH_BYTES, leaf_hash, prefix_roots

LONG: Final = timedelta(days=7)
"""How far behind a cosignature or a checkpoint may be before a reviewer is told."""


class Tree:
    """The leaves' tree. Roots that somebody names are collected, and compared at the end, all at once."""

    def __init__(self, leaves: Sequence[bytes], terms: AnyTerms, findings: Findings) -> None:
        self.key = bytes.fromhex(terms.escrow_key)
        self.origin = room_origin(self.key, terms.room)
        self.checkpoint = Checkpoint(self.origin, len(leaves), bytes(HASH_BYTES))
        self.since: datetime | None = None
        self.seen: dict[str, tuple[datetime, int]] = {}
        self._leaves, self._findings = leaves, findings
        keys = terms.identity_keys.items()
        self._witnesses = {partner: partner_key(PartnerId(partner), key) for partner, key in keys}
        timed = [escrow_key(self.key), *self._witnesses.values()]
        self._signers = {(self.origin, NoteKey(self.origin, self.key).id(PLAIN))}
        self._signers |= {(key.name, key.id(TIMED)) for key in timed}
        self._named: list[tuple[Checkpoint, str, str]] = []

    def read_checkpoint(self, text: str, now: datetime | None) -> None:
        """Steps 3 and 4. If it is refused, the size is taken, for the other findings, from the leaves."""
        findings = self._findings
        with findings.at("log/checkpoint"):
            self.checkpoint, self.since = self._opened(read_note(text))
            whole = self.checkpoint.size == len(self._leaves)
            findings.require(whole, f"{self.checkpoint}, but the bundle holds {len(self._leaves)} entries")
            if now is not None and self.since > now + CLOCK_SKEW:
                findings.noted("its moment is in the future")
            if now is not None and now - self.since > LONG:
                findings.noted(f"it is older than {LONG.days} days")

    def read_cosigned(self, partner: str, text: str) -> None:
        """Step 5: the newest note that a member has cosigned."""
        with self._findings.at(f"log/cosigned/{partner}"):
            note, witness = read_note(text), self._witnesses.get(partner)
            self._opened(note)
            own = witness is not None and note.of(witness, TIMED) is not None
            self._findings.require(own, "not cosigned by that member" if witness else "not a member of this room")

    def read_previous(self, text: str) -> None:
        """Step 6: the checkpoint of an earlier bundle."""
        with self._findings.at("the earlier bundle"):
            self._opened(read_note(text))

    def read_receipt(self, name: str, text: str) -> None:
        """Step 7: an entry that somebody holds a proof of."""
        with self._findings.at(f"receipt {name}"):
            receipt = read_inclusion(text)
            self._opened(receipt.checkpoint)
            here = self._leaves[receipt.index : receipt.index + 1] == [receipt.leaf]
            self._findings.require(here, f"its entry is not entry {receipt.index} of this log")
            self._findings.checked["receipts"] += 1

    def read_conflict(self, name: str, text: str) -> None:
        """Step 7: what the exporting agent has caught is broken in any case."""
        with self._findings.at(f"conflict {name}"):
            caught, _ = open_checkpoint(read_note(text), self.origin, self.key)
            self._findings.broken(f"the escrow has signed {caught} as well as {self.checkpoint}")

    def expect(self, size: int, root: bytes, whose: str) -> None:
        """Somebody has named this root of the tree of this size."""
        self._named.append((Checkpoint(self.origin, size, root), self._findings.where, whose))

    def compare(self, newest: str) -> None:
        """Every root that was named, with the tree's own; and how far each member is behind the newest entry."""
        findings, leaves = self._findings, len(self._leaves)
        sizes = [named.size for named, *_ in self._named if named.size <= leaves]
        roots = prefix_roots(b"".join(map(leaf_hash, self._leaves)), sizes)
        for named, where, whose in self._named:
            own = Checkpoint(self.origin, named.size, roots.get(named.size, b""))
            findings.checked["roots"] += 1
            with findings.at(where):
                if named.size > leaves:
                    findings.broken(f"{whose} {named} is of a larger log than the checkpoint's {self.checkpoint}")
                elif named != own:
                    with_this = f"and not of the log with the checkpoint {self.checkpoint}"
                    findings.broken(f"{whose} {named} is of another log: here it is {own}, {with_this}")
        for partner in self._witnesses:
            when, _ = self.seen.get(partner, (None, 0))
            with findings.at(f"member {partner}"):
                if when is None:
                    findings.noted("has never cosigned the log")
                elif moment(newest) - when > LONG:
                    days = f"{LONG.days} days or more before the newest entry"
                    findings.noted(f"has last cosigned at {instant(when)}, {days}")

    def _opened(self, note: Note) -> tuple[Checkpoint, datetime]:
        """A note of the log and its moment, with every member's cosignature on it checked. Raises CheckpointRefused."""
        checkpoint, since = open_checkpoint(note, self.origin, self.key)
        self.expect(checkpoint.size, checkpoint.root, "its checkpoint")
        if any((item.name, item.key_id) not in self._signers for item in note.signatures):
            self._findings.noted("a signature by somebody who is no member")
        for partner, witness in self._witnesses.items():
            when = cosigned(note, witness)
            if when is not None and checkpoint.size >= self.seen.get(partner, (when, 0))[1]:
                self.seen[partner] = (when, checkpoint.size)
        return checkpoint, since
