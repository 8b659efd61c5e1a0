"""A receipt, checked, on the screen and for scripts."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from cleanroom.audit.words import ESCROW, Names, actor, words
from cleanroom.cli.output import facts, printable
from cleanroom.cli.words import ago, counted
from cleanroom.domain.errors import InputRefused
from cleanroom.messages.documents import instant
from cleanroom.messages.entries import AnyEntry, leaf, read_entry
from cleanroom.messages.identity import EscrowIdentity, check_identity_key, partner_id_of
from cleanroom.messages.inclusion import Inclusion, read_inclusion
from cleanroom.messages.notes import (
    Checkpoint,
    CheckpointRefused,
    cosigned,
    escrow_key,
    open_checkpoint,
    partner_key,
    read_checkpoint,
)

_PARTNERS = "cleanroom/1/partners/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A receipt that holds under the escrow's key. `unchecked` are ids of members whose key was not given."""

    inclusion: Inclusion
    entry: AnyEntry
    checkpoint: Checkpoint
    at: datetime
    escrow_words: tuple[str, ...]
    cosigned: dict[str, datetime]
    unchecked: tuple[str, ...]


def checked(text: str, *, escrow_keys: Sequence[str], member_keys: Sequence[str]) -> Checked:
    """The receipt, seen to hold.

    Raises:
        InputRefused: a key is none.
        CheckpointRefused, EntryRefused: the receipt does not hold, or not under these keys.
    """
    keys = [_key("escrow-key", given) for given in escrow_keys]
    members = {partner_id_of(key): key for key in (_key("member-key", given) for given in member_keys)}
    inclusion = read_inclusion(text)
    note = inclusion.checkpoint
    origin = read_checkpoint(note).origin
    key = next((key for key in keys if origin.startswith(f"{escrow_key(key).name}/")), None)
    if key is None:
        raise CheckpointRefused("receipt: of a log of another escrow")
    checkpoint, at = open_checkpoint(note, origin, key)
    moments = {partner: cosigned(note, partner_key(partner, public)) for partner, public in members.items()}
    found = {str(partner): moment for partner, moment in moments.items() if moment is not None}
    claimed = (line.name.removeprefix(_PARTNERS) for line in note.signatures if line.name.startswith(_PARTNERS))
    return Checked(
        inclusion=inclusion,
        entry=read_entry(inclusion.leaf),
        checkpoint=checkpoint,
        at=at,
        escrow_words=EscrowIdentity(identity_key=key).fingerprint(),
        cosigned=found,
        unchecked=tuple(name for name in claimed if name not in found),
    )


def receipt_screen(found: Checked, now: datetime) -> list[RenderableType]:
    """What is proven, and by whom."""
    names = Names(members={}, versions={}, segments=())
    entry, checkpoint = found.entry, found.checkpoint
    who = actor(entry)
    at = instant(found.at)
    rows: list[tuple[str, RenderableType]] = [
        ("Entry", f"{found.inclusion.index} of {counted(checkpoint.size, 'entry', 'entries')}"),
        ("When", f"{ago(entry.at, now)} ({entry.at})"),
        ("Who", "the escrow" if who == ESCROW else who),
        ("What", printable(words(entry, names))),
        ("Type", entry.type),
        ("Document", getattr(entry, "document", "") or "none"),
        ("Log", printable(checkpoint.origin)),
        ("Root", checkpoint.root.hex()),
        ("Escrow signed", f"{ago(at, now)} ({at})"),
        ("Its words", " ".join(found.escrow_words)),
    ]
    rows += [("Cosigned", f"{partner}, {instant(moment)}") for partner, moment in found.cosigned.items()]
    rows += [("Not checked", f"a cosignature of {printable(name)}: --member-key HEX") for name in found.unchecked]
    return [Text("Holds: the entry is in the log that the escrow signed.", style="bold green"), facts(rows)]


def receipt_document(found: Checked) -> dict[str, object]:
    """The same for scripts."""
    return {
        "holds": True,
        "entry": json.loads(leaf(found.entry)),
        "index": found.inclusion.index,
        "log": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "at": instant(found.at),
        "escrow_words": found.escrow_words,
        "cosigned": {partner: instant(moment) for partner, moment in found.cosigned.items()},
        "unchecked": found.unchecked,
    }


def _key(option: str, given: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{64}", given.strip().lower()):
        raise InputRefused(f"{option}: 64 hex characters")
    key = bytes.fromhex(given.strip())
    check_identity_key(key)
    return key
