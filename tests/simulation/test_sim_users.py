"""The people of a partner: who adds whom, what the other side learns, and what a crash leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from consent import CHEAP, PASSPHRASE
from faults import KilledError, once
from policymakers import Person
from world import World, new_world

from cleanroom.agent import users
from cleanroom.agent.problems import EscrowProblem
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.user_keys import UserKeyRefused, UserSession, unlock_file, write_key_file
from cleanroom.agent.users import NotAnAdmin, UnknownUser, UserRefused
from cleanroom.agent.vault_errors import PassphraseRefused, WrongPassphrase
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


@pytest.fixture
def ann(acme: Agent) -> UserSession:
    users.add(acme, "Ann", Role.ADMIN, passphrase=PASSPHRASE, kdf_cost=CHEAP)
    return users.unlock(acme, "Ann", PASSPHRASE)


def roles(agent: Agent) -> dict[str, Role]:
    return {user.name: user.role for user in users.users(agent)}


def add(agent: Agent, name: str, role: Role, by: UserSession) -> UserSession:
    users.add(agent, name, role, passphrase=PASSPHRASE, by=by, kdf_cost=CHEAP)
    return users.unlock(agent, name, PASSPHRASE)


def test_the_first_user_is_an_admin_and_adds_the_others(acme: Agent) -> None:
    with pytest.raises(UserRefused, match="admin"):
        users.add(acme, "Sam", Role.SELLER, passphrase=PASSPHRASE, kdf_cost=CHEAP)
    assert users.users(acme) == ()
    users.add(acme, "Ann", Role.ADMIN, passphrase=PASSPHRASE, kdf_cost=CHEAP)
    ann = users.unlock(acme, "ann", PASSPHRASE)
    assert (ann.name, ann.role) == ("Ann", Role.ADMIN)
    sam = add(acme, "Sam", Role.SELLER, ann)
    assert roles(acme) == {"Ann": Role.ADMIN, "Sam": Role.SELLER}
    for by in (None, sam):
        with pytest.raises(NotAnAdmin):
            users.add(acme, "Eve", Role.ADMIN, passphrase=PASSPHRASE, by=by, kdf_cost=CHEAP)
    with pytest.raises(NotAnAdmin):
        users.change_role(acme, "Sam", Role.ADMIN, by=sam)
    with pytest.raises(NotAnAdmin):
        users.remove(acme, "Ann", by=sam)
    assert roles(acme) == {"Ann": Role.ADMIN, "Sam": Role.SELLER}


def test_names_are_taken_once_and_keys_too(acme: Agent, ann: UserSession) -> None:
    with pytest.raises(UserRefused, match="name"):
        users.add(acme, " ANN ", Role.SELLER, passphrase=PASSPHRASE, by=ann, kdf_cost=CHEAP)
    with pytest.raises(UserRefused, match="key"):
        users.add(acme, "Ann again", Role.PARTNER_MANAGER, public_key=ann.public_key, by=ann)
    with pytest.raises(UserRefused, match="binds"):
        users.add(acme, "Nobody", Role.PARTNER_MANAGER, public_key=bytes(32), by=ann)
    with pytest.raises(UserRefused, match="either"):
        users.add(acme, "Both", Role.SELLER, by=ann)
    with pytest.raises(PassphraseRefused):
        users.add(acme, "Bob", Role.SELLER, passphrase=Secret("short"), by=ann, kdf_cost=CHEAP)
    assert roles(acme) == {"Ann": Role.ADMIN}


def test_somebody_is_always_an_admin(acme: Agent, ann: UserSession) -> None:
    bob = add(acme, "Bob", Role.PARTNER_MANAGER, ann)
    with pytest.raises(UserRefused, match="admin"):
        users.remove(acme, "Ann", by=ann)
    with pytest.raises(UserRefused, match="admin"):
        users.change_role(acme, "Ann", Role.SELLER, by=ann)
    users.change_role(acme, "Bob", Role.ADMIN, by=ann)
    users.remove(acme, "Ann", by=bob)
    assert roles(acme) == {"Bob": Role.ADMIN}
    with pytest.raises(NotAnAdmin):
        users.add(acme, "Eve", Role.SELLER, passphrase=PASSPHRASE, by=ann, kdf_cost=CHEAP)
    with pytest.raises(UnknownUser):
        users.unlock(acme, "Ann", PASSPHRASE)


def test_keys_open_with_their_users_passphrase_only(acme: Agent, ann: UserSession) -> None:
    users.add(acme, "Bob", Role.SELLER, passphrase=Secret("bobs own words"), by=ann, kdf_cost=CHEAP)
    with pytest.raises(WrongPassphrase):
        users.unlock(acme, "Bob", PASSPHRASE)
    assert users.unlock(acme, "Bob", Secret("bobs own words")).role is Role.SELLER


def test_a_key_may_stay_in_a_file_elsewhere(acme: Agent, ann: UserSession, tmp_path: Path) -> None:
    public = write_key_file(tmp_path / "rob.key", "Rob", PASSPHRASE, kdf_cost=CHEAP)
    rob = users.add(acme, "Rob", Role.SECURITY_REVIEWER, public_key=public, by=ann)
    assert (rob.key_here, rob.id) == (False, unlock_file(tmp_path / "rob.key", PASSPHRASE).id)
    with pytest.raises(UserKeyRefused, match="key file"):
        users.unlock(acme, "Rob", PASSPHRASE)


def test_the_other_side_sees_keys_and_roles_and_no_names(
    world: World, acme: Agent, globex: Agent, ann: UserSession
) -> None:
    add(acme, "Zebulon Quartermain", Role.SELLER, ann)
    room = world.room(acme, globex)
    (first, second) = open_room(globex, room).rosters[acme.me]
    assert [user.role for user in first.users] == [Role.ADMIN]
    assert {user.role for user in second.users} == {Role.ADMIN, Role.SELLER}
    assert "Zebulon" not in globex.escrow.room(room).model_dump_json()
    assert not any(b"ebulon" in file.read_bytes() for file in world.folder.glob("escrow.db*"))


@pytest.mark.parametrize("moment", ["request", "response"])
def test_what_a_crash_left_unsent_goes_out_next_time(
    world: World, acme: Agent, globex: Agent, ann: UserSession, moment: str
) -> None:
    world.lines["Acme"].fault = once(0, moment, KilledError())
    with pytest.raises(KilledError):
        add(acme, "Bob", Role.PARTNER_MANAGER, ann)
    world.lines["Acme"].fault = None
    add(acme, "Cem", Role.SELLER, ann)
    assert set(roles(acme)) == {"Ann", "Bob", "Cem"}
    assert users.unlock(acme, "Bob", PASSPHRASE).role is Role.PARTNER_MANAGER
    room = world.room(acme, globex)
    assert [roster.version for roster in open_room(globex, room).rosters[acme.me]] == [1, 2, 3]


def test_what_the_escrow_refuses_is_taken_back(acme: Agent, ann: UserSession) -> None:
    """Another home of the same partner has published this version already."""
    signed, published = acme.vault.get("users/roster/1"), acme.vault.get("users/published")
    add(acme, "Bob", Role.SELLER, ann)
    newer = [
        address for address in acme.vault.addresses("users/") if address not in {"users/roster/1", f"users/{ann.id}"}
    ]
    for address in newer:
        acme.vault.delete(address)
    assert signed is not None
    assert published is not None
    acme.vault.put("users/published", published)
    with pytest.raises(EscrowProblem, match="conflict"):
        add(acme, "Cem", Role.SELLER, ann)
    assert set(roles(acme)) == {"Ann"}
    assert acme.vault.addresses("users/") == sorted(["users/published", "users/roster/1", f"users/{ann.id}"])


def test_users_are_found_by_the_beginning_of_their_id(acme: Agent, ann: UserSession) -> None:
    assert users.find(acme, ann.id[:6]).name == "Ann"
    for which in (ann.id[:5], "nobody", Person(Role.ADMIN).id):
        with pytest.raises(UnknownUser):
            users.find(acme, which)
