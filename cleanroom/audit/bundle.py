"""The file that an agent exports and anybody may check: a room's log, the signed documents that it names, and records.

One zip file, read without extracting anything to disk. What belongs in which member is in docs/audit.md. Reading says
that the file has the form of a bundle; whether what it says is true is `cleanroom.audit.verify`'s business.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import ValidationError

from cleanroom.domain.errors import VerificationFailed
from cleanroom.messages.documents import Bytes32, Instant, PartnerName, RoomName, Wire
from cleanroom.messages.entries import MOST_LEAF_BYTES, EntryRefused, bundled, unbundled
from cleanroom.messages.signing import SignedDocument
from matching.merkle import HASH_BYTES
from matching.refusal import Refusal
from matching.tiles import WIDTH, bundles, read_tile_name, tile_name

SUFFIX: Final = ".cleanroom-audit"
MOST_BYTES: Final = 2 << 30
"""What all members together may unpack to."""
MOST_NOTE_BYTES: Final = 128 << 10
MOST_TILE_BYTES: Final = WIDTH * (2 + MOST_LEAF_BYTES)
_ERASED, _END = b'{"erased":"', b'"}'
_MADE: Final = (1980, 1, 1, 0, 0, 0)
_PARTNER, _DIGEST, _NAME = r"([0-9a-f]{32})", r"([0-9a-f]{64})", r"([0-9a-z][0-9a-z._-]{0,99})"
_MEMBERS: Final = {
    "contents": (r"bundle\.json", MOST_NOTE_BYTES),
    "checkpoint": (r"log/checkpoint", MOST_NOTE_BYTES),
    "cosigned": (rf"log/cosigned/{_PARTNER}", MOST_NOTE_BYTES),
    "tile": (r"log/tile/entries/([0-9x/.p]{3,40})", MOST_TILE_BYTES),
    "documents": (r"documents\.jsonl", MOST_BYTES),
    "records": (rf"records/{_DIGEST}\.jsonl", MOST_BYTES),
    "journal": (rf"journal/{_PARTNER}\.jsonl", MOST_BYTES),
    "receipts": (rf"receipts/{_NAME}\.tlog-proof", MOST_NOTE_BYTES),
    "conflicts": (rf"conflicts/{_NAME}\.note", MOST_NOTE_BYTES),
}
"""The patterns of the members' names, each with the most bytes that one has."""


class BundleRefused(VerificationFailed):
    """The file is no bundle of a room's ledger, or not one that can be checked."""

    code = "bundle_refused"


class Contents(Wire):
    """The table of contents. Nobody signs it: what it says is checked elsewhere, or only shown."""

    created: Instant
    escrow_key: Bytes32
    exported_by: PartnerName
    format: Literal["cleanroom-audit/1"] = "cleanroom-audit/1"
    room: RoomName


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What one file holds, unchecked. `checkpoint`, `cosigned` (by partner) and `conflicts` (by name) are notes' texts.

    `records` has the lines of each release, by its digest: a record's canonical JSON, or `erased_line`. `journal` is by
    partner, `receipts` (texts) by name.
    """

    contents: Contents
    leaves: Sequence[bytes] = field(repr=False)
    checkpoint: str
    cosigned: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[SignedDocument, ...] = ()
    records: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    journal: Mapping[str, tuple[SignedDocument, ...]] = field(default_factory=dict)
    receipts: Mapping[str, str] = field(default_factory=dict)
    conflicts: Mapping[str, str] = field(default_factory=dict)


def erased_line(leaf_hash: bytes) -> bytes:
    """What stands in the place of a record that was erased."""
    return _ERASED + leaf_hash.hex().encode() + _END


def erased_hash(line: bytes) -> bytes | None:
    """The hash that stands in the place of an erased record; None for any other line."""
    try:
        found = bytes.fromhex(line[len(_ERASED) : -len(_END)].decode())
    except ValueError:
        return None
    return found if line == erased_line(found) and len(found) == HASH_BYTES else None


def write(path: Path, bundle: Bundle) -> None:
    """Write the file, in place of any other. The same bundle always gives the same members in the same order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _members(bundle):
            member = zipfile.ZipInfo(name, date_time=_MADE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)


def read(path: Path) -> Bundle:
    """What the file holds.

    Raises:
        BundleRefused: naming the member and the rule: unknown, repeated, too large, damaged, or not in its one form.
    """
    found: dict[str, dict[str, bytes]] = {kind: {} for kind in _MEMBERS}
    try:
        with zipfile.ZipFile(path) as archive:
            for kind, name, member in _known(archive.infolist()):
                found[kind][name] = _unpacked(archive, member)
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, NotImplementedError):
        raise BundleRefused("bundle: not a zip file that can be read") from None
    for kind in ("contents", "checkpoint", "documents"):
        if not found[kind]:
            raise BundleRefused(f"bundle: it has no {kind}")
    contents = _read_all("contents", found, _contents)
    documents = _read_all("documents", found, _documents)[""]
    if len({signed.digest() for signed in documents}) < len(documents):
        raise BundleRefused("documents.jsonl: a document repeats")
    return Bundle(
        contents=contents[""],
        leaves=_leaves(found["tile"]),
        checkpoint=_read_all("checkpoint", found, bytes.decode)[""],
        cosigned=_read_all("cosigned", found, bytes.decode),
        documents=documents,
        records=_read_all("records", found, _lines),
        journal=_read_all("journal", found, _documents),
        receipts=_read_all("receipts", found, bytes.decode),
        conflicts=_read_all("conflicts", found, bytes.decode),
    )


def _members(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    yield "bundle.json", bundle.contents.model_dump_json().encode()
    yield "log/checkpoint", bundle.checkpoint.encode()
    yield from ((f"log/cosigned/{partner}", note.encode()) for partner, note in sorted(bundle.cosigned.items()))
    for number, width in bundles(0, len(bundle.leaves)):
        leaves = bundle.leaves[number * WIDTH : number * WIDTH + width]
        yield f"log/tile/entries/{tile_name(number, width)}", bundled(leaves)
    yield "documents.jsonl", _text(bundle.documents)
    for release, lines in sorted(bundle.records.items()):
        yield f"records/{release}.jsonl", b"".join(line + b"\n" for line in lines)
    for partner, documents in sorted(bundle.journal.items()):
        yield f"journal/{partner}.jsonl", _text(documents)
    yield from ((f"receipts/{name}.tlog-proof", text.encode()) for name, text in sorted(bundle.receipts.items()))
    yield from ((f"conflicts/{name}.note", text.encode()) for name, text in sorted(bundle.conflicts.items()))


def _known(members: Sequence[zipfile.ZipInfo]) -> Iterator[tuple[str, str, zipfile.ZipInfo]]:
    """Each member with its kind and its name within that. All sizes are checked before anything is unpacked."""
    if len({member.filename for member in members}) < len(members):
        raise BundleRefused("bundle: a member repeats")
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise BundleRefused("bundle: it unpacks to more than a bundle may")
    for place, member in enumerate(members):
        for kind, (pattern, most) in _MEMBERS.items():
            if named := re.fullmatch(pattern, member.orig_filename):
                if member.file_size > most:
                    raise BundleRefused(f"{member.filename}: larger than it may be")
                yield kind, named[1] if named.groups() else "", member
                break
        else:
            raise BundleRefused(f"bundle: member {place} is of no known kind")


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BundleRefused(f"{member.filename}: encrypted, or packed in a way that is not read")
    with archive.open(member) as unpacking:  # never gives more than the size that is declared
        data = unpacking.read()
    if len(data) != member.file_size:
        raise BundleRefused(f"{member.filename}: not as long as it says")
    return data


T = TypeVar("T")


def _read_all(kind: str, found: Mapping[str, Mapping[str, bytes]], reader: Callable[[bytes], T]) -> dict[str, T]:
    done: dict[str, T] = {}
    for name, data in found[kind].items():
        try:
            done[name] = reader(data)
        except (ValidationError, UnicodeDecodeError):
            raise BundleRefused(f"{kind} {name}".strip() + ": not in its one form") from None
    return done


def _leaves(tiles: Mapping[str, bytes]) -> list[bytes]:
    try:
        by_number = sorted((*read_tile_name(name), data) for name, data in tiles.items())
    except Refusal as refusal:
        raise BundleRefused(f"log/tile/entries: {refusal.rule}") from None
    leaves: list[bytes] = []
    for place, (number, width, data) in enumerate(by_number):
        if number != place or (width < WIDTH and place < len(by_number) - 1):
            raise BundleRefused(f"log/tile/entries: tile {place} is missing, not full, or there twice")
        try:
            part = list(unbundled(data))
        except EntryRefused:
            part = []
        if len(part) != width:
            raise BundleRefused(f"log/tile/entries: tile {place} does not hold as many entries as it says")
        leaves += part
    return leaves


def _contents(data: bytes) -> Contents:
    contents = Contents.model_validate_json(data)
    if contents.model_dump_json().encode() != data:
        raise BundleRefused("bundle.json: not in canonical form (RFC 8785)")
    return contents


def _documents(data: bytes) -> tuple[SignedDocument, ...]:
    found = tuple(map(SignedDocument.model_validate_json, _lines(data)))
    if _text(found) != data:  # a repeated member of the JSON, or another way to write the same
        raise BundleRefused("documents: an envelope is not in its one form")
    return found


def _lines(data: bytes) -> tuple[bytes, ...]:
    if data and not data.endswith(b"\n"):
        raise BundleRefused("bundle: a last line is not ended")
    return tuple(data[:-1].split(b"\n")) if data else ()


def _text(documents: Sequence[SignedDocument]) -> bytes:
    return b"".join(signed.model_dump_json().encode() + b"\n" for signed in documents)
