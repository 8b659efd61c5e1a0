"""Words from people of one side to people of the other: requests, disputes and their resolution, sealed.

The escrow sees who writes to whom, which kind of notice it is, and the match that it is about; not the words.
"""

import hashlib
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from cleanroom.domain.errors import InputRefused, VerificationFailed
from cleanroom.domain.vocabulary import Form
from cleanroom.messages.canonical import canonical
from cleanroom.messages.documents import (
    Bytes16,
    Count,
    DigestText,
    Document,
    Instant,
    Label,
    Number,
    PartnerName,
    RoomName,
    Wire,
    as_tuple,
)
from matching.packing import packed

STEP: Final = 2_048
MOST_STEPS: Final = 14
SEALED_OVERHEAD: Final = 1136
"""What HPKE adds to the words: encapsulation and tag (`cleanroom.messages.sealing`)."""


class NoticeRefused(VerificationFailed):
    """A notice is not what it must be."""

    code = "notice_refused"


class DisputedMatch(Wire):
    """A match, by the handles of the two entries in an epoch, in the order of the terms' members."""

    epoch: Count
    first: Bytes16
    second: Bytes16


class Wish(Wire):
    """What a request asks for: a form of a field (`account` for a cell), in one cell or in all.

    `segments` is a pair: the recipient's, the sender's.
    """

    field: Label
    form: Form = Field(strict=False)
    segments: Annotated[tuple[Label, Label], BeforeValidator(as_tuple)] | None


class Words(Wire):
    """What is sealed in a notice."""

    text: Annotated[str, Field(max_length=4_000)]
    wishes: Annotated[tuple[Wish, ...], BeforeValidator(as_tuple), Field(max_length=200)] = ()


class Notice(Document):
    """A notice of one partner to the other. `sealed` is the SHA-256 of its sealed words."""

    type: Literal["notice/1"] = "notice/1"
    room: RoomName
    sender: PartnerName
    recipient: PartnerName
    number: Number
    kind: Literal["request", "dispute", "resolution"]
    match: DisputedMatch | None
    sealed: DigestText
    created: Instant

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind == "request") != (self.match is None):
            raise ValueError("a dispute and its resolution name a match, a request names none")
        if self.sender == self.recipient:
            raise ValueError("a partner tells itself nothing")
        return self

    def info(self) -> bytes:
        """What the words are bound to."""
        return notice_info(self.room, self.sender, self.recipient, self.number)

    def fits(self, words: bytes) -> bool:
        """Whether these are its sealed words, by digest and size."""
        steps, rest = divmod(len(words) - SEALED_OVERHEAD, STEP)
        return hashlib.sha256(words).hexdigest() == self.sealed and rest == 0 and 0 < steps <= MOST_STEPS


def notice_info(room: str, sender: str, recipient: str, number: int) -> bytes:
    """What the words of a notice are bound to (HPKE `info`)."""
    parts = (bytes.fromhex(room), bytes.fromhex(sender), bytes.fromhex(recipient), number.to_bytes(4, "big"))
    return packed(b"cleanroom/1 notice", *parts)


def pad_words(words: Words) -> bytes:
    """The words as they are sealed; the size tells only the next multiple of `STEP`.

    Raises:
        InputRefused: if they are more than a notice can carry.
    """
    text = canonical(words.model_dump(mode="json"))
    framed = len(text).to_bytes(4, "big") + text
    if len(framed) > MOST_STEPS * STEP:
        raise InputRefused("notice: more words, or more wishes, than one can carry")
    return framed + bytes(-len(framed) % STEP)


def unpad_words(data: bytes) -> Words:
    """The words in what was unsealed. Raises NoticeRefused."""
    size = int.from_bytes(data[:4], "big")
    text, rest = data[4 : 4 + size], data[4 + size :]
    if len(data) % STEP or len(text) != size or len(rest) >= STEP or any(rest):
        raise NoticeRefused("notice: not padded as it must be")
    try:
        words = Words.model_validate_json(text)
    except ValidationError:
        raise NoticeRefused("notice: its words do not have the form of any") from None
    if canonical(words.model_dump(mode="json")) != text:
        raise NoticeRefused("notice: its words are not in canonical form (RFC 8785)")
    return words
