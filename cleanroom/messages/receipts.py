"""When something came to the escrow, by its own clock, under its own signature."""

from typing import Literal

from cleanroom.messages.documents import DigestText, Document, Instant, RoomName


class Receipt(Document):
    """The escrow has a policy of a room since `received`: `of` is the digest of its text.

    `state` says whether it only waits since then, or is in force: the same text gets a receipt for each.
    """

    type: Literal["receipt/1"] = "receipt/1"
    room: RoomName
    of: DigestText
    state: Literal["proposed", "in_force"]
    received: Instant
