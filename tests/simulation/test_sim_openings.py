"""P7 and P8 between honest parties: what is opened is exactly the true matches of agreed cells."""

from consent import agree, existence, put_in_force
from lists_of_accounts import companies
from world import World, accounts

from cleanroom.agent.committed import state
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.verified import verified
from cleanroom.domain.vocabulary import RoomId, RoundState

Rows = list[dict[str, str]]


def opened(agent: Agent, room_id: RoomId) -> set[str]:
    """The keys of mine that verified matches are proven by."""
    return {key for match in verified(agent, open_room(agent, room_id)) for _, key in match.keys}


def mapped(world: World, mine: Rows, theirs: Rows, **terms: object) -> RoomId:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, **terms)
    world.put_list(acme, room, accounts(mine))
    world.put_list(globex, room, accounts(theirs))
    world.settle(acme, globex, room=room)
    return room


def domains(start: int, stop: int) -> set[str]:
    return {f"company{i}.com" for i in range(start, stop)}


def test_before_both_agree_nothing_is_opened(world: World, acme: Agent, globex: Agent) -> None:
    room = mapped(world, companies(0, 6), companies(2, 10))
    put_in_force(acme, room, existence(acme))
    world.settle(acme, globex, room=room)
    assert open_room(acme, room).round is None
    assert opened(acme, room) == opened(globex, room) == set()


def test_exactly_the_true_matches_are_opened(world: World, acme: Agent, globex: Agent) -> None:
    room = mapped(world, companies(0, 6), companies(2, 10))
    agree(room, acme, globex)
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == opened(globex, room) == domains(2, 6)
    view = open_room(acme, room)
    assert view.round is not None
    assert view.round.state is RoundState.EXCHANGED
    handles = {match.mine for match in verified(acme, view)}
    assert handles <= set(state(acme, view)["handle"])
    assert {match.theirs for match in verified(acme, view)} == {match.mine for match in verified(globex, view)}


def test_only_agreed_cells_are_opened(world: World, acme: Agent, globex: Agent) -> None:
    mine = companies(0, 4) + companies(4, 8, segment="prospects")
    theirs = companies(0, 2) + companies(2, 6, segment="prospects") + companies(6, 8)
    room = mapped(world, mine, theirs)
    put_in_force(acme, room, existence(acme, ("customers", "prospects"), ("prospects", "prospects")))
    put_in_force(globex, room, existence(globex, ("prospects", "customers"), ("customers", "customers")))
    world.settle(acme, globex, room=room)
    # Agreed by both: Acme's customers that are Globex's prospects.
    assert opened(acme, room) == opened(globex, room) == domains(2, 4)


def test_a_wider_policy_opens_the_rest(world: World, acme: Agent, globex: Agent) -> None:
    room = mapped(world, companies(0, 4) + companies(4, 8, segment="prospects"), companies(0, 8))
    for agent, pair in ((acme, ("customers", "customers")), (globex, ("customers", "customers"))):
        put_in_force(agent, room, existence(agent, pair))
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == domains(0, 4)
    put_in_force(acme, room, existence(acme))
    put_in_force(globex, room, existence(globex))
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == opened(globex, room) == domains(0, 8)


def test_a_vetoed_match_is_not_opened(world: World, acme: Agent, globex: Agent) -> None:
    mine = [{"account_id": "a", "website": "same.com", "duns": "15-048-3782", "segment": "customers"}]
    theirs = [{"account_id": "b", "website": "same.com", "duns": "15-048-3783", "segment": "customers"}]
    room = mapped(world, mine + companies(0, 2), theirs + companies(0, 2))
    agree(room, acme, globex)
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == domains(0, 2)


def test_accounts_of_one_interval_are_opened_at_once_and_later_ones_with_the_next_epoch(
    world: World, acme: Agent, globex: Agent
) -> None:
    room = mapped(world, companies(0, 4), companies(2, 8), changes="immediate")
    agree(room, acme, globex)
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == domains(2, 4)
    # Acme brings an account that Globex has had all along: counted, not opened (ADR 11).
    world.put_list(acme, room, accounts(companies(0, 5)))
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == opened(globex, room) == domains(2, 4)
    world.clock.step(days=31)
    world.settle(acme, globex, room=room)
    assert opened(acme, room) == opened(globex, room) == domains(2, 5)
    world.clock.step(days=-31)
