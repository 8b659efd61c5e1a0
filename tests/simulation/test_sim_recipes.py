"""Two releases of the agent, one room: lists are keyed by the recipes that the terms pin, whatever else is there."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from lists_of_accounts import companies
from other_tables import SHOPS, edition, release, tenants
from world import ALL_KINDS, World, accounts

from cleanroom.agent import commit, list_keys, lists, sync
from cleanroom.agent.list_keys import kept_recipes
from cleanroom.agent.overlap import overlap
from cleanroom.agent.recipes import RecipesDiffer, of_terms, to_merge, upgrade_waits
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.domain.vocabulary import ChangeMode, RoomId
from matching.normalise.tables import current

MINE = [*companies(0, 8), *tenants("alder", 0, 6)]
THEIRS = [*companies(3, 13), *tenants("birch", 4, 9)]
BY_COMPANY, BY_TENANT = 5, 2
"""How many of the two lists meet, by tables that do not know SHOPS, and how many more by those that do."""


def plain(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2026-05"))


def newer(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2026-11", below=SHOPS), edition(agent, "2026-05"))


def newest(agent: Agent) -> Agent:
    return release(agent, edition(agent, "2027-05", below=SHOPS), edition(agent, "2026-11", below=SHOPS))


def count(agent: Agent, room: RoomId) -> int | None:
    return overlap(agent, room).cells[0][0]


def prefix(agent: Agent, room: RoomId) -> str:
    return lists.prefix_of(lists.require(agent, f"list {room}"))


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many accounts keys were made of, each time."""
    seen: list[int] = []
    honest = list_keys.make_keys

    def counting(frame: pd.DataFrame, *rest: object, **more: object) -> object:
        seen.append(len(frame))
        return honest(frame, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(list_keys, "make_keys", counting)
        yield seen


def test_two_releases_map_by_the_older_tables_and_count_alike(world: World, acme: Agent, globex: Agent) -> None:
    acme, globex = plain(acme), newer(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS)
    world.put_list(acme, room, accounts(MINE))
    world.put_list(globex, room, accounts(THEIRS))
    world.settle(acme, globex, room=room)
    assert (count(acme, room), count(globex, room)) == (BY_COMPANY, BY_COMPANY)
    # What stays in the agent is of the older edition too: the same entries are made on both sides.
    assert to_merge(globex, open_room(globex, room).terms) == to_merge(acme, open_room(acme, room).terms)
    waits = upgrade_waits(globex, open_room(globex, room))
    assert waits is not None
    assert waits.mine
    assert "the tables of 2026-05" in waits.what
    assert f"cleanroom room upgrade {room[:8]}" in waits.what
    assert sync.sync(globex, room)[0].upgrade == waits
    assert upgrade_waits(acme, open_room(acme, room)) is None
    assert sync.sync(acme, room)[0].upgrade is None


def test_both_on_the_newer_tables_count_what_only_they_tell_apart(world: World, acme: Agent, globex: Agent) -> None:
    acme, globex = newer(acme), newer(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS)
    world.put_list(acme, room, accounts(MINE))
    world.put_list(globex, room, accounts(THEIRS))
    world.settle(acme, globex, room=room)
    assert count(acme, room) == BY_COMPANY + BY_TENANT


def test_keys_of_an_older_recipe_are_made_once_and_a_delta_of_them_costs_its_size(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, globex = plain(acme), newer(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS, changes=ChangeMode.IMMEDIATE)
    world.put_list(acme, room, accounts(MINE))
    with watched(monkeypatch) as made:
        world.put_list(globex, room, accounts(THEIRS))
        world.settle(acme, globex, room=room)
        world.settle(acme, globex, room=room)
    assert made == [len(THEIRS)] * 2  # the push, by its own recipes; the commit, by the room's
    more = companies(2, 3) + tenants("birch", 3, 4)
    with watched(monkeypatch) as made:
        delta = lists.changed(
            globex, f"list {room}", accounts(more), pd.Series([THEIRS[-1]["account_id"]], dtype="str")
        )
        lists.store(globex, delta, (room,))
        view = open_room(globex, room)
        some, whole = commit.changed_rows(globex, view), commit.wanted_rows(globex, view)
    assert made == [len(more)] * 2
    assert some is not None
    assert some.population(view) == whole.population(view)
    assert some.report == whole.report
    world.settle(acme, globex, room=room)
    assert (count(acme, room), count(globex, room)) == (BY_COMPANY + 1, BY_COMPANY + 1)


def test_a_delta_whose_keys_are_still_to_be_made_takes_the_whole_list(world: World, acme: Agent, globex: Agent) -> None:
    acme, globex = plain(acme), newer(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS, changes=ChangeMode.IMMEDIATE)
    world.put_list(acme, room, accounts(MINE))
    world.put_list(globex, room, accounts(THEIRS))
    world.settle(acme, globex, room=room)
    more = accounts(companies(2, 3))
    lists.store(globex, lists.changed(globex, f"list {room}", more, pd.Series([], dtype="str")), (room,))
    globex.vault.delete(prefix(globex, room) + "recipes")
    with globex.vault.transaction():
        assert commit.changed_rows(globex, open_room(globex, room)) is None
    world.settle(acme, globex, room=room)
    assert count(acme, room) == BY_COMPANY + 1


def test_a_newer_release_makes_what_is_missing_once_and_drops_what_it_cannot_make(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = plain(globex)
    room = world.room(plain(acme), old)
    world.put_list(old, room, accounts(THEIRS))
    assert kept_recipes(old, prefix(old, room)) == current(old.tables)
    upgraded = newest(globex)  # it skipped a release
    with watched(monkeypatch) as made:
        empty = pd.Series([], dtype="str")
        lists.store(upgraded, lists.changed(upgraded, f"list {room}", accounts([]), empty), (room,))
        assert max(made) == len(THEIRS)
    assert kept_recipes(upgraded, prefix(upgraded, room)) == tuple(
        sorted(current(upgraded.tables), key=lambda recipe: recipe.tables != "")
    )
    stored = lists.load(upgraded, f"list {room}")
    fresh = lists.keyed(upgraded, "x", accounts(THEIRS))
    assert (
        stored.keys_by(fresh.recipes)
        .sort_values(["kind", "account"], ignore_index=True)
        .equals(fresh.keys.sort_values(["kind", "account"], ignore_index=True))
    )


def test_keys_of_a_release_that_did_not_say_by_what_are_made_anew(world: World, acme: Agent, globex: Agent) -> None:
    acme, globex = plain(acme), plain(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS)
    world.put_list(acme, room, accounts(MINE))
    world.put_list(globex, room, accounts(THEIRS))
    globex.vault.delete(prefix(globex, room) + "recipes")
    world.settle(acme, globex, room=room)
    assert count(acme, room) == BY_COMPANY
    assert set(kept_recipes(globex, prefix(globex, room))) == set(to_merge(globex, open_room(globex, room).terms))


def test_a_crash_while_keys_are_made_anew_loses_nothing(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, globex = plain(acme), newer(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS)
    world.put_list(globex, room, accounts(THEIRS))
    place = prefix(globex, room)
    before = {address: globex.vault.get(address) for address in globex.vault.addresses(place)}
    recipes = of_terms(open_room(globex, room).terms)

    def killed(agent: Agent, prefix: str, records: dict[str, bytes]) -> None:
        agent.vault.put(prefix + "keys", records["keys"])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lists, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            lists.with_keys(globex, lists.require(globex, f"list {room}"), recipes)
    assert {address: globex.vault.get(address) for address in globex.vault.addresses(place)} == before
    whole = lists.with_keys(globex, lists.require(globex, f"list {room}"), recipes)
    assert set(recipes) < set(kept_recipes(globex, place)) == set(whole.recipes)


def test_what_was_pushed_while_keys_were_made_is_kept(
    world: World, acme: Agent, globex: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, globex = plain(acme), newer(globex)
    room = world.room(acme, globex, kinds=ALL_KINDS)
    world.put_list(globex, room, accounts(THEIRS))
    honest = list_keys.make_keys

    def slow(*arguments: object, **more: object) -> object:
        monkeypatch.setattr(list_keys, "make_keys", honest)
        world.put_list(globex, room, accounts(companies(0, 2)))
        return honest(*arguments, **more)

    monkeypatch.setattr(list_keys, "make_keys", slow)
    item = lists.require(globex, f"list {room}")
    lists.with_keys(globex, item, of_terms(open_room(globex, room).terms))
    stored = lists.load(globex, item.name)
    assert len(stored.accounts) == 2
    assert stored.keys["account"].max() == 1
    assert stored.recipes == current(globex.tables)


def test_a_room_three_editions_back_is_refused_with_what_has_to_be_done(
    world: World, acme: Agent, globex: Agent
) -> None:
    room = world.room(plain(acme), plain(globex))
    skipped = newest(globex)
    world.put_list(skipped, room, accounts(THEIRS))
    (result,) = sync.sync(skipped, room)
    assert isinstance(result.problem, RecipesDiffer)
    assert "domain" in str(result.problem)
    assert "The room has to be upgraded: cleanroom room upgrade" in str(result.problem)
    assert result.upgrade is not None
    assert globex.escrow.room(room).snapshots == ()


@pytest.mark.parametrize(
    ("theirs", "who"),
    [
        (newest, "This agent has to be upgraded"),
        (lambda agent: release(agent, edition(agent, "2025-11")), "The other side has to upgrade its agent"),
        (lambda agent: release(agent, edition(agent, "2026-05", below=SHOPS)), "Both sides need the same release"),
    ],
)
def test_who_cannot_make_the_keys_of_a_proposal_is_told_which_side_is_older(
    world: World, acme: Agent, globex: Agent, theirs: object, who: str
) -> None:
    with pytest.raises(RecipesDiffer, match=who):
        world.room(theirs(acme), plain(globex))
