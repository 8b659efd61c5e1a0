"""P10: receipts: one entry of a log with the proof that a checkpoint covers it, as c2sp.org/tlog-proof says.

The proof's `extra` line carries the entry's leaf, so that the file stands alone. It is not authenticated by itself: the
path is what ties it to the checkpoint.
"""

import base64
from dataclasses import dataclass
from typing import Final

from cleanroom.messages.entries import MOST_LEAF_BYTES
from cleanroom.messages.notes import CheckpointRefused, Note, read_checkpoint, read_note
from matching import merkle
from matching.refusal import Refusal

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """An entry, where it stands, the audit path (32-byte nodes from the leaf's sibling up), and the checkpoint."""

    leaf: bytes
    index: int
    path: bytes
    checkpoint: Note

    def text(self) -> str:
        """The receipt's text."""
        nodes = [base64.b64encode(self.path[at : at + 32]).decode() for at in range(0, len(self.path), 32)]
        extra = base64.b64encode(self.leaf).decode()
        return "\n".join([FIRST_LINE, f"extra {extra}", f"index {self.index}", *nodes, "", str(self.checkpoint)])


def read_inclusion(text: str) -> Inclusion:
    """A receipt whose path leads from its entry to the root in its checkpoint. Signatures are not checked.

    Raises:
        CheckpointRefused: it is not in the form of a receipt, or the path leads elsewhere.
    """
    head, separator, rest = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or len(lines) < 3 or lines[0] != FIRST_LINE:  # noqa: PLR2004 - first line, extra, index
        raise CheckpointRefused("receipt: not a tlog-proof")
    leaf = _decoded(lines[1].removeprefix("extra "))
    index, nodes = lines[2].removeprefix("index "), [_decoded(line) for line in lines[3:]]
    if len(leaf) > MOST_LEAF_BYTES:
        raise CheckpointRefused("receipt: its entry is too long")
    if not index.isascii() or not index.isdecimal() or len(index) > len(str(1 << 53)):
        raise CheckpointRefused("receipt: no index")
    receipt = Inclusion(leaf=leaf, index=int(index), path=b"".join(nodes), checkpoint=read_note(rest))
    checkpoint = read_checkpoint(receipt.checkpoint)
    try:
        root = merkle.root_from_path(leaf, receipt.index, checkpoint.size, receipt.path)
    except Refusal as refusal:
        raise CheckpointRefused(f"receipt: {refusal.rule}") from None
    if root != checkpoint.root or receipt.text() != text:
        raise CheckpointRefused(f"receipt: entry {receipt.index} is not in the tree of its checkpoint ({checkpoint})")
    return receipt


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise CheckpointRefused("receipt: not in base64") from None
