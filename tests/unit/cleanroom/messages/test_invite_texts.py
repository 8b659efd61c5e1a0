import pytest

from cleanroom.domain.vocabulary import PartnerKind
from cleanroom.messages.invites import PREFIX, Invite, InviteTextRefused

INVITE = Invite(
    url="https://escrow.example:8470", escrow_key="e5" * 32, secret="7e" * 32, name="Zoë & Söhne", kind=PartnerKind.SI
)
GOLDEN = (
    "cleanroom-invite-1.eyJlc2Nyb3dfa2V5IjoiZTVlNWU1ZTVlNWU1ZTVlNWU1ZTVlNWU1ZTVlNWU1ZTVlNWU1ZTVlNWU1ZTVlN"
    "WU1ZTVlNWU1ZTVlNWU1ZTVlNSIsImtpbmQiOiJzaSIsIm5hbWUiOiJab8OrICYgU8O2aG5lIiwic2VjcmV0IjoiN2U3ZTdlN2U3Z"
    "TdlN2U3ZTdlN2U3ZTdlN2U3ZTdlN2U3ZTdlN2U3ZTdlN2U3ZTdlN2U3ZTdlN2U3ZTdlN2U3ZSIsInVybCI6Imh0dHBzOi8vZXNjc"
    "m93LmV4YW1wbGU6ODQ3MCJ9"
)
"""Made by hand: sorted, compact JSON in base64url."""


def test_an_invite_survives_its_text_and_the_mail_program() -> None:
    text = INVITE.text()
    assert text == GOLDEN
    assert Invite.read(text) == INVITE
    folded = "\n  ".join(text[i : i + 60] for i in range(0, len(text), 60))
    assert Invite.read(f" {folded}\r\n") == INVITE
    anybody = INVITE.model_copy(update={"name": None, "kind": None})
    assert Invite.read(anybody.text()) == anybody


def test_the_secret_is_not_rendered() -> None:
    assert INVITE.secret not in repr(INVITE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        "hello",
        INVITE.text()[:-1],
        INVITE.text().removeprefix(PREFIX),
        INVITE.text() + "A",
        INVITE.text() + "=",
        INVITE.text().replace("invite-1", "invite-2"),
        PREFIX + "é",
        PREFIX + "e30",
    ],
)
def test_what_is_no_invite_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InviteTextRefused) as caught:
        Invite.read(text)
    assert INVITE.secret not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://x", "https://x/path", "https://user@x", "x", "https://", "https://x y", "https://x\n"]
)
def test_the_url_is_a_scheme_and_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Invite(url=url, escrow_key="e5" * 32, secret="7e" * 32, name=None, kind=None)
