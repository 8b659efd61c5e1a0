"""`cleanroom policy`: writing, checking and understanding a policy, over real agents and a real escrow."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from policy_room import OPEN, Ground, ground, push_lists, quiet, with_users
from simulation.world import World, new_world

from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Ask
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import DEFAULT_SEGMENTS, Nomination, Role
from cleanroom.messages.policy_chain import ground_of
from cleanroom.messages.policy_text import read_policy
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import Context, Policy

NARROW = """\
accepts: {account: exists, identity: full, contact: full, commercial: full}
rules:
  - {id: known, grant: exists, fields: account}
  - {id: stage, grant: full, fields: stage, when: {segments: [[customers, prospects]]}}
  - {id: bands, grant: reduced, fields: amount, when: {viewer: [admin, partner_manager]}, until: 2027-03-01}
  - {id: hot, grant: full, fields: amount, when: {nomination: [both]}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with quiet(), new_world(tmp_path_factory.mktemp("reading")) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        with_users(made)
        yield made


@pytest.fixture
def made(world: World, tmp_path: Path) -> Ground:
    return ground(world, tmp_path)


@pytest.fixture(scope="module")
def signed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Both sides have lists and a policy: Acme's is narrow, Globex's open. Tests only read."""
    found = ground(world, tmp_path_factory.mktemp("signed"), minimum_population=25)
    push_lists(found)
    found.in_force("Acme", NARROW, author="Ann", approver="Bob")
    found.json("Globex", "propose", found.room, found.file(OPEN), "--user", "Gil")
    world.clock.step(hours=24)
    found.json("Globex", "approve", found.room, "--user", "Gil")
    return found


def sides(made: Ground, owner: str = "Acme") -> Sides:
    return made.opened("Acme").sides(made.world.agents[owner].me)


def read(made: Ground, path: Path) -> Policy:
    room = made.opened("Acme")
    return read_policy(path.read_bytes(), owner=room.me, partners={}, ground=ground_of(room.terms))


def contexts(made: Ground, nomination: Nomination = Nomination.NONE) -> Iterator[Context]:
    room = made.opened("Acme")
    for mine, theirs, role in product(room.terms.segments, room.terms.segments, Role):
        yield Context(
            mine=mine,
            theirs=theirs,
            purpose=room.terms.use,
            role=role,
            at=made.world.clock(),
            nomination=nomination,
        )


def answering(*answers: str, yes: bool = False) -> Ask:
    typed = iter(answers)
    return Ask(text=lambda _: next(typed), secret=lambda _: Secret("never asked"), sure=lambda _: yes)


@pytest.mark.parametrize("preset", ["counts-only", "names", "co-sell", "full-team"])
def test_a_preset_is_written_with_comments_and_passes_the_check(made: Ground, preset: str) -> None:
    path = made.folder / "first.yaml"
    arguments = ("init", made.room, "--preset", preset, "--until", "2027-01-31", "--out", str(path))
    assert made.json("Acme", *arguments)["preset"] == preset
    assert path.read_text().startswith("# A policy for Acme x Globex")
    policy = read(made, path)
    assert all(
        rule.expires is not None and rule.expires.isoformat() == "2027-01-31T00:00:00+00:00" for rule in policy.rules
    )
    codes = {item["code"] for item in made.json("Acme", "check", made.room, str(path))["warnings"]}
    assert codes <= {"class_rule", "contact_to_sellers"}


def test_a_file_that_is_there_is_never_replaced_without_being_told_so(made: Ground) -> None:
    path = made.file("mine\n")
    arguments = ("init", made.room, "--preset", "names", "--out", path)
    assert made.refused("Acme", *arguments) == (Exit.REFUSED, "input_refused")
    assert Path(path).read_text() == "mine\n"
    made.json("Acme", *arguments, "--force")
    assert "rules:" in Path(path).read_text()


def test_the_questions_make_the_policy(made: Ground) -> None:
    path = made.folder / "asked.yaml"
    ask = answering("9", "3", "1, 3", "2", "soon", "2027-01-31")
    ended = made("Acme", "init", made.room, "--out", str(path), ask=ask)
    assert ended.code == Exit.DONE
    policy = read(made, path)
    cells = frozenset({("customers", "open_opportunities"), ("prospects", "open_opportunities")})
    assert {rule.when.segments for rule in policy.rules} == {cells}
    contact = next(rule for rule in policy.rules if "owner" in rule.fields)
    assert contact.when.roles == frozenset(Role) - {Role.SELLER}
    open_to_sellers = made.folder / "sellers.yaml"
    made(
        "Acme",
        "init",
        made.room,
        "--out",
        str(open_to_sellers),
        ask=answering("4", "all", "all", "2027-01-31", yes=True),
    )
    assert all(not rule.when.roles for rule in read(made, open_to_sellers).rules)


def test_nobody_there_to_ask_and_answers_that_are_none_write_nothing(made: Ground) -> None:
    path = made.folder / "none.yaml"
    assert made.refused("Acme", "init", made.room, "--out", str(path)) == (Exit.REFUSED, "input_refused")
    assert made("Acme", "init", made.room, "--out", str(path), ask=answering("0", "x", "1,2")).code == Exit.REFUSED
    assert not path.exists()


def test_every_error_has_its_line_and_column_and_none_repeats_what_was_written(made: Ground) -> None:
    file = made.file("rules:\n  - {id: a, grant: exist, fields: [salary]}\n  - {id: a, deny: yes}\nextra: 1\n")
    ended = made("Acme", "check", made.room, file, "--json")
    document = json.loads(ended.out)
    assert ended.code == Exit.REFUSED
    assert len(document["errors"]) >= 4
    assert all(line.startswith("line ") and ", column " in line for line in document["errors"])
    assert "salary" not in ended.out
    assert "line 2, column 20: rule 1, grant" in made("Acme", "check", made.room, file).out
    other = made("Acme", "diff", made.room, file)
    assert (other.code, other.out) == (Exit.REFUSED, "")
    assert "cleanroom policy check says all" in other.err


def test_warnings_refuse_nothing(made: Ground) -> None:
    text = OPEN.replace("[identity, contact, commercial]", "[contact, free_text]").replace(", until: 2027-06-01", "")
    checked = made.json("Acme", "check", made.room, made.file(text))
    assert {"free_text_in_full", "no_expiry", "contact_to_sellers"} <= {item["code"] for item in checked["warnings"]}
    assert "free_text_in_full" in made("Acme", "check", made.room, made.file(text)).out


def test_before_any_list_nothing_can_be_said_about_who_stands_out(made: Ground) -> None:
    checked = made.json("Acme", "check", made.room, made.file(OPEN))
    assert not checked["below_minimum"]["committed"]
    assert [cell["agreed"] for cell in checked["cells"]] == [False] * 9
    assert "Cannot be said yet" in made("Acme", "check", made.room, made.file(OPEN)).out


def test_classes_that_could_fall_below_the_minimum_are_shown_before_consent(signed: Ground) -> None:
    # 50 customers look alike and 30 of them match; 50 prospects do, and 20 match: 30 would be left.
    checked = signed.json("Acme", "check", signed.room, signed.file(OPEN, "open.yaml"))
    assert all(cell["agreed"] for cell in checked["cells"])
    thin = checked["below_minimum"]
    assert (thin["minimum"], thin["committed"], len(thin["unknown_cells"])) == (25, True, 7)
    found = [
        (item["segment"], item["entries"], item["opened_at_most"], item["left_at_least"]) for item in thin["classes"]
    ]
    assert found == [("customers", 50, 30, 20)]
    counts = {(cell["mine"], cell["theirs"]): cell["companies"] for cell in checked["cells"]}
    assert (counts["customers", "prospects"], counts["prospects", "customers"]) == (30, 20)
    only = OPEN.replace("fields: account,", "fields: account, when: {segments: [[prospects, customers]]},")
    safe = signed.json("Acme", "check", signed.room, signed.file(only, "only.yaml"))
    assert (safe["below_minimum"]["classes"], safe["below_minimum"]["unknown_cells"]) == ([], [])


@pytest.mark.parametrize("theirs", [False, True])
@pytest.mark.parametrize("nomination", [Nomination.NONE, Nomination.MINE, Nomination.BOTH])
def test_the_picture_says_for_every_place_what_the_policies_decide(
    signed: Ground, nomination: Nomination, *, theirs: bool
) -> None:
    arguments = ["--nomination", nomination.value, *(["--theirs"] if theirs else [])]
    shown = signed.json("Acme", "show", signed.room, *arguments)["shown"]
    both = sides(signed, "Globex" if theirs else "Acme")
    places = 0
    for context in contexts(signed, nomination):
        columns = [
            column
            for column in shown
            if [context.mine, context.theirs] in column["cells"] and context.role.value in column["roles"]
        ]
        assert len(columns) == 1
        seen = context.mirrored() if theirs else context
        assert columns[0]["forms"] == {name: both.form(name, seen).value for name in columns[0]["forms"]}
        places += 1
    assert places == 36


@pytest.mark.parametrize("theirs", [False, True])
@pytest.mark.parametrize("field", ["account", "stage", "amount", "notes"])
def test_explanations_cover_every_place_once_with_the_form_that_is_shown(
    signed: Ground, field: str, *, theirs: bool
) -> None:
    arguments = ["--theirs-to-me"] if theirs else []
    found = signed.json("Acme", "explain", signed.room, field, *arguments)["explanations"]
    both = sides(signed, "Globex" if theirs else "Acme")
    for context in contexts(signed):
        here = [
            item
            for item in found
            if [context.mine, context.theirs] in item["cells"] and context.role.value in item["roles"]
        ]
        assert [item["form"] for item in here] == [both.form(field, context.mirrored() if theirs else context).value]


def test_an_explanation_names_the_rules_and_the_one_that_came_nearest(signed: Ground) -> None:
    arguments = ("explain", signed.room, "amount", "--mine", "customers", "--theirs", "prospects", "--role")
    (shown,) = signed.json("Acme", *arguments, "admin")["explanations"]
    acme, globex = (signed.world.agents[who].me for who in ("Acme", "Globex"))
    assert shown["form"] == "reduced"
    assert {(item["partner"], item["rule"]) for item in shown["rules"]} == {
        (acme, "bands"),
        (acme, "known"),
        (globex, "known"),
    }
    (hidden,) = signed.json("Acme", *arguments, "seller")["explanations"]
    assert hidden["form"] == "hidden"
    assert hidden["missed"] == {"partner": acme, "rule": "bands", "conditions": ["role"]}
    (later,) = signed.json("Acme", *arguments, "admin", "--at", "2027-04-01")["explanations"]
    assert later["form"] == "hidden"
    (nominated,) = signed.json("Acme", *arguments, "seller", "--nomination", "both")["explanations"]
    assert nominated["form"] == "full"
    assert "for seller" in signed("Acme", *arguments, "seller").out


def test_a_field_or_segment_that_the_room_has_not_is_refused(signed: Ground) -> None:
    assert signed.refused("Acme", "explain", signed.room, "salary") == (Exit.REFUSED, "policy_refused")
    assert signed.refused("Acme", "explain", signed.room, "stage", "--mine", "leads")[1] == "input_refused"
    assert signed.refused("Acme", "view-as", signed.room, "--role", "seller", "--theirs", "leads")[1] == "input_refused"


def test_a_diff_has_widenings_first_and_says_what_it_asks_for(signed: Ground) -> None:
    text = NARROW.replace("grant: reduced, fields: amount", "grant: full, fields: amount").replace(
        "[[customers, prospects]]", "[[customers, customers]]"
    )
    found = signed.json("Acme", "diff", signed.room, signed.file(text, "next.yaml"))
    ways = [item["widens"] for item in found["to_them"]]
    assert ways == sorted(ways, reverse=True)
    assert {(item["field"], item["before"], item["after"]) for item in found["to_them"]} == {
        ("amount", "reduced", "full"),
        ("stage", "hidden", "full"),
        ("stage", "full", "hidden"),
    }
    assert (found["needs_second_person"], found["starts_epoch"], found["to_me"]) == (True, True, [])
    screen = signed("Acme", "diff", signed.room, signed.file(text, "next.yaml")).out
    assert screen.index("wider") < screen.index("narrower")
    assert "customers x prospects" in screen


def test_a_diff_against_a_version_or_a_file(signed: Ground) -> None:
    same = signed.file(NARROW, "same.yaml")
    for arguments in ((), ("--version", "1"), ("--against", same)):
        found = signed.json("Acme", "diff", signed.room, same, *arguments)
        assert (found["to_them"], found["needs_second_person"], found["starts_epoch"]) == ([], False, False)
    assert signed.refused("Acme", "diff", signed.room, same, "--version", "2")[1] == "input_refused"
    assert signed.refused("Acme", "diff", signed.room, same, "--version", "1", "--against", same)[1] == "input_refused"
    anybody = signed.json("Acme", "diff", signed.room, signed.file(OPEN, "o.yaml"), "--against", same, "--as-if-all")
    assert anybody["as_if_other_side_shows_everything"]


def test_what_if_counts_records_from_the_last_answer_and_leaves_the_rest_unknown(signed: Ground) -> None:
    none = signed.json("Acme", "what-if", signed.room, signed.file("rules: []\n", "none.yaml"))
    assert none["to_them"]["closed"] == {"records": 50, "unknown_cells": 7}
    assert none["to_them"]["fields"]["stage"]["less"] == {"records": 30, "unknown_cells": 0}
    assert none["to_me"]["closed"] == {"records": 50, "unknown_cells": 7}
    by_cell = {(item["mine"], item["theirs"]): item["records"] for item in none["to_me"]["changes"]}
    assert (by_cell["customers", "prospects"], by_cell["prospects", "customers"]) == (30, 20)
    assert by_cell["customers", "customers"] is None
    screen = " ".join(signed("Acme", "what-if", signed.room, signed.file("rules: []\n", "none.yaml")).out.split())
    assert "companies opened no more: 50 + 7 cells withheld" in screen


def test_what_if_without_an_answer_is_not_possible_now(made: Ground) -> None:
    assert made.refused("Acme", "what-if", made.room, made.file(OPEN)) == (Exit.NOT_NOW, "no_answer_yet")


def test_no_policy_yet_is_said_and_everything_but_counts_is_hidden(made: Ground) -> None:
    shown = made.json("Acme", "show", made.room)
    assert (shown["version"], shown["yaml"]) == (0, None)
    assert {tuple(cell) for cell in shown["shown"][0]["cells"]} == set(product(DEFAULT_SEGMENTS, DEFAULT_SEGMENTS))
    assert "no policy yet" in made("Acme", "show", made.room).out
    assert "No policy yet, of either side" in made("Acme", "history", made.room).out
