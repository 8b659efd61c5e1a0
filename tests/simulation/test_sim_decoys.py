"""Decoys: committed like any account, seen when openings are verified, never released, and what too many hits do."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from consent import staff
from sharing import Sharing, deals, grant, opened, policy, with_fields
from world import World, accounts, new_world

from cleanroom.agent import committed, decoy_hits, decoys, lists, matches, sync
from cleanroom.agent.decoy_hits import NothingFrozen, PartnerFrozen
from cleanroom.agent.decoys import DecoyRefused
from cleanroom.agent.own_accounts import accounts_of, own_accounts
from cleanroom.agent.policies import NotAnApprover
from cleanroom.agent.room_lists import serving
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.domain.vocabulary import Form, RoomId
from cleanroom.policy.model import Policy


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_world(tmp_path) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


def full(agent: Agent) -> Policy:
    return policy(agent, grant("stage", Form.FULL, "stage", "account_name"))


def guessed(world: World, *numbers: int) -> Sharing:
    """Acme has companies 0 to 5 and decoys 50 and 51; Globex lists 3 to 7, and these guesses."""
    for number in (50, 51):
        decoys.add(world.agents["Acme"], website=f"company{number}.com", segment="customers")
    theirs = deals(3, 8, prefix="w") + [row for i in numbers for row in deals(i, i + 1, prefix="w")]
    return opened(world, deals(0, 6, prefix="v"), theirs, acme=full, globex=full)


def problem_of(agent: Agent, room: RoomId) -> object:
    (result,) = sync.sync(agent, room)
    return result.problem


def shown_to_globex(room: Sharing) -> set[str]:
    """The values that Globex holds of Acme's."""
    table = room.table(room.globex).astype("str")
    return {cell for column in table.columns for cell in table[column]}


def test_a_decoy_that_is_hit_is_verified_and_never_released(world: World) -> None:
    room = guessed(world, 50)
    acme = room.acme
    view = room.view(acme)
    every = verified(acme, view)
    hit = [match for match in every if match.keys <= decoy_hits.decoy_keys(acme, view)]
    assert (len(every), len(hit)) == (4, 1)
    holders = own_accounts(acme, view, (key for match in every for key in match.keys))
    assert accounts_of(hit[0], holders, view.judge) == ()  # what P9 could release: nothing
    room.settle()
    names = {text for text in shown_to_globex(room) if text.startswith("Company")}
    assert {f"Company {i} v" for i in (3, 4, 5)} <= names
    assert not any("50" in text and text.endswith(" v") for text in names)
    (status,) = decoy_hits.decoy_status(acme)
    assert (status.name, status.shown, status.hits, status.freezes_at, status.frozen) == ("Globex", 2, 1, 2, "")


def test_a_decoy_is_in_no_list_and_no_report(world: World) -> None:
    room = guessed(world, 50)
    acme = room.acme
    texts = [lists.load(acme, item.name).accounts.to_csv() for item in lists.stored(acme)]
    texts += [part.accounts.to_csv() for part in serving(acme, room.room)]
    assert not any("company50" in text for text in texts)
    listed = matches.matches(acme, room.view(acme))
    assert len(listed) == 3
    assert all(item.accounts for item in listed)
    assert decoy_hits.decoy_status(room.globex) == ()


def test_too_many_hits_freeze_releases_and_openings_until_an_approver_lifts_it(world: World) -> None:
    room = guessed(world, 50, 51)
    acme = room.acme
    problem = problem_of(acme, room.room)
    assert isinstance(problem, PartnerFrozen)
    assert str(problem).endswith(
        "decoys: 2 of 2 were in Globex's list; chance gives 2 no oftener than once in 100,000 times. Nothing more is "
        "opened or released to it. An approver of yours lifts it: cleanroom decoys lift 'Globex'"
    )
    world.settle(room.globex, acme, room=room.room, strict=False)
    assert not any(text.endswith(" v") for text in shown_to_globex(room))
    ann, _ = staff(acme)
    stranger, _ = staff(room.globex)
    with pytest.raises(NotAnApprover):
        decoy_hits.lift(acme, "Globex", by=stranger, reason="we are honest")
    decoy_hits.lift(acme, "Globex", by=ann, reason="their list is from a vendor that sells ours")
    with pytest.raises(NothingFrozen):
        decoy_hits.lift(acme, "Globex", by=ann, reason="once more")
    room.settle()
    assert any(text.endswith(" v") for text in shown_to_globex(room))
    (status,) = decoy_hits.decoy_status(acme)
    assert (status.shown, status.hits, status.frozen) == (0, 0, "")
    assert [item.reason for item in status.lifts] == ["their list is from a vendor that sells ours"]


def test_an_honest_partner_hits_nothing(world: World) -> None:
    room = guessed(world)
    room.settle()
    (status,) = decoy_hits.decoy_status(room.acme)
    assert (status.shown, status.hits) == (2, 0)


@pytest.mark.parametrize(
    ("website", "why"),
    [
        ("https://www.company3.com/about", "an account of yours"),
        ("company9.com", "an account of yours"),
        ("", "no match key"),
    ],
)
def test_what_is_an_account_or_has_no_key_is_no_decoy(world: World, website: str, why: str) -> None:
    acme = world.agents["Acme"]
    hidden = accounts([{"account_id": "x\x1f9", "website": "company9.com", "segment": "customers"}])
    lists.store(acme, lists.keyed(acme, "hidden", hidden.assign(suppressed=True)), None)
    lists.store(acme, lists.keyed(acme, "mine", with_fields(deals(0, 6))), None)
    with pytest.raises(DecoyRefused, match=why):
        decoys.add(acme, website=website, segment="customers")
    assert decoys.decoys(acme) == ()


def test_two_decoys_share_no_key_and_are_removed_by_their_ids(world: World) -> None:
    acme = world.agents["Acme"]
    first = decoys.add(acme, website="company60.com", segment="customers")
    with pytest.raises(DecoyRefused, match="another decoy"):
        decoys.add(acme, website="www.company60.com", segment="prospects")
    with pytest.raises(DecoyRefused, match="none"):
        decoys.remove(acme, ["abcdef"])
    assert decoys.remove(acme, [first.id[:8]]) == (first,)
    assert decoys.decoys(acme) == ()
    with pytest.raises(DecoyRefused, match="segment"):
        decoys.add(acme, website="company61.com", segment="No Such Label")


def test_a_decoy_that_becomes_an_account_is_no_decoy_any_more(world: World) -> None:
    room = guessed(world, 50)
    acme = room.acme
    world.put_list(acme, room.room, with_fields(deals(0, 6, prefix="v") + deals(50, 51, prefix="v")))
    view = room.view(acme)
    proven = [row for match in verified(acme, view) for row in match.keys]
    assert proven
    world.settle(acme, room.globex, room=room.room)
    assert len(matches.matches(acme, room.view(acme))) == 3  # its entry has changed since it was opened
    keys = decoy_hits.decoy_keys(acme, view)
    assert set(own_accounts(acme, room.view(acme), keys))


def test_a_delta_that_brings_or_takes_an_account_with_a_decoys_key_is_a_list_that_holds(world: World) -> None:
    room = guessed(world)
    acme, name = room.acme, f"list {room.room}"
    for upserts, deleted in ((deals(50, 51, prefix="v"), []), ([], ["v\x1f00050"]), (deals(9, 10, prefix="v"), [])):
        change = lists.changed(acme, name, with_fields(upserts), pd.Series(deleted, dtype="str"))
        lists.store(acme, change, (room.room,))
        room.settle()  # equal points, or an entry that is not there, would be refused
        keys = committed.state(acme, room.view(acme))["key"].tolist()
        assert keys.count("company50.com") == 1
    assert keys.count("company9.com") == 1
