"""The commands over agreed cells: what is on the screen, in files and in JSON is what both policies give."""

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from consent import PASSPHRASE as OF_USERS
from consent import put_in_force, staff
from sharing import Sharing, deals, grant, opened, policy, with_fields
from world import PASSPHRASE, World

from cleanroom.agent import suppress, users
from cleanroom.agent.agreed import CellState, cell_states
from cleanroom.agent.session import Agent
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Environment
from cleanroom.cli.main import run
from cleanroom.cli.output import Output
from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Form, Role
from cleanroom.policy.model import Effect, Policy, Rule, When

HOSTILE = '=HYPERLINK("http://x")\u202e<b>\x1b[31m[bold]'
WIDTH = 80


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """What was printed, line breaks and frames of tables taken out."""
        return " ".join(self.out.replace("│", " ").split())


def command(agent: Agent, *arguments: str, user: str | None = None) -> Ended:
    out, err = io.StringIO(), io.StringIO()

    @contextmanager
    def opener(_home: Path, _passphrase: object, **_others: object) -> Iterator[Agent]:
        yield agent

    environment = Environment(
        home=agent.home,
        passphrase=PASSPHRASE,
        passphrase_file=None,
        clock=agent.clock,
        output=Output(out, err),
        ask=None,
        user_passphrase=Secret(user) if user else None,
        opener=opener,
    )
    return Ended(run(arguments, environment), out.getvalue(), err.getvalue())


def document(agent: Agent, *arguments: str, user: str | None = None) -> Any:  # noqa: ANN401 - a JSON document
    ended = command(agent, *arguments, "--json", user=user)
    assert ended.code == Exit.DONE, ended.out + ended.err
    return json.loads(ended.out)


def acme_policy(agent: Agent) -> Policy:
    return policy(
        agent, grant("full", Form.FULL, "account_name", "stage", "notes"), grant("less", Form.REDUCED, "owner")
    )


def globex_policy(agent: Agent) -> Policy:
    managers = frozenset({Role.ADMIN, Role.PARTNER_MANAGER})
    return policy(
        agent,
        grant("full", Form.FULL, "account_name", "stage", "currency", "notes"),
        grant("less", Form.REDUCED, "amount", "close_date"),
        grant("people", Form.FULL, "owner", roles=managers),
    )


def made(world: World) -> Sharing:
    """Companies 3 to 8, 40 and 41 meet; Globex's company 5 has hostile words."""
    mine = deals(0, 9, prefix="crm") + deals(40, 42, prefix="crm", owner="Sue Seller", owner_email="sue@acme.example")
    hostile = deals(5, 6, prefix="g", name=HOSTILE, notes=HOSTILE)
    theirs = [*deals(3, 5, prefix="g"), *hostile, *deals(6, 12, prefix="g"), *deals(40, 42, prefix="g", stage="won")]
    room = opened(world, mine, theirs, acme=acme_policy, globex=globex_policy)
    room.settle()
    return room


@pytest.fixture
def shop(world: World) -> Sharing:
    """A room that tests only look at."""
    return world.once("shop", lambda: made(world))


@pytest.fixture
def own(world: World) -> Sharing:
    """A room that a test changes."""
    return world.once("shop", lambda: made(world))


def test_the_shared_table_shows_each_field_in_its_form_and_fits_80_columns(shop: Sharing) -> None:
    ended = command(shop.acme, "shared", "--room", shop.room)
    assert ended.code == Exit.DONE
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    assert "Company 3 crm" in ended.text
    assert "Company 3 g" in ended.text
    assert "~EUR" in ended.text  # a band
    assert "63000" not in ended.text  # never the amount
    assert "policies (theirs / yours): v1 / v1" in ended.text


def test_wide_shows_all_fields_with_form_date_and_policies(shop: Sharing) -> None:
    ended = command(shop.acme, "shared", "--room", shop.room, "--wide", "--filter", "company 3")
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    assert re.search(r"amount ~EUR 50,000-250,000 reduced (just now|1 day ago) v1 / v1", ended.text)
    assert "close date ~2026-Q2 reduced" in ended.text
    assert "stage open full" in ended.text


def test_json_has_form_and_value_of_every_field(shop: Sharing) -> None:
    found = document(shop.acme, "shared", "--room", shop.room, "--filter", "account=Company 3 crm")
    fields = found["rows"][0]["fields"]
    assert {name: (item["form"], item["value"]) for name, item in fields.items()} == {
        "account_name": ("full", "Company 3 g"),
        "amount": ("reduced", "EUR 50,000-250,000"),
        "close_date": ("reduced", "2026-Q2"),
        "currency": ("full", "EUR"),
        "notes": ("full", "call back"),
        "owner": ("full", "Ann Example"),
        "stage": ("full", "open"),
    }


def test_text_of_the_other_side_is_harmless_on_every_way_out(shop: Sharing, tmp_path: Path) -> None:
    table, book = tmp_path / "shared.csv", tmp_path / "shared.xlsx"
    screens = [
        command(shop.acme, "shared", "--room", shop.room, "--csv", str(table), "--xlsx", str(book)),
        command(shop.acme, "shared", "--room", shop.room, "--wide"),
        command(shop.acme, "shared", "--room", shop.room, "--json"),
    ]
    for ended in screens:
        assert ended.code == Exit.DONE, ended.err
        assert "HYPERLINK" in ended.out
        assert not {"\x1b", "\u202e", "\u202d"} & set(ended.out)
    rows = list(csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    cells = [cell for row in rows for cell in row]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert not [cell for cell in cells if "\x1f" in cell]
    kinds = {type(cell) for cell in pd.read_excel(book, dtype=object).to_numpy().ravel()}
    assert kinds <= {str, int, float}
    assert table.stat().st_mode & 0o077 == 0


def test_a_role_sees_what_the_owner_shows_to_it(shop: Sharing) -> None:
    def owners(role: str) -> set[str | None]:
        found = document(shop.acme, "shared", "--room", shop.room, "--role", role)
        return {row["fields"].get("owner", {}).get("value") for row in found["rows"]}

    assert owners("partner_manager") == {"Ann Example"}
    assert owners("security_reviewer") == {None}


def test_a_seller_sees_accounts_of_his_own_only(shop: Sharing) -> None:
    ann, _ = staff(shop.acme)
    users.add(shop.acme, "Sue Seller", Role.SELLER, passphrase=OF_USERS, by=ann)
    try:
        mine = document(shop.acme, "shared", "--room", shop.room, "--user", "sue seller")
    finally:
        users.remove(shop.acme, "Sue Seller", by=ann)
    assert {row["name"] for row in mine["rows"]} == {"Company 40 crm", "Company 41 crm"}
    assert document(shop.acme, "shared", "--room", shop.room, "--role", "seller")["rows"] == []


def test_filter_sort_and_limit(shop: Sharing) -> None:
    won = document(shop.acme, "shared", "--room", shop.room, "--filter", "stage=won", "--sort", "account_name")
    assert [row["fields"]["account_name"]["value"] for row in won["rows"]] == ["Company 40 g", "Company 41 g"]
    assert len(document(shop.acme, "shared", "--room", shop.room, "--limit", "3")["rows"]) == 3
    assert command(shop.acme, "shared", "--room", shop.room, "--filter", "nothing=x").code == Exit.REFUSED
    assert command(shop.acme, "shared", "--room", shop.room, "--sort", "nothing").code == Exit.REFUSED


def test_overlap_says_what_is_agreed_and_opened(shop: Sharing) -> None:
    ended = command(shop.acme, "overlap", "--room", shop.room)
    assert "agreed, 8 open" in ended.text
    assert "customers x customers: 8 opened" in ended.text
    agreed = document(shop.acme, "overlap", "--room", shop.room)["agreements"][0]
    assert (agreed["cells"][0][0]["state"], agreed["cells"][0][0]["opened"], agreed["opened"]) == ("agreed", 8, 8)


def test_the_page_marks_agreed_cells(shop: Sharing, tmp_path: Path) -> None:
    page = tmp_path / "overlap.html"
    assert command(shop.acme, "overlap", "--room", shop.room, "--html", str(page)).code == Exit.DONE
    assert '<span class="mark agreed">agreed, 8 open</span>' in page.read_text()


def test_a_cell_waits_for_the_side_that_has_not_said_yes(world: World, acme: Agent, globex: Agent) -> None:
    room = world.room(acme, globex)
    for agent, prefix in ((acme, "a"), (globex, "g")):
        world.put_list(agent, room, with_fields(deals(0, 4, prefix=prefix)))
    world.settle(acme, globex, room=room)
    assert "only counts are shown" in command(acme, "overlap", "--room", room).text
    put_in_force(globex, room, policy(globex))
    first = command(acme, "overlap", "--room", room).text
    assert "Waits for you every cell; Globex would show it, you don't yet: cleanroom policy init" in first
    assert "Globex has a policy, you have none" in command(acme, "status").text
    theirs = document(globex, "overlap", "--room", room)["agreements"][0]
    assert {cell["state"] for row in theirs["cells"] for cell in row} == {"waits_for_them"}
    put_in_force(acme, room, policy(acme))
    world.settle(acme, room=room)
    waits = next(item for item in document(acme, "status")["rooms"] if item["room"] == room)["consent"]
    assert any("Globex's agent has not opened" in wait["what"] and not wait["mine"] for wait in waits)
    assert "Your agent has not opened the matches of agreed cells: cleanroom sync" in command(globex, "status").text


def test_a_cells_state_is_that_of_the_evaluator(own: Sharing) -> None:
    only = Rule(
        id="one",
        effect=Effect.GRANT,
        fields=frozenset({ACCOUNT}),
        form=Form.EXISTS,
        when=When(segments=frozenset({("customers", "prospects"), ("prospects", "customers")})),
    )
    put_in_force(own.globex, own.room, Policy(owner=own.globex.me, rules=(only,), accepts={ACCOUNT: Form.EXISTS}))
    for agent in (own.acme, own.globex):
        room, now = own.view(agent), agent.clock()
        states = cell_states(room, now)
        agreed = {(i, j) for i, row in enumerate(states) for j, state in enumerate(row) if state is CellState.AGREED}
        assert agreed == room.sides(agent.me).agreed_cells(now) == {(0, 2), (2, 0)}
    mine = cell_states(own.view(own.globex), own.globex.clock())
    assert mine[0][0] is CellState.WAITS_FOR_ME


def test_a_narrower_policy_withdraws_and_both_sides_read_it(own: Sharing) -> None:
    command(own.acme, "shared", "--room", own.room)
    own.world.clock.step(days=1)
    put_in_force(own.globex, own.room, policy(own.globex, grant("full", Form.FULL, "account_name", "stage")))
    own.settle()
    day = own.world.clock().date().isoformat()
    assert "were withdrawn by Globex since you last looked" in command(own.acme, "status").text
    seen = command(own.acme, "shared", "--room", own.room).text
    assert f"withdrawn by Globex on {day}:" in seen
    assert "EUR" not in seen
    assert "since you last looked" not in command(own.acme, "status").text
    sent = document(own.globex, "disclosed", "--room", own.room, "--field", "amount")
    assert {row["form"] for row in sent["disclosed"]} == {"reduced"}
    assert all(row["withdrawn"] for row in sent["disclosed"])
    summary = document(own.globex, "disclosed", "--room", own.room)["summary"]
    assert summary["every"]["accounts"] == 8
    assert summary["fields"]["amount"] == {"full": 0, "reduced": 8, "accounts": 8, "withdrawn": 8}
    assert summary["fields"]["stage"]["withdrawn"] == 0


def test_disclosed_is_what_the_other_side_has(shop: Sharing, tmp_path: Path) -> None:
    sent = document(shop.globex, "disclosed", "--room", shop.room)
    fields = {(row["field"], row["form"]) for row in sent["disclosed"]} - {("account", "exists")}
    table = shop.table(shop.acme)
    shown = {
        (name.removesuffix("_form"), form)
        for name in table.columns
        if name.endswith("_form")
        for form in set(table[name]) - {""}
    }
    assert fields == shown
    one = document(shop.globex, "disclosed", "--room", shop.room, "--account", "00003")
    assert {row["name"] for row in one["disclosed"]} == {"Company 3 g"}
    assert {row["account"] for row in one["disclosed"]} == {"g/00003"}
    ended = command(shop.globex, "disclosed", "--room", shop.room, "--csv", str(tmp_path / "d.csv"))
    assert max(map(len, ended.out.splitlines())) <= WIDTH
    assert len((tmp_path / "d.csv").read_text(encoding="utf-8-sig").splitlines()) == len(sent["disclosed"]) + 1
    wide = command(shop.globex, "disclosed", "--room", shop.room, "--wide")
    assert "1 / 1" in wide.text


def test_a_dispute_freezes_until_it_is_resolved(own: Sharing) -> None:
    ended = document(own.acme, "dispute", "open", own.room, "00003", "company 3 g", "--reason", f"no: {HOSTILE}")
    assert ended["dispute"] == 1
    own.settle()
    theirs = command(own.globex, "dispute", "list", own.room)
    assert "Company 3 g" in theirs.text
    assert "open" in theirs.text
    assert not {"\x1b", "\u202e"} & set(theirs.out)
    assert "Acme disputes 1 match" in command(own.globex, "status").text
    states = {row["name"]: row["state"] for row in document(own.globex, "shared", "--room", own.room)["rows"]}
    assert (states["Company 3 g"], states["Company 4 g"]) == ("disputed", "shown")
    # Only the side that disputed resolves.
    assert command(own.globex, "dispute", "resolve", own.room, "1", "--text", "fine").code == Exit.REFUSED
    assert command(own.acme, "dispute", "resolve", own.room, "1", "--text", "fine").code == Exit.DONE
    own.settle()
    listed = document(own.globex, "dispute", "list", own.room)["disputes"]
    assert [(item["open"], item["resolution"]) for item in listed] == [(False, "fine")]
    assert "disputed" not in command(own.acme, "shared", "--room", own.room).text


@pytest.mark.parametrize("named", [("99999",), ("00000",), ("00003", "somebody else")])
def test_a_dispute_must_mean_one_match(shop: Sharing, named: tuple[str, ...]) -> None:
    assert command(shop.acme, "dispute", "open", shop.room, *named, "--reason", "x").code == Exit.REFUSED


def test_suppressing_says_which_rooms_wait(shop: Sharing) -> None:
    try:
        added = document(shop.acme, "suppress", "add", "00004", "Company 8 crm", "--reason", "asked by legal")
        assert {item["name"] for item in added["suppressed"]} == {"Company 4 crm", "Company 8 crm"}
        waits = next(item for item in added["rooms_that_wait"] if item["room"] == shop.room)
        assert waits["next_epoch"] > shop.acme.clock().isoformat()
        assert "nothing more is opened before the next one" in command(shop.acme, "status").text
        listed = command(shop.acme, "suppress", "list").text
        assert "asked by legal" in listed
        assert command(shop.acme, "suppress", "add", "nobody").code == Exit.REFUSED
        gone = document(shop.acme, "suppress", "remove", "company 8 crm")["removed"]
        assert [item["name"] for item in gone] == ["Company 8 crm"]
        assert command(shop.acme, "suppress", "remove", "Company 8 crm").code == Exit.REFUSED
        assert [item["name"] for item in document(shop.acme, "suppress", "list")["suppressed"]] == ["Company 4 crm"]
    finally:
        every = [item.account for item in suppress.suppressed(shop.acme)]
        if every:
            suppress.unsuppress(shop.acme, every)


def test_the_next_epoch_is_counted_from_periods_not_from_policies(own: Sharing) -> None:
    def epoch() -> tuple[int, str]:
        found = next(item for item in document(own.acme, "status")["rooms"] if item["room"] == own.room)
        return own.view(own.acme).epoch, found["next_epoch"]

    first, begins = epoch()
    put_in_force(own.globex, own.room, policy(own.globex))  # narrower, so a fresh epoch
    assert epoch() == (first + 1, begins)


def test_room_show_tells_the_catalogue(shop: Sharing) -> None:
    ended = command(shop.acme, "room", "show", shop.room)
    assert "amount money commercial bands: any" in ended.text
    assert "owner_email email contact the domain full" in ended.text
    assert "Used for co sell" in ended.text


def test_the_life_of_a_user(world: World, tmp_path: Path) -> None:
    agent = world.enrol(f"Initech {world.rooms}")
    words, key = tmp_path / "new.txt", tmp_path / "bob.key"
    words.write_text("the passphrase of Bob\n")
    ann = "the passphrase of Ann"
    assert command(agent, "user", "add", "Ann", "--role", "seller", user=ann).code == Exit.REFUSED
    assert document(agent, "user", "add", "Ann", "--role", "admin", user=ann)["user"]["role"] == "admin"
    add_bob = ("user", "add", "Bob", "--role", "partner_manager", "--passphrase-file", str(words))
    assert command(agent, *add_bob).code == Exit.REFUSED  # nobody signs
    assert command(agent, *add_bob, "--user", "ann", user="a wrong one").code == Exit.VAULT
    assert document(agent, *add_bob, "--user", "ann", user=ann)["user"]["key_here"]
    # The one who signs lends his passphrase to nobody.
    assert command(agent, "user", "add", "Eve", "--role", "seller", "--user", "ann", user=ann).code == Exit.REFUSED
    assert users.unlock(agent, "Bob", Secret("the passphrase of Bob")).role is Role.PARTNER_MANAGER
    made = document(agent, "user", "keyfile", str(key), "--name", "Cleo", "--passphrase-file", str(words))
    cleo = ("user", "add", "Cleo", "--role", "seller", "--public-key", made["public_key"], "--user", "ann")
    assert not document(agent, *cleo, user=ann)["user"]["key_here"]
    assert command(agent, "user", "role", "cleo", "admin", "--user", "Bob", user="the passphrase of Bob").code == 3
    assert command(agent, "user", "role", "cleo", "security_reviewer", "--user", "Ann", user=ann).code == Exit.DONE
    assert command(agent, "user", "remove", "ann", "--user", "ann", user=ann).code == Exit.REFUSED  # the last admin
    assert command(agent, "user", "remove", "bob", "--user", "ann", user=ann).code == Exit.DONE
    listed = command(agent, "user", "list").text
    assert "Cleo security reviewer in a key file" in listed
    assert "Bob" not in listed
