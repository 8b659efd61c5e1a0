"""Tiers from end to end: what is certain is released, what is likely only once a person has said so.

Companies 0 and 1 agree in domain and name, 2 and 3 in their domains alone. The rest is one side's.
"""

from collections.abc import Callable
from typing import Any

import pytest
from consent import existence, put_in_force, staff
from lists_of_accounts import lei
from malice_openings import Stage
from sharing import Rows, Sharing, deals, grant, opened, policy, with_fields
from world import World, accounts

from cleanroom.agent import evidence, matches, opening, release
from cleanroom.agent.disclosed import disclosed
from cleanroom.agent.matches import Listed, MatchState, meant
from cleanroom.agent.overlap import overlap
from cleanroom.agent.reviews import ReviewerMissing
from cleanroom.agent.rooms import open_room
from cleanroom.agent.session import Agent
from cleanroom.agent.status import status
from cleanroom.agent.verified import verified
from cleanroom.domain.errors import InputRefused
from cleanroom.domain.vocabulary import Form, Kind, RoomId, Tier
from cleanroom.messages.openings import OpeningRefused
from cleanroom.policy.model import Policy

KINDS = (Kind.LEI, Kind.DUNS, Kind.DOMAIN, Kind.NAME)
OUTLINES = (Kind.LEI, Kind.DOMAIN, Kind.NAME, Kind.NAME_OUTLINE)
SURE, LIKELY = {"Company 0", "Company 1"}, {"Company 2", "Company 3"}


def listed(prefix: str, stop: int, start: int = 0) -> Rows:
    """Companies of which only the first two have the same name on both sides."""
    rows = deals(start, stop, prefix=prefix, lei="")
    return [{**row, "name": f"Company {i}" if i < 2 else row["name"]} for i, row in enumerate(rows, start)]


def names(agent: Agent) -> Policy:
    return policy(agent, grant("names", Form.FULL, "account_name"))


def known(agent: Agent) -> Policy:
    return policy(agent)


@pytest.fixture
def room(world: World) -> Sharing:
    return world.once("room", lambda: released(world, names))


def released(world: World, shown: Callable[[Agent], Policy]) -> Sharing:
    extra = deals(20, 24, prefix="g", lei="")
    made = opened(world, listed("a", 6), [*listed("g", 4), *extra], acme=shown, globex=shown, kinds=KINDS)
    made.settle()
    return made


def seen_by(room: Sharing, agent: Agent) -> set[str]:
    """The other side's names that are shown now, without what tells the sides apart."""
    rows = (row for row in room.shared(agent).rows if row.state == "shown")
    return {" ".join(row.fields["account_name"].value.split()[:2]) for row in rows}


def found(room: Sharing, agent: Agent, *states: MatchState) -> tuple[Listed, ...]:
    every = matches.matches(agent, room.view(agent))
    return tuple(item for item in every if item.state in states)


def says(room: Sharing, agent: Agent, *chosen: Listed, confirmed: bool, **more: Any) -> None:  # noqa: ANN401 - as given
    matches.say(agent, room.view(agent), chosen, confirmed=confirmed, by=staff(agent)[1], **more)


def to_review(agent: Agent, room: RoomId) -> int:
    return next(item.to_review for item in status(agent).rooms if item.room == room)


# ---- a person says


def test_what_is_likely_is_not_released_before_its_owner_has_confirmed_it(room: Sharing) -> None:
    assert seen_by(room, room.globex) == seen_by(room, room.acme) == SURE
    assert {row.tier for row in room.shared(room.globex).rows} == {"certain"}
    assert to_review(room.acme, room.room) == to_review(room.globex, room.room) == 2
    waiting = found(room, room.acme, MatchState.WAITING)
    assert [item.tier for item in waiting] == [Tier.LIKELY] * 2
    assert {item.why for item in waiting} == {"one website, other names"}
    assert {(item.evidence, item.differ) for item in waiting} == {(("domain",), ("name",))}
    says(room, room.acme, waiting[0], confirmed=True)
    assert to_review(room.acme, room.room) == 1
    room.settle()
    assert to_review(room.acme, room.room) == 1
    assert len(seen_by(room, room.globex) - SURE) == 1
    assert {row.tier for row in room.shared(room.globex).rows} == {"certain", "likely"}
    # Each side says it for its own.
    assert seen_by(room, room.acme) == SURE
    assert to_review(room.globex, room.room) == 2
    assert len(found(room, room.acme, MatchState.CONFIRMED)) == 1


def test_what_is_rejected_is_never_released_and_withdrawn_if_it_was(room: Sharing) -> None:
    first, second = found(room, room.acme, MatchState.WAITING)
    says(room, room.acme, first, second, confirmed=True)
    room.settle()
    assert seen_by(room, room.globex) == SURE | LIKELY
    (sure, _) = found(room, room.acme, MatchState.RELEASED)
    says(room, room.acme, first, sure, confirmed=False, reason="a namesake")
    room.settle()
    left = seen_by(room, room.globex)
    assert len(left) == 2
    assert {row.state for row in room.shared(room.globex).rows} == {"shown", "withdrawn"}
    assert disclosed(room.acme, room.room)["withdrawn"].ne("").any()
    assert {item.id for item in found(room, room.acme, MatchState.REJECTED)} == {first.id, sure.id}
    said = found(room, room.acme, MatchState.REJECTED)[0].decision
    assert said is not None
    assert (said.reason, said.by) == ("a namesake", staff(room.acme)[1].id)
    says(room, room.acme, first, confirmed=True)
    room.settle()
    assert len(seen_by(room, room.globex)) == 3


def test_what_was_said_outlives_the_epoch(world: World, room: Sharing) -> None:
    first, second = found(room, room.acme, MatchState.WAITING)
    says(room, room.acme, first, confirmed=True)
    says(room, room.acme, second, confirmed=False)
    room.settle()
    before = room.view(room.acme).epoch
    world.clock.step(days=31)
    room.settle()
    assert room.view(room.acme).epoch == before + 1
    assert len(seen_by(room, room.globex)) == 3
    assert {item.id for item in found(room, room.acme, MatchState.CONFIRMED)} == {first.id}
    assert {item.id for item in found(room, room.acme, MatchState.REJECTED)} == {second.id}
    assert first.match.mine not in {match.mine for match in verified(room.acme, room.view(room.acme))}
    assert to_review(room.acme, room.room) == 0
    assert to_review(room.globex, room.room) == 2


def test_a_confirmation_is_of_this_evidence_and_a_rejection_of_its_keys(world: World, room: Sharing) -> None:
    """They get a number each, on both sides: what was confirmed is another match then, what was rejected is not."""
    first, second = found(room, room.acme, MatchState.WAITING)
    says(room, room.acme, first, confirmed=True)
    says(room, room.acme, second, confirmed=False)
    for agent, prefix, stop in ((room.acme, "a", 6), (room.globex, "g", 4)):
        rows = [{**row, "lei": lei(i) if i in (2, 3) else ""} for i, row in enumerate(listed(prefix, stop))]
        world.put_list(agent, room.room, with_fields([*rows, *deals(20, 24, prefix=prefix, lei="")]))
    world.clock.step(days=31)
    room.settle()
    assert found(room, room.acme, MatchState.CONFIRMED) == ()
    (rejected,) = found(room, room.acme, MatchState.REJECTED)
    assert (rejected.id == second.id, set(rejected.keys) > set(second.keys)) == (False, True)
    assert len(found(room, room.acme, MatchState.RELEASED)) > 2


def test_only_an_admin_or_a_partner_manager_says_it(room: Sharing) -> None:
    waiting = found(room, room.acme, MatchState.WAITING)
    view = room.view(room.acme)
    with pytest.raises(ReviewerMissing):
        matches.say(room.acme, view, waiting, confirmed=True, by=None)
    with pytest.raises(ReviewerMissing):
        matches.say(room.acme, view, waiting, confirmed=True, by=staff(room.globex)[0])
    with pytest.raises(InputRefused, match="at most 1000"):
        says(room, room.acme, *waiting, confirmed=False, reason="x" * 1001)
    assert len(found(room, room.acme, MatchState.WAITING)) == 2


def test_a_match_is_meant_by_the_beginning_of_its_id(room: Sharing) -> None:
    every = matches.matches(room.acme, room.view(room.acme))
    assert meant(every, [every[1].id[:6].upper(), every[1].id]) == (every[1],)
    for text in ("", every[0].id[:5], "zzzzzzzz"):
        with pytest.raises(matches.UnknownMatch, match="match 2"):
            meant(every, [every[0].id, text])


def test_existence_alone_waits_for_a_person_too(world: World) -> None:
    room = released(world, known)
    assert len(room.shared(room.globex).rows) == 2
    says(room, room.acme, *found(room, room.acme, MatchState.WAITING), confirmed=True)
    room.settle()
    assert len(room.shared(room.globex).rows) == 4
    assert len(room.shared(room.acme).rows) == 2


def test_a_sibling_abroad_is_not_released_by_the_entrys_evidence(world: World) -> None:
    """One entry by its DUNS number; only the account in Germany has the name that was proven."""
    here, *others = [{**row, "duns": "15-048-3782" if i == 0 else ""} for i, row in enumerate(listed("a", 6))]
    abroad = {**here, "account_id": "a\x1fb", "name": "Sibling Company", "country": "FR"}
    theirs = [*listed("g", 4), *deals(20, 24, prefix="g", lei="")]
    room = opened(world, [here, abroad, *others], theirs, acme=names, globex=names, kinds=KINDS)
    room.settle()
    assert "Sibling Company" not in seen_by(room, room.globex)
    assert seen_by(room, room.globex) == SURE
    (item,) = (item for item in found(room, room.acme, MatchState.WAITING) if item.tier is Tier.CERTAIN)
    assert {account.name: account.tier for account in item.accounts} == {
        "Company 0": Tier.CERTAIN,
        "Sibling Company": Tier.LIKELY,
    }
    says(room, room.acme, item, confirmed=True)
    room.settle()
    assert seen_by(room, room.globex) == {*SURE, "Sibling Company"}


def test_a_release_that_was_sealed_before_a_rejection_never_leaves(
    room: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash: it is dropped, and made anew."""
    first, _ = found(room, room.acme, MatchState.WAITING)
    says(room, room.acme, first, confirmed=True)
    with monkeypatch.context() as patch:
        patch.setattr(release, "_send", lambda *_: None)
        release.release(room.acme, room.view(room.acme))
    says(room, room.acme, first, confirmed=False)
    room.settle()
    assert seen_by(room, room.globex) == SURE


# ---- the terms


def test_terms_of_certain_matches_alone_neither_count_nor_open_likely_ones(world: World) -> None:
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    counted = {}
    for tiers in ((Tier.CERTAIN,), tuple(Tier)):
        room = world.room(acme, globex, tiers=tiers, kinds=KINDS)
        world.put_list(acme, room, with_fields(listed("a", 6)))
        world.put_list(globex, room, with_fields([*listed("g", 4), *deals(20, 24, prefix="g", lei="")]))
        world.settle(acme, globex, room=room)
        for agent in (acme, globex):
            put_in_force(agent, room, names(agent))
        world.settle(acme, globex, room=room)
        cell = overlap(acme, room).cells[0][0]
        counted[tiers] = (cell, len(verified(acme, open_room(acme, room))))
    assert counted == {(Tier.CERTAIN,): (2, 2), tuple(Tier): (4, 4)}


def certain_only(world: World) -> Stage:
    """A room that counts certain matches alone; all policies are in force, nothing is opened."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    room = world.room(acme, globex, tiers=(Tier.CERTAIN,), kinds=OUTLINES)
    world.put_list(acme, room, accounts(listed("a", 6)))
    world.put_list(globex, room, accounts([*listed("g", 4), *deals(20, 24, prefix="g", lei="")]))
    world.settle(acme, globex, room=room)
    for agent in (acme, globex):
        put_in_force(agent, room, existence(agent))
    return Stage(world=world, acme=acme, globex=globex, room=room)


@pytest.mark.parametrize("shown", [Kind.NAME, Kind.NAME_OUTLINE])
def test_an_escrow_that_shows_less_than_a_match_gets_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, shown: Kind
) -> None:
    """Promise 3, stopped by the agent's rule 10: a name alone, or one in outline, may be a stranger's.

    Without it the rows are opened.
    """
    stage = world.once("certain only", lambda: certain_only(world))
    less = [item for item in stage.honest_evidence(stage.acme) if item.leaf[18] == OUTLINES.index(shown)]
    assert len(less) >= 2
    for removed in (False, True):
        victim = stage.rehearsal(stage.acme)
        victim.liar.items = less
        if removed:
            monkeypatch.setattr(evidence, "_check_pairs", lambda *_: None)
            assert victim.opens()
            continue
        with pytest.raises(OpeningRefused, match="makes no match that counts"):
            victim.opens()
        assert victim.liar.sent == []


# ---- lists that move


def both_have_opened(world: World, lists: dict[str, Rows]) -> RoomId:
    """A room in which nobody has verified yet what the other opened."""
    agents = (world.agents["Acme"], world.agents["Globex"])
    room = world.room(*agents, kinds=KINDS)
    for name, rows in lists.items():
        world.put_list(world.agents[name], room, with_fields(rows))
    world.settle(*agents, room=room)
    for agent in agents:
        put_in_force(agent, room, names(agent))
    for agent in agents:
        opening.open_round(agent, open_room(agent, room))
    return room


@pytest.mark.parametrize("side", ["Acme", "Globex"])
@pytest.mark.parametrize("change", ["name", "website", "segment", "gone"])
def test_an_honest_run_refuses_nothing_when_a_list_moves_between_opening_and_verifying(
    world: World, side: str, change: str
) -> None:
    """Company 0 is altered on one side after both have opened it: what is a match still stays, the rest is dropped."""
    acme, globex = world.agents["Acme"], world.agents["Globex"]
    lists = {"Acme": listed("a", 6), "Globex": [*listed("g", 4), *deals(20, 24, prefix="g", lei="")]}
    room = world.once("both have opened", lambda: both_have_opened(world, lists))
    first, *others = lists[side]
    altered = {
        "name": [{**first, "name": "Renamed"}],
        "website": [{**first, "website": "moved.com"}],
        "segment": [{**first, "segment": "prospects"}],
        "gone": [],
    }[change]
    world.put_list(world.agents[side], room, with_fields([*altered, *others]))
    world.settle(acme, globex, room=room)
    for agent in (acme, globex):
        view = open_room(agent, room)
        assert view.round is not None
        tiers = sorted(str(match.tier) for match in verified(agent, view))
        assert tiers.count("likely") >= 2
        assert tiers.count("certain") >= 1
    both = [{(m.mine, m.theirs) for m in verified(agent, open_room(agent, room))} for agent in (acme, globex)]
    turned = {pair[::-1] for pair in both[0]}
    # Who verified before the list moved has kept what the other has dropped; nothing more is between them.
    assert turned <= both[1] or both[1] <= turned
