"""Invites as the operator hands them to a partner: one line of text that pins the escrow's key.

`cleanroom-invite-1.` and the base64url, without padding, of the invite's canonical JSON (RFC 8785). Whoever has it can
enrol, once, so it travels over a channel that the operator trusts.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import PartnerKind
from cleanroom.messages.canonical import canonical
from cleanroom.messages.documents import Bytes32, Title, Wire

PREFIX = "cleanroom-invite-1."

EscrowUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+$", max_length=300)]
"""Scheme and authority only."""


class InviteTextRefused(InputRefused):
    """The text is not an invite."""

    code = "invite_text_refused"


class Invite(Wire):
    """Where the escrow is, which key it signs with, and the secret that lets one partner in."""

    url: EscrowUrl
    escrow_key: Bytes32
    secret: Bytes32 = Field(repr=False)
    name: Title | None
    kind: Annotated[PartnerKind, Field(strict=False)] | None

    def text(self) -> str:
        """The line of text to hand over."""
        packed = urlsafe_b64encode(canonical(self.model_dump(mode="json")))
        return PREFIX + packed.rstrip(b"=").decode()

    @classmethod
    def read(cls, text: str) -> Self:
        """The invite in a line of text; white space around and line breaks inside are the mail program's.

        Raises:
            InviteTextRefused: it is none, or was changed.
        """
        joined = "".join(text.split())
        try:
            body = joined.removeprefix(PREFIX).encode("ascii")
            invite = cls.model_validate_json(urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
        except (ValueError, binascii.Error):
            raise InviteTextRefused("invite: not readable; copy the whole line") from None
        if invite.text() != joined:
            raise InviteTextRefused("invite: not in the form this version reads; copy the whole line")
        return invite
