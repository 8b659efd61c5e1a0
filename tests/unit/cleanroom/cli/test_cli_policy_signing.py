"""`cleanroom policy`: what people sign, over real agents and a real escrow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from policy_room import OF_USER, OPEN, Ground, ground, push_lists, quiet, with_users
from simulation.world import CHEAP, PASSPHRASE, World, new_world

from cleanroom.agent import policies, users
from cleanroom.agent.user_keys import write_key_file
from cleanroom.cli.exits import Exit
from cleanroom.cli.invocation import Ask
from cleanroom.domain.secret import Secret
from cleanroom.domain.vocabulary import Role

LESS = OPEN.replace("[identity, contact, commercial]", "[identity]")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with quiet(), new_world(tmp_path_factory.mktemp("signing")) as made:
        made.enrol("Acme")
        made.enrol("Globex")
        made.introduce()
        with_users(made)
        yield made


@pytest.fixture
def made(world: World, tmp_path: Path) -> Ground:
    return ground(world, tmp_path)


def answering(*, yes: bool) -> Ask:
    return Ask(text=lambda _: "", secret=lambda _: Secret("never asked"), sure=lambda _: yes)


def test_what_widens_waits_for_another_person_and_then_is_in_force(made: Ground) -> None:
    file = made.file(OPEN)
    proposed = made.json("Acme", "propose", made.room, file, "--user", "Ann")
    assert proposed["in_force"] is None
    assert (proposed["waiting"]["version"], proposed["waiting"]["widens"]) == (1, True)
    assert proposed["diff"]["needs_second_person"]
    assert made.opened("Acme").policy(made.world.agents["Acme"].me) is None
    assert made.refused("Acme", "approve", made.room, "--user", "ann") == (Exit.NOT_NOW, "approver_is_author")
    approved = made.json("Acme", "approve", made.room, "--user", "Bob")
    assert approved["in_force"]["version"] == 1
    assert approved["in_force"]["approver"] == users.find(made.world.agents["Acme"], "Bob").id
    assert made.refused("Acme", "approve", made.room, "--user", "Bob") == (Exit.NOT_NOW, "no_draft")
    written = made.folder / "again.yaml"
    assert made.json("Acme", "show", made.room, "--yaml", str(written))["yaml"] == OPEN
    assert written.read_text() == OPEN


def test_what_narrows_is_in_force_at_once_and_starts_an_epoch(made: Ground) -> None:
    made.in_force("Acme", OPEN, author="Ann", approver="Bob")
    before = made.opened("Acme").epoch
    ended = made("Acme", "propose", made.room, made.file(LESS), "--user", "Bob")
    assert ended.code == Exit.DONE
    assert "In force: version 2" in ended.out
    assert "A new epoch begins" in ended.out
    assert made.opened("Acme").epoch == before + 1


def test_a_partner_of_one_person_approves_alone_after_24_hours_and_the_other_side_sees_it(made: Ground) -> None:
    ended = made("Globex", "propose", made.room, made.file(OPEN), "--user", "Gil")
    assert "Nobody else of yours may approve: its author can, alone, from" in " ".join(ended.out.split())
    made.world.clock.step(hours=23, minutes=59, seconds=59)
    assert made("Globex", "approve", made.room, "--user", "Gil").code == Exit.NOT_NOW
    made.world.clock.step(seconds=1)
    assert made.json("Globex", "approve", made.room, "--user", "Gil")["in_force"]["alone"]
    seen = made.json("Acme", "history", made.room)["versions"]
    assert [(item["alone"], item["approver"], item["yaml"]) for item in seen] == [(True, None, None)]
    assert {"alone,", "24"} <= set(made("Acme", "history", made.room).out.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--user", "Sue"), (Exit.NOT_NOW, "not_an_approver")),
        (("--user", "Nobody"), (Exit.REFUSED, "unknown_user")),
        ((), (Exit.REFUSED, "input_refused")),
        (("--user", "Ann", "--key", "ann.key"), (Exit.REFUSED, "input_refused")),
    ],
)
def test_who_may_not_sign_is_refused(made: Ground, arguments: tuple[str, ...], expected: tuple[int, str]) -> None:
    assert made.refused("Acme", "propose", made.room, made.file(OPEN), *arguments) == expected
    assert made.json("Acme", "history", made.room)["waiting"] == []


def test_the_users_own_passphrase_is_wanted_not_the_homes(made: Ground) -> None:
    arguments = ("propose", made.room, made.file(OPEN), "--user", "Ann", "--json")
    wrong = made("Acme", *arguments, user=PASSPHRASE)
    assert (wrong.code, json.loads(wrong.out)["error"]["code"]) == (Exit.VAULT, "wrong_passphrase")
    missing = made("Acme", *arguments, user=None)
    assert (missing.code, json.loads(missing.out)["error"]["code"]) == (Exit.REFUSED, "passphrase_missing")


def test_on_a_terminal_the_diff_is_shown_and_nothing_is_signed_without_a_yes(made: Ground) -> None:
    arguments = ("propose", made.room, made.file(OPEN), "--user", "Ann")
    ended = made("Acme", *arguments, ask=answering(yes=False))
    assert (ended.code, ended.out) == (Exit.REFUSED, "")
    assert "wider" in ended.err
    assert "in force only when a second person has approved it" in " ".join(ended.err.split())
    assert policies.pending(made.world.agents["Acme"], made.opened("Acme")) is None
    assert made("Acme", *arguments, ask=answering(yes=True)).code == Exit.DONE
    assert made("Acme", "approve", made.room, "--user", "Bob", ask=answering(yes=False)).code == Exit.REFUSED
    assert made.opened("Acme").policy_digest(made.world.agents["Acme"].me) == ""


def test_a_draft_that_was_replaced_while_its_approver_read_is_not_approved(made: Ground) -> None:
    made.json("Acme", "propose", made.room, made.file(LESS), "--user", "Ann")

    def sure(_: str) -> bool:
        made.json("Acme", "propose", made.room, made.file(OPEN), "--user", "Ann")
        return True

    ask = Ask(text=lambda _: "", secret=lambda _: OF_USER, sure=sure)
    ended = made("Acme", "approve", made.room, "--user", "Bob", ask=ask)
    assert ended.code == Exit.NOT_NOW
    assert "another draft waits by now" in ended.err
    assert made.opened("Acme").policy_digest(made.world.agents["Acme"].me) == ""


def test_a_draft_is_approved_on_another_machine_without_a_vault(made: Ground) -> None:
    agent, key = made.world.agents["Acme"], made.folder / "cat.key"
    public = write_key_file(key, "Cat", OF_USER, kdf_cost=CHEAP)
    users.add(agent, f"Cat {made.room}", Role.ADMIN, public_key=public, by=users.unlock(agent, "Ann", OF_USER))
    made.json("Acme", "propose", made.room, made.file(OPEN), "--user", "Ann")
    draft = made.folder / "draft.json"
    made.json("Acme", "export", made.room, "--out", str(draft))
    assert made.refused("Acme", "import", str(draft)) == (Exit.REFUSED, "draft_refused")
    nowhere = ("--home", str(made.folder / "nowhere"))
    signed = made("Acme", "approve", "--draft", str(draft), "--key", str(key), "--json", *nowhere)
    assert signed.code == Exit.DONE
    assert {"field": "notes"} not in json.loads(signed.out)["diff"]["to_them"]
    assert json.loads(signed.out)["diff"]["needs_second_person"]
    assert made.json("Acme", "import", str(draft))["in_force"]["version"] == 1
    assert made.refused("Acme", "import", str(draft)) == (Exit.NOT_NOW, "no_draft")


def test_a_draft_that_was_altered_is_not_signed(made: Ground) -> None:
    key = made.folder / "dan.key"
    write_key_file(key, "Dan", OF_USER, kdf_cost=CHEAP)
    made.json("Acme", "propose", made.room, made.file(LESS), "--user", "Ann")
    draft = made.folder / "draft.json"
    made.json("Acme", "export", made.room, "--out", str(draft))
    text = draft.read_text()
    altered = text.replace(r"\"identity\"", r"\"commercial\"", 1)
    assert altered != text
    draft.write_text(altered)
    code, error = made.refused("Acme", "approve", "--draft", str(draft), "--key", str(key))
    assert (code, error) in {(Exit.VERIFICATION, "document_refused"), (Exit.VERIFICATION, "signature_refused")}
    assert draft.read_text() == altered


def test_a_draft_needs_a_key_file_and_no_room(made: Ground) -> None:
    assert made.refused("Acme", "approve", "--draft", "draft.json") == (Exit.REFUSED, "input_refused")
    assert made.refused("Acme", "approve", made.room, "--draft", "draft.json", "--key", "k")[1] == "input_refused"
    assert made.refused("Acme", "approve", "--user", "Bob")[1] == "input_refused"


def test_revoking_is_immediate_and_leaves_nothing_but_counts(made: Ground) -> None:
    assert made.refused("Acme", "revoke", made.room, "--user", "Ann") == (Exit.NOT_NOW, "no_policy")
    made.in_force("Acme", OPEN, author="Ann", approver="Bob")
    revoked = made.json("Acme", "revoke", made.room, "--user", "Ann")
    assert (revoked["in_force"]["version"], revoked["in_force"]["narrows"]) == (2, True)
    assert {item["after"] for item in revoked["diff"]["to_them"]} == {"hidden", "count"}
    shown = made.json("Acme", "show", made.room)["shown"]
    assert {form for column in shown for form in column["forms"].values()} == {"hidden", "count"}


def test_a_refresh_keeps_the_rules_and_starts_an_epoch(made: Ground) -> None:
    made.in_force("Acme", OPEN, author="Ann", approver="Bob")
    before = made.opened("Acme")
    refreshed = made.json("Acme", "refresh", made.room, "--user", "Bob")["in_force"]
    assert (refreshed["version"], refreshed["fresh_epoch"], refreshed["widens"]) == (2, True, False)
    after = made.opened("Acme")
    me = made.world.agents["Acme"].me
    assert (after.epoch, after.policy(me)) == (before.epoch + 1, before.policy(me))


def test_history_names_my_people_and_shows_ids_of_theirs(made: Ground) -> None:
    made.in_force("Acme", OPEN, author="Ann", approver="Bob")
    made.json(
        "Acme", "propose", made.room, made.file(OPEN.replace("contact, commercial]", "free_text]")), "--user", "Bob"
    )
    mine, theirs = (made(who, "history", made.room).out for who in ("Acme", "Globex"))
    assert "Ann" in mine
    assert "Waiting for approval: Acme's version 2 (wider and narrower, 2 rules), written by Bob" in " ".join(
        mine.split()
    )
    assert "Ann" not in theirs
    assert users.find(made.world.agents["Acme"], "Ann").id[:8] in theirs


def test_requests_reach_the_other_side_with_a_note_that_cannot_steer_a_terminal(made: Ground) -> None:
    note = "for the\x1b[31m renewals"
    asked = made.json("Acme", "request", made.room, "--field", "amount", "--theirs", "prospects", "--note", note)
    assert asked["request"] == 1
    assert [wish["segments"][0] for wish in asked["wishes"]] == ["prospects"] * 3
    made.world.settle(*made.world.agents.values(), room=made.room)
    read = made.json("Globex", "history", made.room)["requests"]
    assert [(item["number"], item["text"]) for item in read] == [(1, note)]
    screen = made("Globex", "history", made.room).out
    assert "\x1b" not in screen
    assert "prospects x any" in " ".join(screen.split())


def test_a_request_for_nothing_or_for_a_form_that_a_field_has_not_is_refused(made: Ground) -> None:
    for field, form in (("account", "full"), ("amount", "exists"), ("amount", "hidden"), ("salary", "full")):
        assert made.refused("Acme", "request", made.room, "--field", field, "--form", form)[0] == Exit.REFUSED
    assert made.json("Acme", "request", made.room)["wishes"] == [
        {"field": "account", "form": "exists", "segments": None}
    ]


def test_who_could_stand_out_is_shown_to_author_and_approver_before_they_sign(world: World, tmp_path: Path) -> None:
    made = ground(world, tmp_path, minimum_population=25)
    push_lists(made)
    arguments = ("propose", made.room, made.file(OPEN), "--user", "Ann")
    assert "Accounts that could stand out by agreeing" in made("Acme", *arguments, ask=answering(yes=False)).err
    thin = made.json("Acme", *arguments)["below_minimum"]
    assert [(item["segment"], item["left_at_least"]) for item in thin["classes"]] == [("customers", 20)]
    asked = made("Acme", "approve", made.room, "--user", "Bob", ask=answering(yes=False))
    assert "Accounts that could stand out by agreeing" in asked.err
    approved = made("Acme", "approve", made.room, "--user", "Bob", "--yes", ask=answering(yes=False))
    assert "Accounts that could stand out by agreeing" in approved.out
    assert made.json("Acme", "propose", made.room, made.file(LESS), "--user", "Ann")["below_minimum"] is None


def test_both_policies_agree_to_cells_and_a_revocation_ends_that(made: Ground) -> None:
    made.in_force("Acme", OPEN, author="Ann", approver="Bob")
    made.json("Globex", "propose", made.room, made.file(OPEN), "--user", "Gil")
    made.world.clock.step(hours=24)
    made.json("Globex", "approve", made.room, "--user", "Gil")
    agreed = made.opened("Acme").sides(made.world.agents["Acme"].me).agreed_cells(made.world.clock())
    assert len(agreed) == 9
    made.json("Globex", "revoke", made.room, "--user", "Gil")
    room = made.opened("Acme")
    assert room.sides(made.world.agents["Acme"].me).agreed_cells(made.world.clock()) == frozenset()
