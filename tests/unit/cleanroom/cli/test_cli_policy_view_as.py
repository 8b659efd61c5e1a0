"""`cleanroom policy view-as`: what would be seen, made as it would be sent."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from policy_room import OPEN, Ground, companies, ground, quiet
from simulation.world import World, new_world

from cleanroom.agent import room_lists
from cleanroom.agent.own_accounts import OwnAccount
from cleanroom.agent.release_content import Rules, content_of
from cleanroom.agent.supposed import most_open, supposed
from cleanroom.agent.suppress import suppress
from cleanroom.agent.verified import VerifiedMatch
from cleanroom.domain.vocabulary import Form, Tier
from cleanroom.messages.policy_chain import ground_of
from cleanroom.messages.policy_text import read_policy

REDUCED = """\
accepts: {account: exists}
rules:
  - {id: known, grant: exists, fields: account, when: {segments: [[customers, prospects], [customers, customers]]}}
  - {id: everything, grant: reduced, fields: [owner, owner_email, amount, close_date]}
  - {id: deal, grant: full, fields: [stage, currency, region, notes]}
  - {id: names, grant: full, fields: account_name, when: {viewer: [admin]}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with quiet(), new_world(tmp_path_factory.mktemp("view")) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        yield made


@pytest.fixture
def made(world: World, tmp_path: Path) -> Ground:
    """A room with a list of Acme's: 5 customers, 3 prospects, one account of no segment, one that is suppressed."""
    found = ground(world, tmp_path)
    ids = found.room[:6]  # suppressing is for the whole home
    rows = companies(ids, 0, 5, "customers") + companies(ids, 100, 3, "prospects") + companies(ids, 200, 1, "")
    hidden = {**companies(ids, 300, 1, "customers")[0], "suppressed": True}
    hostile = {"name": "Bad \u202ename\x1b[31m", "notes": "two\nlines", "amount": "-", "owner": "  Ém Ü-x "}
    frame = pd.DataFrame([{**rows[0], **hostile}, *rows[1:], hidden])
    world.put_list(world.agents["Acme"], found.room, frame)
    return found


def views(made: Ground, role: str, *arguments: str, text: str = REDUCED) -> dict[str, dict[str, object]]:
    found = made.json("Acme", "view-as", made.room, "--role", role, "--file", made.file(text), *arguments)
    assert found["as_if_matched"] is True
    return {view["theirs"]: view for view in found["views"]}


def test_only_agreed_cells_are_seen_and_only_accounts_of_the_rooms_segments(made: Ground) -> None:
    found = views(made, "seller")
    assert {theirs: view["total"] for theirs, view in found.items()} == {
        "customers": 5,
        "open_opportunities": 0,
        "prospects": 5,
    }
    everybody = views(made, "seller", text=OPEN)
    assert {view["total"] for view in everybody.values()} == {8}


def test_suppressed_accounts_are_never_seen(made: Ground) -> None:
    texts = repr(views(made, "admin", "--limit", "100", text=OPEN))
    assert "Company 300" not in texts
    assert "Company 3'" in texts
    suppress(made.world.agents["Acme"], [f"{made.room[:6]}-3"], "a test")
    assert "Company 3'" not in repr(views(made, "admin", "--limit", "100", text=OPEN))


def test_values_are_those_that_would_be_sealed(made: Ground) -> None:
    room, agent = made.opened("Acme"), made.world.agents["Acme"]
    policy = read_policy(REDUCED, owner=room.me, partners={}, ground=ground_of(room.terms))
    sides = supposed(room, mine=policy, theirs=most_open(room.other.partner))
    rules = Rules(sides=sides, at=made.world.clock(), hash_key=bytes(32))
    (part,) = room_lists.serving(agent, made.room)
    live = part.accounts[~part.accounts["suppressed"] & (part.accounts["segment"] == "customers")]
    match = VerifiedMatch(
        epoch=0,
        round=1,
        mine=bytes(16),
        theirs=bytes(16),
        my_segment=0,
        their_segment=2,
        kinds=frozenset(),
        differ=frozenset(),
        their_kinds=frozenset(),
        tier=Tier.CERTAIN,
        keys=frozenset(),
    )
    owned = [
        OwnAccount(id=row["account_id"], columns=row) for row in live.drop(columns="suppressed").to_dict("records")
    ]
    sealed = [
        {name: shown.value for name, shown in account.fields.items()}
        for account in content_of(match, owned, rules).released.accounts
    ]
    # An admin is the only one who is shown every field in its sealed form.
    seen = views(made, "admin")["prospects"]["accounts"]
    assert [account["values"] for account in seen] == sealed  # type: ignore[index,attr-defined]  # JSON
    assert sealed[1]["amount"] == "under EUR 10,000"
    assert sealed[0]["owner"] == "É. Ü."
    assert "amount" not in sealed[0]


def test_a_role_is_shown_no_more_than_its_forms(made: Ground) -> None:
    seller, admin = (views(made, role)["prospects"] for role in ("seller", "admin"))
    assert seller["forms"]["customers"]["account_name"] == Form.HIDDEN  # type: ignore[index,call-overload]  # JSON
    assert admin["forms"]["customers"]["account_name"] == Form.FULL  # type: ignore[index,call-overload]  # JSON
    assert all("account_name" not in account["values"] for account in seller["accounts"])  # type: ignore[attr-defined]  # JSON


def test_the_screen_says_that_it_is_not_real_and_cannot_be_steered(made: Ground) -> None:
    ended = made("Acme", "view-as", made.room, "--role", "admin", "--file", made.file(REDUCED))
    text = " ".join(ended.out.split())
    assert "As if these accounts matched: which ones do is not known here" in text
    assert "If Globex has them as customers or prospects" in text
    assert "Nothing, not even which accounts match: no such cell is agreed." in text
    assert "\x1b" not in ended.out
    assert "\u202e" not in ended.out
    assert "Sellers see only" not in text
    assert "Sellers see only" in made("Acme", "view-as", made.room, "--role", "seller").out


def test_a_limit_cuts_the_table_and_says_so(made: Ground) -> None:
    arguments = (
        "view-as",
        made.room,
        "--role",
        "admin",
        "--file",
        made.file(OPEN),
        "--limit",
        "2",
        "--mine",
        "customers",
    )
    ended = made("Acme", *arguments)
    assert "2 of 5 accounts (--limit)." in ended.out
    assert ended.out.count("company") == 2


def test_without_a_policy_nothing_is_seen(made: Ground) -> None:
    found = made.json("Acme", "view-as", made.room, "--role", "admin")
    assert [(view["total"], view["accounts"], view["forms"]) for view in found["views"]] == [(0, [], {})] * 3
