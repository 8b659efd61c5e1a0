"""The decision that the ledger keeps, against the slow oracle and against golden bytes."""

import hashlib
import json
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_builders import GROUND, NOW, OURS, SECOND, THEIRS, deny, grant, ours, policy, sides, theirs
from policy_oracle import ACCOUNT_CHAIN, FIELD_CHAIN, oracle_form
from policy_strategies import FIELDS, INSTANTS, any_sides

from cleanroom.domain.fields import ACCOUNT
from cleanroom.domain.vocabulary import Form, Nomination, Role
from cleanroom.policy.decision import RULES, Decision, decision
from cleanroom.policy.evaluate import Sides
from cleanroom.policy.model import LEVEL, Context

ASYMMETRIC = sides(
    ours(grant("a", "amount", segments=[("customers", "prospects")]), grant("b", "owner_email"), grant("c", "stage")),
    theirs(grant("d", "stage", expires=NOW), deny("e", "account", segments=[("prospects", "prospects")])),
)
"""Existence is denied in one cell; amounts are shown in one; e-mail is capped by its ceiling."""

TABLE = "df16d44f50cfa6de541b51cd23b3bc07a1bfee673023fb64a31837c1761c7a36"


def by_hand(where: Sides, at: datetime) -> list[list[Any]]:
    """[[owner's segment, recipient's, {field: form}], ...] of the agreed cells: the oracle asked for every role."""
    rows: list[list[Any]] = []
    for (i, mine), (j, other) in product(enumerate(GROUND.segments), repeat=2):
        shown = {name: best(where, name, mine, other, at) for name in (ACCOUNT, *FIELDS)}
        if shown[ACCOUNT] == "exists" == best(where.turned(), ACCOUNT, other, mine, at):
            rows.append([i, j, {name: form for name, form in shown.items() if form != "hidden"}])
    return rows


def best(where: Sides, name: str, mine: str, other: str, at: datetime) -> str:
    ids = (where.owner_id, where.recipient_id)
    asked = [Context(mine=mine, theirs=other, purpose=where.use, role=role, at=at) for role in Role]
    found = [oracle_form(where.owner, where.recipient, ids, GROUND, name, each) for each in asked]
    return max(found, key=(ACCOUNT_CHAIN if name == ACCOUNT else FIELD_CHAIN).index)


def digest(rows: list[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@settings(max_examples=40)
@given(any_sides(), st.sampled_from(INSTANTS))
def test_a_decision_is_what_the_oracle_finds_cell_by_cell_in_both_directions(where: Sides, at: datetime) -> None:
    for direction in (where, where.turned()):
        made, expected = decision(direction, at), by_hand(direction, at)
        assert [[i, j, dict(forms)] for (i, j), forms in zip(made.cells, made.forms, strict=True)] == expected
        assert made.table() == digest(expected)


@settings(max_examples=40)
@given(any_sides(), st.sampled_from(INSTANTS))
def test_a_decision_says_what_is_sealed_in_each_agreed_cell(where: Sides, at: datetime) -> None:
    made = decision(where, at)
    assert set(made.cells) == where.agreed_cells(at)
    for (i, j), forms in zip(made.cells, made.forms, strict=True):
        sealed = where.cell_forms(GROUND.segments[i], GROUND.segments[j], at, Nomination.NONE)
        assert forms == {name: form for name, form in sealed.items() if form is not Form.HIDDEN}
        for name, form in forms.items():
            assert LEVEL[made.highest()[name]] >= LEVEL[form]
    assert made.highest().keys() == {name for forms in made.forms for name in forms}


def test_the_golden_table() -> None:
    """RULES moves when this digest does."""
    made = decision(ASYMMETRIC, NOW)
    plain = {"account": "exists", "owner_email": "reduced", "stage": "full"}
    rows = [[0, 0, plain], [0, 1, {**plain, "amount": "full"}], [1, 0, plain]]
    assert by_hand(ASYMMETRIC, NOW) == rows
    assert (made.cells, list(map(dict, made.forms))) == (((0, 0), (0, 1), (1, 0)), [row[2] for row in rows])
    assert (RULES, made.table()) == ("cleanroom/1", digest(rows)) == ("cleanroom/1", TABLE)
    assert made.highest() == {**plain, "amount": "full"}
    assert list(made.highest()) == sorted(made.highest())


def test_the_two_directions_have_their_own_decisions_about_the_same_cells() -> None:
    there, back = decision(ASYMMETRIC, NOW), decision(ASYMMETRIC.turned(), NOW)
    assert {(j, i) for i, j in back.cells} == set(there.cells)
    assert back.table() != there.table()
    assert back.highest() == {"account": "exists"}
    assert decision(ASYMMETRIC.turned(), NOW - SECOND).highest() == {"account": "exists", "stage": "full"}


@pytest.mark.parametrize("where", [sides(None, theirs()), sides(ours(), None), sides(policy(OURS), policy(THEIRS))])
def test_where_nothing_is_agreed_the_decision_is_empty(where: Sides) -> None:
    made = decision(where, NOW)
    assert (made.cells, made.forms, made.highest()) == ((), (), {})
    assert made.table() == hashlib.sha256(b"[]").hexdigest()


def test_the_highest_form_of_a_field_counts_whichever_cell_it_is_in() -> None:
    high, low = {"amount": Form.FULL, "stage": Form.REDUCED}, {"amount": Form.REDUCED}
    for forms in ((high, low), (low, high)):
        assert Decision(cells=((0, 0), (0, 1)), forms=forms).highest() == high


def test_what_only_nominated_accounts_show_is_not_in_the_decision() -> None:
    where = sides(ours(grant("a", "stage", nominations=list(Nomination)[1:])), theirs())
    assert decision(where, NOW).highest() == {"account": "exists"}


def test_the_table_does_not_depend_on_the_order_in_which_forms_were_found() -> None:
    forms = {"stage": Form.FULL, "account": Form.EXISTS, "amount": Form.REDUCED}
    turned = dict(reversed(forms.items()))
    one, two = (Decision(cells=((0, 1),), forms=(each,)) for each in (forms, turned))
    assert one.table() == two.table()
    assert list(one.highest().items()) == list(two.highest().items())


def test_another_cell_form_or_field_is_another_table() -> None:
    forms = {"account": Form.EXISTS, "stage": Form.FULL}
    tables = {
        Decision(cells=(cell,), forms=(shown,)).table()
        for cell in ((0, 1), (1, 0), (0, 0))
        for shown in (forms, {**forms, "stage": Form.REDUCED}, {"account": Form.EXISTS}, {**forms, "amount": Form.FULL})
    }
    assert len(tables) == 12
