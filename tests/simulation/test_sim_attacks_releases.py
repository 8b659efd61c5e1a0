"""Promises 4 and 5 at the last step: fields of the right accounts, in the right form, to the right partner and user.

Hostile payloads, one rule each, are in tests/unit/cleanroom/release/test_release_checks.py.
"""

from dataclasses import replace
from typing import Any

import pytest
from malice import LyingEscrow
from malice_openings import Rehearsal, Stage
from sharing import Sharing, deals, grant, opened, policy
from world import World

from cleanroom.agent import release
from cleanroom.agent.client import ReleasePlace
from cleanroom.agent.keys import PrivateIdentity
from cleanroom.agent.receive import receive
from cleanroom.agent.reviews import Reviews
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.viewing import Eyes, Viewer
from cleanroom.domain.vocabulary import Form, Role
from cleanroom.messages.releases import ReleaseRefused, release_info
from cleanroom.messages.sealing import UnsealRefused, unseal

SELLER = Viewer(role=Role.SELLER, name="Sam Seller")
MANAGER = Viewer(role=Role.PARTNER_MANAGER)
DUNS = "15-048-3782"


def showing(*roles: Role) -> Any:  # noqa: ANN401 - what `opened` takes
    def made(agent: Agent) -> object:
        return policy(agent, grant("full", Form.FULL, "account_name", "amount", "currency", roles=frozenset(roles)))

    return made


@pytest.fixture(scope="module")
def room(world: World) -> Sharing:
    """Everything that Acme shows is for partner managers; one entry has a subsidiary without a proven key."""
    subsidiary = {"account_id": "a\x1fsub", "name": "Subsidiary", "website": "elsewhere.com", "lei": "", "duns": DUNS}
    mine = [*deals(0, 6, prefix="a"), *deals(6, 7, prefix="a", duns=DUNS)]
    made = opened(
        world,
        [*mine, {**deals(7, 8, prefix="a")[0], **subsidiary}],
        deals(2, 10, prefix="g"),
        acme=showing(Role.PARTNER_MANAGER),
        globex=showing(),
    )
    made.settle()
    return made


class Hander(LyingEscrow):
    """Hands over other bytes."""

    def __init__(self, agent: Agent, data: bytes | None = None) -> None:
        super().__init__(agent.escrow)
        self.data = data

    def release_batch(self, at: ReleasePlace, batch: int) -> bytes:
        return super().release_batch(at, batch) if self.data is None else self.data


def again(room: Sharing, agent: Agent, data: bytes | None = None) -> Rehearsal:
    """The agent before it received anything, to which these bytes are handed."""
    copy = Stage(world=room.world, acme=room.acme, globex=room.globex, room=room.room).rehearsal(agent)
    copy.agent.vault.delete_all(f"shared/{room.room}/")
    return replace(copy, agent=replace(copy.agent, escrow=Hander(agent, data)))


def batch_to(room: Sharing, agent: Agent) -> bytes:
    other = open_room(agent, room.room).other.partner
    return agent.escrow.release_batch(ReleasePlace(room.room, 0, other, 1), 0)


def test_the_honest_batch_is_received(room: Sharing) -> None:
    """What the attacks are measured against."""
    victim = again(room, room.globex)
    assert receive(victim.agent, victim.view()) == 1


def test_an_altered_batch_is_refused(room: Sharing) -> None:
    """Stopped by the digest that the sender signed, and behind it by the seal."""
    data = bytearray(batch_to(room, room.globex))
    data[-1] ^= 1
    victim = again(room, room.globex, bytes(data))
    with pytest.raises(ReleaseRefused, match="not the bytes that were signed"):
        receive(victim.agent, victim.view())
    document = open_room(room.globex, room.room).releases[room.acme.me][0]
    info = release_info(document, 0, document.batches[0].handles)
    with pytest.raises(UnsealRefused):
        unseal(bytes(data), room.globex.identity.sealing_key, info)


def test_a_batch_handed_to_the_wrong_recipient_is_of_no_use(room: Sharing) -> None:
    """Stopped by the seal: nobody else has the key; and by the recipient, which knows what was signed for it."""
    data = batch_to(room, room.globex)
    document = open_room(room.globex, room.room).releases[room.acme.me][0]
    info = release_info(document, 0, document.batches[0].handles)
    assert b"Company 2" in unseal(data, room.globex.identity.sealing_key, info)
    for stranger in (room.acme.identity, PrivateIdentity.generate()):
        with pytest.raises(UnsealRefused):
            unseal(data, stranger.sealing_key, info)
    victim = again(room, room.acme, data)
    with pytest.raises(ReleaseRefused):
        receive(victim.agent, victim.view())


def test_accounts_that_are_strangers_to_the_proven_key_are_not_released(
    room: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by the owner's agent: of an entry of two accounts only the one that holds proven keys leaves."""
    seen = {item.value for row in room.shared(room.globex, MANAGER).rows for item in row.fields.values()}
    assert "Company 6 a" in seen
    assert "Subsidiary" not in seen
    sender = again(room, room.acme)
    sender.agent.vault.delete_all(f"room/{room.room}/0/released/")
    every = [account for accounts in own(sender).values() for account in accounts]
    monkeypatch.setattr(release, "accounts_of", lambda *_: tuple(every))
    monkeypatch.setattr(Reviews, "leaving", lambda *_: tuple(every))
    view = sender.view()
    rules = release.Rules(sides=view.sides(room.acme.me), at=sender.agent.clock(), hash_key=bytes(32))
    left = list(release._contents(sender.agent, view, rules))  # noqa: SLF001 - step 1 of a release
    assert any(b"Subsidiary" in content.text for content in left), "without the rule it leaves"


def own(sender: Rehearsal) -> dict:
    return dict(release.own_accounts(sender.agent, sender.view(), [(1, "150483782")]))


@pytest.mark.parametrize("removed", [False, True])
def test_a_seller_gets_no_fields_of_a_managers(
    room: Sharing, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    """Stopped by the recipient's agent, which decides for the viewer's role; it is a promise of the recipient's."""
    managers = room.shared(room.globex, MANAGER)
    assert {name for row in managers.rows for name in row.fields} == {"account_name", "amount", "currency"}
    if removed:
        monkeypatch.setattr(Eyes, "sees", lambda *_: True)
        monkeypatch.setattr(Eyes, "lowered", lambda _self, _cell, given, _key: given)
        assert "account_name" in {name for row in room.shared(room.globex, SELLER).rows for name in row.fields}
        return
    assert room.shared(room.globex, SELLER).rows == ()
    his = replace(SELLER, name="Ann Example")
    rows = room.shared(room.globex, his).rows
    assert len(rows) == len(managers.rows)
    assert all(row.fields == {} for row in rows)
